"""One utterance on its way through the ears: audio in from RX, transcripts out as events."""

import logging
from collections.abc import Callable, Iterator

from server.core.conversation import Expected
from server.core.events import EarsFailed, Event, WordsGuessed, WordsHeard
from server.engines.base import EngineError, Recognition, Recognizer, Transcript
from server.runtime import Runtime
from server.streams import cancel_safely

log = logging.getLogger("agent")

STREAM_TIMEOUT_S = 150.0  # of one utterance: twice MAX_UTT_SEC at its largest, and then some


class UtteranceEars:
    """Tries the recognisers in order; the next one gets the audio that the last one failed on.

    ``feed`` and ``finish`` are called under the call's lock and never block; ``post`` is called from the
    reading thread, without it. Posts WordsHeard or EarsFailed once, unless dropped before.
    """

    def __init__(
        self,
        runtime: Runtime,
        recognizers: tuple[Recognizer, ...],
        utterance_id: int,
        open_with: tuple[Expected, int],
        post: Callable[[Event], None],
    ) -> None:
        self._recognizers = recognizers
        self._utterance_id = utterance_id
        self._expected, self._turn_number = open_with
        self._post = post
        self._audio = bytearray()  # what a fallback would need to hear again
        self._finished = self._dropped = False
        self._lock = runtime.condition()  # guards the three above and the hand-over to a fallback
        self._recognition = self._open(0)
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

    def drop(self) -> None:
        """Nobody wants the transcript any more. Idempotent, any thread."""
        with self._lock:
            self._dropped = True
            cancel_safely(self._recognition)

    def _open(self, number: int) -> Recognition:
        try:
            return self._recognizers[number].open(self._expected, self._turn_number, STREAM_TIMEOUT_S)
        except Exception as error:  # it is read like any other stream, and fails there
            return _Unopened(error)

    def _tell(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # its reader fails too, or its deadline passes: either is dealt with there
            log.exception("ENGINE_ERR ears")

    def _read(self) -> None:
        complaint = ""
        for number, recognizer in enumerate(self._recognizers):
            if number and not self._hand_over(number):
                return
            try:
                self._listen(self._recognition)
                return
            except EngineError as error:
                complaint = f"{recognizer.name}: {error}"
            except Exception as error:  # the thread's edge: an engine's own bug is a failed engine
                complaint = f"{recognizer.name}: {type(error).__name__}: {error}"
            cancel_safely(self._recognition)
        if not self._dropped:
            self._post(EarsFailed(self._utterance_id, complaint))

    def _hand_over(self, number: int) -> bool:
        with self._lock:
            if self._dropped:
                return False
            self._recognition = self._open(number)
            self._recognition.feed(bytes(self._audio))
            if self._finished:
                self._recognition.finish()
            return True

    def _listen(self, recognition: Recognition) -> None:
        finals: list[Transcript] = []
        guess = ""
        for transcript in recognition:
            if self._dropped:
                return
            if transcript.is_final:
                finals.append(transcript)
            else:
                guess = " ".join([final.text for final in finals] + [transcript.text])
                self._post(WordsGuessed(self._utterance_id, guess))
        if not self._dropped:
            sure = [final.confidence for final in finals if final.confidence is not None]
            text = " ".join(final.text.strip() for final in finals).strip()
            # Without a final the last partial is the transcript (E1).
            self._post(WordsHeard(self._utterance_id, text if finals else guess, min(sure, default=None)))


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
