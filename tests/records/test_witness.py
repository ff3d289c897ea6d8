"""Whole calls in simulated time, and what is kept of each: one of every kind."""

import pytest

from server.audio.frames import FrameHeard
from server.logs.redaction import PrivateText
from server.providers.base import ProviderError
from server.records.facts import CallFacts, TurnFacts
from server.records.trouble import troubles
from server.records.witness import Witness
from server.turns.actions import Log
from server.turns.effects import EndCall, Transfer
from tests.records.lists import UNKNOWN, Lists, parts, witnessed
from tests.simtime.call import GREETING, REPLY, SimCall
from tests.simtime.line import NOISE, Sound
from tests.simtime.office import Office

ASKED = Sound(3.0, 1.2)


def kept_of(call, seconds=14.0, **how):
    """The call's facts, and its turns."""
    lists, seen = witnessed(call)
    call.run(seconds, **how)
    assert not call.lines("OBSERVER_ERR")
    return lists.calls["CA1"], lists.turns.get("CA1", []), lists


def rules(turn):
    return {(one.rule, one.what) for one in turn.decisions}


def test_an_ordinary_call():
    call, (greeting, answer), lists = kept_of(SimCall([ASKED], stt=["אני מחפש דירה"]))
    assert (greeting.agent, greeting.said_by) == (GREETING, "line")
    assert (answer.caller, answer.agent, answer.ended) == ("אני מחפש דירה", REPLY, "heard")
    assert answer.gap.wall_ms == pytest.approx(answer.gap.total_ms, abs=60)
    assert sum(parts(answer.gap)) == answer.gap.total_ms == call.worst_gap_ms
    assert (call.ended, call.turns, call.duration_ms) == ("caller", 1, 14_000)
    assert call.summary.startswith("…") or "אני מחפש דירה" in call.summary
    kinds = [type(one) for one in lists.told]
    assert kinds[0] is CallFacts and kinds[-1] is CallFacts and kinds.count(TurnFacts) == 2


def test_who_is_killed_leaves_it_to_the_last_turn():
    """Nothing is told of the end: what was kept by then stands."""
    call = SimCall([ASKED])
    lists, _ = witnessed(call)
    call.run(14, hang_up=False)
    assert [turn.ended for turn in lists.turns["CA1"]] == ["heard", "heard"]
    assert (lists.calls["CA1"].turns, lists.calls["CA1"].ended) == (1, "")


def test_a_false_barge_in():
    """D1, D4: a cough stops the agent early, and it goes on from the very frame."""
    cough = Sound(6.0, 0.2, NOISE)
    call, turns, _ = kept_of(SimCall([ASKED, cough], knobs={"barge_in_early_stop": True}))
    assert [turn.false_barge_ins for turn in turns] == [0, 1]
    assert {("D1", "stopped early"), ("D4", "went on")} <= rules(turns[1])
    assert (call.barge_ins, call.false_barge_ins) == (0, 1)


def test_a_nod_over_the_agent():
    """D2, D4: it interrupts, and the reply goes on behind it."""
    nod = Sound(6.0, 0.3)
    call, turns, _ = kept_of(SimCall([ASKED, nod], stt=["ומתי זה", "אהה"]))
    assert [turn.ended for turn in turns] == ["heard", "interrupted", "heard"]
    assert (turns[2].caller, turns[2].said_by, turns[2].false_barge_ins) == ("אהה", "rest", 1)
    assert (call.barge_ins, call.false_barge_ins) == (1, 1)


def test_a_turn_that_is_held_and_an_early_start_that_is_dropped():
    """A7: the words hold the end. B3: what was asked in the pause is dropped as he goes on."""
    held = SimCall([ASKED], stt=["אני מחפש דירה של"])
    held.stt.partials = ["אני מחפש דירה של"]
    _, turns, _ = kept_of(held)
    assert {("A7", "held"), ("A3", "held")} <= rules(turns[1])
    said = [Sound(3.0, 1.2, hears="אני מחפש דירה"), Sound(4.6, 1.0, hears="בחיפה")]
    dropped = SimCall(said, by_sound=True, partials_lag_s=0.1, knobs={"speculative_turns": True})
    _, turns, _ = kept_of(dropped)
    assert (turns[1].speculative_starts, turns[1].speculative_dropped) == (2, 1)
    assert turns[1].caller == "אני מחפש דירה בחיפה" and ("B3", "dropped") in rules(turns[1])


def test_an_llm_that_fails():
    """G2: what it complained of, and what was said instead."""
    call, turns, _ = kept_of(SimCall([ASKED], reply=lambda request: ProviderError("HTTP 503")))
    assert turns[1].errors == ("llm sim: HTTP 503",) and turns[1].said_by == "line"
    assert ("G2", "answered instead") in rules(turns[1])
    assert "LLM failed" in troubles(call, turns)


def test_a_hand_over():
    """F3: by the LLM's tool; behind its line the call is handed over."""
    handed = SimCall([ASKED], reply="רגע, אני מעבירה אותך.", knobs={"transfer_number": "+97231234567"})
    handed.llm.acts = (Transfer(),)
    Office(handed)
    call, turns, _ = kept_of(handed)
    assert ("F3", "hand over") in rules(turns[1]) and call.ended == "transfer"
    assert call.summary.endswith("הועברו לנציג.")


def test_a_goodbye():
    """F2: the agent's own end."""
    ended = SimCall([ASKED], reply="תודה ולהתראות.")
    ended.llm.acts = (EndCall(),)
    Office(ended)
    call, turns, _ = kept_of(ended)
    assert ("F2", "goodbye") in rules(turns[1]) and call.ended == "agent"


def test_a_gap_without_frames_has_no_time_by_the_wall():
    """More frames than are remembered, or none."""
    clock = iter(range(10))
    witness = Witness(UNKNOWN, Lists(), PrivateText("full"), lambda: float(next(clock)))
    for _ in range(3):
        witness.saw(FrameHeard(b"", 0, 0.0))
    for frames in (0, 4):
        witness.did(Log("RESPONSE_GAP ms=0 turn=1", since_frames=frames))
    assert next(clock) == 3  # nobody asked what time it is
