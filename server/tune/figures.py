"""What one setting comes to on recorded calls: both risks of the end of turn, and both of the barge-in.

* cut off: a pause in which the utterance would have ended; of all real pauses from 200 ms on.
* delay: frames from the last voice of a real end to the end of the utterance.
* gap: to the first frame of the answer. It is not known: providers would have been asked at other times. It
  is reckoned from what they took then, ``elsewhere`` says how often, and a gap of the same settings is exact.
* lost: real ends that these settings do not hear within five seconds, or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from server.audio.frames import FRAME_MS, FRAMES_PER_S, FrameHeard
from server.tune.hearing import NOTICED_WITHIN, Hearing, hear
from server.tune.knobs import Knobs
from server.tune.labels import AROUND, Kind, Silence, Sort, over_the_agent, silences
from server.tune.labels import Utterance as Sound
from server.tune.tape import Take

LATEST_END = 5 * FRAMES_PER_S


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one call under one setting, or of several together. Times in frames.

    ``noticed``: from an interruption's first frame until the agent stops; ``missed``: not within two seconds.
    ``stops``: of sounds that were no voice, those that stopped it; ``nod_stops`` likewise. ``others``: stops
    by what the record has no opinion of.
    """

    pauses: int = 0
    cut: int = 0
    delays: tuple[int, ...] = ()
    gaps: tuple[int, ...] = ()
    elsewhere: int = 0
    lost: int = 0
    unsure: int = 0
    noticed: tuple[int, ...] = ()
    missed: int = 0
    noises: int = 0
    stops: int = 0
    nods: int = 0
    nod_stops: int = 0
    others: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def ends(self) -> int:
        return len(self.delays) + self.lost

    @property
    def interruptions(self) -> int:
        return len(self.noticed) + self.missed

    @property
    def cut_share(self) -> float | None:
        """None of no pauses."""
        return self.cut / self.pauses if self.pauses else None

    @property
    def delay_ms(self) -> float | None:
        """The mean, as eot-bench has it."""
        return mean_ms(self.delays)

    @property
    def gap_ms(self) -> float | None:
        return mean_ms(self.gaps)

    @property
    def stop_share(self) -> float | None:
        """None of no sounds."""
        return self.stops / self.noises if self.noises else None

    @property
    def noticed_ms(self) -> float | None:
        """The mean, one that is missed as two seconds."""
        return mean_ms((*self.noticed, *[NOTICED_WITHIN] * self.missed))


def mean_ms(frames: Sequence[int]) -> float | None:
    return sum(frames) * FRAME_MS / len(frames) if frames else None


def at_share_ms(frames: Sequence[int], share: float) -> int | None:
    """The time that so much of them is not above; None of none."""
    ranked = sorted(frames)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] * FRAME_MS if ranked else None


class Labelled:
    """A call with what its silences and sounds were, for any number of settings."""

    def __init__(self, take: Take) -> None:
        self.take = take
        self.silences = silences(take)
        self.sounds = list(over_the_agent(take))

    def figures(self, knobs: Knobs, frames: Sequence[FrameHeard]) -> Figures:
        """Under a setting; ``frames``: as its speech model judges them."""
        hearing = hear(self.take, knobs, frames)
        total = sum(
            (_of_silence(self.take, knobs, hearing.ends, one) for one in self.silences), start=Figures()
        )
        return total + _of_sounds(self.sounds, hearing) + _other_stops(self.sounds, hearing)


def _of_silence(take: Take, knobs: Knobs, ends: Sequence[int], silence: Silence) -> Figures:
    if silence.kind is Kind.UNSURE:
        return Figures(unsure=1)
    latest = silence.last_voice + LATEST_END
    until = latest if silence.goes_on is None else min(silence.goes_on - 1, latest)
    ended = next((end for end in ends if silence.last_voice < end <= until), None)
    if silence.kind is Kind.PAUSE:
        return Figures(pauses=1, cut=int(ended is not None))
    if ended is None:
        return Figures(lost=1)
    delay = ended - silence.last_voice
    if silence.answer is None:
        return Figures(delays=(delay,))
    gap, elsewhere = _gap(take, knobs, silence, delay)
    return Figures(delays=(delay,), gaps=(gap,), elsewhere=int(elsewhere))


def _gap(take: Take, knobs: Knobs, silence: Silence, delay: int) -> tuple[int, bool]:
    """By what providers took then; and whether they would have been asked at another time."""
    answer, last_voice = silence.answer, silence.last_voice
    assert answer is not None and silence.ended is not None
    gap, then = answer.at - last_voice, silence.ended - last_voice
    asked, ready = (None if at is None else at - last_voice for at in (answer.asked_at, answer.ready_at))
    moved = delay - then
    if asked is not None and asked < then:  # in the pause (B3): it began a hangover behind the voice
        hangover = (knobs.vad_hangover_ms - take.knobs.vad_hangover_ms) // FRAME_MS
        moved = min(asked + hangover, delay) - asked
    made, made_then = (0, 0) if ready is None else (ready + moved, ready)
    waits = gap - max(then + answer.breath, made_then)  # of playout, and of whatever else was waited for
    return max(delay + answer.breath, made) + waits, moved != 0


def _of_sounds(sounds: Sequence[Sound], hearing: Hearing) -> Figures:
    total = Figures()
    for sound in sounds:
        window = range(sound.began - AROUND, max(sound.ended, sound.began + NOTICED_WITHIN) + 1)
        stop = next((frame for frame in hearing.stops if frame in window), None)
        match sound.sort:
            case Sort.VOICE:
                late = stop is None or stop - sound.began > NOTICED_WITHIN
                noticed = () if late or stop is None else (max(0, stop - sound.began),)
                total += Figures(noticed=noticed, missed=int(late))
            case Sort.NOD:
                total += Figures(nods=1, nod_stops=int(stop is not None))
            case Sort.NONE:
                total += Figures(noises=1, stops=int(stop is not None))
    return total


def _other_stops(sounds: Sequence[Sound], hearing: Hearing) -> Figures:
    known = [range(one.began - AROUND, max(one.ended, one.began + NOTICED_WITHIN) + 1) for one in sounds]
    return Figures(others=sum(not any(stop in span for span in known) for stop in hearing.stops))
