"""Twilio Media Streams: JSON text ↔ messages. Garbage becomes ``Ignored`` with a reason, never an exception.

Source: twilio.com/docs/voice/media-streams/websocket-messages. All numbers arrive as strings; payloads are
base64 of raw μ-law; only ``media``, ``mark`` and ``clear`` may be sent (31924).
"""

import binascii
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass

MULAW_NAMES = frozenset({"audio/x-mulaw", "audio/mulaw", "audio/pcmu", "mulaw", "ulaw", "pcmu"})
MAX_PAYLOAD_BYTES = 32 * 1024  # four seconds of audio; one message carries 20 ms


@dataclass(frozen=True, slots=True)
class Connected:
    pass


@dataclass(frozen=True, slots=True)
class Start:
    """``parameters`` are the ``<Parameter>``s of the TwiML.

    ``other_format``: what is announced in the place of μ-law at 8000 Hz on one channel; empty when that is.
    """

    stream_sid: str
    call_sid: str
    parameters: dict[str, str]
    other_format: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """``timestamp_ms`` since the start of the stream, None when Twilio gave none that can be read."""

    mulaw_8k: bytes
    timestamp_ms: int | None


@dataclass(frozen=True, slots=True)
class Dtmf:
    digit: str


@dataclass(frozen=True, slots=True)
class Mark:
    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    pass


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not a message we can use."""

    reason: str


Message = Connected | Start | Media | Dtmf | Mark | Stop | Ignored


class _Garbage(Exception):
    pass


def parse(raw: str | bytes) -> Message:
    """Read one WebSocket message. Never raises."""
    if not isinstance(raw, str):
        return Ignored("binary frame")
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        return Ignored("not JSON")
    if not isinstance(message, dict):
        return Ignored("not an object")
    try:
        return _parse_event(message)
    except _Garbage as garbage:
        return Ignored(str(garbage))


def _parse_event(message: dict[str, object]) -> Message:
    match message.get("event"):
        case "media":
            return _media(_part(message, "media"))
        case "mark":
            return Mark(_text(_part(message, "mark"), "name"))
        case "dtmf":
            return _dtmf(_part(message, "dtmf"))
        case "start":
            return _start(message)
        case "connected":
            return Connected()
        case "stop":
            return Stop()
        case event:
            return Ignored(f"unknown event {str(event)[:40]!r}")


def _part(message: dict[str, object], name: str) -> dict[str, object]:
    part = message.get(name)
    if not isinstance(part, dict):
        raise _Garbage(f"{name} without its object")
    return part


def _text(part: dict[str, object], name: str) -> str:
    text = part.get(name)
    if not isinstance(text, str) or not text:
        raise _Garbage(f"no {name}")
    return text


def _media(media: dict[str, object]) -> Message:
    if media.get("track", "inbound") != "inbound":
        return Ignored("not the inbound track")
    payload = _text(media, "payload")
    if len(payload) > MAX_PAYLOAD_BYTES * 4 // 3 + 4:
        return Ignored("payload too long")
    try:
        mulaw_8k = b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return Ignored("payload is not base64")
    timestamp = media.get("timestamp")
    known = isinstance(timestamp, str) and timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16
    return Media(mulaw_8k, int(str(timestamp)) if known else None)


def _dtmf(dtmf: dict[str, object]) -> Message:
    digit = _text(dtmf, "digit")
    if len(digit) != 1 or digit not in "0123456789*#ABCD":
        return Ignored("no such key")
    return Dtmf(digit)


def _start(message: dict[str, object]) -> Message:
    start = _part(message, "start")
    stream_sid = start.get("streamSid") or message.get("streamSid")
    if not isinstance(stream_sid, str) or not stream_sid:
        raise _Garbage("start without streamSid")
    call_sid = start.get("callSid")
    custom = start.get("customParameters")
    parameters = {k: v for k, v in custom.items() if isinstance(v, str)} if isinstance(custom, dict) else {}
    call_sid = call_sid if isinstance(call_sid, str) else ""
    return Start(stream_sid, call_sid, parameters, _other_format(start.get("mediaFormat")))


def _other_format(told: object) -> str:
    """Twilio always tells; who does not means the same, and so does who spells it otherwise."""
    if not isinstance(told, dict):
        return ""
    encoding, rate, channels = (
        str(value)[:40] if isinstance(value := told.get(name, usual), str | int | float) else "?"
        for name, usual in (("encoding", "audio/x-mulaw"), ("sampleRate", 8000), ("channels", 1))
    )
    if encoding.lower() in MULAW_NAMES and rate.removesuffix(".0") == "8000" and channels == "1":
        return ""
    return f"{encoding}, {rate} Hz, {channels} channels"


class Encoder:
    """Messages to Twilio for one stream."""

    def __init__(self, stream_sid: str) -> None:
        sid = json.dumps(stream_sid)
        self._media = '{"event":"media","streamSid":' + sid + ',"media":{"payload":"'
        self._mark = '{"event":"mark","streamSid":' + sid + ',"mark":{"name":'
        self.clear = '{"event":"clear","streamSid":' + sid + "}"

    def media(self, mulaw_8k: bytes) -> str:
        """Raw μ-law without any header (a header is heard as a click)."""
        return self._media + b64encode(mulaw_8k).decode("ascii") + '"}}'

    def mark(self, name: str) -> str:
        return self._mark + json.dumps(name) + "}}"
