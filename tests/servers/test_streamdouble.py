"""The public simulator ``streamdouble`` calls a real server: its ``call`` sends nothing in silence (A8)."""

import json
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from server.simulator.sounds import synthetic_speech
from tests.serving import GUNICORN, ROOT, Server, environment, started

SCENARIOS = sorted((ROOT / "tests" / "streamdouble").glob("*.yaml"))
STREAMDOUBLE = [sys.executable, "-c", "import sys, streamdouble.cli as cli; sys.exit(cli.main())"]
BAD_LINES = [("--packet-loss", "0.05"), ("--jitter", "80", "--latency", "150")]
CALL_S = 60


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "log"
    knobs = {"WORKER_CLASS": request.param, "IDLE_PROMPT_SEC": "5"}
    with started(GUNICORN, ROOT, log, **knobs) as server:
        yield server
    assert "Traceback" not in server.log


def write_clip(path: Path, pcm16_8k: bytes) -> Path:
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(pcm16_8k)
    return path


def streamdouble(*words: str) -> tuple[int, dict[str, Any]]:
    """Its exit status (0: clean, 2: the agent never spoke, 3: a violation) and its report."""
    command = [*STREAMDOUBLE, words[0], *words[1:], "--json"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(NO_PROXY="*", no_proxy="*"),
        capture_output=True,
        text=True,
        timeout=CALL_S,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def log_of_the_call(server: Server, before: int) -> str:
    """What the log has from ``before`` on, once the call is over for the server too."""
    deadline = time.monotonic() + 5
    while "WS_DONE" not in server.log[before:] and time.monotonic() < deadline:
        time.sleep(0.05)
    return server.log[before:]


def test_a8_its_call_is_answered(server: Server, tmp_path: Path) -> None:
    """A8: its one clip is all it sends; what was asked is heard and answered, as fast as by Twilio."""
    before = len(server.log)
    clip = write_clip(tmp_path / "question.wav", synthetic_speech(1.6))
    status, report = streamdouble("call", url(server), "--audio", str(clip), "--max-first-audio-ms", "4000")
    log = log_of_the_call(server, before)
    assert (status, report["violations"]) == (0, []), report
    assert "ASR_TEXT:" in log and "RESPONSE_GAP" in log and log.count("LINE_QUIET") == 1
    assert "quiet=" in log


def test_a8_its_muted_call_is_greeted(server: Server, tmp_path: Path) -> None:
    """A8: a tenth of a second of nothing, and then not a frame."""
    clip = write_clip(tmp_path / "nothing.wav", bytes(1600))
    status, report = streamdouble("call", url(server), "--audio", str(clip))
    assert (status, report["violations"]) == (0, []), report
    assert 600 < report["time_to_first_audio_ms"] < 1500


def test_its_scenarios_and_a_bad_line_show_no_violation(server: Server, tmp_path: Path) -> None:
    """Three calls at a time: they mostly wait."""
    clip = write_clip(tmp_path / "question.wav", synthetic_speech(1.6))
    scenarios = [("scenario", str(copy(scenario, tmp_path)), url(server)) for scenario in SCENARIOS]
    lines = [("call", url(server), "--audio", str(clip), *line) for line in BAD_LINES]
    with ThreadPoolExecutor(3) as pool:
        for status, report in pool.map(lambda words: streamdouble(*words), [*scenarios, *lines]):
            assert (status, report["violations"]) == (0, []), report


def url(server: Server) -> str:
    return f"ws://{server.address}/ws/twilio-media"
