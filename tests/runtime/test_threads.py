"""Threads and time as they are handed around, and the queue between two threads."""

import threading

import pytest

from server.runtime.threads import Channel, Closed, Late, Threads
from tests.simtime.runtime import SimRuntime


@pytest.fixture
def runtime():
    return SimRuntime()


def reader(runtime, channel, timeout_s=None):
    """A thread that takes until the channel gives no more; what it got, and when."""
    got = []

    def read():
        while True:
            try:
                item = channel.get(timeout_s)
                got.append((runtime.now, item))
            except (Closed, Late) as end:
                got.append((runtime.now, type(end)))
                return

    runtime.spawn("reader", read)
    return got


# ---- the channel, in simulated time


def test_items_come_in_order_and_then_the_end(runtime):
    """What is in a channel when it is closed is still taken."""
    channel = Channel(runtime, 10)
    assert all(channel.put(item) for item in "abc")
    channel.close()
    got = reader(runtime, channel)
    runtime.run_until(1)
    assert got == [(0, "a"), (0, "b"), (0, "c"), (0, Closed)]


def test_a_reader_waits_until_something_comes(runtime):
    """An item wakes its reader at once."""
    channel = Channel(runtime, 10)
    got = reader(runtime, channel)
    runtime.call_at(0.3, lambda: channel.put("a"))
    runtime.call_at(0.5, channel.close)
    runtime.run_until(1)
    assert got == [(0.3, "a"), (0.5, Closed)]


def test_a_reader_gives_up_after_its_timeout(runtime):
    """Late, counted for each item anew."""
    channel = Channel(runtime, 10)
    got = reader(runtime, channel, timeout_s=0.25)
    runtime.call_at(0.2, lambda: channel.put("a"))
    runtime.run_until(1)
    assert got == [(0.2, "a"), (0.45, Late)]


def test_what_another_reader_took_does_not_stretch_the_timeout(runtime):
    """The deadline is absolute: a wake-up for nothing leaves only the rest of it."""
    channel = Channel(runtime, 10)
    first, second = reader(runtime, channel, 0.4), reader(runtime, channel, 0.4)
    runtime.call_at(0.3, lambda: channel.put("a"))
    runtime.run_until(1)
    assert first == [(0.3, "a"), (0.7, Late)]
    assert second == [(0.4, Late)]


def test_no_wait_at_all(runtime):
    """A timeout of 0 takes what is there."""
    channel = Channel(runtime, 10)
    channel.put("a")
    got = reader(runtime, channel, timeout_s=0)
    runtime.run_until(0)
    assert got == [(0, "a"), (0, Late)]


def test_a_channel_is_bounded(runtime):
    """A full one takes nothing and says so."""
    channel = Channel(runtime, 2)
    assert [channel.put(item) for item in "abc"] == [True, True, False]
    assert channel.get() == "a"
    assert channel.put("d")
    assert [channel.get(), channel.get()] == ["b", "d"]


def test_a_closed_channel_takes_nothing(runtime):
    """Closing is idempotent."""
    channel = Channel(runtime, 2)
    assert not channel.closed
    channel.close()
    channel.close()
    assert channel.closed
    assert not channel.put("a")
    with pytest.raises(Closed):
        channel.get()


def test_dropped_items_are_gone(runtime):
    """With ``drop`` the reader gets nothing more, also when it was closed before."""
    for close_before in (True, False):
        channel = Channel(runtime, 2)
        channel.put("a")
        if close_before:
            channel.close()
        channel.close(drop=True)
        with pytest.raises(Closed):
            channel.get()


@pytest.mark.parametrize(
    "seconds, set_at, until, was_set",
    [(0.5, None, 0.5, False), (0.5, 0.2, 0.2, True), (None, 0.7, 0.7, True), (0.0, None, 0.0, False)],
)
def test_an_event_is_waited_for(runtime, seconds, set_at, until, was_set):
    """An engine's delay ends with its cancellation: simulated events wait as those of ``threading`` do."""
    event = runtime.event()
    ended = []
    runtime.spawn("waiter", lambda: ended.extend([event.wait(seconds), runtime.now]))
    if set_at is not None:
        runtime.call_at(set_at, event.set)
    runtime.run_until(1)
    assert ended == [was_set, until]


# ---- real threads

PATIENCE_S = 10.0


def test_a_channel_between_real_threads():
    """Production: a daemon reader blocks, gets every item in order, and ends with the channel."""
    runtime = Threads()
    there, back = Channel(runtime, 1000), Channel(runtime, 1000)

    def echo():
        try:
            while True:
                back.put(there.get())
        except Closed:
            back.close()

    task = runtime.spawn("echo", echo)
    assert isinstance(task, threading.Thread) and task.daemon and task.name == "echo"
    for number in range(500):
        assert there.put(number)
    assert [back.get(PATIENCE_S) for _ in range(500)] == list(range(500))
    assert task.is_alive()
    there.close()
    with pytest.raises(Closed):
        back.get(PATIENCE_S)
    task.join(PATIENCE_S)
    assert not task.is_alive()


def test_real_time_passes():
    """Production: a monotonic clock, and a timeout by it."""
    runtime = Threads()
    began = runtime.clock()
    with pytest.raises(Late):
        Channel(runtime, 1).get(0.01)
    assert 0.01 <= runtime.clock() - began < PATIENCE_S


def test_the_lock_of_a_condition_is_not_re_entrant():
    """One lock a call, decide and enqueue inside it: whoever takes it twice is wrong."""
    condition = Threads().condition()
    with condition:
        assert not condition.acquire(blocking=False)
