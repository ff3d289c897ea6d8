"""A real server on a local cloud, and calls to it."""

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.cloud.local import CLOUD_KNOBS, OPENAI_KNOBS, SONIOX_KNOBS
from tests.serving import ROOT, SOON_S, Server, environment, started

TICKING = [sys.executable, "-m", "gunicorn", "-c", "bench/ticking_conf.py", "server.app:create_app()"]
LINES = ["אני רוצה לקנות דירה", "בתל אביב", "ארבעה חדרים בבקשה", "תודה רבה"]
CALL_S = 400
WORKERS = ("gevent", "gthread")
ENGINES = {"google": CLOUD_KNOBS, "openai": OPENAI_KNOBS, "soniox": SONIOX_KNOBS}
NAMES = {"google": "google, openai, google", "openai": "openai alone", "soniox": "soniox, openai, soniox"}
# OpenAI alone as it was before its Realtime API: a whole utterance at once, and the speech endpoint.
BATCH_KNOBS = OPENAI_KNOBS | {"OPENAI_STT_MODEL": "gpt-transcribe", "OPENAI_TTS_MODEL": "gpt-4o-mini-tts"}


@contextmanager
def on_the_cloud(knobs: dict[str, str], out: Path, **more: str) -> Iterator[Server]:
    """gunicorn with the real speech model and the cloud that ``knobs`` point to."""
    watch = {"WATCH_FOLDER": str(out)}
    providers = CLOUD_KNOBS | knobs | {"VAD_ENGINE": "silero", "THINKING_TEXT_HE": ""}
    with started(TICKING, ROOT, out / "server.log", **(providers | watch | more)) as server:
        yield server


def place_calls(server: Server, out: Path, *words: str, status: int = 0) -> dict[str, Any]:
    """Run the simulator; its report. Raises AssertionError with what it printed when it ends otherwise."""
    report = out / "report.json"
    command = [sys.executable, "-m", "server.simulator", "--url", f"http://{server.address}"]
    # The servers here give no thinking hint, so whatever is heard is an answer.
    command += ["--json", str(report), "--hint-s", "0.1", "--reply-after-ms", "400", *words]
    if "--calls" not in words:  # the dialogue of one call is read from the log
        command += ["--server-log", str(out / "server.log")]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=CALL_S, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def kill_all(server: Server) -> None:
    """kill -9, the master first, so that no new worker takes a dead one's place."""
    master = psutil.Process(server.process.pid)
    family = [master, *master.children(recursive=True)]
    for process in family:
        process.kill()
    server.process.wait(SOON_S)
    psutil.wait_procs(family, SOON_S)


def thread_names(out: Path) -> Counter[str]:
    """The server's threads a moment ago; not gunicorn's own pool, which grows as it is used, nor the one that
    a process's first call begins for all of them, nor those that watch."""
    names = json.loads((out / "threads").read_text(encoding="utf-8"))
    of_the_process = ("ThreadPoolExecutor", "admission", "watch-")
    return Counter(re.sub(r"\d+", "N", name) for name in names if not name.startswith(of_the_process))


def command_line(about: str | None, engines: tuple[str, ...] = tuple(ENGINES)) -> argparse.ArgumentParser:
    """``--workers`` and ``--engines``: these, unless asked otherwise."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workers", nargs="+", choices=WORKERS, default=list(WORKERS))
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(engines))
    return parser


def say(*lines: str) -> list[str]:
    """The simulator's words for a call that says these."""
    return [word for line in lines for word in ("--say", line)]
