"""What is kept of a call, turn by turn, worked out by hand: events in, facts out."""

from dataclasses import replace

import pytest

from server.records.facts import Gap
from server.turns.effects import EndCall, SaveLead
from server.turns.events import (
    CallerGone,
    FinalTranscript,
    InterimTranscript,
    LlmFailed,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    SttFailed,
    TimeIsUp,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.machine import TurnMachine
from tests.records.lists import HandFed, parts
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    CALLED,
    COUGH,
    FINISHED,
    FIRST,
    GREETING,
    GREETS,
    INTERRUPTED,
    PARAMS,
    SECOND,
    SPEAKING,
    SPOKE,
    STOPS_EARLY,
    UNDERSTOOD,
    everything,
)

EARLY = replace(PARAMS, early_starts=2)


class Fed(HandFed):
    """Told scenes as ``tests/turns/scene.py`` writes them."""

    def handle(self, event):
        self.tell(event)
        return []

    def hear(self, *events):
        everything(self, events)
        return self


def fed(*events, params=PARAMS, mode="full"):
    return Fed(TurnMachine(params), mode).hear(CALLED, *events)


def rules(turn):
    return [(one.rule, one.what) for one in turn.decisions]


# ---- the wait for an answer


def answer(*, delay_frames, hears=5, thinks=10, speaks=7, plays=0):
    """Each takes so many frames, behind forty of voice and the silence of 25 that ends them."""
    return [
        SPOKE,
        ReplyDelay(1, delay_frames),
        "." * hears,
        FinalTranscript(1, ASKED, 0.9),
        "." * thinks,
        ReplySentence(1, FIRST),
        "." * speaks,
        TtsAudio(1, 0, AUDIO),
        TtsSentenceDone(1, 0),
        "." * plays,
        PlayoutRoom(23),
    ]


def test_the_gap_is_told_by_its_parts():
    """Half a second of silence, then each engine; the breath was over before the voice came (B4)."""
    story = fed(*answer(delay_frames=11, plays=3)).hear(CallerGone()).end()
    (turn,) = story.turns
    assert turn.gap == Gap(1000, closing_silence_ms=500, stt_ms=100, llm_ms=200, tts_ms=140, breath_ms=60)
    assert (story.call.turns, story.call.worst_gap_ms) == (1, 1000)


def test_the_breath_takes_what_a_ready_answer_waits_for():
    """B4: the answer is ready 22 frames behind the end of turn, and may start after 30."""
    story = fed(*answer(delay_frames=30), "." * 8, PlayoutRoom(23), CallerGone()).end()
    assert parts(story.turns[0].gap) == (500, 100, 200, 140, 160)


def test_what_was_made_during_the_silence_takes_no_time_of_its_own():
    """B3: asked in the pause, all of it was there before the utterance was over."""
    story = fed(
        "#" * 40 + "." * 8,
        InterimTranscript(1, ASKED),
        "." * 4,
        ReplySentence(1, FIRST),
        TtsAudio(1, 0, AUDIO),
        TtsSentenceDone(1, 0),
        "." * 13,
        ReplyDelay(1, 11),
        "." * 3,
        FinalTranscript(1, ASKED, 0.9),
        "." * 8,
        PlayoutRoom(23),
        CallerGone(),
        params=EARLY,
    ).end()
    (turn,) = story.turns
    assert parts(turn.gap) == (500, 60, 0, 0, 160)
    assert (turn.speculative_starts, turn.speculative_dropped) == (1, 0)
    assert [rule for rule in rules(turn) if rule[0] == "B3"] == [("B3", "started"), ("B3", "kept")]


def test_a_line_of_ours_needs_no_llm():
    """E1: empty words; the question is a fixed line, whose audio comes at once."""
    events = [SPOKE, ReplyDelay(1, 0), "." * 5, FinalTranscript(1, "", None)]
    story = fed(*events, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), PlayoutRoom(23), CallerGone()).end()
    (turn,) = story.turns
    assert parts(turn.gap) == (500, 100, 0, 0, 0)
    assert (turn.said_by, turn.caller, ("E1", "unclear") in rules(turn)) == ("line", "", True)


# ---- turns


def test_a_greeting_is_a_turn_that_answers_nobody():
    """B6: from 0.8 s on, two seconds of it."""
    greeted = ["." * 40, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), PlayoutRoom(100)]
    (turn,) = fed(*greeted, "." * 153, params=GREETS).turns  # the mark is lost: a second more (C4)
    assert (turn.number, turn.began_ms, turn.caller, turn.agent) == (1, 800, "", GREETING)
    assert (turn.said_by, turn.ended, turn.gap, rules(turn)) == ("line", "heard", None, [("B6", "greets")])
    assert turn.ended_ms > 2800


def test_a_question_and_its_answer():
    """From the caller's onset to the last mark."""
    story = fed(*FINISHED)
    (turn,) = story.turns
    assert (turn.caller, turn.agent, turn.said_by, turn.ended) == (ASKED, FIRST, "llm", "heard")
    assert turn.began_ms == 3 * 20  # three frames of voice open an utterance (A2)
    assert turn.ended_ms == (65 + 100) * 20
    assert rules(turn) == [("A3", "ended"), ("B4", "breath")]


def test_d2_a_reply_that_is_interrupted():
    """D2, D3: what was heard of it, and what was not; the caller's words are the next turn's."""
    story = fed(*INTERRUPTED)
    (turn,) = story.turns
    assert (turn.ended, turn.barge_ins, turn.false_barge_ins) == ("interrupted", 1, 0)
    (unheard,) = [one for one in turn.decisions if one.rule == "D3"]
    assert f"{turn.agent} {unheard.why}".strip() == FIRST
    assert rules(turn)[-3:] == [("D1", "candidate"), ("D2", "interrupted"), ("D3", "unheard")]


def nodded(words):
    """They interrupt, are known 40 frames later, and the reply goes on."""
    return [*INTERRUPTED, "#" * 10 + "." * 40, FinalTranscript(2, words, 0.9), "." * 5, PlayoutRoom(23)]


def test_d4_a_nod_was_no_barge_in():
    """D4: it goes on, and says so; the nod is heard, and answered by the rest."""
    story = fed(*nodded("אהה"), CallerGone()).end()
    one, other = story.turns
    assert (one.barge_ins, one.false_barge_ins) == (1, 0)
    assert (other.caller, other.said_by, other.false_barge_ins) == ("אהה", "rest", 1)
    assert ("D4", "only listens") in rules(other) and ("D4", "from its sentence") in rules(other)
    assert (story.call.barge_ins, story.call.false_barge_ins) == (1, 1)


def test_d1_d4_a_cough_stops_it_for_a_moment():
    """D1, D4: stopped early, it goes on from the very frame, in the same turn."""
    story = fed(*SPEAKING, "." * 10, COUGH, CallerGone(), params=STOPS_EARLY).end()
    (turn,) = story.turns
    assert (turn.barge_ins, turn.false_barge_ins, turn.ended) == (0, 1, "cut")
    assert rules(turn)[-4:] == [
        ("D1", "candidate"),
        ("D1", "stopped early"),
        ("D4", "went on"),
        ("D3", "unheard"),
    ]


def test_d4_a_nod_that_was_more_has_its_words_once():
    """D4: the guess was a nod, the transcript says more: the next turn has all of it."""
    events = [*INTERRUPTED, "#" * 10, InterimTranscript(2, "כן"), "." * 20, ReplyDelay(3, 0), PlayoutRoom(9)]
    story = fed(
        *events, "." * 3, FinalTranscript(2, "כן רגע יש לי שאלה", 0.9), CallerGone(), TimeIsUp()
    ).end()
    assert ("D4", "nod") in rules(story.turns[1])
    assert [turn.caller for turn in story.turns] == [ASKED, "", "כן רגע יש לי שאלה"]
    assert story.call.false_barge_ins == 0 and story.call.barge_ins == 2


def test_a6_a_caller_who_goes_on_is_one_turn():
    """A6: nothing was heard yet; both utterances are answered together."""
    story = fed(*UNDERSTOOD, "#" * 40 + "." * 25, FinalTranscript(2, "ומה המחיר", 0.9), CallerGone()).end()
    (turn,) = story.turns
    assert (turn.caller, turn.ended, turn.began_ms) == (f"{ASKED} ומה המחיר", "cut", 60)
    assert ("A6", "goes on") in rules(turn)


def test_a7_a_turn_that_is_held():
    """A7: which word holds it; and the silence that ended it at last."""
    story = fed("#" * 40, InterimTranscript(1, "אני מחפש דירה של"), "." * 60)
    story.hear(FinalTranscript(1, "אני מחפש דירה של", 0.9), CallerGone()).end()
    (turn,) = story.turns
    assert [(one.rule, one.what, one.why) for one in turn.decisions[:2]] == [
        ("A7", "held", "של"),
        ("A3", "held", "1200 ms of silence"),
    ]


def test_a7_of_a_number_no_part_is_told():
    """In its parts a telephone number is not found, and not hidden."""
    (held, *_) = fed("#" * 40, InterimTranscript(1, "המספר הוא 052 44"), "." * 60).decided
    assert (held.rule, held.what, held.why) == ("A7", "held", "a number")


def test_b3_an_early_start_that_is_dropped():
    """B3: the caller goes on."""
    story = fed("#" * 40 + "." * 8, InterimTranscript(1, ASKED), "#" * 20 + "." * 8, params=EARLY)
    whole = f"{ASKED} בחיפה"
    story.hear(InterimTranscript(1, whole), "." * 23, FinalTranscript(1, whole, 0.9), CallerGone()).end()
    (turn,) = story.turns
    assert (turn.speculative_starts, turn.speculative_dropped) == (2, 1)
    (dropped,) = [one for one in turn.decisions if one.what == "dropped"]
    assert dropped.why == "the caller goes on"


# ---- failures


def test_g2_an_llm_that_fails():
    """G2: the line that answers instead, and the cause."""
    story = fed(*UNDERSTOOD, LlmFailed(1, "openai: HTTP 503"), CallerGone()).end()
    (turn,) = story.turns
    assert turn.errors == ("llm openai: HTTP 503",)
    assert rules(turn)[-2:] == [("G2", "llm failed"), ("G2", "answered instead")]
    assert story.call.llm_errors == 1


@pytest.mark.parametrize("so_far, what", [("", ("G2", "stt failed")), (ASKED, ("G1", "words so far"))])
def test_g1_g2_an_stt_that_fails(so_far, what):
    """G1, G2: without words so far nothing was heard; with them they count."""
    guess = [InterimTranscript(1, so_far)] if so_far else []
    story = fed("#" * 40, *guess, "." * 25, SttFailed(1, "google: deadline exceeded"), CallerGone()).end()
    (turn,) = story.turns
    assert turn.errors == ("stt google: deadline exceeded",) and what in rules(turn)
    assert (turn.caller, story.call.stt_errors) == (so_far, 1)


def test_g3_a_turn_that_is_overdue():
    story = fed(*UNDERSTOOD, TurnOverdue(1), CallerGone()).end()
    assert rules(story.turns[0])[-2:] == [("G3", "overdue"), ("G2", "answered instead")]


# ---- the end


def test_f3_who_decided_on_a_hand_over():
    """F3: the bare word, by a rule; without a person that is what is said."""
    story = fed(SPOKE, ReplyDelay(1, 0), FinalTranscript(1, "נציג", 0.9), CallerGone()).end()
    (decided,) = [one for one in story.turns[0].decisions if one.rule == "F3"]
    assert (decided.what, decided.why) == ("no person", "a rule")


def test_f2_who_decided_on_the_end():
    """F2: the LLM, by its tool."""
    story = fed(*ANSWERED, ReplyDone(1, acts=(EndCall(),)), CallerGone()).end()
    (decided,) = [one for one in story.turns[0].decisions if one.rule == "F2"]
    assert (decided.what, decided.why) == ("goodbye", "the LLM")


def test_what_was_said_last_is_a_turn_of_its_own():
    """F6: the reply was being heard; who hangs up on their last word has said it all the same."""
    story = fed(*INTERRUPTED, "#" * 30, CallerGone(), FinalTranscript(2, "עזבו, תודה", 0.9)).end()
    assert [turn.caller for turn in story.turns] == [ASKED, "עזבו, תודה"]
    assert (story.turns[1].agent, story.turns[1].ended) == ("", "cut")


def test_what_a_caller_leaves_is_kept_with_the_call():
    lead = SaveLead((("name", "דנה"), ("phone", "this number")))
    story = fed(*ANSWERED, ReplyDone(1, acts=(lead,)), PlayoutRoom(23), CallerGone()).end()
    assert dict(story.call.lead) == {"name": "דנה", "phone": "+972501234567"}


# ---- what may be kept


@pytest.mark.parametrize(
    "mode, caller, words",
    [
        ("full", "+972501234567", "הקוד שלי הוא 4417"),
        ("redacted", "…4567", None),
        ("off", "…", "(4 words)"),
    ],
)
def test_words_are_kept_as_the_log_shows_them(mode, caller, words):
    """LOG_TRANSCRIPTS: all of them, without what is secret, or none."""
    story = fed(SPOKE, ReplyDelay(1, 0), FinalTranscript(1, "הקוד שלי הוא 4417", 0.9), mode=mode)
    story.hear(ReplySentence(1, SECOND), CallerGone()).end()
    assert story.call.caller == caller or (mode == "off" and "4567" not in story.call.caller)
    assert "4417" not in story.turns[0].caller or mode == "full"
    assert words is None or story.turns[0].caller == words


def test_a_call_is_known_from_its_start_and_after_each_turn():
    """Who is killed leaves it to the last turn."""
    story = fed(*FINISHED)
    assert [type(one).__name__ for one in story.facts] == ["CallFacts", "TurnFacts", "CallFacts"]
    first, _, last = story.facts
    assert (first.sid, first.turns, last.turns, last.ended) == ("CA1", 0, 1, "")


def test_a_call_that_never_started_leaves_nothing():
    assert Fed(TurnMachine(PARAMS)).end().facts == []
