"""Reads PCM16 samples or WAV from a provider, in pieces of any size, and writes WAV files.

All audio of cloud providers and host functions passes through here; noise and other formats are rejected.
"""

import io
import struct
import wave

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.audio_formats import RATES_HZ, format_of
from server.providers.base import ProviderError
from server.providers.is_speech import NoiseGate

PCM_FORMAT = 1  # WAVE_FORMAT_PCM
RIFF_BYTES = 12  # "RIFF", a size, "WAVE"
CHUNK_BYTES = 8  # a chunk's name and size
MAX_HEADER_BYTES = 65_536
UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # written as the size by an encoder that does not know its length yet
# soxr, 24 → 8 kHz, measured: it works in blocks, and the first 66 ms of sound come out with 80 ms of input
# (HQ: 61 with 75, VHQ: 138 with 155), less than one chunk of OpenAI's. 100 ms of audio cost 15 µs, so no
# separate thread is needed. Flat to 3.4 kHz, −84 dB from 4.2 kHz on. LQ would need 45 ms and is muffled
# (−8 dB at 3.4 kHz); QQ does not filter at all.
RESAMPLER_QUALITY = "MQ"


class TelephoneReader:
    """Raw samples or WAV in, PCM16 8 kHz out as early as possible. Errors: see SampleReader. One thread."""

    def __init__(self, vendor: str, rate_hz: int) -> None:
        self._samples = SampleReader(vendor, rate_hz)
        self._resampler: Resampler | None = None

    def feed(self, audio: bytes) -> bytes:
        """The audio that is ready with this piece."""
        return self._telephone(self._samples.feed(audio))

    def end(self) -> bytes:
        """The remaining audio at the end of the sentence."""
        left = self._telephone(self._samples.end())
        return left + (self._resampler.flush() if self._resampler is not None else b"")

    def _telephone(self, pcm16: bytes) -> bytes:
        if not pcm16 or self._samples.rate_hz == SAMPLE_RATE_HZ:
            return pcm16
        if self._resampler is None:
            self._resampler = Resampler(self._samples.rate_hz)
        return self._resampler.feed(pcm16)


class Resampler:
    """Resamples one sentence, to 8 kHz by default. Its output does not depend on how the input was cut.

    One thread.
    """

    def __init__(self, rate_hz: int, to_hz: int = SAMPLE_RATE_HZ) -> None:
        import soxr

        # Not int16: soxr dithers its output, differently for every cut.
        self._stream = soxr.ResampleStream(rate_hz, to_hz, 1, dtype="float32", quality=RESAMPLER_QUALITY)

    def feed(self, pcm16: bytes, *, last: bool = False) -> bytes:
        import numpy as np

        resampled = self._stream.resample_chunk(np.frombuffer(pcm16, "<i2").astype(np.float32), last=last)
        audio: bytes = np.clip(np.rint(resampled), -32768, 32767).astype("<i2").tobytes()
        return audio

    def flush(self) -> bytes:
        return self.feed(b"", last=True)


class SampleReader:
    """Raw samples or WAV in, whole PCM16 mono samples out. One thread.

    ``rate_hz``: of raw samples; after the first sample of a WAV file, the rate in its header. ProviderError
    with the ``vendor``'s name: a WAV file that is not PCM16 mono of one of the ``rates_hz`` or has no
    samples, another format, or noise. Up to 12 bytes and one window of the NoiseGate are held back until they
    are judged.
    """

    def __init__(self, vendor: str, rate_hz: int, rates_hz: range = RATES_HZ) -> None:
        self.rate_hz = rate_hz
        self._vendor = vendor
        self._rates_hz = rates_hz
        self._waiting = b""  # the beginning of a header, or half a sample
        self._in_header = True
        self._left: int | None = None  # bytes of samples still to come; None: until the end
        self._gate = NoiseGate(f"{vendor} sent noise: bytes of another format, not PCM16")

    def feed(self, audio: bytes) -> bytes:
        """The samples that ``audio`` completes."""
        self._waiting += audio
        if self._in_header:
            self._read_header(whole=False)
        return b"" if self._in_header else self._gate.feed(self._samples())

    def end(self) -> bytes:
        """The remaining samples at the end of the audio."""
        if self._in_header:
            self._read_header(whole=True)
        if self._in_header:
            raise ProviderError(f"the WAV file from {self._vendor} has no data chunk")
        return self._gate.feed(self._samples()) + self._gate.end()

    def _read_header(self, *, whole: bool) -> None:
        """Skips the header once it is complete. ``whole``: no more bytes will come."""
        head = self._waiting[:RIFF_BYTES]
        if len(head) < RIFF_BYTES and b"RIFF".startswith(head[:4]) and not whole:
            return
        if head[:4] == b"RIFF" and head[8:] in (b"WAVE", b"WAVE"[: len(head[8:])]):
            self._read_chunks()
            return
        found = format_of(self._waiting, whole=whole)
        if found:
            raise ProviderError(f"{self._vendor} sent {found}, not PCM")
        self._in_header = found is None

    def _read_chunks(self) -> None:
        """Reads the chunks of a WAV file up to its samples, as far as they are there."""
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
            raise ProviderError(f"the WAV file from {self._vendor} has a header without end")

    def _read_format(self, body: bytes) -> None:
        if len(body) < 16:
            raise ProviderError(f"the WAV file from {self._vendor} has a broken fmt chunk")
        kind, channels, self.rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
        if (kind, channels, bits) != (PCM_FORMAT, 1, 16) or self.rate_hz not in self._rates_hz:
            raise ProviderError(
                f"{self._vendor} sent format {kind}, {channels} channels, {self.rate_hz} Hz, {bits} bits, "
                "not PCM16 mono"
            )

    def _samples(self) -> bytes:
        if self._left is not None:
            self._waiting = self._waiting[: self._left]  # chunks after the samples are not audio
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
