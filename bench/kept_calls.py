"""Calls to a server that keeps them, or does not: what the callers got, and what it cost the server."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.log import dialogues
from bench.service import LINES, TICKING
from bench.ticker import latenesses_ms, percentile
from server.simulator.call import CallPlan, CallRecord
from server.simulator.load import LoadReport, Percentiles, ServerCpu, place_calls, summarize
from server.simulator.report import make_report
from server.simulator.script import Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.webhooks import Endpoint
from tests.serving import ROOT, Server, started

INTERRUPTS = 2  # the third line is said over the agent …
AFTER_S = 0.6  # … so long after it has begun
REPLY = "שמעתי {text}. מה עוד, {n}?"
PROVIDERS_MS = {"SCRIPTED_ASR_MS": "200", "SCRIPTED_LLM_MS": "350", "SCRIPTED_TTS_MS": "150"}
SERVICE = {
    "SCRIPTED_ASR_LINES": "|".join(LINES),
    "SCRIPTED_LLM_REPLY": REPLY,
    "THINKING_TEXT_HE": "",
    "IDLE_PROMPT_SEC": "0",
    "MAX_CALLS": "0",
}
TURN_OVER = re.compile(r"STATE SPEAKING → LISTENING .* sid=(\w+)")
IN_MID_CALL_S = 40.0
OFF = {"RECORDS_FILE": "", "DATABASE_URL": "", "EVENT_LOG": "off"}
BOOT_S = 60.0  # on a machine that may have other things to do
FEW_S = 2.0  # a call every so long is eight at once


@dataclass(frozen=True)
class Files:
    """Where a server leaves what it keeps. ``url``: DATABASE_URL; without it ``records`` is the database."""

    records: Path
    events: Path
    leads: Path
    url: str = ""

    @classmethod
    def below(cls, folder: Path) -> "Files":
        return cls(folder / "records.db", folder / "events", folder / "leads.jsonl")

    @property
    def knobs(self) -> dict[str, str]:
        return {
            "RECORDS_FILE": str(self.records),
            "DATABASE_URL": self.url,
            "EVENT_LOG": "events",
            "EVENT_LOG_DIR": str(self.events),
            "LEADS_FILE": str(self.leads),
        }


@dataclass(frozen=True)
class Placed:
    """Calls that are over. ``right``: in so many every line was heard as it was said, in order, and answered.

    ``late_ms``: sorted, of a 20 ms ticker in the worker: when a frame that was due could have gone out.
    """

    records: list[CallRecord]
    load: LoadReport
    late_ms: list[float]
    memory_mb: float  # of the worker, at its highest
    right: int

    def gaps_ms(self, counts: Callable[[float], bool]) -> Percentiles:
        """Of the turns whose last word was at a moment (``time.monotonic()``) that counts."""
        return Percentiles.of(
            [
                turn.gap_s * 1000
                for record in self.records
                if record.live is not None
                for turn in make_report(record).timeline.turns
                if turn.gap_s is not None and counts(record.live.started_s + turn.end_s)
            ]
        )

    def figures(self) -> dict[str, float]:
        """By name; milliseconds, and megabytes of memory."""
        gap = self.load.response_gap
        return {
            "tx_late_p99_ms": percentile(self.late_ms, 0.99),
            "gap_p50_ms": gap.p50,
            "gap_p99_ms": gap.p99,
            "cpu_ms": self.load.server_cpu_ms or 0.0,
            "memory_mb": self.memory_mb,
        }


@contextmanager
def serving(out: Path, worker_class: str, **knobs: str) -> Iterator[Server]:
    """The log is ``out/server.log``."""
    known = SERVICE | PROVIDERS_MS | {"WORKER_CLASS": worker_class, "WATCH_FOLDER": str(out)} | knobs
    with started(TICKING, ROOT, out / "server.log", boot_s=BOOT_S, **known) as server:
        yield server


def place(server: Server, out: Path, calls: int, every_s: float = FEW_S) -> Placed:
    """So many calls, one every ``every_s``; blocks until all are over."""
    cpu = ServerCpu([server.process.pid])
    since, own = time.time(), time.process_time()
    records = place_calls(_plan(server), calls, calls * every_s)
    until, own = time.time(), time.process_time() - own
    used_s = cpu.used_s()
    server.has_no_call()
    load = summarize([make_report(record, len(LINES)) for record in records], used_s, own)
    late = latenesses_ms(out / "ticks", since, until)
    return Placed(records, load, late, _memory_mb(server), _right(records, server.log))


class InMidCall:
    """Calls that go on, on a thread of their own; all of them began at once."""

    def __init__(self, server: Server, calls: int) -> None:
        self._server = server
        self._calls = calls
        self._records: list[CallRecord] = []
        self._thread = threading.Thread(target=self._place, daemon=True)
        self._thread.start()

    def wait_for_turns(self) -> None:
        """Until so many turns are over as there are calls, twice: greetings, and answers."""
        self._server.waits_for(
            lambda: len(TURN_OVER.findall(self._server.log)) >= 2 * self._calls, IN_MID_CALL_S
        )

    def records(self) -> list[CallRecord]:
        """Blocks until all are over, however they ended."""
        self._thread.join()
        return self._records

    def _place(self) -> None:
        self._records = place_calls(_plan(self._server), self._calls, 1.0)


def taken(records: Sequence[CallRecord]) -> list[CallRecord]:
    """Those that were let in: a server that cannot keep up refuses others."""
    return [record for record in records if record.stream is not None]


def _plan(server: Server) -> CallPlan:
    clip = Clip.from_pcm16(synthetic_speech(1.0))
    steps = [Say(line, clip, AFTER_S if number == INTERRUPTS else None) for number, line in enumerate(LINES)]
    url = f"http://{server.address}"
    return CallPlan(Endpoint(url, url), steps, Manners(reply_after_s=0.4))


def _right(records: list[CallRecord], log: str) -> int:
    heard = dialogues(log)
    return sum(
        heard.get(record.ids.stream_sid) == LINES and make_report(record, len(LINES)).ok for record in records
    )


def _memory_mb(server: Server) -> float:
    """``VmHWM`` of the workers."""
    found = 0.0
    for worker in psutil.Process(server.process.pid).children():
        status = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii")
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        found += int(line.split()[1]) / 1024
    return found
