"""What the LLM may do beside speaking, as functions that a model can call."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from server.providers.openai.quoted_text import as_words
from server.providers.reply.acts import DETAILS, act_of, merged
from server.turns.effects import Act, SaveLead

MAX_CALLS = 8  # in one reply; more is a model gone astray, and they are ignored
MAX_ARGUMENTS_CHARS = 4000  # of one call; longer ones are cut


def _function(name: str, says: str, parameters: dict[str, str]) -> dict[str, Any]:
    properties = {key: {"type": "string", "description": what} for key, what in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": [], "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": says, "parameters": schema}}


SAVE_LEAD = _function("save_lead", "שמירת הפרטים הידועים על הפונה", DETAILS)
END_CALL = _function("end_call", "סיום השיחה אחרי דברי הפרידה", {})
TRANSFER = _function("transfer_to_person", "העברת השיחה למישהו מהמשרד אחרי שזה נאמר", {})


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
            call.arguments = (call.arguments + _as_text(function.get("arguments")))[:MAX_ARGUMENTS_CHARS]

    def _place(self, delta: dict[str, Any], position: int) -> int:
        """Where the call of ``delta`` is kept. Some servers give every call of a reply the same index."""
        index: int = delta.get("index", position)
        known = self._calls.get(self._places.get(index, -1))
        if known is None or delta.get("id", known.id) not in ("", None, known.id):
            self._places[index] = len(self._calls)
        return self._places[index]

    def acts(self, *, transfer: bool) -> tuple[Act, ...]:
        """In the model's order, each at most once, and one way out of the call."""
        acts = (act_of(call.name, call.arguments, person=transfer) for call in self._calls.values())
        return merged(act for act in acts if act is not None)

    def meaningless(self, *, transfer: bool) -> tuple[str, ...]:
        """Names of the calls that are no act: unknown, or with arguments that say nothing."""
        return tuple(
            call.name[:40]
            for call in self._calls.values()
            if act_of(call.name, call.arguments, person=transfer) is None
        )


def _as_text(arguments: Any) -> str:
    """A delta's arguments; some servers send the object itself."""
    if isinstance(arguments, str) or arguments is None:
        return arguments or ""
    return json.dumps(arguments, ensure_ascii=False)


def as_messages(acts: Iterable[Act], result: str) -> list[dict[str, Any]]:
    """``acts`` as history, each with ``result``: what a model wants to see before it goes on.

    Written anew: a server refuses calls whose arguments are no JSON, even its own model's.
    """
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": "save_lead",
                "arguments": json.dumps(
                    {name: as_words(value) for name, value in act.details}, ensure_ascii=False
                ),
            },
        }
        for number, act in enumerate(acts)
        if isinstance(act, SaveLead)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]
