"""What happened on a call, turn by turn: told every event and action in order, it yields facts. Pure.

    events, actions --(Story)--> TurnFacts when a turn is over; CallFacts at the start, then, and at the end

A turn of the caller's is open from the end of their turn until its answer was heard, or until it is known
that there is none. A caller who goes on before the answer begins goes on in the same turn (A6), so that every
word of theirs is in one turn. Frames advance the clock.
"""

from collections.abc import Callable
from typing import Any

from server.audio.frames import FRAME_MS, FrameHeard
from server.call.call_record import CallSummary
from server.logs.redaction import PrivateText
from server.records.answer_times import AnswerTimes
from server.records.facts import CallFacts, Decision, TurnFacts
from server.records.kept_words import KeptWords
from server.records.open_turn import OpenTurn
from server.records.told import Told
from server.turns.actions import (
    Action,
    ApplyEffect,
    CancelRecognition,
    CancelTurn,
    Decided,
    FinishRecognition,
    GenerateReply,
    Log,
    StartRecognition,
    StartTurn,
    Synthesize,
)
from server.turns.effects import SaveLead
from server.turns.events import (
    CallerGone,
    Event,
    FinalTranscript,
    ReplySentence,
    StreamStarted,
    SttFailed,
    TtsAudio,
)

Facts = tuple[CallFacts | TurnFacts, ...]
NOTHING: Facts = ()
OF_THE_CALLERS_TURN = ("A", "B3", "C5")  # rules that hear the caller, whatever is being said meanwhile


def no_wall(frames: int) -> int | None:
    """Of a call that is read from what is kept of it."""
    return None


class Story:
    """Of one call. Not thread-safe. ``Observer``'s methods, which answer with what is to be kept."""

    def __init__(
        self, call: CallFacts, private: PrivateText, wall_ms: Callable[[int], int | None] = no_wall
    ) -> None:
        """``call``: what is known before it starts, without SID and caller.

        ``private``: by what words may be kept. ``wall_ms``: how long ago so many frames are, by the wall.
        """
        self._told = Told(call)
        self._kept = KeptWords(private)
        self._wall_ms = wall_ms
        self._clock = 0
        self._by_llm = False  # what is decided now is, on a sentence of the LLM's
        self._open: OpenTurn | None = None
        self._coming = OpenTurn()  # of the caller, while another one is open, or none
        self._times = AnswerTimes()
        self._rest: list[str] = []  # sentences of the last answer that was not heard to its end

    # ---- what it is told ----

    def saw(self, event: Event) -> Facts:
        """The machine is told this next."""
        kind = type(event)
        self._by_llm = kind is ReplySentence
        if kind is FrameHeard:
            self._clock += 1
            return NOTHING
        match event:
            case TtsAudio(turn_id, index) if index >= 0:
                self._times.audio(turn_id, self._clock)
            case FinalTranscript() | SttFailed() if self._callers.waiting:
                self._times.words_known(self._clock)
            case StreamStarted(call=call):
                self._told.starts(event.part, call.number, self._kept.number(call.number))
                return (self._told.facts(self._clock),)
            case CallerGone():
                self._told.hangs_up()
        return NOTHING

    def did(self, action: Action) -> Facts:
        """The machine has decided this."""
        handler = HANDLERS.get(type(action))
        return NOTHING if handler is None else handler(self, action)

    def over(self, summary: CallSummary) -> Facts:
        """The socket is gone; words may still be awaited."""
        turn = self._open
        kept = NOTHING
        if turn is not None and not (turn.owed and turn.waiting):
            kept = self._close("cut")
        self._told.sum_up(summary)
        return (*kept[:-1], self._told.facts(self._clock))

    def closed(self) -> Facts:
        """Nothing follows any more."""
        if not self._told.started:
            return NOTHING
        kept = self._close("cut") if self._open is not None else NOTHING
        return (*kept[:-1], self._told.facts(self._clock))

    # ---- turns ----

    @property
    def _callers(self) -> OpenTurn:
        """To what the caller says now belongs."""
        return self._open if self._open is not None and self._open.owed else self._coming

    def _take_coming(self) -> OpenTurn:
        turn, self._coming = self._coming, OpenTurn()
        turn.begin(self._clock)
        self._open = turn
        return turn

    def _close(self, ended: str) -> Facts:
        turn, told = self._open, self._told
        assert turn is not None
        if turn.own and not turn.started:
            ended = "dropped"
        if turn.started and not turn.whole and not turn.facts.agent:
            self.unheard(turn, "")
        if not turn.facts.said_by and self._times.by and turn.started:
            turn.said_by(self._times.by)
        earliest = told.turns[-1].began_ms if told.turns else 0
        began_ms = max(earliest, (turn.began_at or 0) * FRAME_MS)
        facts = turn.over(len(told.turns) + 1, began_ms, self._clock * FRAME_MS, ended)
        told.turns.append(facts)
        self._open = None
        return (facts, told.facts(self._clock))

    # ---- actions ----

    def log(self, entry: Log) -> Facts:
        name = entry.line.partition(" ")[0]
        handler = LINES.get(name)
        return NOTHING if handler is None else handler(self, entry)

    def state(self, entry: Log) -> Facts:
        _, before, _, after, *_ = entry.line.split()
        turn = self._open
        if after == "THINKING" and (turn is None or not turn.owed):
            self._take_coming()
        elif after == "SPEAKING" and turn is not None:
            turn.speaks()
        elif after == "LISTENING" and turn is not None and not (turn.owed and turn.waiting):
            how = "heard" if turn.whole else "interrupted"
            return self._close(how if before == "SPEAKING" else "dropped")
        return NOTHING

    def words(self, entry: Log) -> Facts:
        words, kept = entry.words or "", NOTHING
        turn = self._open
        if self._told.gone and turn is not None and not (turn.owed and turn.waiting):
            kept, turn = self._close("cut"), None
        if turn is None or not turn.owed:
            turn = self._take_coming()
        turn.caller_said(self._kept.of_caller(words))
        self._times.words_known(self._clock)
        return kept

    def agent_text(self, entry: Log) -> Facts:
        turn, words = self._open, entry.words or ""
        if turn is None:
            return NOTHING
        turn.agent_said(self._kept.of_agent(words))
        if not turn.whole:
            self.unheard(turn, words)
        return NOTHING

    def unheard(self, turn: OpenTurn, heard: str) -> None:
        """D3: the answer has ended in the middle; once a turn."""
        unheard, self._rest = self._times.unheard(heard)
        if unheard and turn.is_cut_short():
            self._note(turn, "D3", "unheard", self._kept.unheard(unheard))

    def gap(self, entry: Log) -> Facts:
        frames = entry.since_frames or 0
        gap = self._times.gap(frames, self._clock, self._wall_ms(frames))
        self._told.answered(gap)
        if self._open is not None:
            self._open.answered(gap)
        return NOTHING

    def heard_out(self, entry: Log) -> Facts:
        if self._open is not None:
            self._open.heard_out()
        return NOTHING

    def barge_in(self, entry: Log) -> Facts:
        self._told.barge_in()
        if self._open is not None:
            self._open.interrupted()
        return NOTHING

    def stt_error(self, entry: Log) -> Facts:
        self._told.stt_failed()
        self._callers.failed(f"stt {self._kept.cause(entry.cause or '')}")
        return NOTHING

    def llm_error(self, entry: Log) -> Facts:
        self._told.llm_failed()
        (self._open or self._coming).failed(f"llm {self._kept.cause(entry.cause or '')}")
        return NOTHING

    def early(self, entry: Log) -> Facts:
        _, _, turn_id = entry.line.partition(" turn=")
        if not entry.line.startswith("EARLY_START dropped"):
            self._callers.started_early(int(turn_id))
        return NOTHING

    def decided(self, decided: Decided) -> Facts:
        callers = decided.rule.startswith(OF_THE_CALLERS_TURN)
        turn = self._callers if callers else self._open or self._coming
        why = self._kept.why(decided.rule, decided.what, decided.why)
        self._note(turn, decided.rule, decided.what, why)
        handler = REASONS.get((decided.rule, decided.what))
        if handler is not None:
            handler(self, self._open or self._coming)
        return NOTHING

    def _note(self, turn: OpenTurn, rule: str, what: str, why: str) -> None:
        turn.decided(Decision(self._clock * FRAME_MS, rule, what, why))

    def started_recognition(self, action: StartRecognition) -> Facts:
        if self._callers is self._coming:
            self._coming.begin(self._clock, action.utterance_id)
        return NOTHING

    def cancelled_recognition(self, action: CancelRecognition) -> Facts:
        self._coming.was_noise(action.utterance_id)
        return NOTHING

    def finished_recognition(self, action: FinishRecognition) -> Facts:
        self._times.utterance_ended(self._clock)
        return NOTHING

    def started_turn(self, action: StartTurn) -> Facts:
        self._times.of(action.turn_id)
        if not action.waited_frames:
            self._times.owed(self._clock)
        return NOTHING

    def asked(self, action: GenerateReply) -> Facts:
        if not action.gone:
            self._times.of(action.turn_id)
        return NOTHING

    def synthesize(self, action: Synthesize) -> Facts:
        if action.index < 0:
            return NOTHING
        by = "llm" if self._by_llm else "line"
        self._times.sentence(action.turn_id, action.text, self._clock, by)
        if self._open is None and self._coming.early != action.turn_id:
            self._open = OpenTurn(own=True, began_at=self._clock, waiting=False)
        return NOTHING

    def cancelled_turn(self, action: CancelTurn) -> Facts:
        turn = self._open
        (turn if turn is not None and turn.early else self._coming).cancelled(action.turn_id)
        if turn is not None and turn.own and not turn.started:
            return self._close("dropped")
        return NOTHING

    def applied(self, action: ApplyEffect) -> Facts:
        if isinstance(action.act, SaveLead):
            self._told.left(action.act.details)
        return NOTHING

    # ---- reasons that tell of the turn ----

    def goes_on(self, turn: OpenTurn) -> None:
        self._rest = self._times.sentences
        turn.goes_on()

    def insists(self, turn: OpenTurn) -> None:
        """The words that were to be answered are judged behind the call: they come again."""
        if turn is self._open and turn.owed:
            self._kept.come_again()
            turn.goes_on()

    def false_barge_in(self, turn: OpenTurn) -> None:
        self._told.false_barge_in()
        turn.false_barge_in()

    def takes_up(self, turn: OpenTurn) -> None:
        self._times.take_up(self._rest)
        if turn.facts.said_by != "rest":
            self.false_barge_in(turn)
            turn.said_by("rest")

    def answer_ready(self, turn: OpenTurn) -> None:
        self._times.take_up(self._rest)

    def nod(self, turn: OpenTurn) -> None:
        self._kept.went_for_nod()

    def no_nod(self, turn: OpenTurn) -> None:
        """Its words come again, with more of them."""
        if turn.facts.said_by != "rest":
            self._kept.nod_comes_again()
            return
        turn.takes_back_words()
        self._told.false_barge_in(-1)
        turn.false_barge_in(-1)


HANDLERS: dict[type, Callable[[Story, Any], Facts]] = {
    Log: Story.log,
    Decided: Story.decided,
    StartRecognition: Story.started_recognition,
    CancelRecognition: Story.cancelled_recognition,
    FinishRecognition: Story.finished_recognition,
    StartTurn: Story.started_turn,
    GenerateReply: Story.asked,
    Synthesize: Story.synthesize,
    CancelTurn: Story.cancelled_turn,
    ApplyEffect: Story.applied,
}
LINES: dict[str, Callable[[Story, Log], Facts]] = {
    "STATE": Story.state,
    "ASR_TEXT:": Story.words,
    "AGENT_TEXT:": Story.agent_text,
    "RESPONSE_GAP": Story.gap,
    "tts_done": Story.heard_out,
    "BARGE_IN:": Story.barge_in,
    "ASR_ERR:": Story.stt_error,
    "LLM_ERR:": Story.llm_error,
    "EARLY_START": Story.early,
}
REASONS: dict[tuple[str, str], Callable[[Story, OpenTurn], None]] = {
    ("A6", "goes on"): Story.goes_on,
    ("D4", "went on"): Story.false_barge_in,
    ("D4", "from its word"): Story.takes_up,
    ("D4", "from its sentence"): Story.takes_up,
    ("D4", "nod"): Story.nod,
    ("D4", "no nod"): Story.no_nod,
    ("E2", "answer ready"): Story.answer_ready,
    ("F4", "insists"): Story.insists,
}
FALSE_BARGE_INS = frozenset(
    reason for reason, does in REASONS.items() if does in (Story.false_barge_in, Story.takes_up)
)
