"""Lines that wait for a database which does not answer: a file of this process's own, beside RECORDS_FILE.

Its owner holds a lock on it for as long as it lives. A file that nobody holds was left by a process that was
killed, or that ended while the database was away; the next one takes it over, and goes on behind its end.
"""

import errno
import fcntl
import glob
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from server.runtime.private_files import PRIVATE

MAX_BYTES = 200_000_000  # some hundred thousand turns
READ_AT_ONCE = 1 << 16
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
_OURS = ".waiting-"
TRIES = 5


def spools_beside(file: str) -> list[Path]:
    """All there are, whoever holds them."""
    return sorted(map(Path, glob.glob(f"{glob.escape(os.path.abspath(file))}{_OURS}*.jsonl")))


class Spool:
    """One thread at a time. Methods raise OSError, and block as long as the disk does: on a native thread."""

    def __init__(self, beside: str, max_bytes: int = MAX_BYTES) -> None:
        """``beside``: RECORDS_FILE, which need not be there."""
        self._beside = os.path.abspath(beside)
        self._max_bytes = max_bytes
        self._path = Path()
        self._file: int | None = None
        self._done = 0  # bytes from its start that nobody needs any more

    @property
    def name(self) -> str:
        return str(self._path) if self._file is not None else ""

    def append(self, lines: Sequence[str]) -> None:
        """On the disk when this returns; all of them or, where it raises, none."""
        if self._file is None:
            self._file = self._new()
        size = os.fstat(self._file).st_size
        # A process was killed while it wrote: its half line stays one.
        broken = size and os.pread(self._file, 1, size - 1) != b"\n"
        left = memoryview(("\n" * bool(broken) + "".join(f"{line}\n" for line in lines)).encode())
        if size + len(left) > self._max_bytes:
            raise OSError(errno.EFBIG, f"{size} bytes wait in it already")
        try:
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, size)
            raise

    def first(self) -> list[bytes]:
        """Some lines, the oldest first, each with its end; none: there are no more. The last may be half."""
        if self._file is None:
            return []
        at_once = READ_AT_ONCE
        while True:
            found = os.pread(self._file, at_once, self._done)
            end = found.rfind(b"\n") + 1
            if end or len(found) < at_once:
                return (found[:end] or found).splitlines(keepends=True)
            at_once *= 2

    def forget(self, lines: Sequence[bytes]) -> None:
        """They are in the database; the file goes with its last line."""
        if self._file is None:
            return
        self._done += sum(map(len, lines))
        if self._done >= os.fstat(self._file).st_size:
            self._path.unlink(missing_ok=True)
            self.close()

    def take_over(self) -> bool:
        """Whether there is a file now, ours or one that nobody holds any more."""
        for path in [] if self._file is not None else spools_beside(self._beside):
            file = _held(path, 0)
            if file is None:
                continue
            self._file, self._path, self._done = file, path, 0
            self.forget(())  # one without a line
            if self._file is not None:
                break
        return self._file is not None

    def close(self) -> None:
        """Let go of the file; what is in it waits for whoever takes it over."""
        file, self._file = self._file, None
        self._done = 0
        if file is not None:
            os.close(file)

    def _new(self) -> int:
        Path(self._beside).parent.mkdir(parents=True, exist_ok=True)
        for _ in range(TRIES):
            self._path = Path(f"{self._beside}{_OURS}{uuid4().hex[:12]}.jsonl")
            # Another may hold it before we do: it has seen an empty file that is nobody's.
            if (file := _held(self._path, os.O_CREAT | os.O_EXCL)) is not None:
                return file
        raise OSError(errno.EBUSY, "new files are taken away again and again")


def _held(path: Path, flags: int) -> int | None:
    """The file, with its lock; None: it is another's, or gone."""
    try:
        file = os.open(path, _FLAGS | flags, PRIVATE)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.stat(path), os.fstat(file)):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(file)
        raise
    os.close(file)
    return None
