"""The intent of a caller's turn at this moment of the call."""

from server.hebrew.words import fingerprint
from server.turns.intent import Intent, may_only_listen, meaning_of
from server.turns.no_input import Limit, limit_of
from server.turns.parts import Parts
from server.turns.phases import Phase
from server.turns.utterances import UserTurn

# Past the longest call, and when the server goes (F4): a message for the office is kept, and nothing is made
# of nothing.
SAID_AT_ANY_TIME = frozenset(
    {Intent.MESSAGE, Intent.CALL_BACK, Intent.GOODBYE, Intent.NOTHING, Intent.ECHO, Intent.BACKCHANNEL}
)


class IntentJudge:
    """Reads the call, and changes nothing of it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def intent_of(self, caller: UserTurn, text: str) -> Intent:
        """``text``: the turn's words, without the doubtful ones."""
        parts = self._parts
        clock = parts.current.clock
        intent = meaning_of(caller, text, parts.call, clock, parting=self._parting)
        if intent is Intent.WORDS and caller.listens == fingerprint(text):  # as the LLM has found (D4)
            return Intent.BACKCHANNEL
        within = limit_of(clock, parts.params.call_frames) is Limit.WITHIN and not parts.call.closing
        kept = intent in SAID_AT_ANY_TIME or (intent is Intent.PERSON and parts.call.person)
        return intent if within or kept else Intent.TOO_LATE

    @property
    def _parting(self) -> bool:
        """What the caller speaks over, or has interrupted, is a goodbye or a hand-over."""
        turn, interrupted = self._parts.current.turn, self._parts.barge_in.interrupted
        over = turn if turn is not None and turn.phase is Phase.DIPPED else interrupted
        return over is not None and over.parting

    def nods(self, caller: UserTurn) -> bool:
        """D4: the words that have interrupted the agent, or were said behind those, only show a listener."""
        params = self._parts.params
        text, _ = caller.join(params.min_confidence, params.dedup_frames)
        return bool(text) and caller.interrupts and self.intent_of(caller, text) is Intent.BACKCHANNEL

    def says_more(self, caller: UserTurn) -> bool:
        """What went for a nod turns out to have other words in it."""
        params = self._parts.params
        text, _ = caller.join(params.min_confidence, params.dedup_frames)
        return bool(text) and self.intent_of(caller, text) not in (Intent.BACKCHANNEL, Intent.ECHO)

    def may_wait(self, caller: UserTurn) -> bool:
        """A7: the LLM may find that the caller has not finished, once."""
        return bool(self._parts.params.endpointing.hold_frames) and not caller.waited

    def may_listen(self, caller: UserTurn, text: str) -> bool:
        """D4: a reply of the LLM's was interrupted, and the LLM may find that it is to go on."""
        interrupted = self._parts.barge_in.interrupted
        if interrupted is None or interrupted.turn.request is None or interrupted.answers is not None:
            return False
        if interrupted.parting or self._parts.call.closing:
            return False
        return may_only_listen(caller, text, self._parts.call)
