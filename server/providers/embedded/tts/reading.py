"""Hebrew text to clauses, and a clause to phonemes: known phrases first, then pointing and rules."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from server.providers.embedded.tts import letters as he
from server.providers.embedded.tts import lexicon, phonemes
from server.providers.embedded.tts.latin import read_latin
from server.providers.embedded.tts.symbols import spelled_out

_BREAK = re.compile(r"([.!?…,;:()\[\]{}\n\r—|]+|\s[-–]+\s)")
_WORD = re.compile(rf"[א-ת][א-ת\u0591-\u05bd\u05bf-\u05c7{he.GERESH}{he.GERSHAYIM}]{{0,59}}|[A-Za-z]{{1,30}}")
# A longer run of words is split: for breath, and for espeak's clause buffer of 800 bytes.
_MOST_WORDS = 14
_MOST_LETTERS = 120

Point = Callable[[str], str]


@dataclass(frozen=True)
class Clause:
    """Words spoken in one breath. ``mark``: one of ``. ! ? ,``, which sets the intonation."""

    words: tuple[str, ...]
    mark: str


def clauses(text: str) -> list[Clause]:
    """The clauses of any text; none if it has no words. Never fails."""
    pieces = _BREAK.split(spelled_out(text))
    found: list[Clause] = []
    for spoken, sign in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        breaths = _breaths(_words(spoken))
        found.extend(Clause(breath, ",") for breath in breaths[:-1])
        found.extend(Clause(breath, _mark(sign)) for breath in breaths[-1:])
    return found


def read_clause(clause: Clause, point: Point) -> str:
    """The phonemes of a clause, words separated by spaces. ``point`` is called at most once."""
    return _Reader(clause, point).read()


def _breaths(words: list[str]) -> list[tuple[str, ...]]:
    breaths: list[tuple[str, ...]] = []
    breath: tuple[str, ...] = ()
    for word in words:
        if breath and (len(breath) == _MOST_WORDS or len("".join(breath)) + len(word) > _MOST_LETTERS):
            breaths.append(breath)
            breath = ()
        breath += (word,)
    return [*breaths, breath] if breath else breaths


def _words(spoken: str) -> list[str]:
    latin_without_accents = "".join(_ascii_letter(c) for c in spoken)
    return _WORD.findall(latin_without_accents)


def _ascii_letter(char: str) -> str:
    if char < "\u00c0" or char > "\u024f":
        return char
    return unicodedata.normalize("NFD", char)[0]


def _mark(sign: str) -> str:
    for mark in "?!":
        if mark in sign:
            return mark
    ends = not sign or any(c in sign for c in ".…\n\r")
    return "." if ends else ","


class _Reader:
    """Reads one clause."""

    def __init__(self, clause: Clause, point: Point) -> None:
        self._words = clause.words
        self._mark = clause.mark
        self._bare = [he.without_points(word).lower() for word in clause.words]
        self._point = point
        self._pointed: list[str] | None = None  # computed when a word needs it

    def read(self) -> str:
        spoken: list[str] = []
        at = 0
        while at < len(self._words):
            count, read = self._longest_known(at) or (1, self._by_rule(at))
            spoken.append(read)
            at += count
        return " ".join(filter(None, spoken))

    def _longest_known(self, at: int) -> tuple[int, str] | None:
        if he.is_pointed(self._words[at]):
            return None  # the writer's own points decide
        for count in range(min(lexicon.LONGEST_PHRASE, len(self._words) - at), 0, -1):
            words = self._bare[at : at + count]
            read = lexicon.lookup(words) or self._behind_prefix(at, words)
            if read:
                return count, read
        return None

    def _behind_prefix(self, at: int, words: list[str]) -> str | None:
        for length in lexicon.prefix_lengths(words):
            read = lexicon.lookup([words[0][length:], *words[1:]])
            if not read:
                continue
            prefix = he.parse(self._pointed_word(at))[:length]
            if lexicon.is_prefix(prefix):
                return phonemes.behind_prefix(prefix, read)
        return None

    def _by_rule(self, at: int) -> str:
        word = self._words[at]
        if word[0].isascii():
            return read_latin(word)
        if he.GERSHAYIM in word and not he.is_pointed(word):
            return phonemes.read_abbreviation(word)
        return phonemes.read_word(word if he.is_pointed(word) else self._pointed_word(at))

    def _pointed_word(self, at: int) -> str:
        if self._pointed is None:
            # The model knows only the ASCII geresh, and misreads a last word without a mark.
            text = " ".join(self._bare).replace(he.GERESH, "'").replace(he.GERSHAYIM, '"') + self._mark
            self._pointed = self._point(text).replace("'", he.GERESH).split(" ")
        return self._pointed[at]
