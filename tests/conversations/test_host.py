"""Newcomer 5, 10: a host's own ``respond``: what it is told, what it does. Whole calls in simulated time."""

import logging

import pytest

from server.app import Call, EndCall, Gender, Line, Reply, SaveLead, Speaker, Transfer
from tests.simtime.call import GREETING, SimCall, worded
from tests.simtime.line import Sound
from tests.simtime.office import Office
from tests.wording import OURS

OPENING = Sound(3.0, 1.5)
SECOND = Sound(9.0, 1.5)
PERSON = {"transfer_number": "+97231234567"}


def answering(respond, *sounds, stt=("אני מחפשת דירה", "שלושה חדרים"), caller="+972501112222", knobs=None):
    """A call whose LLM is a host's function; ``caller``: as Twilio tells it."""
    call = SimCall(list(sounds or (OPENING,)), stt=list(stt), knobs=PERSON | (knobs or {}))
    call.office = Office(call)
    call.host["respond"] = respond
    deliver = call.line.deliver

    def with_number(message):
        if message["event"] == "start":
            message["start"]["customParameters"] = {"from": caller}
        deliver(message)

    call.line.deliver = with_number
    return call


def test_what_it_is_told():
    """Newcomer 5: the history is what was heard of us, and the caller's words."""
    told = []

    def respond(text, call):
        told.append((text, call))
        return "באיזה אזור?" if len(told) == 1 else "מצוין, נחפש."

    answering(respond, OPENING, SECOND).run(16)
    first = Call("+972501112222", "CA1", told[0][1].history, Gender.FEMININE, 1, True)
    assert told[0] == ("אני מחפשת דירה", first)
    said = (Line(Speaker.CALLER, "אני מחפשת דירה"), Line(Speaker.AGENT, "באיזה אזור?"))
    second = Call("+972501112222", "CA1", (*first.history, *said), Gender.FEMININE, 2, True)
    assert told[1] == ("שלושה חדרים", second)


@pytest.mark.parametrize("caller", ["anonymous", ""])
def test_a_hidden_number_is_none(caller):
    told = []
    answering(lambda text, call: told.append(call.number) or "כן?", caller=caller).run(12)
    assert told == [""]


def streamed(text):
    yield SaveLead.of(name="דנה", rooms=4)
    yield "רשמתי, תודה. "
    yield EndCall()
    yield "להתראות."


@pytest.mark.parametrize(
    "respond",
    [
        lambda text: Reply("רשמתי, תודה. להתראות.", acts=[SaveLead.of(name="דנה", rooms=4), EndCall()]),
        streamed,
    ],
    ids=["reply", "stream"],
)
@pytest.mark.parametrize("early", [False, True])
def test_it_saves_a_lead_and_hangs_up(respond, early):
    """F2: once each, and not before its words were heard."""
    call = answering(respond, knobs={"speculative_turns": early}).run(14, hang_up=False)
    assert call.texts[1:] == ["רשמתי, תודה.", "להתראות."]
    (lead,) = call.office.found
    assert lead[1:] == ("CA1", "+972501112222", (("name", "דנה"), ("rooms", "4")))
    assert [end[1:] for end in call.office.ends] == [("CA1", EndCall())]
    assert call.finished and call.runtime.alive() == []


def test_it_hands_over():
    """F3."""
    call = answering(lambda text: Reply("אני מעבירה.", [Transfer()])).run(14, hang_up=False)
    assert (call.texts[1:], call.office.outcomes) == (["אני מעבירה."], [Transfer()])


def test_it_wants_to_hand_over_to_nobody():
    """F3: the caller hears so, and the call goes on."""
    call = answering(lambda text: Reply(acts=Transfer()), knobs={"transfer_number": ""}).run(
        14, hang_up=False
    )
    assert call.texts[1:] == [worded(OURS.no_person)]
    assert (call.office.outcomes, call.finished) == ([], False)


def test_words_that_were_not_all_do_nothing():
    """B3: it was asked for half a sentence, and what it decided then is not done."""
    asked = []

    def respond(text):
        asked.append(text)
        return Reply("בבקשה, בשמחה.", [SaveLead.of(notes=len(asked))])

    sounds = [OPENING, Sound(OPENING.at_s + OPENING.for_s + 0.45, 1.0)]
    call = answering(respond, *sounds, knobs={"speculative_turns": True}).run(14)
    assert len(asked) == 2
    assert call.office.leads == [(("notes", "2"),)]


@pytest.mark.parametrize("respond", [lambda text: None, lambda text: "", lambda text: 1 / 0, lambda text: {}])
def test_no_answer_gets_a_line_of_ours(respond):
    """G2: and not an answer of another LLM, which knows nothing of the host's business."""
    call = answering(respond).run(12, hang_up=False)
    assert call.texts[1:] == [OURS.llm_failed[0]]
    assert [line for line in call.log if line.startswith("LLM_ERR: host respond: ")]
    assert not call.finished


def test_what_failed_in_the_middle_decides_nothing(caplog):
    """G2: what was said is heard, and the traceback is there."""

    def respond(text):
        yield "רגע, אני בודקת. "
        yield EndCall()
        raise KeyError("db")

    call = answering(respond).run(12, hang_up=False)
    assert call.texts[1] == "רגע, אני בודקת."
    assert (call.office.outcomes, call.finished) == ([], False)
    (failure,) = [record for record in caplog.records if "host respond" in record.getMessage()]
    assert failure.levelno == logging.ERROR and failure.exc_info


def test_who_hangs_up_closes_its_stream():
    """F6: nothing of the call is left, whatever the stream still had to say."""
    closed = []

    def respond(text):
        try:
            for _ in range(1000):
                yield "עוד משפט אחד. "
        finally:
            closed.append(True)

    call = answering(respond).run(7)
    assert closed == [True, True]  # nobody heard what it did behind all that: it was asked once more
    assert call.runtime.alive() == []


def test_the_greeting_is_ours():
    call = answering(lambda text: "כן?").run(3)
    assert call.texts == [GREETING]
