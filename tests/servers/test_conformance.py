"""The WebSocket of a call under real gunicorns, against Autobahn's cases; bench.conformance has the table."""

from collections.abc import Iterator

import pytest

from tests.serving import Server
from tests.websocket.catalogue_utf8 import CASES
from tests.websocket.client import NOT_STRICT, OK, echoing, talk, verdict
from tests.websocket.frames import TEXT, close, frame

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with echoing(request.param, "own") as server:
        yield server


@pytest.mark.parametrize("hurried", [False, True])
def test_autobahns_cases_strictly(hurried: bool, server: Server) -> None:
    """Also by a client that closes before it has read an answer."""
    verdicts = {case.number: verdict(server.address, case, hurried=hurried) for case in CASES}
    assert {number: verdict for number, verdict in verdicts.items() if verdict != OK} == {}


def test_frames_that_come_with_the_handshake_are_answered(server: Server) -> None:
    """gunicorn has read them from the connection; and of the last, the half."""
    first, last = frame(TEXT, b"first"), frame(TEXT, b"last")
    answers, code = talk(server.address, last[5:] + close(), at_once=first + last[:5])
    assert (answers, code) == ([(TEXT, b"first"), (TEXT, b"last")], 1000)


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_flask_socks_own_answers_too(worker_class: str) -> None:
    """Where it is asked for. Its reader is ahead of who echoes: what came before a fault may be lost."""
    with echoing(worker_class, "flask-sock") as server:
        verdicts = {case.number: verdict(server.address, case) for case in CASES if case.section in "12345"}
    assert {number for number, verdict in verdicts.items() if verdict not in (OK, NOT_STRICT)} == set()
