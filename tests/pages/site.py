"""An application with its pages, and a browser without scripts."""

import re
from html.parser import HTMLParser
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import phone_agent
from server.config import Config, load_config

PASSWORD = "correct horse battery"
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)  # quick
TOKEN = "0123456789abcdef0123456789abcdef"
KEPT_NOWHERE = {"state_file": "", "records_file": "", "leads_file": "", "vad_engine": "energy"}
SCRIPTED = {f"{kind}_engines": ("scripted",) for kind in ("asr", "llm", "tts")}


def config_of(**knobs: Any) -> Config:
    return load_config(_env_file=None, **{**KEPT_NOWHERE, **SCRIPTED, **knobs})


def app_of(allowed: Any = None, prefix: str = "", **knobs: Any) -> Flask:
    """With pages; for this machine only unless ``knobs`` say otherwise."""
    app = Flask("host")
    blueprint, sock = phone_agent(config_of(**knobs), pages=True, allowed=allowed)
    app.register_blueprint(blueprint, url_prefix=prefix or None)
    sock.init_app(app)
    return app


def behind_a_password(**knobs: Any) -> Flask:
    return app_of(**{"pages_password_hash": HASH, "twilio_auth_token": TOKEN, **knobs})


def token_in(page: TestResponse) -> str:
    """What the first form of a page brings back."""
    found = re.search(r'name="csrf" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1]


def log_in(client: FlaskClient, password: str = PASSWORD, **query: str) -> TestResponse:
    token = token_in(client.get("/login"))
    return client.post("/login", data={"csrf": token, "password": password}, query_string=query)


def logged_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert log_in(client).status_code == 303
    return client


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


FOREIGN = ("iframe", "object", "embed", "style", "base", "svg", "math", "img", "video", "audio")
OUR_BARS = [{"class": one, "viewbox": "0 0 100 8"} for one in ("bar", "bar over")]


def dangers(page: str) -> list[str]:
    """What in a page could run, or lead elsewhere; the overview's own bars are neither."""
    found = []
    for tag, attributes in Tags(page).found:
        ours = tag == "svg" and any(bar.items() <= attributes.items() for bar in OUR_BARS)
        if tag in FOREIGN and not ours:
            found.append(tag)
        if tag == "script" and not (attributes.get("src") or "").startswith("/"):
            found.append("a script in the page")
        for name, value in attributes.items():
            if name.startswith("on") or name in ("style", "srcdoc"):
                found.append(f"{tag} {name}")
            elif name in ("href", "src", "action", "formaction") and not (value or "").startswith(
                ("/", "?", "#", "data:,")
            ):
                found.append(f"{tag} {name}={value}")
            elif name in ("href", "src", "action") and (value or "").startswith(("//", "/\\")):
                found.append(f"{tag} {name}={value}")
    return found
