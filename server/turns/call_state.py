"""What is known of one call, in parts that each write themselves."""

from collections.abc import Iterable

from server.hebrew.understand.number_runs import tells_a_telephone
from server.turns.actions import Action, ApplyEffect, GenerateReply
from server.turns.dedup import ReplyDedup
from server.turns.echo import Echo
from server.turns.effects import Act, PhoneCall, SaveLead, Speaker
from server.turns.events import StreamStarted
from server.turns.expected_input import ExpectedInput
from server.turns.history import CallHistory
from server.turns.memory import CallMemory
from server.turns.prompts import Lines, to_caller


class Leads:
    """What was kept for the office in this call."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], SaveLead] = {}  # names of details → the last ones kept

    @property
    def message(self) -> str:
        """The message left so far."""
        kept = self._kept.get(("message",))
        return kept.details[0][1] if kept is not None else ""

    @property
    def memory(self) -> tuple[SaveLead, ...]:
        return tuple(self._kept.values())

    def restore(self, kept: tuple[SaveLead, ...]) -> None:
        """They were kept before this socket (F8)."""
        for lead in kept:
            self.first_time(lead)

    def with_message(self, text: str) -> SaveLead:
        """What was left so far, and ``text``."""
        return SaveLead((("message", f"{self.message} {text}".strip()),))

    def first_time(self, act: Act) -> bool:
        """Note an effect that is about to be applied; False for a lead that was kept just so last time."""
        if not isinstance(act, SaveLead):
            return True
        names = tuple(name for name, _ in act.details)
        known, self._kept[names] = self._kept.get(names), act
        return act != known

    def apply(self, acts: Iterable[Act]) -> list[Action]:
        """What is to be done now. An LLM knows only what was heard, and may decide the same twice."""
        return [ApplyEffect(act) for act in acts if self.first_time(act)]


class CallState:
    """One a call. ``prompts``: the fixed lines, as this agent says them."""

    def __init__(self, history_turns: int, dedup_frames: int, prompts: Lines) -> None:
        self.prompts = prompts
        self.history = CallHistory(history_turns)
        self.echo = Echo(dedup_frames)
        self.dedup = ReplyDedup(dedup_frames)
        self.input = ExpectedInput()
        self.leads = Leads()
        self.phone = PhoneCall()
        self.takes_messages = False  # an LLM listens
        self.person = False  # there is one to hand the caller over to (F3)
        self.closing_at: int | None = None  # frame clock: the server will be gone soon (F4)

    def started(self, event: StreamStarted) -> None:
        self.input.expect(event.expected)
        self.phone, self.takes_messages = event.call, event.takes_messages

    def restore(self, memory: CallMemory) -> None:
        """F8: what is known since another socket; what is said next answers what was heard there last."""
        self.history.restore(memory.history)
        self.input.restore(memory.input)
        self.leads.restore(memory.leads)
        said = (line.text for line in reversed(memory.history.lines) if line.speaker is Speaker.AGENT)
        self.echo.spoke(memory.frames, next(said, ""))

    def person_available(self, available: bool) -> None:
        self.person = available

    def close(self, clock: int) -> None:
        """The server will be gone soon: whatever is said next is the last of it."""
        self.closing_at = clock

    @property
    def closing(self) -> bool:
        return self.closing_at is not None

    def question(
        self,
        turn_id: int,
        text: str,
        *,
        may_wait: bool = False,
        may_listen: bool = False,
        gone: bool = False,
    ) -> GenerateReply:
        """The LLM is to answer ``text``; once the caller is ``gone``, to keep what is worth it."""
        return GenerateReply(
            turn_id,
            text,
            self.history.lines,
            self.history.committed_turns + 1,
            may_wait=may_wait,
            may_listen=may_listen,
            caller=self.history.caller_with(text),
            person=self.person,
            gone=gone,
        )

    def worded(self, line: str, text: str = "") -> str:
        """A prompt as this agent says it to this caller, who has just said ``text``."""
        return to_caller(line, self.history.caller_with(text))

    def can_be_called(self, message: str = "") -> bool:
        """There is a number to call back: the caller's own, or one in what they have left."""
        return bool(self.phone.number) or tells_a_telephone(f"{self.leads.message} {message}")
