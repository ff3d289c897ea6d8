"""Limits on new calls: a caller's own, and everybody's together."""

import logging
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis

from server.admission.caller_share import ANYBODY, Party
from server.admission.rate_limits import Over, RateLimits
from server.config import Config
from server.logs.rate_limited import TOLD_EVERY_S
from server.shared_state.changes import WITHIN_S
from tests.serving import ROOT, free_port

DANA, AVI, ONCE = Party("dana", a_minute=3), Party("avi", a_minute=3), Party("once", a_minute=1)


class Clock:
    """Seconds as we say."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_caller_who_calls_a_thousand_times(clock: Clock) -> None:
    rates = RateLimits(per_sec=0, clock=clock)
    taken = [rates.count(DANA) is None for _ in range(1000)]
    assert taken == [True] * 3 + [False] * 997
    assert rates.count(AVI) is None, "another caller's limit is another"
    clock.now_s += 61
    assert rates.count(DANA) is None


def test_everybody_together(clock: Clock) -> None:
    rates = RateLimits(per_sec=2, clock=clock)
    assert [rates.count(ANYBODY) is None for _ in range(4)] == [True, True, False, False]
    clock.now_s += 1.1
    assert rates.count(ANYBODY) is None


def test_to_look_counts_nothing(clock: Clock) -> None:
    """Who has no room is told which limit it is, the party's own first."""
    rates = RateLimits(per_sec=2, clock=clock)
    assert [rates.over(ONCE) for _ in range(9)] == [None] * 9
    assert rates.count(ONCE) is None and rates.over(ONCE) is Over.PARTY and rates.over(AVI) is None
    assert rates.count(ONCE) is Over.PARTY, "and it is not counted among all"
    assert rates.count(AVI) is None and rates.over(DANA) is Over.ALL and rates.count(DANA) is Over.ALL


def test_a_redis_is_looked_at_too(redis_url: str) -> None:
    here, there = RateLimits(0, redis_url), RateLimits(0, redis_url)
    looker = Party("looker", a_minute=1)
    assert [here.over(looker) for _ in range(3)] == [None] * 3
    assert there.count(looker) is None and here.over(looker) is Over.PARTY


def test_a_clock_on_the_wall_that_is_put_back_keeps_nobody_out(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second in which a call was counted would last an hour, and all calls of that hour be in it."""
    rates = RateLimits(per_sec=2, clock=clock)
    assert rates.count(ANYBODY) is None
    put_back = time.time() - 3600
    monkeypatch.setattr(time, "time", lambda: put_back)
    clock.now_s += 2
    assert [rates.count(ANYBODY) is None for _ in range(3)] == [True, True, False]


def test_zero_is_no_limit() -> None:
    rates = RateLimits(per_sec=0)
    assert not any(rates.count(ANYBODY) for _ in range(100))


def test_two_hosts_of_a_redis_count_together(redis_url: str) -> None:
    here, there = RateLimits(0, redis_url), RateLimits(0, redis_url)
    taken = [rates.count(DANA) is None for rates in (here, there, here, there)]
    assert taken == [True, True, True, False]


def test_a_redis_that_is_gone_costs_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """This process counts alone; the password is in no line."""
    now = 0.0
    rates = RateLimits(0, f"redis://:s3cretword@127.0.0.1:{free_port()}/0", lambda: now)
    with caplog.at_level(logging.ERROR, "agent"):
        assert [rates.count(DANA) is None for _ in range(4)] == [True, True, True, False]
        assert caplog.text.count("LIMITS_ERR") == 1 and "s3cretword" not in caplog.text
        now = TOLD_EVERY_S + 1
        rates.count(DANA)
    assert caplog.text.count("LIMITS_ERR") == 2


def test_every_kind_of_url_that_the_knob_takes(tmp_path: Path) -> None:
    """A socket file too; none of them connects before it is asked."""
    for url in ("redis://127.0.0.1:1", "rediss://127.0.0.1:1/1", f"unix://{tmp_path}/redis.sock?db=0"):
        assert Config(_env_file=None, redis_url=url).redis_url.get_secret_value() == url
        assert RateLimits(0, url).count(ONCE) is None


def test_a_redis_that_hangs_is_not_waited_for(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Half a second at most; this process counts alone."""
    rates = RateLimits(0, redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.client_pause(3000, all=False)  # with all commands paused none could end it
        try:
            assert [rates.count(ONCE) is None for _ in range(2)] == [True, False]
        finally:
            client.client_unpause()
    assert "LIMITS_ERR: counted in this process only" in caplog.text


def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeout of a socket bounds the look-up."""
    gone_home = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: gone_home.wait(10))
    began = time.monotonic()
    assert RateLimits(0, "redis://redis.example.com").count(ONCE) is None
    assert WITHIN_S <= time.monotonic() - began < 5
    gone_home.set()


ON_GEVENT = """
import sys, gevent, gevent.monkey
gevent.monkey.patch_all()
from server.admission.rate_limits import RateLimits
from server.admission.caller_share import Party
rates, party = RateLimits(0, sys.argv[1]), Party("rush", a_minute=5)
asked = [gevent.spawn(rates.count, party) for _ in range(12)]
gevent.joinall(asked)
print(sum(job.value is None for job in asked))
"""


@pytest.mark.servers
def test_many_at_once_on_gevent_are_counted_once_each(redis_url: str) -> None:
    """A client belongs to the thread that made it."""
    counted = subprocess.run(
        [sys.executable, "-c", ON_GEVENT, redis_url], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert counted.stdout.strip() == "5", counted.stderr
