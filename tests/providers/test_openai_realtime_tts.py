"""OpenAI's voice models that read aloud: real WebSockets, against a local server of its Realtime API."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16
from server.config import load_config
from server.providers.base import ProviderError, SaidOtherwise
from server.providers.openai.endpoint import tts_endpoint
from server.providers.openai.realtime_tts import OpenAIRealtimeTts, ReadingAloud
from server.providers.streaming.speech import SocketSpeech
from tests.cloud.openai import OpenAICloud
from tests.cloud.watch import Fault
from tests.providers.reading import Reading, under_gevent
from tests.waiting import until

TEXT = "הדירה ברחוב הרצל עולה שני מיליון שקלים."
AT_ONCE_S = 0.1


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud() as cloud:
        yield cloud
        assert cloud.realtime.violations == []


def tts_of(cloud: OpenAICloud, **knobs: Any) -> OpenAIRealtimeTts:
    values = {"openai_base_url": cloud.base_url, "openai_api_key": "sk-test", **knobs}
    return OpenAIRealtimeTts(load_config(_env_file=None, **values))


def spoken(tts: OpenAIRealtimeTts, text: str = TEXT, timeout_s: float = 5.0) -> bytes:
    return b"".join(tts.synthesize(text, timeout_s))


def done(cloud: OpenAICloud, *said: str) -> ReadingAloud:
    """A response that is over, with these words of its transcript, and not the transcript's end."""
    config = load_config(_env_file=None, openai_base_url=cloud.base_url)
    reading = ReadingAloud(tts_endpoint(config), "marin", TEXT, frozenset())
    (asked,) = reading.opening()
    assert isinstance(asked, dict)
    response = {"id": "r", "status": "completed", "metadata": asked["response"]["metadata"]}
    kind = "response.output_audio_transcript.delta"
    words = ({"type": kind, "response_id": "r", "delta": f" {word}"} for word in said)
    done = {"type": "response.done", "response": response}
    for message in ({"type": "response.created", "response": response}, *words, done):
        assert not list(reading.read(message))
    return reading


class TestSentence:
    def test_it_is_made_of_the_voices_mulaw_sample_by_sample(self, cloud: OpenAICloud) -> None:
        """Nothing is resampled: what comes is what goes to the caller's line."""
        pcm16 = spoken(tts_of(cloud))
        assert len(pcm16) > SAMPLE_RATE_HZ
        sent = cloud.realtime.tts.exchanges[0].request
        assert sent.response["audio"]["output"]["format"] == {"type": "audio/pcmu"}
        levels = set(mulaw_to_pcm16(bytes(range(256)))[i : i + 2] for i in range(0, 512, 2))
        assert {pcm16[i : i + 2] for i in range(0, len(pcm16), 2)} <= levels

    def test_what_is_asked_for(self, cloud: OpenAICloud) -> None:
        spoken(tts_of(cloud, openai_tts_voice="cedar"))
        response = cloud.realtime.tts.exchanges[0].request.response
        assert response["conversation"] == "none"
        assert response["input"][0]["content"] == [{"type": "input_text", "text": TEXT}]
        assert response["audio"]["output"]["voice"] == "cedar"
        assert cloud.realtime.opened[0].model == "gpt-realtime-2.1-mini"

    def test_sentence_after_sentence_goes_over_one_socket(self, cloud: OpenAICloud) -> None:
        tts = tts_of(cloud)
        assert len({spoken(tts, f"משפט {word}.") for word in ("אחד", "אחד ושניים", "אחד ושניים ושלושה")}) == 3
        assert len(cloud.realtime.opened) == 1

    def test_it_is_opened_beforehand(self, cloud: OpenAICloud) -> None:
        tts = tts_of(cloud)
        tts.prepare()
        until(lambda: not any(thread.name == "socket-opens" for thread in threading.enumerate()))
        spoken(tts)
        assert len(cloud.realtime.opened) == 1

    def test_a_socket_that_died_meanwhile_is_replaced(self, cloud: OpenAICloud) -> None:
        tts = tts_of(cloud)
        first = spoken(tts)
        cloud.realtime.tts.next(Fault.REFUSED)  # reset before the response is created
        assert spoken(tts) == first
        assert len(cloud.realtime.opened) == 2

    def test_identity_tells_voices_apart(self, cloud: OpenAICloud) -> None:
        assert tts_of(cloud).identity != tts_of(cloud, openai_tts_voice="cedar").identity


class TestWords:
    def test_a_price_said_otherwise_ends_the_sentence(self, cloud: OpenAICloud) -> None:
        cloud.realtime.spoken_as = lambda text: text.replace("שני מיליון", "שלושה מיליון")
        with pytest.raises(SaidOtherwise):
            spoken(tts_of(cloud))

    def test_other_words_are_counted_and_said(self, cloud: OpenAICloud) -> None:
        cloud.realtime.spoken_as = lambda text: text.replace("עולה", "מחירה הוא")
        stream = tts_of(cloud).synthesize(TEXT, 5)
        assert b"".join(stream)
        assert isinstance(stream, SocketSpeech) and stream.reworded

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            ("האם אתם", "another sentence"),
            ("האם אתם מחפשים דירה להשכרה או לקנייה? " + "בשמחה אספר עוד " * 20, "runs on"),
        ],
    )
    def test_another_sentence_is_no_sentence(self, cloud: OpenAICloud, said: str, why: str) -> None:
        """It answered, or stopped in the middle, without a number or a name in it."""
        cloud.realtime.spoken_as = lambda text: said
        with pytest.raises(SaidOtherwise, match=why):
            spoken(tts_of(cloud), "האם אתם מחפשים דירה להשכרה או לקנייה?")

    def test_a_short_sentence_that_is_written_otherwise_is_none(self, cloud: OpenAICloud) -> None:
        cloud.realtime.spoken_as = lambda text: "המחיר אינו כולל מעמ"
        assert spoken(tts_of(cloud), 'המחיר אינו כולל מע"מ')

    def test_a_transcript_without_an_end_is_judged_all_the_same(self, cloud: OpenAICloud) -> None:
        with pytest.raises(SaidOtherwise):
            done(cloud, *TEXT.replace("שני מיליון", "שלושה מיליון").split())

    def test_what_nobody_can_judge_is_not_kept(self, cloud: OpenAICloud) -> None:
        assert done(cloud, *TEXT.split()).reworded is False
        assert done(cloud).reworded is True

    def test_digits_for_words_are_no_change(self, cloud: OpenAICloud) -> None:
        cloud.realtime.spoken_as = lambda text: text.replace("שני מיליון שקלים", "2,000,000 ₪")
        stream = tts_of(cloud).synthesize(TEXT, 5)
        assert b"".join(stream)
        assert isinstance(stream, SocketSpeech) and not stream.reworded


class TestPronunciations:
    """The voice is given the spoken form (``tts_cache``); what it writes may be either."""

    FILE = "WeWork = וִי ווֹרק\nמגדל המאה = מגדל הַמֵּאָה\nאבא = אמא\nאמא = אבא\n"
    SPOKEN = "המשרד של אמא בוִי ווֹרק במגדל הַמֵּאָה עולה אלף שקלים."

    def said_as(self, cloud: OpenAICloud, tmp_path: Path, said: str) -> bytes:
        (tmp_path / "mine.txt").write_text(self.FILE, encoding="utf-8")
        cloud.realtime.spoken_as = lambda text: said
        return spoken(tts_of(cloud, pronunciations_file=str(tmp_path / "mine.txt")), self.SPOKEN)

    @pytest.mark.parametrize(
        "said",
        [
            SPOKEN,
            "המשרד של אמא בוי וורק במגדל המאה עולה אלף שקלים.",
            "המשרד של אמא ב-WeWork במגדל המאה עולה 1,000 שקלים.",
            "המשרד של אמא בWeWork במגדל המאה עולה אלף ש״ח.",
        ],
    )
    def test_either_form_is_as_it_was_given(
        self, cloud: OpenAICloud, tmp_path: Path, said: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert self.said_as(cloud, tmp_path, said)
        assert "TTS_REWORDED" not in caplog.text

    @pytest.mark.parametrize("wrong", ["Regus", "WeWorks"])
    def test_another_name_is_still_another(self, cloud: OpenAICloud, tmp_path: Path, wrong: str) -> None:
        with pytest.raises(SaidOtherwise):
            self.said_as(cloud, tmp_path, f"המשרד של אמא ב-{wrong} במגדל המאה עולה אלף שקלים.")


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "says", "retryable"),
        [
            (Fault.TOO_MANY, "rate limit", True),
            (Fault.UNAVAILABLE, "503", True),
            (Fault.MODEL_GONE, "OPENAI_TTS_MODEL=gpt-realtime-2.1-mini", False),
        ],
    )
    def test_a_session_that_is_refused_says_what_to_look_at(
        self, cloud: OpenAICloud, fault: Fault, says: str, retryable: bool
    ) -> None:
        cloud.realtime.sessions.next(fault)
        with pytest.raises(ProviderError, match=says) as raised:
            spoken(tts_of(cloud))
        assert raised.value.retryable is retryable

    @pytest.mark.parametrize(
        "fault", [Fault.TOO_MANY, Fault.UNAVAILABLE, Fault.CUT_MID_STREAM, Fault.EXPIRED]
    )
    def test_what_may_pass_is_retryable_and_the_next_sentence_works(
        self, cloud: OpenAICloud, fault: Fault
    ) -> None:
        tts = tts_of(cloud)
        cloud.realtime.tts.next(fault)
        with pytest.raises(ProviderError) as raised:
            spoken(tts)
        assert raised.value.retryable
        assert spoken(tts)

    def test_another_format_is_noise_and_not_played(self, cloud: OpenAICloud) -> None:
        cloud.realtime.tts.next(Fault.OTHER_FORMAT)
        with pytest.raises(ProviderError, match="noise"):
            spoken(tts_of(cloud))

    @pytest.mark.parametrize(
        ("where", "fault"),
        [
            ("sessions", Fault.HUNG_BEFORE_HEADERS),
            ("tts", Fault.HUNG_BEFORE_HEADERS),
            ("tts", Fault.HUNG_MID_STREAM),
        ],
    )
    def test_what_hangs_costs_the_timeout(self, cloud: OpenAICloud, where: str, fault: Fault) -> None:
        getattr(cloud.realtime, where).next(fault)
        began = time.monotonic()
        with pytest.raises(ProviderError) as raised:
            spoken(tts_of(cloud), timeout_s=0.4)
        assert raised.value.retryable and time.monotonic() - began < 0.8

    def test_garbage(self, cloud: OpenAICloud) -> None:
        cloud.realtime.tts.next(Fault.GARBAGE)
        with pytest.raises(ProviderError, match="not JSON"):
            spoken(tts_of(cloud))

    def test_a_text_beyond_the_limit(self, cloud: OpenAICloud) -> None:
        with pytest.raises(ProviderError, match="4096"):
            spoken(tts_of(cloud), "א" * 5000)


class TestCancel:
    @pytest.mark.parametrize("fault", [Fault.SLOW, Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_it_ends_at_once_and_leaves_nothing(self, cloud: OpenAICloud, fault: Fault) -> None:
        """A barge-in: the server sees the connection end, and stops to bill."""
        before = threading.active_count()
        cloud.realtime.tts.next(fault)
        stream = tts_of(cloud).synthesize(TEXT, 5)
        reading = Reading(stream)
        until(lambda: len(cloud.realtime.opened) == 1)
        stream.cancel()
        assert reading.ended_within(AT_ONCE_S) and reading.error is None
        until(lambda: not cloud.realtime.open)
        until(lambda: threading.active_count() <= before + 1)  # the cloud's own

    def test_before_it_is_read(self, cloud: OpenAICloud) -> None:
        stream = tts_of(cloud).synthesize(TEXT, 5)
        stream.cancel()
        assert list(stream) == [] and not cloud.realtime.opened


UNDER_GEVENT = """
from server.config import load_config
from server.providers.openai.realtime_tts import OpenAIRealtimeTts
tts = OpenAIRealtimeTts(load_config(openai_base_url=sys.argv[1]))
tts.warm()
watch_the_hub()
while len(ticks) < 3: time.sleep(0.02)
audio = []
four_at_once(lambda: audio.append(len(b"".join(tts.synthesize("שלום וברכה לכולם", 10)))))
print(len(audio), min(audio) > 4000, largest_gap() < 0.2)
"""


def test_under_gevent_four_speak_and_the_hub_goes_on(cloud: OpenAICloud) -> None:
    assert under_gevent(UNDER_GEVENT, cloud.base_url).split() == ["4", "True", "True"]
