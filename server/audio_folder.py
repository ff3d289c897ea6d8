"""Made sentences on disk: one file each, so that a restart does not pay for them again.

Our own and not a cache library: the one that is kept for this (diskcache) stores pickles, which a shared
folder must not be trusted with. Here a file is raw μ-law and its name a hash; nothing in it is executed.
"""

import hashlib
import logging
import os
import queue
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from server.hebrew.speakable import speakable
from server.native import run_native

log = logging.getLogger("agent")

SUFFIX = ".ulaw"
PRIVATE, PRIVATE_FOLDER = 0o600, 0o700  # a sentence may have a caller's name in it
MAX_WAITING = 256  # sentences; a disk that is so far behind does without the next ones
PRUNED = 0.9  # of the bound is left after pruning, so that not every file after it prunes again


def audio_key(identity: str, text: str) -> str:
    """The name of the spoken words (E6) of ``text`` in the voice ``identity``: better words have another."""
    return hashlib.sha256(f"{identity}\0{speakable(text)}".encode()).hexdigest()


class AudioFolder:
    """Bounded: above ``max_bytes`` the oldest files go. Any thread; several processes may share a folder.

    Files are written by a thread of their own, which no call waits for. A folder that cannot be used is
    reported once and then does nothing.
    """

    def __init__(self, folder: str, max_bytes: int) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._bytes = 0  # as far as this process knows; the writer's, once it runs
        self._broken = False
        self._to_write: queue.Queue[tuple[str, bytes]] = queue.Queue(MAX_WAITING)
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()  # guards the start of the writer

    def load(self, needed: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
        """Keys and μ-law 8 kHz of what is there, the oldest first; what is ``needed`` stays young. Blocks."""
        try:
            self._folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            files = self._files()
        except OSError as error:
            self._give_up(error)
            return
        for path in files:
            try:
                audio = path.read_bytes()
                if path.stem in needed:
                    path.touch()
            except OSError:  # another process has pruned it, or it is none of ours
                continue
            self._bytes += len(audio)
            if audio:
                yield path.stem, audio

    def save(self, key: str, mulaw_8k: bytes) -> bool:
        """Have one file written, whole or not at all. Never blocks; False when too much is waiting."""
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="audio-folder", daemon=True)
                self._writer.start()
        try:
            self._to_write.put_nowait((key, mulaw_8k))
        except queue.Full:
            return False
        return True

    def wait(self) -> None:
        """Block until all that was saved is written."""
        self._to_write.join()

    def _write_all(self) -> None:
        while True:
            key, mulaw_8k = self._to_write.get()
            if not self._broken:
                try:
                    # On a real thread: under gevent a slow disk would hold every call.
                    run_native(self._write, self._folder / (key + SUFFIX), mulaw_8k)
                except OSError as error:
                    self._give_up(error)
            self._to_write.task_done()

    def _write(self, path: Path, mulaw_8k: bytes) -> None:
        self._folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(mulaw_8k)
        unfinished.chmod(PRIVATE)
        unfinished.replace(path)
        self._bytes += len(mulaw_8k)
        if self._bytes > self._max_bytes:
            self._prune()

    def _prune(self) -> None:
        files = [(path, _stat(path).st_size) for path in self._files()]
        self._bytes = sum(size for _, size in files)
        for path, size in files:
            if self._bytes <= self._max_bytes * PRUNED:
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _files(self) -> list[Path]:
        """The oldest first; folders are none of ours."""
        paths = [path for path in self._folder.glob(f"*{SUFFIX}") if not path.is_dir()]
        return sorted(paths, key=lambda path: _stat(path).st_mtime)

    def _give_up(self, error: OSError) -> None:
        self._broken = True
        log.error("CACHE_ERR TTS_CACHE_DIR=%s: %s; made sentences are not kept", self._folder, error)


def _stat(path: Path) -> os.stat_result:
    """That of a file; of one that another process has just pruned, nothing's."""
    try:
        return path.stat()
    except FileNotFoundError:
        return os.stat_result((0,) * 10)
