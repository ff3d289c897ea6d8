"""What Twilio may have signed, from what reaches us."""

import pytest
from flask import Flask

from server.config import load_config
from server.telephony.public_url import signed_socket_urls, signed_webhook_urls

APP = Flask(__name__)


@pytest.mark.parametrize(
    ("knobs", "asked", "urls"),
    [
        (
            {"public_base_url": "https://a.example.com"},
            "/webhook/stream_ended",
            ["https://a.example.com/webhook/stream_ended", "https://a.example.com/webhook/stream_ended/"],
        ),
        (
            {"public_base_url": "https://a.example.com/agent/"},
            "/webhook/stream_ended/",
            [
                "https://a.example.com/agent/webhook/stream_ended/",
                "https://a.example.com/agent/webhook/stream_ended",
            ],
        ),
        (
            {"public_host": "a.example.com"},
            "/webhook/stream_ended?a=%D7%90&b=",
            [
                "https://a.example.com/webhook/stream_ended?a=%D7%90&b=",
                "https://a.example.com/webhook/stream_ended/?a=%D7%90&b=",
            ],
        ),
        ({}, "/w", ["http://inner:5000/w", "http://inner:5000/w/"]),
    ],
)
def test_webhooks(knobs: dict[str, str], asked: str, urls: list[str]) -> None:
    """The exact public URL, in both slash forms; a query string is part of it."""
    with APP.test_request_context(asked, base_url="http://inner:5000", method="POST"):
        assert list(signed_webhook_urls(load_config(_env_file=None, **knobs))) == urls


@pytest.mark.parametrize(
    ("base", "urls"),
    [
        (
            "https://a.example.com",
            [
                "wss://a.example.com/ws/twilio-media",
                "wss://a.example.com/ws/twilio-media/",
                "https://a.example.com/ws/twilio-media",
                "https://a.example.com/ws/twilio-media/",
            ],
        ),
        (
            "http://localhost:5000",
            [
                "ws://localhost:5000/ws/twilio-media",
                "ws://localhost:5000/ws/twilio-media/",
                "http://localhost:5000/ws/twilio-media",
                "http://localhost:5000/ws/twilio-media/",
            ],
        ),
    ],
)
def test_sockets(base: str, urls: list[str]) -> None:
    """wss, then https, in both slash forms."""
    with APP.test_request_context("/ws/twilio-media", base_url="http://inner:5000"):
        assert list(signed_socket_urls(load_config(_env_file=None, public_base_url=base))) == urls


def test_what_a_client_claims_does_not_count_beside_the_knob() -> None:
    headers = {"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "http"}
    with APP.test_request_context("/w", headers=headers, base_url="http://evil.example.com"):
        config = load_config(_env_file=None, public_base_url="https://a.example.com")
        assert all(url.startswith("https://a.example.com/") for url in signed_webhook_urls(config))


def test_a_query_is_signed_with_a_sockets_url_too() -> None:
    """Twilio opens none with a query: who has seen a handshake may not vary it."""
    with APP.test_request_context("/ws/twilio-media?a=1", base_url="http://inner:5000"):
        config = load_config(_env_file=None, public_base_url="https://a.example.com")
        assert all(url.endswith("?a=1") for url in signed_socket_urls(config))
