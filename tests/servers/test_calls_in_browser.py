"""/calls and /calls/<sid> in Chromium: by axe-core, at phone width, in weight, and as they change."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gethostname
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from server.app import EXTENSION, phone_agent
from server.config import load_config
from server.records.database import WITHIN_S, Database
from server.records.facts import Decision
from server.records.rows import call_record, turn_record
from server.records.store import put
from server.service import Service
from tests.records.facts import call, turn
from tests.records.places import Place
from tests.records.test_calls_pages import SCRIPTED, told_call

MOST_BYTES = 150_000
HOSTILE = "<img src=x onerror=alert(1)>"
SEEKS = """element => new Promise(done => {
  element.addEventListener("seeked", () => done(element.duration > 10));
  element.currentTime = 9;
})"""
SAID = "אני מחפשת דירת ארבעה חדרים בחיפה, בקומה לא גבוהה, עם חניה"


@dataclass
class Site:
    url: str
    service: Service
    database: Database


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A page of calls, one of thirty turns with all there can be in them, and one with a recording."""
    folder = tmp_path_factory.mktemp("calls")
    place = Place("", str(folder / "records.db"))
    told_call(folder, place)
    kept = {"records_file": place.file, "event_log_dir": str(folder / "events")}
    blueprint, sock = phone_agent(load_config(**SCRIPTED | kept), pages=True)
    app = Flask(__name__)
    app.register_blueprint(blueprint)
    sock.init_app(app)
    with closing(Database("", place.file)) as database, serving(app) as url:
        fill(database)
        yield Site(url, app.extensions[EXTENSION], database)


def fill(database: Database) -> None:
    now = datetime.now(UTC)
    unheard = Decision(4000, "D3", "unheard", "ויש גם מרפסת")
    many = tuple(Decision(4000 + 20 * n, "A7", "held", "של") for n in range(6))
    cut = turn(1, caller=SAID, agent=SAID, ended="interrupted", decisions=(*many, unheard), barge_ins=1)
    calls = [
        call(f"CAlist{n}", at=now - timedelta(hours=n), worst_gap_ms=3000, summary=SAID) for n in range(60)
    ]
    calls.append(call("CAlong", at=now, caller="", lead=(("name", HOSTILE), ("phone", "0501234567"))))
    records = [call_record(one) for one in calls]
    records += [turn_record("CAlong", turn(n, caller=SAID, agent=SAID, decisions=many)) for n in range(2, 31)]
    records.append(turn_record("CAlong", cut))
    database.run(WITHIN_S, lambda c: put(c, records, now))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_page(viewport={"width": 390, "height": 844}) as page:
        page.set_default_timeout(30_000)  # a picture takes seconds to compute where much else goes on
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/calls", "/calls/CAlong", "/calls/CA1", "/calls/CAlong/forget"])
def test_no_page_has_a_serious_fault_or_is_heavy_or_wider_than_a_phone(
    site: Site, page: Page, path: str, scheme: str
) -> None:
    """By axe-core; with all that it loads, and nothing of another origin."""
    came: dict[str, int] = {}
    wrong: list[str] = []
    page.on("response", lambda response: came.update({response.url: len(response.body())}))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site.url}{path}", wait_until="networkidle")
    for details in page.locator("details").all()[:3]:
        details.evaluate("element => element.open = true")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert wrong == [] and all(url.startswith(site.url) for url in came)
    assert sum(came.values()) < MOST_BYTES, came


def test_a_call_that_begins_and_ends_is_seen_without_a_reload(site: Site, page: Page) -> None:
    """Told to a screen reader once, its name as text; the focus stays where it is."""
    page.goto(f"{site.url}/calls")
    told = page.locator("[role=status][aria-live=polite]")
    expect(told).to_have_text("אין שיחות כרגע.")
    now = datetime.now(UTC)
    begun = call("CAnow", at=now, ended="", host=gethostname(), lead=(("name", HOSTILE),))
    site.database.run(WITHIN_S, lambda c: put(c, [call_record(begun)], now))
    site.service.shared_state.lease("CAnow", 0, 60.0)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(told).to_have_text("שיחה אחת עכשיו.")
    link = page.locator("[data-calls] a")
    expect(link).to_contain_text(HOSTILE)
    link.focus()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(link).to_be_focused()
    site.service.shared_state.release("CAnow")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(told).to_have_text("אין שיחות כרגע.")


def test_a_recording_is_played_and_a_command_copied(site: Site, browser: Browser, tmp_path: Path) -> None:
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)  # a picture takes seconds to compute where much else goes on
        page.goto(f"{site.url}/calls/CA1")
        audio = page.locator("section[aria-label] audio").first
        audio.evaluate("element => element.play()")
        assert audio.evaluate(SEEKS)
        page.get_by_text("לבדיקה ולשחזור").click()
        page.get_by_role("button", name="העתקה").first.click()
        expect(page.get_by_role("button", name="הועתק")).to_be_visible()
        assert "server.replay" in page.evaluate("navigator.clipboard.readText()")


def test_it_is_used_by_keys_alone_and_without_a_script(site: Site, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.url}/calls")
        page.get_by_label("מספר, שם או מילים").focus()
        page.keyboard.type("050-1234567")
        page.keyboard.press("Enter")
        page.wait_for_url("**/calls?q=*")
        link = page.locator("table a").first
        link.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/calls/CA*")
        assert page.locator("h1").inner_text().startswith("שיחה עם")
