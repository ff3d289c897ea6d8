"""What the caller is expected to answer, and how often in a row there was no understanding."""

from dataclasses import dataclass
from enum import Enum

from server.turns.effects import Expected


class Asked(Enum):
    """What a prompt has asked for. Where no LLM listens, or none can, the answer is a prompt too."""

    PERSON = "hand over to a person?"
    CALL_BACK = "may a person call back?"
    MESSAGE = "leave a message"
    MORE = "is there more?"
    KEYS = "type a number: nothing can be heard"


@dataclass(frozen=True)
class InputMemory:
    """What is expected, and what has failed, of a call that another socket takes up (F8)."""

    expected: Expected = Expected()
    asked: Asked | None = None
    asked_a_question: bool = False
    unclear_in_a_row: int = 0
    deaf_in_a_row: int = 0
    failed_in_a_row: int = 0


class ExpectedInput:
    """Set by what was heard of the agent last."""

    def __init__(self) -> None:
        self.expected = Expected()  # what the caller may answer now
        self.asked: Asked | None = None  # by the last prompt that was heard
        self.asked_a_question = False  # the last sentence that was heard, or was being heard
        self.unclear_in_a_row = 0
        self.deaf_in_a_row = 0  # turns that the STT has failed to hear
        self.failed_in_a_row = 0  # turns without an answer from the LLM

    @property
    def memory(self) -> InputMemory:
        return InputMemory(
            self.expected,
            self.asked,
            self.asked_a_question,
            self.unclear_in_a_row,
            self.deaf_in_a_row,
            self.failed_in_a_row,
        )

    def restore(self, memory: InputMemory) -> None:
        """What this call's last socket knew."""
        self.expected, self.asked = memory.expected, memory.asked
        self.asked_a_question = memory.asked_a_question
        self.unclear_in_a_row = memory.unclear_in_a_row
        self.deaf_in_a_row = memory.deaf_in_a_row
        self.failed_in_a_row = memory.failed_in_a_row

    def expect(self, expected: Expected | None) -> None:
        """A reply that says nothing of it leaves what was expected before."""
        self.expected = expected or self.expected

    def ask(self, asked: Asked | None) -> None:
        """The answer being heard asks for this."""
        self.asked = asked

    def agent_stopped(self, *, at_a_question: bool) -> None:
        """Playout has ended."""
        self.asked_a_question = at_a_question

    # ---- in a row ----

    def unclear(self) -> None:
        self.unclear_in_a_row += 1

    def clear(self) -> None:
        """The caller's words were understood."""
        self.unclear_in_a_row = 0

    def not_heard(self) -> None:
        self.deaf_in_a_row += 1

    def heard(self) -> None:
        """The STT works."""
        self.deaf_in_a_row = 0

    def llm_failed(self) -> None:
        self.failed_in_a_row += 1

    def llm_answered(self) -> None:
        self.failed_in_a_row = 0
