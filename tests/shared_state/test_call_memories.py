"""F8: what calls remember reaches the shared state without anybody's waiting for it."""

import logging

from server.shared_state.call_memories import LINGER_S, CallMemories
from server.shared_state.memory import MemoryStore
from server.shared_state.state import SharedState
from server.turns.history import HistoryMemory
from server.turns.memory import CallMemory
from tests.simtime.runtime import SimRuntime


def memory_of(turns):
    return CallMemory(history=HistoryMemory(committed_turns=turns))


class Slow(MemoryStore):
    """Every change takes a second of simulated time."""

    def __init__(self, runtime):
        super().__init__(runtime.clock)
        self.runtime, self.made, self.works = runtime, [], True

    def change(self, *changes):
        self.runtime.event().wait(1.0)
        if not self.works:
            raise OSError("the store is gone")
        self.made += changes
        return super().change(*changes)


def process(store, runtime, **how):
    return CallMemories(SharedState(store, "a", runtime.clock), runtime, **how)


def test_f8_another_process_recalls_what_was_remembered_last():
    runtime, store = SimRuntime(), MemoryStore()
    here, there = process(store, runtime), process(store, runtime)
    for turns in (1, 2):
        here.remember("CA1", memory_of(turns))
    runtime.run_until(1)
    assert there.recall("CA1") == memory_of(2) and there.recall("CA2") is None
    there.remember("CA1", memory_of(3))
    runtime.run_until(2)
    assert here.recall("CA1") == memory_of(3), "the others know it better"
    there.forget("CA1")
    runtime.run_until(3)
    assert process(store, runtime).recall("CA1") is there.recall("CA1") is None


def test_f8_a_slow_store_is_told_the_newest_only_and_every_call_in_its_turn():
    """Nobody waits: ``remember`` has returned before a second has passed."""
    runtime = SimRuntime()
    store = Slow(runtime)
    memories = process(store, runtime)
    for turns in range(50):
        memories.remember("CA1", memory_of(turns))
        memories.remember("CA2", memory_of(turns))
        runtime.run_until(0.05 * (turns + 1))
    assert [change.key for change in store.made][:2] == ["CA1", "CA2"], "one does not keep the other waiting"
    assert runtime.now < 3 and memories.recall("CA1") == memory_of(49), "it is known before it is written"
    runtime.run_until(20)
    assert len(store.made) < 10 and {change.key for change in store.made} == {"CA1", "CA2"}
    assert process(store, runtime).recall("CA2") == memory_of(49)


def test_f8_a_store_that_fails_leaves_it_known_here():
    runtime = SimRuntime()
    store = Slow(runtime)
    store.works = False
    memories = process(store, runtime)
    memories.remember("CA1", memory_of(1))
    runtime.run_until(5)
    assert memories.recall("CA1") == memory_of(1)


def test_f8_what_many_calls_remember_is_one_transaction():
    """Behind the first: a transaction for each would be one for every word that is said."""
    runtime = SimRuntime()
    store = Slow(runtime)
    memories = process(store, runtime)
    for number in range(20):
        memories.remember(f"CA{number}", memory_of(number))
    runtime.run_until(2.5)
    assert len(store.made) == 20 and {change.key for change in store.made} == {f"CA{n}" for n in range(20)}


def test_f8_what_cannot_be_written_costs_the_others_nothing(caplog):
    """Half a character, as an STT may have it: told once a minute."""
    runtime, store = SimRuntime(), MemoryStore()
    memories = process(store, runtime)
    caplog.set_level(logging.INFO, "agent")
    memories.remember("CA0", memory_of(0))  # written alone
    memories.remember("CA1", CallMemory(owed="\ud800"))
    memories.remember("CA2", memory_of(2))
    runtime.run_until(1)
    assert process(store, runtime).recall("CA2") == memory_of(2)
    assert [record.getMessage() for record in caplog.records] == ["MEMORY_ERR of CA1"]


def test_f8_nothing_is_kept_where_it_is_off_or_there_is_no_name():
    runtime, store = SimRuntime(), MemoryStore()
    off, on = process(store, runtime, on=False), process(store, runtime)
    off.remember("CA1", memory_of(1))
    on.remember("", memory_of(1))
    runtime.run_until(1)
    assert (on.recall("CA1"), on.recall(""), off.recall("CA1")) == (None, None, None)


def test_f8_a_memory_of_another_version_is_none():
    runtime, store = SimRuntime(), MemoryStore()
    SharedState(store).remember("CA1", '{"version":0}')
    assert process(store, runtime).recall("CA1") is None


def test_f8_the_writer_goes_when_nothing_is_left_and_comes_again():
    """A process without calls has no thread of it; nor does one that could have none fail the call."""
    runtime, store = SimRuntime(), MemoryStore()
    memories, spawn = process(store, runtime), runtime.spawn

    def refuses(name, function):
        raise RuntimeError("can't start new thread")

    runtime.spawn = refuses
    memories.remember("CA1", memory_of(1))
    runtime.spawn = spawn
    for turns in (2, 3):
        memories.remember("CA2", memory_of(turns))
        runtime.run_until(runtime.now + LINGER_S + 1)
        assert runtime.alive() == []
        assert process(store, runtime).recall("CA2") == memory_of(turns)
    assert process(store, runtime).recall("CA1") == memory_of(1)
