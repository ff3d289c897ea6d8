"""What every page gets by being added: the door, the log, the language, an error page."""

import logging
from typing import Any

import pytest
from flask import Flask, Response, abort
from flask.testing import FlaskClient

from server.pages.door import Allowed
from server.pages.kinds import Kind
from server.pages.login import add_login
from server.pages.pages import Pages, render
from server.pages.sessions import Sessions
from server.shared_state.state import SharedState
from tests.pages.site import HASH, log_in

SIDS = [
    "CA1",
    "CA" + "0" * 32 + "@2",
    "x" * 400,
    "a b",
    "שלום",
    "CA1\nPAGE_LOGIN who=x",
    "\u202egnp",
    "%00",
    "../x",
    "-",
]


def site(kind: Kind = Kind.PASSWORD, allowed: Allowed | None = None) -> Flask:
    pages = Pages(kind, Sessions((HASH,), SharedState(), 12), lambda: False, allowed)

    def home() -> Response:
        return render("pages/login.html")

    def call_page(sid: str) -> Response:
        return abort(404) if sid == "unknown" else render("pages/login.html")

    def call_audio(sid: str) -> Response:
        return Response(b"RIFF", mimetype="audio/wav")

    def call_data(sid: str) -> dict[str, str]:
        return {"sid": sid}

    def mark_call(sid: str) -> Response:
        return Response("marked")

    add_login(pages, HASH, "")
    pages.add("/", home, title=("ראשי", "Home"))
    pages.add("/calls/<sid>", call_page)
    pages.add("/calls/<sid>/audio", call_audio)
    pages.add("/calls/<sid>/data", call_data, data=True)
    pages.add("/calls/<sid>/mark", mark_call, ("POST",))
    app = Flask("host")
    app.register_blueprint(pages.blueprint)
    return app


@pytest.fixture
def client() -> FlaskClient:
    return site().test_client()


def said(caplog: pytest.LogCaptureFixture, word: str) -> list[str]:
    return [line for record in caplog.records if (line := record.getMessage()).startswith(word)]


def test_a_page_leads_to_the_login_and_data_says_that_it_is_none(client: FlaskClient) -> None:
    page = client.get("/calls/CA1")
    assert (page.status_code, page.headers["Location"]) == (303, "/login?next=call_page&sid=CA1")
    data = client.get("/calls/CA1/data")
    assert (data.status_code, data.mimetype) == (401, "text/plain")
    assert client.post("/calls/CA1/mark").status_code == 401


@pytest.mark.parametrize("sid", SIDS, ids=range(len(SIDS)))
def test_after_the_login_the_call_is_shown_that_was_asked_for(client: FlaskClient, sid: str) -> None:
    where = log_in(client, next="call_page", sid=sid).headers["Location"]
    assert where.startswith("/calls/") and "\n" not in where
    assert client.get(where).status_code in (200, 404)  # 404: a slash in it is no sid


def test_a_login_leads_to_no_form_and_to_no_data(client: FlaskClient) -> None:
    for name in ("mark_call", "call_data", "logout", "call_page"):
        assert log_in(site().test_client(), next=name).headers["Location"] == "/"


def test_who_opens_a_call_and_who_listens_is_in_the_log(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="agent"):
        log_in(client)
        for path in ("/calls/CA1", "/calls/CA1", "/calls/CA1/audio", "/calls/CA1/audio", "/calls/CA2", "/"):
            client.get(path)
        client.get("/calls/unknown")
        site().test_client().get("/calls/CA3/audio")
    opened, heard = said(caplog, "PAGE_OPENED"), said(caplog, "PAGE_HEARD")
    (who,) = {line.partition(" who=")[2] for line in opened + heard}
    assert who.startswith("session:") and who.endswith(" from=127.0.0.1")
    assert [line.split(" who=")[0] for line in opened] == [
        "PAGE_OPENED call=CA1 page=call_page",
        "PAGE_OPENED call=CA2 page=call_page",
    ]
    assert [line.split(" who=")[0] for line in heard] == ["PAGE_HEARD call=CA1 page=call_audio"]


def test_nobody_can_use_what_the_log_says_of_a_visit(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="agent"):
        log_in(client)
    (line,) = said(caplog, "PAGE_LOGIN")
    shown = line.partition("session:")[2].split()[0]
    assert len(shown) == 6


@pytest.mark.parametrize("sid", SIDS, ids=range(len(SIDS)))
def test_no_line_of_the_log_can_be_made_up(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, sid: str
) -> None:
    app = site(Kind.HOST, lambda: sid)
    with caplog.at_level(logging.INFO, logger="agent"):
        found = app.test_client().get("/calls/" + sid.replace("/", "").replace(".", ""))
    assert found.status_code == 200
    (line,) = said(caplog, "PAGE_OPENED")
    assert line.isprintable() and len(line) < 400 and not said(caplog, "PAGE_LOGIN")


def test_an_unknown_page_is_404_and_says_so(client: FlaskClient) -> None:
    log_in(client)
    page = client.get("/calls/unknown?lang=en")
    assert page.status_code == 404 and "no such page" in page.text
    assert client.get("/calls/unknown?lang=he").text.count("אין כאן דף כזה") == 1


def test_the_language_is_kept(client: FlaskClient) -> None:
    assert 'lang="he" dir="rtl"' in client.get("/login").text
    assert 'lang="en" dir="ltr"' in client.get("/login?lang=en").text
    assert 'lang="en" dir="ltr"' in client.get("/login").text
    assert 'lang="en" dir="ltr"' in client.get("/login?lang=fr").text
    client.set_cookie("agent_pages_lang", "<x>")
    assert 'lang="he" dir="rtl"' in client.get("/login").text


def test_the_other_language_keeps_what_was_asked_for(client: FlaskClient) -> None:
    log_in(client)
    page = client.get("/?day=2026-11-29&words=<b>")
    assert 'href="?day=2026-11-29&amp;words=%3Cb%3E&amp;lang=en"' in page.text


def test_a_script_sends_the_token_in_a_header(client: FlaskClient) -> None:
    log_in(client)
    token = token_of(client)
    assert client.post("/calls/CA1/mark", headers={"X-CSRF-Token": token}).text == "marked"
    assert client.post("/calls/CA1/mark").status_code == 403


def token_of(client: FlaskClient) -> Any:
    return client.get("/").text.partition('name="csrf" value="')[2].partition('"')[0]


def test_a_name_is_found_by_its_rule() -> None:
    pages = Pages(Kind.HOST, Sessions((), SharedState(), 12), lambda: False, lambda: True)

    def phone() -> str:
        return ""

    pages.add("/phone", phone)
    assert pages.name_of("/phone") == "phone" and pages.name_of("/calls") is None
