"""What Twilio asks over HTTP: TwiML for a call, its stream's events, the audio that TwiML plays; and health.

Every answer, a refusal too, is made here and not raised: a host application's error handlers never see it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex

from flask import Blueprint, Response, jsonify, request
from twilio.twiml.voice_response import Connect, VoiceResponse

from server.admission.caller_share import ANYBODY, Party
from server.admission.gate import Admitted, Busy, Rejected
from server.config import own_lines
from server.logs.events import NUMBERS, log
from server.logs.one_line import MAX_CHARACTERS, in_one_line
from server.logs.redaction import PrivateText
from server.office.lead import Missed
from server.office.transfer import availability
from server.providers.wav import wav_of
from server.service import Service
from server.telephony.caller_number import number_to_call
from server.telephony.host_app import reached
from server.telephony.public_url import absolute, path_of, socket_url
from server.telephony.request_guard import limit_body, on_errors, plain, signature_of_request
from server.telephony.signature import Refused
from server.telephony.twilio_messages import RESUMES
from server.turns.effects import EndCall, Transfer
from server.turns.prompts import to_caller

SOCKET_PATH = "/ws/twilio-media"
MAX_PARAMETER_CHARACTERS = 499  # a <Parameter>'s name and value together stay under Twilio's 500
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})  # CallStatus without a caller
RING_S = 25  # Twilio adds five; who has not answered by then is not there
PUT_THROUGH = frozenset({"completed", "answered"})  # DialCallStatus of a caller who has spoken to the person
NO_NUMBER = "anonymous"  # in the log: for digits that nobody can call
TO_CALL_BACK = "צריך לחזור"
TO_THE_NUMBER_LEFT = "צריך לחזור למספר שנמסר בשיחה"
NOWHERE_TO_CALL = "המספר חסוי ואין לאן לחזור"
OTHER_METHODS = {
    "POST": ["GET", "PUT", "PATCH", "DELETE"],
    "GET": ["POST", "PUT", "PATCH", "DELETE"],
}


def twilio_blueprint(service: Service) -> Blueprint:
    """The HTTP routes over ``service``, to be registered with any Flask application."""
    blueprint = Blueprint("phone_agent", __name__)

    def route(path: str, method: str, name: str, view: Callable[..., Response]) -> None:
        # Both slash forms answer at once: Twilio follows a redirect of a POST with a GET.
        blueprint.add_url_rule(path, name, reached(view), methods=[method], strict_slashes=False)
        blueprint.add_url_rule(
            path,
            f"{name}_otherwise",
            reached(_refusal(method)),
            methods=OTHER_METHODS[method],
            provide_automatic_options=False,
            strict_slashes=False,
        )

    def webhook(name: str, view: Callable[[Service], Response | Refused]) -> None:
        route(f"/webhook/{name}", "POST", name, lambda: service.guard.webhook(lambda: view(service)))

    webhook("incoming_call", _incoming_call)
    webhook("stream_status", _stream_status)
    webhook("stream_ended", _stream_ended)
    webhook("transfer_ended", _transfer_ended)
    route("/healthz", "GET", "healthz", lambda: _health(service))
    route("/readyz", "GET", "readyz", lambda: _ready(service))
    route("/media/<name>.wav", "GET", "media", lambda name: _media(service, name))
    route(SOCKET_PATH, "GET", "socket_by_http", _socket_by_http)
    blueprint.before_request(limit_body)
    blueprint.register_error_handler(Exception, on_errors())
    return blueprint


# ---- the call -----------------------------------------------------------------------------------


def _incoming_call(service: Service) -> Response | Refused:
    service.begin_warming()  # for a host whose server does not do it at its start
    service.wait_while_warming()  # the caller hears it ring
    party = _party(service)
    answer = service.gate.ring(_field("CallSid"), party, signature_of_request())
    if isinstance(answer, Refused):
        return answer
    _log_webhook(service, f"incoming_call=200 {answer}", "From", "To")
    match answer:
        case Admitted(token):
            # Nothing else may be left of them: they hang up before the socket, or our process is killed.
            service.leads.save_rang(_field("CallSid"), _caller(), outbound=_is_outbound())
            return _connect(service, token, greeted=service.config.twiml_play_greeting)
        case Busy(limit):
            service.kept.metrics.refused.labels(str(limit)).inc()
            return _busy(service)
        case Rejected(limit):
            service.kept.metrics.refused.labels(str(limit)).inc()
            _missed(service, Missed.BUSY if party.hidden else Missed.RATE)
            twiml = VoiceResponse()
            twiml.reject(reason="busy")
            return _twiml(twiml)


def _connect(
    service: Service, token: str, *, greeted: bool = False, took_up: dict[str, str] | None = None
) -> Response:
    """``greeted``: by a <Play> before. ``took_up``: names this stream, which goes on with a call (F8)."""
    twiml = VoiceResponse()
    if greeted and service.config.ai_greeting_he.strip():
        _play(service, twiml, "greeting")
    # With an action Twilio runs no verb after <Connect>: stream_ended says what comes next. What it asks
    # there for each stream of a call must differ: a signature is good for a minute.
    connect = Connect(action=path_of(service.config, "stream_ended", **(took_up or {})), method="POST")
    stream = connect.stream(
        url=socket_url(service.config, absolute(service.config, "socket_by_http")),
        status_callback=absolute(service.config, "stream_status"),
        status_callback_method="POST",
    )
    call_sid = _field("CallSid")
    # What the socket must know goes here: Twilio refuses a query string in its URL.
    known = {"call_sid": call_sid, "from": _caller(), "token": token, **(took_up or {})}
    for name, value in known.items():
        if value:
            stream.parameter(name=name, value=value[: MAX_PARAMETER_CHARACTERS - len(name)])
    twiml.append(connect)
    return _twiml(twiml)


def _busy(service: Service) -> Response:
    if service.config.overflow_number:
        twiml = VoiceResponse()
        _dial(service, twiml, service.config.overflow_number)
        return _twiml(twiml)
    _missed(service, Missed.BUSY)
    return _hang_up(service, "busy")


def _stream_status(service: Service) -> Response | Refused:
    """What Twilio tells of a stream; and of a call, to a number whose status is sent here: a caller who has
    hung up before the socket came gives their place back at once.
    """
    if refused := _told(service, over=_field("StreamEvent") == "stream-stopped" or not _still_there()):
        return refused
    _log_webhook(service, "stream_status=204", "StreamSid", "StreamEvent", "StreamError")
    return Response(status=204)


def _told(service: Service, *, over: bool) -> Refused | None:
    """The gate is told, and says whether this request is an old one; ``over``: the call's stream is."""
    return service.gate.told(_field("CallSid"), signature_of_request(), over=over)


def _stream_ended(service: Service) -> Response | Refused:
    """What follows when our side has closed the stream: as the call decided, else it failed.

    Then it goes on at another stream (F8), or there is an apology.
    """
    taken_up = _take_up(service)
    if isinstance(taken_up, Refused):
        return taken_up
    if taken_up is not None:
        _log_webhook(service, f"stream_ended=200 {taken_up}", "CallStatus")
        # Or the office would hear that it was lost, and of what is left from now on nothing.
        service.leads.save_goes_on(_field("CallSid"), _caller())
        return _connect(service, taken_up.token, took_up={RESUMES: token_hex(4)})
    if refused := _told(service, over=True):
        return refused
    _log_webhook(service, "stream_ended=200", "CallStatus")
    outcome = service.shared_state.outcome(_field("CallSid"))
    if isinstance(outcome, EndCall) or not _still_there():
        if isinstance(outcome, Transfer):
            _missed(service, Missed.HUNG_UP)
        return _hang_up(service, None)
    if isinstance(outcome, Transfer) and service.config.transfer_number:
        twiml = VoiceResponse()
        _dial(service, twiml, service.config.transfer_number)
        return _twiml(twiml)
    return _make_up_for_it(service)


def _take_up(service: Service) -> Admitted | Refused | None:
    """Whether the call goes on at another stream: nobody has ended it, and it is known what was said."""
    call_sid = _field("CallSid")
    if not _still_there() or service.shared_state.outcome(call_sid) is not None:
        return None
    if service.memories.recall(call_sid) is None:
        return None
    return service.gate.take_up(call_sid, _party(service), signature_of_request())


def _make_up_for_it(service: Service) -> Response:
    """We have failed a caller who is still there: a person, or the promise of one."""
    if availability(service.config).person_available(datetime.now(UTC)):
        twiml = VoiceResponse()
        _play(service, twiml, "apology_transfer")
        _dial(service, twiml, service.config.transfer_number)
        return _twiml(twiml)
    promised = _owe_a_call_back(service, Missed.FAILED, "השיחה נותקה בתקלה שלנו")
    return _hang_up(service, "apology" if promised else "apology_hidden")


def _dial(service: Service, twiml: VoiceResponse, number: str) -> None:
    twiml.dial(
        number,
        action=path_of(service.config, "transfer_ended"),
        method="POST",
        timeout=RING_S,
        answer_on_bridge=True,
    )


def _transfer_ended(service: Service) -> Response | Refused:
    """The person has hung up, or has not answered: then the caller is told so."""
    if refused := _told(service, over=False):
        return refused
    _log_webhook(service, "transfer_ended=200", "CallStatus", "DialCallStatus", "From")
    if _field("DialCallStatus") in PUT_THROUGH:
        return _hang_up(service, None)
    promised = _owe_a_call_back(service, Missed.NO_ANSWER, "ההעברה לנציג לא נענתה")
    return _hang_up(service, "no_answer" if promised else "no_answer_hidden")


def _owe_a_call_back(service: Service, why: Missed, what: str) -> bool:
    """The office must know of a caller whom we have failed. True: it can call back, so it may be promised."""
    possible = service.leads.can_call_back(_field("CallSid"), _caller())
    how = TO_CALL_BACK if _caller() else TO_THE_NUMBER_LEFT if possible else NOWHERE_TO_CALL
    _missed(service, why, f"{what}, {how}")
    return possible


def _missed(service: Service, why: Missed, message: str = "") -> None:
    service.leads.save_missed(_field("CallSid"), _caller(), why, message)


def _hang_up(service: Service, line: str | None) -> Response:
    """A line of /media first, if the caller is still there."""
    twiml = VoiceResponse()
    if line is not None and _still_there():
        _play(service, twiml, line)
    twiml.hangup()
    return _twiml(twiml)


def _play(service: Service, twiml: VoiceResponse, line: str) -> None:
    twiml.play(absolute(service.config, "media", name=line))


def _still_there() -> bool:
    return _field("CallStatus") not in OVER


def _twiml(twiml: VoiceResponse) -> Response:
    return Response(str(twiml), mimetype="text/xml")


def _field(name: str) -> str:
    """A form field, as XML and a log line can carry it."""
    return in_one_line(request.form.get(name, ""))


def _caller() -> str:
    """The number at the other end, empty when it is hidden; in a call that we have placed From is our own."""
    return number_to_call(_field("To" if _is_outbound() else "From"))


def _party(service: Service) -> Party:
    """With whom they are counted. Whom we have called ourselves may be called as often as we like."""
    return ANYBODY if _is_outbound() else service.parties.of(_field("From"))


def _is_no_number(caller: str) -> bool:
    return caller.removeprefix("+").isdigit() and not number_to_call(caller)


def _is_outbound() -> bool:
    return _field("Direction").startswith("outbound")


def _log_webhook(service: Service, line: str, *fields: str) -> None:
    values = {name: value[:MAX_CHARACTERS] for name in fields if (value := _field(name))}
    values |= {name: NO_NUMBER for name in NUMBERS & values.keys() if _is_no_number(values[name])}
    shown_as = log.bind(private_text=PrivateText(service.config.log_transcripts))
    shown_as.info(f"WEBHOOK {line}", call=_field("CallSid")[:MAX_CHARACTERS], **values)


# ---- audio and health ---------------------------------------------------------------------------


def _media(service: Service, name: str) -> Response:
    lines = own_lines(service.config)
    texts = {
        "greeting": service.config.opening,
        "apology": lines.apology,
        "apology_hidden": lines.apology_hidden,
        "apology_transfer": lines.apology_transfer,
        "busy": lines.busy,
        "no_answer": lines.no_answer,
        "no_answer_hidden": lines.no_answer_hidden,
    }
    if not texts.get(name, "").strip():
        known = ", ".join(f"{known}.wav" for known, text in texts.items() if text.strip())
        return plain(404, f"no such audio: there is {known}")
    pcm16_8k = service.phrase_pcm16_8k(to_caller(texts[name], None))
    if pcm16_8k is None:
        return plain(503, "no voice can say this now: see TTS_ERR in the server's log")
    response = Response(wav_of(pcm16_8k), mimetype="audio/wav")
    response.cache_control.no_cache = True  # Twilio keeps audio: let it ask whether the line is the same
    response.add_etag()
    response.make_conditional(request)
    return response


def _health(service: Service) -> Response:
    """503 while a kind of engine has none that works: a balancer then sends its calls elsewhere.

    And while none is loaded yet: whoever took an answer for "ready" before this one could be given still may.
    Not for a store that fails: calls are held all the same, and every host may share that one. Not for a
    worker that is full either: its calls go on, and whoever restarts what is not healthy would cut them.
    """
    providers, failing, room = service.providers, service.failing, service.gate.room
    warming = service.warming
    response = jsonify(
        ok=not (failing or warming),
        status="degraded" if failing else "warming" if warming else "ok",
        failing=failing,
        warm=service.warm,
        calls=len(service.gate.live()),  # of this process: every worker counts its own
        carries=service.gate.carries,
        load=round(room.load.of_now, 3),
        load_threshold=room.load.threshold,
        draining=service.gate.draining,
        lag_ms=round(service.gate.lag_s * 1000),
        overloaded=service.gate.overloaded,
        store=service.shared_state.sharing.value,
        engines={
            "asr": [stt.name for stt in providers.stt],
            "llm": [llm.name for llm in providers.llm],
            "tts": [voice.name for voice in providers.tts],
        },
    )
    response.status_code = 503 if failing or warming else 200
    return response


def _ready(service: Service) -> Response:
    """503 while a new call would be refused, or fail: for whoever chooses where new calls go. May block."""
    full, cold = service.gate.why_full(), service.cold
    service.begin_warming()  # for a host whose server does not do it at its start, and is not asked before
    why_not = "cold" if cold else "failing" if service.failing else str(full or "")
    response = jsonify(ready=not why_not, why_not=why_not)
    response.status_code = 503 if why_not else 200
    return response


# ---- refusals -----------------------------------------------------------------------------------


def _socket_by_http() -> Response:
    response = plain(426, "this is a WebSocket: connect with the subprotocol audio.twilio.com")
    response.headers["Upgrade"] = "websocket"
    return response


def _refusal(method: str) -> Callable[..., Response]:
    def refuse(**_: str) -> Response:
        response = plain(405, f"use {method}")
        response.headers["Allow"] = method
        return response

    return refuse
