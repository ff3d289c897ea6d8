"""How a call's events stand in a file: a header, then chunks of a second, each whole or not at all.

    {"format": "agent-events", "version": 1, …}\\n
    length, CRC-32 (4 bytes each, little-endian), zlib of MessagePack:
        [times, levels, speech, heard, entries, note]
    …

``times``: milliseconds since the stream's start, the first as it is and then each since the one before; one
an event. ``levels``, ``speech``: of the caller's frames. ``heard``: their audio, or nothing. ``entries``: a
number of frames on which nothing was decided, or [event (nil: a frame), [action, …]]. ``note``: what is said
of the call at its end.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple
from zlib import compress, crc32, decompress

import msgspec

from server.audio.frames import FRAME_BYTES, FrameHeard, audio_of_levels, level_code
from server.event_log.values import Restored, plain
from server.turns.actions import Action
from server.turns.events import Event

FORMAT = "agent-events"
VERSION = 1
SHAPES_OF_VERSIONS = {1: 1663899726}  # ``values.shapes_digest``: other fields are another version
CHUNK = struct.Struct("<II")
MOST_CHUNK_BYTES = 1 << 26
UNJUDGED = -1.0  # in the place of a probability: energy was the only judge
SUFFIX = ".events"


class Seen(NamedTuple):
    """An event that the machine was told, when (ms since the stream's start), and what it decided."""

    at_ms: int
    event: Event
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Header:
    """What a log says of itself. ``params``: a TurnParams, plain. ``knobs``: set otherwise than by default.

    ``program``: which rules decided. ``shapes``: fields of whatever is in it. ``why``: of a pinned one.
    """

    call_sid: str
    at: str  # ISO 8601
    audio: bool
    program: str
    params: Any
    knobs: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    shapes: dict[str, list[str]] = field(default_factory=dict)
    why: str = ""
    version: int = VERSION

    def line(self) -> bytes:
        return msgspec.json.encode({"format": FORMAT, **asdict(self)}) + b"\n"


def chunk(seen: Sequence[Seen], *, audio: bool, note: str = "") -> bytes:
    """``seen`` as one chunk. Computes for some 0.3 ms a second of call."""
    heard: list[FrameHeard] = []
    entries: list[Any] = []
    quiet = 0
    for _, event, actions in seen:
        frame = type(event) is FrameHeard and len(event.mulaw_8k) == FRAME_BYTES
        if frame:
            heard.append(event)  # type: ignore[arg-type]
            if not actions:
                quiet += 1
                continue
        if quiet:
            entries.append(quiet)
            quiet = 0
        said = [plain(action, audio=audio) for action in actions]
        entries.append([None if frame else plain(event, audio=audio), said])
    entries += [quiet] if quiet else []
    packed = msgspec.msgpack.encode(
        [
            _steps([one.at_ms for one in seen]),
            [frame.rms for frame in heard],
            _packed([UNJUDGED if frame.speech is None else frame.speech for frame in heard]),
            b"".join(frame.mulaw_8k for frame in heard) if audio else b"",
            entries,
            note,
        ]
    )
    body = compress(packed)
    return CHUNK.pack(len(body), crc32(body)) + body


def _steps(times: Sequence[int]) -> list[int]:
    return [*times[:1], *(after - before for before, after in zip(times, times[1:], strict=False))]


def _packed(speech: list[float]) -> bytes:
    """Four bytes each, which is all that Silero gives; eight where that would change one."""
    short = struct.pack(f"<{len(speech)}f", *speech)
    exact = list(struct.unpack(f"<{len(speech)}f", short)) == speech
    return short if exact else struct.pack(f"<{len(speech)}d", *speech)


def unchunked(body: bytes, restored: Restored) -> tuple[list[Seen], str]:
    """What ``chunk`` was given, and the note. Raises ValueError for what is no chunk, NotKnown among them."""
    steps, levels, speech, heard, entries, note = msgspec.msgpack.decode(decompress(body))
    times = iter(list(accumulate(steps)))
    kind = "f" if len(speech) == 4 * len(levels) else "d"
    judged = struct.unpack(f"<{len(levels)}{kind}", speech)
    frames = iter([_frame(n, rms, judged[n], heard) for n, rms in enumerate(levels)])
    seen: list[Seen] = []
    for entry in entries:
        if isinstance(entry, int):
            seen += [Seen(next(times), next(frames), ()) for _ in range(entry)]
            continue
        event, actions = entry
        known = next(frames) if event is None else restored.value(event)
        seen.append(Seen(next(times), known, restored.value(actions)))
    return seen, note


def _frame(n: int, rms: int, speech: float, heard: bytes) -> FrameHeard:
    audio = heard[n * FRAME_BYTES : (n + 1) * FRAME_BYTES]
    return FrameHeard(
        audio or audio_of_levels(bytes((level_code(rms),)), FRAME_BYTES),
        rms,
        None if speech == UNJUDGED else speech,
    )


def in_seconds(seen: Iterable[Seen], seconds: int = 60) -> Iterable[list[Seen]]:
    """``seen`` in chunks of so many seconds; larger ones are smaller altogether."""
    part: list[Seen] = []
    for one in seen:
        if part and one.at_ms - part[0].at_ms >= seconds * 1000:
            yield part
            part = []
        part.append(one)
    if part:
        yield part
