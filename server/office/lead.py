"""What a call leaves for the office, as values: details, one by one and together; why a caller was lost."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import islice

from server.logs.one_line import legible

Details = tuple[tuple[str, str], ...]

# What a line of the file says of the call itself; a detail of that name is kept as ``detail_…``.
OF_THE_CALL = frozenset(
    "kind at call_sid caller hidden outbound ended missed duration_s turns after_call summary".split()
)
NOTED_IN_PARTS = frozenset({"message", "notes"})  # what comes later adds to it; of all else the last counts
BETWEEN_PARTS = " / "
MAX_DETAILS, MAX_NAME_CHARS, MAX_TEXT_CHARS = 50, 60, 4000  # a host's LLM may say anything
_THIS_NUMBER = re.compile(
    r"\b(?:this|same|current|caller'?s?|calling|incoming)\b|מתקשר|התקשר|הזה|אותו|הנוכחי"
)
_ANOTHER = re.compile(r"\b(?:not|no|other|another)\b|\bלא\b|\bאין\b|אחר")


class Missed(StrEnum):
    """Why a call has left no lead, though nobody of the office has spoken to the caller."""

    BUSY = "busy"  # they heard that we are busy
    RATE = "rate"  # the network's busy tone: they had called too often
    NO_WORD = "no_word"  # they said nothing
    NOT_HEARD = "not_heard"  # they may have: the STT failed
    NO_PERSON = "no_person"  # they asked for a person, and there was none
    NO_DETAILS = "no_details"  # they spoke to us, and left nothing
    FAILED = "failed"  # our side broke it off
    NO_ANSWER = "no_answer"  # they were put through, and nobody answered
    HUNG_UP = "hung_up"  # before they were put through


def with_number(details: Details, caller: str) -> Details:
    """``details`` as an office can use them: "this number" is that of ``caller``, or nothing.

    They are bounded, and legible.
    """
    shown = ((legible(name)[:MAX_NAME_CHARS], legible(told)[:MAX_TEXT_CHARS]) for name, told in details)
    return tuple(
        (f"detail_{name}" if name in OF_THE_CALL else name, text)
        for name, told in islice(shown, MAX_DETAILS)
        if (text := caller if name == "phone" and _is_this_number(told) else told)
    )


def _is_this_number(phone: str) -> bool:
    said = phone.lower()
    named = any(map(str.isdigit, said)) or _ANOTHER.search(said) is not None
    return not named and _THIS_NUMBER.search(said) is not None


def merged(told: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """All that was told, the oldest first, as one lead."""
    lead: dict[str, str] = {}
    for details in told:
        for name, text in details.items():
            lead[name] = _joined(lead.get(name, ""), text) if name in NOTED_IN_PARTS else text
    return lead


def _joined(known: str, text: str) -> str:
    """A model notes again what it has noted before, and more: nothing is there twice."""
    if text in known:
        return known
    kept = [part for part in known.split(BETWEEN_PARTS) if part and part not in text]
    return BETWEEN_PARTS.join([*kept, text])
