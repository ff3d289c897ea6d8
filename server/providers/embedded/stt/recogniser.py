"""The embedded STT as an engine: collects an utterance, then recognises it in one go."""

import itertools
import logging
import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16
from server.providers.base import ProviderError, Recognition, Transcript
from server.providers.batch_recognition import BatchRecognition
from server.providers.embedded.stt.decoder import Heard, SphinxDecoder
from server.providers.embedded.stt.grammar import Grammar, build_grammar, hebrew_lexicon
from server.runtime.native_calls import run_native
from server.runtime.oslock import os_lock
from server.turns.effects import Expected

log = logging.getLogger("agent")

DEFAULT_PHRASES = (
    *("כן", "לא", "נכון", "בסדר", "אוקיי", "רגע", "תודה", "להתראות", "נציג", "לדבר עם נציג"),
    *("לקנות", "לשכור", "אני רוצה לקנות דירה", "אני רוצה לשכור דירה", "אני מחפש דירה", "אני מחפשת דירה"),
    *("תל אביב", "ירושלים", "חיפה", "באר שבע", "אחד", "שניים", "שלושה", "ארבעה", "חמישה", "שישה"),
)
_DECODERS = 2  # the machine's cores are for pacing first; a third utterance waits some 50 ms
_LONGEST_BYTES = 20 * SAMPLE_RATE_HZ  # of one utterance; a phrase of the grammar takes under five seconds
_GRAMMARS = 64  # kept; a dialogue has about ten questions

# How a fit and a certainty (see ``Heard``) become a confidence: even odds, and how fast it changes there.
# From synthetic voices: at the default ASR_MIN_CONFIDENCE 5 % of the right phrases are refused, with them
# half of what is no phrase of the grammar and nearly half of the wrong phrases.
_EVEN_FIT, _FIT_STEP = -3.0, 0.15
_EVEN_CERTAINTY, _CERTAINTY_STEP = 0.42, 0.05


class EmbeddedStt:
    """Small-menu recognition, offline, any number of calls at a time; ``open`` from any thread.

    Confidence separates poorly between a phrase of the grammar and other speech; every answer is to
    be confirmed by the dialogue.
    """

    name = "embedded"
    guesses = False

    def __init__(self) -> None:
        self._pool = _DecoderPool(_DECODERS)

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> Recognition:
        """``expected.phrases`` are all that can be heard; without any, a small set of common ones."""
        phrases = expected.phrases or DEFAULT_PHRASES
        return BatchRecognition(partial(self._transcribe, phrases), timeout_s, _LONGEST_BYTES)

    def warm(self) -> None:
        """Load the tables and every decoder: some 50 ms. Raises ProviderError."""
        try:
            run_native(self._pool.warm)
        except (ImportError, ValueError, OSError, RuntimeError) as error:
            raise ProviderError(f"the embedded STT did not start: {error}") from error

    def _transcribe(
        self, phrases: tuple[str, ...], mulaw_8k: bytes, recognition: BatchRecognition
    ) -> Iterator[Transcript]:
        """A decode that is cancelled stops within a tenth of a second of its audio, some 10 ms."""
        try:
            heard = run_native(self._pool.recognise, mulaw_8k, phrases, lambda: recognition.cancelled)
        except (ImportError, ValueError, OSError, RuntimeError) as error:
            raise ProviderError(f"the embedded STT failed: {error}") from error
        if not recognition.cancelled:
            yield Transcript(heard.text, confidence=_confidence(heard))


class _DecoderPool:
    """A few decoders, each with a lock; utterances take them in turn. Inside ``run_native`` only.

    The locks are the operating system's: under gevent this code runs on native threads, where the
    patched locks of ``threading`` belong to another thread's hub and must not be waited for.
    """

    def __init__(self, size: int) -> None:
        self._locks = [os_lock() for _ in range(size)]
        self._decoders: list[SphinxDecoder | None] = [None] * size  # each under the lock of its place
        self._turns = itertools.count()  # next() is atomic

    def warm(self) -> None:
        hebrew_lexicon()
        for place in range(len(self._locks)):
            with self._locks[place]:
                self._decoder(place)

    def recognise(self, mulaw_8k: bytes, phrases: tuple[str, ...], cancelled: Callable[[], bool]) -> Heard:
        grammar = _grammar(phrases)
        place = next(self._turns) % len(self._locks)
        with self._locks[place]:
            return self._decoder(place).recognise(mulaw_to_pcm16(mulaw_8k), grammar, cancelled)

    def _decoder(self, place: int) -> SphinxDecoder:
        decoder = self._decoders[place]
        if decoder is None:
            decoder = self._decoders[place] = SphinxDecoder()
        return decoder


@lru_cache(maxsize=_GRAMMARS)
def _grammar(phrases: tuple[str, ...]) -> Grammar:
    grammar = build_grammar(phrases, hebrew_lexicon())
    if grammar.left_out:  # once a grammar, thanks to the cache
        log.warning("embedded STT cannot hear: %s", ", ".join(grammar.left_out))
    return grammar


def _confidence(heard: Heard) -> float:
    if not heard.text:
        return 0.0
    fits = _logistic((heard.fit - _EVEN_FIT) / _FIT_STEP)
    return fits * _logistic((heard.certainty - _EVEN_CERTAINTY) / _CERTAINTY_STEP)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, x))))
