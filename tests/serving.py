"""A server started for real on a loopback port, for the tests that talk to it over sockets."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from server.config import Config

ROOT = Path(__file__).parents[1]
GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "server/gunicorn_conf.py", "server.app:create_app()"]
ENGINES = {"ASR_ENGINES": "scripted", "LLM_ENGINES": "scripted", "TTS_ENGINES": "scripted"}
BOOT_S = 60  # on a machine that has other things to do
SOON_S = 15.0
SUBPROTOCOL = "audio.twilio.com"


def environment(**knobs: str) -> dict[str, str]:
    """This run's environment without its knobs, with those given; a developer's .env is overruled."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Config.model_fields}
    public = {"PUBLIC_BASE_URL": "", "PUBLIC_HOST": "", "WEB_CONCURRENCY": "1"}
    quick = {
        "VAD_ENGINE": "energy",
        "SCRIPTED_TTS_MS": "0",
        "BIND_HOST": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
        "STATE_FILE": "",
        "RECORDS_FILE": "",
        "DATABASE_URL": "",
        "LOAD_THRESHOLD": "1",  # whoever else uses this machine
        "CALLS_PER_CALLER_MIN": "0",
        "CALLS_PER_SEC": "0",
        "CALLS_PER_CALLER_AT_ONCE": "0",
        "HIDDEN_CALLS_PER_MIN": "0",
        "HIDDEN_CALLS_PERCENT": "100",
        "DRAIN_SEC": "0",
        "MALLOC_ARENA_MAX": "2",  # as start_all.sh and the Procfile say
        "LOG_TRANSCRIPTS": "full",
    }
    return kept | ENGINES | public | quick | knobs


def free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=15)


class Server:
    """A started server; ``log`` is what it has printed."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: str, log_path: Path) -> None:
        self.process = process
        self.address = f"127.0.0.1:{port}"
        self._log_path = log_path

    @property
    def log(self) -> str:
        return self._log_path.read_text(encoding="utf-8")

    def has_said(self, line: str) -> bool:
        """Whether it stands in the log; it may be on its way."""
        return self.waits_for(lambda: line in self.log)

    def has_no_call(self) -> bool:
        """Whether every call that has begun is over, with all its lines."""
        return self.waits_for(lambda: self.log.count("WS_START ") <= self.log.count("CALL_OVER "))

    def waits_for(self, done: Callable[[], bool], within_s: float = SOON_S) -> bool:
        deadline = time.monotonic() + within_s
        while not done() and time.monotonic() < deadline:
            time.sleep(0.02)
        return done()

    def wait_until_it_serves(self, health: str = "/healthz", boot_s: float = BOOT_S) -> None:
        """And until it is warm, if it warms."""
        deadline = time.monotonic() + boot_s
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                answer = get(f"http://{self.address}{health}")  # 503: it serves, with an engine that fails
                if '"status":"warming"' not in answer.text.replace(" ", ""):
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(0.1)
        raise AssertionError(f"does not serve:\n{self.log}")


@contextmanager
def started(
    command: list[str],
    cwd: Path,
    log_path: Path,
    health: str = "/healthz",
    *,
    boot_s: float = BOOT_S,
    **knobs: str,
) -> Iterator[Server]:
    port = free_port()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment(PORT=port, **knobs), stdout=log, stderr=log
        )
    try:
        server = Server(process, port, log_path)
        server.wait_until_it_serves(health, boot_s)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(15)  # below the 17 s at which gunicorn kills a worker that hangs
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
