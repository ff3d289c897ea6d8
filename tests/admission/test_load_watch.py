"""How a worker measures its load, and what it shows the others: in simulated time."""

import logging
from dataclasses import replace

import pytest

from server.admission.load import LATE_FULL_S, OFF, SMOOTH_S
from server.admission.load_board import PLACES, STALE_S, LoadBoard, board_of_process
from server.admission.load_watch import IDLE_TICK_S, TICK_S, WARM_S, Seen, Ticks
from server.admission.room import Room
from tests.simtime.runtime import SimRuntime

IDLE = Seen(calls=0, places=0, lag_s=0.0, warm=True, draining=False)
LONG_S = 8 * SMOOTH_S


# ---- ticks


def test_ticks_that_are_in_time() -> None:
    ticks, now = Ticks(0.0), 0.0
    for _ in range(50):
        now += ticks.wait_s(now, TICK_S)
        assert ticks.woke(now, TICK_S) == pytest.approx(0)
    assert ticks.taken(now) == pytest.approx((1.0, 0.0))


@pytest.mark.parametrize("late_s", [0.001, 0.01, 0.019])
def test_ticks_that_are_all_a_little_late(late_s: float) -> None:
    """Each is due when it is due, and not so long behind the last one."""
    ticks, now = Ticks(0.0), 0.0
    for _ in range(50):
        now += ticks.wait_s(now, TICK_S) + late_s
        assert ticks.woke(now, TICK_S) == pytest.approx(late_s)
        now = max(now, ticks.due)
    assert ticks.taken(now)[1] == pytest.approx(late_s, rel=0.01)


def test_what_was_due_in_a_stall_is_late_too() -> None:
    """300 ms: sixteen wake-ups were due, the first of them 300 ms ago and the last one just now."""
    ticks = Ticks(0.0)
    now = ticks.wait_s(0.0, TICK_S) + 0.3
    assert ticks.woke(now, TICK_S) == pytest.approx(0.3)
    seconds, late_s = ticks.taken(now)
    assert seconds == pytest.approx(0.32) and late_s == pytest.approx(0.15, rel=0.1)
    assert ticks.due == pytest.approx(now, abs=TICK_S) and ticks.wait_s(now, TICK_S) < TICK_S + 1e-6
    assert ticks.taken(now) == (0.0, 0.0)


# ---- the watch


class Worker:
    """A process whose thread wakes ``late_s`` late, and that uses ``cpu`` of a core."""

    def __init__(self, threshold: float = 0.85, board: LoadBoard | None = None) -> None:
        self.runtime = SimRuntime()
        self.seen: Seen | None = IDLE
        self.late_s = self.cpu = 0.0
        self.slept: list[float] = []
        self.looks = 0
        self._sleep = self.runtime.sleep
        self.runtime.sleep = self.sleep  # type: ignore[method-assign]
        self.room = Room(threshold, 1.0, self.runtime, board or LoadBoard(bytearray(24), 0))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._sleep(seconds + self.late_s)
        self.runtime.used_cpu_s += self.cpu * (seconds + self.late_s)

    def look(self) -> Seen | None:
        self.looks += 1
        return self.seen

    def goes_on(self, seconds: float = LONG_S) -> None:
        self.room.watch(self.look)
        self.runtime.run_until(self.runtime.now + seconds)

    def calls(self, number: int, lag_s: float = 0.0) -> None:
        self.seen = replace(IDLE, calls=number, places=number, lag_s=lag_s)


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_the_cpu_of_the_process(worker: Worker) -> None:
    worker.calls(30)
    worker.cpu = 0.6
    worker.goes_on(300)
    assert worker.room.load.of_now == pytest.approx(0.6, rel=0.02)
    assert worker.room.load.carries == pytest.approx(42, abs=1)


def test_how_late_it_wakes(worker: Worker) -> None:
    worker.calls(1)
    worker.late_s = 0.3 * LATE_FULL_S
    worker.goes_on()
    assert worker.room.load.of_now == worker.room.load.figures.late == pytest.approx(0.3, rel=0.05)
    worker.late_s = 0.0
    worker.goes_on()
    assert worker.room.load.of_now < 0.01


def test_how_late_a_call_is_heard(worker: Worker) -> None:
    worker.calls(2, lag_s=0.1)
    worker.goes_on()
    assert worker.room.load.of_now == pytest.approx(0.5, rel=0.01)


def test_a_worker_without_calls_sleeps(worker: Worker) -> None:
    worker.goes_on(60)
    assert len(worker.slept) <= 60 / IDLE_TICK_S + 2
    worker.calls(1)
    worker.goes_on(1)
    worker.slept.clear()
    worker.goes_on(10)
    assert len(worker.slept) == pytest.approx(10 / TICK_S, abs=2)


def test_to_load_engines_is_no_load(worker: Worker) -> None:
    worker.seen = replace(IDLE, warm=False)
    worker.cpu = 1.0
    worker.goes_on(WARM_S - 1)
    assert worker.room.load.of_now == 0
    worker.seen = IDLE
    worker.goes_on(5)
    assert worker.room.load.of_now > 0.3


def test_an_engine_that_hangs_is_not_waited_for(worker: Worker) -> None:
    worker.seen = replace(IDLE, warm=False)
    worker.cpu = 1.0
    worker.goes_on(WARM_S + LONG_S)
    assert worker.room.load.of_now > 0.9


def test_it_is_one_thread_and_ends_with_what_it_watches(worker: Worker) -> None:
    worker.goes_on(3)
    worker.goes_on(3)
    assert worker.runtime.alive() == ["load"] and worker.looks == 7
    worker.seen = None
    worker.goes_on(3)
    assert worker.runtime.alive() == []


def test_a_stall_is_told_once_in_a_while(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    """Here with threads, where nobody knows which one it was; a wake-up a little late is none."""
    worker.late_s = 0.25
    worker.goes_on(10)
    assert "STALLED" not in caplog.text, "nobody was there to hear it"
    worker.calls(1)
    worker.late_s = 0.09
    worker.goes_on(10)
    assert "STALLED" not in caplog.text
    worker.late_s, worker.cpu = 0.25, 1.0
    worker.goes_on(50)
    lines = [record.getMessage() for record in caplog.records if "STALLED" in record.getMessage()]
    assert lines == ["THREADS_STALLED ms=250 cpu_ms=260: none of this worker's ran"]
    worker.goes_on(60)
    assert caplog.text.count("THREADS_STALLED") == 2


# ---- several workers


def test_each_knows_of_the_worst() -> None:
    page = bytearray(24 * 3)
    workers = [Worker(board=LoadBoard(page, place)) for place in range(3)]
    for worker, cpu in zip(workers, (0.1, 0.9, 0.1), strict=True):
        worker.calls(10)
        worker.cpu = cpu
    for _ in range(40):
        for worker in workers:
            worker.goes_on(1)
    assert [worker.room.takes(10) for worker in workers] == [False] * 3
    assert [worker.room.load.takes(10) for worker in workers] == [False] * 3
    assert workers[0].room.host_carries() == sum(worker.room.load.carries for worker in workers)
    workers[1].seen = replace(IDLE, draining=True)
    workers[1].goes_on(2)
    assert workers[0].room.takes(10), "who drains takes no sockets"
    assert workers[0].room.host_carries() < 3 * workers[0].room.load.carries


def test_a_worker_that_is_silent_is_not_asked() -> None:
    """Killed, or blocked: no socket comes to it either."""
    page = bytearray(24 * 2)
    mine, theirs = (LoadBoard(page, place) for place in range(2))
    theirs.tell(100.0, 0.99, 40)
    assert mine.others(100.0) == [0.99] and mine.others(100.0 + STALE_S) == []
    assert mine.carried_by_others(100.0) == 40 and theirs.others(100.0) == []
    theirs.leave()
    assert mine.others(100.0) == []


def test_a_process_that_stands_alone_has_a_board_of_its_own() -> None:
    board = board_of_process()
    board.tell(1.0, 0.9, 9)
    assert board.others(1.0) == board_of_process().others(1.0) == [] and PLACES >= 2 * 64


def test_a_refusal_says_why(caplog: pytest.LogCaptureFixture) -> None:
    """What would be the load, and of what it consists; one line a second, however many ring."""
    caplog.set_level(logging.INFO)
    worker = Worker()
    worker.calls(40)
    worker.cpu = 0.84
    worker.goes_on(300)
    assert [worker.room.takes(40) for _ in range(9)] == [False] * 9
    (line,) = (record.getMessage() for record in caplog.records if "CALL_REFUSED" in record.getMessage())
    assert line.startswith(
        "CALL_REFUSED with it the load would be 0.86: calls=40 cpu=0.84 late=0.00 lag=0.00"
    )
    assert Worker(OFF).room.takes(10**6)
