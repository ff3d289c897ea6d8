"""Which line keeps a thread from running: seen while it does, and no value of a caller's in it."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from weakref import ref

import pytest

from server.runtime import stalls
from server.runtime.oslock import os_thread_id
from server.runtime.stalls import STALLED_S, STILL_S, StallWatch, place_of
from tests.waiting import until


class Clock:
    """Moved by whoever sleeps: the native thread of the watch, which waits for a go each time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._go, self._slept = threading.Semaphore(0), threading.Semaphore(0)
        self.over = False

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self._slept.release()
        self._go.acquire()
        if not self.over:
            self.now += seconds

    def lets_it_look(self) -> None:
        """The thread of the watch sleeps once, looks, and is about to sleep again."""
        self._go.release()
        assert self._slept.acquire(timeout=10)

    def begins(self) -> None:
        assert self._slept.acquire(timeout=10)

    def end(self) -> None:
        self.over = True
        self._go.release(9)


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    yield clock
    clock.end()


def told() -> tuple[list[str], Callable[[float, str], None]]:
    lines: list[str] = []
    return lines, lambda seconds, place: lines.append(f"{seconds:.0f} {place}")


def test_the_line_is_seen_while_it_blocks(clock: Clock) -> None:
    watch = StallWatch(told()[1], clock, clock.sleep)
    watch.expect(1.0)
    watch.begin()
    clock.begins()
    clock.lets_it_look()
    assert clock.now == pytest.approx(1.0 + STALLED_S)
    assert re.match(
        r"[\w-]+/runtime/test_stalls\.py:\d+ in Clock\.lets_it_look \(.*threading\.py:", watch.seen_at
    )
    watch.expect(2.0)
    assert watch.seen_at == ""
    watch.end()


def test_who_runs_in_time_is_not_looked_at(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wake-up in STALLED_S, however often the other thread runs."""
    looked: list[int] = []
    monkeypatch.setattr(stalls, "place_of", lambda thread: looked.append(thread) or "somewhere")
    watch = StallWatch(told()[1], clock, clock.sleep)
    watch.expect(0.02)
    watch.begin()
    clock.begins()
    for _ in range(20):
        watch.expect(clock.now + 0.08)
        clock.lets_it_look()
    assert looked == [] and clock.now >= 20 * 0.08
    clock.lets_it_look()
    assert looked == [os_thread_id()] and watch.seen_at == "somewhere"
    watch.end()


def test_who_runs_again_just_then_is_not_told_of(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stall ends while it is looked at: what was seen is no place of a stall any more."""
    watch = StallWatch(told()[1], clock, clock.sleep)

    def runs_again(thread: int) -> str:
        watch.expect(9.0)
        return "somewhere"

    monkeypatch.setattr(stalls, "place_of", runs_again)
    watch.begin()
    clock.begins()
    clock.lets_it_look()
    assert watch.seen_at == ""
    watch.end()


def test_what_does_not_end_is_told_before_it_does(clock: Clock) -> None:
    """gunicorn kills the worker, and nobody would know why; once."""
    lines, still = told()
    watch = StallWatch(still, clock, clock.sleep)
    watch.begin()
    clock.begins()
    while clock.now < 3 * STILL_S:
        clock.lets_it_look()
    (line,) = lines
    assert line.startswith(f"{STILL_S:.0f} ") and "test_stalls.py" in line
    watch.expect(clock.now)
    watch.end()


def test_the_thread_ends_with_what_it_watches() -> None:
    """Real time: when it is over, nobody holds the watch any more."""
    watch = StallWatch(told()[1], time.monotonic, lambda seconds: time.sleep(min(seconds, 0.01)))
    watch.begin()
    held = ref(watch)
    watch.end()
    del watch
    until(lambda: held() is None)


# ---- a place


def place_in(function: Callable[[Callable[[], None]], object]) -> str:
    """Where ``function`` is while it waits in what it is handed."""
    places: list[str] = []
    thread = os_thread_id()

    def wait() -> None:
        looks = threading.Thread(target=lambda: places.append(place_of(thread)))
        looks.start()
        looks.join()

    function(wait)
    return places[0]


def test_a_place_is_file_line_and_function() -> None:
    """The innermost of ours, and where it is in a library; no text, no value."""
    secret = "0501234567"

    def asks_the_crm(wait: Callable[[], None]) -> None:
        json.loads(f'{{"{secret}": 1}}', object_hook=lambda read: wait())

    place = place_in(asks_the_crm)
    ours, _, library = place.partition(" (")
    assert re.fullmatch(r"tests/runtime/test_stalls\.py:\d+ in place_in\.<locals>\.wait", ours)
    assert re.fullmatch(
        r"[\w./-]*python[\w.]*/threading\.py:\d+ in Thread\.\w+\)|.*threading\.py.*\)", library
    )
    assert secret not in place


def test_a_thread_that_is_not_there() -> None:
    assert place_of(1) == ""
