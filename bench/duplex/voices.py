"""The caller's sounds: sentences, halves of sentences, nods, noises. PCM16 8 kHz, speech at -20 dBFS.

With a folder of recordings a person speaks: stretches between the pauses of whatever is in it; nods are their
first 300 ms to 1.1 s. Without one the embedded voice speaks. The words are the bench's own in both: an STT
hears what it is told.
"""

from audioop import mul, rms
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.acoustics.pauses import OPEN
from bench.acoustics.tracks import AMPLITUDE, LINES, SPEECH_DBFS, spoken
from server.audio.frames import FRAME_BYTES, SAMPLE_RATE_HZ, level_rms, pcm16_to_mulaw
from server.simulator.sounds import read_wav

VOICED_RMS = 210  # as VAD_RMS has it
BREAK_FRAMES = 10  # of quiet: a pause of the speaker's own
SHORTEST_FRAMES, LONGEST_FRAMES = 40, 200  # of a sentence, 0.8 s to 4 s
HALF_FRAMES = 25
NODS = {"כן": 0.3, "אהמ": 0.35, "הבנתי": 0.4, "הבנתי, בסדר גמור": 1.1}  # and how long each lasts, of a person
SPEAKERS = ("m3", "f2", "m1", "f4")
SENTENCES = OPEN[:-1]  # the last one takes its leave
FRAME_PCM_BYTES = 2 * FRAME_BYTES
INTERRUPTING = (
    "רגע, אני רוצה לשאול משהו אחר",
    "לא, אני מחפש בעיר אחרת",
    "התכוונתי לרחוב אחר לגמרי",
    "יש לי שאלה על המחיר של הדירה",
)


@dataclass(frozen=True)
class Piece:
    """A stretch of speech with its first voiced frame at its beginning and its last at its end."""

    pcm16_8k: bytes

    @property
    def seconds(self) -> float:
        return len(self.pcm16_8k) / 2 / SAMPLE_RATE_HZ

    def louder(self, db: float) -> "Piece":
        return Piece(mul(self.pcm16_8k, 2, 10 ** (db / 20)))

    def first(self, seconds: float) -> "Piece":
        """Its beginning, faded out over 20 ms."""
        cut = self.pcm16_8k[: FRAME_PCM_BYTES * max(1, round(seconds * 50))]
        tail = cut[-FRAME_PCM_BYTES:]
        steps = [mul(tail[n * 32 : n * 32 + 32], 2, 1 - n / 10) for n in range(10)]
        return Piece(cut[:-FRAME_PCM_BYTES] + b"".join(steps))


@dataclass(frozen=True)
class Speaker:
    """One caller's voice. ``halves``: two stretches that belong together, to put a pause between."""

    sentences: Sequence[Piece]
    halves: Sequence[tuple[Piece, Piece]]
    nods: dict[str, Sequence[Piece]]


def trimmed(pcm16_8k: bytes) -> Piece:
    """From the first voiced frame to the last."""
    voiced = _voiced(pcm16_8k)
    return _cut(pcm16_8k, voiced.index(True), len(voiced) - voiced[::-1].index(True))


def stretches(pcm16_8k: bytes) -> list[tuple[int, int]]:
    """Frames from and to which somebody speaks without a pause of BREAK_FRAMES."""
    out: list[tuple[int, int]] = []
    for number, voiced in enumerate(_voiced(pcm16_8k)):
        if voiced and out and number - out[-1][1] < BREAK_FRAMES:
            out[-1] = (out[-1][0], number + 1)
        elif voiced:
            out.append((number, number + 1))
    return out


def _voiced(pcm16_8k: bytes) -> list[bool]:
    mulaw = pcm16_to_mulaw(pcm16_8k)
    return [level_rms(mulaw[at : at + FRAME_BYTES]) > VOICED_RMS for at in range(0, len(mulaw), FRAME_BYTES)]


def _cut(pcm16_8k: bytes, first: int, end: int) -> Piece:
    return Piece(pcm16_8k[first * FRAME_PCM_BYTES : end * FRAME_PCM_BYTES])


@cache
def speakers(recordings: Path | None) -> tuple[Speaker, ...]:
    """Whoever calls; of a folder of recordings one, of the embedded voice four."""
    if recordings is None:
        return tuple(_generated(variant) for variant in SPEAKERS)
    return (_recorded(sorted(recordings.glob("*.wav"))),)


def _recorded(files: list[Path]) -> Speaker:
    sentences: list[Piece] = []
    halves: list[tuple[Piece, Piece]] = []
    for file in files:
        pcm = read_wav(file)
        pcm = mul(pcm, 2, AMPLITUDE * 10 ** (SPEECH_DBFS / 20) / rms(pcm, 2))
        spans = [span for span in stretches(pcm) if span[1] - span[0] >= HALF_FRAMES]
        whole = [span for span in spans if SHORTEST_FRAMES <= span[1] - span[0] <= LONGEST_FRAMES]
        sentences += [_cut(pcm, *span) for span in whole]
        short = [span for span in spans if span[1] - span[0] <= LONGEST_FRAMES]
        halves += [(_cut(pcm, *a), _cut(pcm, *b)) for a, b in zip(short, short[1:], strict=False)]
    nods = {words: [piece.first(length_s) for piece in sentences] for words, length_s in NODS.items()}
    return Speaker(sentences, halves, nods)


def _generated(variant: str) -> Speaker:
    sentences = [trimmed(spoken(line, variant)) for line in LINES]
    parts = [[part.strip() for part in sentence.split("|")] for sentence in SENTENCES]
    halves = [(trimmed(spoken(a, variant)), trimmed(spoken(b, variant))) for a, b in parts]
    return Speaker(sentences, halves, {words: [trimmed(spoken(words, variant))] for words in NODS})
