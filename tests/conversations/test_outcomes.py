"""Rules B3, F2, F3: what the LLM decides beside speaking. Whole calls in simulated time."""

import pytest

from server.providers.base import ProviderError
from server.shared_state.state import shared_state_of
from server.turns.effects import EndCall, SaveLead, Transfer
from tests.simtime.call import GREETING, SimCall
from tests.simtime.line import NOISE, Sound
from tests.simtime.office import Office
from tests.wording import OURS

FIRST, SECOND = "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה בפעם הבאה."
REPLY = f"{FIRST} {SECOND}"  # it asks nothing: behind a question nothing ends (F2)
GRACE_S = 1.2  # behind our closing line, in which a voice keeps the call
LEAD = SaveLead((("name", "דנה"), ("phone", "0501234567")))
OPENING = Sound(3.0, 1.5)
REPLY_AT_S = 5.32  # when the first answer starts, engines at 50 ms
REPLY_S = 0.06 * (len(FIRST) + len(SECOND))


def deciding(*acts, sounds=(OPENING,), **more):
    """A call whose LLM decides ``acts``: one tuple a request, then nothing any more."""
    knobs = {"transfer_number": "+97231234567", **more.pop("knobs", {})}
    call = SimCall(list(sounds), knobs=knobs, **{"reply": REPLY, **more})
    call.office = Office(call)
    left, respond = list(acts), call.llm.respond

    def responds(request, timeout_s):
        call.llm.acts = left.pop(0) if left else ()
        return respond(request, timeout_s)

    call.llm.respond = responds
    return call


def closed_by_us(call):
    return call.line.closed and call.finished


@pytest.mark.parametrize("act", [EndCall(), Transfer()])
@pytest.mark.parametrize("line", [{}, {"lose_marks": True}, {"delay_s": 0.3}], ids=["", "no marks", "far"])
def test_f2_f3_our_side_closes_once_the_reply_was_heard(act, line):
    """F2, F3: to its end, and a moment; a lost mark only delays it; nothing of the call is left."""
    call = deciding((act,), **line).run(13, hang_up=False)
    assert call.texts == [GREETING, FIRST, SECOND]
    end = call.heard[-1]
    assert end.until_s - end.at_s == pytest.approx(len(SECOND) * 0.06, abs=0.03)
    ((at_s, call_sid, outcome),) = call.office.ends
    assert (call_sid, outcome) == ("CA1", act)
    assert end.until_s + GRACE_S <= at_s <= end.until_s + GRACE_S + 1.4
    assert call.lines(f"CALL_ENDS {type(act).__name__}")
    assert closed_by_us(call) and call.runtime.alive() == []
    assert call.stt.open_streams == call.llm.open_streams == call.voice.open_streams == 0


def test_b3_a_lead_is_kept_with_the_first_frame_of_the_reply():
    """B3: not while it is thought about, nor once more at its end; the call goes on."""
    call = deciding((LEAD,)).run(12, hang_up=False)
    ((at_s, call_sid, caller, details),) = call.office.found
    assert (call_sid, caller, details) == ("CA1", call.line.caller, LEAD.details)
    assert at_s == pytest.approx(REPLY_AT_S, abs=0.1)
    assert (call.office.outcomes, call.finished) == ([], False)


def test_b3_a_lead_has_its_callers_number():
    """B3: "to the number I am calling from" is no number for the office; Twilio's parameter says it."""
    call = deciding((LEAD,), caller="+972501112222").run(12, hang_up=False)
    assert [lead.caller for lead in call.office.found] == ["+972501112222"]


def test_b3_what_is_decided_while_we_speak_is_done_then():
    """B3: the LLM is slower than its first sentence."""
    call = deciding((LEAD, EndCall()))
    call.llm.sentence_s = 1.0
    call.run(14, hang_up=False)
    ((lead_s, *_),), ((end_s, *_),) = call.office.found, call.office.ends
    assert REPLY_AT_S + 0.5 < lead_s < REPLY_AT_S + 1.5
    assert end_s >= REPLY_AT_S + REPLY_S


def test_b3_the_same_lead_is_kept_once_a_call():
    """B3: the LLM decides it in every turn."""
    sounds = [Sound(3 + 6 * n, 1.5) for n in range(3)]
    other = SaveLead((("name", "רון"),))
    call = deciding((LEAD,), (LEAD,), (LEAD, other), sounds=sounds).run(24)
    assert call.office.leads == [LEAD.details, other.details]


def test_b3_a_superseded_turn_leaves_no_trace():
    """B3, A6: the caller goes on while the reply waits for its breath."""
    sounds = [OPENING, Sound(5.2, 1.0)]
    call = deciding((LEAD, EndCall()), sounds=sounds, stt=["אני", "מחפש דירה"]).run(14, hang_up=False)
    assert [request.text for request in call.llm.requests] == ["אני", "אני מחפש דירה"]
    assert (call.office.leads, call.office.outcomes, call.finished) == ([], [], False)


def test_g3_an_overdue_turn_decides_nothing():
    """B3, G3: our line is said in its place, and the call goes on."""
    call = deciding((LEAD, EndCall()), llm_s=3.47, knobs={"llm_first_token_timeout_ms": 9000})
    call.run(14, hang_up=False)
    assert call.texts[-1] == OURS.llm_failed[0]
    assert (call.office.leads, call.office.outcomes, call.finished) == ([], [], False)


def test_g2_a_llm_that_failed_decides_nothing():
    """G2: the acts of a stream that broke are not known."""
    call = deciding((EndCall(),), reply=lambda request: ProviderError("down")).run(12, hang_up=False)
    assert (call.texts[-1], call.office.outcomes, call.finished) == (OURS.llm_failed[0], [], False)


def test_f2_who_interrupts_the_goodbye_is_answered():
    """F2, D2: the call goes on with the caller's words."""
    sounds = [OPENING, Sound(REPLY_AT_S + 1.0, 1.2)]
    call = deciding((EndCall(),), sounds=sounds, stt=["זה הכול", "רגע עוד משהו"]).run(18, hang_up=False)
    assert call.lines("BARGE_IN: interrupt")
    assert [request.text for request in call.llm.requests] == ["זה הכול", "רגע עוד משהו"]
    assert (call.office.outcomes, call.finished) == ([], False)


def test_f2_a_cough_over_the_goodbye_only_delays_it():
    """F2, D4: it goes on from where it was cut, is heard to its end, and the call ends."""
    sounds = [OPENING, Sound(REPLY_AT_S + 1.0, 0.1, NOISE)]
    call = deciding((EndCall(),), sounds=sounds).run(14, hang_up=False)
    assert sum(said.until_s - said.at_s for said in call.heard[1:]) >= REPLY_S - 0.1
    assert call.office.outcomes == [EndCall()]
    assert closed_by_us(call)


def test_f2_a_goodbye_that_was_cut_for_nothing_is_said_again_and_the_call_ends():
    """F2, D4: confirmed and then empty."""
    sounds = [OPENING, Sound(REPLY_AT_S + 0.8, 0.6)]
    call = deciding((LEAD, EndCall()), sounds=sounds, stt=["זה הכול", ""]).run(16, hang_up=False)
    assert call.texts[-1] == SECOND
    assert len(call.office.leads) == 1
    assert closed_by_us(call)


@pytest.mark.parametrize("for_s", [0.8, 4.5], ids=["said over it", "still speaking at its end"])
def test_f2_who_speaks_over_the_goodbye_is_not_hung_up_on(for_s):
    """F2, D5: BARGE_IN=false; the answer that is owed comes, and the call goes on."""
    sounds = [OPENING, Sound(REPLY_AT_S + 0.5, for_s)]
    knobs = {"barge_in": False}
    call = deciding((EndCall(),), sounds=sounds, stt=["זה הכול", "רגע עוד משהו"], knobs=knobs)
    call.run(18, hang_up=False)
    assert [request.text for request in call.llm.requests] == ["זה הכול", "רגע עוד משהו"]
    assert (call.office.outcomes, call.finished) == ([], False)


def test_f3_only_the_first_outcome_counts():
    """F2, F3: the call is over for us with it; who was promised a person is not hung up on."""
    call = deciding((Transfer(), EndCall())).run(13, hang_up=False)
    assert call.office.outcomes == [Transfer()]


def test_f2_after_the_goodbye_nothing_is_heard_or_said():
    """F2: once its moment has passed, what is said is not answered."""
    call = deciding((EndCall(),), sounds=[OPENING, Sound(10.2, 1.5)]).run(16, hang_up=False)
    assert len(call.llm.requests) == 1 and call.texts[-1] == SECOND


def test_b3_a_disk_that_hangs_does_not_hold_the_call():
    """B3, F6: a lead is kept on a thread of its own."""
    call = deciding((LEAD,))
    never = call.runtime.condition()

    def hangs(call_sid, caller, details):
        with never:
            never.wait()

    call.office.save_lead = hangs
    call.run(12)
    assert call.texts[1:] == [FIRST, SECOND]
    assert call.finished and call.runtime.alive() == ["lead"]


def slow(call, seconds):
    """The call's store takes so long; when it was done."""
    done, never = [], call.runtime.condition()

    def puts(call_sid, outcome):
        with never:
            never.wait(seconds)
        done.append((call.runtime.now, call.line.closed, outcome))

    call.office.close_call = puts
    return done


def test_f2_other_processes_know_before_the_socket_is_closed():
    """F2, F3: Twilio asks what follows as soon as it is."""
    call = deciding((EndCall(),))
    done = slow(call, 0.4)
    call.run(13, hang_up=False)
    ((_, closed, outcome),) = done
    assert (closed, outcome) == (False, EndCall())
    assert closed_by_us(call)


def test_f6_a_store_that_hangs_does_not_hold_the_call():
    """F2, F6: it is given half a second, then the call ends without it."""
    call = deciding((Transfer(),))
    slow(call, None)
    call.run(13, hang_up=False)
    assert call.finished and call.runtime.alive() == ["outcome"]
    ended_s = next(task.ended_at for task in call.runtime.tasks if task.name == "call")
    decided_s = call.heard[-1].until_s
    assert ended_s - decided_s < GRACE_S + 1.1
    assert call.lines("WS_LEFT 1 threads")


def test_f3_a_handler_on_its_own_is_heard_by_the_webhooks_of_the_same_knobs(tmp_path):
    """F2, F3: mounted in a host's own route, without our application; what it shares is its own."""
    knobs = {"state_file": str(tmp_path / "state" / "agent.db")}
    call = deciding((Transfer(),), knobs=knobs)
    call.host = {}
    call.run(13, hang_up=False)
    assert closed_by_us(call)
    assert shared_state_of("", call.config.state_file).outcome("CA1") == Transfer()
    assert shared_state_of("", "").outcome("CA1") is None
