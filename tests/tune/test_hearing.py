"""The hearing of a recorded call, again and under other settings."""

from dataclasses import replace

import pytest

from server.audio.endpointing import Closing, OnsetThreshold
from server.audio.frames import FrameHeard
from server.tune.figures import Labelled
from server.tune.hearing import NeedsAudio, hear
from server.tune.knobs import Knobs
from server.tune.labels import Kind, silences
from server.tune.tape import DoesNotComeOutAgain, Take, take_of
from tests.simtime.line import NOISE, Sound
from tests.tune.callers import BREATHLESS, MEDIUM, SLOW, Recording, call_of, take_from

DEFAULTS = Knobs.of({})
LOUD, QUIET = 3000, 0


def drawn(timeline, *, agent=(), commands=None, knobs=DEFAULTS, **more):
    """A take of one character a frame: ``#`` voice, ``.`` none; the agent is heard in frames of ``agent``."""
    frames = [FrameHeard(b"", LOUD if c == "#" else QUIET, 0.9 if c == "#" else 0.0) for c in timeline]
    there = [
        OnsetThreshold.DURING_PLAYOUT if n in agent else OnsetThreshold.ORDINARY for n in range(len(frames))
    ]
    return Take("drawn", knobs, frames, there, commands or {}, **more)


def test_a_call_in_which_nobody_speaks_has_no_silences():
    assert silences(drawn("." * 100)) == []


# ---- the anchor


@pytest.mark.parametrize("tempo", [SLOW, MEDIUM, BREATHLESS])
def test_the_settings_of_the_record_give_the_record_again(tempo):
    """Every onset, pause, end and stop, frame by frame; the first gap is the recorded one too."""
    take = take_from(tempo, 1, 3)
    hearing = hear(take, take.knobs)
    assert list(hearing.changes) == list(take.heard) and list(hearing.stops) == list(take.stops)
    call = Labelled(take)
    figures = call.figures(take.knobs, take.frames)
    ends = [one for one in call.silences if one.kind is Kind.END]
    assert figures.gaps == tuple(one.answer.at - one.last_voice for one in ends) and figures.gaps
    assert figures.elsewhere == figures.lost == 0


def test_so_it_does_for_a_voice_and_a_noise_over_the_agent():
    """D1, D4: a noise in the first answer, an interruption in the second."""
    sounds = [
        Sound(3, 1.5, words="אני מחפש דירה בתל אביב"),
        Sound(6.2, 0.2, kind=NOISE),
        Sound(12, 1.5, words="ומה המחיר של הדירה הזאת"),
        Sound(15.2, 1.2, words="רגע אני רוצה לשאול משהו אחר"),
    ]
    take = take_of(call_of(sounds, seconds=25, knobs={"barge_in_early_stop": True}))
    hearing = hear(take, take.knobs)
    assert list(hearing.changes) == list(take.heard)
    assert list(hearing.stops) == list(take.stops) and len(take.stops) == 2  # early, the noise too


def test_a_log_of_another_program_is_refused():
    call = call_of([Sound(3, 1.0, words="שלום לך")], seconds=8)
    other = Recording(call.name, call.knobs, replace(call.params, barge_in=True, vad_rms=9000), call.events)
    with pytest.raises(DoesNotComeOutAgain):
        take_of(other)


# ---- by hand: closing is 7 frames of hangover and 24 of silence, behind short speech 18 (A3)


@pytest.mark.parametrize(
    "changed, ends",
    [
        ({}, [100 + 70 + 31 - 1]),
        ({"min_utt_sec": 0.8}, [100 + 70 + 47 - 1]),
        ({"vad_hangover_ms": 220, "min_utt_sec": 0.4}, [100 + 70 + 31 - 1]),
        ({"vad_rms": 4000}, []),
    ],
)
def test_an_end_under_other_settings(changed, ends):
    """A voice in frames 100 to 169: the silence of n frames ends in frame 169 + n."""
    take = drawn("." * 100 + "#" * 70 + "." * 100)
    assert hear(take, replace(DEFAULTS, **changed)).ends == ends


def test_words_that_held_the_end_hold_it_where_they_came():
    """A7: told behind frame 175 that nobody ends there: 35 frames more; none without a hold, or too late."""
    take = drawn("." * 100 + "#" * 70 + "." * 100, commands={175: [Closing.HELD]})
    assert hear(take, DEFAULTS).ends == [169 + 31 + 35]
    assert hear(take, DEFAULTS.but("incomplete_hold_ms", 0)).ends == [169 + 31]
    assert hear(take, DEFAULTS.but("min_utt_sec", 0.1).but("vad_hangover_ms", 0)).ends == [169 + 5]


def test_a_stop_that_comes_later_finds_the_agent_still_speaking():
    """D1: the record stopped in frame 55. Ten loud frames open in frame 59; two more agree with its one."""
    take = drawn("." * 50 + "#" * 60 + "." * 60, agent=range(30, 56), stops=[55])
    assert hear(take, DEFAULTS).stops == (55,)
    later = hear(take, DEFAULTS.but("barge_in_voice_frames", 10)).stops
    assert later == (61,)


def test_a_longer_silence_never_cuts_off_more():
    takes = [take_from(tempo, seed, 2) for tempo in (SLOW, MEDIUM) for seed in (1, 2)]
    calls = [Labelled(take) for take in takes]
    for adaptive in (0, 600):
        cuts = []
        for silence in (0.3, 0.5, 0.7, 0.9, 1.2):
            knobs = replace(takes[0].knobs, min_utt_sec=silence, adaptive_silence_ms=adaptive)
            cuts.append(sum(call.figures(knobs, call.take.frames).cut for call in calls))
        assert cuts == sorted(cuts, reverse=True) and cuts[0] > cuts[-1]


def test_the_speech_model_is_not_invented():
    take = drawn("." * 50, knobs=DEFAULTS.but("vad_engine", "energy"))
    with pytest.raises(NeedsAudio):
        hear(take, DEFAULTS)


# ---- labels


def test_pauses_and_ends_are_told_by_what_followed():
    """The slow caller's pauses are 0.7 to 1.1 s, and each turn was answered: all are known."""
    take = take_from(SLOW, 3, 3)
    found = silences(take)
    pauses = [one for one in found if one.kind is Kind.PAUSE]
    assert len([one for one in found if one.kind is Kind.END]) == 3
    assert all(30 <= one.goes_on - one.last_voice <= 66 for one in pauses) and len(pauses) >= 3


def test_words_that_nobody_answered_are_unsure():
    take = drawn("." * 50 + "#" * 50 + "." * 200)
    assert [one.kind for one in silences(take)] == [Kind.UNSURE]


def test_a_turn_alone_ends_with_its_last_voice():
    take = drawn("." * 20 + "#" * 40 + "." * 30 + "#" * 40 + "." * 200, alone=True)
    assert [(one.kind, one.last_voice, one.goes_on) for one in silences(take)] == [
        (Kind.PAUSE, 59, 90),
        (Kind.END, 129, None),
    ]
