"""Leads that a server has promised, by its answers, and what of them can be read afterwards."""

import json
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import requests

from server.office.leads import lead_lines
from tests.servers.doors import Door, Form, genuine, ringing, send

NO_ANSWER = "/webhook/transfer_ended"
FAILED = "/webhook/stream_ended"


def ask(door: Door, form: Form, path: str) -> requests.Response | None:
    """The answer to a webhook that Twilio has signed; None: there was none in ten seconds."""
    with suppress(requests.RequestException):
        return send(door, genuine(door, form, path))
    return None


def promise(door: Door, dice: random.Random) -> str:
    """Whom no person has answered is promised a call back: their CallSid; "": no promise was made."""
    form = ringing(dice, CallStatus="in-progress", DialCallStatus="no-answer")
    answer = ask(door, form, NO_ANSWER)
    return dict(form)["CallSid"] if answer is not None and answer.status_code == 200 else ""


def readable(texts: Iterable[str]) -> set[str]:
    """CallSids of the leads in files of leads and in logs."""
    return {str(lead["call_sid"]) for text in texts for lead in lead_lines(text)}


def lost(promised: Sequence[str], texts: Iterable[str]) -> list[str]:
    """CallSids of those promised that cannot be read."""
    found = readable(texts)
    return [call_sid for call_sid in promised if call_sid not in found]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def old_leads(count: int) -> str:
    """Lines of a file of leads that has been there for long."""
    return "".join(
        json.dumps({"kind": "detail", "name": "ישן", "call_sid": f"CA{number:032x}", "caller": ""}) + "\n"
        for number in range(count)
    )
