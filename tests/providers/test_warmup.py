"""What is made before it is needed: the engines once, and a line again until its best voice has said it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from server.providers.warmup import Warmup
from server.runtime.threads import Task
from tests.simtime.runtime import SimRuntime


@dataclass
class Engines:
    """As much of ``Providers`` as is warmed; ``incomplete``: how often lines are still to be made."""

    runtime: SimRuntime
    incomplete: int = 0
    made_at: list[float] = field(default_factory=list)
    warmed_at: list[float] = field(default_factory=list)
    fail: bool = False

    lines: tuple[str, ...] = ()
    line_s: float = 1.0  # that a voice takes for one
    at_once: int = 99  # lines; a voice refuses more
    asked: int = 0
    refused: int = 0
    said: list[str] = field(default_factory=list)

    tts = ()

    @property
    def tts_cache(self) -> "Engines":
        return self

    @property
    def complete(self) -> bool:
        return len(self.made_at) >= self.incomplete

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(line for line in self.lines if line not in self.said)

    def make_line(self, line: str, *_: object) -> bool:
        if self.asked >= self.at_once:
            self.refused += 1
            return False
        self.asked += 1
        self.runtime.event().wait(self.line_s)
        self.asked -= 1
        self.said.append(line)
        return True

    def get(self, line: str) -> bytes | None:
        return b"audio" if line in self.said else None

    def make(self, *_: object) -> None:
        self.made_at.append(self.runtime.now)

    def warm(self, ending: Callable[[], bool]) -> None:
        self.warmed_at.append(self.runtime.now)
        if self.fail:
            raise ZeroDivisionError


def warmup_of(engines: Engines, ending: bool = False, **more: Any) -> Warmup:
    runtime = engines.runtime
    return Warmup(
        engines,  # type: ignore[arg-type]
        runtime,
        begin_work=lambda name, work: runtime.spawn(name, lambda: work(lambda: ending)),
        **more,
    )


def test_once_a_process() -> None:
    engines = Engines(runtime := SimRuntime())
    warmup = warmup_of(engines)
    assert not warmup.done
    for _ in range(3):
        warmup.begin()
        runtime.run_until(runtime.now + 1)
    assert warmup.done and len(engines.warmed_at) == 1 and engines.made_at == []


def test_engines_that_fail_are_warm_too(caplog: pytest.LogCaptureFixture) -> None:
    """Calls try them again."""
    engines = Engines(runtime := SimRuntime(), fail=True)
    (warmup := warmup_of(engines)).begin()
    runtime.run_until(1)
    assert warmup.done and "ENGINE_ERR" in caplog.text


def test_who_waits_is_told_when_it_is_done_or_when_it_takes_too_long() -> None:
    engines, told = Engines(runtime := SimRuntime()), []
    warmup = warmup_of(engines)
    for wait_s in (1.0, 9.0):
        runtime.spawn("caller", lambda wait_s=wait_s: told.append((warmup.wait(wait_s), int(runtime.now))))
    runtime.call_at(5.0, warmup.begin)
    runtime.run_until(20)
    assert told == [(False, 1), (True, 5)]


def test_g2_a_line_that_a_fallback_said_is_made_again() -> None:
    """G2: with growing waits, up to an hour, until the best voice has made every line."""
    engines = Engines(runtime := SimRuntime(), incomplete=8)
    warmup_of(engines).begin()
    runtime.run_until(24 * 3600)
    pairs = zip([0.0, *engines.made_at], engines.made_at, strict=False)
    waits = [round(later - before) for before, later in pairs]
    assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]
    assert runtime.alive() == []


def test_nothing_is_begun_when_the_process_ends_meanwhile() -> None:
    engines = Engines(runtime := SimRuntime(), incomplete=1)
    warmup_of(engines, ending=True).begin()
    runtime.run_until(1000)
    assert engines.made_at == []


def lines(how_many: int) -> tuple[str, ...]:
    return tuple(f"line {number}" for number in range(how_many))


def test_lines_are_made_several_at_once_and_calls_do_not_wait_for_the_last() -> None:
    """The greeting is the first of them; a vendor's voice takes a second for each of sixty."""
    engines = Engines(runtime := SimRuntime(), lines=lines(60))
    (warmup := warmup_of(engines)).begin()
    runtime.run_until(5)
    assert warmup.done and "line 0" in engines.said and 4 < len(engines.said) < 60
    runtime.run_until(100)
    assert sorted(engines.said) == sorted(lines(60))  # each once
    assert runtime.now >= 60 / 4 and runtime.alive() == []


@pytest.mark.parametrize(("at_once", "refused", "took_s"), [(4, 0, 15), (3, 1, 20), (2, 2, 30), (1, 3, 60)])
def test_a_vendor_that_allows_fewer_at_once_is_asked_by_fewer(
    at_once: int, refused: int, took_s: float
) -> None:
    """It says all lines all the same; four who go on would be refused half of them."""
    engines = Engines(runtime := SimRuntime(), lines=lines(60), at_once=at_once)
    warmup_of(engines).begin()
    runtime.run_until(took_s + 1)
    assert sorted(engines.said) == sorted(lines(60)) and engines.refused == refused
    assert "line 0" in engines.said[:at_once]  # the greeting


def test_the_last_who_is_refused_waits_a_second_and_at_last_leaves_a_voice_that_is_down() -> None:
    """Others of other processes have asked too. What is down is asked again a minute later, as ever."""
    engines = Engines(runtime := SimRuntime(), lines=lines(60), at_once=0)
    (warmup := warmup_of(engines)).begin()
    runtime.run_until(1.9)
    assert (engines.refused, warmup.done) == (3 + 2, True)
    engines.at_once = 1
    runtime.run_until(2.5)
    assert len(engines.said) == 0
    runtime.run_until(100)
    assert len(engines.said) == 60 - 2 and runtime.alive() == []
    down = Engines(runtime := SimRuntime(), lines=lines(60), at_once=0)
    warmup_of(down).begin()
    runtime.run_until(50)
    assert down.refused == 3 + 3


def test_who_wants_a_line_waits_for_that_one() -> None:
    engines, told = Engines(runtime := SimRuntime(), lines=lines(60)), []
    (warmup := warmup_of(engines)).begin()

    def ask(line: str, for_s: float) -> None:
        warmup.wait_for_line(line, for_s)
        told.append((line, engines.get(line), round(runtime.now)))

    for line, for_s in (("line 20", 30.0), ("line 59", 3.0), ("another", 30.0)):
        runtime.spawn("asks", partial(ask, line, for_s))
    runtime.run_until(100)
    assert told == [("line 59", None, 3), ("line 20", b"audio", 6), ("another", None, 15)]


def test_what_was_loaded_is_settled_before_anybody_goes_on() -> None:
    engines, order = Engines(runtime := SimRuntime()), []
    warmup = warmup_of(engines)
    runtime.spawn("caller", lambda: order.append(("call", warmup.wait(9))))
    warmup.begin(lambda: order.append(("settled", warmup.done)))
    runtime.run_until(10)
    assert order == [("settled", False), ("call", True)]


def test_a_process_that_serves_says_that_it_warms_until_it_is_warm_or_an_engine_hangs() -> None:
    for line_s, hangs_s, seen in ((0.1, 0.0, [True, False, False]), (0.1, 99.0, [True, True, False])):
        engines = Engines(runtime := SimRuntime(), lines=lines(3), line_s=line_s)
        warmup = warmup_of(engines, beside=partial(runtime.event().wait, hangs_s))
        assert not warmup.warming
        warmup.begin(serving=True)
        states = [warmup.warming]
        for until_s in (10, 30):
            runtime.run_until(until_s)
            states.append(warmup.warming)
        assert states == seen


def test_a_process_that_does_not_serve_never_says_so() -> None:
    (warmup := warmup_of(Engines(SimRuntime()))).begin()
    assert not warmup.warming and not warmup.done


@pytest.mark.parametrize("threads", [0, 1, 2, 3, 5])
def test_where_no_thread_can_be_had_it_is_ready_all_the_same(
    threads: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With those that there are; without any, who asks next tries again."""
    engines = Engines(runtime := SimRuntime(), lines=lines(5))
    left = threads

    def begin_work(name: str, work: Callable[[Callable[[], bool]], None]) -> Task:
        nonlocal left
        if not left:
            raise RuntimeError("can't start new thread")
        left -= 1
        return runtime.spawn(name, lambda: work(lambda: False))

    warmup = Warmup(engines, runtime, begin_work=begin_work)  # type: ignore[arg-type]
    warmup.begin(serving=True)
    runtime.run_until(10)
    assert ("no thread for" in caplog.text) == (threads < 5)
    assert warmup.done == (threads > 0)
    assert (engines.missing == ()) == (threads > 1)
    runtime.spawn("asks", lambda: warmup.wait_for_line("line 4", 9.0))
    runtime.run_until(11)
    assert runtime.alive() == (["asks"] if threads == 0 else [])
    runtime.run_until(25)
    assert not warmup.warming
    if not threads:
        left = 5
        warmup.begin()
        assert warmup.warming
        runtime.run_until(40)
        assert warmup.done and engines.missing == ()


def test_a_line_is_made_again_once_a_thread_can_be_had() -> None:
    engines = Engines(runtime := SimRuntime(), incomplete=1)

    def begin_work(name: str, work: Callable[[Callable[[], bool]], None]) -> Task:
        if name == "lines-again" and runtime.now < 100:
            raise RuntimeError("can't start new thread")
        return runtime.spawn(name, lambda: work(lambda: False))

    Warmup(engines, runtime, begin_work=begin_work).begin()  # type: ignore[arg-type]
    runtime.run_until(3600)
    assert [round(at) for at in engines.made_at] == [180] and runtime.alive() == []


@pytest.mark.parametrize("part", ["beside", "settle", "missing"])
def test_it_is_ready_whatever_failed(part: str) -> None:
    class Failing(Engines):
        @property
        def missing(self) -> tuple[str, ...]:
            return () if part != "missing" else self.lines[1 // 0 :]

    def fail(name: str) -> None:
        if name == part:
            raise RuntimeError(name)

    engines = Failing(runtime := SimRuntime())
    warmup = warmup_of(engines, beside=partial(fail, "beside"))
    warmup.begin(partial(fail, "settle"))
    with suppress(RuntimeError, ZeroDivisionError):  # the thread's own
        runtime.run_until(5)
    assert warmup.done and len(engines.warmed_at) == 1


def test_it_is_cold_until_it_is_warm_or_an_engine_hangs_whether_it_serves_or_not() -> None:
    for serving in (False, True):
        for hangs_s, seen in ((0.0, [True, False, False]), (99.0, [True, True, False])):
            engines = Engines(runtime := SimRuntime())
            warmup = warmup_of(engines, beside=partial(runtime.event().wait, hangs_s))
            runtime.run_until(50)
            assert warmup.cold  # nobody has asked for it
            warmup.begin(serving=serving)
            states = [warmup.cold]
            for until_s in (60, 75):
                runtime.run_until(until_s)
                states.append(warmup.cold)
            assert states == seen
