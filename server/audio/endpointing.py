"""When the caller's utterance begins and ends, one judged frame at a time (A2-A5). Holds no audio.

voice    ..###.#######..##.........................
state    --PPPPPCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC-----   P provisional, C confirmed
events     o   c                    p         e       onset, confirmed, paused, ended
                              |hang|--silence-|
"""

from dataclasses import dataclass
from enum import Enum

from server.audio.caller_pauses import CallerPauses
from server.audio.frames import FRAMES_PER_S
from server.audio.vad import VadResult

ONSET_FRAMES = 3  # voiced run that opens an utterance provisionally
JUDGE_FRAMES = 20  # 400 ms for the model to agree
AGREE_FRAMES = 3  # about two windows of the model: one alone is a coin's toss
SHORT_SPEECH_FRAMES = 60  # up to 1.2 s of speech a shorter silence is enough
BRIEF_FRAMES = 25  # up to half a second over the agent's voice is a nod, or what stops it: no turn
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
    REFRACTORY = "refractory"  # just after the agent's: only confirmed speech (C5)
    DURING_PLAYOUT = "during playout"  # while the agent is heard: the barge-in level (D1)


# Asked for at every frame: an attribute of an Enum class is five times as dear as a name of the module.
IDLE, PROVISIONAL, CONFIRMED = Phase
ORDINARY, REFRACTORY, DURING_PLAYOUT = OnsetThreshold


class Closing(Enum):
    """How much silence ends the utterance, by what its words so far are (A7)."""

    ORDINARY = "ordinary"
    HELD = "held"  # they cannot end here
    RELEASED = "released"  # they are plainly complete
    NOD = "nod"  # they only show a listener (D4)


class Endpoint(Enum):
    ONSET = "onset"
    CONFIRMED = "confirmed"
    PAUSED = "paused"  # the hangover has passed: perhaps the end (B3)
    RESUMED = "resumed"  # it was not
    PAUSED_AND_RESUMED = "paused and resumed"  # a run-on voice paused: now it may interrupt (A4)
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
    adaptive_frames: int
    min_voiced_frames: int
    barge_in_frames: int
    energy_only: bool


class OnsetDetector:
    """Whether a run of voice opens an utterance, while none is open."""

    def __init__(self, params: EndpointingParams) -> None:
        self._params = params
        self.run = 0  # frames in a row that count towards an onset
        self._run_spent = False  # this unbroken run was judged already
        self.recent_voiced = 0  # bit history, newest frame in bit 0

    def feed(self, verdict: VadResult, threshold: OnsetThreshold) -> None:
        """Account for one frame, in an utterance or between two."""
        self.recent_voiced = (self.recent_voiced << 1 | verdict.voiced) & LOOKBACK_MASK
        counts = verdict.loud if threshold is DURING_PLAYOUT else verdict.voiced
        self.run = self.run + 1 if counts else 0
        self._run_spent = self._run_spent and verdict.voiced

    def opens(self, verdict: VadResult, threshold: OnsetThreshold) -> bool:
        """An utterance begins with this frame."""
        if self._run_spent and not verdict.speech:
            return False
        if threshold is DURING_PLAYOUT:
            return self.run >= self._params.barge_in_frames
        if threshold is ORDINARY:
            return self.run >= ONSET_FRAMES
        if self._params.energy_only:
            window = self.recent_voiced & ((1 << REFRACTORY_WINDOW_FRAMES) - 1)
            return window.bit_count() >= REFRACTORY_VOICED_FRAMES
        return verdict.speech and self.recent_voiced.bit_count() >= self._params.min_voiced_frames

    def utterance_over(self) -> None:
        """The next run opens another."""
        self.run = 0

    def judged(self, *, voiced: bool) -> None:
        """``voiced``: so was the last frame. Sound that goes on was judged, and opens nothing by itself."""
        self._run_spent = voiced


class SpeechCount:
    """The frames of one utterance, as they are judged."""

    def __init__(
        self,
        age: int = 0,
        voiced: int = 0,
        agreed: int = 0,
        last_speaking: int = 0,
        *,
        over_playout: bool = False,
    ) -> None:
        self.over_playout = over_playout  # it began while the agent was heard
        self.age = age
        self.voiced = voiced
        self.agreed = agreed  # frames that the model calls speech
        self.last_speaking = last_speaking  # age at its last speech
        self.judge_until = age + JUDGE_FRAMES  # age at which it is discarded, if nobody has confirmed it

    @classmethod
    def opened(cls, verdict: VadResult, run: int, *, over_playout: bool) -> "SpeechCount":
        """By a run of so many frames."""
        return cls(run, run, int(verdict.speech), run, over_playout=over_playout)

    @classmethod
    def opened_late(cls, recent_voiced: int) -> "SpeechCount":
        """What was let pass unopened, and is in the bit history, belongs to the utterance (C5)."""
        age = recent_voiced.bit_length()
        newest_voice = (recent_voiced & -recent_voiced).bit_length() - 1
        return cls(age, recent_voiced.bit_count(), AGREE_FRAMES, age - newest_voice)

    def feed(self, verdict: VadResult) -> None:
        self.age += 1
        self.voiced += verdict.voiced
        self.agreed += verdict.speech

    def speaks(self) -> None:
        """In the present frame."""
        self.last_speaking = self.age

    @property
    def silence(self) -> int:
        """Frames since its last speech."""
        return self.age - self.last_speaking


class Endpointer:
    """Frames in, at most one endpoint out."""

    def __init__(self, params: EndpointingParams) -> None:
        self.params = params
        self.phase = IDLE
        self.run_on = False  # born of a forced end, and the voice has not paused since
        self.closing = Closing.ORDINARY  # for the caller's words to change, until the utterance is over
        self.paused = False  # PAUSED was reported, and neither RESUMED nor the end yet
        self._onset = OnsetDetector(params)
        self._count = SpeechCount()
        self.onset_frames = 0  # how long ago the utterance began when ONSET was reported,
        self.judged_frames = 0  # and when CONFIRMED was
        self.speech_frames = 0  # of the utterance that ended last: onset to its last speech,
        self.silence_frames = 0  # and from there to its end
        shortest = min(params.short_silence_frames, params.silence_frames)
        self.pauses = CallerPauses(
            floor=params.hangover_frames + shortest,
            longest=params.hangover_frames + params.silence_frames + params.adaptive_frames,
            voice_frames=params.min_voiced_frames,
        )

    def feed(self, verdict: VadResult, threshold: OnsetThreshold, background: bool) -> Endpoint | None:
        """Account for one frame. ``background``: the voice heard is too far away to be the caller's."""
        self.pauses.tick()
        self._onset.feed(verdict, threshold)
        if self.phase is IDLE:
            if not self._onset.run and threshold is not REFRACTORY:
                return None  # no voice, and an onset takes a run of it
            return self._idle(verdict, threshold)
        self._count.feed(verdict)
        if self.phase is PROVISIONAL:
            return self._provisional(verdict, threshold, background)
        return self._confirmed(verdict)

    @property
    def paused_for(self) -> int:
        """Frames since the last speech of a voice that has paused; 0 while it has not."""
        return self._count.silence if self.paused else 0

    @property
    def voice_frames(self) -> int:
        """From the onset to the last speech of a confirmed voice; 0 while there is none."""
        return self._count.last_speaking if self.phase is CONFIRMED else 0

    def close_after(self, closing: Closing) -> None:
        """The words so far of a confirmed voice say how much silence ends it (A7)."""
        if self.phase is CONFIRMED:
            self.closing = closing

    def end_now(self) -> Endpoint | None:
        """The utterance is over, whatever is heard; the next voiced run opens a new one."""
        self.pauses.cut_by_key()
        ended = {CONFIRMED: Endpoint.ENDED, PROVISIONAL: Endpoint.DISCARDED}.get(self.phase)
        self._over()
        return ended

    def _idle(self, verdict: VadResult, threshold: OnsetThreshold) -> Endpoint | None:
        if not self._onset.opens(verdict, threshold):
            return None
        self.phase = PROVISIONAL
        recent, run = self._onset.recent_voiced, self._onset.run
        if threshold is REFRACTORY:
            self._count = SpeechCount.opened_late(recent)
        else:
            over_playout = threshold is DURING_PLAYOUT
            self._count = SpeechCount.opened(verdict, run, over_playout=over_playout)
        self.onset_frames = self._count.age
        return Endpoint.ONSET

    def _provisional(
        self, verdict: VadResult, threshold: OnsetThreshold, background: bool
    ) -> Endpoint | None:
        count = self._count
        if verdict.voiced or verdict.speaking:  # until the model has spoken, energy's word counts
            count.speaks()
        agreed = count.agreed >= AGREE_FRAMES and count.voiced >= self.params.min_voiced_frames
        if agreed and not background:
            self.phase = CONFIRMED
            self.judged_frames = count.age
            self.pauses.confirmed(
                count.age,
                during_playout=threshold is DURING_PLAYOUT,
                answers=threshold is REFRACTORY,
            )
            return Endpoint.CONFIRMED
        if count.age < count.judge_until:
            return None
        self._judged(verdict)
        return Endpoint.DISCARDED

    def _confirmed(self, verdict: VadResult) -> Endpoint | None:
        count = self._count
        paused = count.silence - 1 > self.params.hangover_frames
        if verdict.speaking:
            self.pauses.speaks(self._taught())
            count.speaks()
            was_paused, self.paused = self.paused, False
            if was_paused:
                self.closing = Closing.ORDINARY
            if self.run_on and paused:
                self.run_on = False
                return Endpoint.PAUSED_AND_RESUMED
            if was_paused:
                return Endpoint.RESUMED
        if count.last_speaking >= 2 * self.params.max_speech_frames:
            self._measure()
            self._run_on()
            return Endpoint.ENDED_RUNNING_ON
        # The model is late: a voice that goes on just now is not cut before it could be judged.
        being_judged = 0 < self._onset.run < JUDGE_FRAMES
        if being_judged or count.silence < max(1, self.params.hangover_frames):
            return None
        if count.silence >= self._closing_silence():
            self.pauses.ended(count.silence)
            self._judged(verdict)
            return Endpoint.ENDED
        newly = not self.paused
        self.paused = True
        return Endpoint.PAUSED if newly else None

    def _taught(self) -> int:
        """Frames of a pause that is over now; 0 where words have held it, as they will hold the next (A7)."""
        if self.closing is Closing.HELD:
            return 0
        run = self._onset.run  # energy heard the voice before the model did, and nothing was ended since
        return self._count.silence - (run if 0 < run < JUDGE_FRAMES else 1)

    def _judged(self, verdict: VadResult) -> None:
        self._over()
        self._onset.judged(voiced=verdict.voiced)

    def _over(self) -> None:
        self._measure()
        self.phase = IDLE
        self.run_on = self.paused = False
        self.closing = Closing.ORDINARY
        self._onset.utterance_over()

    def _closing_silence(self) -> int:
        """Frames without speech that end the utterance now."""
        params, spoken = self.params, self._count.last_speaking
        brief = self._count.over_playout and spoken <= BRIEF_FRAMES and self.closing is Closing.ORDINARY
        if brief or self.closing is Closing.NOD or spoken >= params.max_speech_frames:
            return max(1, params.hangover_frames)
        short = spoken <= SHORT_SPEECH_FRAMES
        silence = params.short_silence_frames if short else params.silence_frames
        bridged = self.pauses.bridged(short=short) - params.hangover_frames
        silence = min(max(silence, bridged), silence + params.adaptive_frames)
        if self.closing is Closing.HELD:
            silence += params.hold_frames
        if self.closing is Closing.RELEASED:
            silence //= 2
        return params.hangover_frames + silence

    def _measure(self) -> None:
        self.speech_frames = self._count.last_speaking
        self.silence_frames = self._count.silence

    def _run_on(self) -> None:
        self.phase = PROVISIONAL
        self.run_on = True
        self.paused = False
        self.closing = Closing.ORDINARY
        self._count = SpeechCount()


def endpointing_params(
    *,
    min_utt_s: float,
    hangover_ms: int,
    max_utt_s: float,
    hold_ms: int,
    adaptive_ms: int,
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
        adaptive_frames=round(adaptive_ms * FRAMES_PER_S / 1000),
        min_voiced_frames=round(min_voiced_ms * FRAMES_PER_S / 1000),
        barge_in_frames=barge_in_frames,
        energy_only=energy_only,
    )
