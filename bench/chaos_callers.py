"""Callers as they come: most hold a conversation; some vanish, fall silent, flood, send garbage.

``python -m bench.chaos_callers --url … --calls 500``: prints one line of JSON a call.
"""

import argparse
import json
import random
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache

import websocket

from bench.fuzz_frames import raw_frames
from bench.fuzz_messages import mutated_stream
from bench.service import LINES
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.simulator.call import CallPlan, CallRecord, PhoneCall
from server.simulator.pump import BufferedWebSocket, StreamPump
from server.simulator.report import make_report
from server.simulator.script import CallerScript, Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.stream import CallIds, MediaStream
from server.simulator.timeline import Interval, audible_intervals
from server.simulator.twiml import Connect
from server.simulator.webhooks import Endpoint
from tests.cloud.recorded import CALLER_VARIANT

DEAD_AIR_S = 4.0
MAX_CALL_S = 90.0
TURNS = 2
MEDIA = '{"event":"media"'
PCM_FRAME_BYTES = 320
GONE = (websocket.WebSocketException, OSError)


class Wire:
    """A media stream in the caller's hands: proper messages, and all that is not proper."""

    def __init__(self, ws: BufferedWebSocket, ids: CallIds, parameters: dict[str, str]) -> None:
        self.ws = ws
        self.ids = ids
        self.parameters = parameters
        self.stream = MediaStream(ids, CallerScript(()), parameters)
        self.closed = ""  # by the server: why
        self.heard = 0  # media messages of ours

    @property
    def sock(self) -> socket.socket:
        assert self.ws.sock is not None
        sock: socket.socket = self.ws.sock
        return sock

    def begin(self) -> None:
        for text in self.stream.opening():
            self.ws.send(text)

    def send(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.ws.send_binary(message)
        else:
            self.ws.send(message)

    def speak(self, seconds: float, *, listening: bool = True) -> None:
        """Twilio's frames at their pace, until the server closes or ``seconds`` have passed."""
        began = time.monotonic()
        for number in range(round(seconds * 50)):
            for text in self.stream.tick(number * 0.02):
                self.ws.send(text)
            due = began + (number + 1) * 0.02
            while (left := due - time.monotonic()) > 0:
                if listening and self.listen(left):
                    return
                if not listening:
                    time.sleep(left)

    def say(self, pcm16_8k: bytes) -> None:
        """Speak with this voice."""
        whole = pcm16_8k + bytes(-len(pcm16_8k) % PCM_FRAME_BYTES)
        self.stream.noise = tuple(
            whole[i : i + PCM_FRAME_BYTES] for i in range(0, len(whole), PCM_FRAME_BYTES)
        )
        self.speak(len(self.stream.noise) / 50)
        self.stream.noise = ()

    def key(self, digit: str) -> None:
        self.ws.send(
            json.dumps({"event": "dtmf", "streamSid": self.ids.stream_sid, "dtmf": {"digit": digit}})
        )

    def hang_up(self) -> None:
        """As Twilio does for a caller who puts the phone down."""
        self.ws.send(self.stream.stop())
        self.ws.hang_up()

    def listen(self, seconds: float) -> bool:
        """Take what the server sends within ``seconds``; True when it has closed."""
        if self.closed:
            return True
        if select.select([self.sock], [], [], max(0.0, seconds))[0]:
            try:
                self.heard += sum(str(message).startswith(MEDIA) for message in self.ws.messages())
            except GONE as error:
                self.closed = str(error) or type(error).__name__
        return bool(self.closed)

    def listen_until_closed(self, seconds: float) -> float | None:
        """How long the server took to close; None when it did not within ``seconds``."""
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            if self.listen(left):
                return time.monotonic() - began
        return None

    def vanish(self) -> None:
        """Reset the connection, if there still is one: no close frame, nothing."""
        if self.ws.sock is None:
            return
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()


Behaviour = Callable[[Wire, random.Random], None]


class RudeCall(PhoneCall):
    """A call that follows the TwiML as any other, up to its media socket; there ``behave`` takes over."""

    def __init__(self, plan: CallPlan, behave: Behaviour, seed: str) -> None:
        super().__init__(plan, _NO_PUMP)
        self.wire: Wire | None = None
        self._behave = behave
        self._random = random.Random(seed)

    def connect(self, verb: Connect) -> None:
        self.record.stream_url = verb.url
        try:
            ws = self._open_socket(verb.url)
        except GONE as error:
            self.record.failures.append(f"31920 WebSocket to {verb.url}: {error}")
            return
        wire = self.wire = Wire(ws, self.record.ids, dict(verb.parameters))
        try:
            wire.begin()
            self._behave(wire, self._random)
        except GONE as error:
            wire.listen(0.2)  # a close that came first says why
            wire.closed = wire.closed or str(error) or type(error).__name__
        self.hung_up = not wire.closed
        wire.vanish()


_NO_PUMP: StreamPump = None  # type: ignore[assignment]  # a rude caller keeps its own time


def vanishes(wire: Wire, chance: random.Random) -> None:
    wire.speak(chance.uniform(0.0, 6.0))


def falls_silent(wire: Wire, chance: random.Random) -> None:
    """As a phone in a tunnel: the socket stays, nothing comes."""
    wire.speak(chance.uniform(0.5, 3.0))
    wire.listen_until_closed(15.0)


def stops_reading(wire: Wire, chance: random.Random) -> None:
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.speak(chance.uniform(5.0, 15.0), listening=False)


def floods(wire: Wire, chance: random.Random) -> None:
    """Good frames, as fast as the server takes them."""
    until = time.monotonic() + chance.uniform(1.0, 4.0)
    while time.monotonic() < until and not wire.listen(0):
        for text in wire.stream.tick(0.0):
            wire.ws.send(text)


def sends_garbage(wire: Wire, chance: random.Random) -> None:
    """Messages of every kind at about the pace of a call, among them frames that no protocol knows."""
    for message in mutated_stream(chance, wire.ids, wire.parameters, 200):
        wire.send(message)
        if wire.listen(0.02):
            return
    wire.sock.sendall(b"".join(raw_frames(chance)))
    wire.listen(1.0)


def half_closes(wire: Wire, chance: random.Random) -> None:
    wire.speak(chance.uniform(0.5, 2.0))
    wire.sock.shutdown(socket.SHUT_WR)
    wire.listen_until_closed(5.0)


def hangs_up_early(wire: Wire, chance: random.Random) -> None:
    """In the middle of a word, or before the answer to it."""
    wire.speak(chance.uniform(0.0, 2.0))
    wire.say(synthetic_speech(chance.uniform(0.3, 1.5)))
    wire.speak(chance.uniform(0.0, 0.4))
    wire.hang_up()


def types(wire: Wire, chance: random.Random) -> None:
    """Keys, nine a second, as a dialler does."""
    until = time.monotonic() + chance.uniform(2.0, 8.0)
    while time.monotonic() < until and not wire.closed:
        wire.key(chance.choice("0123456789*#"))
        wire.speak(0.12)


RUDE: dict[str, Behaviour] = {
    behave.__name__: behave
    for behave in (
        vanishes,
        falls_silent,
        stops_reading,
        floods,
        sends_garbage,
        half_closes,
        hangs_up_early,
        types,
    )
}
HANGS_UP = "hangs_up"  # politely, in the middle of whatever is going on
TALKS = "talks"


@dataclass
class Call:
    """How one call went. ``silences_s``: after each turn of the caller, until something was heard."""

    kind: str
    call_sid: str
    ending: str
    failures: list[str]
    stream_ending: str = ""
    silences_s: list[float] = field(default_factory=list)
    greeting_s: float | None = None
    late_ms: float = 0.0  # of the caller's own frames, at worst
    stream_s: float = 0.0


@cache
def clip(line: str) -> Clip:
    return Clip.from_pcm16(speak_pcm16_8k(line, variant=CALLER_VARIANT))


def conversation(plan: CallPlan, kind: str, chance: random.Random, pump: StreamPump, turns: int) -> Call:
    lines = chance.sample(LINES, turns)
    during_playout = 1.0 if chance.random() < 0.3 else None
    steps = [Say(line, clip(line), during_playout if number else None) for number, line in enumerate(lines)]
    manners = Manners(patience_s=12.0, hint_s=1.5)
    if kind == HANGS_UP:
        manners = replace(manners, hang_up_after_s=chance.uniform(0.0, 12.0))
    record = PhoneCall(replace(plan, steps=steps, manners=manners), pump).run()
    return judged(record, kind)


def judged(record: CallRecord, kind: str) -> Call:
    call = Call(kind, record.ids.call_sid, record.ending, record.failures)
    if record.stream is None or record.live is None:
        return call
    timeline = make_report(record).timeline
    call.stream_ending = record.live.ending
    call.late_ms = record.live.lateness.worst_s * 1000
    call.stream_s = record.stream.frames_sent * 0.02
    call.greeting_s = timeline.greeting_s
    heard = audible_intervals(bytes(record.stream.buffer.heard))
    ends = [turn.end_s for turn in record.stream.script.turns if turn.end_frame is not None]
    starts = [turn.start_s for turn in record.stream.script.turns[1:]] + [call.stream_s]
    call.silences_s = [silence(heard, end, until) for end, until in zip(ends, starts, strict=False)]
    return call


def silence(heard: tuple[Interval, ...], end_s: float, until_s: float) -> float:
    """From a turn's end to the next sound of the agent, or to ``until_s`` when there was none before."""
    return min(
        (max(0.0, each.start_s - end_s) for each in heard if each.end_s > end_s), default=until_s - end_s
    )


def place(plan: CallPlan, kind: str, seed: str, pump: StreamPump, turns: int) -> Call:
    chance = random.Random(seed)
    if kind in (TALKS, HANGS_UP):
        return conversation(plan, kind, chance, pump, turns)
    rude = RudeCall(plan, RUDE[kind], seed)
    record = rude.run()
    closed = rude.wire.closed if rude.wire else ""
    return Call(kind, record.ids.call_sid, record.ending, record.failures, closed)


def kinds(chance: random.Random, calls: int, rude_rate: float) -> list[str]:
    """What each call will be like: of the rude ones every kind has its share."""
    rude = [*RUDE, HANGS_UP]
    return [chance.choice(rude) if chance.random() < rude_rate else TALKS for _ in range(calls)]


def place_all(
    endpoint: Endpoint, calls: int, at_once: int, rude_rate: float, seed: int, turns: int = TURNS
) -> Iterator[Call]:
    """Place ``calls`` calls, ``at_once`` at a time; each as soon as it is over."""
    pump = StreamPump()
    wanted = kinds(random.Random(seed), calls, rude_rate)
    for line in LINES:
        clip(line)
    order = threading.Lock()
    begun = 0

    def one(number: int) -> Call:
        nonlocal begun
        with order:  # not all in the same instant
            time.sleep(0.1 if begun < at_once else 0.0)
            begun += 1
        plan = CallPlan(endpoint, (), max_s=MAX_CALL_S, caller=f"+97250{number:07}")
        return place(plan, wanted[number], f"{seed}-{number}", pump, turns)

    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(one, range(calls))
    pump.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--public-url", required=True)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--rude-rate", type=float, default=0.4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--turns", type=int, default=TURNS, help="of those who talk")
    words = parser.parse_args()
    endpoint = Endpoint(words.url, words.public_url)
    for call in place_all(endpoint, words.calls, words.at_once, words.rude_rate, words.seed, words.turns):
        print(json.dumps(asdict(call), ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
