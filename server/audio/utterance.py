"""The audio of the utterance being spoken: what was heard before its onset, and everything since."""

from collections import deque

from server.audio.frames import FRAMES_PER_S

PRE_ROLL_FRAMES = 10  # 200 ms before the first voiced frame, so that its first phoneme survives
KEPT_FRAMES = 25  # 500 ms, until it is known where the voice began
NEWEST_LEVELS = 4 * FRAMES_PER_S  # of a voice: what is learnt from it, should it be echo
CHUNK_FRAMES = 5  # 100 ms to the STT at a time: a fifth of the messages of a stream of frames


class UtteranceAudio:
    """Keeps a pre-roll while nobody speaks, then every frame of the utterance, none twice, none lost."""

    def __init__(self) -> None:
        self._before: deque[bytes] = deque(maxlen=KEPT_FRAMES)
        self._frames: list[bytes] = []
        self._open = False

    def feed(self, mulaw_8k: bytes) -> None:
        """Take one frame of 160 bytes."""
        if self._open:
            self._frames.append(mulaw_8k)
        else:
            self._before.append(mulaw_8k)

    def open(self, onset_frames: int) -> None:
        """An utterance began ``onset_frames`` ago (the newest frame included)."""
        wanted = min(len(self._before), onset_frames + PRE_ROLL_FRAMES)
        self._frames = list(self._before)[len(self._before) - wanted :]
        self._before.clear()
        self._open = True

    @property
    def has_chunk(self) -> bool:
        """A whole chunk can be taken."""
        return len(self._frames) >= CHUNK_FRAMES

    def take_chunk(self, *, all_of_it: bool = False) -> bytes:
        """Audio not taken yet: whole chunks of 100 ms, or everything. May be empty."""
        ready = len(self._frames) if all_of_it else len(self._frames) // CHUNK_FRAMES * CHUNK_FRAMES
        chunk = b"".join(self._frames[:ready])
        del self._frames[:ready]
        return chunk

    def close(self, *, discarded: bool) -> None:
        """The utterance is over. What was discarded may be the pre-roll of what comes next."""
        if discarded:
            self._before.extend(self._frames)
        self._frames = []
        self._open = False


class VoiceLevel:
    """Mean level of the voice in one utterance."""

    def __init__(self) -> None:
        self._sum = 0
        self.frames = 0
        self.newest: deque[int] = deque(maxlen=NEWEST_LEVELS)  # one by one

    def add(self, rms: int) -> None:
        self._sum += rms
        self.frames += 1
        self.newest.append(rms)

    @property
    def rms(self) -> float:
        return self._sum / self.frames if self.frames else 0.0


class CallerLevel:
    """The caller's running level: a voice 12 dB under it is somebody else's (A5).

    It is the quieter of the last two utterances, and halves with every minute without one, so that who
    steps away from the phone is heard again. One utterance alone may have been a shout: it is forgotten
    four times as fast.
    """

    BACKGROUND = 1 / 4  # 12 dB
    FORGET_FRAMES = 60 * FRAMES_PER_S
    FORGET_FIRST_FRAMES = 15 * FRAMES_PER_S

    def __init__(self) -> None:
        self._level = self._last = 0.0
        self.least = 0.0  # what is quieter is background; 0 while the caller was not heard
        self._forget_after = self.FORGET_FIRST_FRAMES
        self._unheard = 0

    def tick(self) -> None:
        """One frame has passed."""
        self._unheard += 1
        if self._unheard >= self._forget_after:
            self._unheard = 0
            self._is_at(self._level / 2)

    def learn(self, rms: float) -> None:
        """An utterance of the caller had this level."""
        self._forget_after = self.FORGET_FRAMES if self._last else self.FORGET_FIRST_FRAMES
        self._is_at(min(rms, self._last or rms))
        self._last, self._unheard = rms, 0

    def is_background(self, rms: float) -> bool:
        return rms < self.least

    def _is_at(self, level: float) -> None:
        self._level, self.least = level, level * self.BACKGROUND
