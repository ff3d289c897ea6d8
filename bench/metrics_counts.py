"""Whether the numbers of /metrics are those of the callers, with several workers; and what counting costs.

``python -m bench.metrics_counts [--calls 50] [--every-s 1] [--workers 2] [--worker-class …] [--json FILE]``
``python -m bench.metrics_counts --cost``

Calls over sockets to a server of several workers; at the end its counters and those of the simulated callers
stand beside each other: calls, answers, interruptions. Exit status 1 when any two differ. ``--cost``: all of
one call is told again and again to what counts, and to what traces: microseconds a second of a call.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from bench.kept_calls import PROVIDERS_MS, SERVICE, taken
from bench.service import LINES, WORKERS
from server.audio.frames import FRAMES_PER_S, FrameHeard
from server.logs.redaction import PrivateText
from server.metrics.metrics import build
from server.metrics.of_call import CallCounts
from server.metrics.shared_folder import PREFIX, VARIABLE
from server.metrics.trace_of_call import CallTrace
from server.providers.asked import Asked
from server.records.facts import CallFacts
from server.records.witness import Witness
from server.simulator.call import CallPlan, CallRecord
from server.simulator.load import place_calls
from server.simulator.report import make_report
from server.simulator.script import Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.webhooks import Endpoint
from server.turns.events import Event
from tests.serving import GUNICORN, ROOT, Server, get, started
from tests.simtime.call import SimCall
from tests.simtime.line import Sound

AFTER_S = 0.6
SHORT = {"AI_GREETING_HE": "שלום", "SCRIPTED_LLM_REPLY": "שמעתי {text}, תודה רבה."}
TOLD = 40  # times that one call is told
AT = datetime(2026, 11, 30, tzinfo=UTC)
NAMES = ("calls", "answers", "interruptions", "refused")


@dataclass(frozen=True)
class Counts:
    """``by_worker``: calls that each has counted."""

    server: dict[str, float]
    callers: dict[str, float]
    by_worker: list[float]

    @property
    def equal(self) -> bool:
        return self.server == self.callers


def samples(server: Server) -> dict[str, float]:
    """Every sample of /metrics, its labels in its name."""
    answer = get(f"http://{server.address}/metrics")
    assert answer.status_code == 200, answer.text
    return {
        f"{one.name}{sorted(one.labels.items())}" if one.labels else one.name: one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


def total(found: dict[str, float], name: str) -> float:
    """Of all labels."""
    return sum(value for key, value in found.items() if key == name or key.startswith(f"{name}["))


def counted(
    calls: int,
    every_s: float,
    out: Path,
    lines: list[str],
    workers: int = 2,
    worker_class: str = WORKERS[0],
    **settings: str,
) -> Counts:
    """Blocks until all calls are over. The last of ``lines`` is said over the agent."""
    knobs = SERVICE | PROVIDERS_MS | {"STATE_FILE": str(out / "state.db"), "WORKER_CLASS": worker_class}
    more = {"WEB_CONCURRENCY": str(workers), "RECORDS_FILE": "", "SCRIPTED_ASR_LINES": "|".join(lines)}
    with started(
        GUNICORN, ROOT, out / "server.log", boot_s=60, **(knobs | more | SHORT | settings)
    ) as server:
        records = place_calls(_plan(server, lines), calls, calls * every_s)
        server.has_no_call()
        server.waits_for(lambda: total(samples(server), "phone_agent_calls_total") >= len(taken(records)))
        return Counts(_of_server(samples(server)), _of_callers(records), _by_worker(server))


def _of_server(found: dict[str, float]) -> dict[str, float]:
    names = ("calls_total", "gap_seconds_count", "barge_ins_total", "calls_refused_total")
    return dict(zip(NAMES, (total(found, f"phone_agent_{name}") for name in names), strict=True))


def _of_callers(records: list[CallRecord]) -> dict[str, float]:
    turns = [turn for record in taken(records) for turn in make_report(record).timeline.turns]
    answers = sum(not turn.missed for turn in turns)
    interruptions = sum(turn.barge_in is not None and turn.turn.interrupted for turn in turns)
    counts = (len(taken(records)), answers, interruptions, len(records) - len(taken(records)))
    return dict(zip(NAMES, map(float, counts), strict=True))


def folder_of(server: Server) -> Path:
    """In which its workers count: the master holds a file there."""
    opened = psutil.Process(server.process.pid).open_files()
    [folder] = {Path(file.path).parent for file in opened if PREFIX in file.path}
    return folder


def _by_worker(server: Server) -> list[float]:
    files = sorted(folder_of(server).glob("counter_*.db"))
    return [
        sum(
            one.value
            for metric in MultiProcessCollector.merge([str(file)])  # type: ignore[no-untyped-call]
            if metric.name == "phone_agent_calls"
            for one in metric.samples
        )
        for file in files
    ]


def _plan(server: Server, lines: list[str]) -> CallPlan:
    clip = Clip.from_pcm16(synthetic_speech(1.0))
    last = len(lines) - 1
    steps = [Say(line, clip, AFTER_S if number == last else None) for number, line in enumerate(lines)]
    url = f"http://{server.address}"
    return CallPlan(Endpoint(url, url), steps, Manners(reply_after_s=0.4))


# ---- what it costs ----


class Told:
    """Notes all that one who counts, or traces, is told of a call, to be told again."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *values: self.told.append((name, values))

    def saw(self, event: Event) -> None:
        self.told.append(("saw", (event,)))

    def asked(self, asked: Asked) -> None:
        self.told.append(("asked", (asked,)))

    def sent_late(self, seconds: float) -> None:
        self.told.append(("sent_late", (seconds,)))


def _nothing(*_: Any) -> None: ...


ALL_TOLD = ("saw", "did", "over", "closed", "keep_call", "keep_turn", "asked", "sent_late")
Blank = type("Blank", (), dict.fromkeys(ALL_TOLD, staticmethod(_nothing)))  # what it costs to be told


def costs_us() -> dict[str, float]:
    """Microseconds a second of a call, with numbers in mapped files as several workers have them."""
    call = SimCall([Sound(3, 1.2), Sound(9, 1.5), Sound(16, 1.0)], stt=["אני מחפש דירה", "בחיפה", "תודה"])
    told = Told()
    witness = Witness(CallFacts("", "", AT), told, PrivateText("full"), call.runtime.clock)
    call.host["observers"] = (witness, told)
    call.run(30)
    frames = sum(name == "saw" and type(given[0]) is FrameHeard for name, given in told.told)
    nothing = _time(told, Blank)
    with TemporaryDirectory() as folder:
        os.environ[VARIABLE] = folder
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        metrics = build(CollectorRegistry())
        counts = _time(told, lambda: CallCounts(metrics, 3))
        del os.environ[VARIABLE]
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer(__name__)
    traces = _time(told, lambda: CallTrace(tracer, time.monotonic, time.time_ns))
    a_second = 1e6 / TOLD / (frames / FRAMES_PER_S)
    return {"counting": (counts - nothing) * a_second, "tracing": (traces - nothing) * a_second}


def _time(told: Told, make: Callable[[], Any]) -> float:
    observers = [make() for _ in range(TOLD)]
    began = time.process_time()
    for observer in observers:
        for name, given in told.told:
            getattr(observer, name)(*given)
    return time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--every-s", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--worker-class", choices=WORKERS, default=WORKERS[0])
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    if words.cost:
        for name, cost in costs_us().items():
            print(f"{name:<12}{cost:8.1f} µs a second of a call")
        return 0
    with TemporaryDirectory() as folder:
        found = counted(words.calls, words.every_s, Path(folder), LINES, words.workers, words.worker_class)
    print(f"{'':<16}{'/metrics':>10}{'callers':>10}")
    for name in NAMES:
        print(f"{name:<16}{found.server[name]:>10.0f}{found.callers[name]:>10.0f}")
    print(f"calls of each worker: {', '.join(f'{count:.0f}' for count in found.by_worker)}")
    if words.json:
        words.json.write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
    return 0 if found.equal else 1


if __name__ == "__main__":
    sys.exit(main())
