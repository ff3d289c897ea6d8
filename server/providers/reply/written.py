"""Function calls and whole replies that an LLM wrote as text: in JSON, in tags, or as code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.providers.reply.acts import DETAILS, MAX_DEPTH, function_named

_NAMED_BY = tuple(
    "name function tool type action tool_name function_name recipient_name call command function_call "
    "tool_call method act intent".split()
)
_ARGUMENTS = tuple(
    "arguments parameters args params action_input tool_input input kwargs properties data details lead "
    "payload function_args tool_args".split()
)
_ABOUT_THE_CALL = frozenset((*_NAMED_BY, "id", "call_id", "index", "role", "status", "content", "text"))
_SPOKEN = tuple(
    "response reply answer final_answer text message content speech say spoken utterance output assistant "
    "agent tts sentence sentences result choices messages reply_text response_text assistant_response data "
    "תשובה טקסט הודעה מענה דיבור".split()
)
_CALLER = frozenset(["user", "human", "system", "tool", "customer", "caller"])


@dataclass(frozen=True)
class WrittenCall:
    """``name``: as written. ``arguments``: the text as written, or the value read from it."""

    name: str
    arguments: Any = ""


# ---- JSON ---------------------------------------------------------------------------------------


def calls_in(value: Any, depth: int = 0) -> Iterator[WrittenCall]:
    """The calls of the agent's functions in parsed JSON; bare details of a lead count as ``save_lead``."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from [WrittenCall(item)] if _is_agent_function(item) else calls_in(item, depth + 1)
    if not isinstance(value, dict):
        return
    name = next((value[key] for key in _NAMED_BY if _is_agent_function(value.get(key))), None)
    if name is not None:
        yield WrittenCall(name, _arguments_of(value))
        return
    if _is_a_lead(value):
        yield WrittenCall("save_lead", value)
        return
    for key, item in value.items():
        if function_named(str(key)):
            yield from [] if item is False or item is None else [WrittenCall(str(key), item)]
        else:
            yield from calls_in(item, depth + 1)


def _is_a_lead(value: dict[str, Any]) -> bool:
    """Whether an object has only details, and of a person: a lone ``name`` may be a function's."""
    somebody = "phone" in value or re.search(r"[א-ת\s]", str(value.get("name", "")))
    return bool(somebody) and value.keys() <= DETAILS.keys()


def _is_agent_function(name: Any) -> bool:
    return isinstance(name, str) and function_named(name) is not None


def _arguments_of(call: dict[str, Any]) -> Any:
    """The arguments: under a key of their own, or beside the name (a detail is called ``name`` too)."""
    found = next((call[key] for key in _ARGUMENTS if key in call), None)
    if found is not None:
        return found
    about = {
        key
        for key, value in call.items()
        if key in _ABOUT_THE_CALL - DETAILS.keys() or _is_agent_function(value)
    }
    return {key: value for key, value in call.items() if key not in about}


def speech_in(value: Any, depth: int = 0) -> str:
    """The words of a reply written wholly in JSON; empty if it has none."""
    if depth > 2 * MAX_DEPTH:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return " ".join(filter(None, (speech_in(item, depth + 1) for item in value)))
    if not isinstance(value, dict) or value.get("role") in _CALLER:
        return ""
    keys = {str(key).lower(): key for key in value}
    said = (speech_in(value[keys[key]], depth + 1) for key in _SPOKEN if key in keys)
    texts = [item for item in value.values() if isinstance(item, str)]
    # Inside a key for speech, a single text may have any key: {"reply": {"he": …}}
    return next(filter(None, said), texts[0] if depth and len(value) == len(texts) == 1 else "")


# ---- tags ---------------------------------------------------------------------------------------

_PARAMETER = re.compile(
    r"<(?:parameter|param|argument|arg)\b[^>]*?[=\s\"'](?:name\s*=\s*)?[\"']?(\w+)[\"']?\s*>(.*?)(?:</|$)"
    r"|<arg_key>\s*(\w+)\s*</arg_key>\s*<arg_value>(.*?)(?:</|$)|<(\w+)>([^<]*)(?:</|$)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""([^\W\d]\w*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def arguments_in(tags: str, attributes: str = "") -> Any:
    """The arguments in a tag: its JSON as text, else names and values of inner tags or attributes."""
    if "{" in tags:
        return tags[tags.index("{") :]
    found = {m[1] or m[3] or m[5]: (m[2] or m[4] or m[6] or "").strip() for m in _PARAMETER.finditer(tags)}
    given = {m[1]: m[2] or m[3] or "" for m in _ATTRIBUTE.finditer(attributes)}
    given = {name: value for name, value in given.items() if not _is_agent_function(value)}
    return found or given or re.sub(r"<[^>]*>", " ", tags).strip()
