"""Families of phrases: a line with slots describes many phrases.

Slots are separated by blanks and hold one choice, or several (``את|אתה``). ``?`` behind a slot makes it
optional. A choice is a word, words joined by ``_`` (``כל_כך``), a ``<kind>``, or ``ל…``, any word with that
prefix (``…``: any word). A mark behind a word adds forms: ``*`` those of an adjective or participle
(``נחמד*``: נחמדה, נחמדים, …), ``+`` those of the future or imperative (``תמשיך+``: תמשיכי, תמשיכו), ``~`` the
endings of affection (``מותק~``: מותקי, …). Words are written in full spelling, which includes the shorter
one.

Lines become a nondeterministic automaton over words when a list is read. Its deterministic states are
computed when the words of a caller first reach them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from sys import intern

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

Said = tuple[str, ...]  # the words of a phrase


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of a line. ``kinds``: names of kinds whose phrases may fill it too."""

    phrases: tuple[Said, ...]
    prefixes: tuple[str, ...]
    kinds: tuple[str, ...]
    missing: bool


def slots_of(line: str) -> list[Slot]:
    """The slots of one line. Raises ValueError for a malformed slot."""
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
    # A word stands in many lists: each is kept once.
    words = [map(intern, forms) for part in choice.split(_JOINT) for forms in _forms(part)]
    yield from product(*words)


def _forms(written: str) -> list[list[str]]:
    """The forms of each word in ``written``. Forms that do not exist in Hebrew do no harm."""
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
    """A node of the automaton: the words that lead on, and whether a phrase may end here."""

    __slots__ = ("final", "prefixes", "words")

    def __init__(self, *, final: bool = False) -> None:
        self.words: dict[str, tuple[Node, ...]] = {}
        self.prefixes: tuple[tuple[str, Node], ...] = ()
        self.final = final

    def add(self, other: "Node", fronts: Iterable[str] = ("",)) -> None:
        """Copies the moves of ``other``, with one of ``fronts`` before the first word."""
        for word, nodes in other.words.items():
            for front in fronts:
                self._lead(intern(front + word), nodes)
        self.prefixes += other.prefixes
        self.final = self.final or other.final

    def lead(self, said: Said, nodes: "tuple[Node, ...]") -> None:
        """Adds a path of the words of ``said`` to ``nodes``."""
        for word in said[:0:-1]:
            node = Node()
            node._lead(word, nodes)
            nodes = (node,)
        self._lead(said[0], nodes)

    def _lead(self, word: str, nodes: "tuple[Node, ...]") -> None:
        # Most words lead to one node, and the words of a slot to the same: one tuple is theirs all.
        self.words[word] = self.words.get(word, ()) + nodes


class Kind:
    """A family, with all its phrases. ``known``: the kinds that slots may name; others raise KeyError."""

    def __init__(self, lines: Iterable[str], known: Mapping[str, "Kind"]) -> None:
        self._ways = [slots_of(line) for line in lines]
        self._known = known

    @property
    def longest(self) -> int:
        """The number of words in the longest phrase."""
        return max((sum(map(self._longest, way)) for way in self._ways), default=0)

    def _longest(self, slot: Slot) -> int:
        lengths = [len(said) for said in slot.phrases] + [self._known[name].longest for name in slot.kinds]
        return max(lengths, default=1)  # only prefixes: one word

    def before(self, node: Node) -> Node:
        """A start node for the family's phrases, which lead to ``node``."""
        start = Node()
        for way in self._ways:
            place = node
            for slot in reversed(way):
                place = self._before(slot, place)
            start.add(place)
        return start

    def _before(self, slot: Slot, behind: Node) -> Node:
        place, nodes = Node(), (behind,)
        for said in slot.phrases:
            place.lead(said, nodes)
        place.prefixes += tuple((prefix, behind) for prefix in slot.prefixes)
        for name in slot.kinds:
            place.add(self._known[name].before(behind))
        if slot.missing:
            place.add(behind)
        return place


class State:
    """A deterministic state: the nodes reached by the words so far. Thread-safe: threads add the same."""

    __slots__ = ("_all", "_moves", "_nodes", "_open", "final")

    def __init__(self, nodes: frozenset[Node], states: "dict[frozenset[Node], State]") -> None:
        self._nodes, self._all = nodes, states
        self._moves: dict[str, State] | None = None
        self._open = any(node.prefixes for node in nodes)  # words matched by prefix lead on too
        self.final = any(node.final for node in nodes)

    def behind(self, word: str) -> "State | None":
        """The state after ``word``; None if no phrase continues with it."""
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
