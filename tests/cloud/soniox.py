"""Soniox's real-time STT and TTS on a loopback port: WebSockets, and the lists of models over HTTP.

``python -m tests.cloud.soniox [PORT]`` serves until its standard input ends, and prints its URLs.

Faults are set as everywhere (``stt.next(Fault.SLOW)``), and mean here
- to ``stt``, a session: SLOW: finals come late. HUNG_BEFORE_HEADERS: no word ever. *_MID_STREAM: after the
  first response with words, before the mark that ends them. UNAVAILABLE, TOO_MANY: an error frame for the
  start. REFUSED: a reset for it. GARBAGE: frames that are not of the protocol, then a proper close.
- to ``tts``, a stream: the same, by chunks of audio; its errors leave the connection open.
- to ``door``, an upgrade: HUNG_BEFORE_HEADERS, TOO_MANY, UNAVAILABLE, REFUSED and Fault.KEY.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Any, Self

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.sync.server import ServerConnection, serve

from tests.cloud.google import tone
from tests.cloud.soniox_protocol import (
    KEY_PROTOCOL,
    STT_PATH,
    STT_START,
    TTS_PATH,
    Error,
    model,
    parsed,
    problems,
)
from tests.cloud.soniox_stt import SttAsked, SttSession
from tests.cloud.soniox_tts import TtsConnection
from tests.cloud.watch import Fault, Watch
from tests.cloud.websocket import Link, Over, reset

DEFAULT_LINE = "שלום אני מחפש דירה בתל אביב"
KEYS_IN_MESSAGES_END = date(2027, 1, 15)  # soniox.com/docs/guides/migrate-websocket-authentication
LOOK_S = 0.02  # how soon a hung upgrade notices that the client has left


DOOR: dict[Fault, Error] = {
    Fault.TOO_MANY: Error.TOO_MANY,
    Fault.UNAVAILABLE: Error.RESTART,
    Fault.KEY: Error.KEY,
}


class SonioxCloud:
    """The server, its switches and what it saw. Settings may be changed at any time.

    ``hears`` is given the μ-law 8 kHz of a segment so far; ``says``: text to PCM16 8 kHz; ``ends``: what was
    said to the silence, in seconds, after which it is thought whole (None: it is not).
    """

    def __init__(
        self,
        *,
        port: int = 0,
        hears: Callable[[bytes], str | list[str]] = lambda mulaw_8k: DEFAULT_LINE,
        says: Callable[[str], bytes] = tone,
        ends: Callable[[str], float | None] = lambda text: 0.5,
    ) -> None:
        self.hears, self.says, self.ends = hears, says, ends
        self.today = date(2026, 12, 1)
        self.confidence = 0.9
        self.refused_keys: set[str] = set()
        self.refuses_keys_at = "start"  # an error frame then; or "open": one at once; or "upgrade": HTTP
        self.models = {"stt": ["stt-rt-v5", "stt-rt-v4"], "tts": ["tts-rt-v2"]}
        self.start_s, self.idle_s = 10.0, 20.0  # without a start; without audio, text or a keepalive
        self.session_s, self.stream_s = 300 * 60.0, 120.0  # of audio
        self.chunk_bytes = 1600  # of audio in a message: 200 ms
        self.marks_apart = False  # <end> and <fin> have a response of their own
        self.unknown_fields: dict[str, Any] = {}  # in every response
        self.stt, self.tts, self.door = Watch(), Watch(), Watch()
        self.links: list[Link] = []
        self.violations: list[str] = []  # what no client may do
        self._server = serve(
            self._serve,
            "127.0.0.1",
            port,
            process_request=self._answer_upgrade,
            select_subprotocol=lambda _, offered: KEY_PROTOCOL if KEY_PROTOCOL in offered else None,
            compression=None,
            ping_interval=None,
            close_timeout=1.0,
            max_queue=None,
        )
        self.host = f"127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="soniox-cloud", daemon=True)
        self._thread.start()

    @property
    def stt_url(self) -> str:
        return f"ws://{self.host}{STT_PATH}"

    @property
    def tts_url(self) -> str:
        return f"ws://{self.host}{TTS_PATH}"

    @property
    def api_url(self) -> str:
        return f"http://{self.host}/v1"

    @property
    def open_links(self) -> list[Link]:
        return [link for link in list(self.links) if link.closed_at is None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let go of whatever hangs, close everything, wait for the threads. Idempotent."""
        for watch in (self.stt, self.tts, self.door):
            watch.released.set()
        self._server.shutdown()
        self._thread.join(5)

    def violation(self, what: str) -> None:
        self.violations.append(what)

    # ---- the upgrade, and HTTP ----

    def _answer_upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        lists = {"/v1/models": "stt", "/v1/tts-models": "tts"}
        if path in lists:
            if key_of(request)[0] in self.refused_keys | {""}:
                return http(HTTPStatus.UNAUTHORIZED, Error.KEY.body())
            return http(HTTPStatus.OK, {"models": [model(name) for name in self.models[lists[path]]]})
        if path not in (STT_PATH, TTS_PATH):
            return http(HTTPStatus.NOT_FOUND, {})
        with self.door.exchange({"path": path, "headers": request.headers}) as exchange:
            if exchange.fault is Fault.HUNG_BEFORE_HEADERS:
                while connection.state is State.CONNECTING and not self.door.released.wait(LOOK_S):
                    pass
                exchange.dropped_at = None if connection.state is State.CONNECTING else time.time()
            elif exchange.fault is Fault.REFUSED:
                reset(connection)
            elif error := DOOR.get(exchange.fault):
                return http(HTTPStatus(error.value[0]), error.body())
            elif self.refuses_keys_at == "upgrade" and key_of(request)[0] in self.refused_keys:
                return http(HTTPStatus.UNAUTHORIZED, Error.KEY.body())
        return None

    # ---- sockets ----

    def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        link = Link(connection, request.path.partition("?")[0])
        self.links.append(link)
        watch = self.stt if link.path == STT_PATH else self.tts
        watch.connections += 1
        try:
            self._talk(link, *key_of(request))
        except Over:
            pass
        finally:
            link.closed_at = time.time()

    def _talk(self, link: Link, key: str, key_in: str) -> None:
        if key in self.refused_keys and self.refuses_keys_at == "open":
            self._fail(link, Error.KEY)
        first = self._first(link, bool(key))
        start = parsed(first)
        if start is None:
            self.violation(f"the first message is no start: {first[:40]!r}")
            self._fail(link, Error.INVALID_REQUEST, "Start request must be a text message.")
        elif "api_key" in start:
            if key:
                self.violation("the key is in the header and in the start message")
                self._fail(link, Error.INVALID_REQUEST, "API key sent twice.")
            if self.today >= KEYS_IN_MESSAGES_END:
                self._fail(link, Error.KEY, "Send the API key with the connection.")
            key, key_in = start["api_key"], "message"
        if not key or key in self.refused_keys:
            self._fail(link, Error.KEY)
        if link.path == TTS_PATH:
            TtsConnection(self, link, key_in).serve(first)
        else:
            self._session(link, start or {}, key_in)

    def _first(self, link: Link, authenticated: bool) -> str | bytes:
        """The start message. Keepalives before it are for a connection that has shown its key."""
        begun = False

        def look() -> None:
            if not begun:
                self._fail(link, Error.TIMEOUT, "Start request timeout")

        link.later(self.start_s, look)
        while True:
            first = link.receive()
            begun = not authenticated or parsed(first) not in ({"type": "keepalive"}, {"keep_alive": True})
            if begun:
                return first

    def _session(self, link: Link, start: dict[str, Any], key_in: str) -> None:
        wrong = problems(start, STT_START)
        for each in wrong:
            self.violation(f"STT: {each}")
        with self.stt.exchange(SttAsked(start, key_in)) as exchange:
            if any(not each.startswith("unknown") for each in wrong):
                self._fail(link, Error.INVALID_REQUEST)
            SttSession(self, link, exchange).serve()

    def _fail(self, link: Link, error: Error, message: str = "") -> None:
        """Raises Over."""
        tokens: dict[str, Any] = {"tokens": []} if link.path == STT_PATH else {}
        link.send({**tokens, **error.body(message)})
        link.close()


def key_of(request: Request) -> tuple[str, str]:
    """The key that came with the connection, and where; empty if there is none."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header.removeprefix("Bearer "), "header"
    offered = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if len(offered) == 2 and offered[0] == KEY_PROTOCOL:
        return offered[1], "protocol"
    return "", ""


def http(status: HTTPStatus, body: dict[str, Any]) -> Response:
    content = json.dumps(body).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(content))})
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, content)


def main(arguments: list[str]) -> None:
    with SonioxCloud(port=int(arguments[0]) if arguments else 0) as cloud:
        print(cloud.stt_url, cloud.tts_url, cloud.api_url, sep="\n", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
