"""Any engine stream read under a deadline."""

import pytest

from server.providers.base import ProviderError
from server.providers.deadlines import BOUND, BoundedStream
from tests.simtime.runtime import SimRuntime
from tests.simtime.scripted import ScriptedStream


class Reading:
    """A reader of the engine on a thread of its own."""

    def __init__(self, *steps, first_s=1.0, next_s=0.5, obeys=True, cancel_at=None):
        self.runtime = SimRuntime()
        self.provider = ScriptedStream(self.runtime, *steps, obeys=obeys)
        self.stream = BoundedStream(self.runtime, "engine", self.provider, first_s=first_s, next_s=next_s)
        self.got = []
        self.task = self.runtime.spawn("reader", self._read)
        if cancel_at is not None:
            self.runtime.call_at(cancel_at, self.stream.cancel)
        self.runtime.run_until(10)

    def _read(self):
        try:
            for item in self.stream:
                self.got.append((round(self.runtime.now, 3), item))
            self.got.append((round(self.runtime.now, 3), "end"))
        except ProviderError as error:
            self.got.append((round(self.runtime.now, 3), str(error), error.retryable))


@pytest.mark.parametrize(
    "steps, got",
    {
        "items as they come": ((0.1, "a", "b", 0.3, "c"), [(0.1, "a"), (0.1, "b"), (0.4, "c"), (0.4, "end")]),
        "nothing": ((0.2,), [(0.2, "end")]),
        "no first item": ((3.0, "a"), [(1.0, "nothing within 1000 ms", True)]),
        "the first just in time": ((0.99, "a"), [(0.99, "a"), (0.99, "end")]),
        "no next item": (("a", 0.6, "b"), [(0.0, "a"), (0.5, "nothing within 500 ms", True)]),
        "each next one anew": (
            ("a", 0.4, "b", 0.4, "c"),
            [(0.0, "a"), (0.4, "b"), (0.8, "c"), (0.8, "end")],
        ),
        "a failure": (("a", 0.1, ProviderError("down", retryable=True)), [(0.0, "a"), (0.1, "down", True)]),
        "a bug": ((0.1, KeyError("x")), [(0.1, "KeyError: 'x'", False)]),
    }.values(),
)
def test_g1_every_wait_is_bounded(steps, got):
    """G1, G2: items as they come, until the end, a failure, or a deadline."""
    reading = Reading(*steps)
    assert reading.got == got
    assert reading.runtime.alive() == []


def test_g1_a_late_provider_is_cancelled():
    """G1: its thread ends with the reader's patience."""
    reading = Reading(5.0, "a")
    assert reading.provider.cancels >= 1
    assert max(task.ended_at for task in reading.runtime.tasks) == 1.0


def test_without_deadlines_it_is_waited_for():
    """None is no limit."""
    assert Reading(3.0, "a", 3.0, "b", first_s=None, next_s=None).got == [
        (3.0, "a"),
        (6.0, "b"),
        (6.0, "end"),
    ]


def test_f6_cancelled_from_another_thread():
    """F6: the reader ends at once, without an error, and so does the engine's thread."""
    reading = Reading("a", 0.4, "b", cancel_at=0.25)
    assert reading.got == [(0.0, "a"), (0.25, "end")]
    assert reading.provider.cancels == 1
    assert max(task.ended_at for task in reading.runtime.tasks) == 0.25


def test_f6_a_provider_that_ignores_cancel_is_left_behind():
    """F6: the reader does not wait for it, and hears no more of it."""
    reading = Reading("a", 0.4, "b", 3.0, ProviderError("late"), obeys=False, cancel_at=0.25)
    assert reading.got == [(0.0, "a"), (0.25, "end")]
    assert reading.stream.task.ended_at == pytest.approx(0.4)


def test_a_provider_that_never_returns_is_left_behind():
    """F6: a daemon, and unheard."""
    reading = Reading(9999.0, obeys=False, cancel_at=0.25)
    assert reading.got == [(0.25, "end")]
    assert reading.runtime.alive() == ["engine"]


def test_what_was_not_read_is_dropped_by_cancel():
    """B2: nothing of a dropped turn is delivered."""
    runtime = SimRuntime()
    stream = BoundedStream(runtime, "engine", ScriptedStream(runtime, *"abc"), first_s=1, next_s=1)
    runtime.run_until(0)
    stream.cancel()
    assert list(stream) == []


def test_a_failure_after_cancel_is_none():
    """F6: an engine that fails because it was cancelled has not failed."""
    runtime = SimRuntime()
    for fails_at in (0.1, 0.5):
        provider = ScriptedStream(runtime, fails_at, ProviderError("down"), obeys=False)
        stream = BoundedStream(runtime, "engine", provider, first_s=1, next_s=1)
        runtime.run_until(runtime.now + 0.3)
        stream.cancel()
        runtime.run_until(runtime.now + 1)
        assert list(stream) == []


def test_a_runaway_is_stopped():
    """No engine is ahead of its reader by more than a bound."""
    runtime = SimRuntime()
    provider = ScriptedStream(runtime, *["x"] * (BOUND + 10))
    stream = BoundedStream(runtime, "engine", provider, first_s=1, next_s=1)
    runtime.run_until(0)
    assert provider.cancels == 1
    assert len(list(stream)) == BOUND
