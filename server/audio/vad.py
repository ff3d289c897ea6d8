"""Two judges of one frame (A1): energy, fast and often wrong; a speech model, right and up to 300 ms late."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple, Protocol

from server.audio.frames import FRAMES_PER_S

SPEECH_ON = 0.5  # Silero's own pair: a verdict of speech holds until it falls well below
SPEECH_OFF = 0.35
SPEECH_DURING_PLAYOUT = (
    0.8  # while we are heard the model must be surer: a blow that rings is half a voice to it
)
ROOM_WINDOW_FRAMES = 2 * FRAMES_PER_S
ROOM_MASK = (1 << ROOM_WINDOW_FRAMES) - 1
FLOOR_MIN_FRAMES = FRAMES_PER_S // 2  # a burst or two behind a caller who never pauses are no floor
MODEL_LAG_FRAMES = 15  # 300 ms
FLOOR_RATIO = 2  # voice is twice (6 dB) the floor;
CANDIDATE_RATIO = 1.6  # 4 dB where the model has the last word: soft first sounds come in 160 ms sooner
ECHO_SHARE = 95  # percent of our echo stays under its level,
ECHO_RATIO = 1.4  # and its peaks, but for single frames, within 3 dB above that
ECHO_WINDOW_FRAMES = 4 * FRAMES_PER_S
ECHO_KNOWN_FRAMES = 50  # of our speech: the first half second tells nothing, our echo is on its way
ECHO_UNKNOWN_RMS = 2000  # the bar until then: peaks of a voice at -20 dBFS that comes back 10 dB quieter


class Speech(Protocol):
    """A call's speech model."""

    def feed(self, mulaw_8k: bytes, rms: int) -> float | None:
        """One frame of 160 bytes in, the probability of speech out; None: energy is the only judge."""
        ...


class EnergyOnly:
    """``VAD_ENGINE=energy``: no model."""

    def feed(self, mulaw_8k: bytes, rms: int) -> None:
        return None


class VadResult(NamedTuple):
    """One frame judged. ``voiced``: energy above the bar. ``speech``: the model's word, or energy's alone.

    ``loud``: we are heard, and energy is above the bar that stops us. ``speaking``: what keeps an utterance
    open.
    """

    voiced: bool
    speech: bool
    loud: bool
    speaking: bool


# All there are, made once: by the same four.
VERDICTS = {four: VadResult(*four) for four in product((False, True), repeat=4)}


class RecentLevels:
    """The levels of the last frames, kept in order of size, so that a rank costs no sorting."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._recent: deque[int] = deque()
        self._sorted: list[int] = []

    def __len__(self) -> int:
        return len(self._recent)

    def add(self, rms: int) -> bool:
        """Take in one frame; the oldest makes room for it. False: no rank has changed."""
        if len(self._recent) == self._frames:
            oldest = self._recent.popleft()
            self._recent.append(rms)
            if oldest == rms:  # as in a silence
                return False
            del self._sorted[bisect_left(self._sorted, oldest)]
        else:
            self._recent.append(rms)
        insort(self._sorted, rms)
        return True

    def at_share(self, percent: int) -> int:
        """The level that so many of the frames are under: 50 is the median. Not of none."""
        return self._sorted[len(self._sorted) * percent // 100]


class NoiseFloor:
    """Median level of the last second of frames that the model called silence; 0 until there was half of one.

    The model is late: what it called silence just before it heard a voice was that voice's beginning.
    """

    def __init__(self) -> None:
        self._recent = RecentLevels(FRAMES_PER_S)
        self._undecided: deque[int] = deque()
        self.level = 0

    def learn(self, rms: int) -> None:
        """Take in one silent frame: it counts once the model has had its time."""
        undecided = self._undecided
        undecided.append(rms)
        if len(undecided) <= MODEL_LAG_FRAMES or not self._recent.add(undecided.popleft()):
            return
        if len(self._recent) >= FLOOR_MIN_FRAMES:
            self.level = self._recent.at_share(50)

    def speech_began(self) -> None:
        """The frames taken in last were no silence."""
        self._undecided.clear()


class EchoLevel:
    """How loud our own voice comes back: a high percentile of what is heard while only we speak (D1).

    Before that is known a loud speakerphone is assumed, or the first words of the greeting would stop it.
    """

    def __init__(self) -> None:
        self._recent = RecentLevels(ECHO_WINDOW_FRAMES)
        self._undecided: list[int] = []  # a loud run so far: a voice, or a peak of the echo
        self._heard = 0
        self.level = ECHO_UNKNOWN_RMS

    def learn(self, rms: int, *, loud: bool) -> None:
        """Take in one frame heard while we speak and no utterance is open."""
        self._heard += 1
        if loud:
            self._undecided.append(rms)  # learnt once it turns out to have been too short for a voice
            return
        for level in self._undecided:
            self._recent.add(level)
        self._undecided.clear()
        self._recent.add(rms)
        if self._heard >= ECHO_KNOWN_FRAMES:
            self._measure()

    def voice_began(self) -> None:
        """The loud run was long enough: it is not echo until somebody says so."""
        self._undecided.clear()

    def was_echo(self, levels: Iterable[int]) -> None:
        """An utterance with frames of these levels turned out to be our own words."""
        for level in levels:
            self._recent.add(level)
        if len(self._recent):
            self._measure()

    def _measure(self) -> None:
        self.level = int(self._recent.at_share(ECHO_SHARE) * ECHO_RATIO)


class RoomLevel:
    """How loud others talk: the median level of the last two seconds between utterances, while we are silent.

    It is asked while somebody speaks, and told of every frame in which nobody does: so it is worked out when
    it is asked.
    """

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=ROOM_WINDOW_FRAMES)
        self._speech = 0  # bit history, newest frame in bit 0
        self._level: int | None = 0  # None: not known yet

    def learn(self, rms: int, *, speech: bool) -> None:
        """Take in one frame that belongs to no utterance, while we are silent."""
        self._recent.append(rms)
        self._speech = (self._speech << 1 | speech) & ROOM_MASK
        self._level = None

    @property
    def level(self) -> int:
        """0 where the model calls less than a quarter of the frames speech: noise is nobody."""
        if self._level is None:
            frames = len(self._recent)
            talk = frames >= FLOOR_MIN_FRAMES and 4 * self._speech.bit_count() >= frames
            self._level = sorted(self._recent)[frames // 2] if talk else 0
        return self._level


class Vad:
    """Judges frames in order. Holds what the line is like: the floor, and our echo on it.

    ``early_stop``: what is loud stops us, else the model's word does (D1).
    """

    def __init__(self, vad_rms: int, barge_in_rms: int, *, early_stop: bool = False) -> None:
        self._vad_rms = vad_rms
        self._barge_in_rms = barge_in_rms
        self._loud_ratio = FLOOR_RATIO if early_stop else CANDIDATE_RATIO
        self._speech = False
        self.bar: float = vad_rms  # what the last frame had to be louder than: to be voiced, or to stop us
        self.floor = NoiseFloor()
        self.room = RoomLevel()
        self.echo = EchoLevel()

    def judge(
        self, rms: int, speech: float | None, *, during_playout: bool = False, near: float = 0.0
    ) -> VadResult:
        """``speech`` is the model's probability, or None: then energy alone decides, as in the playbook.

        ``during_playout``: we are heard. ``near``: the least level of the caller's own voice (A5).
        """
        floor = self.floor.level
        self.bar = opens = max(self._vad_rms, FLOOR_RATIO * floor)
        voiced, loud = rms > opens, False
        if during_playout:
            self.bar = max(self._barge_in_rms, self._loud_ratio * floor, self.echo.level, near)
            loud = rms > self.bar
        if speech is None:
            return VERDICTS[voiced, voiced, loud, voiced]
        self._speech = speech >= (SPEECH_OFF if self._speech else SPEECH_ON)
        if not self._speech:
            self.floor.learn(rms)
            return VERDICTS[voiced, False, loud, False]
        self.floor.speech_began()
        # In an utterance only quiet or the model ends speech: a floor learnt in noise would clip soft
        # syllables that the model still hears. But what is no louder than the room and far under the
        # caller is others talking there.
        speaking = rms > max(self._vad_rms, min(near, FLOOR_RATIO * self.room.level))
        agrees = speech >= SPEECH_DURING_PLAYOUT if during_playout else True
        return VERDICTS[voiced, agrees, loud, speaking]
