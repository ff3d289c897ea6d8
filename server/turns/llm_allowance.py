"""How often the LLM may be asked in one call: it costs money, and a caller with keys can ask all day long.

A token bucket in frames. A caller who talks never meets it; see ``EVERY_FRAMES``.
"""

from server.audio.frames import FRAMES_PER_S
from server.turns.actions import GenerateReply

AT_ONCE = 20
EVERY_FRAMES = 2 * FRAMES_PER_S  # one more; to speak, be answered and speak again takes four seconds
KEPT_FOR_TURNS = 5  # below that none is spent on guesses (B3)


class Allowance:
    """Not thread-safe. Every question to the LLM goes through ``pass_on``, whatever brought it about."""

    def __init__(self) -> None:
        self._left = float(AT_ONCE)
        self._at = 0  # frame clock
        self._waiting: GenerateReply | None = None

    def may_guess(self, clock: int) -> bool:
        """Whether there is so much left that some may be spent on what may not be wanted."""
        self._refill(clock)
        return self._left >= KEPT_FOR_TURNS + 1

    def pass_on(self, question: GenerateReply, clock: int) -> bool:
        """True when it may be asked now; else it is kept, in the place of the last one that was."""
        self._refill(clock)
        if self._left < 1:
            self._waiting = question
            return False
        self._left -= 1
        self._waiting = None
        return True

    @property
    def owes(self) -> bool:
        """A question is kept."""
        return self._waiting is not None

    def due(self, turn_id: int, clock: int) -> GenerateReply | None:
        """The question that was kept, once it may be asked; it is forgotten with its turn."""
        waiting = self._waiting
        if waiting is None:
            return None
        if waiting.turn_id != turn_id:
            self._waiting = None
            return None
        return waiting if self.pass_on(waiting, clock) else None

    def _refill(self, clock: int) -> None:
        self._left = min(AT_ONCE, self._left + (clock - self._at) / EVERY_FRAMES)
        self._at = clock
