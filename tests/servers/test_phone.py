"""A phone in the browser (docs/phone.md): a real server, and Chromium whose microphone hears a WAV."""

import base64
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, expect

from bench.service import kill_all
from server.audio.frames import SILENT_FRAME, pcm16_to_mulaw
from tests.servers.browsers_phone import (
    FRAMES,
    HEARD,
    frames_a_second,
    phone_page,
    silence,
    words,
    write,
)
from tests.serving import GUNICORN, ROOT, Server, started

PASSWORD = "of the test"
SAID = ["אני רוצה לקנות דירה", "לא לקנות, לשכור"]
HEARD_AS = ['אני רוצה <b id="caller">דירה</b>', "לא לקנות, לשכור", "תודה"]
KNOBS = {
    "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
    "PAGES_PASSWORD_HASH": PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD),
    "AI_GREETING_HE": "שלום, איך אפשר לעזור?",
    "SCRIPTED_ASR_LINES": "|".join(HEARD_AS),
    "SCRIPTED_LLM_REPLY": "תשובה מספר {n}, והיא ארוכה כל כך שאפשר להפריע לה באמצע, כמו שעושים בטלפון.",
    "THINKING_HINT_MS": "0",
}
SILENT = base64.b64encode(SILENT_FRAME).decode()
TALKING_S = 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("phone")
    with started(GUNICORN, ROOT, folder / "log", **KNOBS, STATE_FILE=str(folder / "state")) as server:
        yield server
        assert "Traceback" not in server.log


def says_so(page: Page, id: str, text: str) -> None:
    expect(page.locator(f"#{id}")).to_contain_text(text, timeout=TALKING_S)


def payloads(page: Page, since_ms: float) -> list[str]:
    """Of the frames sent since then, on the page's clock."""
    return [message["media"]["payload"] for at, message in page.evaluate(FRAMES) if at > since_ms]


def test_a_call(server: Server, browser: Browser, microphone: Path) -> None:
    """It greets, hears, is interrupted, is told a key, and is hung up on; muted frames go on as silence."""
    write(microphone, silence(2.4), words(SAID[0]), silence(2.2), *[words(SAID[1])] * 3)
    with phone_page(browser, server.address, password=PASSWORD) as page:
        page.click("#call")
        says_so(page, "state", "מדבר")
        page.wait_for_function(HEARD)
        says_so(page, "talk", HEARD_AS[0])
        assert page.locator("#caller").count() == 0, "a caller's words are text"
        says_so(page, "talk", "תשובה מספר 1, והיא ארוכה")
        says_so(page, "why", "קול, או מקש, קטע את הסוכן")
        expect(page.locator("#clears")).to_have_text("1")
        expect(page.locator("#talk s")).to_contain_text("בטלפון")  # unheard
        cleared_at = page.evaluate("() => heard.received.findLast(([, told]) => told.event === 'clear')[0]")

        page.click("#mute")
        muted_at = page.evaluate("() => performance.now()")
        page.wait_for_function(f"() => heard.sent.filter(([at]) => at > {muted_at} + 60).length > 20")
        assert set(payloads(page, muted_at + 60)) == {SILENT}
        page.click("#mute")
        page.wait_for_function(f"() => heard.sent.at(-1)[1].media?.payload !== '{SILENT}'")
        quiet = [rms for at, rms in page.evaluate("() => heard.levels") if cleared_at + 60 < at < muted_at]
        assert max(quiet, default=0) < 0.005

        page.click("[data-key='5']")
        says_so(page, "why", "נלחץ מקש")
        assert 49 <= frames_a_second(page) <= 51
        page.click("#call")
        says_so(page, "status", "ניתקת")
        expect(page.locator("#call")).to_have_text("להתקשר")
        sent, received = page.evaluate("() => [heard.sent, heard.received]")
    events = [message["event"] for _, message in sent]
    assert events[:2] == ["connected", "start"] and events[-1] == "stop"
    assert [message["dtmf"]["digit"] for _, message in sent if message["event"] == "dtmf"] == ["5"]
    asked, came_back = (
        [message["mark"]["name"] for _, message in of if message["event"] == "mark"]
        for of in (received, sent)
    )
    assert came_back and came_back == asked[: len(came_back)]
    assert server.has_no_call() and server.has_said("WEBHOOK stream_ended=200")


def test_a_refused_microphone_is_explained(server: Server, browser: Browser) -> None:
    with phone_page(browser, server.address, password=PASSWORD, microphone=False) as page:
        page.click("#call")
        says_so(page, "status", "הדפדפן חוסם את המיקרופון")
        expect(page.locator("#call")).to_have_text("להתקשר")
        assert page.evaluate("() => heard.sent") == []


def test_it_sounds_and_obeys_as_a_line_does(server: Server, browser: Browser) -> None:
    """μ-law as the server's; `clear` is heard within one quantum, marks come back in their places; TwiML."""
    with phone_page(browser, server.address, password=PASSWORD) as page:
        coded = page.evaluate("""async () => {
            const { toMulaw } = await import("/pages/static/phone/mulaw.js");
            return Array.from({ length: 65536 }, (_, at) => toMulaw((at - 32768) / 32768));
        }""")
        pcm16 = b"".join(sample.to_bytes(2, "little", signed=True) for sample in range(-32768, 32768))
        assert bytes(coded) == pcm16_to_mulaw(pcm16)
        before, after, told = page.evaluate(CLEARED)
        verbs = page.evaluate(VERBS, TWIML)
    assert verbs == [
        {"verb": "play", "name": "apology_transfer"},
        {"verb": "stream", "parameters": {"token": 'a"b', "call_sid": "CA1"}},
        {"verb": "dial", "number": "+972501234567"},
        {"verb": "reject"},
        {"verb": "hangup"},
    ]
    assert before > 0.4 and after < 1e-6
    assert [what for name, what in told if name == "marks"] == [["a"], ["b", "c"], ["d"]]
    [dropped] = [what for name, what in told if name == "cleared"]
    assert dropped == pytest.approx(4000, abs=40)


TWIML = """<?xml version="1.0" encoding="UTF-8"?><Response>
<Play>https://agent.example.com/media/apology_transfer.wav</Play>
<Connect action="/webhook/stream_ended"><Stream url="wss://agent.example.com/ws/twilio-media">
<Parameter name="token" value="a&quot;b"/><Parameter name="call_sid" value="CA1"/></Stream></Connect>
<Dial action="/webhook/transfer_ended" timeout="25">+972501234567</Dial><Reject reason="busy"/><Hangup/>
</Response>"""
VERBS = """async (text) => (await import("/pages/static/phone/twiml.js")).verbs(text)"""
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
    const samples = sound.getChannelData(0);
    const loudest = (from, to) =>
        samples.slice(from * 48000, to * 48000).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    const quantum = 128 / 48000;
    const filter = 32 / 8000;
    return [loudest(0.1, 0.5), loudest(0.5 + quantum + filter, 1), told];
}"""


def test_a_lost_line_goes_on_or_is_explained(server: Server, browser: Browser, microphone: Path) -> None:
    """F8: at another worker's. The last test here: in the end the server is gone."""
    write(microphone, silence(30))
    said = server.log.count("tts_done")
    with phone_page(browser, server.address, password=PASSWORD) as page:
        page.click("#call")
        says_so(page, "talk", "איך אפשר לעזור")
        page.wait_for_function(HEARD)
        assert server.waits_for(lambda: server.log.count("tts_done") > said), "else it is greeted again"
        for worker in psutil.Process(server.process.pid).children():
            worker.kill()
        says_so(page, "status", "השיחה נמשכת בקו חדש")
        says_so(page, "talk", "נותקנו לרגע")
        kill_all(server)
        says_so(page, "status", "הקו נפל")
        expect(page.locator("#call")).to_have_text("להתקשר")
