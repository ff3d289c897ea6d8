"""Rules F2, F3, and the host's limit: every store keeps the same promises, to threads and to processes."""

import socketserver
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from server.shared_state import memory, sqlite
from server.shared_state import redis as redis_store
from server.shared_state.changes import (
    LONGEST_LEASE_S,
    MAX_MEMORIES,
    MEMORY_S,
    OUTCOME_S,
    First,
    Lease,
    Made,
    Put,
    Release,
    Renew,
)
from server.shared_state.pools import IN_NONE, SHARE, Share
from server.shared_state.redis import RedisStore
from server.shared_state.sqlite import SqliteStore
from server.shared_state.state import Once, SharedState, shared_state_of, shared_store
from server.turns.effects import Transfer
from tests.serving import ROOT
from tests.shared_state.asked import File, Memory, OfRedis

HOUR_S = 3600.0
LONG_S = LONGEST_LEASE_S  # for which a place may be given


class Aging:
    """A new, empty store, and a way to let seconds pass for what it keeps."""

    def __init__(self):
        self.now = 1000.0
        self.store = self.make()

    def pass_s(self, seconds):
        self.now += seconds


class AgingMemory(Aging):
    def make(self):
        return Memory(lambda: self.now)


class AgingFile(Aging):
    def __init__(self, path):
        self.path = path
        super().__init__()

    def make(self):
        return File(str(self.path), lambda: self.now, lambda: self.now, HOUR_S)


class AgingRedis:
    """Redis has a clock of its own: what it keeps is moved towards its end instead."""

    def __init__(self, url):
        self.client = redis.Redis.from_url(url)
        self.client.flushdb()
        self.store = OfRedis(url)

    def pass_s(self, seconds):
        for key in self.client.keys():
            if self.client.type(key) == b"zset":
                for member in self.client.zrange(key, 0, -1):
                    self.client.zincrby(key, -seconds * 1000, member)
            self.client.pexpire(key, round(self.client.pttl(key) - seconds * 1000))


@pytest.fixture(params=["memory", "file", "redis"])
def aging(request, tmp_path):
    """A function that makes an empty store of each kind, again and again."""
    if request.param == "memory":
        yield AgingMemory
    elif request.param == "file":
        numbers = count()
        yield lambda: AgingFile(tmp_path / "state" / f"{next(numbers)}.db")
    else:
        url, made = request.getfixturevalue("redis_url"), []

        def make():
            while made:
                made.pop().client.close()
            made.append(AgingRedis(url))
            return made[-1]

        yield make
        made.pop().client.close()


@pytest.fixture
def store(aging):
    return aging().store


# ---- what every store promises


class Model:
    """The promises in a few lines: what is known, and until when."""

    def __init__(self):
        self.now = 0
        self.outcomes, self.memories, self.keys, self.leases, self.shares = {}, {}, {}, {}, {}

    def pass_s(self, seconds):
        self.now += seconds
        for known in (self.outcomes, self.memories, self.keys, self.leases, self.shares):
            for gone in [key for key, (_, until) in known.items() if until <= self.now]:
                del known[gone]

    def put(self, sid, name):
        self.outcomes[sid] = (name, self.now + OUTCOME_S)

    def get(self, sid):
        return self.outcomes.get(sid, (None, 0))[0]

    def remember(self, sid, words):
        self.memories[sid] = (words, self.now + MEMORY_S)

    def forget(self, sid):
        self.memories.pop(sid, None)

    def memory(self, sid):
        return self.memories.get(sid, (None, 0))[0]

    def first_time(self, key, for_s):
        first = key not in self.keys
        self.keys.setdefault(key, (None, self.now + for_s))
        return first

    def lease(self, host, sid, most, for_s, share):
        pools = [(host, most), (share.name, share.most)][: 2 if share.name else 1]
        given = all(not m or (p, sid) in self.leases or self.leased(p) < m for p, m in pools)
        if given:
            self.leases.update({(pool, sid): (None, self.now + for_s) for pool, _ in pools})
        if given and share.name:
            self.shares[sid] = (share.name, self.now + for_s)
        return given

    def renew(self, host, sids, for_s):
        kept = [(host, sid) for sid in sids] + [lease for sid in sids for lease in self.shares_of(sid)]
        self.leases.update({lease: (None, self.now + for_s) for lease in kept})
        self.shares.update({sid: (pool, self.now + for_s) for pool, sid in kept[len(sids) :]})

    def release(self, host, sid):
        for lease in [(host, sid), *self.shares_of(sid)]:
            self.leases.pop(lease, None)

    def leased(self, pool):
        return sum(1 for holder, _ in self.leases if holder == pool)

    def holders(self, pool):
        return {sid for holder, sid in self.leases if holder == pool}

    def shares_of(self, sid):
        return [(self.shares[sid][0], sid)] if sid in self.shares else []


# Real milliseconds pass in Redis: no two of these end at the same moment.
SIDS, HOSTS, FOR_S = st.sampled_from(["CA1", "CA2", "CA3", "נ'"]), st.sampled_from("ab"), (5, 15, 35)
DANAS = Share(f"{SHARE}dana", 1)
SHARES = {
    "CA1": DANAS,
    "CA2": DANAS,
    "CA3": Share(f"{SHARE}avi"),
    "נ'": IN_NONE,
}  # of a call, always the same
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass_s"), st.sampled_from([10, 20, 50, 90])),
        st.tuples(st.just("put"), SIDS, st.sampled_from(["EndCall", "Transfer"])),
        st.tuples(st.just("get"), SIDS),
        st.tuples(st.just("remember"), SIDS, st.sampled_from(['{"owed":"דירה"}', "{}"])),
        st.tuples(st.just("forget"), SIDS),
        st.tuples(st.just("memory"), SIDS),
        st.tuples(st.just("first_time"), SIDS, st.sampled_from(FOR_S)),
        st.tuples(st.just("lease"), HOSTS, SIDS, st.integers(0, 3), st.sampled_from(FOR_S)).map(
            lambda step: (*step, SHARES[step[2]])
        ),
        st.tuples(st.just("renew"), HOSTS, st.lists(SIDS, min_size=1, max_size=3), st.sampled_from(FOR_S)),
        st.tuples(st.just("release"), HOSTS, SIDS),
        st.tuples(st.sampled_from(["leased", "holders"]), st.sampled_from(["a", "b", DANAS.name])),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STEPS)
def test_f2_f3_every_store_does_what_the_model_does(aging, steps):
    """F2, F3, F8: outcomes, memories, first times and places, as time passes, in each store."""
    real, model = aging(), Model()
    for name, *words in steps:
        told = getattr(real if name == "pass_s" else real.store, name)(*words)
        assert told == getattr(model, name)(*words), (name, words)


def test_f2_f3_an_outcome_is_told_again(store):
    """F2, F3: a webhook that Twilio retries gets the same answer; another call's is not this one's."""
    store.put("CA1", "Transfer")
    assert [store.get("CA1") for _ in range(3)] == ["Transfer"] * 3
    assert store.get("CA2") is None


def test_f8_a_memory_is_not_an_outcome(store):
    """F8: of the same call; the last one given counts, and a large one is one."""
    store.put("CA1", "Transfer")
    store.remember("CA1", "ש" * 4000)
    store.remember("CA1", "ש" * 4096)
    assert (store.get("CA1"), store.memory("CA1")) == ("Transfer", "ש" * 4096)
    store.forget("CA1")
    assert (store.get("CA1"), store.memory("CA1")) == ("Transfer", None)


def test_f8_no_word_is_left_in_the_file(tmp_path):
    """F8: once the call is over, and what SQLite keeps beside the file is put into it."""
    path = tmp_path / "state.db"
    store = File(str(path))
    store.remember("CA1", "words of a caller " * 200)
    store.forget("CA1")
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"words of a caller" not in path.read_bytes()


@pytest.mark.parametrize("kind", [Memory, File])
def test_f8_beyond_the_bound_the_oldest_memories_go(kind, tmp_path, monkeypatch):
    """F8."""
    monkeypatch.setattr(memory if kind is Memory else sqlite, "MAX_MEMORIES", most := 3)
    store = Memory() if kind is Memory else File(str(tmp_path / "state.db"))
    for number in range(5):
        store.remember(f"CA{number}", "{}")
    kept = [store.memory(f"CA{number}") for number in range(5)]
    assert kept == [None] * 2 + ["{}"] * most and MAX_MEMORIES > most


def test_a_call_that_has_a_place_keeps_it(store):
    """The limit: it may ask again when all places are taken, and when there are fewer than were given."""
    assert [store.lease("a", sid, 2, LONG_S) for sid in ("CA1", "CA2", "CA3")] == [True, True, False]
    assert store.lease("a", "CA1", 2, LONG_S) and store.lease("a", "CA1", 1, LONG_S)
    assert store.leased("a") == 2


def test_a_share_is_of_all_hosts_and_no_place_is_taken_for_it_alone(store):
    """CALLS_PER_CALLER_AT_ONCE: with the place, or neither; it lasts, and ends, as the place does."""
    share = Share(f"{SHARE}dana", 2)
    assert [store.lease(host, sid, 1, LONG_S, share) for host, sid in (("a", "CA1"), ("b", "CA2"))] == [
        True
    ] * 2
    assert not store.lease("c", "CA3", 9, LONG_S, share) and store.leased("c") == 0
    assert store.lease("a", "CA1", 1, LONG_S, share), "Twilio asks again"
    store.renew("a", ["CA1"], LONG_S)  # by a worker that knows of no share
    store.release("b", "CA2")
    assert not store.lease("a", "CA4", 1, LONG_S, share) and store.leased(share.name) == 1
    assert store.lease("c", "CA3", 9, LONG_S, share) and store.leased(share.name) == 2


def test_f8_a_worker_that_lets_go_late_frees_no_share_for_long(aging):
    """F8: another worker of the host has taken the call up, and has its place and its share again."""
    life, share = aging(), Share(f"{SHARE}dana", 1)
    assert life.store.lease("a", "CA1", 9, 15, share)
    assert life.store.lease("a", "CA1", 0, 15, Share(share.name))
    life.store.release("a", "CA1")
    assert life.store.leased(share.name) == 0
    life.store.renew("a", ["CA1"], 15)
    assert not life.store.lease("a", "CA2", 9, 15, share) and life.store.leased("a") == 1
    life.store.release("a", "CA1")
    life.pass_s(20)
    life.store.renew("a", ["CA1"], 15)
    assert life.store.lease("a", "CA2", 9, 15, share), "long after, nobody knows of it"


def test_a_place_is_for_so_long_from_now(aging):
    """The limit: what the webhook reserved for long is not longer than that once the socket is there."""
    life = aging()
    life.store.lease("a", "CA1", 1, 350)
    life.store.lease("a", "CA1", 0, 50)
    life.pass_s(100)
    assert life.store.leased("a") == 0 and life.store.lease("a", "CA2", 1, 50)


def test_admitted_calls_count_above_the_limit(store):
    """The limit: it is for those that come after them."""
    assert all(store.lease("a", sid, 0, LONG_S) for sid in ("CA1", "CA2", "CA3"))
    store.renew("a", ["CA4"], LONG_S)
    assert store.leased("a") == 4
    assert not store.lease("a", "CA5", 4, LONG_S)


# ---- many at once


def test_whether_there_was_a_first_time_is_asked_without_being_one(aging):
    """A visit of the pages that has ended."""
    life = aging()
    assert not life.store.knows("a")
    assert life.store.first_time("a", 60)
    assert life.store.knows("a") and not life.store.knows("b")
    life.pass_s(61)
    assert not life.store.knows("a") and life.store.first_time("a", 60)


def test_first_times_of_many_threads(store):
    """The token: eight sockets that come with the same one at the same moment."""
    together = threading.Barrier(8)

    def ask(_):
        together.wait(10)
        return store.first_time("the token", HOUR_S)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 7 + [True]
        assert not any(pool.map(ask, range(8)))


def test_never_more_places_than_there_are(store):
    """The limit: six threads take and free three places, and at no moment is there a fourth."""
    counted, held, seen = threading.Lock(), set(), []

    def come_and_go(caller):
        for _ in range(25):
            if not store.lease("a", caller, 3, LONG_S):
                continue
            with counted:
                held.add(caller)
                seen.append(len(held))
            with counted:
                held.remove(caller)
            store.release("a", caller)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(come_and_go, [f"CA{n}" for n in range(6)]))
    assert 0 < max(seen) <= 3 and store.leased("a") == 0


def test_f2_f3_many_threads_at_once(store):
    """F2, F3: every call is a thread."""
    sids = [f"CA{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda sid: store.put(sid, "EndCall"), sids))
        assert set(pool.map(store.get, sids)) == {"EndCall"}


RACE = """
import sys
from tests.shared_state.asked import File, OfRedis
store, name = OfRedis(sys.argv[1]) if sys.argv[1] else File(sys.argv[2]), sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
print(*(n for n in range(60) if store.first_time(f"key {n}", 60)))
print(*(n for n in range(30) if store.lease("host", f"{name} {n}", 20, 60)))
store.put(name, "Transfer")
"""


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["file", "redis"])
def test_two_processes_race(kind, request, tmp_path):
    """F3, the token, the limit: on a file that neither has made before; one first each, no place too many."""
    url = request.getfixturevalue("redis_url") if kind == "redis" else ""
    file = str(tmp_path / "var" / "state" / "agent.db")
    if url:
        AgingRedis(url).client.close()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    names = ["CA-f1", "CA-f2"]
    racers = [subprocess.Popen([sys.executable, "-c", RACE, url, file, name], **pipes) for name in names]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 2
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=30)[0].splitlines() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert sorted(int(n) for firsts, _ in told for n in firsts.split()) == list(range(60))
    assert sum(len(places.split()) for _, places in told) == 20
    here = OfRedis(url) if url else File(file)
    assert here.leased("host") == 20 and [here.get(name) for name in names] == ["Transfer"] * 2


def test_f3_workers_that_make_the_file_at_the_same_moment(tmp_path):
    """F3: the first calls of a fresh host end together; SQLite does not wait for who changes the journal."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            store, together = File(str(tmp_path / f"{number}.db")), threading.Barrier(8)

            def put(caller, store=store, together=together):
                together.wait(10)
                store.put(f"CA{caller}", "EndCall")

            list(pool.map(put, range(8)))
            assert all(store.get(f"CA{caller}") for caller in range(8))


# ---- several changes at once


def test_a_call_asks_three_times(store):
    """As it rings, as its socket comes, at its end."""
    dana = Share(f"{SHARE}dana", 1)
    ring = First("signed", HOUR_S), Put("signed", "9.5"), First("ring", 30), Lease("a", "CA1", 1, 30, dana)
    assert store.change(*ring) and store.get("signed") == "9.5" and store.leased(dana.name) == 1
    assert store.change(First("token", HOUR_S), Renew("a", ("CA1",), LONG_S))
    assert store.change(Put("CA1", "EndCall"), Release("a", "CA1"))
    assert (store.get("CA1"), store.leased("a"), store.leased(dana.name)) == ("EndCall", 0, 0)


def test_what_stands_behind_a_change_that_is_refused_is_not_made(store):
    """A recorded request takes no place, and does not change the date of the first."""
    again = First("signed", HOUR_S)
    assert store.change(again, Put("signed", "1.0"))
    ring = Put("before", "is made"), again, Put("signed", "2.0"), Lease("a", "CA1", 9, LONG_S)
    assert store.change(*ring) == Made(again)
    assert (store.get("before"), store.get("signed"), store.leased("a")) == ("is made", "1.0", 0)


def test_which_pool_is_full(store):
    """CALLS_PER_CALLER_AT_ONCE: the caller's own share is told, when both are."""
    dana = Share(f"{SHARE}dana", 1)
    assert store.change(Lease("a", "CA1", 1, LONG_S, dana))
    both, host = Lease("a", "CA2", 1, LONG_S, dana), Lease("a", "CA2", 1, LONG_S)
    assert [store.change(lease) for lease in (both, host)] == [Made(both, dana.name), Made(host, "a")]
    share = Lease("b", "CA2", 1, LONG_S, dana)
    assert store.change(share) == Made(share, dana.name) and store.leased("b") == 0


# ---- which store


def test_f3_two_of_the_same_knobs_agree(tmp_path):
    """F3: the socket's and the webhook's, wherever they are; without STATE_FILE each is alone."""
    first, second = (shared_state_of("", str(tmp_path / "agent.db")) for _ in range(2))
    first.close("CA1", Transfer())
    assert second.outcome("CA1") == Transfer() and shared_state_of("", "").outcome("CA1") is None
    key = Once("key", 60)
    assert first.first_time(key) and not second.first_time(key)


def test_redis_goes_before_the_file(tmp_path):
    """F3: several hosts have no file in common; without either a process is alone."""
    assert isinstance(shared_store("redis://127.0.0.1:1", str(tmp_path / "agent.db")), RedisStore)
    assert isinstance(shared_store("", str(tmp_path / "agent.db")), SqliteStore)
    assert shared_store("", "") is None
    assert list(tmp_path.iterdir()) == []


# ---- bounds


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_f3_beyond_the_bound_the_oldest_go(kind, tmp_path, monkeypatch):
    """F3: three of each are kept here, whatever is asked meanwhile."""
    for bound in ("MAX_OUTCOMES", "MAX_KEYS", "MAX_LEASES"):
        monkeypatch.setattr(memory, bound, 3, raising=False)
        monkeypatch.setattr(sqlite, bound, 3)
    store = Memory() if kind == "memory" else File(str(tmp_path / "agent.db"))
    sids = [f"CA{number}" for number in range(4)]
    for sid in sids:
        store.put(sid, "EndCall")
        store.lease("a", sid, 0, LONG_S)
    assert [store.get(sid) for sid in sids] == [None, *["EndCall"] * 3]
    assert store.leased("a") == 3 and not store.lease("a", "CA0", 3, LONG_S)
    assert all(store.first_time(sid, HOUR_S) for sid in sids)
    assert [store.first_time(sid, HOUR_S) for sid in reversed(sids)] == [False] * 3 + [True]


def test_the_bound_of_redis(redis_url, monkeypatch):
    """The limit: of a host's places those that end first go."""
    monkeypatch.setattr(redis_store, "MAX_LEASES", 3)
    life = AgingRedis(redis_url)
    with life.client:
        life.store.renew("a", [f"CA{number}" for number in range(4)], LONG_S)
        assert life.store.leased("a") == 3


def test_a_renewal_makes_nothing_younger(tmp_path, monkeypatch):
    """The limit: renewed for an hour, a call's row is as old as the call, and pushes no other out."""
    monkeypatch.setattr(sqlite, "MAX_LEASES", 5)
    store = File(str(tmp_path / "agent.db"))
    store.lease("a", "CA-pending", 0, LONG_S)
    for _ in range(10):
        store.renew("a", ["CA1", "CA2"], LONG_S)
        store.lease("a", "CA1", 0, LONG_S)
    assert store.leased("a") == 3


def rows(path):
    file = sqlite3.connect(path)
    try:
        tables = ("outcomes", "keys", "leases")
        return [file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    finally:
        file.close()


def test_f3_a_file_forgets(tmp_path):
    """F3: on the disk too, when something new is kept, once a minute."""
    life = AgingFile(tmp_path / "agent.db")

    def keep(name):
        life.store.put(name, "EndCall")
        life.store.first_time(name, 60)
        life.store.lease("a", name, 0, 60)

    keep("CA1")
    keep("CA2")
    life.pass_s(OUTCOME_S - 1)
    assert rows(life.path) == [2, 2, 2] and life.store.get("CA1") == "EndCall"
    life.pass_s(1)
    assert life.store.get("CA1") is None
    keep("CA3")
    assert rows(life.path) == [1, 1, 1]


def test_f3_redis_forgets(redis_url):
    """F3: the server does it by itself, a host's places with the last of them."""
    life = AgingRedis(redis_url)
    life.store.put("CA1", "EndCall")
    life.store.first_time("token", 60)
    life.store.lease("a", "CA1", 2, 50)
    life.store.lease("a", "CA2", 2, 30)
    with life.client:
        left_s = [life.client.ttl(key) for key in sorted(life.client.keys())]
    for left, kept_for in zip(left_s, [60, 50, OUTCOME_S], strict=True):
        assert kept_for - 5 <= left <= kept_for


# ---- the file that is broken, and clocks that jump


GARBAGE = b"garbage" * 5000


def spoil(path):
    """As a power cut may leave it: what SQLite had put beside it is gone."""
    path.write_bytes(GARBAGE)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def test_a_broken_file_is_moved_away_and_begun_anew(tmp_path, caplog):
    """The token, F3: in one operation; what is shared from then on is shared, and the log says it once."""
    path = tmp_path / "agent.db"
    first, second = AgingFile(path), AgingFile(path)
    assert first.store.first_time("token", HOUR_S) and not second.store.first_time("token", HOUR_S)
    assert not first.store.renewed
    spoil(path)
    assert second.store.first_time("another", HOUR_S) and not first.store.first_time("another", HOUR_S)
    assert path.with_name("agent.db.broken-1").read_bytes() == GARBAGE
    assert [line for line in caplog.messages if "was broken" in line] == [
        f"LEDGER_ERR: STATE_FILE={path} was broken (file is not a database): it is agent.db.broken-1 now, "
        "and a new one is begun"
    ]
    assert first.store.renewed and second.store.renewed
    second.pass_s(HOUR_S)
    assert not second.store.renewed


@pytest.mark.parametrize("where", [200, 5000, 9000])
def test_a_file_that_is_broken_in_parts(where, tmp_path):
    """F3: whatever SQLite finds malformed, sooner or later, ends the file and not the sharing."""
    life = AgingFile(tmp_path / "agent.db")
    for number in range(300):
        life.store.put(f"CA{number}", "EndCall")
    with life.path.open("r+b") as file:
        file.seek(where)
        file.write(b"\xff" * 4000)
    life.store.put("CA1", "Transfer")
    life.store.first_time("key", HOUR_S)
    assert life.store.lease("a", "CA1", 1, LONG_S)
    assert life.store.get("CA1") == "Transfer" and not life.store.first_time("key", HOUR_S)


def test_workers_that_find_it_broken_together(tmp_path):
    """The token: one moves it away, and nobody the new one."""
    path = tmp_path / "agent.db"
    for number in range(10):
        spoil(path)
        stores = [File(str(path), within_s=HOUR_S) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(lambda store, n=number: store.first_time(f"token {n}", HOUR_S), stores))
        assert sorted(told) == [False, False, False, True]
    assert {file.name for file in tmp_path.iterdir() if "broken" in file.name} == {
        f"agent.db.broken-{number}" for number in (1, 2, 3)
    }


def test_a_disk_that_breaks_every_file_is_not_filled(tmp_path):
    """F2: the second time at once it is the file that fails, and the sharing."""
    life = AgingFile(tmp_path / "agent.db")
    spoil(life.path)
    assert life.store.first_time("key", HOUR_S)
    spoil(life.path)
    with pytest.raises(sqlite3.DatabaseError):
        life.store.first_time("key", HOUR_S)
    life.pass_s(11)
    assert life.store.first_time("key", HOUR_S)


def test_who_only_reads_moves_nothing(tmp_path):
    """``check`` is run with any STATE_FILE."""
    spoil(path := tmp_path / "agent.db")
    with pytest.raises(sqlite3.DatabaseError):
        File(str(path)).leased("a")
    assert path.read_bytes() == GARBAGE


@pytest.mark.parametrize("aging", ["file", "redis"], indirect=True)
def test_places_of_before_the_clock_was_put_back(aging):
    """The limit: they end an hour from now, as it seems, and nobody has them; calls have theirs again."""
    life = aging()
    assert life.store.lease("a", "CA1", 2, LONG_S) and life.store.lease("a", "CA2", 2, LONG_S)
    life.pass_s(-HOUR_S)
    assert life.store.leased("a") == 0
    assert life.store.lease("a", "CA3", 2, LONG_S)
    life.store.renew("a", ["CA1"], LONG_S)
    assert life.store.leased("a") == 2 and not life.store.lease("a", "CA4", 2, LONG_S)


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S])
def test_keys_outlive_a_jump(jump_s, tmp_path):
    """The token: no clock that is set makes it good again; nor is an outcome lost by one put back."""
    life = AgingFile(tmp_path / "agent.db")
    life.store.put("CA1", "Transfer")
    assert life.store.first_time("token", 24 * HOUR_S)
    life.pass_s(jump_s)
    assert not life.store.first_time("token", 24 * HOUR_S)
    assert life.store.get("CA1") == ("Transfer" if jump_s < 0 else None)


def test_a_day_of_keys_is_not_forgotten_by_number(tmp_path):
    """The token: 60,000 that others have brought about do not push out what was recorded an hour ago."""
    life = AgingFile(tmp_path / "agent.db")
    assert life.store.first_time("recorded", 24 * HOUR_S)
    with sqlite3.connect(life.path) as file:
        file.executemany("INSERT INTO keys VALUES (?, ?)", ((f"k{n}", 9e9) for n in range(60_000)))
    file.close()
    assert life.store.first_time("one more", HOUR_S) and not life.store.first_time("recorded", HOUR_S)


# ---- the file


def test_f3_the_file_is_its_owners_only(tmp_path):
    """F3: and so is what SQLite puts beside it while it is open."""
    path = tmp_path / "agent.db"
    store = File(str(path))
    store.put("CA1", "EndCall")
    reader = sqlite3.connect(path)
    reader.execute("BEGIN").execute("SELECT * FROM outcomes").fetchall()
    store.put("CA2", "EndCall")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    reader.close()
    assert modes == dict.fromkeys(["agent.db", "agent.db-wal", "agent.db-shm"], 0o600)


def test_f3_asking_makes_no_file(tmp_path):
    """F3: a call that failed leaves nothing."""
    store = File(str(tmp_path / "agent.db"))
    assert (store.get("CA1"), store.leased("a")) == (None, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["a file that is being made", "a file of an older version"])
def test_f3_a_file_without_our_tables(version, tmp_path):
    """F3: calls end while a new version is rolled out; what the older one left is known."""
    path, now = tmp_path / "agent.db", 5000.0
    store = File(str(path), lambda: now)
    path.touch()
    if version != "a file that is being made":
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE outcomes (call_sid TEXT PRIMARY KEY, name TEXT, at REAL)")
            file.execute("INSERT INTO outcomes VALUES ('CA1', 'Transfer', ?)", (now - 60,))
        file.close()
        assert store.get("CA1") == "Transfer"
    assert (store.get("CA2"), store.leased("a")) == (None, 0)
    assert store.first_time("token", 60) and not store.first_time("token", 60)
    assert store.lease("a", "CA1", 1, 60) and store.leased("a") == 1


# ---- names


@pytest.mark.parametrize("sid", ["CA\0", "'; DROP TABLE outcomes; --", "א" * 500])
def test_f3_names_that_twilio_does_not_give(store, sid):
    """F3: they are names like any other."""
    store.put(sid, "EndCall")
    assert store.get(sid) == "EndCall"
    assert store.first_time(sid, 60) and not store.first_time(sid, 60)
    assert store.lease(sid, sid, 1, 60) and store.leased(sid) == 1
    store.release(sid, sid)
    assert store.leased(sid) == 0


# ---- connections, gevent


def test_f2_a_redis_that_was_restarted(redis_url, caplog):
    """F2: no connection is kept that could be dead by the next call."""
    here = SharedState(RedisStore(redis_url), "a")
    life = AgingRedis(redis_url)
    assert here.lease("CA1", 1, LONG_S)
    with life.client:
        assert life.client.client_kill_filter(_type="normal", skipme=True) == 0
    assert SharedState(RedisStore(redis_url), "a").leased() == 1
    assert caplog.messages == []


def test_redis_is_asked_once():
    """The token: a retry would not be the first time, when only the answer was lost."""
    asked = []

    class LosesItsAnswer(socketserver.StreamRequestHandler):
        def handle(self):
            asked.append(self.rfile.readline())  # and it hangs up

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), LosesItsAnswer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(redis.ConnectionError):
            OfRedis(f"redis://127.0.0.1:{server.server_address[1]}").first_time("token", HOUR_S)
        server.shutdown()
    assert len(asked) == 1


HELD = """
from gevent import monkey; monkey.patch_all()
import sqlite3, sys, time
import gevent
from server.shared_state.state import EndCall, SharedState
from tests.shared_state.asked import File

store = File(sys.argv[1])
store.put("CA1", "EndCall")
holder = sqlite3.connect(sys.argv[1], isolation_level=None)
holder.execute("BEGIN IMMEDIATE")
gaps, waits = [], gevent.spawn(SharedState(store).close, "CA2", EndCall())
while not waits.ready():
    before = time.monotonic()
    gevent.sleep(0.005)
    gaps.append(time.monotonic() - before)
assert len(gaps) > 10 and max(gaps) < 0.1, gaps
holder.close()
jobs = [gevent.spawn(store.lease, "a", f"CA{n}", 10, 60) for n in range(20)]
gevent.joinall(jobs, raise_error=True)
assert sum(job.value for job in jobs) == store.leased("a") == 10
"""


@pytest.mark.servers
def test_f2_under_gevent_no_other_call_waits_for_the_file(tmp_path):
    """F2: the hub goes on while another process holds the file."""
    command = [sys.executable, "-c", HELD, str(tmp_path / "agent.db")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "LEDGER_ERR: the end of 'CA2' is known to this process only: STATE_FILE=" in done.stderr
    assert "agent.db: database is locked" in done.stderr
