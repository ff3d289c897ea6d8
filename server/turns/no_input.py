"""The life of a call: how long a caller may say nothing (F1), and how long a call may last (F4)."""

from enum import Enum

from server.audio.frames import FRAMES_PER_S

PATIENCE_FRAMES = 5 * FRAMES_PER_S  # for who speaks when the server must go; then our last line is said
GRACE_FRAMES = 60 * FRAMES_PER_S  # for a reply, or a caller, to come to an end, and for the goodbye


class Silence:
    """Counts how long the agent has waited for the caller."""

    def __init__(self, after_frames: int) -> None:
        """``after_frames`` 0: no silence is too long."""
        self._after = after_frames
        self._hold = 0  # frames: they have asked to wait (F7)
        self._waited = 0
        self._delayed = False
        self.prompts = 0  # said since the caller was heard last

    def tick(self, *, waiting: bool, sound: bool) -> bool:
        """One frame has passed; True when something is to be said about it.

        ``waiting``: nobody speaks and nothing is owed. ``sound``: what is heard may be a voice: the first
        one of a wait begins it anew, and nothing is said over any.
        """
        if not waiting:
            self._waited, self._delayed = 0, False
            return False
        self._waited += 1
        if sound and not self._delayed:
            self._waited, self._delayed = 0, True
        too_long = bool(self._after) and self._waited >= max(self._after, self._hold) and not sound
        self._hold = 0 if too_long else self._hold
        return too_long

    def caller_heard(self) -> None:
        """They are there."""
        self.prompts = self._hold = 0

    @property
    def patience_frames(self) -> int:
        """How long nothing is said to a caller who says nothing; 0: for ever, or not at all."""
        return max(self._after, self._hold) if self._after else self._hold

    def hold(self, frames: int) -> None:
        """They have asked to wait, or we have said that we do: nothing is too long before that (F7)."""
        self._hold = frames


class Limit(Enum):
    """How far past its limit a call is."""

    WITHIN = "within"
    REACHED = "reached"  # whatever is said next is the goodbye
    OVER = "over"  # it had no chance to be said


def limit_of(clock: int, call_frames: int) -> Limit:
    """``clock``: frames heard. ``call_frames``: the limit; 0 is none."""
    if not call_frames or clock < call_frames:
        return Limit.WITHIN
    return Limit.REACHED if clock < call_frames + GRACE_FRAMES else Limit.OVER


def out_of_patience(clock: int, closing_at: int | None) -> bool:
    """The server will be gone, and has waited for a pause for as long as it can."""
    return closing_at is not None and clock - closing_at >= PATIENCE_FRAMES
