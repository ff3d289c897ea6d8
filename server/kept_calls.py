"""What a process keeps of its calls, as the knobs say: their records, and their events."""

from datetime import UTC, datetime

from server.call.observers import Observer
from server.config import Config
from server.event_log.files import name_of
from server.event_log.writer import END_S as EVENT_LOGS_S
from server.event_log.writer import EventLogs, told_knobs
from server.logs.redaction import PrivateText
from server.records.facts import CallFacts
from server.records.records import Records
from server.records.witness import Witness, no_log
from server.runtime.threads import Runtime

RECORDS_S = 1.0


class KeptCalls:
    """Any thread. Nothing is opened before ``start``, or the first call."""

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self._config = config
        self._runtime = runtime
        self._records = Records(config, runtime, config.event_log_dir)
        self._event_logs = None if config.event_log == "off" else EventLogs(config, runtime.clock)
        self._knobs = tuple(told_knobs(config).items())

    def start(self) -> None:
        """Reach the records, on a thread of its own, once a process. At once."""
        self._records.start()

    def observers(self) -> list[Observer]:
        """Of one more call. Does not block."""
        seen_by: list[Observer] = [] if self._event_logs is None else [self._event_logs.observer()]
        return [self._witness(), *seen_by] if self._records.database else seen_by

    def _witness(self) -> Witness:
        of_any = CallFacts("", "", datetime.now(UTC), knobs=self._knobs, host=self._records.host)
        private, clock = PrivateText(self._config.log_transcripts), self._runtime.clock
        log_of = no_log if self._event_logs is None else name_of
        return Witness(of_any, self._records.writer, private, clock, log_of)

    def settle(self) -> None:
        """The process ends: wait until all is kept, for RECORDS_S and EVENT_LOGS_S at most."""
        self._records.writer.settle(RECORDS_S)
        if self._event_logs is not None:
            self._event_logs.settle(EVENT_LOGS_S)
