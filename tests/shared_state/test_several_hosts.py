"""MAX_CALLS where several hosts share a Redis: of all together, whichever of them webhook and socket meet."""

import pytest
import redis

from server.admission.slots import BEAT_S, OFFER_S, Slots
from server.shared_state import redis as redis_store
from server.shared_state.changes import MAX_LEASES
from server.shared_state.pools import SHARE, Share
from server.shared_state.redis import RedisStore
from server.shared_state.state import SharedState
from tests.simtime.runtime import SimRuntime

LONG_S = 30.0


@pytest.fixture
def host(redis_url):
    """A function that makes a host of an empty Redis."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    return lambda name: SharedState(RedisStore(redis_url), name)


@pytest.fixture
def two(host):
    """Two that take three calls each."""
    hosts = host("a"), host("b")
    for each in hosts:
        each.offer(3, LONG_S)
    return hosts


def admitted(host, calls, most=3):
    return sum(bool(host.lease(call, most, LONG_S)) for call in calls)


def test_a_host_that_answers_all_webhooks_lets_in_what_all_hosts_take(two):
    """And no more, though the sockets are all at the other one."""
    first, second = two
    for call in ("CA1", "CA2", "CA3", "CA4", "CA5", "CA6"):
        assert first.lease(call, 3, LONG_S)
        second.renew([call], LONG_S)
    assert not first.lease("CA7", 3, LONG_S) and not second.lease("CA7", 3, LONG_S)
    assert (first.leased(), second.leased()) == (0, 6)
    second.release("CA1")
    assert first.lease("CA7", 3, LONG_S)


def test_a_call_has_one_place(two):
    """Where its socket is; that of the host whose webhook let it in is free at once."""
    first, second = two
    assert first.lease("CA1", 3, LONG_S) and first.leased() == 1
    second.renew(["CA1"], LONG_S)
    assert (first.leased(), second.leased()) == (0, 1)
    first.renew(["CA1"], LONG_S)
    assert (first.leased(), second.leased()) == (1, 0)


def test_a_call_that_has_a_place_somewhere_keeps_it(two):
    """Twilio asks again, and another host."""
    first, second = two
    assert admitted(first, ["CA1", "CA2", "CA3", "CA4", "CA5", "CA6"]) == 6
    assert second.lease("CA1", 3, LONG_S) and not second.lease("CA7", 3, LONG_S)


def test_a_host_that_drains_counts_for_the_calls_it_has(two):
    """It has two: the other one takes its own three, and not a place that is given back there."""
    first, second = two
    second.renew(["CA1", "CA2"], LONG_S)
    second.offer(3, 0.0)
    assert admitted(first, ["CA3", "CA4", "CA5", "CA6"]) == 3
    second.release("CA1")
    assert not first.lease("CA6", 3, LONG_S)


def test_a_host_that_drains_for_an_hour_is_forgotten_after_its_last_call(two, redis_url):
    """DRAIN_SEC may be that long, and the other one goes on saying what it takes."""
    first, second = two
    second.renew(["CA1", "CA2"], LONG_S)
    second.offer(3, 0.0)
    with redis.Redis.from_url(redis_url) as client:

        def hosts():
            return set(client.zrange("phone_agent:leases:hosts:", 0, -1))

        client.zincrby("phone_agent:leases:hosts:", -3600_000, "b")
        first.offer(3, LONG_S)
        assert hosts() == {b"a", b"b"}
        first.renew(["CA1"], LONG_S)
        assert second.holders() == {"CA2"}, "it has one place"
        second.release("CA2")
        first.offer(3, LONG_S)
        assert hosts() == {b"a"}


def test_which_others_take_calls(two, host):
    """Not who has ended, or drains."""
    first, second = two
    assert first.other_hosts() == {"b"} and second.other_hosts() == {"a"}
    second.offer(3, 0.0)
    assert first.other_hosts() == frozenset() and second.other_hosts() == {"a"}
    second.offer(3, LONG_S)
    assert first.other_hosts() == {"b"}


def test_one_that_is_not_heard_of_takes_its_own(two, host):
    """Its first call may come before it has said so."""
    third = host("c")
    assert admitted(third, [f"CA{number}" for number in range(12)], most=2) == 3 + 3 + 2


def test_hosts_that_differ(two, host):
    """A host may take more than another; one that takes any number is no limit to the others."""
    first, second = two
    second.offer(1, LONG_S)
    calls = [f"CA{number}" for number in range(20)]
    assert admitted(first, calls) == 4
    second.offer(0, LONG_S)
    assert admitted(first, calls) == 20


def test_a_share_holds_on_all_hosts(two):
    """With room for everybody, one caller has no more than theirs; moving it to another host frees none."""
    first, second = two
    mine = Share(f"{SHARE}me", 1)
    assert first.lease("CA1", 3, LONG_S, mine)
    second.renew(["CA1"], LONG_S)
    refused = second.lease("CA2", 3, LONG_S, mine)
    assert not refused and refused.pool == mine.name
    assert second.lease("CA3", 3, LONG_S)


def test_f8_a_host_that_lets_go_late_frees_no_share(two):
    """The call was taken up at the other one: it has its share until that lets go of it too."""
    first, second = two
    mine = Share(f"{SHARE}me", 2)
    assert first.lease("CA1", 3, LONG_S, mine)
    assert second.lease("CA1", 0, LONG_S, Share(mine.name))
    first.release("CA1")  # before its socket has come there
    second.renew(["CA1"], LONG_S)
    first.release("CA1")  # and after it
    second.renew(["CA1"], LONG_S)
    assert first.lease("CA2", 3, LONG_S, mine) and not first.lease("CA3", 3, LONG_S, mine)
    second.release("CA1")
    assert first.lease("CA3", 3, LONG_S, mine)


def test_a_call_that_another_host_has_forgotten_keeps_no_share(two):
    """That one was killed with it; its place there is over, and Redis may not have noticed."""
    first, second = two
    mine = Share(f"{SHARE}me", 1)
    second.renew(["CA2"], LONG_S)
    assert second.lease("CA1", 0, 0.0)
    assert first.lease("CA1", 0, LONG_S, mine)
    first.release("CA1")
    assert first.lease("CA3", 3, LONG_S, mine)


def test_a_renewal_of_ten_thousand_calls(host, monkeypatch):
    """However many there are; none of them has a place on the other host any more."""
    for bound in ("REDIS_TIMEOUT_S", "WITHIN_S"):  # no test of the clock
        monkeypatch.setattr(redis_store, bound, LONG_S)
    first, second = host("a"), host("b")
    for each in (first, second):
        each.offer(0, LONG_S)
    calls = [f"CA{number}" for number in range(MAX_LEASES)]
    second.renew(calls[-1:], LONG_S)
    first.renew(calls, LONG_S)
    assert (first.leased(), second.leased()) == (MAX_LEASES, 0)


def test_a_host_says_again_and_again_what_it_takes(host):
    """From its start, without a call; until it drains."""
    runtime, other = SimRuntime(), host("b")
    slots = Slots(host("a"), runtime, 3)
    assert other.other_hosts() == frozenset()
    slots.begin()
    runtime.run_until(0.1)
    assert other.other_hosts() == {"a"}
    slots.stop()
    assert other.other_hosts() == frozenset()
    runtime.run_until(3 * BEAT_S)
    assert other.other_hosts() == frozenset()


def test_a_host_that_is_killed_is_soon_not_counted_on(redis_url, host):
    """One beat may fail; what it had said is kept for less than its calls' places are."""
    runtime = SimRuntime()
    Slots(host("a"), runtime, 3).begin()
    runtime.run_until(0.1)
    with redis.Redis.from_url(redis_url) as client:
        (_, until), *_ = client.zrange("phone_agent:leases:hosts:", 0, -1, withscores=True)
        seconds, micros = client.time()
        assert BEAT_S < until / 1000 - (seconds + micros / 1e6) <= OFFER_S < LONG_S
        client.zadd("phone_agent:leases:hosts:", {"a": seconds * 1000 - 1})
    other = host("b")
    assert other.other_hosts() == frozenset()
    assert admitted(other, ["CA1", "CA2", "CA3", "CA4"]) == 3


def test_without_a_store_of_all_hosts_nobody_is_told(host):
    """STATE_FILE, or none: there is no beat before there is a call."""
    runtime = SimRuntime()
    slots = Slots(SharedState(), runtime, 3)
    slots.begin()
    slots.stop()
    assert runtime.tasks == []
