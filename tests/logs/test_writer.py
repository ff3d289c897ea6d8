"""Nobody waits for who reads our output: lines are dropped and counted, and none is lost without need."""

import errno
import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from server.logs.writer import Writer
from tests.serving import ROOT

DROPPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d LOG_DROPPED (\d+) lines: .*")
SOON_S = 5.0


class Paper:
    """Stands for ``os.write``. Takes nothing until it is ``free``; ``errors``: of the next writes."""

    def __init__(self, *, free: bool = True) -> None:
        self.text = b""
        self.errors: list[int] = []
        self.at_most = 1 << 20
        self._free = threading.Event()
        if free:
            self.free()

    def free(self) -> None:
        self._free.set()

    def write(self, descriptor: int, data: memoryview) -> int:
        self._free.wait(SOON_S)
        if self.errors and (number := self.errors.pop(0)):
            raise OSError(number, os.strerror(number))
        part = bytes(data[: self.at_most])
        self.text += part
        return len(part)

    @property
    def lines(self) -> list[str]:
        return self.text.decode().splitlines()


def say(writer: Writer, *numbers: int) -> None:
    for number in numbers:
        writer.line(1, f"line {number:4}\n".encode())


def test_lines_come_in_their_order_and_all_of_them() -> None:
    paper = Paper()
    writer = Writer(write=paper.write)
    say(writer, *range(1000))
    assert writer.finish(SOON_S)
    assert paper.lines == [f"line {number:4}" for number in range(1000)]


def test_what_does_not_fit_is_dropped_counted_and_told_where_it_is_missing() -> None:
    paper = Paper(free=False)
    writer = Writer(most_bytes=100, write=paper.write)
    say(writer, *range(50))
    assert not writer.finish(0.01)
    paper.free()
    assert writer.finish(SOON_S)
    say(writer, 50)
    assert writer.finish(SOON_S)
    kept = len(paper.lines) - 2
    *before, told, after = paper.lines
    assert before == [f"line {number:4}" for number in range(kept)] and 10 <= kept <= 11
    assert (found := DROPPED.fullmatch(told)) and int(found[1]) == 50 - kept
    assert after == "line   50"


def test_a_line_that_is_too_long_by_itself_costs_no_other() -> None:
    """Nothing waits behind which the writer could catch up."""
    paper = Paper()
    writer = Writer(most_bytes=100, write=paper.write)
    say(writer, 1)
    assert writer.finish(SOON_S)
    writer.line(1, b"x" * 101 + b"\n")
    until = time.monotonic() + SOON_S
    while len(paper.lines) < 2 and time.monotonic() < until:
        time.sleep(0.005)
    say(writer, 2)
    assert writer.finish(SOON_S)
    first, told, last = paper.lines
    assert (first, last) == ("line    1", "line    2")
    assert (found := DROPPED.fullmatch(told)) and found[1] == "1"


def test_a_lead_is_kept_when_all_else_is_dropped() -> None:
    """With LEADS_FILE= it is nowhere else; and there is an end to it, too."""
    paper = Paper(free=False)
    writer = Writer(most_bytes=100, write=paper.write)
    leads = [f"2026-11-28T18:40:00.123+02:00 LEAD {number}" for number in range(30)]
    for number, lead in enumerate(leads):
        say(writer, number)
        writer.line(1, f"{lead}\n".encode())
    assert not writer.finish(0.01)
    paper.free()
    assert writer.finish(SOON_S)
    kept = [line for line in paper.lines if "LEAD" in line]
    assert kept == leads[: len(kept)] and 15 <= len(kept) <= 800 // len(leads[0]) + 1
    assert len(paper.lines) - len(kept) <= 4


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF])
def test_what_cannot_be_written_is_counted_too(number: int) -> None:
    """The next one that can says so; the errors are of two lines, and of the first try to tell of them."""
    paper = Paper()
    writer = Writer(write=paper.write)
    for errors in ([number] * 2, [number] * 2):
        paper.errors = errors
        say(writer, 1)
        assert writer.finish(SOON_S)
    assert writer.finish(SOON_S)
    assert [found and found[1] for found in map(DROPPED.fullmatch, paper.lines)] == ["2"]


def test_half_a_line_on_a_full_disk_does_not_begin_the_next() -> None:
    paper = Paper()
    writer = Writer(write=paper.write)
    paper.at_most, paper.errors = 4, [0, errno.ENOSPC]
    say(writer, 1)
    assert writer.finish(SOON_S)
    paper.at_most = 1 << 20
    say(writer, 2)
    assert writer.finish(SOON_S)
    first, told, second = paper.lines
    assert (first, second) == ("line", "line    2") and DROPPED.fullmatch(told)


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    paper = Paper()
    paper.errors = [errno.EAGAIN]
    writer = Writer(write=paper.write)
    say(writer, 1)
    assert writer.finish(SOON_S) and paper.lines == ["line    1"]


# ---- whole processes ----------------------------------------------------------------------------

GEVENT = "from gevent import monkey; monkey.patch_all()\n"
BEGIN = """
import logging, os, sys, threading, time, warnings
from server.logs.writer import last_words, unblock_output
unblock_output()
logging.basicConfig(format="%(message)s", stream=sys.stdout, level="INFO")
"""


def script(text: str, *, gevent: bool) -> list[str]:
    return [sys.executable, "-c", (GEVENT if gevent else "") + BEGIN + text]


@pytest.fixture(params=[True, False], ids=["gevent", "threads"])
def gevent(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def said_by(text: str, *, gevent: bool, status: int = 0) -> str:
    done = subprocess.run(
        script(text, gevent=gevent),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def test_nothing_is_lost_at_the_end_of_a_process_and_of_its_child(gevent: bool) -> None:
    """Logging, print, a warning, a thread's traceback, half a line, the reason of ``sys.exit``; each once."""
    said = said_by(
        """
logging.info("first")
child = os.fork()
if not child:
    for n in range(100):
        logging.info("child %d", n)
    sys.exit("of the child")
os.waitpid(child, 0)
print("printed", "in pieces")
warnings.warn("a warning")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
logging.info("half \\udcd7 a character")
print("no newline", end="")
sys.exit("why it ends")
""",
        gevent=gevent,
        status=1,
    )
    lines = said.splitlines()
    assert [line for line in lines if line.startswith("child")] == [f"child {n}" for n in range(100)]
    for once in ("first", "of the child", "printed in pieces", "half \\udcd7 a character"):
        assert lines.count(once) == 1, said
    assert "UserWarning: a warning" in said and said.count("ZeroDivisionError") == 1
    assert lines[-2:] == ["why it ends", "no newline"]


STALLED = """
began = time.monotonic()
for n in range(20_000):
    logging.info("%0100d", n)
gone_on = []
thread = threading.Thread(target=lambda: gone_on.append(time.sleep(0.02)))
thread.start()
thread.join()
os.write(int(sys.argv[1]), f"{time.monotonic() - began:.1f} s".encode())
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    yield read, write
    os.close(read)
    with suppress(OSError):  # the test has closed it
        os.close(write)


def test_a_reader_that_stalls_keeps_nobody_waiting_and_hears_how_much_it_has_missed(
    pipe: tuple[int, int], gevent: bool
) -> None:
    told, tell = os.pipe()
    command = [*script(STALLED + "sys.stdin.read()", gevent=gevent), str(tell)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=pipe[1], stderr=pipe[1], pass_fds=[tell]
    ) as process:
        os.close(pipe[1])
        assert float(os.read(told, 100).split()[0]) < SOON_S
        assert process.stdin is not None
        process.stdin.close()
        said = b"".join(iter(lambda: os.read(pipe[0], 65536), b"")).decode()
    lines = said.splitlines()
    kept = sum(line.isdigit() for line in lines)
    missed = sum(int(found[1]) for found in map(DROPPED.fullmatch, lines) if found)
    assert process.returncode == 0 and kept + missed == 20_000 and missed > 1000 and len(lines) == kept + 1
    os.close(told), os.close(tell)


@pytest.mark.servers
def test_a_reader_that_stalls_for_ever_does_not_keep_the_process(pipe: tuple[int, int], gevent: bool) -> None:
    told, tell = os.pipe()
    command = [*script(STALLED, gevent=gevent), str(tell)]
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe[1], stderr=pipe[1], pass_fds=[tell]) as process:
        assert os.read(told, 100)
        began = time.monotonic()
        assert process.wait(SOON_S) == 0
        assert time.monotonic() - began < SOON_S
    os.close(told), os.close(tell)


@pytest.mark.parametrize("where", ["closed", "full"])
def test_output_that_nobody_can_take_is_no_error(where: str, gevent: bool) -> None:
    read, write = os.pipe()
    os.close(read)
    out = write if where == "closed" else os.open("/dev/full", os.O_WRONLY)
    text = "print('x' * 100)\nlogging.info('y')\nsys.exit(3)"
    done = subprocess.run(
        script(text, gevent=gevent), cwd=ROOT, stdout=out, stderr=subprocess.PIPE, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (3, b"")


def test_a_file_is_written_as_ever(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as out:
        subprocess.run(script("print('שלום')", gevent=False), cwd=ROOT, stdout=out, timeout=30, check=True)
    assert (tmp_path / "log").read_text("utf-8") == "שלום\n"
