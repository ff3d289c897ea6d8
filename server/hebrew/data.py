"""The lists in ``data``, which Hebrew speakers extend: a phrase a line, ``#`` begins a comment.

A line of phrases may be a construction with slots: ``(x|y)`` is one of them, ``[x|y]`` one or nothing.
Each list is read once, when the module that uses it is imported. Raises OSError for one that is not there.
"""

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Protocol

from server.hebrew.words import words_of

_FOLDER = Path(__file__).with_name("data")
_SLOT = re.compile(r"([(\[][^)\]]*[)\]])")
_MEDIAL = str.maketrans("ךםןףץ", "כמנפצ")
_FINAL_INSIDE = re.compile(r"[ךםןףץ](?=\w)")


def lines_of(name: str) -> list[str]:
    """The lines of ``data/<name>.txt`` without blanks around them, comments and empty ones."""
    text = (_FOLDER / f"{name}.txt").read_text("utf-8")
    bare = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in bare if line]


def spelled_out(construction: str) -> list[str]:
    """Every phrase that a construction stands for: "תמשיך[י|ו] (כאן|שם)" for six."""
    slots = [
        [*part[1:-1].split("|"), *([""] if part[0] == "[" else [])] if _SLOT.fullmatch(part) else [part]
        for part in _SLOT.split(construction)
    ]
    phrases = (" ".join("".join(choice).split()) for choice in product(*slots))
    return [_FINAL_INSIDE.sub(lambda letter: letter[0].translate(_MEDIAL), phrase) for phrase in phrases]


class Source(Protocol):
    """Something that words are made of."""

    def ends(self, words: list[str], start: int) -> Iterable[int]:
        """The places behind each of its phrases that begins at ``start``, a word's index."""
        ...


def reach(words: list[str], *sources: Source) -> set[int]:
    """Every number of first words that are phrases of the sources one behind the other; always 0."""
    reached = {0}
    for start in range(len(words)):
        if start in reached:
            for source in sources:
                reached.update(source.ends(words, start))
    return reached


class Either:
    """Phrases of any of some sources."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    def ends(self, words: list[str], start: int) -> set[int]:
        return {end for source in self._sources for end in source.ends(words, start)}


class Phrases:
    """Phrases looked for word by word, so that none is found inside a longer word."""

    def __init__(self, phrases: Iterable[str], prefixes: Iterable[str] = ()) -> None:
        """``prefixes``: letters that each phrase may also carry on its first word (ו, ש, כש)."""
        fronts = ("", *prefixes)
        self._phrases = frozenset(
            (front + first, *rest)
            for phrase in phrases
            for first, *rest in [words_of(phrase)]
            for front in fronts
        )
        self._longest = max(map(len, self._phrases))
        self._first = frozenset(phrase[0] for phrase in self._phrases)
        self._last = frozenset(phrase[-1] for phrase in self._phrases)

    @classmethod
    def read(cls, *names: str, prefixes: Iterable[str] = ()) -> "Phrases":
        """The phrases of these lists together."""
        return cls(
            (form for name in names for line in lines_of(name) for form in spelled_out(line)), prefixes
        )

    def at(self, words: list[str], start: int) -> int:
        """How many words the longest phrase has that begins at ``start``; 0 without one."""
        ends = self.ends(words, start)
        return ends[-1] - start if ends else 0

    def at_end(self, words: list[str]) -> int:
        """How many words the longest phrase has that ends ``words``; 0 without one."""
        if not words or words[-1] not in self._last:
            return 0
        lengths = range(min(self._longest, len(words)), 0, -1)
        return next((n for n in lengths if tuple(words[-n:]) in self._phrases), 0)

    def within(self, words: list[str]) -> bool:
        """Whether one is anywhere in ``words``."""
        return any(self.ends(words, start) for start in range(len(words)))

    def reach(self, words: list[str]) -> set[int]:
        """Every number of first words that are phrases of ours one behind the other; always 0."""
        return reach(words, self)

    def make_up(self, words: list[str]) -> bool:
        """Whether ``words`` are phrases of ours and nothing else."""
        return bool(words) and len(words) in self.reach(words)

    def ends(self, words: list[str], start: int) -> list[int]:
        """The places behind each phrase that begins at ``start``, the nearest first."""
        if start >= len(words) or words[start] not in self._first:
            return []
        last = min(start + self._longest, len(words))
        return [end for end in range(start + 1, last + 1) if tuple(words[start:end]) in self._phrases]
