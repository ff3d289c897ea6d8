"""What a provider on a WebSocket must leave behind, and peers that go with it only so far."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from websockets.utils import accept_key

from server.providers.base import ProviderError
from server.providers.streaming.connection import Address
from tests.waiting import until

SYN_SENT = "02"  # of /proc/net/tcp


def address(url: str) -> Address:
    def refused(status: int, body: str) -> ProviderError:
        return ProviderError(f"{status} {body}")

    return Address("peer", url, {"Authorization": "Bearer key"}, refused)


@contextmanager
def nothing_left(url: str = "", within_s: float = 1.0) -> Iterator[None]:
    """What is done within leaves no thread, and no file descriptor: of the clients of ``url``, or at all."""
    threads, files = set(threading.enumerate()), descriptors(url)
    yield
    until(lambda: set(threading.enumerate()) <= threads, within_s)
    until(lambda: descriptors(url) <= files, within_s)


def descriptors(url: str) -> int:
    """How many this process has; given ``url``, of sockets that are its clients."""
    inodes = {row[9] for row in connections() if row[2].endswith(f":{urlsplit(url).port or 0:04X}")}
    count = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the folder's own
            at = os.readlink(f"/proc/self/fd/{number}")
            count += not url or at.removeprefix("socket:[").removesuffix("]") in inodes
    return count


def connections() -> list[list[str]]:
    with open("/proc/net/tcp", encoding="ascii") as table:
        return [line.split() for line in table]


@contextmanager
def listening(backlog: int = 8) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield listener


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


@contextmanager
def full(listener: socket.socket) -> Iterator[None]:
    """Whoever connects now waits: as many as the backlog takes are there."""
    waiting = [socket.socket() for _ in range(3)]
    for client in waiting:
        client.setblocking(False)
        with suppress(BlockingIOError):
            client.connect(listener.getsockname())
    until(lambda: connecting(listener))
    try:
        yield
    finally:
        for client in waiting:
            client.close()


def connecting(listener: socket.socket) -> int:
    """How many clients wait for the answer to their first packet."""
    there = f":{port_of(listener):04X}"
    return sum(row[2].endswith(there) and row[3] == SYN_SENT for row in connections())


@contextmanager
def peer(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of one that serves its first client so, and keeps the socket until the end."""
    over = threading.Event()

    def run() -> None:
        with suppress(OSError):
            client, _ = listener.accept()
            with client:
                serve(client)
                over.wait(10)

    with listening() as listener:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield port_of(listener)
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def upgrade(client: socket.socket) -> None:
    """Answer the opening handshake."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4096)
    lines = dict(line.split(": ", 1) for line in request.decode().split("\r\n")[1:] if line)
    accept = accept_key(lines["Sec-WebSocket-Key"])
    answer = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    client.sendall("\r\n".join((*answer, f"Sec-WebSocket-Accept: {accept}", "", "")).encode())
