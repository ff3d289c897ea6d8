"""The worker of one turn: the LLM's sentences and their voice, posted as events."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from server.audio.frames import pcm16_to_mulaw
from server.call.deadlines import BoundedStream, Stream
from server.providers.base import Llm, ProviderError, ReplyRequest
from server.providers.fallback import Try
from server.providers.reply.spoken import SpokenReply
from server.providers.tts_cache import MIN_SPEECH_BYTES, SpokenSentence, beep
from server.runtime.threads import Channel, Closed, Runtime, Task
from server.turn_pipeline import Providers
from server.turns.events import Event, LlmFailed, ReplyDone, ReplySentence, TtsAudio, TtsSentenceDone
from server.turns.reply import MAX_SENTENCES

T = TypeVar("T")
HALF_SPOKEN_BYTES = 8 * 60 // 2  # μ-law a character, of some 60 ms
ENGINE_TIMEOUT_S = 30.0
MIND, AUDIO = "llm", "audio"


@dataclass(frozen=True)
class WorkerParams:
    """Seconds. ``first_token_s`` and ``first_audio_s`` also bound every wait inside a stream."""

    first_token_s: float
    first_audio_s: float
    retry_within_s: float  # no second try at the LLM after so long


class ReplyWorker:
    """Thinks on one thread, speaks on another, so that a sentence plays while the next is made (C2).

    ``think`` and ``say`` are called under the call's lock and never block; ``post`` is called from the
    worker's threads, without it. Posts exactly one ReplyDone or LlmFailed for ``think``, and one
    TtsSentenceDone for every ``say``, unless dropped before.
    """

    def __init__(
        self,
        runtime: Runtime,
        turn_id: int,
        providers: Providers,
        params: WorkerParams,
        *,
        post: Callable[[Event], None],
        complain: Callable[[str], None],
    ) -> None:
        self.turn_id = turn_id
        self._runtime = runtime
        self._providers = providers
        self._params = params
        self._post = post
        self._complain = complain
        self._dropped = False
        self._bears_s = 0.0  # the caller has gone: so long the LLM is read on, and nothing is voiced
        self._llm: SpokenReply | None = None
        self._streams: dict[BoundedStream[Any], str] = {}  # to what it is of: MIND, AUDIO
        self._to_say: Channel[tuple[int, str]] | None = None
        self._stirred = False  # the LLM has given something
        self._said = False  # and said a sentence
        self.tasks: list[Task] = []

    def think(self, request: ReplyRequest) -> None:
        self.tasks.append(self._runtime.spawn(f"turn-{self.turn_id}", lambda: self._think(request)))

    def say(self, index: int, text: str) -> None:
        if self._to_say is None:
            self._to_say = Channel(self._runtime, MAX_SENTENCES)
            to_say = self._to_say
            self.tasks.append(self._runtime.spawn(f"tts-{self.turn_id}", lambda: self._speak(to_say)))
        self._to_say.put((index, text))

    def let_finish(self, within_s: float) -> None:
        """The caller has gone: the LLM is read to its end, for its acts alone, and the voice is closed.

        What is posted of it still is ReplyDone or LlmFailed. Under the call's lock; never blocks.
        """
        self._bears_s = within_s
        if self._to_say is not None:
            self._to_say.close(drop=True)
        if self._llm is not None:
            self._llm.hush()
        for stream, kind in tuple(self._streams.items()):
            self._left_alone(stream, kind)

    def drop(self) -> None:
        """Close every stream; what is still posted is too late to matter. Idempotent, any thread."""
        self._dropped = True
        if self._to_say is not None:
            self._to_say.close(drop=True)
        for stream in tuple(self._streams):
            stream.cancel()

    def _read(self, kind: str, stream: Stream[T], first_s: float) -> Iterator[T]:
        """The stream's items under our deadlines, and until we are dropped."""
        bounded = BoundedStream(
            self._runtime, f"{kind}-{self.turn_id}", stream, first_s=first_s, next_s=first_s
        )
        self._streams[bounded] = kind
        self.tasks.append(bounded.task)
        if self._dropped:  # between the caller's check and the line above
            bounded.cancel()
        elif self._bears_s:
            self._left_alone(bounded, kind)
        try:
            yield from bounded
        finally:
            self._streams.pop(bounded, None)

    def _left_alone(self, stream: BoundedStream[Any], kind: str) -> None:
        if kind == MIND:
            stream.bear_with(self._bears_s)
        else:
            stream.cancel()

    # ---- the LLM ----

    def _think(self, request: ReplyRequest) -> None:
        began = self._runtime.clock()
        tries = self._providers.llm.tries()
        attempt = next(tries)
        failure = self._try_llm(attempt, request)
        if failure is not None and not self._dropped and not self._said:
            # One retry, if there is time: the next engine, else the same again (G2).
            following = next(tries, attempt)
            late = self._runtime.clock() - began > self._params.retry_within_s
            in_vain = following is attempt and not failure.retryable
            if not late and not in_vain:
                failure = self._try_llm(following, request)
            elif following is not attempt:
                following.untried()
        if failure is not None and not self._dropped:
            self._post(LlmFailed(self.turn_id, str(failure)))

    def _try_llm(self, attempt: Try[Llm], request: ReplyRequest) -> ProviderError | None:
        """Ask one LLM; None when it has answered, or nobody waits for it any more."""
        name, began = attempt.provider.name, self._runtime.clock()
        failure: ProviderError | None = None
        try:
            self._ask(attempt.provider, request)
        except ProviderError as error:
            failure = ProviderError(f"{name}: {error}", retryable=error.retryable)
        except Exception as error:  # the thread's edge: an engine's own bug is a failed engine
            failure = ProviderError(f"{name}: {type(error).__name__}: {error}")
        silent_s = self._runtime.clock() - began
        if self._dropped:
            if not self._stirred and silent_s >= self._params.retry_within_s:
                attempt.failed(f"nothing within {silent_s * 1000:.0f} ms")
            else:
                attempt.untried()
        elif failure is None:
            attempt.worked()
        else:
            attempt.failed(str(failure))
        return failure

    def _ask(self, llm: Llm, request: ReplyRequest) -> None:
        """Post one LLM's reply, sentence by sentence. Raises whatever it raises."""
        stream = self._llm = SpokenReply(llm, request, ENGINE_TIMEOUT_S)
        if self._bears_s:
            stream.hush()
        for sentence in self._read(MIND, stream, self._params.first_token_s):
            self._stirred = True
            if sentence:
                self._thought(sentence)
        if self._dropped:
            return
        self._post(ReplyDone(self.turn_id, stream.expected, stream.acts, stream.whole))

    def _thought(self, sentence: str) -> None:
        self._said = True
        self._post(ReplySentence(self.turn_id, sentence))

    # ---- the voice ----

    def _speak(self, to_say: Channel[tuple[int, str]]) -> None:
        while True:
            try:
                index, text = to_say.get()
            except Closed:
                return
            if not self._voiced(index, text):
                self._post(TtsAudio(self.turn_id, index, pcm16_to_mulaw(beep())))
            self._post(TtsSentenceDone(self.turn_id, index))

    def _voiced(self, index: int, text: str) -> bool:
        """Post the sentence's audio from the first voice that can; False when the caller heard nothing."""
        heard = False
        for attempt in self._providers.tts.tries():
            voice = attempt.provider
            made = bytearray()
            complaint = ""
            try:
                for pcm16 in self._read(AUDIO, SpokenSentence(voice, text), self._params.first_audio_s):
                    mulaw = pcm16_to_mulaw(pcm16)
                    made += mulaw
                    self._post(TtsAudio(self.turn_id, index, mulaw))
            except ProviderError as error:
                complaint = str(error)
            if self._dropped or self._bears_s:  # perhaps cut short: nothing to keep, and nobody's fault
                attempt.untried()
                return True
            if not complaint:
                attempt.worked()
                self._providers.tts_cache.keep(voice.identity, text, bytes(made))
                return True
            attempt.failed(complaint)
            self._complain(f"TTS_ERR: {voice.name}: {complaint}")
            heard = heard or 2 * len(made) >= MIN_SPEECH_BYTES
            if len(made) >= HALF_SPOKEN_BYTES * len(text):
                return True  # said again from the start it would sound worse than cut short
        return heard
