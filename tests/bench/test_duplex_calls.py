"""The calls of the bench, in simulated time with generated voices: the caller does what is planned."""

import json
from collections import Counter

import pytest

from bench.duplex import reading, results
from bench.duplex.agent import Replies, reply_of, whole
from bench.duplex.caller import INTERRUPTS, Turn
from bench.duplex.calls import PAUSES_MS, Setting, plan, run
from bench.duplex.voices import NODS, speakers
from server.providers.base import ReplyRequest
from server.tune.duplex import panel
from server.tune.duplex.timeline import Audible, Kind, Sound, TimeLine


def kinds(line):
    return [sound.kind for sound in line.caller]


def test_the_plan_is_the_one_that_was_measured():
    """26 × 4 = 104 turns: 16 interruptions, 16 nods, 40 sounds over answers, 32 pauses; 24 sounds more."""
    turns = [turn for call in plan(3) for turn in call]
    over = Counter(turn.over for turn in turns)
    pauses = Counter(turn.pause_ms for turn in turns)
    assert [len(call) for call in plan(3)] == [4] * 26
    assert over[INTERRUPTS] == sum(over[nod] for nod in NODS) == 16
    assert sum(over.values()) - over[""] == 16 + 16 + 40
    assert [pauses[ms] for ms in PAUSES_MS] == [8] * 4
    assert sum(bool(turn.before) for turn in turns) == 24
    assert plan(3) == plan(3) != plan(4)


@pytest.mark.parametrize("knobs", [{}, {"vad_engine": "energy"}], ids=["silero", "energy"])
def test_an_interruption_stops_and_is_answered(knobs):
    """D1, D2: two turns, two answers; the reply that was cut is another one than what follows."""
    line = run([Turn(over=INTERRUPTS)], Setting(knobs), "a")
    found = panel.measure(line)
    assert kinds(line) == [Kind.TURN, Kind.INTERRUPTION]
    assert (found.turns, len(found.answers_s), len(found.yields_s)) == (2, 2, 1)
    over = line.audible_at(line.caller[1].start_s)
    assert over.reply == 0 and line.agent[-1].reply > 0
    (noticed_s,) = reading.read(line).noticed_s
    assert noticed_s == pytest.approx(over.end_s - line.caller[1].start_s) and noticed_s < 0.3


def test_an_agent_that_dips_keeps_its_reply_under_a_nod_and_yields_to_a_voice():
    """D1, D2, D4: heard in every tick of a nod, lower for a while; a voice silences it in a second."""
    nod, voice = (
        run([Turn(over=over)], Setting({"barge_in_style": "dip"}), "f") for over in ("כן", INTERRUPTS)
    )
    kept = panel.measure(nod)
    assert (kept.nods, kept.nods_kept) == (1, 1)
    assert [span.dipped for span in nod.agent if span.end_s > nod.of(Kind.NOD)[0].start_s] == [
        False,
        True,
        False,
    ]
    found = panel.measure(voice)
    assert len(found.yields_s) == 1 and 0.4 <= found.yields_s[0] <= 1.0
    assert reading.read(voice).noticed_s[0] < 0.4


def test_a_sound_comes_over_the_reply_and_another_into_the_silence():
    """D4: a cough over the reply, which goes on; a click between two turns, while nobody speaks."""
    line = run([Turn(over="cough"), Turn(before="click")], Setting(), "b")
    assert [(s.kind, s.name) for s in line.caller if s.kind is Kind.NOISE] == [
        (Kind.NOISE, "cough"),
        (Kind.NOISE, "click"),
    ]
    cough, click = line.of(Kind.NOISE)
    assert line.audible_at(cough.start_s) is not None and line.audible_at(click.start_s) is None
    (fate,) = reading.read(line).fates
    assert not fate.lost


def test_a_pause_is_as_long_as_it_is_called():
    """A3: 300 ms within the turn, and the answer comes behind its end."""
    line = run([Turn(pause_ms=300)], Setting(), "c")
    turn, pause = line.caller
    assert (turn.kind, pause.kind) == (Kind.TURN, Kind.PAUSE)
    assert turn.start_s < pause.start_s < pause.end_s < turn.end_s
    assert pause.end_s - pause.start_s == pytest.approx(0.3)
    assert reading.read(line).gaps_s[0] == pytest.approx(0.9, abs=0.3)


def test_the_same_seed_is_the_same_call():
    assert run([Turn(over="כן")], Setting(noise="white10"), "d") == run(
        [Turn(over="כן")], Setting(noise="white10"), "d"
    )


def test_a_soft_caller_is_softer():
    """10 dB under the others, still above VAD_RMS."""
    usual, softer = (run([Turn()], Setting(level_db=db), "e") for db in (0.0, -10.0))
    assert kinds(usual) == kinds(softer) == [Kind.TURN]
    assert len(reading.read(softer).gaps_s) == 1


def test_every_piece_begins_and_ends_with_a_voice():
    """Or a pause would be longer than it is called."""
    for speaker in speakers(None):
        assert len(speaker.sentences) >= 4 and len(speaker.halves) >= 8 and set(speaker.nods) == set(NODS)
        assert all(piece.seconds > 0.2 for piece in speaker.sentences)


def test_a_reply_is_known_by_any_of_its_sentences_and_goes_on_where_it_was():
    request = ReplyRequest("שלום", (), 1, "", 0, 500)
    replies = Replies()
    assert [reply_of(replies(request)) for _ in range(2)] == [0, 1]
    said = whole(1)[:30].rsplit(" ", 1)[0]
    rest = replies(ReplyRequest("שלום", (), 1, "", 0, 500, said=said))
    assert f"{said} {rest}" == whole(1)
    assert reply_of("שלום! איך אפשר לעזור?") is None


def test_results_are_summed_up_and_written_as_json():
    """Two calls: one reply never goes on after its nod, the other does after 0.4 s: one lost of two."""
    nod = Sound(Kind.NOD, 2.0, 2.3, "כן")
    ends, goes_on = (Audible(0.0, 2.1),), (Audible(0.0, 2.1), Audible(2.5, 9.0))
    result = results.of(TimeLine((nod,), agent) for agent in (ends, goes_on))
    assert result.lost == {"כן": (1, 2)}
    assert result.silence_s("כן") == (float("inf"), float("inf"))
    written = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert written["silence_s"] == {"כן": [None, None]}
    assert written["panel"]["nods"] == 0.0 and written["panel"]["EVA"] is None
