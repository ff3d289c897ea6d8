"""A server with calls beside, and what they notice while something is done to it: gaps, lateness, health."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from bench.beside import Beside, Heard, frames_of, long_sentence, longest_gap_ms
from bench.service import TICKING
from bench.ticker import TICK_S, percentile
from bench.ticker import records as tick_records
from tests.servers.doors import NO_LIMITS, SECRET, Door
from tests.serving import ROOT, Server, started

PUBLIC_URL = "https://agent.example.com"
HEALTH_EVERY_S = 0.2
HEALTH_TIMEOUT_S = 60.0  # a look that never comes back is counted until the end
ALLOWED_GAP_MS = 400.0  # TX_LEAD_MS: what a caller's buffer holds
ALLOWED_HEALTH_MS = 1000.0
CLASSES = ("gevent", "gthread")


@dataclass(frozen=True)
class Noticed:
    """What was noticed beside. Milliseconds; ``cut``: calls that did not live until the end."""

    gap_ms: float
    late_ms: float  # p99 of a 20 ms ticker in the worker: when a frame that was due could have gone out
    health_ms: float
    cut: int

    @property
    def well(self) -> bool:
        return self.gap_ms <= ALLOWED_GAP_MS and self.health_ms <= ALLOWED_HEALTH_MS and not self.cut

    def __str__(self) -> str:
        cut = f", {self.cut} CUT" if self.cut else ""
        return (
            f"gap {self.gap_ms:6.0f} ms{cut}, TX p99 {self.late_ms:6.1f} ms, health {self.health_ms:6.0f} ms"
        )


class HealthWatch:
    """Looks at ``/healthz`` again and again, on a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._asked = time.monotonic()
        self._worst_s = 0.0
        self._over = threading.Event()
        self.last: dict[str, object] = {}
        threading.Thread(target=self._look, daemon=True).start()

    def end(self) -> float:
        """The longest that an answer took, or has taken so far, in milliseconds."""
        waiting_s = 0.0 if self._over.is_set() else time.monotonic() - self._asked
        self._over.set()
        return max(self._worst_s, waiting_s) * 1000

    def _look(self) -> None:
        while not self._over.is_set():
            self._asked = time.monotonic()
            with suppress(requests.RequestException, ValueError):
                with requests.Session() as session:
                    session.trust_env = False
                    self.last = session.get(self._url + "/healthz", timeout=HEALTH_TIMEOUT_S).json()
            if not self._over.is_set():
                self._worst_s = max(self._worst_s, time.monotonic() - self._asked)
            self._asked = time.monotonic()
            self._over.wait(HEALTH_EVERY_S)


class Watched:
    """The server: ``door`` to knock at, its ``workers``; ``beside``: calls, for what others notice."""

    def __init__(self, server: Server, folder: Path, frames: int, public_url: str) -> None:
        self.server = server
        self.url = f"http://{server.address}"
        self.door = Door("straight", self.url, public_url, server.address)
        self.frames = frames
        self.ticks = folder / "ticks"

    @property
    def workers(self) -> list[psutil.Process]:
        """Empty when the server is gone."""
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.server.process.pid).children())
        return []

    def cpu_s(self) -> float:
        """Seconds of CPU that the workers have taken so far."""
        times = [worker.cpu_times() for worker in self.workers]
        return float(sum(each.user + each.system for each in times))

    def late_ms(self, since: float, until: float) -> float:
        """p99 of how late a frame would have gone out, between two ``time.monotonic()``."""
        ordered = latenesses_ms(self.ticks, since, until)
        return percentile(ordered, 0.99) if ordered else (until - since) * 1000

    @contextmanager
    def beside(self, calls: int = 1) -> Iterator["Noticing"]:
        """Calls that hear a long sentence; what they notice is known at the end."""
        callers = Beside(self.url, self.door.public, SECRET, calls)
        noticing = Noticing(self, callers)
        try:
            yield noticing
            noticing.end()
        finally:
            callers.kill()


class Noticing:
    """``noticed`` is there once ``end`` was called, which is done at the end of ``beside`` at the latest."""

    def __init__(self, watched: Watched, callers: Beside) -> None:
        self._watched = watched
        self._callers = callers
        self._health = HealthWatch(watched.url)
        self._since = callers.since
        self._noticed: Noticed | None = None
        self.heard: list[Heard] = []

    def begin(self) -> None:
        """What came before does not count."""
        self._since = time.monotonic()

    def end(self) -> Noticed:
        """What comes later does not count; the calls go on until ``beside`` is over."""
        if self._noticed is None:
            until = time.monotonic()
            health_ms = self._health.end()
            self.heard = self._callers.report()
            self._noticed = Noticed(
                longest_gap_ms(self.heard, self._watched.frames, self._since, until),
                self._watched.late_ms(self._since, until),
                health_ms,
                sum(bool(each.ending) for each in self.heard),
            )
        return self._noticed

    @property
    def health(self) -> dict[str, object]:
        """What ``/healthz`` said last."""
        return self._health.last


def latenesses_ms(path: Path, since: float, until: float) -> list[float]:
    """As the ticker's own, sorted, but a stall is as late for every frame that was due in it, not for one.

    ``since``, ``until``: ``time.monotonic()``. A worker that still stands has no record of it: its frames
    are late until ``until``.
    """
    ahead = time.time() - time.monotonic()
    found: list[float] = []
    last = since
    for wall, late_s in tick_records(path):
        at = wall - ahead
        if since <= at <= until:
            found += _late_frames(late_s)
            last = max(last, at)
    found += _late_frames(until - last - TICK_S - 1.0)  # the ticker keeps half a second to itself
    return sorted(found)


def _late_frames(late_s: float) -> list[float]:
    """Milliseconds of the frame that was due then, and of those after it, which had less to wait."""
    if late_s < 0:
        return []
    return [(late_s - number * TICK_S) * 1000 for number in range(1 + int(late_s / TICK_S))]


@contextmanager
def watched(
    folder: Path,
    worker_class: str,
    *,
    says_s: float = 40.0,
    command: Sequence[str] = TICKING,
    before_end: Callable[[], None] = lambda: None,
    **knobs: str,
) -> Iterator[Watched]:
    """A server of scripted engines that greets with a sentence of ``says_s``; its files in ``folder``.

    Whatever hangs in it is killed at the end. ``before_end``: called just before that.
    """
    sentence = long_sentence(says_s)
    service = {
        "WORKER_CLASS": worker_class,
        "WATCH_FOLDER": str(folder),
        "TWILIO_AUTH_TOKEN": SECRET,
        "PUBLIC_BASE_URL": PUBLIC_URL,
        "AI_GREETING_HE": sentence,
        "IDLE_PROMPT_SEC": "0",
        "THINKING_HINT_MS": "0",
        "LEADS_FILE": str(folder / "leads.jsonl"),
    }
    known = NO_LIMITS | service | knobs
    with started(list(command), ROOT, folder / "log", **known) as server:
        it = Watched(server, folder, frames_of(sentence), known["PUBLIC_BASE_URL"])
        try:
            yield it
        finally:
            before_end()
            _kill(server.process.pid)


def _kill(master: int) -> None:
    """The master first, so that no new worker takes a dead one's place."""
    with suppress(psutil.NoSuchProcess):
        processes = [psutil.Process(master)]
        processes += processes[0].children(recursive=True)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
