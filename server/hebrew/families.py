"""Families of phrases: what is said is built from slots, and a slot is filled by any word of its kind.

A line is one way to build a phrase, slot by slot. A slot is one choice, or several (``את|אתה``); ``?``
behind it: it may be missing. A choice is a word, words joined by ``_`` (``כל_כך``), a ``<kind>``, or
``ל…``: any word with that prefix (``…``: any word). A mark behind a word adds its forms: ``*`` those of
an adjective or a participle (``נחמד*``: נחמדה, נחמדים, …), ``+`` those of "you will" or an order
(``תמשיך+``: תמשיכי, תמשיכו), ``~`` its endings of affection (``מותק~``: מותקי, …). Words are written in
full spelling: the shorter one needs no line.

Lines become an automaton that reads word by word, built when a list is read; a place of it is worked out when
a caller's words first come there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from server.hebrew.words import spellings, words_of

MEDIAL = str.maketrans("ךםןףץ", "כמנפצ")
_ENDINGS = {
    "*": ("", "ה", "ת", "ים", "ות"),
    "+": ("", "י", "ו"),
    "~": ("", "י", "לה", "ל", "וש", "ושי", "ונת"),
}
_OPEN, _OR, _MISSING, _JOINT = "…", "|", "?", "_"
_VOWEL = "ו"
_CHOICE = re.compile(r"<[^<>\s]+>|[^<>,;/\s]*\w[^<>,;/\s]*|[^<>,;/\s]*…")

Said = tuple[str, ...]  # a phrase, word by word


@dataclass(frozen=True)
class Slot:
    """One place in a phrase; it may also be filled by a phrase of one of ``kinds`` (their names)."""

    phrases: tuple[Said, ...]
    prefixes: tuple[str, ...]
    kinds: tuple[str, ...]
    missing: bool


def slots_of(line: str) -> list[Slot]:
    """The slots of one line. Raises ValueError for one that nothing could fill."""
    return [_slot(written) for written in line.split()]


def _slot(written: str) -> Slot:
    missing = written.endswith(_MISSING) and written != _MISSING
    choices = written.removesuffix(_MISSING).split(_OR) if missing else written.split(_OR)
    for choice in choices:
        if not _CHOICE.fullmatch(choice):
            raise ValueError(f"{written!r} is no slot: words with | between them and no blank, or <kind>")
    kinds = tuple(choice[1:-1] for choice in choices if choice.startswith("<"))
    prefixes = tuple(choice[:-1] for choice in choices if choice.endswith(_OPEN))
    words = (choice for choice in choices if not choice.startswith("<") and not choice.endswith(_OPEN))
    return Slot(tuple(said for choice in words for said in _said(choice)), prefixes, kinds, missing)


def _said(choice: str) -> Iterator[Said]:
    """``choice`` in every form and spelling."""
    words = [word for part in choice.split(_JOINT) for word in _forms(part)]
    yield from product(*words)


def _forms(written: str) -> list[list[str]]:
    """The words of ``written``, each in all of its forms; forms that Hebrew does not have do no harm."""
    if written[-1:] not in _ENDINGS or len(written) < 2:
        return [spellings(word) for word in words_of(written)]
    bare = written[:-1]
    stem = bare.removesuffix("ה").translate(MEDIAL)
    stems = [stem]
    if written[-1] == "+" and stem[-2:-1] == _VOWEL:
        stems.append(stem[:-2] + stem[-1])  # "תשמור", "תשמרי"
    forms = [bare, *(one + ending for one in stems for ending in _ENDINGS[written[-1]] if ending)]
    return [[spelled for form in forms for spelled in spellings(form)]]


class Node:
    """A place in phrases: which words lead on from it, and whether a phrase may end there."""

    __slots__ = ("final", "prefixes", "words")

    def __init__(self, *, final: bool = False) -> None:
        self.words: dict[str, list[Node]] = {}
        self.prefixes: list[tuple[str, Node]] = []
        self.final = final

    def add(self, other: "Node", fronts: Iterable[str] = ("",)) -> None:
        """Whatever goes on from ``other`` goes on from here, with one of ``fronts`` before its first word."""
        for word, nodes in other.words.items():
            for front in fronts:
                self.words.setdefault(front + word, []).extend(nodes)
        self.prefixes += other.prefixes
        self.final = self.final or other.final

    def lead(self, said: Said, node: "Node") -> None:
        """The words of ``said`` lead to ``node``."""
        for word in said[:0:-1]:
            node, behind = Node(), node
            node.words[word] = [behind]
        self.words.setdefault(said[0], []).append(node)


class Kind:
    """A family: every way to build it. ``known``: the kinds that its slots may name (else KeyError)."""

    def __init__(self, lines: Iterable[str], known: Mapping[str, "Kind"]) -> None:
        self._ways = [slots_of(line) for line in lines]
        self._known = known

    @property
    def longest(self) -> int:
        """How many words its longest phrase has."""
        return max((sum(map(self._longest, way)) for way in self._ways), default=0)

    def _longest(self, slot: Slot) -> int:
        lengths = [len(said) for said in slot.phrases] + [self._known[name].longest for name in slot.kinds]
        return max(lengths, default=1)  # else any word with a prefix

    def before(self, node: Node) -> Node:
        """Where its phrases begin when ``node`` is behind them."""
        start = Node()
        for way in self._ways:
            place = node
            for slot in reversed(way):
                place = self._before(slot, place)
            start.add(place)
        return start

    def _before(self, slot: Slot, behind: Node) -> Node:
        place = Node()
        for said in slot.phrases:
            place.lead(said, behind)
        place.prefixes += [(prefix, behind) for prefix in slot.prefixes]
        for name in slot.kinds:
            place.add(self._known[name].before(behind))
        if slot.missing:
            place.add(behind)
        return place


class State:
    """The nodes that the words so far lead to. Threads may share it: each would fill it alike."""

    __slots__ = ("_all", "_moves", "_nodes", "_open", "final")

    def __init__(self, nodes: frozenset[Node], states: "dict[frozenset[Node], State]") -> None:
        self._nodes, self._all = nodes, states
        self._moves: dict[str, State] | None = None
        self._open = any(node.prefixes for node in nodes)  # words that no phrase holds may lead on, too
        self.final = any(node.final for node in nodes)

    def behind(self, word: str) -> "State | None":
        """The state behind ``word``; None where no phrase goes on with it."""
        moves = self._moves
        if moves is None:
            moves = self._moves = self._work_out()
        state = moves.get(word)
        return self._by_prefix(word) if state is None and self._open else state

    def _work_out(self) -> "dict[str, State]":
        leads: dict[str, set[Node]] = {}
        for node in self._nodes:
            for word, nodes in node.words.items():
                leads.setdefault(word, set()).update(nodes)
            for prefix, behind in node.prefixes:
                for word in (word for word in leads if word.startswith(prefix)):
                    leads[word].add(behind)
        return {word: self._state(frozenset(nodes)) for word, nodes in leads.items()}

    def _by_prefix(self, word: str) -> "State | None":
        nodes = {
            behind for node in self._nodes for prefix, behind in node.prefixes if word.startswith(prefix)
        }
        return self._state(frozenset(nodes)) if nodes else None

    def _state(self, nodes: frozenset[Node]) -> "State":
        return self._all.get(nodes) or self._all.setdefault(nodes, State(nodes, self._all))
