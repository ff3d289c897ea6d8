"""Rules F2, F3, and the host's limit: what happens here is known here; a store that fails costs a line."""

import logging
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from server.logs.rate_limited import TOLD_EVERY_S
from server.shared_state.changes import LONGEST_LEASE_S
from server.shared_state.memory import MemoryStore
from server.shared_state.redis import RedisStore
from server.shared_state.sqlite import SqliteStore
from server.shared_state.state import REST_S, SLOW_S, Once, SharedState, Sharing
from server.turns.effects import EndCall, Transfer
from tests.serving import ROOT, free_port
from tests.shared_state.asked import File, Memory

ENDS_IN_S = 0.6  # what a store may cost the end of a call
HOUR_S, LONG_S = 3600.0, LONGEST_LEASE_S


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, "agent")
    return caplog


def elapsed_s(function):
    started = time.monotonic()
    function()
    return time.monotonic() - started


class Flaky(MemoryStore):
    """A store that can fail, after a while or at once, and writes down what it is asked."""

    def __init__(self):
        super().__init__()
        self.works, self.asked = True, []
        self.now, self.takes_s = 0.0, 0.0
        for name in ("change", "get", "leased"):
            setattr(self, name, self.perhaps(name, getattr(self, name)))

    def perhaps(self, name, method):
        def asked(*words):
            self.asked.append(name)
            if not self.works:
                self.now += self.takes_s
                raise OSError("the store is gone")
            return method(*words)

        return asked


@pytest.fixture
def flaky():
    return Flaky()


# ---- processes with one store


def shared_states(shared, hosts="aa"):
    """One for each process; the letter is its host."""
    return [SharedState(shared, host) for host in hosts]


def test_f2_f3_how_a_call_ended_is_known_to_all():
    """F2, F3: the last word counts; none is our failure."""
    first, second = shared_states(MemoryStore())
    first.close("CA1", EndCall())
    first.close("CA1", Transfer())
    assert (first.outcome("CA1"), second.outcome("CA1")) == (Transfer(), Transfer())
    assert second.outcome("CA2") is None


def test_a_first_time_is_one_for_all():
    """The token: it is used once, wherever it comes."""
    first, second = shared_states(MemoryStore(), "ab")
    assert [
        bool(shared_state.first_time(Once("key", 60))) for shared_state in (first, second, second, first)
    ] == [True] + [False] * 3
    assert second.first_time(Once("another", 60))


def test_places_are_those_of_a_host():
    """The limit: two workers of one host share it, another host has its own."""
    first, second, elsewhere = shared_states(MemoryStore(), "aab")
    assert first.lease("CA1", 2, 60) and second.lease("CA2", 2, 60)
    assert not first.lease("CA3", 2, 60)
    assert elsewhere.lease("CA3", 2, 60)
    assert [shared_state.leased() for shared_state in (first, second, elsewhere)] == [2, 2, 1]
    second.release("CA1")
    assert first.lease("CA3", 2, 60) and not first.lease("CA4", 2, 60)


def test_the_host_is_this_machine_unless_told():
    """The limit: workers need not be told whose they are."""
    shared = MemoryStore()
    SharedState(shared).lease("CA1", 1, 60)
    assert SharedState(shared, socket.gethostname()).leased() == 1


def test_without_a_store_a_process_is_alone():
    """F3, the limit: STATE_FILE and REDIS_URL empty."""
    first, second = shared_states(None)
    first.close("CA1", EndCall())
    assert (first.outcome("CA1"), second.outcome("CA1")) == (EndCall(), None)
    key = Once("key", 60)
    assert [bool(each.first_time(key)) for each in (first, first, second)] == [True, False, True]
    assert [bool(shared_state.lease("CA1", 1, 60)) for shared_state in (first, second)] == [True, True]
    assert not first.lease("CA2", 1, 60)
    first.release("CA1")
    assert (first.leased(), second.leased()) == (0, 1)


def test_what_this_process_knows_ends_too():
    """The limit, the token: in the seconds it was given."""
    now = [0.0]
    here = SharedState(now=lambda: now[0])
    assert here.first_time(Once("key", 60)) and here.lease("CA1", 1, 15)
    now[0] = 14.9
    assert here.leased() == 1
    here.renew(["CA1"], 15)
    now[0] = 29.8
    assert here.leased() == 1 and not here.first_time(Once("key", 60))
    now[0] = 60.0
    assert here.leased() == 0 and here.first_time(Once("key", 60))


def test_f3_an_outcome_of_another_version_is_none():
    """F3: while a new version is rolled out; an apology is better than a crash."""
    shared = Memory()
    shared.put("CA1", "SomethingNew")
    assert SharedState(shared).outcome("CA1") is None


# ---- calls without a name, and odd ones


def test_f3_a_call_without_a_name_is_not_kept(flaky):
    """F3, the limit: else every webhook without a CallSid would be told of it; and it is not refused."""
    here = SharedState(flaky)
    here.close("", EndCall())
    assert here.outcome("") is None
    assert [bool(here.lease("", 1, 60)) for _ in range(3)] == [True] * 3
    here.renew(["", ""], 60)
    here.release("")
    assert flaky.asked == [] and here.leased() == 0


def test_a_name_that_cannot_be_written_costs_the_others_nothing(tmp_path, logged):
    """The limit: such a call is counted, and the places of the others are renewed with its own."""
    now = [1000.0]
    first, second = shared_states(SqliteStore(str(tmp_path / "agent.db"), lambda: now[0]))
    assert first.lease("CA\ud800", 2, 15) and first.lease("CA1", 2, 15)
    now[0] += 10
    first.renew(["CA\ud800", "CA1"], 15)
    now[0] += 10
    assert second.leased() == 2
    second.close("CA\ud800", EndCall())
    assert first.outcome("CA\ud800") == EndCall() and second.first_time(Once("\ud800", 60))
    assert logged.messages == []


# ---- stores that fail


def complaints(logged, word=""):
    return [line for line in logged.messages if line.startswith("LEDGER_ERR: ") and word in line]


def check_that_it_only_costs_a_line(shared, logged):
    here = SharedState(shared)
    assert elapsed_s(lambda: here.close("CA1", Transfer())) < ENDS_IN_S
    assert len(complaints(logged, "the end of 'CA1' is known to this process only")) == 1
    assert here.outcome("CA1") == Transfer()
    asked = {
        "outcome": lambda: here.outcome("CA2") is None,
        "first time": lambda: here.first_time(Once("key", 60)),
        "second time": lambda: not here.first_time(Once("key", 60)),
        "lease": lambda: here.lease("CA1", 1, 60),
        "no place": lambda: not here.lease("CA2", 1, 60),
        "release": lambda: not here.release("CA1").known,
        "renew": lambda: here.renew(["CA3"], 60),
        "leased": lambda: here.leased() in (0, 1),
        "holders": lambda: here.holders() == {"CA3"},
    }
    for what, ask in asked.items():
        started = time.monotonic()
        assert ask(), what
        assert time.monotonic() - started < ENDS_IN_S, what


@pytest.mark.parametrize("kind", ["a folder", "below a file"])
def test_f2_a_file_that_cannot_be_written(kind, tmp_path, logged):
    """F2, the limit: the webhook of the same process still knows."""
    (tmp_path / "file").touch()
    path = tmp_path if kind == "a folder" else tmp_path / "file" / "agent.db"
    check_that_it_only_costs_a_line(SqliteStore(str(path)), logged)


def test_f2_a_file_that_is_something_else(tmp_path, logged):
    """F2: it stays what it was, under another name."""
    path = tmp_path / "notes.txt"
    path.write_text("שלום" * 1000, encoding="utf-8")
    here = SharedState(SqliteStore(str(path)))
    here.close("CA1", Transfer())
    assert (
        here.sharing is Sharing.RENEWED and SharedState(SqliteStore(str(path))).outcome("CA1") == Transfer()
    )
    assert (tmp_path / "notes.txt.broken-1").read_text(encoding="utf-8") == "שלום" * 1000
    assert len(complaints(logged)) == len(complaints(logged, "was broken")) == 1


def test_f2_a_file_that_another_process_holds(tmp_path, logged):
    """F2: waited for no longer than a caller can be held; a reader does not wait at all."""
    path = tmp_path / "agent.db"
    File(str(path)).put("CA0", "EndCall")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        check_that_it_only_costs_a_line(SqliteStore(str(path)), logged)
        assert SqliteStore(str(path)).get("CA0") == "EndCall"
    finally:
        holder.close()


AS_NOBODY = """
import os, sys
from server.shared_state.state import EndCall, SharedState, Sharing
from server.shared_state.sqlite import SqliteStore
if os.getuid() == 0:
    os.setuid(65534)
here = SharedState(SqliteStore(sys.argv[1]))
for number in range(9):
    here.close(f"CA{number}", EndCall())
assert here.outcome("CA8") == EndCall() and here.sharing is Sharing.ALONE
assert [bool(here.lease(f"CA{number}", 3, 60)) for number in range(4)] == [True] * 3 + [False]
"""


@pytest.mark.parametrize("kind", ["a read-only folder", "a file of another user", "a file nobody may read"])
def test_f2_what_this_user_may_not_write(kind):
    """F2, the limit: said once, and calls are taken."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        path = Path(name) / "agent.db"
        if kind != "a read-only folder":
            File(str(path)).put("CA0", "EndCall")
            path.chmod(0o400 if kind == "a file nobody may read" else 0o444)
        Path(name).chmod(0o555)
        command = [sys.executable, "-c", AS_NOBODY, str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        Path(name).chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("LEDGER_ERR: the end of 'CA0' is known to this process only: STATE_FILE=") == 1
    assert len(done.stderr.splitlines()) == 1


FULL = """
import resource, signal, sys
from server.shared_state.state import EndCall, SharedState
from server.shared_state.sqlite import SqliteStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
here = SharedState(SqliteStore(sys.argv[1]))
for number in range(100):
    here.close(f"CA{number}", EndCall())
assert here.outcome("CA99") == EndCall()
assert [bool(here.lease(f"CA{number}", 3, 60)) for number in range(4)] == [True] * 3 + [False]
"""


def test_f2_a_full_disk(tmp_path):
    """F2, the limit: here a file may not grow beyond four kilobytes."""
    command = [sys.executable, "-c", FULL, str(tmp_path / "agent.db")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.count("LEDGER_ERR: the end of 'CA0' is known to this process only: STATE_FILE=") == 1
    assert len(done.stderr.splitlines()) == 1


def test_f2_a_dead_redis(logged):
    """F2: and its password is in no line of the log."""
    secret = "very-secret"
    check_that_it_only_costs_a_line(RedisStore(f"redis://:{secret}@127.0.0.1:{free_port()}"), logged)
    assert secret not in logged.text


def test_f2_a_redis_that_hangs(logged):
    """F2, F6: it takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check_that_it_only_costs_a_line(RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}"), logged)


def test_f2_this_process_knows_before_the_store_does():
    """F2: the webhook of the same process does not wait for a store that hangs."""
    held, asked = threading.Event(), threading.Event()

    class Hangs(MemoryStore):
        def change(self, *changes):
            asked.set()
            held.wait(10)
            return super().change(*changes)

        def get(self, key):
            raise AssertionError("memory knows")

    here = SharedState(Hangs())
    leaving = threading.Thread(target=here.close, args=("CA1", EndCall()))
    leaving.start()
    assert asked.wait(10) and here.outcome("CA1") == EndCall()
    held.set()
    leaving.join(10)


def test_a_token_that_was_used_here_is_not_asked_for_again(flaky):
    """The token: so a store that fails between the two does not make it good again."""
    here = SharedState(flaky)
    assert here.first_time(Once("key", 60))
    flaky.works = False
    assert not here.first_time(Once("key", 60))
    assert flaky.asked == ["change"]


def test_a_token_is_in_no_line_of_the_log(flaky, logged):
    """The token: the log is read by more people than may call."""
    flaky.works = False
    assert SharedState(flaky).first_time(Once("secret-key", 60))
    assert "secret-key" not in logged.text and len(complaints(logged, "a first time")) == 1


def test_the_limit_holds_here_while_the_store_fails(flaky, logged):
    """The limit: calls that had their places from the store count; so do those that have ended."""
    here = SharedState(flaky)
    assert here.lease("CA1", 2, HOUR_S) and here.lease("CA2", 0, HOUR_S)
    flaky.works = False
    assert not here.lease("CA3", 2, HOUR_S) and here.lease("CA1", 2, HOUR_S)
    here.release("CA2")
    assert here.lease("CA3", 2, HOUR_S) and here.leased() == 2
    (line,) = complaints(logged)
    assert line.endswith("the place of 'CA3' is known to this process only: memory: the store is gone")


def test_a_call_that_was_refused_has_no_place_here_either(flaky):
    """The limit: nor does it take one from others when the store fails next."""
    first, second = shared_states(flaky)
    assert first.lease("CA1", 1, HOUR_S) and not second.lease("CA2", 1, HOUR_S)
    flaky.works = False
    assert second.leased() == 0


def test_places_that_the_store_has_lost_are_had_again(flaky):
    """The limit: with the next heartbeat after a Redis that keeps nothing was restarted."""
    first, second = shared_states(flaky)
    flaky.works = False
    assert first.lease("CA1", 2, HOUR_S)
    flaky.works = True
    assert second.leased() == 0
    first.renew(["CA1"], HOUR_S)
    assert second.leased() == 1


def test_nothing_to_renew_is_nothing_to_ask(flaky):
    """The limit: a process without calls does not touch the store."""
    SharedState(flaky).renew([], 60)
    assert flaky.asked == []


def rings(state, sid="CA1", most=9):
    """As a webhook asks: its request, the call, and the place."""
    once = Once("signed", HOUR_S, until=9.5), Once(f"ring:{sid}", 30)
    return once, state.lease(sid, most, LONG_S, once=once)


def test_a_call_rings_while_the_store_fails(flaky, logged):
    """The limit, the token: all of it is known here, and nothing is asked twice."""
    here = SharedState(flaky)
    flaky.works = False
    (signed, ring), made = rings(here)
    assert made and here.date("signed") == 9.5 and here.leased_here() == 1
    assert signed.was_seen(rings(here)[1]) and ring.was_seen(here.first_time(ring))
    assert not here.lease("CA2", 1, LONG_S, once=[Once("another", HOUR_S)])
    assert not here.first_time(Once("another", HOUR_S)), "it was noted before the place was refused"
    assert len(complaints(logged)) == 1


def test_what_stands_behind_a_request_that_others_have_seen_is_not_noted_here():
    """The token: else the call of a retry would have rung before it was asked for. The first's date holds."""
    first, second = shared_states(MemoryStore())
    assert first.first_time(Once("signed", HOUR_S, until=1.5))
    (signed, ring), made = rings(second)
    assert signed.was_seen(made) and second.date("signed") == 1.5 and second.leased() == 0
    assert second.lease("CA1", 9, LONG_S, once=[ring]) and second.leased() == second.leased_here() == 1


def test_a_second_time_here_asks_nobody(flaky):
    """What stands before it is asked for all the same, and nothing behind it."""
    here = SharedState(flaky)
    (signed, ring), _ = rings(here)
    assert signed.was_seen(rings(here)[1]) and flaky.asked == ["change"]
    made = here.lease("CA2", 9, LONG_S, once=[Once("new", HOUR_S), ring])
    assert ring.was_seen(made) and not here.first_time(Once("new", HOUR_S)) and here.leased() == 1


def test_an_end_that_could_not_be_shared_is_known_here(flaky):
    """F2: with its outcome; and the place is given back when the store is told again."""
    here = SharedState(flaky)
    assert here.lease("CA1", 1, LONG_S)
    flaky.works = False
    answer = here.release("CA1", Transfer())
    assert not answer.known and here.outcome("CA1") == Transfer() and here.leased_here() == 0
    flaky.works = True
    assert here.leased() == 1 and here.release("CA1").known and here.leased() == 0


# ---- what is said, and when it is left alone


def test_a_store_that_fails_is_said_once_a_minute(flaky, logged):
    """F2: with how many there were, and that it is well again; not a line for everything it is asked."""
    here = SharedState(flaky, now=lambda: flaky.now)
    assert (SharedState().sharing, here.sharing) == (Sharing.NONE, Sharing.SHARED)
    flaky.works = False
    for number in range(50):
        here.close(f"CA{number}", EndCall())
    assert here.sharing is Sharing.ALONE
    flaky.now += TOLD_EVERY_S
    here.release("CA1")
    here.release("CA2")
    flaky.works = True
    here.release("CA3")
    assert here.sharing is Sharing.SHARED
    assert logged.messages == [
        "LEDGER_ERR: the end of 'CA0' is known to this process only: memory: the store is gone",
        "LEDGER_ERR: the place of 'CA1' is known to this process only: memory: the store is gone"
        " (and 49 before it)",
        "LEDGER_BACK memory answers again (and 1 not shared meanwhile)",
    ]


def test_one_that_can_only_be_read_fails(flaky):
    """F2: a full disk, a read-only folder; what is read from it does not make it well."""
    here = SharedState(flaky, now=lambda: flaky.now)
    flaky.works = False
    here.close("CA1", EndCall())
    flaky.works = True
    assert here.outcome("CA2") is None and here.sharing is Sharing.ALONE


def test_one_that_keeps_callers_waiting_is_left_alone(flaky):
    """F2: two have waited in vain; then one every few seconds, and all of them when it is well again."""
    here = SharedState(flaky, now=lambda: flaky.now)
    flaky.works, flaky.takes_s = False, 2 * SLOW_S
    for number in range(20):
        assert here.first_time(Once(f"key {number}", HOUR_S))
    assert len(flaky.asked) == 2
    for _ in range(3):
        flaky.now += REST_S
        here.release("CA1")
        here.release("CA1")
    assert len(flaky.asked) == 5
    flaky.works = True
    flaky.now += REST_S
    for _ in range(4):
        here.release("CA1")
    assert len(flaky.asked) == 9


def test_one_that_fails_at_once_is_asked_every_time(flaky):
    """F2: that costs nobody anything, and it is back with the first call."""
    here = SharedState(flaky, now=lambda: flaky.now)
    flaky.works = False
    for _ in range(20):
        here.release("CA1")
    assert len(flaky.asked) == 20
