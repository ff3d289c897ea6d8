"""What a caller does by saying it: takes leave, asks for a person, asks to hear it again. Lists are data.

The first two end a call or hand it over by rule. So they say yes only to what cannot mean anything else, all
of it made of words that are listed; whatever else is said is for the LLM to judge (F2, F3).
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
    """All of ``text`` is leave-taking (F2): "bye" or its like, and thanks, wishes and nods around it."""
    words = words_of(text)
    return _PARTING.make_up(words) and _GOODBYE.within(words)


def takes_leave(text: str) -> bool:
    """That, or thanks and a wish alone, "תודה ויום טוב", where no LLM can tell it from more."""
    words = words_of(text)
    return _PARTING.make_up(words) and (_GOODBYE.within(words) or _wishes_well(words))


def _wishes_well(words: list[str]) -> bool:
    """Thanks come before the wish: behind it they are the answer to a greeting of ours."""
    first = next((place for place in range(len(words)) if _WISH.at(words, place)), len(words))
    return first < len(words) and _THANKS.within(words[:first])


def wants_person(text: str) -> bool:
    """All that is said, or the last of it, calls for a human being: "נציג", "אפשר לדבר עם נציג" (F3)."""
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
    """It was told to somebody: "כבר אמרתי לנציג"; but "אמרתי נציג", "אמרתי לדבר עם נציג"."""
    return any(
        word.startswith(_TO) and _WISHED.at(words, place) and _TOLD.at_end(words[:place])
        for place, word in enumerate(words)
    )
