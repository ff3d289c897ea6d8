"""Incomplete turns: a clause that needs a second one, or a noun without its predicate."""

from server.hebrew.data import Phrases
from server.hebrew.understand.ends.grammar import (
    ADJECTIVES,
    AND,
    ARTICLE,
    CLASSES,
    NOT,
    PREDICATES,
    THAT,
    THIS,
    YOURS,
    asks,
    bare,
    binds,
    is_definite,
    is_pronoun,
    opened,
)  # fmt: skip
from server.hebrew.understand.verbs import verb_in

_SUBORDINATE = Phrases.read("ends/subordinate")
_BEFORE_THAT = Phrases.read("ends/before_that")
_BEFORE_AND = Phrases(["היות", "מאחר", "במידה", "הואיל"])  # "היות ואני"
_FIRST = Phrases.read("ends/first")
_BEFORE_PRONOUN = CLASSES["before_pronoun"] | {"או"}
_BEFORE_CLAUSE, _MAIN_CLAUSE = CLASSES["before_clause"], CLASSES["main_clause"]
_IF, _CAN = "אם", ("אפשר", "תוכל", "תוכלי", "תוכלו", "ניתן")  # "אם אפשר" is polite, no condition
_AND_OPENS = ("וכש", "ואם")
_WHEN, _MIN_WHEN = "כש", 4  # letters of a word with "when"
_LONGEST = 5  # words that open a clause
_WAS = ("היה", "הייתי", "הייתה")  # a verb behind these belongs to the same predicate
_OBJECT, _AND_OBJECT, _OF = "את", "ואת", "של"
_PARTICIPLE = "מ"
_PARTICIPLE_LETTERS = range(4, 8)  # of an unlisted verb: "מטפטף"


def only_begins(words: list[str]) -> bool:
    """Whether ``words`` open something that must follow."""
    rest = opened(words)
    return bool(rest) and any(rule(rest) for rule in (_subordinate, _noun, _object, _first))


def _subordinate(words: list[str]) -> bool:
    """A subordinate clause without its main clause: "אם אני בא ביום שלישי", "מאז שקניתי אצלכם את הרכב"."""
    for start in range(len(words) - 1, -1, -1):
        begins = not start or words[start - 1] in _BEFORE_CLAUSE or words[start].startswith(_AND_OPENS)
        length = _opens_clause(words[start : start + _LONGEST]) if begins else None
        if length is not None:
            inside = words[start + length :]
            polite = words[start].endswith(_IF) and bool(inside) and inside[0] in _CAN
            return not polite and not _second_clause(inside)
    return False


def _opens_clause(words: list[str]) -> int | None:
    """The number of words that open a clause, without the word that carries "that"; None for no opening."""
    first = words[0].removeprefix(AND)
    if first.startswith(_WHEN) and len(first) >= _MIN_WHEN and binds(first.removeprefix("כ")):
        return 0
    words = [first, *words[1:]]
    if length := _SUBORDINATE.at(words, 0):
        return length
    for openers, joined in ((_BEFORE_THAT, binds), (_BEFORE_AND, lambda word: word.startswith(AND))):
        length = openers.at(words, 0)
        if length and len(words) > length and joined(words[length]):
            return length
    return None


def _second_clause(words: list[str]) -> bool:
    """Whether a main clause follows: a second predicate without "that", a new subject, or a question."""
    told = 0
    for place, word in enumerate(words):
        if place and (asks(word) or word in _MAIN_CLAUSE):
            return True
        new = told or (place > 1 and words[place - 1] not in _BEFORE_PRONOUN)  # "אם אתם פתוחים, אני בא"
        if place and new and is_pronoun(word) and word == bare(word):
            return True
        told += _tells(word, words[place - 1] if place else "")
    return told > 1


def _tells(word: str, before: str) -> bool:
    """Whether ``word`` is a predicate of its own ("there is", "one can" too), not behind "that" or "was"."""
    if before in _WAS:
        return False
    verb = verb_in(word)
    if verb is None:
        return word in PREDICATES or (is_pronoun(before) and _may_be_participle(word))
    return verb.finite and (not verb.prefix.endswith(THAT) or not before)


def _noun(words: list[str]) -> bool:
    """A noun with its relative clause, but without a predicate: "המזגן שהתקנתם לנו בסלון"."""
    start = _noun_length(words)
    if not start or start >= len(words) or not binds(words[start]):
        return False
    inside = words[start + 1 :]
    if verb_in(words[start]) is None:  # "שאני קניתי", "שהטכנאי תיקן": the clause owns the first verb
        first = next((i for i, word in enumerate(inside) if verb_in(word) is not None), None)
        if first is None:
            return False
        inside = inside[first + 1 :]
    return not any(_may_tell(word) for word in inside)


def _noun_length(words: list[str]) -> int:
    """The number of words of the noun that opens the turn, or 0: "המכשיר הזה", "הרכב של הבת שלי"."""
    if not is_definite(words[0]):
        return 0
    ends = (
        i for i, word in enumerate(words) if not (word in YOURS or word == _OF or word.startswith(ARTICLE))
    )
    return next(ends, len(words))


def _may_tell(word: str) -> bool:
    """Whether ``word`` can be a predicate; true in doubt."""
    verb = verb_in(word)
    if verb is not None:
        return verb.finite and not verb.prefix
    known = (PREDICATES, ADJECTIVES, NOT, THIS, CLASSES["told_with"])
    return _may_be_participle(word) or any(word in words for words in known) or asks(word) or is_pronoun(word)


def _may_be_participle(word: str) -> bool:
    return word.startswith(_PARTICIPLE) and len(word) in _PARTICIPLE_LETTERS


def _object(words: list[str]) -> bool:
    """A second object without its verb: "את החצי הראשון אני משלם עכשיו ואת החצי השני"."""
    if words[0] != _OBJECT or _AND_OBJECT not in words:
        return False
    behind = words[::-1][: words[::-1].index(_AND_OBJECT)]
    return not any(_may_tell(word) for word in behind)


def _first(words: list[str]) -> bool:
    """A first point without a second: "קודם כל אני רוצה להודות לכם"."""
    length = _FIRST.at(words, 0)
    return bool(length) and not any(word in CLASSES["next_point"] for word in words[length:])
