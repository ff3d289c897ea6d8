"""The agent's fixed lines."""

from server.core import lines


def test_e1_wording_varies_and_every_third_offers_a_person():
    """E1: no two clarifications in a row are the same; after three in a row a call back is offered."""
    asked = [lines.unclear(times) for times in range(1, 10)]
    assert asked[0] == "אפשר לנסח שוב במשפט קצר?"
    assert [line == lines.OFFER_CALL_BACK for line in asked] == [False, False, True] * 3
    assert all(before != after for before, after in zip(asked, asked[1:], strict=False))


def test_e4_nothing_new_to_say_has_two_wordings():
    """E4: the line of the contract, then another."""
    said = [lines.already_said(turn) for turn in range(4)]
    assert said[0] == said[2] == "הבנתי. תרצה שאפרט או להתקדם?"
    assert said[1] == said[3] != said[0]


def test_all_lines_are_worth_making_before_the_first_call():
    """B5, B6: greeting and hint too, unless they are off."""
    made = lines.all_lines("שלום", "רגע")
    spoken = {lines.unclear(n) for n in range(1, 7)} | {lines.already_said(n) for n in range(4)}
    assert set(made) == {
        "שלום",
        "רגע",
        *spoken,
        lines.MIND_FAILED,
        lines.MIND_FAILED_AGAIN,
        lines.APOLOGY,
        lines.BUSY,
    }
    assert set(made) - set(lines.all_lines("", " ")) == {"שלום", "רגע"}
    assert all(line.strip() for line in lines.all_lines("", " "))


def test_g2_a_mind_that_keeps_failing_is_not_the_same_line_for_ever():
    """G2: another line, then the call back, and so on."""
    said = [lines.mind_failed(n) for n in range(1, 5)]
    assert said == [lines.MIND_FAILED, lines.MIND_FAILED_AGAIN, lines.OFFER_CALL_BACK, lines.MIND_FAILED]
