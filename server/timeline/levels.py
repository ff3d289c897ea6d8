"""How loud each frame was, a byte each: what the lanes of the picture are drawn by. Pure.

A byte is a quarter of a decibel above FLOOR_DB of full scale; 0 is all that is quieter.
"""

from audioop import max as peak
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from math import log10

from server.audio.endpointing import EndpointingParams, OnsetThreshold
from server.audio.frames import FRAME_BYTES, FrameHeard, level_rms, mulaw_to_pcm16
from server.audio.segmenter import Heard, Segmenter
from server.audio.vad import Vad
from server.event_log.reader import EventLog
from server.event_log.recording import played
from server.replay.replaying import Difference, first_difference

FLOOR_DB = -64.0
STEPS = 4  # a decibel
FULL_SCALE = 1 << 15
UNJUDGED = 255  # in the place of a probability, which is 0…200
SURE = 200


def _byte(rms: int) -> int:
    decibels = 20 * log10(rms / FULL_SCALE) if rms else FLOOR_DB
    return min(255, max(0, round((decibels - FLOOR_DB) * STEPS)))


BYTES = bytes(map(_byte, range(FULL_SCALE + 1)))  # by level on the PCM16 scale


@dataclass(frozen=True)
class Levels:
    """A byte a frame. ``wave``: the peaks of the caller, or their levels where no audio was kept.

    ``agent``: the peaks, or levels, of what was audible. ``bar``: what the caller's level had to be above, as
    long as this program decides as was recorded. ``speech``: the model's probability in 200ths.
    """

    caller: bytes
    wave: bytes
    agent: bytes
    bar: bytes
    speech: bytes

    @property
    def voiced(self) -> frozenset[int]:
        """The frames in which the caller was loud enough."""
        known = len(self.bar)
        behind = (n for n in range(known, len(self.caller)) if SURE // 2 <= self.speech[n] < UNJUDGED)
        return frozenset((*(n for n in range(known) if self.caller[n] > self.bar[n]), *behind))

    @property
    def audible(self) -> list[int]:
        """The frames in which the agent was."""
        return [number for number, level in enumerate(self.agent) if level]

    def plain(self) -> dict[str, str]:
        """Base64; empty where all is as in ``caller``, or nothing was judged."""
        judged = any(one != UNJUDGED for one in self.speech)
        return {
            "caller": _text(self.caller),
            "wave": "" if self.wave == self.caller else _text(self.wave),
            "agent": _text(self.agent),
            "bar": _text(self.bar),
            "speech": _text(self.speech) if judged else "",
        }


def _text(levels: bytes) -> str:
    return b64encode(levels).decode()


def levels_of(log: EventLog) -> tuple[Levels, Difference | None]:
    """Of a call, and where this program would have decided otherwise. Computes for 2 s an hour of 8 calls."""
    frames = [one.event for one in log.seen if isinstance(one.event, FrameHeard)]
    caller = bytes(BYTES[min(frame.rms, FULL_SCALE)] for frame in frames)
    heard = bytes(played(log).heard)
    bars: list[int] = []
    difference = first_difference(log.params, log.seen, audio=log.header.audio, hears=partial(_Watched, bars))
    return Levels(
        caller=caller,
        wave=bytes(map(_peak, (frame.mulaw_8k for frame in frames))) if log.header.audio else caller,
        agent=bytes(map(_peak if log.header.audio else _level, _frames(heard))),
        bar=bytes(bars),
        speech=bytes(UNJUDGED if frame.speech is None else round(frame.speech * SURE) for frame in frames),
    ), difference


def _frames(mulaw_8k: bytes) -> Iterable[bytes]:
    return (mulaw_8k[at : at + FRAME_BYTES] for at in range(0, len(mulaw_8k), FRAME_BYTES))


def _level(mulaw_8k: bytes) -> int:
    return BYTES[min(level_rms(mulaw_8k), FULL_SCALE)]


def _peak(mulaw_8k: bytes) -> int:
    return BYTES[min(peak(mulaw_to_pcm16(mulaw_8k), 2), FULL_SCALE)]


class _Watched(Segmenter):
    """The hearing of a replay, which tells how loud each frame had to be."""

    def __init__(self, bars: list[int], params: EndpointingParams, vad: Vad) -> None:
        super().__init__(params, vad)
        self._bars = bars
        self._judge = vad

    def feed(self, frame: FrameHeard, threshold: OnsetThreshold, *, lower: bool = False) -> list[Heard]:
        heard = super().feed(frame, threshold, lower=lower)
        self._bars.append(BYTES[min(round(self._judge.bar), FULL_SCALE)])
        return heard
