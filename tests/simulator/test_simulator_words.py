"""Newcomer 14: words assigned to turns, from the log's lines and the times of the audio."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulator.serverlog import LogEntry
from server.simulator.words import CallWords, Words, match_words
from tests.simulator.drawn import call


def words(agent, caller, *lines):
    """``lines``: (seconds, ``a`` for a transcript or ``t`` for the agent's text, words)."""
    kinds = {"a": "ASR_TEXT", "t": "AGENT_TEXT", "e": "ASR_ERR"}
    timeline = call(agent, caller)
    log = [LogEntry(kinds[kind], text, "MZ1", at_s) for at_s, kind, text in lines]
    return match_words(log, timeline.turns, timeline.answers)


HELLO = (0.45, "t", "hello")
CALLS = {
    "interrupted": (
        "c###.......c####c......c###..",
        "....aaaa......bbbbb..........",
        [(1.0, "a", "A"), (1.65, "t", "one"), (2.1, "a", "B"), (2.75, "t", "two")],
        [Words("A", "one", True), Words("B", "two")],
    ),
    "a cough, and an interruption just as the reply goes on": (
        "c###.......c###c..##c........c####..",
        "....aaaa..........bbbbbbb...........",
        [(1.0, "a", "A"), (2.02, "t", "one"), (2.8, "a", "B"), (3.45, "t", "two")],
        [Words("A", "one", True), Words("B", "two")],
    ),
    "a cough, and the reply is heard to its end": (
        "c###.......c###c..####...........",
        "....aaaa.........................",
        [(1.0, "a", "A"), (2.25, "t", "all of it")],
        [Words("A", "all of it")],
    ),
    "a listener's word, behind which the reply goes on": (
        "c###.......c###c......####..",
        "....aaaa......bb............",
        [(1.0, "a", "A"), (1.9, "a", "aha"), (2.65, "t", "all of it")],
        [Words("A", "all of it"), Words("aha")],
    ),
    "answered late, when the caller had lost patience": (
        "c###...............c##c......c###..",
        "....aaaa..........bbbbbb...........",
        [(1.0, "a", "A"), (2.25, "t", "one"), (2.7, "a", "B"), (3.25, "t", "two")],
        [Words("A", "one", True), Words("B", "two")],
    ),
    "answered in a pause, and the caller went on": (
        "c###......c##c....c###..",
        "....aaaa..aaaa..........",
        [(0.9, "a", "half"), (1.35, "t", "so"), (1.7, "a", "whole"), (2.15, "t", "answer")],
        [Words("half | whole", "so answer")],
    ),
    "not heard": (
        "c###.......c###.........c###..",
        "....aaaa..........bbb.........",
        [(1.55, "t", "pardon"), (2.75, "t", "pardon again")],
        [Words("", "pardon"), Words("", "pardon again")],
    ),
    "heard, not heard": (
        "c###.......c###.........c###..",
        "....aaaa..........bbb.........",
        [(1.0, "a", "A"), (1.55, "t", "one"), (2.75, "t", "pardon")],
        [Words("A", "one"), Words("", "pardon")],
    ),
    "interrupted before a word": (
        "c###.......c#c.......c###..",
        "....aaaa....bbb............",
        [(1.0, "a", "A"), (1.35, "t", ""), (1.9, "a", "B"), (2.45, "t", "two")],
        [Words("A", "", True), Words("B", "two")],
    ),
}


@pytest.mark.parametrize("agent, caller, lines, expected", CALLS.values(), ids=CALLS)
def test_each_line_goes_to_its_turn(agent, caller, lines, expected):
    assert words(agent, caller, HELLO, *lines).turns == (Words("", "hello"), *expected)


def test_a_log_that_tells_nothing_is_told_from_a_call_in_which_nothing_was_heard():
    assert not words("c###", "....").known and words("c###", "....", HELLO).known
    assert CallWords().of(3) == Words()


def test_the_last_complaint_of_the_stt_is_kept():
    found = words("c###", "....", (0.1, "e", "google: first"), HELLO, (0.9, "e", "google: down"))
    assert found.complaint == "google: down" and found.turns == (Words("", "hello"),)


LINES = st.lists(st.tuples(st.floats(0, 4), st.sampled_from("at")), max_size=8)


@given(st.text("c#C.", max_size=36), LINES)
def test_no_line_is_lost_or_told_twice(agent, lines):
    """Whatever was heard of the agent, and however late a line was read."""
    told = [(at_s, kind, f"<{number}>") for number, (at_s, kind) in enumerate(sorted(lines))]
    found = words(agent, "....aaaa......bbb.....cc.....", *told)
    pages = " ".join(f"{page.heard_as} {page.agent}" for page in found.turns)
    assert sorted(pages.replace("|", "").split()) == sorted(text for _, _, text in told)
