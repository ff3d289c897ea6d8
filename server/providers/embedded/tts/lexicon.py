"""Words and phrases with known phonemes (``lexicon.tsv``), found behind prefix letters too."""

from functools import cache
from importlib.resources import files

from server.providers.embedded.tts import letters as he
from server.providers.embedded.tts.phonemes import with_stress

LONGEST_PHRASE = 8  # words
_SHORTEST_STEM = 3  # letters behind a prefix; a shorter stem would be found inside other words
_LONGEST_PREFIX = 3
# The points that a letter can have as a prefix. With any other it belongs to the word.
_PREFIX_VOWELS = {
    "ו": (he.SHEVA, he.PATAH, he.QAMATS, he.SEGOL, he.HIRIQ),
    "ה": (he.PATAH, he.QAMATS, he.SEGOL),
    "ב": (he.SHEVA, he.PATAH, he.QAMATS, he.HIRIQ, he.SEGOL),
    "כ": (he.SHEVA, he.PATAH, he.QAMATS, he.HIRIQ, he.SEGOL),
    "ל": (he.SHEVA, he.PATAH, he.QAMATS, he.HIRIQ, he.SEGOL),
    "מ": (he.HIRIQ, he.TSERE),
    "ש": (he.SEGOL,),
}


class LexiconError(Exception):
    """A line of ``lexicon.tsv`` is malformed: it must be Hebrew, a tab, and as many words of phonemes."""


@cache
def entries() -> dict[str, str]:
    """Unpointed words, joined by spaces → phonemes with explicit stress."""
    return parsed(files(__package__).joinpath("lexicon.tsv").read_text("utf-8"))


def parsed(text: str) -> dict[str, str]:
    """The entries of a lexicon file's text. Raises LexiconError."""
    known: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words, tab, phonemes = line.partition("\t")
        if not tab or not words.strip() or not phonemes.strip():
            raise LexiconError(f"line {number}: {line!r}")
        known[" ".join(words.split())] = " ".join(with_stress(p) for p in phonemes.split())
    return known


def lookup(words: list[str]) -> str | None:
    """The phonemes of exactly these unpointed words, or None."""
    return entries().get(" ".join(words))


def prefix_lengths(words: list[str]) -> range:
    """The possible numbers of prefix letters before unpointed ``words``: 1 to 3, or an empty range."""
    shortest = _SHORTEST_STEM if len(words) == 1 else 1
    longest = 0
    for letter in words[0][: min(_LONGEST_PREFIX, len(words[0]) - shortest)]:
        if letter not in _PREFIX_VOWELS:
            break
        longest += 1
    return range(1, longest + 1)


def is_prefix(pointed_letters: list[he.Letter]) -> bool:
    """Whether the points of these letters allow them to be prefixes."""
    return all(
        letter.vowel in _PREFIX_VOWELS[letter.base] or he.is_shuruk(letter) for letter in pointed_letters
    )
