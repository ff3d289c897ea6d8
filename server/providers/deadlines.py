"""A provider's stream read under a deadline: a provider is never trusted to return."""

import logging
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from server.providers.base import ProviderError
from server.runtime.threads import Channel, Closed, Late, Runtime

log = logging.getLogger("agent")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
MIN_WAIT_S = 0.001  # a clock may stand still for less
BOUND = 4096  # items a provider may be ahead of its reader; more is a runaway, and ends the stream


class Stream(Protocol[T_co]):
    def __iter__(self) -> Iterator[T_co]: ...

    def cancel(self) -> None: ...


class Cancellable(Protocol):
    def cancel(self) -> None: ...


def cancel_safely(stream: Cancellable) -> None:
    """Cancel a provider's stream; what that raises is logged, and does not reach the call."""
    try:
        stream.cancel()
    except Exception:
        log.exception("ENGINE_ERR a stream could not be cancelled")


def load_in_time(runtime: Runtime, name: str, load: Callable[[], None], limit_s: float) -> None:
    """Block while ``load`` runs on a thread of its own. Raises what it raises, ProviderError when late."""
    ended: Channel[Exception | None] = Channel(runtime, 1)

    def run() -> None:
        try:
            load()
        except Exception as error:
            ended.put(error)
        else:
            ended.put(None)

    runtime.spawn(name, run)
    try:
        error = ended.get(limit_s)
    except Late:
        raise ProviderError(f"not loaded after {limit_s:.0f} s") from None
    if error is not None:
        raise error


class BoundedStream(Generic[T]):
    """Reads ``stream`` on a thread of its own, so that its reader can give up at any time.

    ``first_s`` bounds the wait for the first item, ``next_s`` for each one after it. The reading thread
    ends when the provider obeys ``cancel``; one that does not is left behind, a daemon, and unheard.
    """

    def __init__(
        self, runtime: Runtime, name: str, stream: Stream[T], *, first_s: float | None, next_s: float | None
    ) -> None:
        self._stream = stream
        self._first_s = first_s
        self._next_s = next_s
        self._runtime = runtime
        self._bears_until: float | None = None
        self._items: Channel[T] = Channel(runtime, BOUND)
        self._error: ProviderError | None = None
        self.task = runtime.spawn(name, self._read)

    def bear_with(self, seconds: float) -> None:
        """Nobody hears a pause any more: from now on the provider is late only after so long. Any thread."""
        self._bears_until = self._runtime.clock() + seconds

    def __iter__(self) -> Iterator[T]:
        """Block for items. Raises ProviderError when the provider fails or is late; ends when cancelled."""
        wait_s = self._first_s
        while True:
            try:
                item = self._items.get(wait_s)
            except Late:
                if (left_s := (self._bears_until or 0.0) - self._runtime.clock()) > MIN_WAIT_S:
                    wait_s = left_s
                    continue
                self.cancel()
                raise ProviderError(f"nothing within {(wait_s or 0) * 1000:.0f} ms", retryable=True) from None
            except Closed:
                if self._error is not None:
                    raise self._error from None
                return
            wait_s = self._next_s
            yield item

    def cancel(self) -> None:
        """Close the provider's stream and drop what it gave. Idempotent, any thread."""
        self._error = None
        self._items.close(drop=True)
        cancel_safely(self._stream)

    def _read(self) -> None:
        try:
            for item in self._stream:
                if not self._items.put(item):
                    cancel_safely(self._stream)
                    break
        except ProviderError as error:
            self._fail(error)
        except Exception as error:  # the thread's edge: a provider's own bug is a failed provider
            cancel_safely(self._stream)
            self._fail(ProviderError(f"{type(error).__name__}: {error}"))
        self._items.close()

    def _fail(self, error: ProviderError) -> None:
        if not self._items.closed:
            self._error = error
