"""The local Realtime API against the vendor's own client, ``openai``'s, and its types of what it receives."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import pytest
import trustme
from openai.resources.realtime.realtime import RealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus

from tests.cloud.openai import OpenAICloud, tone
from tests.cloud.openai_realtime import Utterance
from tests.cloud.watch import Fault

WORDS = "אני מחפש דירה"
SENTENCE = "המחיר הוא אלפיים שקלים לחודש."
LOGPROBS = "item.input_audio_transcription.logprobs"
HEARD = "conversation.item.input_audio_transcription"
# The SDK's client holds what ``websockets`` 17 wants used as a context manager.
pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used:DeprecationWarning")
EVENTS: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud(hears=lambda pcm16: WORDS) as cloud:
        too_long = threading.Timer(10, cloud.stop)  # the SDK's client waits for an event without a limit
        too_long.start()
        yield cloud
        too_long.cancel()


def client_of(cloud: OpenAICloud, key: str = "good") -> openai.OpenAI:
    return openai.OpenAI(base_url=cloud.base_url, api_key=key, max_retries=0)


def transcribing(cloud: OpenAICloud) -> Any:
    return client_of(cloud).realtime.connect(extra_query={"intent": "transcription"})


def speaking(cloud: OpenAICloud) -> Any:
    return client_of(cloud).realtime.connect(model="gpt-realtime-2.1-mini")


def read(connection: RealtimeConnection, until: str) -> list[dict[str, Any]]:
    """Events to the first of that type, each checked against the SDK's types."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != until:
        events.append(json.loads(connection.recv_bytes()))
        EVENTS.validate_python(events[-1], strict=True)
    return events


def configure(connection: RealtimeConnection, **more: Any) -> list[dict[str, Any]]:
    transcription = {"model": "gpt-live-transcribe", "languages": ["he"], "keywords": ["דירה"]}
    heard = {"format": {"type": "audio/pcmu"}, "transcription": transcription, "turn_detection": None}
    session: Any = {"type": "transcription", "audio": {"input": heard | more}, "include": [LOGPROBS]}
    connection.session.update(session=session)
    return read(connection, "session.updated")


def silence(ms: int) -> str:
    """μ-law 8 kHz, in base64."""
    return base64.b64encode(b"\xff" * 8 * ms).decode()


def append(connection: RealtimeConnection, ms: int) -> None:
    for _ in range(ms // 20):
        connection.input_audio_buffer.append(audio=silence(20))


def ask(connection: RealtimeConnection, text: str = SENTENCE, **more: Any) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    response: Any = {
        **{"conversation": "none", "output_modalities": ["audio"], "input": [item]},
        **{"instructions": "Read it word for word.", "metadata": {"id": "7"}},
        "audio": {"output": {"format": {"type": "audio/pcmu"}, "voice": "marin"}},
        **more,
    }
    connection.response.create(response=response)


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def audio_of(events: list[dict[str, Any]]) -> bytes:
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    return b"".join(base64.b64decode(delta) for delta in deltas)


class TestTranscription:
    def test_words_come_before_the_commit_and_a_final_behind_it(self, cloud: OpenAICloud) -> None:
        with transcribing(cloud) as connection:
            configure(connection)
            append(connection, 900)
            words = [read(connection, f"{HEARD}.delta")[-1] for _ in range(3)]
            connection.input_audio_buffer.commit()
            events = read(connection, f"{HEARD}.completed")
        assert "".join(word["delta"] for word in words) == WORDS
        assert {word["item_id"] for word in words} == {events[0]["item_id"]} == {events[-1]["item_id"]}
        assert types(events)[0] == "input_audio_buffer.committed"
        assert (events[-1]["transcript"], len(events[-1]["logprobs"])) == (WORDS, 3)
        assert cloud.realtime.violations == []

    def test_a_script_says_when_and_what(self, cloud: OpenAICloud) -> None:
        cloud.realtime.utterances.append(Utterance("שלום לך", interim="שלום", first_ms=100))
        with transcribing(cloud) as connection:
            configure(connection)
            append(connection, 100)
            assert read(connection, f"{HEARD}.delta")[-1]["delta"] == "שלום"
            connection.input_audio_buffer.commit()
            assert read(connection, f"{HEARD}.completed")[-1]["transcript"] == "שלום לך"

    def test_a_final_comes_as_late_as_it_is_told_to(self, cloud: OpenAICloud) -> None:
        cloud.realtime.stt.delays.first_s, cloud.realtime.stt.delays.slow_s = 0.05, 0.2
        cloud.realtime.stt.next(Fault.NONE, Fault.SLOW)
        with transcribing(cloud) as connection:
            configure(connection)
            for _ in range(2):
                append(connection, 100)
                connection.input_audio_buffer.commit()
                read(connection, f"{HEARD}.completed")
        at = [event.at for event in cloud.realtime.opened[0].sent if event.type.endswith(".completed")]
        committed = [exchange.request.committed_at for exchange in cloud.realtime.stt.exchanges]
        assert 0.05 <= at[0] - committed[0] < 0.2 <= at[1] - committed[1]

    def test_the_right_audio_reaches_the_recogniser(self, cloud: OpenAICloud) -> None:
        heard: list[bytes] = []
        cloud.hears = lambda pcm16: heard.append(pcm16) or WORDS  # type: ignore[func-returns-value]
        with transcribing(cloud) as connection:
            configure(connection)
            append(connection, 200)
            connection.input_audio_buffer.commit()
            read(connection, f"{HEARD}.completed")
        assert heard == [bytes(3200)]

    def test_too_little_audio(self, cloud: OpenAICloud) -> None:
        with transcribing(cloud) as connection:
            configure(connection)
            append(connection, 80)
            connection.input_audio_buffer.commit()
            error = read(connection, "error")[-1]["error"]
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert cloud.realtime.violations == []

    @pytest.mark.parametrize(
        ("more", "param"),
        [
            ({"turn_detection": {"type": "server_vad"}}, "audio.input.turn_detection"),
            ({"rate": 8000}, "audio.input.rate"),
            ({"format": {"type": "audio/pcm", "rate": 8000}}, "audio.input.format"),
            ({"transcription": {"model": "gpt-4o-transcribe", "keywords": ["a"]}}, "keywords"),
            ({"transcription": {"model": "gpt-live-transcribe", "keywords": ["<a>"]}}, "keywords"),
        ],
    )
    def test_what_a_client_does_wrong(self, cloud: OpenAICloud, more: dict[str, Any], param: str) -> None:
        with transcribing(cloud) as connection:
            heard: Any = {"transcription": {"model": "gpt-live-transcribe"}, **more}
            connection.session.update(session={"type": "transcription", "audio": {"input": heard}})
            assert read(connection, "error")[-1]["error"]["param"].endswith(param)
        assert len(cloud.realtime.violations) == 1

    def test_audio_before_it_is_configured(self, cloud: OpenAICloud) -> None:
        with transcribing(cloud) as connection:
            append(connection, 20)
            read(connection, "error")
        assert len(cloud.realtime.violations) == 1

    def test_a_session_is_seen_from_its_opening_to_its_end(self, cloud: OpenAICloud) -> None:
        with transcribing(cloud) as connection:
            configure(connection)
            (session,) = cloud.realtime.open
        cloud.stop()
        assert (cloud.realtime.open, session.close_code) == ([], 1000)
        assert session.received_types() == ["session.update"]
        assert session.sent_types() == ["session.created", "session.updated"]

    @pytest.mark.parametrize(
        ("fault", "last", "code"),
        [
            (Fault.EMPTY, f"{HEARD}.completed", None),
            (Fault.TOO_MANY, f"{HEARD}.failed", "rate_limit_exceeded"),
            (Fault.UNAVAILABLE, f"{HEARD}.failed", "server_error"),
            (Fault.EXPIRED, "error", "session_expired"),
        ],
    )
    def test_faults_that_are_told(
        self, cloud: OpenAICloud, fault: Fault, last: str, code: str | None
    ) -> None:
        cloud.realtime.stt.next(fault)
        with transcribing(cloud) as connection:
            configure(connection)
            with suppress(ConnectionClosed):  # the session may be over before all was sent
                append(connection, 300)
                connection.input_audio_buffer.commit()
            event = read(connection, last)[-1]
        assert event.get("error", {}).get("code") == code
        assert event.get("transcript", "") == ""

    @pytest.mark.parametrize("fault", [Fault.CUT_MID_STREAM, Fault.REFUSED])
    def test_cuts(self, cloud: OpenAICloud, fault: Fault) -> None:
        cloud.realtime.stt.next(fault)
        with transcribing(cloud) as connection, pytest.raises(ConnectionClosed) as end:
            configure(connection)
            connection.input_audio_buffer.append(audio=silence(300))  # in one: nothing is sent behind the cut
            read(connection, f"{HEARD}.completed")
        assert isinstance(end.value.__cause__, ConnectionResetError)
        assert cloud.realtime.stt.exchanges[0].dropped_at is not None

    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_hangs(self, cloud: OpenAICloud, fault: Fault) -> None:
        """The next utterance is answered, the one before it never."""
        cloud.realtime.stt.next(fault)
        with transcribing(cloud) as connection:
            configure(connection)
            append(connection, 300)
            connection.input_audio_buffer.commit()
            first = read(connection, "input_audio_buffer.committed")[-1]["item_id"]
            append(connection, 300)
            connection.input_audio_buffer.commit()
            assert read(connection, f"{HEARD}.completed")[-1]["item_id"] != first


class TestVoice:
    def test_a_sentence(self, cloud: OpenAICloud) -> None:
        with speaking(cloud) as connection:
            ask(connection)
            events = read(connection, "response.done")
        response = events[-1]["response"]
        assert (response["status"], response["metadata"], response["conversation_id"]) == (
            *("completed", {"id": "7"}),
            None,
        )
        assert response["output"][0]["content"][0]["transcript"] == SENTENCE
        assert len(audio_of(events)) == len(tone(len(SENTENCE))) // 6
        assert cloud.realtime.tts.exchanges[0].request.text == SENTENCE
        assert cloud.realtime.violations == []

    def test_two_at_once_out_of_band(self, cloud: OpenAICloud) -> None:
        with speaking(cloud) as connection:
            ask(connection, metadata={"id": "1"})
            ask(connection, "עוד משפט.", metadata={"id": "2"})
            done = [read(connection, "response.done")[-1]["response"] for _ in range(2)]
        assert {each["metadata"]["id"] for each in done} == {"1", "2"}

    def test_one_of_the_conversation(self, cloud: OpenAICloud) -> None:
        cloud.realtime.tts.next(Fault.HUNG_BEFORE_HEADERS)
        with speaking(cloud) as connection:
            ask(connection, conversation="auto")
            ask(connection, conversation="auto")
            error = read(connection, "error")[-1]["error"]
        assert error["code"] == "conversation_already_has_active_response"

    def test_a_cancelled_one(self, cloud: OpenAICloud) -> None:
        cloud.realtime.tts.next(Fault.HUNG_MID_STREAM)
        with speaking(cloud) as connection:
            ask(connection)
            identifier = read(connection, "response.output_audio.delta")[-1]["response_id"]
            connection.response.cancel(response_id=identifier)
            response = read(connection, "response.done")[-1]["response"]
            connection.response.cancel(response_id=identifier)
            error = read(connection, "error")[-1]["error"]
        assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "client_cancelled")
        assert error["code"] == "response_cancel_not_active"
        assert cloud.realtime.violations == []

    def test_other_words_are_in_the_transcript_and_in_the_audio(self, cloud: OpenAICloud) -> None:
        spoken: list[str] = []
        cloud.says = lambda text: spoken.append(text) or tone(1)  # type: ignore[func-returns-value]
        cloud.realtime.tts.next(Fault.REWORDED)
        with speaking(cloud) as connection:
            ask(connection)
            response = read(connection, "response.done")[-1]["response"]
        said = response["output"][0]["content"][0]["transcript"]
        assert [said] == spoken != [SENTENCE]

    def test_another_format_is_told(self, cloud: OpenAICloud) -> None:
        cloud.realtime.tts.next(Fault.OTHER_FORMAT)
        with speaking(cloud) as connection:
            ask(connection)
            events = read(connection, "response.done")
        assert audio_of(events) == tone(len(SENTENCE))
        assert events[-1]["response"]["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}

    @pytest.mark.parametrize(
        ("fault", "code"), [(Fault.TOO_MANY, "rate_limit_exceeded"), (Fault.UNAVAILABLE, "server_error")]
    )
    def test_failures(self, cloud: OpenAICloud, fault: Fault, code: str) -> None:
        cloud.realtime.tts.next(fault)
        with speaking(cloud) as connection:
            ask(connection)
            response = read(connection, "response.done")[-1]["response"]
        assert (response["status"], response["status_details"]["error"]["code"]) == ("failed", code)

    def test_nothing_said(self, cloud: OpenAICloud) -> None:
        cloud.realtime.tts.next(Fault.EMPTY)
        with speaking(cloud) as connection:
            ask(connection)
            events = read(connection, "response.done")
        assert (audio_of(events), events[-1]["response"]["output"]) == (b"", [])

    def test_garbage(self, cloud: OpenAICloud) -> None:
        cloud.realtime.tts.next(Fault.GARBAGE)
        with speaking(cloud) as connection:
            ask(connection)
            with pytest.raises(json.JSONDecodeError):
                for _ in range(4):
                    connection.recv()

    def test_a_session_keeps_its_voice(self, cloud: OpenAICloud) -> None:
        with speaking(cloud) as connection:
            ask(connection)
            read(connection, "response.done")
            ask(connection, audio={"output": {"voice": "cedar"}})
            assert read(connection, "error")[-1]["error"]["code"] == "cannot_update_voice"

    def test_a_session_that_is_too_old(self, cloud: OpenAICloud) -> None:
        cloud.realtime.session_s = 0.01
        with speaking(cloud) as connection:
            assert read(connection, "error")[-1]["error"]["code"] == "session_expired"
            with pytest.raises(ConnectionClosedOK, match="1001"):
                connection.recv()


class TestHandshake:
    @pytest.mark.parametrize(
        ("fault", "status"),
        [(Fault.TOO_MANY, 429), (Fault.UNAVAILABLE, 503), (Fault.MODEL_GONE, 404), (Fault.GARBAGE, 200)],
    )
    def test_faults(self, cloud: OpenAICloud, fault: Fault, status: int) -> None:
        cloud.realtime.sessions.next(fault)
        with pytest.raises(InvalidStatus) as refusal:
            speaking(cloud).enter()
        assert refusal.value.response.status_code == status

    def test_a_wrong_key(self, cloud: OpenAICloud) -> None:
        cloud.refused_keys.add("good")
        with pytest.raises(InvalidStatus) as refusal:
            transcribing(cloud).enter()
        body = json.loads(bytes(refusal.value.response.body or b""))
        assert (refusal.value.response.status_code, body["error"]["code"]) == (401, "invalid_api_key")

    def test_a_refusal_behind_the_handshake(self, cloud: OpenAICloud) -> None:
        cloud.realtime.refuses_with = "invalid_api_key"
        with transcribing(cloud) as connection:
            assert read(connection, "error")[-1]["error"]["code"] == "invalid_api_key"

    def test_a_transcription_s_model_is_no_part_of_its_address(self, cloud: OpenAICloud) -> None:
        connecting = client_of(cloud).realtime.connect(
            model="gpt-live-transcribe", extra_query={"intent": "transcription"}
        )
        with pytest.raises(InvalidStatus, match="400"):
            connecting.enter()

    def test_over_tls(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with OpenAICloud(tls=context) as cloud, speaking(cloud) as connection:
            ask(connection)
            assert len(audio_of(read(connection, "response.done"))) == len(tone(len(SENTENCE))) // 6

    def test_a_server_without_it(self, cloud: OpenAICloud) -> None:
        cloud.realtime.serves = False
        with pytest.raises(InvalidStatus, match="404"):
            transcribing(cloud).enter()


class TestEnds:
    def test_models_tell_theirs(self, cloud: OpenAICloud) -> None:
        ends = {model.id: model.shutdown_date for model in client_of(cloud).models.list()}
        assert (ends["gpt-4o-mini"], ends["gpt-6-luna"]) == ("2027-01-14", None)
        assert client_of(cloud).models.retrieve("tts-1").shutdown_date == "2027-01-06"

    def test_on_the_seventh_of_january(self, cloud: OpenAICloud) -> None:
        cloud.models.today = "2027-01-07"
        client = client_of(cloud)
        with pytest.raises(openai.NotFoundError) as endpoint:
            client.audio.speech.create(model="gpt-4o-mini-tts", voice="marin", input=SENTENCE)
        with pytest.raises(openai.NotFoundError) as model:
            client.models.retrieve("tts-1")
        assert (endpoint.value.code, model.value.code) == ("unknown_url", "model_not_found")
        assert "gpt-4o-mini-tts" not in {model.id for model in client.models.list()}
        with speaking(cloud) as connection:
            ask(connection)
            assert read(connection, "response.done")[-1]["response"]["status"] == "completed"

    def test_a_transcription_model_that_ended(self, cloud: OpenAICloud) -> None:
        cloud.models.today = "2027-03-01"
        with transcribing(cloud) as connection:
            heard: Any = {"transcription": {"model": "gpt-4o-transcribe", "language": "he"}}
            connection.session.update(session={"type": "transcription", "audio": {"input": heard}})
            assert read(connection, "error")[-1]["error"]["code"] == "model_not_found"
