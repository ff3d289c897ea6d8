"""One caller, one share: who counts as whom, and what a number may have of the line."""

import random
from collections import Counter

import pytest

from server.admission.caller_share import ANYBODY, Limits, Parties, hidden_at_once
from server.admission.gate import Admitted, Busy, Gate, Limit, Rejected
from server.admission.load import OFF
from server.admission.rate_limits import RateLimits
from server.admission.room import Room
from server.admission.slots import LEASE_S, PENDING_S, Slots
from server.config import Config
from server.shared_state.memory import MemoryStore
from server.shared_state.pools import IN_NONE
from server.shared_state.state import SharedState
from server.telephony.signature import TwilioAuth
from server.telephony.twilio_messages import Start
from tests.simtime.runtime import SimRuntime
from tests.telephony.test_caller_number import NO_NUMBERS

SECRET = "0123456789abcdef0123456789abcdef"
DANA, PBX = "+972501234567", "+97231234567"


def parties(secret: str = SECRET, let_off: tuple[str, ...] = (PBX,)) -> Parties:
    return Parties(
        secret, Limits(a_minute=6, at_once=2), lambda: Limits(a_minute=30, at_once=20), let_off, "host"
    )


# ---- who it is


@pytest.mark.parametrize(
    "written",
    [
        "0501234567",
        "972501234567",
        "00972501234567",
        "+972 50-123-4567",
        "+9720501234567",
        "sip:+972501234567@x",
    ],
)
def test_a_number_is_one_caller_however_it_is_written(written: str) -> None:
    assert parties().of(written) == parties().of(DANA) != parties().of("+972501234568")


@pytest.mark.parametrize("caller", NO_NUMBERS)
def test_all_whom_nobody_can_call_back_are_one_party(caller: str) -> None:
    """Hidden, empty, malformed, a SIP user without a number: whatever is written there."""
    hidden = parties().of("anonymous")
    assert parties().of(caller) == hidden and hidden.hidden
    assert (hidden.a_minute, hidden.share.most) == (30, 20)
    assert not parties().of(DANA).hidden


@pytest.mark.parametrize("written", [PBX, "03-123-4567", "97231234567"])
def test_numbers_that_are_let_off(written: str) -> None:
    """An office's, whose phones all show one."""
    assert parties().of(written) == ANYBODY and ANYBODY.share == IN_NONE
    assert parties(let_off=("03-1234567",)).of(PBX) == ANYBODY


def test_what_is_kept_does_not_tell_the_number() -> None:
    """Another account's name of the same number is another: no table of all numbers finds it."""
    mine, theirs = parties().of(DANA), parties("f" * 32).of(DANA)
    assert mine.name != theirs.name
    assert not any(digits in repr(mine) for digits in (DANA[1:], DANA[4:], "501234567"))


def test_zero_is_no_limit() -> None:
    party = Parties(SECRET, Limits(0, 0), lambda: Limits(0, 0)).of(DANA)
    assert (party.share, party.a_minute) == (IN_NONE, 0)


@pytest.mark.parametrize(
    "max_calls, percent, at_once",
    [(40, 50, 20), (1, 50, 1), (3, 50, 1), (0, 50, 0), (40, 100, 0), (40, 1, 1)],
)
def test_the_part_of_those_who_hide(max_calls: int, percent: int, at_once: int) -> None:
    assert hidden_at_once(max_calls, percent) == at_once


# ---- what they get, by the defaults, in simulated time


class Line:
    """A host's gate in simulated time, with the limits that are the defaults."""

    def __init__(self, max_calls: int = 40, let_off: tuple[str, ...] = ()) -> None:
        knobs = Config(_env_file=None, max_calls=max_calls)
        self.runtime = SimRuntime()
        shared_state = SharedState(MemoryStore(self.runtime.clock), "a", self.runtime.clock)
        self.gate = Gate(
            TwilioAuth(""),
            RateLimits(knobs.calls_per_sec, clock=self.runtime.clock),
            Slots(shared_state, self.runtime, max_calls),
            shared_state,
            self.runtime,
            Room(OFF, 1.0, self.runtime),
        )
        self.parties = Parties(
            SECRET,
            Limits(knobs.calls_per_caller_min, knobs.calls_per_caller_at_once),
            lambda: Limits(knobs.hidden_calls_per_min, hidden_at_once(max_calls, knobs.hidden_calls_percent)),
            let_off,
        )

    def ring(self, sid: str, caller: str) -> object:
        return self.gate.ring(sid, self.parties.of(caller))

    def in_use(self) -> int:
        return self.gate.in_use()

    def talk(self, sid: str, seconds: float) -> None:
        """The socket comes half a second after the answer, and the call lasts."""
        call = Call()

        def serve() -> None:
            waits.wait(0.5)
            assert self.gate.admit(call, Start("MZ", sid, {})) is None
            waits.wait(seconds)
            self.gate.leave(call)

        waits = self.runtime.event()
        self.runtime.spawn(sid, serve)

    def until(self, when_s: float) -> None:
        self.runtime.run_until(when_s)


class Call:
    lag_s = 0.0

    def close_down(self) -> None: ...

    def cut(self) -> None: ...


@pytest.fixture
def line() -> Line:
    return Line(let_off=(PBX,))


def test_one_number_has_two_calls_and_everybody_else_the_line(line: Line) -> None:
    """R7: six calls a minute that all stay took every place in seven minutes."""
    for number in range(120):
        line.until(10.0 * number)
        if line.ring(f"CA{number}", DANA) == Admitted():
            line.talk(f"CA{number}", 900)
        assert line.in_use() <= 2
    assert line.ring("CA-avi", "+972527654321") == Admitted()


def test_hidden_callers_who_hang_up_do_not_close_the_line(line: Line) -> None:
    """R7: forty in six seconds closed it for 31 s, and 1.4 a second for as long as one likes."""
    answers: Counter[object] = Counter()
    for number in range(400):
        line.until(0.15 * number)
        answers[line.ring(f"CA{number}", "+266696687")] += 1
        if number % 10 == 9:
            assert line.ring(f"CA-{number}", f"+97250{number:07}") == Admitted(), number
    assert set(answers) <= {Admitted(), Rejected(Limit.HIDDEN_AT_ONCE), Rejected(Limit.HIDDEN_OFTEN)}
    assert answers[Admitted()] <= 31
    line.until(125.0)
    assert line.ring("CA-shy", "anonymous") == Admitted(), "an honest one, a minute later"


def test_a_forged_number_for_each_ring_does_not_close_it_either(line: Line) -> None:
    """Nothing tells such calls from honest ones: what bounds them is CALLS_PER_SEC and PENDING_S."""
    for number in range(9 * 60):
        line.until(number / 9)
        assert line.ring(f"CA{number}", f"+97254{number:07}") == Admitted()
        if number % 9 == 8:
            assert line.ring(f"CA-{number}", f"+97250{number:07}") == Admitted(), number


def test_a_morning_of_honest_calls_is_not_cut(line: Line) -> None:
    """Four hours: 300 calls of 60 numbers, 30 hidden ones, and 180 of an office that shows one number."""
    dice, asked = random.Random(13), 0
    numbers = [f"+9725{dice.randrange(10**8):08}" for _ in range(60)]
    callers = [*(dice.choice(numbers) for _ in range(300)), *["anonymous"] * 30, *[PBX] * 180]
    at_s = sorted(dice.uniform(0, 4 * 3600) for _ in callers)  # what a Poisson process is, given its number
    busy_until: dict[str, float] = {}
    dice.shuffle(callers)
    for when, caller in zip(at_s, callers, strict=True):
        if caller in numbers and busy_until.get(caller, 0) > when:
            continue  # nobody rings while they are on the phone
        line.until(when)
        length_s = min(900.0, dice.expovariate(1 / 150))
        assert line.ring(f"CA{asked}", caller) == Admitted(), (when, caller)
        line.talk(f"CA{asked}", length_s)
        busy_until[caller], asked = when + length_s + 0.5, asked + 1
    assert asked > 480


def test_an_office_with_one_number_is_cut_unless_it_is_let_off() -> None:
    line = Line()
    assert [line.ring(f"CA{n}", PBX) for n in range(3)] == [Admitted(), Admitted(), Rejected(Limit.AT_ONCE)]


def test_the_calls_of_a_killed_worker_are_not_its_callers_for_ever() -> None:
    store, runtimes = MemoryStore(lambda: first.now), (first := SimRuntime(), SimRuntime())
    here, there = (Slots(SharedState(store, "a", r.clock), r, 40) for r in runtimes)
    share = parties().of(DANA).share
    for sid in ("CA1", "CA2"):
        assert here.reserve(sid, share)
        there.take(sid)
    assert here.reserve("CA3", share).pool == share.name
    first.run_until(LEASE_S + 0.1)  # no time passes for the other any more
    assert here.reserve("CA3", share)


def test_a_socket_that_comes_late_is_let_in_above_the_limit() -> None:
    """Its place went to another caller meanwhile; it was promised, and is counted again."""
    line = Line(max_calls=1)
    assert line.ring("CA1", DANA) == Admitted()
    line.until(PENDING_S + 0.1)
    assert line.ring("CA2", "+972527654321") == Admitted()
    line.talk("CA1", 60)
    line.talk("CA2", 60)
    line.until(PENDING_S + 10)
    assert line.in_use() == 2 and line.ring("CA3", "+972521111111") == Busy(Limit.FULL)
    line.until(PENDING_S + 70)
    assert line.in_use() == 0
