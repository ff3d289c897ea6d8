"""Bytes over real sockets, on threads; greenlets have theirs under gunicorn (tests/servers)."""

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from server.websocket.limits import UNACKNOWLEDGED_MS
from server.websocket.wire import Wire, is_known, wire_of

Ends = tuple[Wire, socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Our wire over one end, and both ends."""
    here, there = socket.socketpair()
    with here, there:
        there.settimeout(5)
        yield wire_of(here), here, there


def test_it_waits_as_long_as_it_is_told(ends: Ends) -> None:
    wire, _, there = ends
    for within_s in (0.05, 0.0, 0.01, 0.05):
        assert wire.recv(within_s) is None
    there.sendall(b"here")
    assert [wire.recv(0.05), wire.recv(0)] == [b"here", None]
    there.shutdown(socket.SHUT_WR)
    assert wire.recv(0.05) == b""


def test_who_waits_hears_that_the_socket_is_cut(ends: Ends) -> None:
    wire, here, _ = ends
    heard: list[bytes | None] = []
    rx = threading.Thread(target=lambda: heard.append(wire.recv(5.0)))
    rx.start()
    here.shutdown(socket.SHUT_RD)
    rx.join(5)
    assert heard == [b""]


def test_what_the_kernel_takes_in_parts_is_sent_whole(ends: Ends) -> None:
    wire, here, there = ends
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    message = bytes(range(256)) * 4000
    tx = threading.Thread(target=wire.send, args=(message,))
    tx.start()
    heard = b""
    while len(heard) < len(message):
        heard += there.recv(10_000)
    tx.join(5)
    assert heard == message


def test_a_peer_that_takes_nothing_is_not_waited_for_longer_than_told(ends: Ends) -> None:
    wire, here, _ = ends
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    with pytest.raises(TimeoutError, match="the peer took"):
        wire.send(b"x" * 10_000_000, 0.05)


def test_the_kernel_is_told_when_to_give_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as peer:
            wire_of(peer)
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNACKNOWLEDGED_MS


def test_tls_and_what_is_no_socket_are_left_to_others() -> None:
    with (
        socket.socket() as plain,
        ssl.create_default_context().wrap_socket(socket.socket(), server_hostname="localhost") as secret,
    ):
        assert is_known(plain)
        assert not is_known(secret)
        assert not is_known(None)
