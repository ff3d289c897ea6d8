"""Who is Twilio: signatures of requests, and tokens that open one socket once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from server.shared_state.memory import MemoryStore
from server.shared_state.state import SharedState
from server.shared_state.wall_clock import FELT_S, JUMP_S, Jumps
from server.telephony.signature import GOOD_S, SEEN_S, TokenRefused, TwilioAuth

SECRET = "0123456789abcdef0123456789abcdef"
URL = "https://agent.example.com/webhook/incoming_call"
FIELDS = MultiDict({"CallSid": "CA1", "From": "+972501234567", "CallStatus": "ringing"})


class Host:
    """A secret, a clock, and a ledger that may be another host's too."""

    def __init__(self, secret: str = SECRET, shared: MemoryStore | None = None) -> None:
        self.now_s = 1_000_000.0
        self.auth = TwilioAuth(secret, SharedState(shared, now=lambda: self.now_s), lambda: self.now_s)


def refusal(host: Host, token: str, call_sid: str = "CA1") -> str:
    with pytest.raises(TokenRefused) as refused:
        host.auth.use(token, call_sid)
    return str(refused.value)


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
        assert host.auth.in_time("signature")
        host.now_s += after_s
        assert [host.auth.in_time("signature") for _ in range(3)] == [False] * 3
        assert host.auth.in_time("another")

    def test_twilios_retry_is_taken(self) -> None:
        host = Host()
        for _ in range(4):
            assert host.auth.in_time("signature")
            host.now_s += 15

    def test_on_any_host(self) -> None:
        """Asked twice there, its answer is the first host's."""
        here, there = Host(shared=(shared := MemoryStore())), Host(shared=shared)
        assert here.auth.in_time("signature") and there.auth.in_time("signature")
        there.now_s += GOOD_S + 1
        assert [there.auth.in_time("signature") for _ in range(3)] == [False] * 3

    def test_a_token_is_not_prolonged_by_a_retry(self) -> None:
        host = Host()
        host.auth.new_token("CA1", "signature")
        host.now_s += GOOD_S - 1
        again = host.auth.new_token("CA1", "signature")
        host.now_s += 2
        assert refusal(host, again) == "an expired token"

    def test_without_a_secret_nothing_is_old(self) -> None:
        assert all(Host("").auth.in_time("") for _ in range(3))


class TestAClockThatIsSet:
    """The host's; what this process counts by itself goes on."""

    class Host:
        def __init__(self) -> None:
            self.steady_s, self.ahead_s = 5_000.0, 1_000_000.0
            shared_state = SharedState(now=lambda: self.steady_s)
            self.auth = TwilioAuth(SECRET, shared_state, self.wall, Jumps(self.wall, lambda: self.steady_s))

        def wall(self) -> float:
            return self.steady_s + self.ahead_s

    @pytest.mark.parametrize("jump_s", [61.0, 3600.0, 1e6, -61.0, -3600.0, JUMP_S - 1])
    def test_calls_that_are_coming_in_come_in(self, jump_s: float) -> None:
        host = self.Host()
        token = host.auth.new_token("CA1", "s1")
        host.ahead_s += jump_s
        host.steady_s += 1.0
        assert host.auth.in_time("s1")
        host.auth.use(token, "CA1")

    def test_for_a_minute_and_once(self) -> None:
        host = self.Host()
        used, late = host.auth.new_token("CA1", "s1"), host.auth.new_token("CA2", "s2")
        host.auth.use(used, "CA1")
        host.ahead_s += 3600
        with pytest.raises(TokenRefused, match="used"):
            host.auth.use(used, "CA1")
        host.steady_s += FELT_S
        with pytest.raises(TokenRefused, match="expired"):
            host.auth.use(late, "CA2")

    def test_what_was_recorded_is_not_young_again(self) -> None:
        """Put back by an hour: what was seen half an hour before would be good for half an hour more."""
        host = self.Host()
        assert host.auth.in_time("recorded")
        host.steady_s += 300
        host.ahead_s -= 3600
        host.auth.in_time("another")
        host.steady_s += FELT_S
        assert not host.auth.in_time("recorded") and host.auth.in_time("a third")


class TestToken:
    def test_it_opens_its_calls_socket_once(self) -> None:
        host = Host()
        token = host.auth.new_token("CA1", "s1")
        host.auth.use(token, "CA1")
        assert refusal(host, token) == "a used token"

    def test_a_webhook_that_is_asked_twice_opens_one_socket(self) -> None:
        """Twilio retries, and may follow either answer."""
        host = Host()
        first, second = host.auth.new_token("CA1", "signature"), host.auth.new_token("CA1", "signature")
        host.auth.use(second, "CA1")
        assert refusal(host, first) == "a used token"

    @pytest.mark.parametrize("call_sid", ["CA1", "CA1CallStatusringing"])
    def test_a_webhook_that_was_recorded_opens_nothing_later(self, call_sid: str) -> None:
        """Nor with the borders of its fields moved, which its signature does not see."""
        host = Host()
        host.auth.use(host.auth.new_token("CA1", "signature"), "CA1")
        host.now_s += 3600
        assert refusal(host, host.auth.new_token(call_sid, "signature"), call_sid) == "an expired token"

    def test_any_host_of_the_secret_and_the_memory(self) -> None:
        here, there = Host(shared=(shared := MemoryStore())), Host(shared=shared)
        token = here.auth.new_token("CA1", "s1")
        there.auth.use(token, "CA1")
        assert refusal(here, token) == "a used token"

    def test_no_token(self) -> None:
        assert refusal(Host(), "") == "no token"

    def test_another_calls(self) -> None:
        host = Host()
        assert refusal(host, host.auth.new_token("CA2", "s2")) == "another call's token"
        host.auth.use(host.auth.new_token("CA2", "s2"), "CA2")  # it still opens its own

    def test_another_secrets(self) -> None:
        assert refusal(Host(), Host("f" * 32).auth.new_token("CA1", "s1")) == "a token that is not ours"

    def test_it_expires(self) -> None:
        host = Host()
        token, late = host.auth.new_token("CA1", "s1"), host.auth.new_token("CA1", "s2")
        host.now_s += GOOD_S - 0.01
        host.auth.use(token, "CA1")
        host.now_s += 0.02
        assert refusal(host, late) == "an expired token"

    def test_clocks_of_hosts_may_differ(self) -> None:
        behind = Host()
        behind.now_s -= 5
        behind.auth.use(Host().auth.new_token("CA1", "s1"), "CA1")

    def test_it_fits_into_a_parameter(self) -> None:
        assert len("token" + Host().auth.new_token("CA" + "f" * 32, "s1")) < 250

    @given(st.data())
    def test_a_changed_character_makes_it_worthless(self, data: st.DataObject) -> None:
        host = Host()
        token = host.auth.new_token("CA1", "s1")
        place = data.draw(st.integers(0, len(token) - 2))  # the last one may hold bits that say nothing
        other = data.draw(st.characters().filter(lambda c: c != token[place]))
        assert refusal(host, token[:place] + other + token[place + 1 :]) == "a token that is not ours"

    def test_what_is_no_text(self) -> None:
        assert refusal(Host(), "\ud800") == "a token that is not ours"

    @given(st.text())
    def test_anything_else(self, text: str) -> None:
        assert refusal(Host(), text) in ("no token", "a token that is not ours")

    def test_without_a_secret_there_is_none(self) -> None:
        auth = Host("").auth
        assert auth.new_token("CA1", "s1") == ""
        auth.use("", "CA1")
        auth.use("anything", "CA1")
