"""The files of the TTS cache: the disk access of ``TtsCacheDisk``, which may hang."""

import os
import re
import stat
import time
import zlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path

from server.runtime.private_files import PRIVATE, PRIVATE_FOLDER

SUFFIX = ".ulaw"
PRUNED = 0.9  # share of the limit left after pruning, so that not every file prunes again
COUNTED_AGAIN = 0.02  # share of the limit that a process may write before it measures the folder again
CHECK_BYTES = 4  # checksum behind the audio: a failing disk may truncate or blank a file
ABANDONED_S = 60.0  # older unfinished files have no writer any more
_UNFINISHED = re.compile(r"[0-9a-f]{64}\.(\d+)(?:\.\d+)?")  # key, process ID, number of the file


class AudioFiles:
    """Keeps a folder below ``max_bytes`` by deleting the oldest files, whichever process wrote them.

    Each process may exceed the limit by COUNTED_AGAIN. Every method blocks as long as the disk does and
    raises OSError. All may run on native threads: they take no lock and do not log.
    """

    def __init__(self, folder: str, max_bytes: int) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._uncounted = max_bytes  # bytes written since the last measurement; at first unknown
        self._numbers = count()

    def found(self) -> list[Path]:
        """The files, oldest first. Creates the folder if needed and deletes unfinished files."""
        self._make_folder()
        self._sweep()
        return self._files()

    def read(self, paths: Iterable[Path], needed: Collection[str]) -> list[tuple[str, bytes]]:
        """Keys and audio of the intact files; files in ``needed`` become the newest."""
        read = ((path, self._read(path, needed)) for path in paths)
        return [(path.stem, audio) for path, audio in read if audio]

    def write(self, key: str, audio: bytes) -> None:
        """Writes one file, whole or not at all."""
        self._make_folder()
        unfinished = self._folder / f"{key}.{os.getpid()}.{next(self._numbers)}"
        try:
            with open(unfinished, "xb", opener=_private) as file:
                file.write(audio + _check(audio))
            unfinished.replace(self._folder / (key + SUFFIX))
        finally:
            unfinished.unlink(missing_ok=True)
        self._uncounted += len(audio) + CHECK_BYTES
        if self._uncounted > self._max_bytes * COUNTED_AGAIN:
            self._prune()
            self._uncounted = 0

    def _make_folder(self) -> None:
        self._folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)

    def _read(self, path: Path, needed: Collection[str]) -> bytes:
        """The audio; empty for a file that is broken, foreign, or pruned by another process."""
        try:
            data = path.read_bytes()
        except OSError:
            return b""
        with suppress(OSError):  # another user's file, or a read-only disk
            if stat.S_IMODE(path.stat().st_mode) & ~PRIVATE:
                path.chmod(PRIVATE)
            if path.stem in needed:
                path.touch()
        audio, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
        return audio if check == _check(audio) else b""

    def _prune(self) -> None:
        self._sweep()
        files = [(path, _stat(path).st_size) for path in self._files()]
        there = sum(size for _, size in files)
        if there <= self._max_bytes:
            return
        for path, size in files:
            if there <= self._max_bytes * PRUNED:
                return
            path.unlink(missing_ok=True)
            there -= size

    def _sweep(self) -> None:
        """Deletes the unfinished files of writers that were killed."""
        for path in self._folder.iterdir():
            begun = _UNFINISHED.fullmatch(path.name)
            if begun and (_is_over(int(begun[1])) or time.time() - _stat(path).st_mtime > ABANDONED_S):
                with suppress(OSError):  # a read-only folder can still be read
                    path.unlink()

    def _files(self) -> list[Path]:
        """The cache files, oldest first."""
        paths = [path for path in self._folder.glob(f"*{SUFFIX}") if not path.is_dir()]
        return sorted(paths, key=lambda path: _stat(path).st_mtime)


def _private(path: str, flags: int) -> int:
    """An opener for ``open``: the file is its owner's only, from the first byte on."""
    return os.open(path, flags, PRIVATE)


def _check(audio: bytes) -> bytes:
    return zlib.crc32(audio).to_bytes(CHECK_BYTES, "big")


def _is_over(pid: int) -> bool:
    """Whether no local process has this ID. A writer on another host may thus lose its current file."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _stat(path: Path) -> os.stat_result:
    """The file's status; zeros if another process has just pruned it."""
    try:
        return path.stat()
    except FileNotFoundError:
        return os.stat_result((0,) * 10)
