"""The browser's phone, for a minute and through the local cloud: frames, gaps, stops, as the page hears them.

``python -m bench.browser_phone [--seconds 60] [--shots FOLDER]``: Chromium speaks Hebrew sentences from a WAV
to the embedded engines, one of them over the agent; then the same to the local cloud. ``--shots`` keeps
pictures of the page at 390 and 1440 px, light and dark.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from bench.service import on_the_cloud
from server.simulator.cli import DEFAULT_LINES
from tests.browsing import chromium
from tests.cloud.local import LocalCloud
from tests.servers.browsers_phone import AUDIBLE, frames_a_second, phone_page, silence, words, write
from tests.serving import GUNICORN, ROOT, Server, started

EMBEDDED = {"ASR_ENGINES": "embedded", "LLM_ENGINES": "embedded", "TTS_ENGINES": "embedded"}
GREETED_S = 5.0
ANSWERED_S, OVER_IT_S = (
    8.0,
    3.0,
)  # behind each line; the third one is said over the agent
SIZES = {390: 844, 1440: 900}
SILENT_AFTER = f"""() => {{
    const cleared = heard.received.filter(([, told]) => told.event === "clear").map(([at]) => at);
    const spoke = (until) => heard.levels.findLast(([at]) => at < until)?.[1] > {AUDIBLE};
    const quiet = (from) => heard.levels.find(([at, rms]) => at >= from && rms < {AUDIBLE})?.[0];
    return cleared.filter(spoke).map((at) => Math.round(quiet(at) - at));
}}"""
GREETED_AFTER = f"() => Math.round(heard.levels.find(([, rms]) => rms > {AUDIBLE})[0] - heard.sent[0][0])"
TOLD = "(kind) => heard.received.map(([, told]) => told.agent).filter((agent) => agent?.kind === kind)"


def caller(seconds: float) -> list[bytes]:
    """A WAV's parts: the sentences of the demonstration again and again, the third over the agent."""
    parts, said_s = [silence(GREETED_S)], GREETED_S
    for number in range(1000):
        line = words(DEFAULT_LINES[number % 5])
        pause_s = OVER_IT_S if number == 1 else ANSWERED_S
        parts += [line, silence(pause_s)]
        said_s += len(line) / 16000 + pause_s
        if number >= 2 and said_s > seconds:
            break
    return parts


def hold(browser: Browser, server: Server, seconds: float, shots: Path | None) -> None:
    """One call of this length, and its figures."""
    with phone_page(browser, server.address) as page:
        page.click("#call")
        page.wait_for_function("() => heard.sent.length > 0")
        page.wait_for_timeout(seconds * 1000)
        if shots is not None:
            take(page, shots)
        page.click("[data-key='5']")
        rate = frames_a_second(page)
        page.click("#call")
        page.wait_for_function("() => document.getElementById('in-call').hidden")
        gaps = sorted(told["ms"] for told in page.evaluate(TOLD, "gap"))
        said = [told["words"] for told in page.evaluate(TOLD, "caller") if told["final"]]
        print(f"  greeting heard after {page.evaluate(GREETED_AFTER)} ms, {rate:.2f} frames a second")
        print(f"  {len(said)} turns heard as: {' | '.join(said)}")
        key = page.evaluate("() => heard.sent.find(([, message]) => message.event === 'dtmf')[1].dtmf.digit")
        print(f"  gaps {gaps} ms; silent {page.evaluate(SILENT_AFTER)} ms after each clear; key sent: {key}")


def take(page: Page, shots: Path) -> None:
    shots.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES.items():
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=shots / f"phone-{width}-{scheme}.png", full_page=True)


@contextmanager
def on_the_local_cloud() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder, LocalCloud(list(DEFAULT_LINES)) as cloud:
        cloud.take(0.1, 0.1, 0.05)
        with on_the_cloud(cloud.knobs, Path(folder)) as server:
            yield server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--shots", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder) / "said.wav"
        with chromium(microphone) as browser:
            print("embedded engines")
            write(microphone, *caller(asked.seconds))
            with started(GUNICORN, ROOT, Path(folder) / "log", **EMBEDDED, VAD_ENGINE="silero") as server:
                hold(browser, server, asked.seconds, asked.shots)
            print("the local cloud")
            write(microphone, *caller(0))
            with on_the_local_cloud() as server:
                hold(browser, server, 30, None)


if __name__ == "__main__":
    main()
