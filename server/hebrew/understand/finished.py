"""Whether the words so far can be the caller's whole turn (A7). Lists are data."""

import re

from server.hebrew.data import Phrases
from server.hebrew.understand.backchannel import is_backchannel
from server.hebrew.understand.ends.aloud import opens_a_story, thinks_aloud
from server.hebrew.understand.ends.clauses import only_begins
from server.hebrew.understand.ends.ending import Ending
from server.hebrew.understand.ends.last_words import last_words_wait, open_at_end
from server.hebrew.understand.ends.numbers import ending_of_number, lacks_hundreds, lacks_years
from server.hebrew.understand.ends.spelling import ending_of_spelled
from server.hebrew.understand.waiting import words_ask_to_wait
from server.hebrew.words import words_of

__all__ = ["Ending", "ending_of"]

_HESITATION = Phrases.read("hesitation")
_DRAWN_OUT = Phrases(["אהה"])  # alone it is a nod, behind other words a hesitation
_FINISHED = Phrases.read("ends/finished", prefixes=("ו",))
_POLITE = Phrases.read("ends/politely", prefixes=("ו",))
_BEGINNING = Phrases.read("ends/beginning")
_LETTER_SPELLED = re.compile(r"(?:^|\s)[א-ת]['׳]\W*$")  # "כיתה ב'": a name, not a prefix letter
_LATELY = 10  # last words, among which a request to wait counts


def ending_of(text: str, expected_digits: int | None = None, *, stt_ends: bool = False) -> Ending:
    """Judges how ``text`` ends. ``expected_digits``: the number of digits that answers the question.

    ``stt_ends``: by an STT that hears the meaning a turn may end here. That releases what nothing holds, and
    takes a hold back; a number that is not whole, and a request to wait, are no end for all that.
    """
    of_number = ending_of_number(text, expected_digits)
    if of_number is not Ending.OPEN:
        return of_number
    words = words_of(text)
    if not stt_ends or words_ask_to_wait(words[-_LATELY:]):
        return _ending_of_text(text, words)
    return Ending.OPEN if _ending_of_text(text, words) is Ending.UNFINISHED else Ending.FINISHED


def _ending_of_text(text: str, words: list[str]) -> Ending:
    spelled = ending_of_spelled(words)
    if spelled is not None:
        return spelled
    if not words or _LETTER_SPELLED.search(text):
        return Ending.OPEN
    if words_ask_to_wait(words[-_LATELY:]):
        return Ending.UNFINISHED
    if is_backchannel(text) and not _HESITATION.make_up(words):
        return Ending.OPEN
    return _ending_of_words(words, asked=text.rstrip().endswith("?"))


def _ending_of_words(words: list[str], asked: bool = False) -> Ending:
    polite = _POLITE.at_end(words)
    if polite:
        return _ending_politely(words[:-polite], words)
    if lacks_hundreds(words) or lacks_years(words):
        return Ending.UNFINISHED
    if finished := _FINISHED.at_end(words):
        return Ending.FINISHED if finished > open_at_end(words) else Ending.OPEN
    if len(words) > 1 and _DRAWN_OUT.at_end(words):
        return Ending.UNFINISHED
    if asked and _HESITATION.make_up(words):  # "אה?"
        return Ending.OPEN
    waits = last_words_wait(words) or thinks_aloud(words)
    waits = waits or (not asked and (opens_a_story(words) or only_begins(words)))
    return Ending.UNFINISHED if waits else Ending.OPEN


def _ending_politely(rest: list[str], words: list[str]) -> Ending:
    """A turn that ends in "please" or thanks is finished, unless ``rest``, before that, is incomplete."""
    while _HESITATION.at_end(rest):
        rest = rest[:-1]
    if _BEGINNING.make_up(rest or words):
        return Ending.OPEN
    waits = bool(rest) and ending_of(" ".join(rest)) is Ending.UNFINISHED
    return Ending.UNFINISHED if waits else Ending.FINISHED
