"""A WebSocket to a provider: JSON one way and the other, a deadline for each wait, given up by any thread."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from server.logs.secrets import excerpt
from server.providers.base import Cancelled, ProviderError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

Message = dict[str, Any] | str | bytes  # JSON, sent as text; a text or audio as it is

CONNECT_S = 1.5  # TCP, TLS and the opening handshake together, each of which takes one round trip or two
SEND_S = 5.0  # a peer that takes nothing for so long is gone; 100 ms of audio are 800 bytes
CLOSE_S = 0.2  # for the peer's answer to our close; nobody waits for it but the closing thread
MAX_MESSAGE_BYTES = 4_000_000  # a second of speech in base64 takes 11 KB of μ-law, 64 KB of 24 kHz


class ConnectionLost(ProviderError):
    """The connection could not be made or broke: another one may do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


@dataclass(frozen=True)
class Address:
    """Where a provider listens, and how it is named in an error.

    ``url``: ws:// or wss://, without secrets. ``headers``: of the opening handshake, the key among them.
    ``refused(status, body)``: the error that an HTTP answer to the handshake stands for.
    """

    provider: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    refused: Callable[[int, str], ProviderError] = field(repr=False, compare=False)


class Connection:
    """Made before it is open, so that there is something to give up from the start.

    One thread opens it and receives; one may send beside it; any may shut it down.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()  # between ``shut_down`` and the socket's coming
        self._wire: socket.socket | None = None  # a second handle: TLS takes the first one over
        self._websocket: ClientConnection | None = None
        self._shut = False
        self.opened_at = 0.0  # monotonic

    @property
    def is_open(self) -> bool:
        """It was opened, and neither side has closed it since."""
        from websockets.protocol import State

        websocket = self._websocket
        return websocket is not None and not self._shut and websocket.state is State.OPEN

    def open(self, within_s: float) -> None:
        """Connect. Blocks. Raises ProviderError, and Cancelled after ``shut_down``: nothing is open then."""
        from websockets.exceptions import InvalidStatus, WebSocketException

        try:
            websocket = self._connected(time.monotonic() + min(within_s, CONNECT_S))
        except InvalidStatus as error:
            body = (error.response.body or b"").decode("utf-8", "replace")
            self._release()
            self._check()
            raise self._address.refused(error.response.status_code, body) from error
        except (OSError, WebSocketException, EOFError, ValueError) as error:  # ValueError: sent elsewhere
            self._release()
            raise self._lost("no connection to", error) from error
        with suppress(OSError):  # the peer has closed it already; what it said before that is to be read
            websocket.socket.settimeout(SEND_S)
        self._websocket = websocket
        self.opened_at = time.monotonic()
        self._check()

    def send(self, message: Message) -> None:
        """Send one message. Blocks while the peer takes nothing. Raises ProviderError, Cancelled."""
        from websockets.exceptions import ConnectionClosed

        assert self._websocket is not None, "not open"
        try:
            as_it_is = isinstance(message, bytes | str)
            self._websocket.send(message if as_it_is else json.dumps(message, ensure_ascii=False))
        except (ConnectionClosed, OSError) as error:
            raise self._lost("the connection broke to", error) from error

    def receive(self, within_s: float) -> dict[str, Any]:
        """The next message. Blocks. Raises ProviderError, also when none comes in time, and Cancelled."""
        from websockets.exceptions import ConnectionClosed

        assert self._websocket is not None, "not open"
        self._check()  # what came before is no answer any more
        try:
            received = self._websocket.recv(max(0.0, within_s), decode=True)
        except TimeoutError:
            raise self.late() from None
        except (ConnectionClosed, OSError, UnicodeDecodeError) as error:
            raise self._lost("the connection broke to", error) from error
        return self._parsed(received)

    def late(self) -> ProviderError:
        """The error of a time limit."""
        return ProviderError(f"{self._address.provider} did not answer in time", retryable=True)

    def close(self) -> None:
        """Close it in good order, if the peer is there to do so. Blocks for CLOSE_S at most. Idempotent."""
        if self.is_open and self._websocket is not None:
            with suppress(OSError):
                self._websocket.close()
        self.shut_down()

    def shut_down(self) -> None:
        """End it now, whoever waits on it. Idempotent, any thread, never blocks."""
        with self._lock:
            self._shut = True
            if self._wire is not None:
                with suppress(OSError):  # it is not connected any more
                    self._wire.shutdown(socket.SHUT_RDWR)
        self._release()

    def _connected(self, until: float) -> "ClientConnection":
        """Raises OSError, ValueError, EOFError, what ``websockets`` raises, and Cancelled."""
        from websockets.sync.client import connect

        url = self._address.url
        dialled = self._dial(until)
        try:
            return connect(
                url,
                sock=dialled,
                ssl=_tls() if url.startswith("wss:") else None,
                additional_headers=self._address.headers,
                compression=None,  # speech does not shrink
                open_timeout=_left_s(until),
                ping_interval=None,  # a thread a connection; each wait has its deadline anyway
                close_timeout=CLOSE_S,
                max_size=MAX_MESSAGE_BYTES,
                max_queue=None,  # of a full queue whose reader has gone, the end would never be read
                legacy=True,  # returns the connection itself
            )
        except BaseException:
            dialled.close()
            raise

    def _dial(self, until: float) -> socket.socket:
        """A connected TCP socket, which ``shut_down`` knew from its first moment. Raises OSError."""
        parts = urlsplit(self._address.url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)
        error = OSError("no such host")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for left, (family, kind, protocol, _, where) in zip(range(len(found), 0, -1), found, strict=True):
            dialled = socket.socket(family, kind, protocol)
            try:
                # An address that never answers (IPv6 often does not) leaves time for the next one.
                dialled.settimeout(_left_s(until) / min(left, 2))
                self._hold(dialled.dup())
                dialled.connect(where)
                return dialled
            except OSError as refused:
                dialled.close()
                error = refused
            except Cancelled:
                dialled.close()
                raise
        raise error

    def _hold(self, wire: socket.socket) -> None:
        with self._lock:
            if self._wire is not None:
                self._wire.close()
            self._wire = wire
            shut = self._shut
        if shut:
            self.shut_down()
            raise Cancelled

    def _release(self) -> None:
        with self._lock:
            if self._wire is not None:
                self._wire.close()
                self._wire = None

    def _check(self) -> None:
        if self._shut:
            self.shut_down()
            raise Cancelled

    def _lost(self, what: str, error: BaseException) -> ConnectionLost | Cancelled:
        if self._shut:
            return Cancelled()
        host = urlsplit(self._address.url).netloc
        return ConnectionLost(f"{what} {host}: {type(error).__name__}: {error}")

    def _parsed(self, received: str) -> dict[str, Any]:
        try:
            message = json.loads(received)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise ProviderError(
                f"{self._address.provider}: not JSON: {excerpt(received, 80)!r}", retryable=True
            )
        return message


def _left_s(until: float) -> float:
    return max(0.001, until - time.monotonic())


@cache
def _tls() -> ssl.SSLContext:
    """Reading the system's certificates takes 20 ms."""
    return ssl.create_default_context()
