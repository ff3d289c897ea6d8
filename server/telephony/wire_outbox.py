"""What waits for the wire: a call's messages, in the order of decision, and behind them remarks."""

from collections import deque

from server.audio.frames import FRAME_BYTES
from server.audio.gain import Fader
from server.telephony.twilio_messages import Encoder

MOST_REMARKS = 200  # that wait, to a peer that takes nothing: older ones are dropped


class WireOutbox:
    """Takes nothing before ``start``: without a name the stream cannot be told anything."""

    def __init__(self) -> None:
        self._encoder: Encoder | None = None
        self._fader = Fader()
        self._messages: deque[str] = deque()
        self._remarks: deque[str] = deque(maxlen=MOST_REMARKS)

    def __bool__(self) -> bool:
        return bool(self._messages or self._remarks)

    def start(self, stream_sid: str) -> None:
        self._encoder = Encoder(stream_sid)

    def audio(self, mulaw_8k: bytes, *, lower: bool) -> int:
        """Append it as frames, ``lower`` by 11 dB or not; how many."""
        if self._encoder is None:
            return 0
        audio = self._fader.fade(mulaw_8k, lower=lower)
        frames = [audio[i : i + FRAME_BYTES] for i in range(0, len(audio), FRAME_BYTES)]
        self._messages.extend(map(self._encoder.media, frames))
        return len(frames)

    def mark(self, name: str) -> None:
        if self._encoder is not None:
            self._messages.append(self._encoder.mark(name))

    def clear(self) -> None:
        """In the place of what has not left yet: that would only be cleared on arrival."""
        if self._encoder is not None:
            self._messages.clear()
            self._messages.append(self._encoder.clear)

    def remark(self, message: str) -> None:
        """What is none of the call's: a peer that is not Twilio has asked for it."""
        if self._encoder is not None:
            self._remarks.append(message)

    def take(self) -> list[str]:
        """All of it, remarks behind the audio."""
        taken = [*self._messages, *self._remarks]
        self._messages.clear()
        self._remarks.clear()
        return taken
