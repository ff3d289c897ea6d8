"""The condition that greenlets wait for: what ``threading.Condition`` does, without its locks."""

import subprocess
import sys

import gevent
import pytest
from gevent.event import Event

from server.runtime.greenlets import GreenletCondition

LONG_S, SHORT_S = 5.0, 0.001

UNDER_GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
from server.runtime.threads import Channel, Late, Threads
runtime = Threads()
channel = Channel(runtime, 10)
got = []
reader = runtime.spawn("reader", lambda: got.extend([channel.get(5.0), channel.get(5.0)]))
channel.put("a")
channel.put("b")
reader.join(5.0)
try:
    channel.get(0.001)
except Late:
    got.append("late")
print(type(runtime.condition()).__name__, *got)
"""

WHO_NOTIFIES = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent
from gevent.threadpool import ThreadPool
from server.runtime.threads import Channel, Late, Threads

changed, order = Threads().condition(), []

def other():
    with changed:
        order.append("other")

with changed:
    gevent.spawn(lambda: order.append("free"))
    waits = gevent.spawn(other)
    changed.notify_all()
    order.append("notified")
waits.join()
print(*order)

channel = Channel(Threads(), 2)
gevent.spawn_later(0.01, channel.put, "from a greenlet")
print(channel.get(20))
ThreadPool(1).spawn(channel.put, "from a native thread").get()
print(channel.get(20))
try:
    channel.get(0.01)
except Late:
    print("late")
"""


@pytest.fixture
def changed() -> GreenletCondition:
    return GreenletCondition()


class Waits:
    """A greenlet that waits for ``changed``, and what it was told."""

    def __init__(self, changed: GreenletCondition, timeout: float | None = LONG_S) -> None:
        self.told: list[bool] = []
        self._changed, self._timeout, self._waits = changed, timeout, Event()
        self.greenlet = gevent.spawn(self._run)
        assert self._waits.wait(LONG_S)

    def _run(self) -> None:
        with self._changed:
            self._waits.set()  # nobody gets the lock before the next line lets go of it
            self.told.append(self._changed.wait(self._timeout))


def notify(changed: GreenletCondition) -> None:
    with changed:
        changed.notify_all()


def test_all_who_wait_are_told_at_once(changed: GreenletCondition) -> None:
    """Whether they would have waited for ever or not."""
    waiting = [Waits(changed), Waits(changed, None), Waits(changed)]
    notify(changed)
    gevent.joinall([one.greenlet for one in waiting], LONG_S, raise_error=True)
    assert [one.told for one in waiting] == [[True]] * 3


@pytest.mark.parametrize("timeout", [SHORT_S, 0.0, -1.0])
def test_who_is_not_told_in_time_goes_on(changed: GreenletCondition, timeout: float) -> None:
    """With the lock, which it lets go of at last."""
    waiting = Waits(changed, timeout)
    waiting.greenlet.join(LONG_S)
    assert waiting.told == [False]
    notify(changed)  # the lock is free, and nobody is waiting any more


def test_who_waits_goes_on_once_the_lock_is_free(changed: GreenletCondition) -> None:
    waiting = Waits(changed)
    with changed:
        changed.notify_all()
        gevent.idle()
        gevent.idle()
        assert waiting.told == []
    waiting.greenlet.join(LONG_S)
    assert waiting.told == [True]


def test_who_is_told_and_late_in_one_round_waits_anew_all_the_same(changed: GreenletCondition) -> None:
    """Of two reasons to go on the second is none for the next wait."""
    told = []

    def wait_twice() -> None:
        with changed:
            told.append(changed.wait(SHORT_S))
            told.append(changed.wait(LONG_S))

    greenlet = gevent.spawn(wait_twice)
    gevent.idle()
    until = gevent.get_hub().loop.now() + 2 * SHORT_S
    while gevent.get_hub().loop.now() < until:  # the timer is due, and the hub has not looked yet
        gevent.get_hub().loop.update_now()
    notify(changed)
    gevent.idle()
    assert len(told) == 1
    notify(changed)
    greenlet.join(LONG_S)
    assert len(told) == 2 and told[1]


def test_one_that_is_killed_while_it_waits_leaves_the_lock_free(changed: GreenletCondition) -> None:
    waiting, other = Waits(changed), Waits(changed)
    waiting.greenlet.kill(timeout=LONG_S)
    notify(changed)
    other.greenlet.join(LONG_S)
    assert (waiting.told, other.told) == ([], [True])


def test_a_process_whose_threads_are_greenlets_has_it() -> None:
    """And a channel between two of them does what it does between threads."""
    assert printed(UNDER_GEVENT).split() == ["GreenletCondition", "a", "b", "late"]


def test_who_notifies_keeps_the_lock_and_the_thread() -> None:
    """And what another thread has put into a channel is there."""
    told = ["notified free other", "from a greenlet", "from a native thread", "late"]
    assert printed(WHO_NOTIFIES).splitlines() == told


def printed(script: str) -> str:
    """By a process of its own, which says nothing else."""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.stderr == ""
    return ran.stdout
