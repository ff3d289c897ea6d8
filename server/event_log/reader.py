"""An event log read back, whole or as far as it goes: of a killed process, of an older program."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32
from zlib import error as ZlibError

import msgspec

from server.config import Config
from server.event_log.format import CHUNK, FORMAT, MOST_CHUNK_BYTES, VERSION, Header, Seen, unchunked
from server.event_log.values import Restored
from server.settings.turn_params import dialogue_params
from server.turns.params import TurnParams


class NoEventLog(ValueError):
    """A file of which nothing can be read. Says why."""


@dataclass(frozen=True)
class EventLog:
    """``lacks``: what it does not say, a line each. ``note``: how the call ended; empty when nobody wrote it.

    ``torn``: why there is nothing behind ``seen``; empty: nothing is missing.
    """

    header: Header
    params: TurnParams
    seen: list[Seen]
    lacks: tuple[str, ...]
    note: str
    torn: str

    @property
    def seconds(self) -> float:
        return self.seen[-1].at_ms / 1000 if self.seen else 0.0


def read_log(path: Path) -> EventLog:
    """Raises NoEventLog, OSError."""
    return log_of(path.read_bytes())


def log_of(data: bytes) -> EventLog:
    """The same of a file's content."""
    line, newline, rest = data.partition(b"\n")
    if not newline:
        raise NoEventLog("is no event log: it has no header")
    header = _header(line)
    restored = Restored()
    try:
        params = restored.value(header.params, like=default_params())
    except (ValueError, TypeError) as error:
        raise NoEventLog(f"has settings that cannot be read: {error}") from error
    seen: list[Seen] = []
    note = torn = ""
    try:
        for body in _bodies(rest):
            part, note = unchunked(body, restored)
            seen += part
    except (ValueError, TypeError, ZlibError, msgspec.DecodeError) as error:
        torn = f"what is behind {_clock(seen)} cannot be read: {error}"
    if not torn and not note:
        torn = f"it has no end: the process ended, or the disk was full, at {_clock(seen)} or soon behind it"
    return EventLog(header, params, seen, tuple(restored.lacks), note, torn)


def default_params() -> TurnParams:
    """For what an older log does not say of its own."""
    defaults = {name: field.default for name, field in Config.model_fields.items()}
    return dialogue_params(Config.model_construct(**defaults))


def _header(line: bytes) -> Header:
    try:
        said: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        if said.pop("format", None) != FORMAT:
            raise NoEventLog("is no event log")
        if said.get("version", 0) > VERSION:
            raise NoEventLog(
                f"is of version {said['version']}, and this program reads up to {VERSION}: update it"
            )
        said["left_out"] = tuple(said.get("left_out", ()))
        return Header(**{name: value for name, value in said.items() if name in Header.__dataclass_fields__})
    except (msgspec.DecodeError, msgspec.ValidationError, TypeError) as error:
        raise NoEventLog(f"is no event log: {error}") from error


def _bodies(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        if len(data) - at < CHUNK.size:
            raise ValueError("the file ends in the middle of a chunk")
        length, crc = CHUNK.unpack_from(data, at)
        at += CHUNK.size
        body = data[at : at + length]
        if length > MOST_CHUNK_BYTES or len(body) < length:
            raise ValueError("the file ends in the middle of a chunk")
        if crc32(body) != crc:
            raise ValueError("a chunk is not what was written")
        yield body
        at += length


def _clock(seen: list[Seen]) -> str:
    return clock(seen[-1].at_ms if seen else 0)


def clock(ms: int) -> str:
    """``1:23.456``."""
    return f"{ms // 60_000}:{ms / 1000 % 60:06.3f}"
