"""F8: what a call remembers at every moment, and how another machine goes on with it."""

from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.understand.gender import Gender
from server.turns.effects import EndCall, Expected, Line, SaveLead, Speaker, Transfer
from server.turns.events import (
    DigitPressed,
    FinalTranscript,
    InterimTranscript,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    StreamStarted,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.expected_input import Asked, InputMemory
from server.turns.history import HistoryMemory
from server.turns.machine import TurnMachine
from server.turns.memory import MAX_BYTES, VERSION, CallMemory, Parting, from_json, to_json
from server.turns.prompts import to_caller
from server.turns.taking_up import LISTENS_FRAMES
from tests.turns.effects import NOTHING, asks, effects, says
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    CALLED,
    COUGH,
    EXPECTED,
    FINISHED,
    FIRST,
    GRACE,
    GREETING,
    GREETS,
    INTERRUPTED,
    PARAMS,
    SECOND,
    SPEAKING,
    SPOKE,
    UNDERSTOOD,
    after,
    heard_of,
    play,
)
from tests.wording import OURS

CUT, GO_ON = OURS.cut_off, OURS.cut_off_go_on
SOON = "." * LISTENS_FRAMES
QUESTION = "באיזו עיר לחפש?"
ASKING = [*UNDERSTOOD, ReplySentence(1, QUESTION), TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), ReplyDone(1)]
HEARD_QUESTION = [*ASKING, PlayoutRoom(200), "." * 100, MarkReturned("1.0.0")]


def memory_after(events, params=PARAMS):
    """What is remembered then, as it comes back from a store."""
    return from_json(to_json(after(events, params).memory))


def taken_up(memory, params=PARAMS):
    """Another machine, at the start of its stream."""
    machine = TurnMachine(params)
    assert effects(machine, replace(CALLED, memory=memory)) == NOTHING
    return machine


def goes_on(events, params=PARAMS):
    return taken_up(memory_after(events, params), params)


def heard(turn_id, count):
    """Events by which so many sentences of a turn are made, and heard to their end."""
    made = ((TtsAudio(turn_id, n, AUDIO), TtsSentenceDone(turn_id, n)) for n in range(count))
    marks = [MarkReturned(f"{turn_id}.{n}.0") for n in range(count)]
    return [*chain.from_iterable(made), PlayoutRoom(1000), "." * 100 * count, *marks]


@pytest.mark.parametrize(
    "events, said",
    {
        "in the middle of an answer": (SPEAKING, (CUT, FIRST)),
        "in its second sentence, when the first was heard": (
            [
                *ANSWERED,
                ReplySentence(1, SECOND),
                TtsAudio(1, 1, AUDIO),
                TtsSentenceDone(1, 1),
                ReplyDone(1),
                PlayoutRoom(150),
                "." * 100,
                MarkReturned("1.0.0"),
            ],
            (CUT, SECOND),
        ),
        "behind a question": (HEARD_QUESTION, (CUT, QUESTION)),
        "while the question is answered, and no word of that is known": (
            [*HEARD_QUESTION, "." * 40, "#" * 40],
            (CUT, QUESTION),
        ),
        "behind an answer that asks nothing": (FINISHED, (GO_ON,)),
        "while the caller says why they have interrupted": (INTERRUPTED, (GO_ON,)),
    }.values(),
)
def test_f8_what_was_being_said_or_asked_is_said_again(events, said):
    """F8: behind one short line, in place of the greeting; the caller has listened for 200 ms."""
    machine = goes_on(events)
    assert effects(machine, SOON[1:]) == NOTHING
    assert effects(machine, ".") == says(*said)


@pytest.mark.parametrize(
    "events",
    {
        "while its last words are awaited": ["#" * 40, InterimTranscript(1, ASKED), "." * 25],
        "while the LLM thinks": UNDERSTOOD,
        "when half of the answer is there": [*ANSWERED, PlayoutRoom(23)],
    }.values(),
)
def test_f8_words_that_are_owed_an_answer_are_answered(events):
    """F8: behind the line. What was said of an answer whose end nobody knows is said anew."""
    memory = memory_after(events)
    machine = taken_up(memory)
    assert effects(machine, SOON) == says(CUT)
    told = effects(machine, *heard(1, 1), ReplyDelay(2, 0))
    assert told.asked == asks(ASKED, heard_of(CUT), turn_number=memory.history.committed_turns + 1).asked


def test_f8_a_dictation_goes_on_where_it_was():
    """F8, A6: the caller speaks at once: no apology over their voice, and one answer to both parts."""
    machine = goes_on(UNDERSTOOD)
    told = effects(machine, "." * 3, SPOKE, FinalTranscript(1, "ומה המחיר", 0.9))
    assert told.asked == asks(f"{ASKED} ומה המחיר").asked and told.said == []


def test_f8_a_turn_that_is_held_is_owed():
    """F8, A7: the LLM has found it unfinished, and who goes on is joined with it."""
    events = [SPOKE, ReplyDelay(1, 0), FinalTranscript(1, "אני מחפש דירה של", 0.9)]
    assert memory_after(events).owed == "אני מחפש דירה של"
    machine = goes_on(events)
    assert effects(machine, SOON) == says(CUT)
    told = effects(machine, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), PlayoutRoom(100), "." * 90, SPOKE)
    told += effects(machine, MarkReturned("1.0.0"), FinalTranscript(1, "שלושה חדרים", 0.9))
    assert [question.text for question in told.asked] == ["אני מחפש דירה של שלושה חדרים"]


def test_f8_a_yes_answers_the_question_that_was_asked_before():
    """F8, E1: an offer of a person, repeated; a plain yes takes it."""
    asked = CallMemory(
        history=HistoryMemory((Line(Speaker.AGENT, OURS.offer_person),)),
        input=InputMemory(asked=Asked.PERSON),
    )
    machine = taken_up(asked)
    machine.call.person_available(True)
    offer = OURS.offer_person.rpartition(". ")[2]
    assert effects(machine, SOON) == says(CUT, offer)
    effects(machine, *heard(1, 2))
    told = effects(machine, "." * 40, SPOKE, FinalTranscript(1, "כן", 0.9))
    assert told.said == [OURS.handing_over]


@pytest.mark.parametrize("act, parting", [(EndCall(), Parting.END_CALL), (Transfer(), Parting.TRANSFER)])
@pytest.mark.parametrize("ended", [False, True], ids=["said", "just heard"])
def test_f8_a_call_that_was_about_to_end_ends(act, parting, ended):
    """F8, F2: the closing line is heard whole, and nothing else is asked."""
    machine = TurnMachine(PARAMS)
    machine.call.person_available(True)
    play(machine, [*ANSWERED, ReplyDone(1, acts=(act,)), PlayoutRoom(100)])
    if ended:
        play(machine, ["." * 100, MarkReturned("1.0.0")])
    memory = from_json(to_json(machine.memory))
    assert (memory.saying, memory.parting) == ((FIRST,), parting)
    again = taken_up(memory)
    assert effects(again, SOON) == says(CUT, FIRST)
    assert effects(again, *heard(1, 2), GRACE).done == [act]


def test_f8_who_speaks_first_is_answered_and_hears_no_more_of_it():
    """F8: as with a greeting (B6)."""
    machine = goes_on(HEARD_QUESTION)
    told = effects(machine, SPOKE, ReplyDelay(1, 0), FinalTranscript(1, "חיפה", 0.9), ReplySentence(1, FIRST))
    told += effects(machine, ReplyDone(1), *heard(1, 1), "." * 100)
    assert told.said == [FIRST]


@pytest.mark.parametrize("sound", [COUGH, [SPOKE, FinalTranscript(1, "", None)]], ids=["noise", "no word"])
def test_f8_a_sound_that_is_nothing_only_delays_it(sound):
    """F8, A5."""
    machine = goes_on(HEARD_QUESTION)
    told = effects(machine, *sound, "." * 60)
    assert told.said[:2] in ([CUT, QUESTION], [OURS.unclear[0]])


@pytest.mark.parametrize("params", [GREETS, replace(GREETS, greeting_protected=True)])
def test_f8_who_has_heard_nothing_of_us_is_greeted(params):
    """F8, B6."""
    assert effects(goes_on([CALLED], params), SOON) == says(GREETING)


def test_f8_a_greeting_that_was_cut_is_said_again_and_a_notice_as_one():
    """F8, B6: a notice is heard to its end, whatever is said over it."""
    events = ["." * 40, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), PlayoutRoom(50)]
    assert effects(goes_on(events, GREETS), SOON) == says(CUT, GREETING)
    assert effects(goes_on(events, replace(GREETS, greeting_protected=True)), SOON) == says(GREETING)


def test_f8_the_call_is_as_old_as_it_was():
    """F8, F4: MAX_CALL_SEC counts on; F7: who has asked to wait is left alone."""
    params = replace(PARAMS, call_frames=400, idle_frames=300, hold_frames=4500)
    memory = memory_after(FINISHED, params)
    assert memory.frames == sum(len(event) for event in FINISHED if isinstance(event, str))
    machine = taken_up(replace(memory, frames=390), params)
    effects(machine, SOON, *heard(1, 1))
    assert effects(machine, "." * 400).said == [OURS.time_is_up]
    held = taken_up(replace(memory, hold_frames=4500, prompts=1), params)
    assert held.patience_frames == 4500 and held.memory.prompts == 1


def test_f8_leads_gender_and_what_is_expected_are_known_still():
    """F8: an LLM that decides the same again writes nothing twice."""
    lead = SaveLead.of(name="דנה")
    said = [SPOKE, ReplyDelay(1, 0), FinalTranscript(1, "אני מחפשת דירה", 0.9), ReplySentence(1, FIRST)]
    said += [TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), ReplyDone(1, EXPECTED, (lead,)), *heard(1, 1)[2:]]
    machine = goes_on(said)
    assert machine.call.input.expected == EXPECTED
    assert machine.call.leads.apply([lead]) == []
    assert machine.call.worded(OURS.message_taken) == to_caller(OURS.message_taken, Gender.FEMININE)
    assert machine.call.history.committed_turns == 1


def test_f8_keys_that_are_not_answered_yet_are_remembered():
    """F8, F5."""
    machine = after([DigitPressed("1"), DigitPressed("2"), DigitPressed("#")])
    assert machine.memory.owed == "12"


texts = st.text(st.characters(codec="utf-8"), max_size=300)
lines = st.builds(Line, st.sampled_from(Speaker), texts, st.booleans())
memories = st.builds(
    CallMemory,
    history=st.builds(
        HistoryMemory,
        st.lists(lines, max_size=12).map(tuple),
        st.lists(texts, max_size=4).map(tuple),
        st.sampled_from([None, *Gender]),
        st.integers(0, 500),
    ),
    input=st.builds(
        InputMemory,
        st.builds(Expected, st.lists(texts, max_size=4).map(tuple), st.none() | st.integers(1, 20)),
        st.sampled_from([None, *Asked]),
        st.booleans(),
    ),
    leads=st.lists(
        st.builds(SaveLead, st.lists(st.tuples(texts, texts), max_size=3).map(tuple)), max_size=3
    ).map(tuple),
    owed=texts,
    saying=st.lists(texts, max_size=3).map(tuple),
    parting=st.sampled_from([None, *Parting]),
    frames=st.integers(0, 10**6),
)


@given(memories)
def test_f8_a_memory_comes_back_or_a_smaller_one(memory):
    """F8: what is small enough as it was; of all else the oldest lines are gone first."""
    written = to_json(memory)
    again = from_json(written)
    assert len(written.encode()) <= MAX_BYTES and again is not None
    if again != memory:
        kept = again.history.lines
        assert kept == memory.history.lines[len(memory.history.lines) - len(kept) :]
        if kept:
            assert replace(again, history=memory.history) == memory


@given(st.integers(2000, 6000))
def test_f8_even_the_largest_memory_is_bounded(size):
    """F8: whatever a host's LLM has made of it."""
    large = "ש" * size
    memory = CallMemory(
        HistoryMemory((Line(Speaker.AGENT, large),) * 9, (large,) * 3),
        InputMemory(Expected((large,))),
        (SaveLead((("notes", large),)),),
        large,
        (large, large),
    )
    assert len(to_json(memory).encode()) <= MAX_BYTES


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"version":0}', f'{{"version":{VERSION},"frames":"x"}}', '{"asked":"?"']
)
def test_f8_what_is_no_memory_of_this_version_is_none(text):
    """F8: another version is rolled out, or the store holds something else."""
    assert from_json(text) is None


def test_f8_a_stream_that_takes_nothing_up_is_a_call_like_any():
    """F8: nothing is said of a cut to who was not cut off."""
    machine = TurnMachine(GREETS)
    assert effects(machine, StreamStarted(), "." * 40) == says(GREETING)


def test_f8_a_voice_that_keeps_the_line_back_and_was_nothing_does_not_cost_it():
    """F8, E1: a short sound without words drops it before its first frame, and it comes again."""
    machine = goes_on(HEARD_QUESTION)
    assert effects(machine, SOON) == says(CUT, QUESTION)
    told = effects(machine, "#" * 12 + "." * 40, FinalTranscript(1, "", None), *SOON)
    assert told.said == [CUT, QUESTION]
