"""Rules F2, F3: how a call ended is known wherever Twilio asks; a store that fails costs a log line."""

import logging
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from cachetools import TTLCache

from server import outcomes as module
from server.core.conversation import EndCall, Transfer
from server.outcomes import MemoryOutcomes, Outcomes, RedisOutcomes, SqliteOutcomes, shared_store
from tests.serving import ROOT, free_port

ENDS_IN_S = 0.6  # what a store may cost the end of a call


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, "agent")
    return caplog


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    """A real server on loopback that keeps nothing."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            wait_until_it_listens(int(port))
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def wait_until_it_listens(port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("redis-server does not listen")


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request, tmp_path):
    if request.param == "memory":
        return MemoryOutcomes()
    if request.param == "sqlite":
        return SqliteOutcomes(str(tmp_path / "state" / "agent.db"))
    return RedisOutcomes(request.getfixturevalue("redis_url"))


def elapsed_s(function):
    started = time.monotonic()
    function()
    return time.monotonic() - started


# ---- what every store promises


def test_f2_f3_an_outcome_is_told_again(store):
    """F2, F3: a webhook that Twilio retries gets the same answer."""
    store.put("CA-a1", EndCall())
    store.put("CA-a2", Transfer())
    for _ in range(3):
        assert (store.get("CA-a2"), store.get("CA-a1")) == (Transfer(), EndCall())


def test_f3_no_outcome_is_none(store):
    """F3: another call's is not this one's."""
    assert store.get("CA-b1") is None
    store.put("CA-b2", EndCall())
    assert store.get("CA-b1") is None


def test_f2_the_last_word_counts(store):
    """F2: nothing is kept twice."""
    store.put("CA-c1", EndCall())
    store.put("CA-c1", Transfer())
    assert store.get("CA-c1") == Transfer()


def test_f2_f3_many_threads_at_once(store):
    """F2, F3: every call is a thread."""
    sids = [f"CA-d{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda sid: store.put(sid, EndCall()), sids))
        assert set(pool.map(store.get, sids)) == {EndCall()}


# ---- forgetting


def test_f3_memory_forgets(monkeypatch):
    """F3: bounded in number and in time."""
    now = [0.0]
    monkeypatch.setattr(module, "TTLCache", lambda size, ttl: TTLCache(3, ttl, timer=lambda: now[0]))
    store = MemoryOutcomes()
    for number in range(4):
        store.put(f"CA{number}", EndCall())
    assert [store.get(f"CA{number}") for number in (0, 1)] == [None, EndCall()]
    now[0] += module.OUTCOME_S - 1
    assert store.get("CA2") == EndCall()
    now[0] += 2
    assert store.get("CA3") is None


def rows(path):
    file = sqlite3.connect(path)
    try:
        return [sid for (sid,) in file.execute("SELECT call_sid FROM outcomes ORDER BY rowid")]
    finally:
        file.close()


def test_f3_a_file_forgets(tmp_path, monkeypatch):
    """F3: bounded in number and in time, on the disk too."""
    now, path = [1000.0], tmp_path / "agent.db"
    monkeypatch.setattr(module, "MAX_OUTCOMES", 3)
    store = SqliteOutcomes(str(path), now=lambda: now[0])
    for number in range(4):
        store.put(f"CA{number}", EndCall())
    assert rows(path) == ["CA1", "CA2", "CA3"]
    now[0] += module.OUTCOME_S - 1
    assert store.get("CA3") == EndCall()
    now[0] += 1
    assert store.get("CA3") is None
    store.put("CA4", Transfer())
    assert rows(path) == ["CA4"]


def test_f3_redis_forgets(redis_url):
    """F3: the server does it by itself."""
    RedisOutcomes(redis_url).put("CA-e1", EndCall())
    with redis.Redis.from_url(redis_url) as client:
        left_s = client.ttl(module._key("CA-e1"))
    assert module.OUTCOME_S - 5 <= left_s <= module.OUTCOME_S


# ---- other processes


PUT = "import sys; from server.outcomes import *; shared_store(*sys.argv[1:3]).put(sys.argv[3], Transfer())"


def in_another_process(*words):
    return subprocess.Popen([sys.executable, "-c", PUT, *words], cwd=ROOT)


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_f3_other_processes_know(kind, request, tmp_path):
    """F3: several at once, on a file that none of them has made before."""
    url = request.getfixturevalue("redis_url") if kind == "redis" else ""
    file = str(tmp_path / "var" / "state" / "agent.db")
    processes = [in_another_process(url, file, f"CA-f{number}") for number in range(4)]
    assert [process.wait(20) for process in processes] == [0] * 4
    here = Outcomes(shared_store(url, file))
    assert [here.get(f"CA-f{number}") for number in range(4)] == [Transfer()] * 4


def test_f3_workers_that_make_the_file_at_the_same_moment(tmp_path):
    """F3: the first calls of a fresh host end together; SQLite does not wait for who changes the journal."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            store, together = SqliteOutcomes(str(tmp_path / f"{number}.db")), threading.Barrier(8)

            def put(caller, store=store, together=together):
                together.wait(10)
                store.put(f"CA{caller}", EndCall())

            list(pool.map(put, range(8)))
            assert all(store.get(f"CA{caller}") for caller in range(8))


def test_without_a_file_a_process_is_alone():
    """F3: STATE_FILE and REDIS_URL empty."""
    assert shared_store("", "") is None
    first, second = Outcomes(), Outcomes()
    first.put("CA1", EndCall())
    assert (first.get("CA1"), second.get("CA1")) == (EndCall(), None)


def test_redis_goes_before_the_file(tmp_path):
    """F3: several hosts have no file in common."""
    assert isinstance(shared_store("redis://127.0.0.1:1", str(tmp_path / "agent.db")), RedisOutcomes)
    assert isinstance(shared_store("", str(tmp_path / "agent.db")), SqliteOutcomes)
    assert list(tmp_path.iterdir()) == []


def test_f3_the_file_is_its_owners_only(tmp_path):
    """F3: and so is what SQLite puts beside it while it is open."""
    path = tmp_path / "agent.db"
    store = SqliteOutcomes(str(path))
    store.put("CA1", EndCall())
    reader = sqlite3.connect(path)
    reader.execute("BEGIN").execute("SELECT * FROM outcomes").fetchall()
    store.put("CA2", EndCall())
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    reader.close()
    assert modes == dict.fromkeys(["agent.db", "agent.db-wal", "agent.db-shm"], 0o600)


def test_f3_asking_makes_no_file(tmp_path):
    """F3: a call that failed leaves nothing."""
    assert SqliteOutcomes(str(tmp_path / "agent.db")).get("CA1") is None
    assert list(tmp_path.iterdir()) == []


def test_f3_an_outcome_of_another_version_is_none(tmp_path):
    """F3: while a new version is rolled out; an apology is better than a crash."""
    store = SqliteOutcomes(str(tmp_path / "agent.db"))
    store._put("CA1", "SomethingNew")
    assert store.get("CA1") is None


# ---- stores that fail


def complaints(logged, word):
    return [line for line in logged.messages if line.startswith("OUTCOME_ERR: ") and word in line]


def check_that_it_only_costs_a_line(shared, logged):
    here = Outcomes(shared)
    assert elapsed_s(lambda: here.put("CA1", Transfer())) < ENDS_IN_S
    assert here.get("CA1") == Transfer()
    assert len(complaints(logged, "'CA1' is known to this process only")) == 1
    assert elapsed_s(lambda: here.get("CA2")) < ENDS_IN_S
    assert here.get("CA2") is None


@pytest.mark.parametrize("kind", ["a folder", "below a file"])
def test_f2_a_file_that_cannot_be_written(kind, tmp_path, logged):
    """F2: the webhook of the same process still knows."""
    (tmp_path / "file").touch()
    path = tmp_path if kind == "a folder" else tmp_path / "file" / "agent.db"
    check_that_it_only_costs_a_line(SqliteOutcomes(str(path)), logged)


def test_f2_a_file_that_is_something_else(tmp_path, logged):
    """F2: it stays what it was."""
    path = tmp_path / "notes.txt"
    path.write_text("שלום" * 1000, encoding="utf-8")
    check_that_it_only_costs_a_line(SqliteOutcomes(str(path)), logged)
    assert path.read_text(encoding="utf-8") == "שלום" * 1000
    assert len(complaints(logged, "no outcome of 'CA2'")) == 2


def test_f2_a_file_that_another_process_holds(tmp_path, logged):
    """F2: waited for no longer than a caller can be held; a reader does not wait at all."""
    path = tmp_path / "agent.db"
    SqliteOutcomes(str(path)).put("CA0", EndCall())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        check_that_it_only_costs_a_line(SqliteOutcomes(str(path)), logged)
        assert SqliteOutcomes(str(path)).get("CA0") == EndCall()
    finally:
        holder.close()


FULL = """
import resource, signal, sys
from server.outcomes import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
here = Outcomes(SqliteOutcomes(sys.argv[1]))
for number in range(100):
    here.put(f"CA{number}", EndCall())
assert here.get("CA99") == EndCall()
"""


def test_f2_a_full_disk(tmp_path):
    """F2: here a file may not grow beyond four kilobytes."""
    command = [sys.executable, "-c", FULL, str(tmp_path / "agent.db")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert "OUTCOME_ERR: 'CA99' is known to this process only: " in done.stderr


def test_f2_a_dead_redis(logged):
    """F2: and its password is in no line of the log."""
    secret = "very-secret"
    check_that_it_only_costs_a_line(RedisOutcomes(f"redis://:{secret}@127.0.0.1:{free_port()}"), logged)
    assert secret not in logged.text


def test_f2_a_redis_that_hangs(logged):
    """F2, F6: it takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check_that_it_only_costs_a_line(RedisOutcomes(f"redis://127.0.0.1:{silent.getsockname()[1]}"), logged)


def test_f2_a_redis_that_was_restarted(redis_url, logged):
    """F2: no connection is kept that could be dead by the next call."""
    here = Outcomes(RedisOutcomes(redis_url))
    with redis.Redis.from_url(redis_url) as client:
        here.put("CA-g1", EndCall())
        assert client.client_kill_filter(_type="normal", skipme=True) == 0
    here.put("CA-g2", EndCall())
    assert Outcomes(RedisOutcomes(redis_url)).get("CA-g2") == EndCall()
    assert logged.messages == []


def test_f3_a_call_without_a_name_has_no_outcome(store):
    """F3: else every webhook without a CallSid would be told of it."""
    here = Outcomes(store)
    here.put("", EndCall())
    assert here.get("") is None and store.get("") is None


@pytest.mark.parametrize("sid", ["CA\ud800", "CA\0", "'; DROP TABLE outcomes; --"])
def test_f3_names_that_twilio_does_not_give(store, sid):
    """F3: our own process knows them, whatever a store makes of them."""
    here = Outcomes(store)
    here.put(sid, EndCall())
    here.put("CA-h", Transfer())
    assert (here.get(sid), here.get("CA-h"), store.get("CA-h")) == (EndCall(), Transfer(), Transfer())


# ---- gevent


HELD = """
from gevent import monkey; monkey.patch_all()
import sqlite3, sys, time
import gevent
from server.outcomes import *

store = SqliteOutcomes(sys.argv[1])
store.put("CA1", EndCall())
holder = sqlite3.connect(sys.argv[1], isolation_level=None)
holder.execute("BEGIN IMMEDIATE")
gaps, waits = [], gevent.spawn(Outcomes(store).put, "CA2", EndCall())
while not waits.ready():
    before = time.monotonic()
    gevent.sleep(0.005)
    gaps.append(time.monotonic() - before)
assert len(gaps) > 10 and max(gaps) < 0.1, gaps
holder.close()
jobs = [gevent.spawn(store.put, f"CA{n}", EndCall()) for n in range(20)]
gevent.joinall(jobs, raise_error=True)
assert [store.get(f"CA{n}") for n in range(20)] == [EndCall()] * 20
"""


def test_f2_under_gevent_no_other_call_waits_for_the_file(tmp_path):
    """F2: the hub goes on while another process holds the file."""
    command = [sys.executable, "-c", HELD, str(tmp_path / "agent.db")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "OUTCOME_ERR: 'CA2' is known to this process only: database is locked" in done.stderr


def test_outcomes_are_known_here_before_the_store_has_them():
    """F2: the webhook of the same process does not wait for a store that hangs."""
    held, asked = threading.Event(), threading.Event()

    class Hangs:
        def put(self, call_sid, outcome):
            asked.set()
            held.wait(10)

        def get(self, call_sid):
            raise AssertionError("memory knows")

    here = Outcomes(Hangs())
    leaving = threading.Thread(target=here.put, args=("CA1", EndCall()))
    leaving.start()
    assert asked.wait(10) and here.get("CA1") == EndCall()
    held.set()
    leaving.join(10)
