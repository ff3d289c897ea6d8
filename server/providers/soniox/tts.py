"""Soniox's TTS: a sentence is a stream on a socket that lives on for the next one."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import count
from typing import Any

from server.audio.frames import SAMPLE_RATE_HZ
from server.config import Config
from server.providers.base import ProviderError, SpeechStream
from server.providers.model_ends import ModelEnd, announced
from server.providers.soniox.service import address_of, error_of
from server.providers.streaming.connection import Message
from server.providers.streaming.mulaw import MulawReader
from server.providers.streaming.pool import Pool
from server.providers.streaming.speech import SocketSpeech

LANGUAGE = "he"
MAX_CHARACTERS = 5000  # of one message
MAX_IDLE = 1  # sockets a process: an account has three at first, for all that are open
IDLE_S = 20.0  # without a keep-alive Soniox closes a silent socket after 20–30 s
WARM_TIMEOUT_S = 5.0
WARM_TEXT = "שלום"
_numbers = count(1)


class SonioxTts:
    """A Tts. Shared by all calls; any thread."""

    name = "soniox"

    def __init__(self, config: Config) -> None:
        self._config = config
        self.identity = f"soniox {config.soniox_tts_model} {config.soniox_tts_voice}"

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        return SocketSpeech(self._pool, lambda: SonioxSpeaking(self._config, text), timeout_s)

    def prepare(self) -> None:
        with suppress(ProviderError):  # the sentence itself will say so
            self._pool.prepare()

    def close(self) -> None:
        """Close the sockets that are kept. Blocks for CLOSE_S each at most."""
        self._pool.close()

    def warm(self) -> None:
        """Speaks a word: key, model and voice are known, and the socket is kept."""
        for _ in self.synthesize(WARM_TEXT, WARM_TIMEOUT_S):
            pass

    def model_end(self) -> ModelEnd | None:
        return announced("SONIOX_TTS_MODEL", self._config.soniox_tts_model)

    @cached_property
    def _pool(self) -> Pool:
        """Raises ProviderError."""
        return Pool(address_of(self._config, self._config.soniox_tts_url, "SONIOX_TTS_URL"), MAX_IDLE, IDLE_S)


class SonioxSpeaking:
    """The protocol for one sentence. The reading thread's."""

    reworded = False  # it reads what it is given

    def __init__(self, config: Config, text: str) -> None:
        self._config = config
        self._text = text
        self._stream = f"say-{next(_numbers)}"
        self._audio = MulawReader("Soniox")
        self.over = False

    def opening(self) -> Sequence[Message]:
        """Raises ProviderError for a text that is too long."""
        if len(self._text) > MAX_CHARACTERS:
            raise ProviderError(f"{len(self._text)} characters: Soniox speaks {MAX_CHARACTERS} at a time")
        start = {
            "stream_id": self._stream,
            "model": self._config.soniox_tts_model,
            "language": LANGUAGE,
            "voice": self._config.soniox_tts_voice,
            "audio_format": "pcm_mulaw",
            "sample_rate": SAMPLE_RATE_HZ,
        }
        return [start, {"stream_id": self._stream, "text": self._text, "text_end": True}]

    def read(self, message: dict[str, Any]) -> Iterator[bytes]:
        """An error without a stream's ID is the connection's."""
        if (message.get("stream_id") or self._stream) != self._stream:
            return
        if message.get("error_code"):
            model, voice = self._config.soniox_tts_model, self._config.soniox_tts_voice
            raise error_of(message, f"SONIOX_TTS_MODEL={model}", f"SONIOX_TTS_VOICE={voice}")
        if message.get("audio") and (pcm16 := self._audio.feed_base64(message["audio"])):
            yield pcm16
        if message.get("terminated"):
            if pcm16 := self._audio.end():
                yield pcm16
            self.over = True
