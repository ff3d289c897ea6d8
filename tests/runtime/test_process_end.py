"""F14, newcomer 6: a process that ends while its models load ends as it would without them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.serving import ROOT, environment, free_port

pytestmark = pytest.mark.servers

EMBEDDED = dict.fromkeys(("ASR_ENGINES", "LLM_ENGINES", "TTS_ENGINES"), "embedded")
KNOBS = {"VAD_ENGINE": "silero", "PYTHONPATH": str(ROOT), **EMBEDDED}
ENDS_S = 8.0  # on an idle machine it is half a second; to wait for work that does not stop would be ten

MOUNTED = """
from flask import Flask
from server.app import phone_agent
app = Flask("host")
blueprint, sock = phone_agent()
app.register_blueprint(blueprint)
sock.init_app(app)
"""
FIRST_CALL = """
app.test_client().post("/webhook/incoming_call", data={"CallSid": "CA" + "0" * 32, "From": "+972501234567"})
"""
SCRIPT = (
    MOUNTED + FIRST_CALL + "import sys, time; time.sleep(float(sys.argv[1])); print('done', flush=True)\n"
)
TEST_OF_A_HOST = f"def test_first_call():\n{(MOUNTED + FIRST_CALL).replace(chr(10), chr(10) + '    ')}\n"
WAKING = MOUNTED + 'app.extensions["phone_agent"].begin_warming()\n'


def run(arguments: list[str], cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment(**KNOBS),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.parametrize("after_s", [0, 0.3, 0.5, 1, 2])
def test_a_script_that_is_done_ends_with_0(tmp_path: Path, after_s: float) -> None:
    """Faults 41: whatever of the models is being loaded, and it is not waited for."""
    (tmp_path / "host.py").write_text(SCRIPT, encoding="utf-8")
    process = run(["host.py", str(after_s)], tmp_path)
    assert process.stdout is not None
    while (line := process.stdout.readline()) and line != "done\n":
        pass
    done = time.monotonic()
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0, rest
    assert time.monotonic() - done < ENDS_S


def test_a_hosts_tests_end_with_0(tmp_path: Path) -> None:
    """Faults 41: "1 passed", and then 134."""
    (tmp_path / "test_host.py").write_text(TEST_OF_A_HOST, encoding="utf-8")
    process = run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], tmp_path)
    said = process.communicate(timeout=90)[0]
    assert "1 passed" in said
    assert process.returncode == 0, said


@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "worker", [["gthread", "--threads", "4"], ["gevent"], ["sync"]], ids=lambda it: it[0]
)
def test_a_hosts_worker_ends_while_it_warms(tmp_path: Path, worker: list[str], ends: signal.Signals) -> None:
    """gunicorn, without our configuration."""
    (tmp_path / "host.py").write_text(WAKING, encoding="utf-8")
    served = [
        "-m",
        "gunicorn",
        "--no-control-socket",
        "-b",
        f"127.0.0.1:{free_port()}",
        "-k",
        *worker,
        "host:app",
    ]
    process = run(served, tmp_path)
    assert process.stdout is not None
    while (line := process.stdout.readline()) and "OPEN" not in line:  # it mounts, and begins to load
        pass
    time.sleep(0.4)
    process.send_signal(ends)
    said = process.communicate(timeout=25)[0]
    assert process.returncode == 0
    assert "terminate called" not in said and "SIGABRT" not in said, said


STUBBORN = """
import time
from server.runtime import process_end as ending
ending.LAST_S = 0.3
ending.start("stubborn", lambda ending: time.sleep(60))
print("done", flush=True)
"""
OBEDIENT = """
import time
from server.runtime import process_end as ending
def work(ending):
    while not ending():
        time.sleep(0.02)
    time.sleep(0.2)
    print("the last piece is whole", flush=True)
ending.start("obedient", work)
"""
ONE_THREAD = """
import threading
class Thread(threading.Thread):
    def start(self):
        if self.name.endswith("-keeper"):
            raise RuntimeError("can't start new thread")
        super().start()
threading.Thread = Thread
"""


def test_what_does_not_stop_is_left(tmp_path: Path) -> None:
    """An engine that hangs on its network does not keep the process."""
    began = time.monotonic()
    process = run(["-c", STUBBORN], tmp_path)
    assert process.communicate(timeout=90)[0] == "done\n"
    assert process.returncode == 0
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("before", ["", ONE_THREAD], ids=["as ever", "where no second thread can be had"])
def test_what_was_begun_is_finished(before: str, tmp_path: Path) -> None:
    """Work that is told of the end comes to it."""
    process = run(["-c", before + OBEDIENT], tmp_path)
    assert process.communicate(timeout=90)[0] == "the last piece is whole\n"
    assert process.returncode == 0
