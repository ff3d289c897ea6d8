"""What the processes of a host know together: how calls ended, what has happened before, who is on the line.

The socket of a call and its webhooks may meet different workers of a host, or different hosts.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol, TypeVar

from server.logs.rate_limited import OnceIn
from server.shared_state.memory import MemoryStore
from server.shared_state.pools import IN_NONE, Share
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


class Store(Protocol):
    """Any thread. Every method may block for half a second, and raise when the store fails.

    All answers are the same for all processes that share the store, and every change is made at once or
    not at all. ``for_s``: seconds from now, above 0; of a place at most LONGEST_LEASE_S. What is full forgets
    its oldest first.
    """

    @property
    def name(self) -> str:
        """For the log: the knob that asks for it; no secret."""
        ...

    @property
    def renewed(self) -> bool:
        """It was begun anew within the hour, as far as this process has seen. Does not block."""
        ...

    def put(self, call_sid: str, name: str) -> None:
        """Remember the name of an outcome, the last one given, for minutes."""
        ...

    def get(self, call_sid: str) -> str | None:
        """None: not there, or no longer."""
        ...

    def first_time(self, key: str, for_s: float) -> bool:
        """True once in ``for_s``."""
        ...

    def lease(self, host: str, call_sid: str, most: int, for_s: float, share: Share = IN_NONE) -> bool:
        """Give the call a place for ``for_s``, in its share too: it has one, or fewer than ``most`` do.

        That many of its host (0: any), and of its share. It has both places, or neither is new.
        """
        ...

    def renew(self, host: str, call_sids: Sequence[str], for_s: float) -> None:
        """Give every one of these calls a place for ``for_s``, however many there are; in its share too."""
        ...

    def release(self, host: str, call_sid: str) -> None: ...

    def leased(self, pool: str) -> int:
        """How many places of a host, or of a share by its name, are in use."""
        ...


class SharedState:
    """What this process knows and, through ``shared``, what others know. Any thread.

    Never raises: while a store fails, what this process remembers answers alone, and the log says so
    (``LEDGER_ERR``, once a minute; ``LEDGER_BACK``). Methods block as long as ``shared`` does, half a second
    at worst; one that keeps callers waiting is left alone for some seconds each time.
    ``host``: whose calls are counted together; this machine's name unless told. ``now``: this process's
    own seconds, which do not jump.
    A call without a CallSid is not kept: nobody could ask for it, and nobody could count it twice.
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

    def close(self, call_sid: str, outcome: Outcome) -> None:
        """The call ends like this (F2, F3). This process knows it before the store is asked to keep it."""
        if not call_sid:
            return
        self._put(f"the end of {call_sid!r}", call_sid, type(outcome).__name__)

    def outcome(self, call_sid: str) -> Outcome | None:
        """How the call ended; None: nobody has said so. Does not block for a call of this process."""
        if not call_sid:
            return None
        name = self._get(f"the end of {call_sid!r}", call_sid)
        return NAMED.get(name or "")  # a name of another version, while it is rolled out, is none

    def first_time(self, key: str, for_s: float) -> bool:
        """True once over all processes, for ``for_s`` seconds; a second time here is never the first.

        While the store fails it is once a process: a phone line that stopped then would be worse.
        """
        spelled = _spelled(key)  # not in the log: a key may be a secret, or a caller's number
        if not self._own.first_time(spelled, for_s):
            return False
        return self._ask("a first time", lambda shared: shared.first_time(spelled, for_s)) is not False

    def first_deadline(self, key: str, until: float, for_s: float) -> float:
        """The ``until`` of the first time, in seconds that all processes agree on.

        It is known for minutes; after them, and for ``for_s`` in all, 0: long ago.
        """
        if self.first_time(key, for_s):
            self._put("a first time", key, repr(until))
            return until
        return float(self._get("a first time", key) or 0)

    def note_number(self, call_sid: str) -> None:
        """The caller has left a number in this call; which one is not kept here."""
        if call_sid:
            self._put(f"a number left in {call_sid!r}", f"number:{call_sid}", "left")

    def number_left(self, call_sid: str) -> bool:
        """Whether one was left, in the last minutes."""
        return bool(call_sid) and self._get(f"a number left in {call_sid!r}", f"number:{call_sid}") == "left"

    def lease(self, call_sid: str, most: int, for_s: float, share: Share = IN_NONE) -> bool:
        """A place for ``for_s`` seconds among at most ``most`` calls of this host (0: any number).

        And among the calls of ``share``, of all hosts: both are given, or none. True again, and for
        ``for_s`` from now, for a call that has one. True without a CallSid: not counted, and not refused for
        that. While the store fails ``most`` holds for this process alone.
        """
        if not call_sid:
            return True
        call = _spelled(call_sid)
        given = self._ask(
            f"the place of {call!r}", lambda shared: shared.lease(self._host, call, most, for_s, share)
        )
        if given is None:
            return self._own.lease(self._host, call, most, for_s, share)
        if given:  # known here too, should the store fail next
            self._own.lease(self._host, call, 0, for_s, Share(share.name))
        return given

    def renew(self, call_sids: Sequence[str], for_s: float) -> None:
        """Let these calls keep their places, or have them again if they were lost, for ``for_s`` seconds."""
        calls = [_spelled(call_sid) for call_sid in call_sids if call_sid]
        if not calls:
            return
        self._own.renew(self._host, calls, for_s)
        self._ask(f"the places of {len(calls)}", lambda shared: shared.renew(self._host, calls, for_s))

    def release(self, call_sid: str) -> bool:
        """The call has ended, and its place is free; it need not have had one.

        False: the store fails, and holds the place until it is told again or the lease is over.
        """
        if not call_sid:
            return True
        call = _spelled(call_sid)
        self._own.release(self._host, call)
        if self._shared is None:
            return True

        def release(shared: Store) -> bool:
            shared.release(self._host, call)
            return True

        return self._shared.ask(f"the place of {call!r}", release, reads=False) is not None

    def leased(self) -> int:
        """How many calls of this host have a place; while the store fails, of this process."""
        held = self._ask("how many places are in use", lambda shared: shared.leased(self._host), reads=True)
        return self._own.leased(self._host) if held is None else held

    def leased_here(self) -> int:
        """How many calls of this process have a place, and how many that it has given one of late."""
        return self._own.leased(self._host)

    def all_taken(self, share: Share) -> bool:
        """Whether this share, and not the host, is what has no more places."""
        if not share.most:
            return False
        held = self._ask("the places of a share", lambda shared: shared.leased(share.name), reads=True)
        return (self._own.leased(share.name) if held is None else held) >= share.most

    def _put(self, what: str, key: str, value: str) -> None:
        spelled = _spelled(key)
        self._own.put(spelled, value)
        self._ask(what, lambda shared: shared.put(spelled, value))

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


def _spelled(name: str) -> str:
    """A lone surrogate cannot be stored, and one such name would fail the renewal of every other call."""
    return name.encode(errors="backslashreplace").decode()
