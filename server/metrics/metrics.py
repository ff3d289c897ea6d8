"""What is counted, timed and shown of a process: every metric with its help, labels and buckets.

No label holds a word or a number of a caller's, and each has a few known values: names of providers, rules,
ways in which calls end. docs/metrics.md has the table.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from server.admission.gate import Limit
from server.call.call_record import Ended
from server.metrics.shared_folder import taken_slot

PREFIX = "phone_agent_"
GAP_S = (0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
PART_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 6.0)
REACTION_S = (0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
ANSWER_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 6.0)
LATE_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
ROLES = ("stt", "llm", "tts")
REPAIRS = {  # by what was decided by D4
    "went on": "from its frame",
    "full level": "at full level",
    "from its word": "from its word",
    "from its sentence": "from its sentence",
    "no nod": "taken back",
}
CALL_S = (10, 30, 60, 120, 300, 600, 900)


@dataclass(frozen=True)
class Metrics:
    """Of one process. Any thread; none of them blocks."""

    registry: CollectorRegistry
    calls: Counter
    call_s: Histogram
    refused: Counter
    calls_now: Gauge
    workers: Gauge
    turns: Counter
    gap_s: Histogram
    gap_part_s: Histogram
    barge_ins: Counter
    reaction_s: Histogram
    false_barge_ins: Counter
    repairs: Counter
    call_errors: Counter
    asked: Counter
    answered_s: Histogram
    skipped: Gauge
    load: Gauge
    calls_carried: Gauge
    line_lag_s: Gauge
    worker_late_s: Histogram
    tx_late_s: Histogram
    queued: Gauge


@dataclass(frozen=True)
class Counted:
    """A counter. ``labels``: their names. ``known``: values of its only label, which are told from 0 on.

    Of a value that appears with its first event Prometheus sees no increase, and wakes nobody.
    """

    name: str
    says: str
    labels: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    kind = "counter"

    def made(self, registry: CollectorRegistry) -> Counter:
        counter = Counter(PREFIX + self.name, self.says, self.labels, registry=registry)
        for value in self.known:
            counter.labels(value)
        return counter


@dataclass(frozen=True)
class Timed:
    """A histogram of seconds."""

    name: str
    says: str
    buckets: tuple[float, ...]
    labels: tuple[str, ...] = ()
    kind = "histogram"

    def made(self, registry: CollectorRegistry) -> Histogram:
        name = PREFIX + self.name
        return Histogram(name, self.says, self.labels, registry=registry, buckets=self.buckets)


@dataclass(frozen=True)
class Shown:
    """A gauge: of all living workers their sum, or the highest."""

    name: str
    says: str
    labels: tuple[str, ...] = ()
    of_all: Literal["livesum", "livemax"] = "livesum"
    kind = "gauge"

    def made(self, registry: CollectorRegistry) -> Gauge:
        name = PREFIX + self.name
        return Gauge(name, self.says, self.labels, registry=registry, multiprocess_mode=self.of_all)


# By the fields of ``Metrics``.
ALL: dict[str, Counted | Timed | Shown] = {
    "calls": Counted(
        "calls", "Calls that are over, by who or what has ended them.", ("ended",), tuple(Ended)
    ),
    "call_s": Timed("call_seconds", "How long calls were.", CALL_S),
    "refused": Counted("calls_refused", "Calls that were not taken, by the limit.", ("limit",), tuple(Limit)),
    "calls_now": Shown("calls_now", "Calls that go on."),
    "workers": Shown("workers", "Worker processes that live."),
    "turns": Counted("turns", "Turns, by who has worded them and how they ended.", ("said_by", "ended")),
    "gap_s": Timed("gap_seconds", "The caller's last word to the answer's first frame.", GAP_S),
    "gap_part_s": Timed("gap_part_seconds", "Of what that gap consisted.", PART_S, ("part",)),
    "barge_ins": Counted("barge_ins", "Interruptions of the agent."),
    "reaction_s": Timed(
        "barge_in_reaction_seconds", "The first loud frame over the agent to the clear.", REACTION_S
    ),
    "false_barge_ins": Counted("false_barge_ins", "Sounds and nods behind which the agent went on."),
    "repairs": Counted(
        "barge_in_repairs", "How the agent went on behind one.", ("how",), tuple(REPAIRS.values())
    ),
    "call_errors": Counted(
        "call_errors", "Failures that a call had to live with, by role.", ("role",), ROLES
    ),
    "asked": Counted(
        "provider_requests",
        "Providers asked, and what came of it.",
        ("role", "provider", "came_of_it"),
    ),
    "answered_s": Timed(
        "provider_answer_seconds",
        "STT: end of the utterance to the transcript. LLM, TTS: request to the first token, or audio.",
        ANSWER_S,
        ("role", "provider"),
    ),
    "skipped": Shown(
        "provider_skipped", "Workers in which this provider's breaker is open.", ("role", "provider")
    ),
    "load": Shown(
        "load", "Of the worker that has the most to do: 0 to 1, which is all it can.", of_all="livemax"
    ),
    "calls_carried": Shown(
        "calls_carried", "About how many calls there can be, at what one costs at present."
    ),
    "line_lag_s": Shown(
        "line_lag_seconds", "How far the call that is worst off is heard late.", of_all="livemax"
    ),
    "worker_late_s": Timed("worker_late_seconds", "How late a thread of a worker wakes.", LATE_S),
    "tx_late_s": Timed("tx_late_seconds", "How late TX wakes for audio that is due.", LATE_S),
    "queued": Shown("queued", "What waits in the queues of the workers.", ("queue",)),
}


def build(registry: CollectorRegistry) -> Metrics:
    """All of them, in ``registry``."""
    made: dict[str, Any] = {field: one.made(registry) for field, one in ALL.items()}
    return Metrics(registry=registry, **made)


@cache
def metrics_of_process() -> Metrics:
    """Those of this process, which its calls share; made in the worker, behind ``shared_folder.take``."""
    slot = taken_slot()
    if slot is not None:  # its PID is another one behind every crash, and its files would be more and more
        values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
    return build(CollectorRegistry())
