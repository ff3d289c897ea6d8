"""What is made before it is needed: the engines once, and a line again until its best voice has said it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from server.providers.warmup import Warmup
from tests.simtime.runtime import SimRuntime


@dataclass
class Engines:
    """As much of ``Providers`` as is warmed; ``incomplete``: how often lines are still to be made."""

    runtime: SimRuntime
    incomplete: int = 0
    made_at: list[float] = field(default_factory=list)
    warmed_at: list[float] = field(default_factory=list)
    fail: bool = False

    tts = ()

    @property
    def tts_cache(self) -> "Engines":
        return self

    @property
    def complete(self) -> bool:
        return len(self.made_at) >= self.incomplete

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
    assert warmup.done and engines.warmed_at == [0.0] and engines.made_at == []


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
        runtime.spawn("caller", lambda wait_s=wait_s: told.append((warmup.wait(wait_s), runtime.now)))
    runtime.call_at(5.0, warmup.begin)
    runtime.run_until(20)
    assert told == [(False, 1.0), (True, 5.0)]


def test_g2_a_line_that_a_fallback_said_is_made_again() -> None:
    """G2: with growing waits, up to an hour, until the best voice has made every line."""
    engines = Engines(runtime := SimRuntime(), incomplete=8)
    warmup_of(engines).begin()
    runtime.run_until(24 * 3600)
    waits = [later - before for before, later in zip([0.0, *engines.made_at], engines.made_at, strict=False)]
    assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]
    assert runtime.alive() == []


def test_nothing_is_begun_when_the_process_ends_meanwhile() -> None:
    engines = Engines(runtime := SimRuntime(), incomplete=1)
    warmup_of(engines, ending=True).begin()
    runtime.run_until(1000)
    assert engines.made_at == []
