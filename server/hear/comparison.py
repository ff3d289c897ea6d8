"""What was heard against what was said: words, numbers and names. Pure.

Both sides are made alike first. Figures, signs and number words are numbers, in every way of saying them:
"2.5 מיליון" and "שניים וחצי מיליון" are the same number, and one word. Niqqud, punctuation, final letters,
full or defective spelling do not count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from server.hebrew.families import MEDIAL
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.aloud_numbers import NumberReader, NumberWord, digits_of, forms_of, values_of
from server.hebrew.words import spellings, without_prefixes, words_of

MOST_PREFIXES = 2  # "שבתל אביב"


@dataclass(frozen=True)
class Number:
    """A number as it stands in a text: "בשמונה" has the ``prefix`` "ב". Same: one of the ``forms`` is."""

    prefix: str
    figures: str
    forms: frozenset[str]

    @classmethod
    def of(cls, words: list[NumberWord]) -> "Number":
        return cls(words[0].prefix, digits_of(values_of(words)), forms_of(words))


@dataclass(frozen=True)
class Name:
    """``written``: as in ``ASR_PHRASES_FILE``; ``words``: as they are compared."""

    written: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Of one text. ``words`` said, and how many must be changed, put in or left out: more than said, maybe.

    ``numbers`` and ``names`` that were said, and which of them were not heard.
    """

    words: int
    words_wrong: int
    numbers: int
    numbers_missed: tuple[str, ...]
    names: int
    names_missed: tuple[str, ...]


def compare(said: str, heard: str, names: Sequence[Name] = ()) -> Comparison:
    """``heard`` against ``said``; ``names``: of ``names_of``."""
    ours, theirs = _read(said), _read(heard)
    said_numbers = [each for each in ours if isinstance(each, Number)]
    heard_numbers = [each for each in theirs if isinstance(each, Number)]
    said_words, heard_words = _words(ours, said_numbers), _words(theirs, said_numbers)
    said_names, heard_names = _names_in(said_words, names), _names_in(heard_words, names)
    return Comparison(
        len(said_words),
        Levenshtein.distance(said_words, heard_words),
        len(said_numbers),
        _numbers_missed(said_numbers, heard_numbers),
        len(said_names),
        tuple((Counter(said_names) - Counter(heard_names)).elements()),
    )


def names_of(phrases: Iterable[str]) -> tuple[Name, ...]:
    """Phrases of ``ASR_PHRASES_FILE`` as they are searched for: the longer ones first."""
    names = {_words(_read(phrase), ()): phrase for phrase in phrases}
    once = (Name(written, words) for words, written in names.items() if words)
    return tuple(sorted(once, key=lambda name: -len(name.words)))


def _read(text: str) -> list[str | Number]:
    """Its words and numbers."""
    reader = NumberReader()
    pieces = [piece for word in words_of(speakable(text)) for piece in reader.read(word)]
    pieces += reader.close()
    return [_spelling(piece) if isinstance(piece, str) else Number.of(piece) for piece in pieces]


def _spelling(word: str) -> str:
    """The shortest of its spellings, without final letters."""
    return min(spellings(word), key=len).translate(MEDIAL)


def _words(read: Iterable[str | Number], said: Sequence[Number]) -> tuple[str, ...]:
    """As they are compared: a number has the figures of the first of ``said`` that is the same."""
    return tuple(each if isinstance(each, str) else each.prefix + _figures(each, said) for each in read)


def _figures(number: Number, said: Iterable[Number]) -> str:
    same = (each.figures for each in said if each.forms & number.forms)
    return next(same, number.figures)


def _numbers_missed(said: Iterable[Number], heard: Iterable[Number]) -> tuple[str, ...]:
    left, missed = list(heard), []
    for number in said:
        same = next((each for each in left if each.forms & number.forms), None)
        if same is None:
            missed.append(number.figures)
        else:
            left.remove(same)
    return tuple(missed)


def _names_in(words: Sequence[str], names: Sequence[Name]) -> tuple[str, ...]:
    """The names that stand in ``words``, as written, none within another."""
    found: list[str] = []
    at = 0
    while at < len(words):
        name = next((name for name in names if _stands(name.words, words[at : at + len(name.words)])), None)
        if name is not None:
            found.append(name.written)
        at += 1 if name is None else len(name.words)
    return tuple(found)


def _stands(name: Sequence[str], words: Sequence[str]) -> bool:
    """Prefix letters may stand before a name."""
    first, *rest = name
    return list(words[1:]) == rest and first in without_prefixes(words[0], MOST_PREFIXES)
