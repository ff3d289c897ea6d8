"""When a call tells what it knows, so that another socket can take it up (F8)."""

from typing import Protocol

from server.audio.frames import FRAMES_PER_S
from server.call.call_record import MADE_UP_FOR, Ended
from server.turns.actions import Action, FeedRecognition, SendAudio, SendClear
from server.turns.events import DigitPressed, Event, FinalTranscript, MarkReturned, ReplyDone, StreamStarted
from server.turns.machine import TurnMachine
from server.turns.memory import CallMemory

AGAIN_FRAMES = 60 * FRAMES_PER_S  # a long silence is remembered too, or it would be forgotten
OF_EACH_FRAME = FeedRecognition | SendAudio | SendClear  # actions that change nothing worth remembering
WORTH_IT = (
    StreamStarted | FinalTranscript | DigitPressed | MarkReturned | ReplyDone
)  # events that do, without any action


class Memories(Protocol):
    """Where they are kept, for all calls of a process. Any thread."""

    def remember(self, call_sid: str, memory: CallMemory) -> None:
        """Returns at once."""
        ...

    def forget(self, call_sid: str) -> None:
        """Returns at once."""
        ...

    def recall(self, call_sid: str) -> CallMemory | None:
        """May block for half a second."""
        ...


class Nowhere:
    """``Memories`` of a socket that nobody would take up."""

    def remember(self, call_sid: str, memory: CallMemory) -> None: ...

    def forget(self, call_sid: str) -> None: ...

    def recall(self, call_sid: str) -> CallMemory | None:
        return None


class Remembering:
    """Of one call; all but ``recall`` and ``over`` with its lock held. Never blocks."""

    def __init__(self, memories: Memories | None = None) -> None:
        self._memories = memories or Nowhere()
        self._news = False
        self._kept_at = 0  # frame clock

    def recall(self, call_sid: str) -> CallMemory:
        """What the call knew at its last socket. May block for half a second."""
        return self._memories.recall(call_sid) or CallMemory()

    def did(self, action: Action) -> None:
        """The machine has decided this."""
        self._news = self._news or not isinstance(action, OF_EACH_FRAME)

    def keep(self, call_sid: str, machine: TurnMachine, event: Event) -> None:
        """All that ``event`` has brought about is done.

        A server that goes says so: what it said of that is not taken up, but what was before it.
        """
        clock = machine.current.clock
        news = self._news or isinstance(event, WORTH_IT) or clock - self._kept_at >= AGAIN_FRAMES
        self._news = False
        if news and not machine.call.closing:
            self._kept_at = clock
            self._memories.remember(call_sid, machine.memory)

    def over(self, call_sid: str, ended: Ended) -> None:
        """The socket is closed; unless that was our failure, so is the call."""
        if ended not in MADE_UP_FOR:
            self._memories.forget(call_sid)
