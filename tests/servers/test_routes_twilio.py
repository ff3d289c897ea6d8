"""The web surface, asked as Twilio asks."""

import io
import json
import re
import threading
import wave
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from server.admission.load import Sample
from server.app import EXTENSION, phone_agent
from server.config import load_config
from server.providers.base import ProviderError
from server.providers.fallback import FallbackChain
from server.providers.provider_set import Providers, build_providers
from server.runtime.threads import Threads
from server.service import Service
from server.telephony.caller_number import HIDDEN
from server.telephony.twilio_messages import Start
from server.turns.effects import EndCall, SaveLead, Transfer
from tests.wording import OURS

SCRIPTED = {
    "_env_file": None,
    "asr_engines": "scripted",
    "llm_engines": "scripted",
    "tts_engines": "scripted",
    "scripted_tts_ms": 0,
    "vad_engine": "energy",
}
CALL = {"CallSid": "CA123", "From": "+972501234567", "To": "+97231234567", "CallStatus": "ringing"}
OTHER_DAY = f"{datetime.now() + timedelta(days=3):%a}"  # the office is closed now
MULTIPART = "multipart/form-data"
POSTS = (
    "/webhook/incoming_call",
    "/webhook/stream_status",
    "/webhook/stream_ended",
    "/webhook/transfer_ended",
)


def make_app(**knobs: Any) -> Flask:
    blueprint, sock = phone_agent(load_config(**SCRIPTED | knobs))
    app = Flask(__name__)
    app.register_blueprint(blueprint)
    sock.init_app(app)
    return app


@pytest.fixture
def client() -> FlaskClient:
    return make_app().test_client()


def service_of(client: FlaskClient) -> Service:
    service: Service = client.application.extensions[EXTENSION]
    return service


def twiml(response: TestResponse) -> ET.Element:
    assert response.status_code == 200
    assert response.mimetype == "text/xml"
    root = ET.fromstring(response.data)
    assert root.tag == "Response"
    return root


def verbs(response: TestResponse) -> list[str]:
    return [element.tag for element in twiml(response)]


def stream_of(response: TestResponse) -> ET.Element:
    stream = twiml(response).find("Connect/Stream")
    assert stream is not None
    return stream


class TestIncomingCall:
    def test_the_call_is_connected_to_the_media_socket(self, client: FlaskClient) -> None:
        response = client.post("/webhook/incoming_call", data=CALL, base_url="https://agent.example.com")
        connect = twiml(response)[0]
        assert verbs(response) == ["Connect"]
        assert connect.attrib == {"action": "/webhook/stream_ended", "method": "POST"}
        assert connect[0].attrib == {
            "url": "wss://agent.example.com/ws/twilio-media",
            "statusCallback": "https://agent.example.com/webhook/stream_status",
            "statusCallbackMethod": "POST",
        }
        assert [(p.attrib["name"], p.attrib["value"]) for p in connect[0]] == [
            ("call_sid", "CA123"),
            ("from", "+972501234567"),
        ]

    def test_the_greeting_is_played_only_when_asked_for(self) -> None:
        client = make_app(twiml_play_greeting=True, public_host="agent.example.com").test_client()
        response = client.post("/webhook/incoming_call", data=CALL)
        assert verbs(response) == ["Play", "Connect"]
        assert twiml(response)[0].text == "https://agent.example.com/media/greeting.wav"

    def test_an_empty_greeting_is_not_played(self) -> None:
        client = make_app(twiml_play_greeting=True, ai_greeting_he=" ").test_client()
        assert verbs(client.post("/webhook/incoming_call", data=CALL)) == ["Connect"]

    def test_what_a_caller_sends_is_cut_and_stays_xml(self, client: FlaskClient) -> None:
        fields = {"CallSid": "\0\x1b\ud7ff\"<&>'\n" + "C" * 2000, "From": "9" * 600}
        (call_sid,) = stream_of(client.post("/webhook/incoming_call", data=fields))
        assert len(call_sid.attrib["name"]) + len(call_sid.attrib["value"]) < 500
        assert call_sid.attrib["value"].startswith("\"<&>' CC")

    def test_fields_that_are_missing(self, client: FlaskClient) -> None:
        assert list(stream_of(client.post("/webhook/incoming_call"))) == []

    def test_the_providers_are_warmed_by_the_first_call_at_the_latest(self, client: FlaskClient) -> None:
        assert not service_of(client).warm
        client.post("/webhook/incoming_call", data=CALL)
        assert service_of(client).wait_until_warm(10)
        assert service_of(client).providers.tts_cache.get(OURS.apology)


class TestLimits:
    """Issue 5, part 2."""

    def ring(self, client: FlaskClient, call_sid: str, **fields: str) -> TestResponse:
        return client.post("/webhook/incoming_call", data=CALL | {"CallSid": call_sid} | fields)

    def test_above_max_calls_the_caller_hears_that_we_are_busy(self) -> None:
        client = make_app(max_calls=1).test_client()
        assert verbs(self.ring(client, "CA1")) == ["Connect"]
        busy = self.ring(client, "CA2")
        assert verbs(busy) == ["Play", "Hangup"]
        assert (twiml(busy)[0].text or "").endswith("/media/busy.wav")
        assert client.get("/healthz").status_code == 200
        client.post("/webhook/stream_ended", data=CALL | {"CallSid": "CA1", "CallStatus": "completed"})
        assert verbs(self.ring(client, "CA2")) == ["Connect"]

    def test_or_is_put_through_to_another_number(self) -> None:
        client = make_app(max_calls=1, overflow_number="+97231112222").test_client()
        self.ring(client, "CA1")
        overflow = self.ring(client, "CA2")
        assert verbs(overflow) == ["Dial"]
        assert twiml(overflow)[0].text == "+97231112222"
        assert twiml(overflow)[0].attrib["action"] == "/webhook/transfer_ended"

    def test_a_caller_who_calls_and_calls_gets_the_networks_busy_tone(self) -> None:
        client = make_app(calls_per_caller_min=2).test_client()
        answers = [verbs(self.ring(client, f"CA{number}")) for number in range(4)]
        assert answers == [["Connect"], ["Connect"], ["Reject"], ["Reject"]]
        assert twiml(self.ring(client, "CA9"))[0].attrib == {"reason": "busy"}
        assert verbs(self.ring(client, "CA10", From="+972521111111")) == ["Connect"]

    def test_calls_that_we_place_are_not_our_own_numbers(self) -> None:
        client = make_app(calls_per_caller_min=1).test_client()
        answers = [verbs(self.ring(client, f"CA{n}", Direction="outbound-api")) for n in range(3)]
        assert answers == [["Connect"]] * 3

    def test_while_draining(self) -> None:
        client = make_app().test_client()
        service_of(client).gate.stop_taking_calls()
        assert verbs(self.ring(client, "CA1")) == ["Play", "Hangup"]


class TestSignature:
    """Issue 5, part 1; over sockets and through a proxy in tests/servers/test_doors.py."""

    SECRET = "0123456789abcdef0123456789abcdef"
    BASE = "https://agent.example.com"

    def client(self) -> FlaskClient:
        return make_app(twilio_auth_token=self.SECRET, public_base_url=self.BASE).test_client()

    FIELDS = CALL | {"CallSid": f"CA{1:032x}"}

    def signature(self, path: str, fields: dict[str, str]) -> dict[str, str]:
        signature = RequestValidator(self.SECRET).compute_signature(self.BASE + path, fields)
        return {"X-Twilio-Signature": signature}

    @pytest.mark.parametrize("path", POSTS)
    def test_every_webhook_is_twilios_only(self, client: FlaskClient, path: str) -> None:
        guarded = self.client()
        signed = guarded.post(path, data=self.FIELDS, headers=self.signature(path, self.FIELDS))
        assert signed.status_code in (200, 204)
        for headers in ({}, {"X-Twilio-Signature": "x" * 28}, self.signature("/", CALL)):
            refused = guarded.post(path, data=self.FIELDS, headers=headers)
            assert (refused.status_code, refused.text) == (403, "not signed by Twilio\n")
        assert client.post(path, data=CALL).status_code in (200, 204), "open without the knob"

    def test_the_log_says_which_url_did_not_match(self, caplog: pytest.LogCaptureFixture) -> None:
        self.client().post(POSTS[0], data=self.FIELDS, headers={"X-Twilio-Signature": "x" * 28})
        self.client().post(POSTS[0], data=self.FIELDS)
        assert f"'{self.BASE}{POSTS[0]}'" in caplog.text and "no signature" in caplog.text
        assert self.SECRET not in caplog.text

    def test_who_is_not_twilio_uses_nothing_up(self) -> None:
        guarded = self.client()
        for number in range(50):
            guarded.post(POSTS[0], data=CALL | {"CallSid": f"CA{number}"})
        assert service_of(guarded).gate.in_use() == 0
        assert verbs(
            guarded.post(POSTS[0], data=self.FIELDS, headers=self.signature(POSTS[0], self.FIELDS))
        ) == ["Connect"]

    def test_the_token_is_among_the_parameters(self) -> None:
        response = self.client().post(
            POSTS[0], data=self.FIELDS, headers=self.signature(POSTS[0], self.FIELDS)
        )
        parameters = {p.attrib["name"]: p.attrib["value"] for p in stream_of(response)}
        assert list(parameters) == ["call_sid", "from", "token"]
        assert len(parameters["token"]) > 100

    @pytest.mark.parametrize("call_sid", ["", "CA123", "CA" + "F" * 32, f"CA{1:032x}CallStatusringing"])
    def test_a_call_has_a_sid_of_twilios(self, call_sid: str) -> None:
        """A signature does not tell where a field ends: one would do for many calls, or uncounted ones."""
        fields = CALL | {"CallSid": call_sid}
        refused = self.client().post(POSTS[0], data=fields, headers=self.signature(POSTS[0], fields))
        assert refused.status_code == 403

    def test_a_form_is_written_as_twilio_writes_it(self) -> None:
        headers = self.signature(POSTS[0], self.FIELDS)
        refused = self.client().post(POSTS[0], data=self.FIELDS, headers=headers, content_type=MULTIPART)
        assert refused.status_code == 403

    def test_an_old_request_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody has recorded it; Twilio itself retries within seconds."""
        guarded = self.client()
        headers = self.signature(POSTS[0], self.FIELDS)
        statuses = []
        for now_s in (1000.0, 1010.0, 1061.0, 1062.0):
            monkeypatch.setattr(service_of(guarded).gate.auth, "now", lambda now_s=now_s: now_s)
            statuses.append(guarded.post(POSTS[0], data=self.FIELDS, headers=headers).status_code)
        assert statuses == [200, 200, 403, 403]

    def test_refusals_do_not_fill_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        guarded = self.client()
        for _ in range(200):
            guarded.post(POSTS[0], data=self.FIELDS)
        assert 1 <= caplog.text.count("WEBHOOK_REFUSED") < 10

    def test_health_and_fixed_lines_are_open(self) -> None:
        assert [self.client().get(path).status_code for path in ("/healthz", "/media/busy.wav")] == [200, 200]

    @pytest.mark.parametrize("secret, said", [("", True), (SECRET, False)])
    def test_an_open_host_application_says_so(
        self, secret: str, said: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Our own server says it at its start, in its summary."""
        config = load_config(**SCRIPTED | {"twilio_auth_token": secret})
        monkeypatch.setattr("server.app.load_mounted_config", lambda: config)
        monkeypatch.setattr("server.app.default_providers", lambda: build_providers(config, Threads()))
        phone_agent()
        assert ("OPEN: TWILIO_AUTH_TOKEN is not set" in caplog.text) == said


class TestOrigin:
    @pytest.mark.parametrize(
        ("knobs", "headers", "origin"),
        [
            ({"public_base_url": "https://a.example.com/"}, {}, "https://a.example.com"),
            ({"public_base_url": "https://a.example.com/phone"}, {}, "https://a.example.com/phone"),
            (
                {"public_base_url": "https://a.example.com", "public_host": "b.example.com"},
                {"X-Forwarded-Host": "evil.example.com"},
                "https://a.example.com",
            ),
            ({"public_host": "b.example.com"}, {"X-Forwarded-Proto": "http"}, "https://b.example.com"),
            ({"public_host": "https://b.example.com/"}, {}, "https://b.example.com"),
            (
                {},
                {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "c.example.com"},
                "https://c.example.com",
            ),
            (
                {},
                {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "c.example.com, inner"},
                "https://c.example.com",
            ),
            ({}, {"X-Forwarded-Proto": "https"}, "https://host.example.com:8443"),
            ({}, {"X-Forwarded-Proto": "gopher"}, "http://host.example.com:8443"),
            ({}, {}, "http://host.example.com:8443"),
        ],
    )
    def test_where_urls_point_to(self, knobs: dict[str, str], headers: dict[str, str], origin: str) -> None:
        client = make_app(**knobs).test_client()
        response = client.post(
            "/webhook/incoming_call", headers=headers, base_url="http://host.example.com:8443"
        )
        stream = stream_of(response)
        assert stream.attrib["statusCallback"] == f"{origin}/webhook/stream_status"
        assert stream.attrib["url"] == f"wss://{origin.partition('://')[2]}/ws/twilio-media"
        path = origin.partition("://")[2].partition("/")[2]
        action = twiml(response)[0].attrib["action"]
        assert action == f"/{path}/webhook/stream_ended".replace("//", "/")

    def test_plain_http_that_was_asked_for_gives_a_plain_socket(self) -> None:
        client = make_app(public_base_url="http://127.0.0.1:5000").test_client()
        assert (
            stream_of(client.post("/webhook/incoming_call")).attrib["url"]
            == "ws://127.0.0.1:5000/ws/twilio-media"
        )

    def test_a_host_that_mounts_it_below_a_path(self) -> None:
        blueprint, sock = phone_agent(load_config(**SCRIPTED))
        app = Flask(__name__)
        app.register_blueprint(blueprint, url_prefix="/phone")
        sock.init_app(app)
        response = app.test_client().post("/phone/webhook/incoming_call", base_url="https://h/")
        assert twiml(response)[0].attrib["action"] == "/phone/webhook/stream_ended"
        stream = stream_of(response)
        assert stream.attrib["statusCallback"] == "https://h/phone/webhook/stream_status"
        assert stream.attrib["url"] == "wss://h/phone/ws/twilio-media"
        urls = app.url_map.bind("h", url_scheme="wss")
        assert urls.match("/phone/ws/twilio-media", websocket=True) == ("phone_agent.socket", {})


class TestWarming:
    def test_once_a_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        warmed: list[int] = []
        service = service_of(make_app().test_client())
        of_this = service.providers  # another test's may still be at it
        monkeypatch.setattr(
            type(service.providers), "warm", lambda warm, *_: warmed.append(1) if warm is of_this else None
        )
        for _ in range(3):
            service.begin_warming()
            assert service.wait_until_warm(5)
        assert warmed == [1]

    def test_a_provider_that_hangs_is_not_waited_for_beyond_the_limit(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answered = threading.Event()
        service = service_of(make_app().test_client())
        monkeypatch.setattr(type(service.providers), "warm", lambda *_: answered.wait(10))
        service.begin_warming()
        assert not service.wait_until_warm(0.05) and not service.warm
        answered.set()
        assert service.wait_until_warm(5)

    def test_providers_that_fail_do_not_keep_calls_away(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        service = service_of(make_app().test_client())
        monkeypatch.setattr(type(service.providers), "warm", lambda *_: 1 / 0)
        service.begin_warming()
        assert service.wait_until_warm(5)
        assert "ENGINE_ERR" in caplog.text


class Call:
    """As much of a call as the gate wants."""

    def __init__(self, lag_s: float = 0.0) -> None:
        self.lag_s = lag_s

    def close_down(self) -> None: ...

    def cut(self) -> None: ...


class TestAfterTheCall:
    def test_stream_status(self, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "agent")
        fields = {"StreamSid": "MZ1", "StreamEvent": "stream-error", "StreamError": "no\nroute"}
        response = client.post("/webhook/stream_status", data=fields)
        assert (response.status_code, response.data) == (204, b"")
        assert "StreamEvent=stream-error StreamError=no route" in caplog.text

    def test_a_caller_who_is_still_there_gets_an_apology(self, client: FlaskClient) -> None:
        response = client.post(
            "/webhook/stream_ended", data=CALL | {"CallStatus": "in-progress"}, base_url="https://h/"
        )
        assert verbs(response) == ["Play", "Hangup"]
        assert twiml(response)[0].text == "https://h/media/apology.wav"

    @pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
    def test_a_caller_who_has_gone_does_not(self, client: FlaskClient, status: str) -> None:
        assert verbs(client.post("/webhook/stream_ended", data={"CallStatus": status})) == ["Hangup"]


class TestOutcome:
    """F2, F3: what follows when our side has closed the stream."""

    IN_PROGRESS = CALL | {"CallStatus": "in-progress"}

    def ended(self, client: FlaskClient, **fields: str) -> TestResponse:
        return client.post("/webhook/stream_ended", data=self.IN_PROGRESS | fields, base_url="https://h/")

    def test_f2_a_call_that_was_ended_is_hung_up_without_an_apology(self, client: FlaskClient) -> None:
        service_of(client).shared_state.close("CA123", EndCall())
        assert verbs(self.ended(client)) == ["Hangup"]

    def test_f3_a_caller_who_wanted_a_person_is_put_through(self) -> None:
        """F3: with the ringing of the person's telephone, and our say in what follows; no callerId: Twilio
        shows the person the caller's number."""
        client = make_app(transfer_number="+97231234567").test_client()
        service_of(client).shared_state.close("CA123", Transfer())
        response = self.ended(client)
        assert verbs(response) == ["Dial"]
        dial = twiml(response)[0]
        assert dial.text == "+97231234567"
        assert dial.attrib == {
            "action": "/webhook/transfer_ended",
            "method": "POST",
            "timeout": "25",
            "answerOnBridge": "true",
        }

    def test_f3_behind_a_proxy_the_action_is_where_twilio_reaches_it(self) -> None:
        """F3: as that of the call's first TwiML."""
        knobs = {"transfer_number": "+97231234567", "public_base_url": "https://h/agent"}
        client = make_app(**knobs).test_client()
        service_of(client).shared_state.close("CA123", Transfer())
        assert twiml(self.ended(client))[0].attrib["action"] == "/agent/webhook/transfer_ended"

    def test_f2_f3_a_webhook_that_twilio_retries_gets_the_same_answer(self) -> None:
        """F2, F3: the first answer may have been lost on its way."""
        client = make_app(transfer_number="+97231234567").test_client()
        service_of(client).shared_state.close("CA123", Transfer())
        service_of(client).shared_state.close("CA124", EndCall())
        for _ in range(3):
            assert verbs(self.ended(client)) == ["Dial"]
            assert verbs(self.ended(client, CallSid="CA124")) == ["Hangup"]

    def test_f3_without_a_number_there_is_nobody_to_be_put_through_to(self, client: FlaskClient) -> None:
        """F3: workers of different knobs; who was promised a person is not hung up on without a word."""
        service_of(client).shared_state.close("CA123", Transfer())
        response = self.ended(client)
        assert verbs(response) == ["Play", "Hangup"]
        assert twiml(response)[0].text == "https://h/media/apology.wav"

    def test_f3_no_outcome_is_our_failure(self) -> None:
        """Another call's is not this one's."""
        client = make_app(transfer_number="+97231234567").test_client()
        service_of(client).shared_state.close("CA123", EndCall())
        failed = self.ended(client, CallSid="CA124")
        assert verbs(failed) == ["Play", "Dial"]
        assert twiml(failed)[0].text == "https://h/media/apology_transfer.wav"
        assert twiml(failed)[1].attrib["action"] == "/webhook/transfer_ended"
        assert verbs(self.ended(client)) == ["Hangup"]
        assert verbs(client.post("/webhook/stream_ended")) == ["Play", "Dial"]

    @pytest.mark.parametrize(
        "closed", [{"transfer_number": ""}, {"office_hours": f"{OTHER_DAY} 09:00-10:00"}]
    )
    def test_f3_without_a_person_our_failure_is_made_up_for_by_a_call_back(
        self, closed: dict[str, str], tmp_path: Path
    ) -> None:
        """F3: a line among the leads, once, however often Twilio asks."""
        leads = tmp_path / "leads.jsonl"
        knobs = {"transfer_number": "+97231234567", "leads_file": str(leads)} | closed
        client = make_app(**knobs).test_client()
        for _ in range(3):
            failed = self.ended(client)
            assert verbs(failed) == ["Play", "Hangup"]
            assert twiml(failed)[0].text == "https://h/media/apology.wav"
        assert leads.read_text(encoding="utf-8").count("צריך לחזור") == 1

    def test_f3_a_caller_who_has_gone_is_not_put_through(self) -> None:
        client = make_app(transfer_number="+97231234567").test_client()
        service_of(client).shared_state.close("CA123", Transfer())
        assert verbs(self.ended(client, CallStatus="completed")) == ["Hangup"]

    def test_f3_the_socket_may_have_been_another_processes(self, tmp_path: Path) -> None:
        """F3: two applications of the same knobs are to each other what two workers are."""
        knobs = {"transfer_number": "+97231234567", "state_file": str(tmp_path / "agent.db")}
        service_of(make_app(**knobs).test_client()).shared_state.close("CA123", Transfer())
        assert verbs(self.ended(make_app(**knobs).test_client())) == ["Dial"]

    def test_b3_leads_go_where_the_knob_says(self, tmp_path: Path) -> None:
        client = make_app(leads_file=str(tmp_path / "leads.jsonl")).test_client()
        act = SaveLead((("name", "דנה"),))
        service_of(client).leads.save_lead("CA123", "+972501112222", act.details)
        assert re.search('"name": "דנה"', (tmp_path / "leads.jsonl").read_text(encoding="utf-8"))


class TestTransferEnded:
    """F3: the person has hung up, or nobody has answered."""

    def ended(self, client: FlaskClient, status: str, **fields: str) -> TestResponse:
        fields = CALL | {"CallStatus": "in-progress", "DialCallStatus": status} | fields
        return client.post("/webhook/transfer_ended", data=fields, base_url="https://h/")

    @pytest.mark.parametrize("status", ["completed", "answered"])
    def test_f3_who_has_spoken_to_the_person_is_done(self, client: FlaskClient, status: str) -> None:
        assert verbs(self.ended(client, status)) == ["Hangup"]

    @pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled", "", "something new"])
    def test_f3_who_has_not_is_told_that_nobody_answers(self, client: FlaskClient, status: str) -> None:
        for _ in range(2):  # a retry gets the same answer
            response = self.ended(client, status)
            assert verbs(response) == ["Play", "Hangup"]
            assert twiml(response)[0].text == "https://h/media/no_answer.wav"

    def test_f3_a_caller_who_has_hung_up_is_told_nothing(self, client: FlaskClient) -> None:
        """F3: they did not want to wait for the person."""
        assert verbs(self.ended(client, "canceled", CallStatus="completed")) == ["Hangup"]

    def test_f3_it_is_in_the_log(self, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "agent")
        self.ended(client, "no-answer")
        line = "WEBHOOK transfer_ended=200 call=CA123 CallStatus=in-progress DialCallStatus=no-answer"
        assert line + " From=…4567" in caplog.messages

    @pytest.mark.parametrize("status, owed", [("no-answer", True), ("completed", False)])
    def test_f3_the_office_knows_whom_to_call_back(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture, status: str, owed: bool
    ) -> None:
        """F3: what the caller is promised is a line among the leads."""
        caplog.set_level("INFO", "agent")
        self.ended(client, status)
        leads = [message for message in caplog.messages if message.startswith("LEAD ")]
        assert ["+972501234567" in lead and "לא נענתה" in lead for lead in leads] == [True] * owed


NO_NUMBERS = [*sorted(HIDDEN), "anonymous", "Restricted", ""]


class TestHiddenNumbers:
    """F11: no call back is promised that nobody can make, and nothing to dial is left."""

    def ended(self, client: FlaskClient, webhook: str, **fields: str) -> str:
        data = CALL | {"CallStatus": "in-progress", "DialCallStatus": "no-answer"} | fields
        response = client.post(f"/webhook/{webhook}", data=data, base_url="https://h/")
        assert verbs(response) == ["Play", "Hangup"]
        return (twiml(response)[0].text or "").removeprefix("https://h/media/")

    @pytest.mark.parametrize("caller", NO_NUMBERS)
    @pytest.mark.parametrize(
        "webhook, line", [("transfer_ended", "no_answer_hidden.wav"), ("stream_ended", "apology_hidden.wav")]
    )
    def test_f11_nothing_is_promised(
        self, caller: str, webhook: str, line: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        caplog.set_level("INFO", "agent")
        client = make_app(leads_file=str(tmp_path / "leads.jsonl"), log_transcripts="full").test_client()
        assert self.ended(client, webhook, From=caller) == line
        lead = json.loads((tmp_path / "leads.jsonl").read_text(encoding="utf-8"))
        assert (lead["caller"], lead["hidden"]) == ("", True)
        assert "צריך לחזור" not in lead["message"] and "חסוי" in lead["message"]
        assert not caller.startswith("+") or caller.strip("+") not in caplog.text + json.dumps(lead)

    @pytest.mark.parametrize(
        "webhook, line", [("transfer_ended", "no_answer.wav"), ("stream_ended", "apology.wav")]
    )
    def test_f11_a_number_left_in_the_call_is_called(self, webhook: str, line: str, tmp_path: Path) -> None:
        """F11: whichever worker had the call."""
        knobs = {"state_file": str(tmp_path / "agent.db"), "leads_file": str(tmp_path / "leads.jsonl")}
        leads = service_of(make_app(**knobs).test_client()).leads
        leads.save_lead("CA123", "", (("phone", "0501234567"),))
        assert self.ended(make_app(**knobs).test_client(), webhook, From="anonymous") == line
        (_, lead) = (tmp_path / "leads.jsonl").read_text(encoding="utf-8").splitlines()
        assert "צריך לחזור למספר שנמסר בשיחה" in lead

    @pytest.mark.parametrize("caller", NO_NUMBERS)
    def test_f11_the_call_is_told_of_no_number(self, client: FlaskClient, caller: str) -> None:
        stream = stream_of(client.post("/webhook/incoming_call", data=CALL | {"From": caller}))
        assert [p.attrib["name"] for p in stream] == ["call_sid"]

    def test_f11_in_a_call_that_we_placed_it_is_the_number_we_called(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "agent")
        fields = {"Direction": "outbound-api", "From": "anonymous", "To": "+972501234567"}
        assert self.ended(client, "transfer_ended", **fields) == "no_answer.wav"
        assert '"caller": "+972501234567"' in caplog.text


class TestMissed:
    """newcomer 4: who was lost is a line among the leads, with why, number and time."""

    def lines(self, file: Path) -> list[tuple[str, str, str]]:
        written = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        leads = [lead for line in written if (lead := json.loads(line))["kind"] == "missed"]
        assert all(datetime.fromisoformat(lead["at"]).utcoffset() for lead in leads)
        return [(lead["call_sid"], lead["missed"], lead["caller"]) for lead in leads]

    def app(self, tmp_path: Path, **knobs: Any) -> tuple[FlaskClient, Path]:
        file = tmp_path / "leads.jsonl"
        return make_app(leads_file=str(file), **knobs).test_client(), file

    def ask(self, client: FlaskClient, webhook: str, call_sid: str, **fields: str) -> None:
        client.post(f"/webhook/{webhook}", data=CALL | {"CallSid": call_sid} | fields)

    def test_newcomer_4_busy(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """newcomer 4, 12: one a call, also when Twilio asks again; the log says which limit."""
        caplog.set_level("INFO", "agent")
        client, file = self.app(tmp_path, max_calls=1)
        for call_sid in ("CA1", "CA2", "CA2", "CA3"):
            self.ask(client, "incoming_call", call_sid)
        assert self.lines(file) == [(sid, "busy", CALL["From"]) for sid in ("CA2", "CA3")]
        assert "WEBHOOK incoming_call=200 busy limit=MAX_CALLS call=CA2" in caplog.text
        service_of(client).gate.stop_taking_calls()
        self.ask(client, "incoming_call", "CA4")
        assert "WEBHOOK incoming_call=200 busy limit=draining call=CA4" in caplog.text

    def test_newcomer_4_too_many_calls_of_one_number(self, tmp_path: Path) -> None:
        client, file = self.app(tmp_path, calls_per_caller_min=1)
        for call_sid in ("CA1", "CA2", "CA3"):
            self.ask(client, "incoming_call", call_sid)
        assert self.lines(file) == [(sid, "rate", CALL["From"]) for sid in ("CA2", "CA3")]

    @pytest.mark.parametrize(
        "caller, why", [(CALL["From"], "rate"), ("+266696687", "busy")], ids=["one number", "hidden"]
    )
    def test_newcomer_4_too_many_at_once(self, tmp_path: Path, caller: str, why: str) -> None:
        """The network's busy tone, which nobody pays for; in the calls that we place the line is ours."""
        client, file = self.app(
            tmp_path, max_calls=2, calls_per_caller_at_once=1, overflow_number="+97231112222"
        )
        for call_sid in ("CA1", "CA2"):
            answer = client.post("/webhook/incoming_call", data=CALL | {"CallSid": call_sid, "From": caller})
        assert "<Reject" in answer.text and "<Dial" not in answer.text
        assert [(sid, missed) for sid, missed, _ in self.lines(file)] == [("CA2", why)]
        ours = {"CallSid": "CA3", "Direction": "outbound-api", "From": "+97231234567", "To": caller}
        assert "<Connect" in client.post("/webhook/incoming_call", data=CALL | ours).text

    def test_newcomer_4_who_overflows_is_lost_only_when_nobody_answers(self, tmp_path: Path) -> None:
        client, file = self.app(tmp_path, max_calls=1, overflow_number="+97231112222")
        for call_sid in ("CA1", "CA2", "CA3"):
            self.ask(client, "incoming_call", call_sid)
        self.ask(client, "transfer_ended", "CA2", DialCallStatus="completed")
        assert self.lines(file) == []
        self.ask(client, "transfer_ended", "CA3", DialCallStatus="no-answer", CallStatus="completed")
        assert self.lines(file) == [("CA3", "no_answer", CALL["From"])]

    def test_newcomer_4_our_failure_and_then_nobody_answers_is_one_line(self, tmp_path: Path) -> None:
        client, file = self.app(tmp_path, transfer_number="+97231234567")
        self.ask(client, "stream_ended", "CA1", CallStatus="in-progress")
        assert self.lines(file) == []  # they are put through
        for _ in range(2):
            self.ask(client, "transfer_ended", "CA1", CallStatus="in-progress", DialCallStatus="busy")
        assert self.lines(file) == [("CA1", "no_answer", CALL["From"])]

    def test_newcomer_4_who_hangs_up_before_the_person_answers(self, tmp_path: Path) -> None:
        """newcomer 4: between our side's end and the ringing."""
        client, file = self.app(tmp_path, transfer_number="+97231234567")
        service_of(client).shared_state.close("CA1", Transfer())
        service_of(client).shared_state.close("CA2", EndCall())
        for call_sid in ("CA1", "CA2"):
            self.ask(client, "stream_ended", call_sid, CallStatus="completed")
        assert self.lines(file) == [("CA1", "hung_up", CALL["From"])]


class TestRang:
    """Each call leaves who called, whatever becomes of it: ``kind`` is ``rang``."""

    def rang(self, tmp_path: Path, *calls: dict[str, str], **knobs: Any) -> list[dict[str, Any]]:
        file = tmp_path / "leads.jsonl"
        client = make_app(leads_file=str(file), **knobs).test_client()
        for call in calls:
            client.post("/webhook/incoming_call", data=CALL | call)
        assert service_of(client).leads.settle(10)
        leads = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [lead for lead in leads if lead["kind"] == "rang"]

    def test_b3_who_called(self, tmp_path: Path) -> None:
        calls = {"CallSid": "CA1"}, {"CallSid": "CA2", "From": "anonymous"}
        seen, hidden = self.rang(tmp_path, *calls)
        assert (seen["call_sid"], seen["caller"], "hidden" in seen) == ("CA1", CALL["From"], False)
        assert (hidden["call_sid"], hidden["caller"], hidden["hidden"]) == ("CA2", "", True)

    def test_b3_whom_we_have_called(self, tmp_path: Path) -> None:
        (line,) = self.rang(tmp_path, {"Direction": "outbound-api", "To": "+972501234567"})
        assert (line["caller"], line["outbound"]) == ("+972501234567", True)

    def test_b3_only_who_is_let_in(self, tmp_path: Path) -> None:
        """One telephone that rings forty times writes no more than it is let in."""
        calls = [{"CallSid": f"CA{number}"} for number in range(40)]
        assert len(self.rang(tmp_path, *calls, calls_per_caller_at_once=3)) == 3


class TestMedia:
    @pytest.mark.parametrize(
        "name",
        [
            "greeting",
            "apology",
            "apology_hidden",
            "apology_transfer",
            "busy",
            "no_answer",
            "no_answer_hidden",
        ],
    )
    def test_a_phone_line_wav(self, client: FlaskClient, name: str) -> None:
        response = client.get(f"/media/{name}.wav")
        assert (response.status_code, response.mimetype) == (200, "audio/wav")
        with wave.open(io.BytesIO(response.data)) as audio:
            assert audio.getparams()[:3] == (1, 2, 8000)
            assert audio.getnframes() > 8000 // 2

    def test_asked_for_again(self, client: FlaskClient) -> None:
        first = client.get("/media/busy.wav")
        again = client.get("/media/busy.wav", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert client.get("/media/busy.wav").data == first.data

    @pytest.mark.parametrize("path", ["/media/secret.wav", "/media/greeting.mp3", "/media/..%2Fapp.wav"])
    def test_nothing_else(self, client: FlaskClient, path: str) -> None:
        assert client.get(path).status_code == 404

    def test_no_greeting_to_play(self) -> None:
        response = make_app(ai_greeting_he="").test_client().get("/media/greeting.wav")
        assert (
            response.status_code == 404
            and "apology.wav, apology_hidden.wav, apology_transfer.wav" in response.text
        )

    @pytest.mark.parametrize("error", [ProviderError("no key"), ValueError("a host's bug")])
    def test_no_voice_works(self, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
        def synth(text: str) -> bytes:
            raise error

        monkeypatch.setattr("server.providers.scripted.ScriptedTts.synthesize", lambda *asked: synth(""))
        blueprint, _ = phone_agent(load_config(**SCRIPTED), synth=synth)
        app = Flask(__name__)
        app.register_blueprint(blueprint)
        response = app.test_client().get("/media/apology.wav")
        assert response.status_code == 503 and "TTS_ERR" in response.text


class TestManners:
    def test_health(self, client: FlaskClient) -> None:
        response = client.get("/healthz")
        assert response.status_code == 200
        providers = {"asr": ["scripted"], "llm": ["scripted"], "tts": ["scripted"]}
        known = {"ok": True, "status": "ok", "failing": [], "warm": False, "calls": 0, "draining": False}
        known |= {"engines": providers, "lag_ms": 0, "overloaded": False, "store": "none"}
        known |= {"load": 0.0, "load_threshold": 0.85, "carries": 42}
        assert response.json == known
        gate = service_of(client).gate
        gate.admit(call := Call(), Start("MZ1", "CA1", {}))
        gate.stop_taking_calls()
        assert client.get("/healthz").json == known | {"calls": 1, "draining": True}
        call.lag_s = 1.25
        assert client.get("/healthz").json == known | {
            "calls": 1,
            "draining": True,
            "lag_ms": 1250,
            "overloaded": True,
        }

    def test_ready_is_who_would_take_a_call(self) -> None:
        """A balancer's question: it asks at once, and nothing else is told of a worker that is only full."""
        client = make_app(max_calls=1).test_client()
        gate = service_of(client).gate

        def said() -> tuple[int, str]:
            response = client.get("/readyz")
            assert response.json is not None and response.json["ready"] == (response.status_code == 200)
            return response.status_code, response.json["why_not"]

        assert said() == (503, "cold")
        assert service_of(client).wait_until_warm(10) and said() == (200, "")
        gate.ring("CA1")
        assert said() == (503, "MAX_CALLS") and client.get("/healthz").status_code == 200
        gate.told("CA1", over=True)
        for _ in range(5):
            gate.room.load.sample(Sample(5.0, cpu_s=4.5))
        assert said() == (503, "LOAD_THRESHOLD") and client.get("/healthz").status_code == 200
        gate.admit(call := Call(), Start("MZ1", "CA1", {}))
        call.lag_s = 1.0
        assert said() == (503, "overload")
        gate.stop_taking_calls()
        assert said() == (503, "draining")

    def test_ready_is_who_has_waited_long_for_an_engine_that_hangs(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As ``/healthz`` says: its other engines hold calls, and it may hang in every process."""
        over = threading.Event()
        monkeypatch.setattr("server.providers.scripted.ScriptedTts.warm", lambda _: over.wait(60))
        monkeypatch.setattr("server.providers.warmup.COLD_S", 0.0)
        try:
            assert client.get("/readyz").json == {"ready": False, "why_not": "cold"}  # not begun
            assert client.get("/readyz").json == {"ready": True, "why_not": ""}
            assert client.get("/healthz").json["warm"] is False
        finally:
            over.set()

    def test_ready_is_nobody_whose_providers_all_fail(self, client: FlaskClient) -> None:
        chain = service_of(client).providers.stt
        service_of(client).begin_warming()
        assert service_of(client).wait_until_warm(10)
        for _ in range(3):
            next(chain.tries()).failed("down")
        assert client.get("/readyz").json == {"ready": False, "why_not": "failing"}

    @pytest.mark.parametrize("redis_url, store", [("", "none"), ("redis://127.0.0.1:1/0", "alone")])
    def test_health_says_who_is_alone(self, redis_url: str, store: str) -> None:
        """And no balancer drops a server that can hold calls; every host may share the one that fails."""
        client = make_app(redis_url=redis_url).test_client()
        service_of(client).gate.in_use()
        response = client.get("/healthz")
        assert (response.status_code, response.json and response.json["store"]) == (200, store)

    @pytest.mark.parametrize(
        "kind, chain_of",
        [("asr", lambda e: e.stt), ("llm", lambda e: e.llm), ("tts", lambda e: e.tts)],
        ids=["asr", "llm", "tts"],
    )
    def test_health_is_degraded_while_a_kind_of_provider_has_none_that_works(
        self, client: FlaskClient, kind: str, chain_of: Callable[[Providers], FallbackChain[Any]]
    ) -> None:
        """Newcomer 3: with a status that a balancer can use, also while it drains; well after a success."""
        chain = chain_of(service_of(client).providers)
        for _ in range(3):
            assert client.get("/healthz").status_code == 200
            next(chain.tries()).failed("down")
        service_of(client).gate.stop_taking_calls()
        sick = client.get("/healthz")
        assert sick.json is not None and sick.status_code == 503
        said = {name: sick.json[name] for name in ("ok", "status", "failing", "draining")}
        assert said == {"ok": False, "status": "degraded", "failing": [kind], "draining": True}
        next(chain.tries()).worked()
        assert client.get("/healthz").status_code == 200

    @pytest.mark.parametrize("path", POSTS)
    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_webhooks_are_posts(self, client: FlaskClient, path: str, method: str) -> None:
        response = client.open(path, method=method)
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")

    @pytest.mark.parametrize("path", ["/healthz", "/media/busy.wav"])
    def test_the_rest_are_gets(self, client: FlaskClient, path: str) -> None:
        response = client.post(path)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET")

    @pytest.mark.parametrize("path", POSTS)
    def test_a_slash_at_the_end_is_no_redirect(self, client: FlaskClient, path: str) -> None:
        assert client.post(path + "/").status_code in (200, 204)

    def test_the_socket_without_a_websocket(self, client: FlaskClient) -> None:
        response = client.get("/ws/twilio-media")
        assert response.status_code == 426 and "audio.twilio.com" in response.text

    @pytest.mark.parametrize("path", POSTS)
    def test_a_body_that_is_no_form(self, client: FlaskClient, path: str) -> None:
        for body in (b"\xff\xfe", b"CallSid=%ff%00", b"{}"):
            for kind in ("application/x-www-form-urlencoded", "application/json", "multipart/form-data"):
                assert client.post(path, data=body, content_type=kind).status_code in (200, 204, 400)

    def test_a_body_that_is_too_large(self, client: FlaskClient) -> None:
        response = client.post("/webhook/incoming_call", data={"From": "9" * 70_000})
        assert response.status_code == 413
