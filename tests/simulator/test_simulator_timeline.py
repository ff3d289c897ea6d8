"""Measurements, on calls drawn as text: one character is 100 ms."""

import pytest

from server.audio.twilio_buffer import Cleared, TwilioBuffer
from server.simulator.script import Burst
from server.simulator.timeline import Interval, analyse, audible_intervals, split_answers
from tests.simulator.drawn import LOUD, call

QUIET = b"\xff" * 800


def test_intervals_bridge_short_pauses_only():
    intervals = audible_intervals(QUIET + LOUD + QUIET + LOUD + QUIET * 3 + LOUD)
    assert [round(t, 2) for i in intervals for t in (i.start_s, i.end_s)] == [0.1, 0.4, 0.7, 0.8]


def test_clear_just_before_the_sound_is_no_edge_of_it():
    buffer = TwilioBuffer()
    buffer.clear(0.1042)
    buffer.media(LOUD * 5, 0.1043)
    buffer.advance(1.0)
    timeline = analyse([], buffer)
    assert [round(i.start_s, 3) for i in timeline.agent] == [0.104] and len(timeline.answers) == 1


def test_silence_inside_audio_is_not_speech():
    buffer = TwilioBuffer()
    buffer.media(QUIET * 4 + LOUD, 0.0)
    buffer.advance(1.0)
    timeline = analyse([], buffer)
    assert timeline.greeting_s == pytest.approx(0.4)


CALLS = {  # name: (agent, caller, answers, gaps in ms, barge-in (clear, silent) in ms)
    "one answer": ("c###.......c####..", "....aaaa..........", [1], [400], [None]),
    "no answer": ("c###..............", "....aaaa..........", [0], [None], [None]),
    "two answers": (
        "c###.......c###...c###..",
        "....aaaa................",
        [2],
        [400],
        [None],
    ),
    "sentences of one answer": (
        "c###.......c###.......###..",
        "....aaaa...................",
        [1],
        [400],
        [None],
    ),
    "without announcements a long pause makes two": (
        ".###........###...............###..",
        "....aaaa...........................",
        [2],
        [400],
        [None],
    ),
    "without announcements a short pause does not": (
        ".###........###.....###..",
        "....aaaa.................",
        [1],
        [400],
        [None],
    ),
    "interrupted": (
        "c###.......c####c......c###..",
        "....aaaa......bbbbb..........",
        [1, 1],
        [400, 500],
        [None, (200, 200)],
    ),
    "taken back and given again": (
        "c###......c##c....c###..",
        "....aaaa..bbbb..........".replace("b", "a"),
        [1],
        [500],
        [None],
    ),
    "resumed after a false stop": (
        "c###.......c##c...C##...",
        "....aaaa................",
        [1],
        [400],
        [None],
    ),
    "talks on over the caller": (
        "c###.......c#####...........",
        "....aaaa......bb............",
        [1, 0],
        [400, None],
        [None, (None, 300)],
    ),
    "answers before the end": ("c###.....c####....", "....aaaaaaa.......", [1], [-100], [None]),
}


@pytest.mark.parametrize("agent, caller, answers, gaps, barge_ins", CALLS.values(), ids=CALLS)
def test_turns(agent, caller, answers, gaps, barge_ins):
    timeline = call(agent, caller)
    assert [turn.answers for turn in timeline.turns] == answers
    measured = [None if turn.gap_s is None else round(turn.gap_s * 1000) for turn in timeline.turns]
    assert measured == gaps
    for turn, expected in zip(timeline.turns, barge_ins, strict=True):
        found = turn.barge_in and (turn.barge_in.clear_ms, turn.barge_in.silent_ms)
        assert found == (expected and pytest.approx(expected, abs=11))


NOISES = {  # name: (agent, caller, what came of a noise at 1.3 s)
    "not stopped": ("c###.......c######..", "....aaaa............", (None, None)),
    "went on": ("c###.......c###c..###..", "....aaaa................", (200, 300)),
    "lost": ("c###.......c###c.......", "....aaaa................", (200, float("inf"))),
    "lost before the next turn": ("c###.......c###c....c##", "....aaaa..........bb....", (200, float("inf"))),
    "stopped by the caller": ("c###.......c####c......", "....aaaa......bb........", (None, None)),
}


@pytest.mark.parametrize("agent, caller, expected", NOISES.values(), ids=NOISES)
def test_noise(agent, caller, expected):
    (noise,) = call(agent, caller, [(Burst("cough", 1, 0.1), 65)]).noises
    assert (noise.clear_ms, noise.pause_ms) == pytest.approx(expected, abs=11)


def test_a_noise_is_not_blamed_for_a_reply_that_went_on_just_as_the_caller_began():
    """Newcomer 14: the README's own example reported that the reply was lost."""
    (noise,) = call("c###.......c###c..###", "....aaaa..........bb.", [(Burst("cough", 1, 0.1), 65)]).noises
    assert noise.pause_ms == pytest.approx(300, abs=11)


def test_what_goes_on_is_told_from_what_is_new():
    """A clear precedes a new reply, but not the rest of a reply that a noise had stopped."""
    answers = call("c###.......c##c..##c.....c###..", "....aaaa.........bbbb..........").answers
    assert [(answer.resumes, answer.cut) for answer in answers] == [
        (False, False),
        (False, True),
        (True, True),
        (False, False),
    ]


def test_the_rest_of_a_reply_is_no_second_answer():
    """If there is an answer to the caller's own turn, only that counts."""
    timeline = call("c###.......c##c....######..c###..", "....aaaa........bbb...............")
    assert [turn.answers for turn in timeline.turns] == [1, 1]
    assert timeline.turns[1].gap_s == pytest.approx(0.9, abs=0.02)


def test_greeting_is_what_comes_before_the_caller():
    assert call("..c###...", "......aaa").greeting_s == pytest.approx(0.3)
    assert call("......c###", "..aaa.....").greeting_s is None
    assert call("...", "...").greeting_s is None


def test_a_reply_behind_a_hint_is_an_answer_of_its_turn() -> None:
    """No clear precedes it (B5): the end of the caller's turn separates it from the reply before."""
    agent = [Interval(0.8, 2.0), Interval(6.0, 6.7), Interval(7.0, 9.0)]
    answers = split_answers(agent, [Cleared(0.8, 0, 0)], [4.5])
    assert [(answer.start_s, answer.end_s) for answer in answers] == [(0.8, 2.0), (6.0, 9.0)]
