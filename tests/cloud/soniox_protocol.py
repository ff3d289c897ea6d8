"""Soniox's messages: what may be in them, its errors, and what faults make of a session or a stream.

From the types of the ``soniox`` package, 2.10.0, and soniox.com/docs/api-reference, 2026-11.
"""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any

from websockets.typing import Subprotocol

from tests.cloud.watch import Fault
from tests.cloud.websocket import Link

STT_PATH, TTS_PATH = "/transcribe-websocket", "/tts-websocket"
KEY_PROTOCOL = Subprotocol("soniox-api-key")  # the first of two subprotocols; the key is the second
END, FIN = "<end>", "<fin>"
MAX_STREAMS = 5  # active ones of a TTS connection
MAX_TEXT = 5000  # characters of a TTS message
MAX_CONTEXT = 10_000  # characters

Check = Callable[[Any], bool]


def a(*kinds: type) -> Check:
    return lambda value: isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)


def one_of(*values: Any) -> Check:
    return lambda value: value in values


def between(low: float, high: float) -> Check:
    return lambda value: a(int, float)(value) and low <= value <= high


def text_to(longest: int) -> Check:
    return lambda value: isinstance(value, str) and 1 <= len(value) <= longest


def are_languages(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and len(each) == 2 for each in value)


STT_START: dict[str, Check] = {
    "api_key": a(str),
    "model": a(str),
    "audio_format": a(str),
    "sample_rate": a(int),
    "num_channels": a(int),
    "language_hints": are_languages,
    "language_hints_strict": a(bool),
    "context": lambda value: isinstance(value, dict) and value.keys() <= {"general", "text", "terms"},
    "enable_speaker_diarization": a(bool),
    "enable_language_identification": a(bool),
    "enable_endpoint_detection": a(bool),
    "max_endpoint_delay_ms": between(500, 3000),
    "endpoint_sensitivity": between(-1, 1),
    "endpoint_latency_adjustment_level": one_of(0, 1, 2, 3),
    "client_reference_id": text_to(256),
}
STT_CONTROL: dict[str, Check] = {
    "type": one_of("finalize", "keepalive"),
    "trailing_silence_ms": a(int),
}
TTS_START: dict[str, Check] = {
    "api_key": a(str),
    "stream_id": text_to(256),
    "model": text_to(50),
    "language": text_to(50),
    "voice": text_to(50),
    "audio_format": a(str),
    "sample_rate": one_of(8000, 16000, 24000, 44100, 48000),
    "speed": between(0.7, 1.3),
    "reduce_silence": a(bool),
    "client_reference_id": text_to(256),
}
TTS_REQUIRED = ("stream_id", "model", "language", "voice", "audio_format")
TTS_TEXT: dict[str, Check] = {
    "stream_id": text_to(256),
    "text": lambda value: isinstance(value, str) and len(value) <= MAX_TEXT,
    "text_end": a(bool),
}
TTS_CANCEL: dict[str, Check] = {"stream_id": text_to(256), "cancel": one_of(True)}
TTS_KEEP_ALIVE: dict[str, Check] = {"keep_alive": one_of(True)}


def problems(message: dict[str, Any], fields: dict[str, Check]) -> list[str]:
    """What a client may not send, by field."""
    unknown = [f"unknown field {name}" for name in message if name not in fields]
    return unknown + [f"{n}: {v!r}" for n, v in message.items() if n in fields and not fields[n](v)]


def parsed(message: str | bytes) -> dict[str, Any] | None:
    """The JSON object of a text message, or None."""
    if isinstance(message, bytes):
        return None
    try:
        value = json.loads(message)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class Error(Enum):
    """Code, type (what clients should go by) and message."""

    INVALID_REQUEST = (400, "invalid_request", "Start request is malformed.")
    MODEL_GONE = (400, "model_not_available", "Invalid model specified.")
    KEY = (401, "unauthenticated", "Incorrect API key provided.")
    BALANCE = (402, "organization_balance_exhausted", "Organization balance exhausted.")
    TIMEOUT = (408, "request_timeout", "Request timeout.")
    EXPIRED = (413, "max_duration_reached", "Audio is too long.")
    TOO_MANY = (429, "limit_exceeded", "Rate limit for your organization has been exceeded.")
    TOO_MANY_CONNECTIONS = (429, "max_concurrent_connections_reached", "Too many open connections.")
    RESTART = (503, "service_unavailable", "Cannot continue request (code 11). Please restart the request.")

    def body(self, message: str = "") -> dict[str, Any]:
        code, kind, usual = self.value
        return {
            "error_code": code,
            "error_type": kind,
            "error_message": message or usual,
            "more_info": f"https://soniox.com/docs/api-reference/errors#{kind.replace('_', '-')}",
            "request_id": "3d37a3bd-5078-47ee-a369-b204e3bbedda",
        }


def model(name: str) -> dict[str, Any]:
    """As the lists of models give it, both kinds' fields in one. No date of an end is among them."""
    languages = [{"code": "he", "name": "Hebrew"}, {"code": "en", "name": "English"}]
    voices = [{"id": "Maya", "description": "", "gender": "female"}]
    return {
        "id": name,
        "aliased_model_id": None,
        "name": name,
        "context_version": 2,
        "transcription_mode": "real_time",
        "languages": languages,
        "voices": voices,
        "supports_language_hints_strict": True,
        "supports_max_endpoint_delay": True,
        "translation_targets": [],
        "two_way_translation_pairs": [],
        "one_way_translation": None,
        "two_way_translation": None,
    }


FAILS_AT_ONCE: dict[Fault, Error] = {
    Fault.TOO_MANY: Error.TOO_MANY,
    Fault.UNAVAILABLE: Error.RESTART,
    Fault.KEY: Error.KEY,
    Fault.MODEL_GONE: Error.MODEL_GONE,
}
FAILS_MIDWAY: dict[Fault, Error] = {
    Fault.EXPIRED: Error.EXPIRED,
    Fault.RESTART: Error.RESTART,
}
CUTS = {Fault.CUT_MID_STREAM, Fault.CLOSED}


def cut(link: Link, fault: Fault) -> None:
    """One of CUTS. Raises Over."""
    if fault is Fault.CLOSED:
        link.close()
    link.reset()
