"""The agent's functions that an LLM may call, and their arguments in whatever form an LLM writes them."""

import json
import re
from collections.abc import Iterable
from typing import Any

import json_repair

from server.turns.effects import Act, EndCall, SaveLead, Transfer, ends_call

DETAILS = {
    "name": "שם הפונה",
    "phone": "מספר טלפון לחזרה",
    "intent": "קנייה, שכירות, מכירה או השכרה",
    "city": "עיר, ואם ידועה גם שכונה",
    "rooms": "מספר חדרים",
    "budget": "תקציב או מחיר מבוקש",
    "notes": "כל פרט חשוב אחר, ומתי נוח לחזור או להיפגש",
}
FUNCTION = r"(?:save\\?_?lead|end\\?_?call|transfer\\?_?to\\?_?person)"  # also saveLead, save\_lead
# Other names that LLMs give to the details of a lead.
_ALIASES = {
    "phone": "phone_number phonenumber telephone telephone_number tel mobile mobile_number cell",
    "name": "full_name fullname customer_name caller_name client_name lead_name",
    "city": "location area neighborhood",
    "rooms": "number_of_rooms num_rooms room_count",
    "budget": "price max_budget max_price",
    "notes": "note comments comment remarks",
}
_DETAIL_OF = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}
MAX_DETAIL_CHARS = 300
MAX_DEPTH = 4  # of nested objects, and of JSON quoted inside JSON

_NAME = re.compile(rf"(?:[\w-]+[.:/])*({FUNCTION})(?::\d+)?(?:\(\))?", re.IGNORECASE)
_SAID = re.compile(r"save[\W_]*lead|end[\W_]*call|transfer[\W_]*to[\W_]*person", re.IGNORECASE)
_NAMES = {name.replace("_", ""): name for name in ("save_lead", "end_call", "transfer_to_person")}
_NOTHING = frozenset(["", "null", "none", "undefined", "unknown", "n/a", "-", "לא ידוע"])
_KEYWORD = re.compile(r"""([^\W\d]\w*)\s*[=:]\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,;\n{}]+)""")
_LOST_ZERO = re.compile(r"[57]\d{8}|[23489]\d{7}")  # an Israeli number, written as a JSON number
_NO_FRACTION = re.compile(r"(?<=[0-9])\.0$")
_ABROAD = re.compile(r"972\d{8,9}")


def function_named(name: str) -> str | None:
    """The agent's function that ``name`` means (``functions.save_lead``, ``saveLead``), or None."""
    found = _NAME.fullmatch(name.strip())
    return _NAMES[re.sub(r"[\\_]", "", found[1]).lower()] if found else None


def functions_told_of(text: str) -> frozenset[str]:
    """The agent's functions whose names occur in ``text``, as the caller said them and an STT wrote them."""
    return frozenset(_NAMES[re.sub(r"[\W_]", "", name).lower()] for name in _SAID.findall(text))


def act_of(name: str, arguments: Any, *, person: bool) -> Act | None:
    """The effect of a call of ``name``. ``arguments``: the text as written, or the value read from it.

    None: ``name`` is no function of the agent, there is no ``person`` to transfer to, or no detail to save.
    """
    match function_named(name):
        case "end_call":
            return EndCall()
        case "transfer_to_person" if person:
            return Transfer()
        case "save_lead":
            details = details_of(arguments)
            return SaveLead(details) if details else None
    return None


def merged(acts: Iterable[Act]) -> tuple[Act, ...]:
    """The acts in order, without duplicates: at most one that ends the call, no lead contained in another."""
    kept: list[Act] = []
    for act in acts:
        if any(_says_all_of(other, act) for other in kept) or (ends_call(act) and any(map(ends_call, kept))):
            continue
        kept = [act if _says_all_of(act, other) else other for other in kept]
        kept += [] if act in kept else [act]
    return tuple(dict.fromkeys(kept))


def _says_all_of(act: Act, other: Act) -> bool:
    if isinstance(act, SaveLead) and isinstance(other, SaveLead):
        return set(other.details) <= set(act.details)
    return act == other


# ---- a lead's details ---------------------------------------------------------------------------


def details_of(arguments: Any) -> tuple[tuple[str, str], ...]:
    """The names and values of a lead, all text. Unknown names and unreadable arguments become notes."""
    read = read_json(arguments) if isinstance(arguments, str) else arguments
    known: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, value in _flat(read):
        text = _text(value, bare=name in DETAILS)[:MAX_DETAIL_CHARS]
        if text and name in DETAILS and known.get(name, text) != text:  # a second person's: keep both
            others[f"{name} ({len(others) + 2})"] = text
        elif text:
            (known if name in DETAILS else others)[name] = text
    note = "; ".join(f"{name}: {text}" for name, text in others.items())
    if not (known or others or isinstance(read, dict)):
        note = _unread(arguments)
    if note:
        notes = known.pop("notes", "")
        known["notes"] = "; ".join(filter(None, (notes, note[:MAX_DETAIL_CHARS])))
    if "phone" in known:
        known["phone"] = _dialled(known["phone"])
    return tuple(known.items())


def read_json(text: str) -> Any:
    """The value written in ``text``, repaired where possible; numbers stay text. None: nothing readable."""
    value: Any = text
    for _ in range(MAX_DEPTH):
        if not isinstance(value, str) or not value.strip():
            break
        value = _read(value.strip())
    return None if value == "" or isinstance(value, str) else value


def _read(text: str) -> Any:
    try:
        # Numbers stay text: a telephone number would lose its leading zero.
        return json.loads(text, strict=False, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        pass
    try:
        if "{" in text or text[0] in '"[':
            repaired = json_repair.loads(text[max(0, text.find("{")) :], skip_json_loads=True)
            if isinstance(repaired, dict) or _flat(repaired) or "=" not in text:
                return repaired
    except (ValueError, RecursionError):
        return None
    return {
        name: value.strip().strip("\"'").replace("\\", "") for name, value in _KEYWORD.findall(text)
    } or None


def _flat(value: Any, depth: int = 0) -> list[tuple[str, Any]]:
    """Names and values of an object and of the objects nested in it, except inside a detail's own value."""
    if isinstance(value, list):
        return [pair for item in value for pair in _flat(item, depth)]
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return []
    pairs: list[tuple[str, Any]] = []
    for key, item in value.items():
        name = str(key).strip()
        plain = re.sub(r"[\s-]+", "_", name.lower())
        name = plain if plain in DETAILS else _DETAIL_OF.get(plain, name)
        if isinstance(item, str) and function_named(item):  # the function's name, beside its arguments
            continue
        inner = _flat(_unfolded(item), depth + 1) if name not in DETAILS else []
        pairs += inner or [(name, item)]
    return pairs


def _unfolded(value: Any) -> Any:
    """``value``, parsed if it is JSON quoted inside JSON."""
    return read_json(value) if isinstance(value, str) and value.lstrip().startswith("{") else value


def _text(value: Any, *, bare: bool) -> str:
    """``value`` in one line; empty for null and the like. ``bare``: a boolean gives an empty text too."""
    if isinstance(value, bool):
        return "" if bare else "כן" if value else "לא"
    if isinstance(value, dict):
        return " ".join(filter(None, (_text(item, bare=bare) for item in value.values())))
    if isinstance(value, list):
        return ", ".join(filter(None, (_text(item, bare=bare) for item in value)))
    text = " ".join(_printable(str(value)).split()) if isinstance(value, str | int | float) else ""
    if text.endswith('"') and not text.startswith('"'):  # json_repair misreads the gershayim in a text
        text = text[:-1]
    return "" if text.lower() in _NOTHING else _NO_FRACTION.sub("", text)


def _printable(text: str) -> str:
    """``text`` without lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def _unread(arguments: Any) -> str:
    text = " ".join(_printable(str(arguments)).split()) if arguments is not None else ""
    return text if any(map(str.isalnum, text)) and text.lower() not in _NOTHING else ""


def _dialled(phone: str) -> str:
    """``phone`` in a form that can be dialled: JSON numbers lose a leading 0 or +."""
    if _LOST_ZERO.fullmatch(phone):
        return "0" + phone
    return "+" + phone if _ABROAD.fullmatch(phone) else phone
