"""The short form of ``bench.acoustics``: the real speech model on generated sound, whole calls."""

import pytest

from bench.acoustics.events import KINDS
from bench.acoustics.false_barge_in import Outcome, fate_of, levels_of
from bench.acoustics.pauses import UNFINISHED, Settings, story, tell
from bench.acoustics.speakerphone import Room, forgotten, heard_after, stops_in, voices_over
from bench.acoustics.study import (
    AT_ONCE_S,
    LATER_S,
    NOISE_DBFS,
    SOFT_DBFS,
    barge_in,
    burst_over,
    dialogue,
    noise_only,
)
from bench.acoustics.tracks import Track


@pytest.mark.parametrize("kind", ["white", "car", "hum"])
def test_noise_alone_is_never_answered(kind):
    """A1, A5: 20 s of loud noise: the greeting comes through whole, and nothing is answered."""
    result = noise_only(Track(20).noise(kind, NOISE_DBFS), 20)
    assert (result.utterances, result.answers, result.greeted) == (0, 0, True)


@pytest.mark.parametrize("noise", [None, "car"])
def test_utterances_end_in_noise(noise):
    """A3: five Hebrew lines, noise 10 dB under them: five utterances, five answers."""
    result = dialogue(noise)
    assert (result.utterances, result.answered) == (5, 5)


@pytest.mark.parametrize(
    "noise, early_stop, from_s, median_ms",
    [
        (None, False, LATER_S, 110),
        ("white", False, LATER_S, 300),  # 220 to 280, by what espeak-ng keeps of who spoke before
        (None, False, AT_ONCE_S, 260),
        (None, True, AT_ONCE_S, 80),
        ("white", True, AT_ONCE_S, 130),
    ],
)
def test_a_voice_stops_the_agent(noise, early_stop, from_s, median_ms):
    """D1, D2: every one of five voices interrupts; `clear` within 110 ms in quiet, or 80 stopped early."""
    result = barge_in(noise, tries=5, early_stop=early_stop, from_s=from_s)
    assert result.interrupted == 5
    assert sorted(result.reaction_ms)[2] <= median_ms


def test_a_soft_caller_stops_the_agent():
    """D1: -30 dBFS."""
    result = barge_in(None, tries=5, level_dbfs=SOFT_DBFS)
    assert result.interrupted == 5
    assert sorted(result.reaction_ms)[2] <= 160


@pytest.mark.parametrize("kind", ["cough", "click", "door"])
@pytest.mark.parametrize("over", ["greeting", "reply"])
def test_a_noise_does_not_cost_the_reply(kind, over):
    """D1: the agent is not stopped at all."""
    result = burst_over(kind, over, None, 0.9)
    assert (result.stopped, result.lost) == (False, False)


@pytest.mark.parametrize("over", ["greeting", "reply"])
@pytest.mark.parametrize("noise", ["car", "white"])
def test_sounds_that_are_not_the_caller_do_not_interrupt(noise, over):
    """D1: cough, door, click and a far voice cut nothing."""
    fates = [fate_of(kind, seed, levels_of(kind)[1], noise, over) for kind in KINDS for seed in (0, 4)]
    assert {fate.outcome for fate in fates} == {Outcome.NOT_STOPPED}


@pytest.mark.parametrize("room", [Room(60, -10), Room(150, -15), Room(300, -20)])
def test_our_own_voice_does_not_interrupt_us(room):
    """D1: on a speakerphone the agent speaks to its end; without the learnt level it never gets there."""
    learnt = stops_in(room, seconds=15)
    assert (learnt.interruptions, learnt.a_minute) == (0, 0)
    assert stops_in(room, seconds=15, learns=False).interruptions >= 4


def test_a_caller_is_heard_over_our_echo():
    """D1: the echo raises the bar, and a caller near the phone is above it."""
    reactions = voices_over(Room(150, -15), tries=4)
    assert None not in reactions
    assert sorted(reactions)[2] <= 240


def test_an_echo_is_forgotten_and_does_not_outlast_our_speech():
    """D1: the handset is picked up; and once we are silent a soft caller is heard."""
    known, after = forgotten(Room(60, -10))
    assert known > 1000 > 100 > after
    assert heard_after(Room(60, -10), tries=2) == (2, 0)


def test_an_echo_too_short_for_its_words_is_known_by_dying_with_us():
    """D1, E3: louder than is assumed, it interrupts at most twice."""
    assert stops_in(Room(150, -4), seconds=15).interruptions <= 2


@pytest.mark.parametrize("holds, spoke, gap_ms", [(False, True, 1300), (True, False, 900)])
def test_a_pause_inside_a_sentence(holds, spoke, gap_ms):
    """A7: "… דירה של" holds the turn over a pause of 900 ms, and the real end waits no longer for it.

    A3: without that the caller is cut once, and waited for from then on.
    """
    told = tell(story(UNFINISHED[0], 900), Settings(holds, early=True, providers="50/50/50"))
    assert told.spoke_into_pause is spoke
    assert told.gap_ms is not None and told.gap_ms <= gap_ms
