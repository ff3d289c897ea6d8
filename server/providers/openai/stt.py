"""OpenAI's transcriptions: the utterance goes out as one file once it is over, the words stream back."""

import json
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16
from server.config import Config
from server.hebrew.understand.made_up import is_made_up
from server.logs.secrets import excerpt
from server.providers.base import Cancelled, ProviderError, Recognition, Transcript, whole_of
from server.providers.batch_recognition import BatchRecognition
from server.providers.is_hebrew import wrong_language
from server.providers.model_ends import ModelEnd
from server.providers.openai.client import Call, events, warm
from server.providers.openai.confidence import confidence_of
from server.providers.openai.endpoint import Endpoint, stt_endpoint
from server.providers.openai.ends import end_of
from server.providers.openai.hints import as_prompt, recites, within_limit
from server.providers.stt_hints import phrases_or_none, read_phrases
from server.providers.wav import wav_of
from server.turns.effects import Expected

if TYPE_CHECKING:
    from openai import APIResponse, OpenAI

MAX_AUDIO_BYTES = 120 * SAMPLE_RATE_HZ  # two minutes; the API takes 25 MB, thirteen of them
MIN_AUDIO_BYTES = SAMPLE_RATE_HZ // 10  # the API refuses less than 100 ms
KEYWORD_MODELS = "gpt-transcribe"  # take hints as keywords, not as a prompt
LANGUAGE = "he"
DRAIN_S = 0.05  # the turn waits for it: rather a new connection next time


class OpenAIStt:
    """A Stt, and RecognizesWhole. Shared by all calls; any thread."""

    name = "openai"
    guesses = False

    def __init__(self, config: Config) -> None:
        self._config = config
        self._endpoint = stt_endpoint(config)

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> Recognition:
        return self._open(expected, timeout_s)

    def recognize(self, mulaw_8k: bytes, expected: Expected, timeout_s: float) -> Transcript:
        return whole_of(self._open(expected, timeout_s), mulaw_8k)

    def warm(self) -> None:
        if self._config.asr_phrases_file:
            read_phrases(self._config.asr_phrases_file)
        self._phrases  # noqa: B018  # read now, not under the lock of the first call
        warm(self._endpoint)

    def model_end(self) -> ModelEnd | None:
        return end_of(self._endpoint)

    def _open(self, expected: Expected, timeout_s: float) -> BatchRecognition:
        hints = within_limit(self._phrases, expected.phrases)

        def transcribe(mulaw_8k: bytes, recognition: BatchRecognition) -> Iterator[Transcript]:
            if len(mulaw_8k) < MIN_AUDIO_BYTES:
                return iter((Transcript(""),))
            call = Call(self._endpoint, recognition.left_s)
            recognition.on_cancel(call.cancel)
            return iter(_Transcription(self._endpoint, hints, mulaw_8k, call))

        return BatchRecognition(transcribe, timeout_s, MAX_AUDIO_BYTES)

    @cached_property
    def _phrases(self) -> tuple[str, ...]:
        return phrases_or_none(self._config.asr_phrases_file)


class _Transcription:
    """The exchange in which one utterance is transcribed."""

    def __init__(self, endpoint: Endpoint, hints: tuple[str, ...], mulaw_8k: bytes, call: Call) -> None:
        self._endpoint = endpoint
        self._hints = hints
        self._mulaw_8k = mulaw_8k
        self._call = call

    def __iter__(self) -> Iterator[Transcript]:
        try:
            with self._call.response(self._request) as response:
                yield from self._transcripts(response)
        except Cancelled:
            return

    def _request(self, client: "OpenAI") -> Any:
        model = self._endpoint.model
        return client.audio.transcriptions.with_streaming_response.create(
            file=("utterance.wav", wav_of(mulaw_to_pcm16(self._mulaw_8k)), "audio/wav"),
            model=model,
            language=LANGUAGE,
            response_format="json",
            stream=True,
            **_extras(model, self._hints),
        )

    def _transcripts(self, response: "APIResponse[Any]") -> Iterator[Transcript]:
        # whisper-1 and servers like it do not stream, whatever they are asked.
        if "text/event-stream" not in response.headers.get("content-type", ""):
            yield self._final(_whole(response.read()))
            return
        text = ""
        coming = events(response)
        for event in coming:
            if event.get("type") == "transcript.text.done":
                yield self._final(event)
                self._drain(coming)
            elif delta := event.get("delta"):
                text += str(delta)
                if not (
                    wrong_language(text) or is_made_up(text)
                ):  # a partial may be all that is known at the deadline
                    yield Transcript(text.strip(), is_final=False)

    def _drain(self, coming: Iterator[dict[str, Any]]) -> None:
        """Read to the end of the response, for its connection's sake, but not for long."""
        import httpx2

        self._call.hurry(DRAIN_S)
        try:
            for _ in coming:
                pass
        except (httpx2.HTTPError, ProviderError):
            pass  # everything that was to be said has been said

    def _final(self, said: dict[str, Any]) -> Transcript:
        text = str(said.get("text") or "").strip()
        if is_made_up(text):
            return Transcript("")
        doubtful = recites(self._hints, text) or wrong_language(text)
        return Transcript(text, 0.0 if doubtful else confidence_of(said.get("logprobs")))


def _extras(model: str, hints: tuple[str, ...]) -> dict[str, Any]:
    """What only some models take: log-probabilities, and hints in one of two ways."""
    extras: dict[str, Any] = {}
    diarizes = model.endswith("diarize")  # takes neither
    if model.startswith("gpt-4o") and not diarizes:
        extras["include"] = ["logprobs"]
    if hints and model.startswith(KEYWORD_MODELS):
        extras["keywords"] = list(hints)
    elif hints and not diarizes:
        extras["prompt"] = as_prompt(hints)
    return extras


def _whole(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ProviderError(
            f"OpenAI: not a transcription: {excerpt(body.decode('utf-8', 'replace'), 80)!r}", retryable=True
        )
    return said
