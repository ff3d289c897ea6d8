"""The whole local cloud, and the knobs by which a server finds it.

``python -m tests.cloud.local`` serves it until its standard input is closed, and prints the knobs.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from tests.cloud.google import SpeechCloud, VoiceCloud
from tests.cloud.openai import OpenAICloud
from tests.cloud.recorded import Recorded
from tests.cloud.soniox import SonioxCloud
from tests.cloud.watch import Watch

CLOUD_KNOBS = {"ASR_ENGINES": "google", "LLM_ENGINES": "openai", "TTS_ENGINES": "google"}
OPENAI_KNOBS = {"ASR_ENGINES": "openai", "LLM_ENGINES": "openai", "TTS_ENGINES": "openai"}
SONIOX_KNOBS = {"ASR_ENGINES": "soniox", "LLM_ENGINES": "openai", "TTS_ENGINES": "soniox"}


def echo(request: dict[str, Any]) -> str:
    """What the local mind answers: the caller's words, so that a test sees what reached it.

    No two answers of a call have a sentence in common: a sentence heard a moment ago is not said again (E4).
    """
    said = [message["content"] for message in request["messages"] if message["role"] == "user"]
    turn = len(said)
    return f"שמעתי אתכם אומרים: {said[-1]}. זו פנייה מספר {turn}, ואני בודקת אותה. מה עוד חשוב אחרי {turn}?"


class LocalCloud:
    """Google's and Soniox's STT and TTS, OpenAI's everything. ``lines``: what callers may say."""

    def __init__(self, lines: list[str], thinks: Callable[[dict[str, Any]], Any] = echo) -> None:
        recorded = Recorded(lines)
        self.speech = SpeechCloud(hears=recorded)
        self.voice = VoiceCloud()
        self.openai = OpenAICloud(thinks=thinks, hears=recorded.of_pcm16)
        self.soniox = SonioxCloud(hears=recorded)

    def __enter__(self) -> "LocalCloud":
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self.speech, self.voice, self.openai, self.soniox):
            server.stop()

    @property
    def watches(self) -> tuple[Watch, ...]:
        openai, soniox = self.openai, self.soniox
        of_openai = (
            openai.chat,
            openai.transcriptions,
            openai.speech,
            openai.realtime.stt,
            openai.realtime.tts,
        )
        return self.speech.watch, self.voice.watch, *of_openai, soniox.stt, soniox.tts

    @property
    def violations(self) -> list[str]:
        """What a client sent over a WebSocket that no client may."""
        return [*self.openai.realtime.violations, *self.soniox.violations]

    @property
    def knobs(self) -> dict[str, str]:
        """Where a server finds all this."""
        return {
            "GOOGLE_SPEECH_ENDPOINT": self.speech.endpoint,
            "GOOGLE_TTS_ENDPOINT": self.voice.endpoint,
            "OPENAI_BASE_URL": self.openai.base_url,
            "OPENAI_API_KEY": "local",
            "SONIOX_STT_URL": self.soniox.stt_url,
            "SONIOX_TTS_URL": self.soniox.tts_url,
            "SONIOX_API_KEY": "local",
        }

    def fail(self, rate: float, seed: int) -> None:
        """From now on so many of the requests fail in random ways; the same seed draws the same."""
        for number, watch in enumerate(self.watches):
            watch.random.seed(f"{seed}-{number}")
            watch.rate = rate

    def take(self, asr_s: float, llm_s: float, tts_s: float) -> None:
        """Seconds to the final transcript, the first token, the first audio."""
        openai, soniox = self.openai, self.soniox
        for watch in (self.speech.watch, openai.transcriptions, openai.realtime.stt, soniox.stt):
            watch.delays.first_s = asr_s
        openai.chat.delays.first_s = llm_s
        for watch in (self.voice.watch, openai.speech, openai.realtime.tts, soniox.tts):
            watch.delays.first_s = tts_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--say", action="append", required=True, help="a line that callers may say")
    parser.add_argument("--asr-ms", type=int, default=200)
    parser.add_argument("--llm-ms", type=int, default=350)
    parser.add_argument("--tts-ms", type=int, default=150)
    words = parser.parse_args()
    with LocalCloud(words.say) as cloud:
        cloud.take(words.asr_ms / 1000, words.llm_ms / 1000, words.tts_ms / 1000)
        for name, value in (CLOUD_KNOBS | cloud.knobs).items():
            print(f"{name}={value}", flush=True)
        print("", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
