"""The caller's side: voice and keys, what the STT made of them, and what is not answered yet."""

from dataclasses import replace

import pytest

from server.audio.endpointing import OnsetThreshold
from server.audio.frames import FrameHeard
from server.audio.segmenter import Ended, Onset, Segmenter
from server.audio.vad import Vad
from server.turns.actions import CancelRecognition, FinishRecognition, StartRecognition
from server.turns.echo import Overlap
from server.turns.effects import Expected
from server.turns.user_turn import UserTurns
from server.turns.utterances import UserTurn, UserUtterance
from tests.audio.timelines import PARAMS as ENDPOINTING

PARAMS = replace(ENDPOINTING, max_speech_frames=50)
LEVELS = {"#": (4000, 0.9), ".": (10, 0.05)}


def side(timeline="", bar=OnsetThreshold.ORDINARY):
    caller = UserTurns(PARAMS, Segmenter(PARAMS, Vad(vad_rms=200, barge_in_rms=300)))
    feed(caller, timeline, bar)
    return caller


def feed(caller, timeline, bar=OnsetThreshold.ORDINARY):
    return [
        heard for mark in timeline for heard in caller.feed(FrameHeard(b"\xff" * 160, *LEVELS[mark]), bar)
    ]


def voice(caller, utterance_id):
    """An utterance whose voice is confirmed."""
    opened = caller.onset(utterance_id, 1, Expected())
    return opened + caller.confirmed(utterance_id, 1, Expected(), overlap=None)


def ended(caller, utterance_id=1, clock=100, in_playout=False):
    return caller.utterance_ended(Ended(utterance_id, 40, 25), clock, in_playout=in_playout)


@pytest.mark.parametrize(
    "timeline, quiet, busy, perhaps, run_on",
    {
        "silence": ("..", True, False, False, False),
        "perhaps a voice": ("###", False, False, True, False),
        "a voice": ("######", False, True, False, False),
        "a voice that ended": ("#" * 10 + "." * 25, True, False, False, False),
        "a voice that ran on": ("#" * 101, False, False, False, True),
        "and is a voice": ("#" * 106, False, True, False, True),
    }.values(),
)
def test_what_is_going_on(timeline, quiet, busy, perhaps, run_on):
    """A4, A6, B6: what the caller is doing decides what we may do."""
    caller = side(timeline)
    assert (caller.quiet, caller.busy, caller.perhaps_speaking, caller.run_on) == (
        quiet,
        busy,
        perhaps,
        run_on,
    )


def test_f5_typing_is_neither_quiet_nor_done():
    """F5: the turn is not over while the caller types."""
    caller = side()
    assert not caller.press("1", None, 5)
    assert (caller.quiet, caller.busy) == (False, True)
    assert caller.press("#", None, 6)
    assert (caller.quiet, caller.busy) == (True, False)


# ---- words


def test_an_utterance_awaits_its_transcript_among_what_is_pending():
    """A6: it belongs to the turn from its end on, its words come later."""
    caller = side()
    expected = Expected(("כן", "לא"))
    assert caller.onset(1, 4, expected) == [StartRecognition(1, 4, expected)]
    assert caller.confirmed(1, 4, expected, overlap=None) == []
    assert ended(caller) == FinishRecognition(1, 25)
    assert caller.pending.segments == [UserUtterance(1, speech_frames=40, ended_at=100)]
    assert caller.pending.said_at == 75
    assert not caller.pending.transcribed
    assert caller.transcribed(1, "שלום", 0.9, 120)
    assert caller.pending.segments[0].text == "שלום"
    assert caller.pending.segments[0].confidence == 0.9


def test_b2_a_transcript_counts_once():
    """B2: nobody waits for a second one, or for that of an unknown utterance."""
    caller = side()
    voice(caller, 1)
    assert not caller.transcribed(2, "לא", None, 120)
    assert caller.transcribed(1, "שלום", None, 120)
    assert not caller.transcribed(1, "אחר", None, 130)
    assert not caller.stt_failed(1, 130)


def test_a_transcript_may_come_before_the_end():
    """A6: it is the utterance's own when it ends."""
    caller = side()
    voice(caller, 1)
    voice(caller, 2)
    ended(caller, 2)
    assert caller.transcribed(2, "שלום", None, 120)
    assert [segment.text for segment in caller.pending.segments] == ["שלום"]


@pytest.mark.parametrize("guesses, text, failed", [([], "", True), (["של", "שלום"], "שלום", False)])
def test_g2_the_last_partial_is_the_transcript(guesses, text, failed):
    """E1, G2: an STT that failed without a guess have heard nothing."""
    caller = side()
    voice(caller, 1)
    ended(caller)
    for guess in guesses:
        caller.guessed(1, guess, 110)
    caller.guessed(5, "של אחר", 110)
    assert caller.stt_failed(1, 120)
    (segment,) = caller.pending.segments
    assert (segment.text, segment.failed, segment.confidence) == (text, failed, None)


def test_g2_stt_that_failed_before_the_end():
    """G2: the utterance is there all the same, as one whose STT failed."""
    caller = side()
    voice(caller, 1)
    assert caller.stt_failed(1, 90)
    ended(caller, clock=100, in_playout=True)
    assert caller.pending.segments == [
        UserUtterance(1, text="", guessed_at=90, failed=True, speech_frames=40, ended_at=100, in_playout=True)
    ]


# ---- STT at the onset


def test_a2_stt_is_opened_once():
    """A2: at the onset; what is confirmed has its STT."""
    caller = side()
    assert voice(caller, 1) == [StartRecognition(1, 1, Expected())]


def test_a5_noise_closes_its_stt():
    """A5: and has no words, whatever may still come."""
    caller = side()
    caller.onset(1, 1, Expected())
    assert caller.was_noise(1) == [CancelRecognition(1)]
    assert caller.was_noise(1) == []
    assert not caller.transcribed(1, "שלום", None, 120)
    assert not caller.stt_failed(1, 120)


def test_a5_after_two_noises_in_a_row_stt_wait_for_a_voice():
    """A5: a noisy line opens no streams time after time; a voice starts the count anew."""
    caller = side()
    for utterance_id in (1, 2):
        assert caller.onset(utterance_id, 1, Expected())
        assert caller.was_noise(utterance_id)
    for utterance_id in (3, 4):
        assert caller.onset(utterance_id, 1, Expected()) == []
        assert caller.was_noise(utterance_id) == []
    expected = Expected(("כן",))
    assert caller.onset(5, 1, Expected()) == []
    assert caller.confirmed(5, 7, expected, overlap=Overlap.DURING_PLAYOUT) == [
        StartRecognition(5, 7, expected)
    ]
    ended(caller, 5)
    assert caller.pending.overlap is Overlap.DURING_PLAYOUT
    assert caller.onset(6, 1, Expected()) == [StartRecognition(6, 1, Expected())]


@pytest.mark.parametrize("overlap", [*Overlap, None])
def test_e3_whether_it_may_be_our_echo_is_known_when_it_is_confirmed(overlap):
    """E3: not at the onset."""
    caller = side()
    caller.onset(1, 1, Expected())
    caller.confirmed(1, 1, Expected(), overlap=overlap)
    ended(caller)
    assert caller.pending.overlap is overlap


# ---- keys


def test_f5_digits_are_the_callers_turn_as_text():
    """F5: said at the last key, and transcribed."""
    caller = side()
    for clock, key in enumerate("123", 10):
        assert caller.press(key, 3, clock) == (key == "3")
    assert caller.pending == UserTurn([UserUtterance(0, text="123", ended_at=12)], said_at=12)


def test_f5_a_pause_ends_the_digits():
    """F5: 2 s after the last."""
    caller = side()
    caller.press("1", None, 10)
    completed = [clock for clock in range(11, 300) if caller.tick_keys(clock)]
    assert completed == [110]
    assert caller.pending.segments[0].text == "1"


def test_f5_a_key_ends_what_was_being_said():
    """F5: the utterance comes before the digits."""
    caller = side("#" * 10)
    heard = caller.interrupt_voice()
    assert isinstance(heard[-1], Ended)
    assert caller.quiet


# ---- turns


def test_a_turn_takes_what_was_pending():
    """B2: one utterance, one answer."""
    caller = side()
    caller.press("#", None, 5)
    taken = caller.take_pending()
    assert [segment.text for segment in taken.segments] == ["#"]
    assert caller.pending == UserTurn()


def test_a6_what_was_said_before_comes_first():
    """A6: a superseded turn's words are joined with what follows."""
    caller = side()
    caller.pending = UserTurn([UserUtterance(2)], said_at=9)
    before = UserTurn([UserUtterance(1, text="אני")], interrupts=True, said_at=5)
    caller.give_back(before)
    assert caller.pending is before
    assert [segment.utterance_id for segment in caller.pending.segments] == [1, 2]
    assert caller.pending.interrupts


def test_e3_the_last_utterance_was_our_own():
    """E3: its level does not stop us again."""
    caller = side("#" * 10 + "." * 25)
    caller.last_was_echo()
    assert feed(caller, "#" * 10, OnsetThreshold.DURING_PLAYOUT) == []
    assert feed(side(), "###", OnsetThreshold.DURING_PLAYOUT) == [Onset(1)]
