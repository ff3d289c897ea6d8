"""A call in a sentence or two, for who reads the lead: by rules. Pure."""

from collections.abc import Mapping

from server.office.leads import MORE, PHONE, TOLD, WHAT

MAX_CHARS = 600


def by_rules(row: Mapping[str, str]) -> str:
    """Of the row of ``server.office.leads``: what happened, who it was, and what they want."""
    name, intent, message, notes = (row[TOLD[key]] for key in ("name", "intent", "message", "notes"))
    who = " · ".join(filter(None, (name, row[PHONE])))
    known = ("city", "rooms", "budget")
    wish = ", ".join(
        filter(None, (intent, *(f"{TOLD[key]} {row[TOLD[key]]}" for key in known if row[TOLD[key]])))
    )
    parts = (f"{row[WHAT]}: {who}", wish, message, notes, row[MORE])
    return _bounded(". ".join(part.rstrip(". ") for part in parts if part) + ".")


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 1]}…"
