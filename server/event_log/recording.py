"""A call as it was heard on both sides, of a log with audio: the caller left, what they heard right.

What was sent is not yet what was heard: a `clear` takes back what had not been played. So it is played here
as Twilio plays it, at the times at which it was sent; and all of it as much later as its marks came back, for
what the caller says to it comes as much later too.
"""

import io
import wave
from audioop import add, tostereo

from server.audio.frames import SAMPLE_RATE_HZ, FrameHeard, mulaw_to_pcm16
from server.audio.twilio_buffer import TwilioBuffer
from server.event_log.format import Seen
from server.event_log.reader import EventLog
from server.turns.actions import SendAudio, SendClear, SendMark
from server.turns.events import MarkReturned

TAIL_S = 0.02
MOST_LATE_S = 2.0  # a mark later than that says nothing of the way


class NotRecorded(ValueError):
    """The log holds no audio."""


def stereo_wav(log: EventLog) -> bytes:
    """A WAV file, PCM16 8 kHz. Raises NotRecorded."""
    if not log.header.audio:
        raise NotRecorded("it was kept without audio: EVENT_LOG=audio keeps it")
    heard = [one for one in log.seen if isinstance(one.event, FrameHeard)]
    began_s = heard[0].at_ms / 1000 if heard else 0.0
    caller = b"".join(one.event.mulaw_8k for one in heard if isinstance(one.event, FrameHeard))
    agent = bytes(_played(log.seen, began_s, late_s=_late_s(log.seen, began_s)).heard)
    left, right = mulaw_to_pcm16(caller), mulaw_to_pcm16(agent)
    length = max(len(left), len(right))
    sides = (tostereo(left.ljust(length, b"\0"), 2, 1, 0), tostereo(right.ljust(length, b"\0"), 2, 0, 1))
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(SAMPLE_RATE_HZ)
        wav.writeframes(add(*sides, 2))
    return file.getvalue()


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
