"""`./start_all.sh check` on a provider that fails, is late, or gives unusable results."""

import random
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from server.audio.vad import EnergyOnly
from server.config import Config
from server.providers import preflight
from server.providers.base import ProviderError, Transcript, Tts
from server.providers.fallback import FallbackChain
from server.providers.openai.tts import OpenAITts
from server.providers.preflight import PHRASE, Trial, row, try_providers
from server.providers.provider_set import Providers
from server.providers.tts_cache import TtsCache
from server.runtime.threads import Threads
from server.turns.effects import Expected
from tests.cloud.openai import OpenAICloud

SOUND = b"\x01\x02" * 8000
Items = list[Any] | Exception


class Provider:
    """An STT, an LLM and a TTS in one: yields ``items`` or raises; ``load`` is its warming."""

    name = identity = "fake"
    opening = expected = Expected()
    authored = guesses = True
    acts = ()

    def __init__(self, items: Items, load: Callable[[], None] = lambda: None) -> None:
        self._items = items
        self.warm = load

    def synthesize(self, text: str, timeout_s: float) -> "Provider":
        return self

    def start(self, expected: Expected, turn_number: int, timeout_s: float) -> "Provider":
        return self

    def respond(self, request: object, timeout_s: float) -> "Provider":
        return self

    def feed(self, mulaw_8k: bytes) -> None:
        pass

    def finish(self) -> None:
        pass

    def cancel(self) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self._items, Exception):
            raise self._items
        yield from self._items


class Hurried(Threads):
    """Sleeps take no time."""

    def event(self) -> Any:
        return SimpleNamespace(wait=lambda timeout: False)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real-time pace and long loads, without the waiting."""
    monkeypatch.setattr(preflight, "RUNTIME", Hurried())
    monkeypatch.setattr(preflight, "LOAD_S", 0.05)


NOISE = random.Random(6).randbytes(48_000)
WELL: dict[str, Items] = {"tts": [SOUND], "stt": [Transcript(PHRASE, 0.9)], "llm": ["שלום. "]}


def trials(
    load: Callable[[], None] = lambda: None,
    asr_timeout_ms: int = 1200,
    voices: tuple[Tts, ...] = (),
    **items: Items,
) -> dict[str, Trial]:
    items = WELL | items
    providers: Any = Providers(
        FallbackChain("asr", (Provider(items["stt"]),)),  # type: ignore[arg-type]
        FallbackChain("llm", (Provider(items["llm"], load),)),  # type: ignore[arg-type]
        FallbackChain("tts", voices or (Provider(items["tts"]),)),  # type: ignore[arg-type]
        TtsCache([], ["fake"]),
        EnergyOnly,
    )
    config = Config(_env_file=None, asr_timeout_ms=asr_timeout_ms)  # type: ignore[call-arg]
    return {trial.kind: trial for trial in try_providers(config, providers)}


def test_all_is_well() -> None:
    found = trials()
    assert [trial.works for trial in found.values()] == [True] * 3
    assert found["stt"].result == PHRASE and found["llm"].result == "שלום."
    assert row(found["tts"]).split()[:3] == ["tts", "fake", "yes"]


@pytest.mark.parametrize(
    ("kind", "providers", "says"),
    [
        ("tts", {"tts": ProviderError("no key")}, "no key"),
        ("tts", {"tts": KeyError("x")}, "x"),
        ("tts", {"tts": [b"\x01\x02" * 100]}, "200 bytes"),
        ("tts", {"tts": []}, "0 bytes"),
        ("tts", {"tts": [bytes(16_000)]}, "16000 bytes of silence"),
        ("stt", {"stt": []}, "heard nothing"),
        ("stt", {"stt": [Transcript("", 0.9)]}, "heard nothing"),
        ("stt", {"stt": [Transcript("hello I am looking", 0.9)]}, "is this its language?"),
        ("stt", {"stt": [Transcript(PHRASE, 0.1)]}, "ASR_MIN_CONFIDENCE"),
        ("llm", {"llm": []}, "empty reply"),
        ("llm", {"llm": ["  "]}, "empty reply"),
    ],
)
def test_what_a_call_cannot_use(kind: str, providers: dict[str, Any], says: str) -> None:
    found = trials(**providers)
    assert not found[kind].works and says in found[kind].problem
    assert " NO " in row(found[kind])
    assert all(trial.works for trial in found.values() if trial.kind != kind)


@pytest.mark.parametrize(
    ("says", "why"),
    {
        "MP3": (b"ID3\x04" + NOISE, "OpenAI sent MP3, not PCM"),
        "noise": (b"\xff\xfb" + NOISE, "OpenAI sent noise: bytes of another format, not PCM16"),
        "JSON": (b'{"error": "' + b"x" * 2000 + b'"}', "OpenAI sent JSON, not PCM"),
        "silence": (bytes(48_000), "16000 bytes of silence"),
    }.values(),
)
def test_f6_a_voice_that_sends_no_speech(says: bytes, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """F6: check names the format, like the log of a call."""
    monkeypatch.setattr(preflight, "LOAD_S", 10.0)  # a real client
    with OpenAICloud(says=lambda text: says) as cloud:
        config = Config(_env_file=None, openai_base_url=cloud.base_url)  # type: ignore[call-arg]
        found = trials(voices=(OpenAITts(config),))["tts"]
    assert row(found).split(maxsplit=4)[:3] == ["tts", "openai", "NO"] and why in row(found)


def test_an_stt_that_was_given_silence_says_so() -> None:
    """Without a TTS that works nothing was said to it: its yes is of the connection alone."""
    assert "given silence" in trials(tts=ProviderError("no key"))["stt"].result
    assert "given silence" not in trials()["stt"].result


def test_a_wrong_word_is_no_wrong_language() -> None:
    assert trials(stt=[Transcript("אני מחפש דירה בגבעתיים", 0.9)])["stt"].works


def test_without_a_voice_the_stt_need_not_hear() -> None:
    found = trials(tts=ProviderError("down"), stt=[])
    assert found["stt"].works and not found["tts"].works


def test_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """G1: results after the deadline do not help a call; the knob is named."""
    now = iter(range(1000))
    monkeypatch.setattr(Hurried, "clock", lambda runtime: float(next(now)))
    monkeypatch.setattr(preflight, "TRIAL_S", 1000.0)
    found = trials(asr_timeout_ms=900)
    knobs = {"tts": "TTS_TIMEOUT_MS", "stt": "ASR_TIMEOUT_MS"}
    for kind, knob in knobs.items():
        assert f"raise {knob}" in found[kind].problem and not found[kind].works


def test_one_that_never_loads() -> None:
    never = threading.Event()
    try:
        found = trials(load=lambda: (never.wait(10), None)[1])
        assert "not loaded" in found["llm"].problem
    finally:
        never.set()


def test_what_an_stt_of_whole_utterances_cannot_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Provider, "guesses", False)
    stt = trials()["stt"]
    assert stt.works and "whole utterances" in stt.result
