"""What this call remembers: the heard history, what we said of late, what the last reply was."""

from collections import deque
from enum import Enum

from server.hebrew.understand.echo import (
    ECHO_MIN_SHARE,
    INTERRUPTING_MIN_WORDS,
    is_echo_of,
    is_tail_of,
    is_whole_echo_of,
    repeats_a_choice,
)
from server.hebrew.understand.gender import Gender, shown_gender
from server.hebrew.understand.number_runs import tells_a_telephone
from server.hebrew.understand.questions import offers_a_choice
from server.hebrew.words import fingerprint, words_of
from server.turns.effects import Act, Expected, Line, PhoneCall, SaveLead, Speaker
from server.turns.prompts import Lines, to_caller


class EchoProximity(Enum):
    """A voice that may be our own come back."""

    DURING_PLAYOUT = "over us"  # it began while we were heard
    BEHIND_US = "behind us"  # just after: then it is our last words


class Asked(Enum):
    """What a line of ours has asked for: where no LLM listens, or none can, the answer is ours too."""

    PERSON = "hand over to a person?"
    CALL_BACK = "may a person call back?"
    MESSAGE = "leave a message"
    MORE = "is there more?"
    KEYS = "type a number: nothing can be heard"


MAX_LINE_CHARS = 2000  # no single line may fill the LLM's request


class CallHistory:
    """Bounded: the oldest lines are forgotten."""

    def __init__(self, history_turns: int, dedup_frames: int, lines: Lines) -> None:
        """``lines``: the fixed ones, as this agent says them."""
        self.lines = lines
        self._heard: deque[Line] = deque(maxlen=2 * history_turns)
        self._dedup_frames = dedup_frames
        self._spoken: deque[tuple[int, str]] = deque(maxlen=8)  # (when it ended, words), lines too
        self._last_reply: frozenset[int] = frozenset()  # fingerprints of its sentences heard in full
        self._last_reply_at = 0  # frame clock
        self.call = PhoneCall()
        self.takes_messages = False  # an LLM listens
        self.expected = Expected()  # what the caller may answer now
        self.unclear_in_a_row = 0
        self.deaf_in_a_row = 0  # turns that the STT has failed to hear
        self.failed_in_a_row = 0  # turns without an answer from the LLM
        self.committed_turns = 0
        self.asked: Asked | None = None  # by the last line that was heard
        self.asked_a_question = False  # the last sentence that was heard, or was being heard
        self.person = False  # there is one to hand the caller over to (F3)
        self.closing_at: int | None = None  # frame clock: the server will be gone soon (F4)
        self._caller: Gender | None = None  # as they have spoken of themselves
        # What the caller has said since an LLM came to its end last: it may hold details nobody has kept.
        self.unjudged: deque[str] = deque(maxlen=2 * history_turns)
        self._leads: dict[tuple[str, ...], SaveLead] = {}  # names of details → the last ones kept

    @property
    def message(self) -> str:
        """What was left for the office, and kept, so far."""
        kept = self._leads.get(("message",))
        return kept.details[0][1] if kept is not None else ""

    @property
    def closing(self) -> bool:
        """Whatever is said next is the last of it."""
        return self.closing_at is not None

    @property
    def never_spoke(self) -> bool:
        """The caller has not heard a word of ours."""
        return not self._spoken

    @property
    def last_words(self) -> str:
        """What the caller has heard of us last: of a question they answer, as much as that."""
        return self._spoken[-1][1] if self._spoken else ""

    @property
    def history(self) -> tuple[Line, ...]:
        return tuple(self._heard)

    def caller_said(self, text: str) -> None:
        """The caller's turn is being answered; ``text`` is empty when no word of it was understood."""
        if text:
            self._heard.append(Line(Speaker.CALLER, text[:MAX_LINE_CHARS]))
            self._caller = self.caller_with(text)

    def caller_with(self, text: str) -> Gender | None:
        """The caller's gender by all they have said, and ``text``."""
        return shown_gender(text) or self._caller

    def worded(self, line: str, text: str = "") -> str:
        """A line of ours as this agent says it to this caller, who has just said ``text``."""
        return to_caller(line, self.caller_with(text))

    def agent_said(self, text: str, *, interrupted: bool = False) -> None:
        """The caller has heard these words of a reply."""
        if text:
            self._heard.append(Line(Speaker.AGENT, text[:MAX_LINE_CHARS], interrupted))

    def take_back_interruption(self, heard_in_full: str | None) -> None:
        """The last line was no interruption: the reply goes on from the sentence after ``heard_in_full``."""
        if heard_in_full is not None and self._heard and self._heard[-1].interrupted:
            self._heard.pop()
            self.agent_said(heard_in_full)

    def heard_of_us(
        self, clock: int, in_full: list[str], words: str, *, interrupted: bool = False, line: bool
    ) -> None:
        """Our voice has ended now: ``words`` were heard, these sentences of them ``in_full``.

        A ``line`` of our own is in the history like a reply, but is none that could be given again (E4).
        """
        self.spoke(clock, words)
        self.agent_said(words, interrupted=interrupted)
        if not line:
            self.reply_heard(clock, in_full)

    def first_time(self, act: Act) -> bool:
        """Note an act that is about to be done; False for a lead that was kept just so the last time."""
        if not isinstance(act, SaveLead):
            return True
        names = tuple(name for name, _ in act.details)
        known, self._leads[names] = self._leads.get(names), act
        return act != known

    def spoke(self, clock: int, words: str) -> None:
        """Our voice has said ``words``, a reply or a line, and ended now."""
        if words:
            self._spoken.append((clock, words))

    def reply_heard(self, clock: int, sentences_in_full: list[str]) -> None:
        """The last reply was heard; these of its sentences to their end (E4)."""
        self._last_reply = frozenset(fingerprint(sentence) for sentence in sentences_in_full)
        self._last_reply_at = clock

    def just_said(self, clock: int, sentence: str) -> bool:
        """The caller has heard this very sentence in the last reply, not long ago (E4)."""
        lately = clock - self._last_reply_at <= self._dedup_frames
        return lately and fingerprint(sentence) in self._last_reply

    def may_say_it_again(self) -> None:
        """Nothing was left of a reply: it is skipped once, and who asks again hears it (E4)."""
        self._last_reply = frozenset()

    def can_be_called(self, message: str = "") -> bool:
        """There is a number to call back: the caller's own, or one in what they have left."""
        return bool(self.call.number) or tells_a_telephone(f"{self.message} {message}")

    def is_echo(self, clock: int, text: str, near: EchoProximity | None, *, interrupts: bool = False) -> bool:
        """``text`` is what we said within the window (E3).

        Over our voice any part of that is, right behind it our last words; later, and when they were offered
        to choose from, only a whole sentence of ours: who takes up what we have offered is the caller. Both
        things offered are no choice. Text that ``interrupts`` is ours when it is long and each word is.
        """
        recent = self._recent(clock)
        during_playout = near is EchoProximity.DURING_PLAYOUT
        chooses = (
            bool(recent) and offers_a_choice(recent[-1]) and not (during_playout and repeats_a_choice(text))
        )
        real = interrupts and not (during_playout and len(words_of(text)) >= INTERRUPTING_MIN_WORDS)
        if near is None or chooses or real:
            return any(is_whole_echo_of(text, words) for words in recent)
        spoken = " ".join(recent)
        share = 1.0 if interrupts else ECHO_MIN_SHARE
        return is_echo_of(text, spoken, share) if during_playout else is_tail_of(text, spoken)

    def has_said_lately(self, clock: int, text: str) -> bool:
        """Every word of ``text`` is among ours of late: too few of them to tell an echo (E3)."""
        ours = {word for words in self._recent(clock) for word in words_of(words)}
        return set(words_of(text)) <= ours

    def said_lately(self, clock: int) -> str:
        """Our words of late."""
        return " ".join(self._recent(clock))

    def _recent(self, clock: int) -> list[str]:
        return [words for when, words in self._spoken if clock - when <= self._dedup_frames]
