"""What the LLM decided beside speaking: done in time, once, and never for a turn that was none."""

from dataclasses import replace

import pytest

from server.turns.effects import EndCall, Expected, SaveLead, Transfer
from server.turns.events import (
    ClosingDown,
    DigitPressed,
    FinalTranscript,
    LlmFailed,
    MarkReturned,
    PersonAvailable,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.machine import TurnMachine
from tests.turns.effects import effects, effects_of
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    FIRST,
    GRACE,
    PARAMS,
    SPEAKING,
    SPOKE,
    STOPS_EARLY,
    UNDERSTOOD,
    T,
    after,
    logged,
    play,
)

# ---- B3, F2, F3: what the LLM decided beside speaking

LEAD = SaveLead((("name", "דנה"),))
ACTS = (LEAD, EndCall())


def acting(*acts, before=ANSWERED, turn_id=1):
    return [*before, ReplyDone(turn_id, Expected(), acts)]


HEARD = [PlayoutRoom(200), "." * 100, MarkReturned("1.0.0")]
MOMENT = GRACE[1:]  # all but its last frame


@pytest.mark.parametrize(
    "before, event, acts",
    {
        "decided": (ANSWERED, ReplyDone(1, Expected(), ACTS), []),
        "waiting for its breath": (acting(*ACTS), "." * 40, []),
        "the first frame": (acting(*ACTS), PlayoutRoom(1), [LEAD]),
        "speaking": ([*acting(*ACTS), PlayoutRoom(200)], "." * 99, []),
        "heard": ([*acting(*ACTS), *HEARD[:2]], HEARD[2], []),
        "in the moment behind it": ([*acting(*ACTS), *HEARD], MOMENT, []),
        "behind that": ([*acting(*ACTS), *HEARD, MOMENT], ".", [EndCall()]),
        "a lost mark": ([*acting(*ACTS), *HEARD[:2], "." * 50, MOMENT], ".", [EndCall()]),
        "once": ([*acting(*ACTS), *HEARD, MOMENT, "."], "." * 200, []),
        "a person": ([PersonAvailable(True), *acting(Transfer()), *HEARD, MOMENT], ".", [Transfer()]),
        "a person who is not there": ([*acting(Transfer()), *HEARD], "." * 200, []),
        "a person who is there no more": (
            [PersonAvailable(True), PersonAvailable(False), *acting(Transfer()), *HEARD],
            "." * 200,
            [],
        ),
        "decided while speaking": (
            [*ANSWERED, PlayoutRoom(1)],
            ReplyDone(1, Expected(), ACTS),
            [LEAD],
        ),
        "decided after all was heard": (
            [*ANSWERED, *HEARD],
            ReplyDone(1, Expected(), ACTS),
            [LEAD],
        ),
        "and then": ([*ANSWERED, *HEARD, ReplyDone(1, Expected(), ACTS), ".", MOMENT], ".", [EndCall()]),
        "several": (
            acting(LEAD, SaveLead((("name", "רון"),))),
            PlayoutRoom(1),
            [LEAD, SaveLead((("name", "רון"),))],
        ),
    }.values(),
)
def test_f2_f3_acts_are_done_in_time(before, event, acts):
    """B3, F2, F3: a lead once the turn is committed, the rest 1.2 s after it was heard to its end."""
    assert effects(after(before), event).done == acts


@pytest.mark.parametrize(
    "events",
    {
        "superseded": [*acting(*ACTS), "#" * 40, "." * 25],
        "overdue before": [*UNDERSTOOD, TurnOverdue(1), ReplyDone(1, Expected(), ACTS)],
        "overdue behind": [
            *acting(*ACTS, before=UNDERSTOOD[:2] + [FinalTranscript(1, ASKED)]),
            TurnOverdue(1),
        ],
        "of an old turn": [*SPEAKING, "######", ReplyDone(1, Expected(), ACTS)],
        "failed": [*ANSWERED, LlmFailed(1, "down"), *HEARD],
    }.values(),
)
def test_b3_nothing_is_done_for_a_turn_that_was_none(events):
    """B3: a superseded start leaves no trace."""
    assert effects(TurnMachine(PARAMS), *events).done == []


def test_b3_an_overdue_turn_is_not_ended_by_what_it_wanted():
    """G3: the line in its place is heard to its end, and the call goes on."""
    overdue = [*UNDERSTOOD, ReplySentence(1, FIRST), ReplyDone(1, Expected(), ACTS), TurnOverdue(1)]
    dialogue = after(overdue)
    line = [TtsAudio(2, 0, AUDIO), TtsSentenceDone(2, 0), PlayoutRoom(200), "." * 100]
    actions = play(dialogue, [*line, MarkReturned("2.0.0")])
    assert "tts_done" in logged(actions) and effects_of(actions).done == []


def test_f2_who_interrupts_the_goodbye_is_not_hung_up_on():
    """F2, D2: the lead is kept, the end of the call is not."""
    dialogue = after([*acting(*ACTS), PlayoutRoom(23), "." * 10])
    assert effects(dialogue, "######", "#" * 30, "." * 25, FinalTranscript(2, "רגע")).done == []
    assert dialogue.state is T


def test_f2_a_cough_over_the_goodbye_only_delays_it():
    """F2, D4: stopped early, it goes on from where it was cut, and then the call ends."""
    dialogue = after([*acting(*ACTS), PlayoutRoom(23), "." * 10, "nnn", "." * 20], STOPS_EARLY)
    assert effects(dialogue, PlayoutRoom(200), "." * 90, MarkReturned("1.0.1"), MOMENT).done == []
    assert effects(dialogue, ".").done == [EndCall()]


def test_f2_an_empty_barge_in_resumes_the_goodbye_and_its_end():
    """F2, D4: said again under a new ID; the lead is not kept twice."""
    cut = [*acting(*ACTS), PlayoutRoom(23), "." * 10, "######", "#" * 30, "." * 25]
    again = [FinalTranscript(2, ""), ReplyDelay(3, 0), PlayoutRoom(200), "." * 100, MarkReturned("3.0.0")]
    dialogue = after(cut)
    assert effects(dialogue, *again, MOMENT).done == []
    assert effects(dialogue, ".").done == [EndCall()]


SAYS_GOODBYE = [*acting(*ACTS), *HEARD]


def test_f2_a_voice_in_the_moment_behind_our_closing_line_keeps_the_call():
    """F2: who remembers something then is answered like anybody; nothing is hung up behind that."""
    dialogue = after([*SAYS_GOODBYE, "." * 40])
    answered = effects(dialogue, SPOKE, FinalTranscript(2, "רגע, מה המחיר"))
    assert [asked.text for asked in answered.asked] == ["רגע, מה המחיר"] and answered.done == []
    answer = [ReplySentence(2, FIRST), TtsAudio(2, 0, AUDIO), TtsSentenceDone(2, 0), ReplyDone(2)]
    heard = [ReplyDelay(2, 0), PlayoutRoom(200), "." * 100, MarkReturned("2.0.0"), "." * 200]
    assert effects(dialogue, *answer, *heard).done == []


def test_f2_the_last_frame_of_that_moment_counts():
    """F2: a voice that may be one is judged first, however long that takes."""
    dialogue = after([*SAYS_GOODBYE, MOMENT[3:], "###"])
    assert effects(dialogue, "#" * 40).done == []


def test_f2_noise_in_that_moment_only_delays_the_end():
    """F2, A5: until it is known to be none."""
    dialogue = after([*SAYS_GOODBYE, MOMENT[3:]])
    assert effects(dialogue, "nnn" + "." * 5).done == []
    assert effects(dialogue, "." * 30).done == [EndCall()]


@pytest.mark.parametrize("thanks", ["תודה", "ביי ביי", "אוקיי תודה רבה להתראות"])
def test_f2_thanks_for_our_goodbye_are_no_new_wish(thanks):
    """F2: the LLM is not asked, and the call ends."""
    dialogue = after([*SAYS_GOODBYE, "." * 40, SPOKE])
    thanked = effects(dialogue, FinalTranscript(2, thanks))
    assert (thanked.asked, thanked.done) == ([], [EndCall()])


def test_f5_a_key_in_that_moment_keeps_the_call():
    """F2, F5: it is the caller's turn."""
    dialogue = after([*SAYS_GOODBYE, "." * 40])
    typed = effects(dialogue, DigitPressed("5"), "." * 100)
    assert typed.done == [] and [asked.text for asked in typed.asked] == ["5"]


def test_f4_there_is_no_such_moment_when_the_server_goes():
    """F2, F4: every call has to be over in time."""
    dialogue = after([*SAYS_GOODBYE, "." * 10])
    assert effects(dialogue, ClosingDown(), ".").done == [EndCall()]


def test_f2_f1_nobody_is_asked_in_that_moment():
    """F1, F2: no prompt, no greeting, no goodbye for the call's length is said into it."""
    dialogue = after(acting(*ACTS), replace(PARAMS, idle_frames=20, call_frames=200))
    assert effects(dialogue, *HEARD, MOMENT).said == []
    assert effects(dialogue, ".").done == [EndCall()]


def test_f2_who_said_something_meanwhile_is_answered():
    """F2, D5: over the goodbye, without stopping it: an answer is owed, the call does not end."""
    dialogue = after(acting(*ACTS), replace(PARAMS, barge_in=False))
    actions = play(dialogue, [PlayoutRoom(200), "." * 5, SPOKE, "." * 30, MarkReturned("1.0.0")])
    assert effects_of(actions).done == [LEAD]
    assert dialogue.state is T
    assert effects(dialogue, FinalTranscript(2, "רגע")).asked[0].text == "רגע"


def test_f2_who_is_speaking_at_the_end_of_the_goodbye_is_heard_out():
    """F2, D5: in the middle of a word is no time to hang up."""
    dialogue = after(acting(*ACTS), replace(PARAMS, barge_in=False))
    actions = play(dialogue, [PlayoutRoom(200), "." * 70, "#" * 30, MarkReturned("1.0.0"), "#" * 10])
    assert "tts_done" in logged(actions) and effects_of(actions).done == [LEAD]
    assert effects(dialogue, "." * 25, FinalTranscript(2, "רגע")).asked[-1].text == "רגע"


def test_a6_the_same_words_again_keep_what_their_answer_wanted():
    """E2, F2: the answer that was ready is played, and is followed by what the LLM decided."""
    again = [*acting(*ACTS), SPOKE, FinalTranscript(2, ASKED), ReplyDelay(3, 0), PlayoutRoom(200), "." * 100]
    dialogue = TurnMachine(PARAMS)
    assert effects(dialogue, *again, MarkReturned("3.0.0")).done == [LEAD]
    assert effects(dialogue, MOMENT, ".").done == [EndCall()]


def test_b3_the_same_act_is_done_once_a_call():
    """B3: an LLM that knows only what was heard decides the same again; other details are another lead."""
    other = SaveLead((("name", "דנה"), ("phone", "050")))
    dialogue = after([*acting(LEAD), *HEARD])
    done = []
    for number, act in enumerate((LEAD, other, other), 2):
        done += play(
            dialogue, ["." * 40, SPOKE, ReplyDelay(number, 0), FinalTranscript(number, f"ועוד {number}")]
        )
        said = [ReplySentence(number, f"תשובה {number}."), TtsAudio(number, 0, AUDIO)]
        done += play(dialogue, [*said, TtsSentenceDone(number, 0), ReplyDone(number, Expected(), (act,))])
        done += play(dialogue, [PlayoutRoom(200), "." * 100, MarkReturned(f"{number}.0.0")])
    assert effects_of(done).done == [other]
