"""The caller's side of the call: voice and keys, what the ears made of them, and what is not answered yet."""

from server.core.conversation import Expected
from server.core.endpointing import Bar, EndpointingParams, Phase
from server.core.events import Action, CloseEars, DropEars, FrameHeard, OpenEars
from server.core.hearing import Ended, Heard, Hearing
from server.core.keypad import Keypad
from server.core.turn import CallerTurn, Segment
from server.core.vad import Judges

MAX_NOISES = 2  # in a row; then ears are opened only for a voice that is confirmed


class CallerSide:
    """Collects utterances and keys into ``pending`` until a turn takes them. Not thread-safe."""

    def __init__(self, params: EndpointingParams, judges: Judges) -> None:
        self.pending = CallerTurn()  # said and not answered, while no turn of it runs
        self._hearing = Hearing(params, judges)
        self._keypad = Keypad()
        self._spoken: dict[int, Segment] = {}  # utterances that are not over
        self._unheard: dict[int, Segment] = {}  # utterances whose transcript is still to come
        self._noises_in_a_row = 0

    # ---- what is going on ----

    @property
    def quiet(self) -> bool:
        """Nothing is heard that is or may become an utterance, and no key was pressed of late."""
        return self._hearing.phase is Phase.IDLE and not self._keypad.typing

    @property
    def busy(self) -> bool:
        """The caller is speaking or typing: what is pending is not complete."""
        return self._hearing.phase is Phase.CONFIRMED or self._keypad.typing

    @property
    def perhaps_speaking(self) -> bool:
        """Something is heard that may turn out to be a voice."""
        return self._hearing.unconfirmed

    @property
    def run_on(self) -> bool:
        """The voice heard now ran through the end of its turn and has not paused since (A4)."""
        return self._hearing.run_on

    # ---- voice ----

    def feed(self, frame: FrameHeard, bar: Bar) -> list[Heard]:
        """Account for one frame of the caller's line."""
        return self._hearing.feed(frame, bar)

    def onset(self, utterance_id: int, turn_number: int, expected: Expected) -> list[Action]:
        """Perhaps a voice: its ears are set up while it is judged, unless it was noise time after time."""
        if self._noises_in_a_row >= MAX_NOISES:
            return []
        return self._open_ears(utterance_id, turn_number, expected)

    def confirmed(
        self, utterance_id: int, turn_number: int, expected: Expected, *, near_us: bool
    ) -> list[Action]:
        """A voice: its words are wanted."""
        self._noises_in_a_row = 0
        opened = utterance_id in self._spoken
        actions = [] if opened else self._open_ears(utterance_id, turn_number, expected)
        self._spoken[utterance_id].near_us = near_us
        return actions

    def was_noise(self, utterance_id: int) -> list[Action]:
        """No voice: it has no words."""
        self._noises_in_a_row += 1
        self._unheard.pop(utterance_id, None)
        return [DropEars(utterance_id)] if self._spoken.pop(utterance_id, None) else []

    def _open_ears(self, utterance_id: int, turn_number: int, expected: Expected) -> list[Action]:
        self._spoken[utterance_id] = self._unheard[utterance_id] = Segment(utterance_id)
        return [OpenEars(utterance_id, turn_number, expected)]

    def utterance_ended(self, ended: Ended, clock: int, *, over_us: bool) -> CloseEars:
        """It awaits its transcript among what is pending."""
        segment = self._spoken.pop(ended.utterance_id)
        segment.speech_frames, segment.ended_at = ended.speech_frames, clock
        segment.over_us = over_us
        self.pending.segments.append(segment)
        self.pending.said_at = clock - ended.silence_frames
        return CloseEars(ended.utterance_id, ended.silence_frames)

    def last_was_echo(self) -> None:
        """The last utterance was our own voice coming back."""
        self._hearing.last_was_echo()

    # ---- keys ----

    def tick_keys(self, clock: int) -> bool:
        """One frame has passed; True when it completed what was typed (a pause)."""
        return self._typed(self._keypad.tick(), clock)

    def interrupt_voice(self) -> list[Heard]:
        """A key was pressed: what was being said is over (F5)."""
        return self._hearing.end_now()

    def key_is_late(self, key: str) -> bool:
        """A ``#`` behind keys that were complete without it."""
        return self._keypad.is_late(key)

    def press(self, key: str, expected_digits: int | None, clock: int) -> bool:
        """Take a key; True when it completed what was typed."""
        return self._typed(self._keypad.press(key, expected_digits), clock)

    def _typed(self, keys: str | None, clock: int) -> bool:
        if keys is None:
            return False
        self.pending.segments.append(Segment(0, text=keys, ended_at=clock))
        self.pending.said_at = clock
        return True

    # ---- words ----

    def guessed(self, utterance_id: int, text: str) -> None:
        """A partial transcript."""
        if utterance_id in self._unheard:
            self._unheard[utterance_id].guess = text

    def transcribed(self, utterance_id: int, text: str, confidence: float | None) -> bool:
        """The whole transcript; False when nobody waits for it."""
        segment = self._unheard.pop(utterance_id, None)
        if segment is None:
            return False
        segment.text, segment.confidence = text, confidence
        return True

    def ears_failed(self, utterance_id: int) -> bool:
        """The last partial is the transcript (G2); False when nobody waits for it."""
        segment = self._unheard.get(utterance_id)
        if segment is None:
            return False
        segment.failed = not segment.guess
        return self.transcribed(utterance_id, segment.guess, None)

    # ---- turns ----

    def take_pending(self) -> CallerTurn:
        """A turn answers what was pending."""
        taken, self.pending = self.pending, CallerTurn()
        return taken

    def give_back(self, caller: CallerTurn) -> None:
        """A turn was superseded: what it was to answer comes before what is pending (A6)."""
        caller.segments += self.pending.segments
        self.pending = caller
