"""What was said so far, what may be said next, and what an LLM may do: all that providers and calls share."""

from dataclasses import dataclass
from enum import Enum

# An LLM's whole answer to a caller who will go on (A7), or only listens (D4); never spoken.
NOTHING_TO_SAY = "…"


class Speaker(Enum):
    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True)
class Line:
    """One side's words as they were *heard*; ``interrupted`` when the caller cut them short (D3)."""

    speaker: Speaker
    text: str
    interrupted: bool = False


@dataclass(frozen=True)
class Expected:
    """What the caller may answer now. A hint for open recognisers, the grammar of the embedded one.

    ``digits``: so many keypad digits complete the answer; None: ``#`` or a pause does (F5).
    """

    phrases: tuple[str, ...] = ()
    digits: int | None = None


@dataclass(frozen=True)
class PhoneCall:
    """Which call it is. ``number``: the caller's; empty: hidden, so that nobody can call them back."""

    sid: str = ""
    number: str = ""


@dataclass(frozen=True)
class EndCall:
    """Hang up once the reply has been heard (F2)."""


@dataclass(frozen=True)
class Transfer:
    """Hand the caller over to a person once the reply has been heard (F3)."""


@dataclass(frozen=True)
class SaveLead:
    """Keep what the caller told about themselves; names and values, both text, in the LLM's order."""

    details: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, /, **details: object) -> "SaveLead":
        """``SaveLead.of(name="דנה", rooms=4)``; what is None is left out."""
        return cls(tuple((name, str(value)) for name, value in details.items() if value is not None))


Act = EndCall | Transfer | SaveLead


def ends_call(act: Act) -> bool:
    """After this effect the call is over for the agent."""
    return isinstance(act, EndCall | Transfer)
