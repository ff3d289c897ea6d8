"""What can happen on a call. Values that nobody changes, nothing else.

The events alone give the call again: whatever is random or outside enters here.
"""

from dataclasses import dataclass

from server.audio.frames import FRAMES_PER_S, FrameHeard
from server.turns.effects import Act, Expected, PhoneCall, SaveLead
from server.turns.memory import CallMemory


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """Twilio's ``start``. ``expected``: what the caller may answer to the greeting.

    ``takes_messages``: an LLM listens, which takes a message for the office itself (F3).
    ``memory``: the call was cut off by our failure, and had come so far (F8).
    """

    expected: Expected = Expected()
    call: PhoneCall = PhoneCall()
    takes_messages: bool = False
    memory: CallMemory | None = None

    @property
    def part(self) -> str:
        """The name of what is kept from here on: the CallSid, and where a call was taken up: "CA1@37s"."""
        taken_up_at = "" if self.memory is None else f"@{self.memory.frames // FRAMES_PER_S}s"
        return self.call.sid + taken_up_at


@dataclass(frozen=True, slots=True)
class PersonAvailable:
    """Whether the caller can be handed over to a person from now on (F3); until it is said, not."""

    available: bool


@dataclass(frozen=True, slots=True)
class CallerGone:
    """They have hung up, or the line has, or we have: nothing more is heard or said.

    What follows it are transcripts and LLMs that were still awaited, for a lead; then TimeIsUp, if need be.
    """


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """The call has been over for so long that nothing is awaited any more."""


@dataclass(frozen=True, slots=True)
class ClosingDown:
    """The server will be gone in seconds: the call is to end politely, and soon (F4)."""


@dataclass(frozen=True, slots=True)
class DigitPressed:
    digit: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    name: str


@dataclass(frozen=True, slots=True)
class InterimTranscript:
    """A partial transcript of an utterance. ``ends``: the STT finds that a turn may end with it (A7)."""

    utterance_id: int
    text: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    """The whole transcript of an utterance, or of all before its pause; ``confidence`` 0…1 or None."""

    utterance_id: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class SttFailed:
    """No transcript will come: the engine failed, or its deadline passed."""

    utterance_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReplyDelay:
    """The random pause before a reply, in frames from the end of turn."""

    turn_id: int
    frames: int


@dataclass(frozen=True, slots=True)
class ReplySentence:
    """The LLM has finished a sentence of its reply."""

    turn_id: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The LLM has finished. ``expected``: what the caller may answer; ``acts``: what else it decided.

    ``whole``: it came to its own end; else it might have decided more.
    """

    turn_id: int
    expected: Expected = Expected()
    acts: tuple[Act, ...] = ()
    whole: bool = True

    @property
    def judged(self) -> bool:
        """Whatever the caller has said until then, and was worth it, is among ``acts``."""
        return self.whole or any(isinstance(act, SaveLead) for act in self.acts)


@dataclass(frozen=True, slots=True)
class LlmFailed:
    """No (more) sentences will come."""

    turn_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class TtsAudio:
    """The next piece of a sentence's voice, μ-law 8 kHz; ``index`` as in ``Synthesize``.

    Any length is played; an event log keeps whole frames exactly.
    """

    turn_id: int
    index: int
    mulaw_8k: bytes


@dataclass(frozen=True, slots=True)
class TtsSentenceDone:
    """The sentence's audio is whole."""

    turn_id: int
    index: int


@dataclass(frozen=True, slots=True)
class TurnOverdue:
    """``TURN_TIMEOUT_MS`` has passed since the end of turn (G3)."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class PlayoutRoom:
    """The wire has room for so many frames now."""

    frames: int


Event = (
    StreamStarted
    | PersonAvailable
    | CallerGone
    | TimeIsUp
    | ClosingDown
    | FrameHeard
    | DigitPressed
    | MarkReturned
    | InterimTranscript
    | FinalTranscript
    | SttFailed
    | ReplyDelay
    | ReplySentence
    | ReplyDone
    | LlmFailed
    | TtsAudio
    | TtsSentenceDone
    | TurnOverdue
    | PlayoutRoom
)
