"""What is decided with a turn: the prompt that answers, what follows it, and how far the LLM has come."""

from dataclasses import dataclass
from enum import Enum

from server.turns.effects import Act, Expected
from server.turns.expected_input import Asked


class Thought(Enum):
    """How far an LLM has come with the caller's words: what it decides may come last of all."""

    NONE = "none"  # none is to judge them
    AT_WORK = "at work"
    WHOLE = "whole"  # it has come to its end
    BROKEN = "broken"  # it has failed, or was given up: nobody knows what it would have decided


@dataclass(frozen=True)
class Prompt:
    """A fixed line, what it asks for, and what is done when it was heard."""

    line: str
    asks: Asked | None = None
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True)
class FollowUp:
    """What holds, and what is done, once the answer is heard."""

    expected: Expected | None = None  # what the caller may answer
    asks: Asked | None = None
    acts: tuple[Act, ...] = ()  # decided and not done yet
