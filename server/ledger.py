"""What the processes of a host know together: how calls ended, what has happened before, who is on the line.

The socket of a call and its webhooks may meet different workers of a host, or different hosts.
"""

import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from server.core.conversation import EndCall, Transfer
from server.stores import IN_NONE, MemoryStore, Share

log = logging.getLogger("agent")

T = TypeVar("T")
Outcome = EndCall | Transfer
NAMED: dict[str, Outcome] = {type(outcome).__name__: outcome for outcome in (EndCall(), Transfer())}


class Store(Protocol):
    """Any thread. Every method may block for half a second, and raise when the store fails.

    All answers are the same for all processes that share the store, and every change is made at once or
    not at all. ``for_s``: seconds from now, above 0. What is full forgets its oldest first.
    """

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


class Ledger:
    """What this process knows and, through ``shared``, what others know. Any thread.

    Never raises: a store that fails costs a log line (``LEDGER_ERR``), and what this process remembers
    answers alone. Methods block as long as ``shared`` does, half a second at worst.
    ``host``: whose calls are counted together; this machine's name unless told. ``now``: this process's
    own seconds, which do not jump.
    A call without a CallSid is not kept: nobody could ask for it, and nobody could count it twice.
    """

    def __init__(
        self, shared: Store | None = None, host: str = "", now: Callable[[], float] = time.monotonic
    ) -> None:
        self._own = MemoryStore(now)
        self._shared = shared
        self._host = _spelled(host or socket.gethostname())

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

    def release(self, call_sid: str) -> None:
        """The call has ended, and its place is free; it need not have had one."""
        if not call_sid:
            return
        call = _spelled(call_sid)
        self._own.release(self._host, call)
        self._ask(f"the place of {call!r}", lambda shared: shared.release(self._host, call))

    def leased(self) -> int:
        """How many calls of this host have a place; while the store fails, of this process."""
        held = self._ask("the places in use", lambda shared: shared.leased(self._host))
        return self._own.leased(self._host) if held is None else held

    def leased_here(self) -> int:
        """How many calls of this process have a place, and how many that it has given one of late."""
        return self._own.leased(self._host)

    def all_taken(self, share: Share) -> bool:
        """Whether this share, and not the host, is what has no more places."""
        if not share.most:
            return False
        held = self._ask("the places of a share", lambda shared: shared.leased(share.name))
        return (self._own.leased(share.name) if held is None else held) >= share.most

    def _put(self, what: str, key: str, value: str) -> None:
        spelled = _spelled(key)
        self._own.put(spelled, value)
        self._ask(what, lambda shared: shared.put(spelled, value))

    def _get(self, what: str, key: str) -> str | None:
        spelled = _spelled(key)
        return self._own.get(spelled) or self._ask(what, lambda shared: shared.get(spelled))

    def _ask(self, what: str, question: Callable[[Store], T]) -> T | None:
        """The answer of the shared store; None: there is no store, or it has failed and the log says so."""
        if self._shared is None:
            return None
        try:
            return question(self._shared)
        except Exception as error:  # whatever a store does, the line stays open
            log.error("LEDGER_ERR: %s is known to this process only: %s", what, error)
            return None


def _spelled(name: str) -> str:
    """A lone surrogate cannot be stored, and one such name would fail the renewal of every other call."""
    return name.encode(errors="backslashreplace").decode()
