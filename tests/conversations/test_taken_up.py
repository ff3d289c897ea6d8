"""F8: a call that our failure has cut off, and the one that goes on with it. In simulated time."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from server.office.leads import calls_of, row_of
from server.office.leads_writer import LeadsWriter
from server.shared_state.call_memories import CallMemories
from server.shared_state.memory import MemoryStore
from server.shared_state.state import SharedState
from server.telephony.twilio_messages import RESUMES
from server.turns.effects import SaveLead
from tests.conversations.test_records import BEGAN
from tests.simtime.call import GREETING, SimCall, worded
from tests.simtime.engines import Reply
from tests.simtime.line import Sound
from tests.wording import OURS

ASKS = "דירה לקנייה, רשמתי לפניי. באיזו עיר לחפש?"
CUT, GO_ON = worded(OURS.cut_off), worded(OURS.cut_off_go_on)


class Host:
    """What the processes of a host share: each call of ``socket`` is in another one."""

    def __init__(self, tmp_path):
        self.clock = lambda: 0.0
        self.store, self.leads = MemoryStore(lambda: self.clock()), str(tmp_path / "leads.jsonl")
        self.asked = []

    def socket(self, sounds, *, resumes=False, reply=ASKS, **how):
        parameters = {"from": "+972501112222"} | ({RESUMES: "1"} if resumes else {})

        def answer(request):
            self.asked.append(request)
            return reply

        call = SimCall(sounds, reply=answer, parameters=parameters, **how)
        self.clock = call.runtime.clock
        state = SharedState(self.store, "a", call.runtime.clock)
        self.memories = CallMemories(state, call.runtime)
        leads = LeadsWriter(self.leads, state, now=lambda: BEGAN)
        call.host = {"memories": self.memories, "leads": leads, "now": lambda: BEGAN}
        return call

    @property
    def remembers(self):
        return self.store.memory("CA1") is not None


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def dies_at(call, at_s):
    """As ``kill -9`` has it: what was remembered by then is all that is left."""
    call.run(at_s, hang_up=False)


def test_f8_the_question_is_asked_again_and_its_answer_answered_with_all_that_was_said(host):
    dies_at(host.socket([Sound(3.0, 1.5)], stt=["אני רוצה לקנות דירה"]), 14.0)
    call = host.socket([Sound(6.0, 1.0)], stt=["בחיפה"], resumes=True, reply="יש לנו הרבה. כמה חדרים?").run(
        15
    )
    assert call.texts[:2] == [CUT, "באיזו עיר לחפש?"] and GREETING not in call.texts
    assert call.heard[0].at_s < 0.6
    asked = host.asked[-1]
    assert asked.text == "בחיפה" and asked.turn_number == 2
    assert [line.text for line in asked.history][:3] == [GREETING, "אני רוצה לקנות דירה", ASKS]


def test_f8_words_that_had_no_answer_are_answered(host):
    """The LLM was thinking."""
    dies_at(host.socket([Sound(3.0, 1.5)], stt=["אני רוצה לקנות דירה"], llm_s=4.0), 6.5)
    call = host.socket([], resumes=True).run(12)
    assert call.texts == [CUT, *ASKS_IN_SENTENCES]
    assert host.asked[-1].text == "אני רוצה לקנות דירה" and host.asked[-1].turn_number == 1


ASKS_IN_SENTENCES = ["דירה לקנייה, רשמתי לפניי.", "באיזו עיר לחפש?"]


@pytest.mark.parametrize("how", ["bug", "cut", "lost", "stalled"])
def test_f8_our_failure_leaves_its_memory(host, how):
    call = host.socket([Sound(3.0, 1.5)])
    if how == "bug":
        call.host["breath"] = lambda low, high: 1 / 0
    call.run(6.0, hang_up=False)
    if how == "cut":
        call.line.sock = SimpleNamespace(shutdown=lambda _: call.line.receiver.close())
        call.handler.cut()
    elif how == "lost":
        call.line.receiver.close()
    call.until(17.0)
    assert call.finished and host.remembers


def test_f8_a_call_that_is_over_leaves_none(host):
    call = host.socket([Sound(3.0, 1.5)])
    call.run(6.0, hang_up=False)
    assert host.remembers
    call.line.deliver({"event": "stop"})
    call.until(9.0)
    assert not host.remembers


def test_f8_in_a_long_silence_it_is_remembered_still(host):
    """The store forgets in three minutes."""
    call = host.socket([], knobs={"idle_prompt_sec": 0, "max_call_sec": 900})
    call.run(400, hang_up=False)
    assert host.remembers


def test_f8_f4_what_a_server_that_goes_has_said_of_it_is_not_taken_up(host):
    """F4: it has promised to call back; who is there still goes on with what was said before."""
    call = host.socket([Sound(3.0, 1.5)])
    call.runtime.call_at(12.0, lambda: call.handler.close_down())
    dies_at(call, 13.0)
    again = host.socket([], resumes=True).run(6)
    assert again.texts == [CUT, "באיזו עיר לחפש?"]


def test_f8_a_socket_that_takes_up_what_nobody_knows_is_a_call_like_any(host):
    """The store has lost it meanwhile."""
    assert host.socket([], resumes=True).run(4).texts == [GREETING]


def test_f8_it_is_one_call_for_the_office(host, tmp_path):
    """What it has left before counts; it is not lost, and nothing is written twice."""
    lead = SaveLead.of(name="דנה")
    first = host.socket([Sound(3.0, 1.5)], reply=Reply(ASKS, acts=(lead,)))
    first.run(11.0, hang_up=False)
    first.line.receiver.close()
    first.until(20.0)
    host.socket([Sound(6.0, 1.0)], resumes=True, reply=Reply("תודה רבה לך, רשמתי הכול.", acts=(lead,))).run(
        14
    )
    lines = [json.loads(line) for line in Path(host.leads).read_text("utf-8").splitlines()]
    assert [line["kind"] for line in lines] == ["detail", "call", "call"]
    assert [line["ended"] for line in lines[1:]] == ["lost", "caller"]
    (row,) = (row_of(call, BEGAN) for call in calls_of(lines))
    assert row["שם"] == "דנה" and row["מה קרה"] == "נמסרו פרטים"
