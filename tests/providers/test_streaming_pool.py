"""Open connections that are kept, over real sockets, on simulated time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.providers.streaming.connection import Connection
from server.providers.streaming.pool import IDLE_S, SESSION_S, Pool
from server.runtime.threads import Task
from tests.cloud.soniox import SonioxCloud
from tests.providers.sockets import address, nothing_left
from tests.simtime.runtime import SimRuntime
from tests.waiting import until


@pytest.fixture
def cloud() -> Iterator[SonioxCloud]:
    with SonioxCloud() as cloud:
        yield cloud


@pytest.fixture
def runtime() -> SimRuntime:
    """Its clock goes on from the real one: a connection's age is counted from when it was opened."""
    runtime = SimRuntime()
    runtime.now = time.monotonic()
    return runtime


@contextmanager
def pool_of(cloud: SonioxCloud, runtime: SimRuntime, most_idle: int = 3) -> Iterator[Pool]:
    with nothing_left(cloud.tts_url):
        pool = Pool(address(cloud.tts_url), most_idle, runtime=runtime)
        yield pool
        pool.close()
        pass_by(runtime, 0)
        assert runtime.alive() == [], "the sweeper ends with what it sweeps"


def opened(pool: Pool) -> Connection:
    connection = pool.new()
    connection.open(5.0)
    return connection


def pass_by(runtime: SimRuntime, seconds: float) -> None:
    runtime.run_until(runtime.now + seconds)


class TestKeeping:
    def test_the_one_that_was_used_last_is_taken_first(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime) as pool:
            first, second = opened(pool), opened(pool)
            pool.keep(first)
            pool.keep(second)
            assert pool.take() is second and pool.take() is first
            assert not pool.take().is_open
            pool.keep(first)
            pool.keep(second)

    def test_no_more_than_it_may(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime, most_idle=2) as pool:
            connections = [opened(pool) for _ in range(5)]
            for connection in connections:
                pool.keep(connection)
            pass_by(runtime, 0)
            assert [connection.is_open for connection in connections] == [True, True, False, False, False]
            until(lambda: len(cloud.open_links) == 2)

    def test_none_where_none_may_be(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime, most_idle=0) as pool:
            connection = opened(pool)
            pool.keep(connection)
            pass_by(runtime, 0)
            assert not connection.is_open and runtime.alive() == []
            pool.prepare()
            assert runtime.alive() == []

    def test_none_that_is_closed(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime) as pool:
            dead, other, gone = opened(pool), opened(pool), opened(pool)
            gone.close()
            pool.keep(gone)
            assert runtime.alive() == []
            pool.keep(other)
            pool.keep(dead)
            dead.shut_down()
            assert pool.take() is other
            pool.keep(other)
            dead.shut_down()
            pool.keep(dead)
            assert pool.take() is other
            other.close()

    @pytest.mark.parametrize("age_s", [SESSION_S - 10, SESSION_S + 10])
    def test_none_whose_session_is_about_to_end(
        self, cloud: SonioxCloud, runtime: SimRuntime, age_s: float
    ) -> None:
        with pool_of(cloud, runtime) as pool:
            connection = opened(pool)
            pass_by(runtime, age_s)
            pool.keep(connection)
            pass_by(runtime, 0)
            assert connection.is_open is (age_s < SESSION_S)


class TestSweeping:
    def test_what_nobody_takes_is_closed(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime) as pool:
            first, second = opened(pool), opened(pool)
            pool.keep(first)
            pass_by(runtime, IDLE_S / 2)
            pool.keep(second)
            pass_by(runtime, IDLE_S / 2 - 1)
            assert first.is_open
            pass_by(runtime, 2)
            assert not first.is_open and second.is_open
            assert runtime.alive() == ["sockets-idle"]
            pass_by(runtime, IDLE_S / 2)
            assert not second.is_open and runtime.alive() == []
            until(lambda: not cloud.open_links)

    def test_what_was_used_meanwhile_is_kept(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime) as pool:
            connection = opened(pool)
            for _ in range(5):
                pool.keep(connection)
                pass_by(runtime, IDLE_S - 1)
                assert pool.take() is connection
            pool.keep(connection)
            assert len(runtime.alive()) == 1, "one sweeper"

    def test_it_begins_again(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime) as pool:
            for _ in range(2):
                connection = opened(pool)
                pool.keep(connection)
                pass_by(runtime, IDLE_S + 1)
                assert not connection.is_open and runtime.alive() == []

    def test_what_is_kept_behind_a_closing_is_swept(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime) as pool:
            first, second = opened(pool), opened(pool)
            pool.keep(first)
            pass_by(runtime, 1)
            pool.close()
            assert not first.is_open
            pool.keep(second)  # before the sweeper has seen that it was closed
            pass_by(runtime, IDLE_S - 1)
            assert second.is_open and runtime.alive() == ["sockets-idle"]
            pass_by(runtime, 2)
            assert not second.is_open and runtime.alive() == []


class TestPreparing:
    def test_one_is_opened(self, cloud: SonioxCloud, runtime: SimRuntime) -> None:
        with pool_of(cloud, runtime) as pool:
            pool.prepare()
            pool.prepare()
            assert runtime.alive() == ["socket-opens"]
            pass_by(runtime, 0)
            pool.prepare()
            assert runtime.alive() == ["sockets-idle"]
            until(lambda: len(cloud.links) == 1)
            connection = pool.take()
            assert connection.is_open
            pool.prepare()
            pass_by(runtime, 0)
            pool.keep(connection)
            until(lambda: len(cloud.open_links) == 2)

    def test_a_system_without_threads_costs_that_one_only(
        self, cloud: SonioxCloud, runtime: SimRuntime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_thread(name: str, function: object) -> Task:
            raise RuntimeError("can't start new thread")

        with pool_of(cloud, runtime) as pool:
            with monkeypatch.context() as patched:
                patched.setattr(runtime, "spawn", no_thread)
                pool.prepare()
            pool.prepare()
            pass_by(runtime, 0)
            connection = pool.take()
            assert connection.is_open
            pool.keep(connection)

    def test_one_that_fails_leaves_nothing(self, runtime: SimRuntime) -> None:
        pool = Pool(address("ws://127.0.0.1:9"), runtime=runtime)
        with nothing_left():
            for _ in range(2):
                pool.prepare()
                assert runtime.alive() == ["socket-opens"]
                pass_by(runtime, 0)
                assert runtime.alive() == []
