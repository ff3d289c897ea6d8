"""A6, E1: utterances that belong together, and what is known of all of them."""

import pytest

from server.turns.utterances import UserTurn, UserUtterance

MIN_CONFIDENCE = 0.35


def said(text, ended_at=0, confidence=None, **more):
    return UserUtterance(1, text=text, confidence=confidence, ended_at=ended_at, **more)


@pytest.mark.parametrize(
    "segment, words",
    [
        (said("שלום"), "שלום"),
        (said("  שלום "), "שלום"),
        (said("שלום", confidence=0.35), "שלום"),
        (said("שלום", confidence=0.34), ""),
        (said("שלום", confidence=0.0), ""),
        (said(""), ""),
        (said(None), ""),
    ],
)
def test_e1_uncertain_words_are_none(segment, words):
    """E1: below ASR_MIN_CONFIDENCE; an STT that do not say how sure they are are believed."""
    assert segment.clear_text(MIN_CONFIDENCE) == words


def test_transcribed_when_the_stt_have_said_all():
    """A6: an empty transcript is one."""
    assert UserTurn([said("כן"), said("")]).transcribed
    assert not UserTurn([said("כן"), said(None)]).transcribed


@pytest.mark.parametrize(
    "segments, empty",
    [([], True), ([said(None), said(" ")], True), ([said(""), said("לא", confidence=0.0)], False)],
)
def test_e1_a_doubtful_word_is_a_word(segments, empty):
    """E1: something was said."""
    assert UserTurn(segments).empty is empty


def test_a_turn_is_the_sum_of_its_parts():
    """E1, D4: speech adds up; failed if one did, over us if all were."""
    turn = UserTurn([said("", speech_frames=5, in_playout=True), said("", speech_frames=7, failed=True)])
    assert (turn.speech_frames, turn.failed, turn.all_in_playout) == (12, True, False)
    turn = UserTurn([said("", in_playout=True), said("", in_playout=True)])
    assert (turn.speech_frames, turn.failed, turn.all_in_playout) == (0, False, True)
