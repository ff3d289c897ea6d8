"""The threads, the settings and the command."""

import json
from pathlib import Path

import pytest

from server.check import try_channels
from server.config import KnobError, load_config
from server.delivery.command import main, told
from server.delivery.dispatch import dispatch_of
from server.delivery.outbox import Outbox
from server.office.lead import Missed
from server.office.leads_writer import LeadsWriter
from server.records.database import Database
from server.runtime.threads import Threads
from server.shared_state.state import SharedState
from tests.delivery.crm import SECRET, Answer, crm_serving
from tests.delivery.world import START, World, line
from tests.waiting import until

SETTINGS = {"LEADS_WEBHOOK_URL": "http://127.0.0.1:9/x", "LEADS_WEBHOOK_SECRET": SECRET}


def test_what_the_writer_writes_arrives(tmp_path: Path) -> None:
    """A detail without a CallSid is whole at once: nobody else can add to it."""
    database = Database("", str(tmp_path / "records.db"))
    with crm_serving() as crm:
        knobs = {"leads_webhook_url": crm.url, "leads_webhook_secret": SECRET, "leads_file": ""}
        dispatch = dispatch_of(load_config(_env_file=None, **knobs), database, Threads())
        assert dispatch is not None
        writer = LeadsWriter("", SharedState(), also=dispatch.take)
        dispatch.begin()
        writer.save_lead("", "+972501112222", (("name", "דנה"),))
        until(lambda: crm.kept, 20)
        writer.save_missed("CA2", "+972501112222", Missed.BUSY)
        dispatch.settle(10)
    assert crm.kept[0]["details"] == {"name": "דנה"}
    assert [found.lead for found in Outbox(database).in_the_making()] == ["CA2"]
    database.close()


def test_nothing_is_sent_where_nothing_is_set(caplog: pytest.LogCaptureFixture) -> None:
    config = load_config(_env_file=None)
    assert dispatch_of(config, None, Threads()) is None and caplog.messages == []
    webhook = {name.lower(): value for name, value in SETTINGS.items()}
    assert dispatch_of(load_config(_env_file=None, **webhook), None, Threads()) is None
    assert caplog.messages[0].startswith("LEAD_STORE_ERR no leads are sent")


def test_the_command_shows_what_has_not_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "records.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECORDS_FILE", file)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert main(["--undelivered"]) == 0 and capsys.readouterr().out == ""
    database = Database("", file)
    world = World(database, [])
    world.collector.take("CA1", json.dumps(line("missed", missed="busy")))
    world.run(1)
    (found,) = world.outbox.in_the_making()
    world.outbox.settle(found, {"webhook": "{}"}, START)
    delivery = world.outbox.claim("webhook", START)
    assert delivery is not None
    world.outbox.park(delivery, "410 Gone")
    assert main(["--undelivered"]) == 1
    (parked,) = world.outbox.undelivered()
    shown = "01/12/2026 09:30 · CA1 · webhook · parked · 1 attempt · 410 Gone · not tried any more"
    assert (capsys.readouterr().out, told(parked)) == (f"{shown}\n", shown)
    assert main(["--retry"]) == 0 and capsys.readouterr().out == "1 to be sent again\n"
    assert world.outbox.undelivered()[0].state == "waiting"
    database.close()


BAD = {
    "no secret": (
        {"leads_webhook_secret": ""},
        "LEADS_WEBHOOK_SECRET: must have at least 16 characters where LEADS_WEBHOOK_URL is set",
    ),
    "short": ({"leads_webhook_secret": "short"}, "LEADS_WEBHOOK_SECRET: must have at least 16"),
    "plain": (
        {"leads_webhook_url": "http://crm.example.com/x"},
        "LEADS_WEBHOOK_URL: must begin with https://",
    ),
    "no mail server": ({"leads_email_to": "a@example.com"}, "SMTP_URL: must be like smtp://"),
    "no address": ({"leads_email_to": "a@example.com,b"}, "LEADS_EMAIL_TO='b': must be an address"),
    "two lines": ({"leads_email_from": "a@example.com\nBcc: x@y.z"}, "LEADS_EMAIL_FROM="),
    "too long": (
        {"leads_retry_hours": "999"},
        "LEADS_RETRY_HOURS='999': must be a whole number from 1 to 336",
    ),
}


@pytest.mark.parametrize(("knobs", "complaint"), BAD.values(), ids=BAD)
def test_settings_that_cannot_be_right(knobs: dict[str, str], complaint: str) -> None:
    base = {name.lower(): value for name, value in SETTINGS.items()}
    with pytest.raises(KnobError) as caught:
        load_config(_env_file=None, **{**base, **knobs})
    assert complaint in str(caught.value) and "short" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://crm.example.com/x", "http://localhost:8000/x", "http://10.0.0.5/x", "http://crm:80/x"]
)
def test_urls_that_are_good(url: str) -> None:
    config = load_config(_env_file=None, leads_webhook_url=url, leads_webhook_secret=SECRET)
    assert config.leads_webhook_url.get_secret_value() == url


def test_check_tries_the_crm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert try_channels() == 0 and "neither LEADS_WEBHOOK_URL" in capsys.readouterr().out
    with crm_serving([Answer(200), Answer(401)]) as crm:
        monkeypatch.setenv("LEADS_WEBHOOK_URL", crm.url)
        monkeypatch.setenv("LEADS_WEBHOOK_SECRET", SECRET)
        assert [try_channels(), try_channels()] == [0, 1]
    good, bad = capsys.readouterr().out.splitlines()
    assert "yes" in good and "a signed test" in good and "NO" in bad and "401 Unauthorized" in bad
