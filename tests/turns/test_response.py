"""D4, E1-E3, F2, F3: what follows once the caller's words are known: the LLM, a line of ours, the rest."""

from dataclasses import replace

import pytest

from server.hebrew.understand.gender import Gender
from server.settings.prompts_file import lines_of
from server.turns.effects import EndCall, Expected, Line, SaveLead, Speaker, Transfer
from server.turns.events import (
    DigitPressed,
    FinalTranscript,
    LlmFailed,
    MarkReturned,
    PersonAvailable,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    SttFailed,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.prompts import asking_again, in_gender
from tests.turns.effects import NOTHING, asks, begins, drops, effects, effects_of, says, sends
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    CALLED,
    COMPLETE,
    FINISHED,
    FIRST,
    GRACE,
    INTERRUPTED,
    PARAMS,
    SAID,
    SECOND,
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
)
from tests.wording import OURS


def worded(line):
    return in_gender(line, Gender.FEMININE, None)


def said_by(text):
    """A line of the caller's."""
    return Line(Speaker.CALLER, text)


BARGE_IN = "." * 77 + "#" * 39 + "." * 25  # in the last word but one
CUT_SHORT = [*ANSWERED, PlayoutRoom(200), BARGE_IN]  # the LLM had not finished
ALL_BUT = [*ANSWERED, PlayoutRoom(200), "." * 10 + BARGE_IN]  # one sentence is heard, another may follow
WANTED = asks(ASKED, said=FIRST)  # the rest
HUM = "הבנתי"
SECOND_TURN = [*FINISHED, "." * 40, SPOKE]


NO_PERSON, TAKEN = worded(OURS.no_person), worded(OURS.message_taken)
LLM_LISTENS = replace(CALLED, takes_messages=True)


def voiced(turn_id, index=0, audio=AUDIO):
    return [TtsAudio(turn_id, index, audio), TtsSentenceDone(turn_id, index)]


CASES = {  # name: (before, event, actions, state after)
    # nothing was said after all: the rest of what was cut
    "an unfinished reply is asked for its rest": (CUT_SHORT, FinalTranscript(2, ""), WANTED, T),
    "after a hum too": (CUT_SHORT, FinalTranscript(2, HUM), WANTED, T),
    "after our own words too": (CUT_SHORT, FinalTranscript(2, "יש שלושה חדרים"), WANTED, T),
    "what is whole goes on meanwhile, from the word that was cut, without a breath": (
        [*CUT_SHORT, FinalTranscript(2, HUM)],
        PlayoutRoom(200),
        sends("clear", 29, "mark"),
        S,
    ),
    "the rest follows it": (
        [*CUT_SHORT, FinalTranscript(2, HUM)],
        ReplySentence(3, SECOND),
        says(SECOND),
        T,
    ),
    "a mind that says it all again is not said twice": (
        [*CUT_SHORT, FinalTranscript(2, HUM)],
        ReplySentence(3, FIRST),
        NOTHING,
        T,
    ),
    "a rest that was heard in full has another": (ALL_BUT, FinalTranscript(2, HUM), WANTED, T),
    "no rest at all: we listen": (
        [*ALL_BUT, FinalTranscript(2, HUM), ReplySentence(3, FIRST)],
        ReplyDone(3),
        drops(),
        L,
    ),
    "a rest that fails: we listen": (
        [*ALL_BUT, FinalTranscript(2, HUM)],
        LlmFailed(3, "down"),
        drops(),
        L,
    ),
    "a sentence that was not whole is voiced again": (
        [*UNDERSTOOD, ReplySentence(1, FIRST), TtsAudio(1, 0, AUDIO), PlayoutRoom(40), BARGE_IN],
        FinalTranscript(2, HUM),
        says(FIRST) + WANTED,
        T,
    ),
    "a complete reply needs no mind": (
        INTERRUPTED + ["#" * 30 + "." * 25],
        FinalTranscript(2, HUM),
        NOTHING,
        T,
    ),
    "a hum to the rest is a hum": (
        [*CUT_SHORT, FinalTranscript(2, HUM), SPOKE],
        FinalTranscript(3, HUM),
        WANTED,
        T,
    ),
    # a hum where nobody speaks
    "a hum in our silence is for the mind": (THINKING, FinalTranscript(1, HUM), asks(HUM), T),
    "a yes to our question is an answer": (
        [*UNDERSTOOD, ReplySentence(1, SECOND), *voiced(1), PlayoutRoom(200), BARGE_IN],
        FinalTranscript(2, "כן"),
        asks("כן", SAID, heard_of("לעזור במשהו", interrupted=True), turn_number=2),
        T,
    ),
    # answers of our own
    "a goodbye": (SECOND_TURN, FinalTranscript(2, "תודה ולהתראות"), says(OURS.goodbye), T),
    "a goodbye as the first words": (
        THINKING,
        FinalTranscript(1, "תודה ולהתראות"),
        asks("תודה ולהתראות"),
        T,
    ),
    "a person, and nobody there": (
        THINKING,
        FinalTranscript(1, "נציג"),
        says(in_gender(OURS.no_person, Gender.FEMININE, None)),
        T,
    ),
    "a person who is there": (
        [PersonAvailable(True), *THINKING],
        FinalTranscript(1, "נציג"),
        says("רגע אחד, אני מעבירה את השיחה לנציג."),
        T,
    ),
    "the key for a person": (
        [PersonAvailable(True), DigitPressed("0")],
        DigitPressed("#"),
        begins() + says("רגע אחד, אני מעבירה את השיחה לנציג."),
        T,
    ),
    "the mind knows that there is one": (
        [PersonAvailable(True), *THINKING],
        FinalTranscript(1, ASKED),
        asks(ASKED, person=True),
        T,
    ),
    "what the mind thinks of it is nothing": (
        [*SECOND_TURN, FinalTranscript(2, "להתראות")],
        ReplySentence(2, FIRST),
        NOTHING,
        T,
    ),
    "the mind knows how they speak of themselves": (
        THINKING,
        FinalTranscript(1, "אני מחפשת דירה"),
        asks("אני מחפשת דירה", caller=Gender.FEMININE),
        T,
    ),
}


@pytest.mark.parametrize("before, event, actions, state", CASES.values(), ids=CASES)
def test_answers(before, event, actions, state):
    """D4, E3, F2, F3: one event in, actions out, and the state after it."""
    dialogue = after(before)
    assert (effects(dialogue, event), dialogue.state) == (actions, state)


@pytest.mark.parametrize("text, line", [(HUM, "BACKCHANNEL → ignore"), ("יש שלושה חדרים", "ECHO → ignore")])
def test_d4_why_words_are_ignored_is_in_the_log(text, line):
    """D4, E3."""
    assert line in logged(play(after(CUT_SHORT), [FinalTranscript(2, text)]))


def test_d4_a_resumed_reply_is_one_line_of_the_history():
    """D3, D4: no interruption, no word of it twice, and no turn of the caller's."""
    dialogue = after([*CUT_SHORT, FinalTranscript(2, HUM), ReplySentence(3, SECOND), *voiced(3, 1)])
    ends = [ReplyDone(3), ReplyDelay(3, 0), PlayoutRoom(400), "." * 200]
    play(dialogue, [*ends, MarkReturned("3.0.0"), MarkReturned("3.1.0")])
    assert dialogue.state is L
    assert dialogue.call.history.lines == (SAID, heard_of(f"{FIRST} {SECOND}"))
    assert dialogue.call.history.committed_turns == 1
    clock = dialogue.current.clock
    assert dialogue.call.dedup.just_said(clock, FIRST) and dialogue.call.dedup.just_said(clock, SECOND)


def test_d3_what_was_heard_stays_heard_when_the_rest_was_never_played():
    """D3, A6: a hum, and real words before the rest goes on: the LLM is told of the cut as it was."""
    dialogue = after([*CUT_SHORT, FinalTranscript(2, HUM), SPOKE])
    (asked,) = effects(dialogue, FinalTranscript(3, "מה המחיר")).asked
    assert asked.history == (SAID, heard_of("יש שלושה חדרים", interrupted=True))


def test_d4_a_rest_that_is_put_off_by_a_second_hum_still_takes_the_cut_back():
    """D3, D4: once it goes on, there was no interruption."""
    dialogue = after([*CUT_SHORT, FinalTranscript(2, HUM), SPOKE, FinalTranscript(3, HUM), ReplyDelay(5, 0)])
    assert dialogue.call.history.lines[-1] == heard_of("יש שלושה חדרים", interrupted=True)
    play(dialogue, [PlayoutRoom(1)])
    assert (dialogue.state, dialogue.call.history.lines) == (S, (SAID,))


@pytest.mark.parametrize("end", [ReplyDone(3), LlmFailed(3, "down")], ids=["no rest", "a rest that fails"])
def test_d4_a_cut_behind_which_nothing_was_left_is_no_interruption(end):
    """D3, D4: all of the reply was heard, and the caller had only hummed."""
    dialogue = after([*ALL_BUT, FinalTranscript(2, HUM), ReplySentence(3, FIRST)])
    assert dialogue.call.history.lines == (SAID, heard_of("יש שלושה חדרים", interrupted=True))
    play(dialogue, [end])
    assert (dialogue.state, dialogue.call.history.lines) == (L, (SAID, heard_of(FIRST)))


def test_d4_what_was_heard_before_the_cut_stays_in_the_history():
    """D3, D4: the sentence before the one that was cut, as if nothing had been."""
    two = [ReplySentence(1, SECOND), *voiced(1, 1), ReplyDone(1)]
    dialogue = after([*ANSWERED, *two, PlayoutRoom(400), "." * 130, "#" * 36 + "." * 25])
    assert dialogue.call.history.lines[-1].interrupted
    play(
        dialogue,
        [FinalTranscript(2, HUM), ReplyDelay(3, 0), PlayoutRoom(400), "." * 100, MarkReturned("3.0.0")],
    )
    assert dialogue.call.history.lines == (SAID, heard_of(FIRST), heard_of(SECOND))


def heard(turn_id):
    """The line of a turn is heard to its end, and some silence after it."""
    sent = [ReplyDelay(turn_id, 0), *voiced(turn_id), PlayoutRoom(200), "." * 100]
    return [*sent, MarkReturned(f"{turn_id}.0.0"), "." * 40]


@pytest.mark.parametrize("text, person, act", [("להתראות", False, EndCall()), ("נציג", True, Transfer())])
def test_f2_f3_the_line_is_heard_before_it_is_done(text, person, act):
    """F2, F3: to its last mark, and the moment behind it."""
    dialogue = after([PersonAvailable(person), *SECOND_TURN, FinalTranscript(2, text)])
    *before, mark, _ = heard(2)
    assert effects(dialogue, *before, mark, GRACE[1:]).done == []
    assert effects(dialogue, ".").done == [act]


def test_f3_without_a_person_a_message_is_taken():
    """F3: asked for, given, kept; the LLM is not asked, and then it is again, and knows of it."""
    dialogue = after([CALLED, *THINKING, FinalTranscript(1, "נציג"), *heard(1), SPOKE])
    taken = play(dialogue, [FinalTranscript(2, "דנה מתל אביב")])
    assert effects_of(taken) == says(in_gender(OURS.message_taken, Gender.FEMININE, None))
    assert effects(dialogue, *heard(2)).done == [SaveLead((("message", "דנה מתל אביב"),))]
    told_of = [said_by("נציג"), heard_of(NO_PERSON), said_by("דנה מתל אביב"), heard_of(TAKEN)]
    asked = effects(dialogue, SPOKE, FinalTranscript(3, ASKED)).asked
    assert asked == asks(ASKED, *told_of, turn_number=3).asked


def test_f3_where_an_llm_listens_it_takes_the_message():
    """F3: it is told what our line has asked for; when it fails, what was left is kept by us."""
    dialogue = after([LLM_LISTENS, *THINKING, FinalTranscript(1, "נציג"), *heard(1), SPOKE])
    asked = asks("דנה מתל אביב", said_by("נציג"), heard_of(NO_PERSON), turn_number=2)
    assert effects(dialogue, FinalTranscript(2, "דנה מתל אביב")) == asked
    assert effects(dialogue, LlmFailed(2, "down")) == says(TAKEN)
    assert effects(dialogue, *heard(2)).done == [SaveLead((("message", "דנה מתל אביב"),))]


def test_f3_who_says_yes_to_a_message_is_listened_to():
    """F3: what comes next is the message."""
    dialogue = after([CALLED, *THINKING, FinalTranscript(1, "נציג"), *heard(1), SPOKE])
    assert effects(dialogue, FinalTranscript(2, "כן")) == says("בבקשה, אני מקשיבה.")
    play(dialogue, [*heard(2), SPOKE])
    assert effects(dialogue, FinalTranscript(3, "דנה")).said[0].startswith("תודה, רשמתי")


def test_f3_who_declines_is_asked_what_else():
    """F3: and the next words are for the LLM."""
    dialogue = after([*THINKING, FinalTranscript(1, "נציג"), *heard(1), SPOKE])
    assert effects(dialogue, FinalTranscript(2, "לא תודה")) == says(OURS.no_message)
    play(dialogue, [*heard(2), SPOKE])
    assert effects(dialogue, FinalTranscript(3, ASKED)).asked


def test_f3_a_question_of_ours_that_was_not_heard_asks_nothing():
    """F3, A6: superseded before its first frame: what is said next is no message."""
    dialogue = after([*THINKING, FinalTranscript(1, "נציג"), SPOKE])
    assert effects(dialogue, FinalTranscript(2, "מה המחיר")).asked


def test_e1_yes_to_the_call_back_is_left_for_the_office():
    """E1, F3: the offer after three unclear turns, with nobody there."""
    dialogue = after([CALLED])
    for number in (1, 2, 3):
        play(dialogue, [SPOKE, FinalTranscript(number, ""), *heard(number)])
    play(dialogue, [SPOKE])
    assert effects(dialogue, FinalTranscript(4, "כן")).said[-1].startswith("תודה, רשמתי")


def test_f3_lines_of_ours_are_history_like_any_turn():
    """F3: the LLM is told what was said in its place, and to what; the turn is counted."""
    dialogue = after([*THINKING, FinalTranscript(1, "נציג"), *heard(1)])
    assert dialogue.call.history.lines == (said_by("נציג"), heard_of(NO_PERSON))
    assert dialogue.call.history.committed_turns == 1


def test_e1_a_clarification_answers_no_words():
    """E1, F3: it is in the history, and nothing that the caller has said is before it."""
    dialogue = after([*THINKING, FinalTranscript(1, ""), *heard(1)])
    assert dialogue.call.history.lines == (heard_of(asking_again(OURS.unclear, 1)),)


def test_d4_a_line_of_ours_that_is_said_again_is_one_line_of_the_history():
    """D3, D4, F3: cut by a hum, and said again: the caller's words are there once, too."""
    dialogue = after([*THINKING, FinalTranscript(1, "נציג"), ReplyDelay(1, 0), *voiced(1), PlayoutRoom(200)])
    play(dialogue, ["." * 40 + "#" * 36 + "." * 25, FinalTranscript(2, HUM), *heard(3)])
    assert dialogue.call.history.lines == (said_by("נציג"), heard_of(NO_PERSON))


def deaf(number):
    """A turn that the STT fails to hear, and our line to its end."""
    return [SPOKE, SttFailed(number, "down"), *heard(number)]


def test_g2_half_a_number_by_keys_is_asked_for_again():
    """G2, F5: until six turns in a row were not heard."""
    dialogue = after([CALLED, *deaf(1), *deaf(2)])
    again = play(dialogue, [*map(DigitPressed, "052#"), *heard(3)])
    assert effects_of(again).said == [worded(OURS.deaf_keys)]
    number = play(dialogue, [*map(DigitPressed, "0521234567#"), *heard(4)])
    assert effects_of(number).done == [SaveLead((("message", "0521234567"),))]


def test_g2_a_word_that_is_heard_ends_the_deafness():
    """G2: the count starts anew; a key is no word."""
    dialogue = after([CALLED, *deaf(1), SPOKE, FinalTranscript(2, ASKED), ReplySentence(2, FIRST), *heard(2)])
    play(dialogue, [ReplyDone(2), "." * 100])
    assert dialogue.call.input.deaf_in_a_row == 0


def asks_and_wants(act):
    """The LLM asks something, and in the same reply ends the call or hands it over."""
    thought = [ReplySentence(1, SECOND), *voiced(1), ReplyDone(1, Expected(), (act,)), ReplyDelay(1, 0)]
    return [CALLED, PersonAvailable(True), *UNDERSTOOD, *thought, PlayoutRoom(200), "." * 100]


@pytest.mark.parametrize("act", [EndCall(), Transfer()])
def test_f2_a_question_ends_nothing(act):
    """F2: the caller's answer is waited for; nothing is due behind it."""
    dialogue = after(asks_and_wants(act))
    assert effects(dialogue, MarkReturned("1.0.0"), "." * 200).done == []


@pytest.mark.parametrize(
    "act, answer, own",
    [(Transfer(), "כן", True), (Transfer(), "לא תודה", False), (EndCall(), "כן", False)],
)
def test_f2_a_plain_yes_to_a_hand_over_that_was_asked_about_hands_over(act, answer, own):
    """F2, F3: whatever else is answered is for the LLM."""
    dialogue = after([*asks_and_wants(act), MarkReturned("1.0.0"), "." * 40, SPOKE])
    answered = effects(dialogue, LLM_LISTENS, FinalTranscript(2, answer))
    assert (bool(answered.said), bool(answered.asked)) == (own, not own)


def test_gender_lines_follow_what_the_caller_has_shown():
    """Gender: once it was said, not before."""
    shown = [
        *THINKING,
        ReplyDelay(1, 0),
        FinalTranscript(1, "אני מחפש דירה"),
        *COMPLETE[3:],
        PlayoutRoom(200),
    ]
    dialogue = after([*shown, "." * 100, MarkReturned("1.0.0"), "." * 40, SPOKE])
    assert effects(dialogue, FinalTranscript(2, "נציג")).said[-1].endswith("ונחזור אליך.")
    him = after(
        [*THINKING, FinalTranscript(1, "נציג")], replace(PARAMS, lines=lines_of("", Gender.MASCULINE))
    )
    assert him.turn.playout.sentences[0].text.endswith("ונחזור אליכם.")


def test_e3_what_was_still_due_is_done_when_the_words_were_our_echo():
    """E3, F2: the goodbye came back over the line; the call ends all the same."""
    bye = [*UNDERSTOOD, ReplySentence(1, FIRST), *voiced(1), ReplyDone(1, Expected(), (EndCall(),))]
    dialogue = after([*bye, PlayoutRoom(200), "." * 88, "######"])
    assert dialogue.state is L
    assert effects(dialogue, "#" * 30 + "." * 25, FinalTranscript(2, "יש שלושה חדרים")).done == [EndCall()]


def test_b5_a_hint_that_is_heard_goes_on_when_nothing_was_said():
    """B5, D4: it comes to its end, and is no answer."""
    quick = replace(PARAMS, hint_after_frames=5)
    before = ["#" * 15 + "." * 25, "....", ".", TtsAudio(1, -1, AUDIO), PlayoutRoom(10)]
    dialogue = after(before, quick)
    assert effects(dialogue, FinalTranscript(1, "")) == NOTHING and dialogue.state is S
    play(dialogue, [PlayoutRoom(200), "." * 100, MarkReturned("1.0.0")])
    assert (dialogue.state, dialogue.call.history.lines) == (L, ())


def test_a6_words_to_a_rest_that_was_not_heard_yet_are_words():
    """A6, D4: whoever goes on after a hum has said something: it is joined, and the LLM is asked."""
    dialogue = after([*CUT_SHORT, FinalTranscript(2, HUM), SPOKE])
    (asked,) = effects(dialogue, FinalTranscript(3, "מה המחיר")).asked
    assert (asked.text, asked.said) == (f"{HUM} מה המחיר", "")
