"""Soniox's TTS: the real client over real sockets, against a local server that speaks Soniox's protocol."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from server.audio.frames import mulaw_to_pcm16, pcm16_to_mulaw
from server.config import Config, load_config
from server.providers.base import PreparesSpeech, ProviderError, SpeechStream
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.providers.soniox.service import address_of
from server.providers.soniox.tts import MAX_CHARACTERS, MAX_IDLE, SonioxSpeaking, SonioxTts
from tests.cloud.google import tone
from tests.cloud.soniox import SonioxCloud
from tests.cloud.watch import Fault
from tests.providers.reading import Reading, under_gevent
from tests.providers.sockets import nothing_left
from tests.waiting import until

KEY = "key-nobody-may-read"
TEXT = "שלום, מדברת מאיה."
AUDIO = mulaw_to_pcm16(pcm16_to_mulaw(tone(TEXT)))
AT_ONCE_S = 0.1


@pytest.fixture
def cloud() -> Iterator[SonioxCloud]:
    with SonioxCloud() as cloud:
        yield cloud
    assert cloud.violations == []


@pytest.fixture
def voice(cloud: SonioxCloud) -> Iterator[SonioxTts]:
    """Closed, it leaves neither thread nor socket."""
    with nothing_left(cloud.tts_url):
        voice = SonioxTts(config_of(cloud))
        yield voice
        voice.close()


def config_of(cloud: SonioxCloud, **knobs: Any) -> Config:
    return load_config(**{"soniox_api_key": KEY, "soniox_tts_url": cloud.tts_url, **knobs})


def said(voice: SonioxTts, text: str = TEXT, timeout_s: float = 5.0) -> bytes:
    return b"".join(voice.synthesize(text, timeout_s))


def failure(voice: SonioxTts, timeout_s: float = 5.0) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        said(voice, timeout_s=timeout_s)
    assert KEY not in str(raised.value)
    return raised.value


def texts(cloud: SonioxCloud) -> list[str]:
    return [exchange.request.text for exchange in cloud.tts.exchanges]


class TestSentences:
    def test_one(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        chunks = list(voice.synthesize(TEXT, 5))
        assert b"".join(chunks) == AUDIO
        assert len(chunks) > 3 and all(len(chunk) % 2 == 0 for chunk in chunks)
        request = cloud.tts.exchanges[0].request
        assert (request.text, request.key_in) == (TEXT, "header")
        del request.config["stream_id"]
        assert request.config == {
            "model": "tts-rt-v2",
            "language": "he",
            "voice": "Maya",
            "audio_format": "pcm_mulaw",
            "sample_rate": 8000,
        }

    def test_one_behind_the_other_over_one_socket(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        lines = [f"משפט מספר {number}" for number in range(6)]
        assert [len(said(voice, line)) for line in lines] == [len(tone(line)) for line in lines]
        assert texts(cloud) == lines and len(cloud.links) == 1

    def test_the_first_audio_is_not_held_back(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.tts.delays.between_s = 30
        reading = Reading[bytes](stream := voice.synthesize(TEXT, 30))
        until(lambda: reading.items)
        stream.cancel()
        assert reading.ended_within(AT_ONCE_S)

    def test_several_at_once(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.tts.delays.first_s = 0.1
        lines = [f"משפט {'א' * number}" for number in range(8)]
        readings = [Reading[bytes](voice.synthesize(line, 10)) for line in lines]
        assert all(reading.ended_within(5) and reading.error is None for reading in readings)
        assert [len(b"".join(r.items)) for r in readings] == [len(tone(line)) for line in lines]
        until(lambda: len(cloud.open_links) == MAX_IDLE)

    def test_unknown_fields(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.unknown_fields = {"new": [1]}
        assert said(voice) == AUDIO

    def test_a_wav_header_is_no_sound(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.tts.next(Fault.WAV_HEADER)
        assert said(voice) == AUDIO

    def test_a_text_that_is_too_long(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        with pytest.raises(ProviderError, match="5001 characters"):
            said(voice, "א" * (MAX_CHARACTERS + 1))
        assert cloud.tts.exchanges == []


class TestSockets:
    def test_one_is_opened_beforehand(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        assert isinstance(voice, PreparesSpeech)
        voice.prepare()
        until(lambda: cloud.links)
        until(lambda: not any(thread.name == "socket-opens" for thread in threading.enumerate()))
        assert said(voice) == AUDIO
        assert len(cloud.links) == 1

    def test_preparing_without_a_key_is_no_matter(self, cloud: SonioxCloud) -> None:
        """It is asked for in a turn; the sentence says what is missing."""
        SonioxTts(config_of(cloud, soniox_api_key="")).prepare()

    def test_warming_keeps_one(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        voice.warm()
        said(voice)
        assert len(cloud.links) == 1 and len(cloud.tts.exchanges) == 2

    def test_a_kept_one_that_was_closed_is_replaced(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        """By the server's own limit, with an error that nobody asked for."""
        cloud.idle_s = 0.05
        assert said(voice) == AUDIO
        until(lambda: not cloud.open_links)
        cloud.idle_s = 20
        assert said(voice, "עוד") == mulaw_to_pcm16(pcm16_to_mulaw(tone("עוד")))
        assert texts(cloud) == [TEXT, "עוד"] and len(cloud.links) == 2

    @pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNAVAILABLE])
    def test_a_kept_one_that_breaks_is_replaced(
        self, cloud: SonioxCloud, voice: SonioxTts, fault: Fault
    ) -> None:
        """Between two sentences, or by the very question: the sentence is heard once."""
        said(voice)
        cloud.tts.next(fault)
        assert said(voice) == AUDIO
        assert len(cloud.links) == 2

    def test_that_is_no_try_of_the_sentence(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        said(voice)
        cloud.tts.next(Fault.REFUSED, Fault.REFUSED)
        assert said(voice) == AUDIO

    def test_only_while_one_is_kept_is_there_a_thread(self, cloud: SonioxCloud) -> None:
        before = set(threading.enumerate())
        voice = SonioxTts(config_of(cloud))
        with nothing_left(cloud.tts_url):
            said(voice)
            ours = [t.name for t in set(threading.enumerate()) - before if "(" not in t.name]
            assert ours == ["sockets-idle"], "websockets has those with a bracket"
            voice.close()


class TestBroken:
    @pytest.mark.parametrize("fault", [Fault.CUT_MID_STREAM, Fault.CLOSED, Fault.RESTART, Fault.EXPIRED])
    def test_in_the_middle_of_a_sentence(self, cloud: SonioxCloud, voice: SonioxTts, fault: Any) -> None:
        """What was heard is not said again."""
        cloud.tts.next(fault)
        reading = Reading[bytes](voice.synthesize(TEXT, 5))
        assert reading.ended_within(3)
        assert reading.error and reading.error.retryable
        assert 0 < len(b"".join(reading.items)) < len(AUDIO)
        assert len(cloud.tts.exchanges) == 1
        assert said(voice) == AUDIO

    @pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNAVAILABLE])
    def test_before_anything_was_heard(self, cloud: SonioxCloud, voice: SonioxTts, fault: Fault) -> None:
        cloud.tts.next(fault, fault, fault)
        assert failure(voice).retryable
        assert len(cloud.tts.exchanges) == 2
        assert said(voice) == AUDIO

    def test_of_a_try_that_broke_off_nothing_is_left(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        """Less than one window of its sound had come, and was held back."""
        cloud.chunk_bytes = 160
        cloud.tts.next(Fault.CUT_MID_STREAM)
        assert said(voice) == AUDIO
        assert [exchange.sent for exchange in cloud.tts.exchanges][0] == 1

    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM, Fault.SLOW])
    def test_hangs_cost_the_timeout(self, cloud: SonioxCloud, voice: SonioxTts, fault: Fault) -> None:
        cloud.tts.next(fault)
        began = time.monotonic()
        error = failure(voice, timeout_s=0.3)
        assert error.retryable and "in time" in str(error)
        assert 0.25 < time.monotonic() - began < 0.9
        until(lambda: cloud.tts.exchanges[0].dropped_at)

    def test_one_that_never_pauses_ends_too(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        """There always is a message: the time limit is looked at beside it."""
        reader = iter(voice.synthesize("א" * 40, 0.3))
        assert next(reader)
        late = time.monotonic() + 0.3
        until(lambda: cloud.tts.exchanges[0].ended_at and time.monotonic() > late)
        with pytest.raises(ProviderError, match="in time"):
            list(reader)

    def test_terminated_without_audio(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.tts.next(Fault.EMPTY)
        assert said(voice) == b""
        assert said(voice) == AUDIO and len(cloud.links) == 1

    def test_another_audio_format(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.tts.next(Fault.OTHER_FORMAT)
        assert "Soniox sent format 1, 1 channels, 8000 Hz, not μ-law" in str(failure(voice))
        assert said(voice) == AUDIO

    def test_samples_of_another_format(self, cloud: SonioxCloud) -> None:
        """PCM16 without a header, by the noise that it makes."""
        pcm16 = base64.b64encode(speak_pcm16_8k(TEXT)).decode()
        with pytest.raises(ProviderError, match="Soniox sent noise"):
            list(SonioxSpeaking(config_of(cloud), TEXT).read({"audio": pcm16}))

    def test_garbage(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.tts.next(Fault.GARBAGE)
        assert failure(voice).retryable
        assert said(voice) == AUDIO

    @pytest.mark.parametrize("audio", ["%%%", "שלום", 5, {"a": 1}], ids=str)
    def test_audio_that_is_none(self, cloud: SonioxCloud, audio: Any) -> None:
        with pytest.raises(ProviderError, match="Soniox sent no audio"):
            list(SonioxSpeaking(config_of(cloud), TEXT).read({"audio": audio}))


class TestRefused:
    @pytest.mark.parametrize(
        ("fault", "names", "retryable"),
        [
            (Fault.KEY, "SONIOX_API_KEY", False),
            (Fault.MODEL_GONE, "SONIOX_TTS_MODEL=tts-rt-v2", False),
            (Fault.TOO_MANY, "console", True),
        ],
        ids=str,
    )
    def test_a_sentence(
        self, cloud: SonioxCloud, voice: SonioxTts, fault: Any, names: str, retryable: bool
    ) -> None:
        cloud.tts.next(fault)
        error = failure(voice)
        assert names in str(error) and error.retryable is retryable
        assert len(cloud.tts.exchanges) == 1

    @pytest.mark.parametrize("at", ["start", "open", "upgrade"])
    def test_a_key(self, cloud: SonioxCloud, voice: SonioxTts, at: str) -> None:
        cloud.refused_keys, cloud.refuses_keys_at = {KEY}, at
        error = failure(voice)
        assert "SONIOX_API_KEY" in str(error) and not error.retryable

    def test_a_model_that_has_ended(self, cloud: SonioxCloud) -> None:
        error = failure(SonioxTts(config_of(cloud, soniox_tts_model="tts-rt-v1")))
        assert "SONIOX_TTS_MODEL=tts-rt-v1 has ended on 2026-08-31" in str(error) and not error.retryable

    def test_a_request(self, cloud: SonioxCloud) -> None:
        """An unknown voice is one, as far as is known: both that may be wrong are named."""
        voice = SonioxTts(config_of(cloud, soniox_tts_voice="Meera"))
        speaking = SonioxSpeaking(config_of(cloud, soniox_tts_voice="Meera"), TEXT)
        with pytest.raises(
            ProviderError, match="SONIOX_TTS_MODEL=tts-rt-v2 and SONIOX_TTS_VOICE=Meera"
        ) as raised:
            list(
                speaking.read({"error_code": 400, "error_type": "invalid_request", "error_message": "Voice?"})
            )
        assert not raised.value.retryable and voice.identity == "soniox tts-rt-v2 Meera"

    def test_the_connection_by_an_error_of_no_stream(self, cloud: SonioxCloud) -> None:
        message = {"stream_id": None, "error_code": 429, "error_message": "Too many connections."}
        with pytest.raises(ProviderError, match="limit"):
            list(SonioxSpeaking(config_of(cloud), TEXT).read(message))

    def test_a_token_in_the_address_is_not_shown(self) -> None:
        config = load_config(_env_file=None, soniox_api_key="sx-test")
        address = address_of(config, "wss://voice.example/tts?t=abcdef123456", "SONIOX_TTS_URL")
        assert "voice.example" in str(address.refused(404, "")) and "abcdef" not in str(
            address.refused(404, "")
        )

    def test_no_key(self, cloud: SonioxCloud) -> None:
        with pytest.raises(ProviderError, match="set SONIOX_API_KEY"):
            said(SonioxTts(config_of(cloud, soniox_api_key="")))

    def test_another_address(self, cloud: SonioxCloud) -> None:
        error = failure(SonioxTts(config_of(cloud, soniox_tts_url=f"{cloud.tts_url}/v2")))
        assert f"SONIOX_TTS_URL={cloud.tts_url}/v2" in str(error) and not error.retryable


class TestCancel:
    def test_before_it_was_read(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        stream = voice.synthesize(TEXT, 5)
        stream.cancel()
        assert list(stream) == [] and cloud.links == []

    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    @pytest.mark.parametrize("kept", [False, True])
    def test_d2_while_it_hangs(self, cloud: SonioxCloud, voice: SonioxTts, fault: Fault, kept: bool) -> None:
        """The reader ends at once, and the server sees the end of the connection."""
        if kept:
            voice.warm()
        cloud.tts.reset()
        cloud.tts.next(fault)
        stream = voice.synthesize(TEXT, 30)
        self.cancelled(stream, lambda: cloud.tts.exchanges and cloud.tts.exchanges[0].request.text_ended)
        until(lambda: cloud.tts.exchanges[0].dropped_at, AT_ONCE_S)
        assert said(voice) == AUDIO

    def test_d2_at_the_door(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        cloud.door.next(Fault.HUNG_BEFORE_HEADERS)
        self.cancelled(voice.synthesize(TEXT, 30), lambda: cloud.door.exchanges)
        until(lambda: cloud.door.exchanges[0].dropped_at, AT_ONCE_S)

    def cancelled(self, stream: SpeechStream, reached: Callable[[], object]) -> None:
        reading = Reading[bytes](stream)
        until(reached)
        stream.cancel()
        stream.cancel()
        assert reading.ended_within(AT_ONCE_S) and reading.error is None

    def test_of_one_that_is_not_read_on(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        """A barge-in: what had come already is dropped with the socket."""
        stream = voice.synthesize("א" * 200, 30)  # some 60 messages
        reader = iter(stream)
        next(reader)
        until(lambda: cloud.tts.exchanges[0].ended_at)
        stream.cancel()
        until(lambda: not cloud.open_links, AT_ONCE_S)
        assert list(reader) == []

    def test_after_the_end(self, cloud: SonioxCloud, voice: SonioxTts) -> None:
        """The socket is another sentence's by then."""
        stream = voice.synthesize(TEXT, 5)
        assert b"".join(stream) == AUDIO
        stream.cancel()
        assert said(voice) == AUDIO and len(cloud.links) == 1


SEVERAL = """
from server.config import load_config
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.providers.soniox.tts import SonioxTts
provider = SonioxTts(load_config(soniox_api_key="key", soniox_tts_url=sys.argv[1]))
provider.warm()
watch_the_hub()
sizes = []
def ask():
    sizes.append(sum(map(len, provider.synthesize("x" * 100, 10))))
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join(15)
waiting = provider.synthesize("x" * 100, 10)
reader = threading.Thread(target=lambda: list(waiting), daemon=True)
reader.start()
time.sleep(0.1)
waiting.cancel()
reader.join(0.1)
gap = largest_gap()
print(len(sizes), set(sizes), reader.is_alive(), gap < 0.25, gap)
"""


@pytest.mark.servers
def test_other_calls_go_on_under_gevent(cloud: SonioxCloud) -> None:
    cloud.tts.delays.first_s = 0.3
    told = under_gevent(SEVERAL, cloud.tts_url)
    assert told.split()[:4] == ["8", "{96000}", "False", "True"], told
