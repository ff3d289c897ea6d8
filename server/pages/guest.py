"""Who asks for a page, for the length of one request."""

from dataclasses import dataclass, field

from flask import g, request

from server.pages.door import address
from server.pages.sessions import Visit

LANG_COOKIE = "agent_pages_lang"
LANGS = ("he", "en")
_NAME = "agent_pages_guest"


@dataclass
class Guest:
    """``who``: their name in the log; None: nobody whom we know. ``lang``: he or en."""

    lang: str
    who: str | None = None
    visit: Visit | None = None
    new_cookies: dict[str, str] = field(default_factory=dict)  # to be set; "" deletes one
    address: str = field(default_factory=address)


def guest() -> Guest:
    """Of this request. A host's own guard may have answered before we have looked: then nobody we know."""
    found: Guest | None = g.get(_NAME)
    if found is None:
        g.setdefault(_NAME, found := Guest(_lang()))
    return found


def _lang() -> str:
    """As asked for in this request, or kept; Hebrew otherwise."""
    asked, kept = request.args.get("lang", ""), request.cookies.get(LANG_COOKIE, "")
    return next((lang for lang in (asked, kept) if lang in LANGS), LANGS[0])
