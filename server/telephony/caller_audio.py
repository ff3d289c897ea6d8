"""What RX makes of the caller's audio: frames for the core, and how far they are behind."""

from collections.abc import Callable

from server.audio.frames import FRAME_MS, FrameHeard, level_rms
from server.audio.vad import Speech
from server.runtime.token_bucket import TokenBucket
from server.telephony.inbound import MAX_FILL_MS, InboundAudio
from server.telephony.twilio_messages import Media

# Stamps go with the clock: what is missing by them is no more than the time that has passed. A peer whose
# stamps run ahead would make the call's time run as fast. A network that was away brings many holes at once.
FILL_MS_PER_S, FILL_MS_AT_ONCE = 2000, 20_000


class InboundFrames:
    """Inbound audio judged frame by frame. One thread. ``clock`` gives monotonic seconds."""

    def __init__(self, new_speech: Callable[[], Speech], clock: Callable[[], float]) -> None:
        self._inbound = InboundAudio()
        self._clock = clock
        self._filling = TokenBucket(FILL_MS_PER_S, FILL_MS_AT_ONCE, clock())
        self._new_speech = new_speech
        self._speech: Speech | None = None  # until there is something to judge

    @property
    def oddities(self) -> dict[str, int]:
        """Frames that were missing and filled with silence, frames of silence that stand for a line that
        sent nothing, and messages that came out of order."""
        inbound = self._inbound
        return {"filled": inbound.filled_frames, "quiet": inbound.quiet_frames, "late": inbound.steps_back}

    def feed(self, media: Media) -> list[FrameHeard]:
        """The frames that ``media`` completed, with what the two judges measure on them."""
        if (in_step := self._inbound.in_step(media)) is not None:
            return self._judge(in_step)
        now, before = self._clock(), self._inbound.filled_frames
        frames = self._inbound.feed(media, min(MAX_FILL_MS, int(self._filling.left(now))))
        if filled := self._inbound.filled_frames - before:
            self._filling.take(filled * FRAME_MS, now)
        return self._judge(frames)

    def quiet(self, frames: int) -> list[FrameHeard]:
        """The same for frames of silence on a line that sends nothing."""
        return self._judge(self._inbound.quiet(frames))

    def _judge(self, frames: list[bytes]) -> list[FrameHeard]:
        speech = self._speech
        if speech is None:
            speech = self._speech = self._new_speech()
        heard = []
        for mulaw_8k in frames:
            rms = level_rms(mulaw_8k)
            heard.append(FrameHeard(mulaw_8k, rms, speech.feed(mulaw_8k, rms)))
        return heard
