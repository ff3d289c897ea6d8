"""What came of asking one provider once, for those who count and trace it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CameOfIt = Literal["worked", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Asked:
    """``kind``: "asr", "llm" or "tts". Seconds of the chain's clock.

    ``awaited_s``: since then somebody waits for its answer: an STT's is not due before the utterance is over.
    ``first_s``: when the first of its answer came: a token, some audio, the transcript; None: nothing did.
    ``came_of_it``: cancelled: nobody wanted it any more.
    """

    kind: str
    provider: str
    came_of_it: CameOfIt
    began_s: float
    awaited_s: float
    first_s: float | None
    ended_s: float

    @property
    def answered_in_s(self) -> float | None:
        """How long it was waited for; None: nothing came."""
        return None if self.first_s is None else max(0.0, self.first_s - self.awaited_s)


Told = Callable[[Asked], None]


def nobody(asked: Asked) -> None:
    """Nobody counts."""
