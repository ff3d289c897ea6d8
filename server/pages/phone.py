"""A phone in the browser: a page that calls this server as Twilio would, through the same door.

::

    /phone/call  ──▶ incoming_call ──▶ gate      TwiML with the socket's token; and a ticket
    the socket, with the ticket in the place of Twilio's signature, and the token in its ``start``
    /phone/ended ──▶ stream_ended  ──▶ gate      TwiML: what follows

A browser cannot sign, and must not be able to. Who may see the page has shown that to ``Pages``; so we sign
for it, and ask our own webhooks: signature, limits, token and leads are those of any call.
"""

import re
from secrets import token_hex

from flask import Response, current_app, jsonify, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.test import EnvironBuilder

from server.pages.pages import Pages, render
from server.service import Service
from server.telephony.public_url import public_origin
from server.telephony.request_guard import SIGNATURE, TICKET

ACCOUNT_SID = "AC" + "0" * 32
CALLER, CALLED = "client:browser", "client:agent"  # as Twilio names its own browsers'; no number to call back
STREAM_SID = re.compile("MZ[0-9a-f]{32}")


def add_phone(pages: Pages, service: Service) -> None:
    auth = service.gate.auth

    def phone() -> Response:
        links = {
            "socket": url_for(_agents("socket_by_http")),
            "media": url_for(_agents("media"), name="NAME"),
            "call": url_for(".phone_call"),
            "ended": url_for(".phone_ended"),
            "words": service.config.log_transcripts,
        }
        return render("pages/phone.html", links=links)

    def phone_call() -> Response:
        """The page calls."""
        call_sid = f"CA{token_hex(16)}"
        answer = _ask_as_twilio(service, "incoming_call", call_sid, CallStatus="ringing")
        return _to_page(answer, call_sid, auth.new_ticket(call_sid))

    def phone_ended() -> Response:
        """A stream of the page's is over: what follows? Of a call of its own only, which its ticket shows."""
        call_sid = auth.call_of(request.form.get("ticket", "").removeprefix(TICKET), late=True)
        stream_sid = request.form.get("stream_sid", "")
        if not call_sid or not STREAM_SID.fullmatch(stream_sid):
            raise Forbidden
        status = "completed" if request.form.get("hung_up") else "in-progress"
        answer = _ask_as_twilio(service, "stream_ended", call_sid, CallStatus=status, StreamSid=stream_sid)
        return _to_page(answer, call_sid, auth.new_ticket(call_sid))

    pages.add("/phone", phone, title=("טלפון", "Phone"))
    pages.add("/phone/call", phone_call, methods=("POST",), data=True)
    pages.add("/phone/ended", phone_ended, methods=("POST",), data=True)


def _to_page(answer: Response, call_sid: str, ticket: str) -> Response:
    if answer.status_code != 200:
        return Response("refused\n", answer.status_code, mimetype="text/plain")
    return jsonify(
        accountSid=ACCOUNT_SID,
        callSid=call_sid,
        ticket=TICKET + ticket,
        twiml=answer.get_data(as_text=True),
    )


def _agents(name: str) -> str:
    """The endpoint of one of the agent's own routes, wherever a host has put it: ours are nested in its."""
    return f"{(request.blueprint or '').rpartition('.')[0]}.{name}"


def _ask_as_twilio(service: Service, name: str, call_sid: str, **more: str) -> Response:
    """What our webhook answers to a form that is signed as Twilio would; in this very thread."""
    fields = {"AccountSid": ACCOUNT_SID, "CallSid": call_sid, "Direction": "inbound"}
    fields |= {"From": CALLER, "To": CALLED, **more}
    path = url_for(_agents(name)).removeprefix(request.script_root)
    signature = service.gate.auth.sign(public_origin(service.config) + path, fields)
    form = EnvironBuilder(
        path, request.url_root, method="POST", data=fields, headers=[(SIGNATURE, signature)]
    ).get_environ()
    view = current_app.view_functions[_agents(name)]
    with current_app.request_context(request.environ | form):
        answer = view()
    assert isinstance(answer, Response)
    return answer
