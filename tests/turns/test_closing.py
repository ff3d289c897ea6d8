"""F4 when the server must go: what ``ClosingDown`` does in every state, action by action."""

from dataclasses import replace

import pytest

from server.hebrew.understand.gender import Gender
from server.turns.effects import EndCall, SaveLead, Transfer
from server.turns.events import (
    ClosingDown,
    InterimTranscript,
    MarkReturned,
    PersonAvailable,
    PlayoutRoom,
    ReplyDone,
    ReplySentence,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.no_input import PATIENCE_FRAMES, out_of_patience
from server.turns.prompts import in_gender
from server.turns.response import BROKEN_OFF
from tests.turns.effects import NOTHING, does, drops, effects, says
from tests.turns.scene import (
    ANSWERED,
    ASKED,
    AUDIO,
    CALLED,
    COMPLETE,
    COUGH,
    FIRST,
    GREETS,
    PARAMS,
    SPEAKING,
    SPOKE,
    THINKING,
    UNDERSTOOD,
    L,
    S,
    T,
    after,
    logged,
    play,
)
from tests.turns.test_playout import reply, take, tick
from tests.wording import OURS


def worded(line):
    return in_gender(line, Gender.FEMININE, None)


SORRY = worded(OURS.closing_call_back)
PROMISED = SaveLead((("message", BROKEN_OFF),))
CLOSES = ClosingDown()


def voiced(turn_id):
    """The line of a turn, whole, and its way to the wire."""
    return [TtsAudio(turn_id, 0, AUDIO), TtsSentenceDone(turn_id, 0), PlayoutRoom(1000)]


@pytest.mark.parametrize(
    "closing_at, clock, out",
    [(None, 10**6, False), (100, 99 + PATIENCE_FRAMES, False), (100, 100 + PATIENCE_FRAMES, True)],
)
def test_f4_who_speaks_is_waited_for_five_seconds(closing_at, clock, out):
    """F4: from the event on."""
    assert out_of_patience(clock, closing_at) is out


@pytest.mark.parametrize(
    "before, event, said",
    {
        "nobody has spoken": ([], ".", says(SORRY)),
        "the greeting is due": (["." * 30], ".", says(SORRY)),
        "the mind thinks": (UNDERSTOOD, CLOSES, drops() + says(SORRY)),
        "its answer is ready": (COMPLETE, CLOSES, drops() + says(SORRY)),
        "the words are awaited": (THINKING, CLOSES, NOTHING),
        "we speak": (SPEAKING, CLOSES, NOTHING),
    }.values(),
    ids=str,
)
def test_f4_the_line_is_next(before, event, said):
    """F4: at once, unless words are on their way, or a sentence of ours is being heard."""
    dialogue = after([CALLED, *before], GREETS if not before or before == ["." * 30] else PARAMS)
    if event is not CLOSES:
        assert effects(dialogue, CLOSES) == NOTHING
    assert effects(dialogue, event) == said


def test_f4_the_line_then_the_lead_then_the_end():
    """F4: the lead is kept when the line begins, the call ends when it was heard."""
    dialogue = after([CALLED, CLOSES, "."])
    begun = effects(dialogue, *voiced(1))
    assert begun.wire[0] == "clear" and begun.done == [PROMISED]
    assert dialogue.state is S
    assert effects(dialogue, "." * 100, MarkReturned("1.0.0")) == drops() + does(EndCall())


def test_f4_it_counts_once():
    """F4: the second time nothing happens, and the patience is not begun anew."""
    dialogue = after([CALLED, CLOSES, "###" * 20])
    assert play(dialogue, [CLOSES]) == [] and dialogue.call.closing_at == 0


def test_f4_nothing_stops_the_line():
    """F4, D1, D2, F5: neither a voice nor a key; who speaks over its end is not waited for."""
    dialogue = after([CALLED, CLOSES, ".", *voiced(1), "." * 20])
    over_it = effects(dialogue, "#" * 80)
    assert "clear" not in over_it.wire and "drop" not in over_it.turns and dialogue.state is S
    assert EndCall() in effects(dialogue, MarkReturned("1.0.0")).done


def test_f4_who_does_not_pause_is_spoken_over_when_time_is_up():
    """F4: not a frame sooner; and nothing that was heard in between is thought about."""
    dialogue = after([CALLED, "#" * 50])
    before = effects(dialogue, CLOSES, "#" * (PATIENCE_FRAMES - 1))
    assert before.said == before.asked == []
    assert SORRY in effects(dialogue, "#").said
    assert PROMISED in effects(dialogue, "###", *voiced(1)).done and dialogue.state is S
    assert dialogue.turn.final


def test_f4_a_sentence_of_ours_is_not_cut_by_impatience():
    """F4: it is heard to its end, however long it is."""
    long = [
        *UNDERSTOOD,
        ReplySentence(1, FIRST),
        TtsAudio(1, 0, AUDIO * 5),
        TtsSentenceDone(1, 0),
        PlayoutRoom(500),
    ]
    dialogue = after([CALLED, *long, CLOSES])
    assert effects(dialogue, "." * 490) == NOTHING and dialogue.state is S


def test_f4_a_voice_that_hangs_in_a_sentence_is_not_waited_for():
    """F4, G3: after five seconds the line is said in its place."""
    hangs = [*UNDERSTOOD, ReplySentence(1, FIRST), TtsAudio(1, 0, AUDIO), PlayoutRoom(500)]
    dialogue = after([CALLED, *hangs, CLOSES])
    assert effects(dialogue, "." * PATIENCE_FRAMES) == drops() + says(SORRY)


@pytest.mark.parametrize("late", [ReplySentence(1, "עוד משפט."), ReplyDone(1, acts=(Transfer(),))])
def test_f4_what_comes_too_late_is_not_said(late):
    """F4: the rest of the reply; nor is a hand-over decided by it done beside ours."""
    dialogue = after([CALLED, *ANSWERED, PlayoutRoom(1000), PersonAvailable(True), CLOSES])
    assert effects(dialogue, late) == NOTHING and dialogue.turn.follow_up.acts == ()


def test_f4_a_lead_that_comes_late_is_kept():
    """F3, F4: it belongs to what is being heard."""
    lead = SaveLead((("name", "דנה"),))
    dialogue = after([CALLED, *ANSWERED, PlayoutRoom(1000), CLOSES])
    assert effects(dialogue, ReplyDone(1, acts=(lead, EndCall()))) == does(lead)


def test_f4_leads_of_a_reply_that_gives_way_are_kept():
    """F3, F4: it was thought, and not yet heard."""
    lead = SaveLead((("name", "דנה"),))
    dialogue = after([CALLED, *ANSWERED, ReplyDone(1, acts=(lead,))])
    assert effects(dialogue, CLOSES) == does(lead) + drops() + says(SORRY)


def test_f4_g3_a_turn_that_is_overdue_gets_the_line():
    """F4, G3: a line that the voice has not made in time is tried again, and the lead kept once."""
    dialogue = after([CALLED, *UNDERSTOOD, CLOSES])
    assert effects(dialogue, TurnOverdue(2)) == drops() + says(SORRY)
    assert dialogue.state is T


def test_f4_the_end_of_an_utterance_does_not_drop_the_line():
    """F4: it is about to be said over them, and they come to their end just then."""
    dialogue = after([CALLED, "#" * 50, CLOSES, "#" * PATIENCE_FRAMES])
    end = effects(dialogue, "." * 60)
    assert "drop" not in end.turns and end.said == [] and dialogue.state is L
    assert PROMISED in effects(dialogue, *voiced(dialogue.turn.turn_id)).done


def test_f4_a_sound_does_not_hold_up_the_line_when_time_is_up():
    """F4: whether it is a voice does not matter any more."""
    dialogue = after([CALLED, CLOSES, "." * (PATIENCE_FRAMES - 3), "nnn"])
    assert PROMISED in effects(dialogue, *voiced(dialogue.turn.turn_id)).done


def test_f4_b3_a_lead_of_words_that_are_not_known_yet_is_not_kept():
    """B3, F4: thought of early, and what was really said is still on its way."""
    dialogue = after(
        [CALLED, "#" * 40 + "." * 9, InterimTranscript(1, ASKED), "." * 20], replace(PARAMS, early_starts=2)
    )
    assert dialogue.state is T and dialogue.turn.request is not None
    late = ReplyDone(dialogue.turn.turn_id, acts=(SaveLead((("name", "דנה"),)),))
    assert effects(dialogue, CLOSES, late) == NOTHING


def test_f4_noise_does_not_hold_it_up():
    """F4, A5: a cough when it comes, and the line is said behind it."""
    dialogue = after([CALLED, CLOSES, ".", COUGH])
    assert dialogue.state is L and PROMISED in effects(dialogue, *voiced(1)).done


def test_f4_no_hint_while_the_last_words_are_awaited():
    """F4, B5: "one moment", and then goodbye?"""
    dialogue = after([CALLED, SPOKE, CLOSES])
    assert not effects(dialogue, "." * 60).said


def test_f4_it_is_in_the_log():
    """Whoever reads a call's log sees why it ended."""
    assert logged(play(after([]), [CLOSES])) == ["CLOSING_DOWN"]


# ---- the playout


@pytest.mark.parametrize(
    "sent, complete, left_out, kept",
    [(1, True, True, 1), (3, True, True, 1), (4, True, True, 2), (6, True, False, 3), (6, False, True, 3)],
)
def test_f4_a_reply_ends_with_the_sentence_on_its_way(sent, complete, left_out, kept):
    """F4, C4: its last mark is then that sentence's."""
    playout = reply(("אחת.", 3), ("שתיים.", 2), ("שלוש.", 1), complete=complete)
    take(playout, room=sent)
    assert playout.end_here() is left_out
    assert len(playout.sentences) == kept and playout.complete
    names = [f"7.{n}.0" for n in range(kept)]
    take(playout)
    tick(playout, 10)
    assert playout.mark_returned(names[-1]) and playout.finished


def test_f4_d1_a_reply_that_is_held_ends_with_the_sentence_it_was_stopped_in():
    """D1, F4: what was sent and cleared again was not begun."""
    playout = reply(("אחת.", 3), ("שתיים.", 2))
    take(playout)
    tick(playout, 2)
    playout.hold()
    assert playout.end_here() and len(playout.sentences) == 1


@pytest.mark.parametrize("sound", ["#" * 40 + "." * 30, "." * 20], ids=["a voice", "noise"])
def test_f4_d1_a_closing_line_that_is_being_judged_is_heard_to_its_end(sound):
    """D1, F4: it is the farewell now; nothing stops it, and the call ends behind it."""
    goodbye = [*ANSWERED, ReplyDone(1, acts=(EndCall(),)), PlayoutRoom(23), "." * 10, "###"]
    dialogue = after([*goodbye, ClosingDown()])
    assert dialogue.wants_wire
    heard = effects(dialogue, sound, PlayoutRoom(200), "." * 160)
    assert EndCall() in heard.done and "clear" not in heard.wire
