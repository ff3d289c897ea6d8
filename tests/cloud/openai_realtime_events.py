"""The shapes of OpenAI's Realtime API: what a client may send, and the parts of what the server says.

Sources: ``openai`` 3.54, types/realtime; what no page says is marked so in openai_realtime.
"""

import itertools
import re
from typing import Any

FORMATS = {"audio/pcm": 24_000, "audio/pcmu": 8_000, "audio/pcma": 8_000}  # Hz
SAMPLE_BYTES = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}
VOICES = {"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"}
DELAYS = {"minimal", "low", "medium", "high", "xhigh"}
LOGPROBS = "item.input_audio_transcription.logprobs"
LISTS_OF_LANGUAGES = ("gpt-live-transcribe", "gpt-transcribe")  # and keywords; the others: one language
WITHOUT_TURN_DETECTION = ("gpt-live-transcribe", "gpt-realtime-whisper")
INPUT = {
    "": {"format", "noise_reduction", "transcription", "turn_detection"},
    "format": {"type", "rate"},
    "noise_reduction": {"type", "strength"},
    "transcription": {"model", "language", "languages", "prompt", "keywords", "delay"},
}
CLIENT_EVENTS = {
    "session.update": {"session"},
    "input_audio_buffer.append": {"audio"},
    "input_audio_buffer.commit": set(),
    "input_audio_buffer.clear": set(),
    "response.create": {"response"},
    "response.cancel": {"response_id"},
}
OF_TRANSCRIPTION = {
    "session": {"type", "audio", "include"},
    "session.audio": {"input"},
    **{f"session.audio.input{'.' if path else ''}{path}": keys for path, keys in INPUT.items()},
}
OF_REALTIME = {
    "session": {
        *("type", "model", "output_modalities", "instructions", "audio", "reasoning", "max_output_tokens"),
        *("tools", "tool_choice", "truncation", "include", "tracing", "prompt", "parallel_tool_calls"),
    },
    "session.audio": {"input", "output"},
    **{key: keys for key, keys in OF_TRANSCRIPTION.items() if key.startswith("session.audio.")},
    "session.audio.output": {"format", "voice", "speed"},
    "session.audio.output.format": {"type", "rate"},
}
OF_RESPONSE = {
    "response": {
        *("audio", "conversation", "input", "instructions", "max_output_tokens", "metadata", "prompt"),
        *("output_modalities", "parallel_tool_calls", "reasoning", "tool_choice", "tools"),
    },
    "response.audio": {"output"},
    "response.audio.output": {"format", "voice"},
    "response.audio.output.format": {"type", "rate"},
}
_numbers = itertools.count(1)


class Wrong(Exception):
    """What the server says of an event in an ``error`` event."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def named(kind: str) -> str:
    """A new identifier, such as item_12."""
    return f"{kind}_{next(_numbers)}"


def at(tree: dict[str, Any], path: str) -> Any:
    """What stands at a dotted path; None if nothing does."""
    for key in path.split("."):
        tree = (tree.get(key) if isinstance(tree, dict) else None) or {}
    return tree or None


def paths(tree: dict[str, Any], prefix: str = "") -> list[str]:
    """Every dotted path of a tree, parents first."""
    found = []
    for key, value in tree.items():
        found.append(prefix + key)
        if isinstance(value, dict):
            found += paths(value, f"{prefix}{key}.")
    return found


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """An update changes what it names, and leaves the rest."""
    result = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


# ---- checks; each raises Wrong ----


def check_event(event: Any) -> None:
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Wrong("invalid_event", "Events are JSON objects with a type.", "type")
    if event["type"] not in CLIENT_EVENTS:
        raise Wrong("invalid_value", f"Invalid value: '{event['type']}'.", "type")
    check_keys(event, "", CLIENT_EVENTS[event["type"]] | {"type", "event_id"})


def check_keys(tree: dict[str, Any], path: str, allowed: set[str]) -> None:
    for key in tree:
        if key not in allowed:
            param = f"{path}.{key}" if path else key
            raise Wrong("unknown_parameter", f"Unknown parameter: '{param}'.", param)


def check_tree(event: dict[str, Any], table: dict[str, set[str]], refused: set[str]) -> None:
    """Every field is known, and none is among the ``refused`` paths."""
    for path, allowed in table.items():
        if isinstance(inside := at(event, path), dict):
            check_keys(inside, path, allowed)
    for path in paths(event):
        if path in refused:
            raise Wrong("unknown_parameter", f"Unsupported parameter: '{path}'.", path)


def check_format(event: dict[str, Any], path: str) -> None:
    chosen = at(event, path)
    if chosen is None:
        return
    rate = 24_000 if chosen.get("type") == "audio/pcm" else None
    if chosen.get("type") not in FORMATS or chosen.get("rate", rate) != rate:
        raise Wrong("invalid_value", f"Invalid value: {chosen}.", path)


def check_transcription(event: dict[str, Any]) -> None:
    """What the model under ``audio.input.transcription`` takes; which takes what is in the SDK's types."""
    path = "session.audio.input.transcription"
    asked = at(event, path) or {}
    model = asked.get("model", "")
    if "language" in asked and "languages" in asked:
        raise Wrong("invalid_value", "Give either language or languages.", f"{path}.languages")
    for key in ("languages", "keywords"):
        if key in asked and not model.startswith(LISTS_OF_LANGUAGES):
            raise Wrong("invalid_value", f"{key} is not supported for this model.", f"{path}.{key}")
    for key in ("languages", "keywords"):
        words = asked.get(key, [])
        if not isinstance(words, list) or any(not w or re.search(r"[<>\r\n]", w) for w in words):
            raise Wrong("invalid_value", f"Invalid value: {words}.", f"{path}.{key}")
    if asked.get("delay", "low") not in DELAYS:
        raise Wrong("invalid_value", f"Invalid value: {asked['delay']}.", f"{path}.delay")
    if model.startswith(WITHOUT_TURN_DETECTION) and at(event, "session.audio.input.turn_detection"):
        message = "Turn detection is not supported for this transcription model."
        raise Wrong("invalid_value", message, "session.audio.input.turn_detection")
    if set(at(event, "session.include") or []) - {LOGPROBS}:
        raise Wrong("invalid_value", "Invalid value.", "session.include")


def check_output(event: dict[str, Any], top: str) -> None:
    """Of a response, or of a session that speaks."""
    check_format(event, f"{top}.audio.output.format")
    voice = at(event, f"{top}.audio.output.voice") or "marin"
    if isinstance(voice, str) and voice not in VOICES:
        raise Wrong("invalid_value", f"Invalid value: '{voice}'.", f"{top}.audio.output.voice")
    if (at(event, f"{top}.output_modalities") or ["audio"]) not in (["audio"], ["text"]):
        raise Wrong("invalid_value", "Invalid modalities.", f"{top}.output_modalities")
    limit = event[top].get("max_output_tokens") if event.get(top) else None
    if limit not in (None, "inf") and not (isinstance(limit, int) and 1 <= limit <= 4096):
        raise Wrong("invalid_value", f"Invalid value: {limit}.", f"{top}.max_output_tokens")


def check_response(event: dict[str, Any]) -> None:
    check_output(event, "response")
    asked = event.get("response") or {}
    if asked.get("conversation", "auto") not in ("auto", "none"):
        raise Wrong("invalid_value", "Invalid conversation.", "response.conversation")
    metadata = asked.get("metadata") or {}
    fits = all(isinstance(v, str) and len(k) <= 64 and len(v) <= 512 for k, v in metadata.items())
    if not fits or len(metadata) > 16:
        raise Wrong("invalid_value", "Invalid metadata.", "response.metadata")
    for number, item in enumerate(asked.get("input") or []):
        parts = item.get("content") if isinstance(item, dict) else None
        if not parts or item.get("type") != "message" or item.get("role") not in ("user", "system"):
            raise Wrong("invalid_value", "Invalid item.", f"response.input[{number}]")
        if any(part.get("type") != "input_text" or not part.get("text") for part in parts):
            raise Wrong("invalid_value", "Invalid content.", f"response.input[{number}].content")


def text_of(response: dict[str, Any]) -> str:
    """What a response is given to read: its users' words."""
    items = [item for item in response.get("input") or [] if item["role"] == "user"]
    return " ".join(part["text"] for item in items for part in item["content"])
