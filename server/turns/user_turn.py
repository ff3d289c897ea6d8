"""The caller's side of the call: voice and keys, what the STT made of them, and what is not answered yet."""

from dataclasses import replace

from server.audio.endpointing import (
    SHORT_SPEECH_FRAMES,
    Closing,
    EndpointingParams,
    Phase,
)
from server.audio.frames import FRAME_MS
from server.audio.segmenter import Ended, Heard, Segmenter
from server.hebrew.understand.finished import Ending, ending_of
from server.hebrew.words import normalise
from server.turns.actions import (
    Action,
    CancelRecognition,
    Decided,
    FinishRecognition,
    ResumeRecognition,
    StartRecognition,
)
from server.turns.dtmf import DtmfCollector
from server.turns.echo import Overlap
from server.turns.effects import Expected
from server.turns.utterances import KEYS, UserTurn, UserUtterance

CLOSING = {
    Ending.UNFINISHED: Closing.HELD,
    Ending.OPEN: Closing.ORDINARY,
    Ending.FINISHED: Closing.RELEASED,
}
GUESS_LAG_FRAMES = 10  # 200 ms behind the voice, or more, an STT's interim transcripts come
MAX_NOISES = 2  # in a row; then recognition starts only for a voice that is confirmed


class UserTurns:
    """Collects utterances and keys into ``pending`` until a turn takes them. Not thread-safe."""

    def __init__(self, params: EndpointingParams, segmenter: Segmenter) -> None:
        self.pending = UserTurn()  # said and not answered, while no turn of it runs
        self.stt_guesses = False  # an interim transcript has come in this call
        self._params = params
        self._segmenter = segmenter
        self.feed = segmenter.feed  # a frame of the caller's line
        self._settled_frames = params.hangover_frames + GUESS_LAG_FRAMES
        self._keypad = DtmfCollector()
        self._spoken: dict[int, UserUtterance] = {}  # utterances that are not over
        self._unheard: dict[int, UserUtterance] = {}  # utterances whose transcript is still to come
        self._noises_in_a_row = 0
        self._waits_behind: str | None = None  # words that the LLM has found unfinished (A7)

    # ---- what is going on ----

    @property
    def quiet(self) -> bool:
        """Nothing is heard that is or may become an utterance, and no key was pressed of late."""
        return self._segmenter.phase is Phase.IDLE and not self._keypad.typing

    @property
    def busy(self) -> bool:
        """The caller is speaking or typing, or has just typed: what is pending is not complete."""
        rests = self._keypad.resting and self.pending.has_keys
        return self._segmenter.phase is Phase.CONFIRMED or self._keypad.typing or rests

    @property
    def perhaps_speaking(self) -> bool:
        """Something is heard that may turn out to be a voice."""
        return self._segmenter.unconfirmed

    @property
    def run_on(self) -> bool:
        """The voice heard now ran through the end of its turn and has not paused since (A4)."""
        return self._segmenter.run_on

    @property
    def utterance_id(self) -> int:
        """The utterance being heard, or the last one."""
        return self._segmenter.utterance_id

    @property
    def voice_frames(self) -> int:
        """From the onset to the last voice of the utterance being heard; 0 for none that is confirmed."""
        return self._segmenter.voice_frames

    @property
    def counts_keys(self) -> bool:
        """The next frames matter for what is typed, or was."""
        return self._keypad.counts

    # ---- voice ----

    def playout_stopped(self) -> None:
        """For the utterance being heard: its echo, if it is one, ends soon."""
        self._segmenter.playout_stopped()

    def onset(self, utterance_id: int, turn_number: int, expected: Expected) -> list[Action]:
        """Perhaps a voice: recognition starts while it is judged, unless it was noise time after time."""
        if self._noises_in_a_row >= MAX_NOISES:
            return []
        return self._start_recognition(utterance_id, turn_number, expected)

    def confirmed(
        self, utterance_id: int, turn_number: int, expected: Expected, overlap: Overlap | None
    ) -> list[Action]:
        """A voice: its words are wanted."""
        self._noises_in_a_row = 0
        opened = utterance_id in self._spoken
        actions = [] if opened else self._start_recognition(utterance_id, turn_number, expected)
        self._spoken[utterance_id].confirmed(overlap)
        return actions

    def was_noise(self, utterance_id: int) -> list[Action]:
        """No voice: it has no words."""
        self._noises_in_a_row += 1
        self._unheard.pop(utterance_id, None)
        return [CancelRecognition(utterance_id)] if self._spoken.pop(utterance_id, None) else []

    def _start_recognition(self, utterance_id: int, turn_number: int, expected: Expected) -> list[Action]:
        self._spoken[utterance_id] = self._unheard[utterance_id] = UserUtterance(utterance_id)
        return [StartRecognition(utterance_id, turn_number, expected)]

    def utterance_ended(self, ended: Ended, clock: int, *, in_playout: bool) -> FinishRecognition:
        """It awaits its transcript among what is pending."""
        segment = self._spoken.pop(ended.utterance_id)
        segment.ended(ended.speech_frames, clock, in_playout=in_playout)
        said_at = clock - ended.silence_frames
        self.pending.add(segment, said_at, over_at=said_at + self._least_silence(ended))
        # A turn that was held (A7) leaves the STT as long for their transcript as any other.
        ordinary = self._params.hangover_frames + self._params.silence_frames
        return FinishRecognition(ended.utterance_id, min(ended.silence_frames, ordinary))

    def _least_silence(self, ended: Ended) -> int:
        """Frames behind the voice without an answer: what was closed as a nod may still be more (D4)."""
        params, silence = self._params, ended.silence_frames
        nod = silence <= max(1, params.hangover_frames) and ended.speech_frames < params.max_speech_frames
        return params.hangover_frames + params.short_silence_frames if nod else silence

    def why_ended(self, ended: Ended) -> Decided:
        """A3, A4: its silence was enough."""
        params, silence = self._params, ended.silence_frames
        why = f"{silence * FRAME_MS} ms of silence"
        if ended.speech_frames >= params.max_speech_frames:
            return Decided("A4", "ended", why)
        if ended.closing is not Closing.ORDINARY:
            return Decided("A3", ended.closing.value, why)
        short = ended.speech_frames <= SHORT_SPEECH_FRAMES
        least = params.hangover_frames + (params.short_silence_frames if short else params.silence_frames)
        if silence > least:
            return Decided("A3", "late", f"{why}, at least {least * FRAME_MS}")
        return Decided("A3", "ended" if silence == least else "brief", why)

    def guess_of(self, utterance_id: int) -> str:
        """What the STT has so far of one whose transcript is still to come."""
        return self._unheard[utterance_id].guess if utterance_id in self._unheard else ""

    def last_was_echo(self) -> None:
        """The last utterance was the agent's voice coming back."""
        self._segmenter.last_was_echo()

    def last_had_words(self, *, of_the_caller: bool) -> None:
        """The last utterance began during playout; its words are the caller's own, or not."""
        self._segmenter.last_had_words(of_the_caller=of_the_caller)

    def last_said_again(self) -> None:
        """The last utterance was the same words again (E2)."""
        self._segmenter.last_said_again()

    # ---- keys ----

    def tick_keys(self, clock: int) -> bool:
        """One frame has passed; True when it completed what was typed (a pause), or the keypad has rested."""
        rested = self._keypad.resting
        typed = self._typed(self._keypad.tick(), clock)
        return typed or (rested and not self._keypad.resting and self.pending.has_keys)

    def interrupt_voice(self) -> list[Heard]:
        """A key was pressed: what was being said is over (F5)."""
        return self._segmenter.end_now()

    def key_is_late(self, key: str) -> bool:
        """A ``#`` behind keys that were complete without it."""
        return self._keypad.is_late(key)

    def press(self, key: str, expected_digits: int | None, clock: int) -> bool:
        """Take a key; True when it completed what was typed."""
        return self._typed(self._keypad.press(key, expected_digits), clock)

    def end_now(self, clock: int) -> list[Heard]:
        """The call is over, and with it what was being said or typed."""
        self._typed(self._keypad.take(), clock)
        return self._segmenter.end_now()

    def _typed(self, keys: str | None, clock: int) -> bool:
        if not keys:
            return False
        self.pending.add(UserUtterance(KEYS, text=keys, ended_at=clock), said_at=clock)
        return True

    # ---- words ----

    def guessed(self, utterance_id: int, text: str, clock: int, *, ends: bool = False) -> None:
        """A partial transcript. ``ends``: the STT finds that a turn may end with it."""
        # Where it pauses, an STT without interim transcripts may have been asked for the words so far (B3).
        speaks = utterance_id in self._spoken and not self.pending.asked_so_far
        self.stt_guesses = self.stt_guesses or speaks
        if utterance_id in self._unheard:
            self._unheard[utterance_id].guessed(text, clock, ends=ends)

    def close_by_words(self, utterance_id: int, expected: Expected) -> Ending:
        """A7: the words so far of an utterance that is not over say how much silence ends it.

        They are the last of all that is not answered yet: a number may be said in three breaths.
        """
        segment = self._spoken.get(utterance_id)
        if segment is None:
            return Ending.OPEN
        known = normalise(segment.guess) == self._waits_behind
        whole = f"{self.pending.so_far} {segment.guess}" if segment.guess else ""
        ending = (
            Ending.UNFINISHED if known else ending_of(whole, expected.digits, stt_ends=segment.guess_ends)
        )
        self._segmenter.close_after(CLOSING[ending])
        return ending

    def close_behind_nods(self) -> None:
        """D4: the words so far of an utterance that is not over only show a listener."""
        self._segmenter.close_after(Closing.NOD)

    def hold(self) -> None:
        """A7: the LLM says that the caller, who pauses, has not finished."""
        self.pending.found_unfinished()
        for segment in self._spoken.values():
            self._waits_behind = normalise(segment.guess) or None
        self._segmenter.close_after(Closing.HELD)

    def guess_settles(self, clock: int) -> bool:
        """Now the caller has paused for so long that a guess from before the pause may be all there is."""
        segment = self._spoken.get(self.utterance_id)
        waited = segment is not None and segment.guessed_at < clock - self._settled_frames
        return waited and self._segmenter.paused_for == self._settled_frames

    def guess_settles_at(self, clock: int) -> int:
        """Frame clock at which the pause will have lasted for so long; not later than now for none."""
        paused_for = self._segmenter.paused_for
        return clock + self._settled_frames - paused_for if paused_for else clock

    def settled(self, caller: UserTurn, clock: int) -> bool:
        """Of a turn that is over the STT has words behind its last voice, or no new ones for long enough."""
        waited = clock - caller.said_at >= self._settled_frames
        unheard = [one for one in caller.segments if one.text is None]
        return all(one.guess and (waited or one.guessed_at > caller.said_at) for one in unheard)

    def settles(self, caller: UserTurn, clock: int) -> bool:
        """It is now that it has waited for long enough."""
        return not caller.transcribed and clock == self.settles_at(caller)

    def settles_at(self, caller: UserTurn) -> int:
        """Frame clock at which it has."""
        return caller.said_at + self._settled_frames

    def said_so_far(self, utterance_id: int, clock: int) -> UserTurn | None:
        """B3: all that would be answered were the pause its end; None while that is not known.

        A guess from before the pause mostly lacks the last words: it is waited for a newer one.
        """
        segment, paused_for = self._spoken.get(utterance_id), self._segmenter.paused_for
        if segment is None or not paused_for or not self.pending.transcribed:
            return None
        if segment.guessed_at < clock - paused_for and paused_for < self._settled_frames:
            return None
        return self.guessed_so_far(utterance_id)

    def said_over(self) -> UserTurn:
        """The same, where all of it is said over the agent's voice."""
        said = self.guessed_so_far(self.utterance_id)
        return replace(said, segments=[replace(one, in_playout=True) for one in said.segments])

    def guessed_so_far(self, utterance_id: int) -> UserTurn:
        """All that is not answered yet, as the STT has it now."""
        spoken = [one for number, one in self._spoken.items() if number == utterance_id]
        return replace(self.pending, segments=[*self.pending.segments, *spoken]).as_guessed()

    def transcribed(self, utterance_id: int, text: str, confidence: float | None, clock: int) -> bool:
        """The whole transcript, or at a pause what may be all of it; False when nobody waits for it."""
        segment = self._unheard.pop(utterance_id, None)
        if segment is None:
            return False
        segment.transcribed(text, confidence, clock)
        return True

    def goes_on(self, utterance_id: int) -> ResumeRecognition:
        """The pause was not the end: what was heard until then is a guess."""
        segment = self._spoken[utterance_id]
        segment.goes_on()
        self._unheard[utterance_id] = segment
        return ResumeRecognition(utterance_id)

    def stt_failed(self, utterance_id: int, clock: int) -> bool:
        """The last partial is the transcript (G2); False when nobody waits for it."""
        segment = self._unheard.pop(utterance_id, None)
        if segment is None:
            return False
        segment.stt_failed(clock)
        return True

    # ---- turns ----

    def take_pending(self) -> UserTurn:
        """A turn answers what was pending."""
        taken, self.pending = self.pending, UserTurn()
        if taken.has_keys:
            self._keypad.answered()
        self._waits_behind = None
        return taken

    def guesses_are_all(self, clock: int) -> None:
        """No transcript is waited for any more: the last partials are what was said."""
        for utterance_id in tuple(self._unheard):
            self.stt_failed(utterance_id, clock)

    def give_back(self, caller: UserTurn) -> None:
        """A turn was superseded: what it was to answer comes before what is pending (A6)."""
        caller.goes_on_with(self.pending)
        self.pending = caller
