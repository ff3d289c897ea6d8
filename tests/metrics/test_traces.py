"""OpenTelemetry's traces, received over HTTP by a collector that reads the protobuf."""

import threading
from collections.abc import Iterator

import pytest

from server.config import load_config
from server.kept_calls import KeptCalls
from server.metrics.traces import headers_of
from server.providers.base import ProviderError
from server.runtime.threads import Threads
from tests.metrics.collector import Collector, attributes, collecting
from tests.simtime.call import SimCall
from tests.simtime.line import Sound
from tests.waiting import until

ASKED = Sound(3.0, 1.2)


class Timed(Threads):
    """Real threads, and the clock of a simulated call."""

    def __init__(self, clock):
        self.clock = clock


def traced(call, seconds, url, **knobs):
    """``call`` runs with all that a process keeps of one, and the process ends."""
    config = load_config(
        _env_file=None, records_file="", database_url="", otel_exporter_otlp_endpoint=url, **knobs
    )
    kept = KeptCalls(config, Timed(call.runtime.clock))
    kept.start()
    until(lambda: len(kept.observers()) == 3, 10)  # what is imported takes its time, and no call waits
    call.host["observers"] = kept.observers()
    call.run(seconds)
    assert not call.lines("OBSERVER_ERR")
    kept.settle()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """One call of two turns: the caller asks, and the LLM that fails is asked again."""
    answers = iter([ProviderError("אני אברהם 0541234567", retryable=True)])
    with collecting() as collector:
        call = SimCall(
            [ASKED, Sound(9.0, 1.0)],
            stt=["אני אברהם 0541234567", "בחיפה"],
            llm_s=0.3,
            reply=lambda request: next(answers, "רשמתי, אברהם. מה עוד?"),
        )
        traced(call, 16, collector.url, otel_exporter_otlp_headers="api-key=abc%20d,x=y")
        yield collector


def test_a_span_for_the_call_and_one_a_turn_below_it(collector):
    [call] = collector.spans["call"]
    told = attributes(call)
    assert told["phone_agent.call_sid"] == "CA1" and told["phone_agent.ended"] == "caller"
    turns = collector.spans["turn"]
    assert told["phone_agent.turns"] == len(turns) == 3
    assert {turn.parent_span_id for turn in turns} == {call.span_id}
    assert {span.trace_id for spans in collector.spans.values() for span in spans} == {call.trace_id}
    length_s = (call.end_time_unix_nano - call.start_time_unix_nano) / 1e9
    assert length_s == pytest.approx(16, abs=0.2)


def test_below_a_turn_the_providers_that_were_asked(collector):
    """Each within its turn's trace; what failed says so, and not why."""
    by_id = {turn.span_id: attributes(turn) for turn in collector.spans["turn"]}
    asked = collector.spans["llm"]
    assert [attributes(one)["phone_agent.came_of_it"] for one in asked] == ["failed", "worked", "worked"]
    assert [one.status.code for one in asked] == [2, 0, 0] and not any(one.status.message for one in asked)
    assert [by_id[one.parent_span_id]["phone_agent.turn"] for one in asked] == [2, 2, 3]
    first = asked[1].events[0]
    took_s = (first.time_unix_nano - asked[1].start_time_unix_nano) / 1e9
    assert first.name == "first token" and took_s == pytest.approx(0.3, abs=0.05)
    assert collector.spans["tts"][0].events[0].name == "first audio"
    assert {event.name for event in collector.spans["stt"][0].events} == {"end of utterance", "transcript"}


def test_a_turn_says_of_what_its_gap_consisted_and_what_was_decided(collector):
    turn = collector.spans["turn"][1]
    told = attributes(turn)
    parts = ("closing_silence", "stt", "llm", "tts", "breath")
    total = sum(told[f"phone_agent.gap.{part}_ms"] for part in parts)
    assert total == pytest.approx(told["phone_agent.gap_ms"], abs=60) and total > 600
    assert "A3 ended" in {event.name for event in turn.events}


def test_nothing_of_a_caller_is_in_it(collector):
    sent = b"".join(collector.bodies)
    for private in ("אברהם", "0541234567", "54123", "בחיפה", "רשמתי", "שלום"):
        assert private.encode() not in sent


def test_who_it_is_and_the_headers_that_were_set(collector):
    assert collector.resources[0]["service.name"] == "phone-agent"
    sent = {name.lower(): value for name, value in collector.headers[0].items()}
    assert sent["api-key"] == "abc d" and sent["x"] == "y"


def test_headers_are_read_as_the_standard_has_them():
    assert headers_of("A=b%3D, c = d ,nonsense,") == {"a": "b=", "c": "d"}


def test_without_an_endpoint_nothing_is_begun():
    config = load_config(_env_file=None, records_file="", database_url="")
    before = set(threading.enumerate())
    kept = KeptCalls(config, Threads())
    kept.start()
    assert len(kept.observers()) == 2 and set(threading.enumerate()) == before


def test_a_collector_that_is_away_costs_no_call_anything():
    """And the process ends all the same."""
    call = SimCall([ASKED])
    traced(call, 10, "http://127.0.0.1:9")
    assert call.texts
