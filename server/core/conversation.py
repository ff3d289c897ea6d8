"""What was said so far, and what may be said next: the two things engines are told about a call."""

from dataclasses import dataclass
from enum import Enum


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
