"""Simulated callers of three tempi, and the calls they make, as ``server.tune`` is given recorded ones."""

import random
from dataclasses import dataclass
from typing import Any

from server.tune.tape import Take, take_of
from tests.simtime.call import SimCall
from tests.simtime.line import Sound

FIRST_S, EVERY_S = 2.5, 11.0
REPLY = "בסדר גמור, אני רושמת את זה ובודקת."
PARTS = (
    "אני מחפש דירה בתל אביב",
    "קרוב לים ולא בקומה ראשונה",
    "עם מרפסת וחניה ומעלית",
    "המחיר עד שלושה מיליון שקל",
    "ראיתי אחת ברחוב דיזנגוף השבוע",
    "אנחנו ארבע נפשות וכלב קטן",
)


@dataclass(frozen=True)
class Tempo:
    """How a caller speaks: seconds of each stretch, and of the pauses between them."""

    stretches: tuple[int, int]
    stretch_s: tuple[float, float]
    pause_s: tuple[float, float]


SLOW = Tempo((2, 3), (0.8, 1.6), (0.7, 1.1))
MEDIUM = Tempo((2, 3), (1.0, 2.0), (0.3, 0.6))
FAST = Tempo((1, 1), (1.0, 3.0), (0.1, 0.1))
BREATHLESS = Tempo((5, 5), (1.6, 2.0), (0.2, 0.3))  # fast, and long: past MAX_UTT_SEC in one go


def sounds(tempo: Tempo, turns: int, dice: random.Random) -> list[Sound]:
    """A turn every EVERY_S, or as soon as the caller has done."""
    out: list[Sound] = []
    for turn in range(turns):
        at_s = max(FIRST_S + turn * EVERY_S, out[-1].until_s + 6 if out else 0)
        for part in range(dice.randint(*tempo.stretches)):
            for_s = dice.uniform(*tempo.stretch_s)
            out.append(Sound(at_s, for_s, words=PARTS[part % len(PARTS)]))
            at_s += for_s + dice.uniform(*tempo.pause_s)
    return out


@dataclass(frozen=True)
class Recording:
    """A ``RecordedCall``."""

    name: str
    knobs: dict[str, object]
    params: Any
    events: Any
    audio: bool = False


def recorded(call: SimCall, name: str) -> Recording:
    return Recording(name, call.config.model_dump(), call.machine.parts.params, call.events)


def call_of(the_sounds: list[Sound], name: str = "call", seconds: float = 60, **given: Any) -> Recording:
    """Run one call of this caller."""
    knobs = {"resp_max_delay_ms": 360, "speculative_turns": True, **given.pop("knobs", {})}
    given = {"reply": REPLY, "asr_s": 0.2, "llm_s": 0.35, "tts_s": 0.15, "partials_lag_s": 0.25} | given
    call = SimCall(the_sounds, by_sound=True, knobs=knobs, **given).run(seconds)
    return recorded(call, name)


def take_from(tempo: Tempo, seed: int, turns: int = 4, **given: Any) -> Take:
    dice = random.Random(f"{tempo} {seed}")
    spoken = sounds(tempo, turns, dice)
    return take_of(call_of(spoken, f"call {seed}", spoken[-1].until_s + 5, **given))
