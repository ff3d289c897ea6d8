"""R13: strangers who would take up somebody else's call (F8)."""

import random
from collections.abc import Iterable
from pathlib import Path

import requests

from bench.attack import Outcome
from bench.promised import FAILED, ask
from bench.watched import watched
from server.telephony.twilio_messages import RESUMES
from server.telephony.websocket import POLICY_VIOLATION
from tests.servers.doors import (
    HEADER,
    Door,
    Form,
    Knock,
    genuine,
    knock,
    ring,
    ringing,
    send,
    sid,
    signature,
    start,
    token_of,
)

FLOOD = ("{}",) * 3000  # ends a call by our side: Twilio asks what follows
UNSIGNED = 403


def strangers(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R13: an unsigned webhook, the CallSid with another call's token, and with none; then Twilio itself."""
    dice = random.Random(13)
    with watched(folder, worker_class) as server, server.beside() as beside:
        door, shake = server.door, signature(server.door.signed_socket_url())
        form = ringing(dice, CallStatus="in-progress")
        call, token = dict(form)["CallSid"], token_of(send(door, genuine(door, form)))
        knock(door, Knock(shake, (start(call, token, sid("MZ", dice)), *FLOOD)))
        took = _unsigned(door, form)
        _, own = ring(door, dice)
        for parameters in ({"token": own, RESUMES: "1"}, {"token": token, RESUMES: "1"}, {RESUMES: "1"}):
            told = start(call, "", sid("MZ", dice), customParameters=parameters)
            took += knock(door, Knock(shake, (told,))) != POLICY_VIOLATION
        answers = [ask(door, form, FAILED), ask(door, form, FAILED)]
        connected = ["<Connect" in answer.text for answer in answers if answer is not None]
        noticed = beside.end()
    said = f"{took} of 4 took it up; Twilio, asking twice, is connected {sum(connected)} time"
    kept = not took and connected == [True, False]
    yield Outcome("strangers take up a call that our side has ended", said, kept, noticed)


def _unsigned(door: Door, form: Form) -> int:
    """Whether a webhook that nobody has signed is taken."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(door.inside + FAILED, data=dict(form), headers={HEADER: "x" * 28}, timeout=10)
    return int(answer.status_code != UNSIGNED)
