"""A WebSocket to a provider, over real sockets: it is given up at every stage, and leaves nothing behind."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

import pytest
import trustme
from websockets.sync.server import ServerConnection, serve

from server.providers.base import Cancelled, ProviderError
from server.providers.streaming import connection as module
from server.providers.streaming.connection import Connection, ConnectionLost
from tests.providers.reading import under_gevent
from tests.providers.sockets import address, connecting, full, listening, nothing_left, peer, port_of, upgrade
from tests.waiting import until

AT_ONCE_S = 0.1
MANY_BYTES = 64_000_000  # more than any socket's buffers take

Reached = Callable[[], object]
Stage = Callable[[], AbstractContextManager[tuple[str, Reached]]]


@contextmanager
def while_tcp_connects() -> Iterator[tuple[str, Reached]]:
    with listening(backlog=0) as listener, full(listener):
        others = connecting(listener)
        yield f"ws://127.0.0.1:{port_of(listener)}", lambda: connecting(listener) > others


@contextmanager
def behind(scheme: str, serves: Callable[[socket.socket], None]) -> Iterator[tuple[str, Reached]]:
    """The client has got so far that ``serves`` returned."""
    reached = threading.Event()

    def serve_and_tell(client: socket.socket) -> None:
        serves(client)
        reached.set()

    with peer(serve_and_tell) as port:
        yield f"{scheme}://127.0.0.1:{port}", reached.is_set


def hears(client: socket.socket) -> None:
    client.recv(1)


def upgrades(client: socket.socket) -> None:
    upgrade(client)
    client.recv(1)


def opens(connection: Connection) -> None:
    connection.open(5.0)


def receives(connection: Connection) -> None:
    connection.open(5.0)
    connection.send("hello")
    connection.receive(30.0)


def sends(connection: Connection) -> None:
    connection.open(5.0)
    connection.send(bytes(MANY_BYTES))


STAGES: dict[str, tuple[Stage, Callable[[Connection], None]]] = {
    "TCP connects": (while_tcp_connects, opens),
    "TLS shakes hands": (lambda: behind("wss", hears), opens),
    "upgrade": (lambda: behind("ws", hears), opens),
    "receive": (lambda: behind("ws", upgrades), receives),
    "send": (lambda: behind("ws", upgrades), sends),
}


class Acting:
    """``act`` on a thread of its own, and how it ended."""

    def __init__(self, connection: Connection, act: Callable[[Connection], None]) -> None:
        self.error: Exception | None = None
        self._act = act
        self._connection = connection
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._act(self._connection)
        except (ProviderError, Cancelled) as error:
            self.error = error

    def ended_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


class TestShutDown:
    @pytest.mark.parametrize("stage", STAGES)
    def test_at_every_stage(self, stage: str) -> None:
        """D2: who waits ends at once; neither a thread nor a descriptor is left."""
        standing, act = STAGES[stage]
        with nothing_left(), standing() as (url, reached):
            with nothing_left(url):
                connection = Connection(address(url))
                acting = Acting(connection, act)
                until(reached)
                assert not acting.ended_within(0.02), acting.error
                connection.shut_down()
                assert acting.ended_within(AT_ONCE_S)
                assert isinstance(acting.error, Cancelled) and not connection.is_open
            connection.shut_down()

    def test_before_it_opens(self) -> None:
        with nothing_left(), behind("ws", upgrades) as (url, _), nothing_left(url):
            connection = Connection(address(url))
            connection.shut_down()
            with pytest.raises(Cancelled):
                connection.open(5.0)

    def test_of_one_whose_messages_nobody_reads(self) -> None:
        """However many wait: its end is seen behind them."""

        told = threading.Event()

        def tells_much(connection: ServerConnection) -> None:
            for _ in range(100):
                connection.send("{}")
            told.set()

        with serving(tells_much) as url, nothing_left(url):
            connection = Connection(address(url))
            connection.open(5.0)
            assert connection.receive(5.0) == {} and told.wait(5)
            connection.shut_down()


@contextmanager
def serving(handle: Callable[[ServerConnection], None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A WebSocket server's address. It waits for its client's end once ``handle`` has returned."""

    def run(connection: ServerConnection) -> None:
        handle(connection)
        connection.wait_closed()

    with serve(run, "127.0.0.1", 0, ssl=tls) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.socket.getsockname()[1]
            yield f"wss://localhost:{port}" if tls else f"ws://127.0.0.1:{port}"
        finally:
            server.shutdown()
            thread.join(5)


class TestDeadlines:
    @pytest.mark.parametrize("stage", ["TCP connects", "TLS shakes hands", "upgrade"])
    def test_an_opening_that_takes_too_long(self, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "CONNECT_S", 0.3)
        standing, _ = STAGES[stage]
        with nothing_left(), standing() as (url, _), nothing_left(url):
            began = time.monotonic()
            with pytest.raises(ConnectionLost, match=r"no connection to 127\.0\.0\.1"):
                Connection(address(url)).open(5.0)
            assert 0.25 < time.monotonic() - began < 0.6

    def test_an_opening_within_what_is_left(self) -> None:
        with behind("ws", hears) as (url, _):
            began = time.monotonic()
            with pytest.raises(ConnectionLost):
                Connection(address(url)).open(0.1)
            assert time.monotonic() - began < 0.4

    def test_a_message_that_does_not_come(self) -> None:
        with nothing_left(), behind("ws", upgrades) as (url, _), nothing_left(url):
            connection = Connection(address(url))
            connection.open(5.0)
            began = time.monotonic()
            with pytest.raises(ProviderError, match="peer did not answer in time") as raised:
                connection.receive(0.1)
            assert raised.value.retryable and time.monotonic() - began < 0.4
            connection.close()

    def test_a_peer_that_takes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "SEND_S", 0.2)
        with nothing_left(), behind("ws", upgrades) as (url, _), nothing_left(url):
            connection = Connection(address(url))
            began = time.monotonic()
            with pytest.raises(ConnectionLost):
                sends(connection)
            assert 0.15 < time.monotonic() - began < 0.8
            connection.close()

    def test_closing_waits_no_longer_than_it_says(self) -> None:
        with nothing_left(), behind("ws", upgrades) as (url, _), nothing_left(url):
            connection = Connection(address(url))
            connection.open(5.0)
            began = time.monotonic()
            connection.close()
            assert time.monotonic() - began < module.CLOSE_S + 0.2


class TestAnswers:
    @pytest.mark.parametrize("status", ["401 Unauthorized", "500 Oops"])
    def test_http_in_place_of_the_handshake(self, status: str) -> None:
        def refuses(client: socket.socket) -> None:
            client.recv(4096)
            client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nwhy?".encode())

        with nothing_left(), behind("ws", refuses) as (url, _), nothing_left(url):
            with pytest.raises(ProviderError, match=f"{status[:3]} why") as raised:
                Connection(address(url)).open(5.0)
            assert not isinstance(raised.value, ConnectionLost)

    @pytest.mark.parametrize(
        "answer",
        [
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"",
            b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        ],
        ids=["no HTTP", "nothing", "sent elsewhere"],
    )
    def test_a_server_of_another_kind(self, answer: bytes) -> None:
        def answers(client: socket.socket) -> None:
            client.recv(4096)
            client.sendall(answer)
            client.shutdown(socket.SHUT_WR)

        with (
            nothing_left(),
            behind("ws", answers) as (url, _),
            nothing_left(url),
            pytest.raises(ConnectionLost),
        ):
            Connection(address(url)).open(5.0)

    @pytest.mark.parametrize("message", ["[]", "5", '{"a": ', b"\xff\xfe"])
    def test_no_json_object(self, message: str | bytes) -> None:
        with serving(lambda peer: peer.send(message)) as url, nothing_left(url):
            connection = Connection(address(url))
            connection.open(5.0)
            with pytest.raises(ProviderError) as raised:
                connection.receive(5.0)
            assert raised.value.retryable
            connection.close()

    def test_nobody_is_there(self) -> None:
        with nothing_left(), pytest.raises(ConnectionLost):
            Connection(address("ws://127.0.0.1:9")).open(5.0)

    def test_one_that_closes_at_once_has_been_open(self) -> None:
        """Its reason is to be read. (Twenty: the closing comes before our next step, or behind it.)"""

        def says_why(peer: ServerConnection) -> None:
            peer.send('{"why": "key"}')
            peer.close()

        with serving(says_why) as url, nothing_left(url):
            for _ in range(20):
                connection = Connection(address(url))
                connection.open(5.0)
                assert connection.receive(5.0) == {"why": "key"}
                connection.close()

    def test_what_it_said_before_it_closed_is_read(self) -> None:
        def says_why(peer: ServerConnection) -> None:
            peer.send('{"why": "key"}')
            peer.close()

        with serving(says_why) as url, nothing_left(url):
            connection = Connection(address(url))
            connection.open(5.0)
            until(lambda: not connection.is_open)
            with pytest.raises(ConnectionLost):
                connection.send("hello")
            assert connection.receive(0.0) == {"why": "key"}
            connection.close()


SECURE = """
import os
os.environ["SSL_CERT_FILE"] = sys.argv[2]
from server.providers.base import ProviderError
from server.providers.streaming.connection import Address, Connection
connection = Connection(Address("peer", sys.argv[1], {}, lambda status, body: ProviderError(body)))
try:
    connection.open(5)
    print(connection.receive(5))
except ProviderError as error:
    print(error)
connection.close()
print(connection.is_open)
"""


def test_an_address_that_never_answers_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    with (
        listening(backlog=0) as silent,
        full(silent),
        serving(lambda client: client.send('{"hello": 1}')) as url,
    ):
        ports = (port_of(silent), urlsplit(url).port)
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, port, **more: [
                each for port in ports for each in look_up("127.0.0.1", port, **more)
            ],
        )
        connection = Connection(address("ws://vendor.example"))
        connection.open(1.0)
        assert connection.receive(1.0) == {"hello": 1}
        connection.close()


@pytest.mark.servers
@pytest.mark.parametrize("trusted", [True, False])
def test_an_authority_of_ones_own(tmp_path_factory: pytest.TempPathFactory, trusted: bool) -> None:
    """wss, and under gevent: SSL_CERT_FILE names who vouches for the peer."""
    authority, stranger = trustme.CA(), trustme.CA()
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    (authority if trusted else stranger).cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with serving(lambda peer: peer.send('{"a": 1}'), context) as url:
        said = under_gevent(SECURE, url, str(file)).split("\n")
    assert said[1] == "False"
    assert said[0] == "{'a': 1}" if trusted else "CERTIFICATE_VERIFY_FAILED" in said[0]
