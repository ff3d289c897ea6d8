"""Counts one call: of its records what they say, and besides how providers and TX have worked."""

from server.audio.frames import FRAME_MS, FrameHeard
from server.call.call_record import CallSummary
from server.metrics.metrics import REPAIRS, Metrics
from server.providers.asked import Asked
from server.records.facts import CallFacts, Gap, TurnFacts
from server.turns.actions import Action, Decided, SendClear
from server.turns.events import Event

MS = 1000
ROLES = {"asr": "stt", "llm": "llm", "tts": "tts"}
LATEST_FRAMES = 100  # a ``clear`` more than two seconds behind a sound is not its


class CallCounts:
    """An ``Observer`` that ``SeesWork``, and one of those who keep records (``Keeps``).

    Not thread-safe but for ``asked``; nothing blocks, and no word of the call is looked at.
    """

    def __init__(self, metrics: Metrics, voice_frames: int) -> None:
        """``voice_frames``: so many loud frames it takes until a sound over the agent is judged."""
        self._metrics = metrics
        self._voice_frames = voice_frames
        self._clock = 0
        self._sound_at: int | None = None  # over the agent's voice, while nothing has come of it
        self._over = False

    # ---- what the call is told and decides ----

    def saw(self, event: Event) -> None:
        if type(event) is FrameHeard:
            self._clock += 1

    def did(self, action: Action) -> None:
        kind = type(action)
        if kind is Decided:
            self._decided(action.rule, action.what)  # type: ignore[union-attr]
        elif kind is SendClear and self._sound_at is not None:
            frames = self._clock - self._sound_at
            self._sound_at = None
            if frames <= LATEST_FRAMES:
                self._metrics.reaction_s.observe((self._voice_frames + frames) * FRAME_MS / MS)

    def over(self, summary: CallSummary) -> None:
        """Its record says it."""

    def closed(self) -> None:
        """Nothing is held."""

    def _decided(self, rule: str, what: str) -> None:
        if (rule, what) == ("D1", "candidate"):
            self._sound_at = self._clock
        elif rule == "A5":
            self._sound_at = None
        if rule == "D4" and (how := REPAIRS.get(what)):
            self._metrics.repairs.labels(how).inc()

    # ---- what is kept of it ----

    def keep_call(self, call: CallFacts) -> None:
        if self._over or not call.ended:
            return
        self._over = True
        metrics = self._metrics
        metrics.calls.labels(call.ended).inc()
        metrics.call_s.observe(call.duration_ms / MS)
        for role, errors in (("stt", call.stt_errors), ("llm", call.llm_errors), ("tts", call.tts_errors)):
            if errors:
                metrics.call_errors.labels(role).inc(errors)

    def keep_turn(self, sid: str, turn: TurnFacts) -> None:
        metrics = self._metrics
        metrics.turns.labels(turn.said_by, turn.ended).inc()
        if turn.barge_ins:
            metrics.barge_ins.inc(turn.barge_ins)
        if turn.false_barge_ins > 0:
            metrics.false_barge_ins.inc(turn.false_barge_ins)
        if turn.gap is not None:
            self._gap(turn.gap)

    def _gap(self, gap: Gap) -> None:
        felt_ms = gap.total_ms if gap.wall_ms is None else gap.wall_ms
        self._metrics.gap_s.observe(felt_ms / MS)
        parts = {
            "closing_silence": gap.closing_silence_ms,
            "stt": gap.stt_ms,
            "llm": gap.llm_ms,
            "tts": gap.tts_ms,
            "breath": gap.breath_ms,
        }
        for part, took_ms in parts.items():
            self._metrics.gap_part_s.labels(part).observe(took_ms / MS)

    # ---- how it is worked ----

    def asked(self, asked: Asked) -> None:
        role = ROLES[asked.kind]
        self._metrics.asked.labels(role, asked.provider, asked.came_of_it).inc()
        if (seconds := asked.answered_in_s) is not None:
            self._metrics.answered_s.labels(role, asked.provider).observe(seconds)

    def sent_late(self, seconds: float) -> None:
        self._metrics.tx_late_s.observe(seconds)
