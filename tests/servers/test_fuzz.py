"""What reaches us from the network may be anything: the parser, the handler, and two real workers hold.

The long forms are commands: ``python -m bench.fuzz`` and ``python -m bench.fuzz_parse``.
"""

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fuzz import measure
from bench.fuzz_messages import genuine, mutated, mutated_stream, start_of
from server.simulator.stream import CallIds
from server.telephony.twilio_messages import MAX_PAYLOAD_BYTES, Ignored, Media, Start, parse
from tests.simtime.call import SimCall
from tests.simtime.line import SID, Sound

IDS = CallIds("AC1", "CA1", SID)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["event", "media"]), inner),
    max_leaves=20,
)
EVENTS = ("media", "mark", "dtmf", "start", "stop", "connected")
FIELDS = ("payload", "timestamp", "track", "name", "digit", "streamSid", "callSid", "customParameters")
SHAPED = st.sampled_from(EVENTS).flatmap(
    lambda event: st.fixed_dictionaries(
        {"event": st.just(event)},
        optional={
            event: ANY_JSON | st.dictionaries(st.sampled_from(FIELDS), ANY_JSON),
            "streamSid": ANY_JSON,
        },
    )
)


@settings(max_examples=200)
@given(st.text() | st.binary() | (ANY_JSON | SHAPED).map(json.dumps))
def test_any_message_is_read_or_ignored(raw: str | bytes) -> None:
    """A2: never an exception, and what is taken has the shape that the handler counts on."""
    check(raw)


@settings(max_examples=300)
@given(st.integers(0, 10**9))
def test_a_mutated_message_is_read_or_ignored(seed: int) -> None:
    """A2: Twilio's own messages with something wrong."""
    chance = random.Random(seed)
    check(mutated(chance, genuine(chance, IDS, {"from": "+972501234567"}, seed % 1000)))


def check(raw: str | bytes) -> None:
    match parse(raw):
        case Media(mulaw_8k, timestamp_ms):
            assert len(mulaw_8k) <= MAX_PAYLOAD_BYTES + 3
            assert timestamp_ms is None or timestamp_ms >= 0
        case Start(stream_sid, call_sid, parameters):
            assert stream_sid and isinstance(call_sid, str)
            assert all(isinstance(each, str) for each in parameters.values())
        case Ignored(reason):
            assert len(reason) < 200


@settings(max_examples=12)
@given(st.integers(0, 10**9), st.booleans())
def test_f6_any_stream_of_messages_ends_well(seed: int, begun: bool) -> None:
    """A2, F6: amid good audio; after a good ``start`` or a mutated one. Nothing fails, nothing is left."""
    chance = random.Random(seed)
    messages = mutated_stream(chance, IDS, {}, 250)
    raw = [(0.1 + number * 0.02, message) for number, message in enumerate(messages)]
    if not begun:
        first = {"event": "start", "streamSid": SID, "start": start_of(IDS, {})}
        raw.insert(0, (0.0, mutated(chance, first)))
    call = SimCall([Sound(3.0, 1.0)], raw=raw, start=begun).run(8.0)
    assert not [line for line in call.log if "_ERR" in line]
    assert call.finished and call.runtime.alive() == []
    assert call.stt.open_streams == call.llm.open_streams == call.voice.open_streams == 0


def test_garbage_over_the_wire() -> None:
    """A2, G1: two workers, sockets and webhooks: no exception, no 500, no worker lost, no memory kept."""
    result = measure("gevent", 800, 200, seed=5, beside=False)
    assert result.broken == []
    assert result.tally.messages >= 800 * 0.7 and result.tally.statuses["200"] > 20
