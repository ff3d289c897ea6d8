"""The short form of ``tests.acoustics.study``: the real speech model on generated sound, whole calls."""

import pytest

from tests.acoustics.study import NOISE_DBFS, barge_in, burst_over, dialogue, noise_only
from tests.acoustics.tracks import Track


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


@pytest.mark.parametrize("noise, median_ms", [(None, 80), ("white", 130)])
def test_a_voice_stops_the_agent(noise, median_ms):
    """D1, D2: every one of five voices interrupts; `clear` within 80 ms in quiet, 130 in noise."""
    result = barge_in(noise, tries=5)
    assert result.interrupted == 5
    assert sorted(result.reaction_ms)[2] <= median_ms


@pytest.mark.parametrize("kind", ["cough", "click", "door"])
@pytest.mark.parametrize("over", ["greeting", "reply"])
def test_a_noise_does_not_cost_the_reply(kind, over):
    """D4: the agent goes on within 1.2 s, or was not stopped at all."""
    result = burst_over(kind, over, None, 0.9)
    assert not result.lost
    assert result.resumed_after_ms <= 1200
