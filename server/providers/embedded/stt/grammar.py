"""The phrases expected now, as a word graph with pronunciations. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product

# Prefixes written onto the next word, with their sounds.
_PREFIXES = {"ב": "b e", "ל": "l e", "ה": "h a", "ו": "v e", "מ": "m e", "ש": "sh e", "כ": "k e"}
_MAX_PRONUNCIATIONS = 6  # per word; more cost accuracy and time
_NOT_HEBREW = re.compile(r"[^א-ת ]+")

Arc = tuple[int, int, str]  # from state, to state, word; an empty word is an epsilon transition


@dataclass(frozen=True)
class Grammar:
    """Phrases as a tree from state 0 to ``final``. Phrases with the same beginning share arcs."""

    texts: dict[str, str]  # recognised words → phrase as given
    pronunciations: dict[str, tuple[str, ...]]  # word → CMU phones
    arcs: tuple[Arc, ...]
    final: int
    left_out: tuple[str, ...]  # phrases with a word of unknown pronunciation


class Lexicon:
    """Hebrew words → CMU phones, from the two tables next to this file."""

    def __init__(self, words: dict[str, tuple[str, ...]], accents: tuple[dict[str, str], ...]) -> None:
        """``words``: the sounds of each word, separated by spaces. ``accents``: tables of sound → phones."""
        self._words = words
        self._accents = accents

    def pronunciations(self, word: str) -> tuple[str, ...]:
        """CMU phones, likeliest first, at most six; empty for an unknown word."""
        found = (
            " ".join(accent[sound] for sound in sounds.split())
            for accent, sounds in product(self._accents, self._sounds(word))
        )
        return tuple(dict.fromkeys(found))[:_MAX_PRONUNCIATIONS]

    def _sounds(self, word: str) -> tuple[str, ...]:
        if word in self._words:
            return self._words[word]
        if len(word) < 3 or word[0] not in _PREFIXES:
            return ()
        return tuple(f"{_PREFIXES[word[0]]} {sounds}" for sounds in self._words.get(word[1:], ()))


def build_grammar(phrases: Iterable[str], lexicon: Lexicon) -> Grammar:
    """The grammar of ``phrases``. Only Hebrew letters count; a phrase without any is ignored."""
    texts: dict[str, str] = {}
    sounds: dict[str, tuple[str, ...]] = {}
    left_out: list[str] = []
    for phrase in phrases:
        words = _NOT_HEBREW.sub(" ", phrase).split()
        found = {word: lexicon.pronunciations(word) for word in words}
        if not all(found.values()):
            left_out.append(phrase)
        elif words:
            sounds.update(found)
            texts.setdefault(" ".join(words), phrase)
    arcs, final = _tree(texts)
    return Grammar(texts, sounds, arcs, final, tuple(left_out))


def _tree(texts: Iterable[str]) -> tuple[tuple[Arc, ...], int]:
    states: dict[tuple[str, ...], int] = {(): 0}
    arcs: list[Arc] = []
    ends: list[int] = []
    for text in texts:
        words = tuple(text.split())
        for length, word in enumerate(words, start=1):
            if words[:length] not in states:
                states[words[:length]] = len(states)
                arcs.append((states[words[: length - 1]], states[words[:length]], word))
        ends.append(states[words])
    final = len(states)
    arcs += [(end, final, "") for end in ends]
    return tuple(arcs), final


@cache
def hebrew_lexicon() -> Lexicon:
    """The shipped tables, read once. Raises ValueError when a table is damaged."""
    phones = _rows("sphinx_phones.tsv")
    columns = max(len(row) for row in phones) - 1
    accents: list[dict[str, str]] = [{} for _ in range(columns)]
    for sound, *cells in phones:
        for column in range(columns):
            accents[column][sound] = cells[min(column, len(cells) - 1)]
    words: dict[str, tuple[str, ...]] = {}
    for word, *sounds in _rows("sphinx_words.tsv"):
        unknown = {sound for line in sounds for sound in line.split()} - accents[0].keys()
        if unknown:
            raise ValueError(f"sphinx_words.tsv: {word} has unknown sounds {sorted(unknown)}")
        words[word] = tuple(sounds)
    return Lexicon(words, tuple(accents))


def _rows(name: str) -> list[list[str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    rows = [[cell for cell in line.split("\t") if cell] for line in lines]
    if any(len(row) < 2 for row in rows):
        raise ValueError(f"{name}: every line needs a tab between its columns")
    return rows
