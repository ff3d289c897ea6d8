"""One utterance on its way through the STT: audio in from RX, transcripts out as events."""

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from server.call.deadlines import cancel_safely
from server.providers.base import ProviderError, Recognition, Stt, Transcript
from server.providers.fallback import FallbackChain
from server.runtime.threads import Runtime, Task
from server.turns.effects import Expected
from server.turns.events import Event, FinalTranscript, InterimTranscript, SttFailed

log = logging.getLogger("agent")

STREAM_TIMEOUT_S = 150.0  # of one utterance: twice MAX_UTT_SEC at its largest, and then some


class Post(Protocol):
    """Hand an event to the core, unless ``wanted``, asked under the call's lock, says no."""

    def __call__(self, event: Event, wanted: Callable[[], bool] | None = None) -> None: ...


class SttSession:
    """The STT of one utterance; also of its words so far, at a pause (B3).

    A recogniser that guesses while it listens just goes on. One that speaks only at the end is told at a
    pause that this was the end. When the caller goes on all the same, a new stream hears the utterance again
    from its start: no word is cut in two.

    Every method is called with the call's lock held, and never blocks.
    """

    def __init__(
        self,
        runtime: Runtime,
        recognizers: FallbackChain[Stt],
        utterance_id: int,
        open_with: tuple[Expected, int],
        post: Post,
    ) -> None:
        def listen() -> Listening:
            listening = Listening(runtime, recognizers, utterance_id, open_with, self._heard)
            self.tasks.append(listening.task)
            return listening

        self._utterance_id = utterance_id
        self._post = post
        self._listen = listen
        self._audio = bytearray()  # of the whole utterance
        self.tasks: list[Task] = []
        self._listening = listen()

    def feed(self, mulaw_8k: bytes) -> None:
        self._audio += mulaw_8k
        self._listening.feed(mulaw_8k)

    def hear_so_far(self) -> None:
        """The utterance pauses: its words so far are wanted, if it is not guessed at anyway."""
        if not self._listening.guesses:
            self._listening.finish()

    def hear_on(self) -> None:
        """It goes on."""
        if not self._listening.finished and not self._listening.told:
            return
        self._listening.drop()
        self._listening = self._listen()
        self._listening.feed(bytes(self._audio))

    def finish(self) -> None:
        """The utterance is over; the transcript is awaited, unless it was posted already."""
        self._listening.finish()

    @property
    def done(self) -> bool:
        """Its words, up to the pause at least, were posted."""
        return self._listening.told

    def late(self) -> None:
        """The call waits no more; ``drop`` follows."""
        self._listening.late()

    def drop(self) -> None:
        """Nobody wants the transcript any more. Idempotent."""
        self._listening.drop()

    @property
    def at_work(self) -> str:
        """The name of the recogniser that is listening."""
        return self._listening.at_work

    def _heard(self, listening: "Listening", event: Event) -> None:
        # What an earlier stream still had to say is about less than the caller has said.
        self._post(event, lambda: listening is self._listening)


class Listening:
    """Tries the recognisers in order; the next one gets the audio that the last one failed on.

    Everything but the reading thread runs under the call's lock and never blocks; ``tell`` is called from
    that thread, without the lock. Tells FinalTranscript or SttFailed once, unless dropped before.
    """

    def __init__(
        self,
        runtime: Runtime,
        recognizers: FallbackChain[Stt],
        utterance_id: int,
        open_with: tuple[Expected, int],
        tell: Callable[["Listening", Event], None],
    ) -> None:
        self._tries = recognizers.tries()
        self._utterance_id = utterance_id
        self._expected, self._turn_number = open_with
        self._tell_call = tell
        self._audio = bytearray()  # what a fallback would need to hear again
        self.finished = self._dropped = False
        self._lock = runtime.condition()  # guards the three above and the hand-over to a fallback
        self.told = False  # the outcome was told, or came too late
        self._try = next(self._tries)
        self._recognition = self._open()
        self.task = runtime.spawn(f"stt-{utterance_id}", self._read)

    def feed(self, mulaw_8k: bytes) -> None:
        """Ignored once finished or told: what follows is silence, or is heard by another stream."""
        with self._lock:
            if not self.finished and not self.told:
                self._audio += mulaw_8k
                self._tell(lambda: self._recognition.feed(mulaw_8k))

    def finish(self) -> None:
        """No more audio; the transcript is awaited. Idempotent."""
        with self._lock:
            if not self.finished:
                self.finished = True
                self._tell(self._recognition.finish)

    def late(self) -> None:
        """The call waits no more; ``drop`` follows."""
        if not self.told:
            self.told = True
            self._try.failed("no transcript in time")

    def drop(self) -> None:
        """Nobody wants the transcript any more. Idempotent, any thread."""
        with self._lock:
            self._dropped = True
            cancel_safely(self._recognition)

    @property
    def at_work(self) -> str:
        return self._try.provider.name

    @property
    def guesses(self) -> bool:
        """The recogniser at work has partials while it listens."""
        return self._try.provider.guesses

    def _open(self) -> Recognition:
        try:
            return self._try.provider.open(self._expected, self._turn_number, STREAM_TIMEOUT_S)
        except Exception as error:  # it is read like any other stream, and fails there
            return _Unopened(error)

    def _tell(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # its reader fails too, or its deadline passes: either is dealt with there
            log.exception("ENGINE_ERR ears")

    def _read(self) -> None:
        complaints: list[str] = []
        while not complaints or self._hand_over():
            heard, complaint = self._heard()
            if self._dropped:
                if not self.told:  # else it was too late, and that counts
                    self._try.untried()
                return
            if heard is not None:
                self._try.worked()
                self._done(heard)
                return
            cancel_safely(self._recognition)
            self._try.failed(complaint)
            complaints.append(f"{self.at_work}: {complaint}")
        if not self._dropped:
            self._done(SttFailed(self._utterance_id, "; ".join(complaints)))

    def _heard(self) -> tuple[FinalTranscript | None, str]:
        """What the recogniser at work makes of it, or what it complains of."""
        try:
            return self._listen(self._recognition), ""
        except ProviderError as error:
            return None, str(error)
        except Exception as error:  # the thread's edge: an engine's own bug is a failed engine
            return None, f"{type(error).__name__}: {error}"

    def _done(self, outcome: FinalTranscript | SttFailed) -> None:
        self.told = True
        self._tell_call(self, outcome)

    def _hand_over(self) -> bool:
        """Go on with the next recogniser; False when there is none, or nobody waits any more."""
        with self._lock:
            following = None if self._dropped else next(self._tries, None)
            if following is None:
                return False
            self._try = following
            self._recognition = self._open()
            if self._audio:  # none: it failed before there was a voice
                self._recognition.feed(bytes(self._audio))
            if self.finished:
                self._recognition.finish()
            return True

    def _listen(self, recognition: Recognition) -> FinalTranscript:
        finals: list[Transcript] = []
        guess = ""
        for transcript in recognition:
            if self._dropped:
                break
            words = [final.text.strip() for final in finals] + [transcript.text.strip()]
            if transcript.is_final:
                finals.append(transcript)
            guess = " ".join(filter(None, words))
            self._tell_call(self, InterimTranscript(self._utterance_id, guess))
        sure = [final.confidence for final in finals if final.confidence is not None]
        text = " ".join(filter(None, (final.text.strip() for final in finals)))
        # Without a final the last partial is the transcript (E1).
        return FinalTranscript(self._utterance_id, text if finals else guess, min(sure, default=None))


class _Unopened:
    """A recognition that could not be opened."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def feed(self, mulaw_8k: bytes) -> None:
        pass

    def finish(self) -> None:
        pass

    def __iter__(self) -> Iterator[Transcript]:
        raise self._error

    def cancel(self) -> None:
        pass
