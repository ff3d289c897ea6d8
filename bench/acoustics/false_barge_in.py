"""Sounds that are not the caller, over the agent's speech: ``python -m bench.acoustics.false_barge_in``.

Whole calls in simulated time through the real speech model. Half of the sounds come over the greeting, where
nothing is known of the caller yet, half over the reply to a first line, where A5 knows the caller's level.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from itertools import product

from bench.acoustics.events import KINDS, event
from bench.acoustics.study import REPLY, call_on
from bench.acoustics.tracks import LINES, SPEECH_DBFS, Track, spoken
from bench.options import options
from tests.simtime.call import SimCall

FAR_LEVELS_DB = (-12, -16, -20)  # mean level against the caller's
BURST_LEVELS_DB = (6, 0, -6)  # loudest 20 ms against the caller's mean
NOISES_DB = {"car": -10, "white": -10, "babble": -20}  # against the caller
PLACES = ("greeting", "reply")
STARTS_S = {"greeting": 0.8, "reply": 4.3}  # of our speech, which lasts for five seconds
CALL_S = 13.0
WITHIN_MS = 1200


class Outcome(Enum):
    NOT_STOPPED = "not stopped"
    WENT_ON = "went on in time"
    LATE = "late"
    INTERRUPTED = "interrupted"


WRONG = (Outcome.LATE, Outcome.INTERRUPTED)


@dataclass(frozen=True)
class Fate:
    """What a sound did. ``resumed_ms``: from each ``clear`` to the agent's next frame."""

    outcome: Outcome
    resumed_ms: tuple[int, ...]


def levels_of(kind: str) -> tuple[int, ...]:
    return FAR_LEVELS_DB if kind == "far voice" else BURST_LEVELS_DB


def background(name: str | None) -> Track:
    """The line's noise alone."""
    track = Track(CALL_S)
    if name == "babble":
        return track.babble(SPEECH_DBFS + NOISES_DB[name])
    return track if name is None else track.noise(name, SPEECH_DBFS + NOISES_DB[name])


def fate_of(kind: str, seed: int, level_db: int, noise: str | None, place: str) -> Fate:
    """One call, one sound over our speech."""
    track = background(noise)
    if place == "reply":
        track.put(1.0, spoken(LINES[0]))
    at_s = STARTS_S[place] + 0.5 + 0.29 * seed
    track.put(at_s, event(kind, seed, SPEECH_DBFS + level_db))
    call = call_on(track, CALL_S, knobs={"ai_greeting_he": REPLY if place == "greeting" else ""})
    return judged(call, at_s)


def judged(call: SimCall, from_s: float) -> Fate:
    """What became of our speech after ``from_s``."""
    if call.lines("BARGE_IN: interrupt"):
        return Fate(Outcome.INTERRUPTED, ())
    frames = call.sent("media")
    resumed = [
        round((min((at for at in frames if at > clear), default=CALL_S) - clear) * 1000)
        for clear in call.sent("clear")
        if clear > from_s
    ]
    if not resumed:
        return Fate(Outcome.NOT_STOPPED, ())
    return Fate(Outcome.WENT_ON if max(resumed) <= WITHIN_MS else Outcome.LATE, tuple(resumed))


def cell(kind: str, level_db: int, noise: str | None, tries: int = 20) -> dict[str, list[Fate]]:
    """``tries`` sounds, by the place that they came over."""
    half = range(tries // 2)
    return {place: [fate_of(kind, seed, level_db, noise, place) for seed in half] for place in PLACES}


def percentile(values: list[int], share: float) -> int:
    """0 of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0


def row(fates: dict[str, list[Fate]]) -> str:
    """Counts, resume times, and where the wrong ones were."""
    every = [fate for place in PLACES for fate in fates[place]]
    counts = {outcome: sum(fate.outcome is outcome for fate in every) for outcome in Outcome}
    resumed = [ms for fate in every for ms in fate.resumed_ms]
    wrong = [sum(fate.outcome in WRONG for fate in fates[p]) for p in PLACES]
    numbers = "".join(f"{counts[outcome]:12}" for outcome in Outcome)
    return (
        f"{numbers}  {percentile(resumed, 0.5):5} {percentile(resumed, 0.99):5}   {wrong[0]:2} + {wrong[1]:2}"
    )


def main() -> int:
    print("Sounds over our speech, 20 a row (10 over the greeting, 10 over a reply); generated audio only.")
    print("Level against the caller: loudest 20 ms, of the far voice the mean. Wrong: late or interrupted.\n")
    print(f"{'':32}not stopped     went on        late interrupted   p50   p99   wrong (greeting + reply)")
    wrong: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    for noise, kind in product(NOISES_DB, KINDS):
        for level_db in levels_of(kind):
            fates = cell(kind, level_db, noise)
            print(f"{f'{kind}, {level_db:+d} dB, {noise}':30} {row(fates)}", flush=True)
            every = [fate for some in fates.values() for fate in some]
            wrong[noise, kind] += sum(fate.outcome in WRONG for fate in every)
            total[noise, kind] += len(every)
    print("\nwrong, by the noise on the line:")
    for noise in NOISES_DB:
        counts = ", ".join(f"{kind} {wrong[noise, kind]} of {total[noise, kind]}" for kind in KINDS)
        print(f"  {noise:8} {counts}")
    return 0


if __name__ == "__main__":
    options(__doc__).parse_args()
    sys.exit(main())
