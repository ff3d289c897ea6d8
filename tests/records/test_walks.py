"""The facts of any call: hypothesis looks for one whose record does not add up.

The calls are those of ``tests/conversations/test_random_walks.py``, with words that can be told apart.
"""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.call.provider_runner import AFTER_CALL_S
from server.records.decisions import DECISIONS
from server.turns.actions import Decided, Log
from tests.conversations.test_random_walks import calls
from tests.records.lists import parts, witnessed
from tests.simtime.walks import walks

TOLD_APART = "תפוז אגס ענב לימון שזיף רימון תאנה זית דקל ברוש אורן אלון".split()
TAKES_A_NAME = {"אחת", "שתיים", "לא", "אני מחפש דירה של"}


def with_names(call):
    """Each utterance that is for the LLM has a word of its own."""
    lines = call.stt.lines
    heard = [lines[min(number, len(lines) - 1)] for number in range(len(TOLD_APART))]
    call.stt.lines = [
        f"{name} {text}" if text in TAKES_A_NAME else text
        for name, text in zip(TOLD_APART, heard, strict=True)
    ]
    return call


def record_of(call, seconds, politely):
    lists, seen = witnessed(with_names(call))
    call.run(seconds, hang_up=False)
    if politely:
        call.line.deliver({"event": "stop"})
    else:
        call.line.receiver.close()
    call.until(seconds + AFTER_CALL_S + 2)
    assert not call.lines("OBSERVER_ERR")
    return lists, seen


@walks
@given(calls(), st.integers(50, 1700).map(lambda n: n / 50), st.booleans())
def test_the_record_of_any_call_adds_up(call, seconds, politely):
    lists, seen = record_of(call, seconds, politely)
    (facts,) = lists.calls.values()
    turns = lists.turns.get(facts.sid, [])

    check_counts(facts, turns, seen.summary)
    check_turns(turns)
    check_words(turns, seen.actions)
    assert {(one.rule, one.what) for one in seen.actions if isinstance(one, Decided)} <= DECISIONS.keys()


def check_counts(facts, turns, summary):
    """They are those of the log's CALL_OVER, and those of the turns together."""
    assert (facts.turns, facts.worst_gap_ms, facts.barge_ins) == (
        summary.turns,
        summary.gap_ms,
        summary.barge_ins,
    )
    errors = (facts.stt_errors, facts.llm_errors, facts.tts_errors)
    assert errors == (summary.stt_errors, summary.llm_errors, summary.tts_errors)
    gaps = [turn.gap for turn in turns if turn.gap is not None]
    assert len(gaps) == facts.turns
    assert max((gap.total_ms for gap in gaps), default=0) == facts.worst_gap_ms
    assert sum(turn.barge_ins for turn in turns) == facts.barge_ins
    assert sum(turn.false_barge_ins for turn in turns) >= facts.false_barge_ins >= 0
    assert dict(facts.lead) == summary.lead or facts.lead  # more may be left behind the call
    assert facts.ended == summary.ended and facts.summary


def check_turns(turns):
    """Numbered from 1, in the order of time; the parts of a gap are the gap."""
    assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
    for turn in turns:
        assert 0 <= turn.began_ms <= turn.ended_ms
        assert 0 <= turn.speculative_dropped <= turn.speculative_starts
        assert [one.at_ms for one in turn.decisions] == sorted(one.at_ms for one in turn.decisions)
        assert turn.said_by in ("llm", "line", "rest")
        assert turn.ended in ("heard", "interrupted", "dropped", "cut")
        assert not (turn.agent and turn.ended == "dropped")
        if turn.gap is not None:
            assert min(parts(turn.gap)) >= 0
            assert sum(parts(turn.gap)) == turn.gap.total_ms
    for one, other in pairwise(turns):
        assert one.began_ms <= other.began_ms and one.ended_ms <= other.ended_ms


def check_words(turns, actions):
    """Every word of the caller's that was understood is in exactly one turn."""
    logged = [action.words for action in actions if isinstance(action, Log) and action.line == "ASR_TEXT:"]
    heard = {word for words in logged for word in words.split() if word in TOLD_APART}
    kept = Counter(word for turn in turns for word in turn.caller.split() if word in TOLD_APART)
    assert kept == Counter(heard)
