"""Issue 5, parts 1 and 4, on whole calls in simulated time: who gets in, and what ends who misbehaves."""

from collections import Counter
from socket import SHUT_RD
from types import SimpleNamespace

from server.audio.pacing import BATCH_FRAMES
from server.telephony.twilio_messages import Start
from server.telephony.websocket import POLICY_VIOLATION
from tests.simtime.call import SimCall
from tests.simtime.line import SimSpeech, Sound


def refused(start: Start) -> str:
    return "a used token"


def connection(call: SimCall) -> list[int]:
    """Gives the line a connection below its WebSocket; what was shut of it."""
    shut: list[int] = []

    def shutdown(how: int) -> None:
        shut.append(how)
        call.line.receiver.close()

    call.line.sock = SimpleNamespace(shutdown=shutdown)
    return shut


def test_a_refused_socket_is_closed_with_1008_before_any_provider_works():
    """Not even the judge of speech is made."""
    made = []

    def new_speech():
        made.append(1)
        return SimSpeech()

    call = SimCall([Sound(1.0, 1.0)], speech=new_speech)
    call.host["admit"] = refused
    call.run(5)
    assert call.line.close_reason == POLICY_VIOLATION
    assert call.lines("WS_REFUSED a used token") and not call.lines("WS_START")
    assert (made, call.events, call.line.sent) == ([], [(call.events[0][0], [])], [])
    assert call.finished and call.runtime.alive() == []


def test_a_call_that_is_let_in_is_asked_for_once():
    asked: list[Start] = []
    call = SimCall([Sound(1.0, 1.0)])
    call.host["admit"] = lambda start: asked.append(start) or ""
    call.line.raw = [(2.0, '{"event":"start","start":{"streamSid":"MZ2","callSid":"CA2"}}')]
    call.run(5)
    assert len(asked) == 1 and asked[0].call_sid != "CA2"
    assert call.line.close_reason is None and call.lines("WS_START")


def test_f6_a_caller_without_audio_is_gone_within_ten_seconds():
    """F6: Twilio sends frames in silence too; what means nothing is no call."""
    call = SimCall([], raw=[(2.0 + n, "{}") for n in range(40)])
    call.run(4, hang_up=False)
    heard_s = call.heard[-1].until_s
    assert heard_s < 4
    call.until(4 + 9.1)
    assert call.finished and call.runtime.alive() == []
    assert call.line.close_reason == POLICY_VIOLATION
    assert call.lines("WS_STALLED no audio for 9 s")


def test_a_flood_inside_a_call_ends_it():
    call = SimCall([Sound(1.0, 1.0)], raw=[(2.0, "{}")] * 3000)
    call.run(5)
    assert call.line.close_reason == POLICY_VIOLATION and call.lines("WS_FLOOD")
    assert call.finished and call.runtime.alive() == []


def test_f6_a_call_that_is_cut_ends_at_once():
    """Part 3: with nothing left of it; Twilio asks stream_ended, which knows no outcome then."""
    call = SimCall([Sound(3.0, 1.5)], asr_s=0.3, llm_s=0.3, tts_s=0.3)
    call.run(5.5, hang_up=False)
    shut = connection(call)
    call.handler.cut()
    call.until(6.5)
    assert shut == [SHUT_RD]
    assert call.finished and call.runtime.alive() == []


def test_what_a_peer_does_not_take_is_bounded():
    """Part 4: only TX asks the core for audio, so while its send blocks nothing piles up behind it."""
    call = SimCall([Sound(1.0, 1.0)], reply="שלום. " * 40)
    send, sending = call.line.send, []

    def takes_four_seconds(message: str) -> None:
        sending.append(call.runtime.now)
        if len(sending) == 1:
            call.runtime.event().wait(4.0)
        send(message)

    call.line.send = takes_four_seconds
    connection(call)
    call.run(sent_at_s := 8.0, hang_up=False)
    [(_, at_once)] = Counter(sending).most_common(1)
    assert sending[0] + 4.0 < sent_at_s and at_once <= 2 * (call.config.tx_lead_ms / 20 + BATCH_FRAMES + 2)
    call.line.deliver({"event": "stop"})
    call.until(10)
    assert call.finished and call.runtime.alive() == []
