"""Hours of twenty calls: the memory of the process stays where it was.

``python -m bench.soak``: two hours of 20 calls in simulated time, through the real handler, the real
speech model, scripted engines, leads and SQLite. ``--wire SECONDS``: 20 calls over sockets through a server
of two workers for so many real seconds. ``--trace``: where memory that stays was allocated. Exit status 1
when memory has grown by 2 % or more, or the log tells of a fault of ours.
"""

import argparse
import gc
import logging
import random
import sys
import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from simple_websocket import ConnectionClosed

from bench.chaos_service import OUR_FAULT, two_workers
from server.call.finishing import Afterwards
from server.config import Config
from server.media_ws_ai import MediaStreamHandler
from server.office.leads_writer import LeadsWriter
from server.providers.base import ReplyRequest, ReplyStream
from server.providers.fallback import FallbackChain
from server.providers.provider_set import Providers, build_providers
from server.providers.scripted import ScriptedLlm
from server.runtime.threads import Channel, Closed, Late
from server.shared_state.state import shared_state_of
from server.simulator.call import CallPlan, PhoneCall, new_ids
from server.simulator.pump import StreamPump
from server.simulator.script import CallerScript, Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.stream import MediaStream
from server.turns.effects import Act, EndCall, SaveLead
from tests.simtime.runtime import SimRuntime, SimTask

CALLS = 20
HOURS = 2.0
WARM_UP = 1 / 6  # of the time, before memory is read for the first time
CALL_S = (20.0, 240.0)  # the shortest and longest call
GROWTH = 0.02
SAMPLES = 12
LINES = (
    "שלום|אני מחפש דירה|בתל אביב|ארבעה חדרים|מיליון וחצי שקל|יש חניה|באיזו קומה|מתי אפשר לבוא|כן|עוד שאלה אחת"
)
PAUSE_S = 1.0
WARM_S = 60.0  # the fixed lines are made meanwhile
TRACED = 15


class Clockwork(SimRuntime):
    """Simulated time that forgets what has ended: a test looks back at its tasks, hours of calls must not."""

    def spawn(self, name: str, function: Callable[[], None]) -> SimTask:
        task = super().spawn(name, function)
        self.tasks.clear()
        return task


class Tail:
    """The end of a recording, in the place of a whole one: an hour of calls would be kept until they end."""

    KEPT = 16_000  # two seconds

    def __init__(self) -> None:
        self._gone = 0
        self._kept = bytearray()

    def __len__(self) -> int:
        return self._gone + len(self._kept)

    def __iadd__(self, more: bytes) -> "Tail":
        self._kept += more
        surplus = max(0, len(self._kept) - self.KEPT)
        del self._kept[:surplus]
        self._gone += surplus
        return self

    def __getitem__(self, part: slice) -> bytes:
        return bytes(self._kept[max(0, part.start - self._gone) : max(0, part.stop - self._gone)])


@dataclass
class Phone:
    """The far end of one simulated call: a scripted caller as Twilio lets it through. Is the WebSocket."""

    runtime: SimRuntime
    stream: MediaStream

    def __post_init__(self) -> None:
        self._receiver: Channel[str | bytes] = Channel(self.runtime, 10_000)
        self._began = self.runtime.now
        self._over = False
        self.sock = None
        self.stream.said = Tail()  # type: ignore[assignment]
        self.stream.buffer.heard = Tail()  # type: ignore[assignment]
        for text in self.stream.opening():
            self._receiver.put(text)
        self._next_frame()

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        try:
            return self._receiver.get(timeout)
        except Late:
            return None
        except Closed:
            raise ConnectionClosed(1000) from None

    def send(self, data: str) -> None:
        if self._over:
            raise ConnectionClosed(1000)
        for text in self.stream.receive(data, self.runtime.now - self._began):
            self._receiver.put(text)

    def close(self, reason: int | None = None) -> None:
        self._over = True
        self._receiver.close()

    def _next_frame(self) -> None:
        self.runtime.call_at(self._began + self.stream.due_s, self._frame)

    def _frame(self) -> None:
        if self._over:
            return
        for text in self.stream.tick(self.runtime.now - self._began):
            self._receiver.put(text)
        if self.stream.wants_hang_up:
            self._receiver.put(self.stream.stop())
        else:
            self._next_frame()


class DecidingLlm(ScriptedLlm):
    """Keeps a lead in every other answer, and ends the call with every twelfth."""

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        reply = super().respond(request, timeout_s)
        acts: list[Act] = [SaveLead((("message", request.text),))] if request.turn_number % 2 else []
        acts += [EndCall()] * (request.turn_number % 12 == 0)
        reply.acts = tuple(acts)  # type: ignore[attr-defined]
        return reply


@dataclass
class Soak:
    """Twenty lines on one simulated clock, each of which is phoned again as soon as it is free."""

    config: Config
    seed: int
    calls: int = CALLS
    runtime: Clockwork = field(default_factory=Clockwork)
    done: int = 0

    def __post_init__(self) -> None:
        built = build_providers(self.config, self.runtime)
        llm = DecidingLlm(self.runtime, self.config.scripted_llm_reply, self.config.scripted_llm_ms / 1000)
        self.providers = Providers(
            built.stt, FallbackChain("llm", (llm,)), built.tts, built.tts_cache, built.new_speech
        )
        self.runtime.spawn("warm", self.providers.warm)
        self.shared_state = shared_state_of("", self.config.state_file)
        self.leads = LeadsWriter(self.config.leads_file, self.shared_state)
        self._clips = [Clip.from_pcm16(synthetic_speech(seconds)) for seconds in (0.6, 1.1, 1.9, 3.5)]
        self._chance = random.Random(self.seed)
        for _ in range(self.calls):
            self.runtime.call_at(WARM_S + self._chance.uniform(0, 5), self._ring)

    def _ring(self) -> None:
        self.runtime.spawn("call", self._call)

    def _call(self) -> None:
        steps = [self._line(number) for number in range(100)]
        manners = Manners(hang_up_after_s=self._chance.uniform(*CALL_S), patience_s=6.0)
        phone = Phone(self.runtime, MediaStream(new_ids(), CallerScript(steps, manners)))
        MediaStreamHandler(
            phone,  # type: ignore[arg-type]  # a socket is only asked for when a peer takes nothing
            self.config,
            providers=self.providers,
            leads=self.leads,
            close_call=self.shared_state.close,
            afterwards=Afterwards(self.runtime),
            runtime=self.runtime,
            breath=self._chance.uniform,
        ).run()
        self.done += 1
        self.runtime.call_at(self.runtime.now + PAUSE_S, self._ring)

    def _line(self, number: int) -> Say:
        during_playout = 0.8 if self._chance.random() < 0.2 else None
        return Say(f"line {number}", self._chance.choice(self._clips), during_playout)


class Ear(logging.Handler):
    """Counts kinds of lines, and keeps those that tell of a fault of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: Counter[str] = Counter()
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        self.kinds[line.split(" ", 1)[0].rstrip(":")] += 1
        if record.exc_info or OUR_FAULT.search(line):
            self.faults.append(line)


@contextmanager
def listening() -> Iterator[Ear]:
    """The log goes to an Ear meanwhile, and nowhere else."""
    ear, logger = Ear(), logging.getLogger("agent")
    before = logger.level, logger.propagate
    logger.addHandler(ear)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield ear
    finally:
        logger.removeHandler(ear)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@dataclass(frozen=True)
class Growth:
    """Bytes of RSS after the warm-up and then at equal intervals to the end; what went wrong."""

    name: str
    rss: tuple[int, ...]
    faults: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        return self.rss[-1] / self.rss[0] - 1

    @property
    def broken(self) -> list[str]:
        found = [f"{self.name}: in the log: {line}" for line in self.faults[:5]]
        if self.share >= GROWTH:
            found.append(f"{self.name} grew by {self.share:.1%}")
        return found

    def __str__(self) -> str:
        megabytes = " ".join(f"{each / 2**20:.1f}" for each in self.rss)
        return f"{self.name}: {megabytes} MB: {self.share:+.2%}"


def simulated(hours: float, calls: int, seed: int, vad: str, *, trace: bool = False) -> tuple[Growth, Soak]:
    """So many hours of ``calls`` at once, in this process."""
    with tempfile.TemporaryDirectory() as folder, listening() as ear:
        soak = Soak(scripted(Path(folder), vad), seed, calls)
        end_s = hours * 3600
        soak.runtime.run_until(end_s * WARM_UP)
        if trace:
            tracemalloc.start(10)
        first = tracemalloc.take_snapshot() if trace else None
        rss = [own_rss()]
        for number in range(1, SAMPLES + 1):
            soak.runtime.run_until(end_s * (WARM_UP + (1 - WARM_UP) * number / SAMPLES))
            rss.append(own_rss())
        if first is not None:
            report(tracemalloc.take_snapshot().compare_to(first, "lineno"))
    print(f"{soak.done} calls; {dict(ear.kinds.most_common(12))}", flush=True)
    return Growth("simulated", tuple(rss), tuple(ear.faults)), soak


def scripted(folder: Path, vad: str) -> Config:
    """The defaults, with scripted engines; no say for the machine's environment."""
    knobs: dict[str, Any] = {
        name: each.get_default(call_default_factory=True) for name, each in Config.model_fields.items()
    }
    kinds = ("asr_engines", "llm_engines", "tts_engines")
    providers: dict[str, Any] = dict.fromkeys(kinds, ("scripted",))
    providers |= {"scripted_asr_lines": LINES}
    files = {"state_file": str(folder / "agent.db"), "leads_file": str(folder / "leads.jsonl")}
    return Config(_env_file=None, **(knobs | providers | files | {"vad_engine": vad}))


def own_rss() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def report(differences: list[tracemalloc.StatisticDiff]) -> None:
    for difference in differences[:TRACED]:
        print(f"  {difference}")


# ---- over sockets ---------------------------------------------------------------------------------------


def over_sockets(seconds: float, calls: int, seed: int, worker_class: str) -> list[Growth]:
    """``calls`` at once through two workers; each worker's memory over the time."""
    with tempfile.TemporaryDirectory() as folder:
        knobs = {"VAD_ENGINE": "silero", "MAX_CALL_SEC": "120"}
        with two_workers(Path(folder), worker_class, **knobs) as service:
            over = threading.Event()
            pump = StreamPump()
            plan = CallPlan(service.endpoint, ())
            callers = ThreadPoolExecutor(calls)
            for number in range(calls):
                callers.submit(phone_until, over, plan, pump, f"{seed}-{number}")
            over.wait(seconds * WARM_UP)
            found = {pid: [census.rss] for pid, census in service.census().items()}
            for _ in range(SAMPLES):
                over.wait(seconds * (1 - WARM_UP) / SAMPLES)
                for pid, census in service.census().items():
                    found.setdefault(pid, []).append(census.rss)
            over.set()
            callers.shutdown()
            pump.close()
            faults = tuple(service.faults)
    return [Growth(f"{worker_class} worker {pid}", tuple(rss), faults) for pid, rss in found.items()]


def phone_until(over: threading.Event, plan: CallPlan, pump: StreamPump, seed: str) -> None:
    """One caller who phones again and again."""
    chance = random.Random(seed)
    clips = [Clip.from_pcm16(synthetic_speech(length)) for length in (0.6, 1.1, 1.9)]
    while not over.is_set():
        steps = [Say(f"line {number}", chance.choice(clips)) for number in range(40)]
        manners = Manners(hang_up_after_s=chance.uniform(10, 60), patience_s=6.0)
        caller = f"+97250{chance.randrange(10**7):07}"
        PhoneCall(replace(plan, steps=steps, manners=manners, caller=caller), pump).run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=HOURS, help="simulated")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--vad", choices=("silero", "energy"), default="silero")
    parser.add_argument(
        "--trace", action="store_true", help="what was allocated since the warm-up, and where"
    )
    parser.add_argument("--wire", type=float, metavar="SECONDS", help="over sockets, in real time")
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), action="append")
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    growths: list[Growth] = []
    if words.wire:
        for worker_class in words.worker_class or ("gevent", "gthread"):
            growths += over_sockets(words.wire, words.calls, words.seed, worker_class)
    else:
        began = time.monotonic()
        growth, _ = simulated(words.hours, words.calls, words.seed, words.vad, trace=words.trace)
        growths.append(growth)
        print(f"{words.hours:g} hours of {words.calls} calls in {time.monotonic() - began:.0f} s")
    for growth in growths:
        print(growth)
    broken = [promise for growth in growths for promise in growth.broken]
    for promise in broken:
        print(f"BROKEN: {promise}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
