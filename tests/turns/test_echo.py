"""E3: the agent's own words of late, come back over the line."""

import pytest

from server.turns.echo import Echo, Overlap

SAID = "אפשר לעזור לך היום במשהו נוסף"


@pytest.mark.parametrize("clock, echo", [(100, True), (800, True), (801, False)])
def test_e3_echo_within_the_window(clock, echo):
    """E3: DEDUP_WINDOW_SEC from the end of our words."""
    spoken = Echo(700)
    spoken.spoke(100, SAID)
    assert spoken.is_echo(clock, "לעזור לך היום", overlap=Overlap.DURING_PLAYOUT) is echo


def test_e3_echo_may_span_two_lines_of_ours():
    """E3: what we said in a row comes back in a row."""
    spoken = Echo(700)
    spoken.spoke(100, "שלום, איך אפשר")
    spoken.spoke(200, "לעזור לך היום")
    assert spoken.is_echo(300, "איך אפשר לעזור לך", overlap=Overlap.DURING_PLAYOUT)
    assert not spoken.is_echo(850, "איך אפשר לעזור לך", overlap=Overlap.DURING_PLAYOUT)


CHOICE = "לשלוח את החשבונית למייל או בדואר?"


@pytest.mark.parametrize(
    "text, overlap, echo",
    [
        ("לשלוח את החשבונית לאימייל או בדואר", Overlap.DURING_PLAYOUT, True),
        ("את החשבונית למייל", Overlap.DURING_PLAYOUT, False),
        ("או בדואר בבקשה", Overlap.DURING_PLAYOUT, False),
        ("את החשבונית לאימייל או בדואר", None, False),
    ],
)
def test_e3_both_things_offered_are_no_choice(text, overlap, echo):
    """E3: during playout; who says one of them has chosen, and later only a whole sentence is ours."""
    spoken = Echo(700)
    spoken.spoke(100, CHOICE)
    assert spoken.is_echo(100, text, overlap=overlap) is echo


@pytest.mark.parametrize(
    "text, overlap, echo",
    [
        ("מעבירה אותך לנציג שרות נא להמתין", Overlap.DURING_PLAYOUT, True),
        ("נא להמתין על הקו", Overlap.DURING_PLAYOUT, False),  # few words
        ("לא מעבירה אותך לנציג שירות נא להמתין", Overlap.DURING_PLAYOUT, False),
        ("מעבירה אותך לנציג שרות נא להמתין", None, False),
    ],
)
def test_e3_an_interrupt_word_in_many_words_of_ours_is_ours(text, overlap, echo):
    """E3, D4: each word must be; a few are as likely the caller's."""
    spoken = Echo(700)
    spoken.spoke(100, "אני מעבירה אותך לנציג שירות, נא להמתין על הקו")
    assert spoken.is_echo(100, text, overlap=overlap, interrupts=True) is echo


def test_b6_never_spoke_until_a_word_was_heard():
    """B6: a greeting of which nothing was heard is still owed."""
    spoken = Echo(700)
    assert spoken.never_spoke
    spoken.spoke(10, "")
    assert spoken.never_spoke
    spoken.spoke(10, "שלום")
    assert not spoken.never_spoke


def test_what_was_said_is_bounded():
    """A long call forgets its first lines."""
    spoken = Echo(10_000)
    for line in ("אחת שתיים שלוש", *["ארבע חמש שש"] * 7):
        spoken.spoke(0, line)
    assert spoken.is_echo(0, "אחת שתיים שלוש", overlap=Overlap.DURING_PLAYOUT)
    spoken.spoke(0, "שבע שמונה תשע")
    assert not spoken.is_echo(0, "אחת שתיים שלוש", overlap=Overlap.DURING_PLAYOUT)


@pytest.mark.parametrize(
    "overlap, text, echo",
    [
        (Overlap.DURING_PLAYOUT, "אפשר לעזור לך", True),
        (Overlap.JUST_AFTER, "אפשר לעזור לך", False),
        (Overlap.JUST_AFTER, "היום במשהו נוסף", True),
        (None, "לעזור לך היום", False),
        (None, SAID, True),
        (None, "שלום, " + SAID, False),
    ],
)
def test_e3_later_only_a_whole_sentence_is_our_echo(overlap, text, echo):
    """E3: who takes up what we have offered is the caller."""
    spoken = Echo(700)
    spoken.spoke(100, SAID)
    assert spoken.is_echo(200, text, overlap=overlap) is echo


def test_e3_a_reply_that_goes_on_is_known_as_far_as_it_was_heard():
    """D1, E3: while a voice lowers it; its end, or more of it, takes the place of that."""
    spoken = Echo(700)
    spoken.spoke(50, "שלום לך")
    spoken.speaking(100, "אפשר לעזור לך")
    assert spoken.last_words == "אפשר לעזור לך"
    assert spoken.is_echo(100, "אפשר לעזור לך", overlap=Overlap.DURING_PLAYOUT)
    assert not spoken.is_echo(100, "היום במשהו נוסף", overlap=Overlap.DURING_PLAYOUT)
    spoken.speaking(150, SAID)
    assert spoken.is_echo(150, "היום במשהו נוסף", overlap=Overlap.DURING_PLAYOUT)
    spoken.spoke(200, SAID)
    assert spoken.said_lately(200) == f"שלום לך {SAID}"
