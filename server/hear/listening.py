"""Recordings given to STTs as a call gives them its audio: 20 ms every 20 ms, a few recordings at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from server.audio.frames import FRAME_BYTES, FRAME_MS, level_rms
from server.hear.recording import Recording
from server.providers.base import Recognition, Stt
from server.providers.deadlines import cancel_safely, load_in_time
from server.runtime.threads import Runtime
from server.turns.effects import Expected

AT_ONCE = 4  # recordings that one STT hears at a time
LAST_WORD_S = 10.0  # that an STT has behind the end of the audio
LOAD_S = 30.0
FRAME_S = FRAME_MS / 1000


@dataclass(frozen=True)
class Heard:
    """Of one recording by one STT. ``problem``: why nothing, or not all, was heard; else "".

    ``first_ms``: from the first voice to the first interim words, None without any. ``final_ms``: from the
    end of the audio to the end of the STT's work. Both None when the audio was not given at its own pace.
    """

    text: str = ""
    first_ms: int | None = None
    final_ms: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Manner:
    """How recordings are heard. ``voice_rms``: the level on the PCM16 scale from which a frame is a voice."""

    voice_rms: int
    fast: bool = False  # as fast as it goes, not at the audio's own pace


class _Reading:
    """Reads one recognition on a thread of its own. ``over`` is set when it has ended, well or not."""

    def __init__(self, runtime: Runtime, recognition: Recognition) -> None:
        self.finals: list[str] = []
        self.first_at: float | None = None
        self.ended_at: float | None = None
        self.problem = ""
        self.over = runtime.event()
        self._clock = runtime.clock
        self._recognition = recognition
        runtime.spawn("hear", self._read)

    def _read(self) -> None:
        try:
            for transcript in self._recognition:
                if transcript.is_final:
                    self.finals.append(transcript.text)
                elif self.first_at is None and transcript.text.strip():
                    self.first_at = self._clock()
        except Exception as error:  # whatever an STT raises is what this is here to show
            self.problem = str(error) or type(error).__name__
        self.ended_at = self._clock()
        self.over.set()


def listen(runtime: Runtime, stt: Stt, recording: Recording, number: int, manner: Manner) -> Heard:
    """Block until ``stt`` has heard the whole recording, or failed. ``number``: of the recording, from 1."""
    try:
        recognition = stt.start(Expected(), number, recording.seconds + LAST_WORD_S)
    except Exception as error:
        return Heard(problem=str(error) or type(error).__name__)
    reading = _Reading(runtime, recognition)
    began = runtime.clock()
    try:
        whole = _feed(runtime, reading, recognition, recording, manner)
        ended = runtime.clock()
        late = not reading.over.wait(LAST_WORD_S + (recording.seconds if manner.fast else 0))
    except Exception as error:
        cancel_safely(recognition)
        return Heard(problem=str(error) or type(error).__name__)
    cancel_safely(recognition)
    text = " ".join(filter(None, (final.strip() for final in reading.finals)))
    if late:
        return Heard(text, problem=f"not done {LAST_WORD_S:.0f} s after the end of the audio")
    problem = reading.problem or ("" if whole else "ended before the audio did")
    if manner.fast:
        return Heard(text, problem=problem)
    voice_at = began + _onset(recording.mulaw_8k, manner.voice_rms) * FRAME_S
    first_ms, final_ms = _ms(voice_at, reading.first_at), _ms(ended, reading.ended_at)
    return Heard(text, first_ms, None if problem else final_ms, problem)


def _feed(
    runtime: Runtime, reading: _Reading, recognition: Recognition, recording: Recording, manner: Manner
) -> bool:
    """By the clock, so that a late wake-up does not add up. False: the STT ended before all was given."""
    began = runtime.clock()
    for number, start in enumerate(range(0, len(recording.mulaw_8k), FRAME_BYTES), start=1):
        recognition.feed(recording.mulaw_8k[start : start + FRAME_BYTES])
        if not manner.fast and reading.over.wait(max(0.0, began + number * FRAME_S - runtime.clock())):
            return number * FRAME_BYTES >= len(recording.mulaw_8k)
    recognition.finish()
    return True


def _onset(mulaw_8k: bytes, voice_rms: int) -> int:
    """The number of the first frame that is loud enough for a voice; 0 without one."""
    starts = range(0, len(mulaw_8k), FRAME_BYTES)
    loud = (level_rms(mulaw_8k[start : start + FRAME_BYTES]) >= voice_rms for start in starts)
    return next((number for number, is_loud in enumerate(loud) if is_loud), 0)


def _ms(since: float, at: float | None) -> int | None:
    return None if at is None else max(0, round((at - since) * 1000))


class _Work:
    """What one STT hears of all recordings, AT_ONCE of them at a time."""

    def __init__(self, runtime: Runtime, stt: Stt, recordings: Sequence[Recording], manner: Manner) -> None:
        self._runtime = runtime
        self._stt = stt
        self._recordings = recordings
        self._manner = manner
        self._taken = count()  # next() is atomic
        self._done = [runtime.event() for _ in recordings]
        self._heard = [Heard() for _ in recordings]
        self._not_loaded = _why_not_loaded(runtime, stt)
        for _ in range(min(AT_ONCE, len(recordings))):
            runtime.spawn("hear", self._work)

    def heard(self, place: int) -> Heard:
        """Block for what was heard of the recording at ``place``."""
        self._done[place].wait()
        return self._heard[place]

    def _work(self) -> None:
        while (place := next(self._taken)) < len(self._recordings):
            self._heard[place] = (
                Heard(problem=self._not_loaded)
                if self._not_loaded
                else listen(self._runtime, self._stt, self._recordings[place], place + 1, self._manner)
            )
            self._done[place].set()


def _why_not_loaded(runtime: Runtime, stt: Stt) -> str:
    try:
        load_in_time(runtime, "hear", stt.warm, LOAD_S)
    except Exception as error:
        return str(error) or type(error).__name__
    return ""


def hear_all(
    runtime: Runtime, stts: Sequence[Stt], recordings: Sequence[Recording], manner: Manner
) -> Iterator[tuple[Recording, list[Heard]]]:
    """Each recording in order, with what each STT heard of it, as soon as it is known. Blocks."""
    works = [_Work(runtime, stt, recordings, manner) for stt in stts]
    for place, recording in enumerate(recordings):
        yield recording, [work.heard(place) for work in works]
