"""What Twilio's requests may look like, and what is refused before it costs anything."""

import json
import logging
import socket
import string
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from server.telephony.request_guard import MAX_BODY_BYTES, MAX_FIELDS, MAX_QUERY_BYTES, TICKET
from server.telephony.signature import TwilioAuth
from tests.servers.doors import HEADER, RING, SECRET
from tests.servers.test_app import connected, mount, scripted, serving
from tests.servers.test_routes_twilio import make_app

PUBLIC = "https://agent.example.com"
FORM = "application/x-www-form-urlencoded"
CALL = {"CallSid": "CA" + "0" * 32, "CallStatus": "ringing", "Direction": "inbound"}
CALL |= {"From": "+972501234567", "To": "+97231234567"}
PLACE = {
    f"{who}{part}": "ישראל" for who in ("From", "To", "Called", "Caller") for part in ("City", "Country")
}
PLACE |= {f"{who}{part}": "" for who in ("From", "To", "Called", "Caller") for part in ("State", "Zip")}
GENUINE: dict[str, dict[str, str]] = {
    "a call": CALL,
    "all that a call may have": CALL | PLACE | {"AccountSid": "AC" + "0" * 32, "ApiVersion": "2010-04-01"},
    "a name in Hebrew": CALL | {"CallerName": "משרד נדל״ן כהן ובניו בע״מ - סניף תל אביב"},
    "a signed caller": CALL
    | {
        "StirVerstat": "TN-Validation-Passed-A",
        "StirPassportToken": "eyJhbGciOiJFUzI1NiJ9." + "aZ0-_." * 400,
    },
    "SIP": CALL
    | {"From": "sip:דנה@example.com;transport=tls", "SipResponseCode": "200", "SipCallId": "a@10.0.0.1"}
    | {f"SipHeader_X-{name}": "ערך % & = + ; ü" * 4 for name in string.ascii_letters[:30]},
    "an empty field, and one of blanks": CALL | {"ForwardedFrom": "", "CallToken": "  "},
}


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return make_app(twilio_auth_token=SECRET, public_base_url=PUBLIC).test_client()


def asked(client: FlaskClient, body: bytes, *, form: Any = (), query: str = "", **more: Any) -> TestResponse:
    """``form``: what is signed."""
    proof = RequestValidator(SECRET).compute_signature(PUBLIC + RING + query, dict(form))
    told: dict[str, Any] = {"content_type": FORM, "headers": {HEADER: proof}} | more
    return client.post(RING + query, data=body, **told)


OF_ANOTHER_SITE: list[dict[str, str]] = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example", "Origin": "http://evil.example"},  # a name that was made to lead here
    {"Host": "evil.example", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("headers", OF_ANOTHER_SITE)
def test_an_open_server_is_called_by_no_other_sites_page(headers: dict[str, str]) -> None:
    """Whoever has a site open would place calls that cost money: by the webhook, or on the socket."""
    client = make_app(twilio_auth_token="").test_client()
    assert client.post(RING, data=CALL, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "agent.example.com"},  # Twilio, through a tunnel
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_an_open_server_is_called_by_whoever_is_no_other_site(headers: dict[str, str]) -> None:
    client = make_app(twilio_auth_token="").test_client()
    assert client.post(RING, data=CALL, headers=headers).status_code == 200


MADE_UP = TICKET + TwilioAuth("").new_ticket("CA1")  # as any script can, where there is no token


@pytest.mark.parametrize(
    "asks",
    [
        {"origin": "http://evil.example"},
        {"header": ["Sec-Fetch-Site: cross-site"]},
        {"origin": "http://evil.example", "subprotocols": ["audio.twilio.com", MADE_UP]},
    ],
    ids=["origin", "site", "with a ticket"],
)
def test_nor_is_its_socket(asks: dict[str, Any]) -> None:
    start = {"event": "start", "start": {"streamSid": "MZ1", "callSid": "CA1"}}
    with serving(mount(Flask("host"), scripted(ai_greeting_he="שלום", twilio_auth_token=""))) as address:
        with connected(address, **asks) as ws:
            ws.send(json.dumps(start))
            assert not ws.recv()


@pytest.mark.parametrize("kind", GENUINE)
def test_twilios_forms_are_taken(kind: str, client: FlaskClient) -> None:
    form = GENUINE[kind]
    body = urlencode(form).encode()
    assert len(body) < MAX_BODY_BYTES
    assert asked(client, body, form=form).status_code == 200
    chunked = asked(client, body, form=form, environ_overrides={"wsgi.input_terminated": True})
    assert chunked.status_code == 200


LONG = f"CallSid={CALL['CallSid']}&a="
REFUSED: dict[str, tuple[bytes, int]] = {
    "more than Twilio sends": ((LONG + "x" * MAX_BODY_BYTES).encode(), 413),
    "many names": ((LONG + "&a=" * MAX_FIELDS).encode(), 403),
    "separators only": ((LONG + "&" * 15_000).encode(), 403),
    "escapes of no character": ((LONG + "%D7" * 5000).encode(), 403),
    "escapes that are none": ((LONG + "%" * 15_000).encode(), 403),
    "half an escape": ((LONG + "%4").encode(), 403),
    "bytes as they are": (LONG.encode() + "א".encode(), 403),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_form_of_twilios_looks_like_is_refused_at_once(kind: str, client: FlaskClient) -> None:
    """However it is signed: the validator is not asked. With a bound of 20 ms of CPU for each."""
    body, status = REFUSED[kind]
    began = time.thread_time()
    answers = {asked(client, body).status_code for _ in range(100)}
    assert answers == {status} and time.thread_time() - began < 2.0


def test_the_head_is_enough_for_what_is_no_form(client: FlaskClient) -> None:
    """Its body is not read."""
    for told in (
        {"content_type": "multipart/form-data; boundary=b"},
        {"content_type": "application/json"},
        {"content_type": ""},  # its fields would be signed, and then read by nobody
        {"query": "?" + "a=&" * (MAX_QUERY_BYTES // 3 + 1)},
        {"headers": {}},
    ):
        unreadable = Unreadable()
        answer = asked(client, b"x" * 100, environ_overrides={"wsgi.input": unreadable}, **told)
        assert (answer.status_code, unreadable.asked) == (403, False), told


class Unreadable:
    """A body that raises what a server's parser may raise."""

    asked = False

    def read(self, *_: int) -> bytes:
        self.asked = True
        raise LookupError("no chunk size: ZZ")

    def readline(self, *_: int) -> bytes:
        return self.read()

    def readinto(self, _: object) -> int:
        return len(self.read())


def test_a_body_that_cannot_be_read_is_the_peers_fault(caplog: pytest.LogCaptureFixture) -> None:
    """One line a second, without a traceback."""
    client = make_app(twilio_auth_token=SECRET, public_base_url=PUBLIC).test_client()
    for _ in range(20):
        answer = asked(client, b"x" * 100, environ_overrides={"wsgi.input": Unreadable()})
        assert answer.status_code == 400
    assert "a body that cannot be read: LookupError" in caplog.text
    assert len(caplog.records) <= 2 and not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("drops", [True, False], ids=["drop by drop", "never"])
def test_a_body_that_does_not_come_is_not_waited_for(drops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a byte of it comes."""
    monkeypatch.setattr("server.telephony.request_guard.BODY_S", 0.3)
    app = make_app(twilio_auth_token=SECRET, public_base_url=PUBLIC)
    head = f"Host: x\r\nContent-Type: {FORM}\r\n{HEADER}: x\r\nContent-Length: 99\r\n"
    told = f"POST {RING} HTTP/1.1\r\n{head}\r\n"
    with serving(app) as address, socket.create_connection(address.split(":"), 0.05) as sock:
        sock.sendall(told.encode())
        answer, deadline = b"", time.monotonic() + 5
        while not answer and time.monotonic() < deadline:
            with suppress(TimeoutError):
                sock.sendall(b"x" * drops)
                answer = sock.recv(1000)
    assert answer[9:12] == b"400" and deadline - time.monotonic() > 2


def test_a_bug_of_ours_is_told_in_full_once_and_shortly_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And what the path holds is one line of the log."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("server.routes_twilio.own_lines", broken)
    client = make_app(twilio_auth_token=SECRET, public_base_url=PUBLIC).test_client()
    with caplog.at_level(logging.INFO, "agent"):
        answers = [client.get("/media/a%0Aforged" + "x" * 300 + ".wav").status_code for _ in range(50)]
    assert answers == [500] * 50
    first, *others = [record for record in caplog.records if "WEBHOOK_ERR" in record.getMessage()]
    assert first.exc_info and not any(record.exc_info for record in others) and len(others) <= 3
    assert all(
        "\n" not in record.getMessage() and len(record.getMessage()) < 300 for record in (first, *others)
    )


@given(
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=12),
    st.sampled_from(
        ["https://a.example.com/x", "https://a.example.com:8443/x/", "wss://a.example.com/x?a=b"]
    ),
)
def test_what_is_joined_once_is_what_twilios_library_joins(form: list[tuple[str, str]], url: str) -> None:
    """Names that come twice, values that come twice, empty ones."""
    fields = MultiDict(form)
    try:
        proof = RequestValidator(SECRET).compute_signature(url, fields)
    except UnicodeEncodeError:  # half a character
        return
    auth = TwilioAuth(SECRET)
    assert auth.signed([PUBLIC, url], fields, proof)
    assert not auth.signed([url], MultiDict([*form, ("a", "b\0")]), proof)
