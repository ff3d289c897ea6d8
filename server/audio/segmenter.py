"""The speech segmenter: frames in; onsets, audio for the STT, and ends of utterances out (A1-A6, C5)."""

from dataclasses import dataclass, field

from server.audio.endpointing import (
    CONFIRMED,
    DURING_PLAYOUT,
    IDLE,
    PROVISIONAL,
    REFRACTORY,
    Closing,
    Endpoint,
    Endpointer,
    EndpointingParams,
    OnsetThreshold,
    Phase,
)
from server.audio.frames import FrameHeard
from server.audio.utterance import CallerLevel, UtteranceAudio, VoiceLevel
from server.audio.vad import VERDICTS, Vad

ECHO_DIES_FRAMES = 30  # 600 ms after playout stopped for it: network, room and the last words are over
ECHOES_IN_A_ROW = 2  # one may have been a cough that sounds like a voice


@dataclass(frozen=True, slots=True)
class Onset:
    """Perhaps a voice."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A voice. ``may_interrupt`` is False for the rest of one that never paused (A4)."""

    utterance_id: int
    may_interrupt: bool
    first_time: bool = True  # False: confirmed before as a run-on voice, and has paused since


@dataclass(frozen=True, slots=True)
class Paused:
    """The hangover has passed: perhaps the end of the utterance."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The caller goes on: it was not."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class CallerAudio:
    utterance_id: int
    mulaw_8k: bytes


@dataclass(frozen=True, slots=True)
class Discarded:
    """It was no voice."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The utterance is over; ``speech_frames`` from onset to its last voice, then ``silence_frames``.

    ``closing``: by what its words were then.
    """

    utterance_id: int
    speech_frames: int
    silence_frames: int
    closing: Closing = field(default=Closing.ORDINARY, compare=False)  # tells why, and not what


Heard = Onset | Confirmed | Paused | Resumed | CallerAudio | Discarded | Ended


class EchoSuspect:
    """Tells echo that is too short for its words to tell (E3); a caller who hums is none.

    Two utterances in a row that stopped playout, ended with it and carried no words of the caller's are echo.
    """

    def __init__(self) -> None:
        self._during_playout = False  # the utterance began then
        self._ended_with_playout = False  # the last one did both
        self._in_a_row = 0
        self._stopped_at = 0  # frame of the utterance at which playout stopped for it

    def began(self, *, during_playout: bool) -> None:
        self._during_playout, self._stopped_at = during_playout, 0

    def playout_stopped(self, at_frame: int) -> None:
        """Later than it was confirmed, where the agent was lower first."""
        self._stopped_at = at_frame

    def ended(self, speech_frames: int, confirmed_at: int) -> None:
        """``speech_frames``: to its last voice; playout stopped, or was lowered, once it was confirmed."""
        short = speech_frames - max(confirmed_at, self._stopped_at) <= ECHO_DIES_FRAMES
        self._ended_with_playout, self._during_playout = self._during_playout and short, False

    def is_echo(self, *, of_the_caller: bool) -> bool:
        """The last utterance is, given whether its words are the caller's own."""
        self._in_a_row = 0 if of_the_caller or not self._ended_with_playout else self._in_a_row + 1
        return self._in_a_row >= ECHOES_IN_A_ROW


class Segmenter:
    """Not thread-safe: the caller holds the call's lock."""

    def __init__(self, params: EndpointingParams, vad: Vad) -> None:
        self._vad = vad
        self._endpointer = Endpointer(params)
        self._audio = UtteranceAudio()
        self._voice = VoiceLevel()
        self._last_voice = VoiceLevel()
        self._caller = CallerLevel()
        self._suspect = EchoSuspect()
        self._closing = Closing.ORDINARY  # before the newest frame
        self.utterance_id = 0

    @property
    def phase(self) -> Phase:
        return self._endpointer.phase

    @property
    def run_on(self) -> bool:
        """The voice heard now ran through a forced end and has not paused since."""
        return self._endpointer.run_on

    @property
    def paused_for(self) -> int:
        """Frames since a confirmed voice was heard, once they are more than the hangover; else 0."""
        return self._endpointer.paused_for

    def close_after(self, closing: Closing) -> None:
        """The words so far of the utterance being heard say how much silence ends it (A7)."""
        self._endpointer.close_after(closing)

    @property
    def unconfirmed(self) -> bool:
        """Something is heard that may turn out to be a voice."""
        return self._endpointer.phase is PROVISIONAL and not self._endpointer.run_on

    @property
    def voice_frames(self) -> int:
        """From the onset to the last voice of a confirmed utterance; 0 while there is none."""
        return self._endpointer.voice_frames

    def feed(self, frame: FrameHeard, threshold: OnsetThreshold, *, lower: bool = False) -> list[Heard]:
        """Account for one frame; return what it changed, in order.

        ``lower``: our voice is lower than it will be, so that its echo tells nothing.
        """
        during_playout = threshold is DURING_PLAYOUT
        rms, phase = frame.rms, self._endpointer.phase
        verdict = self._vad.judge(rms, frame.speech, during_playout=during_playout, near=self._caller.least)
        self._caller.tick()
        idle = phase is IDLE
        if not during_playout and phase is not CONFIRMED:
            self._vad.room.learn(rms, speech=verdict.speech)
        self._audio.feed(frame.mulaw_8k)
        if verdict.voiced:
            self._voice.add(rms)
        elif idle and self._voice.frames and threshold is not REFRACTORY:
            self._voice = VoiceLevel()  # behind our voice an onset is judged late, on what went before
        background = phase is PROVISIONAL and self._caller.is_background(self._voice.rms)
        if during_playout:  # what cannot stop playout confirms nothing: echo, somebody else in the room
            verdict = VERDICTS[verdict.loud, verdict.speech, verdict.loud, verdict.speaking]
        self._closing = self._endpointer.closing
        endpoint = self._endpointer.feed(verdict, threshold, background)
        if endpoint is Endpoint.ONSET:
            self._vad.echo.voice_began()
            self._suspect.began(during_playout=during_playout)
        elif idle and during_playout and not lower:
            self._vad.echo.learn(rms, loud=verdict.loud)
        if endpoint is not None:
            return self._changes(endpoint)
        return self._chunk() if phase is CONFIRMED and self._audio.has_chunk else []

    def playout_stopped(self) -> None:
        """For the utterance being heard."""
        self._suspect.playout_stopped(self.voice_frames)

    def end_now(self) -> list[Heard]:
        """The keypad spoke: what was being said is over (F5)."""
        ended = self._endpointer.end_now()
        return self._changes(ended) if ended is not None else []

    def last_was_echo(self) -> None:
        """The last utterance was the agent's voice: raise the onset threshold above it."""
        self._vad.echo.was_echo(self._last_voice.newest)

    def last_had_words(self, *, of_the_caller: bool) -> None:
        """The words of the last utterance are known: the caller's own, or none that tell."""
        self._endpointer.pauses.words_known(of_the_caller=of_the_caller)
        if self._suspect.is_echo(of_the_caller=of_the_caller):
            self.last_was_echo()

    def last_said_again(self) -> None:
        """The last utterance was the same words again: the caller has not paused before it."""
        self._endpointer.pauses.said_again()

    def _changes(self, endpoint: Endpoint) -> list[Heard]:
        match endpoint:
            case Endpoint.ONSET:
                return self._opened()
            case Endpoint.CONFIRMED:
                return [Confirmed(self.utterance_id, not self.run_on), *self._chunk()]
            case Endpoint.PAUSED:
                return [*self._chunk(all_of_it=True), Paused(self.utterance_id)]
            case Endpoint.RESUMED:
                return [Resumed(self.utterance_id), *self._chunk()]
            case Endpoint.PAUSED_AND_RESUMED:
                resumed = Resumed(self.utterance_id)
                return [resumed, Confirmed(self.utterance_id, True, first_time=False), *self._chunk()]
            case Endpoint.DISCARDED:
                self._audio.close(discarded=True)
                self._voice = VoiceLevel()
                return [Discarded(self.utterance_id)]
            case Endpoint.ENDED | Endpoint.ENDED_RUNNING_ON:
                return self._ended(runs_on=endpoint is Endpoint.ENDED_RUNNING_ON)

    def _opened(self) -> list[Heard]:
        self.utterance_id += 1
        self._audio.open(self._endpointer.onset_frames)
        return [Onset(self.utterance_id)]

    def _ended(self, *, runs_on: bool) -> list[Heard]:
        self._caller.learn(self._voice.rms)
        self._last_voice, self._voice = self._voice, VoiceLevel()
        heard: list[Heard] = [*self._chunk(all_of_it=True)]
        endpointer = self._endpointer
        self._suspect.ended(endpointer.speech_frames, endpointer.judged_frames)
        speech_frames, silence_frames = endpointer.speech_frames, endpointer.silence_frames
        heard.append(Ended(self.utterance_id, speech_frames, silence_frames, self._closing))
        self._audio.close(discarded=False)
        if runs_on:
            self.utterance_id += 1
            self._audio.open(0)
        return heard

    def _chunk(self, *, all_of_it: bool = False) -> list[Heard]:
        audio = self._audio.take_chunk(all_of_it=all_of_it)
        return [CallerAudio(self.utterance_id, audio)] if audio else []
