"""Turns that only ask to listen, think aloud, or look for something."""

from server.hebrew.data import Phrases
from server.hebrew.understand.ends.grammar import CLASSES, asks
from server.hebrew.understand.speech_acts import asks_to_repeat
from server.hebrew.understand.verbs import verb_in

_OPENERS = Phrases.read("ends/openers", prefixes=("ו",))
_VOCATIVES = Phrases.read("ends/vocatives")
_ALOUD = Phrases.read("ends/aloud", prefixes=("ו",))
_LATELY = 7  # last words, among which thinking aloud counts: "איפה שמתי את הפתק"
_MOMENT, _NO_MOMENT = CLASSES["moment"], CLASSES["no_moment"]
_ORDINAL = ("שנייה", "שניה")  # "קומה שנייה"
_FEMININE = ("ה", "ת")
_MIN_SAID = 2  # words behind "רגע"
_TO_US = CLASSES["to_you"] | CLASSES["wishes"]
_HOW, _I = "איך", "אני"
_I_SHALL = "א"
_NOT_I_SHALL = ("אמר", "אומר")  # verbs that also begin with א


def opens_a_story(words: list[str]) -> bool:
    """Whether the turn only announces a story: "תקשיבי מותק", "אז הסיפור הוא ככה", "יש לי שאלה"."""
    while (length := _VOCATIVES.at_end(words)) and len(words) > length:
        words = words[:-length]
    return bool(_OPENERS.at_end(words))


def thinks_aloud(words: list[str]) -> bool:
    """Thinking aloud: "אני לא כל כך איך אומרים", "רגע איפה שמתי את הפתק", "רגע זה מטושטש פה"."""
    if _ALOUD.at_end(words):
        return True
    lately = range(max(len(words) - _LATELY, 0), len(words))
    return any(_asks_myself(words[start:]) or _takes_a_moment(words, start) for start in lately)


def _asks_myself(words: list[str]) -> bool:
    """A question to oneself, that only the caller can answer: "איפה שמתי את הפתק", "איך אני אסביר לך"."""
    if len(words) == 1 or not asks(words[0]):
        return False
    if not words[0].endswith(_HOW):
        return words[1] in CLASSES["mislaid"]
    told = words[2:3] if words[1] == _I else words[1:2]
    verb = verb_in(told[0]) if told else None
    return verb is not None and verb.gives and told[0][0] == _I_SHALL and not told[0].startswith(_NOT_I_SHALL)


def _takes_a_moment(words: list[str], start: int) -> bool:
    """ "רגע" with words behind it that are no request to the agent, unlike "רגע, אתה רובוט"."""
    behind = words[start + 1 :]
    if words[start] not in _MOMENT or len(behind) < _MIN_SAID:
        return False
    before = words[start - 1] if start else ""
    if before in _NO_MOMENT or (words[start] in _ORDINAL and before.endswith(_FEMININE)):
        return False
    to_us = any(asks(word) or word in _TO_US for word in behind)
    return not to_us and not asks_to_repeat(" ".join(behind))
