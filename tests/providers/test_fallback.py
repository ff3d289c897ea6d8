"""G4: a provider that keeps failing is skipped for a while, and the log says so."""

import logging

import pytest

from server.providers.base import ProviderError
from server.providers.fallback import (
    FAILING_LAPSES_S,
    BreakerParams,
    FallbackChain,
    NoneWorked,
    Try,
    first_that_works,
)


class Provider:
    def __init__(self, name):
        self.name = name


FIRST, SECOND = Provider("first"), Provider("second")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def chain(clock, caplog):
    """A chain that opens after three failures in a row, for thirty seconds."""
    caplog.set_level(logging.INFO, "agent")
    return FallbackChain("asr", (FIRST, SECOND), BreakerParams(3, 30.0), clock)


def fail(chain, provider, times, why="down"):
    """Reports failures of ``provider``, as calls do that use it while it is not skipped."""
    place = list(chain).index(provider)
    for _ in range(times):
        Try(chain, place).failed(why)


def work(chain, provider):
    Try(chain, list(chain).index(provider)).worked()


def usable(chain):
    """The providers a call would try if all failed. Reports nothing, so that its probes are abandoned."""
    return tuple(attempt.provider for attempt in chain.tries())


def test_all_are_tried_in_order(chain):
    """G2: providers are tried in the order of preference."""
    assert (chain.first, list(chain), usable(chain)) == (FIRST, [FIRST, SECOND], (FIRST, SECOND))


@pytest.mark.parametrize("failures, left", [(2, (FIRST, SECOND)), (3, (SECOND,)), (5, (SECOND,))])
def test_g4_after_three_failures_in_a_row_a_provider_is_skipped(chain, failures, left):
    """G4: it still counts as a provider."""
    fail(chain, FIRST, failures)
    assert usable(chain) == left
    assert (chain.first, list(chain)) == (FIRST, [FIRST, SECOND])


def test_g4_a_success_starts_the_count_anew(chain):
    """G4: only failures in a row count."""
    fail(chain, FIRST, 2)
    work(chain, FIRST)
    fail(chain, FIRST, 2)
    assert usable(chain) == (FIRST, SECOND)


def test_g4_providers_are_counted_apart(chain):
    """G4: neither failures nor successes of one provider affect another."""
    fail(chain, FIRST, 2)
    fail(chain, SECOND, 2)
    work(chain, SECOND)
    fail(chain, FIRST, 1)
    assert usable(chain) == (SECOND,)


@pytest.mark.parametrize("waited_s, tried", [(29.9, False), (30.0, True), (3000.0, True)])
def test_g4_it_is_skipped_for_a_while(chain, clock, waited_s, tried):
    """G4: for BREAKER_OPEN_SEC; then it is tried again."""
    fail(chain, FIRST, 3)
    clock.now += waited_s
    assert usable(chain) == ((FIRST, SECOND) if tried else (SECOND,))


def test_g4_once_its_time_has_passed_one_call_tries_it(chain, clock):
    """G4: other calls do not wait for a provider that may be dead; an unreported probe expires."""
    fail(chain, FIRST, 3)
    clock.now += 30
    assert [usable(chain) for _ in range(3)] == [(FIRST, SECOND), (SECOND,), (SECOND,)]
    clock.now += 30
    assert [usable(chain) for _ in range(2)] == [(FIRST, SECOND), (SECOND,)]


def test_g4_a_try_that_works_brings_it_back(chain, clock):
    """G4: for all calls, with its failures forgotten."""
    fail(chain, FIRST, 3)
    clock.now += 30
    next(chain.tries()).worked()
    fail(chain, FIRST, 2)
    assert [usable(chain) for _ in range(2)] == [(FIRST, SECOND)] * 2


def test_g4_a_try_that_fails_skips_it_again(chain, clock):
    """G4: one failure of a probe is enough."""
    fail(chain, FIRST, 3)
    clock.now += 40
    probe = next(chain.tries())
    clock.now += 5
    probe.failed("down")
    clock.now += 29
    assert usable(chain) == (SECOND,)
    clock.now += 1
    assert usable(chain) == (FIRST, SECOND)


def test_g4_calls_that_the_first_provider_served_do_not_probe_the_second(chain, clock):
    """G4: calls that the first provider served leave the second one's probe free."""
    fail(chain, SECOND, 3)
    clock.now += 30
    for _ in range(20):
        attempt = next(chain.tries())
        assert attempt.provider is FIRST
        attempt.worked()
    first, second = chain.tries()
    first.failed("down")
    assert second.provider is SECOND


def test_g4_a_provider_is_looked_at_when_it_is_due(chain, clock):
    """G4: findings of other calls count, also those made while the first provider was being tried."""
    tries = chain.tries()
    assert next(tries).provider is FIRST
    fail(chain, SECOND, 3)
    assert next(tries, None) is None


def test_g4_a_try_that_was_dropped_is_given_back(chain, clock):
    """G4: a caller who hung up has learnt nothing; exactly the next call may probe."""
    fail(chain, FIRST, 3)
    clock.now += 30
    probe = next(chain.tries())
    assert probe.provider is FIRST and usable(chain) == (SECOND,)
    probe.untried()
    assert [usable(chain) for _ in range(2)] == [(FIRST, SECOND), (SECOND,)]


@pytest.mark.parametrize("waited_s", [0, 30])
def test_g4_only_the_probing_call_gives_the_probe_back(chain, clock, waited_s):
    """G4: calls that began before the skip, and are abandoned now, do not free the probe."""
    before = [next(chain.tries()) for _ in range(20)]
    fail(chain, FIRST, 3)
    clock.now += waited_s
    probe = next(chain.tries())
    assert probe.provider is (FIRST if waited_s else SECOND)
    for attempt in before:
        attempt.untried()
    assert chain.skips_first and usable(chain) == (SECOND,)


def test_g4_dropped_tries_change_nothing_while_it_works(chain):
    """G4: an abandoned attempt is neither a failure nor a success."""
    fail(chain, FIRST, 2)
    for _ in range(20):
        next(chain.tries()).untried()
    assert usable(chain) == (FIRST, SECOND)
    fail(chain, FIRST, 1)
    assert usable(chain) == (SECOND,)


def test_g4_when_all_are_skipped_all_are_tried(chain, clock):
    """G4: a provider that may fail is better than none."""
    fail(chain, FIRST, 3)
    fail(chain, SECOND, 3)
    assert usable(chain) == (FIRST, SECOND)
    work(chain, SECOND)
    assert usable(chain) == (SECOND,)
    alone = FallbackChain("tts", (FIRST,), BreakerParams(1), clock)
    fail(alone, FIRST, 1)
    assert usable(alone) == (FIRST,)


def test_g4_abandoned_attempts_on_skipped_providers_reopen_nothing(chain):
    """G4: with every provider skipped all are tried; 20 abandoned attempts leave them skipped."""
    fail(chain, FIRST, 3)
    fail(chain, SECOND, 3)
    for _ in range(20):
        for attempt in chain.tries():
            attempt.untried()
    work(chain, SECOND)
    assert usable(chain) == (SECOND,)


def test_g4_whether_the_preferred_provider_is_skipped_can_be_asked(chain, clock):
    """G4: the question takes no probe."""
    assert not chain.skips_first
    fail(chain, FIRST, 3)
    assert chain.skips_first
    clock.now += 30
    assert not chain.skips_first and not chain.skips_first
    assert usable(chain) == (FIRST, SECOND)
    assert chain.skips_first


SKIPPED = "ENGINE_SKIPPED asr first for 30 s after 3 failures in a row: quota"


def test_g4_the_log_says_so(chain, clock, caplog):
    """G4: one line when it is skipped and one when it works again; none without a change."""
    work(chain, FIRST)
    fail(chain, FIRST, 2)
    assert caplog.messages == []
    fail(chain, FIRST, 1, why="quota")
    assert caplog.messages == [SKIPPED]
    clock.now += 30
    next(chain.tries()).worked()
    work(chain, FIRST)
    assert caplog.messages == [SKIPPED, "ENGINE_BACK asr first"]


def test_g4_an_outage_is_one_line_in_the_log(chain, clock, caplog):
    """G4: later failures of running calls and of probes add no line: an outage is one line."""
    fail(chain, FIRST, 3, why="quota")
    fail(chain, FIRST, 5, why="late")
    for _ in range(4):
        clock.now += 30
        next(chain.tries()).failed("still")
    assert caplog.messages == [SKIPPED]


def test_g4_the_only_provider_is_not_said_to_be_skipped(clock, caplog):
    """G4: it is reported as failing at every third failure, and never as back."""
    caplog.set_level(logging.INFO, "agent")
    alone = FallbackChain("tts", (FIRST,), BreakerParams(3, 30.0), clock)
    for number in range(1, 8):
        next(alone.tries()).failed(f"no {number}")
    assert caplog.messages == [
        "ENGINE_FAILING tts first, 3 times in a row: no 3",
        "ENGINE_FAILING tts first, 6 times in a row: no 6",
    ]
    next(alone.tries()).worked()
    assert len(caplog.messages) == 2


def test_failing_is_when_no_provider_works(chain):
    """G4, newcomer 3: not with one of two failing, nor after a success."""
    fail(chain, FIRST, 5)
    assert not chain.failing
    fail(chain, SECOND, 2)
    assert not chain.failing
    fail(chain, SECOND, 1)
    assert chain.failing
    work(chain, SECOND)
    assert not chain.failing
    fail(chain, SECOND, 3)
    assert chain.failing
    work(chain, FIRST)
    assert not chain.failing


def test_failing_is_also_said_of_an_only_provider(clock):
    """G4: it is never skipped and may fail for ever."""
    alone = FallbackChain("asr", (FIRST,), BreakerParams(2, 30.0), clock)
    assert not alone.failing
    for number in range(1, 5):
        next(alone.tries()).failed("down")
        assert alone.failing == (number >= 2)
    next(alone.tries()).untried()
    assert alone.failing


@pytest.mark.parametrize("open_s", [1.0, 30.0, 900.0])
def test_failing_lapses_when_nobody_asks(clock, open_s):
    """A load balancer that sends no more calls must get a chance to see that the provider works again."""
    chain = FallbackChain("tts", (FIRST, SECOND), BreakerParams(3, open_s), clock)
    fail(chain, FIRST, 3)
    clock.now += 10
    fail(chain, SECOND, 3)
    clock.now += FAILING_LAPSES_S - 0.1
    assert chain.failing
    clock.now += 0.1
    assert not chain.failing
    assert usable(chain)
    fail(chain, FIRST, 1)
    assert chain.failing


def test_failing_goes_on_while_calls_find_it_so(chain, clock):
    """G4: each failure renews it."""
    fail(chain, FIRST, 3)
    fail(chain, SECOND, 3)
    for _ in range(20):
        clock.now += FAILING_LAPSES_S / 2
        fail(chain, SECOND, 1)
        assert chain.failing


def test_the_playbooks_numbers_are_the_defaults():
    """G4: three failures, thirty seconds."""
    assert BreakerParams() == BreakerParams(failures=3, open_s=30.0)


# ---- one after the other, until one works

DOWN, AGAIN = ProviderError("down"), ProviderError("busy", retryable=True)


@pytest.mark.parametrize(
    "answers, more, asked, outcome",
    {
        "the first": (["a"], {}, "first", "a"),
        "the second": ([DOWN, "b"], {}, "first second", "b"),
        "none": ([DOWN, KeyError("x")], {}, "first second", "first: down; second: KeyError: 'x'"),
        "no time for another": ([DOWN, "b"], {"another": lambda: False}, "first", "first: down"),
        "one retry, no more": (
            [AGAIN, AGAIN, "c"],
            {"retry": True},
            "first second",
            "first: busy; second: busy",
        ),
    }.values(),
)
def test_g2_the_first_that_works(chain, answers, more, asked, outcome):
    """G2: in order; what each one complained of is told as it comes, and all of it at the end."""
    names, complaints = [], []

    def ask(attempt):
        names.append(attempt.provider.name)
        answer = answers[len(names) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    try:
        result = first_that_works(chain, ask, complain=complaints.append, **more)
    except NoneWorked as failed:
        result = str(failed)
    assert (" ".join(names), result) == (asked, outcome)
    assert len(complaints) == len(names) - (result in answers)


@pytest.mark.parametrize("error, times", [(DOWN, 1), (AGAIN, 2)])
def test_g2_a_retry_without_another_provider(clock, error, times):
    """G2: the same one again, if that may help."""
    asked = []

    def ask(attempt):
        asked.append(attempt.provider)
        raise error

    with pytest.raises(NoneWorked):
        first_that_works(FallbackChain("llm", (FIRST,), BreakerParams(9), clock), ask, retry=True)
    assert asked == [FIRST] * times


@pytest.mark.parametrize("raises", [True, False])
def test_g4_what_nobody_waits_for_counts_for_nothing(chain, clock, raises):
    """G4: a probe that was given up is another call's to make."""
    fail(chain, FIRST, 3)
    clock.now += 31

    def ask(attempt):
        if raises:
            raise DOWN

    try:
        first_that_works(chain, ask, wanted=lambda: False)
    except NoneWorked as failed:
        assert failed.complaint.parts == ()
    assert usable(chain) == (FIRST, SECOND)
