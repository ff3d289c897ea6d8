"""What a frame costs on the WebSocket of a call, received and sent: ours, and flask-sock's beside it.

``python -m bench.websocket_cost``: a gunicorn that only listens, or only talks (three frames in one wake), to
forty callers at a call's pace; the processor's time and the system calls of its worker for each frame; three
runs in turn, the least of them. Two minutes. ``--worker-class gthread``. System calls: where there is strace.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.serving import Server
from tests.websocket.client import echoing, handshake, shaken_hands
from tests.websocket.frames import TEXT, frame

ENGINES = ("own", "flask-sock")
CALLERS, FRAME_S = 40, 0.02
WARM_S, MEASURED_S, TRACED_S = 1.0, 4.0, 2.0
RUNS = 3
HEARD = frame(TEXT, b"x" * 390)  # 398 bytes, as Twilio's media messages have
COUNTED = re.compile(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """Of one frame: microseconds of the processor, and system calls by name."""

    us: float
    calls: dict[str, float]

    def __str__(self) -> str:
        most = sorted(self.calls.items(), key=lambda item: -item[1])[:4]
        named = ", ".join(f"{name} {count:.2f}" for name, count in most)
        return f"{self.us:6.1f} µs, {sum(self.calls.values()):.2f} system calls ({named})"


@contextmanager
def callers(address: str, path: str) -> Iterator[list[socket.socket]]:
    host, _, port = address.partition(":")
    with ExitStack() as open_ones:
        peers = []
        for _ in range(CALLERS):
            peer = open_ones.enter_context(socket.create_connection((host, int(port)), timeout=5))
            peer.sendall(handshake(path))
            shaken_hands(peer)
            peers.append(peer)
        yield peers


def speak(peers: list[socket.socket], over: threading.Event) -> None:
    """Each sends a frame in 20 ms, one after another, as calls that began at any time do."""
    began = time.monotonic()
    for number in range(10**9):
        if over.is_set():
            return
        with suppress(OSError):
            peers[number % CALLERS].sendall(HEARD)
        time.sleep(max(0.0, began + number * FRAME_S / CALLERS - time.monotonic()))


def hear(peers: list[socket.socket], over: threading.Event) -> None:
    for peer in peers:
        peer.settimeout(0.0)
    while not over.is_set():
        for peer in peers:
            with suppress(BlockingIOError):
                while peer.recv(65536):
                    pass
        time.sleep(0.01)


def cost(server: Server, path: str) -> Cost:
    (worker,) = psutil.Process(server.process.pid).children()
    over = threading.Event()
    frames_a_second = CALLERS / FRAME_S
    with callers(server.address, path) as peers:
        other_end = threading.Thread(target=speak if path == "/listen" else hear, args=(peers, over))
        other_end.start()
        time.sleep(WARM_S)
        before, began = worker.cpu_times(), time.monotonic()
        time.sleep(MEASURED_S)
        after, took_s = worker.cpu_times(), time.monotonic() - began
        used_s = after.user + after.system - before.user - before.system
        calls = system_calls(worker.pid, frames_a_second)
        over.set()
        other_end.join()
    return Cost(used_s / took_s / frames_a_second * 1e6, calls)


def system_calls(pid: int, frames_a_second: float) -> dict[str, float]:
    strace = shutil.which("strace")
    if strace is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts"
        tracing = subprocess.Popen(
            [strace, "-c", "-f", "-p", str(pid), "-o", str(out)], stderr=subprocess.DEVNULL
        )
        began = time.monotonic()
        time.sleep(TRACED_S)
        tracing.terminate()
        tracing.wait(10)
        frames = frames_a_second * (time.monotonic() - began)
        return {
            name: int(count) / frames for count, name in COUNTED.findall(out.read_text()) if name != "total"
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker-class", choices=("gevent", "gthread"), default="gevent")
    worker_class = parser.parse_args().worker_class
    with suppress(AttributeError, OSError):  # the callers on one core, the worker on the other
        os.sched_setaffinity(0, {1})
    found: dict[tuple[str, str], list[Cost]] = {}
    for _ in range(RUNS):
        for engine in ENGINES:
            with echoing(worker_class, engine) as server:
                (worker,) = psutil.Process(server.process.pid).children()
                worker.cpu_affinity([0])
                for path in ("/listen", "/talk"):
                    found.setdefault((path, engine), []).append(cost(server, path))
    for (path, engine), costs in sorted(found.items()):
        least = min(costs, key=lambda one: one.us)
        what = "received" if path == "/listen" else "sent"
        print(f"{worker_class}, a frame {what:8s} {engine:10s} {least}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
