"""What can happen on a call, and what the shell must then do. Frozen values, nothing else.

The events alone give the call again: whatever is random or outside enters here.
"""

from dataclasses import dataclass

from server.core.conversation import Act, Expected, Line, PhoneCall, SaveLead
from server.hebrew.gender import Gender

# ---- events -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """Twilio's ``start``. ``expected``: what the caller may answer to the greeting.

    ``takes_messages``: an LLM listens, which takes a message for the office itself (F3).
    """

    expected: Expected = Expected()
    call: PhoneCall = PhoneCall()
    takes_messages: bool = False


@dataclass(frozen=True, slots=True)
class PersonAvailable:
    """Whether the caller can be handed over to a person from now on (F3); until it is said, not."""

    available: bool


@dataclass(frozen=True, slots=True)
class CallerGone:
    """They have hung up, or the line has, or we have: nothing more is heard or said.

    What follows it are transcripts and minds that were still awaited, for a lead; then TimeIsUp, if need be.
    """


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """The call has been over for so long that nothing is awaited any more."""


@dataclass(frozen=True, slots=True)
class ClosingDown:
    """The server will be gone in seconds: the call is to end politely, and soon (F4)."""


@dataclass(frozen=True, slots=True)
class FrameHeard:
    """20 ms from the caller: the tick of all conversation time.

    ``mulaw_8k`` has 160 bytes, ``rms`` is on the PCM16 scale, ``speech`` is the speech model's
    probability 0…1, or None when energy is the only judge.
    """

    mulaw_8k: bytes
    rms: int
    speech: float | None


@dataclass(frozen=True, slots=True)
class DigitPressed:
    digit: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    name: str


@dataclass(frozen=True, slots=True)
class WordsGuessed:
    """A partial transcript of an utterance."""

    utterance_id: int
    text: str


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """The whole transcript of an utterance, or of all before its pause; ``confidence`` 0…1 or None."""

    utterance_id: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class EarsFailed:
    """No transcript will come: the engine failed, or its deadline passed."""

    utterance_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class BreathDrawn:
    """The random pause before a reply, in frames from the end of turn."""

    turn_id: int
    frames: int


@dataclass(frozen=True, slots=True)
class SentenceThought:
    """The mind has finished a sentence of its reply."""

    turn_id: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyThought:
    """The mind has finished. ``expected``: what the caller may answer; ``acts``: what else it decided.

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
class MindFailed:
    """No (more) sentences will come."""

    turn_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class AudioMade:
    """The next piece of a sentence's voice, μ-law 8 kHz, any length; ``index`` as in ``Say``."""

    turn_id: int
    index: int
    mulaw_8k: bytes


@dataclass(frozen=True, slots=True)
class SentenceVoiced:
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
    | WordsGuessed
    | WordsHeard
    | EarsFailed
    | BreathDrawn
    | SentenceThought
    | ReplyThought
    | MindFailed
    | AudioMade
    | SentenceVoiced
    | TurnOverdue
    | PlayoutRoom
)

# ---- actions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenEars:
    """Start recognising an utterance; its audio follows in ``FeedEars``."""

    utterance_id: int
    turn_number: int
    expected: Expected


@dataclass(frozen=True, slots=True)
class FeedEars:
    utterance_id: int
    mulaw_8k: bytes


@dataclass(frozen=True, slots=True)
class HearSoFar:
    """The utterance pauses: it may go on, but its words so far are wanted now (B3).

    From ears that guess they come as WordsGuessed as ever, from others as WordsHeard.
    """

    utterance_id: int


@dataclass(frozen=True, slots=True)
class HearOn:
    """It goes on."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class CloseEars:
    """The utterance is over: half-close, and answer with WordsHeard or EarsFailed by the deadline.

    The deadline counts from the end of speech, ``silence_frames`` ago (G1).
    """

    utterance_id: int
    silence_frames: int = 0


@dataclass(frozen=True, slots=True)
class DropEars:
    """The utterance was none: close its ears, no transcript is wanted."""

    utterance_id: int


@dataclass(frozen=True, slots=True)
class StartTurn:
    """A turn has begun: draw the breath, arm the turn's deadline.

    Both count from the end of turn, ``waited_frames`` ago.
    """

    turn_id: int
    waited_frames: int = 0


@dataclass(frozen=True, slots=True)
class Think:
    """Ask the mind.

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
class Say:
    """Voice a sentence. ``instant``: only from pre-made audio; without any, nothing is said."""

    turn_id: int
    index: int
    text: str
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Perform:
    """Do what the mind decided: the turn is committed. After EndCall and Transfer the call is over for us."""

    act: Act


@dataclass(frozen=True, slots=True)
class DropTurn:
    """Close the turn's mind and voice; whatever they still post is too late to matter."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class LetFinish:
    """The caller has gone: read the turn's mind to its end, for what it does; its voice is closed."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Frames for the wire, 160 bytes each, joined."""

    mulaw_8k: bytes


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


Action = (
    OpenEars
    | FeedEars
    | HearSoFar
    | HearOn
    | CloseEars
    | DropEars
    | StartTurn
    | Perform
    | Think
    | Say
    | DropTurn
    | LetFinish
    | SendAudio
    | SendMark
    | SendClear
    | Log
)
