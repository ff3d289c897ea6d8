"""One call as a trace: a span for it, one a turn below it, and below a turn the providers that were asked.

Made of what is kept in its record, when a turn is over, with the times that were. No word, no number and no
cause of a failure is in it: a cause may quote words.
"""

from collections import deque
from collections.abc import Callable, Mapping

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from server.call.call_record import CallSummary
from server.metrics.of_call import ROLES
from server.providers.asked import Asked
from server.records.facts import CallFacts, Gap, TurnFacts
from server.turns.actions import Action
from server.turns.events import Event, StreamStarted

MOST_ASKED = 200  # of one turn
NS_A_S, NS_A_MS = 1_000_000_000, 1_000_000
FIRST = {"stt": "transcript", "llm": "first token", "tts": "first audio"}


class CallTrace:
    """An ``Observer`` that ``SeesWork``, and one of those who keep records.

    Not thread-safe but for ``asked``.
    """

    def __init__(self, tracer: Tracer, clock: Callable[[], float], wall_ns: Callable[[], int]) -> None:
        """``clock``: seconds, of those that providers are timed by; ``wall_ns``: nanoseconds since 1970."""
        self._tracer = tracer
        self._clock = clock
        self._began_s = clock()
        self._began_ns = wall_ns()
        self._call: Span | None = None
        self._ended_by = ""
        self._turns = 0
        self._asked: deque[Asked] = deque(maxlen=MOST_ASKED)  # since the last turn was over

    # ---- as the call goes on ----

    def saw(self, event: Event) -> None:
        if type(event) is StreamStarted and self._call is None:
            shift_s = self._clock() - self._began_s
            self._began_s, self._began_ns = self._began_s + shift_s, self._began_ns + int(shift_s * NS_A_S)
            of_it: dict[str, AttributeValue] = {
                "phone_agent.call_sid": event.call.sid,
                "phone_agent.taken_up": event.memory is not None,
            }
            self._call = self._tracer.start_span(
                "call", kind=SpanKind.SERVER, start_time=self._began_ns, attributes=of_it
            )

    def did(self, action: Action) -> None:
        """Its record says it."""

    def over(self, summary: CallSummary) -> None:
        self._ended_by = str(summary.ended)

    def closed(self) -> None:
        """What was asked behind the last turn is the call's own."""
        call = self._call
        if call is None:
            return
        self._providers(call)
        call.set_attributes({"phone_agent.ended": self._ended_by, "phone_agent.turns": self._turns})
        call.end(self._at(self._clock()))

    def asked(self, asked: Asked) -> None:
        self._asked.append(asked)

    def sent_late(self, seconds: float) -> None:
        """Nothing that a trace shows."""

    # ---- what is kept of it ----

    def keep_call(self, call: CallFacts) -> None:
        """Its end says it."""

    def keep_turn(self, sid: str, turn: TurnFacts) -> None:
        if self._call is None:
            return
        self._turns += 1
        span = self._tracer.start_span(
            "turn",
            set_span_in_context(self._call),
            start_time=self._at_ms(turn.began_ms),
            attributes=_of_turn(turn),
        )
        for one in turn.decisions:
            span.add_event(f"{one.rule} {one.what}", timestamp=self._at_ms(one.at_ms))
        self._providers(span)
        span.end(max(self._at_ms(turn.ended_ms), self._at_ms(turn.began_ms)))

    def _providers(self, parent: Span) -> None:
        below = set_span_in_context(parent)
        while self._asked:
            asked = self._asked.popleft()
            role = ROLES[asked.kind]
            span = self._tracer.start_span(
                role,
                below,
                kind=SpanKind.CLIENT,
                start_time=self._at(asked.began_s),
                attributes={
                    "phone_agent.provider": asked.provider,
                    "phone_agent.came_of_it": asked.came_of_it,
                },
            )
            if asked.first_s is not None:
                span.add_event(FIRST[role], timestamp=self._at(asked.first_s))
            if role == "stt" and asked.awaited_s > asked.began_s:
                span.add_event("end of utterance", timestamp=self._at(asked.awaited_s))
            if asked.came_of_it == "failed":
                span.set_status(StatusCode.ERROR)
            span.end(self._at(asked.ended_s))

    def _at(self, seconds: float) -> int:
        return self._began_ns + int((seconds - self._began_s) * NS_A_S)

    def _at_ms(self, ms: int) -> int:
        return self._began_ns + ms * NS_A_MS


def _of_turn(turn: TurnFacts) -> Mapping[str, AttributeValue]:
    told: dict[str, AttributeValue] = {
        "phone_agent.turn": turn.number,
        "phone_agent.said_by": turn.said_by,
        "phone_agent.ended": turn.ended,
        "phone_agent.barge_ins": turn.barge_ins,
        "phone_agent.false_barge_ins": turn.false_barge_ins,
        "phone_agent.speculative_starts": turn.speculative_starts,
        "phone_agent.speculative_dropped": turn.speculative_dropped,
        "phone_agent.errors": len(turn.errors),
    }
    return told if turn.gap is None else told | _of_gap(turn.gap)


def _of_gap(gap: Gap) -> dict[str, AttributeValue]:
    return {
        "phone_agent.gap_ms": gap.total_ms if gap.wall_ms is None else gap.wall_ms,
        "phone_agent.gap.closing_silence_ms": gap.closing_silence_ms,
        "phone_agent.gap.stt_ms": gap.stt_ms,
        "phone_agent.gap.llm_ms": gap.llm_ms,
        "phone_agent.gap.tts_ms": gap.tts_ms,
        "phone_agent.gap.breath_ms": gap.breath_ms,
    }
