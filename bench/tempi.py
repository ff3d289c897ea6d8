"""Callers of three tempi, and their calls as event logs on disk: ``recorded`` makes one.

All three say the same kind of things: first what they want, in two or three sentences; then two to five turns
of one or two. A sentence is said in two halves. Whole calls in simulated time through the real speech model,
the STT's interim transcripts 250 ms behind; written by the server's own writer.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.acoustics.pauses import OPEN, PARTIAL_LAG_S, UNFINISHED
from bench.acoustics.tracks import SPEECH_DBFS, spoken
from bench.duplex.caller import INTERRUPTS, NOISES, Caller, Part, Turn
from bench.duplex.calls import Setting, background, live, place
from bench.duplex.voices import SPEAKERS, Piece, speakers, trimmed
from server.event_log.writer import EventLogs
from server.tune.duplex.timeline import Sound

SENTENCES = (*UNFINISHED, *OPEN[:-1])  # the last one takes its leave
BEGAN = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
OVER = (*NOISES, *NOISES, *[INTERRUPTS] * 4, "כן", *[""] * 3)  # an answer; nothing over three of fourteen
SETTLED_S = 10.0


@dataclass(frozen=True)
class Tempo:
    """``rate``: words a minute. Pauses in ms, from and to: in a sentence (None: no pause), between two."""

    name: str
    rate: int
    inside_ms: tuple[int, int] | None
    between_ms: tuple[int, int]


TEMPI = (
    Tempo("slow", 130, (700, 1100), (700, 1100)),
    Tempo("medium", 160, (250, 600), (300, 700)),
    Tempo("fast", 220, None, (180, 330)),
)


def turns_of(tempo: Tempo, dice: random.Random) -> list[Turn]:
    """Of one call, by one voice."""
    voice = dice.choice(SPEAKERS)
    sentences = dice.sample(SENTENCES, len(SENTENCES))
    turns = []
    for nth in range(dice.randint(3, 6)):
        said = [sentences.pop() for _ in range(dice.randint(2, 3) if nth == 0 else dice.randint(1, 2))]
        parts = tuple(part for n, one in enumerate(said) for part in _parts(tempo, voice, one, n, dice))
        turns.append(Turn(over=dice.choice(OVER), parts=parts))
    return turns


def _parts(tempo: Tempo, voice: str, sentence: str, nth: int, dice: random.Random) -> Sequence[Part]:
    halves = [half.strip() for half in sentence.split("|")]
    before = dice.randint(*tempo.between_ms) if nth else 0
    if tempo.inside_ms is None:
        return [Part(_piece(tempo, voice, " ".join(halves)), " ".join(halves), before)]
    inside = dice.randint(*tempo.inside_ms)
    pairs = zip(halves, (before, inside), strict=True)
    return [Part(_piece(tempo, voice, half), half, pause_ms) for half, pause_ms in pairs]


def _piece(tempo: Tempo, voice: str, words: str) -> Piece:
    return trimmed(spoken(words, voice, SPEECH_DBFS, tempo.rate))


@dataclass(frozen=True)
class Recorded:
    """``sounds``: what the caller said and what else was heard of their side, and when."""

    path: Path
    sounds: Sequence[Sound]


def recorded(tempo: Tempo, number: int, folder: Path, mode: str) -> Recorded:
    """One call, its log below ``folder``. ``mode``: of EVENT_LOG."""
    seed = f"{tempo.name} {number}"
    dice = random.Random(seed)
    turns = turns_of(tempo, dice)
    track = background("quiet")
    caller = Caller(track, dice.choice(speakers(None)), turns, dice)
    below = folder / tempo.name / f"{number:02}"
    knobs = {"event_log": mode, "event_log_dir": str(below)}
    call = place(caller, track, Setting(knobs, interims_s=PARTIAL_LAG_S), seed)
    logs = EventLogs(call.config, call.runtime.clock, lambda: BEGAN + timedelta(seconds=call.runtime.now))
    call.host["observers"] = [logs.observer()]
    live(call, caller, seed)
    assert logs.settle(SETTLED_S), "the log is not on the disk"
    (path,) = below.glob("*/*.events")
    return Recorded(path, caller.sounds)
