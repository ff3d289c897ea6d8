"""The load of a worker: what it consists of, whether one more call fits, and what a call costs."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.admission.load import (
    COST_S,
    FIRST_COST,
    LAG_FULL_S,
    LATE_FULL_S,
    LEAST_COST,
    MARGIN,
    OFF,
    SMOOTH_S,
    Load,
    Sample,
)

THRESHOLD = 0.85
STEADY_S = int(8 * SMOOTH_S)


def steady(sample: Sample, load: Load | None = None) -> Load:
    """A worker that has done the same for long."""
    load = load or Load(THRESHOLD)
    for _ in range(STEADY_S):
        load.sample(sample)
    return load


@pytest.mark.parametrize(
    "sample, load",
    [
        (Sample(1.0), 0.0),
        (Sample(1.0, cpu_s=0.5), 0.5),
        (Sample(2.0, cpu_s=0.5), 0.25),
        (Sample(1.0, late_s=LATE_FULL_S / 2), 0.5),
        (Sample(1.0, lag_s=LAG_FULL_S / 4), 0.25),
        (Sample(1.0, cpu_s=0.3, late_s=LATE_FULL_S * 0.7, lag_s=LAG_FULL_S * 0.1), 0.7),
        (Sample(1.0, cpu_s=1.4), 1.0),
        (Sample(1.0, cpu_s=0.2, late_s=9.0), 1.0),
    ],
)
def test_the_worst_of_three(sample: Sample, load: float) -> None:
    assert steady(sample).of_now == pytest.approx(load, abs=0.001)


def test_of_what_it_can_have_of_a_core() -> None:
    """Four workers on two cores, or a container that may have half of one."""
    assert steady(Sample(1.0, cpu_s=0.25), Load(THRESHOLD, core=0.5)).of_now == pytest.approx(0.5, abs=0.001)


def test_smoothed_over_seconds() -> None:
    """One second in which a page was made, or a model looked at, turns nobody away."""
    load = steady(Sample(1.0, cpu_s=0.4, calls_before=20, calls=20))
    load.sample(Sample(1.0, cpu_s=1.0, calls_before=20, calls=20))
    assert 0.45 < load.of_now < 0.55 and load.takes(20)


def test_a_sample_that_took_no_time_is_none() -> None:
    load = steady(Sample(1.0, cpu_s=0.5))
    load.sample(Sample(0.0, cpu_s=9.0))
    assert load.of_now == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize(
    "cpu_s, calls, cost",
    [(0.6, 40, 0.015), (0.3, 60, 0.005), (0.01, 40, LEAST_COST), (0.9, 3, 0.3), (0.5, 0, FIRST_COST)],
)
def test_what_a_call_costs(cpu_s: float, calls: int, cost: float) -> None:
    """Measured; never nothing; and until there was a call, a guess that is high for most machines."""
    load = Load(THRESHOLD)
    for _ in range(int(6 * COST_S)):
        load.sample(Sample(1.0, cpu_s, calls_before=calls, calls=calls))
    assert load.figures.cost == pytest.approx(cost, rel=0.01)


def test_one_call_beside_something_else_is_no_measure_of_a_call() -> None:
    """Five seconds of CPU for whatever it was: another call is not thought to cost as much."""
    load = Load(THRESHOLD)
    for _ in range(60):
        load.sample(Sample(1.0, cpu_s=0.02, calls_before=1, calls=1))
    for _ in range(5):
        load.sample(Sample(1.0, cpu_s=0.5, calls_before=1, calls=1))
    assert load.figures.cost < 0.1 and load.takes(1)


def test_who_has_just_come_is_counted_in_advance() -> None:
    """At 60 of CPU and 40 calls one costs 0.015: sixteen more fit, all in the same second."""
    load = Load(THRESHOLD)
    for _ in range(300):
        load.sample(Sample(1.0, cpu_s=0.6, calls_before=40, calls=40))
    taken = next(more for more in range(100) if not load.takes(40 + more))
    assert taken == 16 and load.carries == 56


def test_a_cold_start_is_careful() -> None:
    load = Load(THRESHOLD)
    assert next(more for more in range(999) if not load.takes(more)) == int(THRESHOLD / FIRST_COST)


def test_off_takes_all() -> None:
    load = steady(Sample(1.0, cpu_s=3.0, late_s=1.0, calls_before=9, calls=9), Load(OFF))
    assert load.takes(1000) and load.of_now == 1.0


@pytest.mark.parametrize("theirs, takes", [((), True), ((0.2, 0.84), True), ((0.2, 0.86), False)])
def test_the_socket_may_come_to_any_worker(theirs: tuple[float, ...], takes: bool) -> None:
    assert Load(THRESHOLD, others=lambda: theirs).takes(0) is takes


def test_who_was_full_is_not_again_at_once() -> None:
    """The load moves by a little around the threshold, for minutes: one change of mind, not many."""
    load = steady(Sample(1.0, cpu_s=0.8, calls_before=40, calls=40))
    answers, might_be = [], set()
    for second in range(300):
        load.sample(Sample(1.0, 0.81 + 0.04 * (second % 10 < 5), calls_before=40, calls=40))
        answers.append(load.takes(40))
        might_be.add(load.with_one_more(40) > THRESHOLD)
    changes = sum(before != after for before, after in zip(answers, answers[1:], strict=False))
    assert might_be == {False, True} and changes == 1 and not answers[-1]
    for _ in range(STEADY_S):
        load.sample(Sample(1.0, THRESHOLD - 2 * MARGIN, calls_before=40, calls=40))
    assert load.takes(40)


# ---- a machine on which a call costs what it costs


class Machine:
    """Calls of ``cost`` each. A second passes with ``second``; who is admitted has its socket at once."""

    def __init__(self, cost: float, base: float = 0.0, threshold: float = THRESHOLD) -> None:
        self.cost, self.base = cost, base
        self.load = Load(threshold)
        self.calls = 0

    @property
    def used(self) -> float:
        return self.base + self.cost * self.calls

    def second(self, ring: int = 0, hang_up: int = 0) -> Iterator[bool]:
        """Half of it, then some hang up and some ring, then the other half. Yields who was taken."""
        before, cpu_s = self.calls, 0.5 * self.used
        self.calls -= min(hang_up, self.calls)
        for _ in range(ring):
            taken = self.load.takes(self.calls)
            self.calls += taken
            yield taken
        self.load.sample(Sample(1.0, cpu_s + 0.5 * self.used, calls_before=before, calls=self.calls))

    def known(self, calls: int) -> "Machine":
        """What a call costs was measured on ``calls`` of them."""
        self.calls = calls
        for _ in range(int(10 * COST_S)):
            assert not list(self.second())
        return self


COSTS = st.floats(0.004, 0.4)
SECONDS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=60)


@given(COSTS, st.floats(0.3, 0.95), SECONDS)
@example(0.01, THRESHOLD, [(60, 0), (60, 60), (60, 0)] * 20)
def test_it_never_takes_more_than_the_threshold_allows(
    cost: float, threshold: float, seconds: list[tuple[int, int]]
) -> None:
    """Once it is known what a call costs: whoever rings and hangs up, and however fast. But for one alone."""
    machine = Machine(cost, threshold=threshold).known(max(1, int(threshold / cost / 4)))
    slack = 0.01 + 0.005 * threshold  # the guess of the beginning still weighs a little
    for ring, hang_up in seconds:
        before = machine.used
        list(machine.second(ring, hang_up))
        assert machine.calls <= 1 or machine.used <= max(before, threshold * (1 + slack) + cost * slack)


def test_a_cost_that_was_measured_wrong_keeps_nobody_out_for_good() -> None:
    """The process had something else to do while there was one call; then an hour of nothing."""
    load = Load(THRESHOLD)
    for _ in range(60):
        load.sample(Sample(1.0, cpu_s=1.9, calls_before=1, calls=1))
    for _ in range(600):
        load.sample(Sample(1.0))
    assert load.takes(0) and not load.takes(1)
    for _ in range(300):
        load.sample(Sample(1.0, cpu_s=0.01, calls_before=1, calls=1))
    assert load.takes(1) and load.takes(20)


@pytest.mark.parametrize("stall_s", [1.0, 5.0, 25.0])
def test_a_stall_that_is_over_keeps_callers_out_for_seconds(stall_s: float) -> None:
    load = steady(Sample(1.0, cpu_s=0.05, calls_before=2, calls=2))
    load.sample(Sample(stall_s, late_s=stall_s, lag_s=stall_s, calls_before=2, calls=2))
    seconds = 0
    while not load.takes(2):
        load.sample(Sample(1.0, cpu_s=0.05, calls_before=2, calls=2))
        seconds += 1
    assert seconds <= 6


@given(COSTS, st.floats(0, 0.2))
def test_and_not_much_fewer(cost: float, base: float) -> None:
    """In two minutes of ringing it is filled, but for a call or two and the margin."""
    machine = Machine(cost, base).known(1)
    for _ in range(120):
        list(machine.second(ring=10))
    assert machine.used > THRESHOLD - 2 * cost - MARGIN - 0.02


@given(COSTS, SECONDS)
def test_what_it_carries_is_what_it_takes(cost: float, seconds: list[tuple[int, int]]) -> None:
    machine = Machine(cost).known(max(1, int(THRESHOLD / cost / 3)))
    assert machine.load.carries == pytest.approx(THRESHOLD / cost, rel=0.05, abs=1.01)


SAMPLES = st.lists(
    st.builds(
        Sample,
        st.floats(0.1, 5),
        st.floats(0, 2),
        st.floats(0, 0.1),
        st.floats(0, 1),
        st.integers(0, 90),
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=30,
)


@given(SAMPLES, st.integers(0, 100), st.integers(0, 100), st.floats(0, 1))
def test_more_is_never_less(samples: list[Sample], calls: int, more: int, extra_s: float) -> None:
    """With more calls, CPU, lateness or lag there is never more room."""
    calm, busy = Load(THRESHOLD), Load(THRESHOLD)
    for one in samples:
        calm.sample(one)
        busy.sample(
            Sample(
                one.seconds,
                one.cpu_s + extra_s,
                one.late_s + extra_s,
                one.lag_s + extra_s,
                one.calls_before,
                one.calls,
            )
        )
    assert 0 <= calm.of_now <= busy.of_now + 1e-9 <= 1 + 1e-9
    assert calm.with_one_more(calls) <= busy.with_one_more(calls) + 1e-9
    assert calm.with_one_more(calls) <= calm.with_one_more(calls + more) + 1e-9
    assert calm.carries >= 0 and calm.figures.cost >= LEAST_COST
