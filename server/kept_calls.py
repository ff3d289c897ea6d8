"""What a process keeps of its calls, as the knobs say: their records, events, and leads on their way.

And what it counts and traces of them, which is made of their records.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from server.call.observers import Observer
from server.config import Config
from server.delivery.dispatch import dispatch_of
from server.event_log.files import name_of
from server.event_log.writer import END_S as EVENT_LOGS_S
from server.event_log.writer import EventLogs, told_knobs
from server.logs.redaction import PrivateText
from server.metrics.metrics import metrics_of_process
from server.metrics.of_call import CallCounts
from server.metrics.traces import Traces
from server.metrics.vitals import Vitals, Watch
from server.records.database import Database
from server.records.facts import CallFacts
from server.records.keeping import Keeps, Several
from server.records.records import Records
from server.records.witness import Witness, no_log
from server.runtime.threads import Runtime

RECORDS_S = LEADS_S = TRACES_S = 1.0


class KeptCalls:
    """Any thread. Nothing is opened before ``start``, or the first call."""

    def __init__(
        self, config: Config, runtime: Runtime, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._config = config
        self._now = now
        self._runtime = runtime
        self._records = Records(config, runtime, config.event_log_dir)
        self._dispatch = dispatch_of(config, self._records.database, runtime)
        self._event_logs = None if config.event_log == "off" else EventLogs(config, runtime.clock)
        self._knobs = tuple(told_knobs(config).items())
        self.metrics = metrics_of_process()
        self._traces = Traces(config, runtime)
        self._watch: Watch | None = None

    def start(self) -> None:
        """Reach the records, carry leads: on threads of their own, once a process. At once."""
        self._records.start()
        self._traces.begin()
        if self._dispatch is not None:
            self._dispatch.begin()

    @property
    def database(self) -> Database | None:
        """Of the records; None where no knob names a place."""
        return self._records.database

    @property
    def take_lead(self) -> Callable[[str, str], None] | None:
        """What takes a line of leads.jsonl to where it is to arrive; None where no knob names a place."""
        return None if self._dispatch is None else self._dispatch.take

    def watch(self, look: Callable[[], Vitals | None]) -> None:
        """Show what ``look`` finds, once a second, until it finds None. Once a process; returns at once."""
        if self._watch is None:
            self._watch = Watch(self.metrics, self._runtime, look)
            self._watch.begin()

    def queued(self) -> dict[str, float]:
        """What waits in the queues of this process, by their names."""
        events = 0 if self._event_logs is None else self._event_logs.waiting
        return {"records": self._records.writer.waiting, "event_log": events}

    def spooled_bytes(self) -> int:
        """Records of all workers that wait on the disk. Blocks for a second; raises what a disk does."""
        return self._records.spooled_bytes()

    def observers(self) -> list[Observer]:
        """Of one more call. Does not block."""
        at = self._now()  # one moment for both: the record names the log, whose day it is in
        counts = CallCounts(self.metrics, self._config.barge_in_voice_frames)
        trace = self._traces.of_a_call(self._runtime.clock)
        watching = [counts] if trace is None else [counts, trace]
        # The witness first: what it has kept of a turn is known when the others hear that all is over.
        seen_by: list[Observer] = [self._witness(at, Several([self._records.writer, *watching])), *watching]
        return seen_by if self._event_logs is None else [*seen_by, self._event_logs.observer(at)]

    def _witness(self, at: datetime, keeps: Keeps) -> Witness:
        of_any = CallFacts("", "", at, knobs=self._knobs, host=self._records.host)
        private, clock = PrivateText(self._config.log_transcripts), self._runtime.clock
        log_of = no_log if self._event_logs is None else name_of
        return Witness(of_any, keeps, private, clock, log_of)

    def settle(self) -> None:
        """The process ends: wait until all is kept, for some seconds at most (RECORDS_S and the like)."""
        self._records.writer.settle(RECORDS_S)
        if self._dispatch is not None:
            self._dispatch.settle(LEADS_S)
        if self._event_logs is not None:
            self._event_logs.settle(EVENT_LOGS_S)
        self._traces.settle(TRACES_S)
