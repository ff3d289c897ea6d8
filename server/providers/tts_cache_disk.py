"""Made sentences on disk: one file each, so that a restart does not pay for them again.

Our own and not a cache library: the one that is kept for this (diskcache) stores pickles, which a shared
folder must not be trusted with. Here a file is raw μ-law with a check sum behind it, and its name a hash;
nothing in it is executed.
"""

import hashlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator

from server.hebrew.speak.speakable import speakable
from server.providers.tts_cache_files import AudioFiles
from server.runtime.native_calls import Pool

log = logging.getLogger("agent")

MAX_WAITING = 256  # sentences; a disk that is so far behind does without the next ones
WITHIN_S = 5.0  # to write a file, or to read BATCH of them
LOAD_S = 10.0  # to read all: a worker that takes 20 s to be warm takes calls before it is
BATCH = 32
REST_S = 60.0  # behind a failure: the disk may be freed, or come back


def audio_key(identity: str, text: str) -> str:
    """The name of the spoken words (E6) of ``text`` in the voice ``identity``: better words have another."""
    return hashlib.sha256(f"{identity}\0{speakable(text)}".encode()).hexdigest()


class TtsCacheDisk:
    """Any thread; several processes may share a folder.

    Files are written by a thread of their own, which no call waits for, on native threads with a bound. A
    folder that cannot be used, or hangs, is reported once; what is made meanwhile is not kept, but counted,
    and a minute later it is tried again.
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
        """``files``: what touches the disk; None: those of ``folder``. ``clock``: seconds, monotonic."""
        self._folder = folder
        self._files = files or AudioFiles(folder, max_bytes)
        self._within_s = within_s
        self._clock = clock
        self._pool: Pool | None = None  # made by the process that uses it
        self._to_write: queue.Queue[tuple[str, bytes]] = queue.Queue(MAX_WAITING)
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()  # guards all that is below, and the start of the two above
        self._failing = False
        self._rest_until = 0.0
        self._skipped = 0

    def load(self, needed: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
        """Keys and μ-law 8 kHz of what is there, the oldest first; what is ``needed`` stays young.

        Waits LOAD_S for the disk at most; the rest is then not loaded.
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
        except OSError as error:  # Stuck is one
            self._fail(error)

    def save(self, key: str, mulaw_8k: bytes) -> bool:
        """Have one file written, whole or not at all. Never blocks; False when it will not be."""
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
        """Block until all that was saved is written, or will not be."""
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
                self._pool = Pool("audio files", 2)  # one reads, one writes
            return self._pool

    def _rests(self) -> bool:
        """Nothing is to be written now; then it is counted."""
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
