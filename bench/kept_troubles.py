"""What fails under the keeping of calls, and is well again: a database, a disk."""

import errno
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.kept_calls import Files
from tests.postgres import binaries, serving
from tests.servers.hanging import Hanging, Ill

DISK = "16m"
FILLER = "filler"


@dataclass(frozen=True)
class Trouble:
    """``files`` of a server with these ``knobs`` more; ``begin``, ``end``: from any thread, once each."""

    files: Files
    begin: Callable[[], None]
    end: Callable[[], None]
    knobs: dict[str, str] = field(default_factory=dict)


@contextmanager
def postgres_down(folder: Path) -> Iterator[Trouble]:
    """A PostgreSQL that is shut down at once, as in a crash. Raises AssertionError where there is none."""
    programs = binaries()
    assert programs is not None, "PostgreSQL is not installed"
    with serving(programs) as postgres:
        files = replace(Files.below(folder), url=postgres.url())
        yield Trouble(files, postgres.stop, postgres.start)


@contextmanager
def sqlite_down(folder: Path) -> Iterator[Trouble]:
    """Nothing can be written in the folder of RECORDS_FILE, neither the database nor what waits for it."""
    state = folder / "state"
    state.mkdir()
    hanging = Hanging(folder, state)
    disk = hanging.disk(state)
    files = replace(Files.below(folder), records=state / "records.db")
    try:
        yield Trouble(files, lambda: disk.be(Ill.READ_ONLY), disk.heal, hanging.knobs)
    finally:
        disk.heal()


@contextmanager
def disk_full(folder: Path) -> Iterator[Trouble]:
    """All that is kept is on one small disk. Where none may be mounted, one that says it is full."""
    full = folder / "full"
    full.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(full)]
    mounted = (
        shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    )
    if not mounted:
        hanging = Hanging(folder, full)
        disk = hanging.disk(full)
        yield Trouble(Files.below(full), lambda: disk.be(Ill.FULL), disk.heal, hanging.knobs)
        disk.heal()
        return
    try:
        filler = full / FILLER
        yield Trouble(Files.below(full), lambda: _fill(filler), lambda: filler.unlink(missing_ok=True))
    finally:
        subprocess.run(["umount", "--lazy", str(full)], capture_output=True, check=True)


def _fill(filler: Path) -> None:
    """To the last byte."""
    file = os.open(filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        size = 1 << 20
        while size:
            try:
                os.write(file, bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
                size //= 2
    finally:
        os.close(file)


@dataclass
class Span:
    """By ``time.monotonic()``."""

    begin_s: float = float("inf")
    end_s: float = float("inf")

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, float) and self.begin_s <= moment < self.end_s


@contextmanager
def between(begin_s: float, end_s: float | None, trouble: Trouble) -> Iterator[Span]:
    """From ``begin_s`` on until ``end_s``, on a thread of its own; None: it does not end.

    When it was is known at the end.
    """
    span = Span()
    args = (begin_s, end_s, trouble, span)
    thread = threading.Thread(target=_let_it_be, args=args, daemon=True)
    thread.start()
    yield span
    thread.join()


def _let_it_be(begin_s: float, end_s: float | None, trouble: Trouble, span: Span) -> None:
    never = threading.Event()
    never.wait(begin_s)
    trouble.begin()
    span.begin_s = time.monotonic()
    if end_s is not None:
        never.wait(end_s - begin_s)
        trouble.end()
        span.end_s = time.monotonic()


@contextmanager
def workshop() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)
