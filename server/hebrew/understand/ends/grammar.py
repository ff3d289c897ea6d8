"""Word classes of Hebrew, as far as the end of a turn needs them. Lists are data."""

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.digits import number_in
from server.hebrew.understand.verbs import participles, verb_in

JOINED = ("ו", "ש", "כש", "וש", "וכש")  # prefixes that join a word to those before it
IN_TO_FROM = ("ב", "ל", "מ")
THAT, AND, ARTICLE = "ש", "ו", "ה"
_MIN_DEFINITE = 3  # letters of a noun with its article
_MIN_PAST = 4  # letters of an unlisted verb with an ending of "I", "we" or "you"
_PAST = ("תי", "תם", "נו")


def _classes() -> dict[str, frozenset[str]]:
    classes: dict[str, frozenset[str]] = {}
    for line in lines_of("ends/words"):
        name, _, words = line.partition(" = ")
        classes[name] = classes.get(name, frozenset()) | frozenset(words.split())
    return classes


CLASSES = _classes()
WHO, THIS, YOURS, TO_ME = (CLASSES[name] for name in ("who", "this", "yours", "to_me"))
ASKING, NOT, TIMES, JOINS = (CLASSES[name] for name in ("asking", "not", "times", "joins"))
PREDICATES = CLASSES["predicates"]
ADJECTIVES = frozenset(form for he in lines_of("adjectives") for form in participles(he))
NOUNS = frozenset(form.strip() for line in lines_of("nouns") for form in line.split(",")[:2])
WAITING = Phrases.read("ends/waiting", "hesitation", prefixes=JOINED)
_NOT_DEFINITE = frozenset(lines_of("ends/not_definite"))
_BEFORE_IT_BEGINS = Phrases.read("courtesy", "ends/beginning", "listening/nods", "waiting/moment")


def bare(word: str) -> str:
    """A pronoun or "this" without "and", "that" or "when" ("כשהוא", "שזה"); any other word unchanged."""
    rests = (word.removeprefix(join) for join in JOINED)
    return next((rest for rest in rests if rest != word and (rest in WHO or rest in THIS)), word)


def is_pronoun(word: str) -> bool:
    """Whether ``word`` is a pronoun, perhaps with "and", "that" or "when". "את" may be the object marker."""
    return bare(word) in WHO


def is_definite(word: str) -> bool:
    """Whether ``word`` looks like a noun with its article: הרכב, ההזמנה; not היום, הגיע, הרבה."""
    named = word.startswith(ARTICLE) and len(word) >= _MIN_DEFINITE and word not in _NOT_DEFINITE
    return named and verb_in(word) is None


def asks(word: str) -> bool:
    """Whether ``word`` is a question word, with or without "and"."""
    return word.removeprefix(AND) in ASKING


def asks_something(words: list[str]) -> bool:
    """Whether ``words`` contain a question word other than a relative "what": "מה שאני מחפש"."""
    return any(
        asks(word) and not (i + 1 < len(words) and binds(words[i + 1])) for i, word in enumerate(words)
    )


def binds(word: str) -> bool:
    """Whether ``word`` is "that" with a clause: "שאני", "שהלכתי", "שהטכנאי", "שיש"; not "שבוע", "שלוש"."""
    rest = word.removeprefix(THAT)
    if rest == word or not rest:
        return rest != word
    past = len(rest) >= _MIN_PAST and rest.endswith(_PAST)
    opens = rest in WHO or rest in THIS or rest in PREDICATES or rest in NOT
    return opens or past or verb_in(word) is not None or is_definite(rest)


def is_counted(word: str) -> bool:
    """Whether ``word`` is a number or a counted noun: listed, a plural, a dual."""
    return number_in(word) is not None or word in NOUNS or word.endswith(("ים", "ות"))


def governed(words: list[str]) -> bool:
    """Whether the last word depends on the one before: "ראיתי את המודעה", "בגלל הגשם", "מצב הרוח"."""
    before = words[-2:-1]
    if not before:
        return False
    verb = verb_in(before[0])
    subject = verb is not None and verb.finite and not verb.waits
    return not subject or before == ["את"] or bool(WAITING.at_end(words[:-1]))


def opened(words: list[str]) -> list[str]:
    """``words`` without greetings, nods and vocatives at their beginning."""
    start = 0
    while length := _BEFORE_IT_BEGINS.at(words, start):
        start += length
    return words[start:]
