"""The local Soniox, by a plain client: what it is asked and answers, every fault, what it saw."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

import pytest
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidMessage,
    InvalidStatus,
)
from websockets.sync.client import ClientConnection, connect

from server.audio.frames import SILENT_FRAME, mulaw_to_pcm16, pcm16_to_mulaw
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from tests.cloud.google import tone
from tests.cloud.recorded import CALLER_VARIANT, Recorded
from tests.cloud.soniox import DEFAULT_LINE, SonioxCloud
from tests.cloud.watch import Fault
from tests.waiting import until

KEY = {"Authorization": "Bearer local"}
STT: dict[str, Any] = {
    "model": "stt-rt-v5",
    "audio_format": "mulaw",
    "sample_rate": 8000,
    "num_channels": 1,
    "language_hints": ["he"],
    "enable_endpoint_detection": True,
}
TTS = {
    "stream_id": "1",
    "model": "tts-rt-v2",
    "language": "he",
    "voice": "Maya",
    "audio_format": "pcm_mulaw",
    "sample_rate": 8000,
}
SPEECH = pcm16_to_mulaw(tone("א" * 30))  # 1.8 s
SILENCE = SILENT_FRAME * 50  # 1 s
FINALIZE = '{"type": "finalize"}'
Message = dict[str, Any]


@pytest.fixture
def cloud() -> Iterator[SonioxCloud]:
    with SonioxCloud() as cloud:
        yield cloud


@contextmanager
def stt(cloud: SonioxCloud, headers: dict[str, str] = KEY, **changes: Any) -> Iterator[ClientConnection]:
    with connect(cloud.stt_url, additional_headers=headers) as link:
        with suppress(ConnectionClosed):  # refused at once
            link.send(json.dumps(STT | changes))
        yield link


@contextmanager
def tts(cloud: SonioxCloud, *texts: str, **changes: Any) -> Iterator[ClientConnection]:
    """With a stream that is begun and, given texts, at its end."""
    with connect(cloud.tts_url, additional_headers=KEY) as link:
        with suppress(ConnectionClosed):
            begin(link, "1", *texts, **changes)
        yield link


def begin(link: ClientConnection, stream: str, *texts: str, **changes: Any) -> None:
    link.send(json.dumps(TTS | {"stream_id": stream} | changes))
    for number, text in enumerate(texts, 1):
        say(link, stream, text, number == len(texts))


def say(link: ClientConnection, stream: str, text: str, end: bool) -> None:
    link.send(json.dumps({"text": text, "text_end": end, "stream_id": stream}))


def speak(link: ClientConnection, mulaw_8k: bytes) -> None:
    """In frames; to its end, or until the other side closes."""
    with suppress(ConnectionClosed):
        for start in range(0, len(mulaw_8k), 160):
            link.send(mulaw_8k[start : start + 160])


def next_of(link: ClientConnection) -> Message:
    message: Message = json.loads(link.recv(timeout=5))
    return message


def to(link: ClientConnection, mark: str) -> list[Message]:
    """All responses to the one that has a token ``mark``, or the field."""
    messages = [next_of(link)]
    while mark not in messages[-1] and mark not in [token["text"] for token in messages[-1]["tokens"]]:
        messages.append(next_of(link))
    return messages


def final_text(messages: list[Message]) -> str:
    tokens = [token for message in messages for token in message["tokens"] if token["is_final"]]
    return "".join(token["text"] for token in tokens if not token["text"].startswith("<")).strip()


def audio_of(messages: list[Message]) -> bytes:
    return b"".join(b64decode(message.get("audio", "")) for message in messages)


def stream_to_end(link: ClientConnection) -> list[Message]:
    messages = [next_of(link)]
    while not messages[-1].get("terminated"):
        messages.append(next_of(link))
    return messages


class TestSession:
    def test_words_come_as_guesses_and_then_once_for_good(self, cloud: SonioxCloud) -> None:
        with stt(cloud, enable_endpoint_detection=False) as link:
            speak(link, SPEECH)
            link.send(FINALIZE)
            messages = to(link, "<fin>")
            guesses = [t for message in messages for t in message["tokens"] if not t["is_final"]]
            assert guesses and final_text(messages) == DEFAULT_LINE
            assert any(token["is_final"] for message in messages[:-1] for token in message["tokens"])
            finals = [t for m in messages for t in m["tokens"] if t["is_final"] and t["text"] != "<fin>"]
            assert all(0 <= t["start_ms"] <= t["end_ms"] <= 1800 and t["confidence"] == 0.9 for t in finals)
            assert [t["start_ms"] for t in finals] == sorted(t["start_ms"] for t in finals)
            for message in messages:
                order = [token["is_final"] for token in message["tokens"]]
                assert order == sorted(order, reverse=True)
        assert cloud.violations == []

    def test_a_semantic_end_and_the_next_utterance(self, cloud: SonioxCloud) -> None:
        cloud.hears = lambda mulaw_8k: "כן" if len(mulaw_8k) < 8_000 else "אני רוצה דירה"
        with stt(cloud) as link:
            speak(link, SPEECH + SILENCE)
            assert final_text(to(link, "<end>")) == "אני רוצה דירה"
            speak(link, SPEECH[:4000] + SILENCE)
            assert final_text(to(link, "<end>")) == "כן"

    def test_an_unfinished_sentence_has_no_semantic_end(self, cloud: SonioxCloud) -> None:
        cloud.ends = lambda text: None
        with stt(cloud) as link:
            speak(link, SPEECH + SILENCE * 3)
            link.send(FINALIZE)
            assert "<end>" not in json.dumps(to(link, "<fin>"))

    def test_the_longest_delay_of_an_end_is_the_clients(self, cloud: SonioxCloud) -> None:
        cloud.ends = lambda text: 9.0
        with stt(cloud, max_endpoint_delay_ms=600) as link:
            speak(link, SPEECH + SILENCE)
            assert final_text(to(link, "<end>")) == DEFAULT_LINE

    def test_its_end(self, cloud: SonioxCloud) -> None:
        with stt(cloud) as link:
            speak(link, SPEECH)
            link.send("")
            messages = to(link, "finished")
            assert final_text(messages) == DEFAULT_LINE and messages[-1]["tokens"] == []
            with pytest.raises(ConnectionClosedOK):
                link.recv(timeout=5)
        until(lambda: not cloud.open_links and not cloud.stt.open)
        (exchange,) = cloud.stt.exchanges
        assert bytes(exchange.request.audio) == SPEECH and exchange.dropped_at is None
        assert exchange.request.key_in == "header" and exchange.request.ended

    def test_a_client_that_leaves_is_noted(self, cloud: SonioxCloud) -> None:
        with stt(cloud) as link:
            speak(link, SPEECH)
            next_of(link)
        until(lambda: not cloud.stt.open)
        assert cloud.stt.exchanges[0].dropped_at is not None

    def test_silence_without_a_sign_of_life_ends_it(self, cloud: SonioxCloud) -> None:
        cloud.idle_s = 0.2
        with stt(cloud) as link:
            began = time.monotonic()
            link.send('{"type": "keepalive"}')
            assert next_of(link)["error_type"] == "request_timeout"
            assert time.monotonic() - began >= 0.2
        assert cloud.stt.exchanges[0].request.keepalives == 1

    def test_audio_is_a_sign_of_life(self, cloud: SonioxCloud) -> None:
        cloud.idle_s = 0.3
        began = time.monotonic()
        with stt(cloud) as link:
            while time.monotonic() < began + 0.6:
                link.send(SILENT_FRAME)
                with suppress(TimeoutError):
                    assert "error_code" not in json.loads(link.recv(timeout=0.02))

    def test_no_start_ends_it(self, cloud: SonioxCloud) -> None:
        cloud.start_s = 0.1
        with connect(cloud.stt_url, additional_headers=KEY) as link:
            link.send('{"type": "keepalive"}')
            assert next_of(link)["error_code"] == 408

    def test_its_longest_time(self, cloud: SonioxCloud) -> None:
        cloud.session_s = 1.0
        with stt(cloud) as link:
            speak(link, SPEECH)
            assert to(link, "error_type")[-1]["error_type"] == "max_duration_reached"
            with pytest.raises(ConnectionClosedOK):
                link.recv(timeout=5)

    def test_fields_nobody_knows(self, cloud: SonioxCloud) -> None:
        cloud.unknown_fields = {"later": {"than": "us"}}
        cloud.marks_apart = True
        with stt(cloud) as link:
            speak(link, SPEECH)
            link.send(FINALIZE)
            messages = to(link, "<fin>")
            assert all(message["later"] for message in messages) and len(messages[-1]["tokens"]) == 1


class TestKeys:
    def refused(self, cloud: SonioxCloud, headers: dict[str, str] = KEY, **changes: Any) -> Message:
        with stt(cloud, headers, **changes) as link:
            message = next_of(link)
            with pytest.raises(ConnectionClosedOK):
                link.recv(timeout=5)
        return message

    @pytest.mark.parametrize("at", ["start", "open"])
    def test_a_bad_key_is_an_error_on_an_open_socket(self, cloud: SonioxCloud, at: str) -> None:
        cloud.refused_keys, cloud.refuses_keys_at = {"local"}, at
        message = self.refused(cloud)
        assert (message["error_code"], message["error_type"]) == (401, "unauthenticated")

    def test_or_the_upgrade_is_refused(self, cloud: SonioxCloud) -> None:
        cloud.refused_keys, cloud.refuses_keys_at = {"local"}, "upgrade"
        with pytest.raises(InvalidStatus) as refused, stt(cloud):
            pass
        assert refused.value.response.status_code == 401

    def test_none_at_all(self, cloud: SonioxCloud) -> None:
        assert self.refused(cloud, {})["error_code"] == 401

    def test_a_keepalive_shows_none(self, cloud: SonioxCloud) -> None:
        with connect(cloud.tts_url) as link:
            link.send('{"keep_alive": true}')
            assert next_of(link)["error_code"] == 401

    def test_in_the_start_message_until_the_day(self, cloud: SonioxCloud) -> None:
        cloud.today = date(2027, 1, 14)
        with stt(cloud, {}, api_key="local") as link:
            speak(link, SPEECH)
            to(link, "tokens")
        assert cloud.stt.exchanges[0].request.key_in == "message"
        cloud.today = date(2027, 1, 15)
        assert self.refused(cloud, {}, api_key="local")["error_code"] == 401

    def test_in_both_places(self, cloud: SonioxCloud) -> None:
        assert self.refused(cloud, api_key="local")["error_code"] == 400
        assert len(cloud.violations) == 1

    def test_as_a_subprotocol(self, cloud: SonioxCloud) -> None:
        with connect(cloud.tts_url, subprotocols=["soniox-api-key", "local"]) as link:  # type: ignore[list-item]
            begin(link, "1", "שלום")
            assert stream_to_end(link)[-1]["terminated"] and link.subprotocol == "soniox-api-key"
        assert cloud.tts.exchanges[0].request.key_in == "protocol"


SESSION_ERRORS = {
    Fault.TOO_MANY: (429, "limit_exceeded"),
    Fault.UNAVAILABLE: (503, "service_unavailable"),
    Fault.KEY: (401, "unauthenticated"),
    Fault.MODEL_GONE: (400, "model_not_available"),
    Fault.EXPIRED: (413, "max_duration_reached"),
    Fault.RESTART: (503, "service_unavailable"),
}
MIDWAY = {Fault.EXPIRED, Fault.RESTART}


class TestFaultsOfSessions:
    @pytest.mark.parametrize("fault", SESSION_ERRORS)
    def test_errors(self, cloud: SonioxCloud, fault: Fault) -> None:
        """And the next session is well."""
        cloud.stt.next(fault)
        with stt(cloud) as link:
            if fault in MIDWAY:
                speak(link, SPEECH)
            messages = to(link, "error_code")
            assert (messages[-1]["error_code"], messages[-1]["error_type"]) == SESSION_ERRORS[fault]
            assert any(message["tokens"] for message in messages) == (fault in MIDWAY)
            with pytest.raises(ConnectionClosedOK):
                link.recv(timeout=5)
        with stt(cloud) as link:
            speak(link, SPEECH)
            link.send(FINALIZE)
            assert final_text(to(link, "<fin>")) == DEFAULT_LINE

    def test_a_model_that_has_ended(self, cloud: SonioxCloud) -> None:
        with stt(cloud, model="stt-rt-v3") as link:
            assert next_of(link)["error_type"] == "model_not_available"

    @pytest.mark.parametrize(
        ("fault", "end"),
        [(Fault.CUT_MID_STREAM, ConnectionClosedError), (Fault.CLOSED, ConnectionClosedOK)],
    )
    def test_cut(self, cloud: SonioxCloud, fault: Fault, end: type[Exception]) -> None:
        cloud.stt.next(fault)
        with stt(cloud) as link:
            speak(link, SPEECH)
            with pytest.raises(end):
                assert not to(link, "finished")
        until(lambda: not cloud.stt.open)
        assert cloud.stt.exchanges[0].dropped_at is None and cloud.stt.exchanges[0].sent == 1

    def test_refused(self, cloud: SonioxCloud) -> None:
        cloud.stt.next(Fault.REFUSED)
        with stt(cloud) as link, pytest.raises(ConnectionClosedError):
            link.recv(timeout=5)

    @pytest.mark.parametrize(("fault", "words"), [(Fault.HUNG_BEFORE_HEADERS, 0), (Fault.HUNG_MID_STREAM, 1)])
    def test_hung(self, cloud: SonioxCloud, fault: Fault, words: int) -> None:
        cloud.stt.next(fault)
        with stt(cloud) as link:
            speak(link, SPEECH)
            link.send(FINALIZE)
            until(lambda: cloud.stt.exchanges and cloud.stt.exchanges[0].request.finalizes)
            messages = []
            with pytest.raises(TimeoutError):
                while True:
                    messages.append(json.loads(link.recv(timeout=0.1)))
            assert sum(bool(message["tokens"]) for message in messages) == words
        until(lambda: not cloud.stt.open)
        assert cloud.stt.exchanges[0].dropped_at is not None

    def test_a_late_final(self, cloud: SonioxCloud) -> None:
        cloud.stt.delays.slow_s = 0.3
        cloud.stt.next(Fault.SLOW)
        with stt(cloud) as link:
            speak(link, SPEECH)
            link.send(FINALIZE)
            began = time.monotonic()
            assert final_text(to(link, "<fin>")) == DEFAULT_LINE
            assert time.monotonic() - began >= 0.25

    def test_garbage(self, cloud: SonioxCloud) -> None:
        cloud.stt.next(Fault.GARBAGE)
        with stt(cloud) as link:
            speak(link, SPEECH)
            with pytest.raises(ValueError):
                json.loads(link.recv(timeout=5))

    def test_words_that_are_no_good(self, cloud: SonioxCloud) -> None:
        cloud.stt.next(Fault.EMPTY, Fault.WRONG_LANGUAGE, Fault.LOW_CONFIDENCE)
        heard = []
        for _ in range(3):
            with stt(cloud, enable_language_identification=True) as link:
                speak(link, SPEECH)
                link.send(FINALIZE)
                heard.append(to(link, "<fin>"))
        assert [final_text(each).partition(" ")[0] for each in heard] == ["", "hello", "שלום"]
        first = [next(t for m in each for t in m["tokens"] if t["text"] != "<fin>") for each in heard[1:]]
        assert [(t["language"], t["confidence"]) for t in first] == [("en", 0.9), ("he", 0.1)]


class TestDoor:
    @pytest.mark.parametrize(
        ("fault", "status"), [(Fault.TOO_MANY, 429), (Fault.UNAVAILABLE, 503), (Fault.KEY, 401)]
    )
    def test_a_status(self, cloud: SonioxCloud, fault: Fault, status: int) -> None:
        cloud.door.next(fault)
        with pytest.raises(InvalidStatus) as refused, stt(cloud):
            pass
        assert refused.value.response.status_code == status

    def test_reset(self, cloud: SonioxCloud) -> None:
        """Nothing is said before it; the end may be seen a moment before the reset behind it."""
        cloud.door.next(Fault.REFUSED, Fault.REFUSED)
        with pytest.raises((ConnectionResetError, InvalidMessage)), tts(cloud):
            pass
        host, _, port = cloud.host.partition(":")
        upgrade = (
            "GET /tts-websocket HTTP/1.1\r\nHost: local\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        with socket.create_connection((host, int(port)), timeout=5) as plain:
            plain.sendall(upgrade.encode())
            with suppress(ConnectionResetError):
                assert plain.recv(1) == b""

    def test_hung(self, cloud: SonioxCloud) -> None:
        cloud.door.next(Fault.HUNG_BEFORE_HEADERS)
        with pytest.raises(TimeoutError):
            connect(cloud.stt_url, additional_headers=KEY, open_timeout=0.1)
        until(lambda: not cloud.door.open)
        assert cloud.door.exchanges[0].dropped_at is not None


class TestStreams:
    def test_audio_as_it_was_asked(self, cloud: SonioxCloud) -> None:
        with tts(cloud, "שלום ", "לכם") as link:
            messages = stream_to_end(link)
        assert audio_of(messages) == pcm16_to_mulaw(tone("שלום ") + tone("לכם"))
        assert [message.get("audio_end") for message in messages[-2:]] == [True, None]
        until(lambda: not cloud.open_links)
        (exchange,) = cloud.tts.exchanges
        assert exchange.request.text == "שלום לכם" and exchange.dropped_at is None
        assert cloud.violations == []

    def test_it_begins_before_the_text_ends(self, cloud: SonioxCloud) -> None:
        with tts(cloud) as link:
            say(link, "1", "אחת", False)
            assert audio_of([next_of(link)])
            say(link, "1", "", True)
            assert stream_to_end(link)[-2]["audio_end"]

    def test_two_at_once_on_one_socket(self, cloud: SonioxCloud) -> None:
        cloud.tts.delays.between_s = 0.01
        with tts(cloud, "א" * 20) as link:
            begin(link, "2", "ב" * 20)
            messages: list[Message] = []
            while sum("terminated" in message for message in messages) < 2:
                messages.append(next_of(link))
            turns = [message["stream_id"] for message in messages]
            assert turns != sorted(turns)
            for stream in "12":
                assert len(audio_of([m for m in messages if m["stream_id"] == stream])) == 9600

    def test_a_cancelled_one_says_no_more_and_the_next_is_well(self, cloud: SonioxCloud) -> None:
        cloud.tts.delays.between_s = 0.2
        with tts(cloud, "א" * 20) as link:
            next_of(link)
            link.send('{"stream_id": "1", "cancel": true}')
            assert next_of(link) == {"stream_id": "1", "terminated": True}
            cloud.tts.delays.first_s = 0.3  # past what was still due
            begin(link, "1", "שוב")
            assert audio_of(stream_to_end(link)) == pcm16_to_mulaw(tone("שוב"))
        assert cloud.tts.exchanges[0].request.cancelled_at is not None and cloud.violations == []

    def test_a_cancel_that_came_too_late_is_an_error_and_no_fault(self, cloud: SonioxCloud) -> None:
        with tts(cloud, "שלום") as link:
            stream_to_end(link)
            link.send('{"stream_id": "1", "cancel": true}')
            assert next_of(link)["error_code"] == 400
        assert cloud.violations == []

    def test_idle_sockets(self, cloud: SonioxCloud) -> None:
        cloud.idle_s = 0.2
        with tts(cloud, "שלום") as link:
            stream_to_end(link)
            link.send('{"keep_alive": true}')
            assert next_of(link)["error_code"] == 408

    def test_the_longest_audio(self, cloud: SonioxCloud) -> None:
        cloud.stream_s = 0.5
        with tts(cloud, "א" * 20) as link:
            messages = stream_to_end(link)
            assert messages[-2]["error_type"] == "max_duration_reached"

    @pytest.mark.parametrize(
        "fault",
        [Fault.TOO_MANY, Fault.UNAVAILABLE, Fault.MODEL_GONE, Fault.EXPIRED, Fault.RESTART],
    )
    def test_an_error_leaves_the_other_streams(self, cloud: SonioxCloud, fault: Fault) -> None:
        cloud.tts.next(fault)
        with tts(cloud, "שלום") as link:
            messages = stream_to_end(link)
            assert (messages[-2]["error_code"], messages[-2]["error_type"]) == SESSION_ERRORS[fault]
            assert bool(audio_of(messages)) == (fault in MIDWAY)
            begin(link, "2", "שלום")
            assert audio_of(stream_to_end(link))

    def test_a_refused_key_is_the_connections(self, cloud: SonioxCloud) -> None:
        cloud.tts.next(Fault.KEY)
        with tts(cloud, "שלום") as link:
            message = next_of(link)
            assert message["error_code"] == 401 and "stream_id" not in message
            with pytest.raises(ConnectionClosedOK):
                link.recv(timeout=5)

    @pytest.mark.parametrize(
        ("fault", "chunks"), [(Fault.HUNG_BEFORE_HEADERS, 0), (Fault.HUNG_MID_STREAM, 1)]
    )
    def test_hung(self, cloud: SonioxCloud, fault: Fault, chunks: int) -> None:
        cloud.tts.next(fault)
        with tts(cloud, "א" * 20) as link:
            for _ in range(chunks):
                next_of(link)
            with pytest.raises(TimeoutError):
                link.recv(timeout=0.1)
        until(lambda: not cloud.tts.open)
        assert cloud.tts.exchanges[0].dropped_at is not None

    @pytest.mark.parametrize("fault", [Fault.CUT_MID_STREAM, Fault.CLOSED, Fault.GARBAGE, Fault.REFUSED])
    def test_the_whole_connection_fails(self, cloud: SonioxCloud, fault: Fault) -> None:
        cloud.tts.next(fault)
        with (
            tts(cloud, "א" * 20) as link,
            pytest.raises((ConnectionClosedError, ConnectionClosedOK, ValueError)),
        ):
            stream_to_end(link)
        until(lambda: not cloud.tts.open)

    def test_other_audio_than_asked(self, cloud: SonioxCloud) -> None:
        cloud.tts.next(Fault.OTHER_FORMAT, Fault.WAV_HEADER, Fault.EMPTY)
        with tts(cloud, "שלום") as link:
            other = audio_of(stream_to_end(link))
            begin(link, "2", "שלום")
            headed = audio_of(stream_to_end(link))
            begin(link, "3", "שלום")
            assert audio_of(stream_to_end(link)) == b""
        assert other[:4] == headed[:4] == b"RIFF" and other.endswith(tone("שלום"))
        assert mulaw_to_pcm16(headed[-len(tone("שלום")) // 2 :]) == mulaw_to_pcm16(
            pcm16_to_mulaw(tone("שלום"))
        )


class TestViolations:
    @pytest.mark.parametrize(
        "messages",
        [
            ("", b"\xff" * 160),
            ("", FINALIZE),
            (b"",),
            ('{"type": "finish"}',),
            ('{"type": "finalize", "now": true}',),
            (json.dumps(STT),),
            (b"\xff" * 90_000,),
        ],
        ids=["audio after the end", "finalize after the end", "empty", "unknown", "field", "start", "burst"],
    )
    def test_of_sessions(self, cloud: SonioxCloud, messages: tuple[str | bytes, ...]) -> None:
        cloud.stt.delays.first_s = 60.0
        with stt(cloud) as link:
            for message in messages:
                link.send(message)
            until(lambda: cloud.violations)

    @pytest.mark.parametrize(
        "change", [{"language": "he"}, {"max_endpoint_delay_ms": 100}, {"num_channels": "1"}]
    )
    def test_of_starts(self, cloud: SonioxCloud, change: dict[str, Any]) -> None:
        with stt(cloud, **change):
            until(lambda: cloud.violations)

    def test_audio_before_the_start(self, cloud: SonioxCloud) -> None:
        with connect(cloud.stt_url, additional_headers=KEY) as link:
            link.send(SPEECH)
            assert next_of(link)["error_code"] == 400
        assert cloud.violations

    @pytest.mark.parametrize(
        "message",
        [
            {"text": "שלום", "text_end": True, "stream_id": "2"},
            {"stream_id": "2", "cancel": True},
            {"text": "א" * 5001, "text_end": True, "stream_id": "1"},
            {"text": "שלום", "stream_id": "1"},
            {"type": "keepalive"},
            TTS,
            {name: value for name, value in TTS.items() if name != "voice"},
            TTS | {"stream_id": "2", "pitch": 3},
        ],
    )
    def test_of_streams(self, cloud: SonioxCloud, message: Message) -> None:
        with tts(cloud) as link:
            link.send(json.dumps(message))
            assert next_of(link)["error_code"] == 400
        assert cloud.violations

    def test_a_sixth_stream(self, cloud: SonioxCloud) -> None:
        with tts(cloud) as link:
            for number in range(2, 7):
                begin(link, str(number))
            refused = next_of(link)
            assert (refused["stream_id"], refused["error_code"]) == ("6", 429)
        assert cloud.violations == ["more than 5 streams at once"]


class TestLists:
    def get(self, url: str, headers: dict[str, str] = KEY) -> Any:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return json.load(answer)

    def test_models(self, cloud: SonioxCloud) -> None:
        cloud.models["tts"] = ["tts-rt-v3"]
        assert [model["id"] for model in self.get(f"{cloud.api_url}/tts-models")["models"]] == ["tts-rt-v3"]
        assert "stt-rt-v5" in [model["id"] for model in self.get(f"{cloud.api_url}/models")["models"]]

    def test_keys(self, cloud: SonioxCloud) -> None:
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.get(f"{cloud.api_url}/models", {})
        with refused.value:
            assert refused.value.code == 401


def test_twenty_callers_at_once_are_heard_each_for_himself() -> None:
    lines = ["אני מחפש דירה בתל אביב", "כן, תודה רבה"]
    said = {line: pcm16_to_mulaw(speak_pcm16_8k(line, variant=CALLER_VARIANT)) for line in lines}
    with SonioxCloud(hears=Recorded(lines)) as cloud:

        def heard(line: str) -> str:
            with stt(cloud) as link:
                speak(link, SILENCE + said[line] + SILENCE)
                return final_text(to(link, "<end>"))

        with ThreadPoolExecutor(20) as callers:
            assert list(callers.map(heard, lines * 10)) == lines * 10
    assert cloud.violations == []


def test_nothing_is_left_behind() -> None:
    before = set(threading.enumerate())
    with SonioxCloud() as cloud:
        cloud.stt.always = Fault.HUNG_BEFORE_HEADERS
        with stt(cloud) as session, tts(cloud) as voice:
            speak(session, SPEECH)
            until(lambda: cloud.stt.open and cloud.tts.open)
            assert len(cloud.open_links) == 2
            started = {link.path: link.received[0].text for link in cloud.links}
            assert started["/transcribe-websocket"] == json.dumps(STT)
            cloud.stop()
            for link in (session, voice):
                with pytest.raises(ConnectionClosedOK):
                    link.recv(timeout=5)
    assert not cloud.open_links
    until(lambda: set(threading.enumerate()) <= before)
