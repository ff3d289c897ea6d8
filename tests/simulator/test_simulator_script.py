"""The caller's behaviour, frame by frame. The agent is drawn as text: ``#`` audible, ``.`` silent."""

import pytest

from server.audio.frames import mulaw_to_pcm16
from server.simulator.script import DIGIT_FRAMES, Burst, CallerScript, Keys, Manners, Say, Wait
from server.simulator.sounds import SILENCE, Clip

TONE = Clip.from_pcm16(b"\x00\x10" * 1600)  # 10 frames, all voiced
QUICK = Manners(reply_after_s=0.1, patience_s=1.0, linger_s=0.1)


def run(script, agent, idle=True):
    """The caller's action in each frame: ``s`` sound, a digit, ``x`` hung up, ``.`` nothing."""
    done = ""
    for heard in agent:
        frame = script.step(heard == "#", idle)
        done += "x" if frame.hang_up else frame.digit or ("s" if frame.audio is not SILENCE else ".")
        if frame.hang_up:
            break
    return done


def test_waits_for_the_greeting_to_end():
    script = CallerScript([Say("hello", TONE)], QUICK)
    assert run(script, "." * 5 + "#" * 10 + "." * 20) == "." * 19 + "s" * 10 + "." * 6
    assert [(t.index, t.first_frame, t.end_frame, t.impatient) for t in script.turns] == [(1, 19, 29, False)]


def test_pause_inside_the_greeting_is_not_its_end():
    assert run(CallerScript([Say("hello", TONE)], QUICK), "##....##.....") == "." * 12 + "s"


def test_outstanding_mark_means_there_is_more():
    script = CallerScript([Say("hello", TONE)], QUICK)
    assert "s" not in run(script, "##" + "." * 20, idle=False)
    assert run(script, "##.....").endswith("s")


def test_lost_mark_does_not_hold_the_caller_for_ever():
    assert run(CallerScript([Say("hello", TONE)], Manners()), "##" + "." * 170, idle=False).count("s") > 0


def test_patience_ends():
    script = CallerScript([Say("hello?", TONE)], QUICK)
    assert run(script, "." * 60) == "." * 50 + "s" * 10
    assert script.turns[0].impatient


@pytest.mark.parametrize(
    "manners, greeted", [(QUICK, True), (Manners(reply_after_s=0.1, speak_first=True), False)]
)
def test_no_greeting_is_awaited(manners, greeted):
    assert run(CallerScript([Say("hello", TONE)], manners, greeted=greeted), "...") == "sss"


def test_second_line_waits_for_the_answer_and_then_hangs_up():
    script = CallerScript([Say("a", TONE), Say("b", TONE)], QUICK)
    agent = "##....." + "." * 10 + "#####" + "." * 15 + "." * 10 + "###" + "." * 20
    assert run(script, agent) == "." * 6 + "s" * 10 + "." * 10 + "s" * 10 + "." * 23 + "x"
    assert script.finished
    assert [turn.text for turn in script.turns] == ["a", "b"]


def test_interrupts_so_long_after_the_agent_began():
    script = CallerScript([Say("a", TONE, interrupt_after_s=0.2)], QUICK)
    assert run(script, "..." + "#" * 30)[:14] == "." * 13 + "s"
    assert script.turns[0].interrupted


def test_interruption_counts_from_the_start_whatever_pauses_the_agent_makes():
    script = CallerScript([Say("a", TONE, interrupt_after_s=1.0)], Manners())
    assert run(script, "#" * 20 + "." * 15 + "#" * 30).index("s") == 50


def test_interruption_that_comes_too_late_is_an_ordinary_line():
    script = CallerScript([Say("a", TONE, interrupt_after_s=0.4)], QUICK)
    assert run(script, "###....." + "." * 8).count("s") > 0
    assert script.turns[0].meant_to_interrupt and not script.turns[0].interrupted


def test_agent_that_talks_on_is_not_taken_for_the_answer():
    """An interrupted reply that goes on is no answer: only a new onset is."""
    script = CallerScript([Say("a", TONE, interrupt_after_s=0.0), Say("b", TONE)], QUICK)
    assert run(script, "#" * 20 + "." * 30 + "#" * 5 + "." * 10) == "s" * 10 + "." * 49 + "s" * 6


def test_agent_that_answers_into_the_end_of_the_line_is_answering():
    script = CallerScript([Say("a", TONE), Say("b", TONE)], QUICK)
    assert run(script, "#" + "." * 13 + "####" + ".......") == "." * 5 + "s" * 10 + "." * 7 + "sss"


def test_hint_is_not_the_answer():
    script = CallerScript([Say("a", TONE)], Manners(reply_after_s=0.1, hint_s=0.2))
    assert run(script, "." * 20 + "##" + "." * 60 + "#" * 10 + "." * 8) == "." * 96 + "s" * 4


def test_hint_without_an_answer_is_given_time():
    script = CallerScript([Say("a", TONE)], Manners(reply_after_s=0.1, hint_s=0.2))
    assert run(script, "##" + "." * 160).index("s") == 2 + 4 + 150


def test_keys_are_pressed_one_after_the_other():
    script = CallerScript([Keys("1#")], QUICK)
    done = run(script, "#....." + "." * 30)
    assert done.index("1") == 5
    assert done.index("#") - done.index("1") == DIGIT_FRAMES
    assert script.turns[0].kind == "keys" and script.turns[0].end_frame == 5 + DIGIT_FRAMES


def test_wait_is_silence_and_no_turn():
    script = CallerScript([Wait(0.2), Say("a", TONE)], QUICK)
    assert run(script, "#" + "." * 20) == "." * 15 + "s" * 6
    assert len(script.turns) == 1


def test_hangs_up_in_the_middle():
    assert run(CallerScript([Say("a", TONE)], Manners(hang_up_after_s=0.1)), "#" * 50) == ".....x"


@pytest.mark.parametrize("noise, frame", [(Burst("click", 0, 0.2), 13), (Burst("click", None, 0.1), 5)])
def test_noise_comes_at_its_time(noise, frame):
    done = run(CallerScript([Say("a", TONE)], Manners(), [noise]), "..." + "#" * 30)
    assert done.index("s") == frame


def test_noise_of_an_answer_that_never_comes_is_not_made():
    assert "s" not in run(CallerScript([], Manners(), [Burst("click", 3, 0.0)]), "#" * 30)


def test_silence_around_the_words_is_not_speech():
    padded = Clip.from_pcm16(b"\0" * 640 + b"\x00\x10" * 320 + b"\0" * 960)
    script = CallerScript([Say("a", padded)], Manners(speak_first=True, reply_after_s=0.02))
    run(script, "." * 10)
    assert (script.turns[0].first_frame, script.turns[0].end_frame) == (2, 4)


def test_burst_is_mixed_into_the_voice():
    script = CallerScript([Say("a", TONE)], Manners(0.02, speak_first=True), [Burst("click", None, 0.0)])
    mixed = script.step(False, True).audio
    assert mulaw_to_pcm16(mixed.mulaw) != mulaw_to_pcm16(TONE.frames[0].mulaw)
    assert script.step(False, True).audio is TONE.frames[1]
