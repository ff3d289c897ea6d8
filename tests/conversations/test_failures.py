"""Rules G: what the caller hears when an engine fails. Whole calls in simulated time."""

import pytest

from server.providers.base import ProviderError
from server.turns.effects import EndCall
from server.turns.response import CALL_BACK, GAVE_UP
from tests.simtime.call import GREETING, REPLY, SimCall, worded
from tests.simtime.engines import SimLlm, SimStt, SimTts
from tests.simtime.line import Sound
from tests.simtime.office import Office
from tests.wording import OURS

FIRST, SECOND = "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה לשאלה הבאה?"
SPEECH = [Sound(3.0, 1.5), Sound(12.0, 1.5)]
END_OF_TURN_S = 4.5 + 0.14 + 0.48
TURN_TIMEOUT_S = 3.5
AGAIN = ProviderError("500", retryable=True)


def first_answer_s(call):
    """End of turn to the first answer that is not the hint."""
    return next(said.at_s for said in call.heard[1:] if "שנייה" not in said.text) - END_OF_TURN_S


def failing_once(*results):
    """An LLM that gives these one after the other, then replies."""
    left = list(results)
    return lambda request: left.pop(0) if left else REPLY


def test_g2_stt_that_fail_on_a_short_word_are_not_silence():
    """G2: 300 ms of speech that no STT took is a failure, not nothing (E1): the caller is asked."""
    call = SimCall([Sound(3.0, 0.3)], stt=[ProviderError("quota")]).run(9)
    assert call.texts == [GREETING, OURS.not_heard]


def test_g2_a_llm_that_fails_twice_is_covered_by_a_line():
    """G2: retry failed too: "בסדר, איך אוכל לסייע?", and the next turn works."""
    call = SimCall(SPEECH, reply=failing_once(AGAIN, AGAIN)).run(20)
    assert call.lines("LLM_ERR: sim: 500")
    assert call.texts == [GREETING, OURS.llm_failed[0], FIRST, SECOND]


def test_g2_a_llm_that_says_nothing_is_covered_too():
    """G2: an empty reply is a failure, not silence."""
    assert SimCall(SPEECH[:1], reply="").run(10).texts == [GREETING, OURS.llm_failed[0]]


def test_g2_a_llm_cut_in_the_middle_keeps_what_it_said():
    """G2: the stream stalls after the first sentence: that is the reply, and the turn ends."""
    call = SimCall(SPEECH, knobs={"llm_first_token_timeout_ms": 500})
    call.llm.sentence_s = 9.0
    call.run(20)
    assert call.texts == [GREETING, FIRST] + call.texts[2:]
    assert call.lines("LLM_ERR: sim: nothing within 500 ms")
    assert call.lines("tts_done")
    assert [request.gone for request in call.llm.requests] == [False, False, True]


def test_g3_a_llm_that_hangs():
    """G1, G3: an answer within TURN_TIMEOUT_MS + 500 ms whatever the engines do; no stream is left."""
    call = SimCall(SPEECH, reply=failing_once(None, None)).run(20)
    assert first_answer_s(call) <= TURN_TIMEOUT_S + 0.5
    assert call.texts[-2:] == [FIRST, SECOND]
    assert call.llm.open_streams == 0


def test_g2_a_voice_that_hangs_is_given_up_after_its_deadline():
    """G1: nothing within TTS_TIMEOUT_MS: the beep; no stream is left behind."""
    call = SimCall(SPEECH[:1])
    call.voice.hangs = True
    call.run(12)
    assert call.beeped
    assert call.lines("TTS_ERR: sim: nothing within 1000 ms")
    assert call.voice.open_streams == 0


def test_g2_under_400_bytes_is_no_audio():
    """G2: a voice that gives a click for a sentence has failed."""
    call = SimCall(SPEECH[:1])
    audio = call.voice.audio
    call.voice.audio = lambda text: audio(text)[:190]
    call.run(9)
    assert call.beeped
    assert call.lines("TTS_ERR: sim: 380 bytes")


def with_fallbacks(*sounds, **more):
    """A call whose every engine has a second one behind it."""
    call = SimCall(list(sounds), **more)
    stt = SimStt(call.runtime, ["מהאוזן השנייה"], 0.05, name="second")
    llm = SimLlm(call.runtime, lambda request: f"תשובה אל {request.text} בסך הכול.", name="second")
    voice = SimTts(call.runtime, 0.05, name="second", identity="second")
    voice.codes = call.voice.codes
    call.fallbacks = ([stt], [llm], [voice])
    return call


def google_then_openai(openai_s):
    """Google's STT fail with the first audio; OpenAI's, of whole utterances, take so long behind it."""
    call = with_fallbacks(
        *SPEECH[:1], stt=[ProviderError("down")], knobs={"openai_stt_model": "gpt-transcribe"}
    )
    call.stt.name, call.stt.at_once, call.stt.delay_s = "google", True, 0.0
    (openai,) = call.fallbacks[0]
    openai.name, openai.delay_s = "openai", openai_s
    return call


def test_g1_openais_stt_get_their_time_when_googles_failed():
    """G1, G2: the deadline is that of the STT at work: 2600 ms, though Google's are the first."""
    call = google_then_openai(1.7).run(12)
    assert call.texts[1:] == ["שנייה… בודקת", FIRST, SECOND]
    assert call.llm.requests[0].text == "מהאוזן השנייה"
    assert not call.lines("no transcript")


def test_g1_openais_stt_have_a_deadline_too():
    """G1: 2600 ms from the end of speech, and the caller is asked."""
    call = google_then_openai(9.0).run(12)
    assert call.lines("ASR_ERR: no transcript within 2600 ms")
    assert OURS.not_heard in call.texts
    assert call.heard[-1].at_s - 4.5 == pytest.approx(2.6, abs=0.15)


def test_g2_the_next_provider_takes_over():
    """G2: every first engine fails; the second of each chain answers, with all of the audio."""
    call = with_fallbacks(
        *SPEECH[:1], stt=[ProviderError("down")], reply=lambda request: ProviderError("down")
    )
    call.voice.fails = lambda text: True
    call.run(10)
    assert call.texts[-1] == "תשובה אל מהאוזן השנייה בסך הכול."
    assert not call.beeped
    assert call.fallbacks[0][0].heard == call.stt.heard


# ---- G4: engines that keep failing

TURNS = [Sound(3 + 6 * n, 1.5) for n in range(5)]
SKIPPED, BACK = "ENGINE_SKIPPED", "ENGINE_BACK"


def numbered(request):
    return f"תשובה מספר {request.turn_number} בסך הכול."


ANSWERS = [f"תשובה מספר {n} בסך הכול." for n in ("אחת", "שתיים", "שלוש", "ארבע", "חמש")]  # as spoken (E6)


def gaps(call):
    """Milliseconds from the caller's last voice to each answer."""
    return [int(line.split("ms=")[1].split()[0]) for line in call.lines("RESPONSE_GAP")]


def test_g4_stt_that_hang_are_skipped():
    """G1, G2, G4: the caller is asked again, then told of the fault, twice; then other STT hear him."""
    call = with_fallbacks(*TURNS, stt=[None], reply=numbered).run(33)
    assert call.texts[1:] == [
        OURS.not_heard,
        *[worded(OURS.deaf_keys)] * 2,
        ANSWERS[3],
        ANSWERS[4],
    ]
    assert call.lines(SKIPPED) == [
        "ENGINE_SKIPPED asr sim for 30 s after 3 failures in a row: no transcript in time"
    ]
    assert call.stt.open_streams == 0


def test_g4_stt_that_are_well_again_are_back():
    """G4: after half a minute one utterance tries them, and then all do."""
    turns = [Sound(3 + 6 * n, 1.5) for n in range(10)]
    stt = [ProviderError("quota")] * 3 + ["שלום לך"]
    call = with_fallbacks(*turns, stt=stt, reply=numbered).run(63)
    assert len(call.texts) == 1 + 10
    assert call.lines(BACK) == ["ENGINE_BACK asr sim"]
    back_at = call.stt.opened_at[3]
    assert 30 <= back_at - 18 <= 36
    assert len(call.fallbacks[0][0].opened_at) == 3 + sum(19 < turn.at_s < back_at - 1 for turn in turns)


def test_g4_a_llm_that_keeps_failing_is_skipped():
    """G4: an LLM that hangs costs its deadline three times, and no more."""
    said = ["אחת", "שתיים", "שלוש", "ארבע", "חמש"]
    call = with_fallbacks(*TURNS, stt=said, reply=lambda request: None).run(36)
    answers = [text for text in call.texts if text.startswith("תשובה אל")]
    assert answers == [f"תשובה אל {text} בסך הכול." for text in said]
    assert len(call.llm.requests) == 3
    assert len(call.lines(SKIPPED)) == 1 and "llm sim" in call.lines(SKIPPED)[0]
    assert min(gaps(call)[:3]) > 1500 and max(gaps(call)[3:]) < 1000
    assert call.llm.open_streams == 0


def test_g4_a_llm_whose_turns_end_first_is_skipped():
    """G3, G4: its own deadline is later than the turn's, so that it never fails by itself; it counts."""
    knobs = {"llm_first_token_timeout_ms": 9000}
    call = with_fallbacks(*TURNS, reply=lambda request: None, knobs=knobs).run(36)
    assert len(call.lines("TURN_TIMEOUT")) == 3
    assert len(call.llm.requests) == 3 and len(call.fallbacks[1][0].requests) == 2
    (skipped,) = call.lines(SKIPPED)
    assert "llm sim" in skipped and "nothing within 34" in skipped
    assert call.llm.open_streams == 0


def test_g4_noises_do_not_reopen_what_is_skipped():
    """G4, A2: onsets that were none, each with STT of its own, and no word more to the dead recogniser."""
    noises = [Sound(21 + 0.4 * n, 0.06) for n in range(20)]
    call = with_fallbacks(*TURNS[:3], *noises, Sound(31, 1.5), stt=[ProviderError("quota")], reply=numbered)
    call.run(36)
    assert len(call.fallbacks[0][0].opened_at) >= 4 and len(call.stt.opened_at) == 3
    assert call.texts[-1] == ANSWERS[3]


def test_g4_second_stt_that_were_skipped_are_there_when_the_first_fail():
    """G4: they are well again, and nobody had to ask them since; their turn was nobody's to take."""
    turns = [Sound(3 + 6 * n, 1.5) for n in range(10)]
    down = ProviderError("quota")
    call = with_fallbacks(*turns, stt=[down, down, down, *["שלום"] * 6, down], reply=numbered)
    call.fallbacks[0][0].lines = [down] * 3 + ["שלום"]
    call.run(63)
    assert len(call.lines(SKIPPED)) == 2
    assert call.llm.requests[-1].text == "שלום"
    assert call.texts[-1].startswith("תשובה מספר")


def test_g4_a_voice_that_keeps_failing_is_skipped():
    """G4: every sentence is heard; the log complains three times and then says why no more."""
    call = with_fallbacks(*TURNS, reply=numbered)
    call.voice.fails = lambda text: True
    call.run(33)
    assert call.texts[1:] == ANSWERS
    assert not call.beeped
    assert len(call.lines("TTS_ERR")) == 3
    assert len(call.lines(SKIPPED)) == 1 and "tts sim" in call.lines(SKIPPED)[0]


def test_g4_providers_that_all_fail_are_all_tried():
    """G2, G4: nothing is skipped into silence: with the only STT down they are tried every time."""
    call = SimCall(TURNS, stt=[ProviderError("quota")]).run(33)
    assert call.texts[1:] == [OURS.not_heard, *[worded(OURS.deaf_keys)] * 4]
    assert len(call.stt.opened_at) == 5


def deaf_call(turns=7, run_s=120, **more):
    """Every one of so many turns is heard by nobody."""
    sounds = [Sound(3.0 + 14.0 * n, 1.5) for n in range(turns)]
    call = SimCall(sounds, stt=[ProviderError("no such key file")], **more)
    call.office = Office(call)
    return call.run(run_s, hang_up=False)


@pytest.mark.parametrize(
    "caller, keys, gives_up",
    [
        ("+972501234567", OURS.deaf_keys, OURS.giving_up),
        ("anonymous", OURS.deaf_keys_hidden, OURS.giving_up_hidden),
    ],
)
def test_newcomer_3_an_agent_that_is_deaf_gives_up(caller, keys, gives_up):
    """E1, G2, newcomer 3: seven turns that the STT fails; nobody is offered what cannot be heard."""
    call = deaf_call(caller=caller)
    assert call.texts == [GREETING, OURS.not_heard, *[worded(keys)] * 4, worded(gives_up)]
    assert call.office.leads == [(("message", GAVE_UP),)] and call.office.outcomes == [EndCall()]
    assert call.finished


@pytest.mark.parametrize(
    "caller, typed, left",
    [
        ("+972501234567", "1#", CALL_BACK),
        ("+972501234567", "0521234567#", "0521234567"),
        ("", "0521234567#", "0521234567"),
    ],
)
def test_newcomer_3_keys_are_heard(caller, typed, left):
    """G2, F5, newcomer 3: they leave a line for the office, and the call ends with a promise that holds."""
    keys = [(27.0 + 0.3 * n, key) for n, key in enumerate(typed)]
    call = deaf_call(turns=2, run_s=50, caller=caller, keys=keys)
    assert call.texts[-1] == worded(OURS.noted_goodbye)
    assert call.office.leads == [(("message", left),)] and call.office.outcomes == [EndCall()]


def test_newcomer_3_the_one_of_a_hidden_number_is_asked_for_again():
    """G2, F3: there is nothing to call back; nor is it taken for the number."""
    call = deaf_call(turns=2, run_s=40, caller="Restricted", keys=[(27.0, "1"), (27.3, "#")])
    assert call.texts[-1] == worded(OURS.deaf_keys_hidden) and call.office.leads == []


def test_g2_stt_that_are_well_again_hear():
    """G2: then nobody is told of a fault, and the count begins anew."""
    sounds = [Sound(3.0 + 14.0 * n, 1.5) for n in range(4)]
    down = ProviderError("quota")
    call = SimCall(sounds, stt=[down, "שאלה", down, "עוד שאלה"]).run(60)
    assert [text for text in call.texts[1:] if text not in (FIRST, SECOND)] == [OURS.not_heard] * 2
    assert len(call.llm.requests) == 2


def test_e1_an_answer_that_never_comes_is_no_conversation():
    """E1, G2: at the sixth failure in a row our side gives up, and the office knows."""
    sounds = [Sound(3.0 + 8.0 * n, 1.5) for n in range(7)]
    call = SimCall(sounds, reply=lambda request: ProviderError("no key"))
    call.office = Office(call)
    call.run(70, hang_up=False)
    first, second, third = OURS.llm_failed
    said = [first, second, worded(OURS.offer_call_back), third, first]
    assert call.texts[1:] == [*said, worded(OURS.giving_up)]
    # And what was said all the time, once no LLM could judge it behind the call either.
    assert call.office.leads == [(("message", GAVE_UP),), (("message", f"{GAVE_UP} שלום לך"),)]
    assert call.office.outcomes == [EndCall()]


def test_g4_a_caller_who_goes_on_is_no_failure_of_the_llm():
    """G4, A6: superseded turns count for nothing, however many."""
    sounds = [Sound(3 + 1.5 * n, 0.8) for n in range(6)]
    call = with_fallbacks(*sounds, reply=lambda request: None, llm_s=0.05, knobs={"adaptive_silence_ms": 0})
    call.run(15)
    assert len(call.llm.requests) >= 4
    assert call.lines(SKIPPED) == []


def test_a_bug_of_ours_ends_this_call_and_says_so():
    """An exception in the core: logged once with its event, the socket closed, nothing left running."""
    call = SimCall(SPEECH[:1])
    call.llm.expected = object()  # the core will trip over it
    call.run(6.3, hang_up=False)
    call.line.deliver({"event": "dtmf", "dtmf": {"digit": "1"}})
    call.until(8)
    assert len(call.lines("CALL_ERR")) == 1
    assert call.finished and call.runtime.alive() == []


def test_host_functions_are_called():
    """A host's own three functions: plain bytes → str, str → str, str → bytes; the playbook's arguments."""
    seen = {}

    def asr(pcm16):
        seen["asr"] = pcm16
        return "מה שהמארח שמע"

    def respond(text, target_style, min_chars, max_chars):
        seen["respond"] = (text, target_style, min_chars, max_chars)
        return "תשובה של המארח בשני משפטים. זה השני?"

    def synth(text):
        seen.setdefault("synth", []).append(text)
        return b"\x10\x20" * 8000

    call = SimCall(SPEECH[:1])
    call.host = {"asr": asr, "respond": respond, "synth": synth}
    call.run(14)
    assert isinstance(seen["asr"], bytes) and len(seen["asr"]) >= 2 * 8000 * 1.5
    assert seen["respond"] == ("מה שהמארח שמע", "warm_helpful", 140, 420)
    assert seen["synth"][-2:] == ["תשובה של המארח בשני משפטים.", "זה השני?"]
    assert call.lines("ASR_TEXT: מה שהמארח שמע")
    assert len(call.lines("tts_done")) == 2


def test_host_functions_that_misbehave_are_failed_providers():
    """None, exceptions and odd bytes from a host's functions never end the call."""

    def broken(*args, **kwargs):
        raise RuntimeError("host bug")

    call = SimCall(SPEECH, premade=False)
    call.host = {"asr": lambda pcm16: None, "respond": broken, "synth": lambda text: None}
    call.voice.fails = lambda text: True
    call.run(20)
    assert call.beeped
    assert call.lines("TTS_ERR")
    assert call.finished and call.runtime.alive() == []


@pytest.mark.parametrize("gives", [RuntimeError("down"), None, bytes(16_000), b"ID3\x04" + bytes(16_000)])
def test_g4_a_hosts_voice_that_fails_is_not_asked_for_ever(gives):
    """F6, G4, newcomer 10: three times, then for half a minute not; the caller hears our voice, no beep."""
    asked = []

    def synth(text):
        asked.append(text)
        if isinstance(gives, Exception):
            raise gives
        return gives

    call = SimCall(SPEECH, premade=False)
    call.host = {"synth": synth}
    call.run(25)
    assert len(asked) == 3
    assert not call.beeped and len(call.heard) > 3
    assert len(call.lines("TTS_ERR: host:")) == 3 and len(call.lines("ENGINE_SKIPPED tts host")) == 1
