"""Rule A3: the silence that ends a turn follows the caller's own pauses. Whole calls in simulated time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.frames import FRAME_MS
from server.settings.turn_params import dialogue_params
from server.turns.machine import TurnMachine
from tests.simtime.call import SimCall
from tests.simtime.line import Sound
from tests.simtime.walks import walks

FOR_S = 1.4  # of speech on each side of a pause: the ordinary silence is behind it
ORDINARY_S, BREATH_S = 0.62, 0.22
ROOMS = "הסלון המטבח המרפסת החניה המעלית הגינה המחסן הקומה הרחוב השכונה המחיר הכניסה".split()
WORDS = [f"ועוד דבר על {room}" for room in ROOMS]  # nobody says the same again (E2)


def talk(*turns, every_s=14.0, words=WORDS, **more):
    """A call of so many turns, each the pauses between its stretches of speech, in ms."""
    sounds, ends = [], []
    for number, pauses in enumerate(turns):
        at_s = 3.0 + number * every_s
        sounds.append(Sound(at_s, FOR_S))
        for pause in pauses:
            at_s += FOR_S + pause / 1000
            sounds.append(Sound(at_s, FOR_S))
        ends.append(at_s + FOR_S)
    call = SimCall(sounds, stt=[*words], **more).run(ends[-1] + 6)
    return call, ends


def cuts(turns, call):
    """Pauses that were taken for an end."""
    return len(call.stt.heard) - len(turns)


def gaps_s(call, ends):
    """From each turn's end to the first answer behind it."""
    return [min(said.at_s for said in call.heard if said.at_s >= end_s) - end_s for end_s in ends]


@pytest.mark.parametrize("pause", [500, 700, 900])
@pytest.mark.parametrize("early", [False, True])
def test_a3_who_pauses_in_every_sentence_is_cut_once_at_most(pause, early):
    """A3: three turns of four stretches, all pauses alike."""
    turns = [[pause] * 3] * 3
    call, _ = talk(*turns, knobs={"speculative_turns": early})
    before, _ = talk(*turns, knobs={"speculative_turns": early, "adaptive_silence_ms": 0})
    assert cuts(turns, call) <= 1
    assert cuts(turns, before) == (0 if pause == 500 else 9)


@pytest.mark.parametrize("pauses", [[], [200], [400, 300]])
def test_a3_who_does_not_pause_is_answered_as_ever(pauses):
    """A3: to the frame."""
    turns = [pauses] * 4
    call, ends = talk(*turns)
    before, _ = talk(*turns, knobs={"adaptive_silence_ms": 0})
    assert gaps_s(call, ends) == gaps_s(before, ends)


def test_a3_a_single_pause_is_forgotten():
    """A3: 50 frames for one of 45; as many for two turns more, since its words proved it behind its end (E3).

    Then 43, 38, 34, and no more than the ordinary 31.
    """
    call, ends = talk([900], *[[]] * 8, every_s=10.0)
    more_s = [gap - ORDINARY_S - BREATH_S for gap in gaps_s(call, ends)]
    assert more_s == pytest.approx([0.38, 0.38, 0.38, 0.24, 0.14, 0.06, 0, 0, 0], abs=0.04)


def test_b3_thinking_still_begins_at_the_hangover():
    """A3, B3: the engines work while the longer silence is counted."""
    knobs = {"speculative_turns": True}
    engines = {"asr_s": 0.2, "llm_s": 0.35, "tts_s": 0.15}
    call, ends = talk([900], [], knobs=knobs, **engines)
    asked = [at for at, line in zip(call.log_times, call.log, strict=True) if "EARLY_START turn" in line]
    assert asked[-1] - ends[1] == pytest.approx(0.14 + engines["asr_s"], abs=0.06)
    plain, _ = talk([900], [], **engines)
    assert gaps_s(plain, ends)[1] - gaps_s(call, ends)[1] > 0.3


def test_a3_who_goes_on_at_our_first_words_was_cut_in_a_pause():
    """A3, D2: the interruption is the caller's own; the next pause as long is waited for."""
    turns = [[950], [950]]
    call, _ = talk(*turns)
    assert len(call.lines("BARGE_IN: interrupt")) == 1
    assert cuts(turns, call) == 1


@pytest.mark.parametrize(
    ("again", "more_s"),
    [("כמה חדרים יש", 0.0), ("ובאיזו קומה", 0.38)],
    ids=["the same words", "other words"],
)
def test_a3_who_repeats_out_of_impatience_has_not_paused(again, more_s):
    """A3, E2: had finished, and is answered as soon as ever; 50 frames, not 31, for who went on after 45."""
    told = {"words": ["כמה חדרים יש", again, "ומה המחיר"], "llm_s": 1.2}
    call, ends = talk([900], [], knobs={"speculative_turns": False}, **told)
    before, _ = talk([900], [], knobs={"speculative_turns": False, "adaptive_silence_ms": 0}, **told)
    assert len(call.lines("DEDUP user")) == (more_s == 0)
    assert gaps_s(call, ends)[1] - gaps_s(before, ends)[1] == pytest.approx(more_s, abs=0.04)


@given(st.lists(st.lists(st.integers(2, 60).map(lambda n: n * FRAME_MS), max_size=3), min_size=1, max_size=3))
@walks
def test_a3_the_events_alone_give_the_same_call_again(turns):
    """A3: what was learnt is in them, and in nothing else."""
    call, _ = talk(*turns)
    machine = TurnMachine(dialogue_params(call.config))
    assert [machine.handle(event) for event, _ in call.events] == [actions for _, actions in call.events]
