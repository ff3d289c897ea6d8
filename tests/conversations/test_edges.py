"""Sequences that once went wrong, as whole calls in simulated time. Each names the rule it broke."""

import pytest

from server.audio.frames import SILENT_FRAME
from server.config import KnobError, load_config, load_mounted_config
from server.telephony.inbound import MAX_STEPS_BACK, InboundAudio
from server.telephony.twilio_messages import Media
from server.turns.effects import Expected, Speaker
from tests.simtime.call import REPLY, SimCall
from tests.simtime.line import LOUD, NOISE, VOICE, Sound

FIRST, SECOND = "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה לשאלה הבאה?"
HINT = "שנייה… בודקת"


def asked(call):
    return [request.text for request in call.llm.requests]


def test_e3_who_takes_up_an_offer_is_answered_and_may_still_interrupt():
    """E3, D1: words of ours in the caller's mouth, long after ours: an answer, and no bar raised."""
    menu = "אפשר לקנות דירה בעיר, לשכור דירה בעיר, או למכור דירה. מה תרצו?"
    replies = iter([menu, REPLY, "תשובה ארוכה נוספת שאפשר להפריע לה בלי בעיה.", REPLY])
    sounds = [Sound(3, 1.5), Sound(11, 1.5), Sound(17, 1.5), Sound(20.5, 2)]
    stt = ["שלום לך", "לשכור דירה בעיר", "אני גר בחיפה", "רגע רגע"]
    call = SimCall(sounds, stt=stt, reply=lambda request: next(replies)).run(28)
    assert asked(call) == stt
    assert call.lines("ECHO") == []
    assert len(call.lines("BARGE_IN: interrupt")) == 1


@pytest.mark.parametrize("at_s", [6.16, 6.3, 6.44, 6.58])
def test_b5_a_cough_over_the_end_of_the_hint_commits_the_turn_once(at_s):
    """B5, D4: the caller's words are in the history once, the turn is counted once."""
    call = SimCall([Sound(3, 1.5), Sound(at_s, 0.1, NOISE)], llm_s=0.9).run(16)
    assert len(call.lines("RESPONSE_GAP")) == 1
    history = call.machine.call.history.lines
    assert [line.text for line in history if line.speaker is Speaker.CALLER] == ["שלום לך"]
    assert call.machine.call.history.committed_turns == 1


def test_b5_a_hint_is_heard_to_its_end_when_nothing_was_said():
    """B5, E1: the transcript turns out empty while the hint plays: it is not cut in the middle."""
    call = SimCall([Sound(3, 0.3)], stt=[""], asr_s=0.9, knobs={"asr_timeout_ms": 3000}).run(12)
    (hint,) = [said for said in call.heard if said.text == HINT]
    assert hint.until_s - hint.at_s == pytest.approx(len(HINT) * 0.06, abs=0.03)
    assert call.lines("SPEAKING → LISTENING")


def test_a6_what_nobody_heard_is_not_expected():
    """A6, F5: the superseded reply asked for three digits; the caller never heard that question."""
    keys = [(14 + 0.3 * n, key) for n, key in enumerate("1234")]
    call = SimCall([Sound(3, 1.5), Sound(5.2, 1.0)], stt=["אחת", "ועוד אחת"], keys=keys)
    replies = iter([Expected(digits=3), Expected()])
    respond = call.llm.respond

    def responds(request, timeout_s):
        call.llm.expected = next(replies, Expected())
        return respond(request, timeout_s)

    call.llm.respond = responds
    call.run(24)
    assert asked(call)[-1] == "1234"


def test_a5_a_shout_does_not_make_the_caller_unheard():
    """A5: the first word is 15 dB louder than all that follows; within half a minute he is heard again."""
    sounds = [Sound(3, 1, VOICE, LOUD), *(Sound(at_s, 1.2) for at_s in range(12, 60, 8))]
    call = SimCall(sounds).run(66)
    assert len(call.stt.heard) >= 6


def test_f5_a_hash_behind_a_complete_entry_is_part_of_it():
    """F5: while the agent thinks as while it speaks; it is no turn of its own and stops nothing."""
    keys = [(3.0 + 0.3 * n, key) for n, key in enumerate("1234#")]
    call = SimCall([], keys=keys, llm_s=0.5)
    call.llm.opening = Expected(digits=4)
    call.run(14)
    assert asked(call) == ["1234"]
    assert call.texts[-2:] == [FIRST, SECOND]


def test_f6_a_provider_that_cannot_be_cancelled_does_not_keep_the_call():
    """F6: its cancel raises: logged, and the call ends all the same."""

    refused = []

    def start_what_refuses(*asked):
        recognition = start(*asked)

        def refuse():
            refused.append(recognition)
            raise RuntimeError("no")

        recognition.cancel = refuse
        return recognition

    call = SimCall([Sound(3, 1.5)], stt=[None])
    start, call.stt.start = call.stt.start, start_what_refuses
    call.run(5.0, hang_up=False)
    call.line.deliver({"event": "stop"})
    call.until(9)
    assert refused and call.finished and call.lines("WS_DONE")
    assert "tx" not in call.runtime.alive()
    assert call.lines("ENGINE_ERR")


def test_g2_a_llm_that_breaks_at_its_very_end_leaves_no_open_turn():
    """C4, G2: the reply is whole but what follows it raises: the turn ends, and the agent listens."""
    call = SimCall([Sound(3, 1.5)])
    respond = call.llm.respond

    def responds(request, timeout_s):
        stream = respond(request, timeout_s)
        del stream.expected
        return stream

    call.llm.respond = responds
    call.run(16)
    assert call.lines("LLM_ERR")
    assert len(call.lines("tts_done")) == 2


def test_d4_a_line_of_ours_that_resumes_is_no_history():
    """D3, D4: the clarifying line is cut by nothing and said again; the interrupted reply stays as heard."""
    sounds = [Sound(3, 1.5), Sound(6.4, 1.2), Sound(9.1, 1.0)]
    call = SimCall(sounds, stt=["שלום לך", "מממ", ""], reply=REPLY)
    call.stt.lines[1] = type(call.stt.lines[1])("")
    call.run(18)
    agent = [line for line in call.machine.call.history.lines if line.speaker is Speaker.AGENT]
    assert all("לנסח" not in line.text for line in agent)


def test_e4_a_resumed_reply_remembers_what_was_heard_before_the_cut():
    """E4, D4: the first sentence was heard in full before the cut: the next reply does not repeat it."""
    call = SimCall([Sound(3, 1.5), Sound(8.0, 0.3), Sound(14, 1.5)], stt=["שלום לך", "", "משהו אחר"]).run(24)
    assert call.texts.count(FIRST) == 1


def test_time_one_broken_stamp_does_not_stop_the_clock():
    """Time: after a stamp far in the future the stream's own stamps are believed again."""
    inbound = InboundAudio()
    stamps = [0, 20, 10**9, *range(60, 60 + 20 * (MAX_STEPS_BACK + 2), 20)]
    for stamp in stamps:
        inbound.feed(Media(SILENT_FRAME, stamp))
    assert len(inbound.feed(Media(SILENT_FRAME, stamps[-1] + 20 + 1000))) == 51


def test_the_knobs_of_a_host_are_its_own(monkeypatch):
    """Drop-in: PORT, THREADS and the like mean the host's server there; our start refuses them as before."""
    for name, value in {"THREADS": "2", "WORKER_CLASS": "sync", "WEB_CONCURRENCY": "auto"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOG_LEVEL", "warn")
    monkeypatch.setenv("VAD_RMS", "300")
    assert load_mounted_config().vad_rms == 300
    with pytest.raises(KnobError) as error:
        load_config()
    assert all(name in str(error.value) for name in ("THREADS='2'", "WORKER_CLASS='sync'", "WEB_CONCURRENCY"))
    assert "LOG_LEVEL" not in str(error.value)


@pytest.mark.parametrize(
    "said, correction",
    [
        ("אז דירת ארבעה חדרים בתל אביב?", "דירת שלושה חדרים בתל אביב"),
        ("התקציב הוא שלושה מיליון שקל?", "התקציב הוא שני מיליון שקל"),
    ],
)
def test_e3_a_correction_is_no_echo(said, correction):
    """E3: all words but one are ours, and that one is what the caller says."""
    replies = iter([said, REPLY])
    call = SimCall([Sound(3, 1.5), Sound(10, 1.5)], stt=["שלום", correction], reply=lambda r: next(replies))
    call.run(16)
    assert asked(call) == ["שלום", correction]
