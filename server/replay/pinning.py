"""A call that went wrong, or right, as a test: the smallest log that shows it, without the caller."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server.event_log.format import SUFFIX, Seen, chunk, in_seconds
from server.event_log.reader import EventLog, read_log
from server.event_log.values import plain, shapes
from server.event_log.writer import LEFT_OUT_EVENTS, rules_digest
from server.replay.anonymous import CALL, anonymous
from server.replay.replaying import difference_in
from server.turns.params import TurnParams

NAME = re.compile(r"[a-z][a-z0-9_]{1,60}")


class NotPinned(ValueError):
    """Says why."""


@dataclass(frozen=True)
class Pinned:
    """``kept``: words of the call that are still in it, for a person to look at."""

    path: Path
    seconds: float
    kept: tuple[str, ...]


def pin(log: EventLog, name: str, folder: Path, *, until_ms: int | None = None, why: str = "") -> Pinned:
    """Write ``folder/name.events``: what this program decides on the call's events.

    Up to the last decision until ``until_ms``; and where it decides otherwise than was recorded, up to there:
    behind that the recorded events are another call's. So a fault is pinned once it is mended.
    Raises NotPinned, OSError.
    """
    if not NAME.fullmatch(name):
        raise NotPinned(
            f"{name!r} is no name for a test: small letters, digits and _, beginning with a letter"
        )
    seen = _decided_now(log)
    while seen and (not seen[-1].actions or (until_ms is not None and seen[-1].at_ms > until_ms)):
        seen.pop()
    if not seen:
        raise NotPinned("nothing is decided until then")
    made = anonymous(log.params, seen)
    path = folder / f"{name}{SUFFIX}"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_file(log, log.params, made.seen, why))
    written = read_log(path)
    if difference_in(written) is not None:
        raise NotPinned("what was written is not decided again as it was: a fault of the log's own")
    return Pinned(path, written.seconds, made.kept)


def _decided_now(log: EventLog) -> list[Seen]:
    difference = difference_in(log)
    if difference is None:
        return list(log.seen)
    if difference.raised:
        raise NotPinned(f"deciding it raises {difference.raised}: mend that first")
    there = log.seen[difference.number]
    return [*log.seen[: difference.number], there._replace(actions=difference.now)]


def _file(log: EventLog, params: TurnParams, seen: Sequence[Seen], why: str) -> bytes:
    header = replace(
        log.header,
        call_sid=CALL.sid,
        at="",
        audio=False,
        program=rules_digest(),
        params=plain(params, audio=False),
        knobs={},
        left_out=LEFT_OUT_EVENTS,
        shapes=shapes(),
        why=why or log.header.why,
    )
    return header.line() + b"".join(chunk(part, audio=False, note="pinned") for part in in_seconds(seen))
