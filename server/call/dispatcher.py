"""What a call decides and does: the turn machine, the call's lock, and whoever carries out its actions."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from server.audio.frames import FRAME_MS, FRAMES_PER_S, ms_to_frames
from server.call.call_record import CallRecord, CallSummary, Ended
from server.call.context import CallContext
from server.call.finishing import AfterCall
from server.call.loop import advance
from server.call.provider_runner import ProviderRunner
from server.office.leads_writer import LeadsWriter
from server.runtime.threads import Task
from server.settings.turn_params import dialogue_params
from server.telephony.receiver import AUDIO_TIMEOUT_S
from server.telephony.sender import Sender
from server.telephony.stream_clock import LineClock
from server.turns.actions import Action, ApplyEffect, Decided, Log, SendAudio, SendClear, SendMark, StartTurn
from server.turns.effects import Act, EndCall, SaveLead, Transfer
from server.turns.events import (
    CallerGone,
    Event,
    FinalTranscript,
    PersonAvailable,
    ReplyDelay,
    StreamStarted,
    SttFailed,
    TurnOverdue,
)
from server.turns.machine import TurnMachine
from server.turns.memory import CallMemory

log = logging.getLogger("agent")


@dataclass(frozen=True)
class Remainder:
    """What is still going on when a call is over.

    ``tasks``: threads that are still ending. ``after``: transcripts and LLMs that are awaited for a lead.
    ``awaits_transcript``: something was said whose words are not known yet.
    """

    tasks: list[Task]
    after: AfterCall | None
    awaits_transcript: bool


class Dispatcher:
    """Takes one event at a time from any thread.

    The machine decides under the call's lock and its actions are enqueued under it, so that the order of
    decision is the order of effect; whatever blocks is done by other threads, without it.
    """

    def __init__(
        self,
        context: CallContext,
        record: CallRecord,
        leads: LeadsWriter,
        line: LineClock,
        draw_delay: Callable[[float, float], float],
    ) -> None:
        self._context = context
        self._record = record
        self._leads = leads
        self._line = line
        self._draw_delay = draw_delay
        self._lock = context.runtime.condition()  # guards everything below
        self._machine = TurnMachine(dialogue_params(context.config))
        self.sender = Sender(context.runtime.clock, self._lock, ms_to_frames(context.config.tx_lead_ms))
        self._providers = ProviderRunner(context, self.sender.timers, self.post)
        self.over = False  # the call ends with the next message; nothing is decided any more
        self.outcome: EndCall | Transfer | None = None  # why our side closes, when it does so on purpose
        self._after: AfterCall | None = None  # once the call is over, if it leaves anything

    def begin(
        self,
        stream_sid: str,
        availability: Iterable[tuple[float, bool]],
        memory: CallMemory | None = None,
    ) -> None:
        """The stream has started. ``availability``: in so many seconds there is a person, or none.

        ``memory``: of the stream before it, which has failed (F8).
        """
        with self._lock:
            self.sender.start(stream_sid)
            for after_s, available in availability:
                self.sender.timers.start(after_s, PersonAvailable(available))
        llm = self._context.providers.llm.first
        self.post(StreamStarted(llm.opening, self._context.call, llm.takes_messages, memory))

    def post(self, event: Event, wanted: Callable[[], bool] | None = None) -> None:
        """Hand ``event`` to the core, unless ``wanted``, asked under the lock, says no. Any thread."""
        with self._lock:
            if wanted is None or wanted():
                self._handle(event)

    def break_off(self, how: Ended) -> None:
        """RX ends the call with the next message. Any thread, without the lock."""
        with self._lock:  # in the middle of ``end`` it would take the caller's leads away
            self._break_off(how)

    def audio_owed_until(self) -> float:
        """A line without silence owes a mark for what was played, and nothing while it may wait (F7)."""
        with self._lock:
            waits_s = self._machine.patience_frames / FRAMES_PER_S
            return self.sender.played_at() + (waits_s if waits_s > AUDIO_TIMEOUT_S else 0.0)

    def end(self) -> Remainder:
        """F6: stop what nobody awaits. What the core awaits behind the end is left to ``Remainder.after``."""
        with self._lock:
            self.over = False
            self._handle(CallerGone())
            self.over = True
            if not self._machine.over:
                call = self._context.call
                keep = partial(self._leads.save_lead, call.sid, call.number, after_call=True)
                self._after = AfterCall(self._context, self._lock, self._machine, self._providers, keep)
            self.sender.close()
            tasks = self._providers.end_call()
            return Remainder(tasks, self._after, bool(self._providers.awaited))

    def summed_up(self, summary: CallSummary) -> None:
        """Behind ``end``: what the call was, for those who see it."""
        with self._lock:
            self._context.observers.over(summary)

    # ---- lock held ----

    def _handle(self, event: Event) -> None:
        if self.over:
            if self._after is not None:  # a provider that is awaited behind the end
                self._after.handle(event)
            return
        try:
            if not advance(self._machine, event, self._perform, self._context.observers):
                if self._machine.current.clock % FRAMES_PER_S:  # a silence is remembered too, now and then
                    return
            if isinstance(event, FinalTranscript | SttFailed):
                self._providers.transcribed(event)
            self.sender.wake(wants_wire=self._machine.wants_wire)
            if not self.over:
                self._context.memory.keep(self._context.call.sid, self._machine, event)
        except Exception:  # our own bug: nothing may go on from a half-applied event
            log.exception("CALL_ERR sid=%s event=%s", self._context.log.sid, type(event).__name__)
            self._break_off(Ended.FAILED)  # the TwiML's action takes over

    def _break_off(self, how: Ended) -> None:
        self._record.ended(how)
        self.over = True

    def _perform(self, action: Action) -> list[Event]:
        """Never blocks. Returns what the action brings about at once."""
        self._record.action(action)
        self._context.memory.did(action)
        match action:
            case SendAudio() | SendMark() | SendClear():
                self.sender.post(action)
            case Log():
                self._log(action)
            case Decided():
                pass  # for those who observe
            case StartTurn(turn_id, waited_frames):
                return self._start_turn(turn_id, waited_frames)
            case ApplyEffect(act):
                self._apply(act)
            case _:
                return self._providers.perform(action)
        return []

    def _log(self, entry: Log) -> None:
        frames = entry.since_frames
        wall_ms = None if frames is None else self._line.since_s(frames) * 1000
        self._context.log.of_the_core(entry, wall_ms)

    def _start_turn(self, turn_id: int, waited_frames: int) -> list[Event]:
        config = self._context.config
        left_ms = max(0, config.turn_timeout_ms - waited_frames * FRAME_MS)
        self.sender.timers.start(left_ms / 1000, TurnOverdue(turn_id))
        delay_ms = self._draw_delay(config.resp_min_delay_ms, config.resp_max_delay_ms)
        return [ReplyDelay(turn_id, ms_to_frames(delay_ms))]

    def _apply(self, act: Act) -> None:
        context = self._context
        if isinstance(act, SaveLead):
            # On a thread of its own: a disk may keep it waiting.
            save = partial(self._leads.save_lead, context.call.sid, context.call.number, act.details)
            context.runtime.spawn("lead", save)
        elif not self.over:  # an LLM that wants both to end the call and to transfer it: the first counts
            context.log.line(f"CALL_ENDS {type(act).__name__}")
            self.outcome = act
            self.over = True  # RX leaves the outcome and closes the socket with the next message
