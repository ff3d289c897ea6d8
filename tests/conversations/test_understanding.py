"""Rules E, F5, F6: what the words amount to, keys, the end of a call. Whole calls in simulated time."""

import json

import pytest

from tests.simtime.call import GREETING, SimCall
from tests.simtime.engines import Reply
from tests.simtime.line import Sound
from tests.wording import OURS

FIRST, SECOND = "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה לשאלה הבאה?"


def talk(*starts_s, for_s=1.2):
    return [Sound(at_s, for_s) for at_s in starts_s]


def asked(call):
    return [request.text for request in call.llm.requests]


# ---- E1 ----


def test_e1_blank_words_are_none():
    """E1: the agent asks again, and not the LLM."""
    call = SimCall(talk(3.0), stt=["  "]).run(9)
    assert call.texts == [GREETING, OURS.unclear[0]]
    assert asked(call) == []


# ---- E2 ----


# ---- E3 ----


def test_e3_two_words_of_ours_may_be_the_callers():
    """E3: fewer than three words are never taken for echo."""
    call = SimCall(talk(3.0, 10.0), stt=["שאלה", "תודה רבה"]).run(16)
    assert asked(call) == ["שאלה", "תודה רבה"]


def test_e3_the_window_ends():
    """E3: after DEDUP_WINDOW_SEC the same words are the caller's."""
    call = SimCall(talk(3.0, 26.0), stt=["שאלה", "הבנתי אותך היטב תודה"]).run(34)
    assert asked(call) == ["שאלה", "הבנתי אותך היטב תודה"]


# ---- E4 ----


def test_e4_what_was_cut_may_be_said_again():
    """E4: only a sentence heard in full counts: the interrupted one is not skipped."""
    call = SimCall(talk(3.0, 7.4), stt=["א", "ב"]).run(18)
    assert call.lines("BARGE_IN: interrupt")
    assert call.texts.count(SECOND) == 2


# ---- F5 ----


def test_f5_a_hash_alone_is_the_callers_turn():
    """F5: with nothing before it that it could end."""
    call = SimCall([], keys=[(3.0, "#")]).run(10)
    assert asked(call) == ["#"]
    assert call.texts[-2:] == [FIRST, SECOND]


def test_f5_two_seconds_is_two_seconds():
    """F5: a key 1.9 s after the last one still belongs to it; 2.1 s after it is another turn."""
    together = SimCall([], keys=[(3.0, "4"), (4.9, "2")]).run(12)
    apart = SimCall([], keys=[(3.0, "4"), (5.1, "2")], llm_s=0.0).run(12)
    assert asked(together) == ["42"]
    assert asked(apart)[0] == "4"


def test_f5_a_key_while_the_agent_speaks_stops_it_without_a_verdict():
    """F5: one clear at once."""
    call = SimCall([], keys=[(1.3, "1"), (1.5, "#")]).run(9)
    assert call.lines("BARGE_IN: interrupt")
    assert any(1.3 <= at <= 1.32 for at in call.sent("clear"))
    assert asked(call) == ["1"]


def test_f5_what_was_being_said_belongs_to_the_same_turn():
    """F5, A6: words, then a key: one turn, words first."""
    call = SimCall([Sound(3.0, 1.0)], stt=["שלוחה"], keys=[(3.9, "7"), (4.1, "#")]).run(10)
    assert asked(call) == ["שלוחה 7"]


def test_f5_a_dialler_asks_the_llm_once_a_second():
    """F5: nine keys a second; the first answer at once, the others together, and none of them is lost."""
    typed = "".join(f"{number}#" for number in range(10, 55))
    call = SimCall([], keys=[(3.0 + n / 9, key) for n, key in enumerate(typed)]).run(25)
    assert asked(call)[0] == "10" and len(asked(call)) <= 16  # it was 45
    assert asked(call)[-1] == " ".join(map(str, range(10, 55)))
    assert call.texts[-2:] == [FIRST, SECOND]


def test_f5_a_second_answer_of_keys_waits_for_its_second_and_no_longer():
    """F5: the LLM is asked again 1 s behind the first time, though nothing more comes."""
    call = SimCall([], keys=[(3.0, "1"), (3.1, "#"), (3.3, "2"), (3.4, "#")]).run(9)
    assert asked(call) == ["1", "1 2"]
    assert call.llm.spans[1][0] - call.llm.spans[0][0] == pytest.approx(1.0, abs=0.05)


# ---- what a call may cost ----


def answers_by_keys(count, **how):
    """So many answers, one every 1.03 s, and when the last of them was complete."""
    keys = [(3.0 + 0.515 * n, "#" if n % 2 else str(n // 2 % 10)) for n in range(2 * count)]
    return SimCall([], keys=keys, **how), keys[-1][0]


def test_the_llm_is_asked_so_often_in_a_call_and_who_is_faster_waits_and_is_answered():
    """G3: behind the hint; the question that waited has its whole deadline, and holds all that was typed."""

    def last_is_slow(request):
        return Reply(f"{FIRST} {SECOND}", delay_s=1.4 if request.text.split()[-1] == "8" else 0.05)

    call, last_s = answers_by_keys(69, reply=last_is_slow, knobs={"turn_timeout_ms": 2000})
    call.run(95)
    assert len(asked(call)) <= 20 + (last_s - 3.0) / 2 + 2
    assert asked(call)[-1].endswith("8") and call.texts[-2:] == [FIRST, SECOND]
    waited = [at for at, line in zip(call.log_times, call.log, strict=True) if "MIND_WAITS" in line]
    assert waited[-1] >= last_s and not call.lines("TURN_TIMEOUT")
    hints = [said for said in call.heard if said.text == call.config.thinking_text_he]
    assert hints[-1].at_s == pytest.approx(last_s + 0.8, abs=0.1)


# ---- F6, and bad input ----


@pytest.mark.parametrize("ending", ["stop", "close"])
@pytest.mark.parametrize("at_s", [0.5, 1.2, 5.0, 5.35, 6.5])
def test_f6_everything_is_gone_within_a_second(ending, at_s):
    """F6: whatever the call was at, its threads, streams and timers end with it."""
    call = SimCall([Sound(3.0, 1.5)], asr_s=0.3, llm_s=0.3, tts_s=0.3)
    call.run(at_s, hang_up=False)
    call.line.deliver({"event": "stop"}) if ending == "stop" else call.line.receiver.close()
    call.until(at_s + 1.0)
    assert call.finished
    assert call.runtime.alive() == []
    assert call.stt.open_streams == call.llm.open_streams == call.voice.open_streams == 0
    assert call.lines("WS_DONE")


def test_f6_a_vanished_peer_ends_the_call():
    """F6: no message for 10 s, where Twilio sends fifty a second: the call is over, and says why."""
    call = SimCall([]).run(2, hang_up=False)
    call.until(13)
    assert call.finished
    assert call.lines("WS_STALLED")


GARBAGE = [
    "{",
    "[]",
    '"start"',
    "null",
    "{}",
    '{"event": 7}',
    '{"event": "video"}',
    '{"event": "media"}',
    '{"event": "media", "media": {}}',
    '{"event": "media", "media": {"payload": 5}}',
    '{"event": "media", "media": {"payload": "%%%"}}',
    '{"event": "media", "media": {"payload": "/w==", "timestamp": "soon"}}',
    '{"event": "media", "media": {"payload": "/w==", "timestamp": "99999999999999999999"}}',
    '{"event": "mark"}',
    '{"event": "mark", "mark": {"name": "9.9.9"}}',
    '{"event": "dtmf", "dtmf": {"digit": "77"}}',
    '{"event": "start", "start": {"streamSid": "MZ2"}}',
    '{"event": "start"}',
    b"\x00\x01\x02",
    "[" * 50_000,
]


def test_garbage_is_counted_and_survived():
    """Every kind of bad message in the middle of a call: the call goes on as if it had not come."""
    raw = [(2.0 + 0.05 * n, message) for n, message in enumerate(GARBAGE)]
    call = SimCall([Sound(4.0, 1.2)], raw=raw).run(10)
    assert call.texts == [GREETING, FIRST, SECOND]
    assert "ignored=" in call.lines("WS_DONE")[0]
    assert {json.loads(text)["streamSid"] for _, text in call.line.sent} == {"MZ1"}


def test_media_before_start_is_ignored():
    """Frames that come before ``start`` are counted, and nothing is sent without a stream's name."""
    call = SimCall([Sound(1.0, 1.5)], start=False).run(5)
    assert call.line.sent == []
    assert call.lines("reason=media before start")
