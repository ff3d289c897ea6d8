"""Rules B and C: turns, breath, hint, greeting; audio on the wire. Whole calls in simulated time."""

import json
from base64 import b64decode

import pytest

from server.config import Config
from tests.simtime.call import GREETING, SimCall
from tests.simtime.line import NOISE, Sound, numbers

FIRST, SECOND = "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה לשאלה הבאה?"
HINT = Config.model_fields["thinking_text_he"].default
SPEECH = Sound(3.0, 1.5)
END_OF_TURN_S = 4.5 + 0.14 + 0.48


def states(call):
    return [line.split("STATE ")[1].split(" turn")[0] for line in call.lines("STATE")]


def media(call):
    """(time, payload) of every media message."""
    messages = [(at, json.loads(text)) for at, text in call.line.sent]
    return [(at, b64decode(m["media"]["payload"])) for at, m in messages if m["event"] == "media"]


# ---- B ----


def test_b1_states_of_a_plain_turn():
    """B1: the greeting goes LISTENING → SPEAKING, an answer by way of THINKING, and back."""
    call = SimCall([SPEECH]).run(10)
    assert states(call) == [
        "LISTENING → SPEAKING",
        "SPEAKING → LISTENING",
        "LISTENING → THINKING",
        "THINKING → SPEAKING",
        "SPEAKING → LISTENING",
    ]


def test_b2_one_utterance_one_answer():
    """B2: three utterances, three requests, three answers."""
    sounds = [Sound(3 + 6 * n, 1.5) for n in range(3)]
    answers = iter(["תשובה ראשונה ארוכה מספיק.", "תשובה שנייה ארוכה מספיק.", "תשובה שלישית ארוכה."])
    call = SimCall(sounds, stt=["א ב", "ג ד", "ה ו"], reply=lambda request: next(answers)).run(22)
    assert [request.text for request in call.llm.requests] == ["א ב", "ג ד", "ה ו"]
    assert call.texts[1:] == ["תשובה ראשונה ארוכה מספיק.", "תשובה שנייה ארוכה מספיק.", "תשובה שלישית ארוכה."]


def test_b2_the_sentences_of_a_superseded_turn_are_too_late_to_matter():
    """B2: the LLM answers the first part only after the caller went on: that answer is never heard."""
    sounds = [Sound(3.0, 1.5), Sound(5.3, 1.0)]

    def reply(request):
        return "תשובה לחלק הראשון בלבד." if request.text == "א" else "תשובה לכל מה שנאמר."

    no_hint = {"thinking_hint_ms": 0}
    call = SimCall(sounds, stt=["א", "ב"], reply=reply, llm_s=0.9, knobs=no_hint).run(12)
    assert call.texts[1:] == ["תשובה לכל מה שנאמר."]


@pytest.mark.parametrize("providers_s, starts_s", [(0.0, 0.22), (0.05, 0.22), (0.3, 0.6)])
def test_b4_the_breath_is_a_minimum_never_an_addition(providers_s, starts_s):
    """B4: the breath runs while the engines work."""
    call = SimCall([SPEECH], asr_s=0, llm_s=providers_s, tts_s=providers_s).run(10)
    assert call.heard[1].at_s - END_OF_TURN_S == pytest.approx(starts_s, abs=0.05)


def test_b5_the_hint_is_spoken_once_and_the_reply_follows_it():
    """B5: after THINKING_HINT_MS the hint; the reply without a clear, a gap or an overlap after it."""
    call = SimCall([SPEECH], llm_s=1.4).run(12)
    assert call.texts == [GREETING, HINT, FIRST, SECOND]
    hint, reply = call.heard[1:3]
    assert hint.at_s - END_OF_TURN_S == pytest.approx(0.8, abs=0.05)
    assert reply.at_s >= hint.until_s
    assert len(call.sent("clear")) == 1  # the greeting's


def test_b5_no_hint_when_the_reply_is_there_in_time():
    """B5: a reply within THINKING_HINT_MS needs no sign of life."""
    assert HINT not in SimCall([SPEECH], llm_s=0.4).run(10).texts


@pytest.mark.parametrize("knobs", [{"thinking_hint_ms": 0}, {"thinking_text_he": ""}])
def test_b5_the_hint_can_be_off(knobs):
    """B5: 0 or an empty text is off."""
    assert SimCall([SPEECH], llm_s=1.4, knobs=knobs).run(12).texts == [GREETING, FIRST, SECOND]


def test_b5_confirmed_voice_clears_the_hint():
    """B5, A6: the caller goes on over the hint: it stops, and both parts are one turn."""
    call = SimCall([SPEECH, Sound(6.0, 1.0)], stt=["א", "ב"], llm_s=1.4).run(14)
    hint = call.heard[1]
    assert hint.text == HINT and hint.until_s - hint.at_s < len(HINT) * 0.06 - 0.05
    assert [request.text for request in call.llm.requests] == ["א", "א ב"]
    assert call.lines("BARGE_IN") == []


def test_b5_a_hint_that_is_not_ready_is_not_spoken():
    """B5: only pre-made audio: a sign of life that must be made first would come with the answer."""
    call = SimCall([SPEECH], llm_s=1.4, premade=False).run(12)
    assert HINT not in call.texts
    assert call.texts == [GREETING, FIRST, SECOND]


def test_b6_the_greeting_starts_after_800_ms():
    """B6: 0.8 s (±40 ms) after ``start``, from pre-made audio."""
    call = SimCall([]).run(5)
    assert call.texts == [GREETING]
    assert call.heard[0].at_s == pytest.approx(0.8, abs=0.04)


def test_b6_a_caller_who_speaks_first_is_answered_instead():
    """B6: confirmed speech before the greeting: no greeting, an answer."""
    call = SimCall([Sound(0.3, 1.5)]).run(8)
    assert call.texts == [FIRST, SECOND]


def test_b6_a_first_sound_that_was_nothing_is_followed_by_the_greeting():
    """B6: noise pending at 0.8 s is discarded; the greeting follows at once."""
    call = SimCall([Sound(0.6, 0.3, NOISE)]).run(6)
    assert call.texts == [GREETING]
    assert 0.9 < call.heard[0].at_s < 1.3


def test_b6_the_greeting_can_be_interrupted():
    """B6, D: like anything else."""
    call = SimCall([Sound(1.2, 1.5)]).run(10)
    assert len(call.lines("BARGE_IN: interrupt")) == 1
    assert call.texts == [GREETING, FIRST, SECOND]
    assert call.heard[0].until_s - call.heard[0].at_s < 0.6


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


def test_c2_the_first_sentence_plays_while_the_second_is_made():
    """C2: the LLM takes 1 s for its second sentence; the first is heard long before."""
    call = SimCall([SPEECH])
    call.llm.sentence_s = 1.0
    call.run(12)
    assert call.heard[1].at_s < END_OF_TURN_S + 0.4
    assert call.heard[2].at_s == pytest.approx(call.heard[1].until_s, abs=0.03)


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
    assert max(ahead) <= 0.4 + 0.06 + 1e-6
    assert min(ahead[30:-5]) >= 0.4 - 1e-6
    assert call.line.buffer.underruns == []


def test_c3_a_stall_of_the_lead_is_inaudible():
    """C3: the network holds everything back for 390 ms in the middle of a reply."""
    reply = "זו תשובה ארוכה מאוד שנמשכת כמה שניות טובות כדי לבדוק את הקצב של השליחה החוצה."
    call = SimCall([SPEECH], reply=reply)
    send = call.line.send
    held = []

    def stall(data):
        if 6.5 <= call.runtime.now < 6.89:
            held.append(data)
            if len(held) == 1:
                call.runtime.call_at(6.89, lambda: [send(one) for one in held])
        else:
            send(data)

    call.line.send = stall
    call.run(12)
    assert len(held) > 10
    assert call.line.buffer.underruns == []


def test_c4_speaking_lasts_until_the_caller_has_heard_the_end():
    """C4: tts_done and LISTENING come with the last mark, not with the last byte sent."""
    call = SimCall([SPEECH], delay_s=0.1).run(12)
    assert [line.split(" sid")[0] for line in call.lines("tts_done")] == ["tts_done", "tts_done"]
    end_s = call.heard[-1].until_s
    speaking_again = SimCall([SPEECH, Sound(end_s - 0.5, 1.0)], delay_s=0.1).run(12)
    assert speaking_again.lines("BARGE_IN: interrupt")


def test_c4_a_gap_between_two_sentences_is_still_speaking():
    """C4: the second sentence comes 0.2 s after the first was heard; no mark ends SPEAKING early."""
    first = "כן, זה אפשרי היום."
    call = SimCall([SPEECH], reply=f"{first} {SECOND}")
    call.llm.sentence_s = 1.4
    call.run(14)
    assert states(call).count("SPEAKING → LISTENING") == 2
    assert call.texts == [GREETING, first, SECOND]
    assert call.heard[2].at_s - call.heard[1].until_s > 0.2


def test_c4_lost_marks_do_not_hold_the_call():
    """C4: no mark ever comes back: 1 s after the computed end the agent listens all the same."""
    call = SimCall([Sound(5.0, 1.5)], lose_marks=True).run(14)
    assert call.texts == [GREETING, FIRST, SECOND]
    assert len(call.lines("tts_done")) == 2


def test_c4_one_mark_a_sentence_carrying_the_turn():
    """C4: the mark's name begins with the turn ID."""
    call = SimCall([SPEECH]).run(10)
    names = [json.loads(t)["mark"]["name"] for _, t in call.line.sent if '"event":"mark"' in t]
    assert len(names) == len(set(names)) == 3
    assert [name.split(".")[0] for name in names] == ["1", "2", "2"]


def test_c5_a_cough_after_our_end_opens_nothing_and_a_prompt_answer_is_heard_whole():
    """C5: in the refractory only confirmed speech opens an utterance, from its first syllable."""
    end_s = SimCall([]).run(4).heard[0].until_s
    cough = SimCall([Sound(end_s + 0.1, 0.3, NOISE)]).run(6)
    assert cough.stt.heard == []
    answer = SimCall([Sound(end_s + 0.1, 1.0)]).run(8)
    heard = numbers(answer.stt.heard[0])
    assert len(heard) == 50


def test_c5_speech_across_our_end_is_heard_from_the_first_syllable():
    """C5: the caller starts 60 ms before our end, too late to stop us, and is heard whole."""
    end_s = SimCall([]).run(4).heard[0].until_s
    call = SimCall([Sound(end_s - 0.04, 1.0)]).run(8)
    assert len(numbers(call.stt.heard[0])) == 50


def test_c5_no_refractory_after_a_barge_in():
    """C5: who has just interrupted is listening for an answer; 140 ms of voice open at once."""
    sounds = [Sound(1.2, 0.5), Sound(2.6, 1.0)]
    call = SimCall(sounds, stt=["רגע", "עוד משהו"]).run(10)
    assert len(call.stt.heard) == 2
