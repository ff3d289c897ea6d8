"""The pages in a host's application: the host says who may see them, under its own prefix and frame."""

import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, redirect, request, session
from jinja2 import ChoiceLoader, DictLoader
from werkzeug.wrappers import Response

from server.app import phone_agent
from server.pages.pages import FORM_COOKIE
from tests.pages.site import app_of, behind_a_password, config_of, log_in, token_in


@pytest.mark.parametrize("answer", [False, None, "", 0])
def test_whom_the_host_does_not_know_sees_nothing(answer: Any) -> None:
    client = app_of(allowed=lambda: answer).test_client()
    assert client.get("/").status_code == 403
    assert client.post("/logout").status_code == 403
    assert client.get("/login").headers["Location"] == "/"  # there is no password to ask for
    assert client.post("/login", data={"password": "x"}).status_code == 403


def test_the_host_is_asked_at_each_request() -> None:
    asked: list[str] = []

    def allowed() -> bool:
        asked.append(request.path)
        return len(asked) == 1

    client = app_of(allowed=allowed).test_client()
    assert [client.get("/").status_code for _ in range(2)] == [200, 403]
    assert asked == ["/", "/"]


def test_a_host_that_fails_lets_nobody_in() -> None:
    def allowed() -> bool:
        raise KeyError("session store")

    assert app_of(allowed=allowed).test_client().get("/").status_code == 500


def test_the_host_goes_before_the_password_and_a_public_server() -> None:
    app = behind_a_password(allowed=lambda: "dana", public_base_url="https://agent.example.com")
    assert app.test_client().get("/").status_code == 200


def test_a_host_may_lead_to_its_own_login() -> None:
    def allowed() -> str:
        if "staff" not in session:
            abort(redirect("/staff/login"))
        return str(session["staff"])

    app = app_of(allowed=allowed)
    app.secret_key = "a secret of the host's"
    client = app.test_client()
    assert client.get("/").headers["Location"] == "/staff/login"
    with client.session_transaction() as kept:
        kept["staff"] = "dana"
    assert client.get("/").status_code == 200


def test_under_a_prefix(caplog: pytest.LogCaptureFixture) -> None:
    """Paths, files, cookies and the way to the login; and no guard of the host's is told of."""
    app = behind_a_password(prefix="/office/phone")
    client = app.test_client()
    assert client.get("/").status_code == 404
    assert client.get("/office/phone/").headers["Location"] == "/office/phone/login"
    page = client.get("/office/phone/login")
    assert 'href="/office/phone/pages/static/pages.css"' in page.text
    with client.get("/office/phone/pages/static/pages.css") as file:
        assert file.status_code == 200
    assert "Path=/office/phone/" in page.headers["Set-Cookie"]
    data = {"csrf": token_in(page), "password": "correct horse battery"}
    assert client.post("/office/phone/login", data=data).headers["Location"] == "/office/phone/"
    assert client.get("/office/phone/").status_code == 200
    assert [record for record in caplog.records if "HOST_" in record.getMessage()] == []


def test_the_hosts_own_frame() -> None:
    """A template of the host's, by the same name, goes around our blocks."""
    app = app_of(allowed=lambda: True)
    frame = "<h1>Clinic</h1>{% block main %}{% endblock %}"
    app.jinja_loader = ChoiceLoader([DictLoader({"pages/base.html": frame})])  # type: ignore[assignment]
    page = app.test_client().get("/?lang=en")
    assert page.text.startswith("<h1>Clinic</h1>") and "The last calls" in page.text


def test_a_login_wall_of_the_hosts_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """Around the pages it is right; around Twilio's webhooks it would keep calls out."""
    app = app_of(allowed=lambda: True)

    @app.before_request
    def only_staff() -> Response | None:
        return None if request.blueprint == "phone_agent" else redirect("/staff/login")

    with caplog.at_level(logging.WARNING):
        assert app.test_client().get("/").headers["Location"] == "/staff/login"
        assert app.test_client().get("/pages/static/pages.css").status_code == 302
    assert [record for record in caplog.records if "HOST_GUARD" in record.getMessage()] == []


def test_a_form_of_a_host_without_secrets_has_a_token_too() -> None:
    client = app_of(allowed=lambda: True).test_client()
    client.get("/login")
    assert client.post("/logout").status_code == 403
    client.set_cookie(FORM_COOKIE, "x")
    assert client.post("/logout", data={"csrf": ""}).status_code == 403


@pytest.mark.parametrize(("pages", "allowed"), [(False, lambda: True), (True, "dana"), (True, 5)])
def test_what_cannot_be_meant_is_refused_at_mount(pages: bool, allowed: Any) -> None:
    with pytest.raises(TypeError, match="allowed="):
        phone_agent(config_of(), pages=pages, allowed=allowed)


def test_a_host_that_asks_for_no_pages_has_none(tmp_path: Path) -> None:
    app = Flask("host")
    blueprint, sock = phone_agent(config_of())
    app.register_blueprint(blueprint)
    assert app.test_client().get("/").status_code == 404
    assert not [rule for rule in app.url_map.iter_rules() if ".pages." in rule.endpoint]


def test_who_opens_a_call_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """By the name that the host gives them, on one line, whatever it holds."""
    with caplog.at_level(logging.INFO, logger="agent"):
        client = app_of(allowed=lambda: "dana\nPAGE_LOGIN x" * 9).test_client()
        assert client.get("/").status_code == 200
        log_in(behind_a_password().test_client())
    said = [record.getMessage() for record in caplog.records]
    assert not any("\n" in line for line in said)
    assert any(
        line.startswith("PAGE_LOGIN who=session:") and line.endswith("from=127.0.0.1") for line in said
    )
