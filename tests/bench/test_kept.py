"""What ``bench.kept`` and ``bench.leads_delivery`` call missing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.kept import Case, Gap
from bench.kept_calls import Files
from bench.kept_left import Found, in_log, missing_of_call, missing_of_leads
from bench.leads_delivery import Arrivals
from server.records.rows import call_record, turn_record
from server.simulator.load import Percentiles
from tests.records.facts import CALL, TURN

SID = "CA1"
GREETING = replace(TURN, number=1, caller="", gap=None)
ANSWERS = [replace(TURN, number=number, caller=f"פנייה {number}") for number in (2, 3)]
SAID = [turn.caller for turn in ANSWERS]


def found() -> Found:
    return Found({SID: replace(CALL, turns=2)}, {SID: {turn.number: turn for turn in (GREETING, *ANSWERS)}})


def test_nothing_is_missing() -> None:
    assert missing_of_call(SID, found(), SAID) == []


def test_a_call_without_a_row() -> None:
    assert missing_of_call("CA2", found(), []) == ["CA2: no row"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_turn_that_is_not_there(number: int) -> None:
    """The last one is known by what the caller said, and by how many answers the row tells of."""
    left = found()
    del left.turns[SID][number]
    assert missing_of_call(SID, left, SAID)


def test_a_turn_that_is_there_twice() -> None:
    left = found()
    left.turns[SID][4] = replace(ANSWERS[-1], number=4)
    assert missing_of_call(SID, left, SAID)


def test_a6_what_is_heard_again_in_one_turn_is_kept_once() -> None:
    assert missing_of_call(SID, found(), [SAID[0], *SAID]) == []
    assert missing_of_call(SID, found(), [*SAID, SAID[0]]), "heard later, it is another turn"


def test_an_end_that_nobody_has_kept() -> None:
    left = found()
    left.calls[SID] = replace(left.calls[SID], ended="")
    assert missing_of_call(SID, left, SAID)
    assert missing_of_call(SID, left, SAID, ended=False) == []


def test_what_stands_whole_in_the_log_is_not_missing() -> None:
    records = [call_record(replace(CALL, turns=2))]
    records += [turn_record(SID, turn) for turn in (GREETING, *ANSWERS)]
    lines = [
        f"2026-11-29T10:02:03.000+00:00 RECORDS_ERR RECORDS_FILE=x: full; it is kept here: {record.line}"
        for record in records
    ]
    left = Found()
    left.add(in_log("\n".join(lines)))
    assert missing_of_call(SID, left, SAID) == []
    short = Found()
    short.add(in_log("\n".join(lines[:-1])))
    assert missing_of_call(SID, short, SAID)


def lead(kind: str) -> str:
    return json.dumps({"kind": kind, "call_sid": SID, "caller": ""})


def test_a_line_of_leads_is_in_the_file_or_in_the_log(tmp_path: Path) -> None:
    files = Files.below(tmp_path)
    files.leads.write_text(lead("rang") + "\n", encoding="utf-8")
    assert missing_of_leads([SID], [], files, "") == [f"{SID}: no line 'call'"]
    told = f"2026-11-29T10:02:03.000+00:00 LEAD_ERR LEADS_FILE=x: full; it is kept here: {lead('call')}"
    assert missing_of_leads([SID], [], files, told) == []


def test_who_is_refused_leaves_that(tmp_path: Path) -> None:
    files = Files.below(tmp_path)
    assert missing_of_leads([], [SID], files, "") == [f"{SID}: no line 'missed'"]
    files.leads.write_text(lead("missed") + "\n", encoding="utf-8")
    assert missing_of_leads([], [SID], files, "") == []


def test_a_line_of_leads_that_was_called_saved_is_in_the_file(tmp_path: Path) -> None:
    files = Files.below(tmp_path)
    files.leads.write_text(lead("rang") + "\n", encoding="utf-8")
    told = f"LEAD_ERR LEADS_FILE=x: full; it is kept here: {lead('call')}"
    saved = f"{told}\nLEAD_SAVED call={SID}\nLEAD_SAVED call={SID}"
    assert missing_of_leads([SID], [], files, saved) == [f"{SID}: 2 saved, 1 there"]


def test_a_line_of_leads_that_is_there_twice(tmp_path: Path) -> None:
    files = Files.below(tmp_path)
    files.leads.write_text("".join(f"{lead(kind)}\n" for kind in ("rang", "call", "call")), encoding="utf-8")
    assert missing_of_leads([SID], [], files, "") == [f"twice: {lead('call')}"]


def test_answers_that_come_later_while_something_fails_are_noticed() -> None:
    soon, late = Percentiles.of([900.0]), Percentiles.of([1300.0])
    assert Case("full", 1, 1, [], Gap(soon, late)).broken == []
    assert Case("full", 1, 1, [], Gap(late, soon)).broken
    assert Case("full", 1, 1, [], Gap(Percentiles.of([]), soon)).broken, "nothing was looked at"


def test_a_case_says_of_how_many_calls_nothing_is_missing() -> None:
    case = Case("full", 3, 3, ["CA1: no row", "CA1: no line 'call'", "CA2: no row"])
    assert case.kept == 1


@pytest.mark.parametrize(
    "times, once, broken", [({"CA1": 1, "CA2": 1}, 2, 0), ({"CA1": 2}, 0, 2), ({"CA1": 1, "CA3": 1}, 1, 2)]
)
def test_leads_arrive_once(times: dict[str, int], once: int, broken: int) -> None:
    arrivals = Arrivals(["CA1", "CA2"], times=times)
    assert (arrivals.once, len(arrivals.broken)) == (once, broken)
