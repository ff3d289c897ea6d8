"""A call as it was heard on both sides, of a log with audio: the caller left, what they heard right.

What was sent is not yet what was heard: a `clear` takes back what had not been played. So it is played here
as Twilio plays it, at the times at which it was sent; and all of it as much later as its marks came back, for
what the caller says to it comes as much later too.
"""

import io
import struct
import wave
from audioop import add, tostereo

from server.audio.frames import MULAW_SILENCE, SAMPLE_RATE_HZ, FrameHeard, mulaw_to_pcm16
from server.audio.twilio_buffer import TwilioBuffer
from server.event_log.format import Seen
from server.event_log.reader import EventLog
from server.turns.actions import SendAudio, SendClear, SendMark
from server.turns.events import MarkReturned

TAIL_S = 0.02
WAVE_MULAW = 7
MOST_LATE_S = 2.0  # a mark later than that says nothing of the way


class NotRecorded(ValueError):
    """The log holds no audio."""


def stereo_wav(log: EventLog) -> bytes:
    """A WAV file, PCM16 8 kHz. Raises NotRecorded."""
    _must_hold_audio(log)
    left, right = map(mulaw_to_pcm16, _sides(log))
    sides = (tostereo(left, 2, 1, 0), tostereo(right, 2, 0, 1))
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(SAMPLE_RATE_HZ)
        wav.writeframes(add(*sides, 2))
    return file.getvalue()


def stereo_mulaw_wav(log: EventLog) -> bytes:
    """The same of half the size, for a page: μ-law as it was on the line. Raises NotRecorded."""
    _must_hold_audio(log)
    caller, agent = _sides(log)
    both = bytearray(2 * len(caller))
    both[::2], both[1::2] = caller, agent
    rate = SAMPLE_RATE_HZ
    told = struct.pack("<4sIHHIIHHH", b"fmt ", 18, WAVE_MULAW, 2, rate, 2 * rate, 2, 8, 0)
    told += struct.pack("<4sII4sI", b"fact", 4, len(caller), b"data", len(both))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(told) + len(both), b"WAVE") + told + bytes(both)


def played(log: EventLog) -> TwilioBuffer:
    """What the caller heard of the agent, from their first frame on. Without audio: something as loud."""
    began_s = next((one.at_ms / 1000 for one in log.seen if isinstance(one.event, FrameHeard)), 0.0)
    return _played(log.seen, began_s, late_s=_late_s(log.seen, began_s))


def _must_hold_audio(log: EventLog) -> None:
    if not log.header.audio:
        raise NotRecorded("it was kept without audio: EVENT_LOG=audio keeps it")


def _sides(log: EventLog) -> tuple[bytes, bytes]:
    """The caller and the agent, equally long."""
    caller = b"".join(one.event.mulaw_8k for one in log.seen if isinstance(one.event, FrameHeard))
    agent = bytes(played(log).heard)
    length = max(len(caller), len(agent))
    return caller.ljust(length, MULAW_SILENCE), agent.ljust(length, MULAW_SILENCE)


def _played(seen: list[Seen], began_s: float, *, late_s: float) -> TwilioBuffer:
    buffer = TwilioBuffer()
    for one in seen:
        now_s = max(0.0, one.at_ms / 1000 - began_s + late_s)
        for action in one.actions:
            match action:
                case SendAudio(audio):
                    buffer.media(audio, now_s)
                case SendMark(name):
                    buffer.mark(name, now_s)
                case SendClear():
                    buffer.clear(now_s)
    buffer.advance((seen[-1].at_ms / 1000 - began_s if seen else 0.0) + TAIL_S)
    return buffer


def _late_s(seen: list[Seen], began_s: float) -> float:
    """There and back: the least that a mark took beyond its audio."""
    played = {echo.name: echo.at_s for echo in _played(seen, began_s, late_s=0.0).echoes if echo.heard}
    returned = (
        one.at_ms / 1000 - began_s - played[one.event.name]
        for one in seen
        if isinstance(one.event, MarkReturned) and one.event.name in played
    )
    return min((late_s for late_s in returned if 0 <= late_s <= MOST_LATE_S), default=0.0)
