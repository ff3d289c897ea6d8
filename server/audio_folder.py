"""Made sentences on disk: one file each, so that a restart does not pay for them again.

Our own and not a cache library: the one that is kept for this (diskcache) stores pickles, which a shared
folder must not be trusted with. Here a file is raw μ-law and its name a hash; nothing in it is executed.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger("agent")

SUFFIX = ".ulaw"
PRUNED = 0.9  # of the bound is left after pruning, so that not every file after it prunes again


def audio_key(identity: str, text: str) -> str:
    """The name of ``text`` in the voice ``identity``."""
    return hashlib.sha256(f"{identity}\0{text}".encode()).hexdigest()


class AudioFolder:
    """Bounded: above ``max_bytes`` the oldest files go. Any thread; several processes may share a folder.

    A folder that cannot be used is reported once and then does nothing.
    """

    def __init__(self, folder: str, max_bytes: int) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._bytes = 0  # as far as this process knows
        self._broken = False
        self._lock = threading.Lock()

    def load(self) -> Iterator[tuple[str, bytes]]:
        """Keys and μ-law 8 kHz of what is there, the oldest first. Blocks for disk."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._files():
                try:
                    audio = path.read_bytes()
                except FileNotFoundError:  # another process has pruned it
                    continue
                self._bytes += len(audio)
                if audio:
                    yield path.stem, audio
        except OSError as error:
            self._give_up(error)

    def save(self, key: str, mulaw_8k: bytes) -> None:
        """Write one file, whole or not at all. Blocks for disk."""
        with self._lock:
            if self._broken:
                return
            try:
                self._write(self._folder / (key + SUFFIX), mulaw_8k)
                self._bytes += len(mulaw_8k)
                if self._bytes > self._max_bytes:
                    self._prune()
            except OSError as error:
                self._give_up(error)

    def _write(self, path: Path, mulaw_8k: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(mulaw_8k)
        unfinished.replace(path)

    def _prune(self) -> None:
        files = self._files()
        self._bytes = sum(size for _, size in files.values())
        for path, (_, size) in files.items():
            if self._bytes <= self._max_bytes * PRUNED:
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _files(self) -> dict[Path, tuple[float, int]]:
        """When they were written and their bytes, the oldest first."""
        found: dict[Path, tuple[float, int]] = {}
        for path in self._folder.glob(f"*{SUFFIX}"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process has pruned it
                continue
            found[path] = (status.st_mtime, status.st_size)
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def _give_up(self, error: OSError) -> None:
        self._broken = True
        log.error("CACHE_ERR TTS_CACHE_DIR=%s: %s; made sentences are not kept", self._folder, error)
