"""The call beside: who only listens to a long sentence of ours while something is done to the server.

``python -m bench.beside --url … --public-url … --calls 20`` is the callers' process: it prints
``talking`` when all of them hear us, and for each line of its standard input a line of JSON a call. They hang
up, none of them politely, when it ends. It is a
process of its own, for an attacker's load must not make these callers late.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from server.audio.frames import FRAME_MS
from server.providers.scripted import MS_A_CHARACTER
from server.simulator.call import CallPlan, PhoneCall
from server.simulator.pump import LiveStream, StreamPump
from server.simulator.stream import MediaStream
from server.simulator.webhooks import Endpoint
from tests.serving import ROOT, environment

MAX_S = 300.0
TALKING_S = 40.0
BEGIN_EVERY_S = 0.1
WORD = "מילה "
FIRST_CALLER = 972_500_000_000


def long_sentence(seconds: float) -> str:
    """So long in the scripted voice, and without an end in it: a greeting that goes on and on."""
    return (WORD * (1 + round(seconds * 1000 / MS_A_CHARACTER / len(WORD)))).strip()


def frames_of(sentence: str) -> int:
    """Media messages of a sentence in the scripted voice."""
    return len(sentence) * MS_A_CHARACTER // FRAME_MS


@dataclass
class Heard:
    """What one caller got. ``at``: ``time.monotonic()`` of each media message, on the clock of all processes.

    ``ending``: why the stream was over before the caller's side ended it.
    """

    call_sid: str
    at: list[float]
    ending: str = ""
    failures: list[str] = field(default_factory=list)

    def longest_gap_s(self, frames: int, since: float, until: float) -> float:
        """Between two messages of a sentence of ``frames`` messages, between two times.

        A sentence that is not whole has its last gap at ``until``; one that never began, from ``since``.
        """
        times = [since, *(at for at in self.at[:frames] if since < at < until)]
        if len(self.at) < frames or self.at[frames - 1] > until:
            times.append(until)
        return max((after - before for before, after in zip(times, times[1:], strict=False)), default=0.0)


class Beside:
    """``calls`` callers in a process of their own, from when all hear us until ``kill``."""

    def __init__(self, url: str, public_url: str, token: str, calls: int = 1) -> None:
        """Blocks until they hear us. Raises AssertionError when one does not."""
        command = [sys.executable, "-m", "bench.beside", "--url", url, "--public-url", public_url]
        self._process = subprocess.Popen(
            [*command, "--calls", str(calls)],
            cwd=ROOT,
            env=environment() | {"TWILIO_AUTH_TOKEN": token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._calls = calls
        if self._process.stdout.readline() != "talking\n":
            raise AssertionError(f"the calls beside do not hear us: {self.report()}")
        self.since = time.monotonic()

    def report(self) -> list[Heard]:
        """What each has heard so far; they listen on."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return [Heard(**json.loads(self._process.stdout.readline())) for _ in range(self._calls)]

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def longest_gap_ms(heard: Sequence[Heard], frames: int, since: float, until: float) -> float:
    """Of all these calls."""
    return 1000 * max((each.longest_gap_s(frames, since, until) for each in heard), default=until - since)


class _NotedStream(MediaStream):
    """A stream that notes when our media came."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.media_at: list[float] = []

    def receive(self, text: str | bytes, now_s: float) -> list[str]:
        if isinstance(text, str) and text.startswith('{"event":"media"'):
            self.media_at.append(time.monotonic())
        return super().receive(text, now_s)


class _NotingPump(StreamPump):
    """Every stream that it is given is a noted one."""

    def add(self, live: LiveStream) -> None:
        given = live.stream
        live.stream = _NotedStream(given.ids, given.script, given.parameters)
        super().add(live)


def _heard(call: PhoneCall) -> Heard:
    record = call.record
    stream = record.stream
    at = stream.media_at if isinstance(stream, _NotedStream) else []
    ending = record.live.ending if record.live else record.ending
    return Heard(record.ids.call_sid, list(at), ending, list(record.failures))


def _place(endpoint: Endpoint, calls: int) -> list[PhoneCall]:
    pump = _NotingPump()
    placed = []
    for number in range(calls):
        plan = CallPlan(endpoint, (), max_s=MAX_S, caller=f"+{FIRST_CALLER + number}")
        call = PhoneCall(plan, pump)
        threading.Thread(target=call.run, daemon=True).start()
        placed.append(call)
        time.sleep(BEGIN_EVERY_S)
    return placed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--public-url", required=True)
    parser.add_argument("--calls", type=int, default=1)
    words = parser.parse_args()
    calls = _place(Endpoint(words.url, words.public_url), words.calls)
    deadline = time.monotonic() + TALKING_S
    while not all(_heard(call).at for call in calls) and time.monotonic() < deadline:
        time.sleep(0.02)
    print("talking" if time.monotonic() < deadline else "not talking", flush=True)
    for _ in sys.stdin:
        for call in calls:
            print(json.dumps(asdict(_heard(call)), ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
