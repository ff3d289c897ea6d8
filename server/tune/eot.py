"""The end of turn in eot-bench's terms (livekit/eot-bench, "Policy Sweep and Operating Points").

Each real pause of 200 ms or more is a hold span, each real end an end span. A policy (here: a setting that
was tried) cuts off in a hold when it ends the turn in it; its latency is the mean delay at the ends. Reported
are the fewest cut-offs of a policy within a mean latency of 300 and 600 ms, and the least mean latency of one
with at most 5 and 10 % cut-offs. Beside it silence alone, on the same spans, by every 20 ms. Two differences:
our pauses are labelled by what followed (``labels``), theirs by people; they count holds of up to 5 s, we of
up to 2 s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.audio.frames import FRAME_MS
from server.tune.figures import Figures
from server.tune.labels import Kind, Silence

LATENCIES_MS = (300, 600)
CUT_OFFS = (0.05, 0.10)
SLACK = 1e-9
LONGEST_SILENCE = 150  # frames

# Of their reports at commit 10855b4 (English) and 2435229 (Arabic, the nearest to Hebrew): cut-offs at
# 300 and 600 ms, latency in ms at 5 and 10 %.
PUBLISHED: dict[str, tuple[float | None, float | None, float | None, float | None]] = {
    "LiveKit Turn Detector v1, English": (0.099, 0.045, 543, 295),
    "LiveKit Turn Detector v1, Arabic": (0.162, 0.069, 706, 444),
    "Soniox, Arabic": (None, 0.060, 713, 489),
    "silence alone, Arabic": (0.548, 0.148, 900, 700),
}

Policy = tuple[float, float]  # mean latency in ms, share of pauses cut off


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """None where no policy is within the budget."""

    cut_at_300: float | None
    cut_at_600: float | None
    latency_at_5: float | None
    latency_at_10: float | None


def operating_points(policies: Iterable[Policy]) -> OperatingPoints:
    known = list(policies)
    cuts = [min((cut for ms, cut in known if ms <= budget + SLACK), default=None) for budget in LATENCIES_MS]
    latencies = [min((ms for ms, cut in known if cut <= budget + SLACK), default=None) for budget in CUT_OFFS]
    return OperatingPoints(*cuts, *latencies)


def policies_of(figures: Iterable[Figures], lost: int) -> list[Policy]:
    """Those of which both are known, and that miss no more than so many ends."""
    pairs = ((one.delay_ms, one.cut_share) for one in figures if one.lost <= lost)
    return [(delay, cut) for delay, cut in pairs if delay is not None and cut is not None]


def silence_alone(silences: Sequence[Silence]) -> list[Policy]:
    """A timer, and nothing else."""
    pauses = [s.goes_on - s.last_voice for s in silences if s.kind is Kind.PAUSE and s.goes_on is not None]
    if not pauses:
        return []
    timers = range(1, LONGEST_SILENCE + 1)
    return [(timer * FRAME_MS, sum(timer < pause for pause in pauses) / len(pauses)) for timer in timers]
