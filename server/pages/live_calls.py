"""Which calls go on now: those that have a place, as the workers know together, with their records.

A place is renewed every few seconds and ends with its worker, so that a call whose process was killed is none
of these, though its record has no end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.records.queries import whole_sid
from server.records.reading import Recorded
from server.records.search import Call
from server.shared_state.state import SharedState, Sharing

LONGEST = timedelta(hours=12)  # no call is longer


@dataclass(frozen=True)
class Live:
    """``calls``: the latest first; of one that was taken up (F8) the last part. ``unknown``: how many more
    have a place: they are about to come, or no records are kept. ``scope``: whose calls these are, a name in
    ``calls_words.WORDS``.
    """

    calls: tuple[Call, ...]
    unknown: int
    scope: str


class LiveCalls:
    """Any thread."""

    def __init__(
        self,
        records: Recorded | None,
        shared_state: SharedState,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._records = records
        self._shared_state = shared_state
        self._now = now

    def __call__(self) -> Live:
        """Blocks for what the store and the database take. Raises CannotRead."""
        recorded = self._records.going_on(self._now() - LONGEST) if self._records else []
        hosts = {"", *(call.host for call, _ in recorded)}  # "": this one
        on_line = {host: self._shared_state.holders(host) for host in hosts}
        live: dict[str, Call] = {}
        for call, turns in recorded:
            sid = whole_sid(call.sid)
            if sid in on_line[call.host]:
                live.setdefault(sid, (call, turns))
        unknown = frozenset().union(*on_line.values()) - live.keys()
        return Live(tuple(live.values()), len(unknown), self._scope())

    def _scope(self) -> str:
        match self._shared_state.sharing:
            case Sharing.NONE:
                return "scope none"
            case Sharing.ALONE:
                return "scope alone"
        return "scope all" if self._shared_state.of_all_hosts else "scope host"
