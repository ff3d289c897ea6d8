"""Soniox's STT: one socket an utterance. Words come as tokens, the end of a turn by its meaning as one too.

start ⇒ audio… ⇒ tokens, perhaps ``<end>`` → finalize, end ⇒ the last tokens, ``<fin>``
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from server.audio.frames import MULAW_SILENCE, SAMPLE_RATE_HZ
from server.config import Config
from server.hebrew.understand.made_up import is_made_up
from server.logs.secrets import excerpt
from server.providers.base import ProviderError, Transcript, whole_of
from server.providers.is_hebrew import wrong_language
from server.providers.soniox.service import address_of, error_of
from server.providers.streaming.connection import Message
from server.providers.streaming.pool import Pool
from server.providers.streaming.recognition import SocketRecognition
from server.providers.stt_hints import first_within, phrases_or_none, read_phrases
from server.turns.effects import Expected

LANGUAGE = "he"
END, FIN = "<end>", "<fin>"  # the turn may end here; all that was sent is final
MAX_ENDPOINT_DELAY_MS = 2000  # Soniox's default; 500 is "too aggressive on phone-call audio" by its engineers
MAX_CONTEXT_CHARACTERS = 8000  # of some 10,000
END_OF_AUDIO = ""  # an empty text; an empty binary message ends nothing
WARM_TIMEOUT_S = 5.0
WARM_AUDIO = MULAW_SILENCE * (SAMPLE_RATE_HZ // 5)


class SonioxStt:
    """A Stt, and RecognizesWhole. Shared by all calls; any thread."""

    name = "soniox"
    guesses = True

    def __init__(self, config: Config) -> None:
        self._config = config

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> SocketRecognition:
        return self._open(expected, timeout_s)

    def recognize(self, mulaw_8k: bytes, expected: Expected, timeout_s: float) -> Transcript:
        return whole_of(self._open(expected, timeout_s), mulaw_8k)

    def warm(self) -> None:
        """Recognises 0.2 s of silence: key and model are known."""
        if self._config.asr_phrases_file:
            read_phrases(self._config.asr_phrases_file)
        self._phrases  # noqa: B018  # read now, not under the lock of the first call
        self.recognize(WARM_AUDIO, Expected(), WARM_TIMEOUT_S)

    def _open(self, expected: Expected, timeout_s: float) -> SocketRecognition:
        terms = tuple(dict.fromkeys((*self._phrases, *expected.phrases)))
        model = self._config.soniox_stt_model
        return SocketRecognition(self._pool, lambda: SonioxHearing(model, terms), timeout_s)

    @cached_property
    def _pool(self) -> Pool:
        """Keeps nothing: a socket has one session. Raises ProviderError."""
        return Pool(address_of(self._config, self._config.soniox_stt_url, "SONIOX_STT_URL"), most_idle=0)

    @cached_property
    def _phrases(self) -> tuple[str, ...]:
        return phrases_or_none(self._config.asr_phrases_file)


class SonioxHearing:
    """The protocol for one utterance. ``terms``: names that callers say."""

    def __init__(self, model: str, terms: tuple[str, ...]) -> None:
        self._model = model
        self._terms = terms
        self._final = ""  # tokens that will not change
        self._confidences: list[float] = []
        self.ready = True
        self.waits = self.over = False

    def opening(self) -> Sequence[Message]:
        start: dict[str, Any] = {
            "model": self._model,
            "audio_format": "mulaw",
            "sample_rate": SAMPLE_RATE_HZ,
            "num_channels": 1,
            "language_hints": [LANGUAGE],
            "language_hints_strict": True,
            "enable_endpoint_detection": True,
            "max_endpoint_delay_ms": MAX_ENDPOINT_DELAY_MS,
        }
        if terms := first_within(self._terms, MAX_CONTEXT_CHARACTERS):
            start["context"] = {"terms": list(terms)}
        return [start]

    def audio(self, mulaw_8k: bytes) -> Message:
        return mulaw_8k

    def flushing(self, audio_bytes: int) -> Sequence[Message]:
        """Its words are final a moment after they are said; to finalize at each pause is not its way."""
        return []

    def ending(self, audio_bytes: int) -> Sequence[Message]:
        self.waits = bool(audio_bytes)
        return [{"type": "finalize"}, END_OF_AUDIO] if audio_bytes else []

    def answer(self) -> Sequence[Message]:
        return []

    def read(self, message: dict[str, Any]) -> Iterator[Transcript]:
        if message.get("error_code"):
            raise error_of(message, f"SONIOX_STT_MODEL={self._model}")
        guess, ends, fin = "", False, bool(message.get("finished"))
        tokens = _tokens_of(message)
        for token in tokens:
            text = str(token.get("text") or "")
            if text == FIN:
                fin = True
            elif text == END:
                ends = True
            elif token.get("is_final"):
                self._final += text
                if isinstance(sure := token.get("confidence"), int | float):
                    self._confidences.append(sure)
                ends = False
            else:
                guess += text
                ends = False
        if fin:
            self.over = True
            yield self._transcript()
        elif tokens and (heard := (self._final + guess).strip()) and not _unlikely(heard):
            yield Transcript(heard, is_final=False, ends=ends)

    def _transcript(self) -> Transcript:
        text = self._final.strip()
        if is_made_up(text):
            return Transcript("")
        sure = sum(self._confidences) / len(self._confidences) if self._confidences else None
        return Transcript(text, 0.0 if wrong_language(text) else sure)


def _tokens_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    tokens = message.get("tokens") or []
    if not isinstance(tokens, list) or not all(isinstance(token, dict) for token in tokens):
        raise ProviderError(f"Soniox sent no tokens: {excerpt(str(tokens), 80)!r}", retryable=True)
    return tokens


def _unlikely(text: str) -> bool:
    return wrong_language(text) or is_made_up(text)
