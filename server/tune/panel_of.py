"""A recorded call as a time line, for the published scores of turn-taking: as it was recorded.

Reckoned at the server: what the caller heard came later by the network and what was buffered.
"""

from itertools import groupby

from server.audio.frames import FRAMES_PER_S
from server.tune.duplex.timeline import Audible, Kind, Sound, TimeLine
from server.tune.figures import Labelled
from server.tune.labels import Kind as Silent
from server.tune.labels import Silence, Sort

SORTS = {Sort.VOICE: Kind.INTERRUPTION, Sort.NOD: Kind.NOD, Sort.NONE: Kind.NOISE}


def time_line(call: Labelled) -> TimeLine:
    """Turns by their silences: what is between two ends, or unsure ones, is one turn."""
    sounds: list[Sound] = []
    turn: list[Silence] = []
    for silence in call.silences:
        if silence.kind is Silent.PAUSE and silence.goes_on is not None:
            sounds.append(Sound(Kind.PAUSE, _s(silence.last_voice + 1), _s(silence.goes_on)))
        turn.append(silence)
        if silence.kind is not Silent.PAUSE:
            sounds.append(Sound(Kind.TURN, _s(turn[0].began), _s(silence.last_voice + 1)))
            turn = []
    turns = [one for one in sounds if one.kind is Kind.TURN]
    for sound in call.sounds:
        kind = SORTS.get(sound.sort)
        began = _s(sound.began)
        if kind is not None and not any(one.start_s <= began < one.end_s for one in turns):
            sounds.append(Sound(kind, began, _s(sound.ended)))
    return TimeLine(tuple(sorted(sounds, key=lambda one: one.start_s)), _agent(call))


def _agent(call: Labelled) -> tuple[Audible, ...]:
    frames = range(len(call.take.frames))
    runs = [(heard, list(run)) for heard, run in groupby(frames, key=call.take.agent_at)]
    spoken = [run for heard, run in runs if heard]
    return tuple(Audible(_s(run[0]), _s(run[-1] + 1), reply) for reply, run in enumerate(spoken))


def _s(frame: int) -> float:
    return frame / FRAMES_PER_S
