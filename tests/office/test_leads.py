"""newcomer 13: the leads as an office reads them, a row a call."""

import csv
import io
import json
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.delivery.command import main
from server.office.business_hours import ISRAEL
from server.office.lead import Missed, merged, with_number
from server.office.leads import (
    AND_NO_MORE,
    HEADERS,
    MAYBE_STILL,
    WHAT_HAPPENED,
    as_csv,
    as_text,
    calls_of,
    lead_lines,
    row_of,
)

CALLER = "+972501112222"
NOW = datetime(2026, 12, 1, 12, tzinfo=ISRAEL)


def line(kind: str, call_sid: str = "CA1", **values: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "at": "2026-12-01T09:30:00+02:00",
        "call_sid": call_sid,
        "caller": CALLER,
        **values,
    }


def rows_of(*lines: dict[str, Any]) -> list[dict[str, str]]:
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in lines)
    return [row_of(call, NOW) for call in calls_of(lead_lines(text))]


DANA = (
    line("detail", name="דינה", notes="עד הקיץ"),
    line("detail", city="חיפה", phone="0521234567"),
    line(
        "call",
        at="2026-12-01T09:28:00+02:00",
        name="דנה",
        notes="עד הקיץ",
        city="חיפה",
        phone="0521234567",
        ended="caller",
        duration_s=63.2,
        turns=4,
    ),
)


def test_a_call_is_one_row() -> None:
    (row,) = rows_of(*DANA)
    assert tuple(row) == HEADERS
    assert {header: cell for header, cell in row.items() if cell} == {
        "מועד": "01/12/2026 09:28",
        "טלפון": "052-1234567",
        "מה קרה": "נמסרו פרטים",
        "שם": "דנה",
        "עיר": "חיפה",
        "הערות": "עד הקיץ",
        "משך בשניות": "63",
        "מזהה שיחה": "CA1",
    }


@pytest.mark.parametrize("order", list(permutations(DANA)))
def test_lines_of_two_threads_come_in_any_order(order: tuple[dict[str, Any], ...]) -> None:
    assert rows_of(*order) == rows_of(*DANA)


def test_a_call_that_was_killed_has_its_row() -> None:
    """B3: no last line was written."""
    assert rows_of(*DANA[:2])[0]["טלפון"] == "052-1234567"


def test_what_was_understood_behind_the_call_is_newer_than_its_whole_line() -> None:
    whole = line("call", name="דינה", city="חיפה", ended="caller", missed="no_details")
    late = line("detail", name="דנה", after_call=True)
    for lines in ((DANA[0], whole, late), (whole, late, DANA[0])):
        (row,) = rows_of(*lines)
        assert (row["שם"], row["עיר"], row["מה קרה"]) == ("דנה", "חיפה", "נמסרו פרטים")
        assert row["פרטים נוספים"] == ""


def test_lines_of_before_there_were_kinds() -> None:
    told = {"name": "דנה", "phone": "0501234567"}
    (row,) = rows_of({**told, "at": "2026-01-01T10:00:00+00:00", "call_sid": "CA1", "caller": ""})
    assert (row["שם"], row["טלפון"], row["מועד"]) == ("דנה", "050-1234567", "01/01/2026 12:00")


WHAT = {  # lines → what happened
    "missed": ([line("missed", missed="busy")], Missed.BUSY),
    "connected at the second asking": (
        [line("missed", missed="busy"), line("call", ended="agent", name="דנה")],
        None,
    ),
    "and silent then": (
        [line("missed", missed="rate"), line("call", ended="caller", missed="no_word")],
        Missed.NO_WORD,
    ),
    "put through, and nobody answered": (
        [line("call", ended="transfer"), line("missed", missed="no_answer", message="צריך לחזור")],
        Missed.NO_ANSWER,
    ),
    "the webhook was faster": (
        [
            line("missed", missed="failed", message="צריך לחזור"),
            line("call", ended="failed", missed="failed"),
        ],
        Missed.FAILED,
    ),
}


@pytest.mark.parametrize(("lines", "why"), WHAT.values(), ids=WHAT)
def test_newcomer_4_what_happened(lines: list[dict[str, Any]], why: Missed | None) -> None:
    (row,) = rows_of(*lines)
    assert row["מה קרה"] == (WHAT_HAPPENED[why] if why else "נמסרו פרטים")


def test_every_reason_has_its_words() -> None:
    assert set(WHAT_HAPPENED) == set(Missed)
    assert rows_of(line("call", ended="transfer"))[0]["מה קרה"] == "הועברה לנציג"
    assert rows_of(line("missed", missed="of a newer version"))[0]["מה קרה"] == "of a newer version"


def test_b3_who_only_rang() -> None:
    """Each call leaves who called; where it left more, that it rang says nothing."""
    (row,) = rows_of(line("rang"))
    assert (row["טלפון"], row["מה קרה"]) == ("050-1112222", f"התקשרו, {AND_NO_MORE}")
    just_now = (NOW - timedelta(minutes=5)).isoformat()
    assert rows_of(line("rang", at=just_now))[0]["מה קרה"] == f"התקשרו, {MAYBE_STILL}"
    assert rows_of(line("rang"), line("goes_on")) == rows_of(line("rang")), "killed twice (F8)"
    assert rows_of(line("rang", outbound=True))[0]["מה קרה"] == f"התקשרנו, {AND_NO_MORE}"
    assert rows_of(line("rang", at="?"))[0]["מה קרה"] == f"התקשרו, {AND_NO_MORE}"
    rang = line("rang", at=DANA[2]["at"])
    assert rows_of(rang, *DANA) == rows_of(*DANA) == rows_of(*DANA, rang)
    assert rows_of(line("rang"), line("missed", missed="failed"))[0]["מה קרה"] == WHAT_HAPPENED[Missed.FAILED]


def test_f8_what_was_understood_behind_a_failure_is_older_than_what_the_call_that_went_on_says() -> None:
    """F8, F6: the last words at a socket that failed; at the next one the caller has corrected them."""
    failed = (line("call", ended="lost"), line("goes_on"), line("detail", city="חיפה", after_call=True))
    corrected = (line("detail", city="תל אביב"), line("call", ended="caller", city="תל אביב"))
    assert [row["עיר"] for row in rows_of(*failed, *corrected)] == ["תל אביב"]
    behind = line("detail", city="לוד", after_call=True)
    assert [row["עיר"] for row in rows_of(*failed, *corrected, behind)] == ["לוד"]
    assert [row["עיר"] for row in rows_of(*failed, corrected[0], behind, corrected[1])] == ["לוד"]


def test_b3_a_line_that_was_written_twice_counts_once() -> None:
    """The log has kept it, and then the disk took it; what was said later is not undone by that."""
    first, later = line("detail", "", city="חיפה"), line("detail", "", city="תל אביב")
    assert [row["עיר"] for row in rows_of(first, later, first)] == ["חיפה", "תל אביב"]


def test_b3_a_line_behind_one_that_was_cut_off() -> None:
    """As earlier versions left them on a disk that was full, one behind the other."""
    whole = json.dumps(line("detail", name="דנה", notes='{"kind": "x"}'), ensure_ascii=False)
    for cut in range(1, len(whole) - 1):
        (lead,) = lead_lines(whole[:cut] + whole + "\n")
        assert lead["name"] == "דנה"


def test_calls_are_not_mixed() -> None:
    rows = rows_of(*DANA, line("missed", "CA2", missed="busy"), line("missed", "CA3", missed="busy"))
    assert [row["מזהה שיחה"] for row in rows] == ["CA1", "CA2", "CA3"]
    assert len(rows_of(line("detail", "", name="א"), line("detail", "", name="ב"))) == 2


@pytest.mark.parametrize(
    "phone, shown",
    [
        ("+972521234567", "052-1234567"),
        ("052 123-4567", "052-1234567"),
        ("+97231234567", "03-1234567"),
        ("+14155550123", "+14155550123"),
        ("לא נמסר", "לא נמסר"),
        ("", "050-1112222"),
    ],
)
def test_numbers_as_they_are_written_here(phone: str, shown: str) -> None:
    """A spreadsheet makes 521234567 of 0521234567."""
    assert rows_of(line("detail", phone=phone))[0]["טלפון"] == shown


def test_f11_a_hidden_number() -> None:
    assert rows_of(line("missed", caller="", hidden=True, missed="busy"))[0]["טלפון"] == "חסוי"


def test_what_a_host_calls_otherwise_is_there_too() -> None:
    (row,) = rows_of(line("detail", email="a@b.c", floor="3"), line("detail", rooms="3-4"))
    assert (row["פרטים נוספים"], row["חדרים"]) == ("email: a@b.c; floor: 3", "3–4")


FORMULAS = ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\u202e=1", "＝1"]
CELL = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(FORMULAS)


@given(name=CELL, notes=CELL, other=CELL, phone=CELL, caller=CELL, at=CELL, call_sid=CELL)
def test_no_cell_is_a_formula(name: str, notes: str, other: str, **values: str) -> None:
    """What a caller says goes into somebody's spreadsheet."""
    lead = line("detail") | {"name": name, "notes": notes, "x": other, **values}
    table = list(
        csv.reader(io.StringIO(as_csv([row_of(call, NOW) for call in calls_of([lead])]), newline=""))
    )
    assert len(table) == 2 and tuple(table[0]) == HEADERS and len(table[1]) == len(HEADERS)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for cell in table[1])
    assert all(cell.isprintable() for cell in table[1])


def test_a_servers_log_can_be_read(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """LEADS_FILE empty, or a disk that was full; lines that are cut or none are passed over."""
    whole = json.dumps(line("detail", name="דנה"), ensure_ascii=False)
    log = tmp_path / "server.log"
    at, other = "2026-12-01T09:30:00.000+02:00", whole.replace("CA1", "CA2")
    log.write_text(
        f"{at} LEAD {whole}\n{at} LEAD_ERR LEADS_FILE=x: full; it is kept here: {other}\n"
        f"{at} WS_START sid=MZ1\n{whole[:-9]}\n[1]\n{{}}\n",
        encoding="utf-8",
    )
    assert main([str(log)]) == 0
    printed = capfdbinary.readouterr().out.decode()
    assert printed == "01/12/2026 09:30 · 050-1112222 · נמסרו פרטים · שם: דנה\n" * 2


def test_csv_is_for_a_spreadsheet(tmp_path: Path) -> None:
    """With the mark by which Excel knows UTF-8, and the file that the knob names."""
    file = tmp_path / "leads.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in DANA), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "server.delivery.command", "--csv"],
        cwd=Path(__file__).parents[2],
        env={"PATH": "", "LEADS_FILE": str(file)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith(b"\xef\xbb\xbf")
    assert done.stdout.count(b"\r\n") == done.stdout.count(b"\n") == 2  # as Excel ends a line
    header, row = csv.reader(io.StringIO(done.stdout.decode("utf-8-sig"), newline=""))
    assert tuple(header) == HEADERS and "דנה" in row


def test_what_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([str(tmp_path / "none.jsonl")]) == 1 and "no leads yet" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 1 and "cannot be read" in capsys.readouterr().err
    monkeypatch.setenv("LEADS_FILE", "")
    assert main([]) == 1 and "LEADS_FILE is empty" in capsys.readouterr().err
    assert as_text([]) == ""


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["name", "notes", "message"]), st.text("אב /", max_size=6).map(str.strip)
        ),
        max_size=6,
    )
)
def test_putting_together_loses_nothing_and_repeats_nothing(told: list[dict[str, str]]) -> None:
    """B3: the last of a name; every note. All of it once more, as the whole line says it, changes nothing."""
    lead = merged(told)
    for details in told:
        assert all(text in lead[name] for name, text in details.items() if name != "name")
    assert lead.get("name") == next((each["name"] for each in reversed(told) if "name" in each), None)
    assert merged([*told, lead]) == lead


@pytest.mark.parametrize(
    "phone", ["המספר הזה", "המספר שממנו התקשרו", "this number", "Same as calling number", "caller's number"]
)
def test_this_number_is_the_callers(phone: str) -> None:
    assert with_number((("phone", phone), ("notes", "this number")), CALLER) == (
        ("phone", CALLER),
        ("notes", "this number"),
    )
    assert with_number((("phone", phone),), "") == ()


@pytest.mark.parametrize(
    "phone", ["0501234567", "לא למספר הזה", "מספר אחר", "not this number", "אין", "לא נמסר"]
)
def test_another_number_stays(phone: str) -> None:
    assert with_number((("phone", phone),), CALLER) == (("phone", phone),)
