"""How often the LLM may be asked in a call."""

from hypothesis import given
from hypothesis import strategies as st

from server.turns.llm_allowance import AT_ONCE, EVERY_FRAMES, KEPT_FOR_TURNS, Allowance
from tests.turns.scene import think


@given(st.lists(st.integers(0, 3 * EVERY_FRAMES), max_size=80))
def test_never_more_than_the_bucket_and_nobody_waits_longer_than_one_drop(pauses: list[int]) -> None:
    """Whatever brings the questions about, and however they come."""
    allowance, clock, asked, since = Allowance(), 0, 0, 0
    for turn_id, frames in enumerate(pauses):
        for _ in range(frames):
            clock += 1
            if allowance.due(turn_id - 1, clock):
                asked += 1
                assert clock - since <= EVERY_FRAMES
        since = clock
        asked += allowance.pass_on(think(turn_id, "שלום"), clock)
        assert asked <= AT_ONCE + clock / EVERY_FRAMES + 1e-6


def test_what_waits_is_the_last_question_and_is_forgotten_with_its_turn() -> None:
    allowance = Allowance()
    assert all(allowance.pass_on(think(1, "שלום"), 0) for _ in range(AT_ONCE))
    assert not allowance.pass_on(think(1, "ראשונה"), 0) and not allowance.pass_on(think(1, "שנייה"), 1)
    assert allowance.due(1, EVERY_FRAMES - 2) is None
    assert allowance.due(1, EVERY_FRAMES) == think(1, "שנייה") and allowance.due(1, 9 * EVERY_FRAMES) is None
    for _ in range(AT_ONCE):
        allowance.pass_on(think(2, "שלום"), 9 * EVERY_FRAMES)
    assert allowance.due(3, 99 * EVERY_FRAMES) is None and allowance.due(2, 99 * EVERY_FRAMES) is None


def test_b3_guesses_go_first() -> None:
    """B3: what is left is for what the caller has said to its end."""
    allowance = Allowance()
    while allowance.may_guess(0):
        allowance.pass_on(think(1, "שלום"), 0)
    assert all(allowance.pass_on(think(1, "שלום"), 0) for _ in range(KEPT_FOR_TURNS))
    assert not allowance.pass_on(think(1, "שלום"), 0)
