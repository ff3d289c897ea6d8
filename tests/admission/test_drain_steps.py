"""Part 3 of the doors: SIGTERM's course, in simulated time; and the signal itself."""

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission.drain import CUT_S, FAREWELL_S, LINGER_S, Drain, follow_signals
from server.admission.slots import PENDING_S
from server.call.finishing import Afterwards
from tests.simtime.runtime import SimRuntime

NEVER = 1e9
LATE_S = 0.25  # of a poll, and of another


class Call:
    """Lasts from ``from_s`` to ``until_s``; once it is told ``told_s`` more, once it is cut a moment."""

    def __init__(self, runtime, until_s=NEVER, *, from_s=0.0, told_s=NEVER):
        self.runtime, self.from_s, self.until_s, self.told_s = runtime, from_s, until_s, told_s
        self.told_at, self.cut_at = [], []

    @property
    def live(self):
        return self.from_s <= self.runtime.now < self.until_s

    def close_down(self):
        self.told_at.append(self.runtime.now)
        self.until_s = min(self.until_s, self.runtime.now + self.told_s)

    def cut(self):
        self.cut_at.append(self.runtime.now)
        self.until_s = min(self.until_s, self.runtime.now + 0.5)


class Gate:
    def __init__(self, calls=(), to_come=lambda: 0):
        self.calls, self.to_come = calls, to_come
        self.closed_at = None

    def stop_taking_calls(self):
        self.closed_at = 0.0

    def close(self):
        pass

    def live(self):
        return [call for call in self.calls if call.live]

    def in_use(self):
        return len(self.live()) + self.to_come()


def drained(calls, drain_s=15.0, to_come=lambda: 0, runtime=None, until_s=100.0):
    """When it was finished, each time it was."""
    runtime = runtime or (calls[0].runtime if calls else SimRuntime())
    gate, ends = Gate(calls, to_come), []
    drain = Drain(gate, runtime, drain_s, lambda: ends.append(runtime.now), afterwards=Afterwards(runtime))
    drain.begin()
    drain.begin()
    runtime.run_until(until_s)
    assert gate.closed_at == 0.0
    return ends


def test_nobody_is_on_the_line():
    """It is over at once."""
    assert drained([]) == [0.0]


def test_calls_end_by_themselves_and_are_not_told():
    """Up to DRAIN_SEC; then the webhooks of the last one are waited for."""
    runtime = SimRuntime()
    calls = [Call(runtime, 3.0), Call(runtime, 12.0)]
    assert drained(calls) == [pytest.approx(12.0 + LINGER_S, abs=LATE_S)]
    assert [call.told_at + call.cut_at for call in calls] == [[], []]


def test_who_is_left_is_told_once_and_not_cut():
    """At DRAIN_SEC; it is over when the last of them has heard it."""
    runtime = SimRuntime()
    calls = [Call(runtime, 3.0), Call(runtime, told_s=4.0), Call(runtime, told_s=6.0)]
    assert drained(calls) == [pytest.approx(21.0 + LINGER_S, abs=LATE_S)]
    assert [call.told_at for call in calls] == [[], [15.0], [15.0]]
    assert all(call.cut_at == [] for call in calls)


def test_who_does_not_end_is_cut():
    """FAREWELL_S later, and not before."""
    runtime = SimRuntime()
    call = Call(runtime)
    assert drained([call]) == [pytest.approx(15.5 + FAREWELL_S + LINGER_S, abs=LATE_S)]
    assert (call.told_at, call.cut_at) == ([15.0], [15.0 + FAREWELL_S])


def test_what_cannot_even_be_cut_holds_up_nobody():
    """The process ends all the same."""
    runtime = SimRuntime()
    call = Call(runtime)
    call.cut = lambda: None
    assert drained([call]) == [pytest.approx(15 + FAREWELL_S + CUT_S + LINGER_S, abs=LATE_S)]


def test_a_call_that_was_connected_just_before_is_waited_for():
    """Its socket comes 1.5 s later, is served, and told at the end of the time."""
    runtime = SimRuntime()
    call = Call(runtime, from_s=1.5, told_s=3.0)
    ends = drained([call], to_come=lambda: runtime.now < 1.5)
    assert call.told_at == [15.0] and ends == [pytest.approx(18.0 + LINGER_S, abs=LATE_S)]


def test_a_call_that_never_comes_is_not_waited_for_long():
    """Its caller has hung up meanwhile."""
    assert drained([], to_come=lambda: 1) == [pytest.approx(PENDING_S, abs=LATE_S)]


def test_a_call_that_comes_when_the_others_are_told_is_told_too():
    """It was connected before; nobody is left out."""
    runtime = SimRuntime()
    calls = [Call(runtime, told_s=5.0), Call(runtime, from_s=16.0, told_s=5.0)]
    drained(calls)
    assert [len(call.told_at) for call in calls] == [1, 1] and calls[1].cut_at == []


def test_drain_sec_0_waits_for_nothing():
    """DRAIN_SEC=0: calls are told at once, and who was connected just before is not waited for."""
    runtime = SimRuntime()
    call = Call(runtime, told_s=3.0)
    drained([call], drain_s=0, to_come=lambda: 1)
    assert call.told_at == [0.0]
    assert drained([], drain_s=0, to_come=lambda: 1) == [0.0]


def test_a_bug_of_ours_does_not_keep_the_process(caplog):
    """It says so and ends."""
    runtime = SimRuntime()
    call = Call(runtime)
    call.close_down = lambda: 1 / 0
    assert len(drained([call])) == 1
    assert "DRAIN_ERR" in caplog.text


lengths = st.integers(0, 400).map(lambda n: n / 10)


@given(
    st.lists(st.tuples(lengths, lengths, st.one_of(st.just(NEVER), lengths)), max_size=5),
    st.sampled_from([0, 3, 15]),
    lengths,
)
def test_whatever_the_calls_do_it_ends_in_time_and_once(calls, drain_s, settles_s):
    """Nobody is told before DRAIN_SEC or twice, nor cut before FAREWELL_S or untold; the end has a bound."""
    runtime = SimRuntime()
    calls = [Call(runtime, from_s + for_s, from_s=from_s, told_s=told) for from_s, for_s, told in calls]
    ends = drained(calls, drain_s, to_come=lambda: runtime.now < settles_s, runtime=runtime)
    assert len(ends) == 1 and ends[0] <= drain_s + FAREWELL_S + CUT_S + LINGER_S + LATE_S
    for call in calls:
        assert len(call.told_at) <= 1 and len(call.cut_at) <= 1
        assert all(at >= drain_s - 1e-6 for at in call.told_at)
        assert all(call.told_at and at >= drain_s + FAREWELL_S - LATE_S for at in call.cut_at)


@pytest.fixture
def signals():
    """Sends one to this process; its handlers are as before afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGURG)}
    yield lambda number: os.kill(os.getpid(), number)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_signal_comes_often_and_counts_once(signals):
    """Hosts signal every process, and the master its workers: the handler only notes it."""
    runtime = SimRuntime()
    call = Call(runtime, told_s=1.0)
    ends, gave_way = [], []
    drain = Drain(
        Gate([call]), runtime, 2.0, lambda: ends.append(runtime.now), afterwards=Afterwards(runtime)
    )
    follow_signals(drain, runtime, lambda: gave_way.append(runtime.now), lambda: False)
    runtime.run_until(5.0)
    assert ends == [] and call.told_at == []
    for _ in range(3):
        signals(signal.SIGTERM)
    runtime.run_until(20.0)
    assert call.told_at == [pytest.approx(7.0, abs=LATE_S)]
    assert ends == [pytest.approx(8.0 + LINGER_S, abs=LATE_S)]
    assert gave_way == []


def test_a_successor_takes_the_connections_and_the_calls_go_on(signals):
    """A reload: the new worker is warm two seconds later; a worker that was started beside us is none."""
    runtime = SimRuntime()
    call = Call(runtime, told_s=1.0)
    ends, gave_way = [], []
    drain = Drain(
        Gate([call]), runtime, 10.0, lambda: ends.append(runtime.now), afterwards=Afterwards(runtime)
    )
    signals(signal.SIGURG)  # by default it is nothing
    follow_signals(drain, runtime, lambda: gave_way.append(runtime.now), lambda: False)
    signals(signal.SIGURG)
    runtime.run_until(5.0)
    signals(signal.SIGTERM)
    runtime.run_until(7.0)
    assert gave_way == []
    signals(signal.SIGURG)
    runtime.run_until(40.0)
    assert gave_way == [pytest.approx(7.0, abs=LATE_S)]
    assert call.told_at == [pytest.approx(15.0, abs=LATE_S)] and len(ends) == 1


def test_where_other_hosts_take_calls_nobody_is_listened_to_any_more(signals):
    """A balancer finds them then; the calls that are here go on, and are told in their time."""
    runtime = SimRuntime()
    call = Call(runtime, told_s=1.0)
    ends, gave_way = [], []
    drain = Drain(
        Gate([call]), runtime, 10.0, lambda: ends.append(runtime.now), afterwards=Afterwards(runtime)
    )
    follow_signals(drain, runtime, lambda: gave_way.append(runtime.now), lambda: True)
    runtime.run_until(5.0)
    assert gave_way == []
    signals(signal.SIGTERM)
    runtime.run_until(40.0)
    assert gave_way == [pytest.approx(5.0, abs=LATE_S)]
    assert call.told_at == [pytest.approx(15.0, abs=LATE_S)] and len(ends) == 1


def test_only_the_end_of_a_whole_host_leaves_its_callers_to_others():
    """In a reload its successors take them; and the store of all hosts is not asked ten times a second."""
    from server.gunicorn_conf import relieved_by

    asked, ends = [], bytearray(1)
    relieved = relieved_by(lambda: asked.append("others") or True, ends)
    assert not relieved() and asked == []
    ends[0] = 1
    assert relieved() and not relieved() and asked == ["others"]


def test_a_worker_that_has_given_way_waits_for_the_end_of_its_drain():
    """Its last call may be over, and what was said last not yet understood (F6); no drain, no wait."""
    runtime, waited = SimRuntime(), []
    drain = Drain(Gate([Call(runtime, 3.0)]), runtime, 10.0, lambda: None, afterwards=Afterwards(runtime))

    def wait():
        drain.wait_until_over(60.0)
        waited.append(runtime.now)

    runtime.spawn("before", wait)
    runtime.run_until(1.0)
    assert waited == [0.0]
    drain.begin()
    runtime.spawn("worker", wait)
    runtime.run_until(40.0)
    assert waited[1:] == [pytest.approx(3.0 + LINGER_S, abs=LATE_S)]


def test_nobody_comes_in_once_calls_are_cut():
    """Such a socket would be broken off without a word at the end of the process."""
    runtime = SimRuntime()
    call = Call(runtime, told_s=NEVER)
    gate, closed_at = Gate([call]), []
    gate.close = lambda: closed_at.append(runtime.now)
    Drain(gate, runtime, 5.0, lambda: None, afterwards=Afterwards(runtime)).begin()
    runtime.run_until(40.0)
    assert closed_at == [pytest.approx(5.0 + FAREWELL_S, abs=LATE_S)] == call.cut_at


def test_a_socket_may_be_longer_on_its_way_behind_a_greeting():
    runtime = SimRuntime()
    late = Call(runtime, 12.0, from_s=7.0)
    gate = Gate([late], lambda: 0 if late.live or runtime.now > 12 else 1)
    ends = []
    Drain(
        gate,
        runtime,
        15.0,
        lambda: ends.append(runtime.now),
        settle_s=30.0,
        afterwards=Afterwards(runtime),
    ).begin()
    runtime.run_until(60.0)
    assert late.told_at == [] and ends == [pytest.approx(12.0 + LINGER_S, abs=LATE_S)]


@pytest.mark.parametrize(("lasts_s", "ends_s"), [(0.7, 0.7), (NEVER, LINGER_S)])
def test_last_words_are_waited_for_as_long_as_a_last_webhook(lasts_s, ends_s):
    """F6: of calls that were over before; then they are cut short, and that once."""
    runtime, ended, ends = SimRuntime(), [], []

    class Words:
        @property
        def going_on(self):
            return int(runtime.now < lasts_s)

        def end(self):
            ended.append(runtime.now)

    Drain(Gate(), runtime, 15.0, lambda: ends.append(runtime.now), afterwards=Words()).begin()
    runtime.run_until(30.0)
    assert ended == ends == [pytest.approx(ends_s, abs=LATE_S)]
