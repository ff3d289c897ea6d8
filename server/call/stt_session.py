"""The recognition of one utterance: audio in from RX, transcripts out as events."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Protocol

from server.providers.asked import Told, nobody
from server.providers.base import ProviderError, Recognition, Stt, TellsAtAPause, Transcript
from server.providers.deadlines import cancel_safely
from server.providers.fallback import FallbackChain, NoneWorked, Try, first_that_works
from server.runtime.threads import Runtime, Task
from server.turns.effects import Expected
from server.turns.events import Event, FinalTranscript, InterimTranscript, SttFailed

log = logging.getLogger("agent")

STREAM_TIMEOUT_S = 150.0  # of one utterance: twice MAX_UTT_SEC at its largest, and then some


class Post(Protocol):
    """Hand an event to the core, unless ``wanted``, asked under the call's lock, says no. Any thread."""

    def __call__(self, event: Event, wanted: Callable[[], bool] | None = None) -> None: ...


class State(Enum):
    """How far one reading of an utterance is."""

    OPEN = auto()  # it takes audio
    FINISHED = auto()  # no more audio: the transcript is awaited
    TOLD = auto()  # its outcome was posted, or came too late
    CANCELLED = auto()  # nobody wants the transcript


@dataclass
class Reading:
    """One reading of an utterance, from its start to its transcript, by one recogniser after the other."""

    state: State = State.OPEN
    attempt: Try[Stt] | None = None  # until its thread runs
    recognition: Recognition | None = None  # likewise, and while none could be started


class SttSession:
    """Recognises one utterance, and alone keeps its audio; begins when it is made.

    A recogniser with interim results just goes on over a pause (B3). One that speaks only at the end is told
    at a pause that this was the end. When the caller goes on all the same, a new reading hears the utterance
    again from its start: no word is cut in two. A recogniser that fails is followed by the next one, which
    hears the audio from the start too.

    Posts FinalTranscript or SttFailed once a reading, unless that is cancelled before. Every method is called
    with the call's lock held, and never blocks.
    """

    def __init__(
        self,
        runtime: Runtime,
        recognizers: FallbackChain[Stt],
        utterance_id: int,
        start_with: tuple[Expected, int],
        post: Post,
        told: Told = nobody,
    ) -> None:
        """``start_with``: what the caller is expected to say, and the number of the turn.

        ``told``: what came of each recogniser.
        """
        self._runtime = runtime
        self._recognizers = recognizers
        self._utterance_id = utterance_id
        self._start_with = start_with
        self._post = post
        self._told = told
        self._audio = bytearray()  # of the whole utterance, μ-law 8 kHz
        self._lock = runtime.condition()  # guards the audio and the reading between RX and reading threads
        self.tasks: list[Task] = []
        self._reading = self._read_from_start()

    def feed(self, mulaw_8k: bytes) -> None:
        """More audio. After ``flush`` only the next reading hears it, should the caller resume."""
        with self._lock:
            self._audio += mulaw_8k
            reading = self._reading
            if reading.state is State.OPEN and reading.recognition is not None:
                self._tell(partial(reading.recognition.feed, mulaw_8k))

    def flush(self) -> None:
        """The utterance pauses: its words so far are wanted, if they do not come anyway."""
        attempt = self._reading.attempt  # None: its thread has not begun
        provider = self._recognizers.first if attempt is None else attempt.provider
        if not provider.guesses:
            self.finish()
        elif isinstance(recognition := self._reading.recognition, TellsAtAPause):
            self._tell(recognition.flush)

    def resume(self) -> None:
        """The caller goes on."""
        reading = self._reading
        if reading.state is not State.OPEN:
            self.cancel()
            self._reading = self._read_from_start()
        elif isinstance(reading.recognition, TellsAtAPause):
            self._tell(reading.recognition.resume)

    def finish(self) -> None:
        """The utterance is over: the transcript is awaited, unless it was posted already. Idempotent."""
        with self._lock:
            reading = self._reading
            if reading.state is State.OPEN:
                reading.state = State.FINISHED
                if reading.attempt is not None:
                    reading.attempt.awaited()
                if reading.recognition is not None:
                    self._tell(reading.recognition.finish)

    def late(self) -> None:
        """The call waits no longer: the recogniser at work has failed. ``cancel`` follows."""
        reading = self._reading
        if reading.state is not State.TOLD:
            reading.state = State.TOLD
            if reading.attempt is not None:
                reading.attempt.failed("no transcript in time")

    def cancel(self) -> None:
        """Nobody wants the transcript any more. Idempotent."""
        with self._lock:
            reading = self._reading
            reading.state = State.CANCELLED
            if reading.recognition is not None:
                cancel_safely(reading.recognition)

    @property
    def done(self) -> bool:
        """The transcript, up to the pause at least, was posted."""
        return self._reading.state is State.TOLD

    @property
    def at_work(self) -> str:
        """The name of the recogniser that is at work; empty before there is one."""
        attempt = self._reading.attempt
        return attempt.provider.name if attempt is not None else ""

    def _read_from_start(self) -> Reading:
        reading = Reading()
        self.tasks.append(self._runtime.spawn(f"stt-{self._utterance_id}", partial(self._read, reading)))
        return reading

    def _tell(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # its reader fails too, or its deadline passes: either is dealt with there
            log.exception("ENGINE_ERR stt")

    # ---- the reading thread ----

    def _read(self, reading: Reading) -> None:
        def wanted() -> bool:
            return reading.state is not State.CANCELLED

        outcome: FinalTranscript | SttFailed
        try:
            ask = partial(self._recognize, reading)
            outcome = first_that_works(self._recognizers, ask, wanted=wanted, told=self._told)
        except NoneWorked as failed:
            outcome = SttFailed(self._utterance_id, failed.complaint)
        with self._lock:
            if not wanted():
                return
            reading.state = State.TOLD
        self._post_of(reading, outcome)

    def _recognize(self, reading: Reading, attempt: Try[Stt]) -> FinalTranscript:
        """Raises whatever the recogniser raises."""
        recognition = self._start(reading, attempt)
        try:
            transcript = self._transcript(reading, recognition)
            attempt.answers()
            return transcript
        except Exception:
            cancel_safely(recognition)
            raise

    def _start(self, reading: Reading, attempt: Try[Stt]) -> Recognition:
        """A recognition that has heard all of the audio so far; RX feeds it from now on."""
        with self._lock:
            if reading.state is State.CANCELLED:
                raise ProviderError("cancelled")
            reading.attempt, reading.recognition = attempt, None
            reading.recognition = recognition = attempt.provider.start(*self._start_with, STREAM_TIMEOUT_S)
            if self._audio:  # none: there was no voice yet
                recognition.feed(bytes(self._audio))
            if reading.state is State.FINISHED:
                recognition.finish()
        return recognition

    def _transcript(self, reading: Reading, transcripts: Iterable[Transcript]) -> FinalTranscript:
        finals: list[Transcript] = []
        interim = ""
        for transcript in transcripts:
            if reading.state is State.CANCELLED:
                break
            words = [final.text.strip() for final in finals] + [transcript.text.strip()]
            if transcript.is_final:
                finals.append(transcript)
            interim = " ".join(filter(None, words))
            self._post_of(reading, InterimTranscript(self._utterance_id, interim, transcript.ends))
        sure = [final.confidence for final in finals if final.confidence is not None]
        text = " ".join(filter(None, (final.text.strip() for final in finals)))
        # Without a final the last interim transcript is the transcript (E1).
        return FinalTranscript(self._utterance_id, text if finals else interim, min(sure, default=None))

    def _post_of(self, reading: Reading, event: Event) -> None:
        # What an earlier reading still had to say is about less than the caller has said.
        self._post(event, lambda: reading is self._reading)
