"""One call's media socket: Twilio on one side, the turn machine and the providers on the other.

| thread | does | never does |
|---|---|---|
| RX: the socket's request thread | receive, judge, fill holes, post events; pongs | wait for a provider |
| TX: one a call | pace and send media, mark, clear; post deadlines; alone calls ``put_on`` | |
| ``stt-<utterance>`` | read one utterance's transcripts, post them | touch the socket |
| ``turn-<id>``, ``tts-<id>`` | post the LLM's sentences; post their audio | touch the socket |
| ``llm-<id>``, ``audio-<id>`` | read the provider's stream, so that the two above can give it up | post |
| ``after-call`` | when all else is over: wait for what was said last, keep its leads | touch the socket |
| ``observers`` | let who saw the call finish, where there is no ``after-call`` | touch the socket |
| ``lead`` | append a line to ``LEADS_FILE``: of a lead, of the call that is over | touch the socket |
| ``outcome`` | tell other processes what shall follow | touch the socket |
| gRPC's own, one a stream of Google's | ask for the utterance's audio and send it | anything else of ours |
| simple-websocket's own reader, where it serves | answers pings and closes in RX's place | |

One lock a call, in ``server.call.dispatcher``: every thread posts events there, and gets nothing back.
"""

import logging
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from socket import SHUT_RD, SHUT_RDWR

from server.audio.frames import FRAMES_PER_S, FrameHeard
from server.call.call_record import CallRecord, CallSummary, Ended
from server.call.context import NOT_STARTED, CallContext
from server.call.dispatcher import Dispatcher
from server.call.finishing import Afterwards, default_afterwards
from server.call.observers import Observer, Observers
from server.call.remembering import Memories, Remembering
from server.config import Config, load_mounted_config, own_lines
from server.logs.call_log import CallLog
from server.office.leads_writer import LeadsWriter, office_of
from server.office.transfer import availability
from server.providers.host_functions import Asr, Respond, Synth
from server.providers.provider_set import Providers, default_providers, with_host_functions
from server.runtime.threads import Runtime, Task, Threads
from server.shared_state.state import Outcome
from server.telephony.caller_audio import InboundFrames
from server.telephony.caller_number import number_to_call
from server.telephony.receiver import ProtocolViolation, Quiet, Receiver
from server.telephony.stream_clock import LineClock
from server.telephony.twilio_messages import RESUMES, Dtmf, Ignored, Mark, Media, Message, Start, Stop
from server.telephony.websocket import POLICY_VIOLATION, SOCKET_ENDED, WebSocket, has_unread, put_on
from server.turns.effects import PhoneCall
from server.turns.events import ClosingDown, DigitPressed, MarkReturned

log = logging.getLogger("agent")

SEND_TIMEOUT_S = 0.3
OUTCOME_TIMEOUT_S = 0.5  # a store that takes longer is not waited for
END_TIMEOUT_S = 0.9  # the two before are part of it: everything of a call is gone in a second (F6)
OVERTIME_S = 120.0  # beyond MAX_CALL_SEC, which counts what was heard; it ends politely within one minute
OFFICE_AHEAD_S = 4 * 3600.0  # no call is longer
FIRST_LOG_FRAMES = 50  # shows who watches a first call that audio comes
LOG_EVERY_FRAMES = 60 * FRAMES_PER_S


class MediaStreamHandler:
    """One call. ``MediaStreamHandler(ws).run()`` blocks until it is over.

    ``asr``, ``respond``, ``synth``: a host's own functions (``bytes → str``, ``str → str``, ``str → bytes``)
    in the place of the configured providers. ``leads``: where they are left. ``close_call(sid, outcome)``
    blocks until other processes may know what shall follow.
    ``afterwards``: to whom its last words are left. ``memories``: where what was said is remembered, should
    this socket fail; a stream with the parameter RESUMES goes on from there (F8).
    ``observers``: who else sees what it is told and decides. ``shown_by`` makes one, of what it is given
    to send with, that shows it to the peer: for a page of ours; Twilio takes nothing but media, mark, clear.
    ``admit(start)`` says why this socket may not be a call's, nothing when it may; before, no provider works.
    ``breath(low_ms, high_ms)`` draws the pause before a reply; ``now()`` is the time of day, for the office.
    """

    def __init__(
        self,
        ws: WebSocket,
        config: Config | None = None,
        *,
        providers: Providers | None = None,
        asr: Asr | None = None,
        respond: Respond | None = None,
        synth: Synth | None = None,
        leads: LeadsWriter | None = None,
        close_call: Callable[[str, Outcome], None] | None = None,
        afterwards: Afterwards | None = None,
        memories: Memories | None = None,
        observers: Iterable[Observer] = (),
        shown_by: Callable[[Callable[[str], None]], Observer] | None = None,
        admit: Callable[[Start], str] = lambda start: "",
        runtime: Runtime | None = None,
        breath: Callable[[float, float], float] = random.uniform,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        config = config or load_mounted_config()
        runtime = runtime or Threads()
        providers = with_host_functions(providers or default_providers(), runtime, asr, respond, synth)
        call_log, seen_by = CallLog(config.log_transcripts), Observers(observers)
        self._context = CallContext(runtime, config, providers, call_log, seen_by, Remembering(memories))
        self._ws = ws
        self._now = now
        self._admit = admit
        self._leads, self._close_call = office_of(config, leads, close_call)
        self._afterwards = afterwards or default_afterwards()
        self._record = CallRecord(runtime.clock, self._context.log.tally, own_lines(config).no_person)
        self._line = LineClock(runtime.clock)  # RX tells it, anybody reads
        self._rx = InboundFrames(providers.new_speech, runtime.clock)  # RX only
        self._dispatcher = Dispatcher(self._context, self._record, self._leads, self._line, breath)
        if shown_by is not None:
            seen_by.add(shown_by(self._dispatcher.sender.remark))
        self._receiver = Receiver(
            ws.receive,
            runtime.clock,
            config.max_call_sec + OVERTIME_S,
            line=self._line,
            unread=partial(has_unread, ws),
            played_at=self._dispatcher.audio_owed_until,
        )

    def run(self) -> None:
        """Serve the call until ``stop``, a close, or a vanished peer. Never raises."""
        call_log = self._context.log
        close_reason: int | None = None  # a normal end
        tx_task = self._context.runtime.spawn("tx", self._run_tx)
        try:
            self._receive()
        except SOCKET_ENDED as ended:
            call_log.line(f"WS_CLOSED {ended}")
            self._record.ended(Ended.LOST)
        except ProtocolViolation as violation:
            call_log.line(str(violation))
            close_reason = POLICY_VIOLATION
            self._record.ended(Ended.STALLED)
        except Exception:  # the thread's edge: our own bug ends this call and no other
            log.exception("RX_ERR sid=%s", call_log.sid)
            self._record.ended(Ended.FAILED)
        finally:
            summary = self._end(tx_task, close_reason)
            call_log.counts("WS_DONE", self._line.frames, self._dispatcher.sender.frames, self._rx.oddities)
            if summary:
                call_log.line("CALL_OVER", summary.for_the_log())

    def close_down(self) -> None:
        """The server will be gone soon: say so and end the call well. Any thread; returns at once."""
        self._dispatcher.post(ClosingDown())

    @property
    def lag_s(self) -> float:
        """How far what is heard lies behind the clock of the wall (A9). Any thread."""
        return 0.0 if self._dispatcher.over else self._line.lag_s

    def cut(self) -> None:
        """End the call now, whatever is being said; Twilio asks ``stream_ended`` then. Any thread."""
        self._dispatcher.break_off(Ended.CUT)
        with suppress(OSError):  # RX would wait for a message
            self._ws.sock.shutdown(SHUT_RD)

    # ---- RX ----

    def _receive(self) -> None:
        while not self._dispatcher.over:
            message = self._receiver.next()
            if isinstance(message, Stop):
                frames = self._dispatcher.sender.frames
                self._context.log.counts("WS_STOP", self._line.frames, frames)
                return
            self._on_message(message)

    def _on_message(self, message: Message | Quiet) -> None:
        started, call_log = self._context.call is not NOT_STARTED, self._context.log
        if started and type(message) is Media:  # fifty a second
            self._hear(self._rx.feed(message), sent=True)
            return
        match message:
            case Media() | Dtmf() | Mark() if not started:
                call_log.ignored(f"{type(message).__name__.lower()} before start")
            case Quiet(frames):
                self._on_quiet(frames)
            case Start():
                self._on_start(message)
            case Dtmf(digit):
                self._dispatcher.post(DigitPressed(digit))
            case Mark(name):
                self._dispatcher.post(MarkReturned(name))
            case Ignored(reason):
                call_log.ignored(reason)

    def _on_start(self, start: Start) -> None:
        context, call_log = self._context, self._context.log
        if context.started:
            call_log.ignored("second start")
            return
        if why_not := self._admit(start):
            raise ProtocolViolation(f"WS_REFUSED {why_not}")
        call_log.sid = start.stream_sid
        context.call = PhoneCall(start.call_sid, number_to_call(start.parameters.get("from", "")))
        call_log.line("WS_START", f"mode=AI call={start.call_sid}")
        self._record.started(context.call, self._now())
        if start.other_format:
            # The peer may send μ-law all the same; else the caller hears static, and this says why.
            call_log.line(
                "WS_FORMAT", f"taken as μ-law, 8000 Hz, 1 channel: announced is {start.other_format}"
            )
        changes = availability(context.config).changes(self._now(), OFFICE_AHEAD_S)
        resumes = RESUMES in start.parameters
        memory = context.memory.recall(start.call_sid) if resumes else None
        self._dispatcher.begin(start.stream_sid, changes, memory)

    def _on_quiet(self, frames: int) -> None:
        if not self._rx.oddities["quiet"]:
            self._context.log.line(
                "LINE_QUIET", "no audio for 200 ms: heard as silence, as long as none comes"
            )
        self._hear(self._rx.quiet(frames), sent=False)

    def _hear(self, frames: list[FrameHeard], *, sent: bool) -> None:
        for frame in frames:
            if news := self._line.heard(sent=sent):
                self._context.log.line(news)
            self._dispatcher.post(frame)
            count = self._line.frames
            if count == FIRST_LOG_FRAMES or count % LOG_EVERY_FRAMES == 0:
                self._context.log.line("WS_MEDIA", f"rx={count}")

    # ---- TX, and the end ----

    def _run_tx(self) -> None:
        try:
            late = self._context.observers.sent_late
            self._dispatcher.sender.run(put_on(self._ws), self._dispatcher.post, late)
        except SOCKET_ENDED as ended:
            self._context.log.line(f"WS_SEND_FAILED {ended}")
            self._dispatcher.break_off(Ended.LOST)
        except Exception:
            log.exception("TX_ERR sid=%s", self._context.log.sid)
            self._dispatcher.break_off(Ended.FAILED)

    def _end(self, tx_task: Task, close_reason: int | None) -> CallSummary | None:
        """F6: streams, workers and deadlines of the call are gone, and its socket. What the call was."""
        runtime, call = self._context.runtime, self._context.call
        started = runtime.clock()
        remainder = self._dispatcher.end()
        tasks = [tx_task, *remainder.tasks]
        person = availability(self._context.config).person_available(self._now())
        summary = self._record.over(person=person, listening=remainder.awaits_transcript)
        if summary:
            self._context.memory.over(call.sid, summary.ended)
            self._dispatcher.summed_up(summary)
            tasks.append(runtime.spawn("lead", lambda: self._leads.save_call(summary)))
        if remainder.after is not None:
            self._afterwards.take(remainder.after)
        else:
            tasks.append(runtime.spawn("observers", self._context.observers.closed))
        # Nothing changes the outcome any more; on a thread of its own: a store may keep it waiting.
        if outcome := self._dispatcher.outcome:
            tasks.append(runtime.spawn("outcome", partial(self._close_call, call.sid, outcome)))
        tx_task.join(SEND_TIMEOUT_S)
        if outcome:
            # Twilio asks what follows as soon as the socket is closed.
            tasks[-1].join(max(0.0, started + OUTCOME_TIMEOUT_S - runtime.clock()))
        try:
            if tx_task.is_alive():  # it sends to a peer that takes nothing, and a close would wait for it
                self._ws.sock.shutdown(SHUT_RDWR)
            self._ws.close(close_reason)
        except SOCKET_ENDED:
            pass  # the peer was faster
        for task in tasks:
            task.join(max(0.0, started + END_TIMEOUT_S - runtime.clock()))
        left = sum(task.is_alive() for task in tasks)
        if left:
            self._context.log.line(f"WS_LEFT {left} threads did not end in time")
        return summary
