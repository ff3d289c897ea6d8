"""One folder for the numbers of all workers: gunicorn's master makes it, each worker takes its part of it.

prometheus_client's multiprocess mode: every worker writes its numbers into files of its own there, mapped
into memory, and whoever is asked adds all up. What is counted by a worker that is dead stays, and its place
is taken by the next one, which counts on in the same files: there are never more than there are workers.

Nothing here imports prometheus_client: it chooses its mode when it is imported, which only workers do.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from server.runtime.private_files import PRIVATE

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own
PREFIX = "phone-agent-metrics-"
IN_MEMORY = "/dev/shm"  # a disk that hangs would be a silence in every call
HELD = "held"  # whose lock says that somebody lives who uses the folder
KINDS = ("counter", "histogram", "gauge_livesum", "gauge_livemax")
FILE_BYTES = (
    1 << 18
)  # reserved at once: a write into a mapped file for which there is no room kills the process

_slot: int | None = None  # of this worker, once it has one
_made: Path | None = None  # by this process, the master
_held: int | None = None  # its file, with the lock: the workers inherit it


def make(parents: Sequence[str] = (IN_MEMORY, "")) -> str:
    """Make the folder, empty, and remove those whose masters were killed; why there is none, or nothing.

    ``parents``: where it is tried, "" for the system's place of temporary files. By the master, at its start.
    """
    global _made, _held
    why = ""
    for parent in (parent or tempfile.gettempdir() for parent in parents):
        try:
            _sweep(Path(parent))
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            _held = os.open(folder / HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
            fcntl.flock(_held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            why = f"{parent}: {error.strerror or error}"
        else:
            _made = folder
            os.environ[VARIABLE] = str(folder)
            return ""
    os.environ.pop(VARIABLE, None)
    return why


def remove() -> None:
    """At the master's end."""
    if _made is not None:
        shutil.rmtree(_made, ignore_errors=True)


def free_slot(taken: Iterable[int]) -> int:
    """The least number that no living worker has."""
    others = set(taken)
    return next(slot for slot in range(len(others) + 1) if slot not in others)


def take(slot: int) -> str:
    """This worker counts in the files of ``slot``; why it cannot, so that it counts for itself, or nothing.

    Before anything imports prometheus_client.
    """
    global _slot
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return ""
    try:
        for kind in KINDS:
            _reserve(_file(folder, kind, slot))
    except OSError as error:
        os.environ.pop(VARIABLE)
        return f"{folder}: {error.strerror or error}"
    _slot = slot
    return ""


def taken_slot() -> int | None:
    """Of this process; None: nobody has given it one, and it counts for itself, or as a host has said."""
    return _slot


def forget(slot: int) -> None:
    """The worker is dead: what it has going on is not any more. What it has counted stays."""
    folder = os.environ.get(VARIABLE)
    for kind in KINDS if folder is not None else ():
        if kind.startswith("gauge"):
            with suppress(OSError):
                os.remove(_file(str(folder), kind, slot))


def _file(folder: str, kind: str, slot: int) -> str:
    return os.path.join(folder, f"{kind}_{slot}.db")


def _reserve(path: str) -> None:
    """Raises OSError where there is no room, and leaves no file then."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        if os.fstat(file).st_size == 0:
            os.posix_fallocate(file, 0, FILE_BYTES)
    except OSError:
        os.remove(path)
        raise
    finally:
        os.close(file)


def _sweep(parent: Path) -> None:
    """Folders of ours whose master was killed, and its workers with it."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            held = os.open(folder / HELD, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(held)
