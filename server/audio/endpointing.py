"""When the caller's utterance begins and ends, one judged frame at a time (A2-A5). Holds no audio.

voice    ..###.#######..##.........................
state    --PPPPPCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC-----   P provisional, C confirmed
events     o   c                    p         e       onset, confirmed, paused, ended
                              |hang|--silence-|
"""

from dataclasses import dataclass
from enum import Enum

from server.audio.frames import FRAMES_PER_S
from server.audio.vad import VadResult

ONSET_FRAMES = 3  # voiced run that opens an utterance provisionally
JUDGE_FRAMES = 20  # 400 ms for the model to agree
AGREE_FRAMES = 3  # about two windows of the model: one alone is a coin's toss
SHORT_SPEECH_FRAMES = 60  # up to 1.2 s of speech a shorter silence is enough
REFRACTORY_WINDOW_FRAMES = 12  # energy alone: 160 ms of voice within 240
REFRACTORY_VOICED_FRAMES = 8
REFRACTORY_LOOKBACK_FRAMES = 24
LOOKBACK_MASK = (1 << REFRACTORY_LOOKBACK_FRAMES) - 1


class Phase(Enum):
    IDLE = "idle"
    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"


class OnsetThreshold(Enum):
    """What it takes to open an utterance."""

    ORDINARY = "ordinary"
    REFRACTORY = "refractory"  # just after our speech: only confirmed speech (C5)
    DURING_PLAYOUT = "over us"  # while we are heard: the barge-in level (D1)


class Closing(Enum):
    """How much silence ends the utterance, by what its words so far are (A7)."""

    ORDINARY = "ordinary"
    HELD = "held"  # they cannot end here
    RELEASED = "released"  # they are plainly complete


class Endpoint(Enum):
    ONSET = "onset"
    CONFIRMED = "confirmed"
    PAUSED = "paused"  # the hangover has passed: perhaps the end (B3)
    RESUMED = "resumed"  # it was not
    PAUSED_AND_RESUMED = "paused and resumed"  # a run-on voice paused: now it may take the floor (A4)
    DISCARDED = "discarded"
    ENDED = "ended"
    ENDED_RUNNING_ON = "ended, and the voice goes on"


@dataclass(frozen=True)
class EndpointingParams:
    """All in frames of 20 ms."""

    silence_frames: int
    short_silence_frames: int
    hangover_frames: int
    max_speech_frames: int
    hold_frames: int
    min_voiced_frames: int
    barge_in_frames: int
    energy_only: bool


class Endpointer:
    """Frames in, at most one endpoint out."""

    def __init__(self, params: EndpointingParams) -> None:
        self.params = params
        self.phase = Phase.IDLE
        self.run_on = False  # born of a forced end, and the voice has not paused since
        self.closing = Closing.ORDINARY  # for the caller's words to change, until the utterance is over
        self.paused = False  # PAUSED was reported, and neither RESUMED nor the end yet
        self._run = 0  # frames in a row that count towards an onset
        self._run_spent = False  # this unbroken run was judged already
        self._recent_voiced = 0  # bit history, newest frame in bit 0
        self._age = self._voiced = self._agreed = self._last_speaking = 0
        self._judge_until = 0  # age at which an utterance that nobody confirmed is discarded
        self.onset_frames = 0  # how long ago the utterance began when ONSET was reported
        self.speech_frames = 0  # of the utterance that ended last: onset to its last speech,
        self.silence_frames = 0  # and from there to its end

    def feed(self, verdict: VadResult, bar: OnsetThreshold, background: bool) -> Endpoint | None:
        """Account for one frame. ``background``: the voice heard is too far away to be the caller's."""
        self._recent_voiced = (self._recent_voiced << 1 | verdict.voiced) & LOOKBACK_MASK
        counts = verdict.loud if bar is OnsetThreshold.DURING_PLAYOUT else verdict.voiced
        self._run = self._run + 1 if counts else 0
        self._run_spent = self._run_spent and verdict.voiced
        if self.phase is Phase.IDLE:
            return self._idle(verdict, bar)
        self._age += 1
        self._voiced += verdict.voiced
        self._agreed += verdict.speech
        if self.phase is Phase.PROVISIONAL:
            return self._provisional(verdict, background)
        return self._confirmed(verdict)

    @property
    def paused_for(self) -> int:
        """Frames since the last speech of a voice that has paused; 0 while it has not."""
        return self._age - self._last_speaking if self.paused else 0

    def reset(self) -> None:
        """The utterance is over; the next voiced run opens a new one."""
        self._measure()
        self.phase = Phase.IDLE
        self.run_on = self.paused = False
        self.closing = Closing.ORDINARY
        self._run = 0

    def _idle(self, verdict: VadResult, bar: OnsetThreshold) -> Endpoint | None:
        if self._run_spent and not verdict.speech:
            return None
        if not self._opens(verdict, bar):
            return None
        self.phase = Phase.PROVISIONAL
        self._age = self._voiced = self._last_speaking = self._run
        self._agreed = int(verdict.speech)
        if (
            bar is OnsetThreshold.REFRACTORY
        ):  # judged late: what was let pass unopened belongs to the utterance
            self._agreed = AGREE_FRAMES
            self._voiced = self._recent_voiced.bit_count()
            self._age = self._recent_voiced.bit_length()
            newest_voice = (self._recent_voiced & -self._recent_voiced).bit_length() - 1
            self._last_speaking = self._age - newest_voice
        self.onset_frames = self._age
        self._judge_until = self._age + JUDGE_FRAMES
        return Endpoint.ONSET

    def _opens(self, verdict: VadResult, bar: OnsetThreshold) -> bool:
        if bar is OnsetThreshold.DURING_PLAYOUT:
            return self._run >= self.params.barge_in_frames
        if bar is OnsetThreshold.ORDINARY:
            return self._run >= ONSET_FRAMES
        if self.params.energy_only:
            window = self._recent_voiced & ((1 << REFRACTORY_WINDOW_FRAMES) - 1)
            return window.bit_count() >= REFRACTORY_VOICED_FRAMES
        return verdict.speech and self._recent_voiced.bit_count() >= self.params.min_voiced_frames

    def _provisional(self, verdict: VadResult, background: bool) -> Endpoint | None:
        if verdict.voiced or verdict.speaking:  # until the model has spoken, energy's word counts
            self._last_speaking = self._age
        agreed = self._agreed >= AGREE_FRAMES and self._voiced >= self.params.min_voiced_frames
        if agreed and not background:
            self.phase = Phase.CONFIRMED
            return Endpoint.CONFIRMED
        if self._age < self._judge_until:
            return None
        self._over(verdict)
        return Endpoint.DISCARDED

    def _confirmed(self, verdict: VadResult) -> Endpoint | None:
        paused = self._age - 1 - self._last_speaking > self.params.hangover_frames
        if verdict.speaking:
            self._last_speaking = self._age
            was_paused, self.paused = self.paused, False
            if was_paused:
                self.closing = Closing.ORDINARY
            if self.run_on and paused:
                self.run_on = False
                return Endpoint.PAUSED_AND_RESUMED
            if was_paused:
                return Endpoint.RESUMED
        if self._last_speaking >= 2 * self.params.max_speech_frames:
            self._measure()
            self._run_on()
            return Endpoint.ENDED_RUNNING_ON
        # The model is late: a voice that goes on just now is not cut before it could be judged.
        being_judged = 0 < self._run < JUDGE_FRAMES
        silence = self._age - self._last_speaking
        if being_judged or silence < max(1, self.params.hangover_frames):
            return None
        if silence >= self._closing_silence():
            self._over(verdict)
            return Endpoint.ENDED
        newly = not self.paused
        self.paused = True
        return Endpoint.PAUSED if newly else None

    def _over(self, verdict: VadResult) -> None:
        self.reset()
        self._run_spent = verdict.voiced  # sound that goes on was judged: it opens nothing by itself

    def _closing_silence(self) -> int:
        """Frames without speech that end the utterance now."""
        params = self.params
        if self._last_speaking >= params.max_speech_frames:
            return max(1, params.hangover_frames)
        short = self._last_speaking <= SHORT_SPEECH_FRAMES
        silence = params.short_silence_frames if short else params.silence_frames
        if self.closing is Closing.HELD:
            silence += params.hold_frames
        if self.closing is Closing.RELEASED:
            silence //= 2
        return params.hangover_frames + silence

    def _measure(self) -> None:
        self.speech_frames = self._last_speaking
        self.silence_frames = self._age - self._last_speaking

    def _run_on(self) -> None:
        self.phase = Phase.PROVISIONAL
        self.run_on = True
        self.paused = False
        self.closing = Closing.ORDINARY
        self._judge_until = JUDGE_FRAMES
        self._age = self._voiced = self._agreed = self._last_speaking = 0


def endpointing_params(
    *,
    min_utt_s: float,
    hangover_ms: int,
    max_utt_s: float,
    hold_ms: int,
    min_voiced_ms: int,
    barge_in_frames: int,
    energy_only: bool,
) -> EndpointingParams:
    """The knobs in frames: the one place where their milliseconds become counts (A3)."""
    return EndpointingParams(
        silence_frames=round(min_utt_s * FRAMES_PER_S),
        short_silence_frames=round(max(0.35, min_utt_s - 0.12) * FRAMES_PER_S),
        hangover_frames=round(hangover_ms * FRAMES_PER_S / 1000),
        max_speech_frames=round(max_utt_s * FRAMES_PER_S),
        hold_frames=round(hold_ms * FRAMES_PER_S / 1000),
        min_voiced_frames=round(min_voiced_ms * FRAMES_PER_S / 1000),
        barge_in_frames=barge_in_frames,
        energy_only=energy_only,
    )
