"""The application: our own (``create_app``, what gunicorn serves), or mounted in another Flask application::

from server.app import phone_agent
blueprint, sock = phone_agent()
app.register_blueprint(blueprint); sock.init_app(app)
"""

import logging
import sys
from functools import partial

from flask import Blueprint, Flask, request
from flask.blueprints import BlueprintSetupState

from server.config import EXTENSION, Config, load_config_to_start, load_mounted_config
from server.hebrew.understand.gender import Gender
from server.logs.events import hide_private
from server.logs.line_format import LogLine
from server.logs.writer import unblock_output
from server.media_ws_ai import MediaStreamHandler
from server.pages.door import Allowed
from server.pages.live_call import shown
from server.pages.site import pages_of
from server.providers.host_functions import Asr, Respond, Synth
from server.providers.host_reply import Call, Reply
from server.providers.provider_set import build_providers, default_providers, with_host_functions
from server.routes_metrics import add_metrics
from server.routes_twilio import SOCKET_PATH, twilio_blueprint
from server.runtime.threads import Threads
from server.runtime.web_server import gunicorn_below, threads_for_calls
from server.service import Service
from server.settings.startup_checks import kept_words, tried_files
from server.telephony.host_app import HostApp
from server.telephony.socket_route import PhoneSock, Socket, reject
from server.telephony.twilio_messages import Start
from server.turns.effects import EndCall, Line, SaveLead, Speaker, Transfer

__all__ = [  # what a host may need
    "EXTENSION",
    "Call",
    "EndCall",
    "Gender",
    "Line",
    "Reply",
    "SaveLead",
    "Speaker",
    "Transfer",
    "create_app",
    "phone_agent",
    "set_up_logging",
]

log = logging.getLogger("agent")


def create_app(config: Config | None = None) -> Flask:
    """Our own application, with its logging. Raises KnobError."""
    config = config or load_config_to_start()
    set_up_logging(config.log_level)
    app = Flask(__name__, static_folder=None)
    blueprint, sock = phone_agent(config, pages=config.pages)
    app.register_blueprint(blueprint)
    sock.init_app(app)
    return app


def _wait_while_warming(service: Service) -> None:
    """Before a socket's handshake: a stream of another process's call, which would be heard by nobody yet."""
    if (request.endpoint or "").endswith(".socket"):
        service.wait_while_warming()


def _blueprint(service: Service, pages: bool, allowed: Allowed | None, *, own: bool) -> Blueprint:
    """``own``: of our own server."""
    if allowed is not None and not (pages and callable(allowed)):
        raise TypeError("allowed= is a function, and goes with pages=True")
    blueprint = twilio_blueprint(service)
    blueprint.before_request(partial(_wait_while_warming, service))
    add_metrics(blueprint, service, own=own)
    if pages:
        blueprint.register_blueprint(pages_of(service, allowed))
    return blueprint


def phone_agent(
    config: Config | None = None,
    *,
    asr: Asr | None = None,
    respond: Respond | None = None,
    synth: Synth | None = None,
    pages: bool = False,
    allowed: Allowed | None = None,
) -> tuple[Blueprint, PhoneSock]:
    """The web surface for any Flask application; logging and error handlers stay the host's.

    ``asr`` (``bytes → str``), ``respond`` (``str → str``), ``synth`` (``str → bytes``): a host's own
    functions, in the place of the configured providers, for every call. ``respond`` may take a ``Call`` as
    ``call``, and answer with a ``Reply`` or a stream (docs/flask.md).

    ``pages``: also the pages in the browser (docs/pages.md). ``allowed()``: whether who asks in this request
    may see them, or their name for the log; without it PAGES_PASSWORD_HASH.

    Raises KnobError, and TypeError for a function that cannot be called so.

    The providers are warmed by the first call's webhook; a host that has a hook for the start of its workers
    calls ``app.extensions["phone_agent"].begin_warming()`` there, and the first caller does not wait.
    """
    mounted = config is None
    providers = default_providers() if config is None else build_providers(config, Threads())
    config = config or load_mounted_config()
    # Once here and not once a call, so that the lines the host's voice has made are kept.
    hide_private(config)
    service = Service(config, with_host_functions(providers, Threads(), asr, respond, synth))
    if mounted:  # our own server says it at its start
        _say_what_is_wrong(service)
    blueprint = _blueprint(service, pages, allowed, own=not mounted)

    def hand_over(state: BlueprintSetupState) -> None:
        state.app.extensions[EXTENSION] = service
        service.gate.threads_for_calls = threads_for_calls(gunicorn_below())
        HostApp(service.config, state)

    blueprint.record(hand_over)

    sock = PhoneSock(config.most_calls, stock=config.websocket_engine == "flask-sock")
    sock.route(SOCKET_PATH, blueprint, strict_slashes=False)(partial(_serve, service))
    return blueprint, sock


def _serve(service: Service, ws: Socket) -> None:
    """One media socket, to its end: Twilio's, or a page's with a ticket for its own call."""
    pages_call = service.guard.call_of_a_page()
    if not pages_call and not service.guard.takes_socket():
        reject(ws, "not signed by Twilio")
        return

    def admit(start: Start) -> str:
        if pages_call not in ("", start.call_sid):
            return "another call's ticket"
        if pages_call and start.parameters.get("from"):  # the webhook has named nobody, and counted them so
            return "a page's call with a number"
        return str(service.gate.admit(call, start) or "")

    call = MediaStreamHandler(
        ws,
        service.config,
        providers=service.providers,
        leads=service.leads,
        close_call=lambda call_sid, outcome: service.gate.ends(call, call_sid, outcome),
        afterwards=service.afterwards,
        observers=service.observers(),
        shown_by=partial(shown, service.config) if pages_call else None,
        memories=service.memories,
        admit=admit,
    )
    try:
        call.run()
    finally:
        service.gate.leave(call)


def _say_what_is_wrong(service: Service) -> None:
    if not service.gate.auth.required:
        log.warning("OPEN: TWILIO_AUTH_TOKEN is not set: whoever reaches this server can place calls on it")
    for kept in kept_words(service.config):
        log.warning(kept)
    for tried in tried_files(service.config):
        if tried.problem:
            log.error("FILE_ERR %s", tried)


def set_up_logging(level: str) -> None:
    """Our lines to standard output with a time. What they hold of callers: LOG_TRANSCRIPTS.

    Nobody waits from now on for who reads the output of this process (``unblock_output``).
    """
    unblock_output()
    log.setLevel(level)
    if not log.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(LogLine())
        log.addHandler(handler)
