"""OpenAI's transcription sessions: words come while the caller speaks, the transcript with a commit.

    session.update → session.updated → append… ⇒ deltas → commit → completed

One session an utterance: it begins with the caller's voice, and what stays open is billed. Facts: see
``realtime``; what a model refuses of the options is left out from then on.
"""

import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16
from server.config import Config
from server.hebrew.understand.made_up import is_made_up
from server.providers.base import ProviderError, Transcript, whole_of
from server.providers.is_hebrew import wrong_language
from server.providers.model_ends import ModelEnd
from server.providers.openai.client import warm
from server.providers.openai.confidence import confidence_of
from server.providers.openai.endpoint import Endpoint, stt_endpoint
from server.providers.openai.ends import end_of
from server.providers.openai.hints import recites, within_limit
from server.providers.openai.realtime import address_of, error_of
from server.providers.streaming.connection import Message
from server.providers.streaming.pool import Pool
from server.providers.streaming.recognition import SocketRecognition
from server.providers.stt_hints import phrases_or_none, read_phrases
from server.providers.wav import Resampler
from server.turns.effects import Expected

KEYWORD_MODEL = "gpt-live-transcribe"
LANGUAGE = "he"
PCM_RATE_HZ = 24_000  # the one rate of audio/pcm
MIN_AUDIO_BYTES = SAMPLE_RATE_HZ // 10  # a commit of less than 100 ms is refused
LOGPROBS = "item.input_audio_transcription.logprobs"
# What a session may be refused for, and goes on without. By the ``param`` of the error.
OPTIONS = {"include": "include", "keywords": "keywords", "delay": "delay", "format": "pcmu"}
EMPTY = "input_audio_buffer_commit_empty"


class Options:
    """The options that this model takes; shared by all calls of a process. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: frozenset[str] = frozenset()

    def taken(self) -> frozenset[str]:
        return frozenset(OPTIONS.values()) - self._refused

    def refused(self, error: dict[str, Any], sent: frozenset[str]) -> bool:
        """Whether ``error`` is about an option of those ``sent``; from now on none sends it.

        Another call may have been refused it meanwhile.
        """
        about = f"{error.get('param') or ''} {'' if error.get('param') else error.get('message') or ''}"
        found = [option for name, option in OPTIONS.items() if name in about and option in sent]
        with self._lock:
            self._refused |= frozenset(found[:1])
        return bool(found)


class LiveHearing:
    """The protocol for one utterance. ``hints``: names that callers say."""

    def __init__(self, endpoint: Endpoint, hints: tuple[str, ...], options: Options) -> None:
        self._endpoint = endpoint
        self._hints = hints
        self._options = options
        self._sent = options.taken()
        self._so_far = ""
        self._answer: list[Message] = []
        self._upsampler: Resampler | None = None
        self._commits = 0  # the sending thread's
        self._completed = 0  # the reading thread's
        self._ended = False  # no more commits; set before ``waits`` is asked
        self.ready = False

    def opening(self) -> Sequence[Message]:
        return [self._session()]

    def audio(self, mulaw_8k: bytes) -> Message:
        if "pcmu" in self._sent:
            audio = mulaw_8k
        else:
            self._upsampler = self._upsampler or Resampler(SAMPLE_RATE_HZ, PCM_RATE_HZ)
            audio = self._upsampler.feed(mulaw_to_pcm16(mulaw_8k))
        return {"type": "input_audio_buffer.append", "audio": b64encode(audio).decode()}

    def flushing(self, audio_bytes: int) -> Sequence[Message]:
        if audio_bytes < MIN_AUDIO_BYTES:
            return []
        self._commits += 1
        return [{"type": "input_audio_buffer.commit"}]

    def ending(self, audio_bytes: int) -> Sequence[Message]:
        commit = self.flushing(audio_bytes)
        self._ended = True
        return commit

    @property
    def waits(self) -> bool:
        return self._completed < self._commits

    @property
    def over(self) -> bool:
        return self._ended and not self.waits

    def answer(self) -> Sequence[Message]:
        answer, self._answer = self._answer, []
        return answer

    def read(self, message: dict[str, Any]) -> Iterator[Transcript]:
        match str(message.get("type")).removeprefix("conversation.item.input_audio_transcription."):
            case "session.updated":
                self.ready = True
            case "delta":
                self._so_far += str(message.get("delta") or "")
                if not (wrong_language(self._so_far) or is_made_up(self._so_far)):
                    yield Transcript(self._so_far.strip(), is_final=False)
            case "completed":
                self._completed += 1
                self._so_far = ""
                yield self._final(str(message.get("transcript") or "").strip(), message.get("logprobs"))
            case "failed":
                raise error_of(self._endpoint, _error(message))
            case "error":
                self._error(_error(message))

    def _error(self, error: dict[str, Any]) -> None:
        if error.get("code") == EMPTY:
            self._completed += 1  # it heard less than we sent: nothing was said
        elif not self.ready and self._options.refused(error, self._sent):
            self._answer.append(self._session())
        else:
            raise error_of(self._endpoint, error)

    def _final(self, text: str, logprobs: Any) -> Transcript:
        if is_made_up(text):
            return Transcript("")
        doubtful = recites(self._hints, text) or wrong_language(text)
        return Transcript(text, 0.0 if doubtful else confidence_of(logprobs))

    def _session(self) -> Message:
        sent = self._sent = self._options.taken()
        model = self._endpoint.model
        transcription: dict[str, Any] = {"model": model}
        if model.startswith(KEYWORD_MODEL):
            transcription["languages"] = [LANGUAGE]
            if "delay" in sent:
                transcription["delay"] = "low"
        else:
            transcription["language"] = LANGUAGE
        if self._hints and model.startswith(KEYWORD_MODEL) and "keywords" in sent:
            transcription["keywords"] = list(self._hints)
        mulaw, pcm = {"type": "audio/pcmu"}, {"type": "audio/pcm", "rate": PCM_RATE_HZ}
        heard = {
            "format": mulaw if "pcmu" in sent else pcm,
            "transcription": transcription,
            "turn_detection": None,
        }
        session: dict[str, Any] = {"type": "transcription", "audio": {"input": heard}}
        if "include" in sent:
            session["include"] = [LOGPROBS]
        return {"type": "session.update", "session": session}


def _error(message: dict[str, Any]) -> dict[str, Any]:
    error = message.get("error")
    if not isinstance(error, dict):
        raise ProviderError(f"OpenAI: an error that says nothing: {message.get('type')}", retryable=True)
    return error


class OpenAILiveStt:
    """A Stt, and RecognizesWhole. Shared by all calls; any thread."""

    name = "openai"
    guesses = True

    def __init__(self, config: Config) -> None:
        self._config = config
        self._endpoint = stt_endpoint(config)
        self._options = Options()

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> SocketRecognition:
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

    def _open(self, expected: Expected, timeout_s: float) -> SocketRecognition:
        hints = within_limit(self._phrases, expected.phrases)
        return SocketRecognition(
            self._pool, lambda: LiveHearing(self._endpoint, hints, self._options), timeout_s
        )

    @cached_property
    def _pool(self) -> Pool:
        """Keeps nothing: what stays open is billed. Raises ProviderError."""
        return Pool(address_of(self._endpoint, {"intent": "transcription"}), most_idle=0)

    @cached_property
    def _phrases(self) -> tuple[str, ...]:
        return phrases_or_none(self._config.asr_phrases_file)
