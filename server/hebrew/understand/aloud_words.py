"""Words of a transcript that still grows: numbers in words, each word when nothing behind can change it.

What is read from a beginning of the transcript is a beginning of what is read from all of it: a figure or an
abbreviation waits for the words behind it that may tell how it is read.
"""

import re
import unicodedata
from collections.abc import Iterator

from server.hebrew.data import lines_of
from server.hebrew.speak.speakable import speakable
from server.hebrew.words import PREFIX_LETTERS, without_prefixes, words_of

_PLAIN = re.compile("[א-ת]{2,}[.,!?;:…]*")
_CALM = 2  # plain words behind a figure or sign, after which nothing changes its reading
_CONTEXT = 8  # plain words before it that may tell how it is read
_LONGEST = 60  # figures and signs read together
_MAX_PREFIX_CHARS = 2
_GLUED_TO_LATIN = re.compile("([ובלהמשכ]{1,3})([a-z].*)")
_TWO = "שתי"


def _read_duals() -> dict[str, str]:
    """ "שעתיים" → "שעות", as "nouns" has them."""
    nouns = ([field.strip() for field in line.split(",")] for line in lines_of("nouns"))
    return {noun[3]: noun[1] for noun in nouns if len(noun) > 3}


_DUALS = _read_duals()


class WordReader:
    """One transcript. ``read`` takes its tokens (what stands between blanks) in their order."""

    def __init__(self) -> None:
        self._context: list[str] = []
        self._waiting: list[str] = []
        self._calm = 0
        self._prefix = ""

    def read(self, token: str) -> Iterator[str]:
        """The words that are certain with ``token``, a complete one."""
        bare = _without_points(token)
        plain = _PLAIN.fullmatch(bare) is not None
        if plain and not self._waiting:
            self._context = [*self._context[1 - _CONTEXT :], bare]
            yield from self._joined(words_of(bare))
            return
        self._waiting.append(bare)
        self._calm = self._calm + 1 if plain else 0
        if self._calm == _CALM or len(self._waiting) >= _LONGEST:
            yield from self._read_waiting()

    def close(self) -> Iterator[str]:
        """The words left when nothing follows."""
        yield from self._read_waiting()
        if self._prefix:
            yield self._prefix
            self._prefix = ""

    def _read_waiting(self) -> Iterator[str]:
        waiting, before = self._waiting, words_of(" ".join(self._context))
        calm = waiting[len(waiting) - self._calm :]
        words = words_of(speakable(" ".join([*self._context, *waiting])))
        if words[: len(before)] == before:
            words = words[len(before) :]
        else:
            words = words_of(speakable(" ".join(waiting)))
        self._context, self._waiting, self._calm = calm, [], 0
        yield from self._joined(words)

    def _joined(self, words: list[str]) -> Iterator[str]:
        """``words`` with prefix letters that stand apart joined to the next word, and duals in two words."""
        for word in words:
            if word in PREFIX_LETTERS and not self._prefix:
                self._prefix = word
                continue
            whole, self._prefix = self._prefix + word, ""
            if latin := _GLUED_TO_LATIN.fullmatch(whole):
                whole = latin[2]
            yield from _in_two(whole)


def _without_points(token: str) -> str:
    """``token`` without niqqud."""
    if token.isascii():
        return token
    return "".join(c for c in token if not (unicodedata.combining(c) and "\u0591" <= c <= "\u05c7"))


def _in_two(word: str) -> list[str]:
    for bare in without_prefixes(word, _MAX_PREFIX_CHARS):
        if bare in _DUALS:
            return [word[: len(word) - len(bare)] + _TWO, _DUALS[bare]]
    return [word]
