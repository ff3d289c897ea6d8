"""HTTP requests that no Twilio sends, as bytes; some are signed as Twilio's are, so that they get in.

Pure but for the ``random.Random`` given and the token in the environment (``sign``).
"""

import random
from collections.abc import Callable
from urllib.parse import quote, urlencode

from server.simulator.webhooks import sign

PATHS = (
    "/webhook/incoming_call",
    "/webhook/stream_status",
    "/webhook/stream_ended",
    "/webhook/transfer_ended",
    "/media/greeting.wav",
    "/media/apology.wav",
    "/healthz",
    "/ws/twilio-media",
)
HOOKS = PATHS[:4]
ODD_PATHS = (
    "/",
    "//",
    "/webhook",
    "/webhook/incoming_call/",
    "/webhook/incoming_call//",
    "/webhook/incoming_call?x=1",
    "/webhook/incoming_call%00",
    "/media/../server/config.py",
    "/media/%2e%2e%2fconfig.wav",
    "/media/א.wav",
    "/media/%D7%90.wav",
    "/media/" + "a" * 3000 + ".wav",
    "/media/%ff%fe.wav",
    "/static/x",
    "*",
    "http://other.example.com/healthz",
    "/healthz#fragment",
    "/\x01",
    "/ws/twilio-media/?token=1",
)
METHODS = (
    "POST",
    "POST",
    "GET",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "BREW",
    "post",
    "é",
)
STATUSES = ("ringing", "in-progress", "completed", "busy", "", "א", "x" * 500)
VALUES = (
    "",
    " ",
    "CA" + "0" * 32,
    "+972501234567",
    "anonymous",
    "+97250" + "9" * 400,
    "\r\nX-Injected: 1",
    "\x00\x01\x1b[31m",
    "<Play>x</Play>&amp;]]>",
    "'; DROP TABLE calls; --",
    "א" * 400,
    "\N{PILE OF POO}",
    "\u202e",
    "a" * 20_000,
    "%s%n{0}",
)
FIELDS = (
    "CallSid",
    "From",
    "To",
    "CallStatus",
    "DialCallStatus",
    "StreamSid",
    "StreamEvent",
    "StreamError",
    "Digits",
)
TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=nonsense",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b",
    "application/json",
    "text/plain; charset=\xff",
    "",
    ";;;",
)
HEADERS = (
    ("Host", ""),
    ("Host", "a.example.com, b.example.com"),
    ("Host", "[::1"),
    ("Host", "x" * 4000),
    ("X-Forwarded-Host", "evil.example.com\t"),
    ("X-Forwarded-Host", "[bad"),
    ("X-Forwarded-Proto", "gopher"),
    ("X-Forwarded-For", "9" * 3000),
    ("X-Twilio-Signature", ""),
    ("X-Twilio-Signature", "א"),
    ("X-Twilio-Signature", "A" * 4000),
    ("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ("Range", "bytes=99999999-1,x"),
    ("If-None-Match", '"' * 50),
    ("If-Modified-Since", "Thu, 99 Foo 0000"),
    ("Cookie", "=" * 500),
    ("Authorization", "Basic !!!"),
    ("Accept-Encoding", "א"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "x"),
    ("Sec-WebSocket-Version", "99"),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=x"),
    ("Expect", "100-continue"),
    ("Transfer-Encoding", "gzip"),
    ("Bad Header", "x"),
    ("X-\x00", "x"),
    ("X", "y\x00z"),
)


def request(chance: random.Random, public_url: str) -> bytes:
    """One request; it may be incomplete."""
    return chance.choices((signed, posted, garbled, chunked, upgrading, truncated), (30, 20, 20, 10, 10, 10))[
        0
    ](chance, public_url)


Maker = Callable[[random.Random, str], bytes]


def signed(chance: random.Random, public_url: str) -> bytes:
    """Let in, with fields that no phone network has made."""
    path = chance.choice(HOOKS)
    fields = odd_fields(chance) | {"CallSid": f"CA{chance.getrandbits(128):032x}"}
    return raw("POST", path, sign(public_url + path, fields), urlencode(fields).encode())


def posted(chance: random.Random, public_url: str) -> bytes:
    """Unsigned, or by another's signature: bodies of every kind."""
    headers = {"Content-Type": chance.choice(TYPES)} | dict(chance.choices(HEADERS, k=chance.randrange(3)))
    if chance.random() < 0.5:
        headers |= sign("https://other.example.com/webhook/incoming_call", {})
    return raw(chance.choice(METHODS), chance.choice(PATHS + ODD_PATHS), headers, body(chance))


def garbled(chance: random.Random, public_url: str) -> bytes:
    """A good request with some bytes that are not."""
    whole = bytearray(posted(chance, public_url))
    for _ in range(chance.randint(1, 8)):
        whole[chance.randrange(min(len(whole), 400))] = chance.randrange(256)
    return bytes(whole)


def chunked(chance: random.Random, public_url: str) -> bytes:
    chunks = (
        b"5\r\nhello\r\n0\r\n\r\n",
        b"zz\r\n",
        b"-1\r\nx\r\n",
        b"ffffffffffffffff\r\n",
        b"5;x=\r\nhel\r\n0\r\n\r\n",
        b"",
    )
    headers = {"Transfer-Encoding": chance.choice(("chunked", "chunked, chunked", " chunked", "xchunked"))}
    head = raw("POST", chance.choice(PATHS), headers, b"", with_length=chance.random() < 0.3)
    return head + chance.choice(chunks)


def upgrading(chance: random.Random, public_url: str) -> bytes:
    """At the socket's door: unsigned, or with a handshake that lacks something."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": chance.choice(("13", "8", "x", "")),
        "Sec-WebSocket-Key": chance.choice(("dGhlIHNhbXBsZSBub25jZQ==", "x", "")),
        "Sec-WebSocket-Protocol": chance.choice(("audio.twilio.com", "chat", "")),
        "Sec-WebSocket-Extensions": chance.choice(("permessage-deflate", "x; y=", "")),
    }
    return raw("GET", "/ws/twilio-media", {k: v for k, v in headers.items() if v}, b"") + chance.randbytes(40)


def truncated(chance: random.Random, public_url: str) -> bytes:
    whole = posted(chance, public_url)
    return whole[: chance.randrange(1, len(whole))]


def odd_fields(chance: random.Random) -> dict[str, str]:
    fields = {name: chance.choice(VALUES) for name in chance.sample(FIELDS, chance.randrange(len(FIELDS)))}
    if chance.random() < 0.7:
        fields["CallStatus"] = chance.choice(STATUSES)
    if chance.random() < 0.1:
        fields |= {f"field{number}": "x" for number in range(chance.choice((10, 1200)))}
    return fields


def body(chance: random.Random) -> bytes:
    match chance.randrange(5):
        case 0:
            return b""
        case 1:
            return urlencode(odd_fields(chance)).encode()
        case 2:
            return chance.randbytes(chance.choice((1, 100, 70_000)))
        case 3:
            return b'--b\r\nContent-Disposition: form-data; name="CallSid"\r\n\r\nx\r\n' * chance.choice(
                (1, 1200)
            )
    return quote("א" * 100).encode() + b"&" * chance.choice((1, 3000)) + b"=%zz"


def raw(method: str, path: str, headers: dict[str, str], body: bytes, *, with_length: bool = True) -> bytes:
    lines = [f"{method} {path} HTTP/1.1"]
    given = {name.lower() for name in headers}
    if "host" not in given:
        lines.append("Host: agent.example.com")
    if body and "content-type" not in given:
        lines.append("Content-Type: application/x-www-form-urlencoded")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if with_length and (body or method == "POST"):
        lines.append(f"Content-Length: {len(body)}")
    if "connection" not in given:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body
