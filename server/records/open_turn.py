"""A turn whose facts are still being gathered."""

from dataclasses import dataclass, field, replace

from server.records.facts import Decision, Gap, TurnFacts

MOST_DECISIONS = 100  # of one turn: a line that only makes noise is judged all day
MOST_ERRORS = 20
EMPTY = TurnFacts(0, 0, 0, "", "", "", "")


@dataclass
class OpenTurn:
    """``began_at``: frame clock, once that is known; ``own``: it answers nobody.

    ``waiting``: the caller goes on, or their last words are still awaited: what is said next belongs to it.
    ``early``: ID of what was begun early for it and is not heard yet; 0 for none.
    """

    own: bool = False
    began_at: int | None = None
    began_with: int = 0  # the utterance, if one it was
    started: bool = False  # its first frame was sent
    whole: bool = False  # its last one was heard
    cut_short: bool = False  # what was not heard is told
    waiting: bool = True
    early: int = 0
    facts: TurnFacts = EMPTY  # without its decisions
    decisions: list[Decision] = field(default_factory=list)

    @property
    def owed(self) -> bool:
        """The caller's words of now belong to it: nothing of its answer was heard."""
        return not self.own and not self.started

    def begin(self, clock: int, utterance_id: int = 0) -> None:
        """Unless it has begun before."""
        if self.began_at is None:
            self.began_at, self.began_with = clock, utterance_id

    def was_noise(self, utterance_id: int) -> None:
        """The utterance was none."""
        if self.began_with == utterance_id:
            self.began_at, self.began_with = None, 0

    def speaks(self) -> None:
        """Its first frame is sent."""
        self.started, self.waiting, self.early = True, False, 0

    def heard_out(self) -> None:
        self.whole = True

    def is_cut_short(self) -> bool:
        """There is something left of it; False when that was said before."""
        before, self.cut_short = self.cut_short, True
        return not before

    def decided(self, decision: Decision) -> None:
        if len(self.decisions) < MOST_DECISIONS:
            self.decisions.append(decision)

    def failed(self, error: str) -> None:
        if len(self.facts.errors) < MOST_ERRORS:
            self.facts = replace(self.facts, errors=(*self.facts.errors, error))

    def caller_said(self, words: str) -> None:
        """All that is answered, in the place of what was known of it before."""
        self.waiting = False
        self.facts = replace(self.facts, caller=words)

    def goes_on(self) -> None:
        """Its words will come again, with more."""
        self.waiting = True

    def agent_said(self, words: str) -> None:
        self.facts = replace(self.facts, agent=words)

    def said_by(self, by: str) -> None:
        self.facts = replace(self.facts, said_by=by)

    def answered(self, gap: Gap) -> None:
        self.facts = replace(self.facts, gap=gap)

    def started_early(self, turn_id: int) -> None:
        self.early = turn_id
        self.facts = replace(self.facts, speculative_starts=self.facts.speculative_starts + 1)

    def cancelled(self, turn_id: int) -> None:
        """What was begun early under this ID is dropped, unless it was heard."""
        if self.early == turn_id:
            self.early = 0
            self.facts = replace(self.facts, speculative_dropped=self.facts.speculative_dropped + 1)

    def interrupted(self) -> None:
        self.facts = replace(self.facts, barge_ins=self.facts.barge_ins + 1)

    def false_barge_in(self, count: int = 1) -> None:
        """It went on behind a sound or a nod; -1: it was more than that."""
        self.facts = replace(self.facts, false_barge_ins=self.facts.false_barge_ins + count)

    def takes_back_words(self) -> str:
        """They belong to the next turn, which gives them again; what they were."""
        words, self.facts = self.facts.caller, replace(self.facts, caller="")
        return words

    def over(self, number: int, began_ms: int, ended_ms: int, ended: str) -> TurnFacts:
        by = self.facts.said_by or ("line" if self.own else "llm")
        told = tuple(self.decisions)
        facts = replace(self.facts, number=number, began_ms=began_ms, ended_ms=ended_ms)
        return replace(facts, said_by=by, ended=ended, decisions=told)
