"""No password of a URL and no key in anything that is written, whoever quotes it and in whatever form."""

import io
import json
import logging
import re
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from server.app import phone_agent
from server.config import Config, KnobError, load_config
from server.gunicorn_conf import summary
from server.logs.events import hide_private, log_uncaught
from server.logs.secrets import without_secrets
from server.providers.base import ProviderError, ReplyRequest
from server.providers.openai.llm import OpenAILlm
from server.providers.preflight import try_providers
from server.providers.provider_set import build_providers
from server.runtime.threads import Threads
from server.settings.secret_texts import any_of
from server.settings.url_secrets import is_address, shown
from server.telephony.public_url import doubled_path
from server.turns.effects import PhoneCall

OWN = {"_env_file": None, "state_file": "", "leads_file": "", "vad_engine": "energy"}
SCRIPTED = {f"{kind}_engines": "scripted" for kind in ("asr", "llm", "tts")}
TOKEN = "0123456789abcdef0123456789abcdef"
CLOSED_PORT = "http://agent:{}@127.0.0.1:9/v1"
FEW = settings(max_examples=8, deadline=None)
# Letters that no message of ours has in a row, signs that URLs, repr and JSON write otherwise, Hebrew.
passwords = st.text(st.sampled_from("QXZ789@:/?#%'\"\\ &+=,;!$~\tקץ\u2028🔑"), min_size=1, max_size=16).map(
    lambda text: f"{text}Q7"
)


@contextmanager
def written(config: Config) -> Iterator[io.StringIO]:
    """What our logger, and gunicorn's, write meanwhile."""
    loggers = [logging.getLogger(name) for name in ("agent", "gunicorn.error")]
    before = [(each.handlers[:], each.filters[:], each.level, each.propagate) for each in loggers]
    lines = io.StringIO()
    for each in loggers:
        each.handlers[:], each.filters[:] = [logging.StreamHandler(lines)], []
        each.setLevel(logging.DEBUG)
        each.propagate = False
    hide_private(config)
    try:
        yield lines
    finally:
        for each, (handlers, filters, level, propagate) in zip(loggers, before, strict=True):
            each.handlers[:], each.filters[:], each.level, each.propagate = (
                handlers,
                filters,
                level,
                propagate,
            )


def forms(secret: str) -> list[str]:
    """As anybody may quote it."""
    plain = [
        secret,
        quote(secret, safe=""),
        quote(secret, safe="!$&'()*+,;="),
        _lower(quote(secret, safe="")),
    ]
    escaped = [
        text for form in (secret, quote(secret)) for text in (repr(form), json.dumps(form), ascii(form))
    ]
    twice = [text for form in escaped for text in (repr(form), json.dumps(form))]
    headers = [f"Basic {b64encode(f'agent:{secret}'.encode()).decode()}"]
    return [*plain, *escaped, *twice, *headers, repr(secret.encode())]


def _lower(text: str) -> str:
    return re.sub("%..", lambda found: found.group().lower(), text)


def told(secret: str, text: str) -> list[str]:
    """The forms of ``secret`` that stand in ``text``; of a short one, only what can be nothing else."""
    around = "agent:{}@" if len(secret) < 6 else "{}"
    bare = [form[1:-1] if form[:1] in "'\"" else form.removeprefix("Basic ") for form in forms(secret)]
    return [form for form in bare if around.format(form) in text]


def knobs(secret: str) -> Iterator[tuple[str, str]]:
    """A URL with the password, of each knob that is one; and what was to be one."""
    for name, field in Config.model_fields.items():
        if name != "redis_url" and any(type(mark).__name__ == "Address" for mark in field.metadata):
            for written_as in (secret, quote(secret, safe="")):
                yield from (
                    (name, f"{scheme}agent:{written_as}@h:1{rest}")
                    for scheme in ("https://", "htps:/", "")
                    for rest in ("/v1", "/webhook/incoming_call", "/v1?key=x", "/v1 ")
                )


@FEW
@given(passwords)
def test_no_complaint_of_a_knob_has_the_password(secret: str) -> None:
    """Refused or taken: the knob is named, and its URL is shown without its user info."""
    for name, url in knobs(secret):
        try:
            config = load_config(**OWN | SCRIPTED | {name: url})
        except KnobError as error:
            assert name.upper() in str(error)
            assert not told(secret, str(error)), url
        else:
            shown_there = [*summary(config), doubled_path(config, "/v1"), shown(url)]
            assert not told(secret, "\n".join(shown_there)), url


@FEW
@given(passwords)
def test_no_refusal_of_a_webhook_has_the_password(secret: str) -> None:
    """R8: whoever posts without a good signature brings the line about."""
    url = f"https://agent:{quote(secret, safe='')}@agent.example.com"
    config = load_config(**OWN | SCRIPTED | {"public_base_url": url, "twilio_auth_token": SecretStr(TOKEN)})
    with written(config) as lines:
        blueprint, sock = phone_agent(config)
        app = Flask("host")
        app.register_blueprint(blueprint)
        sock.init_app(app)
        form = {"CallSid": "CA" + "0" * 32}
        answer = app.test_client().post(
            "/webhook/incoming_call", data=form, headers={"X-Twilio-Signature": "x"}
        )
    assert answer.status_code == 403
    assert "WEBHOOK_REFUSED the signature is not for 'https://…@agent.example.com/" in lines.getvalue()
    assert not told(secret, lines.getvalue() + answer.text)


def test_a_public_url_with_a_password_is_signed_and_told_as_it_is() -> None:
    """Twilio takes https://user:password@host for its webhooks: whoever has set one is let in as before."""
    url = "https://agent:pw@agent.example.com"
    config = load_config(**OWN | SCRIPTED | {"public_base_url": url, "twilio_auth_token": SecretStr(TOKEN)})
    blueprint, _ = phone_agent(config)
    app = Flask("host")
    app.register_blueprint(blueprint)
    form = {"CallSid": "CA" + "1" * 32, "CallStatus": "completed"}
    signature = RequestValidator(TOKEN).compute_signature(f"{url}/webhook/stream_status", form)
    answer = app.test_client().post(
        "/webhook/stream_status", data=form, headers={"X-Twilio-Signature": signature}
    )
    assert answer.status_code == 204


@FEW
@given(passwords)
def test_no_provider_and_no_row_of_check_has_the_password(secret: str) -> None:
    """R8: there is nobody at OPENAI_BASE_URL, and every exception quotes where it has looked."""
    url = CLOSED_PORT.format(quote(secret, safe=""))
    config = load_config(**OWN | SCRIPTED | {"openai_base_url": url, "llm_engines": "openai"})
    request = ReplyRequest("שלום", (), 1, "", 0, 400, call=PhoneCall("CA1"))
    llms = build_providers(config, Threads()).llm
    with written(config) as lines:
        try:
            list(OpenAILlm(config).respond(request, 1.0))
        except ProviderError as error:
            logging.getLogger("agent").exception("ENGINE_ERR: asr openai: %s", error)
        (row,) = try_providers(config, SimpleNamespace(tts=(), stt=(), llm=llms))
    assert "no connection to http://…@127.0.0.1:9/v1" in lines.getvalue() and "Traceback" in lines.getvalue()
    assert "no connection to" in row.problem
    assert not told(secret, lines.getvalue() + row.problem)


@FEW
@given(passwords, st.sampled_from(["openai_base_url", "public_base_url", "redis_url"]))
def test_no_exception_that_quotes_it_in_another_form_is_written(secret: str, name: str) -> None:
    """Percent-encoded, decoded, escaped once or twice, in a header; in a cause and in gunicorn's lines."""
    scheme = "redis" if name == "redis_url" else "http"
    url = f"{scheme}://agent:{quote(secret, safe='')}@host.example.com:81/0"
    config = load_config(**OWN | SCRIPTED | {name: SecretStr(url) if name == "redis_url" else url})
    quoting = [url, repr(url), json.dumps(json.dumps(url)), f"{scheme}://agent:{secret}@host", *forms(secret)]
    quoting = [text for text in quoting if len(secret) >= 6 or "agent" in text]
    with written(config) as lines:
        for text in quoting:
            for logger in (logging.getLogger("agent"), logging.getLogger("gunicorn.error")):
                try:
                    raise ValueError(f"at {text}") from OSError(f"no route to {text}, really")
                except ValueError as error:
                    logger.exception("ENGINE_ERR: sim: %s", error)
        assert not told(secret, without_secrets(" ".join(quoting)))
    assert not told(secret, lines.getvalue())
    assert "ValueError" in lines.getvalue()


def test_a_thread_that_dies_is_no_way_out() -> None:
    """Python would write its traceback to standard error, past every log."""
    config = load_config(**OWN, openai_api_key=SecretStr("sk-QXZ7890123456789"))
    with written(config) as lines:
        try:
            raise KeyError("sk-QXZ7890123456789")
        except KeyError as error:
            log_uncaught(threading.ExceptHookArgs((KeyError, error, error.__traceback__, None)))
    assert "THREAD_ERR" in lines.getvalue() and "KeyError" in lines.getvalue()
    assert "sk-QXZ" not in lines.getvalue()


def key_file(key: str) -> str:
    account = {"type": "service_account", "project_id": "my-project-1", "private_key": key}
    return json.dumps(
        account | {"private_key_id": "0a1b2c3d4e5f", "client_email": "a@my-project-1.example.com"}
    )


LINES = [b64encode(bytes(range(start, start + 48))).decode() for start in (0, 48, 96)] + [
    "Zm9vYmFyYmF6cXV4cXV1eA=="
]
KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *LINES, "-----END PRIVATE KEY-----", ""])


@pytest.mark.parametrize("where", ["file", "knob", "knob, unfolded"])
def test_no_line_of_googles_key_is_written(tmp_path: Path, where: str) -> None:
    """GOOGLE_CREDENTIALS_JSON, and what stands in the file of GOOGLE_APPLICATION_CREDENTIALS."""
    content = key_file(KEY)
    if where == "file":
        (tmp_path / "key.json").write_text(content)
        config = load_config(**OWN, google_application_credentials=str(tmp_path / "key.json"))
    else:
        content = content.replace("\\n", "\n") if "unfolded" in where else content
        config = load_config(**OWN, google_credentials_json=SecretStr(content))
    quoting = [KEY, repr(KEY), json.dumps(KEY), content, repr(content), *LINES, "0a1b2c3d4e5f"]
    with written(config) as lines:
        for text in quoting:
            logging.getLogger("agent").error("ENGINE_ERR: google: %s", text)
        logging.getLogger("agent").error("about my-project-1")
    assert not [line for line in [*LINES, "0a1b2c3d4e5f"] if line.rstrip("=") in lines.getvalue()]
    assert "my-project-1" in lines.getvalue()


def test_a_secret_that_is_cut_short_is_none() -> None:
    """A server that answers with the whole request: of its answer a part is quoted, without half a secret."""
    from server.providers.openai.client import events

    config = load_config(**OWN, openai_api_key=SecretStr("sk-QXZ7890123456789"))

    class Answer:
        def iter_bytes(self) -> Iterator[bytes]:
            yield b"Authorization: Bearer " + b"x" * 50 + b"sk-QXZ7890123456789\n"

    with written(config), pytest.raises(ProviderError) as error:
        list(events(Answer()))  # type: ignore[arg-type]
    assert "sk-" not in str(error.value) and "(hid" in str(error.value)


@pytest.mark.parametrize(
    "url, as_shown",
    [
        ("https://agent.example.com/v1", "https://agent.example.com/v1"),
        ("https://a:b@agent.example.com/v1?x=1#y", "https://…@agent.example.com/v1?…"),
        ("https://token@h", "https://…@h"),
        ("a:b@h", "…@h"),
        ("https://a:b?c@h", "https://…@h"),
        ("https://a:b/c@h", "https://…@h"),
        ("", ""),
    ],
)
def test_how_a_url_is_shown(url: str, as_shown: str) -> None:
    assert shown(url) == as_shown


def test_every_knob_that_is_a_url_says_so() -> None:
    """Found by its kind: a knob whose name or sentence tells of a URL is marked as one."""
    urls = {
        name: field
        for name, field in Config.model_fields.items()
        if name.endswith(("_url", "_endpoint", "_host")) or "://" in str(field.description)
    }
    del urls["bind_host"]
    assert all(map(is_address, urls.values())) and len(urls) == 15


def test_a_line_of_backslashes_is_read_once() -> None:
    """A server's error that was escaped again and again: under gevent every call waits for the line."""
    secrets = any_of(frozenset({"/of+a+key/that+is+base64"}))
    assert secrets is not None
    began = time.monotonic()
    assert not secrets.search("\\" * 12_000)
    assert time.monotonic() - began < 2  # 30 ms; from each of them to the end it was seven seconds
