"""Leads on their way in simulated time, over a real database and real sockets."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from server.delivery.carrier import Carrier
from server.delivery.channels import Channel
from server.delivery.collector import Collector, Rules
from server.delivery.dispatch import LEAST_S
from server.delivery.outbox import Database, Line, Outbox
from server.office.business_hours import ISRAEL

START = datetime(2026, 12, 1, 9, 30, tzinfo=ISRAEL)
CALLER = "+972501112222"
LONGEST = timedelta(minutes=18)
KEEP_TRYING = timedelta(hours=48)


def line(kind: str, call_sid: str = "CA1", **values: Any) -> dict[str, Any]:
    at = values.pop("at", START.isoformat())
    return {"kind": kind, **values, "at": at, "call_sid": call_sid, "caller": values.get("caller", CALLER)}


def highest(low: float, high: float) -> float:
    """The dice."""
    return high


@dataclass
class World:
    """A process: its collector, and a carrier for each channel; ``now`` goes on by ``run`` alone."""

    database: Database
    channels: Sequence[Channel]
    now: datetime = START
    summarised: bool = False
    earlier: Callable[[datetime], Sequence[Line]] = lambda since: ()
    keep_trying: timedelta = KEEP_TRYING
    outbox: Outbox = field(init=False)
    collector: Collector = field(init=False)
    carriers: list[Carrier] = field(init=False)
    due: list[datetime] = field(init=False)  # of each thread: the collector's first

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.database)
        names = tuple(channel.name for channel in self.channels)
        rules = Rules(names, LONGEST, summarised=self.summarised)
        self.due = [self.now] * (1 + len(self.channels))
        self.collector = Collector(self.outbox, rules, lambda: self.now, self.earlier, self.wake)
        self.carriers = [
            Carrier(self.outbox, channel, self.keep_trying, lambda: self.now, highest)
            for channel in self.channels
        ]

    def say(self, *lines: dict[str, Any]) -> None:
        for one in lines:
            self.collector.take(one["call_sid"], json.dumps(one, ensure_ascii=False))
        self.due[0] = self.now

    def run(self, seconds: float) -> None:
        """Each thread's steps as they fall due, in the order of time."""
        until = self.now + timedelta(seconds=seconds)
        steps = [self.collector.step, *(carrier.step for carrier in self.carriers)]
        while (soonest := min(self.due[: len(steps)])) <= until:
            self.now = max(self.now, soonest)
            number = self.due.index(soonest)
            again_s = max(LEAST_S, steps[number]())
            self.due[number] = self.now + timedelta(seconds=again_s)
        self.now = until

    def wake(self) -> None:
        """The carriers; in the server they look around every half minute."""
        self.due[1:] = [self.now] * len(self.channels)
