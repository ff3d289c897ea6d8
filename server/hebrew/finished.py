"""Whether the words so far can be all that the caller wants to say (A7). Lists are data."""

import re
from enum import Enum

from server.hebrew.backchannel import is_backchannel
from server.hebrew.data import Phrases
from server.hebrew.digits import digits_at_end, number_in
from server.hebrew.words import words_of


class Ending(Enum):
    UNFINISHED = "unfinished"  # nobody ends a sentence, or a number, like this
    OPEN = "open"  # it may be all, or not
    FINISHED = "finished"  # nothing more is to be expected


_UNFINISHED = Phrases.read("ends_unfinished", "hesitation", prefixes=("ו", "ש", "כש"))
_HESITATION = Phrases.read("hesitation")
_FINISHED = Phrases.read("ends_finished", prefixes=("ו",))
_OPEN = Phrases.read("ends_open")
_POLITE = Phrases.read("ends_politely", prefixes=("ו",))
_BEGINNING = Phrases.read("ends_beginning")
_ABOUT = Phrases(["בערך"])  # waits for its number, unless it stands behind it
_COUNTED = Phrases(["דירת"], prefixes=("ב", "ה", "ל", "מ", "ו"))  # waits for what is counted: "דירת שלושה"
_LETTER_SPELLED = re.compile(r"(?:^|\s)[א-ת]['׳]\W*$")  # "כיתה ב'" is no prefix that waits for its word

_ABROAD = re.compile(r"^972(?=[2-9])")
_STAR = re.compile(r"\*|כוכבית")
_STAR_DIGITS = 4
_TELEPHONE_NAMED = Phrases.read("telephone_named", prefixes=("ה", "ו", "ב"))
# What a telephone number begins with, and how many digits it has.
_TELEPHONES = (
    (re.compile(r"1(?:800|700|801|809|599)\d"), 10),
    (re.compile(r"0[57]"), 10),
    (re.compile(r"0[23489]"), 9),
)


def ending_of(text: str, expected_digits: int | None = None) -> Ending:
    """Judge how ``text`` ends. ``expected_digits``: so many digits are the answer to what was asked."""
    digits = digits_at_end(text)
    of_number = _ending_of_number(text, digits, expected_digits) if digits else Ending.OPEN
    if of_number is not Ending.OPEN:
        return of_number
    words = words_of(text)
    if (is_backchannel(text) and not _HESITATION.make_up(words)) or _LETTER_SPELLED.search(text):
        return Ending.OPEN
    return _ending_of_words(words)


def _ending_of_words(words: list[str]) -> Ending:
    polite = _POLITE.at_end(words)
    if polite:
        return _ending_politely(words[:-polite], words)
    if words and number_in(words[-1]) is not None and _COUNTED.at_end(words[:-1]):
        return Ending.UNFINISHED
    if _ABOUT.at_end(words) and words[:-1] and number_in(words[-2]) is not None:
        return Ending.OPEN
    lengths = {
        Ending.OPEN: _OPEN.at_end(words),
        Ending.UNFINISHED: _UNFINISHED.at_end(words),
        Ending.FINISHED: _FINISHED.at_end(words),
    }
    return max(lengths, key=lambda ending: lengths[ending])  # the longest phrase knows best


def _ending_politely(rest: list[str], words: list[str]) -> Ending:
    """Behind "please" or thanks all is said, unless the ``rest`` of ``words`` only begins something."""
    while _HESITATION.at_end(rest):
        rest = rest[:-1]
    if _BEGINNING.make_up(rest or words):
        return Ending.OPEN
    waits = bool(rest) and ending_of(" ".join(rest)) is Ending.UNFINISHED
    return Ending.UNFINISHED if waits else Ending.FINISHED


def _ending_of_number(text: str, digits: str, expected_digits: int | None) -> Ending:
    if len(digits) == expected_digits:
        return Ending.FINISHED
    ending = _ending_of_telephone(text, digits)
    if expected_digits is None or ending is Ending.FINISHED:
        return ending
    return Ending.UNFINISHED if len(digits) < expected_digits else Ending.OPEN


def _ending_of_telephone(text: str, digits: str) -> Ending:
    """OPEN for what is no telephone number of ours, or too long for one."""
    if digits_at_end(_STAR.split(text)[-1]) == digits and _STAR.search(text):
        return _by_length(digits, _STAR_DIGITS)
    if digits == "0":
        return Ending.UNFINISHED if _TELEPHONE_NAMED.within(words_of(text)) else Ending.OPEN
    digits = _ABROAD.sub("0", digits)
    lengths = (length for start, length in _TELEPHONES if start.match(digits))
    return next((_by_length(digits, length) for length in lengths), Ending.OPEN)


def _by_length(digits: str, whole: int) -> Ending:
    if len(digits) == whole:
        return Ending.FINISHED
    return Ending.UNFINISHED if len(digits) < whole else Ending.OPEN
