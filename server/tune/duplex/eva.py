"""EVA's ``turn_taking``, by its definition (``ServiceNow/eva``, docs/metrics/turn_taking.md). Pure, own code.

Each turn of the caller has a score of 0 to 1, by what happened to it. Nods are no turns, and no tool is
called in these calls. Times are exact, not ticks; the agent's pauses under 0.3 s are bridged.
"""

from server.tune.duplex.timeline import TURNS, Audible, Sound, TimeLine, joined

BRIDGE_S = 0.3
EARLY_S, BEST_FROM_S, BEST_UNTIL_S, LATE_S = -0.5, 0.5, 2.0, 3.5
MOST_OF_A_CUT_IN = 0.5
OVERLAP_S = 2.0  # of talking over the caller: nothing is left
CUT_INS = 3  # likewise
YIELD_S = 2.0


def latency_score(latency_s: float) -> float:
    """1 from 0.5 to 2 s; down to 0 at -0.5 s and at 3.5 s."""
    if latency_s < BEST_FROM_S:
        return max(0.0, (latency_s - EARLY_S) / (BEST_FROM_S - EARLY_S))
    return min(1.0, max(0.0, (LATE_S - latency_s) / (LATE_S - BEST_UNTIL_S)))


def scores(line: TimeLine) -> list[float]:
    """One for each turn. A call whose last turn is never answered has 0 for all of them."""
    agent = joined(line.agent, BRIDGE_S)
    turns = line.of(*TURNS)
    followings = [*(turn.start_s for turn in turns[1:]), float("inf")]
    out = [_score(turn, until_s, agent) for turn, until_s in zip(turns, followings, strict=False)]
    missed = bool(turns) and not any(span.end_s > turns[-1].end_s for span in agent)
    return [0.0] * len(out) if missed else out


def _score(turn: Sound, until_s: float, agent: list[Audible]) -> float:
    """``until_s``: the caller's next turn begins."""
    onset_s = next((span.start_s for span in agent if turn.end_s <= span.start_s < until_s), None)
    answer = None if onset_s is None else latency_score(onset_s - turn.end_s)
    cut_ins = [span for span in agent if turn.start_s < span.start_s < turn.end_s]
    events: list[float] = []
    if cut_ins:
        events.append(_cut_in_score(turn, cut_ins))
        events += [] if answer is None else [answer]
    over = next((span for span in agent if span.start_s <= turn.start_s < span.end_s), None)
    if over is not None:
        events.append(max(0.0, 1 - (over.end_s - turn.start_s) / YIELD_S))
    return min(events) if events else (answer or 0.0)


def _cut_in_score(turn: Sound, cut_ins: list[Audible]) -> float:
    """The agent began while the caller spoke: less for each time, and for how long they spoke together."""
    together_s = sum(min(span.end_s, turn.end_s) - span.start_s for span in cut_ins)
    by_overlap = max(0.0, 1 - together_s / OVERLAP_S)
    by_number = max(0.0, 1 - (len(cut_ins) - 1) / (CUT_INS - 1))
    return MOST_OF_A_CUT_IN * min(by_overlap, by_number)
