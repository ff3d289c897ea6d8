"""OpenAI's TTS: the real SDK over real sockets, against a local server with OpenAI's protocol."""

import math
import struct
import time
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from server.config import Config, load_config
from server.providers.base import ProviderError, SpeechStream
from server.providers.openai.tts import MAX_CHARACTERS, OpenAITts, telephone_audio
from tests.cloud.openai import OpenAICloud, endless_wav_header, tone
from tests.cloud.watch import Fault
from tests.waiting import until

TEXT = "שלום לך"
CHUNK_S = 0.1  # of sound in one chunk of the server's
AT_ONCE = 0.3  # seconds; what takes longer has waited for something


def sine(hz: float, seconds: float = 0.5, rate_hz: int = 24_000) -> bytes:
    count = int(seconds * rate_hz)
    return array(
        "h", (round(12_000 * math.sin(2 * math.pi * hz * i / rate_hz)) for i in range(count))
    ).tobytes()


def samples(pcm16: bytes) -> Any:
    return np.frombuffer(pcm16, "<i2").astype(np.float64)


def level_db(pcm16: bytes) -> float:
    """The level relative to ``sine``, without the edges, where the filter rings."""
    rms = float(np.sqrt((samples(pcm16)[400:-400] ** 2).mean()))
    return 20 * math.log10(max(rms, 1e-3) / (12_000 / math.sqrt(2)))


def at_once(audio: bytes, rate_hz: int = 24_000) -> Any:
    """The whole audio resampled in one step by the library."""
    return soxr.resample(samples(audio).astype(np.float32), rate_hz, 8000, quality="MQ")


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud() as cloud:
        yield cloud


def config_of(cloud: OpenAICloud, **knobs: Any) -> Config:
    knobs = {"openai_tts_model": "gpt-4o-mini-tts", **knobs}
    return load_config(openai_base_url=cloud.base_url, openai_api_key="sk-test", **knobs)


def speaking(cloud: OpenAICloud, timeout_s: float = 5.0, text: str = TEXT, **knobs: Any) -> SpeechStream:
    return OpenAITts(config_of(cloud, **knobs)).synthesize(text, timeout_s)


class TestRequest:
    def test_what_is_asked_for(self, cloud: OpenAICloud) -> None:
        list(speaking(cloud))
        request = cloud.speech.exchanges[0].request
        assert "Hebrew" in request.pop("instructions")
        assert request == {
            "model": "gpt-4o-mini-tts",
            "voice": "marin",
            "input": TEXT,
            "response_format": "pcm",
        }

    @pytest.mark.parametrize("model", ["tts-1", "kokoro"])
    def test_only_one_model_takes_instructions(self, cloud: OpenAICloud, model: str) -> None:
        list(speaking(cloud, openai_tts_model=model, openai_tts_voice="nova"))
        request = cloud.speech.exchanges[0].request
        assert "instructions" not in request and (request["model"], request["voice"]) == (model, "nova")

    def test_identity_tells_voices_apart(self, cloud: OpenAICloud) -> None:
        voice = OpenAITts(config_of(cloud))
        assert (voice.name, voice.identity) == ("openai", "openai gpt-4o-mini-tts marin")
        assert OpenAITts(config_of(cloud, openai_tts_voice="sage")).identity != voice.identity

    def test_nothing_is_sent_before_it_is_listened_to(self, cloud: OpenAICloud) -> None:
        began = time.monotonic()
        speaking(cloud)
        assert time.monotonic() - began < 0.05 and cloud.watch.connections == 0

    def test_more_than_the_api_takes(self, cloud: OpenAICloud) -> None:
        with pytest.raises(ProviderError, match="4097 characters") as raised:
            list(speaking(cloud, text="א" * (MAX_CHARACTERS + 1)))
        assert not raised.value.retryable and cloud.watch.connections == 0
        cloud.says = lambda text: tone(1)
        assert list(speaking(cloud, text="א" * MAX_CHARACTERS))


class TestSound:
    def test_a_tone_stays_a_tone(self, cloud: OpenAICloud) -> None:
        """Chunk borders are inaudible: the samples equal those resampled in one step."""
        cloud.says = lambda text: sine(1000)
        heard = b"".join(speaking(cloud))
        assert len(heard) == 2 * 4000
        assert np.abs(samples(heard) - at_once(sine(1000))).max() <= 1
        assert abs(level_db(heard)) < 0.1

    @pytest.mark.parametrize(("hz", "at_most_db"), [(3400, 0.5), (4600, -40), (5000, -40), (11_000, -40)])
    def test_no_alias(self, hz: float, at_most_db: float) -> None:
        """Frequencies above the telephone band vanish and give no alias."""
        level = level_db(b"".join(telephone_audio(iter([sine(hz)]))))
        assert level < at_most_db
        assert hz > 4000 or level > -0.5

    def test_louder_than_can_be(self) -> None:
        """The filter overshoots at a full-scale edge: samples are clipped, not wrapped."""
        square = array("h", ([32767] * 120 + [-32768] * 120) * 20).tobytes()
        heard = samples(b"".join(telephone_audio(iter([square]))))
        assert heard.max() == 32767 and heard.min() == -32768
        assert np.abs(heard - np.clip(at_once(square), -32768, 32767)).max() <= 1

    def test_the_first_audio_comes_when_it_was_sent(self, cloud: OpenAICloud) -> None:
        """No stage waits for more data; the next chunks come 200 ms apart."""
        OpenAITts(config_of(cloud)).warm()
        cloud.says = lambda text: sine(500, 4 * CHUNK_S)
        cloud.speech.delays.between_s = 0.2
        began = time.monotonic()
        speech = iter(speaking(cloud))
        first, first_s = next(speech), time.monotonic() - began
        assert first_s < 0.18
        assert len(first) / 16_000 > 0.04  # seconds of sound out of 100 ms
        next(speech)
        assert time.monotonic() - began > 0.19
        list(speech)
        assert time.monotonic() - began > 0.4

    def test_the_end_is_not_lost(self, cloud: OpenAICloud) -> None:
        """The filter's remaining samples come last: every 24 kHz sample counts."""
        for count in (1, 2, 3, 2400, 2401, 12_345):
            heard = b"".join(telephone_audio(iter([bytes(2 * count)])))
            assert len(heard) // 2 == pytest.approx(count / 3, abs=1)

    def test_half_a_sample_at_the_end_is_dropped(self) -> None:
        assert list(telephone_audio(iter([b"\1"]))) == []
        whole = b"".join(telephone_audio(iter([sine(300, 0.1)])))
        assert b"".join(telephone_audio(iter([sine(300, 0.1) + b"\1"]))) == whole


VOICED = sine(440, 0.05) + sine(1234, 0.05)


def wav(
    rate_hz: int, body: bytes, *, channels: int = 1, bits: int = 16, kind: int = 1, size: int | None = None
) -> bytes:
    block = struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * 2, 2, bits)
    chunks = b"WAVEJUNK\x03\0\0\0abc\0fmt " + struct.pack("<I", len(block)) + block
    chunks += b"data" + struct.pack("<I", len(body) if size is None else size) + body
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


@given(st.lists(st.integers(1, 700), max_size=40), st.sampled_from(["raw", "endless", "wav"]))
def test_any_split_gives_the_same_samples(cuts: list[int], kind: str) -> None:
    sent = {"raw": VOICED, "endless": endless_wav_header() + VOICED, "wav": wav(24_000, VOICED) + b"LIST"}[
        kind
    ]
    pieces, rest = [], sent
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    chunks = list(telephone_audio(iter([*pieces, rest])))
    assert all(chunk and len(chunk) % 2 == 0 for chunk in chunks)
    assert b"".join(chunks) == b"".join(telephone_audio(iter([VOICED])))


class TestWav:
    def test_a_header_is_no_sound(self, cloud: OpenAICloud) -> None:
        plain = b"".join(speaking(cloud))
        cloud.speech.next(Fault.WAV_HEADER)
        assert b"".join(speaking(cloud)) == plain

    def test_another_rate_is_obeyed(self) -> None:
        sent = sine(1000, 0.5, 22_050)
        heard = b"".join(telephone_audio(iter([wav(22_050, sent)])))
        assert np.abs(samples(heard) - at_once(sent, 22_050)).max() <= 1

    @pytest.mark.parametrize(
        ("file", "says"),
        [
            (wav(24_000, VOICED, channels=2), "2 channels"),
            (wav(24_000, VOICED, bits=8), "8 bits"),
            (wav(24_000, VOICED, kind=7), "format 7"),
            (wav(4_000, VOICED), "4000 Hz"),
            (wav(24_000, VOICED)[:40], "no data chunk"),
            (b"RIFF\0\0", "no data chunk"),
            (b"RIFF\0\0\0\0WAVEfmt \2\0\0\0\1\0data", "broken fmt"),
            (b"RIFF\0\0\0\0WAVEJUNK\xff\xff\xff\x0f" + bytes(70_000), "without end"),
        ],
    )
    def test_what_cannot_be_played_is_refused(self, file: bytes, says: str) -> None:
        with pytest.raises(ProviderError, match=says):
            list(telephone_audio(iter([file])))

    def test_samples_that_look_like_a_header(self) -> None:
        for pcm16 in (b"RIFFabcdEFGH" + VOICED, b"RI" + VOICED):
            heard = b"".join(telephone_audio(iter([pcm16])))
            assert len(heard) // 2 == pytest.approx(len(pcm16) / 6, abs=1)


class TestFaults:
    @pytest.mark.parametrize("fault", [Fault.NONE, Fault.SLOW])
    def test_no_failure(self, cloud: OpenAICloud, fault: Fault) -> None:
        cloud.speech.delays.slow_s = 0.2
        cloud.speech.next(fault)
        assert len(b"".join(speaking(cloud))) == 2 * 8000 * 60 * len(TEXT) // 1000

    def test_a_drip_costs_the_timeout(self, cloud: OpenAICloud) -> None:
        """Every chunk is in time, but the sentence is not."""
        cloud.speech.delays.between_s = 0.1
        began = time.monotonic()
        with pytest.raises(ProviderError, match="in time"):
            list(speaking(cloud, timeout_s=0.25, text=TEXT * 9))
        assert time.monotonic() - began < 0.9

    def test_empty(self, cloud: OpenAICloud) -> None:
        cloud.speech.next(Fault.EMPTY)
        assert list(speaking(cloud)) == []

    def test_d2_between_two_chunks(self, cloud: OpenAICloud) -> None:
        """D2: no chunk follows, nor the filter's remaining samples."""
        cloud.speech.delays.between_s = 0.05
        stream = speaking(cloud, timeout_s=30)
        speech = iter(stream)
        assert next(speech)
        stream.cancel()
        assert list(speech) == []
        exchange = cloud.speech.exchanges[0]
        until(lambda: exchange.dropped_at)
