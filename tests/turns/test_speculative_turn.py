"""B3, A7: thinking while the closing silence is counted, and an LLM that hears the caller is not done."""

from collections import deque
from dataclasses import is_dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.turns.effects import EndCall, Expected, Line, SaveLead, Speaker
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
    SttFailed,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.prompts import asking_again, in_turn, to_caller
from tests.turns.effects import NOTHING, asks, begins, drops, effects, effects_of, hints, says, sends, stt
from tests.turns.scene import (
    ASKED,
    AUDIO,
    FINISHED,
    FIRST,
    GRACE,
    GREETING,
    HINT,
    INTERRUPTED,
    PARAMS,
    SECOND,
    L,
    S,
    T,
    after,
    heard_of,
    logged,
    play,
)
from tests.wording import OURS

EARLY = replace(PARAMS, early_starts=2)
MORE = "בתל אביב"
PAUSE = "#" * 40 + "." * 7  # the hangover has passed
REST = "." * 18  # and now the closing silence
HOLD = "." * 35
STARTED = [PAUSE, InterimTranscript(1, ASKED)]
OWED = [*STARTED, REST]
MADE = [ReplySentence(1, FIRST), TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), ReplyDone(1)]
SECOND_PAUSE = [*FINISHED, "." * 40, PAUSE]
WAITS = ReplySentence(1, "…")
LEAD = SaveLead((("name", "דנה"),))


CASES = {  # name: (before, event, actions, state after)
    # a pause
    "the words so far are wanted at a pause": (["#" * 40 + "." * 6], ".", stt("flush"), L),
    "and are thought about": ([PAUSE], FinalTranscript(1, ASKED), asks(ASKED, may_wait=True), L),
    "be they a guess": ([PAUSE], InterimTranscript(1, ASKED), asks(ASKED, may_wait=True), L),
    "or what was guessed when the ears fail": (
        ["#" * 30, InterimTranscript(1, ASKED), "#" * 10 + "." * 7],
        SttFailed(1, "down"),
        asks(ASKED, may_wait=True),
        L,
    ),
    "a guess in mid-speech is not": (["#" * 40], InterimTranscript(1, ASKED), NOTHING, L),
    "nor one of an utterance that is none": ([PAUSE], InterimTranscript(4, ASKED), NOTHING, L),
    "no word is nothing to think about": ([PAUSE], FinalTranscript(1, ""), NOTHING, L),
    "words that cannot be all are waited out": (
        [PAUSE],
        InterimTranscript(1, "אני מחפש דירה של"),
        NOTHING,
        L,
    ),
    "words too doubtful are none": ([PAUSE], FinalTranscript(1, ASKED, 0.1), NOTHING, L),
    "a goodbye is for us": (SECOND_PAUSE, InterimTranscript(2, "להתראות"), NOTHING, L),
    "the first words are none": ([PAUSE], InterimTranscript(1, "להתראות"), asks("להתראות", may_wait=True), L),
    "a person too": ([PAUSE], InterimTranscript(1, "נציג"), NOTHING, L),
    "the same words again are thought about": (STARTED, InterimTranscript(1, ASKED + "."), NOTHING, L),
    "other words are another start": (
        STARTED,
        InterimTranscript(1, ASKED + " " + MORE),
        drops() + asks(ASKED + " " + MORE, may_wait=True),
        L,
    ),
    "a third start is none": (
        [*STARTED, InterimTranscript(1, MORE)],
        InterimTranscript(1, ASKED + " " + MORE),
        drops(),
        L,
    ),
    "words that cannot be all drop it": (STARTED, InterimTranscript(1, ASKED + " של"), drops(), L),
    # the caller goes on
    "who goes on is heard on, and nothing is thought": (
        STARTED,
        "#",
        stt("resume") + drops(),
        L,
    ),
    "also where nothing was": ([PAUSE], "#", stt("resume"), L),
    "the next pause is another one": ([*STARTED, "#" * 20 + "." * 6], ".", stt("flush"), L),
    "with its own words": (
        [*STARTED, "#" * 20 + "." * 7],
        InterimTranscript(1, ASKED + " " + MORE),
        asks(ASKED + " " + MORE, may_wait=True),
        L,
    ),
    "twice a turn, no more": (
        [*STARTED, "#" * 20 + "." * 7, InterimTranscript(1, MORE), "#" * 20 + "." * 6],
        ".",
        NOTHING,
        L,
    ),
    "a key ends it": (STARTED, DigitPressed("1"), drops() + stt("finish"), L),
    # the LLM and the voice
    "its sentences are voiced": (STARTED, ReplySentence(1, FIRST), says(FIRST), L),
    "nothing of it is on the wire": ([*STARTED, *MADE, ReplyDelay(1, 0)], PlayoutRoom(23), NOTHING, L),
    "a mind that fails is asked once more": (STARTED, LlmFailed(1, "down"), drops(), L),
    "so is one that says nothing": (STARTED, ReplyDone(1), drops(), L),
    "at the end": ([*STARTED, LlmFailed(1, "down")], REST, stt("finish") + begins(), T),
    "with all words": (
        [*STARTED, LlmFailed(1, "down"), REST],
        FinalTranscript(1, ASKED),
        asks(ASKED),
        T,
    ),
    "one that fails in the middle has answered": (
        [*STARTED, ReplySentence(1, FIRST)],
        LlmFailed(1, "down"),
        NOTHING,
        L,
    ),
    # the end of the turn
    "its end makes it the turn": (STARTED, REST, stt("finish") + begins(), T),
    "the same words keep it": (OWED, FinalTranscript(1, ASKED + "!", 0.9), NOTHING, T),
    "and are played": (
        [*OWED, FinalTranscript(1, ASKED), *MADE, ReplyDelay(1, 0)],
        PlayoutRoom(1),
        sends("clear", 1),
        S,
    ),
    "not before they are known": ([*OWED, *MADE, ReplyDelay(1, 0)], PlayoutRoom(1), NOTHING, T),
    "other words are thought about anew": (
        [*OWED, *MADE, "....."],
        FinalTranscript(1, ASKED + " " + MORE),
        drops() + begins(waited_frames=5) + asks(ASKED + " " + MORE),
        T,
    ),
    "a goodbye after all": (
        [*SECOND_PAUSE, InterimTranscript(2, ASKED), REST],
        FinalTranscript(2, "להתראות"),
        drops() + begins() + says(OURS.goodbye),
        T,
    ),
    "no word after all": (
        [*OWED, *MADE],
        FinalTranscript(1, ""),
        drops() + begins() + says(asking_again(OURS.unclear, 1)),
        T,
    ),
    "words that were known at the pause are all": (
        [PAUSE, FinalTranscript(1, ASKED), *MADE, ReplyDelay(1, 0), REST, ReplyDelay(1, 0)],
        PlayoutRoom(1),
        sends("clear", 1),
        S,
    ),
    "an early answer may be late": (
        [*OWED, FinalTranscript(1, ASKED)],
        TurnOverdue(1),
        drops() + says(OURS.llm_failed[0]),
        T,
    ),
    # the LLM hears that the caller has not finished
    "the mind waits": (STARTED, WAITS, drops(), L),
    "and the turn is held": ([*STARTED, WAITS], REST + "." * 34, NOTHING, L),
    "by so much": ([*STARTED, WAITS, REST + "." * 34], ".", stt("finish") + begins(), T),
    "then it may wait no more": (
        [*STARTED, WAITS, REST, HOLD],
        FinalTranscript(1, ASKED),
        asks(ASKED),
        T,
    ),
    "who goes on is heard on all the same": ([*STARTED, WAITS, "." * 30], "#", stt("resume"), L),
    "three dots are an ellipsis": (STARTED, ReplySentence(1, " ... "), drops(), L),
    "once the turn is owed it starts over": (OWED, WAITS, drops() + begins(), T),
    "and is asked again after the hold": (
        [*OWED, FinalTranscript(1, ASKED), WAITS, "." * 34],
        ".",
        asks(ASKED),
        T,
    ),
    "not before": ([*OWED, FinalTranscript(1, ASKED), WAITS], "." * 34, NOTHING, T),
    "nor twice": ([*OWED, FinalTranscript(1, ASKED), WAITS, HOLD], "." * 39, NOTHING, T),
    "not because the words are known": ([*OWED, WAITS], FinalTranscript(1, ASKED), NOTHING, T),
    "it is not asked about words that are still to come": ([*OWED, WAITS], HOLD, NOTHING, T),
    "nor behind a line of ours": ([*OWED, WAITS, FinalTranscript(1, "נציג")], HOLD, NOTHING, T),
    "but as soon as they are there": (
        [*OWED, WAITS, HOLD, FinalTranscript(1, ASKED)],
        ".",
        asks(ASKED),
        T,
    ),
    "the hold counts from the end of the turn": (
        [*OWED, FinalTranscript(1, ASKED), "." * 10, WAITS, "." * 24],
        ".",
        asks(ASKED),
        T,
    ),
    "who goes on while it is held is joined": (
        [*OWED, FinalTranscript(1, ASKED), WAITS],
        "######",
        stt("start") + drops(),
        L,
    ),
    "it is never spoken": (
        [*OWED, FinalTranscript(1, ASKED), WAITS, HOLD],
        ReplySentence(2, "…"),
        NOTHING,
        T,
    ),
    "and nothing else is no answer": (
        [*OWED, FinalTranscript(1, ASKED), WAITS, HOLD, ReplySentence(2, "…")],
        ReplyDone(2),
        says(OURS.llm_failed[0]),
        T,
    ),
    "behind a sentence it is nothing": (
        [*OWED, FinalTranscript(1, ASKED), ReplySentence(1, FIRST)],
        WAITS,
        NOTHING,
        T,
    ),
}


@pytest.mark.parametrize("before, event, actions, state", CASES.values(), ids=CASES)
def test_early_start(before, event, actions, state):
    """B3, A7: one event in, actions out, and the state after it."""
    dialogue = after(before, EARLY)
    assert (effects(dialogue, event), dialogue.state) == (actions, state)


def test_b6_nothing_is_thought_before_a_notice_was_heard():
    """B3, B6: GREETING_PROTECTED: the greeting is what comes next, and not an answer to "hello?"."""
    params = replace(EARLY, greeting=GREETING, greeting_protected=True)
    dialogue = after([PAUSE], params)
    assert effects(dialogue, InterimTranscript(1, ASKED)) == NOTHING
    assert effects(dialogue, REST) == stt("finish") + says(GREETING)


@pytest.mark.parametrize("starts", [0, 1, 2, 3])
def test_b3_starts_are_counted_for_the_callers_turn(starts):
    """B3, A6: SPECULATIVE_MAX a turn, however many utterances are joined to it; 0 is off."""
    params = replace(PARAMS, early_starts=starts)
    dialogue = after([], params)
    asked = []
    for number in (1, 2, 3, 4):  # each utterance is answered late, and superseded by the next
        said = [
            PAUSE,
            InterimTranscript(number, f"{ASKED} {number}"),
            REST,
            FinalTranscript(number, f"{ASKED} {number}"),
        ]
        asked += [one for one in effects(dialogue, *said).asked if one.may_wait]
    assert len(asked) == starts


def test_b3_the_next_turn_has_starts_of_its_own():
    """B3: once the caller was answered."""
    heard = [ReplyDelay(1, 0), PlayoutRoom(200), "." * 100, MarkReturned("1.0.0"), "." * 40]
    dialogue = after([*OWED, FinalTranscript(1, ASKED), *MADE, *heard], replace(PARAMS, early_starts=1))
    assert effects(dialogue, PAUSE, InterimTranscript(2, MORE)).asked


def state_of(part):
    """All that a part of the call knows, and its parts."""
    if not type(part).__module__.startswith("server.turns") or is_dataclass(part):
        return list(part) if isinstance(part, deque) else part
    return {name: state_of(value) for name, value in vars(part).items()}


@pytest.mark.parametrize(
    "ends", ["#", InterimTranscript(1, ASKED + " של"), DigitPressed("1"), WAITS], ids=repr
)
def test_b3_a_dropped_start_leaves_no_trace(ends):
    """B3: no history, no counter, nothing done; what it still says is too late."""
    dialogue = after([PAUSE], EARLY)
    before = state_of(dialogue.call)
    decided = ReplyDone(1, Expected(("כן",), 3), (LEAD, EndCall()))
    thought = [] if ends is WAITS else [ReplySentence(1, FIRST), TtsAudio(1, 0, AUDIO), decided]
    dropped = [InterimTranscript(1, ASKED), *thought, ends, decided, ReplySentence(1, SECOND)]
    assert effects(dialogue, *dropped).done == []
    assert state_of(dialogue.call) == before
    assert (dialogue.turn, dialogue.parts.barge_in.interrupted) == (None, None)


def test_b3_what_an_early_llm_decided_is_done_in_time():
    """B3, F2: once the turn is committed, and once it was heard."""
    made = [*MADE[:3], ReplyDone(1, Expected(), (LEAD, EndCall()))]
    dialogue = after([*STARTED, *made, REST, FinalTranscript(1, ASKED), ReplyDelay(1, 0)], EARLY)
    assert effects(dialogue, PlayoutRoom(200)).done == [LEAD]
    assert EndCall() in effects(dialogue, "." * 100, MarkReturned("1.0.0"), GRACE).done


events = st.sampled_from(
    [
        *[ReplyDelay(1, 0), ReplySentence(1, FIRST), ReplySentence(1, SECOND), TtsAudio(1, 0, AUDIO)],
        *[TtsSentenceDone(1, 0), PlayoutRoom(23), InterimTranscript(1, ASKED)],
        *[ReplyDone(1, Expected(), (LEAD,)), MarkReturned("1.0.0"), TurnOverdue(1), "."],
    ]
)


@settings(max_examples=60)
@given(st.lists(events, min_size=5, max_size=17))
def test_b3_nothing_is_audible_before_the_end_of_the_turn(events):
    """B3: whatever the LLM and the voice do meanwhile, nothing reaches the wire and nothing is done."""
    dialogue = after(STARTED, EARLY)
    noticed = effects(dialogue, *events)
    assert dialogue.state is L
    assert noticed.wire == noticed.done == []


def test_b4_an_early_answer_still_takes_its_breath():
    """B3, B4: closing silence and breath, no less; and no more, though its words were early."""
    dialogue = after([*STARTED, *MADE, REST, FinalTranscript(1, ASKED), ReplyDelay(1, 11), "." * 10], EARLY)
    assert play(dialogue, [PlayoutRoom(5)]) == []
    assert play(dialogue, [".", PlayoutRoom(5)]) != []


def test_b5_an_early_turn_gives_its_hint_in_its_own_time():
    """B5: counted from the end of the turn, or from where it is asked again; none before that."""
    dialogue = after([*OWED, FinalTranscript(1, ASKED), "." * 39], EARLY)
    assert effects(dialogue, ".") == hints(HINT)
    quick = replace(EARLY, hint_after_frames=20)
    waiting = after([*OWED, FinalTranscript(1, ASKED), WAITS], quick)
    assert effects(waiting, "." * 35) == asks(ASKED)
    assert effects(waiting, "." * 19) == NOTHING
    assert effects(waiting, ".") == hints(HINT)


def test_e2_what_is_thought_already_is_not_started_again():
    """B3, E2: the same words a second time keep the answer that was made for them."""
    dialogue = after([*OWED, FinalTranscript(1, ASKED), *MADE, PAUSE], EARLY)
    assert effects(dialogue, FinalTranscript(2, ASKED)) == NOTHING
    play(dialogue, [REST, ReplyDelay(3, 0)])
    assert 1 in effects(dialogue, PlayoutRoom(1)).wire


def test_d4_a_barge_in_with_an_early_start_may_still_be_nothing():
    """B3, D4: the words of the pause were heard otherwise in the end; the reply goes on."""
    dialogue = after([*INTERRUPTED, "#" * 30 + "." * 7, InterimTranscript(2, MORE), REST], EARLY)
    assert dialogue.turn.request.text == MORE
    play(dialogue, [FinalTranscript(2, "")])
    assert dialogue.call.history.lines == (Line(Speaker.CALLER, ASKED),)
    turn_id = dialogue.current.turn_id
    assert effects(dialogue, ReplyDelay(turn_id, 0), PlayoutRoom(1)) == sends("clear", 1)


def test_a7_a_barge_in_that_was_none_is_not_asked_about():
    """A7, D4: the LLM waited behind words of a pause, and there were none: the reply just goes on."""
    dialogue = after([*INTERRUPTED, "#" * 30 + "." * 7, InterimTranscript(2, MORE), REST], EARLY)
    play(dialogue, [ReplySentence(dialogue.current.turn_id, "…"), FinalTranscript(2, "")])
    assert effects(dialogue, HOLD) == NOTHING
    turn_id = dialogue.current.turn_id
    assert 1 in effects(dialogue, ReplyDelay(turn_id, 0), PlayoutRoom(1)).wire


CHIMED_IN = [*INTERRUPTED, "#" * 30 + "." * 7, InterimTranscript(2, "אחלה בחלה"), REST]


def test_d4_only_listening_is_heard_before_the_last_word_of_the_stt():
    """B3, D4: the LLM is quicker than the transcript; the reply goes on with that, nobody is asked."""
    dialogue = after(CHIMED_IN, EARLY)
    assert dialogue.turn.request.may_listen
    listens = ReplySentence(dialogue.current.turn_id, "…")
    assert effects(dialogue, listens, FinalTranscript(2, "אחלה בחלה")).asked == []
    assert dialogue.call.history.lines == (Line(Speaker.CALLER, ASKED),)
    turn_id = dialogue.current.turn_id
    assert 1 in effects(dialogue, ReplyDelay(turn_id, 0), PlayoutRoom(1)).wire


def test_d4_other_words_in_that_transcript_are_answered():
    """B3, D4: what the LLM has found was said of other words."""
    dialogue = after([*CHIMED_IN, ReplySentence(3, "…")], EARLY)
    (asked,) = effects(dialogue, FinalTranscript(2, "אחלה בחלה אבל " + MORE)).asked
    assert asked.text == "אחלה בחלה אבל " + MORE


AGAIN = [*FINISHED, "." * 40, "#" * 40 + "." * 7, InterimTranscript(2, MORE), ReplySentence(2, FIRST)]
ALREADY_SAID = says(to_caller(in_turn(OURS.already_said, 1), None))


def test_e4_an_early_reply_that_was_heard_a_moment_ago_is_one():
    """B3, E4: all of it is skipped; a line of ours is the answer, and nobody is asked once more."""
    dialogue = after(AGAIN, EARLY)
    assert effects(dialogue, ReplyDone(2)) == ALREADY_SAID
    assert effects(dialogue, REST) == stt("finish") + begins()
    play(dialogue, [FinalTranscript(2, MORE), ReplyDelay(2, 0), TtsAudio(2, 0, AUDIO), TtsSentenceDone(2, 0)])
    assert 1 in effects(dialogue, PlayoutRoom(1)).wire
    failed = play(after(AGAIN, EARLY), [LlmFailed(2, "down")])
    assert (effects_of(failed), logged(failed)) == (ALREADY_SAID, ["LLM_ERR: down"])


def test_e4_an_early_line_is_not_taken_for_the_answer_to_other_words():
    """B3, E4, D3: they are thought about anew, and that answer is history."""
    dialogue = after([*AGAIN, ReplyDone(2), REST, FinalTranscript(2, ASKED + " " + MORE)], EARLY)
    made = [ReplySentence(3, SECOND), TtsAudio(3, 0, AUDIO), TtsSentenceDone(3, 0), ReplyDone(3)]
    play(dialogue, [*made, ReplyDelay(3, 0), PlayoutRoom(200), "." * 100, MarkReturned("3.0.0")])
    assert dialogue.call.history.lines[-1] == heard_of(SECOND)


def test_a7_without_a_hold_the_llm_may_not_wait():
    """A7: INCOMPLETE_HOLD_MS=0: nothing is held, not even by words that cannot be all."""
    params = replace(EARLY, endpointing=replace(PARAMS.endpointing, hold_frames=0))
    assert effects(after([PAUSE], params), InterimTranscript(1, ASKED)) == asks(ASKED, may_wait=False)
    assert effects(after([PAUSE], params), InterimTranscript(1, ASKED + " זהו"), "." * 9) == asks(
        ASKED + " זהו", may_wait=False
    )
    held = after([PAUSE, InterimTranscript(1, ASKED + " של")], params)
    assert effects(held, REST) == stt("finish") + begins()


def test_a7_a_llm_may_wait_once_a_turn():
    """A7, A6: also when the caller goes on afterwards."""
    early = after([*STARTED, WAITS, "#" * 20 + "." * 7], EARLY)
    assert effects(early, InterimTranscript(1, MORE)) == asks(MORE, may_wait=False)
    owed = after([*OWED, FinalTranscript(1, ASKED), WAITS, PAUSE], EARLY)
    (asked,) = effects(owed, InterimTranscript(2, MORE)).asked
    assert (asked.text, asked.may_wait) == (f"{ASKED} {MORE}", False)


@pytest.mark.parametrize("words, silence", [("אני מחפש דירה של", 60), ("זהו תודה", 16), (ASKED, 25)])
def test_a7_words_so_far_move_the_end_of_the_turn(words, silence):
    """A7: held by 700 ms, or released at half the closing silence; without an early start, too."""
    dialogue = after(["#" * 40, InterimTranscript(1, words)])
    assert effects(dialogue, "." * (silence - 1)) == NOTHING
    assert effects(dialogue, ".").stt == ["finish"]


@pytest.mark.parametrize(
    "before, event, line",
    {
        "started": ([PAUSE], InterimTranscript(1, ASKED), "EARLY_START turn=1"),
        "dropped": (STARTED, "#", "EARLY_START dropped turn=1"),
        "failed": (STARTED, LlmFailed(1, "down"), "LLM_ERR: down"),
        "and dropped": (STARTED, LlmFailed(1, "down"), "EARLY_START dropped turn=1"),
        "not finished": (STARTED, WAITS, "NOT_FINISHED turn=1"),
        "not finished, and owed": (OWED, WAITS, "NOT_FINISHED turn=1"),
    }.values(),
)
def test_log_lines(before, event, line):
    """B3, A7: what happened is in the log."""
    assert line in logged(play(after(before, EARLY), [event]))


def test_an_early_llm_that_said_nothing_has_not_failed():
    """B3: its engine is not blamed in the log."""
    assert logged(play(after(STARTED, EARLY), [ReplyDone(1)])) == ["EARLY_START dropped turn=1"]
