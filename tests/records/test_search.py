"""Past calls, looked for: by number, name, words, time, end and what was bad; page by page."""

from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.office.lead import Missed
from server.records.database import WITHIN_S, Database
from server.records.facts import CallFacts, Decision, TurnFacts
from server.records.rows import call_record, turn_record
from server.records.search import BAD, RUNNING, Found, Wanted, going_on, search
from server.records.store import put
from server.records.trouble import troubles_of
from tests.records.facts import AT, call, turn

DAY = timedelta(days=1)
PLAIN: dict[str, Any] = {
    "caller": "",
    "lead": (),
    "summary": "",
    "ended": "agent",
    "worst_gap_ms": 800,
    "duration_ms": 60_000,
}
QUIET = turn(1, caller="", agent="שלום.", errors=(), decisions=())


def plain(sid: str, **facts: Any) -> CallFacts:
    return call(sid, **PLAIN | facts)


def keep(database: Database, *kept: CallFacts, **turns: list[TurnFacts]) -> None:
    records = [call_record(one) for one in kept]
    records += [turn_record(sid, one) for sid, of_it in turns.items() for one in of_it]
    database.run(WITHIN_S, lambda c: put(c, records, AT))


def found(database: Database, text: str = "", **wanted: Any) -> list[str]:
    answer = database.run(WITHIN_S, lambda c: search(c, Wanted(text, **wanted)), writes=False)
    return [one.sid for one, _ in answer.calls]


@pytest.mark.parametrize(
    "text", ["+972501234567", "050-1234567", "972 50 123 4567", "(050) 1234567", "1234567", "050-123", "4567"]
)
def test_by_number_in_any_spelling_or_a_part_of_it(database: Database, text: str) -> None:
    keep(
        database,
        plain("CAfrom", caller="+972501234567"),
        plain("CAleft", lead=(("phone", "0501234567"),)),
        plain("CAother", caller="+972521111111"),
    )
    assert set(found(database, text)) == {"CAfrom", "CAleft"}


def test_by_a_number_of_which_the_last_digits_alone_are_kept(database: Database) -> None:
    keep(database, plain("CAmasked", caller="…4567"), plain("CAother", caller="…1111"))
    assert found(database, "050-1234567") == found(database, "4567") == ["CAmasked"]


@pytest.mark.parametrize(
    ("text", "sids"),
    [
        ("דנה", {"CAname"}),
        ("dana", {"CAlatin"}),
        ("דירה", {"CAsaid", "CAheard"}),
        ("דירה בחיפה", {"CAsaid"}),
        ("חיפה   דירה", {"CAsaid"}),
        ("%", {"CApercent"}),
        ("_", set()),
        ("100%", {"CApercent"}),
        ("\\", set()),
        ("'; --", set()),
        ('"', set()),
        ("אין כאלה", set()),
    ],
)
def test_by_words_of_the_caller_the_agent_the_lead_and_the_summary(
    database: Database, text: str, sids: set[str]
) -> None:
    """All of them, wherever; signs that a database has a use for are signs."""
    keep(
        database,
        plain("CAname", lead=(("name", "דנה כהן"),)),
        plain("CAlatin", summary="Dana"),
        plain("CAsaid"),
        plain("CAheard"),
        plain("CApercent", summary="100% הנחה"),
        CAsaid=[turn(1, caller="אני מחפש דירה בחיפה", agent="")],
        CAheard=[turn(1, caller="", agent="יש לנו דירה.")],
    )
    assert set(found(database, text)) == sids


def test_by_time_and_by_how_it_ended(database: Database) -> None:
    keep(database, *(plain(f"CA{day}", at=AT + day * DAY) for day in range(4)))
    keep(database, plain("CA2", at=AT + 2 * DAY, ended="transfer"), plain("CA3", at=AT + 3 * DAY, ended=""))
    assert found(database, begin=AT + DAY, end=AT + 3 * DAY) == ["CA2", "CA1"]
    assert found(database, ended="transfer") == ["CA2"]
    assert found(database, ended=RUNNING) == ["CA3"]
    going = database.run(WITHIN_S, lambda c: going_on(c, AT), writes=False)
    assert [one.sid for one in going] == ["CA3"]


QUESTION = turn(1, agent="באיזו עיר?", caller="", decisions=())
BAD_CALLS: dict[str, tuple[CallFacts, list[TurnFacts]]] = {
    "gap": (plain("CAgap", worst_gap_ms=2600), [QUIET]),
    "asked": (plain("CAasked", turns=2), [QUESTION, turn(2, agent="באיזו עיר?", decisions=())]),
    "hung_up": (plain("CAhung", ended="caller"), [QUIET, turn(2, caller="שלום?", agent="", decisions=())]),
    "failed": (plain("CAfailed", llm_errors=1), [QUIET]),
    "missed": (plain("CAmissed", missed=Missed.NO_DETAILS), [QUIET]),
}
OVERDUE = (plain("CAoverdue"), [turn(1, caller="", agent="שלום.", decisions=(Decision(0, "G3", "overdue"),))])


@pytest.fixture
def bad(database: Database) -> Database:
    for kept, turns in [*BAD_CALLS.values(), OVERDUE, (plain("CAgood"), [QUIET])]:
        keep(database, kept, **{kept.sid: turns})
    return database


@pytest.mark.parametrize("name", BAD_CALLS)
def test_by_what_was_bad(bad: Database, name: str) -> None:
    sids = {BAD_CALLS[name][0].sid, *(["CAoverdue"] if name == "gap" else [])}
    assert set(found(bad, bad=name)) == sids


def test_anything_bad_is_what_the_one_place_calls_so(bad: Database) -> None:
    kept = [*BAD_CALLS.values(), OVERDUE]
    assert set(found(bad, bad="any")) == {one.sid for one, turns in kept if troubles_of(one, turns)}
    assert len(kept) == 6 and set(BAD) == {*BAD_CALLS, "any"}


# ---- pages


def page_of(database: Database, wanted: Wanted, most: int, patient: bool = True) -> Found:
    return database.run(WITHIN_S, lambda c: search(c, wanted, most, lambda: patient), writes=False)


def test_pages_of_calls_that_began_at_one_moment(database: Database) -> None:
    """In the order that the database itself has for names."""
    names = ["CA-b", "CAa", "CAB", "CA_c", "CA@1s", "CA1", "CA10"]
    keep(database, *(plain(name) for name in names))
    seen, below = [], None
    for _ in names:
        page = Wanted(below=below)
        answer = page_of(database, page, 2)
        seen += [one.sid for one, _ in answer.calls]
        below = answer.more
        if below is None:
            break
    assert sorted(seen) == sorted(names)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes an empty database, again and again: Hypothesis asks for many."""
    folder, numbers, made = tmp_path_factory.mktemp("pages"), count(), []

    def make() -> Database:
        made.append(Database("", str(Path(folder) / f"{next(numbers)}.db")))
        return made[-1]

    yield make
    for database in made:
        database.close()


@settings(max_examples=15)
@example([0] * 6, [], 4, Wanted("דירה", bad="any"), True, (3, 1))
@given(
    moments=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    come=st.lists(st.integers(0, 5), max_size=4),
    most=st.integers(1, 4),
    wanted=st.sampled_from([Wanted(), Wanted("דירה"), Wanted(bad="gap"), Wanted("דירה", bad="any")]),
    patient=st.booleans(),
    at_a_time=st.tuples(st.sampled_from([1, 3, 2000]), st.sampled_from([1, 2, 200])),
)
def test_no_call_is_lost_or_seen_twice_while_new_ones_come(
    shelf: Any,
    moments: list[int],
    come: list[int],
    most: int,
    wanted: Wanted,
    patient: bool,
    at_a_time: tuple[int, int],
) -> None:
    """Many began at the same moment; a page that was given up goes on where it stopped."""
    batch, chunk = at_a_time
    with patch("server.records.search.BATCH", batch), patch("server.records.search.CHUNK", chunk):
        database: Database = shelf()
        bad: dict[str, Any] = {"summary": "דירה", "worst_gap_ms": 3000}
        before = [plain(f"CA{number}", at=AT + moment * DAY, **bad) for number, moment in enumerate(moments)]
        before[1::3] = [plain(one.sid, at=one.at) for one in before[1::3]]  # nothing but their time
        keep(database, *before)
        new = [plain(f"CAnew{number}", at=AT + (9 + day) * DAY, **bad) for number, day in enumerate(come)]
        seen: list[tuple[datetime, str]] = []
        below = None
        for _ in range(50):
            page = Wanted(wanted.text, bad=wanted.bad, below=below)
            answer = page_of(database, page, most, patient)
            seen += [(one.at, one.sid) for one, _ in answer.calls]
            if new:
                keep(database, new.pop())
            if answer.more is None:
                break
            below = answer.more
        sought = [one for one in before if one.summary or not (wanted.text or wanted.bad)]
        assert seen == sorted(((one.at, one.sid) for one in sought), reverse=True)
