"""What the processes of a host know together: how calls ended, what has happened before, who is on the line.

The socket of a call and its webhooks may meet different workers of a host, or different hosts.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import Protocol, TypeVar

from server.logs.rate_limited import OnceIn
from server.shared_state.changes import (
    ALL_MADE,
    Change,
    First,
    Lease,
    Made,
    Offer,
    Put,
    Release,
    Renew,
    before,
    remembers,
    unlimited,
)
from server.shared_state.memory import MemoryStore
from server.shared_state.pools import HOSTS, IN_NONE, Share
from server.shared_state.redis import RedisStore
from server.shared_state.sqlite import SqliteStore
from server.turns.effects import EndCall, Transfer

log = logging.getLogger("agent")

T = TypeVar("T")
Outcome = EndCall | Transfer
NAMED: dict[str, Outcome] = {type(outcome).__name__: outcome for outcome in (EndCall(), Transfer())}


SLOW_S = 0.2
SLOW_IN_A_ROW = 2  # and it is left alone, so that callers do not wait for it again and again
REST_S = 5.0


class Sharing(Enum):
    """How this process shares what it knows with others; the words of ``/healthz``."""

    NONE = "none"  # it is to keep all to itself
    SHARED = "shared"
    RENEWED = "renewed"  # in a store that was begun anew within the hour: what was in the old one is lost
    ALONE = "alone"  # the store fails


@dataclass(frozen=True)
class Answer:
    """What became of changes. ``known``: to others too; False while the store fails."""

    made: Made
    known: bool


class Store(Protocol):
    """Any thread. Every method may block for half a second, and raise when the store fails.

    All answers are the same for all processes that share the store. What is full forgets its oldest first.
    """

    @property
    def name(self) -> str:
        """For the log: the knob that asks for it; no secret."""
        ...

    @property
    def renewed(self) -> bool:
        """It was begun anew within the hour, as far as this process has seen. Does not block."""
        ...

    def change(self, *changes: Change) -> Made:
        """Make these changes in their order, up to the first that is refused: in one transaction."""
        ...

    def get(self, key: str) -> str | None:
        """What was ``Put``; None: not there, or no longer."""
        ...

    def memory(self, key: str) -> str | None:
        """What a call was to ``Remember``; None: nothing, or no longer."""
        ...

    def leased(self, pool: str) -> int:
        """How many places of a host, or of a share by its name, are in use."""
        ...

    def holders(self, pool: str) -> frozenset[str]:
        """The calls that have these places."""
        ...

    def knows(self, key: str) -> bool:
        """Whether a ``First`` of this key would be refused."""
        ...


@dataclass(frozen=True)
class Once:
    """What may happen once in ``for_s`` seconds. ``until``: its date, kept for minutes; 0: it has none."""

    key: str  # may be a secret, or a caller's number: in no line of the log
    for_s: float
    until: float = 0.0

    def was_seen(self, made: Made) -> bool:
        """Whether this is what was refused."""
        return made.refused == self.changes[0]

    @property
    def changes(self) -> tuple[Change, ...]:
        key = _spelled(self.key)
        dated = (Put(key, repr(self.until)),) if self.until else ()
        return (First(key, self.for_s), *dated)


class SharedState:
    """What this process knows and, through ``shared``, what others know. Any thread.

    Never raises: while a store fails, what this process remembers answers alone, and the log says so
    (``LEDGER_ERR``, once a minute; ``LEDGER_BACK``). Methods block as long as ``shared`` does, half a second
    at worst; one that keeps callers waiting is left alone for some seconds each time.
    ``host``: whose calls are counted together; this machine's name unless told. ``now``: this process's
    own seconds, which do not jump.
    A call without a CallSid is not kept: nobody could ask for it, and nobody could count it twice.
    ``once``, where a method takes it: nothing else is done unless each of these is a first time; all of it is
    one transaction.
    """

    def __init__(
        self, shared: Store | None = None, host: str = "", now: Callable[[], float] = time.monotonic
    ) -> None:
        self._own = MemoryStore(now)
        self._shared = None if shared is None else _Asked(shared, now)
        self._host = _spelled(host or socket.gethostname())

    @property
    def sharing(self) -> Sharing:
        """As this process found it last. Does not block."""
        if self._shared is None:
            return Sharing.NONE
        if self._shared.fails:
            return Sharing.ALONE
        return Sharing.RENEWED if self._shared.store.renewed else Sharing.SHARED

    @property
    def of_all_hosts(self) -> bool:
        """Whether what is known here is known on other hosts too."""
        return self._shared is not None and isinstance(self._shared.store, RedisStore)

    def close(self, call_sid: str, outcome: Outcome) -> None:
        """The call ends like this (F2, F3). This process knows it before the store is asked to keep it."""
        if call_sid:
            self._change(f"the end of {call_sid!r}", *_ends(call_sid, outcome))

    def outcome(self, call_sid: str) -> Outcome | None:
        """How the call ended; None: nobody has said so. Does not block for a call of this process."""
        if not call_sid:
            return None
        name = self._get(f"the end of {call_sid!r}", call_sid)
        return NAMED.get(name or "")  # a name of another version, while it is rolled out, is none

    def first_time(self, *once: Once) -> Made:
        """True once over all processes, for so many seconds; a second time here is never the first.

        While the store fails it is once a process: a phone line that stopped then would be worse.
        """
        return self._change("a first time", *_firsts(once)).made

    def was(self, key: str) -> bool:
        """Whether there was a first time of ``key``; while the store fails, in this process."""
        spelled = _spelled(key)
        if self._own.knows(spelled):
            return True
        return bool(self._ask("a first time", lambda shared: shared.knows(spelled), reads=True))

    def date(self, key: str) -> float:
        """The ``until`` of the first time, known for minutes; after them 0: long ago."""
        return float(self._get("a first time", key) or 0)

    def note_number(self, call_sid: str) -> None:
        """The caller has left a number in this call; which one is not kept here."""
        if call_sid:
            self._change(f"a number left in {call_sid!r}", Put(_spelled(f"number:{call_sid}"), "left"))

    def number_left(self, call_sid: str) -> bool:
        """Whether one was left, in the last minutes."""
        return bool(call_sid) and self._get(f"a number left in {call_sid!r}", f"number:{call_sid}") == "left"

    def remember(self, call_sid: str, memory: str | None) -> None:
        """What another socket must know to take the call up, for some minutes (F8); None: nobody will."""
        self.remember_all({call_sid: memory})

    def forget(self, call_sid: str) -> None:
        self.remember(call_sid, None)

    def remember_all(self, memories: Mapping[str, str | None]) -> None:
        """What calls remember, by CallSid, in one transaction."""
        changes = [remembers(_spelled(sid), memory) for sid, memory in memories.items() if sid]
        if changes:
            self._change(f"what {', '.join(map(repr, memories))} remember", *changes)

    def memory(self, call_sid: str) -> str | None:
        """What the call remembered last. Others may know it better than this process, which is asked last."""
        if not call_sid:
            return None
        key, what = _spelled(call_sid), f"what {call_sid!r} remembers"
        return self._ask(what, lambda shared: shared.memory(key), reads=True) or self._own.memory(key)

    def offer(self, most: int, for_s: float) -> None:
        """This host takes ``most`` calls (0: any number) for so many seconds; 0 seconds: no more."""
        self._change("what this host takes", Offer(self._host, most, for_s))

    def other_hosts(self) -> frozenset[str]:
        """Those that take calls beside this one, as far as the store tells."""
        hosts = self._ask("which hosts there are", lambda shared: shared.holders(HOSTS), reads=True)
        return (hosts or frozenset()) - {self._host}

    def lease(
        self, call_sid: str, most: int, for_s: float, share: Share = IN_NONE, *, once: Sequence[Once] = ()
    ) -> Made:
        """A place for ``for_s`` seconds among ``most`` calls (0: any number) and what other hosts ``offer``.

        And among the calls of ``share``, of all hosts: both are given, or none. True again, and for
        ``for_s`` from now, for a call that has one. True without a CallSid: not counted, and not refused for
        that. While the store fails ``most`` holds for this process alone.
        """
        if not call_sid:
            return self.first_time(*once)
        call = _spelled(call_sid)
        lease = Lease(self._host, call, most, for_s, share)
        return self._change(f"the place of {call!r}", *_firsts(once), lease).made

    def renew(self, call_sids: Sequence[str], for_s: float, *, once: Sequence[Once] = ()) -> Made:
        """Let these calls keep their places, or have them again if they were lost, for ``for_s`` seconds."""
        calls = tuple(_spelled(call_sid) for call_sid in call_sids if call_sid)
        if not calls:
            return self.first_time(*once)
        return self._change(
            f"the places of {len(calls)}", *_firsts(once), Renew(self._host, calls, for_s)
        ).made

    def release(self, call_sid: str, outcome: Outcome | None = None, *, once: Sequence[Once] = ()) -> Answer:
        """The call has ended, as ``outcome`` says, and its place is free; it need not have had one.

        Not ``known``: the store holds the place until it is told again, or the lease is over.
        """
        if not call_sid:
            return Answer(self.first_time(*once), known=True)
        call = _spelled(call_sid)
        ends = () if outcome is None else _ends(call_sid, outcome)
        what = f"the place of {call!r}" if outcome is None else f"the end of {call_sid!r}"
        return self._change(what, *_firsts(once), *ends, Release(self._host, call))

    def leased(self) -> int:
        """How many calls of this host have a place; while the store fails, of this process."""
        held = self._ask("how many places are in use", lambda shared: shared.leased(self._host), reads=True)
        return self._own.leased(self._host) if held is None else held

    def holders(self, host: str = "") -> frozenset[str]:
        """The calls that have a place on ``host`` (this one unless told), as they are spelled there.

        While the store fails, also those that this process alone knows of.
        """
        pool = _spelled(host) or self._host
        held = self._ask("who has a place", lambda shared: shared.holders(pool), reads=True)
        if held is not None and self.sharing is not Sharing.ALONE:
            return held
        return self._own.holders(pool) | (held or frozenset())

    def leased_here(self) -> int:
        """How many calls of this process have a place, and how many that it has given one of late."""
        return self._own.leased(self._host)

    def _change(self, what: str, *changes: Change) -> Answer:
        """What the store says, and this process keeps; the word of this process alone while it fails."""
        again = next((c for c in changes if isinstance(c, First) and self._own.knows(c.key)), None)
        asked = before(changes, again)
        surely = tuple(takewhile(lambda change: not isinstance(change, First | Lease), asked))
        self._own.change(*surely)
        made = self._ask(what, lambda shared: shared.change(*asked)) if asked else ALL_MADE
        known = made is not None or self._shared is None
        rest = asked[len(surely) :]
        if made is None:
            made = self._own.change(*rest)
        else:  # known here too, should the store fail next
            self._own.change(*map(unlimited, before(rest, made.refused)))
        return Answer(Made(again) if made and again else made, known)

    def _get(self, what: str, key: str) -> str | None:
        spelled = _spelled(key)
        return self._own.get(spelled) or self._ask(what, lambda shared: shared.get(spelled), reads=True)

    def _ask(self, what: str, question: Callable[[Store], T], *, reads: bool = False) -> T | None:
        """The answer of the shared store; None: there is no store, or it has failed and the log says so."""
        return None if self._shared is None else self._shared.ask(what, question, reads)


class _Asked:
    """A store that may fail, and whether to ask it at all. Any thread."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self.store = store
        self._now = now
        self._lock = threading.Lock()  # guards what follows; held for nothing that waits
        self._failing: set[bool] = set()  # whether what has failed reads: a full disk is read all the same
        self._slow = 0  # failures in a row that somebody had to wait for
        self._rests_until = now()
        self._say = OnceIn(clock=now)
        self._said = False
        self._unsaid = 0

    @property
    def fails(self) -> bool:
        with self._lock:
            return bool(self._failing)

    def ask(self, what: str, question: Callable[[Store], T], reads: bool) -> T | None:
        """Its answer; None: it has failed, or is left alone."""
        if not self._may_be_asked():
            return None
        began = self._now()
        try:
            answer = question(self.store)
        except Exception as error:  # whatever a store does, the line stays open
            self._failed(what, error, reads, self._now() - began)
            return None
        self._answered(reads)
        return answer

    def _may_be_asked(self) -> bool:
        with self._lock:
            now = self._now()
            if now < self._rests_until:
                self._unsaid += 1
                return False
            if self._slow >= SLOW_IN_A_ROW:  # one finds out, while the others do without
                self._rests_until = now + REST_S
            return True

    def _failed(self, what: str, error: Exception, reads: bool, took_s: float) -> None:
        with self._lock:
            self._failing.add(reads)
            self._slow = self._slow + 1 if took_s >= SLOW_S else 0
            self._rests_until = self._now() + (REST_S if self._slow >= SLOW_IN_A_ROW else 0)
            if not self._say.due("it fails"):
                self._unsaid += 1
                return
            unsaid, self._unsaid, self._said = self._unsaid, 0, True
        more = f" (and {unsaid} before it)" if unsaid else ""
        log.error(
            "LEDGER_ERR: %s is known to this process only: %s: %s%s", what, self.store.name, error, more
        )

    def _answered(self, reads: bool) -> None:
        with self._lock:
            self._rests_until = self._now()
            if not reads:
                self._slow = 0
            self._failing -= {True} if reads else {True, False}
            if self._failing or not self._said:
                return
            unsaid, self._unsaid, self._said = self._unsaid, 0, False
        log.warning("LEDGER_BACK %s answers again (and %d not shared meanwhile)", self.store.name, unsaid)


def shared_store(redis_url: str, state_file: str) -> RedisStore | SqliteStore | None:
    """The store that the knobs ask for; None: this process alone. Opens nothing yet."""
    if redis_url:
        return RedisStore(redis_url)
    return SqliteStore(state_file) if state_file else None


def shared_state_of(redis_url: str, state_file: str) -> SharedState:
    """What is shared as these knobs say: any two of the same knobs agree."""
    return SharedState(shared_store(redis_url, state_file))


def _firsts(once: Iterable[Once]) -> tuple[Change, ...]:
    return tuple(change for each in once for change in each.changes)


def _ends(call_sid: str, outcome: Outcome) -> tuple[Change, ...]:
    return (Put(_spelled(call_sid), type(outcome).__name__),)


def _spelled(name: str) -> str:
    """A lone surrogate cannot be stored, and one such name would fail the renewal of every other call."""
    return name.encode(errors="backslashreplace").decode()
