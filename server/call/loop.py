"""The local loop of a call: an event in, actions out, and the events that they bring about at once."""

from collections import deque
from collections.abc import Callable

from server.call.observers import Observers
from server.turns.actions import Action
from server.turns.events import Event
from server.turns.machine import NOTHING, TurnMachine

Perform = Callable[[Action], list[Event]]


def advance(machine: TurnMachine, event: Event, perform: Perform, observers: Observers) -> bool:
    """Let the machine handle ``event``, perform its actions, and handle in turn what these return.

    With the call's lock held: the order of decision is the order of effect. False when everything is as it
    was, as behind most frames.
    """
    observers.saw(event)
    actions = machine.handle(event)
    if actions is NOTHING:
        return False
    events: deque[Event] = deque()
    while True:
        for action in actions:
            observers.did(action)
            events.extend(perform(action))
        if not events:
            return True
        event = events.popleft()
        observers.saw(event)
        actions = machine.handle(event)
