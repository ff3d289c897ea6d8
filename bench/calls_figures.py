"""What callers got and the server paid, as figures by name. Pure: what was seen in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.calls_caller import FRAME_S, Turn
from bench.calls_cpu import Window
from bench.calls_wire import WireCall
from server.simulator.load import Percentiles

Figures = dict[str, float | None]
DIRTY_FOREIGN = 0.04  # of the server's core, steal with it
DIRTY_LATE_MS = 10.0  # one frame in a hundred of the callers' own


@dataclass(frozen=True)
class Reference:
    """What one call gets, in milliseconds: by clip the smallest gap, and the p99 until ``clear``."""

    gaps: dict[int, float] = field(default_factory=dict)
    clear_p99_ms: float | None = None


def cost(window: Window, calls: int) -> Figures:
    """``cpu_ms``: of the server, for a second of one call. Shares are of a core."""
    core = window.server_s / window.seconds
    return {
        "cpu_ms": core * 1000 / calls if calls else None,
        "core": core,
        "core_in_kernel": core - window.user_s / window.seconds,
        "client_core": window.client_s / window.seconds,
        "foreign": window.foreign[0],
        "foreign_beside_client": window.foreign[-1],
        "steal": max(window.steal),
        "switches_voluntary_a_s": window.voluntary,
        "switches_involuntary_a_s": window.involuntary,
    }


def heard(calls: Sequence[WireCall], from_s: float, until_s: float, reference: Reference) -> Figures:
    """Of the turns that were over within the window. ``overhead``: a gap beyond its clip's in ``reference``.

    ``left``: what a caller still had to hear when more came, in the midst of a reply.
    """
    turns = [
        turn
        for call in calls
        for turn in call.caller.turns
        if from_s <= call.started_s + turn.end_s <= until_s
    ]
    gaps = [(turn.clip, turn.gap_s * 1000) for turn in turns if turn.gap_s is not None]
    over = [turn for turn in turns if turn.over_agent]
    left = sorted(left_s for call in calls for left_s in call.caller.playout.left_s)
    clears = _spread("clear", [turn.clear_s * 1000 for turn in over if turn.clear_s is not None])
    call_s = (until_s - from_s) * len(calls)
    torn = [late_s for call in calls for late_s in call.caller.playout.underruns]
    return {
        "callers_speak": sum(call.caller.spoken for call in calls) * FRAME_S / call_s if calls else None,
        "agent_speaks": sum(call.caller.playout.sent_s for call in calls) / call_s if calls else None,
        "turns": len(turns),
        "missed": sum(turn.missed for turn in turns),
        "double": sum(turn.double for turn in turns),
        "early": sum(turn.early for turn in turns),
        "underruns": len(torn),
        "worst_underrun_ms": max(torn) * 1000 if torn else None,
        "left_p50_ms": _at(left, 0.5),
        "left_p01_ms": _at(left, 0.01),
        "left_least_ms": _at(left, 0.0),
        "not_stopped": sum(turn.clear_s is None for turn in over),
        **_spread("gap", [gap for _, gap in gaps]),
        **_spread("overhead", [gap - reference.gaps[clip] for clip, gap in gaps if clip in reference.gaps]),
        **clears,
        **_later(clears.get("clear_p99_ms"), reference.clear_p99_ms),
    }


def lateness(late_s: Sequence[float]) -> Figures:
    """How late the callers' own frames were."""
    return _spread("client_late", [late * 1000 for late in late_s])


def smallest(calls: Sequence[WireCall]) -> dict[int, float]:
    """By clip the smallest gap in milliseconds."""
    found: dict[int, float] = {}
    for turn in _answered(calls):
        assert turn.gap_s is not None
        found[turn.clip] = min(found.get(turn.clip, turn.gap_s * 1000), turn.gap_s * 1000)
    return found


def dirt(figures: Figures) -> tuple[str, ...]:
    """Why the figures may be somebody else's doing."""
    foreign = (figures["foreign"] or 0.0) + (figures["steal"] or 0.0)
    late_ms = figures["client_late_p99_ms"] or 0.0
    found = []
    if foreign > DIRTY_FOREIGN:
        found.append(f"others had {foreign:.0%} of the server's core")
    if late_ms > DIRTY_LATE_MS:
        found.append(f"callers' frames were late: p99 {late_ms:.0f} ms")
    return tuple(found)


def _later(clear_p99_ms: float | None, with_one_ms: float | None) -> Figures:
    if clear_p99_ms is None or with_one_ms is None:
        return {}
    return {"clear_later_ms": clear_p99_ms - with_one_ms}


def _answered(calls: Sequence[WireCall]) -> list[Turn]:
    return [turn for call in calls for turn in call.caller.turns if turn.gap_s is not None]


def _spread(name: str, values_ms: Sequence[float]) -> Figures:
    if not values_ms:
        return {}
    of = Percentiles.of(values_ms)
    return {f"{name}_p50_ms": of.p50, f"{name}_p99_ms": of.p99, f"{name}_worst_ms": of.worst}


def _at(ordered_s: Sequence[float], share: float) -> float | None:
    return ordered_s[int(share * (len(ordered_s) - 1))] * 1000 if ordered_s else None
