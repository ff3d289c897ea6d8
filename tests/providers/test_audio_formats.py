"""F6: audio of a server is either speech or a failed TTS, judged by content type, first bytes and sound."""

import math
import random
import struct
from array import array
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import load_config
from server.providers.audio_formats import format_of
from server.providers.base import ProviderError
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.providers.openai.tts import OpenAITts
from server.providers.wav import SampleReader, TelephoneReader
from tests.cloud.openai import OpenAICloud

NOISE = random.Random(6).randbytes(48_000)
MP3_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)  # MPEG 1, layer III, 128 kbit/s, 44.1 kHz; of silence
MP3_OF_24_KHZ = b"\xff\xf3\x84\xc0" + bytes(188)  # MPEG 2, 64 kbit/s
AAC_FRAME = b"\xff\xf1\x58\x40\x2e\x80\xfc" + bytes(365)


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud() as cloud:
        yield cloud


def spoken(cloud: OpenAICloud) -> bytes:
    voice = OpenAITts(
        load_config(
            openai_base_url=cloud.base_url, openai_api_key="sk-test", openai_tts_model="gpt-4o-mini-tts"
        )
    )
    return b"".join(voice.synthesize("שלום לך", 5.0))


def voiced(seconds: float, hz: float = 140.0, peak: int = 30_000, rate_hz: int = 24_000) -> bytes:
    """Speech-like PCM16: harmonics under an envelope of syllables."""
    count = int(seconds * rate_hz)

    def sample(n: int) -> int:
        t = n / rate_hz
        tone = sum(math.sin(2 * math.pi * k * hz * t) / k for k in range(1, 8)) / 2
        return round(max(-1.0, min(1.0, tone * math.sin(math.pi * 4 * t) ** 2)) * peak)

    return array("h", map(sample, range(count))).tobytes()


BODIES = {  # F6: what came, and its name in the error
    "ID3": (b"ID3\x04" + NOISE, "MP3"),
    "MP3": (MP3_FRAME * 20, "MP3"),
    "MP3 of MPEG 2": (MP3_OF_24_KHZ * 20, "MP3"),
    "FF FB and anything": (b"\xff\xfb" + NOISE, "noise"),
    "FF F1 and anything": (b"\xff\xf1" + NOISE, "noise"),
    "AAC": (AAC_FRAME * 20, "AAC"),
    "Opus": (b"OggS" + NOISE, "Opus"),
    "FLAC": (b"fLaC" + NOISE, "FLAC"),
    "WebM": (b"\x1a\x45\xdf\xa3" + NOISE, "WebM"),
    "AIFF": (b"FORM" + NOISE, "AIFF"),
    "M4A": (b"\0\0\0\x1cftypM4A " + NOISE, "MP4"),
    "JSON": (b'{"error": {"message": "' + "אין קול כזה".encode() * 90 + b'"}}', "JSON"),
    "a list": (b'[{"audio": "' + b"UklGRg" * 400 + b'"}]', "JSON"),
    "short JSON": (b'{"detail":"no"}', "JSON"),
    "JSON's first byte": (b"{" + NOISE, "noise"),
    "HTML": (b"\r\n<!DOCTYPE html><html><body>" + b"<p>Bad Gateway</p>" * 200, "HTML"),
    "HTML's first byte": (b"<" + NOISE, "noise"),
    "Base64": (b"UklGRiQAAABXQVZFZm10IBAA" * 200, "text"),
    "no mark": (NOISE, "noise"),
    "noise behind a pause": (bytes(9600) + NOISE, "noise"),
    "noise in a WAV file": (
        b"RIFF\0\0\0\0WAVEfmt "
        + struct.pack("<IHHIIHH4sI", 16, 1, 1, 24_000, 48_000, 2, 16, b"data", 0)
        + NOISE,
        "noise",
    ),
    "floats": (array("f", struct.unpack(f"<{24_000}h", voiced(1.0))).tobytes(), "noise"),
}


@pytest.mark.parametrize(("body", "name"), BODIES.values(), ids=BODIES)
def test_f6_another_format_is_a_failed_voice(cloud: OpenAICloud, body: bytes, name: str) -> None:
    """F6: the error names the format that came."""
    cloud.says = lambda text: body
    with pytest.raises(ProviderError, match=f"OpenAI sent .*{name}") as raised:
        spoken(cloud)
    assert not raised.value.retryable


@pytest.mark.parametrize(
    ("content_type", "name"),
    {
        "audio/mpeg": "MP3",
        "audio/mpeg; charset=utf-8": "MP3",
        "AUDIO/MPEG": "MP3",
        "audio/ogg": "audio/ogg",
        "audio/basic": "audio/basic",
        "application/json": "JSON",
        "text/html; charset=utf-8": "HTML",
        "text/plain": "text/plain",
        "audio/L16; rate=24000; channels=2": "2 channels",
    }.items(),
)
def test_f6_another_type_is_a_failed_voice(cloud: OpenAICloud, content_type: str, name: str) -> None:
    """F6: whatever the bytes are."""
    cloud.speech_type = content_type
    with pytest.raises(ProviderError, match=f"OpenAI sent {name}, not PCM"):
        spoken(cloud)


@pytest.mark.parametrize(
    "content_type",
    ["audio/pcm", "audio/pcm;rate=24000", "audio/L16", "Audio/X-WAV", "audio/wave", "audio/wav"]
    + ["application/octet-stream", "binary/octet-stream", ""],
)
def test_f6_types_of_pcm(cloud: OpenAICloud, content_type: str) -> None:
    """F6: a missing type is accepted."""
    plain = spoken(cloud)
    cloud.speech_type = content_type
    assert spoken(cloud) == plain


def test_the_rate_that_a_type_names_is_obeyed(cloud: OpenAICloud) -> None:
    """Otherwise the caller would hear a voice that is too fast or too slow."""
    cloud.says = lambda text: voiced(1.0, rate_hz=16_000)
    cloud.speech_type = "audio/L16;rate=16000;channels=1"
    assert len(spoken(cloud)) == 2 * 8000
    cloud.speech_type = "audio/pcm;rate=3"  # nobody's
    assert len(spoken(cloud)) == 2 * 8000 * 2 // 3


BEGINNINGS = [
    b"",
    b"\xff\xf1",
    b"\xff\xfb",
    b"\xff\xfb\x90\xc4",
    b"\xff\xf1\x58\x40\x2e\x80",
    b"{ ",
    b"<h",
    b"ID",
]


@given(
    st.sampled_from(BEGINNINGS),
    st.integers(0, 12_000),
    st.floats(70, 400),
    st.integers(0, 32_767),
    st.sampled_from([8000, 16_000, 24_000, 48_000]),
    st.lists(st.integers(1, 3000), max_size=30),
)
def test_f6_speech_is_never_refused(
    beginning: bytes, silence: int, hz: float, peak: int, rate_hz: int, cuts: list[int]
) -> None:
    """F6: with any first bytes, loudness, rate, leading silence and pieces."""
    sent = beginning + bytes(2 * silence) + voiced(0.3, hz, peak, rate_hz)
    reader, heard, rest = SampleReader("OpenAI", rate_hz), [], sent
    for cut in cuts:
        heard.append(reader.feed(rest[:cut]))
        rest = rest[cut:]
    assert b"".join([*heard, reader.feed(rest), reader.end()]) == sent


@given(st.sampled_from(sorted(BODIES)), st.lists(st.integers(1, 700), max_size=40))
def test_f6_a_format_is_known_however_it_is_cut(name: str, cuts: list[int]) -> None:
    """F6: and no sample is passed on before a format with a mark is known."""
    body, called = BODIES[name]
    reader, heard, rest = SampleReader("OpenAI", 24_000), b"", body
    with pytest.raises(ProviderError, match=called):
        for cut in [*cuts, len(body)]:
            heard += reader.feed(rest[:cut])
            rest = rest[cut:]
        reader.end()
    assert "pause" in name or "floats" in name or heard == b""


@pytest.mark.parametrize("louder", [0.1, 1, 3])
def test_f6_a_voice_is_no_noise(louder: float) -> None:
    """F6: including sibilants and clipped voices."""
    said = struct.iter_unpack("<h", speak_pcm16_8k("שש שמשות, ששון ושושנה. צץ ציץ, סוסים זזים."))
    pcm16 = array("h", (max(-32768, min(32767, round(7 * louder * sample))) for (sample,) in said)).tobytes()
    for rate_hz in (8000, 24_000):
        reader = TelephoneReader("a voice", rate_hz)
        assert len(reader.feed(pcm16) + reader.end()) == pytest.approx(len(pcm16) * 8000 / rate_hz, abs=4)


@pytest.mark.parametrize("chunk_bytes", [480, 4800])
def test_speech_is_not_held_back(chunk_bytes: int) -> None:
    """C2: only the first window waits, 21 ms."""
    reader, fed, heard = SampleReader("OpenAI", 24_000), 0, 0
    sent = voiced(1.0)
    for start in range(0, len(sent), chunk_bytes):
        heard += len(reader.feed(sent[start : start + chunk_bytes]))
        fed += chunk_bytes
        assert heard == fed or (heard == 0 and fed < 1024)


def test_beginnings_that_may_still_be_anything() -> None:
    """The decision waits for no more bytes than it needs."""
    assert format_of(b"OggS", whole=False) is None
    assert format_of(MP3_FRAME + b"\xff\xfb\x90", whole=False) is None
    assert format_of(MP3_FRAME + bytes(7), whole=False) == ""
    assert format_of(MP3_FRAME, whole=True) == ""
    assert format_of(b"plain words", whole=True) == ""
    assert format_of(b"\xff\xff" * 8, whole=False) == ""  # a sample of -1, and another
