"""B1, B2: the present turn and its fence. Whatever cuts a turn short raises the ID first."""

import pytest

from server.turns.actions import CancelTurn, GenerateReply, Log, StartTurn
from server.turns.current_turn import CurrentTurn
from server.turns.effects import EndCall, Expected, SaveLead
from server.turns.expected_input import Asked
from server.turns.follow_up import Prompt
from server.turns.phases import Phase, State, TurnEvent
from server.turns.utterances import UserTurn, UserUtterance
from tests.turns.scene import ASKED, FIRST

LEAD = SaveLead((("name", "דנה"),))


def said(text=ASKED):
    return UserTurn([UserUtterance(1, text=text)])


def at(clock):
    current = CurrentTurn()
    for _ in range(clock):
        current.tick()
    return current


def thinking():
    """A turn of the caller's that the LLM is asked about."""
    current = CurrentTurn()
    current.owe(said())
    current.present.ask(GenerateReply(1, ASKED, (), 1))
    return current


# ---- a turn begins


def test_b2_every_turn_has_an_id_of_its_own():
    """B2, B4: and is nobody's until it is owed to the caller; a prompt waits for nothing."""
    current = at(7)
    turn = current.begin(Phase.PREPARED)
    assert (turn.turn_id, turn.caller, turn.times.began_at, turn.times.delayed(7)) == (1, None, 7, True)
    assert (current.turn, current.state, current.early) == (turn, State.LISTENING, None)
    assert turn.words_known and current.present is turn


def test_b3_a_speculative_turn_is_none_yet():
    """B3: the agent is still listening, and nothing of it is settled."""
    current = CurrentTurn()
    turn = current.begin(Phase.SPECULATIVE)
    assert (current.early, current.state, turn.words_known) == (turn, State.LISTENING, False)
    assert not turn.times.delayed(1000)


def test_b1_an_answer_is_owed():
    """B1: deadline and delay count from now."""
    current, caller = at(70), said()
    assert current.owe(caller) == [Log("STATE LISTENING → THINKING turn=1"), StartTurn(1)]
    turn = current.present
    assert (turn.caller, turn.times.began_at, current.state) == (caller, 70, State.THINKING)


def test_b3_a_speculative_turn_becomes_the_turn_that_is_owed():
    """B3: under its ID; its delay counts from the end of turn, not from its start."""
    current = CurrentTurn()
    early = current.begin(Phase.SPECULATIVE)
    early.ask(GenerateReply(1, ASKED, (), 1))
    for _ in range(70):
        current.tick()
    assert current.owe(said())[-1] == StartTurn(1)
    assert (current.turn, current.early, early.times.began_at) == (early, None, 70)
    assert early.request == GenerateReply(1, ASKED, (), 1)


def test_b6_a_prompt_that_was_about_to_be_said_gives_way():
    """B6, F5: its ID is spent; a caller who typed is answered."""
    current = CurrentTurn()
    current.begin(Phase.PREPARED)
    actions = current.owe(said())
    assert actions == [CancelTurn(1), Log("STATE LISTENING → THINKING turn=3"), StartTurn(3)]


def test_b1_a_state_that_stays_is_not_logged():
    """B1: every change is one line."""
    current = CurrentTurn()
    assert current.state_changed() == []
    current.begin(Phase.PREPARED).on(TurnEvent.REPLY_STARTS)
    assert current.state_changed() == [Log("STATE LISTENING → SPEAKING turn=1")]
    assert current.state_changed() == []


# ---- another try


def test_a7_a_turn_that_starts_over_keeps_its_time_and_its_caller():
    """A7, B4: what LLM and TTS have made is gone; delay and deadline count from its end of turn."""
    current = thinking()
    turn = current.present
    turn.on(TurnEvent.TRANSCRIBED)
    turn.add_sentence(FIRST)
    turn.skip_sentence()
    turn.decide((LEAD,))
    turn.times.hold(9)
    for _ in range(30):
        current.tick()
    assert current.start_over(turn) == [CancelTurn(1), StartTurn(2, waited_frames=30)]
    again = current.present
    assert (again.turn_id, again.caller, again.times.began_at) == (2, turn.caller, 0)
    assert (again.phase, again.words_known) == (Phase.REPLYING, True)
    assert (again.playout.count, again.skipped, again.follow_up.acts, again.request) == (0, False, (), None)
    assert (again.times.held, again.playout.sentences, again.playout.complete) == (False, [], False)
    assert current.state is State.THINKING


@pytest.mark.parametrize("given_up", [False, True], ids=["another try", "given up"])
def test_e4_a_line_of_the_first_try_is_not_of_the_second(given_up):
    """E4, G3: neither that it was a prompt, nor what it asked for or expected."""
    current = thinking()
    turn = current.present
    turn.expect(Expected(("כן",)))
    turn.say(Prompt(FIRST, Asked.MESSAGE))
    turn.times.hint_given()
    _ = current.give_up(turn, TurnEvent.OVERDUE) if given_up else current.start_over(turn)
    second = current.present
    assert (second.fixed, second.follow_up.asks, second.follow_up.expected) == (False, None, None)
    assert not second.times.hint_due  # one hint a turn (B5)


def test_g3_a_turn_that_is_given_up_waits_for_nothing():
    """G3: neither delay nor words; a prompt is said in its place."""
    current = thinking()
    assert current.give_up(current.present, TurnEvent.OVERDUE) == [CancelTurn(1)]
    instead = current.present
    assert (instead.turn_id, instead.words_known, instead.request) == (2, True, None)
    assert instead.times.delayed(0)


# ---- a turn ends


def test_b2_dropping_raises_the_fence_once():
    """B2: nothing to drop costs no ID."""
    current = thinking()
    interrupted = TurnEvent.INTERRUPTED
    assert current.drop(interrupted) == [CancelTurn(1), Log("STATE THINKING → LISTENING turn=2")]
    assert (current.turn, current.turn_id) == (None, 2)
    assert current.drop(interrupted) == [] and current.turn_id == 2


def test_b2_a_turn_is_dropped_only_for_what_its_phase_allows():
    """B2, F4: nothing drops the farewell."""
    current = CurrentTurn()
    turn = current.begin(Phase.INSISTING)
    assert current.drop(TurnEvent.INTERRUPTED) == current.drop(TurnEvent.OUT_OF_PATIENCE) == []
    assert current.turn is turn and current.turn_id == 1


def test_c4_a_turn_that_was_heard_spends_no_id():
    """C4: nothing of it can be late."""
    current = CurrentTurn()
    current.begin(Phase.PREPARED).on(TurnEvent.REPLY_STARTS)
    current.state_changed()
    current.present.decide((EndCall(),))
    current.present.on(TurnEvent.PLAYOUT_DONE)
    assert current.leave() == [Log("STATE SPEAKING → LISTENING turn=1"), CancelTurn(1)]
    assert (current.turn, current.turn_id) == (None, 1)
