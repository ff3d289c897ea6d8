"""OpenAI's speech: 24 kHz as it is being made, brought down to the telephone's 8 kHz on the way."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server.config import Config
from server.core.frames import SAMPLE_RATE_HZ
from server.engines.base import EngineError, SpeechStream
from server.engines.openai.client import Call, Cancelled, warm
from server.engines.samples import SampleReader

if TYPE_CHECKING:
    from openai import OpenAI

MAX_CHARACTERS = 4096  # of one request
PCM_RATE_HZ = 24_000  # of response_format pcm
STYLED_MODELS = "gpt-4o-mini-tts"  # and its dated versions: they take instructions
STYLE = (
    "Speak Hebrew with a native Israeli accent. You are a warm, helpful person on a telephone call: "
    "natural, clear, unhurried but not slow. דיבור טבעי, חם ובהיר, כמו בשיחת טלפון."
)
# soxr, 24 → 8 kHz, measured: it works in blocks, and the first 66 ms of sound come out with 80 ms of input
# (HQ 61 with 75, VHQ 138 with 155), less than one chunk of the server's. 100 ms cost 15 µs: no need for
# another thread. Flat to 3.4 kHz, −84 dB from 4.2 kHz on. LQ would need 45 ms and is muffled (−8 dB at
# 3.4 kHz); QQ does not filter at all.
RESAMPLER_QUALITY = "MQ"


class OpenAIVoice:
    """A Synthesizer. Shared by all calls; any thread."""

    name = "openai"

    def __init__(self, config: Config) -> None:
        self._config = config
        self.identity = f"openai {config.openai_tts_model} {config.openai_tts_voice}"

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        return _Speech(self._config, text, timeout_s)

    def warm(self) -> None:
        _Resampler(PCM_RATE_HZ)  # the import costs 100 ms
        warm(self._config, self._config.openai_tts_model)


class _Speech:
    """One sentence. ``timeout_s`` bounds it from the request to the last byte."""

    def __init__(self, config: Config, text: str, timeout_s: float) -> None:
        self._config = config
        self._text = text
        self._call = Call(config, timeout_s)

    def __iter__(self) -> Iterator[bytes]:
        if len(self._text) > MAX_CHARACTERS:
            raise EngineError(f"{len(self._text)} characters: OpenAI speaks {MAX_CHARACTERS} at a time")
        try:
            with self._call.response(self._open) as response:
                yield from _telephone_audio(response.iter_bytes())
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


def _telephone_audio(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """PCM16 8 kHz of what a server sends, each part as soon as it can be."""
    samples = SampleReader("OpenAI", PCM_RATE_HZ)
    resampler: _Resampler | None = None
    for chunk in chunks:
        pcm16 = samples.feed(chunk)
        if pcm16 and resampler is None:
            resampler = _Resampler(samples.rate_hz)
        if resampler is not None and (audio := resampler.feed(pcm16)):
            yield audio
    samples.end()
    if resampler is not None and (audio := resampler.flush()):
        yield audio


class _Resampler:
    """One sentence brought to 8 kHz. What comes out does not depend on how it was cut into chunks."""

    def __init__(self, rate_hz: int) -> None:
        import soxr

        # Not int16: soxr dithers that, differently for every cut.
        self._stream = soxr.ResampleStream(
            rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality=RESAMPLER_QUALITY
        )

    def feed(self, pcm16: bytes, *, last: bool = False) -> bytes:
        import numpy as np

        resampled = self._stream.resample_chunk(np.frombuffer(pcm16, "<i2").astype(np.float32), last=last)
        audio: bytes = np.clip(np.rint(resampled), -32768, 32767).astype("<i2").tobytes()
        return audio

    def flush(self) -> bytes:
        return self.feed(b"", last=True)
