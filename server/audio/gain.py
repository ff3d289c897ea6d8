"""A voice lower, and back: gain in the μ-law domain, one table of 256 bytes for each step (D1).

A change is a ramp over the 20 ms that follow it, or it would click:

    full ‾‾‾‾‾‾\\          /‾‾‾‾  0 dB
    lower       \\________/       -11 dB
                |1 frame |1 frame
"""

from audioop import lin2ulaw, mul, ulaw2lin

from server.audio.frames import FRAME_BYTES

LOWER_DB = -11.0  # plainly lower, and every word is still heard
STEPS = 10  # of a ramp: 1.1 dB every 2 ms
STEP_BYTES = FRAME_BYTES // STEPS
SIGN = 0x80


def gain_table(db: float) -> bytes:
    """For ``bytes.translate``: each μ-law byte at ``db``. Zero stays zero, and both signs are alike."""
    positive = bytes(range(SIGN, 2 * SIGN))
    louder_or_lower = lin2ulaw(mul(ulaw2lin(positive, 2), 2, 10 ** (db / 20)), 2)
    return bytes(byte ^ SIGN for byte in louder_or_lower) + louder_or_lower


TABLES = tuple(gain_table(LOWER_DB * step / STEPS) for step in range(STEPS + 1))


class Fader:
    """One voice on its way out, in order. Not thread-safe."""

    def __init__(self) -> None:
        self._step = 0  # of TABLES: the level of the byte that went out last

    def fade(self, mulaw_8k: bytes, *, lower: bool) -> bytes:
        """The next piece of the voice at its level, or on its way there."""
        wanted = STEPS if lower else 0
        out = b""
        while self._step != wanted and len(out) < len(mulaw_8k):
            self._step += 1 if lower else -1
            out += mulaw_8k[len(out) : len(out) + STEP_BYTES].translate(TABLES[self._step])
        return out + mulaw_8k[len(out) :].translate(TABLES[self._step]) if self._step or out else mulaw_8k
