"""One call's media socket: Twilio on one side, the core and the engines on the other.

| thread | does | never does |
|---|---|---|
| RX: the socket's request thread | receive, judge, fill holes, feed the core | wait for an engine; send |
| TX: one a call | pace and send media, mark, clear; fire deadlines; the only caller of ``ws.send`` | |
| ``stt-<utterance>`` | read one utterance's transcripts, post them | touch the socket |
| ``turn-<id>``, ``voice-<id>`` | post the LLM's sentences; post their audio | touch the socket |
| ``llm-<id>``, ``audio-<id>`` | read the engine's stream, so that the two above can give it up | post |
| ``after-call`` | when all else is over: wait for what was said last, keep its leads | touch the socket |
| ``lead`` | append a line to ``LEADS_FILE``: of a lead, of the call that is over | touch the socket |
| ``outcome`` | tell other processes what shall follow | touch the socket |
| gRPC's own, one a stream of Google's | ask for the utterance's audio and send it | anything else of ours |
| simple-websocket's own reader | answers pings and closes (not ours, but it also writes) | |

One lock a call. Under it the core decides and its actions are enqueued, so that the order of decision is
the order of effect; every blocking call is outside it.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from socket import SHUT_RD, SHUT_RDWR

from simple_websocket import ConnectionClosed
from wsproto.utilities import LocalProtocolError

from server.audio.frames import FRAME_MS, FRAMES_PER_S, FrameHeard, ms_to_frames
from server.audio.pacing import Pacer
from server.call.after_hangup import AfterCall, Afterwards, default_afterwards
from server.call.call_record import CallRecord, CallSummary, Ended
from server.call.provider_runner import ProviderRunner
from server.config import Config, dialogue_params, load_mounted_config, own_lines
from server.logs.call_log import CallLog
from server.office.call_outcome import Desk, open_desk
from server.office.transfer import availability
from server.providers.host_functions import Asr, Respond, Synth
from server.providers.registry import asr_timeout_ms
from server.runtime.threads import Runtime, Task, Threads
from server.shared_state.state import Outcome
from server.telephony.caller_audio import InboundFrames
from server.telephony.caller_number import number_to_call
from server.telephony.receiver import (
    AUDIO_TIMEOUT_S,
    ProtocolViolation,
    Quiet,
    Receiver,
    WebSocket,
    has_unread,
)
from server.telephony.sender import Sender
from server.telephony.stream_clock import LineClock
from server.telephony.twilio_messages import Dtmf, Ignored, Mark, Media, Message, Start, Stop
from server.turn_pipeline import Providers, default_providers, with_host_functions
from server.turns.actions import (
    Action,
    ApplyEffect,
    FinishRecognition,
    Log,
    SendAudio,
    SendClear,
    SendMark,
    StartTurn,
)
from server.turns.effects import Act, PhoneCall, SaveLead
from server.turns.events import (
    CallerGone,
    ClosingDown,
    DigitPressed,
    Event,
    FinalTranscript,
    MarkReturned,
    PersonAvailable,
    ReplyDelay,
    StreamStarted,
    SttFailed,
    TurnOverdue,
)
from server.turns.machine import TurnMachine

log = logging.getLogger("agent")

SEND_TIMEOUT_S = 0.3
OUTCOME_TIMEOUT_S = 0.5  # a store that takes longer is not waited for
END_TIMEOUT_S = 0.9  # the two before are part of it: everything of a call is gone in a second (F6)
MIN_EARS_MS = 100  # for the transcript after the end of turn, however long the closing silence was
OVERTIME_S = 120.0  # beyond MAX_CALL_SEC, which counts what was heard; it ends politely within one minute
OFFICE_AHEAD_S = 4 * 3600.0  # no call is longer
FIRST_LOG_FRAMES = 50  # audio comes, for who watches a first call
LOG_EVERY_FRAMES = 60 * FRAMES_PER_S
POLICY_VIOLATION = 1008
SOCKET_ENDED = (ConnectionClosed, OSError, LocalProtocolError)


class MediaStreamHandler:
    """One call. ``MediaStreamHandler(ws).run()`` blocks until it is over.

    ``asr``, ``respond``, ``synth``: a host's own functions (``bytes → str``, ``str → str``, ``str → bytes``)
    in the place of the configured engines. ``desk``: where leads and the call's outcome are left.
    ``afterwards``: to whom its last words are left.
    ``admit(start)`` says why this socket may not be a call's, nothing when it may; before, no engine works.
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
        desk: Desk | None = None,
        afterwards: Afterwards | None = None,
        admit: Callable[[Start], str] = lambda start: "",
        runtime: Runtime | None = None,
        breath: Callable[[float, float], float] = random.uniform,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ws = ws
        self._config = config or load_mounted_config()
        self._runtime = runtime or Threads()
        self._draw_breath = breath
        self._now = now
        self._desk = desk or open_desk(self._config)
        self._afterwards = afterwards or default_afterwards()
        self._after: AfterCall | None = None  # once the call is over, if it leaves anything
        self._admit = admit
        self._line = LineClock(self._runtime.clock)  # RX tells it, anybody reads
        self._receiver = Receiver(
            lambda timeout_s: ws.receive(timeout=timeout_s),
            self._runtime.clock,
            self._config.max_call_sec + OVERTIME_S,
            line=self._line,
            unread=lambda: has_unread(ws),
            played_at=self._owes_until,
        )
        self._close_reason: int | None = None  # a normal end
        self._call = PhoneCall()  # RX writes it once, before there are turns
        providers = with_host_functions(providers or default_providers(), self._runtime, asr, respond, synth)
        self._llm = providers.llm.first
        self._rx = InboundFrames(providers.new_speech, self._runtime.clock)  # RX only
        self._log = CallLog(self._config.log_transcripts)
        self._record = CallRecord(self._runtime.clock, self._log.tally, own_lines(self._config).no_person)
        self._lock = self._runtime.condition()  # guards everything below
        self._dialogue = TurnMachine(dialogue_params(self._config))
        self._events: deque[Event] = deque()
        self._over = False
        self._outcome: Outcome | None = None  # why our side closes, when it does so on purpose
        self._providers = ProviderRunner(
            self._runtime,
            self._config,
            providers,
            post=self._post,
            handle=self._handle,
            complain=self._log.complaint,
        )
        pacer = Pacer(ms_to_frames(self._config.tx_lead_ms))
        self._tx = Sender(self._runtime, self._lock, pacer, self._handle, self._wants_wire, ws.send)

    def run(self) -> None:
        """Serve the call until ``stop``, a close, or a vanished peer. Never raises."""
        tx_task = self._runtime.spawn("tx", self._run_tx)
        try:
            self._receive()
        except SOCKET_ENDED as ended:
            self._log.line(f"WS_CLOSED {ended}")
            self._record.ended(Ended.LOST)
        except ProtocolViolation as out:
            self._log.line(str(out))
            self._close_reason = POLICY_VIOLATION
            self._record.ended(Ended.STALLED)
        except Exception:  # the thread's edge: our own bug ends this call and no other
            log.exception("RX_ERR sid=%s", self._log.sid)
            self._record.ended(Ended.FAILED)
        finally:
            summary = self._end(tx_task)
            self._log.counts("WS_DONE", self._rx.frames, self._tx.frames, self._rx.oddities)
            if summary:
                self._log.line("CALL_OVER", summary.for_the_log())

    def close_down(self) -> None:
        """The server will be gone soon: say so and end the call well. Any thread; returns at once."""
        self._post(ClosingDown())

    @property
    def lag_s(self) -> float:
        """How far what is heard lies behind the clock of the wall (A9). Any thread."""
        return 0.0 if self._over else self._line.lag_s

    def cut(self) -> None:
        """End the call now, whatever is being said; Twilio asks ``stream_ended`` then. Any thread."""
        self._break(Ended.CUT)
        with suppress(OSError):  # RX would wait for a message
            self._ws.sock.shutdown(SHUT_RD)

    # ---- RX ----

    def _receive(self) -> None:
        while not self._over:
            message = self._receiver.next()
            if isinstance(message, Stop):
                self._log.counts("WS_STOP", self._rx.frames, self._tx.frames)
                return
            self._on_message(message)

    def _on_message(self, message: Message | Quiet) -> None:
        match message:
            case Start():
                self._on_start(message)
            case Media() | Dtmf() | Mark() if not self._log.sid:
                self._log.ignored(f"{type(message).__name__.lower()} before start")
            case Media():
                self._hear(self._rx.feed(message), sent=True)
            case Quiet(frames):
                self._on_quiet(frames)
            case Dtmf(digit):
                self._post(DigitPressed(digit))
            case Mark(name):
                self._post(MarkReturned(name))
            case Ignored(reason):
                self._log.ignored(reason)

    def _on_start(self, start: Start) -> None:
        if self._log.sid:
            self._log.ignored("second start")
            return
        if why_not := self._admit(start):
            raise ProtocolViolation(f"WS_REFUSED {why_not}")
        self._log.sid = start.stream_sid
        self._call = PhoneCall(start.call_sid, number_to_call(start.parameters.get("from", "")))
        self._log.line("WS_START", f"mode=AI call={start.call_sid}")
        self._record.started(self._call, self._now())
        if start.other_format:
            # Who announces it may still send μ-law; else they hear static, and this says why.
            self._log.line(
                "WS_FORMAT", f"taken as μ-law, 8000 Hz, 1 channel: announced is {start.other_format}"
            )
        with self._lock:
            self._providers.call = self._call
            self._tx.start(start.stream_sid)
            for after_s, available in availability(self._config).changes(self._now(), OFFICE_AHEAD_S):
                self._tx.deadline(after_s, PersonAvailable(available))
        self._post(StreamStarted(self._llm.opening, self._call, self._llm.takes_messages))

    def _on_quiet(self, frames: int) -> None:
        if not self._rx.oddities["quiet"]:
            self._log.line("LINE_QUIET", "no audio for 200 ms: heard as silence, as long as none comes")
        self._hear(self._rx.quiet(frames), sent=False)

    def _hear(self, frames: Iterator[FrameHeard], *, sent: bool) -> None:
        for frame in frames:
            self._line.heard(sent=sent)
            if news := self._line.news():
                self._log.line(news)
            self._post(frame)
            if self._rx.frames == FIRST_LOG_FRAMES or self._rx.frames % LOG_EVERY_FRAMES == 0:
                self._log.line("WS_MEDIA", f"rx={self._rx.frames}")

    def _owes_until(self) -> float:
        """A line without silence owes a mark for what was played, and nothing while it may wait (F7)."""
        with self._lock:
            waits_s = self._dialogue.patience_frames / FRAMES_PER_S
            return self._tx.played_at() + (waits_s if waits_s > AUDIO_TIMEOUT_S else 0.0)

    # ---- the core: one event at a time, decide and enqueue under the lock ----

    def _post(self, event: Event, wanted: Callable[[], bool] | None = None) -> None:
        with self._lock:
            if wanted is None or wanted():
                self._handle(event)
            self._tx.wake_if_needed()

    def _handle(self, event: Event) -> None:
        """Lock held. What an action brings about at once waits its turn behind it."""
        if self._over:
            if self._after is not None:  # it came from a thread that was waiting for the lock
                self._after.handle(event)
            return
        self._events.append(event)
        if len(self._events) > 1:
            return
        try:
            while self._events:
                for action in self._dialogue.handle(self._events[0]):
                    self._perform(action)
                if isinstance(self._events[0], FinalTranscript | SttFailed):
                    self._providers.stt_done(self._events[0])
                self._events.popleft()
        except Exception:  # our own bug: nothing may go on from a half-applied event
            log.exception("CALL_ERR sid=%s event=%s", self._log.sid, type(event).__name__)
            self._events.clear()
            self._break(Ended.FAILED)  # the TwiML's action takes over

    def _break(self, how: Ended) -> None:
        """RX ends the call with the next message."""
        self._record.ended(how)
        self._over = True

    def _perform(self, action: Action) -> None:
        """Lock held; never blocks."""
        self._record.action(action)
        match action:
            case SendAudio() | SendMark() | SendClear():
                self._tx.post(action)
            case Log(line, since_frames=int(frames)):
                self._log.line(f"{line} wall_ms={self._line.since_s(frames) * 1000:.0f}")
            case Log():
                self._log.of_the_core(action)
            case StartTurn(turn_id, waited_frames):
                self._start_turn(turn_id, waited_frames)
            case ApplyEffect(act):
                self._perform_act(act)
            case FinishRecognition(utterance_id, silence_frames):
                timeout_ms = asr_timeout_ms(self._config, self._providers.stt_at_work(utterance_id))
                late = SttFailed(utterance_id, f"no transcript within {timeout_ms:.0f} ms")
                after_ms = max(MIN_EARS_MS, timeout_ms - silence_frames * FRAME_MS)
                self._tx.deadline(after_ms / 1000, late)
                self._providers.perform(action)
            case _:
                self._providers.perform(action)

    def _start_turn(self, turn_id: int, waited_frames: int) -> None:
        breath_ms = self._draw_breath(self._config.resp_min_delay_ms, self._config.resp_max_delay_ms)
        self._handle(ReplyDelay(turn_id, ms_to_frames(breath_ms)))
        left_ms = self._config.turn_timeout_ms - waited_frames * FRAME_MS
        self._tx.deadline(max(0, left_ms) / 1000, TurnOverdue(turn_id))

    def _perform_act(self, act: Act) -> None:
        if isinstance(act, SaveLead):
            # On a thread of its own: a disk may keep it waiting.
            self._runtime.spawn(
                "lead", lambda: self._desk.save_lead(self._call.sid, self._call.number, act.details)
            )
            return
        if self._over:  # an LLM that wants both: the first counts
            return
        self._log.line(f"CALL_ENDS {type(act).__name__}")
        self._outcome = act
        self._over = True  # RX leaves the outcome and closes the socket with the next message

    def _wants_wire(self) -> bool:
        return self._dialogue.wants_wire

    # ---- TX, and the end ----

    def _run_tx(self) -> None:
        try:
            self._tx.run()
        except SOCKET_ENDED as ended:
            self._log.line(f"WS_SEND_FAILED {ended}")
            self._break(Ended.LOST)
        except Exception:
            log.exception("TX_ERR sid=%s", self._log.sid)
            self._break(Ended.FAILED)

    def _end(self, tx_task: Task) -> CallSummary | None:
        """F6: streams, workers and deadlines of the call are gone, and its socket. What the call was."""
        started = self._runtime.clock()
        with self._lock:
            self._leave_last_words()
            self._tx.close()
            tasks = [tx_task, *self._providers.end_call()]
            listening = bool(self._providers.listening)
        if self._after is not None:
            self._afterwards.take(self._after)
        person = availability(self._config).person_available(self._now())
        summary = self._record.over(person=person, listening=listening)
        if summary:
            tasks.append(self._runtime.spawn("lead", lambda: self._desk.save_call(summary)))
        if self._outcome:  # nothing changes it any more; on a thread of its own: a store may keep it waiting
            leave = partial(self._desk.close_call, self._call.sid, self._outcome)
            tasks.append(self._runtime.spawn("outcome", leave))
        tx_task.join(SEND_TIMEOUT_S)
        if self._outcome:
            # Twilio asks what follows as soon as the socket is closed.
            tasks[-1].join(max(0.0, started + OUTCOME_TIMEOUT_S - self._runtime.clock()))
        try:
            if tx_task.is_alive():  # it sends to a peer that takes nothing, and a close would wait for it
                self._ws.sock.shutdown(SHUT_RDWR)
            self._ws.close(self._close_reason)
        except SOCKET_ENDED:
            pass  # the peer was faster
        for task in tasks:
            task.join(max(0.0, started + END_TIMEOUT_S - self._runtime.clock()))
        left = sum(task.is_alive() for task in tasks)
        if left:
            self._log.line(f"WS_LEFT {left} threads did not end in time")
        return summary

    def _leave_last_words(self) -> None:
        """Lock held. What the core awaits behind the end, whoever has brought it about, is left to others."""
        self._over = False
        self._handle(CallerGone())
        self._over = True
        if not self._dialogue.over:
            keep = partial(self._desk.save_lead, self._call.sid, self._call.number, after_call=True)
            self._after = AfterCall(
                self._runtime, self._lock, self._dialogue, self._providers, self._log, keep
            )
            self._providers.hand_over(self._after.post, self._after.handle)
