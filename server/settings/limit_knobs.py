"""The knobs of how many calls are taken; a part of ``server.config.Config``."""

from pydantic_settings import BaseSettings

from server.knobs import knob
from server.settings.knob_types import E164, CallerNumbers, MaybeWholeNumber


class LimitKnobs(BaseSettings):
    max_calls: MaybeWholeNumber = knob(
        None,
        "Calls at once on this host; more hear a busy line. Empty: as many as it carries; 0: any number.",
        0,
        10000,
    )
    load_threshold: float = knob(
        0.85,
        "Load of a worker above which no new call is taken, MAX_CALLS or not; 1: never too much.",
        0.3,
        1,
    )
    overflow_number: E164 = knob("", "Where callers beyond that are put through to, +972…; empty: busy.")
    calls_per_caller_min: int = knob(6, "New calls a minute from one number; 0: no limit.", 0, 1000)
    calls_per_caller_at_once: int = knob(2, "Calls at once from one number; 0: no limit.", 0, 1000)
    callers_let_off: CallerNumbers = knob(
        (), "Numbers in no limit of one caller, +97231234567: an office's own."
    )
    hidden_calls_per_min: int = knob(30, "New calls a minute from all hidden numbers; 0: no limit.", 0, 10000)
    hidden_calls_percent: int = knob(
        50, "Of MAX_CALLS, or of what the host carries, at once: from all hidden numbers.", 1, 100
    )
    calls_per_sec: int = knob(10, "New calls a second from all; 0: no limit.", 0, 1000)

    @property
    def most_calls(self) -> int:
        """MAX_CALLS as a number; 0: any number."""
        return self.max_calls or 0
