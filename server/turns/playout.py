"""Our audio being played to the caller: what waits, what is on its way, what was heard, what `clear` drops.

Positions are frames from the start of the reply, over its sentences in order:

    |<-- heard -->|<-- on its way, <= lead -->|<-- waits -->|
    0           played                      sent          total

``played`` advances one frame a tick (an inbound frame is 20 ms of the same real time) and is corrected
by marks. A cut rewinds ``sent`` to ``played``: what was on its way was dropped by ``clear``.
"""

from dataclasses import dataclass, field
from itertools import accumulate

from server.audio.frames import FRAME_BYTES, FRAME_MS, FRAMES_PER_S, MULAW_SILENCE
from server.turns.actions import SendAudio, SendMark

MARK_GRACE_FRAMES = FRAMES_PER_S  # a mark this long overdue is lost (C4)
SHORT_SENTENCE_FRAMES = FRAMES_PER_S
NEXT_SENTENCE_WAIT_FRAMES = 15  # 300 ms (C2)
NEARLY_OVER_FRAMES = 15
HINT_INDEX = -1
HINT_TAIL_FRAMES = 5  # 100 ms: the reply waits for the hint, or a voice over it would be a barge-in (B5)
MS_A_CHARACTER = 70  # of speech, to judge a sentence whose audio is not whole yet


@dataclass
class Sentence:
    """One sentence of a reply. ``index`` is its name between us and the voice."""

    index: int
    text: str
    is_hint: bool = False
    audio: bytearray = field(default_factory=bytearray)
    whole: bool = False

    @property
    def frames(self) -> int:
        """Whole frames ready; the short last one counts once the sentence is whole, padded."""
        ready, short = divmod(len(self.audio), FRAME_BYTES)
        return ready + bool(short and self.whole)

    @property
    def expected_frames(self) -> int:
        """Its length: known when whole, else judged by its letters."""
        return self.frames if self.whole else max(self.frames, len(self.text) * MS_A_CHARACTER // FRAME_MS)

    def cut_out(self, offset: int, frames: int) -> bytes:
        audio = bytes(self.audio[offset * FRAME_BYTES : (offset + frames) * FRAME_BYTES])
        return audio.ljust(frames * FRAME_BYTES, MULAW_SILENCE)


@dataclass(frozen=True)
class UnheardRest:
    """What is left of a reply that was cut, from the start of the sentence it was cut in.

    ``before``: the sentences before it. One with under 300 ms (and half of it) left counts as heard.
    ``sentences``: text, and audio where it is whole. ``complete``: no further sentence belongs to it.
    """

    before: tuple[str, ...]
    sentences: tuple[tuple[str, bytes | None], ...]
    complete: bool


class Playout:
    """One reply on its way to the caller. Not thread-safe: the caller holds the call's lock."""

    def __init__(self, turn_id: int) -> None:
        self.turn_id = turn_id
        self.sentences: list[Sentence] = []
        self.complete = False  # no further sentence will be added
        self.held = False
        self.played = 0
        self._sent = 0
        self._marked = 0  # sentences whose mark is on its way or back
        self._generation = 0  # raised by every cut: marks that `clear` sends back are of an older one
        self._live_marks: dict[str, int] = {}  # name → end of its sentence
        self._drained_ticks = 0
        self._short_ticks = 0

    # ---- filled by the voice ----

    def add(self, index: int, text: str) -> None:
        """Queue a sentence; its audio follows."""
        self.sentences.append(Sentence(index, text))

    def add_hint(self, text: str, mulaw_8k: bytes) -> None:
        """Put the thinking hint before everything; only while nothing was sent."""
        assert self._sent == 0
        self.sentences.insert(0, Sentence(HINT_INDEX, text, True, bytearray(mulaw_8k), True))

    def add_audio(self, index: int, mulaw_8k: bytes) -> None:
        sentence = self._by_index(index)
        if sentence is not None and not sentence.whole:
            sentence.audio += mulaw_8k

    def end_sentence(self, index: int) -> None:
        sentence = self._by_index(index)
        if sentence is not None:
            sentence.whole = True

    def adopt(self, index: int, text: str, mulaw_8k: bytes) -> None:
        """Take over a whole sentence of another reply."""
        self.sentences.append(Sentence(index, text, audio=bytearray(mulaw_8k), whole=True))

    def start_over(self, turn_id: int) -> None:
        """Another turn takes over before its first frame: only a hint on its way stays."""
        self.turn_id = turn_id
        self.sentences = [sentence for sentence in self.sentences if sentence.is_hint]
        self.complete = False

    def end_here(self) -> bool:
        """Nothing is said behind the sentence that is on its way; True when something is left out."""
        ends = accumulate(sentence.frames for sentence in self.sentences)
        kept = 1 + sum(end < self._sent for end in ends)
        left_out = not self.complete or kept < len(self.sentences)
        self.sentences, self.complete = self.sentences[:kept], True
        return left_out

    # ---- drained by the wire ----

    def take(self, room: int, *, reply_may_start: bool) -> list[SendAudio | SendMark]:
        """Frames and marks for the wire, in order, at most ``room`` frames."""
        out: list[SendAudio | SendMark] = []
        start = 0
        for position, sentence in enumerate(self.sentences):
            if self.held or not (reply_may_start or sentence.is_hint):
                break
            count = min(room, start + sentence.frames - self._sent)
            if count > 0:
                out.append(SendAudio(sentence.cut_out(self._sent - start, count)))
                self._sent += count
                room -= count
            start += sentence.frames
            if not sentence.whole or self._sent < start:
                break
            if position >= self._marked and sentence.frames:
                out.append(self._mark(position, start))
        return out

    def tick(self) -> None:
        """20 ms have passed at the caller's ear."""
        if self.played < self._sent:
            self.played += 1
        self._drained_ticks = 0 if self.audible else self._drained_ticks + 1
        if self.ready_frames:
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

    # ---- cut, held, resumed ----

    def hold(self) -> None:
        """``clear`` goes out: what was on its way is not heard, and nothing more is sent."""
        self._sent = self.played
        self._live_marks.clear()
        self._generation += 1
        start = 0
        self._marked = 0
        for sentence in self.sentences:
            start += sentence.frames
            if not sentence.whole or start > self.played:
                break
            self._marked += 1
        self.held = True

    def resume(self) -> None:
        """Go on from the very frame that was cut."""
        self.held = False

    def kept(self) -> UnheardRest:
        """What was not heard in full, for another turn to take over."""
        start = end = 0
        before: list[str] = []
        left: list[tuple[str, bytes | None]] = []
        for sentence in self.sentences:
            start, end = end, end + sentence.frames
            if sentence.is_hint:
                continue
            nearly = end - self.played <= min(NEARLY_OVER_FRAMES, (end - start) // 2)
            if sentence.whole and nearly:
                before.append(sentence.text)
            else:
                left.append((sentence.text, bytes(sentence.audio) if sentence.whole else None))
        return UnheardRest(tuple(before), tuple(left), self.complete)

    # ---- what is true now ----

    @property
    def audible(self) -> bool:
        """Some of our audio is in the far buffer."""
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
        start = self._hint_frames
        for sentence in self.sentences:
            if sentence.is_hint:
                continue
            start += sentence.frames
            if not sentence.whole:
                break
        return max(0, start - max(self._sent, self._hint_frames))

    @property
    def waits_for_second(self) -> bool:
        """A first sentence under a second waits up to 300 ms for the next (C2)."""
        reply = [sentence for sentence in self.sentences if not sentence.is_hint]
        if not reply or (self.complete and len(reply) == 1):
            return False
        second_ready = len(reply) > 1 and reply[1].frames > 0 and reply[0].whole
        short = reply[0].expected_frames < SHORT_SENTENCE_FRAMES
        return short and not second_ready and self._short_ticks < NEXT_SENTENCE_WAIT_FRAMES

    def wants_wire(self, *, reply_may_start: bool) -> bool:
        """``take`` would give something: a frame, or the mark of a sentence that became whole late."""
        start = 0
        for position, sentence in enumerate(self.sentences):
            if self.held or not (reply_may_start or sentence.is_hint):
                return False
            start += sentence.frames
            if self._sent < start:
                return True
            if not sentence.whole:
                return False
            if position >= self._marked and sentence.frames:
                return True
        return False

    @property
    def finished(self) -> bool:
        """The caller has heard the end: every mark is back, or the last is a second overdue (C4)."""
        if self.held or not self.complete or not all(s.whole for s in self.sentences):
            return False
        if self.wants_wire(reply_may_start=True):  # a frame, or a mark that is still to be sent
            return False
        return not self._live_marks or self._drained_ticks > MARK_GRACE_FRAMES

    @property
    def nearly_over(self) -> bool:
        """A cut in the last 300 ms is no interruption (D2)."""
        total = sum(sentence.expected_frames for sentence in self.sentences)
        return self.complete and total - self.played <= NEARLY_OVER_FRAMES

    @property
    def at_a_question(self) -> bool:
        """The last sentence of which a third was heard asks something: it may be answered before its end."""
        start = 0
        last = ""
        for sentence in self.sentences:
            if not sentence.is_hint and self.played > start + sentence.expected_frames // 3:
                last = sentence.text
            start += sentence.expected_frames
        return last.rstrip("\"'”׳״) ").endswith("?")

    def heard(self) -> tuple[list[str], str]:
        """The sentences heard in full, and the words of all that was heard (rounded down to a word)."""
        in_full: list[str] = []
        words: list[str] = []
        start = 0
        for sentence in self.sentences:
            length = sentence.expected_frames
            if not sentence.is_hint:
                if sentence.whole and self.played >= start + length:
                    in_full.append(sentence.text)
                words += _heard_words(sentence.text, self.played - start, length)
            start += length
        return in_full, " ".join(words)

    # ---- inside ----

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


def _heard_words(text: str, played: int, length: int) -> list[str]:
    words = text.split()
    if played <= 0 or not length:
        return []
    return words[: len(words) * min(played, length) // length]
