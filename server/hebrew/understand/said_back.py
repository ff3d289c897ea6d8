"""Answers that repeat the question's own words: how Hebrew answers without "yes" and "no" (D4).

"קיבלת את המכתב?" is answered "קיבלתי", "להעביר אותך?" is answered "תעבירי": the person changes, the verb's
consonants stay. A word of the answer gets all readings that its spelling allows (imperative, first person,
participle), each with the remaining letters. A word of the question gets the readings that would answer it.
The answer repeats the question if a reading is common to both.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from server.hebrew.data import Phrases, lines_of
from server.hebrew.families import MEDIAL
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.words import words_of

_OBJECTS = Phrases.read("answers/said_back_around")

Reading = tuple[str, str]  # a way of answering, and the letters that identify the verb
Form = tuple[str, tuple[str, ...], tuple[str, ...]]  # letters before the root, behind it, ways of answering

_VOWELS = str.maketrans("", "", "וי")
_VOWELLED = re.compile(r"\B[וי]\B")
_CLAUSES = re.compile(r"[,;:–—]")
_PREFIXES = frozenset("שהולב")
_THAT = "ש"
_MIN_BARE = 3  # letters left of a word without its prefixes
_ASKS_FOR_MORE = Phrases(
    (line for line in lines_of("question_words") if " " not in line and line != "האם"),
    prefixes=("ו", "ב", "ל", "מ", "כ", "ול", "וב", "ומ"),
)
_BEGINNING = 2  # words, one of which begins a question for more than yes or no
_OR, _NOT = "או", ("לא", "שלא")
_MAY_WE = frozenset(["אפשר", "נוכל", "שנוכל"])
_OPENERS = frozenset(["האם", "אז", "ו", "טוב", "אוקיי", "רק"])
_OFFERED, _WISHED = ("do",), ("do", "will")
_FEW_LETTERS = {"תת": "תנ"}  # לתת, and תתן
_SECOND_PERSON = ("ת", "תם", "תן")
_FIRST_PERSON = ("תי", "נו")
_COMMAND = ("", "י", "ו", "ה", "נה")
_GENDERS = ("", "ה", "ת", "ים", "ות", "ו", "ית")

# Readings of a word: the letters before and behind its root, and the ways of answering. A word of a question
# is read as the word that would answer it.
_ASKED: tuple[Form, ...] = (
    ("נ", ("",), ("do",)),  # "נקבע?"
    ("א", ("",), ("do",)),
    ("ת", ("", "י", "ו", "נה"), ("will",)),  # "תגיעו?"
    ("מ", _GENDERS, ("will",)),  # "מגיעים?"
    ("", _SECOND_PERSON, ("did", "will")),  # "קיבלת?"
    ("ה", _SECOND_PERSON, ("will",)),
    ("נ", _SECOND_PERSON, ("will",)),
    ("", _FIRST_PERSON, ("you did",)),  # "הבנתי נכון?"
    ("", ("יך", "ך", "יכם", "כם", "יכן", "כן"), ("mine",)),  # "אצלך?"
)
_ANSWERED: tuple[Form, ...] = (
    ("ת", _COMMAND, ("do",)),
    ("ה", _COMMAND, ("do",)),
    ("נ", ("",), ("do", "will")),
    ("א", ("",), ("will",)),
    ("", _FIRST_PERSON, ("did",)),
    ("ה", _FIRST_PERSON, ("did",)),  # "הצלחת להפעיל?" – "הפעלתי"
    ("נ", _FIRST_PERSON, ("did",)),
    ("", _SECOND_PERSON, ("you did",)),
    ("", ("יי", "י", "ינו", "נו"), ("mine",)),
)
_COMMANDED: tuple[Form, ...] = (("", _COMMAND, ("do",)),)  # "שלח", "רשמי", "סגרו"


@dataclass(frozen=True)
class Question:
    """The agent's question. ``polar``: answered by yes or no. ``ways``: how its infinitives are answered."""

    polar: bool = False
    ways: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # content words, which count when repeated
    forms: frozenset[str] = frozenset()  # all words, with and without their prefixes

    @property
    def offered(self) -> bool:
        """Whether the agent offers to act."""
        return self.ways == _OFFERED

    def names(self, word: str) -> bool:
        """Whether ``word`` is a word of the question, apart from prefixes."""
        return not self.forms.isdisjoint(_bare(word))

    def has(self, word: str) -> bool:
        """Whether ``word`` repeats a word of the question, as itself or as its answer."""
        if not self.words or self.names(word):
            return bool(self.words)
        said = _as_answer(word)
        return any(not said.isdisjoint(_as_question(asked, self.ways)) for asked in self.words)


@lru_cache(maxsize=256)
def question_in(spoken: str) -> Question:
    """The question in the last sentence of ``spoken``, which may be incomplete."""
    sentences = split_sentences(spoken)
    words = words_of(sentences[-1]) if sentences else []
    if not words or _offers_a_choice(words) or _asks_for_more(sentences[-1]):
        return Question()
    content = tuple(word for word in words if not _OBJECTS.at([word], 0))
    not_first_person = (
        word for word in words if len(word) <= _MIN_BARE or not word.endswith(_FIRST_PERSON[0])
    )
    forms = frozenset(form for word in not_first_person for form in _bare(word))
    return Question(True, _ways(words), content, forms)


def _offers_a_choice(words: list[str]) -> bool:
    """Whether the question offers things: naming one is no yes. "Or not?" does not count."""
    return any(pair[0] == _OR and pair[1] not in _NOT for pair in zip(words, [*words[1:], ""], strict=True))


def _asks_for_more(sentence: str) -> bool:
    """Whether the sentence asks what, when, how many …; not "do you know when"."""
    return any(
        _ASKS_FOR_MORE.at(words, start)
        for words in map(words_of, _CLAUSES.split(sentence))
        for start in range(min(_BEGINNING, len(words)))
    )


def _ways(words: list[str]) -> tuple[str, ...]:
    """The ways to answer an infinitive: "do it" if the agent would act ("לשלוח", "נקבע", "אפשר להעביר");
    otherwise also "I will" ("תוכל לשלוח"), and "I did" to a question about the past ("ניסית לשלוח").
    """
    first = next((word for word in words if word not in _OPENERS), "")
    asks_past = first.endswith(_SECOND_PERSON) and first[0] not in "למ" and len(first) > _MIN_BARE
    if asks_past:
        return (*_WISHED, "did")
    agent_acts = len(first) > _MIN_BARE and first[0] in "לנ"
    return _OFFERED if agent_acts or first in _MAY_WE else _WISHED


def _bare(word: str) -> set[str]:
    """``word``, and what remains of it without prepositions, article and conjunctions."""
    forms = {word}
    while word[:1] in _PREFIXES and len(word) >= (_MIN_BARE if word[0] == _THAT else _MIN_BARE + 1):
        word = word[1:]
        forms.add(word)
    return forms


@lru_cache(maxsize=2048)
def _as_question(word: str, ways: tuple[str, ...]) -> frozenset[Reading]:
    """The readings of the answers that would repeat ``word`` of a question."""
    found = _same_person(word) | {(way, root) for root in _infinitive(word) for way in ways}
    if word[0] == "ל":
        found.add(("order", word[1:]))
    return frozenset(found.union(*(_readings(form, _ASKED) for form in _bare_of_that(word))))


def _as_answer(word: str) -> set[Reading]:
    """The readings of ``word`` in an answer."""
    found = _same_person(word) | {("do", root) for root in _infinitive(word)}
    found = found.union(*(_readings(form, _ANSWERED) for form in _bare_of_that(word)))
    if _VOWELLED.search(word):  # "שליח" is not "שלח", "שלום" not "שלם"; but "שמרו" and "בואי" are orders
        return found | {("order", word.removesuffix(ending)) for ending in _COMMAND}
    return found | _readings(word, _COMMANDED)


def _bare_of_that(word: str) -> list[str]:
    return [word, word[1:]] if word[0] == _THAT and len(word) > _MIN_BARE else [word]


def _readings(word: str, forms: tuple[Form, ...]) -> set[Reading]:
    return {
        (way, root)
        for before, endings, ways in forms
        if word.startswith(before)
        for ending in endings
        if word.endswith(ending)
        if (root := _root(word[len(before) : len(word) - len(ending)]))
        for way in ways
    }


def _same_person(word: str) -> set[Reading]:
    """Participles, adjectives and third persons in any gender and number: "גר", "גרה"; "הגיע", "הגיעו"."""
    stems = {word.removesuffix(ending).translate(MEDIAL).replace("יי", "י") for ending in _GENDERS}
    return {("same", stem) for stem in stems if len(stem) > 1}


def _infinitive(word: str) -> set[str]:
    """The possible roots of ``word`` as an infinitive: "להעביר", "לרשום", "לקחת", "לנסוע"."""
    if word[0] != "ל":
        return set()
    forms = {word[1:], word[1:].removeprefix("ה"), word[1:].removesuffix("ת")}
    roots = {root for root in map(_root, forms) if root}
    return roots | {root[1:] for root in roots if len(root) == 3 and root[0] == "נ"}


def _root(stem: str) -> str:
    """The consonants of ``stem``; all its letters if only one is a consonant; "" for a single letter."""
    letters = stem.translate(MEDIAL)
    root = letters.removesuffix("ה").translate(_VOWELS)
    root = _FEW_LETTERS.get(root, root) if len(root) > 1 else letters
    return root if len(root) > 1 else ""
