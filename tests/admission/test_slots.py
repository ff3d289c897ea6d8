"""MAX_CALLS of a host: never more calls admitted, no place lost, and those of a killed worker come back."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission.slots import AGAIN_S, BEAT_S, LEASE_S, PENDING_S, Slots
from server.runtime.threads import Threads
from server.shared_state.changes import Release, Renew
from server.shared_state.memory import MemoryStore
from server.shared_state.state import SharedState
from tests.simtime.runtime import SimRuntime


class Host:
    """Two workers in simulated time that share a store; one of them can be killed, or stopped."""

    def __init__(self, max_calls, store=None):
        self.runtimes = [SimRuntime(), SimRuntime()]
        self.store = store or MemoryStore(lambda: self.runtimes[0].now)
        shared_states = [SharedState(self.store, "a", runtime.clock) for runtime in self.runtimes]
        self.first, self.second = (
            Slots(shared_state, runtime, max_calls)
            for shared_state, runtime in zip(shared_states, self.runtimes, strict=True)
        )

    @property
    def now(self):
        return self.runtimes[0].now

    def run_until(self, when):
        """In small steps, that the two keep together."""
        while self.now < when:
            for runtime in self.runtimes:
                runtime.run_until(min(when, self.now + 0.1) if runtime is self.runtimes[0] else self.now)

    def kill_second(self):
        """kill -9: no time passes for it any more."""
        self.runtimes.pop()


def test_above_the_limit_a_call_is_refused():
    """The limit: of the host, whichever worker is asked; a webhook asked again says the same."""
    host = Host(2)
    assert host.first.reserve("CA1") and host.second.reserve("CA2")
    assert not host.first.reserve("CA3") and not host.second.reserve("CA3")
    assert host.second.reserve("CA1") and host.first.reserve("CA2")
    assert host.first.in_use() == host.second.in_use() == 2


def test_no_limit_admits_all():
    """MAX_CALLS=0: they are counted all the same."""
    host = Host(0)
    assert all(host.first.reserve(f"CA{n}") for n in range(100))
    assert host.second.in_use() == 100


def test_a_caller_who_hangs_up_before_the_socket_comes():
    """The limit: the place comes back by itself, and not before."""
    host = Host(1)
    assert host.first.reserve("CA1")
    host.run_until(PENDING_S - 0.2)
    assert not host.second.reserve("CA2")
    host.run_until(PENDING_S + 0.2)
    assert host.second.reserve("CA2")


def test_a_call_has_its_place_as_long_as_it_lasts():
    """The limit: an hour, and after its end the next one may come at once."""
    host = Host(1)
    assert host.first.reserve("CA1")
    host.second.take("CA1")
    for minute in range(1, 61):
        host.run_until(60 * minute)
        assert host.first.in_use() == 1 and not host.first.reserve("CA2")
    host.second.release("CA1")
    assert host.first.in_use() == 0 and host.first.reserve("CA2")


def test_one_heartbeat_for_all_calls_of_a_process():
    """The limit: it begins with the first call, and one thread is enough."""
    host = Host(0)
    assert host.first.reserve("CA1") and host.runtimes[0].tasks == []
    for call in range(3):
        host.first.take(f"CA{call}")
    host.run_until(LEASE_S)
    assert host.runtimes[0].alive() == ["admission"] and host.runtimes[1].tasks == []


class Counting(MemoryStore):
    """Counts renewals, but for the first of each call."""

    renewals = 0

    def change(self, *changes):
        for change in changes:
            if isinstance(change, Renew):
                self.renewals += self.leased(change.host) == len(change.call_sids)
        return super().change(*changes)


def test_no_heartbeat_while_there_is_no_call():
    """The limit: the thread sleeps, and wakes for the next call."""
    runtime, store = SimRuntime(), Counting()
    slots = Slots(SharedState(store, "a", runtime.clock), runtime, 0)
    slots.take("CA1")
    runtime.run_until(20 * BEAT_S + 0.1)
    assert store.renewals == 20
    slots.release("CA1")
    runtime.run_until(1001)
    assert store.renewals == 20
    slots.take("CA2")
    runtime.run_until(1001 + BEAT_S - 0.1)
    assert store.renewals == 20
    runtime.run_until(1001 + 2 * BEAT_S + 0.1)
    assert store.renewals == 22


@pytest.mark.parametrize("killed_at", [60.0, 60.0 + BEAT_S / 2])
def test_the_places_of_a_killed_worker_come_back(killed_at):
    """The limit: within LEASE_S; those of the other worker's calls stay."""
    host = Host(3)
    host.first.take("CA1")
    for call in ("CA2", "CA3"):
        assert host.first.reserve(call)
        host.second.take(call)
    host.run_until(killed_at)
    assert not host.first.reserve("CA4")
    host.kill_second()
    host.run_until(killed_at + LEASE_S + 0.2)
    assert host.first.in_use() == 1
    assert [bool(host.first.reserve(f"CA{n}")) for n in (4, 5, 6)] == [True, True, False]


def test_a_worker_killed_just_after_the_socket_came():
    """The limit: its place is not kept as long as a reservation."""
    host = Host(1)
    assert host.second.reserve("CA1")
    host.second.take("CA1")
    host.kill_second()
    host.run_until(LEASE_S + 0.2)
    assert host.first.reserve("CA2")


def test_an_admitted_call_counts_above_the_limit():
    """The limit: it was let in, on another host perhaps; the next caller waits."""
    host = Host(1)
    assert host.first.reserve("CA1")
    host.first.take("CA1")
    host.first.take("CA2")
    assert host.second.in_use() == 2
    host.first.release("CA1")
    assert not host.second.reserve("CA3")
    host.first.release("CA2")
    assert host.second.reserve("CA3")


def test_a_call_with_two_sockets_for_a_moment():
    """F3: the new stream is there before the old one's end; the call keeps its place and heartbeat."""
    host = Host(1)
    host.first.take("CA1")
    host.first.take("CA1")
    host.first.release("CA1")
    host.run_until(10 * LEASE_S)
    assert host.first.in_use() == 1
    host.first.release("CA1")
    assert host.first.in_use() == 0


def test_a_reservation_can_be_given_back():
    """The limit: more than once, and by a worker that did not give it."""
    host = Host(1)
    assert host.first.reserve("CA1")
    for _ in range(3):
        host.second.release("CA1")
    assert host.first.reserve("CA2")
    host.second.take("CA1")
    host.run_until(10 * LEASE_S)
    assert host.first.in_use() == 1
    host.second.release("CA1")
    assert host.first.in_use() == 0


def test_a_call_without_a_name_is_let_in():
    """The limit: nobody could count it."""
    host = Host(1)
    assert all(host.first.reserve("") for _ in range(3))
    host.first.take("")
    host.first.release("")
    assert host.first.in_use() == 0 and host.runtimes[0].tasks == []


class SlowToRenew(MemoryStore):
    def __init__(self, runtime):
        super().__init__(runtime.clock)
        self._waits = runtime.event()

    def change(self, *changes):
        if any(
            isinstance(change, Renew) and len(change.call_sids) > 1 for change in changes
        ):  # the heartbeat
            self._waits.wait(0.4)
        return super().change(*changes)


def test_a_call_that_ends_while_its_place_is_renewed():
    """The limit: its place is not given back to the dead; that of the other call stays."""
    runtime = SimRuntime()
    slots = Slots(SharedState(SlowToRenew(runtime), "a", runtime.clock), runtime, 2)
    slots.take("CA1")
    slots.take("CA2")
    runtime.run_until(BEAT_S + 0.2)
    slots.release("CA1")
    runtime.run_until(BEAT_S + 0.5)
    assert slots.in_use() == 1


class Failing(MemoryStore):
    fails = False

    def change(self, *changes):
        if self.fails and any(isinstance(change, Release) for change in changes):
            raise OSError("the disk hangs")
        return super().change(*changes)


def test_a_place_that_could_not_be_given_back():
    """The limit: the store failed as a call ended; its place is free soon after it answers again."""
    store = Failing()
    host = Host(2, store)
    host.first.take("CA1")
    host.second.take("CA2")
    store.fails = True
    host.run_until(7)
    host.first.release("CA1")
    host.run_until(9)
    store.fails = False
    assert host.second.in_use() == 2
    host.run_until(9 + AGAIN_S + 0.2)
    assert host.second.in_use() == 1
    host.run_until(60)
    assert host.second.in_use() == 1


CALLS = st.sampled_from(["CA1", "CA2", "CA3", "CA4"])
WORKERS = st.sampled_from(["first", "second"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["reserve", "take", "release"]), WORKERS, CALLS),
        st.tuples(st.just("wait"), st.sampled_from([1.0, BEAT_S, LEASE_S, PENDING_S])),
    ),
    max_size=20,
)


@given(st.integers(1, 3), STEPS)
def test_the_limit_whatever_happens(max_calls, steps):
    """The limit: a call in progress has its place, none is admitted above it, and in the end all are free."""
    host, sockets = Host(max_calls), {}
    for action, *words in steps:
        if action == "wait":
            host.run_until(host.now + words[0])
            continue
        worker, call = words
        if action == "reserve":
            before = host.first.in_use()
            admitted = getattr(host, worker).reserve(call)
            assert admitted or before >= max_calls
            assert host.first.in_use() <= max(before, max_calls)
        elif action == "take" and call not in sockets:
            sockets[call] = worker
            getattr(host, worker).take(call)
        elif action == "release" and sockets.get(call) == worker:
            del sockets[call]
            getattr(host, worker).release(call)
        assert host.first.in_use() >= len(sockets)
    for call, worker in sockets.items():
        getattr(host, worker).release(call)
    host.run_until(host.now + PENDING_S + 0.2)
    assert host.first.in_use() == 0


def test_many_threads():
    """The limit: with real ones; the heartbeat is started once, and no place is left."""
    threads = Threads()
    spawned, together = [], threading.Barrier(8)

    class Once:
        clock, condition = threads.clock, staticmethod(threads.condition)

        def spawn(self, name, function):
            spawned.append(name)

    slots = Slots(SharedState(MemoryStore(), "a"), Once(), 3)

    def call(caller):
        together.wait(10)
        for _ in range(200):
            if slots.reserve(caller):
                slots.take(caller)
                assert slots.in_use() <= 3
                slots.release(caller)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, [f"CA{n}" for n in range(8)]))
    assert spawned == ["admission"] and slots.in_use() == 0
