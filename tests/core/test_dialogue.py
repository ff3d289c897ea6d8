"""The turn machine, one event at a time: who speaks, and what is too late to matter.

A scene is a list of events; a string in it is a timeline of frames: ``#`` voice, ``n`` noise as loud,
``m`` the model alone, ``.`` silence. Log lines and the audio for the ears are left out of the tables.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.core import lines
from server.core.conversation import EndCall, Expected, Line, SaveLead, Speaker, Transfer
from server.core.dialogue import Dialogue, State
from server.core.endpointing import endpointing_params
from server.core.events import (
    AudioMade,
    BreathDrawn,
    CloseEars,
    DigitPressed,
    DropEars,
    DropTurn,
    EarsFailed,
    FeedEars,
    FrameHeard,
    Log,
    MarkReturned,
    MindFailed,
    OpenEars,
    Perform,
    PlayoutRoom,
    ReplyThought,
    Say,
    SendAudio,
    SendClear,
    SendMark,
    SentenceThought,
    SentenceVoiced,
    StartTurn,
    StreamStarted,
    Think,
    TurnOverdue,
    WordsGuessed,
    WordsHeard,
)
from server.core.params import DialogueParams
from server.core.playout import HINT_INDEX

L, T, S = State.LISTENING, State.THINKING, State.SPEAKING
LEVELS = {"#": (4000, 0.9), "n": (4000, 0.05), "m": (10, 0.9), ".": (10, 0.05)}
COUGH = "nnn" + "." * 30
GREETING, HINT = "שלום! איך אפשר לעזור?", "שנייה בודקת"
PARAMS = DialogueParams(
    endpointing=endpointing_params(
        min_utt_s=0.48,
        hangover_ms=140,
        max_utt_s=7.0,
        min_voiced_ms=120,
        barge_in_frames=3,
        energy_only=False,
    ),
    vad_rms=200,
    barge_in_rms=300,
    barge_in=True,
    refractory_frames=38,
    greeting="",
    hint=HINT,
    hint_after_frames=40,
    dedup_frames=700,
    min_confidence=0.35,
    history_turns=4,
)
GREETS = replace(PARAMS, greeting=GREETING)

ASKED, FIRST, SECOND = "ספרי לי על הדירה", "יש שלושה חדרים וגינה.", "לעזור במשהו נוסף?"
SPOKE = "#" * 40 + "." * 25  # an utterance from its first voice to its end
AUDIO = b"\x10" * 160 * 100  # two seconds
EXPECTED = Expected(("כן",), 3)

THINKING = [SPOKE]
UNDERSTOOD = [*THINKING, BreathDrawn(1, 0), WordsHeard(1, ASKED, 0.9)]
ANSWERED = [*UNDERSTOOD, SentenceThought(1, FIRST), AudioMade(1, 0, AUDIO), SentenceVoiced(1, 0)]
COMPLETE = [*ANSWERED, ReplyThought(1)]
SPEAKING = [*COMPLETE, PlayoutRoom(23)]
SHORT_FIRST = [
    *UNDERSTOOD,
    SentenceThought(1, "כן."),
    AudioMade(1, 0, AUDIO[: 160 * 40]),
    SentenceVoiced(1, 0),
]
CUT = [*SPEAKING, "." * 10, "###"]
INTERRUPTED = [*CUT, "###"]
SENT = [*SPEAKING, PlayoutRoom(100), "." * 100]
FINISHED = [*SENT, MarkReturned("1.0.0")]


def play(dialogue, events):
    """Hand in events; return every action."""
    done = []
    for event in events:
        if isinstance(event, str):
            for mark in event:
                done += dialogue.handle(FrameHeard(b"\xff" * 160, *LEVELS[mark]))
        else:
            done += dialogue.handle(event)
    return done


def after(events, params=PARAMS):
    dialogue = Dialogue(params)
    play(dialogue, events)
    return dialogue


def told(actions):
    """Without log lines, the audio for the ears, and how long ago the voice ended."""
    kept = [action for action in actions if not isinstance(action, Log | FeedEars)]
    return [CloseEars(one.utterance_id) if isinstance(one, CloseEars) else one for one in kept]


def logged(actions):
    return [action.line for action in actions if isinstance(action, Log)]


def think(turn_id, text, *history, turn_number=1):
    return Think(turn_id, text, tuple(history), turn_number)


def heard_of(text, interrupted=False):
    return Line(Speaker.AGENT, text, interrupted)


SAID = Line(Speaker.CALLER, ASKED)
OPEN = OpenEars(1, 1, Expected())

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
        [Say(1, 0, lines.unclear(1))],
        T,
    ),
    "failed ears are asked for again": (THINKING, EarsFailed(1, "down"), [Say(1, 0, lines.unclear(1))], T),
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
    "a failed mind says so": (UNDERSTOOD, MindFailed(1, "down"), [Say(1, 0, lines.MIND_FAILED)], T),
    "an empty mind says so": (UNDERSTOOD, ReplyThought(1), [Say(1, 0, lines.MIND_FAILED)], T),
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
        [DropTurn(1), Say(2, 0, lines.MIND_FAILED)],
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
    "an empty barge-in on an unfinished reply is unclear": (
        [*ANSWERED, PlayoutRoom(23), "." * 10, "#" * 40, "." * 25],
        WordsHeard(2, ""),
        [Say(3, 0, lines.unclear(1))],
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
        [Say(2, 0, lines.already_said(1))],
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
    stale = data.draw(st.integers(0, 7).filter(lambda turn_id: turn_id != dialogue.turn_id))
    for event in turn_events(stale):
        assert dialogue.handle(event) == []
    assert play(dialogue, STORY[position:]) == play(undisturbed, STORY[position:])


@pytest.mark.parametrize("events", [[], INTERRUPTED, FINISHED], ids=["before", "interrupted", "finished"])
def test_b2_events_of_a_turn_that_is_over_are_nothing(events):
    """B2: its ID may still be the last one given out."""
    dialogue = after(events)
    for event in turn_events(dialogue.turn_id):
        assert dialogue.handle(event) == []
    assert dialogue.memory.expected == Expected()


def test_b2_the_turn_id_only_rises():
    """B2: every action that ends a turn early raises it."""
    dialogue = Dialogue(PARAMS)
    ids = [dialogue.turn_id]
    for event in STORY:
        play(dialogue, [event])
        ids.append(dialogue.turn_id)
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


# ---- B4, B6: breath and greeting


@pytest.mark.parametrize("waited, starts", [(10, False), (11, True), (30, True)])
def test_b4_the_reply_starts_no_sooner_than_its_breath(waited, starts):
    """B4: counted from the end of turn, while the engines work."""
    dialogue = after([SPOKE, BreathDrawn(1, 11), *COMPLETE[2:], "." * waited])
    assert bool(dialogue.handle(PlayoutRoom(5))) is starts


@pytest.mark.parametrize(
    "before, event, actions",
    {
        "after 0.8 s": (["." * 39], ".", [Say(1, 0, GREETING)]),
        "not before": ([], "." * 39, []),
        "once": (["." * 40], "." * 100, []),
        "a first sound is waited for": (["." * 37], "nnn", [OPEN]),
        "and greeted when it was none": (
            ["." * 37, "nnn", "." * 19],
            ".",
            [DropEars(1), Say(1, 0, GREETING)],
        ),
        "a caller who speaks first is answered": (
            ["." * 30, "#" * 40],
            "." * 25,
            [CloseEars(1), StartTurn(1)],
        ),
        "a key counts as speech": ([DigitPressed("1")], "." * 60, []),
        "a caller who said nothing is greeted": (
            ["." * 20, "#" * 15, "." * 25],
            WordsHeard(1, ""),
            [DropTurn(1)],
        ),
        "at once": (["." * 20, "#" * 15, "." * 25, WordsHeard(1, "")], ".", [Say(2, 0, GREETING)]),
        "it needs no breath": (
            ["." * 40, AudioMade(1, 0, AUDIO), SentenceVoiced(1, 0)],
            PlayoutRoom(1),
            [SendClear(), SendAudio(AUDIO[:160])],
        ),
        "a voice before its first frame drops it": (
            ["." * 40],
            "######",
            [OPEN, DropTurn(1)],
        ),
    }.values(),
)
def test_b6_the_greeting(before, event, actions):
    """B6: 0.8 s after the start without confirmed speech."""
    assert told(play(after(before, GREETS), [event])) == actions


@pytest.mark.parametrize("first", [SPOKE, DigitPressed("#")], ids=["a voice", "a key"])
def test_b6_a_caller_who_was_answered_is_not_greeted(first):
    """B6: not even when the answer is over."""
    answered = [BreathDrawn(1, 0), WordsHeard(1, ASKED), *COMPLETE[3:], PlayoutRoom(200), "." * 100]
    dialogue = after([first, *answered, MarkReturned("1.0.0")], GREETS)
    assert dialogue.state is L
    assert told(play(dialogue, ["." * 100])) == []


def test_b6_a_greeting_that_was_heard_is_history():
    """B6, D3: the mind knows that it greeted; the caller's turn is the first."""
    greeted = ["." * 40, AudioMade(1, 0, AUDIO), SentenceVoiced(1, 0), PlayoutRoom(200), "." * 100]
    dialogue = after([*greeted, MarkReturned("1.0.0"), "." * 40, SPOKE], GREETS)
    assert told(play(dialogue, [WordsHeard(1, ASKED)])) == [think(2, ASKED, heard_of(GREETING))]


# ---- D1, D5: stopping


def test_d1_after_two_unconfirmed_stops_confirmation_is_waited_for():
    """D1: a third sound in one reply does not stop us; a voice still does."""
    dialogue = after(SPEAKING)
    for number in (2, 3):
        stopped = [SendClear(), OpenEars(number, 2, Expected()), DropEars(number)]
        assert told(play(dialogue, ["...", "nnn", "." * 20])) == stopped
    assert told(play(dialogue, ["...", "nnn", "." * 20])) == []
    assert told(play(dialogue, ["...", "###"])) == []
    assert told(play(dialogue, ["###"])) == [OpenEars(5, 2, Expected()), SendClear(), DropTurn(1)]


def test_d2_a_cut_in_the_last_300_ms_is_no_interruption():
    """D2: the reply counts as heard; sixteen frames before its end it is one."""
    for left, interrupted in ((15, False), (16, True)):
        dialogue = after([*COMPLETE, PlayoutRoom(200), "." * (97 - left), "######", "#" * 20, "." * 25])
        (asked,) = told(play(dialogue, [WordsHeard(2, "תודה")]))
        assert asked.history[-1].interrupted is interrupted


@pytest.mark.parametrize("key, actions", [("#", [SendClear(), DropTurn(1), StartTurn(3), think(3, "#")])])
def test_d5_without_barge_in_the_agent_finishes_and_the_keypad_works(key, actions):
    """D5: BARGE_IN=false; what was said over us is answered after us."""
    finishes = replace(PARAMS, barge_in=False)
    dialogue = after(SPEAKING, finishes)
    assert told(play(dialogue, ["." * 5, SPOKE])) == [OpenEars(2, 2, Expected()), CloseEars(2)]
    assert dialogue.state is S
    play(dialogue, [PlayoutRoom(200), "." * 100])
    assert told(play(dialogue, [MarkReturned("1.0.0")])) == [DropTurn(1), StartTurn(2)]
    keyed = told(play(after(SPEAKING, finishes), [DigitPressed(key)]))
    assert [type(action) for action in keyed] == [type(action) for action in actions]


# ---- C5: refractory


@pytest.mark.parametrize("frames, opens", [(36, False), (40, True)])
def test_c5_the_bar_is_raised_for_the_refractory_time(frames, opens):
    """C5: REPLY_REFRACTORY_MS after the end, a run of noise opens provisionally again."""
    dialogue = after([*FINISHED, "." * (frames - 3), "nnn"])
    assert dialogue.caller.perhaps_speaking is opens


def test_c5_never_after_a_barge_in():
    """C5: the bar is the ordinary one."""
    dialogue = after([*INTERRUPTED, "." * 25, "nnn"])
    assert dialogue.caller.perhaps_speaking


# ---- E1, E2, E3 and the log


def test_e1_after_three_unclear_turns_a_call_back_is_offered():
    """E1: wording varies, and words that were understood start the count anew."""
    dialogue = Dialogue(PARAMS)
    said = []
    for number, text in enumerate(["", "", "", ASKED, ""], 1):
        play(dialogue, [SPOKE])
        turn_id = dialogue.turn_id
        actions = play(dialogue, [WordsHeard(number, text), ReplyThought(turn_id), BreathDrawn(turn_id, 0)])
        said += [action.text for action in actions if isinstance(action, Say)]
        voiced = [AudioMade(turn_id, 0, AUDIO), SentenceVoiced(turn_id, 0), PlayoutRoom(200), "." * 100]
        play(dialogue, [*voiced, MarkReturned(f"{turn_id}.0.0"), "." * 40])
    assert said == [*(lines.unclear(times) for times in (1, 2, 3)), lines.MIND_FAILED, lines.unclear(1)]


@pytest.mark.parametrize(
    "before, event, line",
    {
        "state": (THINKING[:0], SPOKE, "STATE LISTENING → THINKING turn=1"),
        "words": (THINKING, WordsHeard(1, ASKED), "ASR_TEXT:"),
        "ears failed": (THINKING, EarsFailed(1, "down"), "ASR_ERR: down"),
        "mind failed": (UNDERSTOOD, MindFailed(1, "down"), "LLM_ERR: down"),
        "overdue": (UNDERSTOOD, TurnOverdue(1), "TURN_TIMEOUT turn=1"),
        "response gap": ([*COMPLETE, "." * 5], PlayoutRoom(1), "RESPONSE_GAP ms=600 turn=1"),
        "heard": (SENT, MarkReturned("1.0.0"), "tts_done"),
        "barge-in": (CUT, "###", "BARGE_IN: interrupt"),
        "the same words": ([*COMPLETE, SPOKE], WordsHeard(2, ASKED), "DEDUP user → ignore"),
        "our own words": ([*FINISHED, "." * 40, SPOKE], WordsHeard(2, FIRST), "ECHO → ignore"),
    }.values(),
)
def test_log_lines(before, event, line):
    """D2, E2, E3, G2, G3: what happened is in the log."""
    assert line in logged(play(after(before), [event]))


def test_words_stay_apart_from_their_log_line():
    """Logs can withhold what was said."""
    said = [a for a in play(Dialogue(PARAMS), FINISHED) if isinstance(a, Log) and a.words is not None]
    assert said == [Log("ASR_TEXT:", ASKED), Log("AGENT_TEXT:", FIRST)]


def test_the_ears_get_the_utterance():
    """A2: its audio between opening and closing, under its number."""
    actions = play(Dialogue(PARAMS), ["." * 20, SPOKE])
    fed = [action for action in actions if isinstance(action, FeedEars)]
    assert sum(len(action.mulaw_8k) for action in fed) == (10 + 65) * 160
    assert {action.utterance_id for action in fed} == {1}
    assert actions.index(OPEN) < actions.index(fed[0]) < actions.index(CloseEars(1, 25))


def test_d4_a_cut_that_was_none_is_no_interruption():
    """D4: the history does not know it any more."""
    dialogue = after([*SPEAKING, PlayoutRoom(60), "." * 60, "#" * 36, "." * 25])
    (said, cut) = dialogue.memory.history
    assert said == SAID and cut.interrupted and cut.text
    play(dialogue, [WordsHeard(2, "")])
    assert dialogue.memory.history == (SAID,)


def test_e3_our_echo_does_not_stop_us_again():
    """E3: words that were our own raise the bar above their level."""
    answer = [
        WordsHeard(3, "ועוד משהו"),
        BreathDrawn(3, 0),
        SentenceThought(3, SECOND),
        AudioMade(3, 0, AUDIO),
    ]
    speaks = ["." * 40, SPOKE, *answer, PlayoutRoom(23)]
    after_echo = after([*FINISHED, SPOKE, WordsHeard(2, FIRST), *speaks])
    assert after_echo.state is S
    assert told(play(after_echo, ["#" * 10])) == []
    long_after = after([*FINISHED, "." * 60, SPOKE, WordsHeard(2, FIRST), *speaks])
    assert SendClear() in play(long_after, ["#" * 10])


def test_b5_a_voice_that_runs_on_keeps_no_hint_back():
    """A4, B5: whoever talks for so long waits for an answer, too."""
    dialogue = after(["#" * 700, "#" * 39])
    assert told(play(dialogue, ["#"])) == [Say(1, HINT_INDEX, HINT, instant=True)]


def test_a4_a_voice_that_runs_on_is_answered_and_heard():
    """A4: the turn at twice MAX_UTT_SEC is not superseded by the same voice, and the rest comes after."""
    dialogue = Dialogue(PARAMS)
    assert told(play(dialogue, ["#" * 700])) == [OPEN, CloseEars(1), StartTurn(1)]
    assert told(play(dialogue, ["#" * 30])) == [OpenEars(2, 2, Expected())]
    assert dialogue.state is T
    assert told(play(dialogue, ["." * 8 + "#"])) == [DropTurn(1)]
    assert dialogue.state is L
    assert told(play(dialogue, ["." * 25])) == [CloseEars(2), StartTurn(3)]


@pytest.mark.parametrize(
    "early",
    [[WordsHeard(1, ASKED)], [WordsGuessed(1, ASKED), EarsFailed(1, "down")]],
    ids=["transcript", "guess"],
)
def test_e1_words_that_come_before_the_end_of_the_utterance_count(early):
    """E1, G2: ears that are done early have been heard."""
    dialogue = after(["#" * 40, *early])
    assert told(play(dialogue, ["." * 25]))[-1] == think(1, ASKED)


# ---- A2, A5: ears at a voice's onset


def test_a2_no_audio_before_the_voice_is_confirmed():
    """A2: the ears are set up while the voice is judged; what they are given begins with the pre-roll."""
    dialogue = Dialogue(PARAMS)
    assert play(dialogue, ["." * 20, "#####"]) == [OPEN]
    (fed,) = play(dialogue, ["#"])
    assert isinstance(fed, FeedEars) and len(fed.mulaw_8k) >= (10 + 5) * 160


def test_a5_noise_is_never_heard_by_ears():
    """A5: opened, closed, and not given a frame."""
    actions = play(Dialogue(PARAMS), ["." * 50, COUGH])
    assert actions == [OPEN, DropEars(1)]


def test_a5_a_voice_starts_the_count_of_noises_anew():
    """A5: two in a row; every noise has its ears closed as long as it had any."""
    dialogue = Dialogue(PARAMS)
    numbers = []
    for sounds in (["." * 50, COUGH, COUGH, COUGH], [SPOKE], [COUGH, COUGH, COUGH]):
        actions = told(play(dialogue, sounds))
        opened = [action.utterance_id for action in actions if isinstance(action, OpenEars)]
        dropped = [action.utterance_id for action in actions if isinstance(action, DropEars)]
        numbers.append((opened, dropped))
    assert numbers == [([1, 2], [1, 2]), ([4], []), ([5, 6], [5, 6])]


def test_a5_a_voice_too_short_to_be_an_utterance_closes_its_ears():
    """A5: confirmed late, and less than MIN_VOICED_MS of it: no transcript is waited for."""
    dialogue = Dialogue(PARAMS)
    actions = told(play(dialogue, ["###", "m" * 6, "." * 40, WordsHeard(1, ASKED)]))
    assert actions == [OPEN, DropEars(1)]
    assert (dialogue.state, dialogue.caller.pending.segments) == (L, [])


def test_g2_ears_that_fail_before_the_voice_is_confirmed():
    """G2: there is a voice all the same, and no ears took it: it is asked for again."""
    dialogue = after(["###", EarsFailed(1, "down"), "#" * 37])
    assert told(play(dialogue, ["." * 25]))[-1] == Say(1, 0, lines.unclear(1))
    assert logged(play(after(["###"]), [EarsFailed(1, "down")])) == ["ASR_ERR: down"]


# ---- B3, F2, F3: what the mind decided beside speaking

LEAD = SaveLead((("name", "דנה"),))
ACTS = (LEAD, EndCall())


def acting(*acts, before=ANSWERED, turn_id=1):
    return [*before, ReplyThought(turn_id, Expected(), acts)]


def performed(actions):
    return [action.act for action in actions if isinstance(action, Perform)]


HEARD = [PlayoutRoom(200), "." * 100, MarkReturned("1.0.0")]


@pytest.mark.parametrize(
    "before, event, acts",
    {
        "decided": (ANSWERED, ReplyThought(1, Expected(), ACTS), []),
        "waiting for its breath": (acting(*ACTS), "." * 40, []),
        "the first frame": (acting(*ACTS), PlayoutRoom(1), [LEAD]),
        "speaking": ([*acting(*ACTS), PlayoutRoom(200)], "." * 99, []),
        "heard": ([*acting(*ACTS), *HEARD[:2]], HEARD[2], [EndCall()]),
        "a lost mark": ([*acting(*ACTS), *HEARD[:2], "." * 49], ".", [EndCall()]),
        "once": ([*acting(*ACTS), *HEARD], "." * 200, []),
        "a person": ([*acting(Transfer()), *HEARD[:2]], HEARD[2], [Transfer()]),
        "decided while speaking": (
            [*ANSWERED, PlayoutRoom(1)],
            ReplyThought(1, Expected(), ACTS),
            [LEAD],
        ),
        "decided after all was heard": (
            [*ANSWERED, *HEARD],
            ReplyThought(1, Expected(), ACTS),
            [LEAD],
        ),
        "and then": ([*ANSWERED, *HEARD, ReplyThought(1, Expected(), ACTS)], ".", [EndCall()]),
        "several": (
            acting(LEAD, SaveLead((("name", "רון"),))),
            PlayoutRoom(1),
            [LEAD, SaveLead((("name", "רון"),))],
        ),
    }.values(),
)
def test_f2_f3_acts_are_done_in_time(before, event, acts):
    """B3, F2, F3: a lead once the turn is committed, the rest once it was heard to its end."""
    assert performed(play(after(before), [event])) == acts


@pytest.mark.parametrize(
    "events",
    {
        "superseded": [*acting(*ACTS), "#" * 40, "." * 25],
        "overdue before": [*UNDERSTOOD, TurnOverdue(1), ReplyThought(1, Expected(), ACTS)],
        "overdue behind": [*acting(*ACTS, before=UNDERSTOOD[:2] + [WordsHeard(1, ASKED)]), TurnOverdue(1)],
        "of an old turn": [*SPEAKING, "######", ReplyThought(1, Expected(), ACTS)],
        "failed": [*ANSWERED, MindFailed(1, "down"), *HEARD],
    }.values(),
)
def test_b3_nothing_is_done_for_a_turn_that_was_none(events):
    """B3: a superseded start leaves no trace."""
    assert performed(play(Dialogue(PARAMS), events)) == []


def test_b3_an_overdue_turn_is_not_ended_by_what_it_wanted():
    """G3: the line in its place is heard to its end, and the call goes on."""
    overdue = [*UNDERSTOOD, SentenceThought(1, FIRST), ReplyThought(1, Expected(), ACTS), TurnOverdue(1)]
    dialogue = after(overdue)
    line = [AudioMade(2, 0, AUDIO), SentenceVoiced(2, 0), PlayoutRoom(200), "." * 100]
    actions = play(dialogue, [*line, MarkReturned("2.0.0")])
    assert "tts_done" in logged(actions) and performed(actions) == []


def test_f2_who_interrupts_the_goodbye_is_not_hung_up_on():
    """F2, D2: the lead is kept, the end of the call is not."""
    dialogue = after([*acting(*ACTS), PlayoutRoom(23), "." * 10])
    assert performed(play(dialogue, ["######", "#" * 30, "." * 25, WordsHeard(2, "רגע")])) == []
    assert dialogue.state is T


def test_f2_a_cough_over_the_goodbye_only_delays_it():
    """F2, D4: it goes on from where it was cut, and then the call ends."""
    dialogue = after([*acting(*ACTS), PlayoutRoom(23), "." * 10, "nnn", "." * 20])
    actions = play(dialogue, [PlayoutRoom(200), "." * 90, MarkReturned("1.0.1")])
    assert performed(actions) == [EndCall()]


def test_f2_an_empty_barge_in_resumes_the_goodbye_and_its_end():
    """F2, D4: said again under a new ID; the lead is not kept twice."""
    cut = [*acting(*ACTS), PlayoutRoom(23), "." * 10, "######", "#" * 30, "." * 25]
    again = [WordsHeard(2, ""), BreathDrawn(3, 0), PlayoutRoom(200), "." * 100, MarkReturned("3.0.0")]
    assert performed(play(after(cut), again)) == [EndCall()]


def test_f2_who_said_something_meanwhile_is_answered():
    """F2, D5: over the goodbye, without stopping it: an answer is owed, the call does not end."""
    dialogue = after(acting(*ACTS), replace(PARAMS, barge_in=False))
    actions = play(dialogue, [PlayoutRoom(200), "." * 5, SPOKE, "." * 30, MarkReturned("1.0.0")])
    assert performed(actions) == [LEAD]
    assert dialogue.state is T
    assert told(play(dialogue, [WordsHeard(2, "רגע")]))[0].text == "רגע"


def test_f2_who_is_speaking_at_the_end_of_the_goodbye_is_heard_out():
    """F2, D5: in the middle of a word is no time to hang up."""
    dialogue = after(acting(*ACTS), replace(PARAMS, barge_in=False))
    actions = play(dialogue, [PlayoutRoom(200), "." * 70, "#" * 30, MarkReturned("1.0.0"), "#" * 10])
    assert "tts_done" in logged(actions) and performed(actions) == [LEAD]
    assert told(play(dialogue, ["." * 25, WordsHeard(2, "רגע")]))[-1].text == "רגע"


def test_a6_the_same_words_again_keep_what_their_answer_wanted():
    """E2, F2: the answer that was ready is played, and is followed by what the mind decided."""
    again = [*acting(*ACTS), SPOKE, WordsHeard(2, ASKED), BreathDrawn(3, 0), PlayoutRoom(200), "." * 100]
    assert performed(play(Dialogue(PARAMS), [*again, MarkReturned("3.0.0")])) == [LEAD, EndCall()]


def test_b3_the_same_act_is_done_once_a_call():
    """B3: a mind that knows only what was heard decides the same again; other details are another lead."""
    other = SaveLead((("name", "דנה"), ("phone", "050")))
    dialogue = after([*acting(LEAD), *HEARD])
    done = []
    for number, act in enumerate((LEAD, other, other), 2):
        done += play(
            dialogue, ["." * 40, SPOKE, BreathDrawn(number, 0), WordsHeard(number, f"ועוד {number}")]
        )
        said = [SentenceThought(number, f"תשובה {number}."), AudioMade(number, 0, AUDIO)]
        done += play(dialogue, [*said, SentenceVoiced(number, 0), ReplyThought(number, Expected(), (act,))])
        done += play(dialogue, [PlayoutRoom(200), "." * 100, MarkReturned(f"{number}.0.0")])
    assert performed(done) == [other]
