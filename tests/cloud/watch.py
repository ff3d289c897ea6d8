"""What the servers of the local cloud share: how they are told to fail, what they saw of their clients."""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Fault(Enum):
    """One way for a service to fail. Each server's module says what it does where that is not plain."""

    NONE = "none"
    SLOW = "slow"  # answers rightly, ``Delays.slow_s`` late
    HUNG_BEFORE_HEADERS = "hung before headers"
    HUNG_MID_STREAM = "hung mid-stream"  # after the first item
    TOO_MANY = "429"  # RESOURCE_EXHAUSTED over gRPC
    UNAVAILABLE = "503"  # UNAVAILABLE over gRPC
    CUT_MID_STREAM = "cut mid-stream"  # the connection or call is aborted after the first item
    EMPTY = "empty"  # a proper answer with nothing in it
    LOW_CONFIDENCE = "low confidence"  # STT only
    WRONG_LANGUAGE = "wrong language"  # STT only: words of another language
    SEVERAL_FINALS = "several finals"  # STT only: not a failure
    WAV_HEADER = "WAV header"  # voices only: a RIFF header before the samples; not a failure
    REFUSED = "refused"  # the connection is reset before a byte of an answer; UNAVAILABLE over gRPC
    GARBAGE = "garbage"  # an answer that is not of the protocol
    REWORDED = "reworded"  # realtime voices only: other words than those given
    OTHER_FORMAT = "other format"  # voices on a WebSocket only: not the audio format that was asked for
    EXPIRED = "expired"  # WebSockets only: the session ends, with an error, after the first item
    MODEL_GONE = "model gone"  # WebSockets only
    KEY = "key refused"  # Soniox only
    RESTART = "restart"  # Soniox only: "Cannot continue request. Please restart the request." in mid-stream
    CLOSED = "closed mid-stream"  # Soniox only: properly, with 1000, but not finished


# Every way in which a service that is up can fail; each suits STT, LLM and TTS.
RANDOM_FAULTS = (
    Fault.SLOW,
    Fault.HUNG_BEFORE_HEADERS,
    Fault.HUNG_MID_STREAM,
    Fault.TOO_MANY,
    Fault.UNAVAILABLE,
    Fault.CUT_MID_STREAM,
    Fault.EMPTY,
    Fault.REFUSED,
    Fault.GARBAGE,
)


@dataclass
class Delays:
    """Seconds. ``first_s``: from when an answer can be known (end of audio, request) to its first item."""

    first_s: float = 0.0
    between_s: float = 0.0  # from one item (result, token, chunk of audio) to the next
    slow_s: float = 2.0  # Fault.SLOW: instead of first_s


@dataclass
class Exchange:
    """One request as its server saw it. Times are ``time.time()``, comparable with another process's log."""

    request: Any
    fault: Fault
    began_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    dropped_at: float | None = None  # the client went away before the answer was whole
    sent: int = 0  # items of the answer


class Watch:
    """The faults to come and the exchanges so far. Any thread."""

    def __init__(self) -> None:
        self.always = Fault.NONE
        self.rate = 0.0  # of the requests for which no fault is set, so many fail in a random way
        self.random = random.Random(0)
        self.delays = Delays()
        self.exchanges: list[Exchange] = []
        self.connections = 0  # accepted so far
        self.released = threading.Event()  # set at the end: whatever hangs lets go
        self._next: deque[Fault] = deque()
        self._lock = threading.Lock()

    def next(self, *faults: Fault) -> None:
        """The next requests, one each; after them ``always`` again."""
        with self._lock:
            self._next.extend(faults)

    def reset(self) -> None:
        """As new, but for what hangs now."""
        with self._lock:
            self.always, self.delays, self.rate = Fault.NONE, Delays(), 0.0
            self._next.clear()
            self.exchanges.clear()

    @property
    def open(self) -> list[Exchange]:
        """Exchanges that have not ended."""
        return [exchange for exchange in list(self.exchanges) if exchange.ended_at is None]

    @contextmanager
    def exchange(self, request: Any) -> Iterator[Exchange]:
        """Account for one request while it is served."""
        with self._lock:
            fault = self._next.popleft() if self._next else self.always
            if fault is Fault.NONE and self.random.random() < self.rate:
                fault = self.random.choice(RANDOM_FAULTS)
            exchange = Exchange(request, fault)
            self.exchanges.append(exchange)
        try:
            yield exchange
        finally:
            exchange.ended_at = time.time()
