"""A turn: in which phase the agent's answer stands, and what it says. Only the turn writes the turn."""

from dataclasses import dataclass, replace

from server.hebrew.understand.questions import is_question
from server.hebrew.words import fingerprint
from server.turns.actions import Action, GenerateReply, Synthesize
from server.turns.effects import Act, Expected, SaveLead, ends_call
from server.turns.events import TtsAudio, TtsSentenceDone
from server.turns.expected_input import Asked
from server.turns.follow_up import FollowUp, Prompt, Thought
from server.turns.phases import TRANSITIONS, Phase, State, TurnEvent
from server.turns.playout import HINT_INDEX, Playout, UnheardRest
from server.turns.says import LlmReply, PromptReply, ResumedReply, Says
from server.turns.turn_times import TurnTimes
from server.turns.utterances import UserTurn

MAX_SENTENCES = 64  # of one reply; an LLM that runs on is not listened to any more
MAX_UNCONFIRMED_STOPS = 2  # in one reply; then confirmation is waited for first (D1)


class Turn:
    """Its ID fences it: workers and marks carry the ID they were born with. Not thread-safe.

    ``caller``: what it answers; None for a prompt that answers nobody, and while that is not known for good.
    """

    def __init__(
        self,
        turn_id: int,
        phase: Phase,
        times: TurnTimes,
        caller: UserTurn | None = None,
        playout: Playout | None = None,
    ) -> None:
        self.turn_id = turn_id
        self.phase = phase
        self.times = times
        self.caller = caller
        self.playout = playout or Playout(turn_id)
        self.says: Says | None = None
        self.follow_up = FollowUp()
        self.thought = Thought.NONE
        self.words = ""  # of the caller, as understood in the end
        self.skipped = False  # a sentence was left out: it was heard a moment ago (E4)
        self.interrupts: InterruptedReply | None = None  # while the LLM may find that the caller listens (D4)
        self._stops = 0  # times an unconfirmed sound stopped it

    def on(self, event: TurnEvent) -> bool:
        """Move on by the table; False when the event is none for this phase, and nothing changes."""
        after = TRANSITIONS.get((self.phase, event))
        self.phase = after or self.phase
        return after is not None

    def takes(self, event: TurnEvent) -> bool:
        """The table has the event for this phase."""
        return (self.phase, event) in TRANSITIONS

    def again(self, turn_id: int) -> "Turn":
        """The same turn of the caller's under another ID: nothing that LLM and TTS have made counts."""
        self.playout.start_over(turn_id)
        turn = Turn(turn_id, self.phase, self.times.again(), self.caller, self.playout)
        known = self.thought in (Thought.NONE, Thought.WHOLE)
        turn.understood_as(self.words, self.thought if known else Thought.BROKEN)
        return turn

    # ---- what is true now ----

    @property
    def state(self) -> State:
        return self.phase.state

    @property
    def early(self) -> bool:
        """Begun before the caller's turn was over: nothing of it is heard yet (B3)."""
        return self.phase is Phase.SPECULATIVE

    @property
    def words_known(self) -> bool:
        """What it answers is known for good."""
        return self.phase not in (Phase.SPECULATIVE, Phase.TRANSCRIBING)

    @property
    def final(self) -> bool:
        """The last words of the call; nothing holds them back, or stops them (F4)."""
        return self.phase in (Phase.INSISTING, Phase.FAREWELL)

    @property
    def request(self) -> GenerateReply | None:
        """What the LLM was asked."""
        return None if self.says is None else self.says.request

    @property
    def resumes(self) -> bool:
        return isinstance(self.says, ResumedReply)

    @property
    def restores(self) -> str | None:
        """It resumes a reply that history notes as interrupted: what was heard in full of that."""
        return self.says.restores if isinstance(self.says, ResumedReply) else None

    @property
    def before(self) -> tuple[str, ...]:
        """Sentences of its reply that were heard in an earlier turn."""
        return () if self.says is None else self.says.before

    @property
    def fixed(self) -> bool:
        """It says a prompt, or the rest of one."""
        says = self.says
        return isinstance(says, PromptReply) or (isinstance(says, ResumedReply) and says.of_prompt)

    @property
    def is_line(self) -> bool:
        """A prompt in the place of the LLM's words: no reply that could be given again (E4)."""
        return self.fixed and self.caller is not None

    @property
    def text(self) -> str:
        """The words that the LLM answers; empty when it was not asked, or for the rest of an answer."""
        return "" if self.request is None or self.resumes else self.request.text

    @property
    def answers(self) -> str:
        """The caller's words that brought it about; empty when answered before, or not understood."""
        return "" if self.resumes or not self.words_known else self.words

    @property
    def unjudged(self) -> str:
        """The words that it answers, if an LLM was to judge them and has not come to its end."""
        return "" if self.thought in (Thought.NONE, Thought.WHOLE) else self.answers

    @property
    def parting(self) -> bool:
        """Behind it the call ends, or is handed over."""
        return any(map(ends_call, self.follow_up.acts))

    @property
    def last_sentence(self) -> str:
        """Said or to be said, so far; empty for none."""
        return self.playout.sentences[-1].text if self.playout.sentences else ""

    @property
    def asks_the_caller(self) -> bool:
        """Its last sentence is a question, in quotes or brackets too, or one without its mark."""
        bare = self.last_sentence.rstrip(" \"'”׳״)]}.!…")
        return bare.endswith("?") or ("?" not in bare and is_question(bare))

    def has_said(self, text: str) -> bool:
        """The sentence is part of its reply already: an LLM that cannot go on from the middle says it all."""
        already = (*self.before, *(sentence.text for sentence in self.playout.sentences))
        return fingerprint(text) in map(fingerprint, already)

    @property
    def nothing_left(self) -> bool:
        """It resumes a reply of which there was no rest."""
        return self.resumes and self.playout.complete and not self.playout.count

    # ---- the caller's turn ----

    def owed(self, caller: UserTurn, clock: int) -> bool:
        """The caller's turn is over: what was begun early is its answer."""
        if not self.on(TurnEvent.USER_TURN_ENDED) or self.phase is not Phase.TRANSCRIBING:
            return False
        self.caller = caller
        self.times.user_turn_ended(clock)
        return True

    def understood_as(self, words: str, thought: Thought | None = None) -> None:
        """The caller's words; ``thought``: what an LLM has to do with them, if that is known."""
        self.words = words
        self.thought = thought or self.thought

    def hold(self, until: int) -> None:
        """The LLM finds that the caller has not finished: it is asked again then (A7)."""
        self.on(TurnEvent.NOT_FINISHED)
        self.times.hold(until)

    # ---- what it says ----

    def ask(self, request: GenerateReply) -> list[Action]:
        self.says, self.interrupts = LlmReply(request), None
        self.thought = Thought.AT_WORK
        return [request]

    def may_resume(self, interrupted: "InterruptedReply | None") -> None:
        """What the caller interrupted goes on, should the LLM find that they only listen."""
        if isinstance(self.says, LlmReply):
            self.interrupts = interrupted

    def add_sentence(self, text: str) -> list[Action]:
        """Voice it, and say it behind what there is."""
        index = self.playout.add(text)
        return [Synthesize(self.turn_id, index, text)]

    def skip_sentence(self) -> None:
        self.skipped = True

    def say(self, prompt: Prompt, *, notice: bool = False) -> list[Action]:
        """Say a fixed line, and nothing after it; a ``notice`` is heard to its end."""
        self.says = PromptReply(self.request, self.before, notice)
        self.follow_up = replace(self.follow_up, asks=prompt.asks, acts=prompt.acts)
        actions = self.add_sentence(prompt.line)
        self.playout.end_reply()
        return actions

    def let_hint_end(self) -> bool:
        """There is nothing to answer: a hint that is being heard comes to its end; False without one."""
        if not self.playout.audible:
            return False
        self.says = PromptReply()
        self.playout.end_reply()
        return self.on(TurnEvent.HINT_GOES_ON)

    def say_again(self, reply: "InterruptedReply") -> list[Action]:
        """The same words again: their answer is ready (E2)."""
        request = _asked_again(reply.turn.request, self.turn_id)
        if request is None or reply.turn.fixed:
            self.says = PromptReply(request, reply.heard_before)
        else:
            self.says = LlmReply(request, reply.heard_before)
        return self._take_up(reply)

    def resume(self, reply: "InterruptedReply") -> list[Action]:
        """Say the rest of a reply; what the LLM did not come to say is asked for (D4)."""
        request = _asked_again(reply.turn.request, self.turn_id)
        self.says = ResumedReply(request, reply.heard_before, reply.restores, reply.turn.is_line)
        return self._take_up(reply)

    def _take_up(self, reply: "InterruptedReply") -> list[Action]:
        interrupted, rest = reply.turn, reply.rest
        self.follow_up = interrupted.follow_up
        actions: list[Action] = []
        for text, audio in rest.sentences:
            if audio is None:
                actions += self.add_sentence(text)
            else:
                self.playout.adopt(text, audio, 0 if self.playout.count else rest.begins_at)
        self.thought = Thought.BROKEN if interrupted.thought is Thought.AT_WORK else interrupted.thought
        request = self.request
        if rest.complete or request is None:
            self.playout.end_reply()
            return actions
        self.thought = Thought.AT_WORK
        said = " ".join((*self.before, *(text for text, _ in rest.sentences)))
        return [*actions, replace(request, said=said)]

    def take_audio(self, event: TtsAudio | TtsSentenceDone, hint: str) -> None:
        """Some of a sentence's audio, or its end."""
        if isinstance(event, TtsSentenceDone):
            self.playout.end_sentence(event.index)
        elif event.index != HINT_INDEX:
            self.playout.add_audio(event.index, event.mulaw_8k)
        elif not self.playout.ready_frames:  # the hint is for want of a reply (B5)
            self.playout.add_hint(hint, event.mulaw_8k)

    # ---- what the LLM has decided ----

    def judged(self, *, whole: bool) -> None:
        """The LLM has come to its end, or to an end."""
        self.thought = Thought.WHOLE if whole else Thought.BROKEN

    def judged_by_nobody(self) -> None:
        """What the caller said was a message, which is kept as it is."""
        self.thought = Thought.NONE

    def decide(self, acts: tuple[Act, ...]) -> None:
        """To be done, each at its time."""
        self.follow_up = replace(self.follow_up, acts=acts)

    def expect(self, expected: Expected) -> None:
        self.follow_up = replace(self.follow_up, expected=expected)

    def ask_for(self, asked: Asked | None) -> None:
        self.follow_up = replace(self.follow_up, asks=asked)

    def take_due(self, *, heard: bool) -> tuple[Act, ...]:
        """Each once: a lead is due when the turn is committed, the rest when the answer was heard."""
        acts = self.follow_up.acts
        due = tuple(act for act in acts if heard or isinstance(act, SaveLead))
        self.decide(tuple(act for act in acts if act not in due))
        return due

    # ---- playout ----

    def first_frame(self, *, closing: bool) -> TurnEvent:
        """What it is that begins with its first frame."""
        if closing and self.parting:
            return TurnEvent.FAREWELL_STARTS
        notice = isinstance(self.says, PromptReply) and self.says.notice
        return TurnEvent.NOTICE_STARTS if notice else TurnEvent.REPLY_STARTS

    def stop(self) -> bool:
        """Perhaps a voice: stop, to judge it; False when that is not to be done (any more)."""
        if self._stops >= MAX_UNCONFIRMED_STOPS or not self.on(TurnEvent.SOUND):
            return False
        self.playout.hold()
        return True

    def dip(self, *, confirmed: bool) -> bool:
        """A voice, or perhaps one: go on lower; False when that is not to be done (any more)."""
        if not confirmed and self._stops >= MAX_UNCONFIRMED_STOPS:
            return False
        if not self.on(TurnEvent.VOICE_OVER):
            return False
        self.playout.dip()
        return True

    def go_on(self) -> None:
        """It was no voice: from the very frame."""
        if self.on(TurnEvent.NOISE):
            self.playout.resume()
            self._stops += 1

    def come_back(self) -> None:
        """The voice has said nothing that ends the reply: at full level again."""
        if self.on(TurnEvent.NOTHING_MEANT):
            self.playout.resume()

    def end_here(self) -> None:
        """The server goes: nothing is said behind the sentence being heard (F4)."""
        if not self.on(TurnEvent.CLOSING_DOWN):
            return
        if self.playout.end_here():
            self.decide(tuple(act for act in self.follow_up.acts if not ends_call(act)))
        if self.parting and self.on(TurnEvent.FAREWELL_STARTS):
            self.playout.resume()  # whatever was being judged, nothing stops it any more


def _asked_again(request: GenerateReply | None, turn_id: int) -> GenerateReply | None:
    """For the rest of an answer: there is one."""
    return request and replace(request, turn_id=turn_id, may_wait=False, may_listen=False)


@dataclass(frozen=True)
class InterruptedReply:
    """The unheard rest of a reply, kept in case the interruption was noise, echo or a backchannel.

    ``answers``: fingerprint of the words it was made for, when it was superseded before it was heard.
    ``restores``: history notes the interruption; this was heard in full before it. ``heard``: but for its
    last moment it was heard, and what follows it is due at ``due_at`` (F2).
    """

    rest: UnheardRest
    turn: Turn
    answers: int | None = None
    restores: str | None = None
    heard: bool = False
    due_at: int = 0  # frame clock

    @classmethod
    def superseded(cls, turn: Turn) -> "InterruptedReply | None":
        """Of a turn whose answer was not heard yet; None when there was none to be."""
        if turn.resumes:
            return cls(turn.playout.rest(), turn, restores=turn.restores)
        return cls(turn.playout.rest(), turn, answers=fingerprint(turn.text)) if turn.text else None

    @property
    def heard_before(self) -> tuple[str, ...]:
        """Sentences of the reply before the one that is said again."""
        return (*self.turn.before, *self.rest.before)

    @property
    def parting(self) -> bool:
        """The agent was saying goodbye, or handing over."""
        return self.turn.parting

    @property
    def acts_due(self) -> tuple[Act, ...]:
        """For a turn in which nothing was said after all."""
        return self.turn.follow_up.acts if self.heard else ()

    def answers_words(self, text: str) -> bool:
        return self.answers == fingerprint(text)
