"""What the mind decided beside speaking: done in time, once, and never for a turn that was none."""

from dataclasses import replace

import pytest

from server.core.conversation import EndCall, Expected, SaveLead, Transfer
from server.core.dialogue import Dialogue
from server.core.events import (
    AudioMade,
    BreathDrawn,
    MarkReturned,
    MindFailed,
    Perform,
    PersonAvailable,
    PlayoutRoom,
    ReplyThought,
    SentenceThought,
    SentenceVoiced,
    TurnOverdue,
    WordsHeard,
)
from tests.core.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    FIRST,
    PARAMS,
    SPEAKING,
    SPOKE,
    UNDERSTOOD,
    T,
    after,
    logged,
    play,
    told,
)

# ---- B3, F2, F3: what the mind decided beside speaking

LEAD = SaveLead((("name", "דנה"),))
ACTS = (LEAD, EndCall())


def acting(*acts, before=ANSWERED, turn_id=1):
    return [*before, ReplyThought(turn_id, Expected(), acts)]


def performed(actions):
    return [action.act for action in actions if isinstance(action, Perform)]


HEARD = [PlayoutRoom(200), "." * 100, MarkReturned("1.0.0")]


@pytest.mark.parametrize(
    "before, event, acts",
    {
        "decided": (ANSWERED, ReplyThought(1, Expected(), ACTS), []),
        "waiting for its breath": (acting(*ACTS), "." * 40, []),
        "the first frame": (acting(*ACTS), PlayoutRoom(1), [LEAD]),
        "speaking": ([*acting(*ACTS), PlayoutRoom(200)], "." * 99, []),
        "heard": ([*acting(*ACTS), *HEARD[:2]], HEARD[2], [EndCall()]),
        "a lost mark": ([*acting(*ACTS), *HEARD[:2], "." * 49], ".", [EndCall()]),
        "once": ([*acting(*ACTS), *HEARD], "." * 200, []),
        "a person": ([PersonAvailable(True), *acting(Transfer()), *HEARD[:2]], HEARD[2], [Transfer()]),
        "a person who is not there": ([*acting(Transfer()), *HEARD[:2]], HEARD[2], []),
        "a person who is there no more": (
            [PersonAvailable(True), PersonAvailable(False), *acting(Transfer()), *HEARD[:2]],
            HEARD[2],
            [],
        ),
        "decided while speaking": (
            [*ANSWERED, PlayoutRoom(1)],
            ReplyThought(1, Expected(), ACTS),
            [LEAD],
        ),
        "decided after all was heard": (
            [*ANSWERED, *HEARD],
            ReplyThought(1, Expected(), ACTS),
            [LEAD],
        ),
        "and then": ([*ANSWERED, *HEARD, ReplyThought(1, Expected(), ACTS)], ".", [EndCall()]),
        "several": (
            acting(LEAD, SaveLead((("name", "רון"),))),
            PlayoutRoom(1),
            [LEAD, SaveLead((("name", "רון"),))],
        ),
    }.values(),
)
def test_f2_f3_acts_are_done_in_time(before, event, acts):
    """B3, F2, F3: a lead once the turn is committed, the rest once it was heard to its end."""
    assert performed(play(after(before), [event])) == acts


@pytest.mark.parametrize(
    "events",
    {
        "superseded": [*acting(*ACTS), "#" * 40, "." * 25],
        "overdue before": [*UNDERSTOOD, TurnOverdue(1), ReplyThought(1, Expected(), ACTS)],
        "overdue behind": [*acting(*ACTS, before=UNDERSTOOD[:2] + [WordsHeard(1, ASKED)]), TurnOverdue(1)],
        "of an old turn": [*SPEAKING, "######", ReplyThought(1, Expected(), ACTS)],
        "failed": [*ANSWERED, MindFailed(1, "down"), *HEARD],
    }.values(),
)
def test_b3_nothing_is_done_for_a_turn_that_was_none(events):
    """B3: a superseded start leaves no trace."""
    assert performed(play(Dialogue(PARAMS), events)) == []


def test_b3_an_overdue_turn_is_not_ended_by_what_it_wanted():
    """G3: the line in its place is heard to its end, and the call goes on."""
    overdue = [*UNDERSTOOD, SentenceThought(1, FIRST), ReplyThought(1, Expected(), ACTS), TurnOverdue(1)]
    dialogue = after(overdue)
    line = [AudioMade(2, 0, AUDIO), SentenceVoiced(2, 0), PlayoutRoom(200), "." * 100]
    actions = play(dialogue, [*line, MarkReturned("2.0.0")])
    assert "tts_done" in logged(actions) and performed(actions) == []


def test_f2_who_interrupts_the_goodbye_is_not_hung_up_on():
    """F2, D2: the lead is kept, the end of the call is not."""
    dialogue = after([*acting(*ACTS), PlayoutRoom(23), "." * 10])
    assert performed(play(dialogue, ["######", "#" * 30, "." * 25, WordsHeard(2, "רגע")])) == []
    assert dialogue.state is T


def test_f2_a_cough_over_the_goodbye_only_delays_it():
    """F2, D4: it goes on from where it was cut, and then the call ends."""
    dialogue = after([*acting(*ACTS), PlayoutRoom(23), "." * 10, "nnn", "." * 20])
    actions = play(dialogue, [PlayoutRoom(200), "." * 90, MarkReturned("1.0.1")])
    assert performed(actions) == [EndCall()]


def test_f2_an_empty_barge_in_resumes_the_goodbye_and_its_end():
    """F2, D4: said again under a new ID; the lead is not kept twice."""
    cut = [*acting(*ACTS), PlayoutRoom(23), "." * 10, "######", "#" * 30, "." * 25]
    again = [WordsHeard(2, ""), BreathDrawn(3, 0), PlayoutRoom(200), "." * 100, MarkReturned("3.0.0")]
    assert performed(play(after(cut), again)) == [EndCall()]


def test_f2_who_said_something_meanwhile_is_answered():
    """F2, D5: over the goodbye, without stopping it: an answer is owed, the call does not end."""
    dialogue = after(acting(*ACTS), replace(PARAMS, barge_in=False))
    actions = play(dialogue, [PlayoutRoom(200), "." * 5, SPOKE, "." * 30, MarkReturned("1.0.0")])
    assert performed(actions) == [LEAD]
    assert dialogue.state is T
    assert told(play(dialogue, [WordsHeard(2, "רגע")]))[0].text == "רגע"


def test_f2_who_is_speaking_at_the_end_of_the_goodbye_is_heard_out():
    """F2, D5: in the middle of a word is no time to hang up."""
    dialogue = after(acting(*ACTS), replace(PARAMS, barge_in=False))
    actions = play(dialogue, [PlayoutRoom(200), "." * 70, "#" * 30, MarkReturned("1.0.0"), "#" * 10])
    assert "tts_done" in logged(actions) and performed(actions) == [LEAD]
    assert told(play(dialogue, ["." * 25, WordsHeard(2, "רגע")]))[-1].text == "רגע"


def test_a6_the_same_words_again_keep_what_their_answer_wanted():
    """E2, F2: the answer that was ready is played, and is followed by what the mind decided."""
    again = [*acting(*ACTS), SPOKE, WordsHeard(2, ASKED), BreathDrawn(3, 0), PlayoutRoom(200), "." * 100]
    assert performed(play(Dialogue(PARAMS), [*again, MarkReturned("3.0.0")])) == [LEAD, EndCall()]


def test_b3_the_same_act_is_done_once_a_call():
    """B3: a mind that knows only what was heard decides the same again; other details are another lead."""
    other = SaveLead((("name", "דנה"), ("phone", "050")))
    dialogue = after([*acting(LEAD), *HEARD])
    done = []
    for number, act in enumerate((LEAD, other, other), 2):
        done += play(
            dialogue, ["." * 40, SPOKE, BreathDrawn(number, 0), WordsHeard(number, f"ועוד {number}")]
        )
        said = [SentenceThought(number, f"תשובה {number}."), AudioMade(number, 0, AUDIO)]
        done += play(dialogue, [*said, SentenceVoiced(number, 0), ReplyThought(number, Expected(), (act,))])
        done += play(dialogue, [PlayoutRoom(200), "." * 100, MarkReturned(f"{number}.0.0")])
    assert performed(done) == [other]
