"""What Twilio asks over HTTP: TwiML for a call, its stream's events, the audio that TwiML plays; and health.

Every answer, a refusal too, is made here and not raised: a host application's error handlers never see it.
"""

import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request, url_for
from twilio.twiml.voice_response import Connect, VoiceResponse
from werkzeug.exceptions import HTTPException

from server.config import Config
from server.core import lines
from server.core.conversation import EndCall, Transfer
from server.engines.samples import wav_of
from server.house import House

log = logging.getLogger("agent")

SOCKET_PATH = "/ws/twilio-media"
MAX_PARAMETER_CHARACTERS = 499  # a <Parameter>'s name and value together stay under Twilio's 500
MAX_LOGGED_CHARACTERS = 200
MAX_BODY_BYTES = 65536  # Twilio's forms have some 2,000
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})  # CallStatus without a caller
RING_S = 25  # Twilio adds five; who has not answered by then is not at their desk
PUT_THROUGH = frozenset({"completed", "answered"})  # DialCallStatus of a caller who has spoken to the person
OTHER_METHODS = {
    "POST": ["GET", "PUT", "PATCH", "DELETE"],
    "GET": ["POST", "PUT", "PATCH", "DELETE"],
}


def twilio_blueprint(house: House) -> Blueprint:
    """The HTTP routes over ``house``, to be registered with any Flask application."""
    blueprint = Blueprint("phone_agent", __name__)

    def route(path: str, method: str, name: str, view: Callable[..., Response]) -> None:
        # Both slash forms answer at once: Twilio follows a redirect of a POST with a GET.
        blueprint.add_url_rule(path, name, view, methods=[method], strict_slashes=False)
        blueprint.add_url_rule(
            path,
            f"{name}_otherwise",
            _refusal(method),
            methods=OTHER_METHODS[method],
            provide_automatic_options=False,
            strict_slashes=False,
        )

    route("/webhook/incoming_call", "POST", "incoming_call", lambda: _incoming_call(house))
    route("/webhook/stream_status", "POST", "stream_status", _stream_status)
    route("/webhook/stream_ended", "POST", "stream_ended", lambda: _stream_ended(house))
    route("/webhook/transfer_ended", "POST", "transfer_ended", lambda: _transfer_ended(house))
    route("/healthz", "GET", "healthz", lambda: _health(house))
    route("/media/<name>.wav", "GET", "media", lambda name: _media(house, name))
    route(SOCKET_PATH, "GET", "socket_by_http", _socket_by_http)
    blueprint.before_request(_limit_body)
    blueprint.register_error_handler(Exception, _on_error)
    return blueprint


# ---- the call -----------------------------------------------------------------------------------


def _incoming_call(house: House) -> Response:
    house.begin_warming()  # for a host whose server does not do it at its start
    origin = public_origin(house.config)
    twiml = VoiceResponse()
    if house.config.twiml_play_greeting and house.config.ai_greeting_he.strip():
        twiml.play(_absolute(origin, "media", name="greeting"))
    # With an action Twilio runs no verb after <Connect>: stream_ended says what comes next.
    connect = Connect(action=_path(house, "stream_ended"), method="POST")
    stream = connect.stream(
        url=_socket_url(house.config, _absolute(origin, "socket_by_http")),
        status_callback=_absolute(origin, "stream_status"),
        status_callback_method="POST",
    )
    # What the socket must know goes here: Twilio refuses a query string in its URL.
    for name, field in (("call_sid", "CallSid"), ("from", "From")):
        value = _field(field)[: MAX_PARAMETER_CHARACTERS - len(name)]
        if value:
            stream.parameter(name=name, value=value)
    twiml.append(connect)
    _log_webhook("incoming_call=200", "From", "To")
    return _twiml(twiml)


def _stream_status() -> Response:
    _log_webhook("stream_status=204", "StreamSid", "StreamEvent", "StreamError")
    return Response(status=204)


def _stream_ended(house: House) -> Response:
    """What follows when our side has closed the stream: as the call decided, else it failed: an apology."""
    _log_webhook("stream_ended=200", "CallStatus")
    outcome = house.desk.outcome(_field("CallSid"))
    if isinstance(outcome, Transfer) and house.config.transfer_number and _still_there():
        return _put_through(house)
    if outcome is None and _still_there():
        _owe_a_call_back(house, "השיחה נותקה בתקלה שלנו, צריך לחזור")
    return _hang_up(house, None if isinstance(outcome, EndCall) else "apology")


def _put_through(house: House) -> Response:
    twiml = VoiceResponse()
    twiml.dial(
        house.config.transfer_number,
        action=_path(house, "transfer_ended"),
        method="POST",
        timeout=RING_S,
        answer_on_bridge=True,
    )
    return _twiml(twiml)


def _transfer_ended(house: House) -> Response:
    """The person has hung up, or has not answered: then the caller is told so."""
    _log_webhook("transfer_ended=200", "CallStatus", "DialCallStatus", "From")
    if _field("DialCallStatus") in PUT_THROUGH:
        return _hang_up(house, None)
    _owe_a_call_back(house, "ההעברה לנציג לא נענתה, צריך לחזור")
    return _hang_up(house, "no_answer")


def _owe_a_call_back(house: House, message: str) -> None:
    """The caller is about to hear that the office will call back: it must know."""
    if not _field("CallSid"):
        return
    house.desk.save_lead(_field("CallSid"), _field("From"), (("message", message),))


def _hang_up(house: House, line: str | None) -> Response:
    """A line of /media first, if the caller is still there."""
    twiml = VoiceResponse()
    if line is not None and _still_there():
        twiml.play(_absolute(public_origin(house.config), "media", name=line))
    twiml.hangup()
    return _twiml(twiml)


def _still_there() -> bool:
    return _field("CallStatus") not in OVER


def _twiml(twiml: VoiceResponse) -> Response:
    return Response(str(twiml), mimetype="text/xml")


def _field(name: str) -> str:
    """A form field without what neither XML nor a log line can carry."""
    return "".join(character for character in request.form.get(name, "") if character.isprintable())


def _log_webhook(line: str, *fields: str) -> None:
    said = "".join(f" {name}={value[:MAX_LOGGED_CHARACTERS]}" for name in fields if (value := _field(name)))
    log.info("WEBHOOK %s call=%s%s", line, _field("CallSid")[:MAX_LOGGED_CHARACTERS], said)


# ---- URLs ---------------------------------------------------------------------------------------


def public_origin(config: Config) -> str:
    """Where Twilio reaches this application, without a slash at the end. Needs a request at hand.

    From PUBLIC_BASE_URL or PUBLIC_HOST when set; otherwise from what the proxy or the client claims.
    """
    if config.public_base_url:
        return config.public_base_url.rstrip("/")
    if config.public_host:
        host = config.public_host.rpartition("://")[2].strip("/")  # some write it as a URL
        return f"https://{host}{request.script_root}"
    scheme = _first(request.headers.get("X-Forwarded-Proto", "")).lower()
    host = _first(request.headers.get("X-Forwarded-Host", "")) or request.host
    scheme = {"wss": "https", "ws": "http"}.get(scheme, scheme)
    return f"{scheme if scheme in ('http', 'https') else request.scheme}://{host}{request.script_root}"


def _socket_url(config: Config, url: str) -> str:
    # Twilio takes wss only, and whatever let its request in over http serves https too; plain ws is
    # for who has asked for it.
    scheme = "ws" if config.public_base_url.startswith("http://") else "wss"
    return f"{scheme}:{url.partition(':')[2]}"


def _first(header: str) -> str:
    """A chain of proxies appends with commas; the first is the one that Twilio met."""
    return header.split(",")[0].strip()


def _absolute(origin: str, endpoint: str, **values: str) -> str:
    # A leading dot is Flask's for "in this blueprint", wherever the host has put it.
    path = url_for(f".{endpoint}", _external=False, **values)
    return origin + path.removeprefix(request.script_root)


def _path(house: House, endpoint: str) -> str:
    """Of one of our webhooks, as Twilio sees it: relative to the document it stands in."""
    return urlsplit(_absolute(public_origin(house.config), endpoint)).path


# ---- audio and health ---------------------------------------------------------------------------


def _media(house: House, name: str) -> Response:
    texts = {
        "greeting": house.config.ai_greeting_he,
        "apology": lines.APOLOGY,
        "busy": lines.BUSY,
        "no_answer": lines.NO_ANSWER,
    }
    if not texts.get(name, "").strip():
        known = ", ".join(f"{known}.wav" for known, text in texts.items() if text.strip())
        return _text(404, f"no such audio: there is {known}")
    pcm16_8k = house.phrase_pcm16_8k(texts[name])
    if pcm16_8k is None:
        return _text(503, "no voice can say this now: see TTS_ERR in the server's log")
    response = Response(wav_of(pcm16_8k), mimetype="audio/wav")
    response.cache_control.no_cache = True  # Twilio keeps audio: let it ask whether the line is the same
    response.add_etag()
    response.make_conditional(request)
    return response


def _health(house: House) -> Response:
    engines = house.engines
    return jsonify(
        ok=True,
        warm=house.warm,
        calls=house.calls,  # of this process: every worker counts its own
        engines={
            "asr": [ears.name for ears in engines.ears],
            "llm": [mind.name for mind in engines.minds],
            "tts": [voice.name for voice in engines.voices],
        },
    )


# ---- refusals -----------------------------------------------------------------------------------


def _socket_by_http() -> Response:
    response = _text(426, "this is a WebSocket: connect with the subprotocol audio.twilio.com")
    response.headers["Upgrade"] = "websocket"
    return response


def _refusal(method: str) -> Callable[..., Response]:
    def refuse(**_: str) -> Response:
        response = _text(405, f"use {method}")
        response.headers["Allow"] = method
        return response

    return refuse


def _limit_body() -> None:
    request.max_content_length = MAX_BODY_BYTES


def _on_error(error: Exception) -> Response:
    if isinstance(error, HTTPException):  # a request that Flask could not read
        return _text(error.code or 400, error.description or error.name)
    log.error("WEBHOOK_ERR %s", request.path, exc_info=error)
    return _text(500, "internal error")


def _text(status: int, text: str) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")
