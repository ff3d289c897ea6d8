"""The worker of one turn: the LLM's sentences and their audio, posted as events."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from server.audio.frames import FrameSplitter, pcm16_to_mulaw, whole_frames
from server.call.context import CallContext
from server.logs.redaction import Complaint
from server.providers.base import Llm, PreparesSpeech, ReplyRequest, SaidOtherwise, Tts
from server.providers.deadlines import BoundedStream, Stream
from server.providers.fallback import NoneWorked, Try, first_that_works
from server.providers.reply.spoken import SpokenReply
from server.providers.tts_cache import MIN_SPEECH_BYTES, SpokenSentence, beep
from server.runtime.threads import Channel, Closed, Task
from server.turns.events import Event, LlmFailed, ReplyDone, ReplySentence, TtsAudio, TtsSentenceDone
from server.turns.turn import MAX_SENTENCES

T = TypeVar("T")
HALF_SPOKEN_BYTES = 8 * 60 // 2  # μ-law a character, of some 60 ms
ENGINE_TIMEOUT_S = 30.0
LLM, AUDIO = "llm", "audio"


@dataclass
class Take:
    """A sentence as one TTS said it. ``otherwise``: a fact of it was changed; ``reworded``: other words."""

    mulaw_8k: bytearray = field(default_factory=bytearray)
    otherwise: bool = False
    reworded: bool = False


class ReplyWorker:
    """Reads the LLM on one thread, the TTS on another, so that a sentence plays while the next is made (C2).

    ``generate`` and ``say`` are called under the call's lock and never block; ``post`` is called from the
    worker's threads, without it. Posts exactly one ReplyDone or LlmFailed for ``generate``, and one
    TtsSentenceDone for every ``say``, unless cancelled before.
    """

    def __init__(
        self,
        context: CallContext,
        turn_id: int,
        post: Callable[[Event], None],
        *,
        first_token_s: float | None = None,
    ) -> None:
        """``first_token_s``: for an LLM that is given more time than LLM_FIRST_TOKEN_TIMEOUT_MS."""
        self._turn_id = turn_id
        self._context = context
        self._post = post
        self._first_token_s = first_token_s or context.config.llm_first_token_timeout_ms / 1000
        self._cancelled = False
        self._finishing_s = 0.0  # the caller has gone: the LLM is read on for so long, and nothing is voiced
        self._llm: SpokenReply | None = None
        self._streams: dict[BoundedStream[Any], str] = {}  # to what it is of: LLM, AUDIO
        self._to_say: Channel[tuple[int, str]] | None = None
        self._alive = False  # the LLM has given something
        self._said = False  # and said a sentence
        self.tasks: list[Task] = []

    def generate(self, request: ReplyRequest) -> None:
        """Ask the LLM; its first sentence shall find the TTS at hand."""
        tts = self._context.providers.tts.first
        if isinstance(tts, PreparesSpeech):
            tts.prepare()
        self._spawn("turn", lambda: self._generate(request))

    def say(self, index: int, text: str) -> None:
        """Voice a sentence, behind those before it."""
        if self._to_say is None:
            to_say: Channel[tuple[int, str]] = Channel(self._context.runtime, MAX_SENTENCES)
            self._to_say = to_say
            self._spawn("tts", lambda: self._speak(to_say))
        self._to_say.put((index, text))

    def let_finish(self, within_s: float) -> None:
        """The caller has gone: the LLM is read to its end, for its acts alone, and the TTS is closed.

        What is posted of it still is ReplyDone or LlmFailed. Under the call's lock; never blocks.
        """
        self._finishing_s = within_s
        if self._to_say is not None:
            self._to_say.close(drop=True)
        if self._llm is not None:
            self._llm.hush()
        for stream, kind in tuple(self._streams.items()):
            self._let_finish(stream, kind)

    def cancel(self) -> None:
        """Close every stream; what is still posted is too late to matter. Idempotent, any thread."""
        self._cancelled = True
        if self._to_say is not None:
            self._to_say.close(drop=True)
        for stream in tuple(self._streams):
            stream.cancel()

    def _spawn(self, name: str, function: Callable[[], None]) -> None:
        self.tasks.append(self._context.runtime.spawn(f"{name}-{self._turn_id}", function))

    def _read(self, kind: str, stream: Stream[T], within_s: float) -> Iterator[T]:
        """The stream's items, each within so long, and until the worker is cancelled."""
        name = f"{kind}-{self._turn_id}"
        bounded = BoundedStream(self._context.runtime, name, stream, first_s=within_s, next_s=within_s)
        self._streams[bounded] = kind
        self.tasks.append(bounded.task)
        if self._cancelled:  # between the caller's check and the line above
            bounded.cancel()
        elif self._finishing_s:
            self._let_finish(bounded, kind)
        try:
            yield from bounded
        finally:
            self._streams.pop(bounded, None)

    def _let_finish(self, stream: BoundedStream[Any], kind: str) -> None:
        if kind == LLM:
            stream.bear_with(self._finishing_s)
        else:
            stream.cancel()

    # ---- the LLM ----

    def _generate(self, request: ReplyRequest) -> None:
        clock = self._context.runtime.clock
        began = clock()
        try:
            first_that_works(
                self._context.providers.llm,
                lambda attempt: self._ask(attempt, request),
                wanted=lambda: not self._cancelled,
                another=lambda: not self._said and clock() - began <= self._retry_within_s,
                retry=True,
                told=self._context.observers.asked,
            )
        except NoneWorked as failed:
            if not self._cancelled:
                self._post(LlmFailed(self._turn_id, Complaint(failed.complaint.parts[-1])))

    @property
    def _retry_within_s(self) -> float:
        """No second try at the LLM after so long: the turn's deadline would come first."""
        return self._context.config.turn_timeout_ms / 2000

    def _ask(self, attempt: Try[Llm], request: ReplyRequest) -> None:
        """Post one LLM's reply, sentence by sentence. Raises whatever it raises."""
        clock = self._context.runtime.clock
        began = clock()
        stream = self._llm = SpokenReply(attempt.provider, request, ENGINE_TIMEOUT_S)
        if self._finishing_s:
            stream.hush()
        for sentence in self._read(LLM, stream, self._first_token_s):
            self._alive = True
            attempt.answers()
            if sentence:
                self._said = True
                self._post(ReplySentence(self._turn_id, sentence))
        if not self._cancelled:
            self._post(ReplyDone(self._turn_id, stream.expected, stream.acts, stream.whole))
        elif not self._alive and (silent_s := clock() - began) >= self._retry_within_s:
            attempt.failed(f"nothing within {silent_s * 1000:.0f} ms")

    # ---- the TTS ----

    def _speak(self, to_say: Channel[tuple[int, str]]) -> None:
        while True:
            try:
                index, text = to_say.get()
            except Closed:
                return
            if not self._voiced(index, text):
                self._post(TtsAudio(self._turn_id, index, whole_frames(pcm16_to_mulaw(beep()))))
            self._post(TtsSentenceDone(self._turn_id, index))

    def _voiced(self, index: int, text: str) -> bool:
        """Post the sentence's audio from the first TTS that can; False when the caller heard nothing."""
        splitter = FrameSplitter()
        heard = self._said_by_a_voice(index, text, splitter)
        if rest := splitter.take_rest():
            self._post(TtsAudio(self._turn_id, index, rest))
        return heard

    def _said_by_a_voice(self, index: int, text: str, splitter: FrameSplitter) -> bool:
        takes: list[Take] = []  # of each TTS that was asked
        spoken = self._context.providers.tts_cache.pronounce(text)

        def synthesize(attempt: Try[Tts]) -> str:
            takes.append(take := Take())
            sentence = SpokenSentence(attempt.provider, spoken)
            try:
                for pcm16 in self._read(AUDIO, sentence, self._context.config.tts_timeout_ms / 1000):
                    attempt.answers()
                    mulaw_8k = pcm16_to_mulaw(pcm16)
                    take.mulaw_8k.extend(mulaw_8k)
                    if frames := splitter.feed(mulaw_8k):
                        self._post(TtsAudio(self._turn_id, index, b"".join(frames)))
            except SaidOtherwise:
                take.otherwise = True
                raise
            take.reworded = sentence.reworded
            return attempt.provider.identity

        def say_again() -> bool:
            """From its start, half a sentence would sound worse than cut short; a wrong price does not."""
            take = takes[-1]
            return take.otherwise or len(take.mulaw_8k) < HALF_SPOKEN_BYTES * len(spoken)

        try:
            identity = first_that_works(
                self._context.providers.tts,
                synthesize,
                complain=self._context.log.complaint,
                wanted=self._voice_wanted,
                another=say_again,
                told=self._context.observers.asked,
            )
        except NoneWorked:
            heard = any(2 * len(take.mulaw_8k) >= MIN_SPEECH_BYTES for take in takes)
            return not self._voice_wanted() or heard
        if self._voice_wanted() and not takes[-1].reworded:  # else it was perhaps cut short
            self._context.providers.tts_cache.keep(identity, text, bytes(takes[-1].mulaw_8k))
        return True

    def _voice_wanted(self) -> bool:
        return not (self._cancelled or self._finishing_s)
