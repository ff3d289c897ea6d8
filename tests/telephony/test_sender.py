"""C3: the one thread of a call that sends."""

import json
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.audio.frames import FRAME_BYTES
from server.audio.gain import Fader
from server.audio.pacing import BATCH_FRAMES
from server.telephony.sender import Sender
from server.telephony.wire_outbox import MOST_REMARKS
from server.turns.actions import SendAudio, SendClear, SendMark
from server.turns.events import PlayoutRoom, TurnOverdue
from tests.simtime.runtime import SimRuntime

LEAD = 20


class Call:
    """A Sender with a core that has ``waiting`` frames for the wire, and a socket that takes ``send_s``."""

    def __init__(self, waiting=0, send_s=0.0, started=True):
        self.runtime = SimRuntime()
        self.lock = self.runtime.condition()
        self.waiting = waiting
        self.wants = True
        self.rooms = []
        self.fired = []
        self.sent = []  # [(when, what)]
        self.audio = b""
        self.broken = None
        self.ended = []
        self._send_s = send_s
        self._never = self.runtime.event()
        self.tx = Sender(self.runtime.clock, self.lock, LEAD)
        if started:
            self.tx.start("MZ1")
        self.runtime.spawn("tx", self._run)
        self.post()

    def _run(self):
        try:
            self.tx.run(self._put, self._post)
            self.ended.append("closed")
        except OSError as error:
            self.ended.append(str(error))

    def _wake(self):
        self.tx.wake(wants_wire=bool(self.waiting) and self.wants)

    def _post(self, event):
        with self.lock:
            self.handle(event)
            self._wake()

    def handle(self, event):
        if not isinstance(event, PlayoutRoom):
            self.fired.append((round(self.runtime.now, 6), event))
            return
        self.rooms.append((self.runtime.now, event.frames))
        count = min(event.frames, self.waiting)
        if self.waiting > 0 and count:
            self.waiting -= count
            self.tx.post(SendAudio(b"\x10" * FRAME_BYTES * count))

    def _put(self, texts):
        for text in texts:
            self._send(text)
            yield (text,)

    def _send(self, text):
        assert not self.lock.is_held, "a blocking send under the call's lock"
        if self.broken:
            raise OSError(self.broken)
        if self._send_s:
            self._never.wait(self._send_s)
        message = json.loads(text)
        assert message["streamSid"] == "MZ1"
        what = message["event"]
        if what == "media":
            payload = b64decode(message["media"]["payload"])
            assert len(payload) == FRAME_BYTES
            self.audio += payload
        self.sent.append((self.runtime.now, message["mark"]["name"] if what == "mark" else what))

    def post(self, *actions):
        """Decide under the lock, as the call does."""
        with self.lock:
            for action in actions:
                self.tx.post(action)
            self._wake()

    def at(self, when, *actions):
        self.runtime.call_at(when, lambda: self.post(*actions))

    def deadline(self, after_s, event):
        with self.lock:
            self.tx.timers.start(after_s, event)
            self._wake()

    def close(self):
        with self.lock:
            self.tx.close()

    @property
    def order(self):
        return [what for _, what in self.sent]


def audio(frames):
    return SendAudio(b"\x10" * FRAME_BYTES * frames)


def test_order_of_decision_is_the_order_on_the_wire():
    """C3: one frame a message, marks and clear in their places."""
    call = Call()
    call.at(0.1, SendClear(), audio(2), SendMark("1.0.0"), audio(1), SendMark("1.1.0"))
    call.runtime.run_until(1)
    assert call.order == ["clear", "media", "media", "1.0.0", "media", "1.1.0"]
    assert {when for when, _ in call.sent} == {0.1}
    assert call.tx.frames == 3


def test_clear_drops_what_has_not_left():
    """D1: it would only be cleared on arrival, marks included; nothing more of it is sent."""
    call = Call()
    call.at(0.1, audio(5), SendMark("1.0.0"), SendClear(), audio(1))
    call.runtime.run_until(1)
    assert call.order == ["clear", "media"]


def test_clear_overtakes_nothing_that_is_being_sent():
    """C3: behind a send that blocks, and before what was decided after it."""
    call = Call(send_s=0.5)
    call.at(0.1, audio(2))
    call.at(0.2, audio(3))
    call.at(0.3, SendClear(), SendMark("2.0.0"))
    call.runtime.run_until(5)
    assert call.order == ["media", "media", "clear", "2.0.0"]


def test_before_the_stream_has_a_name_nothing_is_sent():
    """C1: there is no SID to send it under."""
    call = Call(started=False)
    call.post(audio(1), SendMark("a"), SendClear())
    call.runtime.run_until(1)
    assert call.sent == []
    call.tx.start("MZ1")
    call.post(SendMark("b"))
    call.runtime.run_until(2)
    assert call.order == ["b"]


# ---- pacing


def test_c3_a_reply_is_paced_by_absolute_deadlines():
    """C3: a full lead at once, then a batch every 100 ms on the dot."""
    call = Call(waiting=100)
    call.runtime.run_until(5)
    assert [frames for _, frames in call.rooms[:3]] == [LEAD + BATCH_FRAMES, BATCH_FRAMES, BATCH_FRAMES]
    assert [round(when, 6) for when, _ in call.rooms[:4]] == [0, 0.1, 0.2, 0.3]
    assert len(call.order) == 100


def test_c3_a_wake_up_sends_a_batch():
    """C3: no room is offered but a whole batch."""
    call = Call(waiting=500)
    for number in range(1000):
        call.deadline(number * 0.01, TurnOverdue(number))
    call.runtime.run_until(20)
    assert len(call.order) == 500
    assert all(frames >= BATCH_FRAMES for _, frames in call.rooms)
    assert len(call.rooms) <= (500 - LEAD) / BATCH_FRAMES + 1


def test_c3_after_a_slow_send_there_is_no_burst():
    """C3: never more than the lead and a batch ahead of real time."""
    call = Call(waiting=60, send_s=0.02)
    call.runtime.run_until(10)
    assert len(call.order) == 60
    assert all(frames <= LEAD + BATCH_FRAMES for _, frames in call.rooms)


def test_a_core_that_wants_the_wire_and_gives_nothing_does_not_spin():
    """C3: time passes between two offers."""
    call = Call(waiting=-1)
    call.runtime.run_until(1)
    assert 1 <= len(call.rooms) <= 1001
    call.close()
    call.runtime.run_until(2)
    assert call.ended == ["closed"]


def test_a_core_that_wants_nothing_is_left_alone():
    """C3: TX sleeps until it is woken."""
    call = Call(waiting=5)
    call.wants = False
    call.post()
    call.runtime.run_until(1)
    assert call.rooms == []
    call.wants = True
    call.post()
    call.runtime.run_until(1.001)
    assert call.order == ["media"] * 5


def test_c3_the_lead_is_free_after_a_clear():
    """C3: the next reply starts at once."""
    call = Call(waiting=100)
    call.runtime.run_until(0.01)
    call.waiting = 30
    call.post(SendClear())
    call.runtime.run_until(0.02)
    assert call.order[LEAD + BATCH_FRAMES] == "clear"
    assert call.order.count("media") == 2 * (LEAD + BATCH_FRAMES)


# ---- deadlines


def test_g1_deadlines_fire_in_time_and_in_order():
    """G1, G3: each at its time, two at once in the order they were armed."""
    call = Call()
    for number, after_s in enumerate([0.5, 0.2, 0.5, 3.0]):
        call.deadline(after_s, TurnOverdue(number))
    call.runtime.run_until(1)
    assert call.fired == [(0.2, TurnOverdue(1)), (0.5, TurnOverdue(0)), (0.5, TurnOverdue(2))]


def test_g1_a_nearer_deadline_wakes_the_thread():
    """G1: TX was sleeping until a later one."""
    call = Call()
    call.deadline(5, TurnOverdue(1))
    call.runtime.run_until(1)
    call.deadline(0.5, TurnOverdue(2))
    call.runtime.run_until(10)
    assert call.fired == [(1.5, TurnOverdue(2)), (5, TurnOverdue(1))]


def test_g1_a_deadline_fires_while_audio_is_paced():
    """G1: sending does not keep it waiting for longer than a batch."""
    call = Call(waiting=100)
    call.deadline(0.5, TurnOverdue(1))
    call.runtime.run_until(5)
    ((when, _),) = call.fired
    assert 0.5 <= when <= 0.56


def test_what_a_deadline_brings_about_is_sent_at_once():
    """G3: no further wake-up is needed."""
    call = Call()
    handle = call.handle
    call.handle = lambda event: (handle(event), call.tx.post(SendMark("late")))
    call.deadline(0.5, TurnOverdue(1))
    call.runtime.run_until(1)
    assert call.sent == [(0.5, "late")]


# ---- the end


@pytest.mark.parametrize("waiting", [0, 1000])
def test_f6_close_ends_the_thread_at_once(waiting):
    """F6: whether it sleeps or paces."""
    call = Call(waiting=waiting)
    call.runtime.call_at(0.5, call.close)
    call.runtime.run_until(1)
    assert (call.ended, call.runtime.tasks[0].ended_at) == (["closed"], 0.5)


def test_f6_what_was_not_sent_at_the_end_is_not_sent():
    """F6: the socket is closing."""
    call = Call()
    call.runtime.run_until(0.1)
    with call.lock:
        call.tx.post(SendMark("a"))
        call.tx.close()
    call.runtime.run_until(1)
    assert (call.sent, call.ended) == ([], ["closed"])


def test_an_error_of_send_ends_the_thread_with_it():
    """F6: the peer is gone; whoever runs TX is told."""
    call = Call()
    call.broken = "gone"
    call.at(0.1, audio(1))
    call.runtime.run_until(1)
    assert call.ended == ["gone"]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 0.3), st.integers(1, 40)), max_size=12), st.floats(0, 0.05))
def test_c3_everything_is_sent_once_and_never_too_far_ahead(bursts, send_s):
    """C3: however slow the socket, the far buffer never holds more than lead and batch."""
    call = Call(send_s=send_s)
    when = 0.0

    def more(frames):
        call.waiting += frames
        call.post()

    for gap_s, frames in bursts:
        when += gap_s
        call.runtime.call_at(when, lambda frames=frames: more(frames))
    total = sum(frames for _, frames in bursts)
    call.runtime.run_until(when + 2 + total * (0.02 + send_s))
    assert call.order == ["media"] * total
    played_until = 0.0
    for sent_at, _ in call.sent:
        played_until = max(played_until, sent_at) + 0.02
        assert played_until - sent_at <= (LEAD + BATCH_FRAMES) * 0.02 + 1e-6


def test_d1_what_is_to_be_lower_is_lower_on_the_wire():
    """D1: ramped within its first frame, and back within the first one at full level."""
    call = Call()
    frames, fader = b"\x10" * FRAME_BYTES * 2, Fader()
    call.at(0.1, SendAudio(frames), SendAudio(frames, lower=True), SendAudio(frames))
    call.runtime.run_until(1)
    assert call.audio == b"".join(fader.fade(frames, lower=lower) for lower in (False, True, False))
    assert call.audio != frames * 3


def remark(number):
    return json.dumps({"event": f"remark {number}", "streamSid": "MZ1"})


def test_c3_remarks_go_behind_the_audio_at_once_and_no_clear_drops_them():
    """C3: for a page of ours; they wake the thread as audio does."""
    call = Call()

    def decide():
        with call.lock:
            call.tx.remark(remark(1))
            call.tx.post(audio(1))
            call.tx.post(SendClear())
            call.tx.wake(wants_wire=False)

    call.runtime.call_at(0.1, decide)
    call.runtime.run_until(0.1)
    assert call.sent == [(0.1, "clear"), (0.1, "remark 1")]
    assert call.tx.frames == 0


def test_c3_remarks_wait_for_a_slow_peer_in_bounds():
    """C3: the newest are kept."""
    call = Call()
    with call.lock:
        for number in range(MOST_REMARKS + 50):
            call.tx.remark(remark(number))
    call.post()
    call.runtime.run_until(1)
    assert call.order == [f"remark {number}" for number in range(50, MOST_REMARKS + 50)]


def test_c3_before_the_stream_has_a_name_nothing_is_remarked():
    """C3: nobody was let in yet."""
    call = Call(started=False)
    with call.lock:
        call.tx.remark(remark(1))
    call.post()
    call.runtime.run_until(1)
    assert call.sent == []
