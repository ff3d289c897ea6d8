"""The opening handshake, from what gunicorn says of a request."""

from io import BytesIO
from types import SimpleNamespace

import pytest
from gunicorn.config import Config as GunicornConfig
from gunicorn.http.parser import RequestParser

from server.websocket.handshake import InvalidHandshake, answer, came_along

SUBPROTOCOL = "audio.twilio.com"
ASKED = {
    "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_UPGRADE": "websocket",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
}


def lines(answered: bytes) -> list[str]:
    head, end, rest = answered.decode().partition("\r\n\r\n")
    assert end and not rest
    return head.split("\r\n")


def test_the_answer_is_the_rfcs() -> None:
    answered, chosen = answer(ASKED, SUBPROTOCOL)
    assert chosen is None
    assert lines(answered)[0] == "HTTP/1.1 101 Switching Protocols"
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines(answered)


@pytest.mark.parametrize(
    ("offered", "taken"), [(SUBPROTOCOL, SUBPROTOCOL), (f"chat, {SUBPROTOCOL}", SUBPROTOCOL), ("chat", None)]
)
def test_the_subprotocol_is_taken_where_it_is_offered(offered: str, taken: str | None) -> None:
    answered, chosen = answer(ASKED | {"HTTP_SEC_WEBSOCKET_PROTOCOL": offered}, SUBPROTOCOL)
    assert chosen == taken
    assert (f"Sec-WebSocket-Protocol: {taken}" in lines(answered)) == bool(taken)


def test_compression_is_never_taken() -> None:
    answered, _ = answer(ASKED | {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate"}, SUBPROTOCOL)
    assert b"Extensions" not in answered


WRONG = {
    "no key": {"HTTP_SEC_WEBSOCKET_KEY": ""},
    "a short key": {"HTTP_SEC_WEBSOCKET_KEY": "YWJj"},
    "a key twice": {"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="},
    "no text": {"HTTP_SEC_WEBSOCKET_KEY": "\xff" * 24},
    "an old version": {"HTTP_SEC_WEBSOCKET_VERSION": "8"},
    "no upgrade": {"HTTP_CONNECTION": "keep-alive"},
    "another upgrade": {"HTTP_UPGRADE": "h2c"},
    "a garbled subprotocol": {"HTTP_SEC_WEBSOCKET_PROTOCOL": "a;b\xff"},
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_asks_for_no_websocket_gets_none(kind: str) -> None:
    with pytest.raises(InvalidHandshake):
        answer(ASKED | WRONG[kind], SUBPROTOCOL)


def test_what_gunicorn_has_read_is_handed_over() -> None:
    """By the installed gunicorn's own parser."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    parsed = next(RequestParser(GunicornConfig(), iter([request + b"first", b"later"]), ("127.0.0.1", 1)))
    environ = {"wsgi.input": parsed.body}
    assert (came_along(environ), came_along(environ)) == (b"first", b"")


@pytest.mark.parametrize("body", [None, BytesIO(b"a body"), SimpleNamespace(reader=None)])
def test_another_servers_body_holds_nothing(body: object) -> None:
    assert came_along({"wsgi.input": body}) == b""
