"""What a listener says while the other goes on, and what stops the other (D4). Lists are data."""

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
_PRAISE = _THANKS | Phrases([_GRADE])  # while no number of ours could be meant
_AROUND = Phrases.read("listening/built:around", prefixes=_AND)  # names and little words: nothing alone
_BEFORE_OURS, _BEFORE_STOPS = _THANKS | _AROUND, NODS | _AROUND
_INTERRUPTS = Phrases.read("listening/stops", prefixes=("ו",))
_INTERRUPTS_ALONE = Phrases.read("listening/stops_alone", prefixes=("ו",))
_INTERRUPTS_ANYWHERE = Phrases.read("listening/stops_anywhere", prefixes=("ו", "ש"))
_PEOPLE = Phrases.read(
    "people/called", "people/wished", prefixes=("ו", "ה", "ל", "ב", "מ", "ש", "וה", "שה", "מה")
)
_LITTLE = Phrases.read("answers/said_back_around")  # of ours, these say nothing of it
_LAUGHTER = re.compile(r"(?<!\w)(?:ח{2,}ה?|[חה]?ה{2,}|(?:ח[הי]?){2,}|(?:ה[יא]){2,}|(?:ha){2,})(?!\w)")
_LAUGH, _SOUND = "חח", "אה"
_HUMMING = re.compile(r"[אהמם]+")
_NO_SOUNDS = frozenset(lines_of("listening/sounds_not"))
_MOST_WORDS = 9  # who says more than that speaks
_LEAST_OF_OURS = 2  # a word of ours alone may be chosen, or asked about


def is_backchannel(text: str) -> bool:
    """All of ``text`` only shows that the caller listens. Whether it answers a question, the core knows."""
    return _are(_words(text), NODS)


def only_listens(text: str, spoken: str, *, asked: bool) -> bool:
    """``text`` over our voice, which has ``spoken`` of late: nods, thanks, praise, or our own words again.

    ``asked``: we were asking something; then who agrees, thanks, or takes up our words has answered.
    """
    words = _words(text)
    if len(words) > _MOST_WORDS or "?" in text or _stops_anywhere(words):
        return False
    if asked:
        return _are(words, _HEARS)
    graded = _GRADE in words and not any(map(_is_number, words_of(spoken)))
    if _are(words, _PRAISE if graded else _THANKS):
        return True
    return any(says_again(span, spoken) for span in _of_ours(words, spoken)) and not _begins_to_speak(words)


def is_interrupt(text: str) -> bool:
    """The caller wants us to stop: said at once or behind backchannel; a command, or a person, anywhere."""
    words = _words(text)
    return _stops_anywhere(words) or (_begins_to_speak(words) and not _are(words, NODS))


def _words(text: str) -> list[str]:
    """As they are looked for: laughter and humming are spelled anyhow."""
    words = words_of(_LAUGHTER.sub(_LAUGH, text))
    return [_SOUND if _HUMMING.fullmatch(word) and word not in _NO_SOUNDS else word for word in words]


def _are(words: list[str], says: Phrases) -> bool:
    """Whether ``words`` are phrases of ``says`` and nothing else, but for what stands around them."""
    said = {0: False}  # places reached → with more than what stands around
    for start in range(len(words)):
        if start in said:
            said |= dict.fromkeys(says.ends(words, start), True)
            for end in _AROUND.ends(words, start):
                said[end] = said.get(end, False) or said[start]
    return said.get(len(words), False)


def _of_ours(words: list[str], spoken: str) -> Iterator[list[str]]:
    """What may be our own words in ``words``, all but nods: one beside a nod, or two alone."""
    ours = may_be_of(spoken, words)
    if not any(ours):
        return
    for start in sorted(_BEFORE_OURS.reach(words)):
        for end in range(len(words), start, -1):
            beside = start > 0 or end < len(words)
            if end - start >= (1 if beside else _LEAST_OF_OURS) and all(ours[start:end]):
                if _LITTLE.make_up(words[start:end]):
                    continue  # "אני לא מאמין לך", where we have said "שלך"
                if end == len(words) or _are(words[end:], _THANKS):
                    yield words[start:end]


def _is_number(word: str) -> bool:
    return number_in(word) is not None


def _stops_anywhere(words: list[str]) -> bool:
    return _INTERRUPTS_ANYWHERE.within(words) or _PEOPLE.within(words)


def _begins_to_speak(words: list[str]) -> bool:
    """Behind nods or at once there is a word that stops us, and no longer phrase of a listener's: "לא רע"."""
    alone = len(words) - _MOST_WORDS  # behind more than that, nothing else is said at the end
    return any(
        _stops(words, start) or (start >= alone and _INTERRUPTS_ALONE.make_up(words[start:]))
        for start in _BEFORE_STOPS.reach(words)
        if start < len(words)
    )


def _stops(words: list[str], start: int) -> bool:
    length = _INTERRUPTS.at(words, start)
    return length > 0 and length > max(NODS.ends(words, start), default=start) - start
