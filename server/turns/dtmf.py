"""Digits typed on the phone: they are the caller's turn as text (F5)."""

from server.audio.frames import FRAMES_PER_S

PAUSE_FRAMES = 2 * FRAMES_PER_S
REST_FRAMES = FRAMES_PER_S  # a dialler presses nine keys a second, and each answer is a question to the LLM
MAX_DIGITS = 40
END_KEY = "#"


class DtmfCollector:
    """Collects keys until ``#``, a pause of 2 s, or as many digits as the question expects.

    Behind keys that were answered it rests for a second: what is complete by its end is answered together.
    """

    def __init__(self) -> None:
        self._typed = ""
        self._quiet = 0
        self._since_full = PAUSE_FRAMES  # frames since keys were complete by their number
        self._since_answered = REST_FRAMES

    @property
    def typing(self) -> bool:
        return bool(self._typed)

    @property
    def resting(self) -> bool:
        return self._since_answered < REST_FRAMES

    @property
    def counts(self) -> bool:
        """It matters how many frames pass."""
        return self.typing or self.resting or self._since_full < PAUSE_FRAMES

    def answered(self) -> None:
        """A turn has taken what was typed."""
        self._since_answered = 0

    def press(self, key: str, expected_digits: int | None) -> str | None:
        """Take one key; return what was typed when it is complete. ``#`` alone is an answer too."""
        self._quiet = 0
        if key == END_KEY:
            return self.take() or END_KEY
        self._typed += key
        full = len(self._typed) >= MAX_DIGITS or len(self._typed) == expected_digits
        if not full:
            return None
        self._since_full = 0
        return self.take()

    def is_late(self, key: str) -> bool:
        """A ``#`` right after keys that were complete without it: people type it all the same."""
        late = key == END_KEY and not self._typed and self._since_full < PAUSE_FRAMES
        self._since_full = PAUSE_FRAMES
        return late

    def tick(self) -> str | None:
        """One frame has passed; return what was typed when the pause was long enough."""
        self._since_full += 1
        self._since_answered += 1
        if not self._typed:
            return None
        self._quiet += 1
        return self.take() if self._quiet >= PAUSE_FRAMES else None

    def take(self) -> str:
        """What was typed so far, complete or not; empty for nothing."""
        typed, self._typed = self._typed, ""
        return typed
