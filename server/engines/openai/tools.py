"""What the mind may do beside speaking, as functions that a model can call."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from server.core.conversation import Act, EndCall, SaveLead, Transfer, ends_call

MAX_CALLS = 8  # in one reply; more is a model gone astray, and they are ignored
MAX_ARGUMENTS_CHARS = 4000  # of one call; longer ones are cut, and then malformed
MAX_DETAIL_CHARS = 300
DETAILS = {
    "name": "שם הפונה",
    "phone": "מספר טלפון לחזרה",
    "intent": "קנייה, שכירות, מכירה או השכרה",
    "city": "עיר, ואם ידועה גם שכונה",
    "rooms": "מספר חדרים",
    "budget": "תקציב או מחיר מבוקש",
    "notes": "כל פרט חשוב אחר, ומתי נוח לחזור או להיפגש",
}


def _function(name: str, says: str, parameters: dict[str, str]) -> dict[str, Any]:
    properties = {key: {"type": "string", "description": what} for key, what in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": [], "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": says, "parameters": schema}}


SAVE_LEAD = _function("save_lead", "שמירת הפרטים הידועים על הפונה", DETAILS)
END_CALL = _function("end_call", "סיום השיחה אחרי דברי הפרידה", {})
TRANSFER = _function("transfer_to_person", "העברת השיחה לאדם מהמשרד אחרי שזה נאמר", {})


def offered(transfer: bool) -> list[dict[str, Any]]:
    """The functions for a request; ``transfer``: there is a person to hand the caller over to."""
    return [SAVE_LEAD, END_CALL, *([TRANSFER] if transfer else [])]


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


class ToolCalls:
    """Puts a stream's deltas together."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._places: dict[int, int] = {}  # the stream's index → ours

    def feed(self, deltas: Iterable[dict[str, Any]]) -> None:
        """The ``tool_calls`` of one delta. Those of a call share an index; only its first has id and name."""
        for position, delta in enumerate(deltas):
            place = self._place(delta, position)
            if place >= MAX_CALLS:
                continue
            call = self._calls.setdefault(place, _Call())
            function = delta.get("function") or {}
            call.id = call.id or delta.get("id") or f"call_{place}"
            call.name = call.name or function.get("name") or ""
            call.arguments = (call.arguments + (function.get("arguments") or ""))[:MAX_ARGUMENTS_CHARS]

    def _place(self, delta: dict[str, Any], position: int) -> int:
        """Where the call of ``delta`` is kept. Some servers give every call of a reply the same index."""
        index: int = delta.get("index", position)
        known = self._calls.get(self._places.get(index, -1))
        if known is None or delta.get("id", known.id) not in ("", None, known.id):
            self._places[index] = len(self._calls)
        return self._places[index]

    def acts(self, *, transfer: bool) -> tuple[Act, ...]:
        """In the model's order, each at most once, and one way out of the call."""
        acts: list[Act] = []
        for call in self._calls.values():
            act = _act(call, transfer)
            if act is not None and act not in acts and not (ends_call(act) and any(map(ends_call, acts))):
                acts.append(act)
        return tuple(acts)

    def meaningless(self, *, transfer: bool) -> tuple[str, ...]:
        """Names of the calls that are no act: unknown, or with arguments that say nothing."""
        return tuple(call.name[:40] for call in self._calls.values() if _act(call, transfer) is None)

    def as_messages(self, result: str) -> list[dict[str, Any]]:
        """The calls as history, each with ``result``: what a model wants to see before it goes on."""
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in self._calls.values()
        ]
        results = [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]
        return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


def _act(call: _Call, transfer: bool) -> Act | None:
    if call.name == "end_call":
        return EndCall()
    if call.name == "transfer_to_person" and transfer:
        return Transfer()
    if call.name != "save_lead":
        return None
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        return None
    details = _details(arguments) if isinstance(arguments, dict) else ()
    return SaveLead(details) if details else None


def _details(arguments: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What is known and says something; numbers are let pass as text, models write them."""
    texts = {
        name: " ".join(str(value).split())[:MAX_DETAIL_CHARS]
        for name, value in arguments.items()
        if name in DETAILS and isinstance(value, str | int | float) and not isinstance(value, bool)
    }
    return tuple((name, text) for name, text in texts.items() if text)
