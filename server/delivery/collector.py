"""From lines to leads: what this process writes goes to the outbox, and what is whole goes on its way."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from server.delivery.outbox import AT_ONCE, Line, Outbox, lead_of
from server.delivery.whole import LeadLines, as_text, document, is_lead, letter, whole_at
from server.logs.rate_limited import OnceIn

log = logging.getLogger("agent")

AGAIN_S = 5.0  # a database that fails
SOON_S = 0.5  # lines come together
MAX_WAITING = 10_000  # lines in memory, while the database fails; LEADS_FILE has them all
FORGET_S = 3600.0
PAYLOADS: Mapping[str, Callable[[LeadLines, datetime], Mapping[str, object]]] = {
    "webhook": document,
    "email": letter,
}


@dataclass(frozen=True)
class Rules:
    """``channels``: by their names; ``longest``: no call is longer; ``summarised``: by the LLM."""

    channels: tuple[str, ...]
    longest: timedelta
    summarised: bool = False


class Collector:
    """``take`` and ``flush`` from any thread, ``step`` from one at a time; ``now()`` knows its zone.

    ``earlier(since)``: lines of LEADS_FILE written since, that may not have reached the database; it may
    block, and raise OSError.
    ``whole()`` is told that there is something to carry.
    """

    def __init__(
        self,
        outbox: Outbox,
        rules: Rules,
        now: Callable[[], datetime],
        earlier: Callable[[datetime], Sequence[Line]] = lambda since: (),
        whole: Callable[[], None] = lambda: None,
    ) -> None:
        self._outbox = outbox
        self._rules = rules
        self._now = now
        self._earlier: Callable[[datetime], Sequence[Line]] | None = earlier
        self._whole = whole
        self._flushing = threading.Lock()  # one thread at a time; it may wait for the database
        self._lock = threading.Lock()  # guards the one that follows; held for nothing that waits
        self._waiting: deque[Line] = deque()
        self._once = OnceIn()
        self._failing = False
        self._forgot_at: datetime | None = None

    def take(self, call_sid: str, text: str) -> None:
        """A line that LEADS_FILE gets as well. Returns at once, never raises."""
        text = text.encode(errors="replace").decode()  # half of a character is none, and no database takes it
        line = Line(lead_of(call_sid, text), text, self._now())
        with self._lock:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append(line)
                return
        self._tell(f"{MAX_WAITING} lines wait for the database: what comes is in LEADS_FILE alone")

    def step(self) -> float:
        """Do what there is to be done; seconds until there may be more. Blocks for seconds, never raises."""
        try:
            self._flush()
            self._catch_up()
            again_s = self._settle_whole()
            self._forget()
        except Exception as error:  # a database raises what it likes, and no lead is lost by it
            self._tell(self._outbox.why(error))
            return AGAIN_S
        if self._failing:
            self._failing = False
            log.warning("LEAD_STORE_BACK the database takes leads again")
        return again_s

    def flush(self) -> bool:
        """The process is about to end: whether the database has all lines."""
        try:
            self._flush()
        except Exception as error:
            self._tell(self._outbox.why(error))
        with self._lock:
            return not self._waiting

    def _flush(self) -> None:
        with self._flushing:
            while True:
                with self._lock:
                    lines = list(islice(self._waiting, AT_ONCE))
                if not lines:
                    return
                self._outbox.add(lines)
                with self._lock:
                    for _ in lines:
                        self._waiting.popleft()

    def _catch_up(self) -> None:
        """Once: what a process left that was killed before the database had it."""
        if self._earlier is None:
            return
        since = self._outbox.since(self._now())
        try:
            lines = self._earlier(since)
        except OSError as error:
            log.error("LEAD_STORE_ERR LEADS_FILE cannot be looked through: %s", error)
            lines = ()
        known = self._outbox.known(sorted({line.lead for line in lines}))
        new = [line for line in lines if line.lead not in known]
        for start in range(0, len(new), AT_ONCE):
            self._outbox.add(new[start : start + AT_ONCE])
        self._earlier = None

    def _settle_whole(self) -> float:
        now, again_s = self._now(), FORGET_S
        for found in self._outbox.in_the_making():
            whole = self._whole_at(found)
            if whole <= now:
                self._settle(found, now)
            else:
                again_s = min(again_s, (whole - now).total_seconds())
        return max(again_s, SOON_S)

    def _settle(self, found: LeadLines, now: datetime) -> None:
        payloads: dict[str, str] = {}
        try:
            if is_lead(found.call):
                payloads = {name: as_text(PAYLOADS[name](found, now)) for name in self._rules.channels}
        except Exception:  # our own bug: it holds up no other lead
            log.exception("LEAD_LOST call=%s is in LEADS_FILE alone", found.lead)
        if not self._outbox.settle(found, payloads, now):
            log.warning("LEAD_LATE call=%s was sent on its way before: %s", found.lead, _kinds(found.lines))
        elif payloads:
            self._whole()

    def _whole_at(self, found: LeadLines) -> datetime:
        try:
            return whole_at(found, self._rules.longest, summarised=self._rules.summarised)
        except Exception:  # our own bug, which ``_settle`` will tell
            return found.last

    def _forget(self) -> None:
        now = self._now()
        if self._forgot_at is None or (now - self._forgot_at).total_seconds() >= FORGET_S:
            self._outbox.forget(now)
            self._forgot_at = now

    def _tell(self, why: str) -> None:
        self._failing = True
        if self._once.due("fails"):
            with self._lock:
                waiting = len(self._waiting)
            log.error("LEAD_STORE_ERR %d lines wait, LEADS_FILE has them: %s", waiting, why)


def _kinds(lines: Iterable[Mapping[str, object]]) -> str:
    return ", ".join(str(line.get("kind", "detail")) for line in lines) + ": in LEADS_FILE alone"
