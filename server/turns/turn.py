"""A turn: what the caller said, in one or more utterances, and where our answer to it stands."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from server.hebrew.understand.questions import is_question
from server.hebrew.words import fingerprint
from server.turns.actions import GenerateReply
from server.turns.effects import Act, Expected, ends_call
from server.turns.history import Asked, EchoProximity
from server.turns.playout import Playout, UnheardRest

KEYS = 0  # in the place of an utterance's number


@dataclass
class UserUtterance:
    """One utterance, or digits from the keypad. ``text`` is None until the STT has spoken."""

    utterance_id: int  # or KEYS
    text: str | None = None
    guess: str = ""
    guessed_at: int = 0  # frame clock
    confidence: float | None = None
    speech_frames: int = 0
    ended_at: int = 0  # frame clock
    failed: bool = False  # no STT could be found for it
    during_playout: bool = False  # ended while we spoke, and did not stop us
    near: EchoProximity | None = None  # it may be our echo

    def clear_text(self, min_confidence: float) -> str:
        """The words, or nothing when they are too uncertain."""
        if self.confidence is not None and self.confidence < min_confidence:
            return ""
        return (self.text or "").strip()


@dataclass
class UserTurn:
    """Utterances that belong together: one answer is owed to all of them (A6)."""

    segments: list[UserUtterance] = field(default_factory=list)
    cut_us: bool = False  # it interrupted our reply
    said_at: int = 0  # frame clock of its last voice or key
    early_starts: int = 0  # made for it so far (B3)
    asked_so_far: int = 0  # times its STT were asked for the words so far (B3)
    waited: bool = False  # the LLM has said once that it is not finished (A7)
    listens: int | None = None  # fingerprint of the words with which they only listen, the LLM says (D4)

    @property
    def transcribed(self) -> bool:
        """The STT has said their last word on every part."""
        return all(segment.text is not None for segment in self.segments)

    @property
    def empty(self) -> bool:
        """Not one word, not even a doubtful one."""
        return not any((segment.text or "").strip() for segment in self.segments)

    @property
    def failed(self) -> bool:
        return any(segment.failed for segment in self.segments)

    @property
    def near(self) -> EchoProximity | None:
        """How near to our own voice the nearest of them began."""
        nearest = {segment.near for segment in self.segments}
        return next((near for near in EchoProximity if near in nearest), None)

    @property
    def all_during_playout(self) -> bool:
        return all(segment.during_playout for segment in self.segments)

    @property
    def has_keys(self) -> bool:
        return any(segment.utterance_id == KEYS for segment in self.segments)

    @property
    def typed(self) -> bool:
        """Keys, and no voice that has words."""
        typed = [segment.utterance_id == KEYS for segment in self.segments if (segment.text or "").strip()]
        return bool(typed) and all(typed)

    @property
    def speech_frames(self) -> int:
        return sum(segment.speech_frames for segment in self.segments)

    @property
    def so_far(self) -> str:
        """The words of all parts, as the STT has them now."""
        return " ".join(segment.text or segment.guess for segment in self.segments)

    def join(self, min_confidence: float, dedup_frames: int) -> tuple[str, bool]:
        """The words of all parts; and whether a part was dropped because it said the same again (E2)."""
        parts: list[str] = []
        repeated = False
        last_at = 0
        for segment in self.segments:
            words = segment.clear_text(min_confidence)
            if not words:
                continue
            same = fingerprint(words) in {fingerprint(" ".join(parts)), fingerprint((parts or [""])[-1])}
            if parts and same and segment.ended_at - last_at <= dedup_frames:
                repeated = True
                continue
            parts.append(words)
            last_at = segment.ended_at
        return " ".join(parts), repeated


class Thought(Enum):
    """How far an LLM has come with what the caller has said: what it does it may say last of all."""

    NONE = "none"  # none is to judge it
    AT_WORK = "at work"
    WHOLE = "whole"  # it has come to its end
    BROKEN = "broken"  # it has failed, or was given up: nobody knows what it would have done


@dataclass
class Turn:
    """Our side of a turn, or a line of our own when ``caller`` is None."""

    turn_id: int
    caller: UserTurn | None
    began_at: int  # frame clock of the end of turn
    playout: Playout
    breath_frames: int | None = None  # None until drawn
    early: bool = False  # begun before the caller's turn was over: nothing of it is heard yet (B3)
    asked: GenerateReply | None = None  # what the LLM was asked
    thought: Thought = Thought.NONE
    words: str = ""  # what was understood in the end
    ask_again_at: int | None = None  # frame clock: the caller had not finished, the LLM said (A7)
    asked_again_at: int = 0  # and when it was
    may_be_late_by: int = 0  # frames: the LLM was asked too often in this call
    understood: bool = False
    hint_due: bool = True
    stops: int = 0  # times an unconfirmed sound stopped it
    sentences: int = 0  # given to the voice
    skipped: int = 0  # heard a moment ago (E4)
    fixed: bool = False  # a line of our own, not the LLM's words
    resumes: bool = False  # it says the rest of a reply that was cut for nothing
    expected: Expected | None = None  # what the caller may answer, once this is heard
    acts: tuple[Act, ...] = ()  # what was decided beside speaking, and is not done
    asks: Asked | None = None  # what our line asks for
    before: tuple[str, ...] = ()  # sentences of this reply that were heard in an earlier turn
    final: bool = False  # our last words, and nothing stops them: the server will be gone (F4)
    protected: bool = False  # what is said over it is answered behind it, and does not stop it (B6)
    takes_back: str | None = None  # it goes on with what was noted as interrupted: so much was heard in full
    cut: "InterruptedReply | None" = (
        None  # what the caller cut, while the LLM may say that they only listened (D4)
    )

    @property
    def text(self) -> str:
        """The words it answers; empty while unknown, or when the LLM was not asked."""
        return self.asked.text if self.asked is not None and not self.resumes else ""

    @property
    def answers(self) -> str:
        """What the caller has said to bring it about; empty when that was heard before, or not understood."""
        return "" if self.resumes or not self.understood else self.words

    def tell_unjudged(self, unjudged: deque[str]) -> None:
        """Its answer is being heard: has an LLM judged what it answers, and so all that was said before?"""
        if self.thought is Thought.WHOLE:
            unjudged.clear()
        elif self.thought is not Thought.NONE and self.answers:
            unjudged.append(self.answers)

    @property
    def asks_the_caller(self) -> bool:
        """Its last sentence is a question, in quotes or brackets too, or one without its mark."""
        bare = self.last_sentence.rstrip(" \"'”״׳)]}.!…")
        return bare.endswith("?") or ("?" not in bare and is_question(bare))

    @property
    def last_sentence(self) -> str:
        """Said or to be said, so far; empty for none."""
        return self.playout.sentences[-1].text if self.playout.sentences else ""

    @property
    def is_line(self) -> bool:
        """A line of ours in the place of the LLM's words: no reply that could be given again (E4)."""
        return self.fixed and self.caller is not None

    @property
    def parting(self) -> bool:
        """With it we take leave of the caller."""
        return any(map(ends_call, self.acts))

    @property
    def settled(self) -> bool:
        """What it answers is known for good."""
        return not self.early and (self.caller is None or self.understood)

    def breathed(self, clock: int) -> bool:
        """The pause before the reply is over (B4)."""
        return self.breath_frames is not None and clock - self.began_at >= self.breath_frames

    def wants_hint(self, clock: int, after_frames: int) -> bool:
        """It has thought for ``after_frames`` (0: never), and there is nothing to say yet (B5)."""
        since = max(self.began_at, self.asked_again_at)
        waited = after_frames > 0 and clock - since >= after_frames
        thinks = self.ask_again_at is None and not self.playout.ready_frames
        return self.hint_due and waited and thinks


def started_over(turn: Turn, turn_id: int) -> Turn:
    """The same turn of the caller's under another ID: nothing of its LLM, voice or lines counts any more."""
    turn.playout.start_over(turn_id)
    known = turn.thought in (Thought.NONE, Thought.WHOLE)
    return Turn(
        turn_id,
        turn.caller,
        turn.began_at,
        turn.playout,
        breath_frames=turn.breath_frames,
        thought=turn.thought if known else Thought.BROKEN,
        words=turn.words,
        understood=turn.understood,
        hint_due=turn.hint_due,
    )


@dataclass(frozen=True)
class InterruptedReply:
    """What is left of a reply that was dropped, should the words that dropped it be none after all."""

    kept: UnheardRest
    turn: Turn
    answers: int | None = None  # fingerprint of the words it was made for, when it was superseded
    takes_back: str | None = None  # the history says that it was cut; before that, this was heard in full
    heard: bool = False  # but for its last moment it was heard: what was to be done then is due
    due_at: int = 0  # frame clock, and now it is (F2)

    @property
    def parting(self) -> bool:
        """With it we take leave of the caller."""
        return self.turn.parting

    @property
    def acts_due(self) -> tuple[Act, ...]:
        """For a turn in which nothing was said after all."""
        return self.turn.acts if self.heard else ()
