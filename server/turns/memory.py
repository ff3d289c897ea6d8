"""What a call remembers, so that another socket can take it up when ours has failed (F8); and its JSON."""

from dataclasses import dataclass, field, replace
from enum import Enum

import msgspec

from server.turns.effects import Act, EndCall, Expected, SaveLead, Transfer
from server.turns.expected_input import InputMemory
from server.turns.history import HistoryMemory

MAX_BYTES = 8192  # of the JSON: it goes to a store several times a turn
VERSION = 1


class Parting(Enum):
    """What was due behind the words that were being said."""

    END_CALL = "end"
    TRANSFER = "transfer"

    @classmethod
    def among(cls, acts: tuple[Act, ...]) -> "Parting | None":
        """The first of ``acts`` that ends a call; None: none does."""
        named = {EndCall: cls.END_CALL, Transfer: cls.TRANSFER}
        return next((named[type(act)] for act in acts if type(act) in named), None)

    @property
    def act(self) -> Act:
        return EndCall() if self is Parting.END_CALL else Transfer()


@dataclass(frozen=True)
class CallMemory:
    """Of a call that goes on, at one moment.

    ``leads``: those kept, the last of each kind. ``owed``: words of the caller that are not answered.
    ``saying``: sentences that the caller was hearing, or was about to, with ``parting`` behind them.
    ``frames``: heard so far, of 20 ms. ``prompts``: idle prompts since the caller was heard last;
    ``hold_frames``: how long they have asked to be left alone (F7).
    """

    history: HistoryMemory = field(default_factory=HistoryMemory)
    input: InputMemory = field(default_factory=InputMemory)
    leads: tuple[SaveLead, ...] = ()
    owed: str = ""
    saying: tuple[str, ...] = ()
    parting: Parting | None = None
    frames: int = 0
    prompts: int = 0
    hold_frames: int = 0
    version: int = VERSION


def to_json(memory: CallMemory) -> str:
    """At most MAX_BYTES of UTF-8: the oldest lines go first. Raises ValueError for what is no text."""
    written = msgspec.json.encode(memory)
    while len(written) > MAX_BYTES:
        memory = _smaller(memory)
        written = msgspec.json.encode(memory)
    return written.decode()


def from_json(text: str) -> CallMemory | None:
    """None for what is no memory, or another version's, while one is rolled out."""
    try:
        memory = msgspec.json.decode(text, type=CallMemory)
    except (msgspec.DecodeError, ValueError):
        return None
    return memory if memory.version == VERSION else None


def _smaller(memory: CallMemory) -> CallMemory:
    """Without what is missed least."""
    history = memory.history
    if history.lines:
        return replace(memory, history=replace(history, lines=history.lines[1:]))
    if history.unjudged:
        return replace(memory, history=replace(history, unjudged=history.unjudged[1:]))
    if memory.input.expected.phrases:
        return replace(memory, input=replace(memory.input, expected=Expected()))
    if memory.leads:
        return replace(memory, leads=memory.leads[1:])
    if memory.owed:
        return replace(memory, owed=memory.owed[: len(memory.owed) // 2])
    return replace(memory, saying=memory.saying[:-1])
