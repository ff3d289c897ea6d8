"""The short form of ``bench.hangs``: calls and leads while a disk, or who reads the log, hangs."""

import time
from pathlib import Path

import psutil
import pytest

from bench.hangs import hangs
from tests.servers.hanging import Hanging, Ill, NoCompiler
from tests.serving import GUNICORN, ROOT, started

HANGS_S = 2.0
REPLACED_S = 10.0
NOTICED_MS = 1000.0  # on a machine that runs other tests; who waits for what hangs waits twice as long


@pytest.mark.parametrize("what", ["disk", "log"])
def test_what_hangs_is_no_silence_and_loses_no_lead(what: str) -> None:
    """C3: every file that calls write is on it. Callers are promised a call, others hang up, some ring."""
    try:
        hung = hangs(what, "gevent", HANGS_S, calls=2, ends=False)
    except NoCompiler as why:
        pytest.skip(str(why))
    assert hung.beside.gap_ms < NOTICED_MS
    assert hung.beside.health_ms < NOTICED_MS
    assert hung.promised and not hung.lost and not hung.unanswered
    assert all(hung.rang), "a new caller was not answered"


def test_a_worker_that_dies_is_replaced_where_no_temporary_file_can_be_made(tmp_path: Path) -> None:
    """gunicorn would end, and cut the calls of the workers that are left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        hanging = Hanging(tmp_path, disk)
    except NoCompiler as why:
        pytest.skip(str(why))
    knobs = hanging.knobs | {"TMPDIR": str(disk), "WEB_CONCURRENCY": "2"}
    with started(GUNICORN, ROOT, tmp_path / "log", **knobs) as server:
        master = psutil.Process(server.process.pid)
        dies, lives = master.children()
        with hanging.disk(disk).being(Ill.READ_ONLY):
            dies.kill()
            deadline = time.monotonic() + REPLACED_S
            while server.log.count("Booting worker") < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert server.process.poll() is None and lives.is_running()
            assert len(master.children()) == 2
