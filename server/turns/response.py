"""From words to an answer: what the caller's words, so far or all of them, bring about.

words so far --(A7)--> more or less patience;  in a pause --(B3)--> an early start
all words --(understanding)--> the LLM is asked | a line of ours | the rest of what was cut | nothing
"""

from server.hebrew.understand.finished import Ending
from server.hebrew.words import fingerprint
from server.turns.actions import Action, Log, StartTurn
from server.turns.effects import ends_call
from server.turns.events import Event, LlmFailed, ReplyDone, ReplySentence, TurnOverdue
from server.turns.floor import Floor, State
from server.turns.history import CallHistory
from server.turns.intent import Intent, may_only_listen, meaning_of, tells_more
from server.turns.llm_allowance import Allowance
from server.turns.no_input import Limit, limit_of
from server.turns.params import TurnParams
from server.turns.reply import (
    SAYS_NOTHING,
    acts_due,
    advance,
    ask_llm,
    finish_hint,
    say_failure,
    say_farewell,
    say_line,
    say_own_answer,
    take_up,
)
from server.turns.turn import Thought, Turn, UserTurn
from server.turns.user_turn import UserTurns

# Past the longest call, and when the server goes (F4): what was left for the office is kept, and nothing is
# made of nothing.
SAID_AT_ANY_TIME = frozenset(
    {Intent.MESSAGE, Intent.CALL_BACK, Intent.GOODBYE, Intent.NOTHING, Intent.ECHO, Intent.BACKCHANNEL}
)


class ResponsePolicy:
    """Decides with what the present turn is filled. Not thread-safe."""

    def __init__(
        self, params: TurnParams, floor: Floor, caller: UserTurns, memory: CallHistory, allowance: Allowance
    ) -> None:
        self._params = params
        self._allowance = allowance
        self._floor = floor
        self._caller = caller
        self._memory = memory

    # ---- words so far: is it the end, and what would be the answer? ----

    @property
    def may_start_early(self) -> bool:
        """We listen, and have not begun too often for what the caller is saying, or in this call."""
        listening = self._floor.state is State.LISTENING and self._floor.turn is self._floor.early
        begun = self._caller.pending.early_starts
        return (
            listening and begun < self._params.early_starts and self._allowance.may_guess(self._floor.clock)
        )

    def may_ask_so_far(self) -> bool:
        """As often as that: an STT that do not guess hear everything again each time."""
        pending = self._caller.pending
        if not self.may_start_early or pending.asked_so_far >= self._params.early_starts:
            return False
        pending.asked_so_far += 1
        return True

    def words_heard(self, utterance_id: int) -> list[Action]:
        """The transcript of an utterance that is over, or pauses."""
        return [*self.words_so_far(utterance_id), *self.understand()]

    def words_so_far(self, utterance_id: int) -> list[Action]:
        """A7: they hold the end of the turn or release it. B3: in a pause, they may be all."""
        ending = Ending.OPEN
        if self._params.endpointing.hold_frames:
            ending = self._caller.close_by_words(utterance_id, self._memory.expected)
        so_far = self._caller.said_so_far(utterance_id, self._floor.clock)
        if so_far is None:
            return []
        text, _ = so_far.join(self._params.min_confidence, self._params.dedup_frames)
        early = self._floor.early
        if early is not None and fingerprint(early.text) == fingerprint(text):
            return []
        forgotten = self.forget_early_start()
        if ending is Ending.UNFINISHED or not self.may_start_early or self.greeting_first:
            return forgotten
        return [*forgotten, *self._start_early(so_far, text)]

    def _start_early(self, so_far: UserTurn, text: str) -> list[Action]:
        """B3: think while the closing silence is still counted."""
        kept = self._floor.leftover
        if self._meaning(so_far, text) is not Intent.WORDS:
            return []
        if kept is not None and kept.answers == fingerprint(text):  # it is thought already (E2)
            return []
        pending = self._caller.pending
        pending.early_starts += 1
        turn = self._floor.take(early=True)
        started = Log(f"EARLY_START turn={turn.turn_id}")
        listens = self._may_listen(so_far, text)
        waits = not listens and self._may_wait(pending)
        return [started, *ask_llm(turn, text, self._memory, may_wait=waits, may_listen=listens)]

    def forget_early_start(self) -> list[Action]:
        """The caller goes on, or has said something else: nothing of it is left."""
        early = self._floor.early
        return [Log(f"EARLY_START dropped turn={early.turn_id}"), *self._floor.drop()] if early else []

    def _may_wait(self, caller: UserTurn) -> bool:
        return bool(self._params.endpointing.hold_frames) and not caller.waited

    def _may_listen(self, caller: UserTurn, text: str) -> bool:
        """D4: there is a reply of the LLM's to go on with, and it may be asked whether to."""
        leftover = self._floor.leftover
        reply = leftover is not None and leftover.turn.asked is not None and leftover.answers is None
        if leftover is None or not reply or leftover.parting or self._memory.closing:
            return False
        return may_only_listen(caller, text, self._memory)

    # ---- a turn: words, thoughts, voice ----

    def answer_pending(self) -> list[Action]:
        """Start the turn that is owed, unless the caller is still at it."""
        if self._floor.state is not State.LISTENING or self._caller.busy or not self._caller.pending.segments:
            return []
        if self._floor.turn is not None and self._floor.turn.final:
            return []
        if self.greeting_first:
            return [*self._floor.drop(), *self.greet()]
        owed = self._floor.owe(self._caller.take_pending())
        return [*owed, *self.understand()]

    @property
    def greeting_first(self) -> bool:
        """The greeting is a notice that is heard whoever speaks first, and it was not yet (B6)."""
        return self._params.greeting_protected and self.owes_greeting

    @property
    def owes_greeting(self) -> bool:
        """The caller has not heard a word of ours, and there is a greeting (B6)."""
        return self._memory.never_spoke and bool(self._params.greeting.strip())

    def greet(self) -> list[Action]:
        """B6."""
        turn = self._floor.take(breath_frames=0)
        turn.protected = self._params.greeting_protected
        return say_line(turn, self._params.greeting)

    def understand(self) -> list[Action]:
        """Once every part is transcribed: what was said, and what is to be done about it."""
        turn = self._floor.turn
        caller = turn.caller if turn is not None else None
        if turn is None or caller is None or turn.understood or not caller.transcribed:
            return []
        turn.understood = True
        text, repeated = caller.join(self._params.min_confidence, self._params.dedup_frames)
        actions: list[Action] = [Log("ASR_TEXT:", text)] if text else []
        if repeated:
            actions.append(Log("DEDUP user → ignore"))
        meaning = self._meaning(caller, text)
        if caller.cut_us:
            ours = meaning is Intent.NOTHING or self._memory.has_said_lately(self._floor.clock, text)
            self._caller.last_had_words(of_the_caller=not ours)
        if not (caller.failed or caller.typed):  # the STT works
            self._memory.deaf_in_a_row = 0
        if meaning is Intent.WORDS:
            return actions + self._think(turn, text)
        turn.ask_again_at = None
        if turn.asked is not None:  # early, for words that have changed their meaning
            actions += self._floor.start_over(turn)
            turn = self._floor.present
        match meaning:
            case Intent.NOTHING:
                return actions + self._nothing_was_said(turn, caller)
            case Intent.ECHO | Intent.BACKCHANNEL:
                if meaning is Intent.ECHO and caller.near is not None:
                    self._caller.last_was_echo()
                actions.append(Log(f"{meaning.name} → ignore"))
                return actions + self._nothing_was_said(turn, caller)
        self._floor.leftover = None
        turn.words = text
        turn.thought = Thought.BROKEN if tells_more(meaning, text) else Thought.NONE
        return actions + say_own_answer(turn, meaning, text, self._memory)

    def _meaning(self, caller: UserTurn, text: str) -> Intent:
        leftover = self._floor.leftover
        parting = leftover is not None and leftover.parting
        meaning = meaning_of(caller, text, self._memory, self._floor.clock, parting=parting)
        if meaning is Intent.WORDS and caller.listens == fingerprint(text):  # as the LLM has said (D4)
            return Intent.BACKCHANNEL
        limit = limit_of(self._floor.clock, self._params.call_frames)
        within = limit is Limit.WITHIN and not self._memory.closing
        kept = meaning in SAID_AT_ANY_TIME or (meaning is Intent.PERSON and self._memory.person)
        return meaning if within or kept else Intent.TOO_LATE

    def _think(self, turn: Turn, text: str) -> list[Action]:
        self._memory.unclear_in_a_row = 0
        turn.words = text
        assert turn.caller is not None
        listens = self._may_listen(turn.caller, text)
        leftover, self._floor.leftover = self._floor.leftover, None
        turn.cut = leftover if listens else None
        if turn.asked is not None and fingerprint(turn.text) == fingerprint(text):
            return []  # its answer is on its way since before the end of the turn (B3)
        if turn.ask_again_at is not None:
            return []  # later: the caller has not finished (A7)
        actions = self._floor.start_over(turn) if turn.asked is not None else []
        turn = self._floor.present
        if leftover is not None and leftover.answers == fingerprint(text) and leftover.kept.complete:
            return actions + take_up(turn, leftover)  # the same words again: their answer is ready (E2)
        turn.cut = leftover if listens else None
        return actions + ask_llm(turn, text, self._memory, may_listen=listens)

    def _nothing_was_said(self, turn: Turn, caller: UserTurn) -> list[Action]:
        """Back to where we were: the rest of a reply that was cut, or listening."""
        leftover, self._floor.leftover = self._floor.leftover, None
        if not caller.cut_us or leftover is None or self._memory.closing:
            turn.acts = leftover.acts_due if leftover is not None else ()
            return self._floor.enter(State.SPEAKING) if finish_hint(turn) else self.leave(turn)
        turn.resumes, turn.takes_back = True, leftover.takes_back
        actions = take_up(turn, leftover)
        if turn.sentences or not turn.playout.complete:
            return actions
        self._memory.take_back_interruption(turn.takes_back)  # nothing of it is left: it was heard
        return self.leave(turn)

    def turn_event(self, turn: Turn, event: Event) -> list[Action]:
        """What the workers of the present turn have done."""
        if isinstance(event, TurnOverdue):
            return self._overdue(turn)
        if isinstance(event, ReplySentence) and event.text.strip() in SAYS_NOTHING:
            return self._only_listened(turn) or self._not_finished(turn)
        if self._memory.closing and isinstance(event, ReplySentence | ReplyDone | LlmFailed):
            return self._thought_too_late(turn, event)
        over = isinstance(event, LlmFailed | ReplyDone)
        if turn.early and over and not (turn.sentences or turn.skipped):
            return self._early_start_failed(event)
        actions = advance(turn, event, self._memory, self._params.hint)
        if turn.resumes and turn.playout.complete and not turn.sentences:  # there was no rest
            self._memory.take_back_interruption(turn.takes_back)
            return actions + self.leave(turn)
        if isinstance(event, ReplyDone) and self._floor.state is State.SPEAKING:
            self._memory.expected = turn.expected or self._memory.expected
            self._memory.asked = turn.asks
            if turn.thought is Thought.WHOLE:
                self._memory.unjudged.clear()
            actions += acts_due(turn, self._memory, heard=False)
        return actions

    def _thought_too_late(self, turn: Turn, event: Event) -> list[Action]:
        """F4: no more is said; but what the caller told about themselves is kept."""
        if not isinstance(event, ReplyDone) or self._floor.state is not State.SPEAKING:
            return []
        turn.acts = tuple(act for act in event.acts if not ends_call(act))
        if event.judged:
            turn.thought = Thought.WHOLE
            self._memory.unjudged.clear()
        return acts_due(turn, self._memory, heard=False)

    def _early_start_failed(self, event: Event) -> list[Action]:
        """The LLM is asked once more at the end of the turn."""
        failed = [Log("LLM_ERR:", cause=event.reason)] if isinstance(event, LlmFailed) else []
        return [*failed, *self.forget_early_start()]

    def _not_finished(self, turn: Turn) -> list[Action]:
        """A7: the LLM has heard that the caller will go on. Never spoken, and asked again later."""
        if turn.asked is None or not turn.asked.may_wait or turn.sentences:
            return []
        waits = Log(f"NOT_FINISHED turn={turn.turn_id}")
        if turn.early:
            self._caller.hold()
            return [waits, *self.forget_early_start()]
        assert turn.caller is not None
        turn.caller.waited = True
        actions = self._floor.start_over(turn)
        self._floor.present.ask_again_at = turn.began_at + self._params.endpointing.hold_frames
        return [waits, *actions]

    def _only_listened(self, turn: Turn) -> list[Action]:
        """D4: so the LLM says of words over us that no list knows: the reply that they cut goes on.

        Not once the caller has heard that we think (B5): then they are answered, as are any others.
        """
        asked = turn.asked
        if asked is None or not asked.may_listen or turn.sentences:
            return []
        heard = Log(f"ONLY_LISTENS turn={turn.turn_id}")
        if turn.early:
            self._caller.pending.listens = fingerprint(asked.text)
            return [heard, *self.forget_early_start()]
        assert turn.caller is not None
        if not turn.understood:  # the STT may still hear other words: the meaning is judged with their last
            turn.caller.listens = fingerprint(asked.text)
            return [heard, *self._floor.start_over(turn)]
        actions = self._floor.start_over(turn)
        if turn.cut is None or not turn.hint_due:
            return [heard, *actions, *ask_llm(self._floor.present, asked.text, self._memory)]
        self._floor.leftover = turn.cut
        return [heard, *actions, *self._nothing_was_said(self._floor.present, turn.caller)]

    def _overdue(self, turn: Turn) -> list[Action]:
        """G3: no answer in time; ours is said, and whatever comes later is too late."""
        if self._floor.state is not State.THINKING or turn.playout.ready_frames:
            return []
        if turn.may_be_late_by:
            more, turn.may_be_late_by = turn.may_be_late_by, 0
            return [StartTurn(turn.turn_id, self._floor.clock - turn.began_at - more)]
        late: list[Action] = [Log(f"TURN_TIMEOUT turn={turn.turn_id}"), *self._floor.give_up(turn)]
        return late + say_failure(self._floor.present, self._memory)

    def leave(self, turn: Turn) -> list[Action]:
        """The turn has come to its own end; what was decided in it is done next, or in ``do_what_is_due``."""
        if turn.final:
            return [*self._floor.leave(turn), *acts_due(turn, self._memory, heard=True)]
        return [*self._floor.leave(turn), *self.answer_pending(), *self.do_what_is_due()]

    @property
    def takes_leave(self) -> bool:
        """Our closing line was heard, and its moment has not passed (F2)."""
        leftover = self._floor.leftover
        return leftover is not None and self._floor.turn is None and self._floor.clock < leftover.due_at

    def do_what_is_due(self) -> list[Action]:
        """F2: the call ends, or is handed over, when a moment has passed behind our closing line.

        Who speaks then, or has spoken meanwhile, is listened to first, and keeps the call; noise does not.
        """
        leftover, caller = self._floor.leftover, self._caller
        if leftover is None or not leftover.heard or (self.takes_leave and not self._memory.closing):
            return []
        if self._floor.turn is not None or caller.busy or caller.perhaps_speaking or caller.pending.segments:
            return []
        self._floor.leftover = None
        return acts_due(leftover.turn, self._memory, heard=True)

    def _keep_leads(self) -> list[Action]:
        """Nothing can supersede the turn any more, and what was to be kept is kept."""
        turn = self._floor.turn
        return acts_due(turn, self._memory, heard=False) if turn is not None and turn.caller else []

    # ---- the server will be gone (F4) ----

    def close_down(self) -> list[Action]:
        """Our last line is what is said next: now, or behind what is being said."""
        if self._memory.closing:
            return []
        self._memory.closing_at = self._floor.clock
        return [Log("CLOSING_DOWN"), *self._make_way()]

    def _make_way(self) -> list[Action]:
        """What we say is heard to the end of its sentence; what we were about to say is dropped."""
        turn = self._floor.turn
        if turn is None:
            return []
        if self._floor.state is State.SPEAKING:
            if turn.playout.end_here():
                turn.acts = tuple(act for act in turn.acts if not ends_call(act))
            turn.final = turn.parting
            return []
        if turn.fixed and turn.parting:
            return []
        if self._floor.state is State.LISTENING:
            return self.forget_early_start() or self._floor.drop()
        if not turn.understood:  # its words are on their way, and may be a goodbye, or a telephone number
            return []
        return [
            *self._keep_leads(),
            *self._floor.give_up(turn),
            *say_farewell(self._floor.present, self._memory),
        ]

    @property
    def may_insist(self) -> bool:
        """The last line is not being said, and no other word of ours either."""
        turn = self._floor.turn
        return turn is None or not (turn.final or turn.playout.audible)

    def insist(self) -> list[Action]:
        """Nobody has paused in time: the last line is said over whatever is going on."""
        kept, dropped = self._keep_leads(), self._floor.turn
        if self._floor.state is State.THINKING and dropped and dropped.caller:
            if dropped.thought is not Thought.WHOLE:  # it is judged behind the call
                self._caller.give_back(dropped.caller)
        kept += self._floor.drop()
        turn = self._floor.take(breath_frames=0)
        turn.final = True
        return [*kept, *say_farewell(turn, self._memory)]
