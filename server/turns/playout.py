"""A reply being played to the caller: what waits, what is on its way, what was heard, what `clear` drops.

Positions are frames from the start of the reply, over its sentences in order:

    |<-- heard -->|<-- on its way, <= lead -->|<-- waits -->|
    0           played                      sent          total

``played`` advances one frame a tick (an inbound frame is 20 ms of the same real time) and is corrected
by marks. A cut rewinds ``sent`` to ``played``: what was on its way was dropped by ``clear``. Behind it
nothing is sent (held), or the same frames anew at a lower level (dipped).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate, chain
from typing import NamedTuple

from server.audio.frames import FRAME_BYTES, FRAME_MS, FRAMES_PER_S, MULAW_SILENCE
from server.turns.actions import SendAudio, SendMark
from server.turns.cut_word import last_word_begins

MARK_GRACE_FRAMES = FRAMES_PER_S  # a mark this long overdue is lost (C4)
SHORT_SENTENCE_FRAMES = FRAMES_PER_S
NEXT_SENTENCE_WAIT_FRAMES = 15  # 300 ms (C2)
NEARLY_OVER_FRAMES = 15
HINT_INDEX = -1
HINT_TAIL_FRAMES = 5  # 100 ms: the reply waits for the hint, or a voice over it would be a barge-in (B5)
MS_A_CHARACTER = 70  # of speech, to judge a sentence whose audio is not whole yet


class Flow(Enum):
    """How frames go to the wire."""

    FULL = "at full level"
    LOWER = "at a lower level"
    HELD = "not"


@dataclass
class Sentence:
    """One sentence of a reply. ``index`` is its name between the turn and TTS.

    ``begins_at``: frame of its audio at which it begins here; what is before was heard in an earlier turn.
    """

    index: int
    text: str
    is_hint: bool = False
    audio: bytearray = field(default_factory=bytearray)
    whole: bool = False
    begins_at: int = 0

    @property
    def frames(self) -> int:
        """Whole frames ready; the short last one counts once the sentence is whole, padded."""
        ready, short = divmod(len(self.audio), FRAME_BYTES)
        return ready + bool(short and self.whole) - self.begins_at

    @property
    def expected_frames(self) -> int:
        """Its length: known when whole, else judged by its letters."""
        return self.frames if self.whole else max(self.frames, len(self.text) * MS_A_CHARACTER // FRAME_MS)

    def add_audio(self, mulaw_8k: bytes) -> None:
        if not self.whole:
            self.audio += mulaw_8k

    def end(self) -> None:
        """Its audio is whole."""
        self.whole = True

    def cut_out(self, offset: int, frames: int) -> bytes:
        begin = self.begins_at + offset
        audio = bytes(self.audio[begin * FRAME_BYTES : (begin + frames) * FRAME_BYTES])
        return audio.ljust(frames * FRAME_BYTES, MULAW_SILENCE)


class Span(NamedTuple):
    """Where a sentence stands in the reply, in frames."""

    sentence: Sentence
    start: int
    end: int

    def heard(self, played: int) -> tuple[int, int]:
        """Frames of the sentence that were heard once ``played`` are, or in an earlier turn; of how many."""
        earlier = self.sentence.begins_at
        return earlier + max(0, min(played, self.end) - self.start), earlier + self.end - self.start


@dataclass(frozen=True)
class UnheardRest:
    """What is left of a reply that was interrupted, with the sentence being heard.

    ``before``: the sentences before it. One with under 300 ms (and half of it) left counts as heard.
    ``sentences``: text, and audio where it is whole. ``complete``: no further sentence belongs to it.
    ``begins_at``: frame of the first one's audio at which the word being heard began (D4).
    """

    before: tuple[str, ...]
    sentences: tuple[tuple[str, bytes | None], ...]
    complete: bool
    begins_at: int = 0


class Playout:
    """One reply on its way to the caller. Not thread-safe: the caller holds the call's lock."""

    def __init__(self, turn_id: int) -> None:
        self.turn_id = turn_id
        self.sentences: list[Sentence] = []
        self.count = 0  # sentences added, the hint left out: the next one's index
        self.complete = False  # no further sentence will be added
        self.flow = Flow.FULL
        self.played = 0
        self._sent = 0
        self._marked = 0  # sentences whose mark is on its way or back
        self._generation = 0  # raised by every cut: marks that `clear` sends back are of an older one
        self._live_marks: dict[str, int] = {}  # name → end of its sentence
        self._drained_ticks = 0
        self._short_ticks = 0

    # ---- filled by TTS ----

    def add(self, text: str) -> int:
        """Queue a sentence, whose audio follows; return its index."""
        return self._append(Sentence(self.count, text))

    def adopt(self, text: str, mulaw_8k: bytes, begins_at: int = 0) -> None:
        """Take over a whole sentence of another reply, from frame ``begins_at`` on."""
        self._append(Sentence(self.count, text, False, bytearray(mulaw_8k), True, begins_at))

    def _append(self, sentence: Sentence) -> int:
        self.sentences.append(sentence)
        self.count += 1
        return sentence.index

    def add_hint(self, text: str, mulaw_8k: bytes) -> None:
        """Put the thinking hint before everything; only while nothing was sent."""
        assert self._sent == 0
        self.sentences.insert(0, Sentence(HINT_INDEX, text, True, bytearray(mulaw_8k), True))

    def add_audio(self, index: int, mulaw_8k: bytes) -> None:
        if (sentence := self._by_index(index)) is not None:
            sentence.add_audio(mulaw_8k)

    def end_sentence(self, index: int) -> None:
        if (sentence := self._by_index(index)) is not None:
            sentence.end()

    def end_reply(self) -> None:
        """No further sentence will be added."""
        self.complete = True

    def start_over(self, turn_id: int) -> None:
        """Another turn takes over before its first frame: only a hint on its way stays."""
        self.turn_id = turn_id
        self.sentences = [sentence for sentence in self.sentences if sentence.is_hint]
        self.count, self.complete = 0, False

    def end_here(self) -> bool:
        """Nothing is said behind the sentence that is on its way; True when something is left out."""
        kept = 1 + sum(span.end < self._sent for span in self._spans)
        left_out = not self.complete or kept < len(self.sentences)
        self.sentences, self.complete = self.sentences[:kept], True
        return left_out

    # ---- drained by the wire ----

    def take(self, room: int, *, reply_may_start: bool) -> list[SendAudio | SendMark]:
        """Frames and marks for the wire, in order, at most ``room`` frames."""
        out: list[SendAudio | SendMark] = []
        for position, (sentence, start, end) in enumerate(self._in_order()):
            if self.held or not (reply_may_start or sentence.is_hint):
                break
            count = min(room, end - self._sent)
            if count > 0:
                audio = sentence.cut_out(self._sent - start, count)
                out.append(SendAudio(audio, lower=self.flow is Flow.LOWER))
                self._sent += count
                room -= count
                if not sentence.is_hint:
                    self._short_ticks = NEXT_SENTENCE_WAIT_FRAMES  # the wait is over
            if self._sent < end:
                break
            if self._owes_mark(position, sentence):
                out.append(self._mark(position, end))
        return out

    def tick(self) -> None:
        """20 ms have passed at the caller's ear."""
        if self.played < self._sent:
            self.played += 1
        self._drained_ticks = 0 if self.played < self._sent else self._drained_ticks + 1
        if self._short_ticks < NEXT_SENTENCE_WAIT_FRAMES and self.ready_frames:
            self._short_ticks += 1

    def mark_returned(self, name: str) -> bool:
        """A mark came back; False when it proves nothing (cleared, stale, unknown)."""
        end = self._live_marks.get(name)
        if end is None:
            return False
        # Twilio plays in order: a mark before this one that did not come back is lost.
        self._live_marks = {other: at for other, at in self._live_marks.items() if at > end}
        self.played = max(self.played, end)
        return True

    # ---- cut, held, dipped, resumed ----

    def hold(self) -> None:
        """``clear`` goes out: what was on its way is not heard, and nothing more is sent."""
        self._cut()
        self.flow = Flow.HELD

    def dip(self) -> None:
        """``clear`` goes out: what was on its way is sent anew and lower, and so is what follows."""
        self._cut()
        self.flow = Flow.LOWER

    def _cut(self) -> None:
        self._sent = self.played
        self._live_marks.clear()
        self._generation += 1
        self._marked = sum(span.sentence.whole and span.end <= self.played for span in self._in_order())

    def resume(self) -> None:
        """Go on at full level, from the very frame that was cut, or behind what was sent lower."""
        self.flow = Flow.FULL

    def rest(self) -> UnheardRest:
        """What was not heard in full, for another turn to take over."""
        reply = [span for span in self._spans if not span.sentence.is_hint]
        before = tuple(span.sentence.text for span in reply if self._counts_as_heard(span))
        left = [span for span in reply if not self._counts_as_heard(span)]
        whole = ((one.text, bytes(one.audio) if one.whole else None) for one, *_ in left)
        return UnheardRest(before, tuple(whole), self.complete, self._word_begins(left[0]) if left else 0)

    def _word_begins(self, span: Span) -> int:
        """Frame at which the sentence goes on; one whose audio is not whole will be made anew."""
        one, (heard, _) = span.sentence, span.heard(self.played)
        return max(one.begins_at, last_word_begins(one.text, bytes(one.audio), heard)) if one.whole else 0

    def _counts_as_heard(self, span: Span) -> bool:
        left, half = span.end - self.played, (span.end - span.start) // 2
        return span.sentence.whole and left <= min(NEARLY_OVER_FRAMES, half)

    # ---- what is true now ----

    @property
    def held(self) -> bool:
        """Nothing is sent."""
        return self.flow is Flow.HELD

    @property
    def audible(self) -> bool:
        """Some of the audio is in the far buffer."""
        return self.played < self._sent

    @property
    def has_hint(self) -> bool:
        return bool(self._hint_frames)

    @property
    def hint_goes_on(self) -> bool:
        """More of the hint is still to be heard than a reply needs to follow it without a hole."""
        return self._hint_frames - self.played > HINT_TAIL_FRAMES

    @property
    def started(self) -> bool:
        """A frame of the reply (not of the hint) was sent."""
        return self._sent > self._hint_frames

    @property
    def ready_frames(self) -> int:
        """Frames of the reply that could be sent now and were not."""
        end = 0
        for span in self._in_order():
            end = span.end
        return max(0, end - max(self._sent, self._hint_frames))

    @property
    def waits_for_second(self) -> bool:
        """A first sentence under a second waits up to 300 ms for the next (C2); the rest of one does not."""
        reply = [sentence for sentence in self.sentences if not sentence.is_hint]
        if not reply or reply[0].begins_at or (self.complete and len(reply) == 1):
            return False
        second_ready = len(reply) > 1 and reply[1].frames > 0 and reply[0].whole
        short = reply[0].expected_frames < SHORT_SENTENCE_FRAMES
        return short and not second_ready and self._short_ticks < NEXT_SENTENCE_WAIT_FRAMES

    def wants_wire(self, *, reply_may_start: bool) -> bool:
        """``take`` would give something: a frame, or the mark of a sentence that became whole late."""
        if self.held:
            return False
        end = 0
        for position, sentence in enumerate(self.sentences):  # as ``take`` has them; asked at each event
            if not (reply_may_start or sentence.is_hint):
                return False
            end += sentence.frames
            if self._sent < end or self._owes_mark(position, sentence):
                return True
            if not sentence.whole:
                return False
        return False

    @property
    def finished(self) -> bool:
        """The caller has heard the end: every mark is back, or the last is a second overdue (C4)."""
        marks_are_due = bool(self._live_marks) and self._drained_ticks <= MARK_GRACE_FRAMES
        if self.held or not self.complete or marks_are_due:
            return False
        # Nor is it over while a frame, or a mark, is still to be sent.
        whole = all(sentence.whole for sentence in self.sentences)
        return whole and not self.wants_wire(reply_may_start=True)

    @property
    def goes_on_for(self) -> int:
        """Frames for which it is not finished, whatever they bring."""
        more = self.wants_wire(reply_may_start=True) or not all(one.whole for one in self.sentences)
        if self.held or not self.complete or more:
            return 1 << 62
        return MARK_GRACE_FRAMES - self._drained_ticks if self._live_marks else 0

    @property
    def nearly_over(self) -> bool:
        """A stop in the last 300 ms is no interruption (D2)."""
        total = sum(sentence.expected_frames for sentence in self.sentences)
        return self.complete and total - self.played <= NEARLY_OVER_FRAMES

    @property
    def at_a_question(self) -> bool:
        """The last sentence of which a third was heard asks something: it may be answered before its end."""
        heard = ((span.sentence, span.heard(self.played)) for span in self._expected_spans)
        begun = [one.text for one, (played, length) in heard if not one.is_hint and played > length // 3]
        return bool(begun) and begun[-1].rstrip("\"'”׳״) ").endswith("?")

    def heard(self) -> tuple[list[str], str]:
        """The sentences heard in full, and the words of all that was heard (rounded down to a word)."""
        reply = [span for span in self._expected_spans if not span.sentence.is_hint]
        in_full = [one.text for one, _, end in reply if one.whole and self.played >= end]
        heard = (_heard_words(span.sentence.text, *span.heard(self.played)) for span in reply)
        return in_full, " ".join(chain.from_iterable(heard))

    # ---- inside ----

    @property
    def _spans(self) -> list[Span]:
        """By the audio that is there."""
        return _spans(self.sentences, [sentence.frames for sentence in self.sentences])

    @property
    def _expected_spans(self) -> list[Span]:
        """By the length that each sentence will have."""
        return _spans(self.sentences, [sentence.expected_frames for sentence in self.sentences])

    def _in_order(self) -> Iterator[Span]:
        """Sentences that can be played one behind the other: up to the first whose audio is not whole."""
        end = 0
        for sentence in self.sentences:
            start, end = end, end + sentence.frames
            yield Span(sentence, start, end)
            if not sentence.whole:
                return

    def _owes_mark(self, position: int, sentence: Sentence) -> bool:
        """Once all its audio is sent."""
        return sentence.whole and position >= self._marked and sentence.frames > 0

    @property
    def _hint_frames(self) -> int:
        return self.sentences[0].frames if self.sentences and self.sentences[0].is_hint else 0

    def _by_index(self, index: int) -> Sentence | None:
        return next((sentence for sentence in self.sentences if sentence.index == index), None)

    def _mark(self, position: int, end: int) -> SendMark:
        self._marked = position + 1
        name = f"{self.turn_id}.{position}.{self._generation}"
        self._live_marks[name] = end
        return SendMark(name)


def _spans(sentences: list[Sentence], lengths: list[int]) -> list[Span]:
    ends = accumulate(lengths)
    return [Span(one, end - length, end) for one, length, end in zip(sentences, lengths, ends, strict=True)]


def _heard_words(text: str, played: int, length: int) -> list[str]:
    words = text.split()
    if played <= 0 or not length:
        return []
    return words[: len(words) * played // length]
