"""What the records of calls are written to and read from: a database, or a test's lists."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from server.records.facts import CallFacts, TurnFacts


class Keeps(Protocol):
    """Called with a call's lock held: neither blocks, or raises for want of a database."""

    def keep_call(self, call: CallFacts) -> None:
        """What is known of the call now, in the place of what was known before."""
        ...

    def keep_turn(self, sid: str, turn: TurnFacts) -> None:
        """A turn of the call ``sid`` that is over; each once, in order."""
        ...


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
