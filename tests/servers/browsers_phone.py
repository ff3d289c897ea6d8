"""A page with the phone, and what a test hears of it; also for ``bench/browser_phone.py``."""

import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.providers.wav import wav_of

HEARING = Path(__file__).with_name("browser_hearing.js")
AUDIBLE = 0.005  # of full scale
HEARD = f"() => heard.levels.some(([, rms]) => rms > {AUDIBLE})"
FRAMES = "() => heard.sent.filter(([, message]) => message.event === 'media')"


def silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * SAMPLE_RATE_HZ))


def words(text: str) -> bytes:
    """The simulated caller's, without the quiet around them."""
    samples = array.array("h", speak_pcm16_8k(text, variant="m3"))
    loud = [at for at, sample in enumerate(samples) if abs(sample) > 300]
    return samples[loud[0] : loud[-1]].tobytes()


def write(microphone: Path, *pcm16_8k: bytes) -> None:
    microphone.write_bytes(wav_of(b"".join(pcm16_8k)))


@contextmanager
def phone_page(
    browser: Browser, address: str, *, password: str = "", microphone: bool = True, **context: Any
) -> Iterator[Page]:
    """``/phone`` in a browser of its own, logged in; nothing it complains of is let pass."""
    allowed = ["microphone"] if microphone else []
    with browser.new_context(permissions=allowed, **context) as of_one:
        page = of_one.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(path=HEARING)
        page.goto(f"http://{address}/phone")
        if password:
            page.fill("#password", password)
            page.press("#password", "Enter")
            page.wait_for_selector("#call")
        yield page
        assert complaints == []


def frames_a_second(page: Page) -> float:
    """The caller's, by the wall, between the first and the last that were sent."""
    times = [at for at, _ in page.evaluate(FRAMES)]
    return (len(times) - 1) / ((times[-1] - times[0]) / 1000)
