"""Rules B and C: turns, breath, hint, greeting; audio on the wire. Whole calls in simulated time."""

import json
from base64 import b64decode

import pytest

from server.audio.pacing import BATCH_FRAMES
from server.config import Config
from tests.simtime.call import GREETING, SimCall
from tests.simtime.line import Sound, numbers

FIRST, SECOND = "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה לשאלה הבאה?"
HINT = Config.model_fields["thinking_text_he"].default
SPEECH = Sound(3.0, 1.5)
END_OF_TURN_S = 4.5 + 0.14 + 0.48


def media(call):
    """(time, payload) of every media message."""
    messages = [(at, json.loads(text)) for at, text in call.line.sent]
    return [(at, b64decode(m["media"]["payload"])) for at, m in messages if m["event"] == "media"]


# ---- B ----


def test_b5_an_empty_hint_is_off():
    """B5: as THINKING_HINT_MS=0 is."""
    assert SimCall([SPEECH], llm_s=1.4, knobs={"thinking_text_he": ""}).run(12).texts == [
        GREETING,
        FIRST,
        SECOND,
    ]


def test_b5_a_hint_that_is_not_ready_is_not_spoken():
    """B5: only pre-made audio: a sign of life that must be made first would come with the answer."""
    call = SimCall([SPEECH], llm_s=1.4, premade=False).run(12)
    assert HINT not in call.texts
    assert call.texts == [GREETING, FIRST, SECOND]


@pytest.mark.parametrize("knobs", [{"ai_greeting_he": ""}, {"twiml_play_greeting": True}])
def test_b6_no_greeting_of_ours(knobs):
    """B6: empty is off; TWIML_PLAY_GREETING leaves it to the TwiML."""
    assert SimCall([], knobs=knobs).run(5).texts == []


# ---- C ----


def test_c1_frames_of_160_raw_bytes_and_a_padded_last_one():
    """C1: every media message is 160 bytes; a short last frame ends in 0xFF."""
    call = SimCall([SPEECH], reply="אחת שתיים שלוש ארבע חמש.").run(9)
    payloads = [payload for _, payload in media(call)]
    assert {len(payload) for payload in payloads} == {160}
    audio = call.voice.audio("אחת שתיים שלוש ארבע חמש.")
    sent = b"".join(payloads)[len(call.voice.audio(GREETING)) :]
    assert sent.startswith(audio)


def test_c1_a_last_part_under_20_ms_is_padded():
    """C1: 400 bytes are three frames, the last one half silence."""
    call = SimCall([SPEECH])
    call.voice.audio = lambda text: bytes([call.voice.code(text)]) * 400
    call.run(9)
    last = media(call)[-1][1]
    assert last[80:] == b"\xff" * 80 and last[:80] != b"\xff" * 80


def test_c1_clear_before_the_first_frame_and_never_between_sentences():
    """C1: one clear a reply."""
    call = SimCall([SPEECH]).run(10)
    events = [json.loads(text)["event"] for _, text in call.line.sent]
    assert events.count("clear") == 2
    starts = [i for i, event in enumerate(events) if event == "clear"]
    assert all(events[i + 1] == "media" for i in starts)


def test_c2_a_short_first_sentence_waits_for_the_second():
    """C2: "כן." alone is under a second: up to 300 ms it waits, so that no hole follows it."""
    late = SimCall([SPEECH], reply="כן. זה בהחלט אפשרי מבחינתנו היום.")
    late.llm.sentence_s = 0.2
    late.run(10)
    first, second = late.heard[1:3]
    assert second.at_s - first.until_s < 0.03
    never = SimCall([SPEECH], reply="כן. זה בהחלט אפשרי מבחינתנו היום.")
    never.llm.sentence_s = 2.0
    never.run(10)
    assert never.heard[1].at_s - END_OF_TURN_S == pytest.approx(0.05 * 3 + 0.3, abs=0.06)


def test_c3_audio_is_sent_a_lead_ahead_and_not_more():
    """C3: never less than TX_LEAD_MS ahead while there is more, never a batch more than that."""
    reply = "זו תשובה ארוכה מאוד שנמשכת כמה שניות טובות כדי לבדוק את הקצב של השליחה החוצה."
    call = SimCall([SPEECH], reply=reply).run(12)
    times = [at for at, _ in media(call)][len(call.voice.audio(GREETING)) // 160 :]
    ahead = [(n + 1) * 0.02 - (at - times[0]) for n, at in enumerate(times)]
    assert max(ahead) <= 0.4 + BATCH_FRAMES * 0.02 + 1e-6
    assert min(ahead[30:-5]) >= 0.4 - 1e-6
    assert call.line.buffer.underruns == []


def test_c4_speaking_lasts_until_the_caller_has_heard_the_end():
    """C4: tts_done and LISTENING come with the last mark, not with the last byte sent."""
    call = SimCall([SPEECH], delay_s=0.1).run(12)
    assert [line.split(" sid")[0] for line in call.lines("tts_done")] == ["tts_done", "tts_done"]
    end_s = call.heard[-1].until_s
    speaking_again = SimCall([SPEECH, Sound(end_s - 0.5, 1.0)], delay_s=0.1).run(12)
    assert speaking_again.lines("BARGE_IN: interrupt")


def test_c4_one_mark_a_sentence_carrying_the_turn():
    """C4: the mark's name begins with the turn ID."""
    call = SimCall([SPEECH]).run(10)
    names = [json.loads(t)["mark"]["name"] for _, t in call.line.sent if '"event":"mark"' in t]
    assert len(names) == len(set(names)) == 3
    assert [name.split(".")[0] for name in names] == ["1", "2", "2"]


def test_c5_speech_across_our_end_is_heard_from_the_first_syllable():
    """C5: the caller starts 60 ms before our end, too late to stop us, and is heard whole."""
    end_s = SimCall([]).run(4).heard[0].until_s
    call = SimCall([Sound(end_s - 0.04, 1.0)]).run(8)
    assert len(numbers(call.stt.heard[0])) == 50
