"""Facts as rows of the tables, and as lines of a file that wait for them; and back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec

from server.records.facts import CallFacts, Gap, TurnFacts
from server.telephony.caller_number import bare_number

MOST = 2**31 - 1  # of a whole number in PostgreSQL
MAX_KEY_CHARS = 200  # what an index holds is bounded; a CallSid has 34
_GAP = tuple(field.name for field in fields(Gap))
_NO_TEXT = {0: "\N{REPLACEMENT CHARACTER}"} | dict.fromkeys(
    range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"
)  # PostgreSQL takes no NUL, and nothing takes half of a character


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to keep of the call ``sid``: the call, or one of its turns."""

    sid: str
    call: CallFacts | None = None
    turn: TurnFacts | None = None

    @property
    def line(self) -> str:
        return msgspec.json.encode(self).decode()


def call_record(call: CallFacts) -> Record:
    """As every database can keep it."""
    return msgspec.convert(_storable({"sid": call.sid, "call": _plain(call)}), Record)


def turn_record(sid: str, turn: TurnFacts) -> Record:
    return msgspec.convert(_storable({"sid": sid, "turn": _plain(turn)}), Record)


def record_of(line: str | bytes) -> Record:
    """Raises ValueError: it is none, or the beginning of one."""
    record = msgspec.json.decode(line, type=Record)
    if (record.call is None) == (record.turn is None):
        raise ValueError("neither a call nor a turn")
    return record


def call_row(call: CallFacts) -> dict[str, Any]:
    left = dict(call.lead).get("phone", "")
    row: dict[str, Any] = _plain(call)
    return row | {
        "sid": key_of(call.sid),
        "number": number_key(call.caller),
        "left_number": number_key(left),
    }


def turn_row(sid: str, turn: TurnFacts, kept_at: datetime) -> dict[str, Any]:
    row: dict[str, Any] = _plain(turn)
    gap = row.pop("gap") or {}
    parts = {f"gap_{name}": gap.get(name) for name in _GAP}
    return row | parts | {"sid": key_of(sid), "kept_at": kept_at}


def call_of(row: Mapping[Any, Any]) -> CallFacts:
    return msgspec.convert(_named(row), CallFacts)


def turn_of(row: Mapping[Any, Any]) -> TurnFacts:
    gap = {name: row[f"gap_{name}"] for name in _GAP}
    told = {"gap": None if gap["total_ms"] is None else gap}
    return msgspec.convert(_named(row) | told, TurnFacts)


def key_of(sid: str) -> str:
    """A CallSid as the tables have it."""
    return sid[:MAX_KEY_CHARS]


def number_key(number: str) -> str:
    """A telephone number as the tables have it, however it is written; "" for none."""
    return bare_number(number)[:MAX_KEY_CHARS]


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}  # SQLAlchemy's are of a kind of their own


def _plain(facts: CallFacts | TurnFacts) -> Any:
    return msgspec.to_builtins(facts, builtin_types=(datetime,))


def _storable(value: Any) -> Any:
    match value:
        case str():
            return value.translate(_NO_TEXT)
        case bool() | float() | None:
            return value
        case int():
            return max(-MOST, min(value, MOST))
        case list() | tuple():
            return [_storable(each) for each in value]
        case dict():
            return {name: _storable(each) for name, each in value.items()}
    return value
