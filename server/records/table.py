"""Tables for a terminal, with Hebrew in them. Pure."""

import unicodedata
from collections.abc import Iterable, Sequence

from server.logs.one_line import in_one_line

FIRST_STRONG, END = "\u2068", "\u2069"  # what is between keeps its own direction, and leaves the rest alone
_NO_WIDTH = frozenset({"Mn", "Me", "Cf"})
_WIDE = frozenset({"W", "F"})
GAP = "  "


def cell(text: str, most: int | None = None) -> str:
    """``text`` in one line of ``most`` columns, so that Hebrew in it moves no other cell."""
    shown = in_one_line(text)
    if most is not None and width(shown) > most:
        shown = f"{_cut(shown, most - 1)}…"
    return f"{FIRST_STRONG}{shown}{END}" if any(map(_right_to_left, shown)) else shown


def width(text: str) -> int:
    """Columns that a terminal gives it."""
    return sum(map(_width, text))


def rows(header: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Cells below their headers, the last one as long as it is."""
    table = [list(header), *map(list, lines)]
    widths = [max(map(width, column)) for column in zip(*table, strict=True)]
    return [
        GAP.join(one + " " * (wide - width(one)) for one, wide in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def _width(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def _cut(text: str, columns: int) -> str:
    taken = 0
    for position, character in enumerate(text):
        taken += _width(character)
        if taken > columns:
            return text[:position]
    return text


def _right_to_left(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL")
