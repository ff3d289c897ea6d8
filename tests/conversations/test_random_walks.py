"""What must hold on every call: random sounds, keys, engine delays and failures, lost marks and frames.

The real shell and core run in simulated time; hypothesis looks for the call that breaks a promise.
"""

from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from server.call.provider_runner import AFTER_CALL_S
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.speak.speakable import speakable
from server.providers.base import ProviderError
from server.settings.turn_params import dialogue_params
from server.turns.actions import GenerateReply
from server.turns.calm import Calm
from server.turns.effects import EndCall, SaveLead, Transfer
from server.turns.events import FinalTranscript
from server.turns.machine import TurnMachine
from server.turns.phases import State
from tests.simtime.call import SimCall
from tests.simtime.line import LOUD, NOISE, VOICE, Silence, Sound, numbers
from tests.simtime.office import Office
from tests.simtime.walks import walks

CLOSED_IN_S = 10.5  # five for who speaks, our line, a second for a mark that is lost, one for its end
QUIET_END_S = 32.0  # long enough for whatever was going on to come to its end

seconds = st.integers(0, 900).map(lambda n: n / 50)
sound = st.builds(
    Sound,
    seconds,
    st.integers(1, 150).map(lambda n: n / 50),
    st.sampled_from([VOICE, VOICE, VOICE, NOISE]),
    st.sampled_from([0x32, 0x2A, LOUD]),
)
delay = st.sampled_from([0.0, 0.05, 0.2, 0.4, 0.9, 1.6])
LEAD = SaveLead((("name", "דנה"),))
decided = st.sampled_from([(), (), (), (LEAD,), (LEAD, EndCall()), (Transfer(),)])
result = st.sampled_from(["works", "works", "works", "works", "fails", "hangs", "…"])
said = st.sampled_from(
    [
        *(
            "אחת",
            "שתיים",
            "",
            "רגע אחד בבקשה",
            "אהה",
            "לא",
            "אני מחפש דירה של",
            "אפשר לדבר עם נציג",
            "להתראות",
        ),
        *(None, "!"),
    ]
)


@st.composite
def calls(draw):
    """A call that is over by 20 s and quiet after it."""
    stt = draw(st.lists(said, min_size=1, max_size=5))
    llms = draw(st.lists(result, min_size=1, max_size=6))
    counter = iter(range(1, 1000))
    asked = []

    def reply(request):
        number = next(counter)
        asked.append((number, request.text))
        outcome = llms[(number - 1) % len(llms)]
        if outcome == "hangs":
            return None
        if outcome == "…" and (request.may_wait or request.may_listen):
            return outcome
        return ProviderError("down") if outcome == "fails" else sentences(number)

    call = SimCall(
        draw(st.lists(sound, max_size=8)),
        stt=[ProviderError("down") if heard == "!" else heard for heard in stt],
        reply=reply,
        asr_s=draw(delay),
        llm_s=draw(delay),
        tts_s=draw(st.sampled_from([0.0, 0.1, 0.5])),
        delay_s=draw(st.sampled_from([0.0, 0.08])),
        lose_marks=draw(st.booleans()),
        keys=draw(st.lists(st.tuples(seconds, st.sampled_from("15#")), max_size=3)),
        knobs={
            "barge_in": draw(st.booleans()),
            "barge_in_early_stop": draw(st.booleans()),
            "barge_in_style": draw(st.sampled_from(["stop", "dip"])),
            "speculative_turns": draw(st.booleans()),
            "idle_prompt_sec": draw(st.sampled_from([0, 0, 2])),
            "transfer_number": draw(st.sampled_from(["", "+97231234567"])),
        },
    )
    call.stt.partials = draw(st.sampled_from([[], [], ["אחת"], ["אהה"], ["אהה"], ["אני מחפש דירה של"]]))
    call.llm.sentence_s = draw(st.sampled_from([0.0, 0.3]))
    lost = draw(seconds)
    call.line.lost_from_s, call.line.lost_until_s = lost, lost + draw(st.sampled_from([0.0, 0.5]))
    if not call.line.lose_marks:  # with neither marks nor frames a line is dead
        call.line.silence = draw(st.sampled_from([Silence.SENT, Silence.SENT, *Silence]))
    stalled = draw(seconds)
    call.line.stalled_from_s = stalled
    call.line.stalled_until_s = stalled + draw(st.sampled_from([0.0, 0.0, 0.4, 1.5]))
    call.asked = asked
    Office(call)
    acts, respond = draw(st.lists(decided, min_size=1, max_size=4)), call.llm.respond

    def responds(request, timeout_s):
        call.llm.acts = acts[len(call.llm.requests) % len(acts)]
        return respond(request, timeout_s)

    call.llm.respond = responds
    return call


def sentences(number):
    return f"משפט ראשון בתשובה מספר {number}. משפט שני בתשובה מספר {number}?"


# The voice is given words (E6): which answer it was is read back from them.
NUMBERS = {
    speakable(sentence): number for number in range(1, 60) for sentence in split_sentences(sentences(number))
}


def reply_number(said):
    return NUMBERS.get(said.text)


@walks
@given(calls())
def test_every_call_keeps_its_promises(call):
    """B1, B2, B3, C4, F2, F6, G3: see the assertions."""
    call.run(18 + QUIET_END_S, hang_up=False)
    dialogue = call.machine

    # No state without a way back to LISTENING, and nothing that was said is left unanswered.
    assert dialogue.state is State.LISTENING
    assert dialogue.turn is None
    assert dialogue.users.pending.segments == []
    assert not call.lines("CALL_ERR") and not call.lines("TX_ERR") and not call.lines("RX_ERR")

    check_answers(call)
    check_no_silence(call)
    check_frames(call)
    check_replay(call)
    check_acts(call)

    call.line.deliver({"event": "stop"})
    call.until(call.runtime.now + 1.5)
    check_nothing_is_left(call)


def check_nothing_is_left(call):
    """F6: the call is over; what is understood behind it is awaited for a few seconds, and has no voice."""
    assert call.finished and call.voice.open_streams == 0
    call.until(call.runtime.now + AFTER_CALL_S)
    assert call.runtime.alive() == [] and call.afterwards.going_on == 0
    assert call.stt.open_streams == call.llm.open_streams == call.voice.open_streams == 0
    assert not call.lines("CALL_ERR")  # AFTER_CALL_ERR too


def check_answers(call):
    """No stale worker is heard: replies come in the order they were asked, and none twice."""
    numbers_heard = [number for said in call.heard if (number := reply_number(said)) is not None]
    assert numbers_heard == sorted(numbers_heard)
    for text in set(call.texts):
        if "בתשובה מספר" in text:
            whole = sum(
                said.until_s - said.at_s >= 0.06 * len(text) - 0.05
                for said in call.heard
                if said.text == text
            )
            assert whole <= 1, f"heard twice: {text}"


def check_no_silence(call):
    """A6, D4: whatever cut it off, a reply goes on or something else is said; so behind the last words."""
    history = call.machine.call.history.lines
    assert not (history and history[-1].interrupted)
    words = [
        at
        for (event, _), at in zip(call.events, call.event_times, strict=True)
        if isinstance(event, FinalTranscript) and event.text not in ("", "אהה")
    ]
    if words and not call.finished:
        assert any(said.until_s > words[-1] for said in call.heard) or call.beeped


def check_frames(call):
    """No caller frame is lost between onset and end, none heard by two utterances."""
    delivered = [number for number in range(50 * 50) if frame_carries_sound(call.line, number / 50)]
    seen = set()
    for heard in call.stt.heard:
        frames = numbers(heard)
        assert frames == [number for number in delivered if frames[0] <= number <= frames[-1]]
        assert not seen & set(frames)
        seen |= set(frames)


def check_acts(call):
    """B3, F2, F3: each is done once; what closes the call was decided, and its reply heard to the end."""
    left = call.host["leads"].acts
    outcomes = [act for act in left if not isinstance(act, SaveLead)]
    assert left.count(LEAD) <= 1 and len(outcomes) <= 1
    assert call.finished is bool(outcomes or call.lines("WS_STALLED"))  # a line that sends nothing, for 9 s
    if outcomes:
        ends = [line for line in call.log if "CALL_ENDS" in line or "tts_done" in line]
        assert "tts_done" in ends[-2] and "CALL_ENDS" in ends[-1]


def check_replay(call):
    """Time: the events alone give the same call again, and where every rule is asked at every frame too."""
    again = TurnMachine(dialogue_params(call.config))
    for event, actions in call.events:
        assert again.handle(event) == actions
    with patch.object(Calm, "begin", lambda calm: None):
        restless = TurnMachine(dialogue_params(call.config))
        for event, actions in call.events:
            assert restless.handle(event) == actions


def frame_carries_sound(line, at_s):
    lost = line.lost_from_s <= at_s < line.lost_until_s
    return not lost and any(s.at_s - 1e-9 <= at_s < s.at_s + s.for_s - 1e-9 for s in line.sounds)


@walks
@given(calls(), st.integers(1, 1500).map(lambda n: n / 50), st.integers(0, 3))
def test_a_call_ends_in_time_when_the_server_goes(call, closes_s, again):
    """F4: whatever it was doing; nobody thinks any more, the last line is whole, and no act is done twice."""
    for n in range(1 + again):
        call.runtime.call_at(closes_s + 0.7 * n, lambda: call.handler.close_down())
    call.run(closes_s + CLOSED_IN_S, hang_up=False)
    assert not call.lines("CALL_ERR") and not call.lines("TX_ERR") and not call.lines("RX_ERR")
    check_nothing_is_left(call)
    check_answers(call)
    check_replay(call)
    left = call.host["leads"].acts
    outcomes = [act for act in left if not isinstance(act, SaveLead)]
    # A line that is dead as well is closed without one (G2).
    assert len(outcomes) == (not call.lines("WS_STALLED"))
    assert all(left.count(lead) == 1 for lead in left)
    thought = [
        at
        for (event, actions), at in zip(call.events, call.event_times, strict=True)
        if any(isinstance(action, GenerateReply) and not action.gone for action in actions)
    ]
    assert all(at <= closes_s for at in thought)
    if any(said.at_s > closes_s for said in call.heard):
        last = call.heard[-1]
        assert last.until_s - last.at_s >= 0.06 * len(last.text) - 0.05


@walks
@given(calls(), st.integers(0, 900).map(lambda n: n / 50), st.booleans())
@example(SimCall([]), 0.0, True)
def test_a_call_may_end_at_any_moment(call, at_s, politely):
    """F6: whatever it was doing, within a second nothing of it is left."""
    call.run(at_s, hang_up=False)
    if politely:
        call.line.deliver({"event": "stop"})
    else:
        call.line.receiver.close()
    call.until(at_s + 1.2)
    check_nothing_is_left(call)
