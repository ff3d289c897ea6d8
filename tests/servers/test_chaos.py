"""The short forms of ``bench.chaos`` and ``bench.soak``: nothing is left, no memory is kept."""

from bench.chaos import measure
from bench.soak import simulated

CALLS = 6


def test_g_every_call_ends_and_leaves_nothing() -> None:
    """F6, G1, G2, G3: half of the requests to the engines fail, callers vanish, flood and send garbage, and
    meanwhile disks, log, state and clock fall ill by turns."""
    result = measure(
        "gevent", CALLS, at_once=CALLS, rate=0.5, rude_rate=0.5, seed=65, warm_up=0, trouble_s=0.6, turns=1
    )
    assert len(result.calls) == CALLS
    assert result.broken == []
    failed = {fault: count for fault, count in result.faulty.items() if fault != "none"}
    assert len(failed) >= 3, "no chaos"
    assert len({*result.had}) >= 5, "no troubles"


def test_hours_of_calls_keep_no_memory() -> None:
    """F6: what a call leaves in the process would be found again a hundred times."""
    growth, soak = simulated(0.03, 20, seed=3, vad="energy")
    assert growth.faults == ()
    assert soak.done >= 3
