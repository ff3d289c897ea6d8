"""D1-D4, A6: a turn is stopped and interrupted; what was heard of it, and what is left of it."""

import pytest

from server.hebrew.words import fingerprint
from server.turns.actions import CancelTurn, GenerateReply, Log, SendClear
from server.turns.barge_in import GRACE_FRAMES
from server.turns.effects import EndCall, Line, SaveLead, Speaker
from server.turns.follow_up import Prompt
from server.turns.machine import TurnMachine
from server.turns.phases import Phase, State, TurnEvent
from server.turns.playout import HINT_INDEX
from server.turns.turn import InterruptedReply
from server.turns.utterances import UserTurn, UserUtterance
from tests.turns.scene import ASKED, FIRST, PARAMS, SECOND, STOPS_EARLY, bare

LEAD = SaveLead((("name", "דנה"),))
SECOND_OF_AUDIO = b"\x10" * 160 * 50


class Call:
    def __init__(self, params=PARAMS):
        parts = TurnMachine(params).parts
        self.current, self.users, self.barge_in = parts.current, parts.users, parts.barge_in
        self.call = parts.call

    @property
    def turn(self):
        return self.current.present

    def interrupt(self):
        return bare(self.barge_in.interrupt())

    def candidate(self):
        return bare(self.barge_in.candidate())

    @property
    def interrupted(self):
        return self.barge_in.interrupted


def said(text=ASKED):
    return UserTurn([UserUtterance(1, text=text)])


def thinking(asked=ASKED, params=PARAMS):
    """A turn of the caller's that the LLM is asked about."""
    call = Call(params)
    call.current.owe(said())
    call.turn.ask(GenerateReply(1, asked, (), 1))
    return call


def voiced(turn, *sentences, complete=True):
    for text in sentences:
        index = turn.playout.add(text)
        turn.playout.add_audio(index, SECOND_OF_AUDIO)
        turn.playout.end_sentence(index)
    if complete:
        turn.playout.end_reply()


def played(call, heard):
    """The answer is being heard, so many frames of it."""
    call.turn.on(TurnEvent.TRANSCRIBED)
    call.turn.playout.take(heard + 20, reply_may_start=True)
    call.turn.on(call.turn.first_frame(closing=False))
    call.current.state_changed()
    for _ in range(heard):
        call.turn.playout.tick()
    return call


def speaking(*sentences, heard=0, complete=True, params=PARAMS):
    """A reply of a second a sentence."""
    call = thinking(params=params)
    voiced(call.turn, *sentences, complete=complete)
    return played(call, heard)


def cut_before(*sentences):
    """What is left of a reply of these sentences."""
    call = speaking(*sentences, heard=25)
    call.interrupt()
    return call.interrupted


# ---- the caller goes on before anything is heard


def test_nobody_is_interrupted_without_a_turn():
    """B1: an agent that listens has nothing to stop."""
    call = Call()
    assert call.interrupt() == [] and call.current.turn_id == 0


def test_b3_a_speculative_turn_leaves_no_trace():
    """B3: no history, nothing pending, nothing left over; the wire hears of nothing."""
    call = Call()
    turn = call.current.begin(Phase.SPECULATIVE)
    turn.ask(GenerateReply(1, ASKED, (), 1))
    turn.decide((LEAD, EndCall()))
    voiced(turn, FIRST)
    assert call.interrupt() == [CancelTurn(1)]
    assert (call.interrupted, call.call.history.lines, call.users.pending) == (None, (), UserTurn())


def test_a6_what_was_to_be_answered_is_given_back():
    """A6, E2: and its answer is kept for the case that the words are the same again."""
    call = thinking()
    turn = call.turn
    turn.caller.started_early()
    turn.caller.found_unfinished()
    voiced(turn, FIRST)
    assert call.interrupt() == [CancelTurn(1), Log("STATE THINKING → LISTENING turn=2")]
    assert call.users.pending is turn.caller
    assert (call.users.pending.early_starts, call.users.pending.waited) == (1, True)
    assert call.interrupted.answers == fingerprint(ASKED)
    assert call.interrupted.rest.sentences == ((FIRST, SECOND_OF_AUDIO),)
    assert call.interrupted.restores is None


def test_a6_a_turn_without_words_leaves_nothing():
    """A6, E2: what was not understood yet has no answer to keep."""
    call = Call()
    call.current.owe(said(None))
    call.interrupt()
    assert call.interrupted is None
    assert call.users.pending.segments == [UserUtterance(1)]


def test_d4_a_rest_that_was_superseded_is_still_a_rest():
    """D4, A6: a caller who hums twice gets it all the same; it answers no words."""
    call = Call()
    call.current.owe(said())
    call.turn.resume(cut_before(FIRST))
    call.interrupt()
    assert (call.interrupted.answers, call.interrupted.restores) == (None, "")
    assert [text for text, _ in call.interrupted.rest.sentences] == [FIRST]


@pytest.mark.parametrize("goes_on_in_sound", [True, False])
def test_d4_a_nod_that_was_more_is_pending_once(goes_on_in_sound):
    """D4: whether the rest of the reply is heard already or not; and it is owed an answer."""
    call = Call()
    call.current.owe(said("כן"))
    caller = call.turn.caller
    call.barge_in.went_for_nod(caller)
    call.turn.resume(cut_before(FIRST))
    if goes_on_in_sound:
        played(call, heard=5)
    assert call.barge_in.nodded(1) is caller and call.barge_in.nodded(2) is None
    call.barge_in.was_no_nod(caller)
    assert call.users.pending.segments == [UserUtterance(1, text="כן")]
    assert call.current.turn is None and call.barge_in.nodded(1) is None


def test_b5_a_hint_on_its_way_is_cleared():
    """B5: a voice over it takes the turn."""
    call = thinking()
    playout = call.turn.playout
    playout.add_hint("רגע", b"\x33" * 160 * 20)
    assert playout.sentences[0].index == HINT_INDEX
    playout.take(10, reply_may_start=False)
    assert call.interrupt()[0] == SendClear()


# ---- barge-in


def test_d2_a_barge_in_drops_the_reply_and_notes_what_was_heard():
    """D2, D3: one clear, the turn ID raised; the history has the words up to the cut."""
    call = speaking(FIRST, SECOND, heard=25)
    assert call.interrupt() == [
        Log("BARGE_IN: interrupt"),
        SendClear(),
        Log("AGENT_TEXT:", "יש שלושה"),
        CancelTurn(1),
        Log("STATE SPEAKING → LISTENING turn=2"),
    ]
    assert call.call.history.lines == (Line(Speaker.AGENT, "יש שלושה", interrupted=True),)
    assert call.users.pending.interrupts
    interrupted = call.interrupted
    assert (interrupted.restores, interrupted.heard, interrupted.answers) == ("", False, None)
    assert [text for text, _ in interrupted.rest.sentences] == [FIRST, SECOND]


def test_d4_the_sentences_before_the_one_that_was_cut_were_heard():
    """D3, D4: they stay in the history, should the interruption be none."""
    call = speaking(FIRST, SECOND, heard=75)
    call.interrupt()
    assert call.call.history.lines == (Line(Speaker.AGENT, f"{FIRST} לעזור", interrupted=True),)
    assert call.interrupted.restores == FIRST


def test_d1_a_candidate_cuts_nothing():
    """D1: what it was is known within 400 ms; noise has nothing to take back."""
    call = speaking(FIRST, heard=25)
    assert call.candidate() == []
    call.barge_in.it_was_noise()
    assert (call.turn.phase, call.turn.playout.played) == (Phase.PLAYING, 25)
    assert SendClear() in call.interrupt()


def test_d1_a_reply_that_was_stopped_already_is_not_cleared_again():
    """D1: one clear."""
    call = speaking(FIRST, heard=25, params=STOPS_EARLY)
    assert call.candidate() == [SendClear()]
    assert call.candidate() == []
    assert SendClear() not in call.interrupt()


def notice():
    call = Call(STOPS_EARLY)
    turn = call.current.begin(Phase.PREPARED)
    turn.say(Prompt(FIRST), notice=True)
    turn.playout.add_audio(0, SECOND_OF_AUDIO)
    turn.playout.end_sentence(0)
    return call


def test_b6_nothing_cuts_a_notice_that_is_being_heard():
    """B6, F5: neither a sound, nor a voice, nor a key; before its first frame it gives way, and is owed."""
    call = played(notice(), heard=25)
    assert call.candidate() == call.barge_in.voice() == call.interrupt() == []
    assert call.current.state is State.SPEAKING
    assert notice().interrupt() == [CancelTurn(1)]


@pytest.mark.parametrize("heard, cut", [(34, True), (35, False)])
def test_d2_in_its_last_300_ms_a_reply_is_not_interrupted(heard, cut):
    """D2, F2: it was heard, and what was to be done then is due should nothing have been said."""
    call = speaking(FIRST, heard=heard)
    call.turn.decide((EndCall(),))
    call.interrupt()
    assert (call.users.pending.interrupts, call.call.history.lines[-1].interrupted) == (cut, cut)
    assert call.interrupted.heard is not cut
    assert call.interrupted.acts_due == (() if cut else (EndCall(),))


def test_d4_a_cut_before_the_first_word_is_not_noted():
    """D3, D4: there is no line in the history to take back."""
    call = speaking(FIRST, heard=3)
    call.interrupt()
    assert call.call.history.lines == () and call.interrupted.restores is None


def test_d3_an_interrupted_prompt_is_history_like_a_reply():
    """D3, D4, F3: noted as interrupted, and taken back when nothing was said."""
    call = thinking()
    call.turn.say(Prompt(FIRST))
    call.turn.playout.add_audio(0, SECOND_OF_AUDIO)
    call.turn.playout.end_sentence(0)
    played(call, heard=25).interrupt()
    assert call.call.history.lines == (Line(Speaker.AGENT, "יש שלושה", interrupted=True),)
    assert call.interrupted.restores == ""


@pytest.mark.parametrize("heard, question", [(25, False), (66, False), (67, True)])
def test_d4_whether_it_was_cut_at_a_question_is_remembered(heard, question):
    """D4: a yes to a question of which a third was heard is an answer."""
    call = speaking(FIRST, SECOND, heard=heard)
    call.interrupt()
    assert call.call.input.asked_a_question is question


# ---- a turn that was heard to its end


def test_c4_a_reply_that_was_heard_is_history():
    """C4, D3, E4: in full; with the sentences that were heard before it was interrupted."""
    call = Call()
    call.current.owe(said())
    first = speaking("קודם.", FIRST, SECOND, heard=60)
    first.interrupt()
    call.turn.resume(first.interrupted)
    played(call, heard=100)
    assert call.barge_in.finished(call.turn) == [Log("tts_done"), Log("AGENT_TEXT:", f"{FIRST} {SECOND}")]
    assert call.call.history.lines == (Line(Speaker.AGENT, f"{FIRST} {SECOND}"),)
    assert all(call.call.dedup.just_said(0, text) for text in ("קודם.", FIRST, SECOND))
    assert call.call.input.asked_a_question and call.interrupted is None


def test_f3_a_prompt_is_history_and_no_reply():
    """F3, E3, E4: the LLM knows of it, it may come back as echo; but it is no reply to be given again."""
    call = speaking(FIRST, heard=50)
    call.barge_in.finished(call.turn)
    call.current.leave()
    call.current.owe(said())
    call.turn.say(Prompt(SECOND))
    call.turn.playout.add_audio(0, SECOND_OF_AUDIO)
    call.turn.playout.end_sentence(0)
    played(call, heard=50)
    call.barge_in.finished(call.turn)
    assert [line.text for line in call.call.history.lines] == [FIRST, SECOND]
    assert call.call.dedup.just_said(0, FIRST) and not call.call.dedup.just_said(0, SECOND)
    assert call.call.echo.is_echo(0, SECOND, None)


@pytest.mark.parametrize(
    "acts, words, due_at",
    [((EndCall(),), True, GRACE_FRAMES), ((LEAD,), True, 0), ((EndCall(),), False, 0)],
    ids=["a closing line", "a lead", "no words"],
)
def test_f2_what_is_still_to_be_done_outlives_its_turn(acts, words, due_at):
    """F2: should what was said meanwhile be nothing, it is still due: a moment behind a closing line."""
    call = speaking(*([FIRST] if words else []), heard=50)
    call.turn.decide(acts)
    call.barge_in.left(call.turn)
    assert (call.interrupted.acts_due, call.interrupted.due_at) == (acts, due_at)


def test_e2_only_the_same_words_again_are_answered_by_it():
    """E2: whatever their punctuation."""
    turn = thinking().turn
    superseded = InterruptedReply.superseded(turn)
    assert superseded.answers_words(f"{ASKED}!") and not superseded.answers_words(FIRST)
