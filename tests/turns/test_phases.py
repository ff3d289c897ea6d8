"""The table of phases is the design: what it has not, changes nothing; and all of it can be lived through."""

from itertools import product
from pathlib import Path

import pytest

from server.turns.diagram import page
from server.turns.effects import EndCall
from server.turns.phases import TRANSITIONS, Phase, State, TurnEvent
from server.turns.turn import Turn
from server.turns.turn_times import TurnTimes

DOCS = Path(__file__).resolve().parents[2] / "docs"
OVER = (Phase.FINISHED, Phase.DROPPED)
BEGINNINGS = {Phase.PREPARED, Phase.INSISTING, Phase.SPECULATIVE, Phase.TRANSCRIBING}


def turn_in(phase):
    turn = Turn(1, phase, TurnTimes(0))
    turn.add_sentence("שלום.")
    turn.decide((EndCall(),))
    return turn


def known(turn):
    """All that a turn is, and its parts."""
    parts = {name: value for name, value in vars(turn).items() if name not in ("playout", "times")}
    return parts, vars(turn.times).copy(), {**vars(turn.playout)}


@pytest.mark.parametrize("phase, event", [*product(Phase, TurnEvent)])
def test_an_event_leads_where_the_table_says_and_else_changes_nothing(phase, event):
    """B1, B2: for every phase and every event."""
    turn = turn_in(phase)
    before = known(turn)
    after = TRANSITIONS.get((phase, event))
    assert turn.takes(event) is turn.on(event) is (after is not None)
    if after is None:
        assert known(turn) == before
    assert turn.phase is (after or phase)


@pytest.mark.parametrize("phase", OVER)
def test_what_is_over_stays_over(phase):
    """B2: nothing leads out of it."""
    assert not [event for event in TurnEvent if (phase, event) in TRANSITIONS]


def test_every_phase_is_reached_and_left():
    """B1: from one of its beginnings; and no turn is without an end."""
    reached, ends = set(BEGINNINGS), set(OVER)
    for _ in Phase:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
        ends |= {before for (before, _), after in TRANSITIONS.items() if after in ends}
    assert reached == ends == set(Phase)


def test_b1_the_states_go_round():
    """B1: LISTENING, THINKING, SPEAKING; a prompt goes from listening to speaking, nothing the other way."""
    changes = {(before.state, after.state) for (before, _), after in TRANSITIONS.items()}
    changes = {(one, other) for one, other in changes if one is not other}
    assert changes == {
        (State.LISTENING, State.THINKING),
        (State.LISTENING, State.SPEAKING),
        (State.THINKING, State.SPEAKING),
        (State.THINKING, State.LISTENING),
        (State.SPEAKING, State.LISTENING),
    }


@pytest.mark.parametrize("phase", [Phase.INSISTING, Phase.FAREWELL])
def test_f4_nothing_of_the_callers_interrupts_the_farewell(phase):
    """F4: not a sound, not a voice, not a key, not the end of a turn."""
    events = (TurnEvent.SOUND, TurnEvent.INTERRUPTED, TurnEvent.USER_TURN_ENDED)
    assert not [event for event in events if (phase, event) in TRANSITIONS]


def test_the_diagrams_in_the_docs_are_what_the_table_says():
    """``python -m server.turns.diagram > docs/turn_phases.md`` after a change."""
    assert (DOCS / "turn_phases.md").read_text("utf-8") == page()
