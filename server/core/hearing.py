"""The agent's hearing: frames in; onsets, audio for the ears, and ends of utterances out (A1-A6, C5)."""

from dataclasses import dataclass

from server.core.endpointing import Bar, Endpoint, Endpointer, EndpointingParams, Phase
from server.core.events import FrameHeard
from server.core.utterance import CallerLevel, UtteranceAudio, VoiceLevel
from server.core.vad import Judges


@dataclass(frozen=True, slots=True)
class Onset:
    """Perhaps a voice."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A voice. ``may_take_the_floor`` is False for the rest of one that never paused (A4)."""

    utterance_id: int
    may_take_the_floor: bool
    first_time: bool = True  # False: confirmed before as a run-on voice, and has paused since


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
    """The utterance is over; ``speech_frames`` from onset to its last voice, then ``silence_frames``."""

    utterance_id: int
    speech_frames: int
    silence_frames: int


Heard = Onset | Confirmed | CallerAudio | Discarded | Ended


class Hearing:
    """Not thread-safe: the caller holds the call's lock."""

    def __init__(self, params: EndpointingParams, judges: Judges) -> None:
        self._judges = judges
        self._endpointer = Endpointer(params)
        self._audio = UtteranceAudio()
        self._voice = VoiceLevel()
        self._last_voice_rms = 0.0
        self._caller = CallerLevel()
        self.utterance_id = 0

    @property
    def phase(self) -> Phase:
        return self._endpointer.phase

    @property
    def run_on(self) -> bool:
        """The voice heard now ran through a forced end and has not paused since."""
        return self._endpointer.run_on

    @property
    def unconfirmed(self) -> bool:
        """Something is heard that may turn out to be a voice."""
        return self._endpointer.phase is Phase.PROVISIONAL and not self._endpointer.run_on

    def feed(self, frame: FrameHeard, bar: Bar) -> list[Heard]:
        """Account for one frame; return what it changed, in order."""
        verdict = self._judges.judge(frame.rms, frame.speech)
        self._caller.tick()
        idle = self.phase is Phase.IDLE
        self._audio.feed(frame.mulaw_8k)
        if verdict.voiced:
            self._voice.add(frame.rms)
        elif idle and bar is not Bar.REFRACTORY:  # there an onset is judged late, on what went before
            self._voice = VoiceLevel()
        background = self._caller.is_background(self._voice.rms)
        endpoint = self._endpointer.feed(verdict, bar, background)
        if endpoint is Endpoint.ONSET:
            self._judges.echo.voice_began()
        elif idle and bar is Bar.OVER_US:
            self._judges.echo.learn(frame.rms, loud=verdict.loud)
        return self._changes(endpoint)

    def end_now(self) -> list[Heard]:
        """The keypad spoke: what was being said is over (F5)."""
        phase = self.phase
        self._endpointer.reset()
        if phase is Phase.CONFIRMED:
            return self._changes(Endpoint.ENDED)
        return self._changes(Endpoint.DISCARDED) if phase is Phase.PROVISIONAL else []

    def last_was_echo(self) -> None:
        """The last utterance was our own voice: raise the bar above it."""
        self._judges.echo.was_echo(int(self._last_voice_rms))

    def _changes(self, endpoint: Endpoint | None) -> list[Heard]:
        match endpoint:
            case None:
                return self._chunk() if self.phase is Phase.CONFIRMED else []
            case Endpoint.ONSET:
                return self._opened()
            case Endpoint.CONFIRMED:
                return [Confirmed(self.utterance_id, not self.run_on), *self._chunk()]
            case Endpoint.PAUSED_AND_RESUMED:
                return [Confirmed(self.utterance_id, True, first_time=False), *self._chunk()]
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
        self._last_voice_rms, self._voice = self._voice.rms, VoiceLevel()
        heard: list[Heard] = [*self._chunk(all_of_it=True)]
        endpointer = self._endpointer
        heard.append(Ended(self.utterance_id, endpointer.speech_frames, endpointer.silence_frames))
        self._audio.close(discarded=False)
        if runs_on:
            self.utterance_id += 1
            self._audio.open(0)
        return heard

    def _chunk(self, *, all_of_it: bool = False) -> list[Heard]:
        audio = self._audio.take_chunk(all_of_it=all_of_it)
        return [CallerAudio(self.utterance_id, audio)] if audio else []
