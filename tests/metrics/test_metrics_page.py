"""``/metrics``: who is told the numbers, and which."""

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from server.app import create_app, phone_agent
from server.config import KnobError, load_config
from server.metrics.metrics import build
from tests.serving import ENGINES

TOKEN = "a-token-that-nobody-guesses"
NEAR = {"base_url": "http://localhost:5000", "environ_base": {"REMOTE_ADDR": "127.0.0.1"}}


def client_of(**knobs):
    engines = {name.lower(): (value,) for name, value in ENGINES.items()}
    quick = {"vad_engine": "energy", "bind_host": "127.0.0.1", "twilio_auth_token": "", "public_base_url": ""}
    return create_app(load_config(_env_file=None, **(engines | quick | knobs))).test_client()


def told(answer):
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def test_this_machine_is_told_while_nobody_else_reaches_it():
    answer = client_of().get("/metrics", **NEAR)
    assert answer.status_code == 200 and answer.mimetype == "text/plain"
    assert {"phone_agent_calls", "phone_agent_gap_seconds", "phone_agent_places"} <= told(answer).keys()


@pytest.mark.parametrize(
    "public",
    [
        {"public_base_url": "https://agent.example.com"},
        {"bind_host": "0.0.0.0"},
        {"twilio_auth_token": "0123456789abcdef0123456789abcdef"},
    ],
)
def test_without_a_token_a_public_server_has_none(public):
    assert client_of(**public).get("/metrics", **NEAR).status_code == 404


@pytest.mark.parametrize(
    "request_",
    [
        {**NEAR, "headers": {"X-Forwarded-For": "203.0.113.9"}},
        {**NEAR, "base_url": "http://rebound.example.com:5000"},
        {**NEAR, "environ_base": {"REMOTE_ADDR": "203.0.113.9"}},
    ],
)
def test_nor_is_anybody_told_who_only_comes_through_this_machine(request_):
    assert client_of().get("/metrics", **request_).status_code == 404


@pytest.fixture(scope="module")
def client():
    return client_of(metrics_token=TOKEN, public_base_url="https://agent.example.com")


class TestAToken:
    def test_opens_it(self, client):
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200 and "phone_agent_workers" in told(answer)

    @pytest.mark.parametrize(
        "shown", ["", f"Basic {TOKEN}", "Bearer", "Bearer wrong", f"Bearer {TOKEN}x", "Bearer é", TOKEN]
    )
    def test_another_one_does_not(self, client, shown, caplog):
        answer = client.get("/metrics", headers={"Authorization": shown}, **NEAR)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
        assert TOKEN not in answer.text + caplog.text

    def test_is_not_to_be_guessed(self):
        with pytest.raises(KnobError, match="METRICS_TOKEN: must have at least 16 characters"):
            load_config(_env_file=None, metrics_token="short")


def test_a_newer_prometheus_gets_the_format_that_it_asks_for():
    asked = {"Accept": "application/openmetrics-text;version=1.0.0"}
    answer = client_of().get("/metrics", headers=asked, **NEAR)
    assert answer.mimetype == "application/openmetrics-text" and answer.text.endswith("# EOF\n")


def test_in_a_host_s_application_it_takes_a_token(monkeypatch):
    for name, value in ENGINES.items():
        monkeypatch.setenv(name, value)
    app = Flask(__name__)
    blueprint, _ = phone_agent()
    app.register_blueprint(blueprint, url_prefix="/agent")
    assert app.test_client().get("/agent/metrics", **NEAR).status_code == 404


def test_what_all_workers_have_together(tmp_path):
    """Leads by channel, though there are none; the database answers."""
    client = client_of(
        max_calls=7,
        records_file=str(tmp_path / "records.db"),
        leads_email_to="office@example.com",
        smtp_url="smtp://localhost",
    )
    found = told(client.get("/metrics", **NEAR))
    left = {tuple(one.labels.values()): one.value for one in found["phone_agent_leads_undelivered"].samples}
    assert left == {("email", "waiting"): 0, ("email", "parked"): 0}
    assert found["phone_agent_records_up"].samples[0].value == 1
    assert found["phone_agent_records_spool_bytes"].samples[0].value == 0
    assert found["phone_agent_places"].samples[0].value == 7


def test_records_that_are_away_are_told_and_the_rest_with_them(tmp_path):
    (tmp_path / "file").write_text("no folder")
    client = client_of(records_file=str(tmp_path / "file" / "records.db"))
    found = told(client.get("/metrics", **NEAR))
    assert found["phone_agent_records_up"].samples[0].value == 0
    assert "phone_agent_leads_undelivered" not in found and "phone_agent_calls" in found


def test_what_may_wake_somebody_is_told_before_its_first_time():
    """Prometheus sees no increase of what appears with 1."""
    metrics = build(CollectorRegistry())
    for counter, value in (
        (metrics.refused, "MAX_CALLS"),
        (metrics.calls, "failed"),
        (metrics.call_errors, "stt"),
        (metrics.repairs, "from its frame"),
    ):
        (family,) = counter.collect()
        told = {
            tuple(one.labels.values()): one.value for one in family.samples if one.name.endswith("_total")
        }
        assert told[value,] == 0


def test_who_is_turned_away_is_counted_by_the_limit():
    client = client_of(max_calls=1)
    for sid in ("CA1", "CA2"):
        client.post("/webhook/incoming_call", data={"CallSid": sid, "From": f"+97254000000{sid[-1]}"})
    found = told(client.get("/metrics", **NEAR))["phone_agent_calls_refused"]
    assert {one.labels["limit"] for one in found.samples if one.name.endswith("_total")} >= {"MAX_CALLS"}
