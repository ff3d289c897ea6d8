"""What a provider is: three protocols that a streaming cloud service and an embedded library both fit.

Every stream is iterated by one thread, may be cancelled from any other, and after ``cancel()`` its
iterator ends within milliseconds. ``start``, ``respond``, ``synthesize``, ``feed``, ``finish`` and ``cancel``
are called with a lock of the call held and never block: what takes time is done by the iterating thread.
``timeout_s`` bounds the whole stream inside the engine; the caller
enforces its own, shorter, deadlines and never trusts an engine to return.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from server.hebrew.understand.gender import Gender
from server.providers.model_ends import ModelEnd
from server.settings.prompts_file import lines_of
from server.turns.effects import Act, Expected, Line, PhoneCall
from server.turns.prompts import Lines


class ProviderError(Exception):
    """An engine could not do its work. ``retryable``: the same call may succeed when made again."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class ReplyCut(ProviderError):
    """A reply broke off: by a length limit, or it never came to its end. What was whole of it is good."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class SaidOtherwise(ProviderError):
    """A voice changed a fact of the sentence it was to read: another one says it again, whole."""


class Cancelled(Exception):
    """The exchange with a provider was cancelled: its iterator ends, quietly. Never leaves a provider."""


@dataclass(frozen=True)
class Transcript:
    """What was heard. ``confidence`` is 0…1, or None when the engine does not say.

    A partial (``is_final`` False) replaces the partial before it. A final is a *segment*: it adds to
    the finals before it, and an utterance may have several. ``ends``: the engine finds that a turn may end
    here, by what was said and how.
    """

    text: str
    confidence: float | None = None
    is_final: bool = True
    ends: bool = False


class Recognition(Protocol):
    """One utterance being recognised."""

    def feed(self, mulaw_8k: bytes) -> None:
        """Take caller audio, μ-law 8 kHz, any length. Never blocks; ignored after ``finish``."""

    def finish(self) -> None:
        """The utterance is over (half-close): no more audio, finals are awaited. Never blocks."""

    def __iter__(self) -> Iterator[Transcript]:
        """Block for partials and finals; end after the last final. Raises ProviderError."""
        ...

    def cancel(self) -> None:
        """Drop the stream. Idempotent, any thread."""


@runtime_checkable
class TellsAtAPause(Protocol):
    """A Recognition whose final words can be had before the utterance is known to be over.

    Both are called with a lock of the call held, and never block.
    """

    def flush(self) -> None:
        """It pauses, and may be over: final words are wanted as soon as can be."""

    def resume(self) -> None:
        """It was not over."""


def whole_of(recognition: Recognition, mulaw_8k: bytes) -> Transcript:
    """Block for all that ``recognition`` hears in an utterance that is over already. Raises ProviderError."""
    recognition.feed(mulaw_8k)
    recognition.finish()
    finals = [transcript for transcript in recognition if transcript.is_final]
    sure = [final.confidence for final in finals if final.confidence is not None]
    return Transcript(" ".join(filter(None, (final.text for final in finals))), min(sure, default=None))


class Stt(Protocol):
    name: str
    guesses: bool  # it gives partials while it listens

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> Recognition:
        """Start recognising. Returns at once. ``turn_number`` counts committed turns from 1."""
        ...

    def warm(self) -> None:
        """Load what the first call would otherwise wait for. May block for seconds. Raises ProviderError."""


@runtime_checkable
class RecognizesWhole(Protocol):
    """A recogniser that also has a way of its own for an utterance that is over already."""

    def recognize(self, mulaw_8k: bytes, expected: Expected, timeout_s: float) -> Transcript:
        """Block for the words of ``mulaw_8k``. Raises ProviderError."""
        ...


@dataclass(frozen=True)
class ReplyRequest:
    """``text``: the caller's turn. ``history``: what was heard before it, oldest first, without it.

    ``said``: the caller has heard so much of this very reply: only the rest is wanted, and an LLM that
    cannot go on from there may say it all again. ``may_wait``: the caller may not have finished: an LLM that
    hears so answers with a single "…". ``may_listen``: so does one that hears that these words, said over its
    own voice, want nothing of it. ``caller``: by the rules' guess from how they have spoken of themselves;
    None: no telling. ``gone``: the call is over: an LLM keeps what is worth it, and nothing it says is heard.
    ``person``: there is one to hand the caller over to. ``call``: which call it is. ``agent``: who speaks for
    us, the name first. ``lines``: what we say where the LLM says nothing, as this agent says it.
    """

    text: str
    history: tuple[Line, ...]
    turn_number: int
    target_style: str
    min_chars: int
    max_chars: int
    said: str = ""
    may_wait: bool = False
    may_listen: bool = False
    caller: Gender | None = None
    gone: bool = False
    person: bool = False
    call: PhoneCall = PhoneCall()
    agent: str = ""
    lines: Lines = lines_of("", Gender.FEMININE)


class ReplyStream(Protocol):
    """A reply being made."""

    expected: Expected  # what the caller may answer; valid once the iterator has ended

    @property
    def acts(self) -> tuple[Act, ...]:
        """What the LLM decided to do beside speaking; likewise."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Block for pieces of text in order, of any size; joined they are the reply, as it was written.

        ``""``: nothing yet, but it is alive. Raises ProviderError, and ReplyCut for a reply that broke off.
        """
        ...

    def cancel(self) -> None:
        """Drop the stream. Idempotent, any thread."""


@runtime_checkable
class ReplyWithTools(Protocol):
    """A reply of an LLM that calls functions behind its words, or instead of any.

    ``acts`` grow while the iterator is read. Called by the iterating thread.
    """

    acting: bool  # it has begun to call a function

    @property
    def acts(self) -> tuple[Act, ...]: ...

    def enough(self) -> None:
        """Nothing more will be said: what comes is read for its acts only, and not for long."""

    def words_after(self, acts: tuple[Act, ...]) -> Iterator[str]:
        """It did ``acts`` without a word: ask it to speak, and block for the text. Raises ProviderError."""
        ...


class Llm(Protocol):
    """A function of what was heard: it keeps nothing about a call between two requests."""

    name: str
    opening: Expected  # what the caller may say to the greeting
    takes_messages: bool  # an LLM: it knows what was asked, and keeps what is left for the office (F3)
    authored: bool  # people wrote its replies for this very call: neither cut nor asked on (E5)

    def respond(self, request: ReplyRequest, timeout_s: float) -> ReplyStream:
        """Start a reply. Returns at once."""
        ...

    def warm(self) -> None:
        """As ``Stt.warm``."""


@runtime_checkable
class SummarisesCalls(Protocol):
    """A Llm that can say what a whole call was about."""

    def summary(self, lines: Sequence[Line], timeout_s: float) -> str:
        """Block for one or two sentences, for who reads the lead. Raises ProviderError."""
        ...


class SpeechStream(Protocol):
    """A sentence being spoken."""

    def __iter__(self) -> Iterator[bytes]:
        """Block for chunks of PCM16 8 kHz mono, little-endian, whole samples. Raises ProviderError."""
        ...

    def cancel(self) -> None:
        """Drop the stream. Idempotent, any thread."""


class Tts(Protocol):
    name: str
    identity: str  # engine, model and voice: texts made under another one sound different

    def synthesize(self, text: str, timeout_s: float) -> SpeechStream:
        """Start speaking one sentence. Returns at once."""
        ...

    def warm(self) -> None:
        """As ``Stt.warm``."""


@runtime_checkable
class SpeechThatMayReword(Protocol):
    """A SpeechStream of a voice that chooses its own words."""

    reworded: bool  # valid once the iterator has ended: other words than the text's were said


@runtime_checkable
class PreparesSpeech(Protocol):
    """A Tts that has something to open."""

    def prepare(self) -> None:
        """A sentence will follow soon. Returns at once; any thread."""
        ...


@runtime_checkable
class ModelMayEnd(Protocol):
    """A provider whose vendor ends models."""

    def model_end(self) -> ModelEnd | None:
        """When that of its model is; None: not known, or none. Best known once warmed. Never blocks."""
        ...
