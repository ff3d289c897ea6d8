"""A phone in the browser (docs/phone.md): a real server, and Chromium whose microphone hears a WAV."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, expect

from bench.service import kill_all
from server.audio.frames import pcm16_to_mulaw
from tests.serving import GUNICORN, ROOT, Server, started
from tests.servers.browsers_phone import (
    FRAMES,
    frames_a_second,
    heard_since,
    phone_page,
    silence,
    words,
    write,
)

PASSWORD = "of the test"
LINES = ["אני רוצה לקנות דירה", "לא לקנות, לשכור", "תודה"]
KNOBS = {
    "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
    "PAGES_PASSWORD_HASH": PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD),
    "AI_GREETING_HE": "שלום, מדברת הסוכנת. איך אפשר לעזור?",
    "SCRIPTED_ASR_LINES": "|".join(LINES),
    "SCRIPTED_LLM_REPLY": "תשובה מספר {n}, והיא ארוכה כל כך שאפשר להפריע לה באמצע, כמו שעושים בני אדם בטלפון.",
    "THINKING_HINT_MS": "0",
}
SILENT = "/" * 214 + "/w=="  # base64 of 160 bytes 0xff
TALKING_S = 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(GUNICORN, ROOT, tmp_path_factory.mktemp("phone") / "log", **KNOBS) as server:
        yield server
        assert "Traceback" not in server.log


def says_so(page: Page, id: str, text: str) -> None:
    expect(page.locator(f"#{id}")).to_contain_text(text, timeout=TALKING_S)


def test_a_call(server: Server, browser: Browser, microphone: Path) -> None:
    """It greets, hears, is interrupted, is told a key, and is hung up on; muted frames go on as silence."""
    write(microphone, silence(3.2), words(LINES[0]), silence(2.6), *[words(LINES[1])] * 3)
    with phone_page(browser, server.address, password=PASSWORD) as page:
        page.click("#call")
        says_so(page, "state", "מדבר")
        page.wait_for_function("() => ears.levels.some(([, rms]) => rms > 0.01)")
        says_so(page, "talk", LINES[0])
        says_so(page, "talk", "תשובה מספר 1, והיא ארוכה")
        says_so(page, "why", "D2 a voice, or a key, interrupted the agent")
        expect(page.locator("#clears")).to_have_text("1")
        expect(page.locator("#talk s")).to_contain_text("בטלפון")  # unheard
        cleared_at = page.evaluate("() => ears.received.find(([, told]) => told.event === 'clear')[0]")

        page.click("#mute")
        muted_at = page.evaluate("() => performance.now()")
        late = f"([at, {{ media }}]) => at > {muted_at} + 60 && media.payload"
        page.wait_for_function(f"() => ears.sent.filter(([at]) => at > {muted_at}).length > 30")
        muted = page.evaluate(f"{FRAMES}().map({late}).filter(Boolean)")
        assert len(muted) > 20 and set(muted) == {SILENT}
        page.click("#mute")
        page.wait_for_function(f"() => ({FRAMES})().at(-1)[1].media.payload !== '{SILENT}'")
        quiet = [rms for at, rms in page.evaluate("() => ears.levels") if cleared_at + 60 < at < muted_at]
        assert max(quiet, default=0) < 0.005

        page.click("[data-key='5']")
        says_so(page, "why", "F5 a key was pressed")
        assert page.evaluate("() => ears.sent.at(-1)[1].event") != "stop"
        assert 49 <= frames_a_second(page) <= 51
        page.click("#call")
        says_so(page, "status", "ניתקת")
        expect(page.locator("#call")).to_have_text("להתקשר")
        sent, received = page.evaluate("() => [ears.sent, ears.received]")
    events = [message["event"] for _, message in sent]
    assert events[:2] == ["connected", "start"] and events[-1] == "stop" and "dtmf" in events
    marks = [message["mark"]["name"] for _, message in received if message["event"] == "mark"]
    assert [m["mark"]["name"] for _, m in sent if m["event"] == "mark"] == marks[: events.count("mark")]
    assert server.has_no_call() and server.has_said("WEBHOOK stream_ended=200")


def test_a_refused_microphone_is_explained(server: Server, browser: Browser) -> None:
    with phone_page(browser, server.address, password=PASSWORD, microphone=False) as page:
        page.click("#call")
        says_so(page, "status", "הדפדפן חוסם את המיקרופון")
        expect(page.locator("#call")).to_have_text("להתקשר")
        assert page.evaluate("() => ears.sent") == []


def test_its_sound_is_the_lines(server: Server, browser: Browser) -> None:
    """μ-law as the server's; a `clear` is heard within one quantum, and every mark comes back in its place."""
    with phone_page(browser, server.address, password=PASSWORD) as page:
        coded = page.evaluate("""async () => {
            const { toMulaw } = await import("/pages/static/phone/mulaw.js");
            return Array.from({ length: 65536 }, (_, at) => toMulaw((at - 32768) / 32768));
        }""")
        pcm16 = b"".join(sample.to_bytes(2, "little", signed=True) for sample in range(-32768, 32768))
        assert bytes(coded) == pcm16_to_mulaw(pcm16)
        sound, told = page.evaluate(CLEARED)
    quantum_s = 128 / 48000
    filter_s = 2 * 16 / 8000
    assert max(sound[int(0.1 * 48000) : int(0.5 * 48000)]) > 0.4
    assert max(map(abs, sound[int((0.5 + quantum_s + filter_s) * 48000) :])) < 1e-6
    assert [what for name, what in told if name == "marks"] == [["a"], ["b", "c"], ["d"]]
    [dropped] = [what for name, what in told if name == "cleared"]
    assert dropped == pytest.approx(4000, abs=40)


CLEARED = """async () => {
    const { toMulaw } = await import("/pages/static/phone/mulaw.js");
    const context = new OfflineAudioContext(1, 48000, 48000);
    await context.audioWorklet.addModule("/pages/static/phone/playback-worklet.js");
    const playback = new AudioWorkletNode(context, "playback", { numberOfInputs: 0 });
    playback.connect(context.destination);
    const told = [];
    playback.port.onmessage = ({ data }) => {
        for (const name of ["marks", "cleared"]) if (name in data) told.push([name, data[name]]);
    };
    const tone = (samples) => Uint8Array.from({ length: samples }, (_, n) => toMulaw(0.5 * Math.sin(n / 2)));
    playback.port.postMessage({ media: tone(2000) });
    playback.port.postMessage({ mark: "a" });
    playback.port.postMessage({ media: tone(6000) });
    playback.port.postMessage({ mark: "b" });
    playback.port.postMessage({ mark: "c" });
    const settled = () => new Promise((done) => setTimeout(done, 100));
    await settled();
    context.suspend(0.5).then(async () => {
        playback.port.postMessage({ clear: true });
        playback.port.postMessage({ mark: "d" });
        await settled();
        context.resume();
    });
    const sound = await context.startRendering();
    await settled();
    return [Array.from(sound.getChannelData(0)), told];
}"""


def test_a_lost_line_is_explained(server: Server, browser: Browser, microphone: Path) -> None:
    """The last one here: the server is gone."""
    write(microphone, silence(30))
    with phone_page(browser, server.address, password=PASSWORD) as page:
        page.click("#call")
        says_so(page, "talk", "איך אפשר לעזור")
        assert heard_since(page) or page.wait_for_function("() => ears.levels.some(([, rms]) => rms > 0.01)")
        kill_all(server)
        says_so(page, "status", "הקו נפל")
        expect(page.locator("#call")).to_have_text("להתקשר")
