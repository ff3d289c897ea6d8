"""The same words again: of the caller (E2), of the agent (E4)."""

import pytest

from server.turns.dedup import ReplyDedup
from server.turns.utterances import KEYS, UserTurn, UserUtterance

MIN_CONFIDENCE, WINDOW = 0.35, 700


def said(text, ended_at=0, confidence=None):
    return UserUtterance(1, text=text, confidence=confidence, ended_at=ended_at)


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


@pytest.mark.parametrize(
    "segments, repeat",
    {
        "nothing": ([], False),
        "one": ([said("שלום")], False),
        "the same again": ([said("שלום"), said("שלום!", 100)], True),
        "more behind it": ([said("שלום"), said("שלום", 1), said("אני פה", 2)], False),
        "all of it again": ([said("אני"), said("פה", 1), said("אני פה", 2)], True),
        "no words behind it": ([said("שלום"), said("שלום", 1), said("", 2)], False),
        "after the window": ([said("כן"), said("כן", WINDOW + 1)], False),
        "typed": ([said("7"), UserUtterance(KEYS, text="7", ended_at=1)], False),
    }.values(),
)
def test_e2_a_turn_that_ends_in_a_repeat(segments, repeat):
    """A3, E2: its last utterance said nothing new, aloud."""
    assert UserTurn(segments).ends_in_repeat(MIN_CONFIDENCE, WINDOW) is repeat


def test_e4_only_the_last_reply_counts():
    """E4: a sentence heard in full in the last reply, whatever its punctuation."""
    dedup = ReplyDedup(700)
    assert not dedup.just_said(5, "שלום לך.")
    dedup.reply_heard(5, ["שלום לך.", "מה שלומך?"])
    assert dedup.just_said(5, "שלום לך!") and dedup.just_said(5, "מה שלומך?")
    dedup.reply_heard(9, ["טוב."])
    assert not dedup.just_said(9, "שלום לך.")


@pytest.mark.parametrize("clock, just", [(705, True), (706, False)])
def test_e4_within_the_window(clock, just):
    """E4: DEDUP_WINDOW_SEC from its end; and not again, once a reply was skipped for it."""
    dedup = ReplyDedup(700)
    dedup.reply_heard(5, ["שלום לך."])
    assert dedup.just_said(clock, "שלום לך.") is just
    dedup.may_say_it_again()
    assert not dedup.just_said(clock, "שלום לך.")
