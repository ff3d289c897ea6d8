"""F8: what a call would have to know to go on at another socket, and how it goes on there.

a socket fails; Twilio connects another --begin(memory)--> every part knows what it knew
    --> nobody speaks: "we were cut off", and what was being said or asked; words that are owed an answer
        are answered behind it
    --> the caller speaks: they are answered, with what they were owed before
"""

from dataclasses import replace

from server.hebrew.speak.sentences import split_sentences
from server.hebrew.understand.questions import is_question
from server.turns.actions import Action, Log
from server.turns.effects import Line, Speaker
from server.turns.follow_up import Prompt
from server.turns.history import HistoryMemory
from server.turns.memory import CallMemory, Parting
from server.turns.parts import Parts
from server.turns.phases import Phase, State
from server.turns.turn import Turn
from server.turns.utterances import UserTurn

LISTENS_FRAMES = 10  # 200 ms: is the caller speaking just now?


class TakingUp:
    """Of one call. Not thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._memory: CallMemory | None = None
        self._line: Turn | None = None  # that says we were cut off

    # ---- the socket that may fail ----

    @property
    def memory(self) -> CallMemory:
        """All that the parts of this call know now; what a silence has come to is not theirs."""
        parts, turn = self._parts, self._parts.current.turn
        call, dipped = parts.call, turn is not None and turn.phase is Phase.DIPPED
        # Words that say more than a listener's end a lowered reply at once: what is pending there is a nod.
        pending = "" if dipped else parts.users.pending.so_far.strip()
        known = CallMemory(
            history=call.history.memory,
            input=call.input.memory,
            leads=call.leads.memory,
            owed=pending,
            frames=parts.current.clock,
        )
        if turn is None:
            return self._behind_a_turn(known)
        if turn.state is State.THINKING and turn.caller is not None:
            words = turn.words if turn.words_known else turn.caller.so_far
            return replace(known, owed=f"{words} {pending}".strip())
        return _being_said(turn, known) if turn.state is State.SPEAKING else known

    def _behind_a_turn(self, known: CallMemory) -> CallMemory:
        """The moment behind a closing line (F2): it is said again, so that what follows it is no surprise."""
        interrupted = self._parts.barge_in.interrupted
        parting = interrupted and Parting.among(interrupted.acts_due)
        said = known.history.lines[-1:]
        if not parting or not said or known.owed:
            return known
        return replace(known, saying=(said[0].text,), parting=parting)

    # ---- the socket that goes on ----

    def begin(self, memory: CallMemory) -> list[Action]:
        """The stream has started, and another one before it had come so far."""
        parts = self._parts
        parts.current.goes_on_from(memory.frames)
        parts.call.restore(memory)
        if memory.owed:
            parts.users.give_back(UserTurn.remembered(memory.owed, memory.frames))
        self._memory = memory
        return [Log(f"TAKEN_UP turns={memory.history.committed_turns}")]

    @property
    def pending(self) -> bool:
        """Nothing was heard of us yet at this socket: the caller may have spoken first, or have coughed."""
        memory, line = self._memory, self._line
        if memory is None or self._parts.call.history.committed_turns != memory.history.committed_turns:
            return False
        return line is None or (line.phase is Phase.DROPPED and not line.playout.started)

    @property
    def due(self) -> bool:
        """It is time, and the caller does not speak."""
        parts = self._parts
        if self._memory is None or not self.pending or parts.current.turn is not None:
            return False
        return parts.users.quiet and parts.current.clock - self._memory.frames >= LISTENS_FRAMES

    @property
    def was_speaking(self) -> bool:
        """The caller had begun to hear us."""
        return self._memory is not None and bool(self._memory.saying)

    def forget(self) -> None:
        """Something else is said."""
        self._memory = None

    def say(self) -> list[Action]:
        """We were cut off; and what was being said, or asked, once more."""
        assert self._memory is not None
        memory, call = self._memory, self._parts.call
        turn = self._line = self._parts.current.begin(Phase.PREPARED)
        again = () if memory.owed and not memory.saying else memory.saying or _last_question(memory.history)
        go_on = not again and not memory.owed
        line = call.prompts.cut_off_go_on if go_on else call.prompts.cut_off
        *before, last = (call.worded(line), *again)
        actions: list[Action] = []
        for sentence in before:
            actions += turn.add_sentence(sentence)
        acts = () if memory.parting is None else (memory.parting.act,)
        return [*actions, *turn.say(Prompt(last, acts=acts))]


def _being_said(turn: Turn, known: CallMemory) -> CallMemory:
    """What was heard of it was heard; the sentence that is being heard, and the rest, are said again.

    A reply that is not whole is made again: nobody knows how it would have ended.
    """
    history, rest = known.history, turn.playout.rest()
    if turn.caller is not None and turn.answers and not rest.complete:
        return replace(
            known,
            owed=f"{turn.answers} {known.owed}".strip(),
            history=replace(history, lines=history.lines[:-1]),  # they are said again with their answer
        )
    heard, parting = " ".join(rest.before), Parting.among(turn.follow_up.acts)
    left = tuple(text for text, _ in rest.sentences)
    lines = (*history.lines, Line(Speaker.AGENT, heard)) if heard else history.lines
    return replace(
        known,
        history=replace(history, lines=lines),
        saying=left or (rest.before[-1:] if parting else ()),
        parting=parting,
    )


def _last_question(history: HistoryMemory) -> tuple[str, ...]:
    """The last words of the agent, when they ask something and nobody has cut them short; else nothing."""
    said = next((line for line in reversed(history.lines) if line.speaker is Speaker.AGENT), None)
    last = split_sentences(said.text)[-1:] if said is not None and not said.interrupted else []
    return tuple(text for text in last if text.rstrip(" \"'”׳״)").endswith("?") or is_question(text))
