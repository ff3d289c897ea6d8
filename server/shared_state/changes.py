"""What a store can be asked to change. Changes that are asked for together are one transaction."""

from dataclasses import dataclass, replace

from server.shared_state.pools import IN_NONE, Share

MAX_OUTCOMES = 10_000
MAX_LEASES = 10_000
OUTCOME_S = 600  # Twilio asks within seconds
MEMORY_S = 180.0  # of a call that says nothing more of itself; one that goes on does, each minute
MAX_MEMORIES = 1000  # of 8 kB
LONGEST_LEASE_S = 60.0  # one that ends later was given before the clock was put back
WITHIN_S = 0.5  # a store that takes longer is done without


@dataclass(frozen=True)
class First:
    """Refused unless it is the first time in ``for_s`` seconds that ``key`` is asked for."""

    key: str
    for_s: float


@dataclass(frozen=True)
class Put:
    """Keep ``value``, the last one given, for OUTCOME_S."""

    key: str
    value: str


@dataclass(frozen=True)
class Remember:
    """Keep what a call remembers (words of its caller among it), the last one given, for MEMORY_S."""

    key: str
    value: str


@dataclass(frozen=True)
class Forget:
    """The call is over, and what it remembered is deleted."""

    key: str


@dataclass(frozen=True)
class Offer:
    """The host takes ``most`` calls (0: any number) for ``for_s`` seconds from now, the last one said.

    0 seconds: it takes no more. What one host alone keeps does without (``Lease``).
    """

    host: str
    most: int
    for_s: float


@dataclass(frozen=True)
class Lease:
    """A place for ``for_s`` seconds from now, in the call's share too: both, or neither.

    Refused when ``most`` other calls of the host (0: any number), or the most of the share, have theirs; a
    call that has a place is never refused. ``for_s``: at most LONGEST_LEASE_S.
    In a store of several hosts the socket may come to any of them: the calls of all are counted, against
    ``most`` and what the others ``Offer``; one that offers nothing any more counts for the calls it has.
    """

    host: str
    call_sid: str
    most: int
    for_s: float
    share: Share = IN_NONE


@dataclass(frozen=True)
class Renew:
    """A place for each of these calls, however many there are; in its share too, when it is in one.

    A call has one place: what it had on another host is free.
    """

    host: str
    call_sids: tuple[str, ...]
    for_s: float


@dataclass(frozen=True)
class Release:
    """The call has no place on this host any more; in its share neither, unless another host has the call.

    In which share it was is known for as long as its place was given for: another worker may have the call
    still (F8), and renews both.
    """

    host: str
    call_sid: str


Change = First | Put | Remember | Forget | Offer | Lease | Renew | Release


@dataclass(frozen=True)
class Made:
    """What became of changes that were asked for together; true when all are made.

    ``refused``: the first that could not be made. Those before it are made, none behind it is.
    ``pool``: of a refused place, which pool is full: the share, when both are.
    """

    refused: Change | None = None
    pool: str = ""

    def __bool__(self) -> bool:
        return self.refused is None


ALL_MADE = Made()


def remembers(key: str, value: str | None) -> Remember | Forget:
    """What a call remembers; None: it is over."""
    return Forget(key) if value is None else Remember(key, value)


def unlimited(change: Change) -> Change:
    """What one store has given is not refused by another."""
    return replace(change, most=0, share=Share(change.share.name)) if isinstance(change, Lease) else change


def before(changes: tuple[Change, ...], refused: Change | None) -> tuple[Change, ...]:
    """Those of ``changes`` that stand before ``refused``; all, when there is none."""
    return changes if refused is None else changes[: changes.index(refused)]
