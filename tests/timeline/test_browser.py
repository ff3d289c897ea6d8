"""The picture in a real browser: how soon it is drawn, which keys move it, and nothing of a caller's runs."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest

from server.office.business_hours import ISRAEL
from server.pages.headers import POLICY
from server.timeline.page import STATIC, page
from server.timeline.reading import embedded, timeline_of
from tests.timeline.scenes import eventful
from tests.timeline.test_timeline import HOSTILE
from tests.waiting import until

pytestmark = pytest.mark.servers

LISTS = ("states", "turns", "flags", "words", "gaps", "barge_ins", "providers", "clears")
TIMES = ("at", "from", "to", "first", "finish")
QUARTER_OF_AN_HOUR_MS = 900_000


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    return eventful(folder).call("CA1"), str(folder)


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a call's file; what has gone wrong in the page is raised at the end."""
    wrong = []
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    tab.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))

    def open_call(data):
        file = tmp_path / "call.html"
        file.write_text(page(data), encoding="utf-8")
        tab.goto(file.as_uri())
        until(lambda: drawn_at(tab))
        return tab

    open_call.tab = tab
    yield open_call
    tab.close()
    assert wrong == []


def drawn(found):
    parts, folder = found
    return timeline_of(parts, folder, ISRAEL, "full")


def long_of(data):
    """A quarter of an hour of the same."""
    (levels,), length = data["levels"], data["length"]
    times = QUARTER_OF_AN_HOUR_MS // length + 1
    turns = len(data["turns"])
    told = dict(data, length=length * times)
    for name in LISTS:
        told[name] = [_later(one, n * length, n * turns) for n in range(times) for one in data[name]]
    each = {
        name: b64encode(b64decode(text) * times).decode() for name, text in levels.items() if name != "at"
    }
    return {**told, "levels": [{**each, "at": 0}]}


def _later(one, by, turns):
    moved = dict(one)
    moved.update((name, one[name] + by) for name in TIMES if one.get(name) is not None)
    return moved | ({"turn": one["turn"] + turns} if one.get("turn") is not None else {})


def drawn_at(tab):
    """Milliseconds from the opening of the file; 0: not yet. Asked from outside: it may not evaluate."""
    return tab.evaluate("performance.getEntriesByName('timeline-drawn')[0]?.startTime ?? 0")


def playhead(tab):
    return tab.evaluate("+(document.querySelector('.timeline').dataset.at ?? 0)")


def view(tab):
    return tuple(tab.evaluate("(({from, to}) => [+from, +to])(document.querySelector('.timeline').dataset)"))


def moved_by(tab, key):
    """What is seen once that key was pressed."""
    before = view(tab)
    tab.press(".tl-stage", key)
    until(lambda: view(tab) != before)
    return view(tab)


def test_a_quarter_of_an_hour_is_drawn_within_a_second(opened, found):
    """From the opening of the file on."""
    data = long_of(drawn(found))
    assert data["length"] >= QUARTER_OF_AN_HOUR_MS and len(data["flags"]) > 300
    tab = opened(data)
    assert drawn_at(tab) < 1000


def test_it_is_moved_by_keys_and_told_in_words(opened, found):
    """Zoom, move, the next decision; a button below does what a flag does."""
    data = drawn(found)
    tab = opened(data)
    assert view(tab) == (0, data["length"])
    begin, end = moved_by(tab, "+")
    assert end - begin == pytest.approx(data["length"] / 2, abs=2)
    later, _ = moved_by(tab, "ArrowRight")
    assert later > begin
    assert moved_by(tab, "0") == (0, data["length"])
    tab.press(".tl-stage", "n")
    first = data["flags"][0]
    assert first["text_he"] in tab.inner_text(".tl-detail")
    assert tab.get_attribute(".tl-flag >> nth=0", "aria-pressed") == "true"
    tab.focus(".tl-flag >> nth=2")
    tab.keyboard.press("Enter")
    assert data["flags"][2]["text_he"] in tab.inner_text(".tl-detail")
    assert "--until" in tab.inner_text(".tl-command >> nth=1")


def test_a_recorded_call_is_played_from_where_it_is_clicked(opened, tmp_path):
    """EVENT_LOG=audio: by the mouse, and by the keyboard."""
    parts = eventful(tmp_path, "audio").call("CA1")
    tab = opened(timeline_of(parts, str(tmp_path), ISRAEL, "full", embedded))
    box = tab.locator(".tl-stage canvas").bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + 150)
    until(lambda: playhead(tab))
    clicked = playhead(tab)
    assert 10_000 < clicked < 20_000
    until(lambda: playhead(tab) > clicked + 100)
    tab.press(".tl-stage", " ")
    assert tab.get_attribute(".tl-button >> nth=0", "aria-label") == "ניגון"


def test_it_tells_all_in_one_language(opened, found):
    """What this server has written itself; each line by its own direction, so that nothing in it is moved."""
    tab = opened(drawn(found))
    tab.press(".tl-stage", "n")
    until(lambda: tab.locator(".tl-flag").count())
    told = " ".join(tab.locator(".tl-head, .tl-detail, .tl-story").all_inner_texts())
    assert not re.search(r"left:|set:|ended|turns|agent|caller|fixed line|gap|silence|the L", told)
    for place in (".tl-told p", ".tl-flag"):
        lines = tab.locator(place)
        assert lines.evaluate_all("all => new Set(all.map(one => getComputedStyle(one).textAlign)).size") == 1
    assert tab.locator(".tl-flag bdi").count() == 2 * tab.locator(".tl-flag").count()
    tab.click("[aria-label=English]")
    until(lambda: tab.locator(".tl-flag").count())
    assert "the caller's utterance was over" in tab.inner_text(".tl-story")


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_window(opened, found, width):
    tab = opened(drawn(found))
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_what_a_caller_says_is_text(opened, found):
    parts, folder = found
    hostile = [
        (replace(call, sid=HOSTILE), [replace(turn, caller=HOSTILE, agent=HOSTILE) for turn in turns])
        for call, turns in parts
    ]
    tab = opened(timeline_of(hostile, folder, ISRAEL, "full"))
    assert tab.evaluate("document.images.length + document.querySelectorAll('script').length") == 2
    assert "onerror" in tab.inner_text(".tl-story")


def test_it_is_for_everybody(browser, found, tmp_path):
    """By axe-core: names, roles, contrast; on a telephone, and in the dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    file = tmp_path / "call.html"
    file.write_text(page(drawn(found)), encoding="utf-8")
    # Its own policy would keep axe-core out.
    with browser.new_context(viewport={"width": 390, "height": 900}, bypass_csp=True) as context:
        tab = context.new_page()
        tab.goto(file.as_uri())
        until(lambda: drawn_at(tab))
        tab.click("summary")
        tab.press(".tl-stage", "n")
        assert axe.Axe().run(tab).response["violations"] == []
        tab.emulate_media(color_scheme="dark")
        assert axe.Axe().run(tab, options={"runOnly": ["color-contrast"]}).response["violations"] == []


def test_a_page_of_ours_draws_it_under_the_pages_policy(opened, found):
    """The data comes from where the page says, and the script and the style from this server."""
    data = drawn(found)
    html = (
        '<!doctype html><html lang="en"><link rel="stylesheet" href="/timeline.css">'
        '<div class="timeline" data-src="/data.json"></div><script src="/timeline.js" defer></script>'
    )

    def answer(route):
        name = route.request.url.rpartition("/")[2]
        if name == "data.json":
            return route.fulfill(body=json.dumps(data), content_type="application/json")
        if name.startswith("timeline."):
            return route.fulfill(path=STATIC / name)
        return route.fulfill(body=html, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    tab = opened.tab
    tab.route("http://agent.test/**", answer)
    tab.goto("http://agent.test/call")
    until(lambda: drawn_at(tab))
    assert view(tab) == (0, data["length"])
    assert data["flags"][0]["text"] in tab.inner_text(".tl-story")
