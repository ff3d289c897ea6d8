"""What is advised, and on how much; the operating points; the page."""

import json
import re
from dataclasses import replace

import pytest

from server.tune.__main__ import as_json, main, report_of, said
from server.tune.advice import Verdict, advise
from server.tune.eot import operating_points
from server.tune.page import page
from server.tune.picture import Picture, svg
from server.tune.search import TURNS, Trials, front, search
from server.tune.words import env_lines, tips
from tests.tune.callers import BREATHLESS, FAST, SLOW, take_from
from tests.tune.test_hearing import DEFAULTS


def test_operating_points_by_hand():
    """Of 250 ms / 40 %, 500 / 10 %, 700 / 5 %, 900 / 0 %."""
    known = operating_points([(250, 0.4), (500, 0.1), (700, 0.05), (900, 0.0)])
    assert (known.cut_at_300, known.cut_at_600) == (0.4, 0.1)
    assert (known.latency_at_5, known.latency_at_10) == (700, 500)
    none = operating_points([(700, 0.3)])
    assert (none.cut_at_300, none.latency_at_10) == (None, None)


def test_the_front_has_what_nothing_beats():
    a, b, c, d = (DEFAULTS.but("vad_hangover_ms", ms) for ms in (100, 110, 120, 130))
    assert front({a: (100, 0.5), b: (200, 0.2), c: (200, 0.3), d: (300, 0.2)}) == [a, b]


@pytest.mark.parametrize(
    "points, marks",
    [
        ([(350, 0.0), (1290, 0.3)], ["400", "600", "800", "1000", "1200", "1400", "0%", "10%", "20%", "30%"]),
        ([(530, 0.01), (540, 0.02)], ["500", "550", "600", "650", "700", "0%", "1%", "2%", "3%", "4%"]),
        (
            [(10, 1.0), (390, 0.0)],
            [*"0 100 200 300 400 500".split(), "0%", "20%", "40%", "60%", "80%", "100%"],
        ),
    ],
)
def test_the_axes_have_round_figures(points, marks):
    drawn = svg(Picture(points, points, points[0], None, "x", "y", "now", "then"))
    assert re.findall(r'class="(?:tick|level)"[^>]*>([^<]*)<', drawn) == marks


@pytest.fixture(scope="module", params=[SLOW, BREATHLESS], ids=["slow", "fast"])
def tuned(request):
    takes = [take_from(request.param, seed, 2) for seed in range(10)]
    return report_of(takes, None, 40)


def test_settings_that_beat_the_defaults_on_both_axes(tuned):
    """On calls that had no part in choosing them, too."""
    advice = tuned.advices[0]
    assert advice.verdict is Verdict.CHANGE and advice.both
    now, then = (TURNS.point(one) for one in advice.held_out)
    assert then[0] < now[0] and then[1] < now[1]


def test_the_page_stands_alone_and_says_both(tuned):
    text = page(tuned)
    assert "<script" not in text and "http" not in text and "src=" not in text
    assert 'dir="rtl"' in text and 'lang="en" dir="ltr"' in text and text.count("<svg") >= 2
    for line in env_lines(tuned.trials.base, tuned.advices[0].chosen):
        assert line in text and line in said(tuned)
    assert json.loads(json.dumps(as_json(tuned)))["advice"]["turns"]["both_axes"] is True


def test_thin_evidence_is_refused_with_how_much_is_wanted():
    """Two calls of two turns: four ends of the twenty."""
    takes = [take_from(SLOW, seed, 2) for seed in range(2)]
    trials = Trials(takes, takes[0].knobs)
    advice = advise(trials, TURNS, search(trials, TURNS, 5))
    assert advice.verdict is Verdict.TOO_LITTLE and advice.chosen is None and advice.wanted_calls == 10


def test_callers_who_never_pause_say_nothing_of_pauses():
    takes = [take_from(FAST, seed, 2) for seed in range(2)]
    advice = advise(trials := Trials(takes, takes[0].knobs), TURNS, [trials.base])
    assert (advice.verdict, advice.wanted_calls, advice.now.pauses) == (Verdict.TOO_LITTLE, 0, 0)


def test_the_playbooks_words():
    quicker = replace(DEFAULTS, min_utt_sec=0.42, vad_hangover_ms=220)
    assert tips(DEFAULTS, quicker, "he") == [
        "מאחר להגיב? הורד MIN_UTT_SEC ל־0.42 (היום 0.48).",
        "הסוכן חותך את המתקשר? העלה VAD_HANGOVER_MS ל־220 (היום 140).",
    ]
    assert env_lines(DEFAULTS, quicker) == ["MIN_UTT_SEC=0.42", "VAD_HANGOVER_MS=220"]


def test_no_call_is_no_report(tmp_path, capsys):
    (tmp_path / "a.events").write_bytes(b"nothing")
    assert main([str(tmp_path / "a.events"), "--html", str(tmp_path / "out.html")]) == 1
    assert "a.events" in capsys.readouterr().err and not (tmp_path / "out.html").exists()
