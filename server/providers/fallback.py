"""Providers in order of preference; those that keep failing are skipped for a while (G4)."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from server.logs.events import log
from server.logs.redaction import Complaint
from server.providers.asked import Asked, CameOfIt, Told, nobody
from server.providers.base import ProviderError


class Named(Protocol):
    @property
    def name(self) -> str: ...


E = TypeVar("E", bound=Named)
T = TypeVar("T")


# A verdict needs calls: where a balancer sends none, nobody would find out that it works again.
FAILING_LAPSES_S = 120.0


@dataclass(frozen=True)
class BreakerParams:
    """After ``failures`` in a row a provider is skipped for ``open_s`` seconds."""

    failures: int = 3
    open_s: float = 30.0


@dataclass
class _Health:
    failures: int = 0  # in a row
    failed_at: float = 0.0  # the last of them
    skipped_until: float = 0.0


class FallbackChain(Generic[E]):
    """Shared by all calls of a process; any thread, also with a call's lock held. ``kind`` is for the log."""

    def __init__(
        self,
        kind: str,
        providers: tuple[E, ...],
        breaker: BreakerParams | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        assert providers
        self.kind = kind
        self._providers = providers
        self._breaker = breaker or BreakerParams()
        self._clock = clock
        self._health = [_Health() for _ in providers]
        self._lock = threading.Lock()  # guards the one before; held for nothing that waits

    def __iter__(self) -> Iterator[E]:
        return iter(self._providers)

    @property
    def first(self) -> E:
        """The provider that is preferred to all others."""
        return self._providers[0]

    @property
    def skips_first(self) -> bool:
        """The preferred provider would not be tried now. Asking uses up no try."""
        with self._lock:
            return self._clock() < self._health[0].skipped_until

    @property
    def skipped(self) -> frozenset[str]:
        """The names of those whose breaker is open: not tried while another is. Asking uses up no try."""
        with self._lock:
            now = self._clock()
            pairs = zip(self._providers, self._health, strict=True)
            return frozenset(provider.name for provider, health in pairs if now < health.skipped_until)

    def behind(self, provider: E) -> "FallbackChain[E]":
        """``provider`` before these, in a chain of its own that counts its own failures."""
        return FallbackChain(self.kind, (provider, *self._providers), self._breaker, self._clock)

    @property
    def failing(self) -> bool:
        """No provider works: each has failed as often as the breaker allows, and not worked since.

        Lapses FAILING_LAPSES_S after the last failure: then it is not known, and the next one tells.
        """
        with self._lock:
            last_s = max(health.failed_at for health in self._health)
            return self._clock() - last_s < FAILING_LAPSES_S and all(
                health.failures >= self._breaker.failures for health in self._health
            )

    def tries(self) -> "Iterator[Try[E]]":
        """The providers to ask now, in order: all but the skipped ones, or all when that leaves none.

        One whose time has passed is given to one call; until that call has told, the others skip it.
        """
        given = False
        for place in range(len(self._providers)):
            attempt = self._take(place)
            if attempt is not None:
                given = True
                yield attempt
        if not given:
            yield from (Try(self, place) for place in range(len(self._providers)))

    def _take(self, place: int) -> "Try[E] | None":
        health = self._health[place]
        with self._lock:
            now = self._clock()
            if not health.skipped_until:
                return Try(self, place)
            if now < health.skipped_until:
                return None
            health.skipped_until = now + self._breaker.open_s
            return Try(self, place, probes=True)

    def _worked(self, place: int) -> None:
        with self._lock:
            health = self._health[place]
            was_skipped = health.skipped_until > 0
            health.failures, health.skipped_until = 0, 0.0
        if was_skipped and len(self._providers) > 1:
            log.warning(f"ENGINE_BACK {self.kind} {self._providers[place].name}")

    def _failed(self, place: int, why: str) -> None:
        with self._lock:
            health = self._health[place]
            was_skipped = self._clock() < health.skipped_until
            health.failures += 1
            health.failed_at = self._clock()
            failures = health.failures
            if failures >= self._breaker.failures:
                health.skipped_until = health.failed_at + self._breaker.open_s
        who = f"{self.kind} {self._providers[place].name}"
        if len(self._providers) == 1:  # there is nothing else to try, so it is not skipped
            if failures % self._breaker.failures == 0:
                log.warning(f"ENGINE_FAILING {who}, {failures} times in a row:", cause=why)
        elif failures >= self._breaker.failures and not was_skipped:
            skipped = f"{who} for {self._breaker.open_s:g} s after {failures} failures in a row"
            log.warning(f"ENGINE_SKIPPED {skipped}:", cause=why)

    def _untried(self, place: int) -> None:
        with self._lock:
            health = self._health[place]
            health.skipped_until = min(health.skipped_until, self._clock())


class Try(Generic[E]):
    """One provider being asked by one call; what came of it is told once. Any thread."""

    def __init__(self, chain: FallbackChain[E], place: int, *, probes: bool = False) -> None:
        self.provider = chain._providers[place]
        self._told: Told = nobody
        self._chain = chain
        self._place = place
        self._probes = probes  # it was skipped, and this is the call that finds out
        self._began_s = self._awaited_s = chain._clock()
        self._first_s: float | None = None

    def begins(self, told: Told) -> None:
        """It is asked, perhaps once more. ``told``: by whom that is counted."""
        self._told = told
        self._began_s = self._awaited_s = self._chain._clock()
        self._first_s = None

    def awaited(self) -> None:
        """Not before now somebody waits for its answer."""
        self._awaited_s = self._chain._clock()

    def answers(self) -> None:
        """Here is something of it; the first time counts."""
        if self._first_s is None:
            self._first_s = self._chain._clock()

    def worked(self) -> None:
        """It did what it was asked."""
        self._probes = False
        self._chain._worked(self._place)
        self._tell("worked")

    def failed(self, why: str) -> None:
        """It failed, or was too late. Not for what was cancelled."""
        self._probes = False
        self._chain._failed(self._place, why)
        self._tell("failed")

    def untried(self) -> None:
        """Its answer was not waited for: another call may find out."""
        if self._probes:
            self._chain._untried(self._place)
        self._tell("cancelled")

    def _tell(self, came_of_it: CameOfIt) -> None:
        """Once."""
        told, self._told = self._told, nobody
        if told is not nobody:
            times = (self._began_s, self._awaited_s, self._first_s, self._chain._clock())
            told(Asked(self._chain.kind, self.provider.name, came_of_it, *times))


class NoneWorked(ProviderError):
    """No provider that was asked has answered; ``complaint``: name and complaint of each, in order."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint)
        self.complaint = complaint


def first_that_works(
    chain: FallbackChain[E],
    ask: Callable[[Try[E]], T],
    *,
    complain: Callable[[Complaint], object] = lambda complaint: None,
    wanted: Callable[[], bool] = lambda: True,
    another: Callable[[], bool] = lambda: True,
    retry: bool = False,
    told: Told = nobody,
) -> T:
    """What ``ask`` makes of the first provider that answers; tells the breaker what came of each.

    ``ask(attempt)`` blocks as long as it takes, and raises what it likes: that provider has failed then. Its
    deadlines are its own. ``complain`` is told of every failure.

    Once ``wanted()`` is false, nobody waits any more: what comes then is neither failure nor success. After a
    failure ``another()`` says whether there is time for one more. ``retry``: one more, and no third; of the
    same provider, if there is no other and the error is retryable (G2). ``told`` counts what came of each.

    Raises NoneWorked.
    """
    reasons: list[tuple[str, str]] = []
    attempts = chain.tries()
    attempt: Try[E] | None = next(attempts)
    while attempt is not None:
        attempt.begins(told)
        try:
            answer = ask(attempt)
        except Exception as error:  # a provider's own bug is a failed provider
            if not wanted():
                attempt.untried()
                break
            why = str(error) if isinstance(error, ProviderError) else f"{type(error).__name__}: {error}"
            attempt.failed(why)
            reasons.append((attempt.provider.name, why))
            complain(Complaint(reasons[-1]))
            if not another() or (retry and len(reasons) > 1):
                break
            again = attempt if retry and isinstance(error, ProviderError) and error.retryable else None
            attempt = next(attempts, again)
        else:
            if wanted():
                attempt.worked()
            else:
                attempt.untried()
            return answer
    raise NoneWorked(Complaint(*reasons))
