"""Reads the lists in ``data``, which Hebrew speakers extend: a phrase per line; ``#`` begins a comment.

A line may be a family with slots (families.py). ``[kind]`` begins a kind, which slots below it in the file
may name; the last kind is the list itself. A slot may also name another file (``<dear>``) or a kind of
another file (``<very:behind>``).

A list used by several modules is in ``data`` itself, other lists are in the folder of their module:
``aloud`` (aloud_units.py, aloud_numbers.py), ``answers`` (answers.py, said_back.py), ``ends``, ``gender``,
``leaving`` and ``people`` (speech_acts.py), ``listening`` (backchannel.py), ``made_up``, ``repeat``
(repeating.py, missing.py), ``secrets`` (announced.py, secret_items.py, said_emails.py, number_runs.py),
``sentences``, ``spoken`` (and nouns.py, abbreviations.py), ``waiting``.

A list is read once, when its module is imported. Raises OSError for a missing file, and ValueError for a
malformed line.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from server.hebrew.families import Kind, Node, State, slots_of

FOLDER = Path(__file__).with_name("data")
_HEAD = re.compile(r"\[(\S+)\]")


def lines_of(name: str) -> list[str]:
    """The lines of ``data/<name>.txt``, stripped, without comments and empty lines."""
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    bare = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in bare if line]


def pattern_of(name: str) -> str:
    """A pattern that matches any line of the list ``name``, the longest first."""
    return "|".join(sorted(map(re.escape, lines_of(name)), key=len, reverse=True))


class _Kinds(dict[str, Kind]):
    """The kinds of one file by name, and other files as kinds. Raises OSError for an unknown name."""

    def __missing__(self, name: str) -> Kind:
        return _kind_of(name)


@cache
def _kinds_in(name: str) -> Mapping[str, Kind]:
    """Every kind of a file by name; "" is the last one."""
    parts: dict[str, list[str]] = {}
    lines = parts[""] = []
    for line in lines_of(name):
        if head := _HEAD.fullmatch(line):
            parts[head[1]] = lines = []
        else:
            lines.append(line)
    if len(parts) > 1 and parts[""]:
        raise ValueError(f"{name}.txt: {parts[''][0]!r} stands above the first [kind] and belongs to none")
    kinds = _Kinds()
    for kind, written in parts.items():
        _check(name, written, parts)
        kinds[kind] = Kind(written, kinds)
    kinds[""] = list(kinds.values())[-1]
    return kinds


def _check(name: str, lines: list[str], kinds: Iterable[str]) -> None:
    """Raises ValueError with the file, the line and its mistake."""
    for line in lines:
        try:
            named = [kind for slot in slots_of(line) for kind in slot.kinds]
        except ValueError as wrong:
            raise ValueError(f"{name}.txt: {line!r}: {wrong}") from None
        for kind in named:
            if kind not in kinds and not (FOLDER / f"{kind.partition(':')[0]}.txt").is_file():
                raise ValueError(f"{name}.txt: {line!r}: <{kind}> is no [kind] of this file and no file")


def _kind_of(name: str) -> Kind:
    file, _, kind = name.partition(":")
    return _kinds_in(file)[kind]


class Phrases:
    """Phrases searched word by word, so that none is found inside a longer word."""

    def __init__(self, phrases: Iterable[str], prefixes: Iterable[str] = ()) -> None:
        """``prefixes``: letters that may precede the first word of each phrase (ו, ש, כש)."""
        self._begin([Kind(phrases, _Kinds())], prefixes)

    @classmethod
    def read(cls, *names: str, prefixes: Iterable[str] = ()) -> "Phrases":
        """The phrases of several lists together. ``list:kind`` names one kind of a list."""
        read = cls.__new__(cls)
        read._begin(map(_kind_of, names), prefixes)
        return read

    def __or__(self, other: "Phrases") -> "Phrases":
        """The phrases of both sets."""
        either = Phrases.__new__(Phrases)
        either._starts = self._starts | other._starts
        either._longest = max(self._longest, other._longest)
        either._state = State(either._starts, {})
        return either

    def _begin(self, kinds: Iterable[Kind], prefixes: Iterable[str]) -> None:
        start, self._longest = Node(), 0
        for kind in kinds:
            self._longest = max(self._longest, kind.longest)
            start.add(kind.before(Node(final=True)), ("", *prefixes))
        self._starts = frozenset([start])
        self._state = State(self._starts, {})

    def ends(self, words: list[str], start: int) -> list[int]:
        """The end of each phrase that begins at word ``start``, as the index behind it."""
        state, ends = self._state, []
        for place in range(start, len(words)):
            behind = state.behind(words[place])
            if behind is None:
                break
            state = behind
            if state.final:
                ends.append(place + 1)
        return ends

    def at(self, words: list[str], start: int) -> int:
        """The number of words in the longest phrase that begins at ``start``; 0 without one."""
        ends = self.ends(words, start)
        return ends[-1] - start if ends else 0

    def at_end(self, words: list[str]) -> int:
        """The number of words in the longest phrase at the end of ``words``; 0 without one."""
        count = len(words)
        starts = range(max(0, count - self._longest), count)
        return next((count - start for start in starts if count in self.ends(words, start)), 0)

    def within(self, words: list[str]) -> bool:
        """Whether any phrase occurs in ``words``."""
        return any(self.ends(words, start) for start in range(len(words)))

    def reach(self, words: list[str]) -> set[int]:
        """The lengths of all beginnings of ``words`` that consist of phrases only; always includes 0."""
        reached, farthest = {0}, 0
        for start in range(len(words)):
            if start > farthest:
                break
            if start in reached:
                reached.update(ends := self.ends(words, start))
                farthest = max([farthest, *ends[-1:]])
        return reached

    def make_up(self, words: list[str]) -> bool:
        """Whether ``words`` consist of phrases only. False for no words."""
        return bool(words) and len(words) in self.reach(words)
