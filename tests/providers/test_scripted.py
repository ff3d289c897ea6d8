"""Scripted providers: fixed words after fixed delays."""

import pytest

from server.audio.frames import level_rms, pcm16_to_mulaw
from server.providers.base import ReplyRequest, Transcript
from server.providers.scripted import MS_A_CHARACTER, ScriptedLlm, ScriptedStt, ScriptedTts
from server.turns.effects import Expected
from tests.simtime.runtime import SimRuntime


@pytest.fixture
def runtime():
    return SimRuntime()


def read(runtime, stream, cancel_at=None, until=10):
    """The items of a stream with their times; ``end`` when it is over."""
    got = []

    def reader():
        for item in stream:
            got.append((runtime.now, item))
        got.append((runtime.now, "end"))

    runtime.spawn("reader", reader)
    if cancel_at is not None:
        runtime.call_at(cancel_at, stream.cancel)
    runtime.run_until(until)
    return got


def request(text="שאלה", turn_number=3, **others):
    return ReplyRequest(text, (), turn_number, "warm", 0, 400, **others)


@pytest.mark.parametrize("turn_number, line", [(1, "א"), (2, "ב"), (3, "א"), (4, "ב")])
def test_stt_returns_one_line_a_turn(runtime, turn_number, line):
    """From the first again when there are no more; the delay counts from the end of speech."""
    recognition = ScriptedStt(runtime, ["א", "ב"], 0.2).start(Expected(), turn_number, 60.0)
    recognition.feed(b"\xff" * 160)
    runtime.call_at(1, recognition.finish)
    assert read(runtime, recognition) == [(1.2, Transcript(line, 1.0)), (1.2, "end")]


@pytest.mark.parametrize("finish_at, cancel_at", [(None, 0.5), (1.0, 1.1)])
def test_stt_is_cancelled_at_once(runtime, finish_at, cancel_at):
    """F6: before and after the end of speech."""
    recognition = ScriptedStt(runtime, ["א"], 0.2).start(Expected(), 1, 60.0)
    if finish_at:
        runtime.call_at(finish_at, recognition.finish)
    assert read(runtime, recognition, cancel_at) == [(cancel_at, "end")]


def test_the_llm_fills_in_its_template(runtime):
    """``{n}`` is the turn's number, ``{text}`` the transcript; one sentence per piece, after the delay."""
    reply = ScriptedLlm(runtime, "פעם {n}! שמעתי {text}.", 0.35).respond(request(), 30.0)
    assert read(runtime, reply) == [(0.35, "פעם 3!\n"), (0.35, "שמעתי שאלה.\n"), (0.35, "end")]
    assert reply.expected == Expected()


@pytest.mark.parametrize("others", [{"may_wait": True}, {"may_listen": True}, {"said": "פעם 3!"}])
def test_the_llm_says_it_all_again(runtime, others):
    """B3, D4: the reply depends on the words and the turn's number alone."""
    reply = ScriptedLlm(runtime, "פעם {n}! שמעתי {text}.", 0.35).respond(request(**others), 30.0)
    assert [text for _, text in read(runtime, reply)] == ["פעם 3!\n", "שמעתי שאלה.\n", "end"]


def test_what_was_heard_is_not_a_template(runtime):
    """Braces in the caller's words are not filled in."""
    reply = ScriptedLlm(runtime, "{text}", 0.0).respond(request("{n}"), 30.0)
    assert read(runtime, reply)[0][1] == "{n}\n"


def test_the_llm_is_cancelled_at_once(runtime):
    """F6: before the first sentence, and between two."""
    llm = ScriptedLlm(runtime, "אחת. שתיים.", 0.35)
    assert read(runtime, llm.respond(request(), 30.0), cancel_at=0.1) == [(0.1, "end")]
    reply = llm.respond(request(), 30.0)
    pieces = iter(reply)
    runtime_got = []
    runtime.spawn("reader", lambda: runtime_got.append(next(pieces)))
    runtime.run_until(20)
    reply.cancel()
    assert list(pieces) == []
    assert len(runtime_got) == 1


@pytest.mark.parametrize("text", ["א", "שלום", "שלום לך, מה שלומך היום?"])
def test_the_voice_takes_60_ms_a_character(runtime, text):
    """Audible, speech-like audio; the first chunk comes after the delay."""
    got = read(runtime, ScriptedTts(runtime, 0.15).synthesize(text, 30.0))
    assert got[0][0] == 0.15 and got[-1] == (0.15, "end")
    pcm16 = b"".join(chunk for _, chunk in got[:-1])
    assert len(pcm16) == len(text) * MS_A_CHARACTER * 8 * 2
    mulaw = pcm16_to_mulaw(pcm16)
    assert all(level_rms(mulaw[i : i + 160]) > 210 for i in range(0, len(mulaw), 160))


def test_the_voice_is_cancelled_at_once(runtime):
    """F6: before the first chunk, and between two."""
    voice = ScriptedTts(runtime, 0.15)
    assert read(runtime, voice.synthesize("שלום", 30.0), cancel_at=0.1) == [(0.1, "end")]
    speech = ScriptedTts(runtime, 0.0).synthesize("שלום לך", 30.0)
    chunks = iter(speech)
    got = []
    runtime.spawn("reader", lambda: got.append(next(chunks)))
    runtime.run_until(20)
    speech.cancel()
    assert len(got) == 1 and list(chunks) == []


def test_nothing_to_load(runtime):
    """Warming is instant, and the log names the providers."""
    providers = [ScriptedStt(runtime, ["א"], 0), ScriptedLlm(runtime, "", 0), ScriptedTts(runtime, 0)]
    assert [(provider.warm(), provider.name) for provider in providers] == [(None, "scripted")] * 3
