"""The turn machine, one event at a time: who speaks, and what is too late to matter."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.turns.actions import (
    CancelRecognition,
    CancelTurn,
    FinishRecognition,
    SendAudio,
    SendClear,
    SendMark,
    StartRecognition,
    StartTurn,
    Synthesize,
)
from server.turns.effects import Expected
from server.turns.events import (
    DigitPressed,
    FinalTranscript,
    InterimTranscript,
    LlmFailed,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    StreamStarted,
    SttFailed,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.machine import TurnMachine
from server.turns.playout import HINT_INDEX
from server.turns.prompts import asking_again, in_turn
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    CANDIDATE,
    COMPLETE,
    COUGH,
    EXPECTED,
    FINISHED,
    FIRST,
    HINT,
    INTERRUPTED,
    OPEN,
    PARAMS,
    SAID,
    SECOND,
    SENT,
    SHORT_FIRST,
    SPEAKING,
    SPOKE,
    STOPS_EARLY,
    THINKING,
    UNDERSTOOD,
    L,
    S,
    T,
    after,
    heard_of,
    logged,
    play,
    think,
    told,
)
from tests.wording import OURS

CASES = {  # name: (before, event, actions, state after)
    # listening
    "silence is nothing": ([], "." * 200, [], L),
    "an onset opens ears": ([], "###", [OPEN], L),
    "a confirmed voice has them": (["###"], "###", [], L),
    "noise closes them": (["." * 50], COUGH, [OPEN, CancelRecognition(1)], L),
    "after two noises ears wait": (["." * 50, COUGH, COUGH], COUGH, [], L),
    "for a voice": (["." * 50, COUGH, COUGH, "###"], "###", [StartRecognition(3, 1, Expected())], L),
    "an utterance starts a turn": (["#" * 40], "." * 25, [FinishRecognition(1), StartTurn(1)], T),
    "what is expected is told to the ears": (
        [StreamStarted(EXPECTED)],
        "######",
        [StartRecognition(1, 1, EXPECTED)],
        L,
    ),
    "no wire without a turn": ([], PlayoutRoom(23), [], L),
    "no mark without a turn": ([], MarkReturned("1.0.0"), [], L),
    "nobody to be overdue": ([], TurnOverdue(0), [], L),
    # thinking
    "words are thought about": (THINKING, FinalTranscript(1, ASKED, 0.9), [think(1, ASKED)], T),
    "words are thought about once": (UNDERSTOOD, FinalTranscript(1, ASKED, 0.9), [], T),
    "words of another utterance are not": (THINKING, FinalTranscript(5, ASKED, 0.9), [], T),
    "a guess is not a transcript": (THINKING, InterimTranscript(1, ASKED), [], T),
    "a guess is the transcript when ears fail": (
        [*THINKING, InterimTranscript(1, ASKED)],
        SttFailed(1, "late"),
        [think(1, ASKED)],
        T,
    ),
    "unclear words are asked for again": (
        THINKING,
        FinalTranscript(1, ASKED, 0.1),
        [Synthesize(1, 0, asking_again(OURS.unclear, 1))],
        T,
    ),
    "failed ears are asked for again": (
        THINKING,
        SttFailed(1, "down"),
        [Synthesize(1, 0, OURS.not_heard)],
        T,
    ),
    "failed ears of another are not": (THINKING, SttFailed(5, "down"), [], T),
    "nothing said returns the floor": (["#" * 19 + "." * 25], FinalTranscript(1, ""), [CancelTurn(1)], L),
    "a sentence is voiced": (UNDERSTOOD, ReplySentence(1, FIRST), [Synthesize(1, 0, FIRST)], T),
    "the reply starts with a clear": (
        COMPLETE,
        PlayoutRoom(23),
        [SendClear(), SendAudio(AUDIO[: 23 * 160])],
        S,
    ),
    "an incomplete reply starts too": (ANSWERED, PlayoutRoom(1), [SendClear(), SendAudio(AUDIO[:160])], S),
    "no audio, no reply": (UNDERSTOOD, PlayoutRoom(23), [], T),
    "no breath, no reply": (
        [*THINKING, FinalTranscript(1, ASKED), ReplySentence(1, FIRST), TtsAudio(1, 0, AUDIO)],
        PlayoutRoom(23),
        [],
        T,
    ),
    "a failed mind says so": (UNDERSTOOD, LlmFailed(1, "down"), [Synthesize(1, 0, OURS.llm_failed[0])], T),
    "an empty mind says so": (UNDERSTOOD, ReplyDone(1), [Synthesize(1, 0, OURS.llm_failed[0])], T),
    "the reply says what may be answered": (
        [*ANSWERED, ReplyDone(1, EXPECTED)],
        "######",
        [StartRecognition(2, 1, Expected()), CancelTurn(1)],
        L,
    ),
    "once it is heard": (
        [*ANSWERED, ReplyDone(1, EXPECTED), PlayoutRoom(200), "." * 99, MarkReturned("1.0.0"), "." * 40],
        "######",
        [StartRecognition(2, 2, EXPECTED)],
        L,
    ),
    "a short first sentence waits for the second": (SHORT_FIRST, PlayoutRoom(23), [], T),
    "for 300 ms": (
        [*SHORT_FIRST, "." * 15],
        PlayoutRoom(1),
        [SendClear(), SendAudio(AUDIO[:160])],
        S,
    ),
    "words of the next utterance wait for their turn": (
        ["#" * 700, FinalTranscript(1, ASKED), "#" * 10 + "." * 25],
        FinalTranscript(2, "ועוד"),
        [],
        T,
    ),
    "a mind that fails in the middle has answered": (ANSWERED, LlmFailed(1, "down"), [], T),
    "an overdue turn says so under a new ID": (
        UNDERSTOOD,
        TurnOverdue(1),
        [CancelTurn(1), Synthesize(2, 0, OURS.llm_failed[0])],
        T,
    ),
    "a reply that is ready is not overdue": (ANSWERED, TurnOverdue(1), [], T),
    "a late answer is too late": ([*UNDERSTOOD, TurnOverdue(1)], ReplySentence(1, FIRST), [], T),
    "the hint is due": ([*UNDERSTOOD, "." * 39], ".", [Synthesize(1, HINT_INDEX, HINT, instant=True)], T),
    "the hint is due once": ([*UNDERSTOOD, "." * 40], "." * 40, [], T),
    "a reply needs no hint": (ANSWERED, "." * 60, [], T),
    "no hint over a first sound": ([*UNDERSTOOD, "." * 36], "#####", [StartRecognition(2, 1, Expected())], T),
    "the hint needs no clear": (
        [*UNDERSTOOD, "." * 40, TtsAudio(1, HINT_INDEX, b"\x33" * 160)],
        PlayoutRoom(23),
        [SendAudio(b"\x33" * 160), SendMark("1.0.0")],
        T,
    ),
    "the reply behind a hint needs none": (
        [
            *[*UNDERSTOOD, "." * 40, TtsAudio(1, HINT_INDEX, b"\x33" * 160), TtsSentenceDone(1, HINT_INDEX)],
            *[PlayoutRoom(23), *COMPLETE[3:]],
        ],
        PlayoutRoom(2),
        [SendAudio(AUDIO[:320])],
        S,
    ),
    # the caller goes on
    "a first sound holds the reply back": ([*COMPLETE, "###"], PlayoutRoom(23), [], T),
    "noise releases it": (
        [*COMPLETE, "nnn", "." * 20],
        PlayoutRoom(1),
        [SendClear(), SendAudio(AUDIO[:160])],
        S,
    ),
    "a first sound opens ears": (COMPLETE, "###", [StartRecognition(2, 1, Expected())], T),
    "a voice supersedes the turn": ([*COMPLETE, "###"], "###", [CancelTurn(1)], L),
    "what was said before is joined": (
        [*COMPLETE, SPOKE],
        FinalTranscript(2, "בתל אביב"),
        [think(3, ASKED + " בתל אביב")],
        T,
    ),
    "the same words again keep their answer": ([*COMPLETE, SPOKE], FinalTranscript(2, ASKED), [], T),
    "and it is played": (
        [*COMPLETE, SPOKE, FinalTranscript(2, ASKED), ReplyDelay(3, 0)],
        PlayoutRoom(1),
        [SendClear(), SendAudio(AUDIO[:160])],
        S,
    ),
    "the same words, no whole answer": (
        [*UNDERSTOOD, SPOKE],
        FinalTranscript(2, ASKED),
        [think(3, ASKED)],
        T,
    ),
    "a hint is cleared by the voice": (
        [*UNDERSTOOD, "." * 40, TtsAudio(1, HINT_INDEX, b"\x33" * 160 * 50), PlayoutRoom(23)],
        "######",
        [StartRecognition(2, 1, Expected()), SendClear(), CancelTurn(1)],
        L,
    ),
    # speaking
    "speaking goes on with room": (SPEAKING, PlayoutRoom(1), [SendAudio(AUDIO[23 * 160 : 24 * 160])], S),
    "the mark is behind the last frame": (
        [*SPEAKING, PlayoutRoom(76)],
        PlayoutRoom(1),
        [SendAudio(AUDIO[:160]), SendMark("1.0.0")],
        S,
    ),
    "the last mark ends the turn": (SENT, MarkReturned("1.0.0"), [CancelTurn(1)], L),
    "another mark does not": (SENT, MarkReturned("0.0.0"), [], S),
    "a lost mark is waited for": (SENT, "." * 49, [], S),
    "for a second": ([*SENT, "." * 49], ".", [CancelTurn(1)], L),
    "a gap between sentences is still speaking": (
        [*ANSWERED, PlayoutRoom(200), "." * 100],
        MarkReturned("1.0.0"),
        [],
        S,
    ),
    "an overdue turn that has spoken is not": (SENT, TurnOverdue(1), [], S),
    "an overdue turn that speaks is not": (SPEAKING, TurnOverdue(1), [], S),
    # barge-in
    "two loud frames are nothing": (SPEAKING, "##", [], S),
    "loud frames are judged while we speak": (
        [*SPEAKING, "." * 10],
        "###",
        [StartRecognition(2, 2, Expected())],
        S,
    ),
    "the reply goes on meanwhile": (CANDIDATE, PlayoutRoom(2), [SendAudio(AUDIO[: 2 * 160])], S),
    "noise has cut nothing": (CANDIDATE, "." * 20, [CancelRecognition(2)], S),
    "and the rest comes behind it": (
        [*CANDIDATE, "." * 20],
        PlayoutRoom(100),
        [SendAudio(AUDIO[23 * 160 :]), SendMark("1.0.0")],
        S,
    ),
    "a voice takes the floor": (CANDIDATE, "###", [SendClear(), CancelTurn(1)], L),
    "a mark sent back by clear is stale": (INTERRUPTED, MarkReturned("1.0.0"), [], L),
    "a barge-in is answered under a new ID": (
        [*INTERRUPTED, "#" * 30],
        "." * 25,
        [FinishRecognition(2), StartTurn(3)],
        T,
    ),
    "history is what was heard": (
        [*INTERRUPTED, "#" * 30, "." * 25],
        FinalTranscript(2, "רגע אחד"),
        [think(3, "רגע אחד", SAID, turn_number=2)],
        T,
    ),
    "an empty barge-in on an unfinished reply is asked for its rest": (
        [*ANSWERED, PlayoutRoom(23), "." * 10, "#" * 40, "." * 25],
        FinalTranscript(2, ""),
        [replace(think(3, ASKED), said=FIRST)],
        T,
    ),
    "an empty barge-in resumes the sentence": (
        [*INTERRUPTED, "#" * 30, "." * 25, FinalTranscript(2, ""), ReplyDelay(3, 0)],
        PlayoutRoom(1),
        [SendClear(), SendAudio(AUDIO[:160])],
        S,
    ),
    "a key takes the floor at once": (SPEAKING, DigitPressed("1"), [SendClear(), CancelTurn(1)], L),
    # keys
    "digits are a turn": ([DigitPressed("1")], DigitPressed("#"), [StartTurn(1), think(1, "1")], T),
    "the expected digits are a turn": (
        [StreamStarted(EXPECTED), DigitPressed("1"), DigitPressed("2")],
        DigitPressed("3"),
        [StartTurn(1), think(1, "123")],
        T,
    ),
    "a pause ends the digits": ([DigitPressed("1"), "." * 99], ".", [StartTurn(1), think(1, "1")], T),
    "a key ends the voice": (["######"], DigitPressed("1"), [FinishRecognition(1)], L),
    "a key discards a sound": (["###"], DigitPressed("1"), [CancelRecognition(1)], L),
    # finished
    "words heard in full are not said again": (
        [*FINISHED, "." * 40, SPOKE, FinalTranscript(2, "עוד פרטים בבקשה"), ReplySentence(2, FIRST)],
        ReplyDone(2),
        [Synthesize(2, 0, in_turn(OURS.already_said, 1))],
        T,
    ),
    "the next turn knows the last": (
        [*FINISHED, "." * 40, SPOKE],
        FinalTranscript(2, "ומחר"),
        [think(2, "ומחר", SAID, heard_of(FIRST), turn_number=2)],
        T,
    ),
    "our own words are ignored": (
        [*FINISHED, "." * 40, SPOKE],
        FinalTranscript(2, FIRST),
        [CancelTurn(2)],
        L,
    ),
    "a part of them long after them is the caller's": (
        [*FINISHED, "." * 40, SPOKE],
        FinalTranscript(2, "יש שלושה חדרים"),
        [think(2, "יש שלושה חדרים", SAID, heard_of(FIRST), turn_number=2)],
        T,
    ),
    "right after them it is ours": (
        [*FINISHED, SPOKE],
        FinalTranscript(2, "יש שלושה חדרים"),
        [CancelTurn(2)],
        L,
    ),
    "the same words are a new turn once answered": (
        [*FINISHED, "." * 40, SPOKE],
        FinalTranscript(2, ASKED),
        [think(2, ASKED, SAID, heard_of(FIRST), turn_number=2)],
        T,
    ),
    "echo tail is not heard in the refractory time": (FINISHED, "nnnnnn", [], L),
    "a caller who answers at once is": (FINISHED, "#######", [StartRecognition(2, 2, Expected())], L),
}


@pytest.mark.parametrize("before, event, actions, state", CASES.values(), ids=CASES)
def test_transition(before, event, actions, state):
    """B1: one event in, actions out, and the state after it."""
    dialogue = after(before)
    assert (told(play(dialogue, [event])), dialogue.state) == (actions, state)


STOPPED_EARLY = {
    "a first sound stops us": (
        [*SPEAKING, "." * 10],
        "###",
        [SendClear(), StartRecognition(2, 2, Expected())],
        S,
    ),
    "stopped, nothing is sent": (CANDIDATE, PlayoutRoom(23), [], S),
    "two loud frames do not stop us": (SPEAKING, "##", [], S),
    "noise: we go on": (CANDIDATE, "." * 20, [CancelRecognition(2)], S),
    "from where we were cut": (
        [*CANDIDATE, "." * 20],
        PlayoutRoom(100),
        [SendAudio(AUDIO[13 * 160 :]), SendMark("1.0.1")],
        S,
    ),
    "a voice takes the floor": (CANDIDATE, "###", [CancelTurn(1)], L),
}


@pytest.mark.parametrize("before, event, actions, state", STOPPED_EARLY.values(), ids=STOPPED_EARLY)
def test_transition_with_an_early_stop(before, event, actions, state):
    """D1: BARGE_IN_EARLY_STOP: loud frames stop us, and then are judged."""
    dialogue = after(before, STOPS_EARLY)
    assert (told(play(dialogue, [event])), dialogue.state) == (actions, state)


# ---- B2: whatever carries an old turn ID is too late to matter


def turn_events(turn_id):
    """One of every kind of event that carries a turn ID."""
    return [
        ReplyDelay(turn_id, 0),
        ReplySentence(turn_id, "מאוחר מדי."),
        ReplyDone(turn_id, EXPECTED),
        LlmFailed(turn_id, "late"),
        TtsAudio(turn_id, 0, b"\x44" * 800),
        TtsAudio(turn_id, HINT_INDEX, b"\x44" * 800),
        TtsSentenceDone(turn_id, 0),
        TurnOverdue(turn_id),
    ]


STORY = [  # three turns: superseded, interrupted, heard to its end
    *[*UNDERSTOOD, "###", "###", "#" * 20, "." * 25],
    *[ReplyDelay(3, 5), FinalTranscript(2, "בתל אביב"), ReplySentence(3, FIRST), TtsAudio(3, 0, AUDIO)],
    *[
        ".....",
        PlayoutRoom(23),
        "." * 20,
        "#" * 30,
        "." * 25,
        TtsSentenceDone(3, 0),
        FinalTranscript(3, "רגע לא"),
    ],
    *[ReplyDelay(5, 0), ReplySentence(5, SECOND), TtsAudio(5, 0, AUDIO), TtsSentenceDone(5, 0)],
    *[ReplyDone(5), PlayoutRoom(200), "." * 99, MarkReturned("5.0.0"), ".", "." * 100],
]


def test_the_story_is_one():
    """B2: the story below has three turns, and the last of them is heard to its end."""
    dialogue = TurnMachine(PARAMS)
    actions = play(dialogue, STORY)
    assert [action.turn_id for action in actions if isinstance(action, StartTurn)] == [1, 3, 5]
    assert "tts_done" in logged(actions)
    assert dialogue.state is L


@settings(max_examples=40)
@given(st.integers(0, len(STORY)), st.data())
def test_b2_events_of_an_old_turn_change_nothing(position, data):
    """B2: dropped in every state, whatever their kind; the call goes on as if they had not come."""
    undisturbed, dialogue = TurnMachine(PARAMS), TurnMachine(PARAMS)
    expected = play(undisturbed, STORY[:position])
    assert play(dialogue, STORY[:position]) == expected
    stale = data.draw(st.integers(0, 7).filter(lambda turn_id: turn_id != dialogue.current.turn_id))
    for event in turn_events(stale):
        assert dialogue.handle(event) == []
    assert play(dialogue, STORY[position:]) == play(undisturbed, STORY[position:])


@pytest.mark.parametrize("events", [[], INTERRUPTED, FINISHED], ids=["before", "interrupted", "finished"])
def test_b2_events_of_a_turn_that_is_over_are_nothing(events):
    """B2: its ID may still be the last one given out."""
    dialogue = after(events)
    for event in turn_events(dialogue.current.turn_id):
        assert dialogue.handle(event) == []
    assert dialogue.call.input.expected == Expected()


def test_b2_the_turn_id_only_rises():
    """B2: every action that ends a turn early raises it."""
    dialogue = TurnMachine(PARAMS)
    ids = [dialogue.current.turn_id]
    for event in STORY:
        play(dialogue, [event])
        ids.append(dialogue.current.turn_id)
    assert ids == sorted(ids)
    assert ids[-1] == 5


# ---- what the core wants of the wire


@pytest.mark.parametrize(
    "events, wants",
    {
        "nothing": ([], False),
        "no sentence yet": (UNDERSTOOD, False),
        "audio": (COMPLETE, True),
        "audio before its breath": ([SPOKE, FinalTranscript(1, ASKED), *COMPLETE[3:]], False),
        "a hint before any breath": (
            [SPOKE, FinalTranscript(1, ASKED), "." * 40, TtsAudio(1, HINT_INDEX, b"\x33" * 160)],
            True,
        ),
        "more": (SPEAKING, True),
        "all sent": (SENT, False),
        "a sound is judged over it": (CANDIDATE, True),
        "held back by a first sound": ([*COMPLETE, "###"], False),
    }.values(),
)
def test_c3_the_wire_is_wanted_when_there_is_something_for_it(events, wants):
    """C3: and only then, so that TX sleeps."""
    dialogue = after(events)
    assert dialogue.wants_wire is wants
    assert bool(told(dialogue.handle(PlayoutRoom(5)))) is wants


def test_c3_a_reply_that_is_stopped_wants_no_wire():
    """C3, D1: BARGE_IN_EARLY_STOP."""
    assert not after(CANDIDATE, STOPS_EARLY).wants_wire
