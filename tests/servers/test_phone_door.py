"""The door of the browser's phone (docs/phone.md) is as narrow as Twilio's, and Twilio's as before."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from flask import Flask, request
from itsdangerous import URLSafeSerializer
from twilio.request_validator import RequestValidator
from websocket import WebSocket, WebSocketException

from server.app import phone_agent
from server.config import Config
from server.telephony.signature import PAGE_SALT, SALT
from tests.servers.test_app import connected, scripted, serving
from tests.serving import SUBPROTOCOL

TOKEN = "0123456789abcdef0123456789abcdef"
SID = "MZ" + "0" * 32
PARAMETER = re.compile(r'<Parameter name="(\w+)" value="([^"]*)"')
GREETING = "שלום, מדברת הסוכנת"


def knobs(**others: Any) -> Config:
    return scripted(twilio_auth_token=TOKEN, ai_greeting_he=GREETING, **others)


class Browser:
    """What the page does, and a stranger might. ``name``: as whom the host lets them in."""

    def __init__(self, address: str, name: str = "dana") -> None:
        self.address = address
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Name"] = name
        self._csrf = ""

    def open(self) -> int:
        answer = self._session.get(f"http://{self.address}/agent/phone", timeout=15)
        found = re.search('data-csrf="([^"]+)"', answer.text)
        self._csrf = found[1] if found else ""
        return answer.status_code

    def post(self, path: str, **fields: str) -> requests.Response:
        url = f"http://{self.address}/agent/phone/{path}"
        return self._session.post(url, fields, headers={"X-CSRF-Token": self._csrf}, timeout=15)

    def call(self) -> dict[str, str]:
        answer: dict[str, str] = self.post("call").json()
        return answer


@contextmanager
def host(config: Config) -> Iterator[Browser]:
    """A host's application that lets in who says so; the phone's page is open."""
    app = Flask("host")
    blueprint, sock = phone_agent(config, pages=True, allowed=lambda: request.headers.get("X-Name"))
    app.register_blueprint(blueprint, url_prefix="/agent")
    sock.init_app(app)
    with serving(app) as address:
        browser = Browser(address)
        assert browser.open() == 200
        yield browser


@contextmanager
def line(browser: Browser, *offered: str, **headers: str) -> Iterator[WebSocket]:
    options = {"subprotocols": [SUBPROTOCOL, *offered], "header": headers}
    with connected(browser.address, "/agent/ws/twilio-media", **options) as ws:
        yield ws


def start(ws: WebSocket, call_sid: str, twiml: str, **parameters: str) -> None:
    known = dict(PARAMETER.findall(twiml)) | parameters
    told = {"streamSid": SID, "callSid": call_sid, "customParameters": known}
    ws.send(json.dumps({"event": "start", "streamSid": SID, "start": told}))


def heard(ws: WebSocket, *events: str) -> list[dict[str, Any]]:
    """All that comes until there was each of ``events``, or the server has closed."""
    messages: list[dict[str, Any]] = []
    try:
        while not {*events} <= {message["event"] for message in messages}:
            messages.append(json.loads(ws.recv()))
    except (WebSocketException, ValueError):
        pass
    return messages


def is_let_in(browser: Browser, call: dict[str, str], *offered: str, **parameters: str) -> bool:
    try:
        with line(browser, *offered) as ws:
            start(ws, call["callSid"], call["twiml"], **parameters)
            return bool(heard(ws, "media"))
    except (WebSocketException, OSError):
        return False


def test_a_call_of_the_page_is_a_call(caplog: pytest.LogCaptureFixture) -> None:
    """The webhook's answer, the socket's own subprotocol, audio, and what the agent makes of it."""
    caplog.set_level("INFO", "agent")
    with host(knobs()) as browser:
        call = browser.call()
        assert "<Connect" in call["twiml"] and "WEBHOOK incoming_call=200 connect" in caplog.text
        with line(browser, call["ticket"]) as ws:
            assert ws.getsubprotocol() == SUBPROTOCOL
            start(ws, call["callSid"], call["twiml"])
            told = [m["agent"] for m in heard(ws, "agent", "media") if m["event"] == "agent"]
            assert [one["words"] for one in told if one["kind"] == "says"] == [GREETING]
        ended = browser.post("ended", ticket=call["ticket"], stream_sid=SID, hung_up="1")
        assert "<Hangup" in ended.json()["twiml"] and "WEBHOOK stream_ended=200" in caplog.text


def test_what_follows_is_the_webhooks_word() -> None:
    """Whoever is cut off is taken up (F8) while something is known of the call, else hears an apology."""
    with host(knobs(state_file="", resume_calls=False)) as browser:
        call = browser.call()
        assert is_let_in(browser, call, call["ticket"])
        ended = browser.post("ended", ticket=call["ticket"], stream_sid=SID)
        assert "apology" in ended.json()["twiml"]


def test_a_full_server_refuses_a_page_too() -> None:
    with host(knobs(max_calls=1, hidden_calls_percent=100)) as browser:
        assert "<Connect" in browser.call()["twiml"]
        assert "busy.wav" in browser.call()["twiml"]
    with host(knobs(hidden_calls_per_min=1)) as browser:
        assert "<Connect" in browser.call()["twiml"]
        assert "<Reject" in browser.call()["twiml"]


def test_a_socket_needs_a_ticket_and_the_token_of_its_call() -> None:
    with host(knobs()) as browser:
        first, second = browser.call(), browser.call()
        token = dict(PARAMETER.findall(first["twiml"]))["token"]
        assert not is_let_in(browser, first), "no ticket, and no signature"
        assert not is_let_in(browser, first, "call."), "an empty ticket"
        assert not is_let_in(browser, first, first["ticket"][:-3] + "abc"), "a ticket that was changed"
        assert not is_let_in(browser, first, f"call.{token}"), "the token is no ticket"
        assert not is_let_in(browser, first, second["ticket"]), "another call's ticket"
        assert not is_let_in(browser, first, first["ticket"], token=""), "no token"
        assert not is_let_in(browser, first, first["ticket"], **{"from": "+972501112222"}), "another's number"
        assert not is_let_in(browser, first, first["ticket"], token=first["ticket"][5:]), "nor the reverse"
        assert is_let_in(browser, first, first["ticket"])
        assert not is_let_in(browser, first, first["ticket"]), "a used token"


def test_a_ticket_is_good_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with host(knobs()) as browser:
        call = browser.call()
        assert is_let_in(browser, call, call["ticket"])
        monkeypatch.setattr("server.telephony.signature.GOOD_S", -1)
        late = browser.call()
        assert not is_let_in(browser, late, late["ticket"])
        assert "WS_REFUSED no signature" in caplog.text, "at the handshake, before any token is looked at"


def test_only_who_may_see_the_pages_calls() -> None:
    with host(knobs()) as browser:
        stranger = Browser(browser.address, name="")
        assert stranger.open() == 403
        assert stranger.post("call").status_code == stranger.post("ended").status_code == 403
        forgetful = Browser(browser.address)
        assert forgetful.post("call").status_code == 403, "no CSRF token"


def test_a_page_ends_no_call_but_its_own() -> None:
    """A CallSid is not enough: the ticket names the call."""
    with host(knobs()) as browser:
        call = browser.call()
        forged = URLSafeSerializer("", PAGE_SALT).dumps([call["callSid"], 10**12])
        for ticket in (
            "",
            call["callSid"],
            f"call.{forged}",
            dict(PARAMETER.findall(call["twiml"]))["token"],
        ):
            assert browser.post("ended", ticket=ticket, stream_sid=SID).status_code == 403
        assert browser.post("ended", ticket=call["ticket"], stream_sid="<>").status_code == 403


def test_twilio_is_shown_nothing_and_asked_for_its_signature_as_before() -> None:
    """Nor has who holds a ticket learned anything that opens Twilio's door: another salt."""
    assert SALT != PAGE_SALT
    with host(knobs()) as browser:
        origin = f"http://{browser.address}/agent"
        form = {"CallSid": "CA" + "1" * 32, "From": "+972501234567", "CallStatus": "ringing"}
        sign = RequestValidator(TOKEN).compute_signature
        url = f"{origin}/webhook/incoming_call"
        answer = requests.post(url, form, headers={"X-Twilio-Signature": sign(url, form)}, timeout=15)
        twiml = answer.text
        socket_url = f"wss://{browser.address}/agent/ws/twilio-media"
        with line(browser, **{"X-Twilio-Signature": sign(socket_url, {})}) as ws:
            start(ws, form["CallSid"], twiml)
            events = {message["event"] for message in heard(ws, "media", "mark")}
        assert events - {"clear"} == {"media", "mark"}
        assert requests.post(url, form, timeout=15).status_code == 403


def test_words_are_shown_as_they_may_be_logged() -> None:
    with host(knobs(log_transcripts="off")) as browser:
        call = browser.call()
        with line(browser, call["ticket"]) as ws:
            start(ws, call["callSid"], call["twiml"])
            messages = heard(ws, "agent", "mark")
        assert "(3 words)" in str(messages) and "סוכנת" not in json.dumps(messages, ensure_ascii=False)
