"""/calls and /calls/<sid> as a browser asks for them, over both databases."""

import io
import json
import re
import socket
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.app import EXTENSION, phone_agent
from server.config import load_config
from server.kept_calls import KeptCalls
from server.records.database import WITHIN_S, Database
from server.records.rows import call_record, turn_record
from server.records.store import put
from server.runtime.threads import Threads
from server.service import Service
from tests.records.facts import AT, call, turn
from tests.records.places import Place, sids
from tests.simtime.call import SimCall
from tests.simtime.line import Sound

SCRIPTED = {
    "_env_file": None,
    "asr_engines": "scripted",
    "llm_engines": "scripted",
    "tts_engines": "scripted",
    "vad_engine": "energy",
    "twilio_auth_token": "",
    "leads_file": "",
    "state_file": "",
}
HOSTILE = (
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "abc\u202edcba\u2066x",
    "javascript:alert(1)",
)


@pytest.fixture
def browse(place: Place, tmp_path: Path) -> Iterator[Callable[..., FlaskClient]]:
    """Opens the pages over what is in the database."""

    def browse(prefix: str = "", **knobs: Any) -> FlaskClient:
        kept = {"database_url": place.url, "records_file": place.file}
        folders = {"event_log_dir": str(tmp_path / "events")}
        blueprint, sock = phone_agent(load_config(**SCRIPTED | kept | folders | knobs), pages=True)
        app = Flask(__name__)
        app.register_blueprint(blueprint, url_prefix=prefix)
        sock.init_app(app)
        return app.test_client()

    yield browse


def keep(database: Database, *kept: Any, **turns: list[Any]) -> None:
    records = [call_record(one) for one in kept]
    records += [turn_record(sid, one) for sid, of_it in turns.items() for one in of_it]
    database.run(WITHIN_S, lambda c: put(c, records, AT))


def text_of(html: str) -> str:
    """What is read of it."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).translate({0x2066: None, 0x2069: None}).split())


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


# ---- the list


def test_past_calls_with_what_was_bad_the_latest_first(
    database: Database, browse: Callable[..., FlaskClient]
) -> None:
    later = call(
        "CA2", at=AT + timedelta(hours=1), worst_gap_ms=3100, lead=(), caller="", summary="לא נאמר דבר"
    )
    keep(database, call("CA1"), later, CA1=[turn(1)])
    shown = text_of(page(browse(), "/calls"))
    assert shown.index("מספר חסוי") < shown.index("אברהם, +972501234567")
    for told in ("יום א׳ 29/11/2026 12:02", "המתינו 3.1 שנ׳", "מחפש דירה ברמת גן", "1:01", "המתקשר ניתק"):
        assert told in shown
    english = text_of(page(browse(), "/calls?lang=en"))
    assert "waited 3.1 s" in english and "the caller hung up" in english


def test_a_search_stands_in_the_form_and_in_the_next_page(
    database: Database, browse: Callable[..., FlaskClient]
) -> None:
    keep(
        database,
        *(call(f"CA{n:03}", at=AT + timedelta(minutes=n)) for n in range(120)),
        call("CAx", caller="", lead=()),
    )
    client, path, seen = browse(), "/calls?q=050-1234567&ended=caller&bad=", []
    for _ in range(3):
        html = page(client, path)
        assert 'value="050-1234567"' in html and '<option value="caller" selected>' in html
        seen += re.findall(r'href="/calls/(CA\w+)"', html)
        following = re.search(r'rel="next" href="([^"]+)"', html)
        path = unescape(following[1]) if following else ""
    assert path == "" and seen == [f"CA{n:03}" for n in reversed(range(120))]


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "below=x",
        "below=2026-11-29T00:00~CA1",
        "bad=x&ended=x",
        "when=x",
        "q=%00%ff",
        "from=0001-01-01",
        "to=9999-12-31",
    ],
)
def test_what_nobody_can_ask_for_is_not_asked(
    query: str, database: Database, browse: Callable[..., FlaskClient]
) -> None:
    keep(database, call("CA1"))
    assert page(browse(), f"/calls?{query}")


def test_today_yesterday_and_the_week(database: Database, browse: Callable[..., FlaskClient]) -> None:
    now = datetime.now(UTC)
    keep(database, *(call(f"CA{days}", at=now - timedelta(days=days)) for days in (0, 1, 5, 20)))
    client = browse()

    def listed(query: str) -> list[str]:
        return re.findall(r'href="/calls/(CA\w+)"', page(client, f"/calls?{query}"))

    assert listed("when=today") == ["CA0"] and listed("when=yesterday") == ["CA1"]
    assert listed("when=week") == ["CA0", "CA1", "CA5"]
    assert listed("") == ["CA0", "CA1", "CA5", "CA20"]


def test_without_records_or_a_database_the_page_says_so(browse: Callable[..., FlaskClient]) -> None:
    assert "עוד לא נרשמו שיחות" in page(browse(), "/calls")
    assert "DATABASE_URL ו-RECORDS_FILE ריקים" in page(browse(database_url="", records_file=""), "/calls")
    assert "ביומן השרת" in page(browse(database_url="", records_file="/proc/none/records.db"), "/calls", 503)


# ---- live calls


def test_those_that_have_a_place_go_on_now(database: Database, browse: Callable[..., FlaskClient]) -> None:
    """A record without an end is not enough: its process may have been killed."""
    client = browse()
    service: Service = client.application.extensions[EXTENSION]
    here, now = socket.gethostname(), datetime.now(UTC)
    running = call("CAlive", at=now - timedelta(seconds=75), ended="", host=here)
    killed = call("CAkilled", at=now - timedelta(hours=1), ended="", host=here)
    keep(database, running, killed, CAlive=[turn(1, caller="<b>דירה</b>")])
    assert "אין שיחות כרגע" in page(client, "/calls")
    for sid in ("CAlive", "CAringing"):
        service.shared_state.lease(sid, 0, 30.0)
    told = client.get("/calls/live").get_json()
    assert [one["href"] for one in told["calls"]] == ["/calls/CAlive"]
    assert told["told"] == "שיחה אחת עכשיו." and "1" in told["more"] and "התהליך הזה" in told["scope"]
    assert told["calls"][0]["said"] == "<b>דירה</b>" and re.search("כבר 1:[12]", told["calls"][0]["since"])
    html = page(client, "/calls")
    assert "&lt;b&gt;דירה&lt;/b&gt;" in html and 'aria-live="polite"' in html


# ---- one call


def told_call(folder: Path, place: Place, **knobs: Any) -> SimCall:
    """One that was really held, and kept as the knobs say."""
    kept_in = {"database_url": place.url, "records_file": place.file, "event_log_dir": str(folder / "events")}
    kept = KeptCalls(load_config(**SCRIPTED | kept_in | {"event_log": "audio"} | knobs), Threads())
    kept.start()
    held = SimCall([Sound(6, 1.2)])
    held.host["observers"] = kept.observers()
    held.run(14)
    kept.settle()
    return held


def test_a_call_is_told_turn_by_turn_with_its_recording(
    place: Place, tmp_path: Path, browse: Callable[..., FlaskClient]
) -> None:
    held = told_call(tmp_path, place)
    (log,) = tmp_path.glob("events/*/CA1.events")
    log.with_name("CA1-2.events").write_bytes(b"another stream's")
    client = browse()
    html = page(client, "/calls/CA1")
    shown = text_of(html)
    for said in held.texts:
        assert said in shown
    assert "B6 הפתיחה" in shown and re.search(r'<rect class="closing_silence" x="0.0"', html)
    assert "python -m server.replay" in shown and "/calls/CA1/timeline.json" in html and "--pin ca1" in shown
    wav = client.get("/calls/CA1/recording.wav")
    with wave.open(io.BytesIO(wav.data)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 8000) and sound.getnframes() > 8000 * 10
    some = client.get("/calls/CA1/recording.wav", headers={"Range": "bytes=100-199"})
    assert (some.status_code, some.data) == (206, wav.data[100:200])
    events = client.get("/calls/CA1/events")
    assert "attachment" in events.headers["Content-Disposition"]
    assert events.data == log.read_bytes()
    drawn = client.get("/calls/CA1/timeline.json").get_json()
    assert drawn["sounds"] == [{"at": 0, "src": "/calls/CA1/recording.wav"}] and len(drawn["turns"]) > 1


def test_without_an_event_log_there_is_no_half_link(
    database: Database, browse: Callable[..., FlaskClient]
) -> None:
    keep(database, call("CA1"), CA1=[turn(1)])
    client = browse()
    html = page(client, "/calls/CA1")
    assert "<audio" not in html and "/events" not in html and "server.replay" not in html
    for beside in ("recording.wav", "events"):
        assert client.get(f"/calls/CA1/{beside}").status_code == 404
    assert client.get("/calls/CA2").status_code == client.get("/calls/CA2/forget").status_code == 404


def test_f8_the_parts_of_a_call_are_one_page(database: Database, browse: Callable[..., FlaskClient]) -> None:
    second = call("CA1@37s", at=AT + timedelta(seconds=40))
    keep(
        database,
        call("CA1", ended="failed"),
        second,
        **{"CA1": [turn(1, agent="קודם.")], "CA1@37s": [turn(1, agent="אחר כך.")]},
    )
    shown = text_of(page(browse(), "/calls/CA1"))
    assert shown.index("קודם.") < shown.index("המשך של שיחה שנותקה") < shown.index("אחר כך.")
    assert text_of(page(browse(), "/calls/CA1@37s")) == shown


def test_a_long_call_is_read_page_by_page_and_none_is_heavy(
    database: Database, browse: Callable[..., FlaskClient]
) -> None:
    """150 KB are the most of a page, with what it loads."""
    said = " ".join(["מילה"] * 40)
    keep(
        database,
        call("CA1", turns=100),
        CA1=[turn(n, caller=said, agent=f"{said} {n}.") for n in range(1, 101)],
    )
    client, path, seen = browse(), "/calls/CA1", []
    while path:
        html = page(client, path)
        assert len(html.encode()) < 100_000
        seen += [int(number) for number in re.findall(r'<li id="t(\d+)"', html)]
        following = re.search(r'rel="next" href="([^"]+)"', html)
        path = unescape(following[1]) if following else ""
    assert seen == list(range(1, 101))
    assert page(client, "/calls/CA1?turn=99999999999999") and page(client, "/calls/CA1?turn=-1")


def test_below_a_hosts_prefix_each_link_is_below_it(
    place: Place, tmp_path: Path, browse: Callable[..., FlaskClient]
) -> None:
    told_call(tmp_path, place)
    client = browse("/agent")
    for path in ("/agent/calls", "/agent/calls/CA1", "/agent/calls/live", "/agent/calls/CA1/timeline.json"):
        answer = client.get(path).text
        links = re.findall(r'(?:href|src|action|data-live)"?[=:]\s*"([^"]+)"', answer)
        assert links or path.endswith("live")
        assert all(link.startswith(("/agent/", "?", "#", "data:,")) for link in links), links


# ---- what strangers say


class Read(HTMLParser):
    """``strange``: what the pages have no use for, and a browser would run or load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.strange: list[Any] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        runs = [name for name in named if name.startswith("on") or name in ("style", "srcdoc")]
        loads = [
            url for name in ("href", "src", "action") if (url := named.get(name)) and ":" in url.split("?")[0]
        ]
        unknown = tag in ("img", "iframe", "object", "style") or (tag == "script" and "src" not in named)
        if runs or unknown or [url for url in loads if url != "data:,"]:
            self.strange.append((tag, attrs))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_caller_says_is_text(
    text: str, database: Database, browse: Callable[..., FlaskClient]
) -> None:
    facts: dict[str, Any] = {"caller": text, "summary": text, "lead": (("name", text), (text, text))}
    told = turn(1, caller=text, agent=text, said_by=text, ended=text, errors=(text,))
    keep(database, call("CA1", **facts, knobs=((text, text),), host=text, ended=text), CA1=[told])
    client = browse()
    for path in ("/calls", "/calls/CA1", f"/calls?q={text}"):
        html = client.get(path).text
        assert Read(html).strange == [] and not re.search("[\u202e\u2066]", html)
        assert "{{" in html or "{{" not in text
    assert text.translate({0x202E: None, 0x2066: None}) in unescape(client.get("/calls/CA1").text)


def test_no_word_stands_there_where_none_may_be_kept(
    place: Place, tmp_path: Path, browse: Callable[..., FlaskClient]
) -> None:
    held = told_call(tmp_path, place, log_transcripts="off")
    for client in (browse(log_transcripts="off"), browse()):  # nor where more of newer calls may be
        for path in ("/calls", "/calls/CA1", "/calls/live", "/calls/CA1/timeline.json"):
            answer = client.get(path)
            shown = text_of(
                json.dumps(answer.get_json(), ensure_ascii=False) if answer.is_json else answer.text
            )
            assert answer.status_code == 200 and not [said for said in held.texts if said in shown]
        for path in ("/calls/CA1/events", "/calls/CA1/recording.wav"):
            assert client.get(path).status_code == 404
    assert re.search(r"\(\d+ words?\)", text_of(page(client, "/calls/CA1")))


def test_neither_log_nor_recording_is_given_out_where_no_word_may_be_shown(
    place: Place, tmp_path: Path, browse: Callable[..., FlaskClient]
) -> None:
    """Though more was allowed when the call was kept."""
    told_call(tmp_path, place)
    client = browse(log_transcripts="off")
    html = page(client, "/calls/CA1")
    assert "<audio" not in html and '/CA1/events"' not in html and "server.replay" in html
    for beside in ("events", "recording.wav"):
        assert client.get(f"/calls/CA1/{beside}").status_code == 404
    assert client.get("/calls/CA1/timeline.json").get_json()["sounds"] == []


PATHS = (
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/secret",
    "CA1/../../x",
    "CA1%00",
    "%",
    "_",
    "C",
    "CA1%25",
)


@pytest.mark.parametrize("sid", PATHS)
def test_a_sid_is_a_name_and_no_path_and_no_pattern(
    sid: str, database: Database, browse: Callable[..., FlaskClient]
) -> None:
    keep(database, call("CA1"))
    client = browse()
    for beside in ("", "/events", "/recording.wav", "/forget"):
        assert client.get(f"/calls/{sid}{beside}").status_code in (404, 400, 308)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.events",
        "/etc/passwd",
        "a/../../secret.events",
        "..",
        "",
        "notes.txt",
        "secret\0.events",
        "x" * 300,
    ],
)
def test_a_log_is_read_in_its_folder_only(
    name: str, database: Database, tmp_path: Path, browse: Callable[..., FlaskClient]
) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "notes.txt").write_text("{}")
    (tmp_path / "secret.events").write_text(json.dumps({"format": "agent-events", "audio": True}) + "\n")
    keep(database, call("CA1", event_log=name))
    client = browse()
    assert "/events" not in page(client, "/calls/CA1")
    assert (
        client.get("/calls/CA1/events").status_code
        == client.get("/calls/CA1/recording.wav").status_code
        == 404
    )


# ---- forgetting


def token(html: str) -> str:
    found = re.search(r'<form method="post">\s*<input type="hidden" name="csrf" value="([^"]+)"', html)
    assert found
    return found[1]


def test_a_caller_is_forgotten_when_that_is_said_twice(
    database: Database, browse: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    leads = tmp_path / "leads.jsonl"
    leads.write_text(json.dumps({"kind": "call", "call_sid": "CA1", "caller": "+972501234567"}) + "\n")
    leads.chmod(0o600)
    log = tmp_path / "events" / "2026-11-29" / "CA1.events"
    log.parent.mkdir(parents=True)
    log.write_text("x")
    keep(
        database,
        call("CA1", event_log="2026-11-29/CA1.events"),
        call("CA2", lead=()),
        call("CA3", caller="+972521111111", lead=()),
        CA1=[turn(1)],
    )
    client = browse(leads_file=str(leads))
    asked = page(client, "/calls/CA1/forget")
    assert "+972501234567" in asked and "שיחות: 2" in text_of(asked) and "שורות של פניות: 1" in text_of(asked)
    for form in ({}, {"csrf": "x"}):
        assert client.post("/calls/CA1/forget", data=form).status_code == 403
    assert sids(database) == {"CA1", "CA2", "CA3"} and log.exists()
    done = client.post("/calls/CA1/forget", data={"csrf": token(asked)})
    assert done.status_code == 200 and "נמחק." in done.text
    assert sids(database) == {"CA3"} and not log.exists() and leads.read_text() == ""
    assert client.get("/calls/CA1").status_code == 404


@pytest.mark.parametrize("caller", ["", "…4567", "anonymous", "[hidden]"])
def test_a_caller_whose_number_is_not_kept_is_not_guessed(
    caller: str, database: Database, browse: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    keep(database, call("CA1", caller=caller, lead=()), call("CA2", caller="", lead=()))
    leads = tmp_path / "leads.jsonl"
    leads.write_text(others := json.dumps({"kind": "call", "call_sid": "CA9", "caller": ""}) + "\n")
    client = browse(leads_file=str(leads))
    html = page(client, "/calls/CA1/forget")
    assert "./start_all.sh forget NUMBER" in html and '<form method="post">' not in html
    keep(database, call("CA3"))
    form = {"csrf": token(page(client, "/calls/CA3/forget"))}
    assert "./start_all.sh forget NUMBER" in client.post("/calls/CA1/forget", data=form).text
    assert sids(database) == {"CA1", "CA2", "CA3"} and leads.read_text() == others
