"""G4: engines that keep failing are skipped for a while, and the log says so."""

import logging

import pytest

from server.engines.chain import BreakerParams, Chain


class Engine:
    def __init__(self, name):
        self.name = name


FIRST, SECOND = Engine("first"), Engine("second")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def chain(clock, caplog):
    """Three failures in a row, thirty seconds."""
    caplog.set_level(logging.INFO, "agent")
    return Chain("asr", (FIRST, SECOND), BreakerParams(3, 30.0), clock)


def fail(chain, engine, times, why="down"):
    for _ in range(times):
        chain.failed(engine, why)


def test_all_are_tried_in_order(chain):
    """G2: the order of preference is the order of trying."""
    assert (chain.first, list(chain), chain.usable()) == (FIRST, [FIRST, SECOND], (FIRST, SECOND))


@pytest.mark.parametrize("failures, usable", [(2, (FIRST, SECOND)), (3, (SECOND,)), (5, (SECOND,))])
def test_g4_after_three_failures_in_a_row_an_engine_is_skipped(chain, failures, usable):
    """G4: and still counted among the engines."""
    fail(chain, FIRST, failures)
    assert chain.usable() == usable
    assert (chain.first, list(chain)) == (FIRST, [FIRST, SECOND])


def test_g4_a_success_starts_the_count_anew(chain):
    """G4: in a row."""
    fail(chain, FIRST, 2)
    chain.worked(FIRST)
    fail(chain, FIRST, 2)
    assert chain.usable() == (FIRST, SECOND)


def test_g4_engines_are_counted_apart(chain):
    """G4: one engine's failures are not another's, nor its success."""
    fail(chain, FIRST, 2)
    fail(chain, SECOND, 2)
    chain.worked(SECOND)
    fail(chain, FIRST, 1)
    assert chain.usable() == (SECOND,)


@pytest.mark.parametrize("waited_s, tried", [(29.9, False), (30.0, True), (3000.0, True)])
def test_g4_it_is_skipped_for_a_while(chain, clock, waited_s, tried):
    """G4: BREAKER_OPEN_SEC, and then tried again."""
    fail(chain, FIRST, 3)
    clock.now += waited_s
    assert chain.usable() == ((FIRST, SECOND) if tried else (SECOND,))


def test_g4_once_its_time_has_passed_one_call_tries_it(chain, clock):
    """G4: the others do not wait for an engine that may be dead; a try nobody told about is forgotten."""
    fail(chain, FIRST, 3)
    clock.now += 30
    assert [chain.usable() for _ in range(3)] == [(FIRST, SECOND), (SECOND,), (SECOND,)]
    clock.now += 30
    assert [chain.usable() for _ in range(2)] == [(FIRST, SECOND), (SECOND,)]


def test_g4_a_try_that_works_brings_it_back(chain, clock):
    """G4: for everybody, and with a clean slate."""
    fail(chain, FIRST, 3)
    clock.now += 30
    chain.usable()
    chain.worked(FIRST)
    fail(chain, FIRST, 2)
    assert [chain.usable() for _ in range(2)] == [(FIRST, SECOND)] * 2


def test_g4_a_try_that_fails_skips_it_again(chain, clock):
    """G4: one failure is enough then."""
    fail(chain, FIRST, 3)
    clock.now += 40
    chain.usable()
    clock.now += 5
    chain.failed(FIRST, "down")
    clock.now += 29
    assert chain.usable() == (SECOND,)
    clock.now += 1
    assert chain.usable() == (FIRST, SECOND)


def test_g4_when_all_are_skipped_all_are_tried(chain, clock):
    """G4: an engine that may fail is better than none."""
    fail(chain, FIRST, 3)
    fail(chain, SECOND, 3)
    assert chain.usable() == (FIRST, SECOND)
    chain.worked(SECOND)
    assert chain.usable() == (SECOND,)
    alone = Chain("tts", (FIRST,), BreakerParams(1), clock)
    alone.failed(FIRST, "down")
    assert alone.usable() == (FIRST,)


def test_g4_whether_the_preferred_engine_is_skipped_can_be_asked(chain, clock):
    """G4: and who only asks takes nobody's try away."""
    assert not chain.skips_first
    fail(chain, FIRST, 3)
    assert chain.skips_first
    clock.now += 30
    assert not chain.skips_first and not chain.skips_first
    assert chain.usable() == (FIRST, SECOND)
    assert chain.skips_first


def test_g4_the_log_says_so(chain, clock, caplog):
    """G4: one line when it is skipped, one when it is back, none for what does not change."""
    chain.worked(FIRST)
    fail(chain, FIRST, 2)
    assert caplog.messages == []
    fail(chain, FIRST, 1, why="quota")
    skipped = "ENGINE_SKIPPED asr first for 30 s after 3 failures in a row: quota"
    assert caplog.messages == [skipped]
    clock.now += 30
    chain.usable()
    chain.worked(FIRST)
    chain.worked(FIRST)
    assert caplog.messages == [skipped, "ENGINE_BACK asr first"]


def test_the_playbooks_numbers_are_the_defaults():
    """G4: three failures, half a minute."""
    assert BreakerParams() == BreakerParams(failures=3, open_s=30.0)
