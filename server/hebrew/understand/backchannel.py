"""Backchannel, the words of a listener, and interruptions (D4). Lists are data."""

import re
from collections.abc import Iterator

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.digits import number_in
from server.hebrew.understand.echo import may_be_of, says_again
from server.hebrew.words import words_of

_AND = ("ו",)
_GRADE = "עשר"
_HEARS = Phrases.read("listening/built:hears", prefixes=_AND)
NODS = _HEARS | Phrases.read("listening/built:agrees", "listening/nods", prefixes=_AND)
_THANKS = NODS | Phrases.read("listening/built:thanks", prefixes=_AND)
_PRAISE = _THANKS | Phrases([_GRADE])  # used unless the agent has just said a number
_AROUND = Phrases.read("listening/built:around", prefixes=_AND)  # names and particles: no meaning alone
_BEFORE_REPEATED, _BEFORE_STOPS = _THANKS | _AROUND, NODS | _AROUND
_INTERRUPTS = Phrases.read("listening/stops", prefixes=("ו",))
_INTERRUPTS_ALONE = Phrases.read("listening/stops_alone", prefixes=("ו",))
_INTERRUPTS_ANYWHERE = Phrases.read("listening/stops_anywhere", prefixes=("ו", "ש"))
_PEOPLE = Phrases.read(
    "people/called", "people/wished", prefixes=("ו", "ה", "ל", "ב", "מ", "ש", "וה", "שה", "מה")
)
_LITTLE = Phrases.read("answers/said_back_around")  # particles, which do not identify the agent's words
_LAUGHTER = re.compile(r"(?<!\w)(?:ח{2,}ה?|[חה]?ה{2,}|(?:ח[הי]?){2,}|(?:ה[יא]){2,}|(?:ha){2,})(?!\w)")
_LAUGH, _SOUND = "חח", "אה"
_HUMMING = re.compile(r"[אהמם]+")
_NO_SOUNDS = frozenset(lines_of("listening/sounds_not"))
_MOST_WORDS = 9  # a longer utterance is a turn
_LEAST_REPEATED = 2  # a single word of the agent's may be a choice or a question


def is_backchannel(text: str) -> bool:
    """Whether all of ``text`` is backchannel. It may still be an answer to a question; the core decides."""
    return _are(_words(text), NODS)


def only_listens(text: str, spoken: str, *, asked: bool) -> bool:
    """Whether ``text``, heard during playout of ``spoken``, only shows a listener: nods, thanks, praise.

    Repeated words of the agent count too. ``asked``: the agent was asking; then agreement, thanks and
    repeated words are answers, not backchannel.
    """
    words = _words(text)
    if len(words) > _MOST_WORDS or "?" in text or _stops_anywhere(words):
        return False
    if asked:
        return _are(words, _HEARS)
    graded = _GRADE in words and not any(map(_is_number, words_of(spoken)))
    if _are(words, _PRAISE if graded else _THANKS):
        return True
    return any(says_again(span, spoken) for span in _repeated(words, spoken)) and not _begins_to_speak(words)


def is_interrupt(text: str) -> bool:
    """Whether the caller interrupts: by a word first or behind nods, by an order or a person anywhere."""
    words = _words(text)
    return _stops_anywhere(words) or (_begins_to_speak(words) and not _are(words, NODS))


def _words(text: str) -> list[str]:
    """The words, with every spelling of laughter and humming replaced by one."""
    words = words_of(_LAUGHTER.sub(_LAUGH, text))
    return [_SOUND if _HUMMING.fullmatch(word) and word not in _NO_SOUNDS else word for word in words]


def _are(words: list[str], says: Phrases) -> bool:
    """Whether ``words`` are phrases of ``says`` with neutral words around them, and nothing else."""
    said = {0: False}  # position reached → whether by more than neutral words
    for start in range(len(words)):
        if start in said:
            said |= dict.fromkeys(says.ends(words, start), True)
            for end in _AROUND.ends(words, start):
                said[end] = said.get(end, False) or said[start]
    return said.get(len(words), False)


def _repeated(words: list[str], spoken: str) -> Iterator[list[str]]:
    """Spans that may repeat the agent's words, with only nods around: one word beside a nod, or two alone."""
    repeated = may_be_of(spoken, words)
    if not any(repeated):
        return
    for start in sorted(_BEFORE_REPEATED.reach(words)):
        for end in range(len(words), start, -1):
            beside = start > 0 or end < len(words)
            if end - start >= (1 if beside else _LEAST_REPEATED) and all(repeated[start:end]):
                if _LITTLE.make_up(words[start:end]):
                    continue  # "אני לא מאמין לך", where the agent has said "שלך"
                if end == len(words) or _are(words[end:], _THANKS):
                    yield words[start:end]


def _is_number(word: str) -> bool:
    return number_in(word) is not None


def _stops_anywhere(words: list[str]) -> bool:
    return _INTERRUPTS_ANYWHERE.within(words) or _PEOPLE.within(words)


def _begins_to_speak(words: list[str]) -> bool:
    """Whether an interrupting word follows at the start or behind nods, and begins no longer nod: "לא רע"."""
    alone = len(words) - _MOST_WORDS  # where a phrase that must end the turn may begin
    return any(
        _stops(words, start) or (start >= alone and _INTERRUPTS_ALONE.make_up(words[start:]))
        for start in _BEFORE_STOPS.reach(words)
        if start < len(words)
    )


def _stops(words: list[str], start: int) -> bool:
    length = _INTERRUPTS.at(words, start)
    return length > 0 and length > max(NODS.ends(words, start), default=start) - start
