"""Families of phrases: what is said is built from slots, and a slot is filled by any word of its kind.

A file of families (``data/<name>.txt``): ``[kind]`` begins one, and each line below it is one way to build
it, slot by slot. A slot is a word or a ``<kind>`` that stands above, or several to choose from (``את|אתה``).
Behind a word ``*`` adds its forms (``נחמד*``: נחמדה, נחמדים, …) and ``~`` its endings of affection
(``מותק~``: מותקי, …); ``ל…`` is any word with that prefix; ``?`` behind a slot: it may be missing.
"""

import re

from server.hebrew.data import Source, lines_of
from server.hebrew.words import words_of

_FINALS = str.maketrans("ךםןףץ", "כמנפצ")
_FORMS = ("ה", "ת", "ים", "ות")
_AFFECTION = ("י", "לה", "ל", "וש", "ושי", "ונת")
_OPEN, _AND = "…", "ו"
_KIND = re.compile(r"\[(\S+)\]")


class _Slot:
    """One place in a phrase: a word of ``words``, any with one of ``prefixes``, or a phrase of ``kinds``."""

    def __init__(
        self, words: frozenset[str], prefixes: tuple[str, ...], kinds: tuple["_Kind", ...], *, missing: bool
    ) -> None:
        self._words, self._prefixes, self._kinds = words, prefixes, kinds
        self.may_miss = missing
        self.first = words.union(*(kind.first for kind in kinds))  # what it may begin with

    def ends(self, words: list[str], start: int) -> set[int]:
        """The places behind it where ``words`` from ``start`` on fill it."""
        word = words[start]
        ends = {start + 1} if word in self._words or word.startswith(self._prefixes) else set()
        for kind in self._kinds:
            if word in kind.first:
                ends |= kind.ends(words, start)
        return ends


class _Kind:
    """A family: every way to build it, by its first word."""

    def __init__(self) -> None:
        self._ways: dict[str, list[list[_Slot]]] = {}
        self.first = self._ways.keys()

    def add(self, way: list[_Slot]) -> None:
        needed = next(place for place, slot in enumerate(way) if not slot.may_miss)
        for word in frozenset[str]().union(*(slot.first for slot in way[: needed + 1])):
            self._ways.setdefault(word, []).append(way)

    def ends(self, words: list[str], start: int) -> set[int]:
        ends: set[int] = set()
        for way in self._ways.get(words[start], ()):
            places = {start}
            for slot in way:
                filled = {end for place in places if place < len(words) for end in slot.ends(words, place)}
                places = places | filled if slot.may_miss else filled
                if not places:
                    break
            ends |= places
        return ends


class _Joined:
    """A family whose phrases may have "and" before them."""

    def __init__(self, kind: _Kind) -> None:
        self._kind = kind

    def ends(self, words: list[str], start: int) -> set[int]:
        word = words[start]
        ends = self._kind.ends(words, start)
        if word[0] == _AND and len(word) > 2:
            ends |= self._kind.ends([*words[:start], word[1:], *words[start + 1 :]], start)
        return ends


class Families:
    """The kinds of one file. Raises KeyError for a kind that the file does not have."""

    def __init__(self, name: str) -> None:
        self._kinds: dict[str, _Kind] = {}
        kind = _Kind()
        for line in lines_of(name):
            if head := _KIND.fullmatch(line):
                kind = self._kinds[head[1]] = _Kind()
                continue
            kind.add([self._slot(slot) for slot in line.split()])

    def of(self, kind: str) -> Source:
        """Phrases of ``kind``, with "and" before them or not."""
        return _Joined(self._kinds[kind])

    def _slot(self, written: str) -> _Slot:
        choices = written.removesuffix("?").split("|")
        prefixes = tuple(choice[:-1] for choice in choices if choice.endswith(_OPEN))
        kinds = tuple(self._kinds[choice[1:-1]] for choice in choices if choice.startswith("<"))
        words = (form for choice in choices if not choice.endswith((_OPEN, ">")) for form in _forms(choice))
        return _Slot(frozenset(words), prefixes, kinds, missing=written.endswith("?"))


def _forms(word: str) -> list[str]:
    """``word`` as it may be said; forms that Hebrew does not have do no harm."""
    if not word.endswith(("*", "~")):
        return words_of(word)
    bare = word[:-1]
    stem = bare.removesuffix("ה").translate(_FINALS)
    return [bare, *(stem + ending for ending in (_FORMS if word.endswith("*") else _AFFECTION))]
