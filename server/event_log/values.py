"""Events, actions and parameters as plain values, by their names; and back, from an older program's too.

    FinalTranscript(1, "כן")  ⇄  {"FinalTranscript": {"utterance_id": 1, "text": "כן", "confidence": None}}

Every frozen dataclass and enum that can be reached from them is found by its annotations, so that a new one
needs nothing here. Tuples are lists. Audio is its bytes, or by ``audio=False`` only how loud each frame is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any, get_args, get_type_hints
from zlib import crc32

from server.audio.frames import audio_of_levels, level_codes
from server.turns.actions import Action
from server.turns.events import Event
from server.turns.params import TurnParams

LEVELS = "Levels"  # [a level code a frame, bytes of audio]


class NotKnown(ValueError):
    """A value that this program cannot make anything of. Says what it is."""


def _reached(kinds: Iterator[Any], found: dict[str, type]) -> dict[str, type]:
    for kind in kinds:
        if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Enum)):
            if kind.__name__ not in found:
                found[kind.__name__] = kind
                if is_dataclass(kind):
                    _reached(iter(get_type_hints(kind).values()), found)
        else:
            _reached(iter(get_args(kind)), found)
    return found


KINDS = _reached(iter((Event, Action, TurnParams)), {})
FIELDS: dict[type, tuple[Field[Any], ...]] = {
    kind: fields(kind) for kind in KINDS.values() if is_dataclass(kind)
}


def shapes() -> dict[str, list[str]]:
    """The names of every dataclass's fields, and of every enum's values: what a log of ours is made of."""
    return {
        name: [field.name for field in FIELDS[kind]] if kind in FIELDS else [str(one.value) for one in kind]  # type: ignore[attr-defined]
        for name, kind in sorted(KINDS.items())
    }


def shapes_digest() -> int:
    """Another one for other shapes."""
    return crc32(repr(shapes()).encode())


def plain(value: Any, *, audio: bool) -> Any:
    """``value`` of builtin types only."""
    kind = type(value)
    if kind in FIELDS:
        return {
            kind.__name__: {
                field.name: plain(getattr(value, field.name), audio=audio) for field in FIELDS[kind]
            }
        }
    if isinstance(value, Enum):
        return {kind.__name__: value.value}
    if isinstance(value, tuple):
        return [plain(one, audio=audio) for one in value]
    if isinstance(value, bytes):
        return value if audio else {LEVELS: [level_codes(value), len(value)]}
    if isinstance(value, str):  # a complaint is one, and more
        return str.__str__(value)
    return value


class Restored:
    """Makes values of plain ones. ``lacks``: what a log of another program's did not say, once each."""

    def __init__(self) -> None:
        self.lacks: dict[str, None] = {}

    def value(self, given: Any, like: Any = None) -> Any:
        """``like``: has the fields that ``given`` lacks and that have no default. Raises NotKnown."""
        if isinstance(given, list):
            return tuple(self.value(one) for one in given)
        if not isinstance(given, dict):
            return given
        ((name, content),) = given.items()
        if name == LEVELS:
            return audio_of_levels(*content)
        kind = KINDS.get(name)
        if kind is None:
            raise NotKnown(f"{name} is nothing that this program knows")
        if kind not in FIELDS:
            return kind(content)
        return kind(**self._fields(kind, content, like))

    def _fields(self, kind: type, content: Mapping[str, Any], like: Any) -> dict[str, Any]:
        known = {field.name: field for field in FIELDS[kind]}
        for name in content.keys() - known.keys():
            self.lacks[f"{kind.__name__}.{name} means nothing to this program"] = None
        return {
            name: self.value(content[name], getattr(like, name, None))
            if name in content
            else self._missing(kind, field, like)
            for name, field in known.items()
        }

    def _missing(self, kind: type, field: Field[Any], like: Any) -> Any:
        value = getattr(like, field.name, field.default)
        if value is MISSING:
            raise NotKnown(f"{kind.__name__}.{field.name} is missing, and has no default")
        self.lacks[f"{kind.__name__}.{field.name} is not in the log: taken as {value!r}"] = None
        return value
