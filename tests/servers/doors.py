"""The ways to a real server, straight and through nginx, and what Twilio does there."""

import json
import random
import ssl
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from twilio.request_validator import RequestValidator
from websocket import ABNF, WebSocketException, create_connection

from tests.servers.nginx import HOST, free_place, proxied
from tests.serving import ROOT, SUBPROTOCOL, Server, started

SECRET = "0123456789abcdef0123456789abcdef"
HEADER = "X-Twilio-Signature"
RING = "/webhook/incoming_call"
SOCKET = "/ws/twilio-media"
DOORS = [sys.executable, "-m", "gunicorn", "-c", "tests/servers/doors_conf.py", "server.app:create_app()"]
# On gthread a call that was promised holds a thread for some seconds, and dozens are rung for in one.
NO_LIMITS = {"MAX_CALLS": "0", "CALLS_PER_CALLER_MIN": "0", "CALLS_PER_SEC": "0", "THREADS": "500"}
QUIET = {"AI_GREETING_HE": "", "THINKING_HINT_MS": "0", "WEB_CONCURRENCY": "2"}
TIMEOUT_S = 10.0
STOP = json.dumps({"event": "stop", "streamSid": "MZ", "stop": {}})
BROKEN = 0  # in the place of a close code: there was none

Form = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Door:
    """``inside``: where to connect; ``public``: what Twilio calls; ``server``: gunicorn's ``host:port``."""

    name: str
    inside: str
    public: str
    server: str
    authority: str = ""  # the CA's file; empty: plain http

    def socket_url(self, path: str) -> str:
        return "ws" + self.inside.removeprefix("http") + path

    def signed_socket_url(self, path: str = SOCKET) -> str:
        return "wss" + self.public.removeprefix("https") + path


@dataclass(frozen=True)
class Post:
    """A request as it goes out. ``content``: how ``requests`` is told the body, or the query string."""

    path: str
    headers: dict[str, str]
    content: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Knock:
    """A socket's handshake, and what is said when it has come about; ``stop`` at the end of it."""

    signature: str
    messages: tuple[str | bytes, ...]
    path: str = SOCKET
    last: str = STOP


def signature(url: str, form: Form = (), secret: str = SECRET) -> str:
    return str(RequestValidator(secret).compute_signature(url, dict(form)))


def sid(kind: str, dice: random.Random) -> str:
    return f"{kind}{dice.getrandbits(128):032x}"


def ringing(dice: random.Random, **others: str) -> Form:
    """The fields of a new call."""
    caller = f"+9725{dice.randrange(10**8):08d}"
    known = {"AccountSid": sid("AC", dice), "CallSid": sid("CA", dice), "CallStatus": "ringing"}
    return list((known | {"Direction": "inbound", "From": caller, "To": "+97231234567"} | others).items())


def genuine(door: Door, form: Form, path: str = RING) -> Post:
    return Post(path, {HEADER: signature(door.public + path, form)}, {"data": form})


def send(door: Door, post: Post, session: requests.Session | None = None) -> requests.Response:
    with session or requests.Session() as asked:
        asked.trust_env = False
        return asked.request(
            post.method,
            door.inside + post.path,
            headers=post.headers,
            verify=door.authority or True,
            timeout=TIMEOUT_S,
            **post.content,
        )


def ring(door: Door, dice: random.Random) -> tuple[str, str]:
    """A genuine call: its CallSid, and the token of its TwiML."""
    form = ringing(dice)
    answer = send(door, genuine(door, form))
    return dict(form)["CallSid"], token_of(answer)


def token_of(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    (token,) = (
        p.attrib["value"] for p in ET.fromstring(answer.content).iterfind(".//Parameter[@name='token']")
    )
    return token


def start(call_sid: str, parameter: Any, stream_sid: str, name: str = "token", **more: Any) -> str:
    """Twilio's first word about a call."""
    told = {"streamSid": stream_sid, "callSid": call_sid, "customParameters": {name: parameter}} | more
    return json.dumps({"event": "start", "streamSid": stream_sid, "start": told})


def knock(door: Door, knock: Knock) -> int:
    """Say all of it; the server's close code: 1000 for a call that was let in and has stopped."""
    trust = {"ca_certs": door.authority, "cert_reqs": ssl.CERT_REQUIRED} if door.authority else None
    ws = create_connection(
        door.socket_url(knock.path),
        header=[f"{HEADER}: {knock.signature}"] if knock.signature else [],
        subprotocols=[SUBPROTOCOL],
        timeout=TIMEOUT_S,
        http_no_proxy=["127.0.0.1", HOST],
        sslopt=trust,
    )
    try:
        with suppress(OSError, WebSocketException):  # it may have closed by now
            for message in (*knock.messages, knock.last):
                ws.send(message, ABNF.OPCODE_TEXT if isinstance(message, str) else ABNF.OPCODE_BINARY)
        return _close_code(ws)
    finally:
        ws.shutdown()  # type: ignore[no-untyped-call]


def _close_code(ws: Any) -> int:
    frame = None
    with suppress(OSError, WebSocketException):
        while frame is None or frame.opcode != ABNF.OPCODE_CLOSE:
            frame = ws.recv_frame()
    if frame is None or frame.opcode != ABNF.OPCODE_CLOSE:
        return BROKEN
    with suppress(OSError, WebSocketException):  # as Twilio does; it may be gone
        ws.send_close()
    return int.from_bytes(frame.data[:2], "big")


@dataclass(frozen=True)
class Service:
    """A server of two workers and its doors. ``clock``: the file of how far its tokens' clock is ahead."""

    server: Server
    doors: tuple[Door, ...]
    clock: Path

    def put_clock_ahead(self, seconds: float) -> None:
        self.clock.write_text(str(seconds))


@contextmanager
def served(folder: Path, prefix: str = "", **knobs: str) -> Iterator[Service]:
    """Two gunicorn workers that know SECRET, with and without nginx before them. Makes ``folder``."""
    folder.mkdir()
    place, clock = free_place(prefix), folder / "clock"
    clock.write_text("0")
    known = {
        "TWILIO_AUTH_TOKEN": SECRET,
        "PUBLIC_BASE_URL": place.public_url,
        "STATE_FILE": str(folder / "agent.db"),
        "DOORS_CLOCK": str(clock),
    }
    with started(DOORS, ROOT, folder / "log", **(QUIET | NO_LIMITS | known | knobs)) as server:
        with proxied(server.address, place, folder / "nginx") as authority:
            straight = Door("straight", f"http://{server.address}", place.public_url, server.address)
            through = Door("nginx", place.public_url, place.public_url, server.address, str(authority))
            yield Service(server, (straight, through), clock)
