"""A6, E1, E2: utterances that belong together, and what they say together."""

import pytest

from server.turns.turn import UserTurn, UserUtterance

MIN_CONFIDENCE, WINDOW = 0.35, 700


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


@pytest.mark.parametrize(
    "segments, joined",
    {
        "nothing": ([], ("", False)),
        "one": ([said("שלום")], ("שלום", False)),
        "what follows is joined": ([said("אני מחפש"), said("דירה")], ("אני מחפש דירה", False)),
        "the same again": ([said("שלום"), said("שלום!", 100)], ("שלום", True)),
        "the same three times": ([said("כן"), said("כן", 1), said("כן", 2)], ("כן", True)),
        "all of it again": ([said("אני"), said("פה", 1), said("אני פה", 2)], ("אני פה", True)),
        "the last part again": ([said("אני"), said("פה", 1), said("פה", 2)], ("אני פה", True)),
        "an earlier part again": ([said("אני"), said("פה", 1), said("אני", 2)], ("אני פה אני", False)),
        "more than the same": ([said("כן"), said("כן בטח")], ("כן כן בטח", False)),
        "at the end of the window": ([said("כן"), said("כן", WINDOW)], ("כן", True)),
        "after the window": ([said("כן"), said("כן", WINDOW + 1)], ("כן כן", False)),
        "window from the last part kept": ([said("כן", 500), said("כן", 500 + WINDOW)], ("כן", True)),
        "a repeat does not stretch it": (
            [said("כן"), said("כן", WINDOW), said("כן", WINDOW + 1)],
            ("כן כן", True),
        ),
        "empty parts": ([said(""), said("כן"), said(" ")], ("כן", False)),
        "doubtful parts": ([said("לא", confidence=0.1), said("כן", confidence=0.9)], ("כן", False)),
        "two that are empty": ([said(""), said("")], ("", False)),
        "punctuation alone": ([said("?"), said("?", 1)], ("?", True)),
    }.values(),
)
def test_e2_joined_words_without_repeats(segments, joined):
    """A6, E2: one answer; words equal to the pending ones within DEDUP_WINDOW_SEC are dropped."""
    assert UserTurn(segments).join(MIN_CONFIDENCE, WINDOW) == joined


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
    turn = UserTurn([said("", speech_frames=5, during_playout=True), said("", speech_frames=7, failed=True)])
    assert (turn.speech_frames, turn.failed, turn.all_during_playout) == (12, True, False)
    turn = UserTurn([said("", during_playout=True), said("", during_playout=True)])
    assert (turn.speech_frames, turn.failed, turn.all_during_playout) == (0, False, True)
