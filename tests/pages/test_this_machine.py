"""Without a password: open to this machine alone, and shut where the server is public."""

from typing import Any

import pytest

from server.app import create_app
from server.pages.kinds import Kind, kind_of
from tests.pages.site import HASH, TOKEN, app_of, config_of, token_in

PUBLIC: list[dict[str, Any]] = [
    {"twilio_auth_token": TOKEN},
    {"public_base_url": "https://agent.example.com"},
    {"public_base_url": "http://agent.example.com"},
    {"public_host": "agent.example.com"},
    {"bind_host": "0.0.0.0"},
    {"bind_host": "192.0.2.1"},
    {"bind_host": "::"},
    {"twilio_auth_token": TOKEN, "bind_host": "127.0.0.1"},
]


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"])
@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "127.9.9.9"])
def test_this_machine_is_let_in(host: str, remote: str) -> None:
    client = app_of().test_client()
    page = client.get("/", headers={"Host": host}, environ_overrides={"REMOTE_ADDR": remote})
    assert page.status_code == 200


def test_a_proxy_that_says_nothing_of_itself_is_not_this_machine() -> None:
    """nginx with ``proxy_pass`` alone: HTTP/1.0, and its own address as the host."""
    by_proxy = {"REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.0"}
    page = app_of().test_client().get("/", headers={"Host": "127.0.0.1:5000"}, environ_overrides=by_proxy)
    assert page.status_code == 403


@pytest.mark.parametrize(
    ("host", "remote", "headers"),
    [
        ("localhost", "192.0.2.1", {}),
        ("localhost", "10.0.0.5", {}),
        ("localhost", "172.17.0.1", {}),
        ("localhost", "::ffff:192.0.2.1", {}),
        ("localhost", "", {}),
        ("localhost", "x", {}),
        ("evil.example", "127.0.0.1", {}),  # its name was made to lead here
        ("localhost.evil.example", "127.0.0.1", {}),
        ("127.0.0.1.evil.example", "127.0.0.1", {}),
        ("evil.example:5000", "127.0.0.1", {}),
        ("[::1", "127.0.0.1", {}),
        ("0.0.0.0:5000", "127.0.0.1", {}),
        ("localhost", "127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}),  # a tunnel, a proxy
        ("localhost", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("localhost", "127.0.0.1", {"Forwarded": "for=192.0.2.1"}),
        ("localhost", "127.0.0.1", {"X-Real-IP": "192.0.2.1"}),
        ("localhost", "127.0.0.1", {"Connection": "close"}),
        ("localhost", "127.0.0.1", {"X-Forwarded-Host": "agent.example.com"}),
        ("localhost", "127.0.0.1", {"Via": "1.1 proxy"}),
        ("localhost", "127.0.0.1", {"X-Forwarded-Proto": "https"}),  # docs/live.md's nginx
        ("localhost", "127.0.0.1", {"Cf-Connecting-Ip": "192.0.2.1"}),
        ("localhost", "192.0.2.1", {"X-Forwarded-For": "127.0.0.1"}),
    ],
)
def test_others_are_not(host: str, remote: str, headers: dict[str, str]) -> None:
    page = (
        app_of()
        .test_client()
        .get("/?lang=en", headers={"Host": host, **headers}, environ_overrides={"REMOTE_ADDR": remote})
    )
    assert page.status_code in (400, 403) and "What is in use" not in page.text
    if page.status_code == 403:
        assert "./start_all.sh password" in page.text


@pytest.mark.parametrize("knobs", PUBLIC, ids=str)
def test_a_public_server_without_a_password_has_no_pages(knobs: dict[str, Any]) -> None:
    client = app_of(**knobs).test_client()
    up = client.get("/")
    assert (up.status_code, up.text, up.mimetype) == (200, "The phone agent is up.\n", "text/plain")
    for path in ("/login", "/logout", "/pages/static/pages.css"):
        assert client.get(path).status_code in (404, 405)
        assert client.post(path, data={"password": ""}).status_code in (404, 405)
    assert "Set-Cookie" not in client.get("/?lang=en").headers


@pytest.mark.parametrize("knobs", [{}, *PUBLIC], ids=str)
def test_the_settings_say_who_may(knobs: dict[str, Any]) -> None:
    assert kind_of(config_of(**knobs)) is (Kind.SHUT if knobs else Kind.THIS_MACHINE)
    assert kind_of(config_of(**knobs, pages_password_hash=HASH)) is Kind.PASSWORD
    assert kind_of(config_of(**knobs), by_host=True) is Kind.HOST


@pytest.mark.parametrize(("on", "status"), [(True, 200), (False, 404)])
def test_our_own_server_has_pages_unless_told_otherwise(on: bool, status: int) -> None:
    assert create_app(config_of(pages=on)).test_client().get("/").status_code == status


def test_without_a_login_there_is_nothing_to_log_out_of() -> None:
    client = app_of().test_client()
    assert client.get("/login").headers["Location"] == "/"
    assert "logout" not in client.get("/").text
    assert client.post("/logout").status_code == 403


def test_a_form_of_this_machine_has_a_token() -> None:
    """Any site's script could send one to localhost."""
    app = app_of(allowed=lambda: True)
    assert app.test_client().post("/logout", data={"csrf": "x"}).status_code == 403
    with pytest.raises(AssertionError):
        token_in(app.test_client().get("/"))  # no form, and so no cookie
