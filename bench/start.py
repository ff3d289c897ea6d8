"""How soon a server answers and is warm, and the memory of a worker and of a call.

``python -m bench.start [--workers gevent] [--calls 40]``: for each set of providers and each worker class a
new server; what it took until ``/healthz`` answered and until it was warm; then so many calls at once, and
the worker's own memory before, and at its highest meanwhile. Before it what the modules take, each imported
behind those above it. The cloud and the callers are on the same cores.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from bench.load import cloud
from bench.service import LINES, WORKERS, place_calls, say
from tests.cloud.local import CLOUD_KNOBS, OPENAI_KNOBS
from tests.serving import ENGINES, GUNICORN, ROOT, Server, environment, free_port

EMBEDDED = {name: "embedded" for name in ENGINES}
SETS = {"scripted": {}, "embedded": EMBEDDED, "google": CLOUD_KNOBS, "openai": OPENAI_KNOBS}
BOOT_S, EVERY_S = 60.0, 0.01
MB = 1 << 20
STEPS = (
    ("Python", "import sys"),
    ("gevent, gunicorn", "import gevent.monkey; gevent.monkey.patch_all(); import gunicorn.app.wsgiapp"),
    ("Flask, pydantic, structlog", "import flask, flask_sock, pydantic_settings, structlog, limits"),
    ("SQLAlchemy (records)", "import sqlalchemy"),
    ("our own code and tables", "import server.app"),
    ("numpy", "import numpy"),
    ("onnxruntime, the speech model", "import server.audio.silero as silero; silero.load_model()"),
    ("OpenAI's SDK", "import openai; openai.OpenAI(api_key='x').chat.completions"),
    ("Google's SDKs", "import google.cloud.speech_v1, google.cloud.texttospeech_v1"),
)
STEP = """
import psutil, sys
before = 0.0
for line in sys.stdin.read().splitlines():
    exec(line)
    now = psutil.Process().memory_full_info().uss / 2**20
    print(round(now - before, 1))
    before = now
"""


def answer(address: str) -> dict[str, object]:
    """Of ``/healthz``. Raises OSError or ValueError while there is none."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), BOOT_S) as peer:
        peer.sendall(b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n")
        whole = b"".join(iter(lambda: peer.recv(65536), b""))
    found: dict[str, object] = json.loads(whole.partition(b"\r\n\r\n")[2])
    return found


def wait_for(server: Server, warm: bool) -> None:
    deadline = time.monotonic() + BOOT_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if answer(server.address)["warm"] or not warm:
                return
        except (OSError, ValueError):
            pass
        time.sleep(EVERY_S)
    raise AssertionError(server.log)


def highest_uss(worker: psutil.Process, over: threading.Event, found: list[float]) -> None:
    while not over.wait(0.2):
        found.append(worker.memory_full_info().uss / MB)


def measure(name: str, knobs: dict[str, str], worker_class: str, calls: int) -> str:
    """One server, as a line to print."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        port = free_port()
        env = environment(PORT=port, WORKER_CLASS=worker_class, VAD_ENGINE="silero", **knobs)
        began = time.monotonic()
        with (out / "log").open("wb") as log:
            process = subprocess.Popen(GUNICORN, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            server = Server(process, port, out / "log")
            took = []
            for warm in (False, True):
                wait_for(server, warm)
                took.append(time.monotonic() - began)
            master = psutil.Process(process.pid)
            (worker,) = master.children()
            at_rest, threads = worker.memory_full_info(), worker.num_threads()
            found = [at_rest.uss / MB]
            over = threading.Event()
            watch = threading.Thread(target=highest_uss, args=(worker, over, found))
            watch.start()
            try:
                place_calls(server, out, "--calls", str(calls), *say(*LINES[:2]))
            finally:
                over.set()
                watch.join()
            a_call_kb = (max(found) - found[0]) * 1024 / calls
            return (
                f"{name:<10}{worker_class:<9}/healthz {took[0]:.1f} s, warm {took[1]:.1f} s; a worker: "
                f"{at_rest.rss / MB:.0f} MB, {at_rest.uss / MB:.0f} its own, {threads} threads; master "
                f"{master.memory_info().rss / MB:.0f}; a call of {calls}: {a_call_kb:.0f} KB"
            )
        finally:
            process.terminate()
            process.wait(30)


def what_modules_take() -> list[str]:
    """Megabytes of a process's own memory, each behind those before it."""
    code = "\n".join(code for _, code in STEPS)
    done = subprocess.run(
        [sys.executable, "-c", STEP],
        input=code, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [f"  {what:<32}{mb:>6} MB" for (what, _), mb in zip(STEPS, done.stdout.split(), strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", nargs="+", choices=WORKERS, default=list(WORKERS))
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    asked = parser.parse_args()
    print("what a worker imports:", *what_modules_take(), sep="\n", flush=True)
    with cloud() as its_knobs:
        for name in asked.sets:
            for worker_class in asked.workers:
                on_the_cloud = its_knobs if SETS[name] in (CLOUD_KNOBS, OPENAI_KNOBS) else {}
                print(measure(name, on_the_cloud | SETS[name], worker_class, asked.calls), flush=True)


if __name__ == "__main__":
    main()
