"""Who asks for a page, for the length of one request."""

from dataclasses import dataclass, field

from flask import g

from server.pages.door import address
from server.pages.sessions import Visit


@dataclass
class Guest:
    """``who``: their name in the log; None: nobody whom we know. ``lang``: he or en."""

    lang: str
    who: str | None = None
    visit: Visit | None = None
    new_cookie: str | None = None  # to be set; "" deletes it
    address: str = field(default_factory=address)


def guest() -> Guest:
    """Of this request; set before any view is asked."""
    found: Guest = g.agent_pages_guest
    return found


def set_guest(found: Guest) -> None:
    g.agent_pages_guest = found
