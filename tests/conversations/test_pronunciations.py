"""PRONUNCIATIONS_FILE in whole calls, simulated: voices say the spoken form, the rest keeps the written."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from server import turn_pipeline
from server.providers.fallback import BreakerParams, FallbackChain
from server.providers.host_functions import HostTts
from tests.simtime.call import GREETING, SimCall
from tests.simtime.engines import SimTts
from tests.simtime.line import Sound

WRITTEN, SPOKEN = "יש דירה בחולון, במגדלי הים.", "יש דירה בחוֹלוֹן, במגדלי היָם."


@pytest.fixture
def office(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "mine.txt"
    path.write_text("חולון = חוֹלוֹן\nמגדלי הים → מגדלי היָם\nשלום\tשָׁלוֹם\n", encoding="utf-8")
    return {"pronunciations_file": str(path), "log_transcripts": "full"}


def turns(count: int) -> list[Sound]:
    return [Sound(3.0 + 8 * number, 1.5) for number in range(count)]


def test_e6_the_voice_is_given_the_spoken_form_and_the_history_has_the_written(
    office: dict[str, str],
) -> None:
    """E6, E7: and so has the log."""
    call = SimCall(turns(2), stt=["מה יש", "ועוד"], reply=WRITTEN, knobs=office).run(22)
    assert SPOKEN in call.texts and WRITTEN not in call.texts
    assert WRITTEN in [line.text for line in call.llm.requests[-1].history]
    assert any(WRITTEN in line for line in call.log) and not any(SPOKEN in line for line in call.log)


def test_g2_a_fallback_voice_says_it_so_too(office: dict[str, str]) -> None:
    call = SimCall(turns(1), reply=WRITTEN, knobs=office)
    call.voice.fails = lambda text: True
    call.fallbacks[2].append(other := SimTts(call.runtime, identity="other"))
    call.run(12)
    assert list(other.codes) == [SPOKEN]


def test_a_fixed_line_is_made_and_kept_by_what_is_spoken(office: dict[str, str]) -> None:
    """F1: the greeting of a process that had not made it."""
    call = SimCall([], knobs=office, premade=False).run(8)
    spoken = GREETING.replace("שלום", "שָׁלוֹם")
    assert spoken != GREETING and call.texts == [spoken]
    assert call.phrases.get(GREETING) == call.voice.audio(spoken)


def test_a_host_s_voice_says_it_so_too(office: dict[str, str]) -> None:
    said: list[str] = []

    def synth(text: str) -> bytes:
        said.append(text)
        return b"\x11\x22" * 8000

    call = SimCall(turns(1), reply=WRITTEN, knobs=office)
    call.voice = HostTts(synth)  # type: ignore[assignment]
    call.run(12)
    assert SPOKEN in said and WRITTEN not in said


def test_the_public_function_says_it_so_too(office: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    call = SimCall([], knobs=office)
    voices = FallbackChain("tts", (call.voice,), BreakerParams(3, 30.0), call.runtime.clock)
    providers = SimpleNamespace(tts=voices, tts_cache=call.phrases)
    monkeypatch.setattr(turn_pipeline, "default_providers", lambda: providers)
    call.runtime.spawn("host", lambda: turn_pipeline.synth_hebrew_tts_pcm16_8k(WRITTEN))
    call.runtime.run_until(5)
    assert SPOKEN in call.voice.codes and WRITTEN not in call.voice.codes
