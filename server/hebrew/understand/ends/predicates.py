"""Turns that end in a verb, or in "there is", before its complement."""

from server.hebrew.data import lines_of
from server.hebrew.understand.ends.grammar import (
    AND,
    ASKING,
    CLASSES,
    JOINS,
    NOT,
    THAT,
    THIS,
    TO_ME,
    WHO,
    YOURS,
    asks,
    asks_something,
    bare,
    is_definite,
    is_pronoun,
    opened,
)  # fmt: skip
from server.hebrew.understand.verbs import verb_in

_HAD = frozenset(lines_of("ends/gives"))
_BEFALLS = CLASSES["befalls"]
_ALREADY = "כבר"  # "כבר אמרתי לך"
_HERE, _WHICH = CLASSES["here"], CLASSES["which"]
_BEFORE_CAN, _BEFORE_THERE_IS = CLASSES["before_can"], CLASSES["before_there_is"]
_THERE_IS, _NONE, _CAN = "יש", "אין", "אפשר"
_JOINED_THERE_IS = frozenset(("ויש", "ואין", "כשיש", "כשאין", "שאין", "ואפשר"))
_WHETHER, _IF, _OR = "האם", "אם", "או"
_SHORT = 3  # words of an answer: "כן אני רוצה", "לא אין לי"
_DENIED = 3  # words before a verb, among which a "no" denies it
_YES = ("כן", "גם", "בטח")
_BEFORE_OBJECT = ("את", "ככה", "כך")  # "את זה אני רוצה"
_ALL = ("הכול", "הכל")
_SURE = ("כי", "ברור", "בטוח", "בטוחה")  # behind these, "that" begins a statement


def verb_waits(words: list[str]) -> bool:
    """A verb without its complement: "אני מחפש", "רציתי לשאול"; not "מה אני מחפש", "אני לא רוצה"."""
    verb = verb_in(words[-1])
    if verb is None or not verb.waits:
        return False
    answers = not verb.finite and len(opened(words)) == 1  # "להזמין" chooses between two offers
    return not answers and not _is_answered(words[:-1], verb.prefix)


def to_me(words: list[str]) -> bool:
    """ "To me" without the thing: "יש לי", "תגידי לי", "היה לי פה"; not "כן יש לי", "מתאים לי"."""
    while len(words) > 2 and words[-1] in _HERE:
        words = words[:-1]
    if len(words) == 1 or words[-1] not in TO_ME:
        return False
    giving, before = words[-2], words[:-2]
    verb = verb_in(giving)
    if giving.removeprefix(AND).removeprefix(THAT) not in _HAD and not (verb and verb.gives):
        return False
    if giving.endswith(_NONE):
        return len(opened(words)) > _SHORT and before[-1] not in NOT
    if before[-1:] == [_ALREADY] or (giving in _BEFALLS and before and _is_told_of(before[-1])):
        return False
    return not _is_answered(before) and words[0] not in NOT


def _is_told_of(word: str) -> bool:
    """Whether the subject was named: "הראש כואב לי", "זה קרה לי"."""
    return is_definite(word) or word in THIS or word in YOURS


def there_is(words: list[str]) -> bool:
    """ "There is" or "can" alone: "האם יש", "כי אין", "אפשר"; not "כן יש", "מה יש", "איפה אפשר", "יש"."""
    last, before = words[-1], words[:-1]
    if last == _CAN:
        return not before or not _can_answers(before)
    if not before:
        return False
    if last in _JOINED_THERE_IS:
        return True
    return last in (_THERE_IS, _NONE) and (before[-1] in _BEFORE_THERE_IS or is_pronoun(before[-1]))


def _can_answers(before: list[str]) -> bool:
    """Whether "can" is complete: "מתי אפשר", "כן אפשר", "אם אפשר" alone."""
    asked = any(asks(word) for word in before) and _WHETHER not in before
    return asked or before[-1] in _BEFORE_CAN or before == [_IF]


def question_word(words: list[str]) -> bool:
    """A question word without its clause: "תגידי לי מה", "רציתי לדעת איפה", "איזה"; not "עם מי", "למה"."""
    if words[-1] not in ASKING or any(word in NOT for word in words):
        return False
    if words[-1] in _WHICH or len(words) < _SHORT:
        return words[-1] in _WHICH
    verb = verb_in(words[-2])
    return words[-2] in TO_ME or (verb is not None and (verb.waits or not verb.finite))


def _is_answered(before: list[str], prefix: str = "") -> bool:
    """Whether the verb needs no more: its complement precedes, it is denied, or a short yes repeats it."""
    if not before:
        return False
    start = next((i for i in range(len(before), 0, -1) if before[i - 1] in JOINS), 0)
    clause = [word for word in before[start:] if word != _WHETHER]
    denied = any(word in NOT for word in clause[-_DENIED:])
    said = bool(clause) and (clause[0] in _BEFORE_OBJECT or clause[-1] in _ALL)
    repeated = before[0] in _YES and len(before) <= _SHORT
    either = before[-1] == _OR  # "לקנות או לשכור"
    return denied or said or repeated or either or asks_something(clause) or _is_relative(before, prefix)


def _is_relative(before: list[str], prefix: str) -> bool:
    """Whether the verb is in a relative clause: "הדירה שאני מחפש", "כמו שאמרתי"; not "אמרו לי שאני צריך"."""
    if prefix.endswith(THAT) and prefix != "כש":
        return not _tells(before[-1])
    if before[-1].startswith(THAT) and bare(before[-1]) in WHO:
        return len(before) > 1 and not _tells(before[-2])
    return False


def _tells(word: str) -> bool:
    return word in TO_ME or word in _SURE or verb_in(word) is not None
