"""The turn machine, one event at a time: who speaks, and what is too late to matter."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.turns.actions import (
    CloseEars,
    DropEars,
    DropTurn,
    OpenEars,
    Say,
    SendAudio,
    SendClear,
    SendMark,
    StartTurn,
)
from server.turns.effects import Expected
from server.turns.events import (
    AudioMade,
    BreathDrawn,
    DigitPressed,
    EarsFailed,
    MarkReturned,
    MindFailed,
    PlayoutRoom,
    ReplyThought,
    SentenceThought,
    SentenceVoiced,
    StreamStarted,
    TurnOverdue,
    WordsGuessed,
    WordsHeard,
)
from server.turns.machine import Dialogue
from server.turns.playout import HINT_INDEX
from server.turns.prompts import asking_again, in_turn
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    COMPLETE,
    COUGH,
    CUT,
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
    "noise closes them": (["." * 50], COUGH, [OPEN, DropEars(1)], L),
    "after two noises ears wait": (["." * 50, COUGH, COUGH], COUGH, [], L),
    "for a voice": (["." * 50, COUGH, COUGH, "###"], "###", [OpenEars(3, 1, Expected())], L),
    "an utterance starts a turn": (["#" * 40], "." * 25, [CloseEars(1), StartTurn(1)], T),
    "what is expected is told to the ears": (
        [StreamStarted(EXPECTED)],
        "######",
        [OpenEars(1, 1, EXPECTED)],
        L,
    ),
    "no wire without a turn": ([], PlayoutRoom(23), [], L),
    "no mark without a turn": ([], MarkReturned("1.0.0"), [], L),
    "nobody to be overdue": ([], TurnOverdue(0), [], L),
    # thinking
    "words are thought about": (THINKING, WordsHeard(1, ASKED, 0.9), [think(1, ASKED)], T),
    "words are thought about once": (UNDERSTOOD, WordsHeard(1, ASKED, 0.9), [], T),
    "words of another utterance are not": (THINKING, WordsHeard(5, ASKED, 0.9), [], T),
    "a guess is not a transcript": (THINKING, WordsGuessed(1, ASKED), [], T),
    "a guess is the transcript when ears fail": (
        [*THINKING, WordsGuessed(1, ASKED)],
        EarsFailed(1, "late"),
        [think(1, ASKED)],
        T,
    ),
    "unclear words are asked for again": (
        THINKING,
        WordsHeard(1, ASKED, 0.1),
        [Say(1, 0, asking_again(OURS.unclear, 1))],
        T,
    ),
    "failed ears are asked for again": (THINKING, EarsFailed(1, "down"), [Say(1, 0, OURS.not_heard)], T),
    "failed ears of another are not": (THINKING, EarsFailed(5, "down"), [], T),
    "nothing said returns the floor": (["#" * 19 + "." * 25], WordsHeard(1, ""), [DropTurn(1)], L),
    "a sentence is voiced": (UNDERSTOOD, SentenceThought(1, FIRST), [Say(1, 0, FIRST)], T),
    "the reply starts with a clear": (
        COMPLETE,
        PlayoutRoom(23),
        [SendClear(), SendAudio(AUDIO[: 23 * 160])],
        S,
    ),
    "an incomplete reply starts too": (ANSWERED, PlayoutRoom(1), [SendClear(), SendAudio(AUDIO[:160])], S),
    "no audio, no reply": (UNDERSTOOD, PlayoutRoom(23), [], T),
    "no breath, no reply": (
        [*THINKING, WordsHeard(1, ASKED), SentenceThought(1, FIRST), AudioMade(1, 0, AUDIO)],
        PlayoutRoom(23),
        [],
        T,
    ),
    "a failed mind says so": (UNDERSTOOD, MindFailed(1, "down"), [Say(1, 0, OURS.mind_failed[0])], T),
    "an empty mind says so": (UNDERSTOOD, ReplyThought(1), [Say(1, 0, OURS.mind_failed[0])], T),
    "the reply says what may be answered": (
        [*ANSWERED, ReplyThought(1, EXPECTED)],
        "######",
        [OpenEars(2, 1, Expected()), DropTurn(1)],
        L,
    ),
    "once it is heard": (
        [*ANSWERED, ReplyThought(1, EXPECTED), PlayoutRoom(200), "." * 99, MarkReturned("1.0.0"), "." * 40],
        "######",
        [OpenEars(2, 2, EXPECTED)],
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
        ["#" * 700, WordsHeard(1, ASKED), "#" * 10 + "." * 25],
        WordsHeard(2, "ועוד"),
        [],
        T,
    ),
    "a mind that fails in the middle has answered": (ANSWERED, MindFailed(1, "down"), [], T),
    "an overdue turn says so under a new ID": (
        UNDERSTOOD,
        TurnOverdue(1),
        [DropTurn(1), Say(2, 0, OURS.mind_failed[0])],
        T,
    ),
    "a reply that is ready is not overdue": (ANSWERED, TurnOverdue(1), [], T),
    "a late answer is too late": ([*UNDERSTOOD, TurnOverdue(1)], SentenceThought(1, FIRST), [], T),
    "the hint is due": ([*UNDERSTOOD, "." * 39], ".", [Say(1, HINT_INDEX, HINT, instant=True)], T),
    "the hint is due once": ([*UNDERSTOOD, "." * 40], "." * 40, [], T),
    "a reply needs no hint": (ANSWERED, "." * 60, [], T),
    "no hint over a first sound": ([*UNDERSTOOD, "." * 36], "#####", [OpenEars(2, 1, Expected())], T),
    "the hint needs no clear": (
        [*UNDERSTOOD, "." * 40, AudioMade(1, HINT_INDEX, b"\x33" * 160)],
        PlayoutRoom(23),
        [SendAudio(b"\x33" * 160), SendMark("1.0.0")],
        T,
    ),
    "the reply behind a hint needs none": (
        [
            *[*UNDERSTOOD, "." * 40, AudioMade(1, HINT_INDEX, b"\x33" * 160), SentenceVoiced(1, HINT_INDEX)],
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
    "a first sound opens ears": (COMPLETE, "###", [OpenEars(2, 1, Expected())], T),
    "a voice supersedes the turn": ([*COMPLETE, "###"], "###", [DropTurn(1)], L),
    "what was said before is joined": (
        [*COMPLETE, SPOKE],
        WordsHeard(2, "בתל אביב"),
        [think(3, ASKED + " בתל אביב")],
        T,
    ),
    "the same words again keep their answer": ([*COMPLETE, SPOKE], WordsHeard(2, ASKED), [], T),
    "and it is played": (
        [*COMPLETE, SPOKE, WordsHeard(2, ASKED), BreathDrawn(3, 0)],
        PlayoutRoom(1),
        [SendClear(), SendAudio(AUDIO[:160])],
        S,
    ),
    "the same words, no whole answer": (
        [*UNDERSTOOD, SPOKE],
        WordsHeard(2, ASKED),
        [think(3, ASKED)],
        T,
    ),
    "a hint is cleared by the voice": (
        [*UNDERSTOOD, "." * 40, AudioMade(1, HINT_INDEX, b"\x33" * 160 * 50), PlayoutRoom(23)],
        "######",
        [OpenEars(2, 1, Expected()), SendClear(), DropTurn(1)],
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
    "the last mark ends the turn": (SENT, MarkReturned("1.0.0"), [DropTurn(1)], L),
    "another mark does not": (SENT, MarkReturned("0.0.0"), [], S),
    "a lost mark is waited for": (SENT, "." * 49, [], S),
    "for a second": ([*SENT, "." * 49], ".", [DropTurn(1)], L),
    "a gap between sentences is still speaking": (
        [*ANSWERED, PlayoutRoom(200), "." * 100],
        MarkReturned("1.0.0"),
        [],
        S,
    ),
    "an overdue turn that has spoken is not": (SENT, TurnOverdue(1), [], S),
    "an overdue turn that speaks is not": (SPEAKING, TurnOverdue(1), [], S),
    # barge-in
    "a first sound stops us": (
        [*SPEAKING, "." * 10],
        "###",
        [SendClear(), OpenEars(2, 2, Expected())],
        S,
    ),
    "stopped, nothing is sent": (CUT, PlayoutRoom(23), [], S),
    "two loud frames do not stop us": (SPEAKING, "##", [], S),
    "noise: we go on": (CUT, "." * 20, [DropEars(2)], S),
    "from where we were cut": (
        [*CUT, "." * 20],
        PlayoutRoom(100),
        [SendAudio(AUDIO[13 * 160 :]), SendMark("1.0.1")],
        S,
    ),
    "a voice takes the floor": (CUT, "###", [DropTurn(1)], L),
    "a mark sent back by clear is stale": (INTERRUPTED, MarkReturned("1.0.0"), [], L),
    "a barge-in is answered under a new ID": (
        [*INTERRUPTED, "#" * 30],
        "." * 25,
        [CloseEars(2), StartTurn(3)],
        T,
    ),
    "history is what was heard": (
        [*INTERRUPTED, "#" * 30, "." * 25],
        WordsHeard(2, "רגע אחד"),
        [think(3, "רגע אחד", SAID, turn_number=2)],
        T,
    ),
    "an empty barge-in on an unfinished reply is asked for its rest": (
        [*ANSWERED, PlayoutRoom(23), "." * 10, "#" * 40, "." * 25],
        WordsHeard(2, ""),
        [replace(think(3, ASKED), said=FIRST)],
        T,
    ),
    "an empty barge-in resumes the sentence": (
        [*INTERRUPTED, "#" * 30, "." * 25, WordsHeard(2, ""), BreathDrawn(3, 0)],
        PlayoutRoom(1),
        [SendClear(), SendAudio(AUDIO[:160])],
        S,
    ),
    "a key takes the floor at once": (SPEAKING, DigitPressed("1"), [SendClear(), DropTurn(1)], L),
    # keys
    "digits are a turn": ([DigitPressed("1")], DigitPressed("#"), [StartTurn(1), think(1, "1")], T),
    "the expected digits are a turn": (
        [StreamStarted(EXPECTED), DigitPressed("1"), DigitPressed("2")],
        DigitPressed("3"),
        [StartTurn(1), think(1, "123")],
        T,
    ),
    "a pause ends the digits": ([DigitPressed("1"), "." * 99], ".", [StartTurn(1), think(1, "1")], T),
    "a key ends the voice": (["######"], DigitPressed("1"), [CloseEars(1)], L),
    "a key discards a sound": (["###"], DigitPressed("1"), [DropEars(1)], L),
    # finished
    "words heard in full are not said again": (
        [*FINISHED, "." * 40, SPOKE, WordsHeard(2, "עוד פרטים בבקשה"), SentenceThought(2, FIRST)],
        ReplyThought(2),
        [Say(2, 0, in_turn(OURS.already_said, 1))],
        T,
    ),
    "the next turn knows the last": (
        [*FINISHED, "." * 40, SPOKE],
        WordsHeard(2, "ומחר"),
        [think(2, "ומחר", SAID, heard_of(FIRST), turn_number=2)],
        T,
    ),
    "our own words are ignored": (
        [*FINISHED, "." * 40, SPOKE],
        WordsHeard(2, FIRST),
        [DropTurn(2)],
        L,
    ),
    "a part of them long after them is the caller's": (
        [*FINISHED, "." * 40, SPOKE],
        WordsHeard(2, "יש שלושה חדרים"),
        [think(2, "יש שלושה חדרים", SAID, heard_of(FIRST), turn_number=2)],
        T,
    ),
    "right after them it is ours": (
        [*FINISHED, SPOKE],
        WordsHeard(2, "יש שלושה חדרים"),
        [DropTurn(2)],
        L,
    ),
    "the same words are a new turn once answered": (
        [*FINISHED, "." * 40, SPOKE],
        WordsHeard(2, ASKED),
        [think(2, ASKED, SAID, heard_of(FIRST), turn_number=2)],
        T,
    ),
    "echo tail is not heard in the refractory time": (FINISHED, "nnnnnn", [], L),
    "a caller who answers at once is": (FINISHED, "#######", [OpenEars(2, 2, Expected())], L),
}


@pytest.mark.parametrize("before, event, actions, state", CASES.values(), ids=CASES)
def test_transition(before, event, actions, state):
    """B1: one event in, actions out, and the state after it."""
    dialogue = after(before)
    assert (told(play(dialogue, [event])), dialogue.state) == (actions, state)


# ---- B2: whatever carries an old turn ID is too late to matter


def turn_events(turn_id):
    """One of every kind of event that carries a turn ID."""
    return [
        BreathDrawn(turn_id, 0),
        SentenceThought(turn_id, "מאוחר מדי."),
        ReplyThought(turn_id, EXPECTED),
        MindFailed(turn_id, "late"),
        AudioMade(turn_id, 0, b"\x44" * 800),
        AudioMade(turn_id, HINT_INDEX, b"\x44" * 800),
        SentenceVoiced(turn_id, 0),
        TurnOverdue(turn_id),
    ]


STORY = [  # three turns: superseded, interrupted, heard to its end
    *[*UNDERSTOOD, "###", "###", "#" * 20, "." * 25],
    *[BreathDrawn(3, 5), WordsHeard(2, "בתל אביב"), SentenceThought(3, FIRST), AudioMade(3, 0, AUDIO)],
    *[".....", PlayoutRoom(23), "." * 20, "#" * 30, "." * 25, SentenceVoiced(3, 0), WordsHeard(3, "רגע לא")],
    *[BreathDrawn(5, 0), SentenceThought(5, SECOND), AudioMade(5, 0, AUDIO), SentenceVoiced(5, 0)],
    *[ReplyThought(5), PlayoutRoom(200), "." * 99, MarkReturned("5.0.0"), ".", "." * 100],
]


def test_the_story_is_one():
    """B2: the story below has three turns, and the last of them is heard to its end."""
    dialogue = Dialogue(PARAMS)
    actions = play(dialogue, STORY)
    assert [action.turn_id for action in actions if isinstance(action, StartTurn)] == [1, 3, 5]
    assert "tts_done" in logged(actions)
    assert dialogue.state is L


@settings(max_examples=40)
@given(st.integers(0, len(STORY)), st.data())
def test_b2_events_of_an_old_turn_change_nothing(position, data):
    """B2: dropped in every state, whatever their kind; the call goes on as if they had not come."""
    undisturbed, dialogue = Dialogue(PARAMS), Dialogue(PARAMS)
    expected = play(undisturbed, STORY[:position])
    assert play(dialogue, STORY[:position]) == expected
    stale = data.draw(st.integers(0, 7).filter(lambda turn_id: turn_id != dialogue.floor.turn_id))
    for event in turn_events(stale):
        assert dialogue.handle(event) == []
    assert play(dialogue, STORY[position:]) == play(undisturbed, STORY[position:])


@pytest.mark.parametrize("events", [[], INTERRUPTED, FINISHED], ids=["before", "interrupted", "finished"])
def test_b2_events_of_a_turn_that_is_over_are_nothing(events):
    """B2: its ID may still be the last one given out."""
    dialogue = after(events)
    for event in turn_events(dialogue.floor.turn_id):
        assert dialogue.handle(event) == []
    assert dialogue.memory.expected == Expected()


def test_b2_the_turn_id_only_rises():
    """B2: every action that ends a turn early raises it."""
    dialogue = Dialogue(PARAMS)
    ids = [dialogue.floor.turn_id]
    for event in STORY:
        play(dialogue, [event])
        ids.append(dialogue.floor.turn_id)
    assert ids == sorted(ids)
    assert ids[-1] == 5


# ---- what the core wants of the wire


@pytest.mark.parametrize(
    "events, wants",
    {
        "nothing": ([], False),
        "no sentence yet": (UNDERSTOOD, False),
        "audio": (COMPLETE, True),
        "audio before its breath": ([SPOKE, WordsHeard(1, ASKED), *COMPLETE[3:]], False),
        "a hint before any breath": (
            [SPOKE, WordsHeard(1, ASKED), "." * 40, AudioMade(1, HINT_INDEX, b"\x33" * 160)],
            True,
        ),
        "more": (SPEAKING, True),
        "all sent": (SENT, False),
        "held": (CUT, False),
        "held back by a first sound": ([*COMPLETE, "###"], False),
    }.values(),
)
def test_c3_the_wire_is_wanted_when_there_is_something_for_it(events, wants):
    """C3: and only then, so that TX sleeps."""
    dialogue = after(events)
    assert dialogue.wants_wire is wants
    assert bool(told(dialogue.handle(PlayoutRoom(5)))) is wants
