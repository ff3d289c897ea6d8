"""μ-law from a voice: another format is told by its first bytes, before they are taken for samples."""

import struct
from base64 import b64decode

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16
from server.providers.audio_formats import HEAD_BYTES, MARKS
from server.providers.base import ProviderError
from server.providers.wav import CHUNK_BYTES, RIFF_BYTES, TelephoneReader

MULAW_FORMAT = 7  # WAVE_FORMAT_MULAW
FORMAT_BYTES = 16  # of a fmt chunk
MAX_HEADER_BYTES = 4096


class MulawReader:
    """Raw μ-law 8 kHz or a WAV file of it in, PCM16 8 kHz out as early as possible. One thread.

    ProviderError with the ``vendor``'s name: another format, or noise. PCM16 and MP3 without a header are
    noise when they are taken for μ-law. Up to 12 bytes and one window of the NoiseGate are held back until
    they are judged.
    """

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor
        self._head: bytes | None = b""  # None: judged
        self._samples = TelephoneReader(vendor, SAMPLE_RATE_HZ)

    def feed(self, mulaw_8k: bytes) -> bytes:
        """The audio that is ready with this piece."""
        if self._head is not None:
            self._head += mulaw_8k
            begin = self._begin(self._head)
            if begin is None:
                return b""
            mulaw_8k, self._head = self._head[begin:], None
        return self._samples.feed(mulaw_to_pcm16(mulaw_8k))

    def feed_base64(self, text: object) -> bytes:
        """``feed`` of audio as JSON carries it. Raises ProviderError for what is none."""
        try:
            return self.feed(b64decode(str(text), validate=True))
        except ValueError as error:
            raise ProviderError(f"{self._vendor} sent no audio: {error}") from error

    def end(self) -> bytes:
        """The remaining audio at the end of the sentence."""
        left = self._samples.feed(mulaw_to_pcm16(self._head)) if self._head else b""
        return left + self._samples.end()

    def _begin(self, head: bytes) -> int | None:
        """Where the samples begin; None while more bytes are needed. Raises ProviderError."""
        if len(head) < HEAD_BYTES:
            return None
        if name := next((name for (at, mark), name in MARKS.items() if head.startswith(mark, at)), ""):
            raise ProviderError(f"{self._vendor} sent {name}, not μ-law")
        if not head.startswith(b"RIFF") or head[8:RIFF_BYTES] != b"WAVE":
            return 0
        data = head.find(b"data", RIFF_BYTES)
        if data >= 0 and len(head) >= data + CHUNK_BYTES:
            self._check_format(head[head.find(b"fmt ") + CHUNK_BYTES :][:FORMAT_BYTES])
            return data + CHUNK_BYTES
        if len(head) > MAX_HEADER_BYTES:
            raise ProviderError(f"the WAV file from {self._vendor} has no data chunk")
        return None

    def _check_format(self, chunk: bytes) -> None:
        if len(chunk) < FORMAT_BYTES or b"data" in chunk:
            raise ProviderError(f"the WAV file from {self._vendor} has a broken fmt chunk")
        kind, channels, rate_hz = struct.unpack_from("<HHI", chunk)
        if (kind, channels, rate_hz) != (MULAW_FORMAT, 1, SAMPLE_RATE_HZ):
            raise ProviderError(
                f"{self._vendor} sent format {kind}, {channels} channels, {rate_hz} Hz, not μ-law 8 kHz mono"
            )
