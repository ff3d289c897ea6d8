"""A caller who listens: asks, waits for the answer, and does something over it, or while it is quiet."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.acoustics.events import FAR_LINES, event
from bench.acoustics.pauses import Word, words_in
from bench.acoustics.tracks import SPEECH_DBFS, Track
from bench.duplex.voices import INTERRUPTING, NODS, SENTENCES, Piece, Speaker
from server.simulator.sounds import line_noise
from server.tune.duplex.timeline import Kind, Sound

ANSWER_WITHIN_S = 6.0
OVER_S = 2.2  # of silence: the reply is over, and nothing of it comes back
OVER_REPLY_S = (1.2, 2.4)  # into the reply
BEHIND_SOUND_S = 2.6  # time to be answered by mistake
NOISES = {"cough": 0.0, "click": 0.0, "door slam": 0.0}  # loudest 20 ms against the caller's mean, dB
FAR_DB, BACKGROUND_DB = -24.0, -10.0  # mean against the caller's; the far voice's loudest syllables: -14
BACKGROUND_S = 1.2
BACKGROUNDS = ("white", "car")


@dataclass(frozen=True)
class Part:
    """A stretch of a turn. ``pause_ms``: before it; none before the first one."""

    piece: Piece
    words: str
    pause_ms: int = 0


@dataclass(frozen=True)
class Turn:
    """One thing asked. ``over``: what comes over its answer. ``pause_ms``: in it.

    ``over`` is the name of a sound, INTERRUPTS, or the words of a nod; ``early``: over the answer's first
    second. ``before``: the name of a sound that comes before it, while nobody speaks. ``parts``: what is
    said, in the place of one of the speaker's sentences.
    """

    over: str = ""
    pause_ms: int = 0
    before: str = ""
    early: bool = False
    parts: tuple[Part, ...] = ()


INTERRUPTS = "interrupts"


class Caller:
    """One caller's line, made as the call goes on. ``step`` is told each 20 ms what is heard of the agent.

    ``sounds`` and ``words`` are what was said so far, with their times; ``level_db`` the caller's own voice
    against the usual one.
    """

    def __init__(
        self,
        track: Track,
        speaker: Speaker,
        turns: Sequence[Turn],
        dice: random.Random,
        level_db: float = 0.0,
    ) -> None:
        self.sounds: list[Sound] = []
        self.words: list[Word] = []
        self.done = False
        self._track, self._speaker, self._turns, self._dice = track, speaker, turns, dice
        self._level_db = level_db
        self._now_s = self._silent_s = 0.0
        self._life = self._live()

    def step(self, now_s: float, audible: bool) -> None:
        """The frame that begins at ``now_s`` is to be sent; ``audible``: the agent was, in the last one."""
        self._now_s = now_s
        self._silent_s = 0.0 if audible else self._silent_s + 0.02
        self.done = self.done or next(self._life, "over") == "over"

    # ---- what happens, in order ----

    def _live(self) -> Iterator[None]:
        yield from self._answered(self._now_s)
        yield from self._quiet()
        for turn, words in zip(self._turns, self._dice.sample(SENTENCES, len(self._turns)), strict=True):
            if turn.before:
                yield from self._until(self._sound(turn.before).end_s + BEHIND_SOUND_S)
                yield from self._quiet()
            asked = self._ask(turn, words)
            yield from self._until(asked.end_s)
            yield from self._answered(asked.end_s)
            if turn.over:
                yield from self._over(turn)
            yield from self._quiet(self.sounds[-1].end_s)

    def _over(self, turn: Turn) -> Iterator[None]:
        into_s = (0.2, 0.9) if turn.early else OVER_REPLY_S
        yield from self._until(self._now_s + self._dice.uniform(*into_s))
        if turn.over == INTERRUPTS:
            piece, words = self._dice.choice(self._speaker.sentences), self._dice.choice(INTERRUPTING)
            sound = self._say(Kind.INTERRUPTION, piece, words)
            yield from self._until(sound.end_s)
            yield from self._answered(sound.end_s)
            return
        if turn.over in NODS:
            sound = self._say(Kind.NOD, self._dice.choice(self._speaker.nods[turn.over]), turn.over)
        else:
            sound = self._sound(turn.over)
        yield from self._until(sound.end_s)

    def _until(self, at_s: float) -> Iterator[None]:
        while self._now_s < at_s - 1e-6:
            yield

    def _answered(self, since_s: float) -> Iterator[None]:
        """Until the agent is heard, or it is too late."""
        while self._silent_s and self._now_s < since_s + ANSWER_WITHIN_S:
            yield

    def _quiet(self, since_s: float = 0.0) -> Iterator[None]:
        """Until the agent has nothing more to say, some time after ``since_s`` at least."""
        while min(self._silent_s, self._now_s - since_s) < OVER_S:
            yield

    # ---- sounds ----

    def _ask(self, turn: Turn, sentence: str) -> Sound:
        parts = turn.parts or self._parts(turn.pause_ms, sentence)
        place, at_s, pauses = len(self.sounds), self._now_s, list[Sound]()
        for part in parts:
            if part.pause_ms:
                pauses.append(Sound(Kind.PAUSE, at_s, at_s + part.pause_ms / 1000))
                at_s = pauses[-1].end_s
            self._speak(part.piece, at_s, part.words)
            at_s += part.piece.seconds
        said = parts[0].words if len(parts) == 1 else ""
        self.sounds += [Sound(Kind.TURN, self._now_s, at_s, said), *pauses]
        return self.sounds[place]

    def _parts(self, pause_ms: int, sentence: str) -> Sequence[Part]:
        first, second = (part.strip() for part in sentence.split("|"))
        if not pause_ms:
            return [Part(self._dice.choice(self._speaker.sentences), f"{first} {second}")]
        a, b = self._dice.choice(self._speaker.halves)
        return [Part(a, first), Part(b, second, pause_ms)]

    def _say(self, kind: Kind, piece: Piece, words: str) -> Sound:
        self.sounds.append(Sound(kind, self._now_s, self._now_s + piece.seconds, words))
        self._speak(piece, self._now_s, words)
        return self.sounds[-1]

    def _speak(self, piece: Piece, at_s: float, words: str) -> None:
        self._track.put(at_s, piece.louder(self._level_db).pcm16_8k)
        self.words += words_in(words, at_s, piece.seconds)

    def _sound(self, name: str) -> Sound:
        """What is not the caller's speech, from now on."""
        seed = self._dice.randrange(1000)
        if name in NOISES:
            kind, pcm = Kind.NOISE, event(name, seed, SPEECH_DBFS + NOISES[name])
        elif name == "far voice":
            kind, pcm = Kind.OTHERS, event(name, seed, SPEECH_DBFS + FAR_DB)
        else:
            frames = line_noise(self._dice.choice(BACKGROUNDS), SPEECH_DBFS + BACKGROUND_DB)
            kind, pcm = Kind.OTHERS, b"".join(frames[: round(BACKGROUND_S * 50)])
        end_s = self._track.put(self._now_s, pcm)
        if name == "far voice":
            self.words += words_in(self._dice.choice(FAR_LINES), self._now_s, end_s - self._now_s)
        self.sounds.append(Sound(kind, self._now_s, end_s, name))
        return self.sounds[-1]
