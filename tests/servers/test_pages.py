"""The pages as a browser meets them: a real server, two workers, argon2 beside gevent's hub."""

import socket
from pathlib import Path

import requests

from tests.pages.site import HASH, PASSWORD
from tests.serving import GUNICORN, ROOT, started

EACH_WORKER = 16  # requests on connections of their own: one worker alone does not get them all


def test_a_login_and_a_logout_hold_for_all_workers(tmp_path: Path) -> None:
    knobs = {
        "WEB_CONCURRENCY": "2",
        "STATE_FILE": str(tmp_path / "agent.db"),
        "RECORDS_FILE": str(tmp_path / "records.db"),
        "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
        "PAGES_PASSWORD_HASH": HASH,
    }
    with started(GUNICORN, ROOT, tmp_path / "log", **knobs) as server, requests.Session() as browser:
        browser.trust_env = False
        browser.headers["Connection"] = "close"
        home, login = f"http://{server.address}/", f"http://{server.address}/login"

        def answers(session: requests.Session) -> set[int]:
            found = [session.get(home, timeout=5, allow_redirects=False) for _ in range(EACH_WORKER)]
            return {answer.status_code for answer in found}

        slow = _sends_half_a_form(server.address)
        assert server.has_said(
            f"pages: http://localhost:{server.address.partition(':')[2]}/, behind a password"
        )
        assert answers(browser) == {303}
        token = _token(browser.get(login, timeout=15).text)
        wrong = browser.post(login, data={"csrf": token, "password": "wrong one"}, timeout=15)
        assert wrong.status_code == 403
        first = browser.post(login, data={"csrf": token, "password": PASSWORD}, timeout=15)
        assert first.status_code == 200 and first.url == home  # led there, and let in
        assert answers(browser) == {200}
        copied = browser.cookies.copy()
        left = browser.post(f"{home}logout", data={"csrf": _token(first.text)}, timeout=15)
        assert left.url == login
        browser.cookies.update(copied)
        assert answers(browser) == {303}
        assert server.has_said("PAGE_LOGOUT who=session:")
        with slow:
            assert slow.recv(12) == b"HTTP/1.1 400"  # cut, and not waited for longer
        assert "PAGE_ERR" not in server.log


def _sends_half_a_form(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    head = f"POST /login HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    connection.sendall(f"{head}Content-Length: 1000\r\n\r\ncsrf=".encode())
    return connection


def _token(page: str) -> str:
    return page.partition('name="csrf" value="')[2].partition('"')[0]
