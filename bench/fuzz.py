"""Garbage over the wire to a server of two workers: nothing breaks, nothing grows, a call beside it is good.

``python -m bench.fuzz --messages 100000 --requests 10000``: messages over many sockets, each let in as
Twilio's are; raw bytes in the place of frames; HTTP requests signed, unsigned and garbled. Exit status 1 when
a promise is broken. The same ``--seed`` sends the same.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.chaos_callers import Behaviour, RudeCall, Wire
from bench.chaos_service import PUBLIC_URL, TOKEN, Service, two_workers
from bench.fuzz_frames import raw_frames
from bench.fuzz_messages import mutated_stream
from bench.fuzz_requests import request
from bench.service import LINES, say
from server.simulator.call import CallPlan
from server.simulator.webhooks import Endpoint
from tests.serving import ROOT, environment

AT_ONCE = 6
MESSAGES_A_SOCKET = 400  # so that a flood limit of a thousand messages is not what is tested …
FLOOD = 3000  # … but by these
RAW = 0.7  # of the sockets end with bytes that are no frames
READ_S = 1.5
WARM_UP = 0.5  # of it all: until then threads have come, and what is remembered for minutes fills
GROWTH_BYTES = 4 << 20
GROWTH_SHARE = 0.03
ANSWER_S = 5.0
SLOW_S = 0.3
BESIDE_MS = 400.0  # so much later may the worst answer of a call beside all this be


@dataclass
class Tally:
    """What was sent and what came of it. Any thread."""

    messages: int = 0
    sockets: int = 0
    raw: int = 0
    requests: int = 0
    closes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def socket_over(self, messages: int, raw: bool, closed: str, failures: list[str]) -> None:
        with self.lock:
            self.sockets += 1
            self.messages += messages
            self.raw += raw
            self.closes[closed or "by us"] += 1
            self.failures.update(failures)

    def answered(self, status: str) -> None:
        with self.lock:
            self.requests += 1
            self.statuses[status] += 1


# ---- messages -----------------------------------------------------------------------------------------


def one_socket(endpoint: Endpoint, seed: str, count: int, tally: Tally) -> None:
    """A call of ``count`` mutated messages; some end with raw bytes, some flood, most just go."""
    sent = 0
    has_raw = False

    def behave(wire: Wire, chance: random.Random) -> None:
        nonlocal sent, has_raw
        count_here = FLOOD if chance.random() < 0.03 else count
        for message in mutated_stream(chance, wire.ids, wire.parameters, count_here):
            wire.send(message)
            sent += 1
            if sent % 20 == 0 and wire.listen(0):
                return
        has_raw = chance.random() < RAW
        if has_raw:
            for piece in raw_frames(chance):
                wire.sock.sendall(piece)
        else:
            wire.ws.send_close()
        wire.listen_until_closed(READ_S)  # a reset would take away what has not been read yet

    closed, failures = call_with(endpoint, behave, seed)
    tally.socket_over(sent, has_raw, closed, failures)


def call_with(endpoint: Endpoint, behave: Behaviour, seed: str) -> tuple[str, list[str]]:
    call = RudeCall(CallPlan(endpoint, ()), behave, seed)
    record = call.run()
    return (call.wire.closed if call.wire else "never open"), [_plain(failure) for failure in record.failures]


def _plain(text: str) -> str:
    return "".join(character for character in text if not character.isdigit())[:80]


def send_messages(endpoint: Endpoint, count: int, seed: str, tally: Tally) -> None:
    sockets = -(-count // MESSAGES_A_SOCKET)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(
            lambda number: one_socket(endpoint, f"{seed}-{number}", MESSAGES_A_SOCKET, tally), range(sockets)
        ):
            pass


# ---- requests -----------------------------------------------------------------------------------------


def one_request(address: str, seed: str, tally: Tally) -> None:
    chance = random.Random(seed)
    tally.answered(exchange(address, request(chance, PUBLIC_URL), slowly=chance.random() < 0.005))


def exchange(address: str, sent: bytes, *, slowly: bool = False) -> str:
    """The status of the answer; or "none", when the connection ended without one, or none came in time."""
    host, _, port = address.partition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=ANSWER_S) as connection:
        with suppress(OSError):  # refused in the middle: there is an answer all the same
            if slowly:
                for byte in sent[:10]:
                    connection.sendall(bytes([byte]))
                    time.sleep(SLOW_S)
                sent = sent[10:]
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)  # what is incomplete stays so
        head = b""
        while b"\r\n" not in head and (piece := connection.recv(4096)):
            head += piece
        parts = head.split(b" ", 2)
        if head.startswith(b"HTTP/") and len(parts) > 1:
            return parts[1].decode("ascii", "replace")
    return "none"


def send_requests(address: str, count: int, seed: str, tally: Tally) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda number: one_request(address, f"{seed}-{number}", tally), range(count)):
            pass


# ---- the call beside them -----------------------------------------------------------------------------


def genuine_call(endpoint: Endpoint, out: Path) -> dict[str, Any]:
    """One call of three turns in a process of its own; its report."""
    report = out / f"call-{time.monotonic_ns()}.json"
    command = [sys.executable, "-m", "server.simulator", "--url", endpoint.connect_url]
    command += ["--public-url", endpoint.public_url, "--json", str(report), *say(*LINES[:3])]
    signed = environment() | {"TWILIO_AUTH_TOKEN": TOKEN}
    subprocess.run(command, cwd=ROOT, env=signed, capture_output=True, timeout=120, check=False)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Beside:
    """Calls: whether each did what was asked, and the worst answer and gaps in the sound of all."""

    calls: int
    bad: tuple[str, ...]
    worst_gap_ms: float
    underruns: int


def summed(reports: list[dict[str, Any]]) -> Beside:
    gaps = [
        turn["response_gap_ms"] for report in reports for turn in report["turns"] if turn["response_gap_ms"]
    ]
    bad = tuple(reason for report in reports for reason in report["reasons"])
    return Beside(len(reports), bad, max(gaps, default=0.0), sum(report["underruns"] for report in reports))


class Neighbour:
    """A genuine caller who phones again and again while ``with`` lasts."""

    def __init__(self, call: Callable[[], dict[str, Any]]) -> None:
        self.reports: list[dict[str, Any]] = []
        self._call = call
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._phone)

    def __enter__(self) -> "Neighbour":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _phone(self) -> None:
        while not self._over.is_set() or not self.reports:
            self.reports.append(self._call())


# ---- the whole ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    tally: Tally
    grown: dict[int, tuple[int, int]]  # by worker: bytes of RSS after the warm-up, and at the end
    alone: Beside
    beside: Beside
    faults: list[str]
    ignored: int  # messages that the handlers have counted as not usable: they were reached

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept."""
        found = [f"in the log: {line}" for line in self.faults[:5]]
        found += [
            f"{count} answers {status}" for status, count in self.tally.statuses.items() if status == "500"
        ]
        for worker, (before, after) in self.grown.items():
            if after - before > max(GROWTH_BYTES, GROWTH_SHARE * before):
                found.append(f"worker {worker} grew by {(after - before) >> 10} KB from {before >> 10} KB")
        if len(self.grown) < 2:
            found.append("a worker was lost")
        found += [f"the call beside: {reason}" for reason in self.beside.bad]
        if self.beside.worst_gap_ms > self.alone.worst_gap_ms + BESIDE_MS or self.beside.underruns:
            found.append(f"the call beside was worse: {self.beside} than alone: {self.alone}")
        if self.tally.messages and not self.ignored:
            found.append("no message has reached a handler")
        return found


def measure(worker_class: str, messages: int, requests: int, seed: int, *, beside: bool = True) -> Result:
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, two_workers(Path(folder), worker_class) as service:
        out = Path(folder)

        def send(share: float, part: str) -> None:
            send_messages(service.endpoint, round(messages * share), f"{seed}-{part}", tally)
            send_requests(service.server.address, round(requests * share), f"{seed}-{part}", tally)

        alone = summed([genuine_call(service.endpoint, out)] if beside else [])
        send(WARM_UP, "warm")
        time.sleep(1.0)
        before = service.census()
        if beside:
            with Neighbour(lambda: genuine_call(service.endpoint, out)) as neighbour:
                send(1 - WARM_UP, "main")
            reports = neighbour.reports
        else:
            send(1 - WARM_UP, "main")
            reports = []
        time.sleep(1.0)
        after = service.census()
        grown = {pid: (before[pid].rss, after[pid].rss) for pid in after if pid in before}
        return Result(tally, grown, alone, summed(reports), service.faults, ignored_in(service))


def ignored_in(service: Service) -> int:
    lines = [line for line in service.server.log.splitlines() if "WS_DONE" in line and " ignored=" in line]
    return sum(int(line.split(" ignored=")[1].split()[0]) for line in lines)


def show(worker_class: str, result: Result) -> None:
    tally = result.tally
    print(
        f"{worker_class}: {tally.messages} messages over {tally.sockets} sockets, {tally.raw} with raw bytes"
    )
    print(f"  {result.ignored} were counted as not usable; closed: {dict(tally.closes.most_common(8))}")
    print(f"  {tally.requests} requests: {dict(tally.statuses.most_common())}")
    for worker, (before, after) in result.grown.items():
        print(f"  worker {worker}: {before / 2**20:.1f} MB, then {after / 2**20:.1f} MB")
    print(f"  a call alone: {result.alone}\n  beside: {result.beside}")
    for failure, count in tally.failures.most_common(5):
        print(f"  {count} x {failure}")
    for promise in result.broken:
        print(f"  BROKEN: {promise}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), action="append")
    words = parser.parse_args()
    print(f"seed {words.seed}", flush=True)
    broken = 0
    for worker_class in words.worker_class or ("gevent", "gthread"):
        result = measure(worker_class, words.messages, words.requests, words.seed)
        show(worker_class, result)
        broken += len(result.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
