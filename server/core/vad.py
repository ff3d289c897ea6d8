"""Two judges of one frame (A1): energy, fast and often wrong; a speech model, right and up to 300 ms late."""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass

from server.core.frames import FRAMES_PER_S

SPEECH_ON = 0.5  # Silero's own pair: a verdict of speech holds until it falls well below
SPEECH_OFF = 0.35
FLOOR_RATIO = 2  # voice is twice (6 dB) the floor
ECHO_RATIO = 1.25
ECHO_WINDOW_FRAMES = 2 * FRAMES_PER_S
ECHO_MIN_FRAMES = 25


@dataclass(frozen=True, slots=True)
class Verdict:
    """One frame judged. ``voiced``: energy above the bar. ``speech``: the model's word, or energy's alone.

    ``loud``: energy above the bar that stops us while we speak. ``speaking``: what keeps an utterance open.
    """

    voiced: bool
    speech: bool
    loud: bool
    speaking: bool


class RecentLevels:
    """The levels of the last frames, kept in order of size, so that a rank costs no sorting."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._recent: deque[int] = deque()
        self._sorted: list[int] = []

    def __len__(self) -> int:
        return len(self._recent)

    def add(self, rms: int) -> None:
        """Take in one frame; the oldest makes room for it."""
        if len(self._recent) == self._frames:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]
        self._recent.append(rms)
        insort(self._sorted, rms)

    def at_rank(self, tenths: int) -> int:
        """The level that so many tenths of the frames are under: 5 is the median. Not of none."""
        return self._sorted[len(self._sorted) * tenths // 10]


class NoiseFloor:
    """Median level of the last second of frames that the model called silence; 0 until there was one."""

    def __init__(self) -> None:
        self._recent = RecentLevels(FRAMES_PER_S)
        self.level = 0

    def learn(self, rms: int) -> None:
        """Take in one silent frame."""
        self._recent.add(rms)
        self.level = self._recent.at_rank(5)


class EchoLevel:
    """How loud our own voice comes back: a high percentile of what is heard while only we speak (D1)."""

    def __init__(self) -> None:
        self._recent = RecentLevels(ECHO_WINDOW_FRAMES)
        self._undecided: list[int] = []  # a loud run so far: a voice, or a peak of the echo
        self._floor = 0
        self.level = 0

    def learn(self, rms: int, *, loud: bool) -> None:
        """Take in one frame heard while we speak and no utterance is open."""
        self._undecided.append(rms)
        if loud:
            return  # learnt once it turns out to have been too short for a voice
        for level in self._undecided:
            self._recent.add(level)
        self._undecided.clear()
        if len(self._recent) >= ECHO_MIN_FRAMES:
            self.level = max(self._floor, int(self._recent.at_rank(9) * ECHO_RATIO))

    def voice_began(self) -> None:
        """The loud run was long enough: it is not echo until somebody says so."""
        self._undecided.clear()

    def was_echo(self, rms: int) -> None:
        """An utterance of this level turned out to be our own words: never stop for as little again."""
        self._floor = max(self._floor, int(rms * ECHO_RATIO))
        self.level = max(self.level, self._floor)


class Judges:
    """Judges frames in order. Holds what the line is like: the floor, and our echo on it."""

    def __init__(self, vad_rms: int, barge_in_rms: int) -> None:
        self._vad_rms = vad_rms
        self._barge_in_rms = barge_in_rms
        self._speech = False
        self.floor = NoiseFloor()
        self.echo = EchoLevel()

    def judge(self, rms: int, speech: float | None) -> Verdict:
        """``speech`` is the model's probability, or None: then energy alone decides, as in the playbook."""
        bar = max(self._vad_rms, FLOOR_RATIO * self.floor.level)
        voiced = rms > bar
        loud = rms > max(self._barge_in_rms, FLOOR_RATIO * self.floor.level, self.echo.level)
        if speech is None:
            return Verdict(voiced, speech=voiced, loud=loud, speaking=voiced)
        self._speech = speech >= (SPEECH_OFF if self._speech else SPEECH_ON)
        if not self._speech:
            self.floor.learn(rms)
        # In an utterance only quiet or the model ends speech: a floor learnt in noise would clip
        # soft syllables that the model still hears.
        speaking = self._speech and rms > self._vad_rms
        return Verdict(voiced, self._speech, loud, speaking)
