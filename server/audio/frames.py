"""The unit everything is counted in: a frame, 20 ms of 8 kHz mono audio."""

from array import array
from audioop import lin2ulaw, rms, ulaw2lin
from dataclasses import dataclass

SAMPLE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE_HZ * FRAME_MS // 1000  # 160
FRAME_BYTES = FRAME_SAMPLES  # μ-law is one byte a sample
FRAMES_PER_S = 1000 // FRAME_MS

MULAW_SILENCE = b"\xff"  # μ-law zero; 0x00 would be the loudest negative sample
SILENT_FRAME = MULAW_SILENCE * FRAME_BYTES

_LEVEL_CODES = lin2ulaw(array("h", range(1 << 15)).tobytes(), 2)  # by rms: the μ-law byte that is so loud


def ms_to_frames(ms: float) -> int:
    """Whole frames that cover ``ms`` milliseconds, rounded up."""
    return int(-(-ms // FRAME_MS))


def mulaw_to_pcm16(mulaw_8k: bytes) -> bytes:
    """μ-law bytes to 16-bit little-endian PCM, two bytes a sample."""
    return ulaw2lin(mulaw_8k, 2)


def pcm16_to_mulaw(pcm16_8k: bytes) -> bytes:
    """16-bit little-endian PCM (an even number of bytes) to μ-law, one byte a sample."""
    return lin2ulaw(pcm16_8k, 2)


def level_rms(mulaw_8k: bytes) -> int:
    """Root mean square of the samples on the PCM16 scale (0…32768), the scale of ``VAD_RMS``."""
    if mulaw_8k == SILENT_FRAME:  # every other frame of a call
        return 0
    return rms(ulaw2lin(mulaw_8k, 2), 2)


def level_code(rms_of_16: int) -> int:
    """A level on the PCM16 scale as one byte: the μ-law sample that is as loud, to within some 3 %."""
    return _LEVEL_CODES[min(rms_of_16, len(_LEVEL_CODES) - 1)]


def level_codes(mulaw_8k: bytes) -> bytes:
    """``level_code`` of every frame; a shorter last one counts by what there is of it."""
    starts = range(0, len(mulaw_8k), FRAME_BYTES)
    return bytes(level_code(level_rms(mulaw_8k[at : at + FRAME_BYTES])) for at in starts)


def audio_of_levels(codes: bytes, size: int) -> bytes:
    """``size`` bytes of audio whose frames have these levels, and no other content.

    ``level_codes`` of it are ``codes`` again: a frame of one sample all through is exactly as loud as that.
    """
    return b"".join(bytes((code,)) * FRAME_BYTES for code in codes)[:size]


def whole_frames(mulaw_8k: bytes) -> bytes:
    """The same, its last frame filled up with silence."""
    return mulaw_8k.ljust(-(-len(mulaw_8k) // FRAME_BYTES) * FRAME_BYTES, MULAW_SILENCE)


class FrameSplitter:
    """Cuts payloads of any size into whole frames and keeps what is left over.

    Twilio sends 160 bytes a message, but does not promise it; a voice promises nothing.
    """

    def __init__(self) -> None:
        self.rest = b""  # less than a frame

    def feed(self, mulaw_8k: bytes) -> list[bytes]:
        """Return the frames completed by ``mulaw_8k``, 160 bytes each, in order."""
        if not self.rest and len(mulaw_8k) == FRAME_BYTES:
            return [mulaw_8k]
        audio = self.rest + mulaw_8k
        whole = len(audio) - len(audio) % FRAME_BYTES
        self.rest = audio[whole:]
        return [audio[i : i + FRAME_BYTES] for i in range(0, whole, FRAME_BYTES)]

    def take_rest(self) -> bytes:
        """What was left over, as a whole frame; nothing when nothing was."""
        rest, self.rest = whole_frames(self.rest), b""
        return rest


@dataclass(slots=True)  # a frozen one takes twice as long to make, fifty times a second
class FrameHeard:
    """20 ms from the caller: the tick of all conversation time. Nobody changes it.

    ``mulaw_8k`` has 160 bytes, ``rms`` is on the PCM16 scale, ``speech`` is the speech model's
    probability 0…1, or None when energy is the only judge.
    """

    mulaw_8k: bytes
    rms: int
    speech: float | None
