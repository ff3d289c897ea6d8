"""D4: the end of what is said over the agent's voice."""

import pytest

from server.audio.endpointing import BRIEF_FRAMES, Closing, Endpointer, OnsetThreshold
from tests.audio.timelines import CLOSING, ENDED, PARAMS, PAUSED, SHORT_CLOSING, follow

OVER_PLAYOUT, ELSE = OnsetThreshold.DURING_PLAYOUT, OnsetThreshold.ORDINARY
HANGOVER = PARAMS.hangover_frames


def ends_after(voice_frames, *, bar=OVER_PLAYOUT, closing=Closing.ORDINARY):
    """Frames of silence that end so long a voice, and whether it was heard to pause before."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * voice_frames, bar=bar)
    endpointer.close_after(closing)
    found = follow(endpointer, "." * 100, bar=bar)
    assert found[-1][1] is ENDED
    return found[-1][0], (HANGOVER, PAUSED) in found


@pytest.mark.parametrize(
    ("frames", "bar", "silence"),
    [
        (BRIEF_FRAMES, OVER_PLAYOUT, HANGOVER),
        (BRIEF_FRAMES + 1, OVER_PLAYOUT, SHORT_CLOSING),
        (70, OVER_PLAYOUT, CLOSING),
        (BRIEF_FRAMES, ELSE, SHORT_CLOSING),
    ],
)
def test_d4_half_a_second_over_the_agents_voice_needs_no_silence_of_a_turn(frames, bar, silence):
    """D4, A3: whatever its words; a longer one, or one while the agent is silent, does."""
    assert ends_after(frames, bar=bar) == (silence, silence > HANGOVER)


@pytest.mark.parametrize("frames", [15, 40, 80])
def test_d4_nods_need_none_however_long_they_are(frames):
    assert ends_after(frames, closing=Closing.NOD) == (HANGOVER, False)


@pytest.mark.parametrize(
    ("closing", "silence"),
    [(Closing.HELD, SHORT_CLOSING + PARAMS.hold_frames), (Closing.RELEASED, HANGOVER + 9)],
)
def test_a7_words_that_hold_or_release_a_turn_do_so_over_the_agents_voice_too(closing, silence):
    """A7: a request to wait is never an end."""
    assert ends_after(BRIEF_FRAMES, closing=closing)[0] == silence


def test_d4_a_voice_that_goes_on_behind_its_pause_is_brief_no_more():
    """D4: all that it has lasted counts."""
    endpointer = Endpointer(PARAMS)
    found = follow(
        endpointer, "#" * 20 + "." * (HANGOVER - 1) + "#" * 10 + "." * SHORT_CLOSING, bar=OVER_PLAYOUT
    )
    assert found[-1] == (20 + HANGOVER - 1 + 10 + SHORT_CLOSING, ENDED)
