"""OpenAI's voice models read a sentence aloud: each one a response of its own, outside of any conversation.

Such a model may reword. What it says it has said comes along as a transcript, usually ahead of the audio, and
is compared with what it was given: a number, a price, a date or a name said otherwise ends the sentence, and
the next voice says it again; likewise what is another sentence by more than half of its words, or runs on.
Facts: see ``realtime``.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import count
from typing import Any

from server.config import Config
from server.hebrew.understand.read_aloud import ReadAloud
from server.logs.events import log
from server.providers.base import ProviderError, SaidOtherwise, SpeechStream
from server.providers.model_ends import ModelEnd
from server.providers.openai.client import warm
from server.providers.openai.endpoint import Endpoint, tts_endpoint
from server.providers.openai.ends import end_of
from server.providers.openai.realtime import address_of, error_of
from server.providers.streaming.connection import Message
from server.providers.streaming.mulaw import MulawReader
from server.providers.streaming.pool import Pool
from server.providers.streaming.speech import SocketSpeech
from server.providers.stt_hints import phrases_or_none
from server.settings.pronunciations_file import pronunciations_of

MAX_CHARACTERS = 4096  # of one request, as of the speech endpoint
MAX_TOKENS = 4096  # the API's own limit; a sentence takes some hundred
# A transcript so many times as long as its text, and some characters, runs on: figures in words take three.
RUNS_ON, RUNS_ON_CHARACTERS = 4, 60
FEW_WORDS = 6  # in fewer, an abbreviation that is written otherwise would make another sentence
READ = (
    "You are the voice of a telephone agent. Read the user's text aloud in Hebrew, exactly as it is written, "
    "word for word. Do not answer it, do not add, leave out, translate or correct anything. Native Israeli "
    "accent, warm and natural, clear, unhurried but not slow. להקריא את הטקסט בדיוק כפי שהוא כתוב."
)
_numbers = count(1)


class OpenAIRealtimeTts:
    """A Tts. Shared by all calls; any thread."""

    name = "openai"

    def __init__(self, config: Config) -> None:
        self._endpoint = tts_endpoint(config)
        self._voice = config.openai_tts_voice
        self._config = config
        self.identity = f"openai {config.openai_tts_model} {config.openai_tts_voice}"

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        def reading() -> ReadingAloud:
            return ReadingAloud(self._endpoint, self._voice, text, self._names, self._pronounce)

        return SocketSpeech(self._pool, reading, timeout_s)

    def prepare(self) -> None:
        with suppress(ProviderError):  # the sentence itself will say so
            self._pool.prepare()

    def warm(self) -> None:
        warm(self._endpoint)
        self._pool.prepare()

    def model_end(self) -> ModelEnd | None:
        return end_of(self._endpoint)

    @cached_property
    def _names(self) -> frozenset[str]:
        """What the office has told us of names, but for the common words in it."""
        names = (*phrases_or_none(self._config.asr_phrases_file), self._config.agent_persona)
        return frozenset((*names, *map(self._pronounce, names)))

    @cached_property
    def _pronounce(self) -> Callable[[str], str]:
        return pronunciations_of(self._config.pronunciations_file)

    @cached_property
    def _pool(self) -> Pool:
        """Raises ProviderError."""
        return Pool(address_of(self._endpoint, {"model": self._endpoint.model}))


class ReadingAloud:
    """The protocol for one sentence. The reading thread's. ``names`` are facts, wherever they stand.

    ``pronounce``: an office's own pronunciations. A voice that says one may write it as it is written.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        voice: str,
        text: str,
        names: frozenset[str],
        pronounce: Callable[[str], str] = str,
    ) -> None:
        self._endpoint = endpoint
        self._voice = voice
        self._text = text
        self._request = f"say-{next(_numbers)}"
        self._response = ""  # its ID, once it is known
        self._pronounce = pronounce
        self._judge = ReadAloud(pronounce(text), names)
        self._said = ""
        self._judged = False  # by the whole transcript
        self._audio = MulawReader("OpenAI")
        self.reworded = False
        self.over = False

    def opening(self) -> Sequence[Message]:
        """Raises ProviderError for a text that is too long."""
        if len(self._text) > MAX_CHARACTERS:
            raise ProviderError(f"{len(self._text)} characters: OpenAI speaks {MAX_CHARACTERS} at a time")
        content = [{"type": "input_text", "text": self._text}]
        response = {
            "conversation": "none",
            "output_modalities": ["audio"],
            "instructions": READ,
            "input": [{"type": "message", "role": "user", "content": content}],
            "audio": {"output": {"format": {"type": "audio/pcmu"}, "voice": self._voice}},
            "max_output_tokens": MAX_TOKENS,
            "metadata": {"request": self._request},
            "tool_choice": "none",
        }
        return [{"type": "response.create", "event_id": self._request, "response": response}]

    def read(self, message: dict[str, Any]) -> Iterator[bytes]:
        kind = message.get("type")
        if kind == "error":
            self._failed(message.get("error"))
        elif kind == "response.created":
            if (message["response"].get("metadata") or {}).get("request") == self._request:
                self._response = message["response"]["id"]
        elif kind == "response.done":
            yield from self._done(message["response"])
        elif self._response and message.get("response_id") == self._response:
            yield from self._part(str(kind), message)

    def _part(self, kind: str, message: dict[str, Any]) -> Iterator[bytes]:
        match kind.removeprefix("response.output_audio"):
            case ".delta":
                if pcm16 := self._audio.feed_base64(message.get("delta")):
                    yield pcm16
            case "_transcript.delta":
                self._said += str(message.get("delta") or "")
                self._compare(whole=False)
            case "_transcript.done":
                self._said = str(message.get("transcript") or self._said)
                self._compare(whole=True)

    def _done(self, response: dict[str, Any]) -> Iterator[bytes]:
        if response.get("id") != self._response:
            return
        if (status := response.get("status")) != "completed":
            details = response.get("status_details") or {}
            if error := details.get("error"):
                raise error_of(self._endpoint, error)
            raise ProviderError(f"OpenAI left the sentence {status}: {details.get('reason')}", retryable=True)
        if self._said and not self._judged:  # its end was never told
            self._compare(whole=True)
        elif not self._judged:
            self.reworded = True  # for all we know; so it is not kept
            log.warning("TTS_REWORDED openai: there was no transcript")
        if pcm16 := self._audio.end():
            yield pcm16
        self.over = True

    def _compare(self, *, whole: bool) -> None:
        complete, self._judged = self._said, whole
        if len(complete) > RUNS_ON * len(self._text) + RUNS_ON_CHARACTERS:
            raise SaidOtherwise(f"runs on: {len(complete)} characters for {len(self._text)}")
        if not whole:  # a word that still grows is none yet
            complete = complete[: max(map(complete.rfind, " \n\t")) + 1]
        said = self._judge.said(self._pronounce(complete), whole=whole)
        if said.facts:
            raise SaidOtherwise(f"said otherwise: {'; '.join(said.facts)}")
        if whole and 2 * len(said.words) > max(FEW_WORDS, words := len(self._text.split())):
            raise SaidOtherwise(f"another sentence: {len(said.words)} differences in {words} words")
        if whole and said.words:
            self.reworded = True
            log.warning("TTS_REWORDED openai:", cause="; ".join(said.words))

    def _failed(self, error: Any) -> None:
        """What names another exchange of this connection is none of ours."""
        error = error if isinstance(error, dict) else {}
        if error.get("event_id") in (None, self._request):
            raise error_of(self._endpoint, error)
