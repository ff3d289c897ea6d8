"""How long this caller pauses inside what they say, learnt within the call (A3). Frames of 20 ms; no clock.

voice    ###########............................#####......   the pause is known once the voice has lasted
utterance 1111111111111111111111111111          2222222222   it was ended in it, or was not: no matter

A pause that a longer silence would have bridged is evidence, and the first one counts: the silence that ends
an utterance becomes an eighth longer than that pause. Every utterance without such a pause takes a quarter
of the addition back.
"""

SLACK = 8  # a pause of n frames is bridged with n / SLACK to spare: the next one is rarely the same
FORGOTTEN = 4  # of the addition 1 / FORGOTTEN, an utterance


class BridgedPause:
    """The silence that is to end no utterance of this caller, from ``floor`` to ``longest``, in frames."""

    def __init__(self, floor: int, longest: int) -> None:
        self._floor = floor
        self._longest = max(floor, longest)
        self._in_utterance = floor  # what its own pauses ask for
        self._kept = floor  # of what the utterances before it have asked for,
        self._kept_without_last = floor  # and had the last of them shown nothing

    @property
    def frames(self) -> int:
        """As it is now."""
        return max(self._kept, self._in_utterance)

    def wanted(self, pause: int) -> int:
        """The silence that bridges such a pause, and the next one like it."""
        return max(self._floor, min(self._longest, pause + pause // SLACK))

    def learn(self, pause: int) -> None:
        """The caller has paused for so many frames, and went on."""
        self._in_utterance = max(self._in_utterance, self.wanted(pause))

    def utterance_ended(self) -> None:
        """Forget a little, but nothing of what the utterance itself has shown."""
        kept = (self._kept - self._floor) * (FORGOTTEN - 1) // FORGOTTEN
        self._kept_without_last = self._floor + kept
        self._kept = max(self._in_utterance, self._kept_without_last)
        self._in_utterance = self._floor

    def take_back(self) -> None:
        """What the utterance that ended last has shown is no evidence."""
        self._kept = self._kept_without_last


class CallerPauses:
    """Finds the pauses between frames of a confirmed voice. Not thread-safe.

    ``floor`` and ``longest``: least and greatest silence that may end an utterance; ``voice_frames``: a sound
    of fewer is no going on. What an utterance that began during playout shows counts for itself alone before
    its words are known: it may be echo, whose pauses are the agent's.
    """

    def __init__(self, floor: int, longest: int, voice_frames: int) -> None:
        self._longest = longest
        self._voice_frames = voice_frames
        self._bridged = BridgedPause(floor, longest)
        self._clock = 0
        self._spoke_at: int | None = None  # clock of the last voice of the utterance that ended last
        self._over_playout = False  # the utterance heard now, or the last one, began during playout
        self._unproven = 0  # the longest pause of such a one
        self._pause = 0  # before the voice that is heard now; 0: learnt, or none
        self._voice = 0  # frames of that voice

    def bridged(self, *, short: bool) -> int:
        """The silence that is to end no utterance, nor the one that is heard now: ``short`` speech so far.

        A short voice over the agent's is mostly a nod, and the reply is to go on soon (D4).
        """
        own = self._bridged.wanted(self._unproven)
        return own if short and self._over_playout else max(self._bridged.frames, own)

    def tick(self) -> None:
        """One frame of the call."""
        self._clock += 1

    def confirmed(self, age: int, *, during_playout: bool, answers: bool) -> None:
        """A voice that began ``age`` frames ago is one. ``answers``: the agent has just spoken to its end."""
        gap = 0 if self._spoke_at is None else self._clock - age - self._spoke_at
        # One of two nods over the same reply is no pause in a sentence.
        goes_on = gap < self._longest and not answers and not (during_playout and self._over_playout)
        self._over_playout, self._unproven = during_playout, 0
        self._pause = self._voice = 0
        if goes_on:
            self._learn(gap)

    def speaks(self, silence: int) -> None:
        """A frame of a confirmed voice, behind so many frames without."""
        if silence >= self._voice_frames:
            self._pause, self._voice = max(self._pause, silence), 0
        self._voice += 1
        if self._voice >= self._voice_frames and self._pause:
            self._learn(self._pause)
            self._pause = 0

    def ended(self, silence: int) -> None:
        """The utterance is over, its last voice ``silence`` frames ago."""
        self._spoke_at = self._clock - silence
        self._bridged.utterance_ended()

    def cut_by_key(self) -> None:
        """The caller typed: what comes next is not the same sentence."""
        self._spoke_at = None

    def words_known(self, *, of_the_caller: bool) -> None:
        """The words of an utterance that began during playout are the caller's own, or echo."""
        if of_the_caller:
            self._bridged.learn(self._unproven)

    def said_again(self) -> None:
        """The words of the utterance that ended last were said before: who repeats them had finished (E2)."""
        self._bridged.take_back()
        self._unproven = 0

    def _learn(self, pause: int) -> None:
        if self._over_playout:
            self._unproven = max(self._unproven, pause)
        else:
            self._bridged.learn(pause)
