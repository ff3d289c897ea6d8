"""A clinic's Flask application that answers the telephone, with an LLM of its own.

In one terminal (the scripted STT hears what it is told, whatever is said):

    export PYTHONPATH=. LOG_TRANSCRIPTS=full
    export ASR_ENGINES=scripted SCRIPTED_ASR_LINES="אני רוצה לקבוע תור|ליום שלישי|דנה כהן"
    .venv/bin/gunicorn --worker-class gevent --bind 127.0.0.1:5000 examples.flask_host:app 2> host.log

In another:

    .venv/bin/python -m server.simulator --incoming-path /phone/webhook/incoming_call --server-log host.log \\
        --say "אני רוצה לקבוע תור" --say "ליום שלישי" --say "דנה כהן"
"""

import logging
from collections.abc import Iterator

from flask import Flask, redirect, request, session
from werkzeug.wrappers import Response

from server.app import Call, EndCall, Reply, SaveLead, Speaker, Transfer, phone_agent

try:
    from flask_wtf import CSRFProtect
except ImportError:  # this host has no forms to protect
    CSRFProtect = None

PATIENTS = {"+972501234567": "דנה"}
WHICH_DAY, WHICH_NAME = "לאיזה יום לקבוע את התור?", "על איזה שם לרשום?"


def respond(text: str, call: Call) -> Reply | Iterator[str | SaveLead | EndCall]:
    """A function of what was said so far: it may be asked more than once for one turn."""
    said = " ".join(line.text for line in call.history if line.speaker is Speaker.AGENT)
    heard = [line.text for line in call.history if line.speaker is Speaker.CALLER]
    if "דחוף" in text and call.person:
        return Reply("השיחה עוברת עכשיו לרופאה.", acts=[Transfer()])
    if WHICH_NAME in said:
        return goodbye(day=heard[-1], name=text)
    if WHICH_DAY in said:
        return Reply(WHICH_NAME)
    return Reply(f"שלום {PATIENTS.get(call.number, 'וברוכים הבאים')}. {WHICH_DAY}")


def goodbye(day: str, name: str) -> Iterator[str | SaveLead | EndCall]:
    """Streamed: the first sentence is heard while the next is made. Acts are done once the turn is ours."""
    yield SaveLead.of(name=name, notes=f"תור {day}")
    yield "רשמתי, והאישור יישלח היום. "
    yield "תודה, ולהתראות."
    yield EndCall()


logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
app = Flask(__name__)
app.secret_key = "only for this example"
blueprint, sock = phone_agent(respond=respond, pages=True, allowed=lambda: session.get("staff"))
app.register_blueprint(blueprint, url_prefix="/phone")  # and no /phone in PUBLIC_BASE_URL
sock.init_app(app)

if CSRFProtect is not None:
    csrf = CSRFProtect(app)
    csrf.exempt(app.blueprints[blueprint.name])  # Twilio's signature is its token
    csrf.exempt(app.blueprints[f"{blueprint.name}.pages"])  # their forms have a token of their own


@app.before_request
def only_staff() -> Response | None:
    """Everything behind a login, but for the telephone and the login itself."""
    if request.blueprint == blueprint.name or request.endpoint == "login" or "staff" in session:
        return None
    return redirect("/login")


@app.route("/login")
def login() -> str:
    return "who are you?"


@app.route("/")
def home() -> str:
    return "today's appointments"
