"""F8: ``stream_ended`` connects a call once more: whom, how often, and what only Twilio can make of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from server.telephony.signature import Refused
from server.telephony.twilio_messages import RESUMES, Start
from server.turns.effects import EndCall, Transfer
from server.turns.memory import CallMemory
from tests.servers.test_routes_twilio import make_app, service_of, stream_of, twiml, verbs

TOKEN = "0123456789abcdef0123456789abcdef"
BASE = "https://agent.example.com"
ENDED = "/webhook/stream_ended"
SID, OTHER = (f"CA{number:032x}" for number in (1, 2))
CALL = {"CallSid": SID, "From": "+972501234567", "To": "+97231234567", "CallStatus": "in-progress"}


class Call:
    """What the gate knows of a socket."""

    lag_s = 0.0

    def close_down(self) -> None: ...

    def cut(self) -> None: ...


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    yield make_app(
        twilio_auth_token=TOKEN, public_base_url=BASE, max_calls=1, twiml_play_greeting=True
    ).test_client()


def post(client: FlaskClient, path: str = ENDED, **fields: str) -> TestResponse:
    """As Twilio signs it."""
    form = CALL | fields
    signature = RequestValidator(TOKEN).compute_signature(BASE + path, form)
    return client.post(path, data=form, headers={"X-Twilio-Signature": signature}, base_url=BASE)


def remember(client: FlaskClient, call_sid: str = SID) -> None:
    service_of(client).memories.remember(call_sid, CallMemory(owed="דירה"))


def parameters(response: TestResponse) -> dict[str, str]:
    return {one.attrib["name"]: one.attrib["value"] for one in stream_of(response)}


def come(client: FlaskClient, told: dict[str, str], call_sid: str = SID) -> Refused | None:
    return service_of(client).gate.admit(Call(), Start("MZ2", call_sid, told))


def test_f8_a_call_that_is_remembered_is_connected_once_more(client: FlaskClient) -> None:
    """F8: without a greeting, with a token of its own, and no word of the caller's in the TwiML."""
    remember(client)
    response = post(client)
    told = parameters(response)
    assert verbs(response) == ["Connect"] and "דירה" not in response.text
    assert set(told) == {"call_sid", "from", "token", RESUMES}
    action = twiml(response)[0].attrib["action"]
    assert action == f"{ENDED}?{RESUMES}={told[RESUMES]}"
    assert come(client, told) is None
    assert come(client, told) == Refused("a used token")


def test_f8_the_leads_know_that_it_goes_on(tmp_path: Path) -> None:
    """F8: or it would be reported as lost while it goes on, and what is left later would come too late."""
    file = tmp_path / "leads.jsonl"
    client = make_app(twilio_auth_token=TOKEN, public_base_url=BASE, leads_file=str(file)).test_client()
    remember(client)
    post(client)
    post(client)
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [(line["kind"], line["call_sid"]) for line in lines][0] == ("goes_on", SID)
    assert [line["kind"] for line in lines].count("goes_on") == 1, "the second time there was an apology"


def test_f8_a_second_failure_within_a_minute_is_made_up_for(client: FlaskClient) -> None:
    """F8, F3: what Twilio asks then has another signature, or it would be an old request."""
    remember(client)
    action = twiml(post(client))[0].attrib["action"]
    assert verbs(post(client, action)) == ["Play", "Hangup"]
    assert verbs(post(client)) == ["Play", "Hangup"], (
        "a retry of the first: its answer may not be followed twice"
    )


def test_f8_no_limit_keeps_out_a_call_that_was_taken(client: FlaskClient) -> None:
    """F8: MAX_CALLS is 1, and another caller has taken the place of the killed worker's call meanwhile."""
    assert verbs(post(client, "/webhook/incoming_call", CallSid=OTHER, CallStatus="ringing")) == [
        "Play",
        "Connect",
    ]
    remember(client)
    assert verbs(post(client)) == ["Connect"]


@pytest.mark.parametrize("outcome", [EndCall(), Transfer()])
def test_f8_a_call_that_has_ended_is_not(client: FlaskClient, outcome: EndCall | Transfer) -> None:
    remember(client)
    service_of(client).shared_state.close(SID, outcome)
    assert "Connect" not in verbs(post(client))


@pytest.mark.parametrize("why", ["gone", "unknown", "forgotten", "another's", "draining", "off"])
def test_f8_whom_it_does_not_connect_again(client: FlaskClient, why: str) -> None:
    """F8: nobody is there; nobody knows of them; or this server ends, and may be the last."""
    if why == "off":
        client = make_app(twilio_auth_token=TOKEN, public_base_url=BASE, resume_calls=False).test_client()
    if why != "unknown":
        remember(client, OTHER if why == "another's" else SID)
    if why == "forgotten":
        service_of(client).memories.forget(SID)
    if why == "draining":
        service_of(client).gate.stop_taking_calls()
    ended = post(client, CallStatus="completed" if why == "gone" else "in-progress")
    assert verbs(ended) == (["Hangup"] if why == "gone" else ["Play", "Hangup"])


def test_f8_a_stranger_takes_nothing_up(client: FlaskClient) -> None:
    """F8: not by a request that nobody has signed, nor at a socket with the token of another call."""
    remember(client)
    unsigned = client.post(ENDED, data=CALL, headers={"X-Twilio-Signature": "x"}, base_url=BASE)
    assert unsigned.status_code == 403
    own = parameters(post(client, "/webhook/incoming_call", CallSid=OTHER, CallStatus="ringing"))
    stolen = own | {"call_sid": SID, RESUMES: "1"}
    assert come(client, stolen) == Refused("another call's token")
    assert come(client, {RESUMES: "1"}) == Refused("no token")
    assert verbs(post(client)) == ["Connect"], "and it costs the caller nothing"
