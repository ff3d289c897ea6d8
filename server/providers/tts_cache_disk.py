"""The TTS cache on disk: one file per sentence, so that a restart does not pay for synthesis again.

Hand-made because the maintained library (diskcache) stores pickles, which are unsafe in a shared folder. Here
a file is raw μ-law with a checksum, its name is a hash, and nothing in it is executed.
"""

import hashlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator

from server.hebrew.speak.speakable import speakable
from server.providers.audio_files import AudioFiles
from server.runtime.native_calls import Pool

log = logging.getLogger("agent")

MAX_WAITING = 256  # sentences; with a disk this slow, further ones are not stored
WITHIN_S = 5.0  # to write a file, or to read BATCH files
LOAD_S = 10.0  # to read all files: a worker takes calls after 20 s, whether it is warm or not
BATCH = 32
REST_S = 60.0  # without the disk after a failure; it may be freed, or come back


def audio_key(identity: str, text: str) -> str:
    """The hash of ``text``'s spoken words (E6) in the voice ``identity``. New words get a new key."""
    return hashlib.sha256(f"{identity}\0{speakable(text)}".encode()).hexdigest()


class TtsCacheDisk:
    """Any thread. Several processes may share a folder.

    A writer thread hands files to native threads with a time limit; no call waits for it. A folder that fails
    or hangs is reported once and tried again after REST_S; the sentences not stored meanwhile are counted.
    """

    def __init__(
        self,
        folder: str,
        max_bytes: int,
        *,
        files: AudioFiles | None = None,
        within_s: float = WITHIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``files``: the disk access, by default that of ``folder``. ``clock``: seconds, monotonic."""
        self._folder = folder
        self._files = files or AudioFiles(folder, max_bytes)
        self._within_s = within_s
        self._clock = clock
        self._pool: Pool | None = None  # created in the process that uses it
        self._to_write: queue.Queue[tuple[str, bytes]] = queue.Queue(MAX_WAITING)
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()  # guards the fields below, and the creation of pool and writer
        self._failing = False
        self._rest_until = 0.0
        self._skipped = 0

    def load(self, needed: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
        """Yields keys and μ-law 8 kHz, oldest first; files in ``needed`` become the newest.

        Blocks for at most LOAD_S; files not read by then are left out.
        """
        left_s = LOAD_S
        try:
            paths = self._disk().run(self._within_s, self._files.found)
            for start in range(0, len(paths), BATCH):
                if left_s <= 0:
                    raise TimeoutError(f"{len(paths) - start} of {len(paths)} sentences are not read yet")
                began = self._clock()
                batch = paths[start : start + BATCH]
                read = self._disk().run(min(left_s, self._within_s), self._files.read, batch, needed)
                left_s -= self._clock() - began
                yield from read
        except OSError as error:  # includes Stuck
            self._fail(error)

    def save(self, key: str, mulaw_8k: bytes) -> bool:
        """Queues one file for writing, whole or not at all. Never blocks. False: it will not be written."""
        if self._rests():
            return False
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
        """Blocks until every queued file is written or given up."""
        self._to_write.join()

    def _write_all(self) -> None:
        while True:
            key, mulaw_8k = self._to_write.get()
            if not self._rests():
                try:
                    self._disk().run(self._within_s, self._files.write, key, mulaw_8k)
                except OSError as error:
                    self._fail(error)
                else:
                    self._work()
            self._to_write.task_done()

    def _disk(self) -> Pool:
        with self._lock:
            if self._pool is None:
                self._pool = Pool("audio files", 2)  # one thread reads, one writes
            return self._pool

    def _rests(self) -> bool:
        """Whether the disk is left alone now; counts the sentence if so."""
        hangs = self._disk().hanging > 0
        with self._lock:
            rests = self._failing and (hangs or self._clock() < self._rest_until)
            self._skipped += rests
            return rests

    def _fail(self, error: OSError) -> None:
        with self._lock:
            first, self._failing = not self._failing, True
            self._rest_until = self._clock() + REST_S
            self._skipped += 1
        if first:
            log.error("CACHE_ERR TTS_CACHE_DIR=%s: %s; made sentences are not kept", self._folder, error)

    def _work(self) -> None:
        with self._lock:
            failed, self._failing = self._failing, False
            skipped, self._skipped = self._skipped, 0
        if failed:
            log.info("CACHE_OK TTS_CACHE_DIR=%s: sentences are kept, %d were not", self._folder, skipped)
