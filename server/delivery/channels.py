"""What a lead is carried by: a channel sends one payload, and says what has become of it."""

from typing import Protocol

from server.delivery.schedule import Answer


class Channel(Protocol):
    name: str  # in the database and the log: "webhook", "email"

    def deliver(self, lead: str, payload: str) -> Answer:
        """Blocks for half a minute at most. Never raises: whatever happens is an answer."""
        ...

    def ping(self) -> str:
        """Try it without a lead: why it does not work; "": it does. Blocks as ``deliver``."""
        ...
