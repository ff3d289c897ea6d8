"""The short form of ``bench.calls``: a few calls, and every figure is there. How much is no matter here."""

import pytest

from bench.calls import Run
from bench.calls_cpu import CORES
from bench.service import WORKERS

CALLS, WINDOW_S = 4, 10.0  # in so long each has a turn
FIGURES = (
    "cpu_ms core foreign steal turns gap_p50_ms gap_p99_ms overhead_p99_ms left_least_ms client_late_p99_ms"
    " memory_mb memory_mb_a_call native_threads python_threads switches_voluntary_a_s"
)


@pytest.mark.skipif(len(CORES) < 2, reason="the server and its callers each need a core")
@pytest.mark.parametrize("worker_class", WORKERS)
def test_calls_beside_the_bare_loop(worker_class: str) -> None:
    run = Run(WINDOW_S, tries=1)  # others are busy here
    bare, ours = run.bare(worker_class, CALLS), run.ours("turns", worker_class, CALLS)
    assert bare.problems == ours.problems == ()
    assert bare.figures["in_window"] == ours.figures["in_window"] == CALLS
    assert [name for name in FIGURES.split() if ours.figures.get(name) is None] == []
    assert ours.figures["turns"] and ours.figures["missed"] == ours.figures["double"] == 0
    assert bare.figures["cpu_ms"] and bare.figures["messages_a_s"]
    assert bare.figures["messages_a_s"] > 40 * CALLS, "it answers each frame"
