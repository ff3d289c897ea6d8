"""Calls as they are read: the tables, one call's story, which of them are bad, and the commands."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from server.office.lead import Missed
from server.records.__main__ import main
from server.records.facts import CallFacts, Decision, Gap, TurnFacts
from server.records.summary import summary_of
from server.records.table import END, FIRST_STRONG, cell, rows, width
from server.records.trouble import SLOW_MS, SOON_MS, troubles
from tests.records.lists import AT, Lists

CALL = CallFacts(
    "CA1234567890abcdef",
    "…4567",
    AT,
    duration_ms=83_400,
    ended="caller",
    turns=2,
    worst_gap_ms=840,
    barge_ins=2,
    false_barge_ins=1,
    lead=(("name", "דנה"),),
    summary="דנה: דירה בחיפה. ניתקו.",
    knobs=(("MIN_UTT_SEC", "0.6"),),
)
GAP = Gap(840, closing_silence_ms=620, stt_ms=40, llm_ms=40, tts_ms=60, breath_ms=80, wall_ms=900)
GREETING = TurnFacts(1, 800, 2060, "", "שלום! איך אפשר לעזור?", "line", "heard")
ANSWER = TurnFacts(
    2,
    3060,
    67_540,
    "ספרו לי על הדירה",
    "יש שם שלושה חדרים. ויש",
    "llm",
    "interrupted",
    gap=GAP,
    barge_ins=1,
    errors=("llm openai: HTTP 503",),
    decisions=(Decision(3100, "A7", "held", "של"), Decision(67_540, "D3", "unheard", "גם מרפסת.")),
)


def kept(*calls):
    lists = Lists()
    for call, *turns in calls:
        lists.keep_call(call)
        for turn in turns:
            lists.keep_turn(call.sid, turn)
    return lists


# ---- tables


def test_a_column_is_as_wide_as_its_widest_cell_looks():
    """Niqqud and marks of direction take no column, and Hebrew in a cell moves no other."""
    assert width("שָׁלוֹם") == 4 and width(cell("שלום")) == 4 and width("日本") == 4
    first, second, third = rows(("who", "n"), [(cell("דָּנה"), "1"), ("anonymous", "22")])
    assert second == f"{FIRST_STRONG}דָּנה{END}" + " " * 8 + "1"
    assert (first, third) == ("who        n", "anonymous  22")


def test_a_cell_is_one_line_and_as_long_as_it_may_be():
    """What a caller says turns nothing round, and breaks no row."""
    assert cell("a\nb\u202ec") == "a bc"
    assert width(cell("א" * 50, 10)) == 10 and cell("א" * 50, 10).endswith(f"…{END}")


def test_the_table_of_calls():
    shown = run("calls", "--day", "2026-11-29", reads=kept((CALL, GREETING, ANSWER)))
    header, row = shown.splitlines()
    assert header.split() == "call when who long turns gap cut in ended what it was".split()
    assert row.startswith(
        "CA1234567890  29/11/2026 17:52  …4567  1:23  2      0.84 s  2 (1 for nothing)  caller"
    )
    assert "דנה: דירה בחיפה. ניתקו." in row


def test_a_call_that_goes_on_says_no_end():
    running = replace(CALL, ended="", summary="", caller="")
    row = run("calls", "--days", "2", reads=kept((running,))).splitlines()[1]
    assert "hidden" in row and row.endswith("–")


@pytest.mark.parametrize(
    "options, found",
    [
        ([], True),  # today's
        (["--days", "3"], True),
        (["--day", "2026-11-29"], True),
        (["--day", "2026-11-28"], False),
        (["--day", "2026-11-30"], False),
    ],
)
def test_a_day_is_the_offices(options, found):
    """AT is 17:52 in Israel; half past midnight there is another day in UTC."""
    late = replace(CALL, at=datetime(2026, 11, 28, 22, 30, tzinfo=UTC))
    for call in (CALL, late):
        assert ("CA12345" in run("calls", *options, reads=kept((call,)))) is found


def test_no_calls():
    assert run("calls", reads=Lists()) == "no calls\n"


@pytest.mark.parametrize(
    "wrong",
    [["--day", "29/11/2026"], ["--days", "0"], ["--days", "x"], ["--days", "2", "--day", "2026-11-29"], []],
)
def test_a_wrong_use_is_told(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["calls", *wrong] if wrong else [], Lists)
    assert ended.value.code == 2 and "usage" in capsys.readouterr().err


# ---- one call


def test_the_story_of_a_call():
    shown = (
        run("call", "CA12", reads=kept((CALL, GREETING, ANSWER))).replace(FIRST_STRONG, "").replace(END, "")
    )
    assert shown == STORY


STORY = """\
CA1234567890abcdef  29/11/2026 17:52:00  …4567
1:23, ended: caller, 2 answers, the slowest after 0.84 s
דנה: דירה בחיפה. ניתקו.
left: name: דנה
set: MIN_UTT_SEC=0.6

  1  0:00.8–0:02.0
     agent   שלום! איך אפשר לעזור? (a fixed line)

  2  0:03.0–1:07.5  interrupted, 1 barge-in
     caller  ספרו לי על הדירה
     agent   יש שם שלושה חדרים. ויש
             [not heard: גם מרפסת.]
     gap     0.84 s = silence 0.62 + STT 0.04 + LLM 0.04 + TTS 0.06 + breath 0.08 (0.90 by the wall)
     failed  llm openai: HTTP 503
     0:03.1  A7 the end of the turn is held: the words so far cannot end there; the last of them: של
"""


@pytest.mark.parametrize(
    "name, told", [("CA9", ["no call is named CA9"]), ("CA", ["more than one", CALL.sid, "\nCA2  "])]
)
def test_a_name_that_is_no_calls_or_two_calls(name, told, capsys):
    """Which calls it may be is told, by their whole names."""
    two = kept((CALL,), (replace(CALL, sid="CA2"),))
    assert main(["call", name], lambda: two) == 1
    said = capsys.readouterr().err
    assert all(one in said for one in told)


def test_a_call_without_an_answer_has_waited_for_none():
    none = kept((replace(CALL, turns=0, worst_gap_ms=0), GREETING))
    assert "  –  " in run("calls", "--day", "2026-11-29", reads=none)
    assert "ended: caller, no answers\n" in run("call", "CA12", reads=none)


def test_f8_a_call_that_was_taken_up_is_told_with_its_parts():
    """F8: the second socket's part stands behind the first's."""
    later = replace(CALL, sid=f"{CALL.sid}@83s", turns=1)
    shown = run("call", "CA1234", reads=kept((CALL, GREETING), (later, ANSWER)))
    assert shown.index("איך אפשר לעזור") < shown.index("@83s") < shown.index("ספרו לי")


def test_where_no_calls_are_kept_it_says_so(capsys, monkeypatch):
    monkeypatch.setenv("RECORDS_FILE", "")
    assert main(["calls"]) == 1
    assert "DATABASE_URL and RECORDS_FILE are empty" in capsys.readouterr().err


# ---- for machines


def test_json():
    reads = kept((CALL, GREETING, ANSWER))
    (line,) = run("calls", "--json", reads=reads).splitlines()
    told = json.loads(line)
    assert (told["sid"], told["lead"], told["at"]) == (CALL.sid, {"name": "דנה"}, "2026-11-29T15:52:00+00:00")
    assert "story" not in told
    whole = json.loads(run("call", "CA12", "--json", reads=reads))
    assert whole["story"][1]["gap"]["closing_silence_ms"] == 620
    assert whole["story"][1]["decisions"][0] == {"at_ms": 3100, "rule": "A7", "what": "held", "why": "של"}


# ---- which are bad

LATE = Decision(1, "G3", "overdue")
IDLE = Decision(1, "F1", "asks")
ASKS = replace(ANSWER, agent="יש. מתי נוח לבוא?", ended="heard", decisions=())


@pytest.mark.parametrize(
    "call, turns, why",
    [
        ({}, [ASKS], ()),
        ({"worst_gap_ms": SLOW_MS}, [], ()),
        ({"worst_gap_ms": SLOW_MS + 1}, [], ("waited 2.5 s",)),
        ({"stt_errors": 1, "tts_errors": 2}, [], ("STT failed", "TTS failed 2 times")),
        ({}, [replace(ASKS, decisions=(LATE,))], ("no answer in time",)),
        ({}, [ASKS, replace(ASKS, agent="מתי נוח לבוא?")], ("asked twice: מתי נוח לבוא?",)),
        ({}, [ASKS, replace(ASKS, said_by="rest")], ()),
        ({}, [ASKS, replace(ASKS, caller="מה אמרת?")], ()),
        ({}, [ASKS, replace(ASKS, decisions=(IDLE,))], ()),
        ({"duration_ms": SOON_MS - 1}, [ASKS], ("hung up at once",)),
        ({}, [ASKS, replace(ASKS, agent="")], ("hung up while waiting",)),
        ({"ended": "agent"}, [ASKS, replace(ASKS, agent="")], ()),
        ({"ended": "failed"}, [], ("ended: failed",)),
        ({"missed": Missed.NO_PERSON}, [], ("missed: no_person",)),
    ],
)
def test_which_calls_are_bad_and_why(call, turns, why):
    assert troubles(replace(CALL, **call), turns) == why


def test_the_bad_ones_alone():
    slow = replace(CALL, sid="CA2", worst_gap_ms=3100)
    shown = run("calls", "--bad", reads=kept((CALL, ASKS), (slow, ASKS)))
    assert "CA1" not in shown and "waited 3.1 s" in shown
    assert len(run("calls", "--bad", "--json", reads=kept((CALL, ASKS), (slow, ASKS))).splitlines()) == 1


# ---- in a sentence or two


@pytest.mark.parametrize(
    "call, lead, turns, said",
    [
        ({}, {}, [GREETING], "…4567: לא נאמר דבר. ניתקו."),
        (
            {"ended": "transfer"},
            {"name": "דנה", "phone": "052-1234567"},
            [replace(ANSWER, caller="שלום"), ANSWER],
            "דנה: ספרו לי על הדירה. השאירו 052-1234567; הועברו לנציג.",
        ),
        ({"caller": ""}, {"intent": "דירה"}, [], "מספר חסוי: דירה. ניתקו."),
        ({"ended": ""}, {"message": "לחזור מחר"}, [], "…4567: לחזור מחר. השיחה נמשכת או נקטעה."),
    ],
)
def test_a_call_in_a_sentence_or_two(call, lead, turns, said):
    assert summary_of(replace(CALL, **call), lead, turns) == said


def test_a_long_story_is_cut_short():
    long = replace(ANSWER, caller=" ".join(["מילה"] * 40))
    assert summary_of(CALL, {}, [long]) == f"…4567: {' '.join(['מילה'] * 14)}…. ניתקו."


def run(*arguments, reads):
    """What the command prints."""
    written = io.BytesIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", SimpleNamespace(buffer=written, flush=lambda: None))
        assert main(list(arguments), lambda: reads, lambda: AT) == 0
    return written.getvalue().decode()
