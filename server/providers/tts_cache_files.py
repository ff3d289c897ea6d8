"""Made sentences as files of a folder: what touches the disk of ``TtsCacheDisk``, and may hang with it."""

import os
import re
import stat
import time
import zlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path

SUFFIX = ".ulaw"
PRIVATE, PRIVATE_FOLDER = 0o600, 0o700  # a sentence may have a caller's name in it
PRUNED = 0.9  # of the bound is left after pruning, so that not every file after it prunes again
COUNTED_AGAIN = 0.02  # of the bound may be written by one process before it counts the folder again
CHECK_BYTES = 4  # behind the audio: a disk may lose the end of a file, or all that was in it
LEFTOVER_S = 60.0  # no writer takes as long
_UNFINISHED = re.compile(r"[0-9a-f]{64}\.(\d+)(?:\.\d+)?")  # key, process, and which of its files


class AudioFiles:
    """Bounded: above ``max_bytes`` the oldest files go, whichever process has written them.

    Four processes may together be above it by four times COUNTED_AGAIN. Every method blocks for as long as
    the disk does, and may be called on native threads: no lock, no log. All raise OSError.
    """

    def __init__(self, folder: str, max_bytes: int) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._uncounted = max_bytes  # written here since the folder was counted; at first: who knows
        self._numbers = count()

    def found(self) -> list[Path]:
        """The folder, made if need be, without leftovers; and its files, the oldest first."""
        self._make_folder()
        self._sweep()
        return self._files()

    def read(self, paths: Iterable[Path], needed: Collection[str]) -> list[tuple[str, bytes]]:
        """Keys and audio of those that are whole; what is ``needed`` stays young."""
        read = ((path, self._read(path, needed)) for path in paths)
        return [(path.stem, audio) for path, audio in read if audio]

    def write(self, key: str, audio: bytes) -> None:
        """One file, whole or not at all."""
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
        """Empty for a file that is broken, that another process has pruned, or that is none of ours."""
        try:
            data = path.read_bytes()
        except OSError:
            return b""
        with suppress(OSError):  # of another user, or on a disk that is read only
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
        """Away with what writers have left that were killed before their file had its name."""
        for path in self._folder.iterdir():
            begun = _UNFINISHED.fullmatch(path.name)
            if begun and (_is_over(int(begun[1])) or time.time() - _stat(path).st_mtime > LEFTOVER_S):
                with suppress(OSError):  # a folder that is read only is read
                    path.unlink()

    def _files(self) -> list[Path]:
        """The oldest first; folders are none of ours."""
        paths = [path for path in self._folder.glob(f"*{SUFFIX}") if not path.is_dir()]
        return sorted(paths, key=lambda path: _stat(path).st_mtime)


def _private(path: str, flags: int) -> int:
    """For ``open``: its owner's only, from the first byte on."""
    return os.open(path, flags, PRIVATE)


def _check(audio: bytes) -> bytes:
    return zlib.crc32(audio).to_bytes(CHECK_BYTES, "big")


def _is_over(pid: int) -> bool:
    """No process of this machine; one of another host may lose the sentence that it writes just now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _stat(path: Path) -> os.stat_result:
    """That of a file; of one that another process has just pruned, nothing's."""
    try:
        return path.stat()
    except FileNotFoundError:
        return os.stat_result((0,) * 10)
