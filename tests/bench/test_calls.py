"""What ``bench.calls`` measures by: the caller's ear, the frames on the wire, the search and the gate."""

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from bench.calls import STEP, Run, broken, clean, find, line_of, middle
from bench.calls_caller import FRAME_S, Caller, Habits, Playout
from bench.calls_figures import Reference
from bench.calls_plot import plotted
from bench.calls_point import Plan, Point
from bench.calls_wire import TEXT, Broken, WireCall, audio_bytes, frame, take_frames
from server.simulator.call import new_ids
from server.simulator.script import CallerScript
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.stream import MediaStream
from server.telephony.twilio_messages import Encoder

CLIP = Clip.from_pcm16(synthetic_speech(0.4))
MASK = b"\x01\x80\xfe\x7f"
REPLY_S = 2.0


# ---- what the caller hears ----


def heard() -> Playout:
    playout = Playout()
    playout.measuring = True
    return playout


def test_audio_that_comes_in_time_is_no_underrun() -> None:
    playout = heard()
    for n in range(100):
        playout.media(n * FRAME_S, FRAME_S * 1.001)
    assert playout.underruns == []


def test_a_gap_in_a_stretch_is_an_underrun() -> None:
    playout = heard()
    playout.media(1.0, FRAME_S)
    playout.media(1.1, FRAME_S)
    assert playout.underruns == [pytest.approx(0.08)]


def test_a_gap_behind_a_mark_or_a_clear_is_meant() -> None:
    playout = heard()
    playout.media(1.0, FRAME_S)
    playout.mark(1.0, "said")
    playout.media(2.0, FRAME_S)
    playout.clear(2.01)
    playout.media(3.0, FRAME_S)
    assert playout.underruns == []


def test_a_mark_comes_back_when_what_is_before_it_was_heard() -> None:
    playout = heard()
    playout.media(1.0, 0.5)
    playout.mark(1.0, "said")
    assert playout.reached(1.49) == []
    assert playout.reached(1.5) == ["said"]
    assert playout.reached(1.6) == []


def test_a_clear_sends_all_marks_back_at_once() -> None:
    playout = heard()
    playout.media(1.0, 0.5)
    playout.mark(1.0, "one")
    playout.mark(1.0, "two")
    assert playout.clear(1.1), "there was audio to discard"
    assert playout.reached(1.1) == ["one", "two"]
    assert not playout.clear(1.2)


def test_what_is_left_to_hear_is_noted_once_a_reply_has_settled() -> None:
    playout = heard()
    playout.media(1.0, 1.0)
    playout.media(1.1, 0.1)
    assert not playout.left_s, "its first half second is on its way to the lead"
    playout.media(1.9, 0.1)
    assert list(playout.left_s) == [pytest.approx(0.2)]


# ---- what the caller says ----


class Talk:
    """A caller and a server that answers as it is told, in frames of 20 ms."""

    def __init__(self, **habits: float) -> None:
        self.caller = Caller(Habits((CLIP,), **habits))  # type: ignore[arg-type]
        self.reply(0.1)

    def run(self, seconds: float) -> None:
        until_s = self.caller.due_s + seconds
        while self.caller.due_s < until_s:
            self.caller.playout.reached(self.caller.due_s)
            self.caller.frame()

    def until_turns(self, count: int) -> None:
        """Until so many sentences are over."""
        for _ in range(2000):
            turns = self.caller.turns
            if len(turns) >= count and self.caller.due_s > turns[-1].end_s + 0.1:
                return
            self.run(FRAME_S)
        raise AssertionError("the caller said nothing")

    def reply(self, after_s: float) -> None:
        self.run(after_s)
        self.caller.clear(self.caller.due_s)
        self.caller.media(self.caller.due_s, REPLY_S)


def test_a_turn_is_answered_once() -> None:
    talk = Talk()
    talk.until_turns(1)
    talk.reply(0.5)
    talk.until_turns(2)
    turn = talk.caller.turns[0]
    assert not (turn.missed or turn.double or turn.early or turn.over_agent)
    assert turn.gap_s is not None and 0.5 <= turn.gap_s <= 0.7


def test_a_second_answer_is_one_too_many() -> None:
    talk = Talk()
    talk.until_turns(1)
    talk.reply(0.5)
    talk.reply(REPLY_S + 0.1)
    assert talk.caller.turns[0].double


def test_an_answer_that_was_taken_back_for_another_is_no_second() -> None:
    talk = Talk()
    talk.until_turns(1)
    talk.reply(0.5)
    talk.run(0.3)
    talk.caller.clear(talk.caller.due_s)
    talk.reply(0.3)
    assert not talk.caller.turns[0].double


def test_who_is_not_answered_says_their_next_sentence() -> None:
    talk = Talk(patience_s=3.0)
    talk.until_turns(2)
    assert talk.caller.turns[0].missed
    assert talk.caller.turns[1].voice_s - talk.caller.turns[0].end_s >= 3.0


def test_an_answer_in_the_middle_of_a_sentence_is_early() -> None:
    talk = Talk()
    while not talk.caller.turns:
        talk.run(FRAME_S)
    talk.reply(0.1)
    assert talk.caller.turns[0].early
    assert talk.caller.turns[0].gap_s is None


def test_how_long_the_agent_spoke_on_over_the_caller() -> None:
    talk = Talk(interrupt_s=0.5)
    while not talk.caller.turns:
        talk.run(FRAME_S)
    talk.run(0.2)
    talk.caller.clear(talk.caller.due_s)
    turn = talk.caller.turns[0]
    assert turn.over_agent
    assert turn.clear_s is not None and 0.15 <= turn.clear_s <= 0.25
    talk.until_turns(1)
    talk.reply(0.5)
    assert not turn.missed and turn.gap_s is not None


def test_an_agent_that_does_not_stop_has_not_answered() -> None:
    talk = Talk(interrupt_s=0.5)
    talk.until_turns(1)
    talk.caller.media(talk.caller.due_s, FRAME_S)  # of what it was saying all the time
    assert talk.caller.turns[0].clear_s is None
    assert talk.caller.turns[0].missed


# ---- the wire ----


@pytest.mark.parametrize("size", [0, 1, 125, 126, 400, 65535])
def test_a_servers_own_parser_reads_our_frames(size: int) -> None:
    server = Connection(ConnectionType.SERVER)
    server.receive_data(frame(TEXT, b"x" * size, MASK))
    assert "".join(event.data for event in server.events() if isinstance(event, TextMessage)) == "x" * size


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_servers_frames_are_found_in_pieces_of_any_length(size: int) -> None:
    server = Connection(ConnectionType.SERVER)
    sent = server.send(TextMessage("x" * size)) + server.send(BytesMessage(b"yz"))
    frames, whole = take_frames(sent)
    assert [(opcode, sent[start:end]) for opcode, start, end in frames] == [(1, b"x" * size), (2, b"yz")]
    assert whole == len(sent)
    assert take_frames(sent[: len(sent) - 5])[0] == [], "the first is not whole"


def test_a_masked_frame_from_a_server_ends_the_call() -> None:
    with pytest.raises(Broken):
        take_frames(frame(TEXT, b"x", MASK))


@pytest.mark.parametrize("size", [1, 2, 3, 160, 800])
def test_how_much_audio_a_message_holds(size: int) -> None:
    ours = Encoder("MZ1").media(b"\x7f" * size).encode()
    payload = b64encode(b"\x7f" * size).decode()
    theirs = json.dumps({"event": "media", "streamSid": "MZ1", "media": {"payload": payload}}).encode()
    for message in (ours, theirs):
        assert audio_bytes(b"!!" + message + b"!!", 2, 2 + len(message)) == size
    assert audio_bytes(b'{"event":"media"}', 0, 17) == 0


class Line:
    """A call on one end of a socket, and a server's own parser on the other."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        stream = MediaStream(new_ids(), CallerScript(()))
        live = SimpleNamespace(ws=SimpleNamespace(sock=ours), stream=stream)
        self.call = WireCall(live, Caller(Habits()), 0.0)  # type: ignore[arg-type]
        self._theirs = theirs
        self._server = Connection(ConnectionType.SERVER)

    def tell(self, event: Event, at_s: float) -> None:
        self._theirs.sendall(self._server.send(event))
        self.call.read(at_s)

    def told(self) -> list[Event]:
        """What the call has sent since the last time."""
        self._server.receive_data(self._theirs.recv(65536))
        return list(self._server.events())


@pytest.fixture
def line() -> Iterator[Line]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Line(ours, theirs)


def texts(events: list[Event]) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in events if isinstance(event, TextMessage)]


def test_a_call_begins_as_twilio_begins_it(line: Line) -> None:
    line.call.begin(0.0)
    line.call.tick(FRAME_S)
    connected, start, media = texts(line.told())
    assert (connected["event"], start["event"], media["event"]) == ("connected", "start", "media")
    assert [message["sequenceNumber"] for message in (start, media)] == ["1", "2"]
    assert (media["media"]["chunk"], media["media"]["timestamp"]) == ("1", "0")
    assert media["streamSid"] == start["start"]["streamSid"]


def test_a_mark_is_sent_back_once_its_audio_was_heard(line: Line) -> None:
    encoder = Encoder(line.call.ids.stream_sid)
    line.tell(TextMessage(encoder.media(b"\x7f" * 800)), 1.0)
    line.tell(TextMessage(encoder.mark("said")), 1.0)
    line.call.tick(1.08)
    assert [message["event"] for message in texts(line.told())] == ["media"]
    line.call.tick(1.1)
    mark, _ = texts(line.told())
    assert mark["mark"] == {"name": "said"}
    assert line.call.received == 2


def test_a_ping_is_answered(line: Line) -> None:
    line.tell(Ping(b"now"), 1.0)
    (pong,) = line.told()
    assert isinstance(pong, Pong) and pong.payload == b"now"


def test_a_close_ends_the_call(line: Line) -> None:
    with pytest.raises(Broken, match="1011"):
        line.tell(CloseConnection(1011), 1.0)


def test_what_twilio_would_not_take_is_a_problem(line: Line) -> None:
    line.tell(TextMessage(json.dumps({"event": "shout"})), 1.0)
    line.tell(TextMessage(json.dumps({"event": "media", "media": {}})), 1.0)
    assert line.call.problems.total() == 2


# ---- the search, the median and the gate ----

PLAN = Plan("turns", "gevent", 40)
GOOD: dict[str, float | None] = {
    "in_window": 40,
    "cpu_ms": 8.0,
    "underruns": 0,
    "missed": 0,
    "double": 0,
    "overhead_p99_ms": 12.0,
}
BARE = Point(replace(PLAN, scenario="bare"), {"in_window": 40, "cpu_ms": 8.0})


def point(**other: float) -> Point:
    return Point(PLAN, GOOD | other)


def test_a_point_holds() -> None:
    assert point().holds and BARE.holds


@pytest.mark.parametrize(
    "other",
    [{"in_window": 39}, {"underruns": 1}, {"missed": 1}, {"double": 1}, {"not_stopped": 1}]
    + [{"overhead_p99_ms": 20.1}, {"clear_later_ms": 25.1}],
    ids=lambda other: next(iter(other)),
)
def test_each_bound_counts(other: dict[str, float]) -> None:
    assert not point(**other).holds
    assert "DOES NOT HOLD" in line_of(point(**other))


def test_calls_that_were_not_there_are_told_of() -> None:
    assert "28 calls there, 12 never let in" in line_of(point(in_window=28, refused=12))
    assert "never let in" not in line_of(point())


def test_a_problem_on_the_wire_counts() -> None:
    assert not replace(point(), problems=("closed with 1011",)).holds


def test_the_gate_is_about_ratios() -> None:
    assert broken([(point(), BARE)], 1.0) == []
    assert broken([(point(cpu_ms=8.1), BARE)], 1.0)
    assert broken([(point(cpu_ms=8.1), BARE)], 1.1) == []
    assert broken([(point(missed=1), BARE)], 2.0)
    assert broken([(point(), None)], 2.0), "nothing was compared"


@pytest.mark.parametrize("most", [0, 3, 40, 47, 100, 333, 1000])
def test_the_largest_number_that_holds_is_found(most: int) -> None:
    tried: list[int] = []

    def holds(calls: int) -> bool:
        tried.append(calls)
        return calls <= most

    found = find(holds)
    assert found <= most or found == 0
    assert most - found < STEP or found >= 400
    assert len(tried) == len(set(tried)) <= 9


def test_the_median_is_of_the_clean_ones() -> None:
    dirty = replace(point(cpu_ms=99.0), dirty=("others",))
    assert middle([point(cpu_ms=7.0), dirty, point(cpu_ms=9.0)]).figures["cpu_ms"] == 8.0
    assert middle([dirty]).figures["cpu_ms"] == 99.0


def test_a_dirty_window_is_measured_again_and_not_for_ever() -> None:
    dirty, tries = replace(point(), dirty=("others",)), []

    def measure(plan: Plan, reference: Reference) -> Point:
        tries.append(plan)
        return dirty if len(tries) < 2 or plan.calls == 1 else point()

    assert not clean(PLAN, Reference(), measure).dirty and len(tries) == 2
    tries.clear()
    assert clean(replace(PLAN, calls=1), Reference(), measure).dirty and len(tries) == 3


def test_overhead_is_over_one_call_of_the_same_run() -> None:
    asked: list[tuple[int, Reference]] = []

    def measure(plan: Plan, reference: Reference) -> Point:
        asked.append((plan.calls, reference))
        return replace(point(clear_p99_ms=90.0), gaps={0: 900.0})

    run = Run(1.0, 2, measure=measure)
    run.ours("turns", "gevent", 10)
    run.ours("turns", "gevent", 20)
    alone = Reference({0: 900.0}, 90.0)
    assert asked == [(1, Reference()), (10, alone), (10, alone), (20, alone), (20, alone)]


def test_the_picture_has_a_line_for_each() -> None:
    svg = plotted([point(), BARE])
    assert "turns, gevent" in svg and "bare, gevent" in svg
    assert 'href="http' not in svg and "src=" not in svg, "it needs no network"
