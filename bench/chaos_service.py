"""A server of two workers that is asked what it holds, and what its log must not say."""

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from json import loads
from pathlib import Path

import psutil

from server.simulator.webhooks import Endpoint
from tests.servers.doors import Door
from tests.serving import ROOT, Server, started

COUNTED = [sys.executable, "-m", "gunicorn", "-c", "bench/census_conf.py", "server.app:create_app()"]
WORKERS = 2
TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://agent.example.com"
# The doors are open for as many calls as a test places; what they do is proved elsewhere.
OPEN_DOORS = {"MAX_CALLS": "0", "CALLS_PER_CALLER_MIN": "0", "CALLS_PER_SEC": "0"}
CENSUS_S = 10.0
BOOT_S = 60.0  # every engine, twice, on a machine that may have other things to do
# What an unhandled exception, or a fault of our own that was caught at a thread's edge, leaves in the log.
OUR_FAULT = re.compile(
    r"Traceback|Exception in thread|Logging error|RX_ERR|TX_ERR|CALL_ERR|WEBHOOK_ERR|SOCKET_ERR"
    r"|Error handling request|WORKER TIMEOUT|MemoryError"
)


@dataclass(frozen=True)
class Census:
    """What a worker held. ``rss`` in bytes; what has no number is counted by name."""

    rss: int
    places: int  # of the host: calls that have one
    threads: Counter[str]
    greenlets: Counter[str]
    files: Counter[str]
    connections: Counter[str]


class Service:
    """The server with its workers; ``census`` asks them."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.endpoint = Endpoint(f"http://{server.address}", PUBLIC_URL)
        self.door = Door("straight", f"http://{server.address}", PUBLIC_URL, server.address)
        self._folder = folder
        self._asked = 0

    @property
    def workers(self) -> list[int]:
        return sorted(child.pid for child in psutil.Process(self.server.process.pid).children())

    def census(self) -> dict[int, Census]:
        """By worker. Raises AssertionError when one does not answer."""
        number, self._asked = self._asked, self._asked + 1
        workers = self.workers
        paths = {pid: self._folder / f"census-{number}-{pid}" for pid in workers}
        (self._folder / f"wanted-{number}").touch()
        deadline = time.monotonic() + CENSUS_S
        while not all(path.exists() for path in paths.values()):
            assert time.monotonic() < deadline, f"no census of {workers}:\n{self.server.log[-3000:]}"
            time.sleep(0.02)
        return {pid: read_census(path) for pid, path in paths.items()}

    @property
    def faults(self) -> list[str]:
        """Lines of the log that tell of a fault of ours."""
        return faults_in(self.server.log)


def faults_in(log: str) -> list[str]:
    """Its lines that tell of a fault of ours; a traceback with its last line."""
    lines = log.splitlines()
    return [
        f"{line} {last_line(lines[number + 1 :])}" if line.startswith("Traceback") else line
        for number, line in enumerate(lines)
        if OUR_FAULT.search(line)
    ]


def last_line(traceback: list[str]) -> str:
    """What was raised: the first line that is not indented; before it the place."""
    ends = next((number for number, line in enumerate(traceback) if not line.startswith(" ")), 0)
    return " | ".join(line.strip() for line in traceback[max(0, ends - 2) : ends + 1])


def read_census(path: Path) -> Census:
    plain = loads(path.read_text(encoding="utf-8"))
    counted = {name: Counter(plain[name]) for name in ("threads", "greenlets", "files", "connections")}
    return Census(plain["rss"], plain["places"], **counted)


def grown(before: Census, after: Census, kept: frozenset[str] = frozenset()) -> dict[str, int]:
    """What there is more of, by name; of ``kept`` there may be any number."""
    return {
        f"{kind} {name}": count
        for kind in ("threads", "greenlets", "files", "connections")
        for name, count in (getattr(after, kind) - getattr(before, kind)).items()
        if name not in kept
    }


@contextmanager
def signing() -> Iterator[None]:
    """The simulated Twilio of this process signs with TOKEN meanwhile."""
    before = os.environ.get("TWILIO_AUTH_TOKEN")
    os.environ["TWILIO_AUTH_TOKEN"] = TOKEN
    try:
        yield
    finally:
        if before is None:
            del os.environ["TWILIO_AUTH_TOKEN"]
        else:
            os.environ["TWILIO_AUTH_TOKEN"] = before


@contextmanager
def two_workers(
    out: Path, worker_class: str, *, command: Sequence[str] = COUNTED, **knobs: str
) -> Iterator[Service]:
    """A server of two workers, its files in ``out``. It lets in who signs with TOKEN; this process does."""
    both = {"WEB_CONCURRENCY": str(WORKERS), "WORKER_CLASS": worker_class, "WATCH_FOLDER": str(out)}
    doors = OPEN_DOORS | {"TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_BASE_URL": PUBLIC_URL}
    files = {"STATE_FILE": str(out / "agent.db"), "LEADS_FILE": str(out / "leads.jsonl")}
    knobs = doors | both | files | knobs
    with signing(), started(list(command), ROOT, out / "server.log", boot_s=BOOT_S, **knobs) as server:
        service = Service(server, out)
        deadline = time.monotonic() + CENSUS_S
        while len(service.workers) < WORKERS and time.monotonic() < deadline:
            time.sleep(0.05)
        service.census()  # both have loaded their engines
        yield service
