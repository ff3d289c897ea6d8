"""B3: a line is kept, in memory and in the log, until the disk has it; only then it is ``LEAD_SAVED``."""

import errno
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.office import leads_file
from server.office.leads_file import LeadsFile, opened
from server.office.whole_lines import append
from server.runtime.oslock import os_lock

LONG_S = 20.0
SOON_S = 0.05


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Lines of leads: engines of another test may still be warming up on a thread of their own."""

    def of_leads(record: logging.LogRecord) -> bool:
        return record.getMessage().startswith("LEAD")

    caplog.set_level("INFO", logger="agent")
    caplog.handler.addFilter(of_leads)
    yield caplog
    caplog.handler.removeFilter(of_leads)


class Disk:
    """What ``append`` does. ``ill``: an error that it raises; ``hang``: it waits until ``go_on``."""

    def __init__(self) -> None:
        self.ill: OSError | None = None
        self.tries = 0
        self._gate = os_lock()

    def hang(self) -> None:
        self._gate.acquire()

    def go_on(self) -> None:
        self._gate.release()

    def append(self, path: str, lines: bytes) -> int:
        self.tries += 1
        with self._gate:
            if self.ill:
                raise self.ill
            return append(path, lines)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(leads_file, "append", disk.append)
    monkeypatch.setattr(leads_file, "FIRST_AGAIN_S", SOON_S)
    return disk


def wait_for(happened: Callable[[], object]) -> None:
    until = time.monotonic() + LONG_S
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.005)


def full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def kept(path: Path, *lines: str) -> list[str]:
    """As the log has them once the disk is full."""
    why = "[Errno 28] No space left on device"
    return [f"LEAD_ERR LEADS_FILE={path}: {why}; it is kept here: {line}" for line in lines]


def test_b3_saved_is_what_is_on_the_disk(
    tmp_path: Path, disk: Disk, logged: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "leads.jsonl"
    file = LeadsFile(str(path))
    disk.hang()
    assert not file.add("CA1", "one")
    wait_for(lambda: disk.tries)
    assert logged.messages == [] and not path.exists()
    disk.go_on()
    assert file.add("CA2", "two", LONG_S)
    assert logged.messages == ["LEAD_SAVED call=CA1", "LEAD_SAVED call=CA2"]
    assert path.read_text() == "one\ntwo\n"


def test_b3_a_full_disk_has_room_again(tmp_path: Path, disk: Disk, logged: pytest.LogCaptureFixture) -> None:
    """B3: each is whole in the log, once, and in the file, in order, as soon as it takes them."""
    path = tmp_path / "leads.jsonl"
    file = LeadsFile(str(path))
    disk.ill = full()
    for number in range(3):
        assert not file.add(f"CA{number}", f"line {number}", LONG_S)
    wait_for(lambda: logged.messages == kept(path, "line 0", "line 1", "line 2"))
    tries = disk.tries
    wait_for(lambda: disk.tries > tries + 1)  # without anybody asking
    disk.ill = None
    wait_for(lambda: len(logged.messages) == 6)
    assert logged.messages[3:] == [f"LEAD_SAVED call=CA{number}" for number in range(3)]
    assert path.read_text() == "line 0\nline 1\nline 2\n"


def test_b3_a_disk_that_hangs(
    tmp_path: Path, disk: Disk, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B3: nobody waits for one that is known to hang; what was begun is not begun a second time."""
    monkeypatch.setattr(leads_file, "WRITE_S", SOON_S)
    path = tmp_path / "leads.jsonl"
    file = LeadsFile(str(path))
    disk.hang()
    assert not file.add("CA1", "one", LONG_S)
    assert "the disk: nothing within 0.05 s; it is kept here: one" in logged.text
    began = time.monotonic()
    assert not file.add("CA2", "two", LONG_S)
    assert time.monotonic() - began < LONG_S / 4
    wait_for(lambda: "it is kept here: two" in logged.text)
    assert disk.tries == 1
    disk.go_on()
    wait_for(lambda: "LEAD_SAVED call=CA2" in logged.text)
    assert path.read_text() == "one\ntwo\n"
    assert sum("LEAD_ERR" in message for message in logged.messages) == 2


def test_b3_what_waits_is_bounded(
    tmp_path: Path, disk: Disk, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B3: what has no place is in the log at once."""
    monkeypatch.setattr(leads_file, "MAX_WAITING_CHARS", 10)
    file = LeadsFile(str(tmp_path / "leads.jsonl"))
    disk.hang()
    for text in ("1234567", "89", "tenth"):
        file.add("CA1", text)
    assert logged.messages[-1].endswith(": 2 lines wait for the disk; it is kept here: tenth")
    disk.go_on()
    assert file.settle(LONG_S) and (tmp_path / "leads.jsonl").read_text() == "1234567\n89\n"
    assert file.add("CA2", "tenth", LONG_S)


def test_b3_one_try_more_at_the_end(
    tmp_path: Path, disk: Disk, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads_file, "FIRST_AGAIN_S", LONG_S)
    path = tmp_path / "leads.jsonl"
    file = LeadsFile(str(path))
    assert file.settle(0)
    disk.ill = full()
    file.add("CA1", "one", LONG_S)
    began = time.monotonic()
    assert not file.settle(LONG_S)  # and no more than one
    assert time.monotonic() - began < LONG_S / 4
    disk.ill = None
    assert file.add("CA2", "two") or file.settle(LONG_S)
    assert path.read_text() == "one\ntwo\n" and len(logged.messages) == 3
    disk.hang()
    assert not file.add("CA3", "three")
    assert not file.settle(0)
    assert "the process ends; it is kept here: three" in logged.text
    disk.go_on()


AT_ITS_END = """
import logging, os, sys
from server.office import leads_file
from server.office.leads_file import opened
logging.basicConfig(format="%(message)s", stream=sys.stdout, level="INFO")
leads_file.FIRST_AGAIN_S = 60.0
os.mkdir(sys.argv[1])
file = opened(sys.argv[1])
print(file.add("CA1", "one", 20))
os.rmdir(sys.argv[1])
"""


GEVENT = "import gevent.monkey; gevent.monkey.patch_all()\n"
NO_NEW_THREADS = """
import atexit, threading
def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")
atexit.register(lambda: setattr(threading.Thread, "start", refuse))
"""


@pytest.mark.parametrize(
    ("before", "behind"),
    [("", ""), (GEVENT, ""), ("", NO_NEW_THREADS)],
    ids=["threads", "gevent", "as Python 3.12 ends"],
)
def test_b3_a_process_that_ends(tmp_path: Path, before: str, behind: str) -> None:
    """B3: whoever runs it: a host's own server too."""
    file = tmp_path / "leads.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", before + AT_ITS_END + behind, file], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == "" and file.read_text() == "one\n"
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["LEAD_ERR", "False", "LEAD_SAVED"]


FORKED = """
import logging, os, sys
from server.office import leads_file
logging.basicConfig(format="%(message)s", stream=sys.stdout, level="INFO")
silent, speak = os.pipe()
append = leads_file.append
def slow(path, lines):
    os.read(silent, 1)
    return append(path, lines)
leads_file.append = slow
file = leads_file.opened(sys.argv[1])
file.add("CA1", "of the parent")
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
    os.write(speak, b"x")
    assert file.settle(20)
else:
    leads_file.append = append
    assert file.add("CA2", "of the child", 20)
"""


@pytest.mark.parametrize("before", ["", GEVENT], ids=["threads", "gevent"])
def test_b3_a_process_that_was_forked_keeps_its_own(tmp_path: Path, before: str) -> None:
    """B3: its parent was about to write: neither thread nor line is the child's."""
    path = tmp_path / "leads.jsonl"
    command = [sys.executable, "-c", before + FORKED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "LEAD_ERR" not in done.stdout, done.stdout + done.stderr
    assert path.read_text() == "of the child\nof the parent\n"


SAID_AT_ITS_END = """
import logging, os, sys
from server.office import leads_file
from server.logs.writer import unblock_output
unblock_output()  # behind the import, as a host's application may
logging.basicConfig(format="%(message)s", stream=sys.stdout, level="INFO")
silent, _ = os.pipe()
leads_file.append = lambda path, lines: os.read(silent, 1)
file = leads_file.opened(sys.argv[1])
for number in range(100):
    file.add(f"CA{number}", f"line {number}")
"""


@pytest.mark.servers
@pytest.mark.parametrize("before", ["", GEVENT], ids=["threads", "gevent"])
def test_b3_what_a_process_says_at_its_end_is_in_the_log(tmp_path: Path, before: str) -> None:
    """B3: the disk hangs, so it is the only place where the lines are."""
    command = [sys.executable, "-c", before + SAID_AT_ITS_END, str(tmp_path / "leads.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.count("the process ends; it is kept here: line ") == 100, done.stderr


def test_b3_a_process_has_one_of_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = opened("leads.jsonl")
    assert opened(str(tmp_path / "leads.jsonl")) is file is not opened("other.jsonl")


def test_b3_what_others_could_read_is_told_once(tmp_path: Path, logged: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "leads.jsonl"
    path.touch(0o644)
    file = LeadsFile(str(path))
    assert file.add("CA1", "one", LONG_S) and file.add("CA2", "two", LONG_S)
    assert logged.messages == [
        f"LEAD_FILE {path} had mode 644, now 600: others could read it",
        "LEAD_SAVED call=CA1",
        "LEAD_SAVED call=CA2",
    ]
