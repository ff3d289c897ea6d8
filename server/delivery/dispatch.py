"""The threads that bring leads to the office: one collects them, one a channel carries them."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from server.config import Config
from server.delivery.carrier import Carrier
from server.delivery.channels import Channel
from server.delivery.collector import Collector, Rules
from server.delivery.leads_file import Earlier
from server.delivery.outbox import Database, Outbox
from server.office.leads_writer import in_israel
from server.runtime.threads import Runtime

log = logging.getLogger("agent")

LEAST_S, MOST_S = 0.05, 30.0  # between two steps: other processes leave something too
NO_DATABASE = "LEAD_STORE_ERR no leads are sent: DATABASE_URL and RECORDS_FILE are both empty"
LONGER_S = 180.0  # beyond MAX_CALL_SEC, which counts what was heard (A9), a call is cut; and its last words


class Loop:
    """``step()`` again and again, when the seconds that it asks for have passed, or woken. Any thread."""

    def __init__(self, runtime: Runtime, name: str, step: Callable[[], float]) -> None:
        self._runtime = runtime
        self._name = name
        self._step = step
        self._changed = runtime.condition()  # guards all that follows
        self._begun = self._woken = self._ended = False

    def begin(self) -> None:
        """Once, however often it is said. Returns at once."""
        with self._changed:
            if self._begun:
                return
            self._begun = True
        self._runtime.spawn(self._name, self._run)

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def end(self) -> None:
        """No step is begun any more. Returns at once."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._woken = False
            again_s = min(MOST_S, max(LEAST_S, self._step()))
            until = self._runtime.clock() + again_s
            with self._changed:
                while not (self._woken or self._ended) and (left_s := until - self._runtime.clock()) > 0:
                    self._changed.wait(left_s)
                if self._ended:
                    return


class Dispatch:
    """Of one process; any thread. Its threads begin with ``begin``, in the process that has the calls."""

    def __init__(
        self,
        collector: Callable[[Callable[[], None]], Collector],
        carriers: Sequence[tuple[str, Carrier]],
        runtime: Runtime,
    ) -> None:
        """``collector(whole)`` makes the one whose leads these carriers carry."""
        self._carrying = [Loop(runtime, f"leads-{name}", carrier.step) for name, carrier in carriers]
        self._collector = collector(self._wake_carriers)
        self._collecting = Loop(runtime, "leads-whole", self._collector.step)
        self._runtime = runtime

    def take(self, call_sid: str, line: str) -> None:
        """A line of LEADS_FILE. Returns at once, never raises."""
        self._collector.take(call_sid, line)
        self._collecting.wake()

    def begin(self) -> None:
        """Also: go on with what an earlier process has left. Returns at once."""
        for loop in (self._collecting, *self._carrying):
            loop.begin()

    def settle(self, within_s: float) -> None:
        """The process is about to end: nothing more is sent, and what has come is in the database by then."""
        for loop in (self._collecting, *self._carrying):
            loop.end()
        self._runtime.spawn("leads-last", self._flush).join(within_s)

    def _flush(self) -> None:
        self._collector.flush()

    def _wake_carriers(self) -> None:
        for loop in self._carrying:
            loop.wake()


def channels_of(config: Config) -> tuple[Channel, ...]:
    """Where the settings want leads to go."""
    channels: list[Channel] = []
    # Their libraries take 6 MB of every worker, and most servers send nothing.
    if url := config.leads_webhook_url.get_secret_value():
        from server.delivery.webhook import Webhook

        channels.append(Webhook(url, config.leads_webhook_secret.get_secret_value()))
    if config.leads_email_to:
        from server.delivery.mail import Mail

        smtp_url = config.smtp_url.get_secret_value()
        channels.append(Mail(smtp_url, config.leads_email_to, config.leads_sender))
    return tuple(channels)


def dispatch_of(
    config: Config, database: Database | None, runtime: Runtime, now: Callable[[], datetime] = in_israel
) -> Dispatch | None:
    """As the settings say; None: nothing is to be sent."""
    channels = channels_of(config)
    if not channels or database is None:
        if channels:
            log.error(NO_DATABASE)
        return None
    outbox = Outbox(database)
    keep_trying = timedelta(hours=config.leads_retry_hours)
    rules = Rules(
        tuple(channel.name for channel in channels),
        timedelta(seconds=config.max_call_sec + LONGER_S),
        summarised=config.leads_summary == "llm",
    )
    earlier = Earlier(config.leads_file, keep_trying, now)
    return Dispatch(
        lambda whole: Collector(outbox, rules, now, earlier, whole),
        [(channel.name, Carrier(outbox, channel, keep_trying, now)) for channel in channels],
        runtime,
    )
