"""Lines that are in a file whole or not at all, whatever the disk, another process or a kill does to it."""

import errno
import fcntl
import io
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from server.runtime.oslock import os_sleep
from server.runtime.private_files import OTHERS, PRIVATE

# A pipe without a reader is opened at once, to be refused.
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
LOCK_S = 1.0  # who keeps the lock longer, an editor or a process that hangs, is not waited for
LOOK_AGAIN_S = 0.01
TRIES = 5
NO_FILE = "it is no regular file, and a pipe or a device keeps nothing"


def append(path: str, lines: bytes) -> int:
    """Put ``lines``, each with its newline, behind what is there; on return no power cut takes them away.

    The file, and the folders above it, are made when they are missing; one that was moved away is left, one
    that was deleted meanwhile is made anew. Where another's line has no end ours begin with one. Returns the
    mode in which others could read a file of ours until now; 0: they could not. A link is followed, and what
    it leads to keeps its mode.

    Raises OSError: then ``lines`` may be told again, and a part of them that could not be taken back is a
    line that nobody can read. Blocks as long as the disk does, on a native thread.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        file = os.open(path, FLAGS, PRIVATE)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, NO_FILE)
            locked = _lock(file)
            if not _is_at(path, file):  # it was moved away before we had the lock
                continue
            open_mode = _close_to_others(path, file)
            _write(file, lines, may_take_back=locked)
            if os.fstat(file).st_nlink:
                return open_mode
        finally:
            with suppress(OSError):  # what counts is on the disk by now, or has been raised
                os.close(file)
    raise OSError(errno.ESTALE, "it is replaced again and again")


def take_out(path: str, unwanted: Callable[[bytes], bool]) -> int:
    """Rewrite the file without the lines, each without its end, that are ``unwanted``: how many they were.

    Whoever reads sees the old file or the new one, and what is appended meanwhile is in the new one. A link
    is followed. Raises OSError, and then nothing has changed; blocks as long as the disk does.
    """
    path = os.path.realpath(path)
    for _ in range(TRIES):
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return 0
        with open(file, "rb", buffering=0) as old:
            if not _lock(file):
                raise OSError(errno.EAGAIN, "another process keeps it locked")
            if _is_at(path, file):
                return _replace(path, old, unwanted)
    raise OSError(errno.ESTALE, "it is replaced again and again")


def _replace(path: str, old: io.FileIO, unwanted: Callable[[bytes], bool]) -> int:
    """With the lock held on ``old``."""
    found, kept = _wanted(old.readall(), unwanted)
    if found == 0:
        return 0
    beside = f"{path}.without-{os.getpid()}"
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
    try:
        with open(file, "wb", buffering=0) as new:
            was = os.fstat(old.fileno())
            os.fchmod(file, stat.S_IMODE(was.st_mode))
            if was.st_uid != os.geteuid():
                os.fchown(file, was.st_uid, was.st_gid)
            _write_all(new, kept)
            os.replace(beside, path)
            # Who has not waited for the lock may have appended to the old file while it was in place.
            late, rest = _wanted(old.readall(), unwanted)
            _write_all(new, rest)
            _keep_name(file)
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        raise
    return found + late


def _wanted(text: bytes, unwanted: Callable[[bytes], bool]) -> tuple[int, bytes]:
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not unwanted(line.rstrip(b"\r\n"))]
    return len(lines) - len(kept), b"".join(kept)


def _write_all(file: io.FileIO, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[file.write(left) or 0 :]
    os.fsync(file.fileno())


def _lock(file: int) -> bool:
    """Among all that append like us: nobody writes between our look at the last line and our own.

    False: a file system without locks, or nobody gives it up in time; a line is not lost for that.
    """
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            os_sleep(LOOK_AGAIN_S)
        except OSError:
            return False
        else:
            return True


def _is_at(path: str, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _close_to_others(path: str, file: int) -> int:
    found = os.fstat(file)
    mode = stat.S_IMODE(found.st_mode)
    if not mode & OTHERS or found.st_uid != os.geteuid() or os.path.islink(path):
        return 0
    try:
        os.fchmod(file, mode & ~OTHERS)
    except OSError:  # a disk without modes
        return 0
    return mode


def _write(file: int, lines: bytes, *, may_take_back: bool) -> None:
    size = os.fstat(file).st_size
    ended = size == 0 or os.pread(file, 1, size - 1) == b"\n"
    left = memoryview(lines if ended else b"\n" + lines)
    end = size
    try:
        while left:
            written = os.write(file, left)
            left, end = left[written:], end + written
        os.fsync(file)
    except OSError:
        # What was not kept must not be read twice, once it is told again.
        with suppress(OSError):
            if may_take_back and os.fstat(file).st_size == end:
                os.ftruncate(file, size)
        raise
    if size == 0:
        _keep_name(file)


def _keep_name(file: int) -> None:
    """A file that has just been made is in its folder after a power cut too, where a folder can be synced."""
    with suppress(OSError):
        folder = os.open(os.path.dirname(os.readlink(f"/proc/self/fd/{file}")), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
