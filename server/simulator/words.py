"""The words of a call, from the server's log, assigned to the caller's turns. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.simulator.serverlog import LogEntry
from server.simulator.timeline import Answer, TurnReport


@dataclass(frozen=True)
class Words:
    """The words of one turn in the server's log; empty strings without any.

    ``interrupted``: the caller did not hear the agent's words to their end.
    """

    heard_as: str = ""
    agent: str = ""
    interrupted: bool = False


@dataclass(frozen=True)
class CallWords:
    """``turns``: the greeting first, then one per turn; empty if the log has no words of this call.

    ``complaint``: the last STT failure in the log.
    """

    turns: tuple[Words, ...] = ()
    complaint: str = ""

    @property
    def known(self) -> bool:
        """Whether the log has the words of this call."""
        return bool(self.turns)

    def of(self, turn: int) -> Words:
        """The words of turn ``turn``; 0 is the greeting."""
        return self.turns[turn] if turn < len(self.turns) else Words()


def match_words(log: Sequence[LogEntry], turns: Sequence[TurnReport], answers: Sequence[Answer]) -> CallWords:
    """Assigns each entry to a turn. ``at_s`` of the entries is on the stream's clock, like all other times.

    The caller's words belong to the turn during which they were logged. The agent's words are logged after
    they were heard, perhaps when the caller is already interrupting: they belong to the turn answered by the
    reply that was heard last.
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
    """Collects the words of one turn."""

    caller: list[str] = field(default_factory=list)
    agent: list[str] = field(default_factory=list)
    cut: bool = False

    def words(self) -> Words:
        return Words(" | ".join(self.caller), " ".join(filter(None, self.agent)), self.cut)


def _answered(
    begun: Sequence[Answer], turns: Sequence[TurnReport], heard_at: Sequence[tuple[float, int]]
) -> int:
    """The turn answered by the last reply of ``begun``; 0: none, it is the greeting.

    This is the last turn that was over when the reply began. The reply may also answer the first half of a
    turn that went on: its words are then in the log. A reply resumed after a noise counts as the one before.
    """
    own = list(begun)
    while own and own[-1].resumes:
        own.pop()
    if not own:
        return 0
    over = sum(turn.end_s <= own[-1].start_s for turn in turns)
    return max([over, *(turn for at_s, turn in heard_at if at_s < own[-1].end_s)])
