"""Disk, log, store, Redis and names hang, one at a time, with calls on: what callers and leads notice.

``python -m bench.hangs [--seconds 10|forever] [--calls 20] [--worker-class …] [leads store disk …]``: a
gunicorn of one worker each, scripted engines (``dns``: OpenAI's in front of them). Needs a C compiler, and
``redis-server`` for ``redis``; Linux. About half a minute each.

``disk``: LEADS_FILE, STATE_FILE, TTS_CACHE_DIR and TMPDIR are on it; ``leads`` and ``store``: only that file;
``log``: nobody reads our output; ``redis``: its process is stopped; ``dns``: no name is answered. Meanwhile
callers are promised a call back, others hang up in mid-word, and new ones ring.

``promised``: leads that were promised or left, and how many of them can be read afterwards, in a file or in
the log. ``rang``: new callers who were answered in ten seconds. ``longest gap``, ``TX p99``, ``/healthz``: as
in ``bench.attacks``, the worst of the calls beside. ``SIGTERM``: seconds until the server has ended.
Exit status 1 when a bound is broken: a gap above 400 ms, a call cut, health above 1 s, a lead that cannot be
read, a new caller without an answer in five seconds, an end later than ``graceful_timeout``.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.chaos_callers import RudeCall, Wire
from bench.chaos_service import signing
from bench.own_redis import OwnRedis
from bench.promised import ask, lost, promise, text_of
from bench.stalled_log import LogReader
from bench.watched import CLASSES, PUBLIC_URL, Noticed, Watched, watched
from server.admission.drain import CUT_S, FAREWELL_S, LINGER_S
from server.simulator.call import CallPlan
from server.simulator.sounds import synthetic_speech
from server.simulator.webhooks import Endpoint
from tests.servers.doors import RING, ringing
from tests.servers.hanging import Hanging, Ill

ON_THE_DISK = ("LEADS_FILE", "STATE_FILE", "TTS_CACHE_DIR", "TMPDIR")
CALLS, SECONDS = 20, 10.0
FOREVER_S = 15.0  # is looked at for so long, and then the server is told to end
PROMISES, LEAVERS, RINGERS = 5, 3, 5
BACK_S = 4.0  # what was kept is written within so long
SOON_S = 0.5  # and who has waited sends all at once
DRAIN_S = 2
# gunicorn's own graceful_timeout, and as much for a busy machine.
ALLOWED_END_S = DRAIN_S + FAREWELL_S + CUT_S + LINGER_S + 4.0 + 3.0
ENDS_S = 60.0
ALLOWED_RING_S = 5.0  # Twilio waits for 15; the caller hears it ring


class Thing(Protocol):
    """What can hang. ``knobs`` for the server that needs it."""

    knobs: dict[str, str]

    def hang(self) -> None: ...

    def come_back(self) -> None: ...


class Disk:
    """``on_it``: which knobs' files are on the disk that hangs; the other files are beside it."""

    def __init__(self, folder: Path, on_it: tuple[str, ...]) -> None:
        places = dict(zip(ON_THE_DISK, ("leads.jsonl", "agent.db", "audio", "tmp"), strict=True))
        ill = folder / "disk"
        ill.mkdir()
        hanging = Hanging(folder, ill)
        self._switch = hanging.disk(ill)
        files = {knob: (ill if knob in on_it else folder) / name for knob, name in places.items()}
        files["TMPDIR"].mkdir()
        self.knobs = hanging.knobs | {knob: str(path) for knob, path in files.items()}

    def hang(self) -> None:
        self._switch.be(Ill.HANGS)

    def come_back(self) -> None:
        self._switch.heal()


class Names:
    """OpenAI is asked first, by a name that nobody answers for."""

    def __init__(self, folder: Path) -> None:
        hanging = Hanging(folder)
        self._switch = hanging.names
        providers = {name: "openai,scripted" for name in ("ASR_ENGINES", "LLM_ENGINES")}
        server = {"OPENAI_BASE_URL": "http://api.openai.invalid:9/v1", "OPENAI_API_KEY": "none"}
        self.knobs = hanging.knobs | providers | server

    def hang(self) -> None:
        self._switch.be(Ill.HANGS)

    def come_back(self) -> None:
        self._switch.heal()


class Log:
    """Standard output that nobody reads."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self.knobs: dict[str, str] = {}

    def hang(self) -> None:
        self._reader.stall()

    def come_back(self) -> None:
        self._reader.go_on()


THINGS = ("leads", "store", "disk", "log", "redis", "dns")


@contextmanager
def thing(name: str, folder: Path, reader: LogReader) -> Iterator[Thing]:
    """It does not hang any more at the end."""
    on_it = {"leads": ("LEADS_FILE",), "store": ("STATE_FILE",)}.get(name, ON_THE_DISK)
    redis = None
    made: Thing
    if name == "redis":
        made = redis = OwnRedis(folder)
    elif name == "log":
        made = Log(reader)
    else:
        made = Names(folder) if name == "dns" else Disk(folder, on_it)
    try:
        yield made
    finally:
        made.come_back()
        if redis:
            redis.end()


@dataclass
class Hung:
    """What came of it. ``rang``: seconds that each new caller waited for an answer; 0: there was none."""

    beside: Noticed
    promised: list[str]
    lost: list[str]
    rang: list[float]
    ended_s: float
    unanswered: int  # webhooks that would have promised

    @property
    def broken(self) -> list[str]:
        found = [] if self.beside.well else [f"beside: {self.beside}"]
        found += [f"{len(self.lost)} leads lost"] if self.lost else []
        found += [f"{self.unanswered} webhooks without an answer"] if self.unanswered else []
        found += ["a new caller without an answer"] if not all(self.rang) else []
        found += ["a new caller hears nothing for long"] if max(self.rang) > ALLOWED_RING_S else []
        found += [f"the end took {self.ended_s:.0f} s"] if self.ended_s > ALLOWED_END_S else []
        return found


def hangs(
    name: str, worker_class: str, seconds: float | None, calls: int = CALLS, *, ends: bool = True
) -> Hung:
    """``seconds`` None: for ever. ``ends``: the server is told to end, and how long it takes is measured."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, signing():
        folder = Path(place)
        reader = LogReader(folder / "log")
        with thing(name, folder, reader) as it:
            knobs = {"DRAIN_SEC": str(DRAIN_S), "STATE_FILE": str(folder / "agent.db")} | it.knobs
            with watched(
                folder, worker_class, says_s=60.0, command=reader.command, before_end=it.come_back, **knobs
            ) as server:
                hung = _hung(server, it, seconds, calls, ends)
                leads = Path(knobs.get("LEADS_FILE", folder / "leads.jsonl"))
                it.come_back()  # of what is for ever: only to read what was written before
                until = time.monotonic() + BACK_S
                while time.monotonic() < until:
                    hung.lost = lost(hung.promised, [server.server.log, text_of(leads)])
                    if not hung.lost:
                        break
                    time.sleep(0.1)
            reader.end()
            return hung


def _hung(server: Watched, it: Thing, seconds: float | None, calls: int, ends: bool) -> Hung:
    """``lost`` is not known yet."""
    with server.beside(calls) as beside:
        leavers = [_Leaver(server, number) for number in range(LEAVERS)]
        time.sleep(1.0)
        beside.begin()
        it.hang()
        until = time.monotonic() + (FOREVER_S if seconds is None else seconds)
        for leaver in leavers:
            leaver.leave()
        dice = random.Random(13)
        with ThreadPoolExecutor(PROMISES + RINGERS) as pool:
            promises = [pool.submit(promise, server.door, random.Random(n)) for n in range(PROMISES)]
            rang = [pool.submit(_ring, server, random.Random(dice.random())) for _ in range(RINGERS)]
            time.sleep(max(0.0, until - time.monotonic()))
            if seconds is not None:
                it.come_back()
                time.sleep(BACK_S if ends else SOON_S)
            noticed = beside.end()
            ended_s = _end(server) if ends else 0.0
            made = [each.result() for each in promises]
            waits = [each.result() for each in rang]
    promised = [sid for sid in made if sid] + [leaver.call_sid for leaver in leavers]
    return Hung(noticed, promised, [], waits, ended_s, made.count(""))


class _Leaver:
    """A caller who speaks, and hangs up in the middle of it."""

    def __init__(self, server: Watched, number: int) -> None:
        self._leaves, self._left = threading.Event(), threading.Event()
        plan = CallPlan(Endpoint(server.url, PUBLIC_URL), (), caller=f"+97252000000{number}")
        self._call = RudeCall(plan, self._behave, str(number))
        threading.Thread(target=self._call.run, daemon=True).start()

    @property
    def call_sid(self) -> str:
        return self._call.record.ids.call_sid

    def leave(self) -> None:
        self._leaves.set()
        self._left.wait(5)

    def _behave(self, wire: Wire, _: random.Random) -> None:
        while not self._leaves.is_set() and not wire.closed:
            wire.say(synthetic_speech(0.3))
        wire.ws.send(wire.stream.stop())
        self._left.set()
        wire.listen_until_closed(5.0)


def _ring(server: Watched, dice: random.Random) -> float:
    began = time.monotonic()
    answer = ask(server.door, ringing(dice), RING)
    return 0.0 if answer is None or answer.status_code != 200 else time.monotonic() - began


def _end(server: Watched) -> float:
    began = time.monotonic()
    server.server.process.terminate()
    try:
        server.server.process.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        return ENDS_S
    return time.monotonic() - began


def show(name: str, worker_class: str, seconds: float | None, hung: Hung) -> None:
    kept = len(hung.promised) - len(hung.lost)
    slowest = max(hung.rang, default=0.0)
    rang = f"{sum(map(bool, hung.rang))} of {len(hung.rang)}, worst {slowest:.1f} s"
    cut = f", {hung.beside.cut} CUT" if hung.beside.cut else ""
    cells = (
        name,
        worker_class,
        "for ever" if seconds is None else f"{seconds:g} s",
        f"{hung.beside.gap_ms:.0f} ms{cut}",
        f"{hung.beside.late_ms:.0f} ms",
        f"{hung.beside.health_ms:.0f} ms",
        f"{kept} of {len(hung.promised) + hung.unanswered}",
        rang,
        f"{hung.ended_s:.1f} s",
        "ok" if not hung.broken else f"**BROKEN** {'; '.join(hung.broken)}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


HEADING = (
    "| hangs | worker | for | longest gap | TX p99 | /healthz | promised | rang | SIGTERM | |\n"
    + "|---" * 10
    + "|"
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("things", nargs="*", metavar="disk", help=f"of {', '.join(THINGS)}; none: all")
    parser.add_argument("--seconds", action="append", help="a number, or forever; without it 10 and forever")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--worker-class", choices=(*CLASSES, "both"), default="both")
    words = parser.parse_args()
    if unknown := [name for name in words.things if name not in THINGS]:
        parser.error(f"nothing is called {', '.join(unknown)}: there are {', '.join(THINGS)}")
    print(HEADING, flush=True)
    broken = 0
    for name in words.things or THINGS:
        for worker_class in CLASSES if words.worker_class == "both" else (words.worker_class,):
            for word in words.seconds or (f"{SECONDS:g}", "forever"):
                seconds = None if word == "forever" else float(word)
                hung = hangs(name, worker_class, seconds, words.calls)
                show(name, worker_class, seconds, hung)
                broken += bool(hung.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
