"""OpenAI's speech: 24 kHz as it is being made, brought down to the telephone's 8 kHz on the way."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server.config import Config
from server.providers.audio_formats import rate_of_type
from server.providers.base import Cancelled, ProviderError, SpeechStream
from server.providers.model_ends import ModelEnd
from server.providers.openai.client import Call, warm
from server.providers.openai.endpoint import tts_endpoint
from server.providers.openai.ends import end_of
from server.providers.wav import Resampler, TelephoneReader

if TYPE_CHECKING:
    from openai import OpenAI

MAX_CHARACTERS = 4096  # of one request
PCM_RATE_HZ = 24_000  # of response_format pcm
STYLED_MODELS = "gpt-4o-mini-tts"  # and its dated versions: they take instructions
STYLE = (
    "Speak Hebrew with a native Israeli accent. You are a warm, helpful person on a telephone call: "
    "natural, clear, unhurried but not slow. דיבור טבעי, חם ובהיר, כמו בשיחת טלפון."
)


class OpenAITts:
    """A Tts. Shared by all calls; any thread."""

    name = "openai"

    def __init__(self, config: Config) -> None:
        self._config = config
        self.identity = f"openai {config.openai_tts_model} {config.openai_tts_voice}"

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        return _Speech(self._config, text, timeout_s)

    def warm(self) -> None:
        Resampler(PCM_RATE_HZ)  # the import costs 100 ms
        warm(tts_endpoint(self._config))

    def model_end(self) -> ModelEnd | None:
        return end_of(tts_endpoint(self._config))


class _Speech:
    """One sentence. ``timeout_s`` bounds it from the request to the last byte."""

    def __init__(self, config: Config, text: str, timeout_s: float) -> None:
        self._config = config
        self._text = text
        self._call = Call(tts_endpoint(config), timeout_s)

    def __iter__(self) -> Iterator[bytes]:
        if len(self._text) > MAX_CHARACTERS:
            raise ProviderError(f"{len(self._text)} characters: OpenAI speaks {MAX_CHARACTERS} at a time")
        try:
            with self._call.response(self._open) as response:
                rate_hz = rate_of_type("OpenAI", response.headers.get("content-type", ""))
                yield from telephone_audio(response.iter_bytes(), rate_hz or PCM_RATE_HZ)
        except Cancelled:
            return

    def cancel(self) -> None:
        self._call.cancel()

    def _open(self, client: "OpenAI") -> Any:
        model = self._config.openai_tts_model
        style: dict[str, Any] = {"instructions": STYLE} if model.startswith(STYLED_MODELS) else {}
        return client.audio.speech.with_streaming_response.create(
            model=model,
            voice=self._config.openai_tts_voice,
            input=self._text,
            response_format="pcm",
            **style,
        )


def telephone_audio(chunks: Iterator[bytes], rate_hz: int = PCM_RATE_HZ) -> Iterator[bytes]:
    """PCM16 8 kHz of what a server sends, each part as soon as it can be."""
    reader = TelephoneReader("OpenAI", rate_hz)
    for chunk in chunks:
        if audio := reader.feed(chunk):
            yield audio
    if audio := reader.end():
        yield audio
