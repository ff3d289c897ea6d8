"""What the records of calls are written to and read from: a database, or a test's lists."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from server.records.facts import CallFacts, TurnFacts

log = logging.getLogger("agent")


class Keeps(Protocol):
    """Called with a call's lock held: neither blocks, or raises for want of a database."""

    def keep_call(self, call: CallFacts) -> None:
        """What is known of the call now, in the place of what was known before."""
        ...

    def keep_turn(self, sid: str, turn: TurnFacts) -> None:
        """A turn of the call ``sid`` that is over; each once, in order."""
        ...


class Several:
    """All of these keep it. One that raises is our own bug: it is told nothing more, and the others are."""

    def __init__(self, keeps: Sequence[Keeps]) -> None:
        self._keeps = tuple(keeps)

    def keep_call(self, call: CallFacts) -> None:
        for one in self._keeps:
            try:
                one.keep_call(call)
            except Exception:
                self._drop(one)

    def keep_turn(self, sid: str, turn: TurnFacts) -> None:
        for one in self._keeps:
            try:
                one.keep_turn(sid, turn)
            except Exception:
                self._drop(one)

    def _drop(self, broken: Keeps) -> None:
        log.exception("OBSERVER_ERR %s", type(broken).__name__)
        self._keeps = tuple(one for one in self._keeps if one is not broken)


class Reads(Protocol):
    """Blocks, as a database does."""

    def calls_between(self, begin: datetime, end: datetime) -> Iterable[CallFacts]:
        """Those that began from ``begin`` on and before ``end``, in their order."""
        ...

    def call(self, sid_or_prefix: str) -> list[tuple[CallFacts, list[TurnFacts]]]:
        """The call and its turns in order; a call that was taken up (F8): each of its parts.

        Nothing when no call, or more than one, is named so.
        """
        ...

    def named(self, sid_or_prefix: str) -> list[CallFacts]:
        """Every call that is, and every part of one, in their order."""
        ...
