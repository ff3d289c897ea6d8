"""Samples and WAV: out of what a voice in a cloud sends, in pieces of any size; and into a file."""

import io
import struct
import wave

from server.core.frames import SAMPLE_RATE_HZ
from server.engines.base import EngineError

PCM_FORMAT = 1  # WAVE_FORMAT_PCM
RIFF_BYTES = 12  # "RIFF", a size, "WAVE"
CHUNK_BYTES = 8  # a chunk's name and size
MAX_HEADER_BYTES = 65_536
UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # what a writer leaves that does not know its length yet
ANY_RATE_HZ = range(SAMPLE_RATE_HZ, 192_001)


class SampleReader:
    """Bytes in, whole PCM16 mono samples out. A WAV header is parsed, not counted. One thread.

    ``rate_hz`` is that of raw samples; a header says its own, known with the first sample. A WAV file that is
    not PCM16 mono of one of the ``rates_hz``, or has no samples, raises EngineError with the ``vendor``.
    """

    def __init__(self, vendor: str, rate_hz: int, rates_hz: range = ANY_RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self._vendor = vendor
        self._rates_hz = rates_hz
        self._waiting = b""  # what cannot be judged yet: a header's beginning, half a sample
        self._in_header = True
        self._left: int | None = None  # bytes of samples still to come; None: all that comes

    def feed(self, audio: bytes) -> bytes:
        """The samples that are whole with ``audio``."""
        self._waiting += audio
        if self._in_header:
            self._read_header()
        return b"" if self._in_header else self._samples()

    def end(self) -> bytes:
        """The samples left when nothing more comes."""
        if self._in_header and self._waiting[:4] == b"RIFF":
            raise EngineError(f"the WAV file from {self._vendor} has no data chunk")
        self._in_header = False
        return self._samples()

    def _read_header(self) -> None:
        """Leave the header behind, if all of it is there."""
        head = self._waiting[:RIFF_BYTES]
        if len(head) < RIFF_BYTES and b"RIFF".startswith(head[:4]):
            return
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            self._in_header = False
            return
        position = RIFF_BYTES
        while position + CHUNK_BYTES <= len(self._waiting):
            name, size = struct.unpack_from("<4sI", self._waiting, position)
            body = self._waiting[position + CHUNK_BYTES : position + CHUNK_BYTES + size]
            if name == b"data":
                self._in_header, self._left = False, None if size in UNKNOWN_SIZES else size
                self._waiting = self._waiting[position + CHUNK_BYTES :]
                return
            if name == b"fmt " and len(body) == size:
                self._read_format(body)
            position += CHUNK_BYTES + size + size % 2  # chunks are padded to even lengths
        if len(self._waiting) > MAX_HEADER_BYTES:
            raise EngineError(f"the WAV file from {self._vendor} has a header without end")

    def _read_format(self, body: bytes) -> None:
        if len(body) < 16:
            raise EngineError(f"the WAV file from {self._vendor} has a broken fmt chunk")
        kind, channels, self.rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
        if (kind, channels, bits) != (PCM_FORMAT, 1, 16) or self.rate_hz not in self._rates_hz:
            raise EngineError(
                f"{self._vendor} sent format {kind}, {channels} channels, {self.rate_hz} Hz, {bits} bits, "
                "not PCM16 mono"
            )

    def _samples(self) -> bytes:
        if self._left is not None:
            self._waiting = self._waiting[: self._left]  # what follows the samples is not audio
        whole = len(self._waiting) // 2 * 2
        samples, self._waiting = self._waiting[:whole], self._waiting[whole:]
        if self._left is not None:
            self._left -= whole
        return samples


def wav_of(pcm16_8k: bytes) -> bytes:
    """A RIFF WAVE file of 8 kHz mono 16-bit samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(SAMPLE_RATE_HZ)
        audio.writeframes(pcm16_8k)
    return file.getvalue()
