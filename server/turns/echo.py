"""The agent's own words of late, and whether what was heard is one of them come back (E3)."""

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
from server.hebrew.understand.questions import offers_a_choice
from server.hebrew.words import words_of

REMEMBERED = 8  # replies and prompts


class Overlap(Enum):
    """When an utterance began, if the agent's voice may be in it."""

    DURING_PLAYOUT = "during playout"
    JUST_AFTER = "just after playout"


class Echo:
    """Words that the caller has heard of the agent, each with the frame at which they ended."""

    def __init__(self, window_frames: int) -> None:
        self._window = window_frames
        self._spoken: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self._now: tuple[int, str] | None = None  # of a reply that is still being heard

    @property
    def never_spoke(self) -> bool:
        """The caller has not heard a word of the agent."""
        return not self._spoken

    @property
    def last_words(self) -> str:
        """What the caller has heard last; of a question that they answer, as much as that."""
        latest = self._now or (self._spoken[-1] if self._spoken else None)
        return latest[1] if latest is not None else ""

    def speaking(self, clock: int, words: str) -> None:
        """So much of a reply was heard until now, and it goes on; until it has ended, or says so again."""
        self._now = (clock, words) if words else None

    def spoke(self, clock: int, words: str) -> None:
        """Playout of ``words`` has ended now."""
        self._now = None
        if words:
            self._spoken.append((clock, words))

    def is_echo(self, clock: int, text: str, overlap: Overlap | None, *, interrupts: bool = False) -> bool:
        """``text`` is what the agent said within the window.

        During playout any overlap of words is echo; just after it, only the reply's ending; later, or after
        an either/or question, only a whole sentence: a caller may take up an offer in the agent's own words.
        To name both things offered is no choice. Text that ``interrupts`` is echo when it is long and the
        agent has said each word of it.
        """
        recent = self._recent(clock)
        during_playout = overlap is Overlap.DURING_PLAYOUT
        chooses = (
            bool(recent) and offers_a_choice(recent[-1]) and not (during_playout and repeats_a_choice(text))
        )
        real = interrupts and not (during_playout and len(words_of(text)) >= INTERRUPTING_MIN_WORDS)
        if overlap is None or chooses or real:
            return any(is_whole_echo_of(text, words) for words in recent)
        spoken = " ".join(recent)
        share = 1.0 if interrupts else ECHO_MIN_SHARE
        return is_echo_of(text, spoken, share) if during_playout else is_tail_of(text, spoken)

    def has_said_lately(self, clock: int, text: str) -> bool:
        """The agent has said every word of ``text`` of late; too few of them may be to tell an echo."""
        spoken = {word for words in self._recent(clock) for word in words_of(words)}
        return set(words_of(text)) <= spoken

    def said_lately(self, clock: int) -> str:
        """The agent's words of late."""
        return " ".join(self._recent(clock))

    def _recent(self, clock: int) -> list[str]:
        spoken = self._spoken if self._now is None else (*self._spoken, self._now)
        return [words for when, words in spoken if clock - when <= self._window]
