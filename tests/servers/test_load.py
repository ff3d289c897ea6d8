"""New calls are refused while a worker has too much to do, and the line that blocks it is named."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.serving import GUNICORN, ROOT, Server, environment, started

pytestmark = pytest.mark.servers

BURNING = [*GUNICORN[:-1], "tests.servers.burning:create_app()"]
WORKERS = ("gevent", "gthread")
BURNS = "burns"
LONG_S = 40.0  # six of these tests share two cores


def post(server: Server, path: str, **fields: str) -> str:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"http://{server.address}{path}", fields, timeout=LONG_S).text


def ring(server: Server, number: int) -> str:
    return post(server, "/webhook/incoming_call", CallSid=f"CA{number:032x}", From="+972501234567")


def health(server: Server, path: str = "/healthz") -> tuple[int, dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(
            f"http://{server.address}{path}", timeout=LONG_S
        )  # a worker that burns is slow
        return response.status_code, response.json()


@contextmanager
def burning(server: Server, folder: Path) -> Iterator[None]:
    """A worker has too much to do, until the block is left."""
    burns = folder / BURNS

    def ask() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.get(f"http://{server.address}/burn", timeout=4 * LONG_S)

    burns.touch()
    asks = threading.Thread(target=ask)
    asks.start()
    try:
        yield
    finally:
        burns.unlink()
        asks.join()


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_that_has_too_much_to_do_takes_nobody_new_until_it_is_calm(
    tmp_path: Path, worker: str
) -> None:
    knobs = {"LOAD_THRESHOLD": "0.3", "WORKER_CLASS": worker, "BURNS": str(tmp_path / BURNS)}
    with started(BURNING, ROOT, tmp_path / "log", **knobs) as server:
        assert "<Connect" in ring(server, 1)
        assert f"below {0.3}" in server.log and health(server, "/readyz") == (
            200,
            {"ready": True, "why_not": ""},
        )
        with burning(server, tmp_path):
            numbers = iter(range(2, 1000))
            # A place is kept for half a minute only: who has one is the last who was let in.
            taken = [1, *takewhile(lambda number: "<Connect" in ring(server, number), numbers)]
            assert "<Connect" in ring(server, taken[-1]), "it has its place"
            assert server.waits_for(lambda: health(server, "/readyz")[0] == 503, LONG_S)
            assert "/media/busy.wav" in ring(server, 1001)
            status, said = health(server)
            assert status == 200 and said["load"] > 0.2 and said["load_threshold"] == 0.3
        assert server.has_said("incoming_call=200 busy limit=LOAD_THRESHOLD")
        assert server.has_said("CALL_REFUSED with it the load would be ")
        assert server.waits_for(lambda: health(server, "/readyz")[0] == 200, LONG_S)
        assert "<Connect" in ring(server, 1002)


@pytest.mark.parametrize("worker", WORKERS)
def test_the_line_that_keeps_all_calls_waiting_is_named(tmp_path: Path, worker: str) -> None:
    """A host's function that computes in C under the GIL: with threads nobody can look where."""
    said = "שלום, אני מחפשת דירה"
    knobs = {"WORKER_CLASS": worker, "SCRIPTED_ASR_LINES": said}
    with started(BURNING, ROOT, tmp_path / "log", **knobs) as server:
        command = [
            sys.executable,
            "-m",
            "server.simulator",
            "--url",
            f"http://{server.address}",
            "--synthetic",
        ]
        subprocess.run(
            [*command, "--say", said],
            cwd=tmp_path,
            env=environment(PYTHONPATH=str(ROOT)),
            capture_output=True,
            timeout=120,
            check=False,
        )
        if worker == "gevent":
            at = r"HUB_STALLED ms=\d+ cpu_ms=\d+ at tests/servers/burning\.py:(\d+) in asks_the_crm"
            assert server.waits_for(lambda: re.search(at, server.log) is not None)
            line = int(re.findall(at, server.log)[0])
            lines = (ROOT / "tests/servers/burning.py").read_text("utf-8").splitlines()
            assert lines[line - 1].strip() in ("for size in SIZES:", "sum(range(size))")
        else:
            assert server.has_said("THREADS_STALLED ms=") and "HUB_STALLED" not in server.log
        assert said not in "".join(line for line in server.log.splitlines() if "STALLED" in line)


def test_workers_of_a_host_tell_each_other(tmp_path: Path) -> None:
    """One burns: the other refuses too, for the socket could come to the one that burns."""
    knobs = {"LOAD_THRESHOLD": "0.3", "WEB_CONCURRENCY": "2", "STATE_FILE": str(tmp_path / "state.db")}
    knobs["BURNS"] = str(tmp_path / BURNS)
    with started(BURNING, ROOT, tmp_path / "log", **knobs) as server:
        with burning(server, tmp_path):

            def all_refuse() -> bool:
                return all(health(server, "/readyz")[0] == 503 for _ in range(8))

            assert server.waits_for(all_refuse, LONG_S)
            loads = [health(server)[1]["load"] for _ in range(20)]
            assert min(loads) < 0.25, "the kernel asks the one that has nothing to do"
        assert server.waits_for(lambda: all(health(server, "/readyz")[0] == 200 for _ in range(8)), LONG_S)
