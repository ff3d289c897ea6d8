"""B1, B2: whose turn it is. A turn begins, is cut short or ends; whatever cuts it raises the fence."""

import pytest

from server.audio.vad import Vad
from server.hebrew.words import fingerprint
from server.turns.actions import CancelTurn, GenerateReply, Log, SendClear, StartTurn
from server.turns.effects import EndCall, Expected, Line, SaveLead, Speaker
from server.turns.floor import GRACE_FRAMES, Floor, State
from server.turns.history import Asked, CallHistory
from server.turns.playout import HINT_INDEX
from server.turns.turn import UserTurn, UserUtterance
from server.turns.user_turn import UserTurns
from tests.turns.scene import PARAMS
from tests.wording import OURS

ASKED, FIRST, SECOND = "ספרי לי על הדירה", "יש שלושה חדרים וגינה.", "לעזור במשהו נוסף?"
LEAD = SaveLead((("name", "דנה"),))


class Call:
    def __init__(self):
        self.floor = Floor()
        self.caller = UserTurns(PARAMS.endpointing, Vad(vad_rms=200, barge_in_rms=300))
        self.memory = CallHistory(4, 700, OURS)

    def yield_to(self):
        return self.floor.yield_to(self.caller, self.memory)


def said(text=ASKED, **more):
    return UserTurn([UserUtterance(1, text=text)], **more)


def thinking(asked=ASKED):
    """A turn of the caller's that the LLM is asked about."""
    call = Call()
    call.floor.owe(said())
    call.floor.turn.asked = GenerateReply(1, asked, (), 1)
    return call


def voiced(turn, *sentences, complete=True):
    for index, text in enumerate(sentences):
        turn.playout.add(index, text)
        turn.playout.add_audio(index, b"\x10" * 160 * 50)
        turn.playout.end_sentence(index)
    turn.sentences, turn.playout.complete = len(sentences), complete


def speaking(*sentences, heard=0, complete=True):
    """A reply of a second a sentence, of which the caller has heard so many frames."""
    call = thinking()
    voiced(call.floor.turn, *sentences, complete=complete)
    call.floor.turn.playout.take(heard + 20, reply_may_start=True)
    call.floor.enter(State.SPEAKING)
    for _ in range(heard):
        call.floor.turn.playout.tick()
    return call


# ---- a turn begins


def test_b2_every_turn_has_an_id_of_its_own():
    """B2: and is nobody's until it is owed to the caller."""
    floor = Floor()
    floor.clock = 7
    turn = floor.take(breath_frames=0)
    assert (turn.turn_id, turn.caller, turn.began_at, turn.breath_frames) == (1, None, 7, 0)
    assert (floor.turn, floor.state, floor.early) == (turn, State.LISTENING, None)
    assert turn.settled and floor.present is turn


def test_b3_an_early_turn_is_none_yet():
    """B3: we are still listening, and nothing of it is settled."""
    floor = Floor()
    turn = floor.take(early=True)
    assert (floor.early, floor.state, turn.settled) == (turn, State.LISTENING, False)


def test_b1_an_answer_is_owed():
    """B1: the engines' time, and the breath, count from now."""
    floor = Floor()
    floor.clock = 70
    caller = said()
    assert floor.owe(caller) == [Log("STATE LISTENING → THINKING turn=1"), StartTurn(1)]
    assert (floor.turn.caller, floor.turn.began_at, floor.state) == (caller, 70, State.THINKING)


def test_b3_an_early_start_becomes_the_turn_that_is_owed():
    """B3: under its ID; its breath counts from the end of turn, not from its start."""
    floor = Floor()
    early = floor.take(early=True)
    early.asked = GenerateReply(1, ASKED, (), 1)
    floor.clock = 70
    assert floor.owe(said())[-1] == StartTurn(1)
    assert (floor.turn, floor.early, early.early, early.began_at) == (early, None, False, 70)
    assert early.asked == GenerateReply(1, ASKED, (), 1)


def test_b6_a_line_that_was_about_to_be_said_gives_way():
    """B6, F5: its ID is spent; who typed is answered."""
    floor = Floor()
    floor.take(breath_frames=0)
    actions = floor.owe(said())
    assert actions == [CancelTurn(1), Log("STATE LISTENING → THINKING turn=3"), StartTurn(3)]


def test_b1_a_state_that_stays_is_not_logged():
    """B1: every change is one line."""
    floor = Floor()
    assert floor.enter(State.LISTENING) == []
    assert floor.enter(State.SPEAKING) == [Log("STATE LISTENING → SPEAKING turn=0")]
    assert floor.enter(State.SPEAKING) == []


# ---- another try


def test_a7_a_turn_that_starts_over_keeps_its_time_and_its_caller():
    """A7, B4: what its LLM and voice have made is gone; breath and deadline count from its end of turn."""
    call = thinking()
    turn = call.floor.turn
    voiced(turn, FIRST)
    turn.skipped, turn.acts, turn.ask_again_at, turn.understood = 1, (LEAD,), 9, True
    call.floor.clock = 30
    assert call.floor.start_over(turn) == [CancelTurn(1), StartTurn(2, waited_frames=30)]
    again = call.floor.turn
    assert (again.turn_id, again.caller, again.began_at, again.understood) == (2, turn.caller, 0, True)
    assert (again.sentences, again.skipped, again.acts, again.asked) == (0, 0, (), None)
    assert (again.ask_again_at, again.playout.sentences, again.playout.complete) == (None, [], False)
    assert call.floor.state is State.THINKING


@pytest.mark.parametrize("again", [Floor.start_over, Floor.give_up], ids=["another try", "given up"])
def test_e4_a_line_of_the_first_try_is_not_of_the_second(again):
    """E4, G3: neither that it was a line of ours, nor what it asked for or expected."""
    call = thinking()
    turn = call.floor.turn
    turn.fixed, turn.asks, turn.expected, turn.hint_due = True, Asked.MESSAGE, Expected(("כן",)), False
    again(call.floor, turn)
    second = call.floor.turn
    assert (second.fixed, second.asks, second.expected) == (False, None, None)
    assert not second.hint_due  # one hint a turn (B5)


def test_g3_a_turn_that_is_given_up_waits_for_nothing():
    """G3: neither breath nor words; a line of ours is said in its place."""
    call = thinking()
    assert call.floor.give_up(call.floor.turn) == [CancelTurn(1)]
    instead = call.floor.turn
    assert (instead.turn_id, instead.understood, instead.asked) == (2, True, None)
    assert instead.settled and instead.breathed(0)


# ---- the caller takes the floor


def test_b2_dropping_raises_the_fence_once():
    """B2: nothing to drop costs no ID."""
    call = thinking()
    assert call.floor.drop() == [CancelTurn(1), Log("STATE THINKING → LISTENING turn=2")]
    assert (call.floor.turn, call.floor.turn_id) == (None, 2)
    assert call.floor.drop() == [] and call.floor.turn_id == 2


def test_nobody_yields_without_a_turn():
    """B1: who listens has nothing to stop."""
    call = Call()
    assert call.yield_to() == [] and call.floor.turn_id == 0


def test_b3_an_early_start_leaves_no_trace():
    """B3: no history, nothing pending, nothing left over; the wire hears of nothing."""
    call = Call()
    turn = call.floor.take(early=True)
    turn.asked, turn.acts = GenerateReply(1, ASKED, (), 1), (LEAD, EndCall())
    voiced(turn, FIRST)
    assert call.yield_to() == [CancelTurn(1)]
    assert (call.floor.leftover, call.memory.history, call.caller.pending) == (None, (), UserTurn())


def test_a6_what_was_to_be_answered_is_given_back():
    """A6, E2: and its answer is kept for the case that the words are the same again."""
    call = thinking()
    turn = call.floor.turn
    turn.caller.early_starts, turn.caller.waited = 1, True
    voiced(turn, FIRST)
    assert call.yield_to() == [CancelTurn(1), Log("STATE THINKING → LISTENING turn=2")]
    assert call.caller.pending is turn.caller
    assert (call.caller.pending.early_starts, call.caller.pending.waited) == (1, True)
    assert call.floor.leftover.answers == fingerprint(ASKED)
    assert call.floor.leftover.kept.sentences == ((FIRST, b"\x10" * 160 * 50),)
    assert call.floor.leftover.takes_back is None


def test_a6_a_turn_without_words_leaves_nothing():
    """A6, E2: what was not understood yet has no answer to keep."""
    call = Call()
    call.floor.owe(said(None))
    call.yield_to()
    assert call.floor.leftover is None
    assert call.caller.pending.segments == [UserUtterance(1)]


def test_d4_a_rest_that_was_superseded_is_still_a_rest():
    """D4, A6: who hums twice gets it all the same; it answers no words."""
    call = thinking()
    call.floor.turn.resumes, call.floor.turn.takes_back = True, FIRST
    voiced(call.floor.turn, SECOND)
    call.yield_to()
    assert (call.floor.leftover.answers, call.floor.leftover.takes_back) == (None, FIRST)
    assert [text for text, _ in call.floor.leftover.kept.sentences] == [SECOND]


def test_b5_a_hint_on_its_way_is_cleared():
    """B5: a voice over it takes the floor."""
    call = thinking()
    playout = call.floor.turn.playout
    playout.add_hint("רגע", b"\x33" * 160 * 20)
    assert playout.sentences[0].index == HINT_INDEX
    playout.take(10, reply_may_start=False)
    assert call.yield_to()[0] == SendClear()


def test_d2_a_barge_in_drops_the_reply_and_notes_what_was_heard():
    """D2, D3: one clear, the turn ID raised; the history has the words up to the cut."""
    call = speaking(FIRST, SECOND, heard=25)
    assert call.yield_to() == [
        Log("BARGE_IN: interrupt"),
        SendClear(),
        Log("AGENT_TEXT:", "יש שלושה"),
        CancelTurn(1),
        Log("STATE SPEAKING → LISTENING turn=2"),
    ]
    assert call.memory.history == (Line(Speaker.AGENT, "יש שלושה", interrupted=True),)
    assert call.caller.pending.cut_us
    leftover = call.floor.leftover
    assert (leftover.takes_back, leftover.heard, leftover.answers) == ("", False, None)
    assert [text for text, _ in leftover.kept.sentences] == [FIRST, SECOND]


def test_d4_the_sentences_before_the_one_that_was_cut_were_heard():
    """D3, D4: they stay in the history, should the interruption be none."""
    call = speaking(FIRST, SECOND, heard=75)
    call.yield_to()
    assert call.memory.history == (Line(Speaker.AGENT, f"{FIRST} לעזור", interrupted=True),)
    assert call.floor.leftover.takes_back == FIRST


def test_d1_a_reply_that_was_stopped_already_is_not_cleared_again():
    """D1: one clear."""
    call = speaking(FIRST, heard=25)
    call.floor.turn.playout.hold()
    assert SendClear() not in call.yield_to()


def test_b6_nothing_cuts_a_notice_that_is_being_heard():
    """B6, F5: neither a voice nor a key; before its first frame it gives way, and is still owed."""
    call = speaking(FIRST, heard=25)
    call.floor.turn.protected = True
    assert call.yield_to() == [] and call.floor.state is State.SPEAKING
    waiting = Call()
    waiting.floor.take(breath_frames=0).protected = True
    assert waiting.yield_to() == [CancelTurn(1)]


@pytest.mark.parametrize("heard, cut", [(34, True), (35, False)])
def test_d2_in_its_last_300_ms_a_reply_is_not_interrupted(heard, cut):
    """D2, F2: it was heard, and what was to be done then is due should nothing have been said."""
    call = speaking(FIRST, heard=heard)
    call.floor.turn.acts = (EndCall(),)
    call.yield_to()
    assert (call.caller.pending.cut_us, call.memory.history[-1].interrupted) == (cut, cut)
    assert call.floor.leftover.acts_due == (() if cut else (EndCall(),))
    assert call.floor.leftover.takes_back == ("" if cut else None)


def test_d4_a_cut_before_the_first_word_is_not_noted():
    """D3, D4: there is no line in the history to take back."""
    call = speaking(FIRST, heard=3)
    call.yield_to()
    assert call.memory.history == () and call.floor.leftover.takes_back is None


def test_d3_a_cut_line_of_ours_is_history_like_a_reply():
    """D3, D4, F3: noted as interrupted, and taken back when nothing was said."""
    call = speaking(FIRST, heard=25)
    call.floor.turn.fixed = True
    call.yield_to()
    assert call.memory.history == (Line(Speaker.AGENT, "יש שלושה", interrupted=True),)
    assert call.floor.leftover.takes_back == ""


@pytest.mark.parametrize("heard, question", [(25, False), (66, False), (67, True)])
def test_d4_whether_we_were_at_a_question_is_remembered(heard, question):
    """D4: a yes to a question of which a third was heard is an answer."""
    call = speaking(FIRST, SECOND, heard=heard)
    call.yield_to()
    assert call.memory.asked_a_question is question


# ---- a turn ends by itself


def test_c4_a_turn_that_was_heard_ends():
    """C4, D3: in full, in the history; the ID is not spent."""
    call = speaking(FIRST, SECOND, heard=100)
    turn = call.floor.turn
    turn.before = ("קודם.",)
    assert call.floor.finish(turn, call.memory) == [
        Log("tts_done"),
        Log("AGENT_TEXT:", f"{FIRST} {SECOND}"),
    ]
    assert call.memory.history == (Line(Speaker.AGENT, f"{FIRST} {SECOND}"),)
    assert all(call.memory.just_said(0, text) for text in ("קודם.", FIRST, SECOND))
    assert call.memory.asked_a_question
    assert call.floor.leave(turn) == [Log("STATE SPEAKING → LISTENING turn=1"), CancelTurn(1)]
    assert (call.floor.turn, call.floor.turn_id, call.floor.leftover) == (None, 1, None)


def test_f2_what_is_still_to_be_done_outlives_its_turn():
    """F2: should what was said meanwhile be nothing, it is still due."""
    call = speaking(FIRST, heard=50)
    turn = call.floor.turn
    turn.acts = (EndCall(),)
    call.floor.clock = 100
    call.floor.leave(turn)
    assert call.floor.leftover.acts_due == (EndCall(),)
    assert call.floor.leftover.due_at == 100 + GRACE_FRAMES == 160


def test_f2_only_a_closing_line_that_was_heard_has_a_moment_behind_it():
    """F2, F4: a lead waits for nothing, nor a turn without words, nor our last words."""
    for acts, final, sentences in [((LEAD,), False, 1), ((EndCall(),), True, 1), ((EndCall(),), False, 0)]:
        call = speaking(FIRST, heard=50)
        turn = call.floor.turn
        turn.acts, turn.final, turn.sentences = acts, final, sentences
        call.floor.leave(turn)
        assert call.floor.leftover.due_at == 0
