"""The local loop of a call: an event in, actions out, and the events that they bring about at once."""

from collections import deque
from collections.abc import Callable

from server.call.observers import Observers
from server.turns.actions import Action
from server.turns.events import Event
from server.turns.machine import TurnMachine

Perform = Callable[[Action], list[Event]]


def advance(machine: TurnMachine, event: Event, perform: Perform, observers: Observers) -> None:
    """Let the machine handle ``event``, perform its actions, and handle in turn what these return.

    With the call's lock held: the order of decision is the order of effect.
    """
    events = deque([event])
    while events:
        event = events.popleft()
        observers.saw(event)
        for action in machine.handle(event):
            observers.did(action)
            events.extend(perform(action))
