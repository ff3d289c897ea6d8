"""Row 3, F6: what a caller has said last is understood when they have gone. Whole calls in simulated time."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.finishing import LISTEN_S, Afterwards
from server.call.provider_runner import AFTER_CALL_S
from server.hebrew.speak.sentences import split_sentences
from server.office.leads import WHAT, calls_of, lead_lines, row_of
from server.office.leads_writer import LeadsWriter, in_israel
from server.providers.base import ProviderError
from server.providers.embedded.llm.receptionist import Receptionist
from server.shared_state.state import SharedState
from server.turns.effects import EndCall, Expected, SaveLead, Transfer
from tests.simtime.call import SimCall
from tests.simtime.line import NOISE, Sound
from tests.simtime.walks import walks

TOLD = "שמי דנה והטלפון שלי 0501234567"
LEAD = SaveLead((("name", "דנה"), ("phone", "0501234567")))
WORDS = "תודה דנה, רשמתי את זה. באיזו עיר לחפש?"
SPOKEN = Sound(3.0, 1.5)
GONE_S = 1.0  # F6


class ActingLlm:
    """Its words first, and what it does ``act_s`` behind them; no words for a caller who has gone."""

    name = "acting"
    opening = Expected()
    takes_messages = True
    authored = True

    def __init__(self, runtime, act_s=0.0, acts=(LEAD,), fails=lambda request: False):
        self.runtime, self.act_s, self.acts, self.fails = runtime, act_s, acts, fails
        self.requests = []
        self.open_streams = 0

    def respond(self, request, timeout_s):
        self.requests.append(request)
        self.open_streams += 1
        return ActingReply(self, request)

    def warm(self):
        pass


class ActingReply:
    expected = Expected()

    def __init__(self, llm, request):
        self.acts = ()
        self._llm, self._request = llm, request
        self._cancelled = llm.runtime.event()

    def __iter__(self) -> Iterator[str]:
        llm, request = self._llm, self._request
        try:
            if self._cancelled.wait(0.3):
                return
            if llm.fails(request):
                raise ProviderError("the model is down")
            for sentence in split_sentences("…" if request.gone else WORDS):
                yield sentence + " "
            if not self._cancelled.wait(llm.act_s):
                heard = " ".join((request.text, *(line.text for line in request.history)))
                self.acts = llm.acts if "0501234567" in heard else ()
        finally:
            llm.open_streams -= 1

    def cancel(self):
        self._cancelled.set()


class After:
    """A call that is hung up on at ``until_s``, and what is left of it once all that is left has passed."""

    def __init__(self, until_s, *sounds, act_s=0.0, acts=(LEAD,), fails=lambda request: False, **more):
        keys = more.pop("keys", [])
        by_us_at_s = more.pop("close_down_at_s", None)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "leads.jsonl")
            more = {"stt": [TOLD], "asr_s": 0.2, "keys": keys} | more
            self.call = call = SimCall(list(sounds or [SPOKEN]), **more)
            leads = LeadsWriter(str(file), SharedState())
            call.host = {"leads": leads}
            call.llm = self.llm = ActingLlm(call.runtime, act_s, acts, fails)
            if by_us_at_s is not None:
                call.runtime.call_at(by_us_at_s, lambda: call.handler.close_down())
            call.run(until_s, hang_up=False)
            if not call.finished:
                call.line.deliver({"event": "stop"})
            call.until(until_s + GONE_S)
            self.over_in_time = call.finished and call.line.closed
            self.left = set(call.runtime.alive())
            self.speaking = call.voice.open_streams
            call.until(until_s + AFTER_CALL_S + 1.0)
            assert leads.settle(10)
            self.text = file.read_text("utf-8") if file.exists() else ""

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def details(self):
        return [line for line in self.lines if line["kind"] == "detail"]

    @property
    def row(self):
        (call,) = calls_of(lead_lines(self.text))
        return row_of(call, in_israel())

    @property
    def nothing_is_left(self):
        call = self.call
        streams = call.stt.open_streams + self.llm.open_streams + call.voice.open_streams
        return (call.runtime.alive(), streams, call.afterwards.going_on) == ([], 0, 0)


def is_danas(details):
    return [(line["name"], line["phone"]) for line in details] == [("דנה", "0501234567")]


@walks
@given(
    act_s=st.sampled_from([0.3, 1.0, 2.5, 4.5]),
    until_s=st.floats(SPOKEN.until_s, 18.0).map(lambda at_s: round(at_s, 2)),
    early=st.booleans(),
)
def test_row_3_whenever_they_hang_up_the_lead_is_kept(act_s, until_s, early):
    """F6: once, whatever was going on; within a second nothing but what is awaited is left of the call."""
    knobs = {"speculative_turns": early}
    after = After(until_s, act_s=act_s, knobs=knobs, partials_lag_s=None)
    assert is_danas(after.details), (after.lines, after.call.log)
    assert after.over_in_time and after.speaking == 0
    assert after.left <= {"after-call", "stt-1", "turn-1", "llm-1", "turn-2", "llm-2", "turn-3", "llm-3"}
    assert after.nothing_is_left
    assert after.row[WHAT] == "נמסרו פרטים"


@pytest.mark.parametrize(
    ("until_s", "asked"),
    [
        (SPOKEN.until_s + 0.2, [True]),  # the utterance has not closed
        (SPOKEN.until_s + 0.7, [True]),  # its transcript has not come
        (SPOKEN.until_s + 1.0, [False]),  # the LLM was asked, and has not answered
        (SPOKEN.until_s + 1.6, [False]),  # its answer is being heard
    ],
)
def test_row_3_a_llm_at_work_is_read_on_and_nobody_is_asked_twice(until_s, asked):
    after = After(until_s, act_s=2.5)
    assert [request.gone for request in after.llm.requests] == asked and is_danas(after.details)
    assert [line["kind"] for line in after.lines] == ["call", "detail"]


def test_row_3_a_llm_that_stalls_behind_its_words_is_asked_again_at_the_end():
    """G1: its call comes 2.5 s behind its words, and 1.5 are waited for; the lead comes all the same."""
    after = After(20.0, act_s=2.5)
    assert after.call.lines("LLM_ERR: acting: nothing within 1500 ms")
    assert [request.gone for request in after.llm.requests] == [False, True] and is_danas(after.details)


@pytest.mark.parametrize(
    ("sounds", "until_s", "stt"),
    [
        ([], 1.0, []),
        ([], 2.0, []),  # in the greeting
        ([Sound(3.0, 0.15, kind=NOISE)], 3.2, ["לחיצה"]),  # a click
        ([Sound(3.0, 1.5)], 3.1, [TOLD]),  # a sound that nobody knows yet to be a voice
        ([SPOKEN], 12.0, ["תודה ולהתראות"]),
        ([SPOKEN], 4.7, ["תודה רבה, ביי"]),
    ],
    ids=["silent", "greeting", "click", "onset", "goodbye", "goodbye, gone"],
)
def test_f6_who_has_said_nothing_costs_nothing(sounds, until_s, stt):
    """No request, and nothing is awaited."""
    after = After(until_s, *sounds or [Sound(90.0, 1.0)], stt=stt)
    assert [request for request in after.llm.requests if request.gone] == []
    assert after.details == [] and after.nothing_is_left


def test_d3_words_over_a_reply_that_was_cut_are_not_all_that_is_understood():
    """D2: the barge-in has closed the LLM that would have kept the lead; a goodbye is all that follows."""
    sounds = [SPOKEN, Sound(6.5, 1.0)]
    after = After(8.2, *sounds, stt=[TOLD, "תודה ולהתראות"], act_s=2.5)
    assert after.call.lines("BARGE_IN: interrupt")
    assert [request.gone for request in after.llm.requests] == [False, True] and is_danas(after.details)


@pytest.mark.parametrize("until_s", [7.0, 7.6])
def test_f5_keys_that_were_not_taken(until_s):
    after = After(
        until_s,
        Sound(90.0, 1.0),
        keys=[(5.0 + 0.2 * number, digit) for number, digit in enumerate("0501234567")],
    )
    assert [(request.text, request.gone) for request in after.llm.requests] == [("0501234567", True)]
    assert is_danas(after.details)


def test_f2_f3_nobody_is_hung_up_on_or_put_through_behind_the_call():
    """Leads alone."""
    after = After(4.7, acts=(LEAD, EndCall(), Transfer()), knobs={"transfer_number": "+97231234567"})
    assert is_danas(after.details) and not after.call.lines("CALL_ENDS")
    assert after.lines[0]["ended"] == "caller"


@pytest.mark.parametrize("act_s", [0.0, 60.0], ids=["fails", "hangs"])
def test_issue_11_words_that_no_llm_can_judge_are_left_as_they_are(act_s):
    after = After(4.7, act_s=act_s, fails=lambda request: act_s == 0)
    assert [line["message"] for line in after.details] == [TOLD]
    assert after.call.lines("LAST_WORDS kept as a message") and after.nothing_is_left
    assert after.row["הודעה"] == TOLD


@pytest.mark.parametrize("heard", [None, ProviderError("no STT")], ids=["hangs", "fails"])
def test_g2_words_that_cannot_be_heard(heard):
    """The last partial is the transcript, and it comes with what is left of the time."""
    said = Sound(3.0, 1.5, words=TOLD, hears=heard, guesses=((1.2, TOLD),))
    after = After(4.6, said, by_sound=True, stt=None)
    assert is_danas(after.details) and after.nothing_is_left
    unheard = After(4.6, Sound(3.0, 1.5, words=TOLD, hears=heard), by_sound=True, stt=None)
    assert unheard.details == [] and unheard.call.lines("ASR_ERR") and unheard.nothing_is_left
    assert LISTEN_S < AFTER_CALL_S


def test_too_many_at_once_keep_their_words_without_a_llm():
    """A network that drops every call is not a request each, at once, without a bound."""
    call = SimCall([SPOKEN], stt=[TOLD])
    call.afterwards = Afterwards(call.runtime, most=0)
    kept = []

    class Office(LeadsWriter):
        def save_lead(self, call_sid, caller, details, *, after_call=False):
            kept.append((details, after_call))

    call.host = {"leads": Office("", SharedState())}
    call.run(4.6)
    assert call.lines("AFTER_CALL more than 0 at once") and kept == []  # no words: nothing was transcribed
    assert call.lines("(cut short)") and call.runtime.alive() == []


def test_f4_a_server_that_ends_keeps_the_words_at_once():
    """SIGTERM: what goes on is cut short, and waited for."""
    call = SimCall([SPOKEN], stt=[TOLD], reply=lambda request: None)
    kept = []

    class Office(LeadsWriter):
        def save_lead(self, call_sid, caller, details, *, after_call=False):
            kept.append((call.runtime.now, details))

    call.host = {"leads": Office("", SharedState())}
    call.runtime.call_at(6.5, lambda: call.runtime.spawn("drain", call.afterwards.end))
    call.run(6.0)
    ((at_s, details),) = kept
    assert details == (("message", TOLD),) and at_s == pytest.approx(6.5, abs=0.05)
    assert call.afterwards.going_on == 0


def test_f4_a_farewell_over_a_llm_at_work():
    """The server goes while the LLM thinks: our last line, and the lead all the same."""
    after = After(22.0, act_s=1.0, close_down_at_s=5.4)
    assert after.lines[-1]["kind"] == "detail" and is_danas([after.lines[-1]]), after.lines


def test_the_receptionist_understands_last_words_too():
    """Without an LLM: her own acts for them."""
    call = SimCall([SPOKEN], stt=["אני מחפשת דירה לקנות בחיפה"])
    kept = []

    class Office(LeadsWriter):
        def save_lead(self, call_sid, caller, details, *, after_call=False):
            kept.append((dict(details), after_call))

    call.llm = Receptionist()
    call.host = {"leads": Office("", SharedState())}
    call.run(4.7)
    ((details, late),) = kept
    assert details["city"] == "חיפה" and late
