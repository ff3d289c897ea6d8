"""What a knob is: its default, sentence and range, what it may be in words, and the tables made of that."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from server.settings.groups import GROUPS
from server.settings.url_secrets import without_user_info

TABLE_HEAD = ("| setting | default | allowed | what it does |", "|---|---|---|---|")


def without_quotes(value: object) -> object:
    """A text without the quotes around it: ``docker --env-file`` and the like leave them there."""
    if isinstance(value, str) and len(bare := value.strip()) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return without_quotes(bare[1:-1])
    return value


def knob(default: Any, says: str, low: float | None = None, high: float | None = None) -> Any:
    """A knob's default, sentence and inclusive range."""
    return Field(default=default, description=says, ge=low, le=high, validate_default=True)


def allowed(name: str, field: FieldInfo) -> str:
    """What a knob may be, in words: ``a whole number from 1 to 65535``, ``true or false``, …"""
    if name.endswith("_engines"):
        choices = get_args(get_args(field.annotation)[0])
        return f"a comma-separated list of {', '.join(choices)}"
    if field.annotation is bool:
        return "true or false"
    if get_origin(field.annotation) is Literal:
        return " or ".join(str(choice) for choice in get_args(field.annotation))
    low = next((m.ge for m in field.metadata if isinstance(m, Ge)), None)
    high = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    if low is None or high is None:
        return "text"
    whole = int in (field.annotation, *get_args(field.annotation))
    kind = "a whole number" if whole else "a number"
    return f"{kind} from {low} to {high}{', or empty' if field.default is None else ''}"


def complaints(error: ValidationError, fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    """A line for each knob that is wrong: its name, its value unless that is a secret, what it may be."""
    seen = set()
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "value_error":  # the knob's own type has said why
            yield f"  {name.upper()}{problem['ctx']['error']}"
            continue
        if name in seen:
            continue
        seen.add(name)
        field = fields[name]
        value = "" if field.annotation is SecretStr else without_user_info(f"={problem['input']!r}")
        yield f"  {name.upper()}{value}: must be {allowed(name, field)}"


def knob_text(value: object) -> str:
    """The text that sets a knob to ``value``; a secret's too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value is None else str(value)


def knob_table(fields: Mapping[str, FieldInfo]) -> str:
    """The tables of docs/settings.md: one for each group, one row for each setting."""
    return "\n\n".join(
        "\n".join([f"## {group.heading}", "", *TABLE_HEAD, *(_row(name, fields) for name in group.names)])
        for group in GROUPS
    )


def _row(name: str, fields: Mapping[str, FieldInfo]) -> str:
    field = fields[name.lower()]
    default = f"`{text}`" if (text := knob_text(field.default)) else "(empty)"
    cells = (f"`{name}`", default, allowed(name.lower(), field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def env_example(fields: Mapping[str, FieldInfo]) -> str:
    """``.env.example``: by group, every setting commented out with its default, below what it does."""
    parts = ["# Copy to .env and remove the # before what you change. The environment wins over .env."]
    for group in GROUPS:
        parts.append(f"# ---- {group.heading} ----")
        for name in group.names:
            field = fields[name.lower()]
            default = shlex.quote(text) if (text := knob_text(field.default)) else ""
            parts.append(f"# {field.description} ({allowed(name.lower(), field)})\n#{name}={default}")
    return "\n\n".join(parts)
