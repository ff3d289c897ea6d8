"""Google's voice: the real client against a local gRPC server that speaks Google's protocol."""

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud import texttospeech_v1 as tts

from server import gcp_tts_live
from server.engines.base import EngineError
from server.gcp_tts_live import GoogleVoice, pcm16_8k_of, synthesize_pcm16_8k
from tests.test_start import GUNICORN, get, started

ROOT = Path(__file__).parents[1]
PCM = bytes(range(256)) * 20
VOICE = "he-IL-Wavenet-B"

Answer = Callable[[Any, grpc.ServicerContext], bytes]


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    padding = b"\0" * (len(body) % 2)
    return struct.pack("<4sI", name, len(body) if size is None else size) + body + padding


def wav(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def fmt(kind: int = 1, channels: int = 1, rate_hz: int = 8000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * block, block, bits))


class FakeGoogle:
    """google.cloud.texttospeech.v1.TextToSpeech on a loopback port; ``answer`` makes the audio."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request, context: wav(fmt(), chunk(b"data", PCM))
        self.requests: list[Any] = []
        self.release = threading.Event()
        self.ended = threading.Event()  # a call that was held has ended at the server too
        handler = grpc.unary_unary_rpc_method_handler(
            self._synthesize,
            request_deserializer=tts.SynthesizeSpeechRequest.deserialize,
            response_serializer=tts.SynthesizeSpeechResponse.serialize,
        )
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "google.cloud.texttospeech.v1.TextToSpeech", {"SynthesizeSpeech": handler}
                ),
            )
        )
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _synthesize(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        return tts.SynthesizeSpeechResponse(audio_content=self.answer(request, context))

    def hang(self, request: Any, context: grpc.ServicerContext) -> bytes:
        context.add_callback(self.ended.set)
        self.release.wait(20)
        return b""

    def refuse(self, code: grpc.StatusCode, details: str) -> None:
        self.answer = lambda request, context: context.abort(code, details)

    def stop(self) -> None:
        self.release.set()
        self._server.stop(None).wait(5)


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    fake = FakeGoogle()
    yield fake
    fake.stop()
    client = gcp_tts_live._clients.pop(fake.endpoint, None)
    if client is not None:
        client.transport.close()


def speak(google: FakeGoogle, timeout_s: float = 5.0) -> bytes:
    return b"".join(GoogleVoice(VOICE, google.endpoint).synthesize("שלום", timeout_s))


class TestRequest:
    def test_what_is_asked_for(self, google: FakeGoogle) -> None:
        assert speak(google) == PCM
        (request,) = google.requests
        assert request.input.text == "שלום"
        assert (request.voice.name, request.voice.language_code) == (VOICE, "he-IL")
        assert request.audio_config.audio_encoding == tts.AudioEncoding.LINEAR16
        assert request.audio_config.sample_rate_hertz == 8000
        assert list(request.audio_config.effects_profile_id) == ["telephony-class-application"]

    def test_one_client_serves_the_process(self, google: FakeGoogle) -> None:
        speak(google)
        client = gcp_tts_live._clients[google.endpoint]
        GoogleVoice(VOICE, google.endpoint).warm()
        assert gcp_tts_live._clients[google.endpoint] is client
        assert len(google.requests) == 2

    def test_the_named_function(self, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GOOGLE_TTS_ENDPOINT", google.endpoint)
        monkeypatch.setenv("GOOGLE_TTS_VOICE", "he-IL-Standard-A")
        assert synthesize_pcm16_8k("בוקר טוב") == PCM
        assert google.requests[0].voice.name == "he-IL-Standard-A"

    def test_nothing_is_sent_before_it_is_listened_to(self, google: FakeGoogle) -> None:
        started = time.monotonic()
        GoogleVoice(VOICE, google.endpoint).synthesize("שלום", 5)
        assert time.monotonic() - started < 0.05
        assert google.requests == []


class TestWav:
    @pytest.mark.parametrize(
        "audio",
        [
            PCM,
            PCM + b"\x01",
            wav(fmt(), chunk(b"data", PCM)),
            wav(chunk(b"LIST", b"odd length "[:9]), fmt(), chunk(b"fact", b"\0" * 4), chunk(b"data", PCM)),
            wav(fmt(), chunk(b"data", PCM), chunk(b"LIST", b"after the samples")),
            wav(fmt(), chunk(b"data", PCM, size=0xFFFFFFFF)),
            wav(fmt(), chunk(b"data", PCM + b"\x01")),
        ],
        ids=["raw", "raw odd", "plain", "chunks before", "chunk after", "unknown length", "odd data"],
    )
    def test_only_samples_come_out(self, google: FakeGoogle, audio: bytes) -> None:
        google.answer = lambda request, context: audio
        assert speak(google) == PCM

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
        with pytest.raises(EngineError, match=says):
            pcm16_8k_of(audio)

    def test_no_audio(self, google: FakeGoogle) -> None:
        google.answer = lambda request, context: b""
        assert speak(google) == b""


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "retryable", "says"),
        [
            (grpc.StatusCode.UNAUTHENTICATED, False, "GOOGLE_APPLICATION_CREDENTIALS"),
            (grpc.StatusCode.PERMISSION_DENIED, False, "gcloud services enable texttospeech"),
            (grpc.StatusCode.INVALID_ARGUMENT, False, f"GOOGLE_TTS_VOICE={VOICE}"),
            (grpc.StatusCode.RESOURCE_EXHAUSTED, True, "quota"),
            (grpc.StatusCode.UNAVAILABLE, True, "UNAVAILABLE"),
            (grpc.StatusCode.UNIMPLEMENTED, False, "UNIMPLEMENTED"),
        ],
    )
    def test_each_says_what_to_do(
        self, google: FakeGoogle, code: grpc.StatusCode, retryable: bool, says: str
    ) -> None:
        google.refuse(code, "because")
        with pytest.raises(EngineError, match=says) as raised:
            speak(google)
        assert raised.value.retryable is retryable
        assert "(because)" in str(raised.value)
        assert len(google.requests) == 1, "the client must not retry by itself"

    def test_nobody_is_there(self) -> None:
        with pytest.raises(EngineError) as raised:
            list(GoogleVoice(VOICE, "http://127.0.0.1:9").synthesize("שלום", 5))
        assert raised.value.retryable

    def test_no_credentials(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(gcp_tts_live, "_failures", {})
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
        for _ in range(2):
            with pytest.raises(EngineError, match="GOOGLE_APPLICATION_CREDENTIALS") as raised:
                list(GoogleVoice(VOICE, "https://localhost:1").synthesize("שלום", 5))
            assert not raised.value.retryable
            monkeypatch.setattr(gcp_tts_live, "_make_client", None)  # the second answer is remembered


class TestTime:
    def test_a_hung_server_costs_the_timeout(self, google: FakeGoogle) -> None:
        google.answer = google.hang
        started = time.monotonic()
        with pytest.raises(EngineError, match="in time") as raised:
            speak(google, timeout_s=0.3)
        assert 0.25 < time.monotonic() - started < 1.5
        assert raised.value.retryable and len(google.requests) == 1

    def test_cancel_ends_a_hung_request_at_once(self, google: FakeGoogle) -> None:
        google.answer = google.hang
        stream = GoogleVoice(VOICE, google.endpoint).synthesize("שלום", 30)
        said: list[bytes] = []
        reader = threading.Thread(target=lambda: said.extend(stream), daemon=True)
        reader.start()
        while not google.requests:
            time.sleep(0.005)
        started = time.monotonic()
        stream.cancel()
        stream.cancel()
        reader.join(2)
        assert not reader.is_alive() and time.monotonic() - started < 0.5
        assert said == []
        assert google.ended.wait(2), "Google must know that nobody listens"

    def test_cancelled_before_it_began(self, google: FakeGoogle) -> None:
        stream = GoogleVoice(VOICE, google.endpoint).synthesize("שלום", 30)
        stream.cancel()
        assert list(stream) == []
        assert google.requests == []


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, threading, time
from server.gcp_tts_live import GoogleVoice
ticks, said = [], []
def tick():
    while True:
        ticks.append(time.monotonic())
        time.sleep(0.02)
voice = GoogleVoice("he-IL-Wavenet-B", sys.argv[1])
voice.warm()  # the import stalls the hub once, which is why workers warm their engines
threading.Thread(target=tick, daemon=True).start()
def speak():
    said.append(b"".join(voice.synthesize("x", 10)))
speakers = [threading.Thread(target=speak) for _ in range(4)]
for speaker in speakers: speaker.start()
for speaker in speakers: speaker.join(15)
gap = max(later - earlier for earlier, later in zip(ticks, ticks[1:]))
print(len(said), len(set(said)), len(said[0]), gap < 0.25, gap)
"""


def test_other_calls_go_on_under_gevent(google: FakeGoogle) -> None:
    """Without ``init_gevent`` each request would hold the whole process for as long as it takes."""

    def slow(request: Any, context: grpc.ServicerContext) -> bytes:
        time.sleep(0.5)
        return PCM

    google.answer = slow
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", UNDER_GEVENT, google.endpoint],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.split()[:4] == ["4", "1", str(len(PCM)), "True"], done.stdout + done.stderr


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_it_speaks_in_a_worker(google: FakeGoogle, tmp_path: Path, worker_class: str) -> None:
    knobs = {"TTS_ENGINES": "google", "GOOGLE_TTS_ENDPOINT": google.endpoint, "WORKER_CLASS": worker_class}
    with started(GUNICORN, ROOT, tmp_path / "log", **knobs) as server:
        response = get(f"http://{server.address}/media/greeting.wav")
        assert response.status_code == 200 and len(response.content) == 44 + len(PCM)
        assert "ENGINES_WARM" in server.log and "ERR" not in server.log
    spoken = {request.input.text for request in google.requests}
    assert "שלום! איך אפשר לעזור?" in spoken and len(spoken) > 5
