"""Speech acts of a caller: taking leave, asking for a person, asking to repeat. Lists are data.

Taking leave and asking for a person act by rule: they end or transfer the call. Therefore only unambiguous
turns count, made of listed words alone; the LLM judges all others (F2, F3).
"""

import re

from server.hebrew.data import Phrases
from server.hebrew.understand.repeating import asks_to_repeat
from server.hebrew.words import words_of

__all__ = ["asks_to_repeat", "says_goodbye", "takes_leave", "wants_person"]

_GOODBYE = Phrases.read("leaving/goodbye", prefixes=("ו",))
_THANKS = Phrases.read("thanks", prefixes=("ו",))
_WISH = Phrases.read("leaving/wish", prefixes=("ו",))
_PARTING = Phrases.read(
    "leaving/goodbye", "leaving/wish", "leaving/around", "thanks", "courtesy", prefixes=("ו",)
)

_CLAUSE = re.compile(r"[,.;:!?…\n]+")
_CALLED = Phrases.read("people/called", prefixes=("ה", "ל", "ב", "מ", "ו"))
_WISHED = Phrases.read("people/called", "people/wished", prefixes=("ה", "ל", "ב", "מ", "ו"))
_WISHING = Phrases.read("people/wish", prefixes=("ל",))
_CALLING = Phrases.read(
    "people/called", "people/wished", "people/around", "people/wish", "courtesy", prefixes=("ל",)
)
_ORDERING = Phrases.read("people/order", "courtesy")
_ORDER = Phrases.read("people/order")
_TOLD = Phrases(["אמרתי", "אומר", "אומרת"])
_NO, _TO = "לא", "ל"
_I = "אני"


def says_goodbye(text: str) -> bool:
    """Whether all of ``text`` is leave-taking (F2): "bye" or a synonym, with thanks, wishes and nods."""
    words = words_of(text)
    return _PARTING.make_up(words) and _GOODBYE.within(words)


def takes_leave(text: str) -> bool:
    """Like ``says_goodbye``, or thanks and a wish, "תודה ויום טוב", for use where no LLM can judge more."""
    words = words_of(text)
    return _PARTING.make_up(words) and (_GOODBYE.within(words) or _wishes_well(words))


def _wishes_well(words: list[str]) -> bool:
    """Whether thanks precede the wish. Behind it they answer a greeting of the agent."""
    first = next((place for place in range(len(words)) if _WISH.at(words, place)), len(words))
    return first < len(words) and _THANKS.within(words[:first])


def wants_person(text: str) -> bool:
    """Whether the whole turn, or its last clause, asks for a person: "נציג", "אפשר לדבר עם נציג" (F3)."""
    last = [words for clause in _CLAUSE.split(text) if (words := words_of(clause))][-1:]
    return any(map(_calls_for_person, (words_of(text), *last)))


def _calls_for_person(words: list[str]) -> bool:
    if words and words[0] == _NO:  # "לא, אני רוצה נציג"; but "לא רוצה נציג" declines one
        return words[1:2] == [_I] and _calls_for_person(words[1:])
    if _ORDERING.make_up(words) and _ORDER.within(words):
        return True
    named = _CALLED.within(words) or (_WISHED.within(words) and _WISHING.within(words))
    return named and _CALLING.make_up(words) and not _tells_one(words)


def _tells_one(words: list[str]) -> bool:
    """Whether a report mentions a person: "כבר אמרתי לנציג"; not "אמרתי נציג", "אמרתי לדבר עם נציג"."""
    return any(
        word.startswith(_TO) and _WISHED.at(words, place) and _TOLD.at_end(words[:place])
        for place, word in enumerate(words)
    )
