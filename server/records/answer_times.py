"""Of what the wait for an answer consists. Frames of the call's clock; pure."""

from dataclasses import dataclass, field

from server.audio.frames import FRAME_MS
from server.records.facts import Gap


@dataclass
class AnswerTimes:
    """When what leads to an answer happened last; ``turn_id``: of the answer being made.

    ``by``: who has worded it, "llm" or "line"; empty while nobody has. ``sentences``: so far.
    """

    turn_id: int = 0
    by: str = ""
    sentences: list[str] = field(default_factory=list)
    utterance_at: int = -1  # the end of the caller's last utterance
    turn_at: int = -1  # an answer is owed
    words_at: int = -1  # their words are known
    sentence_at: int = -1  # the first one is to be voiced
    audio_at: int = -1  # and has its first audio

    def of(self, turn_id: int) -> None:
        """Another turn ID: nothing that was made under the one before counts."""
        if turn_id != self.turn_id:
            self.turn_id, self.by, self.sentences = turn_id, "", []
            self.sentence_at = self.audio_at = -1

    def utterance_ended(self, clock: int) -> None:
        self.utterance_at = clock

    def owed(self, clock: int) -> None:
        """The caller's turn is over."""
        self.turn_at = clock

    def words_known(self, clock: int) -> None:
        """Of the caller, or that there will be none."""
        self.words_at = clock

    def take_up(self, sentences: list[str]) -> None:
        """What was made for an earlier turn is said in this one."""
        self.sentences = list(sentences)

    def sentence(self, turn_id: int, text: str, clock: int, by: str) -> None:
        """It is to be voiced; ``by``: who has worded it."""
        self.of(turn_id)
        self.by = self.by or by
        self.sentence_at = clock if self.sentence_at < 0 else self.sentence_at
        if text not in self.sentences:
            self.sentences.append(text)

    def audio(self, turn_id: int, clock: int) -> None:
        """Some of it has come."""
        if turn_id == self.turn_id and self.audio_at < 0:
            self.audio_at = clock

    def gap(self, frames: int, clock: int, wall_ms: int | None) -> Gap:
        """The first frame is sent now, ``frames`` behind the caller's last word.

        What was over before its part began took no time of its own: the parts follow each other.
        """
        last_word = clock - frames
        over = self.utterance_at if self.utterance_at >= last_word else self.turn_at
        bounds = [last_word]
        for at in (over, self.words_at, self.sentence_at, self.audio_at):
            bounds.append(min(max(bounds[-1], at), clock))
        silence, stt, llm, tts = (
            (end - begin) * FRAME_MS for begin, end in zip(bounds, bounds[1:], strict=False)
        )
        breath = (clock - bounds[-1]) * FRAME_MS
        return Gap(frames * FRAME_MS, silence, stt, llm, tts, breath, wall_ms)

    def unheard(self, heard: str) -> tuple[str, list[str]]:
        """Of the sentences, when the words ``heard`` were heard: the words that were not, and the sentences
        from the one on that was being heard."""
        left = len(heard.split())
        words = " ".join(self.sentences).split()[left:]
        rest = list(self.sentences)
        while rest and left >= len(rest[0].split()):
            left -= len(rest.pop(0).split())
        return " ".join(words), rest
