"""What a process keeps of its calls, as the knobs say: their records, events, and leads on their way."""

from collections.abc import Callable
from datetime import UTC, datetime

from server.call.observers import Observer
from server.config import Config
from server.delivery.dispatch import dispatch_of
from server.event_log.files import name_of
from server.event_log.writer import END_S as EVENT_LOGS_S
from server.event_log.writer import EventLogs, told_knobs
from server.logs.redaction import PrivateText
from server.records.database import Database
from server.records.facts import CallFacts
from server.records.records import Records
from server.records.witness import Witness, no_log
from server.runtime.threads import Runtime

RECORDS_S = LEADS_S = 1.0


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

    def start(self) -> None:
        """Reach the records, carry leads: on threads of their own, once a process. At once."""
        self._records.start()
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

    def observers(self) -> list[Observer]:
        """Of one more call. Does not block."""
        at = self._now()  # one moment for both: the record names the log, whose day it is in
        seen_by: list[Observer] = [] if self._event_logs is None else [self._event_logs.observer(at)]
        return [self._witness(at), *seen_by] if self._records.database else seen_by

    def _witness(self, at: datetime) -> Witness:
        of_any = CallFacts("", "", at, knobs=self._knobs, host=self._records.host)
        private, clock = PrivateText(self._config.log_transcripts), self._runtime.clock
        log_of = no_log if self._event_logs is None else name_of
        return Witness(of_any, self._records.writer, private, clock, log_of)

    def settle(self) -> None:
        """The process ends: wait until all is kept, for RECORDS_S, LEADS_S and EVENT_LOGS_S at most."""
        self._records.writer.settle(RECORDS_S)
        if self._dispatch is not None:
            self._dispatch.settle(LEADS_S)
        if self._event_logs is not None:
            self._event_logs.settle(EVENT_LOGS_S)
