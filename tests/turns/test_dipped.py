"""D1, D2, D4, D5: BARGE_IN_STYLE=dip: the reply goes on lower, and what is said over it decides."""

from dataclasses import replace

import pytest

from server.audio.frames import FrameHeard
from server.turns.actions import SendAudio
from server.turns.dipped import LASTS_FRAMES, LONGEST_NODS_FRAMES, WORDS_FRAMES, DippedReply
from server.turns.effects import EndCall
from server.turns.events import (
    CallerGone,
    ClosingDown,
    DigitPressed,
    FinalTranscript,
    InterimTranscript,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    SttFailed,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.judge import IntentJudge
from server.turns.phases import Phase
from tests.turns.effects import NOTHING, asks, begins, drops, effects, sends, stt
from tests.turns.scene import (
    ANSWERED,
    AUDIO,
    DIPS,
    FIRST,
    GREETING,
    GREETS,
    SAID,
    SECOND,
    SPEAKING,
    STOPS_EARLY,
    UNDERSTOOD,
    L,
    S,
    after,
    heard_of,
    logged,
    play,
)

EARLY_DIPS = replace(STOPS_EARLY, dips=True)
VOICE = "######"  # the model's word comes with the last of them
DIPPED = [*SPEAKING, PlayoutRoom(200), "." * 30, VOICE, PlayoutRoom(200)]
BRIEF = [*DIPPED, "#" * 9, "." * 7]  # 300 ms, and the hangover: it is over
SECOND_SENTENCE = [ReplySentence(1, SECOND), TtsAudio(1, 1, AUDIO), TtsSentenceDone(1, 1)]


def phase(call):
    return call.turn and call.turn.phase


def sent(actions):
    """Frames and how they go out."""
    return [(len(a.mulaw_8k) // 160, a.lower) for a in actions if isinstance(a, SendAudio)]


# ---- D1: a voice lowers it


def test_d1_a_voice_lowers_the_reply_where_it_would_stop_it():
    """D1, D3: one clear; what was on its way goes out anew, lower, from the frame that was being heard."""
    call = after(SPEAKING[:-1], DIPS)
    assert sent(play(call, [PlayoutRoom(23)])) == [(23, False)]
    assert effects(call, "." * 10, VOICE) == stt("start") + sends("clear")
    assert (phase(call), call.state) == (Phase.DIPPED, S)
    assert call.turn.playout.played == 16
    assert sent(play(call, [PlayoutRoom(200)])) == [(100 - 16, True)]


@pytest.mark.parametrize("sound", ["nnn" + "." * 30, "##" + "." * 30])
def test_d1_what_is_no_voice_lowers_nothing(sound):
    """D1: it is judged first."""
    call = after([*SPEAKING, "." * 10], DIPS)
    assert "clear" not in effects(call, sound).wire
    assert phase(call) is Phase.PLAYING


def test_d1_early_stop_lowers_at_once_and_comes_back_from_noise():
    """D1: BARGE_IN_EARLY_STOP: in the place of its stop; after two in vain the model is waited for."""
    call = after(SPEAKING, EARLY_DIPS)
    for _ in range(2):
        assert effects(call, "...", "nnn").wire == ["clear"]
        assert phase(call) is Phase.DIPPED
        play(call, ["." * 20])
        assert phase(call) is Phase.PLAYING
    assert effects(call, "...", "nnn").wire == []
    play(call, ["." * 20])
    assert effects(call, VOICE).wire == ["clear"]
    assert phase(call) is Phase.DIPPED


def test_d1_noise_behind_a_voice_does_not_bring_it_back():
    """D1: the words of the voice are still awaited."""
    call = after([*BRIEF, "nnn", "." * 25], DIPS)
    assert phase(call) is Phase.DIPPED


def test_d5_barge_in_off_wins_over_the_style():
    """D5: not even lower."""
    call = after([*SPEAKING, "." * 10, "#" * 60], replace(DIPS, barge_in=False))
    assert phase(call) is Phase.PLAYING and not call.turn.playout.held


def test_b6_a_notice_is_not_lowered():
    """B6: nothing stops it."""
    greets = replace(GREETS, greeting_protected=True, dips=True)
    greeted = ["." * 40, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), PlayoutRoom(23)]
    assert phase(after([*greeted, "." * 10, VOICE], greets)) is Phase.NOTICE
    assert (
        phase(after([*greeted, "." * 10, VOICE], replace(greets, greeting_protected=False))) is Phase.DIPPED
    )


# ---- D2: it interrupts after all


def test_d2_a_voice_that_lasts_interrupts():
    """D2: half a second, and it goes on: the reply is over as ever, and its rest kept."""
    call = after(DIPPED, DIPS)
    assert effects(call, "#" * (LASTS_FRAMES - len(VOICE))) == NOTHING
    actions = play(call, ["#"])
    assert "BARGE_IN: interrupt" in logged(actions)
    assert (call.turn, call.state) == (None, L)
    assert call.parts.barge_in.interrupted is not None
    assert effects(call, "#" * 20, "." * 25) == stt("finish") + begins()
    (asked,) = effects(call, FinalTranscript(2, "ומה המחיר")).asked
    assert asked.history[-1].interrupted


def test_d2_a_brief_voice_is_waited_for_even_if_another_second_passes():
    """D2: only a voice that goes on has lasted."""
    call = after([*BRIEF, "." * 30], DIPS)
    assert phase(call) is Phase.DIPPED


def test_d2_where_interim_words_come_they_are_given_their_time():
    """D2, D4: 200 ms behind the voice; one with none of them by then interrupts."""
    known = ["#" * 10, InterimTranscript(1, "ספרי")]
    call = after([*known, "#" * 30, "." * 25, *UNDERSTOOD[1:], *ANSWERED[len(UNDERSTOOD) :]], DIPS)
    play(call, [ReplyDone(1), PlayoutRoom(23), "." * 10, "#" * WORDS_FRAMES])
    assert phase(call) is Phase.DIPPED
    play(call, ["#"])
    assert call.turn is None


@pytest.mark.parametrize("words", ["לא", "רגע", "עצור", "כמה זה עולה", "אוקיי ומה המחיר"])
def test_d2_words_that_say_more_interrupt_at_once(words):
    """D2, D4: while the voice goes on, by an interim transcript."""
    call = after([*DIPPED, "###"], DIPS)
    assert effects(call, InterimTranscript(2, words), "#") == sends("clear") + drops()
    assert (call.turn, call.users.pending.interrupts) == (None, True)


@pytest.mark.parametrize("words", ["לא", "רגע", "עצור", "כמה זה עולה"])
def test_d2_d4_so_do_the_last_words_of_a_brief_voice(words):
    """D2, D4: they are answered."""
    call = after([*BRIEF, "." * 20], DIPS)
    assert phase(call) is Phase.DIPPED
    found = effects(call, FinalTranscript(2, words), ".")
    assert found.wire == ["clear"] and found.turns == ["drop", 0]
    assert [question.text for question in found.asked] == [words]
    assert found.asked[0].history[-1].interrupted


def test_g2_a_brief_voice_that_no_stt_could_hear_interrupts():
    """E1, G2: it may have been a no."""
    call = after([*BRIEF, SttFailed(2, "down"), "."], DIPS)
    assert call.turn is not None and phase(call) is not Phase.DIPPED
    assert call.call.input.deaf_in_a_row == 1


# ---- D4: or it was nothing


@pytest.mark.parametrize("words", ["כן", "אהמ", "הבנתי", ""])
def test_d4_a_nod_brings_it_back_and_leaves_no_trace(words):
    """D3, D4: full level on the next frame, without a clear; no interruption, nothing asked or said anew."""
    call = after([*SPEAKING, PlayoutRoom(20), "." * 10, VOICE, PlayoutRoom(10), "#" * 9, "." * 7], DIPS)
    assert effects(call, FinalTranscript(2, words), ".") == NOTHING
    assert (phase(call), call.users.pending.segments, call.state) == (Phase.PLAYING, [], S)
    assert [lower for _, lower in sent(play(call, [PlayoutRoom(10)]))] == [False]
    play(call, [PlayoutRoom(200), "." * 100])
    assert call.call.history.lines == (SAID,)
    actions = play(call, [MarkReturned("1.0.1")])
    assert "tts_done" in logged(actions) and call.state is L
    assert call.call.history.lines == (SAID, heard_of(FIRST))


def test_d4_an_echo_of_what_is_being_said_brings_it_back():
    """D4, E3: the reply's own words, though it has not ended."""
    call = after([*SPEAKING, PlayoutRoom(60), "." * 60, VOICE, PlayoutRoom(99), "#" * 9, "." * 7], DIPS)
    actions = play(call, [FinalTranscript(2, "יש שלושה חדרים"), "."])
    assert "ECHO → ignore" in logged(actions) and phase(call) is Phase.PLAYING


def test_d4_nods_that_go_on_are_listened_to_for_longer():
    """D4: as long as all the words so far are nods, but not for ever."""
    call = after([*DIPPED, "#" * 10, InterimTranscript(2, "הבנתי"), "#" * 20], DIPS)
    play(call, [InterimTranscript(2, "הבנתי בסדר גמור"), "#" * 20])
    assert phase(call) is Phase.DIPPED
    play(call, ["." * 7, FinalTranscript(2, "הבנתי בסדר גמור"), "."])
    assert phase(call) is Phase.PLAYING
    long_reply = [*ANSWERED, *SECOND_SENTENCE, ReplyDone(1), PlayoutRoom(23), "." * 10, VOICE]
    call = after([*long_reply, PlayoutRoom(400), InterimTranscript(2, "הבנתי")], DIPS)
    play(call, ["#" * (LONGEST_NODS_FRAMES - len(VOICE))])
    assert phase(call) is Phase.DIPPED
    play(call, ["#"])
    assert call.turn is None


def test_d4_a_second_nod_is_awaited_with_the_first():
    """D4: until the last word of both is known."""
    call = after([*BRIEF, "." * 5, VOICE, "#" * 5], DIPS)
    play(call, [FinalTranscript(2, "כן"), "#", "." * 7])
    assert phase(call) is Phase.DIPPED
    play(call, [FinalTranscript(3, "הבנתי"), "."])
    assert phase(call) is Phase.PLAYING and call.users.pending.segments == []


def test_d4_yes_to_a_question_is_an_answer():
    """D4: the agent was asking when the caller came in."""
    asks_now = [*ANSWERED, *SECOND_SENTENCE, ReplyDone(1), PlayoutRoom(200), "." * 170]
    call = after([*asks_now, VOICE, "." * 7], DIPS)
    assert phase(call) is Phase.DIPPED
    found = effects(call, FinalTranscript(2, "כן"), ".")
    assert [question.text for question in found.asked] == ["כן"]


def test_d4_e3_an_echo_without_words_is_told_by_when_it_dies():
    """D1, E3: twice it goes on for half a second, and is over half a second after the agent is silent."""
    long_reply = [*ANSWERED, *SECOND_SENTENCE, ReplyDone(1), ReplyDelay(1, 0), PlayoutRoom(400)]
    call = after([*long_reply, "." * 20], DIPS)
    for number in (2, 3):
        play(call, [VOICE, PlayoutRoom(400), "#" * 44, "." * 25])
        play(call, [FinalTranscript(number, ""), ReplyDelay(call.current.turn_id, 0), PlayoutRoom(400)])
        assert call.state is S
        play(call, ["." * 10])
    assert effects(call, "#" * 10) == NOTHING


def test_d1_e3_what_is_heard_while_it_is_lower_is_not_its_echo():
    """D1, E3: learnt before at full level; four seconds of a softer one would let it stop itself."""
    call = after([*ANSWERED[:-2], TtsAudio(1, 0, AUDIO * 5), TtsSentenceDone(1, 0), PlayoutRoom(600)], DIPS)
    echo, softer, between = (FrameHeard(b"\xff" * 160, rms, 0.05) for rms in (900, 250, 1150))
    play(call, [echo] * 60)
    play(call, [VOICE, "." * 7, PlayoutRoom(600), *[softer] * 250])
    assert phase(call) is Phase.DIPPED
    assert effects(call, *[between] * 3) == NOTHING


def test_f2_thanks_over_a_goodbye_are_a_nod():
    """D4, F2: the goodbye is heard to its end, and ends the call."""
    goodbye = [*ANSWERED, ReplyDone(1, acts=(EndCall(),)), PlayoutRoom(23), "." * 10]
    call = after([*goodbye, VOICE, "." * 7, FinalTranscript(2, "תודה ויום טוב"), "."], DIPS)
    assert phase(call) is Phase.PLAYING


# ---- the reply ends, or the call does


def test_c4_the_reply_may_end_while_it_is_lower():
    """C4: heard in full; what was said over it is a turn of its own, or nothing."""
    to_its_end = [*SPEAKING[:-1], PlayoutRoom(200), "." * 85, VOICE, "." * 7, PlayoutRoom(200), "." * 10]
    call = after([*to_its_end, MarkReturned("1.0.1")], DIPS)
    assert call.call.history.lines == (SAID, heard_of(FIRST))
    assert call.state is not S
    assert [question.text for question in effects(call, FinalTranscript(2, "ומה המחיר")).asked] == [
        "ומה המחיר"
    ]


def test_c4_a_mark_of_before_proves_nothing():
    """C4: it came back because of the clear."""
    call = after([*SPEAKING[:-1], PlayoutRoom(200), "." * 50, VOICE], DIPS)
    play(call, [MarkReturned("1.0.0")])
    assert phase(call) is Phase.DIPPED and call.turn.playout.played == 56


def test_f5_a_key_interrupts():
    """F5: it needs no verdict."""
    call = after(DIPPED, DIPS)
    assert "clear" in effects(call, DigitPressed("1")).wire
    assert call.turn is None


def test_f4_a_goodbye_that_becomes_the_farewell_is_at_full_level():
    """F4: nothing stops it any more, nor lowers it."""
    goodbye = [*ANSWERED, ReplyDone(1, acts=(EndCall(),)), ReplyDelay(1, 0), PlayoutRoom(23), "." * 10, VOICE]
    call = after([*goodbye, ClosingDown()], DIPS)
    assert phase(call) is Phase.FAREWELL
    assert [lower for _, lower in sent(play(call, [PlayoutRoom(10)]))] == [False]


def test_f4_a_reply_that_is_not_the_last_stays_lower():
    """F4: what is said over it still counts."""
    call = after([*DIPPED, ClosingDown()], DIPS)
    assert phase(call) is Phase.DIPPED
    assert play(call, ["#" * 30]) and call.turn is None


def test_f6_a_caller_who_hangs_up_has_heard_so_much():
    """D3, F6: the words that were heard lower are words that were heard."""
    call = after([*DIPPED, PlayoutRoom(200), "." * 20], DIPS)
    actions = play(call, [CallerGone()])
    assert "AGENT_TEXT:" in logged(actions)


def test_c2_the_llm_goes_on_while_it_is_lower():
    """C2: a sentence that comes then is said, at the level of the moment."""
    call = after([*ANSWERED, PlayoutRoom(23), "." * 10, VOICE, *SECOND_SENTENCE, ReplyDone(1)], DIPS)
    assert call.turn.playout.count == 2
    assert {lower for _, lower in sent(play(call, [PlayoutRoom(300)]))} == {True}


def test_a6_a_thinking_caller_supersedes_as_ever():
    """A6: before its first frame a reply is dropped, not lowered."""
    call = after([*ANSWERED, "." * 20, VOICE], DIPS)
    assert call.turn is None


def test_d2_both_styles_answer_the_same_words():
    """D2: the styles differ in when the agent is silent, not in what is asked."""
    words = FinalTranscript(2, "ומה המחיר")
    voice = [*SPEAKING, "." * 10, "#" * 40, "." * 25]
    (dipped,) = effects(after(voice, DIPS), words).asked
    (stopped,) = effects(after(voice), words).asked
    assert dipped.text == stopped.text
    assert asks(dipped.text) and len(dipped.history) == len(stopped.history)


def test_b6_the_greeting_is_lowered_like_any_reply():
    """B6, D4: a hum over it does not stop it."""
    greeted = ["." * 40, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), PlayoutRoom(200), "." * 20]
    call = after([*greeted, VOICE, "." * 7, FinalTranscript(1, ""), "."], replace(GREETS, dips=True))
    assert phase(call) is Phase.PLAYING
    play(call, [PlayoutRoom(200), "." * 100, MarkReturned("1.0.1")])
    assert call.call.history.lines == (heard_of(GREETING),)


def test_d4_the_same_words_are_judged_once_and_not_at_each_frame():
    """D4: a judgement takes a millisecond; but what we say meanwhile may make an answer of them."""
    call = after([*DIPPED, InterimTranscript(2, "אהה")], DIPS)
    judged = []

    class Judge(IntentJudge):
        def intent_of(self, caller, text):
            judged.append(text)
            return super().intent_of(caller, text)

    dipped = DippedReply(call.parts, Judge(call.parts))
    assert [dipped.weigh() for _ in range(50)] == [[]] * 50
    assert judged == ["אהה"]
    call.handle(InterimTranscript(2, "אהה כן"))
    assert [dipped.weigh() for _ in range(50)] == [[]] * 50
    assert judged == ["אהה", "אהה כן"]
    call.handle(InterimTranscript(2, "אהה כן ומה המחיר"))
    assert dipped.weigh()


def test_f8_d4_a_nod_over_a_lowered_reply_is_owed_no_answer():
    """F8, D4: should the socket fail now, the reply is said again, and nothing is answered behind it."""
    call = after([*BRIEF, InterimTranscript(2, "אהה")], DIPS)
    assert phase(call) is Phase.DIPPED
    assert (call.memory.saying, call.memory.owed) == ((FIRST,), "")
    play(call, [InterimTranscript(2, "לא, רגע, מה המחיר"), "."])
    assert (call.memory.saying, call.memory.owed) == ((), "לא, רגע, מה המחיר")
