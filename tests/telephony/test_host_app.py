"""Newcomer 8, faults 43: what of a host's application keeps Twilio out is told."""

from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, redirect, request

from server.app import phone_agent
from server.config import load_config

SCRIPTED = dict.fromkeys(("asr_engines", "llm_engines", "tts_engines"), "scripted")
CALL = {"CallSid": "CA" + "0" * 32, "From": "+972501234567"}
RING = "/webhook/incoming_call"


class CSRFProtect:
    """As Flask-WTF's, as far as an application meets it."""

    def __init__(self, app: Flask) -> None:
        self._exempt_views: set[str] = set()
        self._exempt_blueprints: set[Any] = set()
        app.extensions["csrf"] = self

        @app.before_request
        def protect() -> None:
            if app.blueprints.get(request.blueprint or "") in self._exempt_blueprints:
                return
            if app.config.get("WTF_CSRF_ENABLED", True) and request.method == "POST":
                abort(400, "The CSRF token is missing.")

    def exempt(self, blueprint: Any) -> None:
        self._exempt_blueprints.add(blueprint)


def mount(app: Flask, base: str = "", **options: Any) -> Flask:
    config = load_config(_env_file=None, public_base_url=base, vad_engine="energy", **SCRIPTED)
    blueprint, sock = phone_agent(config)
    app.register_blueprint(blueprint, **options)
    sock.init_app(app)
    return app


def said(caplog: pytest.LogCaptureFixture, word: str = "HOST_") -> list[tuple[str, str]]:
    return [(it.levelname, it.getMessage()) for it in caplog.records if it.getMessage().startswith(word)]


class TestGuards:
    def test_none(self, caplog: pytest.LogCaptureFixture) -> None:
        client = mount(Flask("host")).test_client()
        for path in (RING, "/webhook/stream_ended", "/media/unknown.wav", "/healthz", "/ws/twilio-media"):
            client.post(path, data=CALL)
            client.get(path)
            client.options(path)
        client.post(RING, data={"a": "9" * 100_000})
        client.get("/not/ours")
        assert said(caplog) == []

    def test_csrf_is_told_with_the_first_request_of_all(self, caplog: pytest.LogCaptureFixture) -> None:
        app = mount(Flask("host"))
        CSRFProtect(app)
        client = app.test_client()
        client.get("/")
        ((level, line),) = said(caplog)
        assert level == "WARNING"
        assert line.startswith("HOST_CSRF") and "csrf.exempt(app.blueprints['phone_agent'])" in line
        client.get("/")
        assert len(said(caplog)) == 1
        assert client.post(RING, data=CALL).status_code == 400
        level, line = said(caplog)[-1]
        assert level == "ERROR"
        assert line.startswith(f"HOST_GUARD POST {RING} was answered 400 ") and "csrf.exempt(" in line

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_csrf_that_lets_us_pass(self, when: str, caplog: pytest.LogCaptureFixture) -> None:
        """What the documents say: ``csrf.exempt(app.blueprints["phone_agent"])``."""
        app = Flask("host")
        csrf = CSRFProtect(app) if when == "before" else None
        mount(app)
        csrf = csrf or CSRFProtect(app)
        csrf.exempt(app.blueprints["phone_agent"])
        assert "<Connect" in app.test_client().post(RING, data=CALL).text
        assert said(caplog) == []

    def test_csrf_that_is_off(self, caplog: pytest.LogCaptureFixture) -> None:
        app = mount(Flask("host"))
        CSRFProtect(app)
        app.config["WTF_CSRF_ENABLED"] = False
        assert app.test_client().post(RING, data=CALL).status_code == 200
        assert said(caplog) == []

    def test_csrf_of_another_library(self, caplog: pytest.LogCaptureFixture) -> None:
        app = mount(Flask("host"))
        app.extensions["csrf"] = object()
        assert app.test_client().post(RING, data=CALL).status_code == 200
        assert said(caplog) == []

    @pytest.mark.parametrize(
        "guard, status, also",
        [
            (lambda: redirect("/login?next=secret"), 302, "→ /login by"),
            (lambda: redirect("https://elsewhere.example/x", 301), 301, "→ elsewhere.example/x by"),
            (lambda: abort(403), 403, "let these URLs pass"),
            (lambda: ("who are you?", 401), 401, "let these URLs pass"),
            (lambda: Response("not now", 503), 503, "let these URLs pass"),
            (lambda: 1 / 0, 500, "let these URLs pass"),
        ],
    )
    @pytest.mark.parametrize(
        "method, path", [("POST", RING), ("POST", "/webhook/stream_ended"), ("GET", "/media/apology.wav")]
    )
    def test_a_guard_that_answers_before_us(
        self, guard: Any, status: int, also: str, method: str, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Login walls, redirects to https, and their like: one line a minute for each URL."""
        app = mount(Flask("host"))
        app.before_request(guard)
        client = app.test_client()
        for _ in range(3):
            assert client.open(path, method=method, data=CALL).status_code == status
        ((level, line),) = said(caplog)
        assert level == "ERROR"
        assert line.startswith(f"HOST_GUARD {method} {path} was answered {status} ")
        assert also in line and "secret" not in line

    def test_its_own_pages_are_the_hosts(self, caplog: pytest.LogCaptureFixture) -> None:
        app = mount(Flask("host"))
        app.before_request(lambda: None if request.path.startswith("/webhook") else abort(403))
        client = app.test_client()
        assert client.get("/page").status_code == 403
        assert client.post(RING, data=CALL).status_code == 200
        assert said(caplog) == []

    def test_our_own_refusals_are_no_guard(self, caplog: pytest.LogCaptureFixture) -> None:
        config = load_config(_env_file=None, twilio_auth_token="a" * 32, vad_engine="energy", **SCRIPTED)
        blueprint, _ = phone_agent(config)
        app = Flask("host")
        app.register_blueprint(blueprint)
        assert app.test_client().post(RING, data=CALL).status_code == 403
        assert said(caplog) == []

    @pytest.mark.parametrize("nested", [False, True])
    def test_wherever_it_is_mounted(self, nested: bool, caplog: pytest.LogCaptureFixture) -> None:
        """Under another name, and inside another blueprint."""
        config = load_config(_env_file=None, vad_engine="energy", **SCRIPTED)
        blueprint, _ = phone_agent(config)
        app = Flask("host")
        parent = Blueprint("office", __name__, url_prefix="/office")
        (parent if nested else app).register_blueprint(blueprint, name="telephone")
        if nested:
            app.register_blueprint(parent)
        csrf = CSRFProtect(app)
        name, prefix = ("office.telephone", "/office") if nested else ("telephone", "")
        client = app.test_client()
        assert client.post(prefix + RING, data=CALL).status_code == 400
        assert [line.split()[0] for _, line in said(caplog)] == ["HOST_CSRF", "HOST_GUARD"]
        assert f"app.blueprints[{name!r}]" in caplog.text
        csrf.exempt(app.blueprints[name])
        assert client.post(prefix + RING, data=CALL).status_code == 200


class TestPrefix:
    @pytest.mark.parametrize(
        "base, prefix, twice",
        [
            ("https://a.example/phone", "/phone", "https://a.example/phone/phone/webhook/incoming_call"),
            ("https://a.example/phone/", "/phone/", "https://a.example/phone/phone/webhook/incoming_call"),
            ("https://a.example/x/phone", "/phone", "https://a.example/x/phone/phone/webhook/incoming_call"),
            ("https://a.example/x", "/x/y", "https://a.example/x/x/y/webhook/incoming_call"),
            ("https://a.example/x/y", "/x/y", "https://a.example/x/y/x/y/webhook/incoming_call"),
        ],
    )
    def test_a_path_that_comes_twice(
        self, base: str, prefix: str, twice: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Said at mount, with the URL that Twilio would be told."""
        app = mount(Flask("host"), base, url_prefix=prefix)
        ((level, line),) = said(caplog)
        assert level == "WARNING"
        assert line.startswith("HOST_PREFIX") and f" {twice}:" in line
        answer = app.test_client().post(f"/{prefix.strip('/')}{RING}", data=CALL).text
        assert twice.replace("incoming_call", "stream_status") in answer

    @pytest.mark.parametrize(
        "base, prefix",
        [
            ("", ""),
            ("", "/phone"),
            ("https://a.example", "/phone"),
            ("https://a.example/", "/phone"),
            ("https://a.example/agent", ""),
            ("https://a.example/agent", "/phone"),
            ("https://a.example/phones", "/phone"),
            ("https://a.example/phone/x", "/phone"),
        ],
    )
    def test_a_path_that_comes_once(self, base: str, prefix: str, caplog: pytest.LogCaptureFixture) -> None:
        mount(Flask("host"), base, url_prefix=prefix or None)
        assert said(caplog) == []
