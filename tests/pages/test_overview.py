"""The overview: today and this week, drawn on the server from the records."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from server.app import create_app
from server.config import EXTENSION, load_config
from server.pages.overview import read
from server.records.database import WITHIN_S, Database
from server.records.facts import Gap
from server.records.rows import call_record, turn_record
from server.records.store import put
from tests.records.facts import call, turn
from tests.serving import ENGINES

NEAR = {"base_url": "http://localhost:5000", "environ_base": {"REMOTE_ADDR": "127.0.0.1"}}
NOW = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)  # half past midnight in Israel, the 30th


def app_of(**knobs):
    engines = {name.lower(): (value,) for name, value in ENGINES.items()}
    quick = {"vad_engine": "energy", "bind_host": "127.0.0.1", "twilio_auth_token": "", "public_base_url": ""}
    return create_app(load_config(_env_file=None, **(engines | quick | knobs)))


@pytest.fixture
def database(tmp_path):
    return Database("", str(tmp_path / "records.db"))


@pytest.fixture
def app(tmp_path):
    return app_of(records_file=str(tmp_path / "records.db"))


def page_of(app, path="/overview"):
    answer = app.test_client().get(path, **NEAR)
    return answer.status_code, answer.text


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_days_are_israels(database):
    """A call of a quarter past midnight there is today's; one of before it yesterday's."""
    minutes = {"CAtoday": 15, "CAyesterday": 45, "CAlong_ago": 8 * 24 * 60}
    records = [call_record(call(sid, at=NOW - timedelta(minutes=ago))) for sid, ago in minutes.items()]
    database.run(WITHIN_S, lambda c: put(c, records, NOW))
    found = database.run(WITHIN_S, lambda c: read(c, NOW), writes=False)
    assert (found.today.calls, found.week.calls) == (1, 2)
    assert [row.figures.calls for row in found.rows] == [1, 1, 0, 0, 0, 0, 0]
    assert [row.calls_bar for row in found.rows[:3]] == [100, 100, 0]
    assert found.rows[0].day.isoformat() == "2026-11-30" and found.rows[0].weekday[1] == "Mon"


def test_what_it_shows(app, database):
    now = datetime.now(UTC)
    gaps = [900] * 18 + [2600, 3100]
    records = [
        call_record(call("CA1", at=now, ended="caller", barge_ins=3, false_barge_ins=1)),
        call_record(call("CA2", at=now, ended="lost", llm_errors=2)),
        call_record(call("CA3", at=now, ended="a <b>later</b> way")),
        *(turn_record("CA1", turn(n, gap=Gap(ms, wall_ms=ms))) for n, ms in enumerate(gaps)),
    ]
    database.run(WITHIN_S, lambda c: put(c, records, now))
    status, page = page_of(app, "/overview?lang=en")
    told = text_of(page)
    assert status == 200
    assert "Calls 3" in told and "median 0.90 s" in told and "95% at most 3.10 s" in told
    assert "the caller hung up 1" in told and "the connection was lost 1" in told
    assert "LLM 2" in told and "Leads that have not reached the office: 0" in told
    assert "a &lt;b&gt;later&lt;/b&gt; way" in page and "<b>later" not in page


@pytest.mark.parametrize(
    "times, he, en",
    [
        (0, "הסוכן לא נקטע;", "was not interrupted;"),
        (1, "הסוכן נקטע פעם אחת;", "was interrupted once;"),
        (3, "הסוכן נקטע 3 פעמים;", "was interrupted 3 times;"),
    ],
)
def test_a_count_is_said_as_it_is_said(app, database, times, he, en):
    now = datetime.now(UTC)
    database.run(WITHIN_S, lambda c: put(c, [call_record(call("CA1", at=now, barge_ins=times))], now))
    assert he in text_of(page_of(app)[1]) and en in text_of(page_of(app, "/overview?lang=en")[1])


def test_it_is_hebrew_first_and_needs_no_script(app):
    status, page = page_of(app)
    assert status == 200 and 'dir="rtl"' in page and "מבט כללי" in page
    assert "<script" not in page and "style=" not in page and page.count("<svg") >= 14
    assert len(page) < 30_000


def test_without_records_it_says_so():
    status, page = page_of(app_of(records_file="", database_url=""))
    assert status == 200 and "RECORDS_FILE" in page


def test_records_that_do_not_answer_are_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    status, page = page_of(app_of(records_file=str(tmp_path / "file" / "records.db")))
    assert status == 503 and "מסד הנתונים" in page


def test_it_is_in_the_menu_behind_the_door(app):
    assert "overview" in page_of(app, "/")[1]
    answer = app.test_client().get("/overview", base_url="http://agent.example.com")
    assert answer.status_code == 403
    assert app.extensions[EXTENSION].kept.database is not None
