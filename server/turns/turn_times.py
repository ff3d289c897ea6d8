"""What a turn waits for, in frames of the call's clock: its delay, an unfinished caller, the hint."""


class TurnTimes:
    """What a turn waits for, in frames of the call's clock."""

    def __init__(self, began_at: int, delay_frames: int | None = None, *, hint_due: bool = True) -> None:
        self.began_at = began_at  # the end of the caller's turn
        self._delay = delay_frames  # None until chosen (B4)
        self._ask_at: int | None = None  # the caller had not finished, the LLM found (A7)
        self._asked_again_at = 0
        self._may_be_late_by = 0  # the LLM was asked too often in this call
        self.hint_due = hint_due

    def again(self) -> "TurnTimes":
        """Of another try at the same turn."""
        return TurnTimes(self.began_at, self._delay, hint_due=self.hint_due)

    def user_turn_ended(self, clock: int) -> None:
        self.began_at = clock

    def delay_chosen(self, frames: int) -> None:
        """Of the reply, behind the end of the caller's turn."""
        self._delay = frames

    def delayed(self, clock: int) -> bool:
        """The pause before the reply is over (B4)."""
        return self._delay is not None and clock - self.began_at >= self._delay

    def moments(self, hint_after_frames: int) -> tuple[int, int]:
        """Frame clocks at which the wait for an unfinished caller is over (0: none), or that for the hint."""
        return self._ask_at or 0, max(self.began_at, self._asked_again_at) + hint_after_frames

    # ---- an unfinished caller (A7) ----

    def hold(self, until: int) -> None:
        self._ask_at = until

    def release(self) -> None:
        self._ask_at = None

    @property
    def held(self) -> bool:
        return self._ask_at is not None

    def hold_is_over(self, clock: int) -> bool:
        return self._ask_at is not None and clock >= self._ask_at

    def asked_again(self, clock: int) -> None:
        self._ask_at, self._asked_again_at = None, clock

    # ---- an LLM that is asked late ----

    def may_be_late_by(self, frames: int) -> None:
        self._may_be_late_by = frames

    def more_time(self) -> int:
        """Frames by which the turn's deadline moves, once; 0 for none."""
        more, self._may_be_late_by = self._may_be_late_by, 0
        return more

    # ---- the thinking hint (B5) ----

    def wants_hint(self, clock: int, after_frames: int) -> bool:
        """The answer has been made for ``after_frames`` (0: never)."""
        waited = after_frames > 0 and clock - max(self.began_at, self._asked_again_at) >= after_frames
        return self.hint_due and waited and not self.held

    def hint_given(self) -> None:
        self.hint_due = False
