"""Rules D: judge, stop, resume. Whole calls in simulated time."""

import pytest

from tests.simtime.call import GREETING, SimCall
from tests.simtime.line import LOUD, NOISE, NORMAL, VOICE, Sound

REPLY = "המשפט הראשון של התשובה שלי אליך. המשפט השני של התשובה ארוך קצת יותר. ומה דעתך על כל זה?"
FIRST, SECOND, THIRD = (
    "המשפט הראשון של התשובה שלי אליך.",
    "המשפט השני של התשובה ארוך קצת יותר.",
    "ומה דעתך על כל זה?",
)
OPENING = Sound(3.0, 1.5)
REPLY_AT_S = 5.32  # when the first answer starts, engines at 50 ms
COUGH, CLICK = 0.3, 0.08
EARLY_STOP = {"barge_in_early_stop": True}


def over_reply(after_s, for_s, kind=VOICE, magnitude=NORMAL):
    return Sound(REPLY_AT_S + after_s, for_s, kind, magnitude)


def call_with(*sounds, stt=("שאלה ראשונה", "שאלה שנייה"), **more):
    return SimCall([OPENING, *sounds], stt=list(stt), reply=REPLY, **more).run(24)


def heard_of(call, text):
    """Seconds of ``text`` that the caller heard, all times together."""
    return sum(said.until_s - said.at_s for said in call.heard if said.text == text)


def length(text):
    return len(text) * 0.06


@pytest.mark.parametrize("engine", [EARLY_STOP, {"vad_engine": "energy"}], ids=["early stop", "energy"])
@pytest.mark.parametrize("frames", [1, 3, 8])
def test_d1_the_knob_counts_frames(frames, engine):
    """D1: where loud frames stop the agent, BARGE_IN_VOICE_FRAMES in a row do, one fewer do not."""
    knobs = {"barge_in_voice_frames": frames, **engine}
    call = call_with(over_reply(1.0, 1.2), knobs=knobs)
    stop = next(at for at in call.sent("clear") if at > REPLY_AT_S + 0.99)
    assert stop - (REPLY_AT_S + 1.0) == pytest.approx((frames - 1) * 0.02, abs=0.001)
    short = call_with(over_reply(1.0, 0.02 * (frames - 1), NOISE), knobs=knobs)
    assert len(short.sent("clear")) == 2


def test_d1_the_model_s_word_stops_the_agent():
    """D1: and nothing before it: what was heard until then is the reply without a gap."""
    call = call_with(over_reply(1.0, 1.2))
    (confirmed,) = (
        at for line, at in zip(call.log, call.log_times, strict=True) if "BARGE_IN: interrupt" in line
    )
    assert [at for at in call.sent("clear") if at > REPLY_AT_S + 0.1][0] == pytest.approx(confirmed)
    cut = next(said for said in call.heard if said.text == FIRST)
    assert cut.until_s == pytest.approx(confirmed, abs=0.021)


@pytest.mark.parametrize("for_s, kind", [(COUGH, NOISE), (CLICK, NOISE), (0.06, VOICE), (2.0, NOISE)])
def test_d1_what_is_no_voice_cuts_nothing(for_s, kind):
    """D1: cough, click, a scrap of voice, a noise that goes on: every frame is heard, in one piece."""
    call = call_with(over_reply(1.0, for_s, kind, LOUD))
    assert call.texts == [GREETING, FIRST, SECOND, THIRD]
    for text in (FIRST, SECOND, THIRD):
        assert heard_of(call, text) == pytest.approx(length(text), abs=0.021)
    assert len(call.sent("clear")) == 2 and call.lines("BARGE_IN") == []


def test_d1_a_key_needs_no_word_of_the_model():
    """D1, F5: while a sound is judged too."""
    call = call_with(over_reply(1.0, COUGH, NOISE, LOUD), keys=[(REPLY_AT_S + 1.1, "1")])
    assert [at for at in call.sent("clear") if at > REPLY_AT_S + 0.1][0] == pytest.approx(
        REPLY_AT_S + 1.1, abs=0.03
    )


def test_d2_the_providers_of_the_interrupted_turn_are_closed():
    """D2: the LLM is still at its second sentence when the caller interrupts: its stream is closed."""
    call = SimCall([OPENING, over_reply(1.0, 1.2)], stt=["א", "ב"], reply=REPLY)
    call.llm.sentence_s = 1.4
    call.run(7.4, hang_up=False)
    assert call.lines("BARGE_IN: interrupt")
    assert call.llm.open_streams == 0
    assert call.voice.open_streams == 0
    assert "turn-2" not in call.runtime.alive()


@pytest.mark.parametrize(
    ("for_s", "over", "delay_s"), [(COUGH, "greeting", 0.1), (CLICK, "greeting", 0.0), (CLICK, "reply", 0.1)]
)
def test_d4_noise_is_judged_and_the_agent_goes_on_from_where_it_was_cut(for_s, over, delay_s):
    """D4: stopped early, within 1.2 s of the cut the agent goes on; every part of it is heard once."""
    at_s = 1.3 if over == "greeting" else REPLY_AT_S + 1.0
    sounds = [OPENING, Sound(at_s, for_s, NOISE, LOUD)]
    call = SimCall(sounds, reply=REPLY, delay_s=delay_s, knobs=EARLY_STOP).run(24)
    assert call.lines("BARGE_IN") == []
    text = GREETING if over == "greeting" else FIRST
    parts = [said for said in call.heard if said.text == text]
    assert len(parts) == 2
    assert parts[1].at_s - parts[0].until_s < 1.2
    assert heard_of(call, text) == pytest.approx(length(text), abs=0.03)
    assert len(call.llm.requests) == 1
    assert len(call.lines("tts_done")) == 2


def test_d4_after_two_false_stops_confirmation_is_waited_for():
    """D1, D4: stopped early, the third cough in one reply does not stop it any more; a real voice does."""
    coughs = [over_reply(0.6 + 1.2 * n, COUGH, NOISE, LOUD) for n in range(3)]
    call = call_with(*coughs, over_reply(4.6, 1.5), knobs=EARLY_STOP)
    stops = [at for at in call.sent("clear") if at > REPLY_AT_S + 0.1]
    assert len([at for at in stops if at < REPLY_AT_S + 4.5]) == 2
    assert len(call.lines("BARGE_IN: interrupt")) == 1


def test_d4_a_stale_mark_of_the_cut_has_no_effect():
    """D4, C4: `clear` returns the pending marks; the sentence is marked anew when it goes on."""
    call = call_with(over_reply(length(FIRST) - 0.2, COUGH, NOISE, LOUD), knobs=EARLY_STOP)
    assert call.texts == [GREETING, FIRST, FIRST, SECOND, THIRD]
    assert heard_of(call, FIRST) == pytest.approx(length(FIRST), abs=0.03)
    assert len(call.lines("tts_done")) == 2
