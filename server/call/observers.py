"""Who else sees what a call is told and decides: its event log, its record; none of them changes it.

event --observers.saw--> machine --observers.did--> shell        all in the order of decision

Those that count and trace it are told besides how the shell works (``SeesWork``).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from server.call.call_record import CallSummary
from server.providers.asked import Asked
from server.turns.actions import Action
from server.turns.events import Event

T = TypeVar("T")

log = logging.getLogger("agent")


class Observer(Protocol):
    """Of one call. All but ``closed`` with the call's lock held: nothing may block. Nothing is answered."""

    def saw(self, event: Event) -> None:
        """The machine is told this next; behind the end of the call too, as long as anything is awaited."""
        ...

    def did(self, action: Action) -> None:
        """The machine has decided this, on the event seen last."""
        ...

    def over(self, summary: CallSummary) -> None:
        """The socket is gone, and the call was this. Events that were still awaited may follow."""
        ...

    def closed(self) -> None:
        """Nothing follows any more. On a thread of the call's, without its lock; may block for half a second.

        Once, for every call that an observer was made for: also for one that never started.
        """
        ...


@runtime_checkable
class SeesWork(Protocol):
    """An ``Observer`` may be one. Any thread, with the call's lock or without it: nothing may block."""

    def asked(self, asked: Asked) -> None:
        """A provider was asked, and this came of it."""
        ...

    def sent_late(self, seconds: float) -> None:
        """So long after audio was due on the wire TX has begun to send it."""
        ...


class Observers:
    """All of one call. One that raises is our own bug: it is told nothing more, and the call goes on."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._observers = list(observers)
        self._see_work = [observer for observer in self._observers if isinstance(observer, SeesWork)]

    def add(self, observer: Observer) -> None:
        """Before the call begins."""
        self._observers.append(observer)
        if isinstance(observer, SeesWork):
            self._see_work.append(observer)

    def saw(self, event: Event) -> None:
        for observer in self._observers:
            try:
                observer.saw(event)
            except Exception:
                self._gives_up(observer)

    def did(self, action: Action) -> None:
        for observer in self._observers:
            try:
                observer.did(action)
            except Exception:
                self._gives_up(observer)

    def asked(self, asked: Asked) -> None:
        self._each(self._see_work, lambda observer: observer.asked(asked))

    def sent_late(self, seconds: float) -> None:
        self._each(self._see_work, lambda observer: observer.sent_late(seconds))

    def over(self, summary: CallSummary) -> None:
        self._each(self._observers, lambda observer: observer.over(summary))

    def closed(self) -> None:
        """Once; the observers are let go of."""
        self._each(self._observers, lambda observer: observer.closed())
        self._observers, self._see_work = [], []

    def _each(self, observers: Sequence[T], tell: Callable[[T], None]) -> None:
        for observer in observers:
            try:
                tell(observer)
            except Exception:
                self._gives_up(observer)

    def _gives_up(self, observer: object) -> None:
        """While its exception is handled. A list that is being gone through stays as it is."""
        log.exception("OBSERVER_ERR %s", type(observer).__name__)
        self._observers = [one for one in self._observers if one is not observer]
        self._see_work = [one for one in self._see_work if one is not observer]
