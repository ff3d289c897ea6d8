"""What a Hebrew word can be, as far as the end of a turn needs it. Lists are data."""

from server.hebrew.data import Phrases, lines_of
from server.hebrew.understand.digits import number_in
from server.hebrew.understand.verbs import participles, verb_in

JOINED = ("ו", "ש", "כש", "וש", "וכש")  # what a word may carry that joins it to the words before
IN_TO_FROM = ("ב", "ל", "מ")
THAT, AND, ARTICLE = "ש", "ו", "ה"
_MIN_DEFINITE = 3  # letters of a noun with its article
_MIN_PAST = 4  # letters of a verb unknown to us that ends as "I", "we" and "you" do
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
    """A pronoun or "this" without "and", "that" or "when" ("כשהוא", "שזה"); any other word as it is."""
    rests = (word.removeprefix(join) for join in JOINED)
    return next((rest for rest in rests if rest != word and (rest in WHO or rest in THIS)), word)


def is_pronoun(word: str) -> bool:
    """I, you, he, with "and", "that" or "when" or without; "את" is not known from the sign of an object."""
    return bare(word) in WHO


def is_definite(word: str) -> bool:
    """A noun with its article, as far as one can see: הרכב, ההזמנה; not היום, הגיע, הרבה."""
    named = word.startswith(ARTICLE) and len(word) >= _MIN_DEFINITE and word not in _NOT_DEFINITE
    return named and verb_in(word) is None


def asks(word: str) -> bool:
    """A question word, with "and" or without."""
    return word.removeprefix(AND) in ASKING


def asks_something(words: list[str]) -> bool:
    """A question word is there, and no "what" that only means "that which": "מה שאני מחפש"."""
    return any(
        asks(word) and not (i + 1 < len(words) and binds(words[i + 1])) for i, word in enumerate(words)
    )


def binds(word: str) -> bool:
    """ "That" with what its clause begins with: "שאני", "שהלכתי", "שהטכנאי", "שיש"; not "שבוע", "שלוש"."""
    rest = word.removeprefix(THAT)
    if rest == word or not rest:
        return rest != word
    past = len(rest) >= _MIN_PAST and rest.endswith(_PAST)
    opens = rest in WHO or rest in THIS or rest in PREDICATES or rest in NOT
    return opens or past or verb_in(word) is not None or is_definite(rest)


def is_counted(word: str) -> bool:
    """A number, or what numbers count: a noun of the list, a plural, a dual."""
    return number_in(word) is not None or word in NOUNS or word.endswith(("ים", "ות"))


def governed(words: list[str]) -> bool:
    """The last word belongs to what stands before it: "ראיתי את המודעה", "בגלל הגשם", "מצב הרוח"."""
    before = words[-2:-1]
    if not before:
        return False
    verb = verb_in(before[0])
    subject = verb is not None and verb.finite and not verb.waits
    return not subject or before == ["את"] or bool(WAITING.at_end(words[:-1]))


def opened(words: list[str]) -> list[str]:
    """``words`` without the greetings, nods and vocatives before what is told."""
    start = 0
    while length := _BEFORE_IT_BEGINS.at(words, start):
        start += length
    return words[start:]
