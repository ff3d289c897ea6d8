"""What goes on when a call is over: its socket, its voice and its place are gone, its last words are not.

A caller who hangs up at once has said it all the same. What they have said last is transcribed, and the LLM
is read to its end, or asked once, for the leads in it (``server.turns.after_hangup``). That is the process's,
not the call's: bounded in number and in time, and nothing of it is ever said or sent.
"""

import logging
from collections.abc import Callable
from functools import cache

from server.call.context import CallContext
from server.call.loop import advance
from server.call.provider_runner import AFTER_CALL_S, ProviderRunner
from server.office.lead import Details
from server.providers.deadlines import MIN_WAIT_S
from server.runtime.threads import Condition, Runtime, Threads
from server.turns.actions import Action, ApplyEffect, Log
from server.turns.effects import SaveLead
from server.turns.events import Event, FinalTranscript, SttFailed, TimeIsUp
from server.turns.machine import TurnMachine

log = logging.getLogger("agent")

MOST = 50  # at once a process; what comes on top keeps the words as they are
LISTEN_S = 2.5  # for the transcript: an LLM has to have its time too
ENDING_S = 0.5  # for what is cut short to be written down


class AfterCall:
    """What one call has left. ``run`` on a thread of its own; ``cut_short`` from any.

    ``lock``: the call's. ``keep(details)`` appends a lead to those of the call; it may block.
    """

    def __init__(
        self,
        context: CallContext,
        lock: Condition,
        machine: TurnMachine,
        providers: ProviderRunner,
        keep: Callable[[Details], None],
    ) -> None:
        self._clock = context.runtime.clock
        self._log = context.log
        self._observers = context.observers
        self._lock = lock  # guards everything below
        self._machine = machine
        self._providers = providers
        self._keep = keep
        self._began = self._clock()
        self._leads: list[Details] = []  # decided, and not kept yet
        self._cut = False
        self._broken = False
        self._kept = 0

    def handle(self, event: Event) -> None:
        """Lock held; never blocks."""
        if self._broken or self._machine.over:
            return
        try:
            advance(self._machine, event, self._perform, self._observers)
            if isinstance(event, FinalTranscript | SttFailed):
                self._providers.transcribed(event)
        except Exception:  # our own bug: nothing may go on from a half-applied event
            log.exception("AFTER_CALL_ERR sid=%s event=%s", self._log.sid, type(event).__name__)
            self._broken = True
        self._lock.notify_all()

    def cut_short(self) -> None:
        """Wait for nothing more: what the caller has said is kept as it is. Returns at once."""
        with self._lock:
            self._cut = True
            self._lock.notify_all()

    def run(self) -> None:
        """Until nothing is awaited any more, AFTER_CALL_S at most; then nothing of the call is left."""
        while True:
            with self._lock:
                self._wait()
                leads, self._leads = self._leads, []
                over = self._broken or self._machine.over
            for details in leads:
                self._keep(details)
            self._kept += len(leads)
            if over:
                break
        with self._lock:
            self._providers.cancel_all()
        self._observers.closed()
        took_s = self._clock() - self._began
        self._log.line("AFTER_CALL", f"kept={self._kept} in {took_s:.1f} s" + " (cut short)" * self._cut)

    def _wait(self) -> None:
        """Lock held: for a lead, or the end, which is brought about when it is due."""
        while not (self._leads or self._broken or self._machine.over):
            awaited = self._providers.awaited
            passed_s = AFTER_CALL_S if self._cut else self._clock() - self._began
            left_s = (LISTEN_S if awaited else AFTER_CALL_S) - passed_s
            if left_s > MIN_WAIT_S:
                self._lock.wait(left_s)
            elif awaited:
                for utterance_id in awaited:
                    self.handle(SttFailed(utterance_id, "no transcript behind the end of the call"))
            else:
                self.handle(TimeIsUp())

    def _perform(self, action: Action) -> list[Event]:
        match action:
            case ApplyEffect(SaveLead(details)):
                self._leads.append(details)
            case Log():
                self._log.of_the_core(action)
            case _:
                return self._providers.perform(action)
        return []


class Afterwards:
    """All that goes on for the calls of a process that are over. Any thread."""

    def __init__(self, runtime: Runtime, most: int = MOST) -> None:
        self._runtime = runtime
        self._most = most
        self._changed = runtime.condition()
        self._going_on: set[AfterCall] = set()

    def take(self, after: AfterCall) -> None:
        """Let it go on; at once too many, and it is cut short. Returns at once, if a thread can be had."""
        with self._changed:
            too_many = len(self._going_on) >= self._most
            self._going_on.add(after)
        if too_many:
            log.warning("AFTER_CALL more than %d at once: words are kept as they are", self._most)
        try:
            self._runtime.spawn("after-call", lambda: self._run(after, cut=too_many))
        except RuntimeError:  # there are too many threads
            self._run(after, cut=True)

    @property
    def going_on(self) -> int:
        """Calls that are over and leave something still."""
        with self._changed:
            return len(self._going_on)

    def end(self) -> None:
        """The process ends: cut them short, and wait for what they keep. Blocks for ENDING_S at most."""
        until = self._runtime.clock() + ENDING_S
        with self._changed:
            going_on = tuple(self._going_on)
        for after in going_on:
            after.cut_short()
        with self._changed:
            while self._going_on and (left_s := until - self._runtime.clock()) > 0:
                self._changed.wait(left_s)

    def _run(self, after: AfterCall, *, cut: bool) -> None:
        try:
            if cut:
                after.cut_short()
            after.run()
        except Exception:  # the thread's edge
            log.exception("AFTER_CALL_ERR")
        finally:
            with self._changed:
                self._going_on.discard(after)
                self._changed.notify_all()


@cache
def default_afterwards() -> Afterwards:
    """Of a process whose calls nobody has given one."""
    return Afterwards(Threads())
