"""What one session of the Realtime API does with its client's events."""

import base64
import binascii
import json
import time
from collections.abc import Callable
from typing import Any

from tests.cloud.openai_realtime import Event, Realtime, Session
from tests.cloud.openai_realtime_events import (
    OF_REALTIME,
    OF_RESPONSE,
    OF_TRANSCRIPTION,
    Wrong,
    at,
    check_event,
    check_format,
    check_output,
    check_response,
    check_transcription,
    check_tree,
    merged,
    named,
)
from tests.cloud.openai_realtime_stt import Listening
from tests.cloud.openai_realtime_tts import Speaking
from tests.cloud.watch import Exchange, Fault
from tests.cloud.websocket_wire import Wire

HARMLESS = (
    "input_audio_buffer_commit_empty",
    "response_cancel_not_active",
)  # no client can always avoid them
DEFAULTS = {
    "transcription": {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "audio": {"input": {}},
    },
    "realtime": {
        **{"type": "realtime", "object": "realtime.session", "output_modalities": ["audio"]},
        "audio": {"input": {}, "output": {"voice": "marin", "format": {"type": "audio/pcm", "rate": 24_000}}},
    },
}
GARBAGE = (
    {"type": "session.weather", "event_id": "event_x", "degrees": 21},
    {"type": "response.output_audio.delta", "delta": 5, "response_id": []},
    "{not JSON",
    b"\x00\xff\x00",
    "[[[",
)


class Served:
    """A session while it lasts. ``run`` returns when it is over."""

    def __init__(self, realtime: Realtime, session: Session, exchange: Exchange, wire: Wire) -> None:
        self.realtime, self.session, self.wire = realtime, session, wire
        self._fault = exchange.fault
        self._is_beta = "openai-beta" in exchange.request["headers"]
        self._listening = Listening(self)
        self._speaking = Speaking(self)

    def run(self) -> None:
        session = self.session
        session.config = {"id": session.id, **DEFAULTS[session.intent]}
        session.config["expires_at"] = int(time.time() + self.realtime.session_s)
        if session.intent == "realtime":
            session.config["model"] = session.model
        self.realtime.opened.append(session)
        try:
            self._welcome()
            self.wire.run(self._take)
        finally:
            self._listening.end()
            self._speaking.end()
            session.close_code = self.wire.client_close_code
            session.closed_at = time.time()

    def _welcome(self) -> None:
        if self._is_beta:
            message = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."
            self.session.violations.append(message)
            self._turn_away(Wrong("beta_api_shape_disabled", message), 4000)
        elif code := self.realtime.refuses_with:
            self._turn_away(Wrong(code, code), 3000)
        else:
            self.say("session.created", session=self.session.config)
            self.wire.after(self.realtime.session_s, self.expire)

    def _turn_away(self, wrong: Wrong, close_code: int) -> None:
        self.say_error(wrong)
        self.wire.close(close_code, f"invalid_request_error.{wrong.code}")

    # ---- for those who answer ----

    def say(self, type: str, **fields: Any) -> None:
        body = {"type": type, "event_id": named("event"), **fields}
        if self.wire.send(body):
            self.session.sent.append(Event(time.time(), type, body))

    def say_error(
        self, wrong: Wrong, event_id: str | None = None, kind: str = "invalid_request_error"
    ) -> None:
        error = {"type": kind, "code": wrong.code, "message": wrong.message, "param": wrong.param}
        self.say("error", error={**error, "event_id": event_id})

    def say_garbage(self) -> None:
        for each in GARBAGE:
            self.wire.send(each)

    def expire(self) -> None:
        minutes = max(round(self.realtime.session_s / 60), 1)
        message = f"Your session hit the maximum duration of {minutes} minutes."
        self.say_error(Wrong("session_expired", message))
        self.wire.close(1001, message)

    # ---- the client's events ----

    def _take(self, message: str | bytes) -> None:
        event_id = None
        try:
            event = self._parsed(message)
            event_id = event.get("event_id")
            self._handlers[event["type"]](self, event)
        except Wrong as wrong:
            if wrong.code not in HARMLESS:
                self.session.violations.append(f"{wrong.code} {wrong.param}: {wrong.message}")
            self.say_error(wrong, event_id)

    def _parsed(self, message: str | bytes) -> dict[str, Any]:
        try:
            event: Any = json.loads(message) if isinstance(message, str) else None
        except json.JSONDecodeError:
            event = None
        kind = event.get("type", "?") if isinstance(event, dict) else "?"
        body = dict(event) if isinstance(event, dict) else {"message": message}
        if "audio" in body:
            body["audio"] = len(str(body["audio"])) * 3 // 4
        self.session.received.append(Event(time.time(), str(kind), body))
        check_event(event)
        parsed: dict[str, Any] = event
        return parsed

    def _update(self, event: dict[str, Any]) -> None:
        session, intent = self.session, self.session.intent
        asked = event.get("session") or {}
        if asked.get("type") != intent:
            other = "transcription" if intent == "realtime" else "realtime"
            message = f"Passing a {other} session update event to a {intent} session is not allowed."
            raise Wrong("invalid_value", message, "session.type")
        if self._fault is Fault.CUT_MID_STREAM:
            self.wire.reset()
            return
        check_tree(event, OF_TRANSCRIPTION if intent == "transcription" else OF_REALTIME, self._refused)
        check_format(event, "session.audio.input.format")
        if at(event, "session.audio.input.format.type") in self.realtime.refused_formats:
            raise Wrong("invalid_value", "Unsupported format.", "session.audio.input.format")
        check_transcription(event)
        if intent == "realtime":
            check_output(event, "session")
        self._check_model(at(event, "session.audio.input.transcription.model"))
        session.config = merged(session.config, asked)
        session.model = at(session.config, "audio.input.transcription.model") or session.model
        if self._fault is Fault.HUNG_MID_STREAM:
            return
        session.configured = True
        self.say("session.updated", session=session.config)
        if self._fault is Fault.EXPIRED:
            self.expire()

    @property
    def _refused(self) -> set[str]:
        return self.realtime.refused_parameters

    def _check_model(self, model: str | None) -> None:
        gone = self._fault is Fault.MODEL_GONE and self.session.intent == "transcription"
        if model is not None and (gone or self.realtime.models.ended(model)):
            message = f"The model `{model}` does not exist or you do not have access to it."
            raise Wrong("model_not_found", message, "session.audio.input.transcription.model")

    def _append(self, event: dict[str, Any]) -> None:
        try:
            audio = base64.b64decode(event["audio"], validate=True)
        except (binascii.Error, TypeError, ValueError, KeyError) as error:
            raise Wrong("invalid_value", "Invalid base64.", "audio") from error
        if self.session.intent == "transcription" and not self.session.configured:
            raise Wrong("session_not_configured", "Audio before session.updated is not transcribed.", "audio")
        self._listening.append(audio)

    def _commit(self, event: dict[str, Any]) -> None:
        self._listening.commit()

    def _clear(self, event: dict[str, Any]) -> None:
        self._listening.clear()
        self.say("input_audio_buffer.cleared")

    def _create(self, event: dict[str, Any]) -> None:
        if self.session.intent != "realtime":
            raise Wrong("invalid_value", "A transcription session has no responses.", "type")
        check_tree(event, OF_RESPONSE, self._refused)
        check_response(event)
        self._speaking.create(event.get("response") or {})

    def _cancel(self, event: dict[str, Any]) -> None:
        self._speaking.cancel(event.get("response_id"))

    _handlers: dict[str, Callable[["Served", dict[str, Any]], None]] = {
        "session.update": _update,
        "input_audio_buffer.append": _append,
        "input_audio_buffer.commit": _commit,
        "input_audio_buffer.clear": _clear,
        "response.create": _create,
        "response.cancel": _cancel,
    }
