"""What differs between a stretch of a sentence and what was said in its place."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from server.hebrew.speak.place import MONTHS
from server.hebrew.understand.aloud_units import ANOTHER, NUMBER, SAME, WORD, Unit, alike

NEGATION = "negation"
_COUNTS_ALONE = frozenset(
    (NUMBER, NEGATION, "day", "month", "holiday", "percent", "minus", "part", "currency", WORD)
)
_MAY_BE_MISSING = frozenset(("שקל", "בוקר", "צהריים"))  # said or not, price and hour are the same
_IN_FIGURES = (NUMBER, "month")


@dataclass
class Differences:
    """``exchanged``: facts with what was said for them; ``missing`` and ``extra``: facts at one side only."""

    exchanged: list[tuple[str, str]] = field(default_factory=list)
    missing: list[Unit] = field(default_factory=list)
    extra: list[Unit] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)


def differences(given: list[Unit], said: list[Unit]) -> Differences:
    """Compares a stretch of what was given with the stretch said in its place."""
    left, right = _without_the_same(given, said)
    found = Differences()
    if _count(left) != _count(right) and _figures(left) == _figures(right) != "":
        left, right = ([unit for unit in units if unit.kind not in _IN_FIGURES] for units in (left, right))
    kinds = dict.fromkeys(unit.kind for unit in (*left, *right) if unit.fact)
    for kind in kinds:
        _compare(_of(kind, left), _of(kind, right), found)
    _compare_words(_of(WORD, left), _of(WORD, right), found)
    return found


def _of(kind: str, units: list[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.kind == kind]


def _without_the_same(given: list[Unit], said: list[Unit]) -> tuple[list[Unit], list[Unit]]:
    """Both without what stands in both, wherever; but numbers that have changed places differ."""
    if _only_numbers_differ(given, said):
        pairs = [(a, b) for a, b in zip(given, said, strict=True) if alike(a, b) == ANOTHER]
        return [a for a, _ in pairs], [b for _, b in pairs]
    left, right = [], list(said)
    for unit in given:
        same = next((place for place, other in enumerate(right) if alike(unit, other) == SAME), None)
        if same is None:
            left.append(unit)
        else:
            del right[same]
    return left, right


def _only_numbers_differ(given: list[Unit], said: list[Unit]) -> bool:
    """Whether the same words, but for numbers, stand in the same places."""
    return len(given) == len(said) and all(
        a.kind == b.kind == NUMBER or alike(a, b) != ANOTHER for a, b in zip(given, said, strict=True)
    )


def _count(units: list[Unit]) -> int:
    return sum(unit.kind == NUMBER for unit in units)


def _figures(units: Iterable[Unit]) -> str:
    """All digits: 15.3 may be a day and a month, and a telephone number may be cut anywhere."""
    parts = (str(MONTHS.index(unit.key) + 1) if unit.kind == "month" else unit.key
             for unit in units if unit.kind in _IN_FIGURES)  # fmt: skip
    return "".join(parts).replace(".", "")


def _compare(left: list[Unit], right: list[Unit], found: Differences) -> None:
    pairs = min(len(left), len(right))
    found.exchanged += [(a.text, b.text) for a, b in zip(left, right, strict=False)]
    for units, alone, side in ((left, found.missing, 0), (right, found.extra, 1)):
        for unit in units[pairs:]:
            if counts_alone(unit):
                alone.append(unit)
            else:
                found.words.append((unit.text, "") if side == 0 else ("", unit.text))


def counts_alone(unit: Unit) -> bool:
    """Whether the unit left out, or added, changes what is told."""
    return unit.kind in _COUNTS_ALONE and unit.key not in _MAY_BE_MISSING and not unit.loose


def _compare_words(left: list[Unit], right: list[Unit], found: Differences) -> None:
    """Names are facts, with what was said in their place; other words are words."""
    names = [unit for unit in left if unit.named], [unit for unit in right if unit.named]
    if not (names[0] or names[1]):
        found.words += [(a, b) for a, b in zip_longest(_texts(left), _texts(right), fillvalue="")]
        return
    instead = [names[side] or _in_the_place_of(names[1 - side], (left, right)[side]) for side in (0, 1)]
    if instead[0] and instead[1]:
        found.exchanged.append((" ".join(_texts(instead[0])), " ".join(_texts(instead[1]))))
    else:
        found.missing += instead[0]
        found.extra += instead[1]
    rest = [
        [unit.text for unit in units if unit not in instead[side]] for side, units in enumerate((left, right))
    ]
    found.words += [(a, b) for a, b in zip_longest(*rest, fillvalue="")]


def _in_the_place_of(names: list[Unit], others: list[Unit]) -> list[Unit]:
    """The words said for names: the last ones, as names stand behind their titles."""
    return others[-len(names) :] if others else []


def _texts(units: list[Unit]) -> list[str]:
    return [unit.text for unit in units]
