"""The wire: JSON text to messages and back. Garbage is ``Ignored`` with a reason, never an exception."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.telephony.twilio_messages import (
    MAX_PAYLOAD_BYTES,
    Connected,
    Dtmf,
    Encoder,
    Ignored,
    Mark,
    Media,
    Message,
    Start,
    Stop,
    parse,
)

START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC1",
        "streamSid": "MZ1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"greeted": "1", "odd": 5},
    },
    "streamSid": "MZ1",
}


def media(**fields):
    return {"event": "media", "media": {"track": "inbound", "chunk": "1", "timestamp": "5", **fields}}


MULAW = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


@pytest.mark.parametrize(
    "told, other",
    [
        (MULAW, ""),
        (None, ""),
        ("audio/x-mulaw", ""),
        ({}, ""),
        ({"encoding": "AUDIO/PCMU", "sampleRate": "8000", "channels": "1"}, ""),
        ({"encoding": "ulaw", "sampleRate": 8000.0}, ""),
        (MULAW | {"encoding": "audio/x-alaw"}, "audio/x-alaw, 8000 Hz, 1 channels"),
        ({"encoding": "audio/l16", "sampleRate": 16000, "channels": 1}, "audio/l16, 16000 Hz, 1 channels"),
        (MULAW | {"sampleRate": 16000}, "audio/x-mulaw, 16000 Hz, 1 channels"),
        (MULAW | {"channels": 2}, "audio/x-mulaw, 8000 Hz, 2 channels"),
        (MULAW | {"encoding": ["audio/x-mulaw"]}, "?, 8000 Hz, 1 channels"),
        (MULAW | {"encoding": "x" * 100}, f"{'x' * 40}, 8000 Hz, 1 channels"),
    ],
)
def test_row_34_another_format_is_known_by_its_name(told, other):
    """faults.md 34: look-alikes that spell μ-law otherwise, or do not say, are none."""
    message = parse(json.dumps(START | {"start": {"streamSid": "MZ1", "mediaFormat": told}}))
    assert message == Start("MZ1", "", {}, other)


@pytest.mark.parametrize(
    "message, parsed",
    {
        "connected": ({"event": "connected", "protocol": "Call", "version": "1.0.0"}, Connected()),
        "start": (START, Start("MZ1", "CA1", {"greeted": "1"})),
        "start, the SID outside": (
            {"event": "start", "start": {}, "streamSid": "MZ2"},
            Start("MZ2", "", {}),
        ),
        "start, odd parts": (
            {"event": "start", "start": {"streamSid": "MZ1", "callSid": 5, "customParameters": []}},
            Start("MZ1", "", {}),
        ),
        "media": (media(payload="/////w=="), Media(b"\xff" * 4, 5)),
        "media of an unnamed track": (
            {"event": "media", "media": {"payload": "/w==", "timestamp": "0"}},
            Media(b"\xff", 0),
        ),
        "media without a stamp": ({"event": "media", "media": {"payload": "/w=="}}, Media(b"\xff", None)),
        "dtmf": ({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "#"}}, Dtmf("#")),
        "mark": ({"event": "mark", "mark": {"name": "3.0.0"}}, Mark("3.0.0")),
        "stop": ({"event": "stop", "stop": {"callSid": "CA1"}}, Stop()),
        "a bare stop": ({"event": "stop"}, Stop()),
    }.values(),
)
def test_messages(message, parsed):
    """Twilio's messages, all numbers strings."""
    assert parse(json.dumps(message)) == parsed


@pytest.mark.parametrize("stamp", ["-5", "5.0", "", " 5", "٣", "²", 5, None, [], "1" * 16, "0x5"])
def test_a_stamp_that_cannot_be_read_is_none(stamp):
    """Time: the audio is heard all the same."""
    assert parse(json.dumps(media(payload="/w==", timestamp=stamp))) == Media(b"\xff", None)


def test_a_number_beyond_all_floats_is_a_stamp_too():
    """Time: what cannot be read is not looked at."""
    assert parse('{"event":"media","media":{"payload":"/w==","timestamp":1e999}}') == Media(b"\xff", None)


def test_the_longest_stamp():
    """Time: fifteen digits are thirty thousand years."""
    assert parse(json.dumps(media(payload="/w==", timestamp="9" * 15))) == Media(b"\xff", 10**15 - 1)


@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_f5_keys(digit):
    """F5: the sixteen keys there are."""
    assert parse(json.dumps({"event": "dtmf", "dtmf": {"digit": digit}})) == Dtmf(digit)


NO_BASE64 = "Invalid base64 encoded string - at `$.media.payload`"
NO_KEY = r"Expected `str` matching regex '\\A[0-9*#A-D]\\Z' - at `$.dtmf.digit`"


@pytest.mark.parametrize(
    "raw, reason",
    {
        "binary": (b'{"event":"stop"}', "binary frame"),
        "no text": (None, "binary frame"),
        "empty": ("", "not JSON"),
        "cut off": ('{"event":', "not JSON"),
        "very deep": ('{"x":' + "[" * 100_000, "not JSON"),
        "two messages": ('{"event":"stop"}{"event":"stop"}', "not JSON"),
        "no number of JSON": ('{"event":"stop","x":NaN}', "not JSON"),
        "half a character and cut off": ('{"event":"mark","mark":{"name":"\\ud800"}', "not JSON"),
        "half a character as a key": ('{"event":"dtmf","dtmf":{"digit":"\\ud800"}}', NO_KEY),
        "half a character in the audio": ('{"event":"media","media":{"payload":"/w\\ud800="}}', NO_BASE64),
        "a list": ("[]", "Expected `object`, got `array`"),
        "null": ("null", "Expected `object`, got `null`"),
        "no event": ("{}", "Object missing required field `event`"),
        "an unknown event": ('{"event":"hello"}', "Invalid value 'hello' - at `$.event`"),
        "a long event": ('{"event":"' + "x" * 999 + '"}', f"Invalid value '{'x' * 85}"),
        "an event that is none": ('{"event":["stop"]}', "Expected `str` - at `$.event`"),
        "two events": ('{"event":"stop","event":"mark"}', "Invalid value 'mark' - at `$.event`"),
        "media alone": ('{"event":"media"}', "Object missing required field `media`"),
        "media of text": ('{"event":"media","media":"x"}', "Expected `object`, got `str` - at `$.media`"),
        "media without audio": (
            '{"event":"media","media":{}}',
            "Object missing required field `payload` - at `$.media`",
        ),
        "media with empty audio": (
            '{"event":"media","media":{"payload":""}}',
            "Expected `bytes` of length >= 1 - at `$.media.payload`",
        ),
        "media with a number": (
            '{"event":"media","media":{"payload":5}}',
            "Expected `bytes`, got `int` - at `$.media.payload`",
        ),
        "our own track": (
            '{"event":"media","media":{"track":"outbound","payload":"/w=="}}',
            "Invalid enum value 'outbound' - at `$.media.track`",
        ),
        "no base64": ('{"event":"media","media":{"payload":"%%%%"}}', NO_BASE64),
        "cut base64": ('{"event":"media","media":{"payload":"/w="}}', NO_BASE64),
        "base64 on two lines": ('{"event":"media","media":{"payload":"/w==\\n"}}', NO_BASE64),
        "hebrew base64": ('{"event":"media","media":{"payload":"שלום"}}', NO_BASE64),
        "dtmf alone": ('{"event":"dtmf"}', "Object missing required field `dtmf`"),
        "no such key": ('{"event":"dtmf","dtmf":{"digit":"E"}}', NO_KEY),
        "two keys": ('{"event":"dtmf","dtmf":{"digit":"12"}}', NO_KEY),
        "a key and a line's end": ('{"event":"dtmf","dtmf":{"digit":"1\\n"}}', NO_KEY),
        "no key": ('{"event":"dtmf","dtmf":{}}', "Object missing required field `digit` - at `$.dtmf`"),
        "mark alone": ('{"event":"mark"}', "Object missing required field `mark`"),
        "mark without a name": (
            '{"event":"mark","mark":{"name":""}}',
            "Expected `str` of length >= 1 - at `$.mark.name`",
        ),
        "start alone": ('{"event":"start","streamSid":"MZ1"}', "Object missing required field `start`"),
        "start without a SID": ('{"event":"start","start":{}}', "start without streamSid"),
        "start with a number as its SID": (
            '{"event":"start","start":{"streamSid":5}}',
            "Expected `str | null`, got `int` - at `$.start.streamSid`",
        ),
    }.values(),
)
def test_garbage_is_ignored_with_a_reason(raw, reason):
    """The call goes on, and the log says why."""
    assert parse(raw) == Ignored(reason)


HALVES = [r"\ud800", r"\uDFFF", r"\udc00\ud800", r"\ud800\ud83d\ude00", r"\\\ud800", "\ud800", "\udfff\ud800"]


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    "message, parsed",
    [
        ('{"event":"media","x":"HALF","media":{"payload":"/w==","HALF":"HALF"}}', Media(b"\xff", None)),
        ('{"event":"stop","HALF":{}}', Stop()),
        ('{"event":"dtmf","dtmf":{"digit":"1","track":"HALF"}}', Dtmf("1")),
        ('{"event":"start","start":{"streamSid":"MZ1","accountSid":"HALF"}}', Start("MZ1", "", {})),
    ],
    ids=["media", "stop", "dtmf", "start"],
)
def test_half_a_character_costs_no_more_than_itself(message, parsed, half):
    """Audio, a key, the start of a call: RFC 8259 lets it stand in a text, and UTF-8 has none."""
    assert parse(message.replace("HALF", half)) == parsed


@pytest.mark.parametrize(
    "written, read",
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\udc00", "\ufffd"),
        ("a\ud800b", "a\ufffdb"),
        (r"\ud83d\ude00\ud800", "😀\ufffd"),
        (r"\ud800\ud83d\ude00", "\ufffd😀"),
        (r"\\ud800\ud800", "\\ud800\ufffd"),
        (r"\u05d0\"\n\udfff", 'א"\n\ufffd'),
    ],
)
def test_half_a_character_is_read_as_none(written, read):
    """U+FFFD; escapes beside it are what they were."""
    start = '{"event":"start","start":{"streamSid":"MZ1","customParameters":{"name":"TEXT"}}}'
    assert parse(start.replace("TEXT", written)) == Start("MZ1", "", {"name": read})


@pytest.mark.parametrize("size, fits", [(MAX_PAYLOAD_BYTES, True), (MAX_PAYLOAD_BYTES + 1, False)])
def test_payloads_are_bounded(size, fits):
    """Four seconds of audio in one message are enough."""
    parsed = parse(json.dumps(media(payload=b64encode(b"\xff" * size).decode())))
    too_long = Ignored(f"Expected `bytes` of length <= {MAX_PAYLOAD_BYTES} - at `$.media.payload`")
    assert parsed == (Media(b"\xff" * size, 5) if fits else too_long)


# ---- whatever comes

any_text = st.text(st.characters(exclude_categories=()), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
events = st.sampled_from(["media", "mark", "dtmf", "start", "connected", "stop"])
names = st.sampled_from(
    ["payload", "track", "timestamp", "name", "digit", "streamSid", "callSid", "customParameters"]
)
near_messages = st.builds(
    lambda event, part, more: {"event": event, event: part, **more},
    events,
    st.dictionaries(names, json_values, max_size=5) | json_values,
    st.dictionaries(names, json_values, max_size=2),
)


@given(any_text | st.binary())
def test_arbitrary_text_and_bytes_never_raise(raw):
    """Garbage of any kind is a message."""
    assert isinstance(parse(raw), Message)


@given(json_values | near_messages)
def test_arbitrary_json_never_raises(value):
    """JSON of any shape is a message."""
    assert isinstance(parse(json.dumps(value)), Message)


@given(any_text)
def test_no_text_costs_the_audio_beside_it(text):
    """What is in fields that nobody reads is nothing to us."""
    assert parse(json.dumps(media(payload="/w==", chunk=text))) == Media(b"\xff", 5)
    assert parse(json.dumps(media(payload="/w==", chunk=text), ensure_ascii=False)) == Media(b"\xff", 5)


# ---- to Twilio


@given(st.text(max_size=40), st.binary(max_size=320), st.text(max_size=40))
def test_what_we_send_is_json_for_this_stream(sid, audio, name):
    """C1: raw μ-law in base64, no header; only media, mark and clear are ever sent."""
    encoder = Encoder(sid)
    assert json.loads(encoder.media(audio)) == {
        "event": "media",
        "streamSid": sid,
        "media": {"payload": b64encode(audio).decode()},
    }
    assert json.loads(encoder.mark(name)) == {"event": "mark", "streamSid": sid, "mark": {"name": name}}
    assert json.loads(encoder.clear) == {"event": "clear", "streamSid": sid}


def test_what_we_send_is_what_is_parsed():
    """A mark comes back under its name, audio byte for byte."""
    encoder = Encoder("MZ1")
    assert parse(encoder.mark("7.0.0")) == Mark("7.0.0")
    assert parse(encoder.media(b"\x00\x7f\xff")) == Media(b"\x00\x7f\xff", None)
