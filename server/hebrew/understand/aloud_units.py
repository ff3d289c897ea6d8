"""What a sentence that is read out consists of: numbers, other facts, names, words; when two are alike."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from server.hebrew.data import lines_of
from server.hebrew.families import MEDIAL
from server.hebrew.understand.aloud_numbers import (
    NumberReader,
    NumberWord,
    digits_of,
    forms_of,
    number_word,
    values_of,
)
from server.hebrew.understand.verbs import verb_in
from server.hebrew.words import PREFIX_LETTERS, spellings, without_prefixes, words_of

NUMBER, WORD = "number", "word"
ANOTHER, NEARLY, SAME = range(3)
_MAX_PREFIX_CHARS = 2
_MIN_STEM, _MIN_SOUND = 3, 4  # letters: shorter words differ by a vowel letter or a sound
_ALIKE_RATIO = 75  # the same word inflected
_SOUNDS = str.maketrans("אטקס", "עתכש")
_INNER_VOWELS = re.compile(r"(?<=.)[וי]+(?=.)")
_TWICE = re.compile(r"([וי])\1")
_LATIN = re.compile("[a-z]")
_DOUBLED = re.compile(r"(.)\1+")
_WEST = "מערב"  # no part of the day
_OPENING = ("", "ה", "ו", "ב", "ל", "וה")  # letters before a word that stay clear


def _key(word: str) -> str:
    return word.translate(MEDIAL)


def _words_in(*names: str) -> Iterator[str]:
    for name in names:
        for line in lines_of(name):
            yield from words_of(line)


def _read_facts() -> dict[str, tuple[str, str]]:
    """Word → its kind and the word that stands for all of its line."""
    facts: dict[str, tuple[str, str]] = {}
    for line in lines_of("aloud/facts"):
        kind, first, *also = line.split()
        for word in (first, *also):
            for spelled in spellings(word):
                facts.setdefault(_key(spelled), (kind, first))
    return facts


def _read_nouns() -> dict[str, str]:
    """Plural → singular."""
    nouns = [[field.strip() for field in line.split(",")] for line in lines_of("nouns")]
    return {_key(plural): _key(one) for one, plural, *_ in nouns}


_FACTS = _read_facts()
_SINGULAR = _read_nouns()
_TITLES = {_key(word): kind for kind, word in map(str.split, lines_of("aloud/titles"))}
_NAME_ENDINGS = tuple(_key(word) for line in lines_of("aloud/name_endings") for word in words_of(line))
_LONG_NAME = 5  # letters, from which an ending tells a name
_KNOWN_NAMES = frozenset(map(_key, _words_in("aloud/names", "spoken/women")))
_COMMON = frozenset(
    map(
        _key,
        _words_in(
            "aloud/not_names", "nouns", "adjectives", "labels", "echo_exact", "good",
            "courtesy", "question_words", "adverbs",
        ),
    )
)  # fmt: skip
_LABELS = frozenset(map(_key, lines_of("labels")))
_ONE = ("אחד", "אחת")
_ENDINGS = ("", "ה", "ת", "ימ", "ות")
_ADJECTIVES = frozenset(
    _key(word.removesuffix("ה") + end) for word in lines_of("adjectives") for end in _ENDINGS
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A number with all its words, or one word. ``key``: what is compared of a fact; ``forms``: of a number.

    ``known``: listed as a name; ``named``: it stands where names stand, or is known or Latin. ``loose``: a
    "one" that a noun has without saying it: שנה אחת.
    """

    text: str
    kind: str
    key: str
    forms: frozenset[str] = frozenset()
    known: bool = False
    named: bool = False
    loose: bool = False

    @property
    def fact(self) -> bool:
        return self.kind != WORD

    @property
    def telling(self) -> bool:
        """Whether it is not found at several places of a sentence by chance."""
        return self.fact or self.named or len(self.key) >= _MIN_SOUND


class UnitReader:
    """Words to units. ``names``: keys of further names."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._numbers = NumberReader()
        self._title = False  # whether the last word was one
        self._counted = False  # whether it was a thing that is counted

    def read(self, words: Iterable[str]) -> Iterator[Unit]:
        for word in words:
            yield from self._units(self._numbers.read(word))

    def close(self) -> Iterator[Unit]:
        yield from self._units(self._numbers.close())

    def _units(self, parts: Iterable[str | list[NumberWord]]) -> Iterator[Unit]:
        for part in parts:
            unit = self._word(part) if isinstance(part, str) else _number(part, self._counted)
            self._counted = unit.kind in (WORD, "measure") and not unit.named and _is_counted(unit.key)
            self._title = unit.kind == WORD and _is_title(unit.key)
            yield unit

    def _word(self, word: str) -> Unit:
        key = _key(word)
        if fact := _fact(key):
            return Unit(word, *fact)
        known = self._is_known(key)
        common = is_common(key)
        named = known and (self._title or not common) or (self._title and not common)
        return Unit(word, WORD, key, known=known, named=named or _looks_like_a_name(key))

    def _is_known(self, key: str) -> bool:
        """Whether it is a listed name, behind prefix letters that names may have."""
        bare = [key, *(word for word in without_prefixes(key, _MAX_PREFIX_CHARS) if len(word) >= _MIN_STEM)]
        bare = [word for word in bare if "ה" not in _prefix(key, word)]
        return any(word in self._names or word in _KNOWN_NAMES for word in bare)


def _prefix(key: str, bare: str) -> str:
    return key[: len(key) - len(bare)]


def _looks_like_a_name(key: str) -> bool:
    return _LATIN.search(key) is not None or (len(key) >= _LONG_NAME and key.endswith(_NAME_ENDINGS))


def _is_title(key: str) -> bool:
    """Whether a name may follow: "ברחוב", "המתווכת", but not "הרחוב"."""
    bare = without_prefixes(key, _MAX_PREFIX_CHARS)
    kinds = [(_TITLES[word], _prefix(key, word)) for word in bare if word in _TITLES]
    return any(kind == "person" or "ה" not in prefix for kind, prefix in kinds)


def _is_counted(key: str) -> bool:
    return not any(bare in _LABELS for bare in without_prefixes(key, _MAX_PREFIX_CHARS))


def _number(words: list[NumberWord], counted: bool) -> Unit:
    text = " ".join(word.word for word in words)
    return Unit(text, NUMBER, digits_of(values_of(words)), forms_of(words), loose=counted and text in _ONE)


def _fact(key: str) -> tuple[str, str] | None:
    """The kind of a fact, and the word that stands for it."""
    for bare in without_prefixes(key, _MAX_PREFIX_CHARS):
        if bare != key and key == _WEST:
            continue
        if fact := _FACTS.get(bare):
            return fact
    return None


def keys_of_names(names: Iterable[str]) -> frozenset[str]:
    """The words of ``names`` that are no common ones."""
    keys = (_key(word) for name in names for word in words_of(name))
    return frozenset(key for key in keys if len(key) > 1 and not is_common(key) and number_word(key) is None)


@lru_cache(4096)
def is_common(key: str) -> bool:
    """Whether the lists have ``key``, a word of the language."""
    if verb_in(key) is not None:
        return True
    bare = [key.removeprefix(letters) for letters in _OPENING if key.startswith(letters)]
    return any(word in _COMMON or word in _ADJECTIVES for word in bare)


def alike(one: Unit, other: Unit) -> int:
    """``SAME``: but for spelling; ``NEARLY``: another form of the same word; ``ANOTHER``."""
    if one.kind != other.kind:
        return ANOTHER
    if one.kind == NUMBER:
        return ANOTHER if one.forms.isdisjoint(other.forms) else SAME
    if one.kind != WORD:
        return SAME if one.key == other.key else ANOTHER
    if one.key == other.key:
        return SAME
    if one.known and other.known and not (_LATIN.search(one.key) or _LATIN.search(other.key)):
        bare = [set(without_prefixes(unit.key, _MAX_PREFIX_CHARS)) & _KNOWN_NAMES for unit in (one, other)]
        if all(bare) and bare[0].isdisjoint(bare[1]):
            return ANOTHER
    return words_alike(one.key, other.key, names=one.named or other.named)


@lru_cache(4096)
def words_alike(one: str, other: str, *, names: bool) -> int:
    """How alike two words are; ``names``: these have no other forms."""
    if _same(one, other):
        return SAME
    short, long = sorted((one, other), key=len)
    prefix = long[: len(long) - len(short)]
    least = _MIN_STEM if names else 2
    if 0 < len(prefix) <= _MAX_PREFIX_CHARS and len(short) >= least and PREFIX_LETTERS.issuperset(prefix):
        if _same(long[len(prefix) :], short):
            return NEARLY
    if names:
        bare = [without_prefixes(word, 1)[-1] for word in (one, other)]
        return NEARLY if len(bare[0]) >= _MIN_STEM and _same(*bare) else ANOTHER
    if any(_same(a, b) for a in _singulars(one) for b in _singulars(other)):
        return NEARLY
    return NEARLY if len(short) >= _MIN_STEM and fuzz.ratio(one, other) >= _ALIKE_RATIO else ANOTHER


def _singulars(key: str) -> list[str]:
    return [_SINGULAR.get(bare, bare) for bare in without_prefixes(key, _MAX_PREFIX_CHARS)]


def _same(one: str, other: str) -> bool:
    """Whether two spellings are of one word."""
    if one == other or _TWICE.sub(r"\1", one) == _TWICE.sub(r"\1", other):
        return True
    latin = [_LATIN.search(word) is not None for word in (one, other)]
    if latin[0] != latin[1]:
        written, hebrew = (one, other) if latin[0] else (other, one)
        return any(_spells(_plain(written), bare) for bare in without_prefixes(hebrew, 1))
    if latin[0]:
        return False
    stems = [_INNER_VOWELS.sub("", word) for word in (one, other)]
    if stems[0] == stems[1] and len(stems[0]) >= _MIN_STEM:
        return True
    sounds = [stem.translate(_SOUNDS) for stem in stems]
    return sounds[0] == sounds[1] and min(map(len, (one, other))) >= _MIN_SOUND


_LATIN_FOR = {
    "א": ("",), "ב": ("b", "v"), "ג": ("g", "j", "dg"), "ד": ("d",), "ה": ("h", ""), "ו": ("v", "w", ""),
    "ז": ("z", "s", "j"), "ח": ("ch", "kh", "h", "j"), "ט": ("t", "th"), "י": ("j", ""),
    "כ": ("k", "ch", "kh", "c"), "ל": ("l",), "מ": ("m",), "נ": ("n",), "ס": ("s", "c"), "ע": ("",),
    "פ": ("p", "f", "ph"), "צ": ("ts", "tz", "z", "c"), "ק": ("k", "q", "c", "ck"), "ר": ("r",),
    "ש": ("sh", "s", "ch"), "ת": ("t", "th"),
}  # fmt: skip
_LATIN_VOWELS, _SILENT = "aeiouy", "h"


def _spells(latin: str, hebrew: str) -> bool:
    """Whether ``latin`` may be the Hebrew word: its consonants in their order, with any vowels between."""
    places = {0}
    for letter in _DOUBLED.sub(r"\1", hebrew):
        ways = _LATIN_FOR.get(letter, (letter,))
        places = _behind_vowels(latin, places)
        places = {at + len(way) for at in places for way in ways if latin.startswith(way, at)}
        if not places:
            return False
    return any(not latin[at:].strip(_LATIN_VOWELS + _SILENT) for at in places)


def _behind_vowels(latin: str, places: set[int]) -> set[int]:
    """The places, and those behind the vowels at them."""
    reached = set(places)
    for at in range(min(places), len(latin)):
        if at in reached and latin[at] in _LATIN_VOWELS:
            reached.add(at + 1)
    return reached


def _plain(latin: str) -> str:
    """A Latin word with single consonants and simple signs."""
    return _DOUBLED.sub(r"\1", latin.replace("wh", "w").replace("x", "ks"))
