"""What an attack on a server is: a function that makes it and says how it went (``bench.attacks``)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.watched import Noticed


@dataclass(frozen=True)
class Outcome:
    """One row. ``kept``: what must not happen has not. ``beside``: None where no call was beside it."""

    done: str
    said: str
    kept: bool
    beside: Noticed | None = None

    @property
    def ok(self) -> bool:
        return self.kept and (self.beside is None or self.beside.well)

    def row(self, name: str, worker_class: str) -> str:
        figures = ("–", "–", "–")
        if self.beside:
            gap = f"{self.beside.gap_ms:.0f} ms" + (", CUT" if self.beside.cut else "")
            figures = (gap, f"{self.beside.late_ms:.0f} ms", f"{self.beside.health_ms:.0f} ms")
        cells = (name, worker_class, self.done, self.said, *figures, "ok" if self.ok else "**BROKEN**")
        return f"| {' | '.join(cells)} |"


HEADING = "| | worker | what was done | outcome | longest gap | TX p99 | /healthz | |\n|" + "---|" * 8
Attack = Callable[[str, Path], Iterable[Outcome]]  # worker class, an empty folder
