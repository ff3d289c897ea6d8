"""Coverage-guided fuzzing of the message parser, for as long as you like: needs ``pip install atheris``.

``python -m bench.fuzz_parse -max_total_time=60``; the arguments are libFuzzer's.
"""

import json
import sys

import atheris

with atheris.instrument_imports():
    from server.telephony.twilio_messages import Ignored, parse

BEGINNINGS = [
    json.dumps({"event": event, event: body, "streamSid": "MZ1"})
    for event, body in (
        ("media", {"track": "inbound", "timestamp": "20", "payload": "/w=="}),
        ("mark", {"name": "1.1.1"}),
        ("dtmf", {"digit": "5"}),
        ("start", {"streamSid": "MZ1", "callSid": "CA1", "customParameters": {"token": "x"}}),
    )
]


def one(data: bytes) -> None:
    """Any text and any bytes; and one of Twilio's messages with a piece of it replaced."""
    given = atheris.FuzzedDataProvider(data)
    beginning = given.PickValueInList(BEGINNINGS)
    start = given.ConsumeIntInRange(0, len(beginning))
    end = given.ConsumeIntInRange(start, len(beginning))
    text = given.ConsumeUnicode(given.remaining_bytes())
    for raw in (data, text, beginning[:start] + text + beginning[end:]):
        message = parse(raw)
        assert not isinstance(message, Ignored) or len(message.reason) < 200


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
