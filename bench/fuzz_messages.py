"""Twilio's messages, mutated: fields gone or of another kind, huge, deep, out of order, in other alphabets.

Pure but for the ``random.Random`` that is given: the same seed gives the same messages.
"""

import base64
import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from server.simulator.stream import CallIds

Json = Any
FRAME = base64.b64encode(b"\xff" * 160).decode()
MUTATED = 0.5  # of the messages; the others are as Twilio sends them, and keep the call going

HUGE = 70_000  # characters: more than a message may have
DEEP = 30_000  # brackets: more than Python's parser goes down
ODD_TEXTS = (
    "",
    " ",
    "\x00",
    "\n2026-01-01 00:00:00.000 WS_START sid=forged",
    "\ud800",
    "\u202eהפוך",
    "א" * 300,
    "٣",
    "१२३",
    "-1",
    "1e9",
    "0x10",
    "9" * 30,
    "../../etc/passwd",
    "%s%n{0}{x.__class__}",
    "\N{PILE OF POO}" * 20,
    "MZ" + "f" * 32,
    "x" * 5000,
)
ODD_VALUES: tuple[Json, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"": ""},
    [None] * 50,
    *ODD_TEXTS,
)
ODD_PAYLOADS = (
    "====",
    "/w",
    "/w=",
    "_-8=",
    "%%%%",
    " /w==",
    "/w==\n",
    "/w==/w==",
    FRAME[:-1],
    FRAME * 3,
    FRAME[:101],
    base64.b64encode(b"\x00" * 159).decode(),
    base64.b64encode(b"\x00" * 161).decode(),
    base64.b64encode(bytes(range(256)) * 10).decode(),
    base64.b64encode(b"RIFF" + b"\x00" * 156).decode(),
    "AAAA" * 8000,
    "א" * 216,
)
ODD_TIMES: tuple[Json, ...] = (
    "0",
    "-20",
    "20",
    "3600000",
    "999999999999999",
    "1" * 400,
    20,
    20.5,
    "٢٠",
    None,
)
ODD_MARKS = (
    "0.0.0",
    "1.1.1",
    "1.0.999999",
    "9" * 500,
    "tts_done",
    "-1.-1.-1",
    "1.1",
    ".",
    "..",
    "א.ב.ג",
    "1.1.1.1",
)
KEYS = "0123456789*#ABCD"
ODD_EVENTS = ("", "Start", "MEDIA", "clear", "closed", "connected", "start", "mark", "dtmf", "א", "media\x00")


def mutated_stream(
    chance: random.Random, ids: CallIds, parameters: dict[str, str], count: int
) -> Iterator[str | bytes]:
    """``count`` messages of a call that has begun. None of them is a ``stop`` that would end it."""
    for number in range(count):
        message = genuine(chance, ids, parameters, number)
        yield mutated(chance, message) if chance.random() < MUTATED else json.dumps(message)


def genuine(chance: random.Random, ids: CallIds, parameters: dict[str, str], number: int) -> Json:
    """A message as Twilio sends it, mostly audio; among them a second ``start``, marks that nobody sent."""
    kind = chance.choices(("media", "mark", "dtmf", "start", "connected"), (80, 8, 6, 4, 2))[0]
    head = {"event": kind, "sequenceNumber": str(number), "streamSid": ids.stream_sid}
    match kind:
        case "media":
            payload = FRAME if chance.random() < 0.7 else base64.b64encode(chance.randbytes(160)).decode()
            audio = {
                "track": "inbound",
                "chunk": str(number),
                "timestamp": str(number * 20),
                "payload": payload,
            }
            return head | {"media": audio}
        case "mark":
            return head | {"mark": {"name": chance.choice(ODD_MARKS)}}
        case "dtmf":
            return head | {"dtmf": {"track": "inbound_track", "digit": chance.choice(KEYS)}}
        case "start":
            return head | {"start": start_of(ids, parameters)}
    return {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def start_of(ids: CallIds, parameters: dict[str, str]) -> Json:
    return {
        "accountSid": ids.account_sid,
        "callSid": ids.call_sid,
        "streamSid": ids.stream_sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": parameters,
    }


def mutated(chance: random.Random, message: Json) -> str | bytes:
    """The message with one to three things wrong."""
    for _ in range(chance.randint(1, 3)):
        _chosen(chance, TREE_MUTATIONS)(chance, message)
    text = json.dumps(message, ensure_ascii=chance.random() < 0.5 or _has_surrogates(message))
    if chance.random() < 0.3:
        return _chosen(chance, TEXT_MUTATIONS)(chance, text)
    return text


def _has_surrogates(message: Json) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in json.dumps(message, ensure_ascii=False))


def _chosen(chance: random.Random, weighted: dict[Callable[..., Any], int]) -> Callable[..., Any]:
    return chance.choices(list(weighted), list(weighted.values()))[0]


# ---- of the parsed message --------------------------------------------------------------------------


def _somewhere(chance: random.Random, message: Json) -> tuple[Json, str]:
    """One of its objects, and one of that object's keys."""
    objects = [message, *(value for value in message.values() if isinstance(value, dict))]
    owner = chance.choice([each for each in objects if each] or [{"": None}])
    return owner, chance.choice(list(owner))


def _odd_value(chance: random.Random) -> Json:
    """A copy: the next mutation may change it, and put it into itself."""
    return copy.deepcopy(chance.choice(ODD_VALUES))


def remove(chance: random.Random, message: Json) -> None:
    owner, key = _somewhere(chance, message)
    del owner[key]


def replace(chance: random.Random, message: Json) -> None:
    owner, key = _somewhere(chance, message)
    owner[key] = _odd_value(chance)


def add(chance: random.Random, message: Json) -> None:
    owner, _ = _somewhere(chance, message)
    owner[chance.choice(ODD_TEXTS)] = _odd_value(chance)


def number_or_text(chance: random.Random, message: Json) -> None:
    """Numbers as text, and text as numbers."""
    owner, key = _somewhere(chance, message)
    value = owner[key]
    owner[key] = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else str(value)


def garble(chance: random.Random, message: Json) -> None:
    """The part that matters, made odd."""
    match message:
        case {"media": dict(media)}:
            if chance.random() < 0.5:
                media["payload"] = chance.choice(ODD_PAYLOADS)
            else:
                media["timestamp"] = chance.choice(ODD_TIMES)
        case {"mark": dict(mark)}:
            mark["name"] = chance.choice(ODD_TEXTS)
        case {"dtmf": dict(dtmf)}:
            dtmf["digit"] = chance.choice(("10", "٣", "", "E", "#*", "א", "\x00", 5))
        case _:
            message["event"] = chance.choice(ODD_EVENTS)


def deepen(chance: random.Random, message: Json) -> None:
    owner, key = _somewhere(chance, message)
    for _ in range(chance.choice((1, 10, 200))):
        owner[key] = [owner[key]]


TREE_MUTATIONS: dict[Callable[..., Any], int] = {
    remove: 3,
    replace: 4,
    add: 1,
    number_or_text: 2,
    garble: 5,
    deepen: 1,
}


# ---- of its text --------------------------------------------------------------------------------------


def cut(chance: random.Random, text: str) -> str:
    return text[: chance.randrange(len(text) + 1)]


def flip(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice('{}[]",:\\\x00 אn0-') + text[at + 1 :]


def twice(chance: random.Random, text: str) -> str:
    return text + chance.choice(("", " ", "\n", ",")) + text


def marked(chance: random.Random, text: str) -> str:
    return "\ufeff" + text


def as_bytes(chance: random.Random, text: str) -> bytes:
    return (
        text.encode("utf-8", "replace") if chance.random() < 0.5 else chance.randbytes(chance.randrange(300))
    )


def deep(chance: random.Random, text: str) -> str:
    return chance.choice(("[", '{"event":', '[{"media":')) * (DEEP // 10)


def long_number(chance: random.Random, text: str) -> str:
    return '{"event": ' + "1" * 5000 + "}"


def twin_keys(chance: random.Random, text: str) -> str:
    return text[:-1] + ', "event": "media", "media": {"payload": 1}, "media": []}'


TEXT_MUTATIONS: dict[Callable[..., Any], int] = {
    cut: 4,
    flip: 6,
    twice: 2,
    marked: 1,
    as_bytes: 3,
    deep: 1,
    long_number: 1,
    twin_keys: 2,
}
