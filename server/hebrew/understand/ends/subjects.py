"""Turns that end in their subject, before any predicate."""

from server.hebrew.data import Phrases
from server.hebrew.understand.digits import number_in
from server.hebrew.understand.ends.grammar import (
    AND,
    ARTICLE,
    CLASSES,
    JOINED,
    JOINS,
    NOT,
    THIS,
    TIMES,
    WAITING,
    WHO,
    YOURS,
    asks_something,
    bare,
    governed,
    is_definite,
    is_pronoun,
    opened,
)  # fmt: skip

_ADVERBS = Phrases.read("ends/adverbs", prefixes=JOINED)
_IDENTITY = CLASSES["identity"]  # "מי אתה" is complete, "מתי אתה" is not
_BEFORE_PRONOUN, _BEFORE_THIS = CLASSES["before_pronoun"], CLASSES["before_this"]
_KIN, _AGED = CLASSES["kin"], CLASSES["aged"]
_YOU = frozenset(join + "את" for join in ("", *JOINED))
_ANSWERS = ("לא", "גם")  # "אני לא"
_EACH = ("ואחת", "ואחד")  # "אחת עם זיתים ואחת"
_SHORT = 3  # words
_NEAR = 4  # words within which a preposition or "את" also governs a noun added with "and"
_LATELY = 3  # words among which a question word asks for the subject behind it


def pronoun(words: list[str]) -> bool:
    """A pronoun as subject: "אם אתם", "והבעיה היא"; not "מי את", "גם אני", "אתה ואני"."""
    last, before = words[-1], _before(words)
    if last in _YOU:
        return before not in _IDENTITY and before not in THIS
    if not is_pronoun(last):
        return False
    if last.startswith(AND):
        return bool(before) and before not in WHO
    return not (before in _IDENTITY or before in THIS or before in _BEFORE_PRONOUN)


def this(words: list[str]) -> bool:
    """ "This" as subject or copula: "המייל שלי זה", "כי זה"; not "את זה", "כמה זה"."""
    if bare(words[-1]) not in THIS:
        return False
    if len(words) == 1:
        return words[-1] not in THIS
    return _before(words) not in _BEFORE_THIS and not asks_something(words[-1 - _LATELY : -1])


def adverb(words: list[str]) -> bool:
    """An adverb between subject and predicate: "אני כבר", "המחיר קצת", "המזגן כל הזמן"."""
    rest = words
    while length := _ADVERBS.at_end(rest):
        rest = rest[:-length]
    if len(rest) == len(words) or not rest:
        return False
    last = words[-1]
    if rest[-1] in JOINS:  # "ואז פתאום"
        return last not in NOT and last not in TIMES
    if is_pronoun(rest[-1]) or bare(rest[-1]) in THIS:
        answers = len(rest) == 1 and last in _ANSWERS
        governs = bare(rest[-1]) in THIS and _before(rest) in _BEFORE_THIS
        return not (answers or governs or asks_something(rest[-1 - _LATELY :]))
    if rest[-1] in YOURS:
        rest = rest[:-1]
    return last not in TIMES and _is_subject(rest) and not asks_something(rest)  # "התור שלי מחר"


def mine(words: list[str]) -> bool:
    """A possessed noun alone: "המספר שלי", "הבת שלי", "אמא שלי"."""
    rest = opened(words)
    whose = 1 < len(rest) <= _SHORT and rest[-1] in YOURS
    return whose and (is_definite(rest[0]) or rest[0].removeprefix(AND) in _KIN)


def age(words: list[str]) -> bool:
    """An age without its years: "אני בת", "הילד שלי בן"."""
    if len(words) == 1 or words[-1] not in _AGED:
        return False
    return is_pronoun(words[-2]) or words[-2] in YOURS or _is_subject(words[:-1])


def another(words: list[str]) -> bool:
    """A new subject: "בת שש והקטן"; not "עם אשתי והילדים", "המחיר והמיקום", which continue the last one."""
    last, before = words[-1], _before(words)
    if last in _EACH:
        return last.removeprefix(AND) in words and number_in(before) is None
    if not last.startswith(AND + ARTICLE) or not is_definite(last.removeprefix(AND)) or len(words) < _SHORT:
        return False
    beside = is_definite(before) or is_pronoun(before) or before in YOURS
    return not beside and not any(word == "את" or WAITING.at_end([word]) for word in words[-1 - _NEAR : -1])


def _is_subject(words: list[str]) -> bool:
    return bool(words) and is_definite(words[-1]) and not governed(words)


def _before(words: list[str]) -> str:
    """The word before the last, without "and"; "" without one."""
    return words[-2].removeprefix(AND) if len(words) > 1 else ""
