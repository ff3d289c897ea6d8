"""Twilio Media Streams: JSON text ↔ messages. Garbage becomes ``Ignored`` with a reason, never an exception.

Source: twilio.com/docs/voice/media-streams/websocket-messages. All numbers arrive as strings; payloads are
base64 of raw μ-law; only ``media``, ``mark`` and ``clear`` may be sent (31924).
"""

import json
import re
from base64 import b64encode
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, ValidationError
from msgspec.json import Decoder

RESUMES = "resumes"  # the parameter of a stream that takes up its call (F8)
MULAW_NAMES = frozenset({"audio/x-mulaw", "audio/mulaw", "audio/pcmu", "mulaw", "ulaw", "pcmu"})
MAX_PAYLOAD_BYTES = 32 * 1024  # four seconds of audio; one message carries 20 ms
_STAMP = re.compile(rb'"([0-9]{1,15})"')
_LONGEST_REASON = 100  # characters: it may quote what the peer sent
# Half a character (a lone surrogate), as it is or as JSON escapes it; whole escapes are passed over.
_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff])|\\.",
    re.DOTALL,
)


class Connected(Struct, frozen=True, tag_field="event", tag="connected"):
    pass


class Start(Struct, frozen=True):
    """``parameters`` are the ``<Parameter>``s of the TwiML.

    ``other_format``: what is announced in the place of μ-law at 8000 Hz on one channel; empty when that is.
    """

    stream_sid: str
    call_sid: str
    parameters: dict[str, str]
    other_format: str = ""


class Media(Struct, frozen=True):
    """``timestamp_ms`` since the start of the stream, None when Twilio gave none that can be read."""

    mulaw_8k: bytes
    timestamp_ms: int | None


class Dtmf(Struct, frozen=True):
    digit: str


class Mark(Struct, frozen=True):
    name: str


class Stop(Struct, frozen=True, tag_field="event", tag="stop"):
    pass


class Ignored(Struct, frozen=True):
    """Not a message we can use."""

    reason: str


Message = Connected | Start | Media | Dtmf | Mark | Stop | Ignored


# ---- as Twilio writes them; fields that are not named here are skipped ----


class _Audio(Struct):
    """A timestamp that cannot be read costs no audio, so it is taken as it stands."""

    payload: Annotated[bytes, Meta(min_length=1, max_length=MAX_PAYLOAD_BYTES)]
    track: Literal["inbound"] = "inbound"
    timestamp: Raw = Raw()


class _MediaMessage(Struct, tag_field="event", tag="media"):
    media: _Audio


class _Key(Struct):
    digit: Annotated[str, Meta(pattern=r"\A[0-9*#A-D]\Z")]


class _DtmfMessage(Struct, tag_field="event", tag="dtmf"):
    dtmf: _Key


class _MarkName(Struct):
    name: Annotated[str, Meta(min_length=1)]


class _MarkMessage(Struct, tag_field="event", tag="mark"):
    mark: _MarkName


class _Stream(Struct, rename="camel"):
    """Without a stream SID nothing can be sent; a call is held whatever its format says."""

    stream_sid: str | None = None
    call_sid: object = None
    custom_parameters: object = None
    media_format: object = None


class _StartMessage(Struct, rename="camel", tag_field="event", tag="start"):
    start: _Stream
    stream_sid: str | None = None


_Written = _MediaMessage | _MarkMessage | _DtmfMessage | _StartMessage | Connected | Stop
_decoder: Decoder[_Written] = Decoder(_Written)


def parse(raw: str | bytes) -> Message:
    """Read one WebSocket message. Never raises. Any thread.

    Half a character, which RFC 8259 (8.2) lets a text hold and no UTF-8 can, is read as U+FFFD: the decoder
    would refuse the audio, or the start of a call, for a field that nobody reads.
    """
    if not isinstance(raw, str):
        return Ignored("binary frame")
    try:
        written = _decoder.decode(raw)
    except ValidationError as error:
        return Ignored(str(error)[:_LONGEST_REASON])
    except (ValueError, RecursionError):
        whole = _without_halves(raw)
        return Ignored("not JSON") if whole == raw else parse(whole)
    if isinstance(written, _MediaMessage):  # fifty a second
        audio = written.media
        stamp = _STAMP.fullmatch(audio.timestamp)
        return Media(audio.payload, int(stamp[1]) if stamp else None)
    return _message(written)


def _without_halves(raw: str) -> str:
    return _HALF.sub(lambda found: "\ufffd" if found["half"] else found[0], raw)


def _message(written: _MarkMessage | _DtmfMessage | _StartMessage | Connected | Stop) -> Message:
    match written:
        case _MarkMessage(mark):
            return Mark(mark.name)
        case _DtmfMessage(key):
            return Dtmf(key.digit)
        case _StartMessage(stream, stream_sid):
            return _start(stream, stream.stream_sid or stream_sid)
        case Connected() | Stop():
            return written


def _start(stream: _Stream, stream_sid: str | None) -> Message:
    if not stream_sid:
        return Ignored("start without streamSid")
    call_sid = stream.call_sid if isinstance(stream.call_sid, str) else ""
    custom = stream.custom_parameters if isinstance(stream.custom_parameters, dict) else {}
    parameters = {name: value for name, value in custom.items() if isinstance(value, str)}
    return Start(stream_sid, call_sid, parameters, _other_format(stream.media_format))


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
