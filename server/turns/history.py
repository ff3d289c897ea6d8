"""The conversation as it was heard (D3, E7), and what no LLM has judged of it yet."""

from collections import deque
from dataclasses import dataclass

from server.hebrew.understand.gender import Gender, shown_gender
from server.turns.effects import Line, Speaker

MAX_LINE_CHARS = 2000  # no single line may fill the LLM's request


@dataclass(frozen=True)
class HistoryMemory:
    """What a history knows (F8). ``caller``: as they have spoken of themselves."""

    lines: tuple[Line, ...] = ()
    unjudged: tuple[str, ...] = ()
    caller: Gender | None = None
    committed_turns: int = 0


class CallHistory:
    """Bounded: the oldest lines are forgotten."""

    def __init__(self, history_turns: int) -> None:
        self._lines: deque[Line] = deque(maxlen=2 * history_turns)
        self._caller: Gender | None = None  # as they have spoken of themselves
        # What the caller has said since an LLM came to its end last: it may hold details nobody has kept.
        self._unjudged: deque[str] = deque(maxlen=2 * history_turns)
        self.committed_turns = 0  # turns of the caller whose answer has begun

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(self._lines)

    @property
    def memory(self) -> HistoryMemory:
        return HistoryMemory(self.lines, tuple(self._unjudged), self._caller, self.committed_turns)

    def restore(self, memory: HistoryMemory) -> None:
        """What the history of this call's last socket knew."""
        self._lines.extend(memory.lines)
        self._unjudged.extend(memory.unjudged)
        self._caller, self.committed_turns = memory.caller, memory.committed_turns

    def turn_committed(self) -> None:
        """The answer to a turn of the caller has begun."""
        self.committed_turns += 1

    def caller_said(self, text: str) -> None:
        """The caller's turn is being answered; ``text`` is empty when no word of it was understood."""
        if text:
            self._lines.append(Line(Speaker.CALLER, text[:MAX_LINE_CHARS]))
            self._caller = self.caller_with(text)

    def caller_with(self, text: str) -> Gender | None:
        """The caller's gender by all they have said, and ``text``."""
        return shown_gender(text) or self._caller

    def agent_said(self, text: str, *, interrupted: bool = False) -> None:
        """The caller has heard these words of a reply or prompt."""
        if text:
            self._lines.append(Line(Speaker.AGENT, text[:MAX_LINE_CHARS], interrupted))

    def take_back_interruption(self, heard_in_full: str | None) -> None:
        """The last line was not interrupted after all: the reply resumes behind ``heard_in_full``."""
        if heard_in_full is not None and self._lines and self._lines[-1].interrupted:
            self._lines.pop()
            self.agent_said(heard_in_full)

    # ---- what no LLM has judged ----

    @property
    def has_unjudged(self) -> bool:
        return bool(self._unjudged)

    @property
    def unjudged(self) -> str:
        """In order; what was said twice, because there was no answer, once."""
        return " ".join(dict.fromkeys(self._unjudged))

    def judged(self) -> None:
        """An LLM has come to its end: it knew all that was said before."""
        self._unjudged.clear()

    def not_judged(self, text: str) -> None:
        """No LLM has come to an end with this, unless it is nothing."""
        if text:
            self._unjudged.append(text)
