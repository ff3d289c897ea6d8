"""The short forms of ``bench.killed`` and ``bench.goes_on``."""

import pytest

from bench import goes_on, killed

TRIES = 3  # the kernel may give all six calls to one worker: then nothing was tried


@pytest.mark.parametrize("worker_class, store", [("gevent", "file"), ("gthread", "redis")])
def test_f8_a_killed_workers_calls_go_on_at_the_other(worker_class: str, store: str) -> None:
    """F8: every one, with the turns that were answered before; and nobody else gets their places."""
    result = goes_on.measure(worker_class, 2, store, at_once=5)
    assert result.broken == []


def test_a_killed_workers_calls_hear_the_apology() -> None:
    """G1: where none is taken up, only its calls end, each by the fallback; their places come back."""
    results = (killed.measure("gevent", 6, talk_s=9.0) for _ in range(TRIES))
    result = next(result for result in results if result.killed and result.others)
    assert result.broken == []
