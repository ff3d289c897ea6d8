"""The short form of ``bench.killed``."""

from bench.killed import measure


def test_a_killed_workers_calls_hear_the_apology() -> None:
    """G1: only its calls end, each by the fallback; their places come back by themselves."""
    assert measure("gevent", 6, talk_s=9.0).broken == []
