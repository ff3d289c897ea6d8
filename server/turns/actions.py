"""What the machine wants done. Frozen values, nothing else."""

from dataclasses import dataclass

from server.hebrew.understand.gender import Gender
from server.turns.effects import Act, Expected, Line


@dataclass(frozen=True, slots=True)
class StartRecognition:
    """Start recognising an utterance; its audio follows in ``FeedRecognition``."""

    utterance_id: int
    turn_number: int
    expected: Expected


@dataclass(frozen=True, slots=True)
class FeedRecognition:
    utterance_id: int
    mulaw_8k: bytes


@dataclass(frozen=True, slots=True)
class FlushRecognition:
    """The utterance pauses: it may go on, but its words so far are wanted now (B3).

    From an STT that guess they come as InterimTranscript as ever, from others as FinalTranscript.
    """

    utterance_id: int


@dataclass(frozen=True, slots=True)
class ResumeRecognition:
    """It goes on."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class FinishRecognition:
    """The utterance is over: half-close, and answer with FinalTranscript or SttFailed by the deadline.

    The deadline counts from the end of speech, ``silence_frames`` ago (G1).
    """

    utterance_id: int
    silence_frames: int = 0


@dataclass(frozen=True, slots=True)
class CancelRecognition:
    """The utterance was none: close its STT, no transcript is wanted."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class StartTurn:
    """A turn has begun: draw the breath, arm the turn's deadline.

    Both count from the end of turn, ``waited_frames`` ago.
    """

    turn_id: int
    waited_frames: int = 0


@dataclass(frozen=True, slots=True)
class GenerateReply:
    """Ask the LLM.

    ``history``: what was heard before ``text``. ``said``: the caller has heard so much of the reply, only
    the rest is wanted (D4). ``may_wait``: it may answer "…", the caller has not finished (A7);
    ``may_listen``: likewise, they only listen (D4).
    ``caller``: as they speak of themselves. ``person``: there is one to hand the caller over to.
    ``gone``: the call is over: what is worth it is kept, and nothing is said.
    """

    turn_id: int
    text: str
    history: tuple[Line, ...]
    turn_number: int
    said: str = ""
    may_wait: bool = False
    may_listen: bool = False
    caller: Gender | None = None
    person: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Synthesize:
    """Voice a sentence. ``instant``: only from pre-made audio; without any, nothing is said."""

    turn_id: int
    index: int
    text: str
    instant: bool = False


@dataclass(frozen=True, slots=True)
class ApplyEffect:
    """Do what the LLM decided: the turn is committed. After EndCall and Transfer the call is over for us."""

    act: Act


@dataclass(frozen=True, slots=True)
class CancelTurn:
    """Close the turn's LLM and voice; whatever they still post is too late to matter."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class LetLlmFinish:
    """The caller has gone: read the turn's LLM to its end, for what it does; its voice is closed."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Frames for the wire, 160 bytes each, joined. ``lower``: to be heard under a caller who speaks (D1)."""

    mulaw_8k: bytes
    lower: bool = False


@dataclass(frozen=True, slots=True)
class SendMark:
    name: str


@dataclass(frozen=True, slots=True)
class SendClear:
    """Empty the far buffer, and drop whatever of ours has not reached the wire."""


@dataclass(frozen=True, slots=True)
class Log:
    """One line for the call's log. What is private stays apart, so that it can be withheld.

    ``words``: what was said or typed. ``cause``: what an engine complained of, which may quote words.
    ``since_frames``: it measures the time since then; the shell adds what that was by the wall (A9).
    """

    line: str
    words: str | None = None
    cause: str | None = None
    since_frames: int | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """Why what is decided was: for those who observe the call, nothing is done about it.

    ``rule`` and ``what``: a pair of ``server.records.decisions``. ``why`` may hold the caller's words.
    """

    rule: str
    what: str
    why: str = ""


Action = (
    StartRecognition
    | FeedRecognition
    | FlushRecognition
    | ResumeRecognition
    | FinishRecognition
    | CancelRecognition
    | StartTurn
    | ApplyEffect
    | GenerateReply
    | Synthesize
    | CancelTurn
    | LetLlmFinish
    | SendAudio
    | SendMark
    | SendClear
    | Log
    | Decided
)
