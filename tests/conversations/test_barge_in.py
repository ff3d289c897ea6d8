"""Rules D: stop fast, judge, resume. Whole calls in simulated time."""

import pytest

from server.turns.effects import Speaker
from tests.simtime.call import GREETING, SimCall
from tests.simtime.line import LOUD, NOISE, NORMAL, VOICE, Sound, numbers

REPLY = "המשפט הראשון של התשובה שלי אליך. המשפט השני של התשובה ארוך קצת יותר. ומה דעתך על כל זה?"
FIRST, SECOND, THIRD = (
    "המשפט הראשון של התשובה שלי אליך.",
    "המשפט השני של התשובה ארוך קצת יותר.",
    "ומה דעתך על כל זה?",
)
OPENING = Sound(3.0, 1.5)
REPLY_AT_S = 5.32  # when the first answer starts, engines at 50 ms
COUGH, CLICK = 0.3, 0.08


def over_reply(after_s, for_s, kind=VOICE, magnitude=NORMAL):
    return Sound(REPLY_AT_S + after_s, for_s, kind, magnitude)


def call_with(*sounds, stt=("שאלה ראשונה", "שאלה שנייה"), **more):
    return SimCall([OPENING, *sounds], stt=list(stt), reply=REPLY, **more).run(24)


def heard_of(call, text):
    """Seconds of ``text`` that the caller heard, all times together."""
    return sum(said.until_s - said.at_s for said in call.heard if said.text == text)


def length(text):
    return len(text) * 0.06


def test_d1_clear_is_on_the_wire_within_80_ms_of_the_first_voiced_frame():
    """D1: three loud frames are 60 ms."""
    call = call_with(over_reply(1.0, 1.2))
    voice_s = REPLY_AT_S + 1.0
    stop = next(at for at in call.sent("clear") if at > voice_s)
    assert stop - voice_s <= 0.08
    assert [at for at in call.sent("media") if stop < at < stop + 0.6] == []


@pytest.mark.parametrize("frames", [1, 3, 8])
def test_d1_the_knob_counts_frames(frames):
    """D1: BARGE_IN_VOICE_FRAMES in a row stop the agent, one fewer do not."""
    call = call_with(over_reply(1.0, 1.2), knobs={"barge_in_voice_frames": frames})
    stop = next(at for at in call.sent("clear") if at > REPLY_AT_S + 0.99)
    assert stop - (REPLY_AT_S + 1.0) == pytest.approx((frames - 1) * 0.02, abs=0.001)
    short = call_with(over_reply(1.0, 0.02 * (frames - 1), NOISE), knobs={"barge_in_voice_frames": frames})
    assert len(short.sent("clear")) == 2


def test_d1_a_sound_under_the_level_does_not_stop_it():
    """D1: BARGE_IN_RMS above the caller's level: the agent goes on."""
    call = call_with(over_reply(1.0, 1.2), knobs={"barge_in_rms": 9000})
    assert call.texts == [GREETING, FIRST, SECOND, THIRD]
    assert call.lines("BARGE_IN") == []


def test_d2_a_voice_interrupts_and_its_words_are_answered():
    """D2: confirmed: one clear, the log line, the queue dropped, the triggering frames heard, an answer."""
    call = call_with(over_reply(1.0, 1.2))
    assert len(call.lines("BARGE_IN: interrupt")) == 1
    assert len([at for at in call.sent("clear") if REPLY_AT_S + 1 < at < REPLY_AT_S + 2]) == 1
    heard = numbers(call.stt.heard[1])
    assert len(heard) == 60 and heard == list(range(heard[0], heard[0] + 60))
    assert [request.text for request in call.llm.requests] == ["שאלה ראשונה", "שאלה שנייה"]
    assert call.texts[:3] == [GREETING, FIRST, FIRST]
    assert heard_of(call, SECOND) == pytest.approx(length(SECOND), abs=0.05)  # of the second answer only


def test_d2_the_providers_of_the_interrupted_turn_are_closed():
    """D2: the LLM is still at its second sentence when the caller interrupts: its stream is closed."""
    call = SimCall([OPENING, over_reply(1.0, 1.2)], stt=["א", "ב"], reply=REPLY)
    call.llm.sentence_s = 1.4
    call.run(7.4, hang_up=False)
    assert call.lines("BARGE_IN: interrupt")
    assert call.llm.open_streams == 0
    assert call.voice.open_streams == 0
    assert "turn-2" not in call.runtime.alive()


def test_d2_in_the_last_300_ms_it_is_no_interruption():
    """D2: the reply counts as heard when the cut is in its last 300 ms."""
    end_s = length(FIRST) + length(SECOND) + length(THIRD)
    call = call_with(over_reply(end_s - 0.25, 1.2))
    agent = [line for line in call.llm.requests[1].history if line.speaker is Speaker.AGENT]
    assert not agent[-1].interrupted


def test_d3_history_keeps_the_words_that_were_heard():
    """D3: cut in the middle of the second sentence: the first whole, and the words of the second so far."""
    call = call_with(over_reply(length(FIRST) + length(SECOND) / 2, 1.2))
    agent = [line for line in call.llm.requests[1].history if line.speaker is Speaker.AGENT]
    assert agent[-1].interrupted
    assert agent[-1].text.startswith(FIRST)
    rest = agent[-1].text.removeprefix(FIRST).split()
    assert rest == SECOND.split()[: len(rest)]
    assert 2 <= len(rest) <= 4
    assert THIRD not in agent[-1].text


@pytest.mark.parametrize("delay_s", [0.0, 0.15])
def test_d3_heard_is_what_was_played_not_what_was_sent(delay_s):
    """D3: 400 ms are always on their way; with a slow network too they are not counted as heard."""
    call = call_with(over_reply(1.5, 1.2), delay_s=delay_s)
    agent = [line for line in call.llm.requests[1].history if line.speaker is Speaker.AGENT]
    words = FIRST.split()
    heard_s = heard_of_first_stretch(call)
    assert abs(len(agent[-1].text.split()) - len(words) * heard_s / length(FIRST)) <= 1.5


def heard_of_first_stretch(call):
    first = next(said for said in call.heard if said.text == FIRST)
    return first.until_s - first.at_s


@pytest.mark.parametrize("for_s", [COUGH, CLICK], ids=["cough", "click"])
@pytest.mark.parametrize("over", ["greeting", "reply"])
@pytest.mark.parametrize("delay_s", [0.0, 0.1])
def test_d4_noise_is_judged_and_the_agent_goes_on_from_where_it_was_cut(for_s, over, delay_s):
    """D4: unconfirmed: within 1.2 s of the cut the agent goes on; every part of it is heard once."""
    at_s = 1.3 if over == "greeting" else REPLY_AT_S + 1.0
    call = SimCall([OPENING, Sound(at_s, for_s, NOISE, LOUD)], reply=REPLY, delay_s=delay_s).run(24)
    assert call.lines("BARGE_IN") == []
    text = GREETING if over == "greeting" else FIRST
    parts = [said for said in call.heard if said.text == text]
    assert len(parts) == 2
    assert parts[1].at_s - parts[0].until_s < 1.2
    assert heard_of(call, text) == pytest.approx(length(text), abs=0.03)
    assert len(call.llm.requests) == 1
    assert len(call.lines("tts_done")) == 2


def test_d4_after_two_false_stops_confirmation_is_waited_for():
    """D1, D4: the third cough in one reply does not stop it any more; a real voice does."""
    coughs = [over_reply(0.6 + 1.2 * n, COUGH, NOISE, LOUD) for n in range(3)]
    call = call_with(*coughs, over_reply(4.6, 1.5))
    stops = [at for at in call.sent("clear") if at > REPLY_AT_S + 0.1]
    assert len([at for at in stops if at < REPLY_AT_S + 4.5]) == 2
    assert len(call.lines("BARGE_IN: interrupt")) == 1


def test_d4_a_stale_mark_of_the_cut_has_no_effect():
    """D4, C4: `clear` returns the pending marks; the sentence is marked anew when it goes on."""
    call = call_with(over_reply(length(FIRST) - 0.2, COUGH, NOISE, LOUD))
    assert call.texts == [GREETING, FIRST, FIRST, SECOND, THIRD]
    assert heard_of(call, FIRST) == pytest.approx(length(FIRST), abs=0.03)
    assert len(call.lines("tts_done")) == 2


def test_d4_confirmed_but_no_words_goes_on_from_the_sentence():
    """D4, E1: the STT heard nothing in what stopped us: the cut sentence is said again, and the rest."""
    call = call_with(over_reply(length(FIRST) + 1.0, 1.0), stt=["שאלה", ""])
    assert call.lines("BARGE_IN: interrupt")
    assert call.texts == [GREETING, FIRST, SECOND, SECOND, THIRD]
    assert len(call.llm.requests) == 1


def test_d5_barge_in_off_the_agent_finishes():
    """D5: with BARGE_IN=false nothing stops the agent; what was said over it is answered after it."""
    call = call_with(over_reply(1.0, 1.2), knobs={"barge_in": False})
    assert call.texts[:4] == [GREETING, FIRST, SECOND, THIRD]
    assert call.lines("BARGE_IN") == []
    assert [request.text for request in call.llm.requests] == ["שאלה ראשונה", "שאלה שנייה"]


def test_d5_the_keypad_still_works():
    """D5, F5: a key stops the agent even so."""
    call = SimCall(
        [OPENING],
        stt=["שאלה"],
        reply=REPLY,
        knobs={"barge_in": False},
        keys=[(REPLY_AT_S + 1, "5"), (REPLY_AT_S + 1.3, "#")],
    ).run(20)
    assert call.lines("BARGE_IN: interrupt")
    assert [request.text for request in call.llm.requests] == ["שאלה", "5"]
