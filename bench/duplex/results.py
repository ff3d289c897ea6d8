"""What many calls came to: for the panel, for pauses, for interruptions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from bench.duplex import reading
from bench.duplex.caller import INTERRUPTS, Turn
from bench.duplex.calls import PAUSES_MS, Setting, plan, run
from bench.duplex.reading import Reading, percentile
from server.tune.duplex import eva, panel
from server.tune.duplex.panel import Panel
from server.tune.duplex.timeline import IGNORED, TimeLine

PAUSE_CALLS, PAUSES_A_CALL = 8, 3
INTERRUPTED_CALLS, INTERRUPTIONS_A_CALL = 25, 4
SOFT_DB = -10.0  # -30 dBFS

Count = tuple[int, int]  # so many, of so many
Middle = tuple[float | None, float | None]  # p50 and p95


@dataclass(frozen=True)
class Result:
    """Some calls together. ``eva``: of each turn."""

    panel: Panel
    eva: tuple[float, ...]
    reading: Reading

    @property
    def columns(self) -> dict[str, float | None]:
        """The nine of the table."""
        return {**self.panel.columns, "EVA": fmean(self.eva) if self.eva else None}

    @property
    def lost(self) -> dict[str, Count]:
        """Replies lost to what must not cost one, by the sound's name."""
        fates = [fate for kind in IGNORED for fate in self.reading.of(kind)]
        by_name = {
            name: [f for f in fates if f.name == name] for name in dict.fromkeys(f.name for f in fates)
        }
        return {name: (sum(f.lost for f in some), len(some)) for name, some in by_name.items()}

    def silence_s(self, *names: str) -> Middle:
        """The longest silence of a reply after sounds of these names."""
        silences = [fate.silence_s for fate in self.reading.fates if fate.name in names]
        return percentile(silences, 0.5), percentile(silences, 0.95)

    @property
    def noticed(self) -> Count:
        """Real interruptions to which the agent gave way within two seconds."""
        waits = self.reading.noticed_s
        return sum(wait_s is not None for wait_s in waits), len(waits)

    @property
    def noticed_s(self) -> Middle:
        waits = [wait_s for wait_s in self.reading.noticed_s if wait_s is not None]
        return percentile(waits, 0.5), percentile(waits, 0.95)

    @property
    def gap_s(self) -> Middle:
        """The caller's last voice to the agent's onset."""
        return percentile(self.reading.gaps_s, 0.5), percentile(self.reading.gaps_s, 0.95)

    def cut(self, pause_ms: int, *, first: bool | None = None) -> Count:
        """Pauses of a length that the agent spoke into. ``first``: of the call; False: a later one."""
        some = [p for p in self.reading.pauses if p.pause_ms == pause_ms and first in (None, p.nth == 0)]
        return sum(p.cut for p in some), len(some)

    def as_json(self) -> dict[str, Any]:
        """Everything of it, for a file."""
        return {
            "panel": self.columns,
            "counts": {name: getattr(self.panel, name) for name in COUNTED},
            "lost": self.lost,
            "silence_s": {name: _finite(self.silence_s(name)) for name in self.lost},
            "noticed": self.noticed,
            "noticed_s": self.noticed_s,
            "gap_s": self.gap_s,
            "cut": {
                ms: {"first": self.cut(ms, first=True), "later": self.cut(ms, first=False)}
                for ms in PAUSES_MS
            },
        }


def _finite(middle: Middle) -> Middle:
    """JSON has no word for a reply that never goes on but null."""
    p50, p95 = (None if value == float("inf") else value for value in middle)
    return p50, p95


COUNTED = ("turns", "interruptions", "cut_ins", "nods", "noises", "others")


def of(lines: Iterable[TimeLine]) -> Result:
    """The result of some calls' time lines."""
    result = Result(Panel(), (), Reading())
    for line in lines:
        result = Result(
            result.panel + panel.measure(line),
            (*result.eva, *eva.scores(line)),
            result.reading + reading.read(line),
        )
    return result


def of_plans(plans: Sequence[Sequence[Turn]], setting: Setting, seed: str) -> Result:
    """Run each call and sum them up."""
    return of(run(turns, setting, f"{seed} {number}") for number, turns in enumerate(plans))


def panel_result(setting: Setting, seeds: int) -> Result:
    """26 calls a seed."""
    return of(
        run(turns, setting, f"{seed} {number}")
        for seed in range(seeds)
        for number, turns in enumerate(plan(seed))
    )


def pauses_result(setting: Setting, pause_ms: int, seeds: int) -> Result:
    """Callers who pause so long in everything they say; with 0, who never do."""
    turns = [Turn(pause_ms=pause_ms)] * PAUSES_A_CALL
    return of_plans([turns] * PAUSE_CALLS * seeds, setting, f"pauses {pause_ms}")


def interruptions_result(setting: Setting, seeds: int, *, early: bool = False) -> Result:
    """A hundred real interruptions a seed. ``early``: in the reply's first second."""
    turns = [Turn(over=INTERRUPTS, early=early)] * INTERRUPTIONS_A_CALL
    return of_plans([turns] * INTERRUPTED_CALLS * seeds, setting, f"interruptions {early}")


def soft(setting: Setting) -> Setting:
    """The same with a caller of -30 dBFS."""
    return replace(setting, level_db=SOFT_DB)
