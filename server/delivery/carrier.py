"""Carries the leads of one channel: claims what is due, sends it, and keeps what has become of it."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from server.delivery.channels import Channel
from server.delivery.outbox import Delivery, Outbox
from server.delivery.schedule import Answer, Arrived, Dice, Failed, History, Refused, pause_s, rest_s
from server.logs.rate_limited import OnceIn

log = logging.getLogger("agent")

IDLE_S = 3600.0
AGAIN_S = 5.0  # a database that fails
SOON_S = 0.5


class Carrier:
    """``step`` from one thread at a time. ``now()`` knows its zone. After ``keep_trying``: parked."""

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        keep_trying: timedelta,
        now: Callable[[], datetime],
        dice: Dice = random.uniform,
    ) -> None:
        self._outbox = outbox
        self._channel = channel
        self._keep_trying = keep_trying
        self._now = now
        self._dice = dice
        self._failures = 0  # in a row, of any lead: then all of them rest
        self._rests_until: datetime | None = None
        self._unmarked: Callable[[], None] | None = None  # what the database has not taken yet
        self._once = OnceIn()

    def step(self) -> float:
        """One attempt, if any is due; seconds until the next may be. Blocks for a minute, never raises."""
        try:
            return self._step()
        except Exception as error:  # a database raises what it likes
            if self._once.due("fails"):
                log.error("LEAD_STORE_ERR %s: %s", self._channel.name, self._outbox.why(error))
            return AGAIN_S

    def _step(self) -> float:
        self._mark()
        if (rests_s := self._left_s(self._rests_until)) > 0:
            return rests_s
        left_s = self._left_s(self._outbox.next_at(self._channel.name), IDLE_S)
        if left_s > 0:
            return max(SOON_S, left_s)
        delivery = self._outbox.claim(self._channel.name, self._now())
        if delivery is None:  # another process was faster
            return SOON_S
        self._attempt(delivery)
        return self._left_s(self._rests_until)

    def _attempt(self, delivery: Delivery) -> None:
        answer = self._channel.deliver(delivery.lead, delivery.payload)
        now = self._now()
        self._failures = self._failures + 1 if isinstance(answer, Failed) else 0
        rest = rest_s(self._failures, self._dice)
        self._rests_until = now + timedelta(seconds=rest) if rest else None
        # Kept until the database has it: an attempt that succeeded is not made again because that fails.
        self._unmarked = self._follow_up(delivery, answer, now)
        self._mark()

    def _mark(self) -> None:
        if self._unmarked is not None:
            self._unmarked()
            self._unmarked = None

    def _follow_up(self, delivery: Delivery, answer: Answer, now: datetime) -> Callable[[], None]:
        """What is to be kept; the log has it by then."""
        name, number = self._channel.name, delivery.attempts + 1
        if isinstance(answer, Arrived):
            remark = f": {answer.remark}" if answer.remark else ""
            log.info("LEAD_SENT call=%s by %s, attempt %d%s", delivery.lead, name, number, remark)
            return lambda: self._outbox.sent(delivery, now)
        refused = isinstance(answer, Refused)
        refusals = delivery.refusals + refused
        history = History(number, refusals, now - delivery.made_at)
        pause = pause_s(answer, history, self._keep_trying, self._dice)
        if pause is None:
            log.error(
                "LEAD_PARKED call=%s by %s after %d attempts: %s; "
                "./start_all.sh leads --undelivered shows it, --retry sends it again",
                delivery.lead,
                name,
                number,
                answer.why,
            )
            return lambda: self._outbox.park(delivery, answer.why)
        values = (delivery.lead, name, number, answer.why, pause)
        log.warning("LEAD_RETRY call=%s by %s, attempt %d: %s; again in %.0f s", *values)
        at = now + timedelta(seconds=pause)
        return lambda: self._outbox.again(delivery, at, answer.why, refused=refused)

    def _left_s(self, until: datetime | None, otherwise: float = 0.0) -> float:
        return otherwise if until is None else (until - self._now()).total_seconds()
