"""One utterance on its way through the ears: audio in from RX, transcripts out as events."""

import logging
from collections.abc import Callable, Iterator

from server.core.conversation import Expected
from server.core.events import EarsFailed, Event, WordsGuessed, WordsHeard
from server.engines.base import EngineError, Recognition, Recognizer, Transcript
from server.engines.chain import Chain
from server.runtime import Runtime
from server.streams import cancel_safely

log = logging.getLogger("agent")

STREAM_TIMEOUT_S = 150.0  # of one utterance: twice MAX_UTT_SEC at its largest, and then some


class UtteranceEars:
    """Tries the recognisers in order; the next one gets the audio that the last one failed on.

    Everything but the reading thread runs under the call's lock and never blocks; ``post`` is called from
    that thread, without the lock. Posts WordsHeard or EarsFailed once, unless dropped before.
    """

    def __init__(
        self,
        runtime: Runtime,
        recognizers: Chain[Recognizer],
        utterance_id: int,
        open_with: tuple[Expected, int],
        post: Callable[[Event], None],
    ) -> None:
        self._tries = recognizers.tries()
        self._utterance_id = utterance_id
        self._expected, self._turn_number = open_with
        self._post = post
        self._audio = bytearray()  # what a fallback would need to hear again
        self._finished = self._dropped = False
        self._lock = runtime.condition()  # guards the three above and the hand-over to a fallback
        self._told = False  # the outcome was posted, or came too late
        self._try = next(self._tries)
        self._recognition = self._open()
        self.tasks = [runtime.spawn(f"ears-{utterance_id}", self._read)]

    def feed(self, mulaw_8k: bytes) -> None:
        with self._lock:
            self._audio += mulaw_8k
            self._tell(lambda: self._recognition.feed(mulaw_8k))

    def finish(self) -> None:
        """The utterance is over; the transcript is awaited."""
        with self._lock:
            self._finished = True
            self._tell(self._recognition.finish)

    def late(self) -> None:
        """The call waits no more; ``drop`` follows."""
        if not self._told:
            self._told = True
            self._try.failed("no transcript in time")

    def drop(self) -> None:
        """Nobody wants the transcript any more. Idempotent, any thread."""
        with self._lock:
            self._dropped = True
            cancel_safely(self._recognition)

    @property
    def at_work(self) -> str:
        """The name of the recogniser that is listening."""
        return self._try.engine.name

    def _open(self) -> Recognition:
        try:
            return self._try.engine.open(self._expected, self._turn_number, STREAM_TIMEOUT_S)
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
                if not self._told:  # else it was too late, and that counts
                    self._try.untried()
                return
            if heard is not None:
                self._try.worked()
                self._tell_call(heard)
                return
            cancel_safely(self._recognition)
            self._try.failed(complaint)
            complaints.append(f"{self.at_work}: {complaint}")
        if not self._dropped:
            self._tell_call(EarsFailed(self._utterance_id, "; ".join(complaints)))

    def _heard(self) -> tuple[WordsHeard | None, str]:
        """What the recogniser at work makes of it, or what it complains of."""
        try:
            return self._listen(self._recognition), ""
        except EngineError as error:
            return None, str(error)
        except Exception as error:  # the thread's edge: an engine's own bug is a failed engine
            return None, f"{type(error).__name__}: {error}"

    def _tell_call(self, outcome: WordsHeard | EarsFailed) -> None:
        self._told = True
        self._post(outcome)

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
            if self._finished:
                self._recognition.finish()
            return True

    def _listen(self, recognition: Recognition) -> WordsHeard:
        finals: list[Transcript] = []
        guess = ""
        for transcript in recognition:
            if self._dropped:
                break
            words = [final.text.strip() for final in finals] + [transcript.text.strip()]
            if transcript.is_final:
                finals.append(transcript)
            guess = " ".join(filter(None, words))
            self._post(WordsGuessed(self._utterance_id, guess))
        sure = [final.confidence for final in finals if final.confidence is not None]
        text = " ".join(filter(None, (final.text.strip() for final in finals)))
        # Without a final the last partial is the transcript (E1).
        return WordsHeard(self._utterance_id, text if finals else guess, min(sure, default=None))


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
