"""One point of ``bench.calls``: a server alone on its core, so many calls to it, what they got and cost."""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from bench.calls_caller import Caller, Habits
from bench.calls_cpu import CORES, Watch, Window, pinned, worker_of
from bench.calls_figures import Reference, cost, dirt, heard, lateness, smallest
from bench.calls_wire import WirePump
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.simulator.call import CallPlan, CallRecord, PhoneCall
from server.simulator.sounds import Clip
from server.simulator.webhooks import Endpoint
from tests.serving import ROOT, Server, started

SCENARIOS = ("turns", "barge-in", "silence")
BARE = "bare"  # in the place of a scenario: silence, to the bare loop
SAID = ("אני מחפשת דירה של ארבעה חדרים", "אני רוצה לקבוע פגישה במשרד")
# As the scripted STT has heard them. Nothing in them ends a call, and none is like the one before.
HEARD = ("אני מחפשת דירה במרכז", "אני רוצה לקבוע פגישה", "יש לי שאלה על המחיר", "איפה נמצא המשרד שלכם")
REPLY = "בשמחה, רשמתי את זה בסעיף {n}. מה עוד תרצו לברר בעניין {n}?"
BREATH_MS = "290"
KNOBS = {
    "VAD_ENGINE": "silero",
    "SCRIPTED_ASR_MS": "103",  # their sum ends on no frame: else a hair of jitter costs 20 ms
    "SCRIPTED_LLM_MS": "197",
    "SCRIPTED_TTS_MS": "107",
    "SCRIPTED_ASR_LINES": "|".join(HEARD),
    "SCRIPTED_LLM_REPLY": REPLY,
    "RESP_MIN_DELAY_MS": BREATH_MS,
    "RESP_MAX_DELAY_MS": BREATH_MS,
    "THINKING_TEXT_HE": "",
    "IDLE_PROMPT_SEC": "0",
    "EVENT_LOG": "events",
    "LOG_TRANSCRIPTS": "redacted",
}
SPARE_CALLS = 20  # above those that are placed: nobody is to be refused
BOOT_S, PLACED_S, SETTLE_S, TAIL_S = 60.0, 30.0, 3.0, 3.0
CALL_S = 600.0
INTERRUPT_S = 1.3
MOST_MS = {"overhead_p99_ms": 20.0, "clear_later_ms": 25.0}
NEVER = ("underruns", "missed", "double", "not_stopped")


@dataclass(frozen=True)
class Plan:
    """What to measure. All ``calls`` go on in the whole of ``window_s``, which begins when all are there."""

    scenario: str
    worker_class: str
    calls: int
    window_s: float = 30.0
    ramp_s: float = 10.0  # a turn takes as long: all moments of one are there at once
    knobs: Mapping[str, str] = field(default_factory=dict)

    @property
    def bare(self) -> bool:
        return self.scenario == BARE


@dataclass(frozen=True)
class Point:
    """Figures by name: milliseconds, megabytes, shares of a core, counts. ``dirty``: why they may be wrong.

    ``gaps``: each clip's smallest gap. ``reference``: what a point with one call is for the others.
    """

    plan: Plan
    figures: dict[str, float | None]
    dirty: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    gaps: dict[int, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """All calls were there, nobody waited longer, and nothing was missed, double or torn.

        Nobody waits for what the bare loop says.
        """
        figures = self.figures
        if self.problems or figures["in_window"] != self.plan.calls:
            return False
        if self.plan.bare:
            return True
        late = any((figures.get(name) or 0.0) > most_ms for name, most_ms in MOST_MS.items())
        return not late and not any(figures.get(name) for name in NEVER)

    @property
    def reference(self) -> Reference:
        return Reference(self.gaps, self.figures.get("clear_p99_ms"))

    def as_json(self) -> dict[str, Any]:
        plan = {name: value for name, value in asdict(self.plan).items() if name != "knobs"}
        return plan | {
            "figures": self.figures,
            "holds": self.holds,
            "dirty": list(self.dirty),
            "problems": list(self.problems),
        }


def measure(plan: Plan, reference: Reference) -> Point:
    """``reference``: of one call alone.

    Blocks, for some 20 s longer than the window. Raises AssertionError for a server that does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        with serving(plan, out) as server:
            return _measured(plan, server, out, reference)


@contextmanager
def serving(plan: Plan, out: Path) -> Iterator[Server]:
    """On the first core alone; its log is ``out/server.log``."""
    app, conf, knobs = "server.app:create_app()", "bench/calls_conf.py", _knobs(plan, out)
    if plan.bare:
        app, conf = "bench.bare:app", "bench/bare_conf.py"
        knobs = {"BARE_WORKER": plan.worker_class, "BARE_THREADS": str(plan.calls + SPARE_CALLS)}
    command = ["taskset", "-c", str(CORES[0]), sys.executable, "-m", "gunicorn", "-c", conf, app]
    with started(command, ROOT, out / "server.log", boot_s=BOOT_S, **knobs) as server:
        yield server


def _knobs(plan: Plan, out: Path) -> dict[str, str]:
    files = {
        "RECORDS_FILE": str(out / "records.db"),
        "STATE_FILE": str(out / "state.db"),
        "LEADS_FILE": str(out / "leads.jsonl"),
        "EVENT_LOG_DIR": str(out / "events"),
        "WATCH_FOLDER": str(out),
    }
    room = {"MAX_CALLS": str(plan.calls + SPARE_CALLS), "WORKER_CLASS": plan.worker_class}
    return KNOBS | files | room | dict(plan.knobs)


@cache
def clips() -> tuple[Clip, ...]:
    return tuple(Clip.from_pcm16(speak_pcm16_8k(text)) for text in SAID)


def habits_of(scenario: str, place: int) -> Habits:
    if scenario in (BARE, "silence"):
        return Habits()
    return Habits(clips(), first=place, interrupt_s=INTERRUPT_S if scenario == "barge-in" else None)


def _measured(plan: Plan, server: Server, out: Path, reference: Reference) -> Point:
    clips()  # made before anybody calls
    worker = worker_of(server.process.pid)
    empty_mb = _rss_mb(worker)
    pump = WirePump(lambda place: Caller(habits_of(plan.scenario, place)))
    placing = Placing(plan, server, pump)
    try:
        placing.wait()
        seen = _window(plan, pump, worker)
        memory_mb, threads = _rss_mb(worker), worker.num_threads()
        alone = pinned(worker, CORES[0])
        time.sleep(0.0 if plan.bare else TAIL_S)  # for the answers to what was said last
        lasted = [call for call in pump.calls if not call.ending]
    finally:
        pump.close()
        placing.over()
    calls = len(lasted)
    memory = {"memory_mb": memory_mb, "memory_mb_a_call": (memory_mb - empty_mb) / calls if calls else None}
    figures = (
        {
            "in_window": calls,
            "refused": plan.calls - len(pump.calls),
            "native_threads": threads,
            "messages_a_s": seen.received / seen.window.seconds,
        }
        | memory
        | cost(seen.window, calls)
        | _beats(out / "beats", seen)
        | heard(lasted, seen.from_s, seen.until_s, reference)
        | lateness(pump.late_s)
    )
    problems = [*placing.problems(), *(call.ending for call in pump.calls if call not in lasted)]
    problems += [problem for call in pump.calls for problem in call.problems]
    problems += [] if alone else ["the server was not alone on its core"]
    return Point(plan, figures, dirt(figures), tuple(sorted(set(problems))[:8]), smallest(lasted))


class Placing:
    """The calls of a point are placed, one after the other, each on a thread that waits until it is over."""

    def __init__(self, plan: Plan, server: Server, pump: WirePump) -> None:
        url = f"http://{server.address}"
        self._plan, self._pump = plan, pump
        self._call = CallPlan(Endpoint(url, url), (), max_s=CALL_S)
        self._records: list[CallRecord] = []
        self._threads = [
            threading.Thread(target=self._one, args=(n,), daemon=True) for n in range(plan.calls)
        ]
        self._started_s = time.monotonic()
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Until all are there, and a little longer; not for ever for one that was refused."""
        until_s = self._started_s + self._plan.ramp_s + PLACED_S
        while len(self._pump.calls) < self._plan.calls and time.monotonic() < until_s:
            if len(self._records) + len(self._pump.calls) >= self._plan.calls:
                break  # the others are over already
            time.sleep(0.05)
        time.sleep(SETTLE_S)

    def over(self) -> None:
        for thread in self._threads:
            thread.join(PLACED_S)

    def problems(self) -> list[str]:
        return [failure for record in self._records for failure in record.failures]

    def _one(self, place: int) -> None:
        due_s = self._started_s + self._plan.ramp_s * place / self._plan.calls
        time.sleep(max(0.0, due_s - time.monotonic()))
        call = replace(self._call, caller=f"+97250{place:07}")
        self._records.append(PhoneCall(call, self._pump).run())  # type: ignore[arg-type]  # a pump, but leaner


@dataclass(frozen=True)
class Seen:
    """The measured window: what it cost, and when it was, on the pump's clock and as ``time.time()``.

    ``received``: messages of the server.
    """

    window: Window
    from_s: float
    until_s: float
    at: float
    received: int


def _window(plan: Plan, pump: WirePump, worker: psutil.Process) -> Seen:
    at, from_s = time.time(), time.monotonic()
    received = sum(call.received for call in pump.calls)
    pump.measure(True)
    watch = Watch(worker)
    time.sleep(plan.window_s)
    window = watch.over()
    pump.measure(False)
    received = sum(call.received for call in pump.calls) - received
    return Seen(window, from_s, time.monotonic(), at, received)


def _beats(path: Path, seen: Seen) -> dict[str, float | None]:
    """Of the server's own notes in the window."""
    if not path.exists():
        return {}
    beats = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    inside = [beat for beat in beats if 0 <= beat["at"] - seen.at <= seen.window.seconds]
    if len(inside) < 2:
        return {}
    first, last = inside[0], inside[-1]
    found: dict[str, float | None] = {"python_threads": last["threads"]}
    if last["loops"] is not None:
        found["hub_loops_a_s"] = (last["loops"] - first["loops"]) / (last["at"] - first["at"])
    return found


def _rss_mb(process: psutil.Process) -> float:
    mb: float = process.memory_info().rss / 2**20
    return mb
