"""How a call is begun, heard and interrupted, and what its log says of it."""

from dataclasses import replace

import pytest

from server.turns.actions import (
    CancelRecognition,
    FeedRecognition,
    FinishRecognition,
    Log,
)
from server.turns.events import (
    DigitPressed,
    FinalTranscript,
    InterimTranscript,
    LlmFailed,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplySentence,
    SttFailed,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.machine import TurnMachine
from tests.audio.timelines import ENERGY
from tests.turns.effects import NOTHING, asks, begins, drops, effects, hints, says, sends, stt
from tests.turns.scene import (
    ASKED,
    AUDIO,
    CANDIDATE,
    COMPLETE,
    COUGH,
    FINISHED,
    FIRST,
    GREETING,
    GREETS,
    HINT,
    INTERRUPTED,
    OPEN,
    PARAMS,
    SAID,
    SECOND,
    SENT,
    SPEAKING,
    SPOKE,
    STOPS_EARLY,
    THINKING,
    UNDERSTOOD,
    L,
    S,
    after,
    heard_of,
    logged,
    play,
)
from tests.wording import OURS

# ---- B4, B6: breath and greeting


@pytest.mark.parametrize("waited, starts", [(10, False), (11, True), (30, True)])
def test_b4_the_reply_starts_no_sooner_than_its_breath(waited, starts):
    """B4: counted from the end of turn, while the engines work."""
    dialogue = after([SPOKE, ReplyDelay(1, 11), *COMPLETE[2:], "." * waited])
    assert bool(dialogue.handle(PlayoutRoom(5))) is starts


@pytest.mark.parametrize(
    "before, event, actions",
    {
        "after 0.8 s": (["." * 39], ".", says(GREETING)),
        "not before": ([], "." * 39, NOTHING),
        "once": (["." * 40], "." * 100, NOTHING),
        "a first sound is waited for": (["." * 37], "nnn", stt("start")),
        "and greeted when it was none": (
            ["." * 37, "nnn", "." * 19],
            ".",
            stt("cancel") + says(GREETING),
        ),
        "a caller who speaks first is answered": (
            ["." * 30, "#" * 40],
            "." * 25,
            stt("finish") + begins(),
        ),
        "a key counts as speech": ([DigitPressed("1")], "." * 60, NOTHING),
        "a caller who said nothing is greeted": (
            ["." * 20, "#" * 15, "." * 25],
            FinalTranscript(1, ""),
            drops(),
        ),
        "at once": (
            ["." * 20, "#" * 15, "." * 25, FinalTranscript(1, "")],
            ".",
            says(GREETING),
        ),
        "it needs no breath": (
            ["." * 40, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0)],
            PlayoutRoom(1),
            sends("clear", 1),
        ),
        "a voice before its first frame drops it": (
            ["." * 40],
            "######",
            stt("start") + drops(),
        ),
    }.values(),
)
def test_b6_the_greeting(before, event, actions):
    """B6: 0.8 s after the start without confirmed speech."""
    assert effects(after(before, GREETS), event) == actions


@pytest.mark.parametrize("first", [SPOKE, DigitPressed("#")], ids=["a voice", "a key"])
def test_b6_a_caller_who_was_answered_is_not_greeted(first):
    """B6: not even when the answer is over."""
    answered = [ReplyDelay(1, 0), FinalTranscript(1, ASKED), *COMPLETE[3:], PlayoutRoom(200), "." * 100]
    dialogue = after([first, *answered, MarkReturned("1.0.0")], GREETS)
    assert dialogue.state is L
    assert effects(dialogue, "." * 100) == NOTHING


def test_b6_a_greeting_that_was_heard_is_history():
    """B6, D3: the LLM knows that it greeted; the caller's turn is the first."""
    greeted = ["." * 40, TtsAudio(1, 0, AUDIO), TtsSentenceDone(1, 0), PlayoutRoom(200), "." * 100]
    dialogue = after([*greeted, MarkReturned("1.0.0"), "." * 40, SPOKE], GREETS)
    assert effects(dialogue, FinalTranscript(1, ASKED)) == asks(ASKED, heard_of(GREETING))


# ---- D1, D5: stopping


def test_d1_a_sound_is_judged_over_the_agent_and_a_voice_stops_it():
    """D1: noise time after time costs nothing; recognition waits for a voice after two of them."""
    dialogue = after(SPEAKING)
    for _ in range(2):
        assert effects(dialogue, "...", "nnn", "." * 20) == stt("start", "cancel")
    assert effects(dialogue, "...", "nnn", "." * 20) == NOTHING
    assert effects(dialogue, "...", "###") == NOTHING
    assert effects(dialogue, "###") == stt("start") + sends("clear") + drops()


def test_d1_energy_alone_stops_at_once():
    """D1: VAD_ENGINE=energy: loud frames are all there is."""
    dialogue = after(SPEAKING, replace(STOPS_EARLY, endpointing=ENERGY))
    assert effects(dialogue, "...", "###") == sends("clear") + stt("start")
    assert effects(dialogue, "###") == drops()


def test_d1_after_two_unconfirmed_stops_confirmation_is_waited_for():
    """D1: BARGE_IN_EARLY_STOP: a third sound in one reply does not stop us; a voice still does."""
    dialogue = after(SPEAKING, STOPS_EARLY)
    for _ in range(2):
        assert effects(dialogue, "...", "nnn", "." * 20) == sends("clear") + stt("start", "cancel")
    assert effects(dialogue, "...", "nnn", "." * 20) == NOTHING
    assert effects(dialogue, "...", "###") == NOTHING
    assert effects(dialogue, "###") == stt("start") + sends("clear") + drops()


def test_d2_a_cut_in_the_last_300_ms_is_no_interruption():
    """D2: the reply counts as heard; sixteen frames before its end it is one."""
    for left, interrupted in ((15, False), (16, True)):
        dialogue = after([*COMPLETE, PlayoutRoom(200), "." * (94 - left), "######", "#" * 20, "." * 25])
        (asked,) = effects(dialogue, FinalTranscript(2, "ויש שם חניה")).asked
        assert asked.history[-1].interrupted is interrupted


# ---- C5: refractory


@pytest.mark.parametrize("frames, opens", [(36, False), (40, True)])
def test_c5_the_bar_is_raised_for_the_refractory_time(frames, opens):
    """C5: REPLY_REFRACTORY_MS after the end, a run of noise opens provisionally again."""
    dialogue = after([*FINISHED, "." * (frames - 3), "nnn"])
    assert dialogue.users.perhaps_speaking is opens


def test_c5_never_after_a_barge_in():
    """C5: the bar is the ordinary one."""
    dialogue = after([*INTERRUPTED, "." * 25, "nnn"])
    assert dialogue.users.perhaps_speaking


# ---- E1, E2, E3 and the log


@pytest.mark.parametrize(
    "before, event, line",
    {
        "state": (THINKING[:0], SPOKE, "STATE LISTENING → THINKING turn=1"),
        "words": (THINKING, FinalTranscript(1, ASKED), "ASR_TEXT:"),
        "ears failed": (THINKING, SttFailed(1, "down"), "ASR_ERR: down"),
        "mind failed": (UNDERSTOOD, LlmFailed(1, "down"), "LLM_ERR: down"),
        "overdue": (UNDERSTOOD, TurnOverdue(1), "TURN_TIMEOUT turn=1"),
        "response gap": ([*COMPLETE, "." * 5], PlayoutRoom(1), "RESPONSE_GAP ms=600 turn=1"),
        "heard": (SENT, MarkReturned("1.0.0"), "tts_done"),
        "barge-in": (CANDIDATE, "###", "BARGE_IN: interrupt"),
        "the same words": ([*COMPLETE, SPOKE], FinalTranscript(2, ASKED), "DEDUP user → ignore"),
        "our own words": ([*FINISHED, "." * 40, SPOKE], FinalTranscript(2, FIRST), "ECHO → ignore"),
    }.values(),
)
def test_log_lines(before, event, line):
    """D2, E2, E3, G2, G3: what happened is in the log."""
    assert line in logged(play(after(before), [event]))


def test_words_stay_apart_from_their_log_line():
    """Logs can withhold what was said."""
    said = [a for a in play(TurnMachine(PARAMS), FINISHED) if isinstance(a, Log) and a.words is not None]
    assert said == [Log("ASR_TEXT:", ASKED), Log("AGENT_TEXT:", FIRST)]


def test_the_stt_get_the_utterance():
    """A2: its audio between opening and closing, under its number."""
    actions = play(TurnMachine(PARAMS), ["." * 20, SPOKE])
    fed = [action for action in actions if isinstance(action, FeedRecognition)]
    assert sum(len(action.mulaw_8k) for action in fed) == (10 + 65) * 160
    assert {action.utterance_id for action in fed} == {1}
    assert actions.index(OPEN) < actions.index(fed[0]) < actions.index(FinishRecognition(1, 25))


def test_d4_a_cut_that_was_none_is_no_interruption():
    """D3, D4: the history does not know it any more once the reply goes on, and not before."""
    dialogue = after([*SPEAKING, PlayoutRoom(60), "." * 60, "#" * 36, "." * 25])
    (said, cut) = dialogue.call.history.lines
    assert said == SAID and cut.interrupted and cut.text
    play(dialogue, [FinalTranscript(2, ""), ReplyDelay(3, 0)])
    assert dialogue.call.history.lines == (said, cut)
    assert 1 in effects(dialogue, PlayoutRoom(1)).wire
    assert dialogue.call.history.lines == (SAID,)


def test_e3_our_echo_does_not_stop_us_again():
    """E3: words that were our own raise the bar above their level."""
    answer = [
        FinalTranscript(3, "ועוד משהו"),
        ReplyDelay(3, 0),
        ReplySentence(3, SECOND),
        TtsAudio(3, 0, AUDIO),
    ]
    speaks = ["." * 40, SPOKE, *answer, PlayoutRoom(23)]
    after_echo = after([*FINISHED, SPOKE, FinalTranscript(2, FIRST), *speaks])
    assert after_echo.state is S
    assert effects(after_echo, "#" * 10) == NOTHING
    long_after = after([*FINISHED, "." * 60, SPOKE, FinalTranscript(2, FIRST), *speaks])
    assert "clear" in effects(long_after, "#" * 10).wire


def test_b5_a_voice_that_runs_on_keeps_no_hint_back():
    """A4, B5: whoever talks for so long waits for an answer, too."""
    dialogue = after(["#" * 700, "#" * 39])
    assert effects(dialogue, "#") == hints(HINT)


@pytest.mark.parametrize(
    "early",
    [[FinalTranscript(1, ASKED)], [InterimTranscript(1, ASKED), SttFailed(1, "down")]],
    ids=["transcript", "guess"],
)
def test_e1_words_that_come_before_the_end_of_the_utterance_count(early):
    """E1, G2: an STT that are done early have been heard."""
    dialogue = after(["#" * 40, *early])
    assert effects(dialogue, "." * 25).asked == asks(ASKED).asked


# ---- A2, A5: STT at a voice's onset


def test_a2_no_audio_before_the_voice_is_confirmed():
    """A2: the STT is set up while the voice is judged; what they are given begins with the pre-roll."""
    dialogue = TurnMachine(PARAMS)
    assert play(dialogue, ["." * 20, "#####"]) == [OPEN]
    (fed,) = play(dialogue, ["#"])
    assert isinstance(fed, FeedRecognition) and len(fed.mulaw_8k) >= (10 + 5) * 160


def test_a5_noise_is_never_heard_by_stt():
    """A5: opened, closed, and not given a frame."""
    assert play(TurnMachine(PARAMS), ["." * 50, COUGH]) == [OPEN, CancelRecognition(1)]


def test_a5_a_voice_starts_the_count_of_noises_anew():
    """A5: two in a row; every noise has its STT closed as long as it had any."""
    dialogue = TurnMachine(PARAMS)
    two_noises = ["start", "cancel"] * 2
    assert effects(dialogue, "." * 50, COUGH, COUGH, COUGH).stt == two_noises
    assert effects(dialogue, SPOKE).stt == ["start", "finish"]
    assert effects(dialogue, COUGH, COUGH, COUGH).stt == two_noises


def test_a5_a_voice_too_short_to_be_an_utterance_closes_its_stt():
    """A5: confirmed late, and less than MIN_VOICED_MS of it: no transcript is waited for."""
    dialogue = TurnMachine(PARAMS)
    assert effects(dialogue, "###", "m" * 6, "." * 40, FinalTranscript(1, ASKED)) == stt("start", "cancel")
    assert (dialogue.state, dialogue.users.pending.segments) == (L, [])


def test_g2_stt_that_fail_before_the_voice_is_confirmed():
    """G2: there is a voice all the same, and no STT took it: it is asked for again."""
    dialogue = after(["###", SttFailed(1, "down"), "#" * 37])
    assert effects(dialogue, "." * 25).said == [OURS.not_heard]
    assert logged(play(after(["###"]), [SttFailed(1, "down")])) == ["ASR_ERR: down"]
