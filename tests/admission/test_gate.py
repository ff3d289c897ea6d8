"""Which calls are taken: the order of the questions, and what is given back."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission.caller_share import Party
from server.admission.gate import HICCUP_S, LOOK_S, STEADY_S, Answer, Gate
from server.admission.rate_limits import RateLimits
from server.admission.slots import Slots
from server.runtime.threads import Threads
from server.shared_state.pools import IN_NONE, SHARE, Share
from server.shared_state.state import SharedState
from server.telephony.signature import TwilioAuth
from server.telephony.stream_clock import LATE_S
from server.telephony.twilio_messages import Start

SECRET = "0123456789abcdef0123456789abcdef"
CALLERS = [Party(f"caller {number}") for number in range(5)]


@dataclass
class Places:
    """As an Admission of one process."""

    most: int = 2
    held: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def reserve(self, call_sid: str, share: Share = IN_NONE) -> bool:
        if call_sid not in self.held and len(self.held) >= self.most:
            return False
        self.held = list(dict.fromkeys([*self.held, call_sid]))
        return True

    def take(self, call_sid: str) -> None:
        self.taken.append(call_sid)

    def release(self, call_sid: str) -> None:
        self.held = [held for held in self.held if held != call_sid]

    def all_taken(self, share: Share) -> bool:
        return False

    def in_use(self) -> int:
        return len(self.held)

    def in_use_here(self) -> int:
        return len(self.held)


class Call:
    def __init__(self, lag_s: float = 0.0) -> None:
        self.lag_s = lag_s

    def close_down(self) -> None: ...

    def cut(self) -> None: ...


@pytest.fixture
def places() -> Places:
    return Places()


def gate(
    places: Places,
    *,
    per_sec: int = 0,
    secret: str = "",
    wait: Callable[[float], None] = lambda s: None,
) -> Gate:
    shared_state = SharedState()
    rates = RateLimits(per_sec)
    return Gate(TwilioAuth(secret, shared_state), rates, places, shared_state.first_time, wait)  # type: ignore[arg-type]


def test_up_to_max_calls(places: Places) -> None:
    desk = gate(places)
    assert [desk.ring(sid, CALLERS[1]) for sid in ("CA1", "CA2", "CA3", "CA1")] == [
        Answer.CONNECT,
        Answer.CONNECT,
        Answer.FULL,
        Answer.CONNECT,  # Twilio asks again: it has its place
    ]


@pytest.mark.parametrize("hidden, answer", [(False, Answer.OFTEN), (True, Answer.HIDDEN_OFTEN)])
def test_a_caller_beyond_their_limit_takes_no_place(hidden: bool, answer: Answer, places: Places) -> None:
    desk, dana = gate(places), Party("dana", a_minute=1, hidden=hidden)
    assert [desk.ring(sid, dana) for sid in ("CA1", "CA2")] == [Answer.CONNECT, answer]
    assert places.held == ["CA1"] and answer.rejects


@pytest.mark.parametrize("hidden, answer", [(False, Answer.AT_ONCE), (True, Answer.HIDDEN_AT_ONCE)])
def test_a_caller_who_has_their_calls_on_the_line(hidden: bool, answer: Answer) -> None:
    """Their own limit is told, and costs nobody else a place; a retry is the same call."""
    slots = Slots(shared_state := SharedState(), Threads(), 3)
    desk = Gate(TwilioAuth("", shared_state), RateLimits(0), slots, shared_state.first_time)
    dana = Party("dana", Share(f"{SHARE}dana", 1), hidden=hidden)
    assert [desk.ring(sid, dana) for sid in ("CA1", "CA1", "CA2")] == [Answer.CONNECT, Answer.CONNECT, answer]
    assert [desk.ring(sid) for sid in ("CA3", "CA4", "CA5")] == [Answer.CONNECT, Answer.CONNECT, Answer.FULL]
    assert desk.ring("CA2", dana) is answer, "theirs is told first, though all is taken"
    assert answer.rejects and not Answer.FULL.rejects
    desk.hung_up("CA1")
    assert desk.ring("CA2", dana) is Answer.CONNECT


def test_where_a_call_holds_a_thread_some_are_left(places: Places) -> None:
    """Else nobody would be answered at all; MAX_CALLS may be none."""
    desk = gate(places)
    places.most, desk.threads_for_calls = 9, 2
    for number in (1, 2):
        assert desk.ring(f"CA{number}") is Answer.CONNECT
        desk.admit(call := Call(), Start("MZ1", f"CA{number}", {}))
    assert desk.ring("CA3") is Answer.THREADS and places.held == ["CA1", "CA2"]
    assert desk.ring("CA2") is Answer.CONNECT, "Twilio asks again"
    desk.leave(call)
    assert desk.ring("CA4") is Answer.CONNECT


def test_a_call_that_rings_again_is_not_counted_again(places: Places) -> None:
    """Twilio retries a webhook whose answer was lost."""
    desk = gate(places, per_sec=1)
    assert {desk.ring("CA1", Party("dana", a_minute=1)) for _ in range(3)} == {Answer.CONNECT}


def test_nobody_comes_in_once_it_is_closed(places: Places) -> None:
    desk = gate(places)
    desk.ring("CA1", CALLERS[1])
    desk.close()
    assert desk.admit(Call(), Start("MZ1", "CA1", {})) == "the server ends" and desk.live() == []


def test_a_rush_hears_that_we_are_busy(places: Places) -> None:
    desk = gate(places, per_sec=1)
    answers = {desk.ring(sid, CALLERS[1]) for sid in ("CA1", "CA2", "CA3", "CA4")}
    assert Answer.RUSH in answers and not any(answer.rejects for answer in answers)


def test_nobody_new_while_draining_but_who_was_connected_comes_in(places: Places) -> None:
    desk = gate(places)
    assert desk.ring("CA1", CALLERS[1]) is Answer.CONNECT
    desk.stop_taking_calls()
    assert desk.draining and desk.ring("CA2", CALLERS[2]) is Answer.DRAINING
    assert desk.admit(call := Call(), Start("MZ1", "CA1", {})) == ""
    assert desk.live() == [call]


def test_a9_nobody_new_while_the_calls_are_heard_late(
    places: Places, caplog: pytest.LogCaptureFixture
) -> None:
    """A9: one call is enough, none takes a place, and the log says why; until it has caught up."""
    desk = gate(places, per_sec=0)
    places.most = 9
    for lag_s in (0.05, 0.9, 0.0):
        desk.admit(late := Call(lag_s), Start("MZ1", f"CA{lag_s}", {}))
        if lag_s > 0.5:
            behind = late
    assert (desk.lag_s, desk.overloaded) == (0.9, True)
    assert desk.ring("CA1", CALLERS[1]) is Answer.LATE and places.held == []
    assert "CALL_REFUSED the calls are heard late: lag_ms=900" in caplog.text
    behind.lag_s = LATE_S
    assert not desk.overloaded and desk.ring("CA2", CALLERS[2]) is Answer.CONNECT
    behind.lag_s = 3.0
    desk.leave(behind)
    assert desk.ring("CA3", CALLERS[3]) is Answer.CONNECT


def test_a9_a_hiccup_is_waited_for(places: Places) -> None:
    """A9: half a second in which a model was loaded costs nobody their call; what was promised is kept."""
    waited: list[float] = []
    late = Call(0.5)

    def wait(seconds: float) -> None:
        waited.append(seconds)
        late.lag_s = 0.0 if sum(waited) >= 0.4 else late.lag_s

    desk = gate(places, wait=wait)
    desk.admit(late, Start("MZ1", "CA1", {}))
    assert desk.ring("CA2", CALLERS[2]) is Answer.CONNECT
    assert sum(waited) == pytest.approx(0.4 + STEADY_S, abs=LOOK_S + 1e-6)
    late.lag_s = 9.0
    assert desk.ring("CA2", CALLERS[2]) is Answer.CONNECT, "Twilio asks again: it has its place"
    waited.clear()
    late.lag_s, desk_s = 9.0, gate(places, wait=waited.append)
    desk_s.admit(late, Start("MZ1", "CA1", {}))
    assert desk_s.ring("CA4", CALLERS[4]) is Answer.LATE and sum(waited) == pytest.approx(
        HICCUP_S, abs=LOOK_S + 1e-6
    )


def test_a9_a_process_at_its_limit_takes_nobody(places: Places) -> None:
    """A9: in time every other moment is not caught up."""
    late = Call(0.5)

    def wait(seconds: float) -> None:
        late.lag_s = 0.5 - late.lag_s

    desk = gate(places, wait=wait)
    desk.admit(late, Start("MZ1", "CA1", {}))
    assert desk.ring("CA2", CALLERS[2]) is Answer.LATE


def test_a_socket_comes_in_and_leaves(places: Places) -> None:
    desk = gate(places, secret=SECRET)
    desk.ring("CA1", CALLERS[1])
    token = desk.auth.new_token("CA1", "signature")
    call = Call()
    assert desk.admit(call, Start("MZ1", "CA1", {"token": token})) == ""
    assert (desk.live(), places.taken, desk.in_use()) == ([call], ["CA1"], 1)
    desk.leave(call)
    assert (desk.live(), desk.in_use()) == ([], 0)
    desk.leave(call)


@pytest.mark.parametrize("parameters", [{}, {"token": "x"}, {"Token": "x"}])
def test_a_socket_that_is_not_let_in_gives_nothing_back(parameters: dict[str, str], places: Places) -> None:
    """Else it would free the place of the call that it names."""
    desk = gate(places, secret=SECRET)
    desk.ring("CA1", CALLERS[1])
    stranger = Call()
    assert desk.admit(stranger, Start("MZ1", "CA1", parameters)) in ("no token", "a token that is not ours")
    desk.leave(stranger)
    assert (desk.live(), places.taken, places.held) == ([], [], ["CA1"])


def test_a_call_whose_worker_died_gives_its_place_back(places: Places) -> None:
    desk = gate(places)
    desk.ring("CA1", CALLERS[1])  # its socket met another worker
    desk.hung_up("CA1")
    assert places.held == []


def test_a_call_that_is_still_ours_keeps_it(places: Places) -> None:
    """Twilio asks before our side has tidied up; the end of the socket gives it back."""
    desk = gate(places)
    desk.ring("CA1", CALLERS[1])
    desk.admit(call := Call(), Start("MZ1", "CA1", {}))
    desk.hung_up("CA1")
    assert places.held == ["CA1"]
    desk.leave(call)
    assert places.held == []


@given(st.lists(st.tuples(st.sampled_from(["ring", "admit", "leave", "hung_up"]), st.integers(0, 5))))
def test_no_place_is_lost_or_made(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order: never more than the limit is connected, and all come back."""
    places = Places(most=3)
    desk = gate(places)
    calls = [Call() for _ in range(6)]
    for step, number in steps:
        call, sid = calls[number], f"CA{number}"
        match step:
            case "ring":
                before = set(places.held)
                answer = desk.ring(sid)
                assert (answer is Answer.CONNECT) == (sid in before or len(before) < 3)
            case "admit" if sid in places.held and call not in desk.live():
                desk.admit(call, Start("MZ", sid, {}))
            case "leave":
                desk.leave(call)
            case "hung_up":
                desk.hung_up(sid)
        assert len(places.held) <= 3
    for number, call in enumerate(calls):
        desk.leave(call)
        desk.hung_up(f"CA{number}")
    assert (places.held, desk.live()) == ([], [])
