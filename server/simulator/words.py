"""Who said what, from the server's log: its lines are given to the caller's turns. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.simulator.serverlog import LogEntry
from server.simulator.timeline import Answer, TurnReport


@dataclass(frozen=True)
class Words:
    """What the server's log says about one turn; empty strings where it says nothing.

    ``interrupted``: the caller did not hear the agent's words to their end.
    """

    heard_as: str = ""
    agent: str = ""
    interrupted: bool = False


@dataclass(frozen=True)
class CallWords:
    """``turns``: the greeting's first, then one a turn; empty when the log tells of no words of this call.

    ``complaint``: what the server last said of its STT' failing.
    """

    turns: tuple[Words, ...] = ()
    complaint: str = ""

    @property
    def known(self) -> bool:
        """The log tells what was said."""
        return bool(self.turns)

    def of(self, turn: int) -> Words:
        """Of turn ``turn``, the greeting being 0."""
        return self.turns[turn] if turn < len(self.turns) else Words()


def match_words(log: Sequence[LogEntry], turns: Sequence[TurnReport], answers: Sequence[Answer]) -> CallWords:
    """Give each line to its turn; ``at_s`` of the entries is on the stream's clock, as the rest is.

    The caller's words belong to the turn in whose time they were logged. The agent's are logged once they
    have been heard, which may be after the caller has begun to talk over them: they belong to the turn that
    the reply answers which was heard last.
    """
    complaint = next((entry.text for entry in reversed(log) if entry.kind == "ASR_ERR"), "")
    said = [entry for entry in log if entry.kind != "ASR_ERR"]
    if not said:
        return CallWords(complaint=complaint)
    pages = [_Page() for _ in range(len(turns) + 1)]
    heard_at: list[tuple[float, int]] = []
    for entry in said:
        if entry.kind == "ASR_TEXT":
            turn = sum(turn.start_s <= entry.at_s for turn in turns)
            heard_at.append((entry.at_s, turn))
            pages[turn].caller.append(entry.text)
        else:
            begun = [answer for answer in answers if answer.start_s <= entry.at_s]
            page = pages[_answered(begun, turns, heard_at)]
            page.agent.append(entry.text)
            page.cut = bool(begun) and begun[-1].cut
    return CallWords(tuple(page.words() for page in pages), complaint)


@dataclass
class _Page:
    """What was said in one turn, while it is collected."""

    caller: list[str] = field(default_factory=list)
    agent: list[str] = field(default_factory=list)
    cut: bool = False

    def words(self) -> Words:
        return Words(" | ".join(self.caller), " ".join(filter(None, self.agent)), self.cut)


def _answered(
    begun: Sequence[Answer], turns: Sequence[TurnReport], heard_at: Sequence[tuple[float, int]]
) -> int:
    """The turn that the last reply of ``begun`` answers; 0: none, it is the greeting.

    That is the last one that was over when the reply began. It may also answer the first half of one that
    went on: then its words are in the log. What goes on after a noise is the reply that it was before.
    """
    own = list(begun)
    while own and own[-1].resumes:
        own.pop()
    if not own:
        return 0
    over = sum(turn.end_s <= own[-1].start_s for turn in turns)
    return max([over, *(turn for at_s, turn in heard_at if at_s < own[-1].end_s)])
