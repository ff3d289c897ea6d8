"""Google's TTS: the real client against a local gRPC server that speaks Google's protocol."""

import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud import texttospeech_v1 as tts

from server import gcp_tts_live
from server.config import load_config
from server.gcp_tts_live import MAX_SENTENCE_BYTES, GoogleTts, pcm16_8k_of, synthesize_pcm16_8k
from server.providers.base import ProviderError
from server.providers.google import client
from server.providers.google.client import Address, Connection
from server.providers.wav import SampleReader
from tests.cloud.google import VoiceCloud
from tests.cloud.watch import Fault
from tests.providers.reading import under_gevent
from tests.servers.test_start import GUNICORN, get, started
from tests.serving import ROOT
from tests.waiting import until

PCM = bytes(range(256)) * 40
WAVENET = "he-IL-Wavenet-B"
CHIRP = "he-IL-Chirp3-HD-Kore"
EITHER = pytest.mark.parametrize("voice", [WAVENET, CHIRP])


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    padding = b"\0" * (len(body) % 2)
    return struct.pack("<4sI", name, len(body) if size is None else size) + body + padding


def wav(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fmt(kind: int = 1, channels: int = 1, rate_hz: int = 8000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * block, block, bits))


@pytest.fixture
def google() -> Iterator[VoiceCloud]:
    with VoiceCloud(lambda text: PCM) as cloud:
        yield cloud


def voice_of(google: VoiceCloud, name: str = WAVENET) -> GoogleTts:
    return GoogleTts(load_config(google_tts_endpoint=google.endpoint, google_tts_voice=name))


def speak(google: VoiceCloud, name: str = WAVENET, text: str = "שלום", timeout_s: float = 5.0) -> list[bytes]:
    return list(voice_of(google, name).synthesize(text, timeout_s))


class TestRequest:
    def test_what_is_asked_for(self, google: VoiceCloud) -> None:
        assert speak(google) == [PCM]
        request = google.watch.exchanges[0].request
        assert (request.method, request.text) == ("SynthesizeSpeech", "שלום")
        assert (request.voice.name, request.voice.language_code) == (WAVENET, "he-IL")
        assert request.config.audio_encoding == tts.AudioEncoding.LINEAR16
        assert request.config.sample_rate_hertz == 8000
        assert list(request.config.effects_profile_id) == ["telephony-class-application"]

    def test_chirp_voices_stream(self, google: VoiceCloud) -> None:
        assert speak(google, CHIRP) == [PCM[:3200], PCM[3200:6400], PCM[6400:9600], PCM[9600:]]
        request = google.watch.exchanges[0].request
        assert (request.method, request.text) == ("StreamingSynthesize", "שלום")
        assert (request.voice.name, request.voice.language_code) == (CHIRP, "he-IL")
        assert request.config.audio_encoding == tts.AudioEncoding.PCM
        assert request.config.sample_rate_hertz == 8000

    def test_a_stream_is_heard_before_it_is_whole(self, google: VoiceCloud) -> None:
        google.watch.always = Fault.HUNG_MID_STREAM
        stream = voice_of(google, CHIRP).synthesize("שלום", 30)
        assert next(iter(stream)) == PCM[:3200]
        stream.cancel()

    def test_who_speaks(self, google: VoiceCloud) -> None:
        voice = voice_of(google)
        assert (voice.name, voice.identity) == ("google", f"google {WAVENET}")

    def test_one_client_serves_the_process(self, google: VoiceCloud) -> None:
        speak(google)
        voice_of(google, CHIRP).warm()
        assert len(google.watch.exchanges) == 2
        assert google.watch.connections == 1

    def test_the_named_function(self, google: VoiceCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GOOGLE_TTS_ENDPOINT", google.endpoint)
        monkeypatch.setenv("GOOGLE_TTS_VOICE", "he-IL-Standard-A")
        assert synthesize_pcm16_8k("בוקר טוב") == PCM
        assert google.watch.exchanges[0].request.voice.name == "he-IL-Standard-A"

    @EITHER
    def test_nothing_is_sent_before_it_is_listened_to(self, google: VoiceCloud, voice: str) -> None:
        began = time.monotonic()
        voice_of(google, voice).synthesize("שלום", 5)
        assert time.monotonic() - began < 0.05
        assert not google.watch.exchanges

    @EITHER
    def test_more_text_than_google_takes(self, google: VoiceCloud, voice: str) -> None:
        """A Hebrew letter takes two of the 5000 bytes."""
        assert b"".join(speak(google, voice, "א" * 2499)) == PCM
        with pytest.raises(ProviderError, match="5000 bytes") as raised:
            speak(google, voice, "א" * 2500)
        assert not raised.value.retryable and len(google.watch.exchanges) == 1

    @EITHER
    def test_a_long_sentence_is_several_requests(self, google: VoiceCloud, voice: str) -> None:
        """faults.md 22: Google refuses long sentences; the pieces' audio is concatenated."""
        google.says = lambda text: bytes(range(len(text.encode()) // 2)) * 2 + b"\0\0"
        text = "הדירה בת ארבעה חדרים בקומה שלישית, עם מרפסת שמש גדולה, " * 5
        heard = b"".join(speak(google, voice, text))
        asked = [exchange.request.text for exchange in google.watch.exchanges]
        assert " ".join(asked) == text.strip() and len(asked) > 1
        assert all(len(piece.encode()) <= MAX_SENTENCE_BYTES and piece.endswith(",") for piece in asked)
        assert heard == b"".join(google.says(piece) for piece in asked)

    def test_a_long_sentence_is_cancelled_between_two_requests(self, google: VoiceCloud) -> None:
        """D2: the remaining requests are not sent."""
        stream = voice_of(google).synthesize("הדירה בת ארבעה חדרים בקומה שלישית, " * 9, 5)
        said = iter(stream)
        assert next(said) == PCM
        stream.cancel()
        assert list(said) == [] and len(google.watch.exchanges) == 1


HEADERS = {
    "raw": PCM,
    "raw odd": PCM + b"\x01",
    "plain": wav(fmt(), chunk(b"data", PCM)),
    "chunks before": wav(chunk(b"LIST", b"odd lengt"), fmt(), chunk(b"fact", b"\0" * 4), chunk(b"data", PCM)),
    "chunk after": wav(fmt(), chunk(b"data", PCM), chunk(b"LIST", b"after the samples")),
    "unknown length": wav(fmt(), chunk(b"data", PCM, size=0xFFFFFFFF)),
    "odd data": wav(fmt(), chunk(b"data", PCM + b"\x01")),
}


class TestSamples:
    @pytest.mark.parametrize("audio", HEADERS.values(), ids=HEADERS)
    def test_only_samples_come_out(self, audio: bytes) -> None:
        assert pcm16_8k_of(audio) == PCM

    @pytest.mark.parametrize("size", [1, 3, 7, 44, 45, 1000])
    @pytest.mark.parametrize("audio", HEADERS.values(), ids=HEADERS)
    def test_in_pieces_too(self, audio: bytes, size: int) -> None:
        reader = SampleReader("Google", 8000)
        pieces = [reader.feed(audio[start : start + size]) for start in range(0, len(audio), size)]
        pieces.append(reader.end())
        assert b"".join(pieces) == PCM
        assert all(len(piece) % 2 == 0 for piece in pieces)

    @pytest.mark.parametrize("audio", [b"", b"\1", b"RI", b"RIFF", b"RIFF\0\0\0\0WA"])
    def test_less_than_a_header(self, audio: bytes) -> None:
        if audio[:4] == b"RIFF":
            with pytest.raises(ProviderError, match="no data chunk"):
                pcm16_8k_of(audio)
        else:
            assert pcm16_8k_of(audio) == audio[: len(audio) // 2 * 2]

    @pytest.mark.parametrize(
        ("audio", "says"),
        [
            (wav(fmt()), "no data chunk"),
            (wav(chunk(b"fmt ", b"\1\0"), chunk(b"data", PCM)), "broken fmt chunk"),
            (wav(fmt(rate_hz=24000), chunk(b"data", PCM)), "24000 Hz"),
            (wav(fmt(kind=7, bits=8), chunk(b"data", PCM)), "format 7"),
            (wav(fmt(channels=2), chunk(b"data", PCM)), "2 channels"),
        ],
    )
    def test_what_a_telephone_cannot_play_is_refused(self, audio: bytes, says: str) -> None:
        with pytest.raises(ProviderError, match=says):
            pcm16_8k_of(audio)

    def test_a_stream_shorter_than_a_header(self, google: VoiceCloud) -> None:
        google.says = lambda text: b"RI"  # a sample that might become one
        assert speak(google, CHIRP) == [b"RI"]

    @pytest.mark.parametrize("size", [1, 5, 43, 3200])
    def test_a_stream_with_a_header(self, google: VoiceCloud, size: int) -> None:
        google.watch.always, google.chunk_bytes = Fault.WAV_HEADER, size
        google.says = lambda text: PCM[:512]
        said = speak(google, CHIRP)
        assert b"".join(said) == PCM[:512]
        assert all(len(samples) % 2 == 0 for samples in said)


OUTCOMES = {  # what is said; or the bytes that are said before an error that is retryable
    Fault.NONE: PCM,
    Fault.SLOW: PCM,
    Fault.WAV_HEADER: PCM,
    Fault.EMPTY: b"",
    Fault.HUNG_BEFORE_HEADERS: 0,
    Fault.TOO_MANY: 0,
    Fault.UNAVAILABLE: 0,
    Fault.HUNG_MID_STREAM: 3200,
    Fault.CUT_MID_STREAM: 3200,
}


@EITHER
@pytest.mark.parametrize("fault", OUTCOMES, ids=lambda fault: fault.value)
def test_how_each_fault_ends(google: VoiceCloud, voice: str, fault: Fault) -> None:
    """G1: in time, with one request: the client does not retry."""
    google.watch.always = fault
    google.watch.delays.slow_s = 0.1
    said = bytearray()
    began = time.monotonic()
    outcome = OUTCOMES[fault]
    try:
        for samples in voice_of(google, voice).synthesize("שלום", 0.3):
            said += samples
        assert said == outcome
    except ProviderError as error:
        assert error.retryable
        assert len(said) == (outcome if voice == CHIRP else 0)
    assert time.monotonic() - began < 1.0
    assert len(google.watch.exchanges) == 1


class TestErrors:
    @EITHER
    def test_another_voice_than_googles(self, google: VoiceCloud, voice: str) -> None:
        google.refuses = {voice}
        with pytest.raises(ProviderError, match=f"GOOGLE_TTS_VOICE={voice}") as raised:
            speak(google, voice)
        assert not raised.value.retryable

    @EITHER
    def test_nobody_is_there(self, voice: str) -> None:
        config = load_config(google_tts_endpoint="http://127.0.0.1:9", google_tts_voice=voice)
        with pytest.raises(ProviderError) as raised:
            list(GoogleTts(config).synthesize("שלום", 5))
        assert raised.value.retryable

    def test_no_credentials(self, tmp_path: Path) -> None:
        config = load_config(
            google_tts_endpoint="https://localhost:1",
            google_application_credentials=str(tmp_path / "missing.json"),
        )
        with pytest.raises(ProviderError, match="GOOGLE_APPLICATION_CREDENTIALS") as raised:
            list(GoogleTts(config).synthesize("שלום", 5))
        assert not raised.value.retryable


class TestCancel:
    @EITHER
    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_it_ends_at_once_and_google_knows(self, google: VoiceCloud, voice: str, fault: Fault) -> None:
        google.watch.always = fault
        stream = voice_of(google, voice).synthesize("שלום", 30)
        said: list[bytes] = []
        reader = threading.Thread(target=lambda: said.extend(stream), daemon=True)
        reader.start()
        streamed = fault is Fault.HUNG_MID_STREAM and voice == CHIRP
        until(lambda: said if streamed else google.watch.exchanges)
        began = time.monotonic()
        stream.cancel()
        stream.cancel()
        reader.join(2)
        assert not reader.is_alive() and time.monotonic() - began < 0.5
        assert b"".join(said) == (PCM[:3200] if streamed else b"")
        (exchange,) = google.watch.exchanges
        until(lambda: exchange.dropped_at)

    @EITHER
    def test_before_it_began(self, google: VoiceCloud, voice: str) -> None:
        stream = voice_of(google, voice).synthesize("שלום", 30)
        stream.cancel()
        assert list(stream) == []
        assert not google.watch.exchanges

    @EITHER
    def test_while_the_request_is_being_made(
        self, google: VoiceCloud, voice: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither thread waits for the other: the second finds what the first has done."""
        google.watch.always = Fault.HUNG_BEFORE_HEADERS

        def cancelled_in_between(begin: Any) -> Any:
            def begins(*args: Any, **settings: Any) -> Any:
                call = begin(*args, **settings)
                stream.cancel()
                return call

            return begins

        def connected(address: Address) -> Connection:
            connection = client.connect(address)
            real = connection.transport
            whole = SimpleNamespace(future=cancelled_in_between(real.synthesize_speech.future))
            streamed = cancelled_in_between(real.streaming_synthesize)
            return replace(
                connection,
                transport=SimpleNamespace(synthesize_speech=whole, streaming_synthesize=streamed),
            )

        monkeypatch.setattr(gcp_tts_live, "connect", connected)
        stream = voice_of(google, voice).synthesize("שלום", 30)
        began = time.monotonic()
        assert list(stream) == []
        assert time.monotonic() - began < 0.5
        until(lambda: not google.watch.open)

    def test_a_reader_that_goes_away(self, google: VoiceCloud) -> None:
        google.watch.always = Fault.HUNG_MID_STREAM
        stream = voice_of(google, CHIRP).synthesize("שלום", 30)
        said = iter(stream)
        next(said)
        said.close()  # type: ignore[attr-defined]
        (exchange,) = google.watch.exchanges
        until(lambda: exchange.dropped_at)


UNDER_GEVENT = """
from server.config import load_config
from server.gcp_tts_live import GoogleTts
said = []
voice = GoogleTts(load_config(google_tts_endpoint=sys.argv[1], google_tts_voice=sys.argv[2]))
voice.warm()  # the import stalls the hub once, which is why workers warm their engines
watch_the_hub()
four_at_once(lambda: said.append(b"".join(voice.synthesize("x", 10))))
gap = largest_gap()
print(len(said), len(set(said)), len(said[0]), gap < 0.25, gap)
"""


@pytest.mark.servers
@EITHER
def test_other_calls_go_on_under_gevent(google: VoiceCloud, voice: str) -> None:
    """Without ``init_gevent`` each request would block the whole process."""
    google.watch.delays.first_s = 0.4
    printed = under_gevent(UNDER_GEVENT, google.endpoint, voice)
    assert printed.split()[:4] == ["4", "1", str(len(PCM)), "True"], printed


@pytest.mark.servers
@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_it_speaks_in_a_worker(google: VoiceCloud, tmp_path: Path, worker_class: str) -> None:
    knobs = {"TTS_ENGINES": "google", "GOOGLE_TTS_ENDPOINT": google.endpoint, "WORKER_CLASS": worker_class}
    with started(GUNICORN, ROOT, tmp_path / "log", **knobs) as server:
        response = get(f"http://{server.address}/media/greeting.wav")
        assert response.status_code == 200 and len(response.content) == 44 + len(PCM)
        assert "ENGINES_WARM" in server.log and "ERR" not in server.log
    spoken = {exchange.request.text for exchange in google.watch.exchanges}
    assert "שלום! איך אפשר לעזור?" in spoken and len(spoken) > 5
