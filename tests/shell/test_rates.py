"""Limits on new calls: a caller's own, and everybody's together."""

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from server.caller_number import HIDDEN
from server.config import Config
from server.rates import CallRates
from tests.serving import free_port

DANA, AVI = "+972501234567", "+972527654321"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """``limits`` reads the wall clock: its window begins where we say."""
    fake = SimpleNamespace(now_s=1_700_000_000.0)
    fake.time = lambda: fake.now_s
    monkeypatch.setattr("limits.storage.memory.time", fake)
    yield fake


def test_a_caller_who_calls_a_thousand_times(clock: SimpleNamespace) -> None:
    rates = CallRates(per_caller_min=3, per_sec=0)
    taken = [rates.one_more_from(DANA) for _ in range(1000)]
    assert taken == [True] * 3 + [False] * 997
    assert rates.one_more_from(AVI), "another caller's limit is another"
    clock.now_s += 61
    assert rates.one_more_from(DANA)


def test_everybody_together(clock: SimpleNamespace) -> None:
    rates = CallRates(per_caller_min=0, per_sec=2)
    assert [rates.one_more() for _ in range(4)] == [True, True, False, False]
    clock.now_s += 1.1
    assert rates.one_more()


@pytest.mark.parametrize("caller", ["", "anonymous", "Restricted", *sorted(HIDDEN)])
def test_who_hides_a_number_is_not_one_caller(caller: str) -> None:
    rates = CallRates(per_caller_min=1, per_sec=0)
    assert all(rates.one_more_from(caller) for _ in range(5))


def test_zero_is_no_limit() -> None:
    rates = CallRates(per_caller_min=0, per_sec=0)
    assert all(rates.one_more_from(DANA) and rates.one_more() for _ in range(100))


def test_two_hosts_of_a_redis_count_together(redis_url: str) -> None:
    here, there = CallRates(2, 0, redis_url), CallRates(2, 0, redis_url)
    taken = [rates.one_more_from(DANA) for rates in (here, there, here, there)]
    assert taken == [True, True, False, False]


def test_a_redis_that_is_gone_costs_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """This process counts alone; the password is in no line."""
    rates = CallRates(2, 0, f"redis://:s3cretword@127.0.0.1:{free_port()}/0")
    with caplog.at_level(logging.ERROR, "agent"):
        assert [rates.one_more_from(DANA) for _ in range(3)] == [True, True, False]
    assert "LIMITS_ERR" in caplog.text and "s3cretword" not in caplog.text


def test_every_kind_of_url_that_the_knob_takes(tmp_path: Path) -> None:
    """A socket file too; none of them connects before it is asked."""
    for url in ("redis://127.0.0.1:1", "rediss://127.0.0.1:1/1", f"unix://{tmp_path}/redis.sock?db=0"):
        assert Config(_env_file=None, redis_url=url).redis_url.get_secret_value() == url
        assert CallRates(1, 0, url).one_more_from(DANA)


def test_a_redis_that_hangs_is_not_waited_for(redis_url: str) -> None:
    """Half a second at most; this process counts alone."""
    rates = CallRates(1, 0, redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.client_pause(3000)
        try:
            assert [rates.one_more_from(AVI) for _ in range(2)] == [True, False]
        finally:
            client.client_unpause()
