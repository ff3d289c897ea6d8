"""Who is Twilio: signatures of requests, and tokens that open one socket once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from server.admission.caller_share import ANYBODY
from server.admission.gate import OLD, Admitted, Gate
from server.admission.load import OFF
from server.admission.rate_limits import RateLimits
from server.admission.room import Room
from server.admission.slots import Slots
from server.runtime.threads import Threads
from server.shared_state.memory import MemoryStore
from server.shared_state.state import SharedState
from server.shared_state.wall_clock import FELT_S, JUMP_S, Jumps
from server.telephony.signature import GOOD_S, SEEN_S, TwilioAuth
from server.telephony.twilio_messages import Start

SECRET = "0123456789abcdef0123456789abcdef"
URL = "https://agent.example.com/webhook/incoming_call"
FIELDS = MultiDict({"CallSid": "CA1", "From": "+972501234567", "CallStatus": "ringing"})


class Door:
    """A gate that lets everybody in whom Twilio has sent, in front of a memory that others may share."""

    def __init__(self, auth: TwilioAuth, state: SharedState) -> None:
        self.auth = auth
        self.gate = Gate(
            auth, RateLimits(0), Slots(state, Threads(), 0), state, Threads(), Room(OFF, 1.0, Threads())
        )

    def in_time(self, signature: str) -> bool:
        return self.gate.told("CA1", signature) is None

    def new_token(self, call_sid: str, signature: str) -> str:
        answer = self.gate.ring(call_sid, ANYBODY, signature)
        assert isinstance(answer, Admitted)
        return answer.token

    def use(self, token: str, call_sid: str) -> str:
        """Why it opens no socket; empty when it does."""
        refused = self.gate.admit(Call(), Start("MZ1", call_sid, {"token": token}))
        return str(refused or "")


class Call:
    lag_s = 0.0

    def close_down(self) -> None: ...

    def cut(self) -> None: ...


class Host(Door):
    """A secret, a clock, and a memory that may be another host's too."""

    def __init__(self, secret: str = SECRET, shared: MemoryStore | None = None) -> None:
        self.now_s = 1_000_000.0
        super().__init__(TwilioAuth(secret, lambda: self.now_s), SharedState(shared, now=lambda: self.now_s))


def refusal(host: Door, token: str, call_sid: str = "CA1") -> str:
    why = host.use(token, call_sid)
    assert why
    return why


class TestSignature:
    def test_the_example_of_twilios_documents(self) -> None:
        """twilio.com/docs/usage/security: this URL, these fields, token 12345."""
        fields = {
            "CallSid": "CA1234567890ABCDE",
            "Caller": "+14158675309",
            "Digits": "1234",
            "From": "+14158675309",
            "To": "+18005551212",
        }
        url = "https://mycompany.com/myapp.php?foo=1&bar=2"
        auth = Host("12345").auth
        assert auth.signed([url], MultiDict(fields), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
        assert not auth.signed([url], MultiDict(fields | {"Digits": "1235"}), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")

    def test_one_url_of_several_is_enough(self) -> None:
        signature = RequestValidator(SECRET).compute_signature(URL, FIELDS)
        auth = Host().auth
        assert auth.signed([URL + "/", URL], FIELDS, signature)
        assert not auth.signed([URL + "/", "https://agent.example.com/"], FIELDS, signature)
        assert not auth.signed([], FIELDS, signature)

    @pytest.mark.parametrize("signature", ["", "x", "é", "A" * 28, "=" * 5000, "\udc80"])
    def test_what_is_no_signature(self, signature: str) -> None:
        assert not Host().auth.signed([URL], FIELDS, signature)

    @pytest.mark.parametrize("url", ["https://host:99999/", "https://host:x/", "http://[::1/", "", "\udc80"])
    def test_what_is_no_url_is_not_signed(self, url: str) -> None:
        """A Host header makes such ones."""
        assert not Host().auth.signed([url], FIELDS, "x" * 28)

    @given(st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4), st.text(max_size=40))
    def test_nobody_guesses(self, fields: dict[str, str], signature: str) -> None:
        assert not Host().auth.signed([URL], MultiDict(fields), signature)

    def test_without_a_secret_nobody_is_asked(self) -> None:
        auth = Host("").auth
        assert not auth.required and auth.signed([], MultiDict(), "")


class TestReplay:
    """A signature has no date: the first time it is seen is its date."""

    @pytest.mark.parametrize("after_s", [GOOD_S + 1, 599, 601, 3600, SEEN_S - 60])
    def test_what_somebody_has_recorded_is_too_old(self, after_s: float) -> None:
        """Also again and again, and after the minutes for which its date is known."""
        host = Host()
        assert host.in_time("signature")
        host.now_s += after_s
        assert [host.in_time("signature") for _ in range(3)] == [False] * 3
        assert host.in_time("another")

    def test_twilios_retry_is_taken(self) -> None:
        host = Host()
        for _ in range(4):
            assert host.in_time("signature")
            host.now_s += 15

    def test_on_any_host(self) -> None:
        """Asked twice there, its answer is the first host's."""
        here, there = Host(shared=(shared := MemoryStore())), Host(shared=shared)
        assert here.in_time("signature") and there.in_time("signature")
        there.now_s += GOOD_S + 1
        assert [there.in_time("signature") for _ in range(3)] == [False] * 3

    def test_a_token_is_not_prolonged_by_a_retry(self) -> None:
        host = Host()
        host.new_token("CA1", "signature")
        host.now_s += GOOD_S - 1
        again = host.new_token("CA1", "signature")
        host.now_s += 2
        assert refusal(host, again) == "an expired token"

    def test_without_a_secret_nothing_is_old(self) -> None:
        assert all(Host("").in_time("") for _ in range(3))


class TestAClockThatIsSet:
    """The host's; what this process counts by itself goes on."""

    class Host(Door):
        def __init__(self) -> None:
            self.steady_s, self.ahead_s = 5_000.0, 1_000_000.0
            auth = TwilioAuth(SECRET, self.wall, Jumps(self.wall, lambda: self.steady_s))
            super().__init__(auth, SharedState(now=lambda: self.steady_s))

        def wall(self) -> float:
            return self.steady_s + self.ahead_s

    @pytest.mark.parametrize("jump_s", [61.0, 3600.0, 1e6, -61.0, -3600.0, JUMP_S - 1])
    def test_calls_that_are_coming_in_come_in(self, jump_s: float) -> None:
        host = self.Host()
        token = host.new_token("CA1", "s1")
        host.ahead_s += jump_s
        host.steady_s += 1.0
        assert host.in_time("s1")
        assert not host.use(token, "CA1")

    def test_for_a_minute_and_once(self) -> None:
        host = self.Host()
        used, late = host.new_token("CA1", "s1"), host.new_token("CA2", "s2")
        assert not host.use(used, "CA1")
        host.ahead_s += 3600
        assert "used" in host.use(used, "CA1")
        host.steady_s += FELT_S
        assert "expired" in host.use(late, "CA2")

    def test_what_was_recorded_is_not_young_again(self) -> None:
        """Put back by an hour: what was seen half an hour before would be good for half an hour more."""
        host = self.Host()
        assert host.in_time("recorded")
        host.steady_s += 300
        host.ahead_s -= 3600
        host.in_time("another")
        host.steady_s += FELT_S
        assert not host.in_time("recorded") and host.in_time("a third")


class TestToken:
    def test_it_opens_its_calls_socket_once(self) -> None:
        host = Host()
        token = host.new_token("CA1", "s1")
        assert not host.use(token, "CA1")
        assert refusal(host, token) == "a used token"

    def test_a_webhook_that_is_asked_twice_opens_one_socket(self) -> None:
        """Twilio retries, and may follow either answer."""
        host = Host()
        first, second = host.new_token("CA1", "signature"), host.new_token("CA1", "signature")
        assert not host.use(second, "CA1")
        assert refusal(host, first) == "a used token"

    @pytest.mark.parametrize("call_sid", ["CA1", "CA1CallStatusringing"])
    def test_a_webhook_that_was_recorded_opens_nothing_later(self, call_sid: str) -> None:
        """Nor with the borders of its fields moved, which its signature does not see."""
        host = Host()
        assert not host.use(host.new_token("CA1", "signature"), "CA1")
        host.now_s += 3600
        assert host.gate.ring(call_sid, ANYBODY, "signature") == OLD

    def test_any_host_of_the_secret_and_the_memory(self) -> None:
        here, there = Host(shared=(shared := MemoryStore())), Host(shared=shared)
        token = here.new_token("CA1", "s1")
        assert not there.use(token, "CA1")
        assert refusal(here, token) == "a used token"

    def test_no_token(self) -> None:
        assert refusal(Host(), "") == "no token"

    def test_another_calls(self) -> None:
        host = Host()
        assert refusal(host, host.new_token("CA2", "s2")) == "another call's token"
        assert not host.use(host.new_token("CA2", "s2"), "CA2")  # it still opens its own

    def test_another_secrets(self) -> None:
        assert refusal(Host(), Host("f" * 32).new_token("CA1", "s1")) == "a token that is not ours"

    def test_it_expires(self) -> None:
        host = Host()
        token, late = host.new_token("CA1", "s1"), host.new_token("CA1", "s2")
        host.now_s += GOOD_S - 0.01
        assert not host.use(token, "CA1")
        host.now_s += 0.02
        assert refusal(host, late) == "an expired token"

    def test_clocks_of_hosts_may_differ(self) -> None:
        behind = Host()
        behind.now_s -= 5
        assert not behind.use(Host().new_token("CA1", "s1"), "CA1")

    def test_it_fits_into_a_parameter(self) -> None:
        assert len("token" + Host().new_token("CA" + "f" * 32, "s1")) < 250

    @given(st.data())
    def test_a_changed_character_makes_it_worthless(self, data: st.DataObject) -> None:
        host = Host()
        token = host.new_token("CA1", "s1")
        place = data.draw(st.integers(0, len(token) - 2))  # the last one may hold bits that say nothing
        other = data.draw(st.characters().filter(lambda c: c != token[place]))
        assert refusal(host, token[:place] + other + token[place + 1 :]) == "a token that is not ours"

    def test_what_is_no_text(self) -> None:
        assert refusal(Host(), "\ud800") == "a token that is not ours"

    @given(st.text())
    def test_anything_else(self, text: str) -> None:
        assert refusal(Host(), text) in ("no token", "a token that is not ours")

    def test_without_a_secret_there_is_none(self) -> None:
        host = Host("")
        assert host.new_token("CA1", "s1") == ""
        assert not host.use("", "CA1")
        assert not host.use("anything", "CA1")
