"""Measurements, on calls drawn as text: one character is 100 ms."""

import pytest

from server.core.frames import pcm16_to_mulaw
from server.simulator.script import Burst, Turn
from server.simulator.timeline import Interval, analyse, audible_intervals, split_answers
from server.simulator.twilio_buffer import Cleared, TwilioBuffer

LOUD = pcm16_to_mulaw(b"\x00\x10" * 800)
QUIET = b"\xff" * 800


def call(agent, caller, bursts=()):
    """``agent``: ``#`` 100 ms of sound, ``c`` a clear and 100 ms of nothing, ``C`` a clear and sound.

    A stretch of sound is sent at once where it begins, so a clear inside it throws the rest away.
    ``caller``: a letter per turn while it speaks.
    """
    buffer = TwilioBuffer()
    for n, character in enumerate(agent):
        if character in "cC":
            buffer.clear(n / 10)
        if character in "#C" and (n == 0 or agent[n - 1] not in "#C" or character == "C"):
            length = next((i for i, c in enumerate(agent[n + 1 :]) if c != "#"), len(agent) - n - 1) + 1
            extra = 5 if agent[n + length : n + length + 1] in ("c", "C") else 0  # to be cut
            buffer.media(LOUD * (length + extra), n / 10)
            buffer.mark(f"m{n}", n / 10)
    buffer.advance(len(agent) / 10)
    turns = []
    for letter in sorted(set(caller) - {".", " "}):
        first, last = caller.index(letter), caller.rindex(letter)
        turns.append(Turn(len(turns) + 1, letter, "say", first * 5, (last + 1) * 5))
    return analyse(turns, buffer, bursts)


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


def test_greeting_is_what_comes_before_the_caller():
    assert call("..c###...", "......aaa").greeting_s == pytest.approx(0.3)
    assert call("......c###", "..aaa.....").greeting_s is None
    assert call("...", "...").greeting_s is None


def test_a_reply_behind_a_hint_is_an_answer_of_its_turn() -> None:
    """No clear goes before it (B5): the end of the caller's turn divides it from what was before."""
    agent = [Interval(0.8, 2.0), Interval(6.0, 6.7), Interval(7.0, 9.0)]
    answers = split_answers(agent, [Cleared(0.8, 0, 0)], [4.5])
    assert [(answer.start_s, answer.end_s) for answer in answers] == [(0.8, 2.0), (6.0, 9.0)]
