"""What a caller has said or typed, as the STT made it out: one utterance, and a turn of several."""

from dataclasses import dataclass, field, replace

from server.turns.dedup import joined
from server.turns.echo import Overlap

KEYS, ELSEWHERE = 0, -1  # in the place of an utterance's number


@dataclass
class UserUtterance:
    """One utterance, or digits from the keypad. ``text`` is None until the STT has finished."""

    utterance_id: int  # or KEYS
    text: str | None = None
    guess: str = ""  # the last interim transcript
    guessed_at: int = 0  # frame clock
    guess_ends: bool = False  # the STT finds that a turn may end with it
    confidence: float | None = None
    speech_frames: int = 0
    ended_at: int = 0  # frame clock
    failed: bool = False  # no STT could hear it
    believed: bool = False  # ``text`` is a guess, and the STT has not finished
    in_playout: bool = False  # it ended during playout, and did not stop it
    overlap: Overlap | None = None  # it began during playout, or just after: it may be echo

    def clear_text(self, min_confidence: float) -> str:
        """The words, or nothing when they are too uncertain."""
        if self.confidence is not None and self.confidence < min_confidence:
            return ""
        return (self.text or "").strip()

    def confirmed(self, overlap: Overlap | None) -> None:
        """It is a voice."""
        self.overlap = overlap

    def ended(self, speech_frames: int, clock: int, *, in_playout: bool) -> None:
        """Its last frame was heard."""
        self.speech_frames, self.ended_at, self.in_playout = speech_frames, clock, in_playout

    def guessed(self, text: str, clock: int, *, ends: bool = False) -> None:
        """An interim transcript has come."""
        self.guess, self.guessed_at, self.guess_ends = text, clock, ends

    def transcribed(self, text: str, confidence: float | None, clock: int) -> None:
        """The final transcript has come, or at a pause what may be all of it."""
        self.text, self.confidence, self.believed = text, confidence, False
        self.guessed(text, clock)

    def believe(self) -> None:
        """The guess is acted on, unless the transcript has come."""
        if self.text is None:
            self.text, self.believed = self.guess, True

    def goes_on(self) -> None:
        """The pause was not its end: what was transcribed until then is a guess."""
        self.text, self.failed, self.believed = None, False, False

    def stt_failed(self, clock: int) -> None:
        """The last interim transcript is the final one (G2)."""
        self.failed = not self.guess
        self.transcribed(self.guess, None, clock)


@dataclass
class UserTurn:
    """Utterances that belong together: one answer is owed to all of them (A6)."""

    segments: list[UserUtterance] = field(default_factory=list)
    interrupts: bool = False  # it interrupted a reply
    said_at: int = 0  # frame clock of its last voice or key
    over_at: int = 0  # frame clock at which it is over, for an answer that is not to cut it short (D4)
    early_starts: int = 0  # speculative turns made for it so far (B3)
    asked_so_far: int = 0  # times its STT was asked for the words so far (B3)
    waited: bool = False  # the LLM has found it unfinished once (A7)
    listens: int | None = (
        None  # fingerprint of the words with which the caller only listens, says the LLM (D4)
    )

    @classmethod
    def remembered(cls, words: str, clock: int) -> "UserTurn":
        """What was said at another socket of this call, and is owed an answer (F8)."""
        return cls([UserUtterance(ELSEWHERE, text=words, ended_at=clock)], said_at=clock)

    @property
    def transcribed(self) -> bool:
        """The STT has finished with every part."""
        return all(segment.text is not None for segment in self.segments)

    @property
    def empty(self) -> bool:
        """Not one word, not even a doubtful one."""
        return not any((segment.text or "").strip() for segment in self.segments)

    @property
    def failed(self) -> bool:
        return any(segment.failed for segment in self.segments)

    @property
    def overlap(self) -> Overlap | None:
        """Of the utterance that began nearest to the agent's voice."""
        overlaps = {segment.overlap for segment in self.segments}
        return next((overlap for overlap in Overlap if overlap in overlaps), None)

    @property
    def all_in_playout(self) -> bool:
        return all(segment.in_playout for segment in self.segments)

    @property
    def has_keys(self) -> bool:
        return any(segment.utterance_id == KEYS for segment in self.segments)

    @property
    def typed(self) -> bool:
        """Keys, and no voice that has words."""
        typed = [segment.utterance_id == KEYS for segment in self.segments if (segment.text or "").strip()]
        return bool(typed) and all(typed)

    @property
    def speech_frames(self) -> int:
        return sum(segment.speech_frames for segment in self.segments)

    @property
    def so_far(self) -> str:
        """The words of all parts, as the STT has them now."""
        return " ".join(segment.text or segment.guess for segment in self.segments)

    def as_guessed(self) -> "UserTurn":
        """What it would be, did the STT hear no more than it has."""
        guessed = (replace(one, text=one.guess) if one.text is None else one for one in self.segments)
        return replace(self, segments=list(guessed))

    @property
    def believed(self) -> bool:
        """A part of it went for what the STT had heard so far."""
        return any(segment.believed for segment in self.segments)

    def has(self, utterance_id: int) -> bool:
        """The utterance is a part of it."""
        return any(segment.utterance_id == utterance_id for segment in self.segments)

    def join(self, min_confidence: float, dedup_frames: int) -> tuple[str, bool]:
        """The words of all parts; and whether a part was dropped because it said the same again (E2)."""
        parts = ((segment.clear_text(min_confidence), segment.ended_at) for segment in self.segments)
        return joined(parts, dedup_frames)

    def ends_in_repeat(self, min_confidence: float, dedup_frames: int) -> bool:
        """The last part is a voice, and was dropped because it said the same again (E2)."""
        if not self.segments or self.segments[-1].utterance_id == KEYS:
            return False
        text, _ = self.join(min_confidence, dedup_frames)
        before, _ = replace(self, segments=self.segments[:-1]).join(min_confidence, dedup_frames)
        return before == text and bool(self.segments[-1].clear_text(min_confidence))

    # ---- what happens to it ----

    def add(self, utterance: UserUtterance, said_at: int, over_at: int = 0) -> None:
        self.segments.append(utterance)
        self.said_at, self.over_at = said_at, over_at

    def believe(self) -> None:
        """What the STT has so far is acted on."""
        for segment in self.segments:
            segment.believe()

    def doubt(self) -> None:
        """What was acted on is a guess again."""
        for one in self.segments:
            if one.believed:
                one.goes_on()

    def goes_on_with(self, later: "UserTurn") -> None:
        """It was not over: what was said since belongs to it (A6)."""
        self.segments += later.segments

    def interrupted_reply(self, *, noted: bool) -> None:
        """It has stopped a reply; that is ``noted`` unless the reply was nearly over (D2)."""
        self.interrupts = noted

    def started_early(self) -> None:
        self.early_starts += 1

    def asked_for_words(self) -> None:
        self.asked_so_far += 1

    def found_unfinished(self) -> None:
        """By the LLM; once is enough (A7)."""
        self.waited = True

    def found_listening(self, words: int) -> None:
        """The LLM finds that with these words (a fingerprint) the caller only listens (D4)."""
        self.listens = words
