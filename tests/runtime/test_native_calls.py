"""Work off the hub has a bound, on threads and on gevent alike."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from server.runtime.native_calls import NoThread, Pool, Stuck, run_native
from server.runtime.oslock import os_lock, os_sleep

SOON_S = 0.05
LONG_S = 20.0


@contextmanager
def a_disk_that_hangs() -> Iterator[Callable[[], str]]:
    """What blocks until the block is left."""
    gate = os_lock()
    gate.acquire()

    def touch() -> str:
        with gate:
            return "touched"

    try:
        yield touch
    finally:
        gate.release()


def test_the_answer_and_the_error_are_those_of_the_work() -> None:
    pool = Pool("disk", 1)
    assert pool.run(LONG_S, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        pool.run(LONG_S, divmod, 7, 0)
    assert pool.run(LONG_S, int, "12", base=3) == 5


def test_what_hangs_is_given_up_and_goes_on() -> None:
    pool = Pool("disk", 1)
    with a_disk_that_hangs() as touch:
        with pytest.raises(Stuck, match=r"disk: nothing within 0\.05 s"):
            pool.run(SOON_S, touch)
        assert pool.hanging == 1
    assert pool.run(LONG_S, int, "1") == 1  # behind the one that hung
    assert pool.hanging == 0


def test_no_place_is_lost_where_many_wait_for_one() -> None:
    """Work that ends just when the next ones are told, or give up; on gevent it ends in the hub."""
    pool = Pool("disk", 2)

    def ask(number: int) -> None:
        for turn in range(60):
            with suppress(Stuck):
                pool.run((0.001, 0.003, LONG_S)[(number + turn) % 3], os_sleep, 0.0001 * (turn % 7))

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for each in asking:
        each.start()
    for each in asking:
        each.join(LONG_S)
    assert not any(each.is_alive() for each in asking)
    with a_disk_that_hangs() as touch:
        for _ in range(2):
            with pytest.raises(Stuck, match="nothing within"):
                pool.run(SOON_S, touch)


def test_what_hangs_takes_no_place_of_another_kind() -> None:
    disk, store = Pool("disk", 1), Pool("store", 1)
    with a_disk_that_hangs() as touch:
        with pytest.raises(Stuck):
            disk.run(SOON_S, touch)
        with pytest.raises(Stuck, match="disk: 1 before it hang"):
            disk.run(SOON_S, touch)
        assert store.run(LONG_S, int, "1") == 1


def test_a_thread_that_could_not_be_started_holds_no_place() -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = Pool("disk", 1, by_sockets=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NoThread, match="disk: can't start new thread"):
            pool.run(LONG_S, int, "1")
    assert pool.run(LONG_S, int, "1") == 1


def test_a_thread_may_not_be_needed() -> None:
    assert run_native(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        run_native(divmod, 7, 0)


ON_GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, pytest, sys, time
from tests.runtime import test_native_calls as here

ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.001)
gevent.spawn(tick)

for test in vars(here).copy().values():
    if getattr(test, "__name__", "").startswith("test_") and test is not here.test_the_same_on_gevent:
        test()

pool = here.Pool("disk", 1)
with here.a_disk_that_hangs() as touch:
    before = ticks
    with pytest.raises(here.Stuck):
        pool.run(0.2, touch)
    assert ticks - before > 20, ticks - before  # the hub went on
    # Names are looked up by others than those who compute.
    hub = gevent.get_hub().threadpool
    for _ in range(hub.maxsize):
        hub.spawn(touch)
    assert here.run_native(int, "1") == 1
print("held")
"""


@pytest.mark.servers
def test_the_same_on_gevent() -> None:
    done = subprocess.run([sys.executable, "-c", ON_GEVENT], capture_output=True, text=True, timeout=60)
    assert done.stdout == "held\n", done.stderr


def test_the_end_of_the_process_waits_for_nobody() -> None:
    script = (
        "from tests.runtime.test_native_calls import *\n"
        "pool, gate = Pool('disk', 1), os_lock()\n"
        "gate.acquire()\n"
        "try: pool.run(SOON_S, gate.acquire)\n"
        "except Stuck: print('stuck')\n"
    )
    for patch in ("", "import gevent.monkey; gevent.monkey.patch_all()\n"):
        ended = [sys.executable, "-c", patch + script]
        assert subprocess.run(ended, capture_output=True, text=True, timeout=60).stdout == "stuck\n"
