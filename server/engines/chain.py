"""Engines in order of preference; those that keep failing are skipped for a while (G4)."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

log = logging.getLogger("agent")


class Named(Protocol):
    @property
    def name(self) -> str: ...


E = TypeVar("E", bound=Named)


@dataclass(frozen=True)
class BreakerParams:
    """After ``failures`` in a row an engine is skipped for ``open_s`` seconds."""

    failures: int = 3
    open_s: float = 30.0


@dataclass
class _Health:
    failures: int = 0  # in a row
    skipped_until: float = 0.0


class Chain(Generic[E]):
    """Shared by all calls of a process; any thread, also with a call's lock held. ``kind`` is for the log."""

    def __init__(
        self,
        kind: str,
        engines: tuple[E, ...],
        breaker: BreakerParams | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        assert engines
        self._kind = kind
        self._engines = engines
        self._breaker = breaker or BreakerParams()
        self._clock = clock
        self._health = [_Health() for _ in engines]
        self._lock = threading.Lock()  # guards the one before; held for nothing that waits

    def __iter__(self) -> Iterator[E]:
        return iter(self._engines)

    @property
    def first(self) -> E:
        """The engine that is preferred to all others."""
        return self._engines[0]

    @property
    def skips_first(self) -> bool:
        """That engine would not be tried now. To ask takes away nobody's try."""
        with self._lock:
            return self._clock() < self._health[0].skipped_until

    def usable(self) -> tuple[E, ...]:
        """What to try now, in order: all but the skipped ones, or all when that leaves none.

        An engine whose time has passed is handed out once; until that try is told, others still skip it.
        """
        now = self._clock()
        with self._lock:
            usable = [engine for engine, health in self._pairs() if self._may_try(health, now)]
        return tuple(usable) or self._engines

    def worked(self, engine: E) -> None:
        """It did what it was asked."""
        with self._lock:
            health = self._health[self._engines.index(engine)]
            was_skipped = health.skipped_until > 0
            health.failures, health.skipped_until = 0, 0.0
        if was_skipped:
            log.warning("ENGINE_BACK %s %s", self._kind, engine.name)

    def failed(self, engine: E, why: str) -> None:
        """It failed, or was too late. Not for what was cancelled."""
        with self._lock:
            health = self._health[self._engines.index(engine)]
            health.failures += 1
            skip = health.failures >= self._breaker.failures
            if skip:
                health.skipped_until = self._clock() + self._breaker.open_s
        if skip:
            self._complain(engine, health.failures, why)

    def untried(self, engine: E) -> None:
        """It was asked, and the answer was not waited for: the next call may try it."""
        with self._lock:
            health = self._health[self._engines.index(engine)]
            health.skipped_until = min(health.skipped_until, self._clock())

    def _complain(self, engine: E, failures: int, why: str) -> None:
        who = f"{self._kind} {engine.name}"
        if len(self._engines) > 1:
            skipped = f"{who} for {self._breaker.open_s:g} s after {failures} failures in a row"
            log.warning("ENGINE_SKIPPED %s: %s", skipped, why)
        elif failures % self._breaker.failures == 0:  # there is nothing else to try, so it is not skipped
            log.warning("ENGINE_FAILING %s, %d times in a row: %s", who, failures, why)

    def _pairs(self) -> Iterator[tuple[E, _Health]]:
        return zip(self._engines, self._health, strict=True)

    def _may_try(self, health: _Health, now: float) -> bool:
        if not health.skipped_until:
            return True
        if now < health.skipped_until:
            return False
        health.skipped_until = now + self._breaker.open_s
        return True
