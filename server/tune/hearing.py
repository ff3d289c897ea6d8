"""The hearing of a recorded call under other settings: when utterances end, and what stops the agent.

What cannot be taken from the record stays as it was, but for one thing. Where a voice stopped the agent then
and these settings have not noticed it yet, the agent would still be speaking: its voice goes on, for two
seconds at most, until they have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.audio.endpointing import OnsetThreshold
from server.audio.frames import FRAMES_PER_S, FrameHeard
from server.audio.segmenter import Confirmed, Ended, Heard, Onset, Segmenter
from server.audio.silero import SpeechModel
from server.tune.knobs import Knobs
from server.tune.tape import Change, Take, give

NOTICED_WITHIN = 2 * FRAMES_PER_S


@dataclass(frozen=True, slots=True)
class Hearing:
    """All that changed, and of it: frames in which an utterance ended, and in which the agent stopped."""

    changes: tuple[Change, ...]
    stops: tuple[int, ...]

    @property
    def ends(self) -> list[int]:
        return [frame for frame, heard in self.changes if isinstance(heard, Ended)]


class NeedsAudio(Exception):
    """The speech model did not run in this call, and its audio was not recorded."""


def frames_under(take: Take, knobs: Knobs) -> Sequence[FrameHeard]:
    """As the speech model of these settings would have judged them.

    Without audio what it said then stands: with another VAD_RMS it would have slept in other silences, which
    changes little. Raises NeedsAudio.
    """
    if knobs.vad_engine == "energy":
        return [FrameHeard(b"", one.rms, None) for one in take.frames]
    same = take.knobs.vad_engine == "silero" and take.knobs.vad_rms == knobs.vad_rms
    if take.audio and not same:
        model = SpeechModel(knobs.vad_rms)
        pairs = zip(take.audio, take.frames, strict=True)
        return [FrameHeard(b"", one.rms, model.feed(audio, one.rms)) for audio, one in pairs]
    if take.knobs.vad_engine == "energy":
        raise NeedsAudio(f"{take.name}: the speech model did not run in it, and it has no audio")
    return take.frames


class _Agent:
    """When the agent is heard."""

    def __init__(self, take: Take) -> None:
        self._recorded = take.thresholds
        self._stops = frozenset(take.stops)
        self._goes_on_until = -1
        self._stopped = False  # by these settings, in the present playout
        self.stops: list[int] = []

    def threshold(self, frame: int) -> OnsetThreshold:
        now = self._recorded[frame]
        if frame - 1 in self._stops and not self._stopped:
            self._goes_on_until = frame + NOTICED_WITHIN
        begins = frame and self._recorded[frame - 1] is not OnsetThreshold.DURING_PLAYOUT
        if now is OnsetThreshold.DURING_PLAYOUT and begins:
            self._stopped, self._goes_on_until = False, -1
        return OnsetThreshold.DURING_PLAYOUT if frame <= self._goes_on_until else now

    def stop(self, frame: int) -> None:
        self._stopped, self._goes_on_until = True, -1
        self.stops.append(frame)


def hear(take: Take, knobs: Knobs, frames: Sequence[FrameHeard] | None = None) -> Hearing:
    """``frames``: those of ``frames_under``, where they are known already. 20 µs a frame."""
    params = knobs.params()
    segmenter = Segmenter(params.endpointing, knobs.vad())
    agent, changes = _Agent(take), list[Change]()
    for number, frame in enumerate(frames_under(take, knobs) if frames is None else frames):
        threshold = agent.threshold(number)
        heard = segmenter.feed(frame, threshold)
        if threshold is OnsetThreshold.DURING_PLAYOUT and params.barge_in:
            if any(_stops(one, early=params.early_stop) for one in heard):
                agent.stop(number)
        changes += [(number, one) for one in heard]
        for command in take.commands.get(number, ()):
            changes += [(number, one) for one in give(segmenter, command)]
    return Hearing(tuple(changes), tuple(agent.stops))


def _stops(heard: Heard, *, early: bool) -> bool:
    return isinstance(heard, Onset) if early else isinstance(heard, Confirmed) and heard.may_interrupt


class Frames:
    """The frames of calls under settings: the speech model runs once for each of its settings."""

    def __init__(self, takes: Sequence[Take]) -> None:
        self._takes = takes
        self._known: dict[tuple[str, int], list[Sequence[FrameHeard]]] = {}

    def under(self, knobs: Knobs) -> Iterator[tuple[Take, Sequence[FrameHeard]]]:
        """Of each call. Raises NeedsAudio."""
        key = knobs.vad_engine, knobs.vad_rms
        if key not in self._known:
            self._known[key] = [frames_under(take, knobs) for take in self._takes]
        yield from zip(self._takes, self._known[key], strict=True)
