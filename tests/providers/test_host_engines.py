"""A host's three functions as providers."""

import io
import math
import random
import wave
from array import array
from audioop import rms
from dataclasses import replace

import pytest

from server.audio.frames import mulaw_to_pcm16
from server.audio.vad import EnergyOnly
from server.providers.base import ProviderError, ReplyRequest, Transcript
from server.providers.batch_recognition import MAX_UTTERANCE_BYTES
from server.providers.fallback import BreakerParams, FallbackChain
from server.providers.host_functions import HostLlm, HostStt, HostTts
from server.providers.provider_set import Providers
from server.providers.reply.spoken import SpokenReply
from server.providers.tts_cache import TtsCache
from server.turn_pipeline import generate_hebrew_response
from server.turns.effects import Expected, SaveLead
from tests.simtime.runtime import SimRuntime


class Utterance:
    """A host's ``asr`` on two pieces of audio; ``then`` is called after one second."""

    def __init__(self, asr, then, pieces=(b"\x10" * 80, b"\x20" * 80)):
        self.runtime = SimRuntime()
        self.asked = []
        self.heard = []
        self.recognition = HostStt(self.runtime, lambda pcm16: self.asked.append(pcm16) or asr).start(
            Expected(), 1, 60.0
        )
        self.runtime.spawn("reader", lambda: self.heard.extend(self.recognition))
        for piece in pieces:
            self.recognition.feed(piece)
        self.runtime.run_until(0.9)
        self.early = list(self.asked)
        self.runtime.call_at(1, getattr(self.recognition, then))
        self.runtime.run_until(2)


@pytest.mark.parametrize("said, text", [("שלום", "שלום"), ("", ""), (None, "")])
def test_the_whole_utterance_goes_to_the_hosts_stt(said, text):
    """``bytes → str``, PCM16, after the end of the utterance; "not understood" is an empty text."""
    utterance = Utterance(said, "finish")
    assert utterance.early == []
    assert utterance.asked == [mulaw_to_pcm16(b"\x10" * 80 + b"\x20" * 80)]
    assert utterance.heard == [Transcript(text)]
    assert utterance.runtime.alive() == []


def test_a_cancelled_utterance_is_not_recognised():
    """F6: and its reader ends."""
    utterance = Utterance("שלום", "cancel")
    assert (utterance.asked, utterance.heard, utterance.runtime.alive()) == ([], [], [])


def test_an_endless_utterance_is_cut():
    """The utterance has a maximum length; the rest is not recognised."""
    minute = b"\x10" * (60 * 8000)
    utterance = Utterance("שלום", "finish", pieces=[minute] * 4)
    assert [len(pcm16) for pcm16 in utterance.asked] == [2 * MAX_UTTERANCE_BYTES]


def test_the_hosts_llm():
    """``str → str`` with style and lengths as keyword arguments."""
    asked = []

    def respond(text, *, target_style, min_chars, max_chars):
        asked.append((text, target_style, min_chars, max_chars))
        return "תשובה"

    llm = HostLlm(respond)
    reply = llm.respond(ReplyRequest("שאלה", (), 1, "warm", 10, 200), 30.0)
    assert asked == []
    assert list(reply) == ["תשובה"]
    assert asked == [("שאלה", "warm", 10, 200)]
    assert (reply.expected, llm.opening) == (Expected(), Expected())


def test_the_hosts_llm_says_it_all_again():
    """B3, D4: a speculative or resumed turn asks with the same words and gets the same reply."""
    asked = []
    llm = HostLlm(lambda text, **style: asked.append((text, *style)) or "שלום. איך אפשר לעזור?")
    request = ReplyRequest("שאלה", (), 1, "warm", 10, 200)
    others = [{}, {"may_wait": True}, {"may_listen": True}, {"said": "שלום."}]
    replies = [list(llm.respond(replace(request, **other), 30.0)) for other in others]
    assert replies == [["שלום. איך אפשר לעזור?"]] * 4
    assert asked == [("שאלה", "target_style", "min_chars", "max_chars", "call")] * 4


HOSTS = """<think>לא לומר</think>**שלום!** 😊 יש לנו:
- דירה ב-[אתר](https://a.co/b?x=1).
save_lead({"name": "דני"})"""


def test_row_8_what_a_host_answers_is_spoken_like_any_reply():
    """faults 8, newcomer 11, E5: cleaned, shortened, with one question; calls in the text are made."""
    llm = HostLlm(lambda text, **style: HOSTS)
    reply = SpokenReply(llm, ReplyRequest("שאלה", (), 1, "warm", 0, 200), 30.0)
    assert [s for s in reply if s] == ["שלום!", "יש לנו:", "דירה ב-אתר."]
    assert reply.acts == (SaveLead((("name", "דני"),)),)


def test_row_8_the_playbooks_function_gives_the_same_reply(monkeypatch):
    """E5: ``generate_hebrew_response`` returns the same text in one piece."""
    llm = HostLlm(lambda text, **style: HOSTS)
    llms, none = FallbackChain("llm", (llm,), BreakerParams(9)), FallbackChain("", (None,), BreakerParams(9))
    providers = Providers(none, llms, none, TtsCache([], []), EnergyOnly)
    monkeypatch.setattr("server.turn_pipeline.default_providers", lambda: providers)
    assert generate_hebrew_response("שאלה", min_chars=0) == "שלום! יש לנו: דירה ב-אתר."


def test_newcomer_11_a_hosts_monologue_is_cut():
    """A minute of text is cut at a sentence, within LLM_MAX_CHARS."""
    llm = HostLlm(lambda text, **style: "ועוד משפט אחד שאיש לא ישמע. " * 40)
    said = [s for s in SpokenReply(llm, ReplyRequest("שאלה", (), 1, "warm", 0, 90), 30.0) if s]
    assert said == ["ועוד משפט אחד שאיש לא ישמע."] * 3


def test_the_hosts_voice():
    """``str → bytes``, called when the audio is read."""
    asked = []
    speech = HostTts(lambda text: asked.append(text) or b"\x01\x02").synthesize("שלום", 30.0)
    assert asked == []
    assert list(speech) == [b"\x01\x02"]
    assert asked == ["שלום"]


def said_by(audio):
    return b"".join(HostTts(lambda text: audio).synthesize("שלום", 30.0))


def tone(rate_hz, seconds=0.5):
    count = int(seconds * rate_hz)
    return array(
        "h", (round(8000 * math.sin(2 * math.pi * 300 * n / rate_hz)) for n in range(count))
    ).tobytes()


def wav(rate_hz, *, channels=1, bits=16):
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(bits // 8)
        audio.setframerate(rate_hz)
        audio.writeframes(tone(rate_hz))
    return file.getvalue()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_f6_a_wav_file_is_no_header_played(kind):
    """F6, newcomer 10: the header is not played, and other rates are resampled to 8 kHz."""
    assert said_by(kind(wav(8000))) == tone(8000)
    for rate_hz in (16_000, 22_050, 24_000, 44_100):
        heard = said_by(kind(wav(rate_hz)))
        assert len(heard) == pytest.approx(8000, abs=4)
        assert rms(heard, 2) == pytest.approx(rms(tone(8000), 2), rel=0.02)


@pytest.mark.parametrize(
    "audio, says",
    {
        "MP3": (b"ID3\x04" + bytes(9000), "synth sent MP3, not PCM"),
        "Ogg": (b"OggS" + bytes(9000), "synth sent Ogg"),
        "random bytes": (random.Random(6).randbytes(9000), "synth sent noise"),
        "JSON": (b'{"audio": "' + b"UklG" * 900 + b'"}', "synth sent JSON"),
        "two channels": (wav(8000, channels=2), "2 channels"),
        "8 bits": (wav(8000, bits=8), "8 bits"),
        "text": ("שלום", "gave str for audio: synth returns bytes"),
        "nothing": (None, "gave NoneType for audio"),
        "a list": ([1, 2], "gave list for audio"),
        "a generator": ((piece for piece in [b"ab"]), "gave generator for audio"),
    }.values(),
)
def test_f6_a_hosts_audio_that_is_no_speech(audio, says):
    """F6, newcomer 10: the TTS has failed, and the log names the format."""
    with pytest.raises(ProviderError, match=says):
        said_by(audio)


def test_nothing_to_cancel_and_nothing_to_warm():
    """The functions block and cannot be stopped, which is no error."""
    providers = [HostStt(SimRuntime(), str), HostLlm(str), HostTts(str)]
    assert [(provider.warm(), provider.name) for provider in providers] == [(None, "host")] * 3
    providers[1].respond(ReplyRequest("", (), 1, "", 0, 0), 1.0).cancel()
    providers[2].synthesize("", 1.0).cancel()
