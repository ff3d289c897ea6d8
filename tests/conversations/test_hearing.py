"""Rules A: what counts as speech, when it begins and ends. Whole calls in simulated time."""

from tests.simtime.call import GREETING, REPLY, SimCall
from tests.simtime.line import HISS, LOUD, NOISE, Sound, numbers
from tests.wording import OURS

FIRST_SENTENCE = REPLY.split(". ")[0] + "."


def voice(at_s, for_s=1.0, **more):
    return Sound(at_s, for_s, **more)


def answers(call):
    """The replies heard, each by its first sentence."""
    return [said for said in call.heard if said.text == FIRST_SENTENCE]


def test_a1_silence_and_line_noise_are_never_answered():
    """A1, A5: a minute of hiss and clicks: the greeting, and not one utterance to the STT."""
    clicks = [Sound(2 + 3.1 * n, 0.04, NOISE, LOUD) for n in range(18)]
    call = SimCall([*clicks, Sound(0, 60, NOISE, HISS)]).run(60)
    assert call.texts == [GREETING]
    assert call.stt.heard == []


def test_a2_the_first_phoneme_survives():
    """A2: the STT gets every frame of the voice, and 200 ms of what was before it."""
    call = SimCall([voice(3.0, 1.0)]).run(8)
    (heard,) = call.stt.heard
    assert numbers(heard) == list(range(150, 200))
    assert heard.index(bytes([0xB2])) >= 9 * 160


def gap(speech_s=2.0, pause_s=0.0, **knobs):
    """From the caller's last voice to the first answer."""
    sounds = [voice(3.0, speech_s)]
    if pause_s:
        sounds.append(voice(3.0 + speech_s + pause_s, speech_s))
    call = SimCall(sounds, knobs=knobs).run(18)
    return answers(call)[0].at_s - (sounds[-1].at_s + speech_s), call


def test_a3_tip_late_to_answer():
    """A3, tuning tip: MIN_UTT_SEC 0.42 and VAD_HANGOVER_MS 120 bring it sooner after a short word too."""
    usual, _ = gap(0.8)
    tuned, _ = gap(0.8, min_utt_sec=0.42, vad_hangover_ms=120)
    assert tuned < usual - 0.015


def test_a3_tip_cut_off_early():
    """A3, tuning tip: a pause that ends the turn by default no longer does with VAD_HANGOVER_MS 220."""
    _, usual = gap(pause_s=0.66)
    _, tuned = gap(pause_s=0.66, vad_hangover_ms=220)
    assert len(usual.stt.heard) == 2
    assert len(tuned.stt.heard) == 1


def test_a3_tip_more_duplicates():
    """A3, tuning tip: REPLY_REFRACTORY_MS 1100 raises the bar for longer than 750 does."""

    def opened(refractory_ms):
        knobs = {"reply_refractory_ms": refractory_ms, "vad_engine": "energy", "min_voiced_ms": 60}
        end_s = SimCall([], knobs=knobs).run(6).heard[0].until_s
        # 100 ms of breath 0.9 s after our end: energy's refractory bar is 160 ms of voice.
        return len(SimCall([Sound(end_s + 0.9, 0.1, NOISE)], knobs=knobs).run(6).stt.heard)

    assert opened(750) == 1
    assert opened(1100) == 0


def test_a4_after_a_pause_the_voice_may_take_the_floor():
    """A4: the run-on voice pauses and goes on: now it interrupts the answer to its own beginning."""
    reply = "זו תשובה ארוכה מאוד שלא נגמרת כל כך מהר ואפשר להפריע לה בשקט כי היא ארוכה."
    call = SimCall([voice(3.0, 16.0), voice(19.3, 2.0)], reply=reply, stt=["אחת", "שתיים"]).run(30)
    assert len(call.lines("BARGE_IN: interrupt")) == 1
    assert [request.text for request in call.llm.requests] == ["אחת", "שתיים"]


def test_a5_too_little_voice_is_no_utterance():
    """A5: 100 ms of voice, less than MIN_VOICED_MS, is discarded."""
    call = SimCall([voice(3.0, 0.1)]).run(8)
    assert call.stt.heard == []


def test_a6_words_not_yet_transcribed_are_joined_too():
    """A6: the first part's transcript comes only after the caller went on; nothing is lost."""
    sounds = [voice(3.0, 1.5), voice(5.3, 1.0)]
    call = SimCall(sounds, stt=["אני מחפש", "דירה בחיפה"], asr_s=0.5).run(14)
    assert [request.text for request in call.llm.requests] == ["אני מחפש דירה בחיפה"]
    assert len(answers(call)) == 1


def test_a6_endless_noise_does_not_hold_the_reply_for_ever():
    """A6, G3: sound after sound in THINKING: the reply comes all the same, well before the deadline."""
    slams = [Sound(5.2 + 0.5 * n, 0.2, NOISE) for n in range(12)]
    call = SimCall([voice(3.0, 1.5), *slams]).run(16)
    assert answers(call)[0].at_s < 4.5 + 3.5
    assert OURS.llm_failed[0] not in call.texts


# ---- STT at a voice's onset


def with_first_audio(call):
    """Note when the STT of each utterance were given their first audio."""
    call.audio_at = []
    begin = call.stt.begin

    def begins(mulaw_8k):
        call.audio_at.append(call.runtime.now)
        return begin(mulaw_8k)

    call.stt.begin = begins
    return call


def cough(at_s):
    return Sound(at_s, 0.1, NOISE, LOUD)


def test_a2_stt_is_set_up_while_the_voice_is_judged():
    """A2: opened within 100 ms of the voice; the audio flows once it is confirmed, none of it lost."""
    call = with_first_audio(SimCall([voice(3.0)])).run(8)
    (opened,), (audio,) = call.stt.opened_at, call.audio_at
    assert 3.0 < opened < 3.1
    assert 3.14 <= audio < 3.4 and audio - opened >= 0.08
    assert numbers(call.stt.heard[0]) == list(range(150, 200))
    assert len(answers(call)) == 1


def test_a5_noise_opens_stt_twice_in_a_row_at_most():
    """A5: and sends no audio; nothing is left open while the call goes on."""
    call = with_first_audio(SimCall([cough(3 + 1.2 * n) for n in range(8)])).run(14, hang_up=False)
    assert len(call.stt.opened_at) == 2
    assert (call.audio_at, call.stt.heard, call.stt.open_streams) == ([], [], 0)
    assert call.texts == [GREETING] and call.lines("ASR_") == []
    call.line.deliver({"event": "stop"})
    call.until(16)
    assert call.finished and call.runtime.alive() == []


def test_a5_a_voice_after_noises_is_heard_from_its_first_phoneme():
    """A2, A5: its STT are opened when it is confirmed; the next onset is taken at its word again."""
    coughs = [cough(3 + 1.2 * n) for n in range(4)]
    call = with_first_audio(SimCall([*coughs, voice(9.0), cough(17.0)])).run(20)
    assert len(call.stt.opened_at) == 4
    assert call.stt.opened_at[2] == call.audio_at[0] > 9.1
    assert numbers(call.stt.heard[0]) == list(range(450, 500))
    assert len(answers(call)) == 1
    assert 17.0 < call.stt.opened_at[3] < 17.1
    assert call.stt.open_streams == 0


def test_a6_an_onset_over_a_reply_leaves_nothing():
    """D1, D4: a cough stops us, its STT are closed, and we go on."""
    call = with_first_audio(SimCall([voice(3.0), cough(6.0)])).run(12, hang_up=False)
    assert (len(call.stt.opened_at), len(call.audio_at)) == (2, 1)
    assert call.stt.open_streams == 0
    assert call.texts[-1] == REPLY.split(". ")[1]


def test_f6_a_hang_up_before_the_voice_is_judged():
    """F6: the STT that were opened for it are closed."""
    call = SimCall([voice(3.0)]).run(3.12)
    assert len(call.stt.opened_at) == 1 and call.stt.heard == []
    assert call.stt.open_streams == 0 and call.runtime.alive() == []
