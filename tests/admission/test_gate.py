"""Which calls are taken: the order of the questions, what is given back, and how often others are asked."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission.caller_share import ANYBODY, Party
from server.admission.gate import (
    HICCUP_S,
    LOOK_S,
    OLD,
    STEADY_S,
    TAKEN_UP_S,
    Admitted,
    Busy,
    Gate,
    Limit,
    Rejected,
)
from server.admission.load import Sample
from server.admission.rate_limits import Over, RateLimits
from server.admission.room import Room
from server.admission.slots import PENDING_S, Slots
from server.shared_state.changes import Change, Made
from server.shared_state.memory import MemoryStore
from server.shared_state.pools import SHARE, Share
from server.shared_state.redis import RedisStore
from server.shared_state.sqlite import SqliteStore
from server.shared_state.state import SharedState, Store
from server.telephony.signature import GOOD_S, Refused, TwilioAuth
from server.telephony.stream_clock import LATE_S
from server.telephony.twilio_messages import Start
from server.turns.effects import EndCall, Transfer
from tests.simtime.runtime import SimRuntime

SECRET = "0123456789abcdef0123456789abcdef"
CALLERS = [Party(f"caller {number}") for number in range(5)]
FULL, IN = Busy(Limit.FULL), Admitted()


class Call:
    def __init__(self, lag_s: float = 0.0) -> None:
        self.lag_s = lag_s

    def close_down(self) -> None: ...

    def cut(self) -> None: ...


class Process:
    """A gate in simulated time, in front of ``store``, which others may share."""

    def __init__(
        self,
        most: int = 2,
        *,
        per_sec: int = 0,
        rates: RateLimits | None = None,
        secret: str = "",
        store: Store | None = None,
        runtime: SimRuntime | None = None,
    ) -> None:
        self.runtime = runtime or SimRuntime()
        self.state = SharedState(store, "a", self.runtime.clock)
        auth = TwilioAuth(secret, self.runtime.clock)
        rates = rates or RateLimits(per_sec, clock=self.runtime.clock)
        slots = Slots(self.state, self.runtime, most)
        room = Room(0.85, 1.0, self.runtime)
        self.gate = Gate(auth, rates, slots, self.state, self.runtime, room)
        self.ring, self.in_use = self.gate.ring, self.gate.in_use

    def admit(self, sid: str, lag_s: float = 0.0, token: str = "") -> Call:
        call = Call(lag_s)
        assert self.gate.admit(call, Start("MZ1", sid, {"token": token})) is None
        return call

    def rings_in_time(self, sid: str) -> tuple[object, float]:
        """The answer, and how long it was waited for."""
        began, answers = self.runtime.now, []
        self.runtime.spawn("webhook", lambda: answers.append((self.ring(sid), self.runtime.now - began)))
        self.runtime.run_until(began + 10)
        (answer,) = answers
        return answer


@pytest.fixture
def process() -> Process:
    return Process()


def test_up_to_max_calls(process: Process) -> None:
    answers = [process.ring(sid, CALLERS[1]) for sid in ("CA1", "CA2", "CA3", "CA1")]
    assert answers == [IN, IN, FULL, IN], "Twilio asks again: it has its place"


@pytest.mark.parametrize("hidden, limit", [(False, Limit.OFTEN), (True, Limit.HIDDEN_OFTEN)])
def test_a_caller_beyond_their_limit_takes_no_place(hidden: bool, limit: Limit, process: Process) -> None:
    dana = Party("dana", a_minute=1, hidden=hidden)
    assert [process.ring(sid, dana) for sid in ("CA1", "CA2")] == [IN, Rejected(limit)]
    assert process.in_use() == 1


@pytest.mark.parametrize("hidden, limit", [(False, Limit.AT_ONCE), (True, Limit.HIDDEN_AT_ONCE)])
def test_a_caller_who_has_their_calls_on_the_line(hidden: bool, limit: Limit) -> None:
    """Their own limit is told, and costs nobody else a place; a retry is the same call."""
    process, rejected = Process(3), Rejected(limit)
    dana = Party("dana", Share(f"{SHARE}dana", 1), hidden=hidden)
    assert [process.ring(sid, dana) for sid in ("CA1", "CA1", "CA2")] == [IN, IN, rejected]
    assert [process.ring(sid) for sid in ("CA3", "CA4", "CA5")] == [IN, IN, FULL]
    assert process.ring("CA2", dana) == rejected, "theirs is told first, though all is taken"
    process.gate.told("CA1", over=True)
    assert process.ring("CA2", dana) == IN


def test_where_a_call_holds_a_thread_some_are_left() -> None:
    """Else nobody would be answered at all; MAX_CALLS may be none."""
    process = Process(9)
    process.gate.threads_for_calls = 2
    for sid in ("CA1", "CA2"):
        assert process.ring(sid) == IN
        call = process.admit(sid)
    assert process.ring("CA3") == Busy(Limit.THREADS) and process.in_use() == 2
    assert process.ring("CA2") == IN, "Twilio asks again"
    process.gate.leave(call)
    assert process.ring("CA4") == IN


def test_a_call_that_rings_again_is_not_counted_again() -> None:
    """Twilio retries a webhook whose answer was lost; it may meet another worker."""
    store = MemoryStore()
    workers = [Process(per_sec=1, store=store) for _ in range(2)]
    dana = Party("dana", a_minute=1)
    assert {worker.ring("CA1", dana) for worker in workers * 3} == {IN}
    assert workers[1].ring("CA2", dana) == IN, "the other one has counted nothing"


def test_nobody_comes_in_once_it_is_closed(process: Process) -> None:
    process.ring("CA1", CALLERS[1])
    process.gate.close()
    assert process.gate.admit(Call(), Start("MZ1", "CA1", {})) == Refused("the server ends")
    assert process.gate.live() == []


def test_a_rush_hears_that_we_are_busy() -> None:
    process = Process(per_sec=1)
    answers = [process.ring(sid, CALLERS[1]) for sid in ("CA1", "CA2", "CA3")]
    assert answers == [IN, *[Busy(Limit.RUSH)] * 2] and process.in_use() == 1


@pytest.mark.parametrize("over, answer", [(Over.ALL, Busy(Limit.RUSH)), (Over.PARTY, Rejected(Limit.OFTEN))])
def test_a_call_that_another_has_outrun_gives_its_place_back(over: Over, answer: object) -> None:
    """Both were seen to have room, and one was counted first; it keeps no place."""

    class Outrun(RateLimits):
        def count(self, party: Party, *, of_all: bool = True) -> Over:
            return over

    process = Process(rates=Outrun(9))
    assert process.ring("CA1", CALLERS[1]) == answer and process.in_use() == 0


def test_nobody_new_while_draining_but_who_was_connected_comes_in(process: Process) -> None:
    assert process.ring("CA1", CALLERS[1]) == IN
    process.gate.stop_taking_calls()
    for _ in range(2):  # Twilio asks again
        assert process.gate.draining and process.ring("CA2", CALLERS[2]) == Busy(Limit.DRAINING)
    call = process.admit("CA1")
    assert process.gate.live() == [call]


def test_f2_the_outcome_of_a_call_whose_socket_was_faster(process: Process) -> None:
    """A store that is slow to be told: Twilio asks what follows all the same."""
    process.ring("CA1")
    call = process.admit("CA1")
    process.gate.leave(call)
    process.gate.ends(call, "CA1", Transfer())
    assert process.state.outcome("CA1") == Transfer() and process.in_use() == 0


def test_whom_a_server_that_ends_turns_away_is_not_counted_among_all() -> None:
    """CALLS_PER_SEC is of those who may be taken; another server counts in the same place."""
    rates = RateLimits(1)
    ending, other = (Process(rates=rates) for _ in range(2))
    ending.gate.stop_taking_calls()
    assert [ending.ring(f"CA{number}") for number in range(3)] == [Busy(Limit.DRAINING)] * 3
    assert [other.ring(sid) for sid in ("CA4", "CA5")] == [IN, Busy(Limit.RUSH)]


# ---- A9: the calls are heard late


def test_a9_nobody_new_while_the_calls_are_heard_late(caplog: pytest.LogCaptureFixture) -> None:
    """A9: one call is enough, none takes a place, and the log says why; until it has caught up."""
    process = Process(9)
    _, behind, _ = (process.admit(f"CA{lag_s}", lag_s) for lag_s in (0.05, 0.9, 0.0))
    assert (process.gate.lag_s, process.gate.overloaded) == (0.9, True)
    answer, waited_s = process.rings_in_time("CA1")
    assert answer == Busy(Limit.LATE) and waited_s == pytest.approx(HICCUP_S, abs=LOOK_S + 1e-6)
    assert process.in_use() == 3 and "CALL_REFUSED the calls are heard late: lag_ms=900" in caplog.text
    behind.lag_s = LATE_S
    assert not process.gate.overloaded and process.ring("CA2", CALLERS[2]) == IN
    behind.lag_s = 3.0
    process.gate.leave(behind)
    assert process.ring("CA3", CALLERS[3]) == IN


def test_a9_a_hiccup_is_waited_for(process: Process) -> None:
    """A9: half a second in which a model was loaded costs nobody their call; what was promised is kept."""
    late = process.admit("CA1", 0.5)
    process.runtime.call_at(0.4, lambda: setattr(late, "lag_s", 0.0))
    answer, waited_s = process.rings_in_time("CA2")
    assert answer == IN and waited_s == pytest.approx(0.4 + STEADY_S, abs=2 * LOOK_S)
    process.ring("CA2")
    late.lag_s = 9.0
    assert process.rings_in_time("CA2") == (IN, 0.0), "Twilio asks again: it has its place"


def test_a9_who_rings_in_a_hiccup_finds_no_more_threads_than_there_are() -> None:
    """A9: all wait for the same calls to catch up, and each is then counted."""
    process = Process(9)
    process.gate.threads_for_calls = 2
    late = process.admit("CA1", 0.5)
    process.runtime.call_at(0.4, lambda: setattr(late, "lag_s", 0.0))
    answers: list[object] = []
    for number in (2, 3, 4):
        process.runtime.spawn("ring", lambda sid=f"CA{number}": answers.append(process.ring(sid)))
    process.runtime.run_until(5)
    assert sorted(map(str, answers)) == sorted(map(str, [IN, Busy(Limit.THREADS), Busy(Limit.THREADS)]))


def test_a9_a_process_at_its_limit_takes_nobody(process: Process) -> None:
    """A9: in time every other moment is not caught up."""
    late = process.admit("CA1", 0.5)

    def flicker() -> None:
        late.lag_s = 0.5 - late.lag_s
        process.runtime.call_at(process.runtime.now + 0.3, flicker)

    flicker()
    process.runtime.run_until(0.3)
    assert process.rings_in_time("CA2")[0] == Busy(Limit.LATE)


# ---- the measured load


def busy(process: Process, cpu_s: float, calls: int = 40) -> None:
    """It has done so much a second, for long."""
    for _ in range(600):
        process.gate.room.load.sample(Sample(1.0, cpu_s, calls_before=calls, calls=calls))


def test_a_call_that_would_be_too_much_hears_that_we_are_busy() -> None:
    """The hundred there are go on; whoever was taken before is, and whoever rings again has their place."""
    process = Process(most=0)
    calls = [process.admit(f"CA{number}") for number in range(100)]
    busy(process, 0.832, calls=100)
    assert process.ring("CA100") == IN and process.ring("CA101") == IN
    assert process.ring("CA102") == Busy(Limit.LOAD) and process.in_use() == 102
    busy(process, 0.95, calls=100)
    assert process.ring("CA100") == IN, "Twilio asks again"
    process.admit("CA100"), process.admit("CA101")
    assert process.gate.take_up("CA99") == IN, "it was taken"
    for call in calls[:50]:
        process.gate.leave(call)
    busy(process, 0.45, calls=52)
    assert process.ring("CA102") == IN


def test_the_load_holds_beside_max_calls() -> None:
    process = Process(most=9)
    process.admit("CA1")
    busy(process, 0.9)
    assert process.ring("CA2") == Busy(Limit.LOAD)
    busy(process, 0.1)
    assert process.ring("CA3") == IN


def test_who_is_refused_takes_no_place_and_is_counted() -> None:
    process, dana = Process(), Party("dana", a_minute=2)
    busy(process, 0.9)
    answers = [process.ring(f"CA{number}", dana) for number in range(3)]
    assert answers == [Busy(Limit.LOAD)] * 2 + [Rejected(Limit.OFTEN)] and process.in_use() == 0


def test_what_a_new_caller_would_hear() -> None:
    """Nothing is counted, whoever asks and however often."""
    process = Process(most=2, per_sec=1)
    gate = process.gate
    assert [gate.why_full() for _ in range(9)] == [None] * 9
    gate.threads_for_calls = 1
    call = process.admit("CA1")
    assert gate.why_full() is Limit.THREADS
    gate.threads_for_calls = 9
    assert gate.why_full() is None
    process.admit("CA2")
    assert gate.why_full() is Limit.FULL
    busy(process, 0.9)
    assert gate.why_full() is Limit.LOAD
    call.lag_s = 1.0
    assert gate.why_full() is Limit.LATE
    gate.stop_taking_calls()
    assert gate.why_full() is Limit.DRAINING


def test_what_a_process_carries_is_bounded_by_its_threads() -> None:
    gate = Process().gate
    assert gate.carries == 42
    gate.threads_for_calls = 7
    assert gate.carries == 7


# ---- sockets


def token_of(process: Process, sid: str, signature: str = "signature") -> str:
    answer = process.ring(sid, ANYBODY, signature)
    assert isinstance(answer, Admitted)
    return answer.token


def test_a_socket_comes_in_and_leaves() -> None:
    process = Process(secret=SECRET)
    call = process.admit("CA1", token=token_of(process, "CA1"))
    assert (process.gate.live(), process.in_use()) == ([call], 1)
    process.gate.leave(call)
    assert (process.gate.live(), process.in_use()) == ([], 0)
    process.gate.leave(call)


@pytest.mark.parametrize("parameters", [{}, {"token": "x"}, {"Token": "x"}])
def test_a_socket_that_is_not_let_in_gives_nothing_back(parameters: dict[str, str]) -> None:
    """Else it would free the place of the call that it names."""
    process = Process(secret=SECRET)
    token_of(process, "CA1")
    refused = process.gate.admit(stranger := Call(), Start("MZ1", "CA1", parameters))
    assert refused in (Refused("no token"), Refused("a token that is not ours"))
    process.gate.leave(stranger)
    assert (process.gate.live(), process.in_use()) == ([], 1)


def test_a_token_that_was_used_takes_no_place_and_keeps_none() -> None:
    """Whoever has seen a start message cannot hold the call's place with it."""
    process = Process(secret=SECRET)
    token = token_of(process, "CA1")
    process.gate.leave(process.admit("CA1", token=token))
    assert process.gate.admit(Call(), Start("MZ2", "CA1", {"token": token})) == Refused("a used token")
    assert process.in_use() == 0
    process.runtime.run_until(60)
    assert process.in_use() == 0 and process.gate.live() == []


def test_a_request_that_was_recorded_takes_no_place_and_is_not_counted() -> None:
    """Nobody but Twilio can use a caller's share up; Twilio's own retry is taken, on another worker too."""
    runtime, dana = SimRuntime(), Party("dana", a_minute=1)
    store = MemoryStore(runtime.clock)
    first, second, new = (Process(secret=SECRET, store=store, runtime=runtime) for _ in range(3))
    first.ring("CA1", dana, "signature")
    runtime.run_until(GOOD_S - 1)
    assert isinstance(second.ring("CA1", dana, "signature"), Admitted)
    runtime.run_until(GOOD_S + 1 + PENDING_S)
    assert {process.ring("CA1", dana, "signature") for process in (first, second, new)} == {OLD}
    assert new.gate.told("CA1", "signature", over=True) == OLD
    assert isinstance(new.ring("CA2", dana, "another"), Admitted) and first.in_use() == 1


# ---- what is given back


def test_a_call_whose_worker_died_gives_its_place_back(process: Process) -> None:
    process.ring("CA1", CALLERS[1])  # its socket met another worker
    process.gate.told("CA1")
    assert process.in_use() == 1, "Twilio tells that the stream began"
    process.gate.told("CA1", over=True)
    assert process.in_use() == 0


def test_a_call_that_is_still_ours_keeps_it(process: Process) -> None:
    """Twilio asks before our side has tidied up; the end of the socket gives it back."""
    process.ring("CA1", CALLERS[1])
    call = process.admit("CA1")
    process.gate.told("CA1", over=True)
    assert process.in_use() == 1
    process.gate.leave(call)
    assert process.in_use() == 0


def test_a_call_that_our_side_ends_gives_it_back_with_its_outcome(process: Process) -> None:
    """F2: the socket that goes later gives nothing back a second time: a new one may have the place."""
    process.ring("CA1")
    first, second = process.admit("CA1"), process.admit("CA1")
    process.gate.ends(first, "CA1", Transfer())
    assert process.in_use() == 1 and process.state.outcome("CA1") == Transfer()
    process.gate.ends(first, "CA1", EndCall())
    process.gate.leave(first)
    assert process.in_use() == 1, "its second socket is there"
    process.gate.leave(second)
    assert process.in_use() == 0 and process.state.outcome("CA1") == Transfer()


@given(
    st.lists(
        st.tuples(st.sampled_from(["ring", "admit", "ends", "leave", "told"]), st.integers(0, 5)), max_size=40
    )
)
def test_no_place_is_lost_or_made(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order: never more than the limit is connected, and all come back."""
    process, placed = Process(most=3), set()
    calls = [Call() for _ in range(6)]
    for step, number in steps:
        call, sid = calls[number], f"CA{number}"
        live = call in process.gate.live()
        match step:
            case "ring":
                admitted = process.ring(sid) == IN
                assert admitted == (sid in placed or len(placed) < 3)
                placed |= {sid} if admitted else set()
            case "admit" if sid in placed and not live:
                process.gate.admit(call, Start("MZ", sid, {}))
            case "ends" if live:
                process.gate.ends(call, sid, EndCall())
                placed.discard(sid)
            case "leave" if live:
                process.gate.leave(call)
                placed.discard(sid)
            case "told" if not live:
                process.gate.told(sid, over=True)
                placed.discard(sid)
        assert process.in_use() == len(placed) <= 3
    for number, call in enumerate(calls):
        process.gate.leave(call)
        process.gate.told(f"CA{number}", over=True)
    assert (process.in_use(), process.gate.live()) == (0, [])


# ---- how often others are asked


@dataclass
class Counted:
    """A store, and what it was asked: each is one transaction, or one request to Redis."""

    store: Store
    asked: list[str] = field(default_factory=list)

    name, renewed = "counted", False

    def change(self, *changes: Change) -> Made:
        self.asked.append("+".join(type(change).__name__ for change in changes))
        return self.store.change(*changes)

    def get(self, key: str) -> str | None:
        self.asked.append("get")
        return self.store.get(key)

    def leased(self, pool: str) -> int:
        self.asked.append("leased")
        return self.store.leased(pool)

    def holders(self, pool: str) -> frozenset[str]:
        self.asked.append("holders")
        return self.store.holders(pool)


@pytest.fixture(params=["memory", "file", "redis"])
def counted(request: pytest.FixtureRequest, tmp_path: object) -> Counted:
    if request.param == "memory":
        return Counted(MemoryStore())
    if request.param == "file":
        return Counted(SqliteStore(f"{tmp_path}/agent.db"))
    return Counted(RedisStore(request.getfixturevalue("redis_url")))


def test_a_call_is_three_transactions(counted: Counted) -> None:
    """To connect, admit and release it: each is made at once or not at all, in one wait for the disk."""
    process = Process(secret=SECRET, store=counted)
    dana = Party("dana", Share(f"{SHARE}dana", 2), a_minute=6)
    answer = process.ring("CA-three", dana, "signature of three")
    assert isinstance(answer, Admitted)
    call = process.admit("CA-three", token=answer.token)
    process.gate.ends(call, "CA-three", Transfer())
    process.gate.leave(call)
    assert process.state.outcome("CA-three") == Transfer()
    assert counted.asked == ["First+Put+First+Lease", "First+Renew", "Put+Release"]


def test_and_so_is_one_that_the_caller_ends(counted: Counted) -> None:
    process = Process(secret=SECRET, store=counted)
    call = process.admit("CA-ends", token=token_of(process, "CA-ends", "signature of ends"))
    process.gate.leave(call)
    assert counted.asked == ["First+Put+First+Lease", "First+Renew", "Release"]
    process.gate.told("CA-ends", "that it is over", over=True)
    assert counted.asked[3:] == ["First+Put+Release"]


def test_f8_a_call_that_is_taken_up_keeps_its_place_and_its_share() -> None:
    """F8: in another worker, once in a minute over all of them, above every limit."""
    runtime = SimRuntime()
    store = MemoryStore(runtime.clock)
    killed, left = (Process(1, store=store, runtime=runtime) for _ in range(2))
    dana = Party("dana", Share(f"{SHARE}dana", 1))
    assert killed.ring("CA1", dana) == IN
    killed.admit("CA1")
    assert left.gate.take_up("CA1", dana) == IN
    assert left.gate.take_up("CA1", dana) is None and killed.gate.take_up("CA1", dana) is None
    left.admit("CA1")
    assert left.ring("CA2", dana) == Rejected(Limit.AT_ONCE) and left.ring("CA3") == FULL
    runtime.run_until(runtime.now + TAKEN_UP_S + 1)
    assert left.gate.take_up("CA1", dana) == IN


def test_f8_where_no_thread_is_left_or_the_process_ends_nothing_is_taken_up() -> None:
    """F8: nobody would answer the socket."""
    process = Process()
    assert process.gate.take_up("") is None
    process.gate.threads_for_calls = 1
    process.admit("CA1")
    assert process.gate.take_up("CA2") is None
    assert process.gate.take_up("CA1") == IN, "the thread of its own socket is free in a moment"
    process.gate.threads_for_calls = 0
    assert process.gate.take_up("CA2") == IN
    process.gate.stop_taking_calls()
    assert process.gate.take_up("CA3") is None
