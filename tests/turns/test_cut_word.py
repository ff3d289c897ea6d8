"""D4: where a sentence that was cut goes on."""

import pytest

from server.turns.cut_word import LEAST_HEARD_FRAMES, SEARCH_FRAMES, last_word_begins

TEXT = "שלוש אחת ארבע שתיים חמש תשע"
FRAMES = 5 * len(TEXT)  # each letter is 100 ms
LOUD, HUSHED, QUIET = b"\x0a" * 160, b"\x50" * 160, b"\xff" * 160


def voice(quiet_at=(), hushed_at=(), frames=FRAMES):
    """Audio that is loud but for these frames."""
    marked = dict.fromkeys(hushed_at, HUSHED) | dict.fromkeys(quiet_at, QUIET)
    return b"".join(marked.get(n, LOUD) for n in range(frames))


def letters_before(word):
    return 5 * TEXT.index(word)


@pytest.mark.parametrize(
    ("heard", "goes_on"),
    [
        (49, 0),
        (letters_before("שתיים") - 4, "ארבע"),
        (letters_before("שתיים") + 5, "שתיים"),
        (letters_before("תשע"), "חמש"),
        (FRAMES, "תשע"),
        (FRAMES + 1, 0),
    ],
)
def test_d4_from_the_word_that_was_being_said_by_its_letters(heard, goes_on):
    """D4: and from its start when under a second of it was heard, or nobody knows how much."""
    assert LEAST_HEARD_FRAMES == 50
    assert last_word_begins(TEXT, voice(), heard) == (letters_before(goes_on) if goes_on else 0)


@pytest.mark.parametrize("away", [-SEARCH_FRAMES, -2, 0, 3, SEARCH_FRAMES])
def test_d4_no_word_is_cut_in_two(away):
    """D4: the voice pauses a little before or behind where the letters say."""
    begins = letters_before("שתיים")
    assert last_word_begins(TEXT, voice(quiet_at=[begins + away]), begins + 15) == begins + away


def test_d4_the_nearest_pause_counts_and_else_the_lowest_voice():
    """D4: one further away is another word's."""
    begins = letters_before("שתיים")
    heard = begins + 15
    assert last_word_begins(TEXT, voice(quiet_at=[begins - 6, begins + 2]), heard) == begins + 2
    assert last_word_begins(TEXT, voice(quiet_at=[begins - SEARCH_FRAMES - 1]), heard) == begins
    assert last_word_begins(TEXT, voice(hushed_at=[begins + 4]), heard) == begins + 4


def test_d4_nothing_that_was_not_heard_is_left_out():
    """D4: it never goes on behind the cut."""
    begins = letters_before("שתיים")
    assert last_word_begins(TEXT, voice(quiet_at=[begins + 6]), begins + 5) == begins


@pytest.mark.parametrize(("text", "audio"), [("", voice()), ("שלום", voice()), (TEXT, b"")])
def test_d4_without_words_or_audio_there_is_only_the_start(text, audio):
    assert last_word_begins(text, audio, 60) == 0
