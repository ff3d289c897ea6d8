"""What follows on an attempt to deliver a lead: it has arrived, it is tried again, or it is parked. Pure.

waiting --(arrives)--> sent
waiting --(fails, or is refused for the first times)--> waiting, later
waiting --(refused too often, or too old)--> parked --(./start_all.sh leads --retry)--> waiting
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

FIRST_S, LONGEST_S = 10.0, 3600.0  # between attempts
LEAST_S = 5.0
REFUSED_AGAIN_S = (600.0, 1800.0)  # a CRM may be set up wrongly for a moment; then a lead is parked
REST_FIRST_S, REST_LONGEST_S = 10.0, 300.0  # of a channel on which nothing arrives
DOUBLINGS = 20  # beyond them the longest is reached

Dice = Callable[[float, float], float]


@dataclass(frozen=True)
class Arrived:
    """``remark``: what is odd all the same, for the log."""

    remark: str = ""


@dataclass(frozen=True)
class Failed:
    """Nobody has taken it, and somebody may later. ``after_s``: they say when."""

    why: str
    after_s: float | None = None


@dataclass(frozen=True)
class Refused:
    """They do not want it as it is."""

    why: str


Answer = Arrived | Failed | Refused


@dataclass(frozen=True)
class History:
    """Of a delivery, this attempt included. ``age``: since the lead was whole, or was told to try again."""

    attempts: int
    refusals: int
    age: timedelta


def pause_s(answer: Failed | Refused, history: History, keep_trying: timedelta, dice: Dice) -> float | None:
    """Seconds to the next attempt; None: the lead is parked. ``dice(low, high)`` draws between the two."""
    if history.age >= keep_trying:
        return None
    if isinstance(answer, Refused):
        tries = len(REFUSED_AGAIN_S)
        return REFUSED_AGAIN_S[history.refusals - 1] if history.refusals <= tries else None
    drawn = max(LEAST_S, dice(0.0, min(LONGEST_S, FIRST_S * 2 ** min(history.attempts - 1, DOUBLINGS))))
    return max(drawn, min(answer.after_s or 0.0, LONGEST_S))


def rest_s(failures: int, dice: Dice) -> float:
    """How long a channel is left alone, all leads of it, after so many failures in a row; 0: none."""
    if not failures:
        return 0.0
    longest = min(REST_LONGEST_S, REST_FIRST_S * 2 ** min(failures - 1, DOUBLINGS))
    return dice(longest / 2, longest)
