"""C1-C4, D3, D4: our audio on its way to the caller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.turns.actions import SendAudio, SendMark
from server.turns.playout import HINT_INDEX, MARK_GRACE_FRAMES, Playout, UnheardRest

ROOM = 10_000
FIVE_WORDS = "אחת שתיים שלוש ארבע חמש"


def reply(*sentences, turn_id=7, complete=True):
    """A playout of whole sentences, each ``(text, frames)``; every frame is one byte value of its own."""
    playout = Playout(turn_id)
    for index, (text, frames) in enumerate(sentences):
        playout.add(text)
        playout.add_audio(index, audio(index, frames))
        playout.end_sentence(index)
    if complete:
        playout.end_reply()
    return playout


def audio(index, frames):
    return b"".join(bytes([index * 64 + number]) * 160 for number in range(frames))


def take(playout, room=ROOM, reply_may_start=True):
    return playout.take(room, reply_may_start=reply_may_start)


def sent_audio(actions):
    return b"".join(action.mulaw_8k for action in actions if isinstance(action, SendAudio))


def marks(actions):
    return [action.name for action in actions if isinstance(action, SendMark)]


def tick(playout, frames):
    for _ in range(frames):
        playout.tick()


# ---- C1, C2: what goes on the wire


def test_c4_one_mark_a_sentence_behind_its_audio():
    """C4: the mark carries the turn ID."""
    playout = reply(("שלום.", 3), ("מה שלומך?", 2))
    assert take(playout) == [
        SendAudio(audio(0, 3)),
        SendMark("7.0.0"),
        SendAudio(audio(1, 2)),
        SendMark("7.1.0"),
    ]
    assert take(playout) == []


@pytest.mark.parametrize("room", [1, 2, 3, 4])
def test_c3_never_more_than_there_is_room_for(room):
    """C3: in pieces of any size it is the same audio, and the marks are behind their sentences."""
    playout = reply(("א", 3), ("ב", 4))
    rounds = []
    while actions := take(playout, room):
        assert len(sent_audio(actions)) <= room * 160
        rounds += actions
    assert sent_audio(rounds) == audio(0, 3) + audio(1, 4)
    before_first_mark = rounds[: rounds.index(SendMark("7.0.0"))]
    assert sent_audio(before_first_mark) == audio(0, 3)
    assert rounds[-1] == SendMark("7.1.0")


def test_c1_the_short_last_frame_is_padded_with_silence():
    """C1: 0xFF, once the sentence is whole."""
    playout = Playout(1)
    playout.add("א")
    playout.add_audio(0, b"\x10" * 200)
    assert take(playout) == [SendAudio(b"\x10" * 160)]
    playout.end_sentence(0)
    assert take(playout) == [SendAudio(b"\x10" * 40 + b"\xff" * 120), SendMark("1.0.0")]


def test_c2_the_next_sentence_waits_for_the_one_before_it():
    """C2: its audio may be ready first."""
    playout = Playout(1)
    playout.add("א")
    playout.add("ב")
    playout.add_audio(1, audio(1, 2))
    playout.end_sentence(1)
    assert take(playout) == []
    playout.add_audio(0, audio(0, 2))
    assert take(playout) == [SendAudio(audio(0, 2))]
    playout.end_sentence(0)
    assert take(playout) == [SendMark("1.0.0"), SendAudio(audio(1, 2)), SendMark("1.1.0")]


def test_c2_a_sentence_without_audio_is_passed_over():
    """C2: it has no mark, and the next one follows."""
    playout = reply(("א", 0), ("ב", 1))
    assert take(playout) == [SendAudio(audio(1, 1)), SendMark("7.1.0")]


def test_late_audio_and_unknown_sentences_are_nothing():
    """B2: a voice that goes on after the end of its sentence, or speaks of another, is not heard."""
    playout = reply(("א", 1))
    playout.add_audio(0, b"\x10" * 160)
    playout.add_audio(5, b"\x10" * 160)
    playout.end_sentence(5)
    assert sent_audio(take(playout)) == audio(0, 1)


def test_b4_the_reply_waits_until_it_may_start():
    """B4: nothing of it goes out before."""
    playout = reply(("א", 2))
    assert take(playout, reply_may_start=False) == []
    assert sent_audio(take(playout)) == audio(0, 2)


@pytest.mark.parametrize(
    "prepare, leave, wants",
    {
        "nothing": (lambda: Playout(1), True, False),
        "a sentence without audio": (lambda: first("כן"), True, False),
        "audio": (lambda: first("כן", 1), True, True),
        "audio without leave": (lambda: first("כן", 1), False, False),
        "all of it sent": (lambda: drained(first("כן", 1)), True, False),
        "all sent, more to come": (lambda: drained(first("כן", 1, whole=False)), True, False),
        "a mark that became due late": (lambda: ended(drained(first("כן", 1, whole=False))), True, True),
        "a sentence that never got audio": (lambda: reply(("א", 0)), True, False),
        "the one behind it": (lambda: reply(("א", 0), ("ב", 1)), True, True),
        "held": (lambda: held(first("כן", 1)), True, False),
        "a hint without leave": (lambda: hinted(first("כן", 1)), False, True),
        "its reply without leave": (lambda: drained(hinted(first("כן", 1)), 1), False, False),
    }.values(),
)
def test_c3_the_wire_is_wanted_exactly_when_something_would_go(prepare, leave, wants):
    """C3: or TX would spin, or sleep too long."""
    playout = prepare()
    assert playout.wants_wire(reply_may_start=leave) is wants
    assert bool(take(playout, reply_may_start=leave)) is wants


def drained(playout, room=ROOM):
    take(playout, room, reply_may_start=True)
    return playout


def ended(playout):
    playout.end_sentence(0)
    return playout


def held(playout):
    playout.hold()
    return playout


def hinted(playout):
    playout.add_hint("רגע", b"\x33" * 160)
    return playout


# ---- B5: the hint


def test_b5_the_hint_goes_before_the_reply_and_needs_no_leave():
    """B5: the reply follows it without a gap in the order."""
    playout = reply(("א", 2))
    playout.add_hint("רגע", b"\x33" * 200)
    assert playout.has_hint and not playout.started
    assert take(playout, reply_may_start=False) == [
        SendAudio(b"\x33" * 200 + b"\xff" * 120),
        SendMark("7.0.0"),
    ]
    assert not playout.started
    assert sent_audio(take(playout)) == audio(0, 2)
    assert playout.started


def test_b5_the_hint_is_not_an_answer():
    """B5, D3: it is not among the words that were heard."""
    playout = reply(("שלום לך", 2))
    playout.add_hint("רגע", b"\x33" * 320)
    take(playout)
    tick(playout, 2)
    assert playout.heard() == ([], "")
    assert playout.rest().sentences == (("שלום לך", audio(0, 2)),)
    tick(playout, 2)
    assert playout.heard() == (["שלום לך"], "שלום לך")


def test_b5_the_hint_can_only_come_first():
    """B5: once something was sent there is no place for it."""
    playout = reply(("א", 2))
    take(playout)
    with pytest.raises(AssertionError):
        playout.add_hint("רגע", b"\x33" * 160)


def test_g3_another_turn_takes_over_a_hint_on_its_way():
    """G3: the sentences of the late turn are gone, the hint is played to its end."""
    playout = Playout(7)
    playout.add_hint("רגע", b"\x33" * 480)
    take(playout, 2, reply_may_start=False)
    playout.add("מאוחר")
    playout.end_reply()
    playout.start_over(8)
    assert not playout.complete
    playout.add("א")
    playout.add_audio(0, audio(0, 1))
    playout.end_sentence(0)
    assert take(playout) == [
        SendAudio(b"\x33" * 160),
        SendMark("8.0.0"),
        SendAudio(audio(0, 1)),
        SendMark("8.1.0"),
    ]


@pytest.mark.parametrize(
    "frames, ready", [((0,), 0), ((2,), 2), ((2, 3), 5)], ids=["none", "one sentence", "two sentences"]
)
def test_b5_frames_ready_tell_whether_a_hint_is_needed(frames, ready):
    """B5: frames of the reply that could be sent and were not; the hint's do not count."""
    playout = reply(*[("א", count) for count in frames])
    assert playout.ready_frames == ready
    playout.add_hint("רגע", b"\x33" * 320)
    assert playout.ready_frames == ready
    take(playout, 2)
    assert playout.ready_frames == ready
    take(playout, 1)
    assert playout.ready_frames == max(0, ready - 1)


def test_frames_behind_an_unfinished_sentence_are_not_ready():
    """C2: they have to wait for it."""
    playout = Playout(1)
    playout.add("א")
    playout.add("ב")
    playout.add_audio(0, audio(0, 2))
    playout.add_audio(1, audio(1, 3))
    assert playout.ready_frames == 2


# ---- C2: a short first sentence


def first(text, frames=None, *, whole=True):
    playout = Playout(1)
    playout.add(text)
    if frames is not None:
        playout.add_audio(0, b"\x10" * 160 * frames)
        if whole:
            playout.end_sentence(0)
    return playout


@pytest.mark.parametrize(
    "playout, waits",
    {
        "no sentence": (Playout(1), False),
        "short": (first("כן.", 49), True),
        "a second long": (first("כן.", 50), False),
        "short, its audio still coming": (first("כן.", 10, whole=False), True),
        "long by its letters": (first("א" * 15, 10, whole=False), False),
        "short by its letters": (first("א" * 14, 10, whole=False), True),
        "long by its audio": (first("כן.", 50, whole=False), False),
    }.values(),
)
def test_c2_a_first_sentence_under_a_second_waits(playout, waits):
    """C2: so that no gap follows it."""
    assert playout.waits_for_second is waits


def test_c2_it_waits_at_most_300_ms():
    """C2: counted from its first frame."""
    playout = first("כן.")
    tick(playout, 100)
    playout.add_audio(0, b"\x10" * 160)
    tick(playout, 14)
    assert playout.waits_for_second
    tick(playout, 1)
    assert not playout.waits_for_second


def test_c2_it_waits_for_the_audio_of_the_second():
    """C2: its first frame ends the wait, if the first sentence is whole."""
    playout = first("כן.", 10)
    playout.add("ועוד")
    assert playout.waits_for_second
    playout.add_audio(1, b"\x10" * 160)
    assert not playout.waits_for_second
    unfinished = first("כן.", 10, whole=False)
    unfinished.add("ועוד")
    unfinished.add_audio(1, b"\x10" * 160)
    assert unfinished.waits_for_second


def test_c2_a_reply_of_one_sentence_does_not_wait():
    """C2: there is no second; the hint is not one."""
    playout = first("כן.", 10)
    playout.add_hint("רגע", b"\x33" * 160)
    assert playout.waits_for_second
    playout.end_reply()
    assert not playout.waits_for_second
    two = reply(("כן", 10), ("לא", 0))
    assert two.waits_for_second


# ---- C4: played, and finished


def test_c4_audible_until_the_far_buffer_has_run_out():
    """C4: speaking means audible, not queueing."""
    playout = reply(("א", 3))
    assert not playout.audible
    take(playout)
    for played in range(3):
        assert (playout.played, playout.audible) == (played, True)
        playout.tick()
    assert (playout.played, playout.audible) == (3, False)
    playout.tick()
    assert playout.played == 3


def test_c4_finished_when_the_last_mark_is_back():
    """C4: and not before, however long it has been silent."""
    playout = reply(("א", 3), ("ב", 2))
    assert not playout.finished
    (a, b) = marks(take(playout))
    tick(playout, 5)
    assert playout.mark_returned(a) and not playout.finished
    assert playout.mark_returned(b) and playout.finished


def test_c4_a_lost_mark_is_waited_for_a_second():
    """C4: no state waits for a mark without a time limit."""
    playout = reply(("א", 3))
    take(playout)
    tick(playout, 2 + MARK_GRACE_FRAMES)
    assert not playout.finished
    tick(playout, 1)
    assert playout.finished


def test_c4_the_second_counts_from_the_end_of_playout():
    """C4: silence before the reply is no overdue mark."""
    playout = reply(("א", 5))
    tick(playout, 200)
    take(playout)
    tick(playout, 1)
    assert not playout.finished


@pytest.mark.parametrize("missing", ["complete", "whole", "sent", "resumed"])
def test_c4_finished_takes_a_complete_reply(missing):
    """C4: a gap between two sentences is still SPEAKING."""
    playout = reply(("א", 3), complete=missing != "complete")
    if missing == "whole":
        playout.add("ב")
    (mark,) = marks(take(playout, 2 if missing == "sent" else ROOM)) or [""]
    tick(playout, 100)
    playout.mark_returned(mark)
    if missing == "resumed":
        playout.hold()
    assert not playout.finished


def test_c4_a_mark_corrects_what_was_played():
    """C4: a mark that is back proves that its sentence was heard, and never that less was."""
    playout = reply(("א", 3), ("ב", 4))
    (a, _) = marks(take(playout))
    tick(playout, 1)
    assert playout.mark_returned(a)
    assert playout.played == 3
    late = reply(("א", 3), ("ב", 4))
    (a, _) = marks(take(late))
    tick(late, 5)
    assert late.mark_returned(a)
    assert late.played == 5


def test_c4_a_mark_proves_something_once():
    """C4: stale, unknown and repeated marks prove nothing."""
    playout = reply(("א", 3))
    (a,) = marks(take(playout))
    assert not playout.mark_returned("6.0.0")
    assert playout.played == 0
    assert playout.mark_returned(a)
    assert not playout.mark_returned(a)


def test_d2_what_is_left_is_judged_by_the_letters():
    """D2: a sentence whose audio is not whole is as long as its letters say, or as what there is of it."""
    playout = reply(("א", 20), complete=False)
    take(playout)
    tick(playout, 5)
    assert not playout.nearly_over  # more may be thought
    playout.end_reply()
    assert playout.nearly_over  # 300 ms are left
    playout.add("א" * 3)
    assert not playout.nearly_over  # and the 200 ms that three letters take
    tick(playout, 10)
    assert playout.nearly_over
    playout.add_audio(1, b"\x10" * 160 * 11)
    assert not playout.nearly_over


# ---- D1, D4: cut, held, resumed


def test_d4_it_goes_on_from_the_very_frame_that_was_cut():
    """D4: what was on its way was dropped by `clear`, and is sent again."""
    playout = reply(("א", 6), ("ב", 4))
    take(playout, 8)
    tick(playout, 5)
    playout.hold()
    assert (playout.held, playout.audible) == (True, False)
    assert take(playout) == []
    tick(playout, 20)
    assert playout.played == 5
    playout.resume()
    assert take(playout) == [
        SendAudio(audio(0, 6)[5 * 160 :]),
        SendMark("7.0.1"),
        SendAudio(audio(1, 4)),
        SendMark("7.1.1"),
    ]


def test_c4_a_mark_returned_because_of_a_clear_proves_nothing():
    """C4: marks on their way when `clear` went out are of an older generation."""
    playout = reply(("א", 3))
    (before,) = marks(take(playout))
    tick(playout, 1)
    playout.hold()
    assert not playout.mark_returned(before)
    playout.resume()
    (after,) = marks(take(playout))
    assert not playout.mark_returned(before)
    assert (playout.played, playout.finished) == (1, False)
    assert playout.mark_returned(after) and playout.finished


@pytest.mark.parametrize("played, marked_again", [(2, ["7.0.1", "7.1.1"]), (3, ["7.1.1"]), (4, ["7.1.1"])])
def test_d4_sentences_heard_in_full_are_not_marked_again(played, marked_again):
    """D4: only what is sent again has its mark sent again."""
    playout = reply(("א", 3), ("ב", 2))
    take(playout)
    tick(playout, played)
    playout.hold()
    playout.resume()
    assert marks(take(playout)) == marked_again


# ---- D3: what was heard


@pytest.mark.parametrize(
    "played, words",
    [
        (0, ""),
        (9, ""),
        (10, "אחת"),
        (19, "אחת"),
        (20, "אחת שתיים"),
        (49, "אחת שתיים שלוש ארבע"),
        (50, FIVE_WORDS),
    ],
)
def test_d3_words_heard_are_in_proportion_rounded_down(played, words):
    """D3: inside a sentence by elapsed playout, to a whole word."""
    playout = reply((FIVE_WORDS, 50))
    take(playout)
    tick(playout, played)
    assert playout.heard() == ([FIVE_WORDS] if played == 50 else [], words)


def test_d3_what_was_queued_is_not_heard():
    """D3: sentence by sentence up to the cut."""
    playout = reply(("אחת שתיים.", 10), ("שלוש ארבע.", 10), ("חמש.", 10))
    take(playout)
    tick(playout, 15)
    playout.hold()
    assert playout.heard() == (["אחת שתיים."], "אחת שתיים. שלוש")


def test_d3_a_sentence_that_is_not_whole_is_not_heard_in_full():
    """D3: its length is judged by its letters until it is known."""
    playout = Playout(1)
    playout.add(FIVE_WORDS)
    playout.add_audio(0, b"\x10" * 160 * 40)
    take(playout)
    tick(playout, 40)
    length = len(FIVE_WORDS) * 70 // 20
    assert playout.heard() == ([], " ".join(FIVE_WORDS.split()[: 5 * 40 // length]))
    silent = Playout(1)
    silent.add(FIVE_WORDS)
    assert silent.heard() == ([], "")


def test_d3_a_sentence_without_audio_has_no_words():
    """D3: nobody heard it, though nothing of it is missing."""
    playout = reply(("אחת", 0), ("שתיים", 2))
    take(playout)
    tick(playout, 1)
    assert playout.heard() == (["אחת"], "")


# ---- D4: kept for another turn


def test_d4_kept_from_the_start_of_the_sentence_it_was_cut_in():
    """D4: sentences heard in full are not said again."""
    playout = reply(("א", 3), ("ב", 20), ("ג", 2))
    take(playout)
    tick(playout, 3)
    playout.hold()
    assert playout.rest() == UnheardRest(("א",), (("ב", audio(1, 20)), ("ג", audio(2, 2))), True)
    tick(playout, 1)
    playout.resume()
    take(playout)
    tick(playout, 1)
    assert playout.rest().sentences[0] == ("ב", audio(1, 20))


def test_d4_what_is_not_whole_is_kept_without_its_audio():
    """D4: it is said again; whether more is missing is known apart from it."""
    playout = reply(("א", 3), complete=False)
    playout.add("ב")
    playout.add_audio(1, audio(1, 1))
    assert playout.rest() == UnheardRest((), (("א", audio(0, 3)), ("ב", None)), False)
    playout.end_reply()
    assert playout.rest() == UnheardRest((), (("א", audio(0, 3)), ("ב", None)), True)
    playout.end_sentence(1)
    assert playout.rest() == UnheardRest((), (("א", audio(0, 3)), ("ב", audio(1, 1))), True)


TEN_WORDS = "אחת שתיים שלוש ארבע חמש שש שבע שמונה תשע עשר"


def cut_at(frames):
    """A reply of five seconds a sentence, of which so much was heard."""
    playout = Playout(7)
    for index in range(2):
        playout.add(TEN_WORDS)
        playout.add_audio(index, b"\x0a" * 160 * 5 * len(TEN_WORDS))
        playout.end_sentence(index)
    playout.end_reply()
    take(playout)
    tick(playout, frames)
    playout.hold()
    return playout


def gone_on(rest):
    """Another turn's playout of what is left."""
    playout = Playout(9)
    for (text, mulaw_8k), begins_at in zip(rest.sentences, (rest.begins_at, 0), strict=False):
        playout.adopt(text, mulaw_8k, begins_at)
    playout.end_reply()
    return playout


FIVE = 5 * TEN_WORDS.index("חמש")


@pytest.mark.parametrize(("heard", "begins_at"), [(49, 0), (FIVE + 12, FIVE), (5 * len(TEN_WORDS) + 10, 0)])
def test_d4_the_rest_begins_with_the_word_that_was_cut(heard, begins_at):
    """D4: of a sentence of which a second was heard; what was heard of it is not told twice."""
    rest = cut_at(heard).rest()
    assert rest.begins_at == begins_at
    playout = gone_on(rest)
    length = 5 * len(TEN_WORDS)
    assert [one.frames for one in playout.sentences] == [length - begins_at, length][: len(rest.sentences)]


def test_d3_what_was_heard_before_the_cut_counts_once_it_goes_on():
    """D3, D4: cut again, its words are all that were heard of it, and it goes on behind none of them."""
    playout = gone_on(cut_at(FIVE + 12).rest())
    sent = take(playout, 10)
    assert sent == [SendAudio(b"\x0a" * 1600)]
    assert playout.heard() == ([], "אחת שתיים שלוש ארבע")
    assert playout.rest().begins_at == FIVE
    tick(playout, 10)
    assert playout.rest().begins_at == FIVE
    take(playout)
    tick(playout, 30)
    assert playout.heard() == ([], "אחת שתיים שלוש ארבע חמש שש")
    assert playout.rest().begins_at == 5 * TEN_WORDS.index("שבע")
    tick(playout, 5 * len(TEN_WORDS))
    assert playout.heard()[0] == [TEN_WORDS]


def test_d4_the_audio_goes_on_from_that_very_frame():
    """D4: and to the end, the short last frame padded."""
    playout = Playout(9)
    playout.adopt("ב", audio(1, 4)[:-100], 3)
    playout.end_reply()
    assert take(playout) == [SendAudio(audio(1, 4)[480:540] + b"\xff" * 100), SendMark("9.0.0")]


def test_d4_adopted_by_another_turn():
    """D4: it goes on under a new turn ID."""
    playout = Playout(9)
    playout.adopt("ב", audio(1, 2))
    playout.adopt("ג", b"\x10" * 100)
    playout.end_reply()
    assert take(playout) == [
        SendAudio(audio(1, 2)),
        SendMark("9.0.0"),
        SendAudio(b"\x10" * 100 + b"\xff" * 60),
        SendMark("9.1.0"),
    ]
    tick(playout, 3)
    assert playout.mark_returned("9.0.0") and playout.mark_returned("9.1.0") and playout.finished


# ---- whatever the interleaving

steps = st.lists(
    st.tuples(
        st.sampled_from(
            "add audio audio audio end end take take tick tick hold resume mark complete".split()
        ),
        st.integers(0, 6),
        st.integers(1, 1000),
    ),
    min_size=20,
    max_size=80,
)


@given(steps, st.booleans(), st.booleans())
def test_d4_the_caller_hears_the_sentences_as_they_were_made(steps, hint, reply_may_start):
    """D1, D4: what was sent, cut back to what was played at each hold, is the reply without a hole."""
    playout = Playout(1)
    if hint:
        playout.add_hint("רגע", b"\x33" * 700)
    made = {0: [b"", False]}
    playout.add("מילה מילה")
    heard_or_on_its_way = b""
    returned = []
    for step, number, size in steps:
        which = number % len(made)
        if step == "add":
            playout.add("מילה " * number)
            made[len(made)] = [b"", False]
        elif step == "audio":
            fresh = bytes([which * 30 + size % 30]) * size
            playout.add_audio(which, fresh)
            if not made[which][1]:
                made[which][0] += fresh
        elif step == "end":
            playout.end_sentence(which)
            made[which][1] = True
        elif step == "take":
            wanted = playout.wants_wire(reply_may_start=reply_may_start)
            actions = take(playout, number + 1, reply_may_start)
            assert bool(actions) == wanted
            assert len(sent_audio(actions)) <= (number + 1) * 160
            heard_or_on_its_way += sent_audio(actions)
            returned += marks(actions)
        elif step == "tick":
            tick(playout, number)
        elif step == "mark" and returned and not playout.held:
            playout.mark_returned(returned.pop(0))
        elif step == "hold":
            playout.hold()
            heard_or_on_its_way = heard_or_on_its_way[: playout.played * 160]
            returned.clear()
        elif step == "resume":
            playout.resume()
        elif step == "complete":
            playout.end_reply()
        assert len(heard_or_on_its_way) >= playout.played * 160
        assert playout.audible == (len(heard_or_on_its_way) > playout.played * 160)
    whole = b"\x33" * 700 + b"\xff" * 100 if hint else b""
    for sentence, is_whole in made.values():
        whole += sentence + (b"\xff" * (-len(sentence) % 160) if is_whole else b"")
        if not is_whole:
            break
    assert whole.startswith(heard_or_on_its_way)


def test_the_hint_has_a_name_of_its_own():
    """B5: its audio comes under an index that no sentence has."""
    assert HINT_INDEX < 0


def test_c4_not_finished_before_its_mark_is_out():
    """C4: the sentence became whole after its last frame was sent: its mark is still to be sent."""
    playout = Playout(1)
    playout.add("שלום")
    playout.add_audio(0, b"\x10" * 160 * 20)
    playout.end_reply()
    playout.take(23, reply_may_start=True)
    playout.tick()
    playout.end_sentence(0)
    assert not playout.finished


# ---- D1: lower


def lowered(actions):
    return [action.lower for action in actions if isinstance(action, SendAudio)]


def test_d1_what_was_on_its_way_goes_out_anew_and_lower():
    """C4, D1: from the frame being heard; a mark that `clear` sends back is of before, the new one counts."""
    playout = reply(("שלום.", 10), ("מה שלומך?", 4))
    assert lowered(take(playout)) == [False, False]
    tick(playout, 3)
    playout.dip()
    assert (playout.held, playout.played, playout.audible) == (False, 3, False)
    again = take(playout)
    assert sent_audio(again) == audio(0, 10)[3 * 160 :] + audio(1, 4)
    assert lowered(again) == [True, True]
    assert marks(again) == ["7.0.1", "7.1.1"]
    assert not playout.mark_returned("7.0.0") and not playout.finished
    tick(playout, 11)
    assert playout.mark_returned("7.0.1") and playout.mark_returned("7.1.1") and playout.finished


def test_d1_full_level_needs_no_clear():
    """D1: what was sent lower is heard lower; what follows is not."""
    playout = reply(("שלום.", 10))
    take(playout, 5)
    playout.dip()
    assert lowered(take(playout, 5)) == [True]
    playout.resume()
    rest = take(playout)
    assert lowered(rest) == [False] and sent_audio(rest) == audio(0, 10)[5 * 160 :]


def test_d3_what_is_heard_lower_is_heard():
    """D3: words and levels have nothing to do with each other."""
    playout = reply((FIVE_WORDS, 50))
    take(playout)
    tick(playout, 10)
    playout.dip()
    take(playout)
    tick(playout, 21)
    assert playout.heard() == ([], "אחת שתיים שלוש")
    playout.hold()
    assert playout.held and take(playout) == []
    assert playout.heard() == ([], "אחת שתיים שלוש")
