"""The tables: a row for each recording and STT, and one for each STT at the end. Pure."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from server.hear.comparison import Comparison, Name, compare
from server.hear.listening import Heard
from server.hear.recording import Recording

NONE = "–"
SAID = "(said)"
MAX_NAME = 28
COUNTS = f"{'words':>8}{'numbers':>9}{'names':>7}"
HEADING = f"{'recording':<{MAX_NAME}} {'stt':<10}{COUNTS}{'first':>9}{'final':>9}  heard"
TOTALS = (
    f"{'stt':<10}{'failures':>9}{'words wrong':>21}{'numbers wrong':>19}{'names wrong':>19}"
    f"{'first ms (p95)':>17}{'final ms (p95)':>17}"
)


@dataclass(frozen=True)
class Result:
    """What one STT made of one recording. ``comparison`` None: nobody wrote down what was said."""

    heard: Heard
    comparison: Comparison | None

    @property
    def problem(self) -> str:
        """Why it is a failure. To hear nothing is none where nothing was said."""
        nothing_said = self.comparison is not None and self.comparison.words == 0
        return self.heard.problem or ("" if self.heard.text or nothing_said else "heard nothing")


def judged(recording: Recording, heard: Heard, names: Sequence[Name]) -> Result:
    """An STT that failed has every word wrong that it did not give: a caller was not heard either."""
    said = recording.said
    return Result(heard, None if said is None else compare(said, heard.text, names))


def said_row(recording: Recording) -> str:
    """What was really said, above the rows of what was heard."""
    return (
        f"{_cut(recording.name):<{MAX_NAME}} {SAID:<{len(HEADING) - MAX_NAME - 6}}{recording.said}".rstrip()
    )


def row(recording: Recording, stt: str, result: Result) -> str:
    """One line below HEADING: wrong/said, milliseconds, what was heard, and what is missing in it."""
    found, heard = result.comparison, result.heard
    words = numbers = names = NONE
    missed: tuple[str, ...] = ()
    if found is not None:
        words = f"{found.words_wrong}/{found.words}"
        numbers = f"{len(found.numbers_missed)}/{found.numbers}"
        names = f"{len(found.names_missed)}/{found.names}"
        missed = (*found.numbers_missed, *found.names_missed)
    told = [heard.text] if heard.text else []
    told += [f"NO: {result.problem}"] if result.problem else []
    told += [f"missed: {', '.join(missed)}"] if missed and heard.text else []
    times = f"{_ms(heard.first_ms):>9}{_ms(heard.final_ms):>9}"
    counts = f"{words:>8}{numbers:>9}{names:>7}"
    return f"{_cut(recording.name):<{MAX_NAME}} {stt:<10}{counts}{times}  {' | '.join(told)}".rstrip()


@dataclass
class Totals:
    """Of one STT over all recordings."""

    stt: str
    results: list[Result] = field(default_factory=list)

    @property
    def failures(self) -> int:
        return sum(1 for result in self.results if result.problem)

    def row(self) -> str:
        """One line below TOTALS."""
        known = [result.comparison for result in self.results if result.comparison is not None]
        words = _share(sum(each.words_wrong for each in known), sum(each.words for each in known))
        numbers = _share(sum(len(each.numbers_missed) for each in known), sum(each.numbers for each in known))
        names = _share(sum(len(each.names_missed) for each in known), sum(each.names for each in known))
        first = _median_p95(result.heard.first_ms for result in self.results)
        final = _median_p95(result.heard.final_ms for result in self.results)
        failures = f"{self.failures}/{len(self.results)}"
        return (
            f"{self.stt:<10}{failures:>9}{words:>21}{numbers:>19}{names:>19}{first:>17}{final:>17}".rstrip()
        )


def _share(wrong: int, said: int) -> str:
    return f"{100 * wrong / said:.1f} % ({wrong}/{said})" if said else NONE


def _median_p95(values: Iterable[int | None]) -> str:
    """By the nearest rank."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return NONE
    return f"{statistics.median_low(known)} ({known[math.ceil(len(known) * 0.95) - 1]})"


def _ms(value: int | None) -> str:
    return NONE if value is None else f"{value} ms"


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
