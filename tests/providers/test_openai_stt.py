"""OpenAI's STT: the real SDK over real sockets, against a local server with OpenAI's protocol."""

import io
import time
import wave
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from server.audio.frames import mulaw_to_pcm16
from server.config import Config, load_config
from server.providers.base import ProviderError, Recognition, RecognizesWhole, Transcript
from server.providers.is_hebrew import wrong_language
from server.providers.openai.hints import MAX_HINT_CHARS, within_limit
from server.providers.openai.stt import MAX_AUDIO_BYTES, OpenAIStt
from server.providers.wav import wav_of
from server.turns.effects import Expected
from tests.cloud import openai as local
from tests.cloud.openai import OpenAICloud
from tests.cloud.watch import Fault
from tests.providers.reading import Reading

SECOND = bytes(range(250)) * 32  # of μ-law
WORDS = "אני מחפש דירה"
AT_ONCE = 0.3  # seconds; what takes longer has waited for something


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud(hears=lambda pcm16: WORDS) as cloud:
        yield cloud


def config_of(cloud: OpenAICloud, **knobs: Any) -> Config:
    # The default model gives no log-probabilities.
    knobs = {"openai_stt_model": "gpt-4o-transcribe", **knobs}
    knobs = {"openai_stt_model": "gpt-transcribe", **knobs}
    return load_config(openai_base_url=cloud.base_url, openai_api_key="sk-test", **knobs)


def opened(cloud: OpenAICloud, timeout_s: float = 5.0, **knobs: Any) -> Recognition:
    return OpenAIStt(config_of(cloud, **knobs)).start(Expected(), 1, timeout_s)


def finished(cloud: OpenAICloud, timeout_s: float = 5.0, **knobs: Any) -> Recognition:
    recognition = opened(cloud, timeout_s, **knobs)
    recognition.feed(SECOND)
    recognition.finish()
    return recognition


class TestRequest:
    def test_what_is_asked_for(self, cloud: OpenAICloud) -> None:
        recognition = opened(cloud)
        for start in range(0, len(SECOND), 160):
            recognition.feed(SECOND[start : start + 160])
        recognition.finish()
        recognition.feed(SECOND)  # too late
        list(recognition)
        (exchange,) = cloud.transcriptions.exchanges
        request = exchange.request
        assert request["pcm16"] == mulaw_to_pcm16(SECOND) and request["rate_hz"] == 8000
        assert request["filename"].endswith(".wav")
        assert (request["model"], request["language"]) == ("gpt-4o-transcribe", "he")
        assert (request["response_format"], request["stream"]) == ("json", "true")
        assert request["include[]"] == ["logprobs"]
        assert "prompt" not in request

    @pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe-diarize", "my-own"])
    def test_logprobs_are_asked_of_those_that_have_them(self, cloud: OpenAICloud, model: str) -> None:
        (*_, final) = finished(cloud, openai_stt_model=model)
        assert final == Transcript(WORDS, None)
        assert cloud.transcriptions.exchanges[0].request["include[]"] == []

    def test_nothing_is_sent_before_the_utterance_is_over(self, cloud: OpenAICloud) -> None:
        """Opening, feeding and finishing never block, and the reader waits without polling."""
        began = time.monotonic()
        recognition = opened(cloud)
        recognition.feed(SECOND)
        assert time.monotonic() - began < 0.05
        reading = Reading(recognition)
        busy = time.thread_time()
        assert not reading.ended_within(0.1)
        assert time.thread_time() - busy < 0.05
        assert cloud.watch.connections == 0
        recognition.finish()
        assert reading.ended_within(3) and reading.items[-1].text == WORDS

    @pytest.mark.parametrize("size", [0, 799])
    def test_too_little_to_be_words(self, cloud: OpenAICloud, size: int) -> None:
        """The API refuses less than 100 ms: an empty final transcript without a request."""
        recognition = opened(cloud)
        recognition.feed(SECOND[:size])
        recognition.finish()
        assert list(recognition) == [Transcript("")]
        assert cloud.watch.connections == 0

    def test_a_hundred_milliseconds_are_enough(self, cloud: OpenAICloud) -> None:
        recognition = opened(cloud)
        recognition.feed(SECOND[:800])
        recognition.finish()
        assert list(recognition)[-1].text == WORDS

    def test_two_minutes_are_kept(self, cloud: OpenAICloud) -> None:
        recognition = opened(cloud)
        for _ in range(130):
            recognition.feed(SECOND)
        recognition.finish()
        list(recognition)
        assert len(cloud.transcriptions.exchanges[0].request["pcm16"]) == 2 * MAX_AUDIO_BYTES

    def test_the_wav_file(self) -> None:
        with wave.open(io.BytesIO(wav_of(mulaw_to_pcm16(SECOND)))) as audio:
            assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (1, 2, 8000)
            assert audio.readframes(9000) == mulaw_to_pcm16(SECOND)


class TestHints:
    @pytest.fixture
    def phrases(self, tmp_path: Path) -> str:
        path = tmp_path / "phrases.txt"
        path.write_text("# names\nרמת אביב\nנועה  # she\n\n", "utf-8")
        return str(path)

    def request(self, cloud: OpenAICloud, expected: Expected, **knobs: Any) -> dict[str, Any]:
        OpenAIStt(config_of(cloud, **knobs)).recognize(SECOND, expected, 5)
        request: dict[str, Any] = cloud.transcriptions.exchanges[-1].request
        return request

    def test_the_file_s_and_the_expected(self, cloud: OpenAICloud, phrases: str) -> None:
        request = self.request(cloud, Expected(("לקנות", "נועה")), asr_phrases_file=phrases)
        assert request["prompt"] == "רמת אביב, נועה, לקנות"

    def test_models_that_take_keywords(self, cloud: OpenAICloud, phrases: str) -> None:
        request = self.request(
            cloud, Expected(("לקנות",)), asr_phrases_file=phrases, openai_stt_model="gpt-transcribe"
        )
        assert "prompt" not in request and request["keywords[]"] == "לקנות"  # the last of three
        request = self.request(cloud, Expected(("לקנות",)), openai_stt_model="gpt-4o-transcribe-diarize")
        assert "prompt" not in request and "keywords[]" not in request

    def test_only_what_is_short_enough(self) -> None:
        many = tuple(f"ביטוי {n}" for n in range(200))
        assert within_limit(("א", "ב"), many) == ("א", "ב")
        cut = within_limit(many, ("ג",))
        assert cut == many[: len(cut)]
        assert MAX_HINT_CHARS - 12 < len(", ".join(cut)) <= MAX_HINT_CHARS

    def test_a_file_that_is_not_there(self, cloud: OpenAICloud) -> None:
        """An error at the start; during a call the hints are left out."""
        with pytest.raises(ProviderError, match="ASR_PHRASES_FILE"):
            OpenAIStt(config_of(cloud, asr_phrases_file="/no/such/file")).warm()
        OpenAIStt(config_of(cloud)).warm()
        assert cloud.watch.exchanges[0].request == {"model": "gpt-4o-transcribe"}
        assert "prompt" not in self.request(cloud, Expected(), asr_phrases_file="/no/such/file")

    def test_hints_recited_on_noise_are_not_words(self, cloud: OpenAICloud) -> None:
        cloud.hears = lambda pcm16: "לקנות, לשכור, חיפה."
        stt = OpenAIStt(config_of(cloud))
        assert stt.recognize(SECOND, Expected(("לקנות", "לשכור", "חיפה")), 5).confidence == 0.0
        cloud.hears = lambda pcm16: "לקנות, חיפה."
        assert (stt.recognize(SECOND, Expected(("לקנות", "חיפה")), 5).confidence or 0) > 0.9

    @pytest.mark.parametrize("text", ["תודה שצפיתם!", "כתוביות: אלעד שם טוב", "[מוזיקה]"])
    def test_subtitles_that_nobody_spoke_are_nothing(self, cloud: OpenAICloud, text: str) -> None:
        """faults.md 30: transcripts made from noise are no turn, not even as interim ones."""
        cloud.hears = lambda pcm16: text
        *partials, final = finished(cloud)
        assert final == Transcript("") and text not in [partial.text for partial in partials]
        cloud.hears = lambda pcm16: f"שלום. {text}"
        assert list(finished(cloud))[-1].text == f"שלום. {text}"


class TestTranscripts:
    def test_partials_grow_and_the_final_is_sure(self, cloud: OpenAICloud) -> None:
        *partials, final = finished(cloud)
        assert [partial.text for partial in partials] == [
            text.strip() for text in accumulate(["אני ", "מחפש ", "דירה"])
        ]
        assert not any(partial.is_final or partial.confidence for partial in partials)
        assert final.is_final and final.text == WORDS
        assert final.confidence == pytest.approx(0.98, abs=0.01)

    def test_a_partial_comes_when_it_was_sent(self, cloud: OpenAICloud) -> None:
        cloud.transcriptions.delays.between_s = 0.15
        began, recognition = time.monotonic(), iter(finished(cloud))
        assert next(recognition).text == "אני"
        first = time.monotonic() - began
        assert next(recognition).text == "אני מחפש"
        assert time.monotonic() - began - first > 0.1
        assert list(recognition)[-1].is_final

    def test_a_whole_answer(self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """whisper-1 always answers with JSON."""
        form_of = local.form_of
        monkeypatch.setattr(local, "form_of", lambda request: {**form_of(request), "stream": "ignored"})
        (final,) = finished(cloud)
        assert final.text == WORDS and final.is_final
        assert final.confidence == pytest.approx(0.98, abs=0.01)
        (final,) = finished(cloud, openai_stt_model="whisper-1")
        assert final == Transcript(WORDS, None)

    @pytest.mark.parametrize("body", [b"<html>", b"[]"])
    def test_an_answer_that_is_none(
        self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch, body: bytes
    ) -> None:
        """A proxy's page with status 200."""

        def serve(self: Any, exchange: Any) -> None:
            self.send_whole(200, body, "text/html")

        monkeypatch.setattr(local.Connection, "transcription", serve)
        with pytest.raises(ProviderError, match="not a transcription"):
            list(finished(cloud))

    def test_events_of_other_kinds(self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Unknown events are skipped, and nothing behind the final transcript replaces it."""

        def serve(self: Any, exchange: Any) -> None:
            self.send_head(200, "text/event-stream", "Transfer-Encoding: chunked")
            self.send_event({"type": "transcript.text.segment", "text": "?"})
            self.send_event({"type": "transcript.text.done", "text": WORDS})
            self.send_chunk(b"data: {\n\n")
            self.end_stream()

        monkeypatch.setattr(local.Connection, "transcription", serve)
        assert list(finished(cloud)) == [Transcript(WORDS)]

    def test_the_turn_does_not_wait_for_the_end_of_the_response(self, cloud: OpenAICloud) -> None:
        cloud.keeps_open_after_done = True
        began = time.monotonic()
        assert list(finished(cloud))[-1].text == WORDS
        assert time.monotonic() - began < 1

    def test_a_whole_utterance(self, cloud: OpenAICloud) -> None:
        stt = OpenAIStt(config_of(cloud))
        assert isinstance(stt, RecognizesWhole)
        whole = stt.recognize(SECOND, Expected(), 5)
        assert whole.text == WORDS and whole.is_final and (whole.confidence or 0) > 0.9
        assert stt.recognize(b"", Expected(), 5) == Transcript("")


class TestFaults:
    @pytest.mark.parametrize("fault", [Fault.NONE, Fault.SLOW, Fault.SEVERAL_FINALS])
    def test_no_failure(self, cloud: OpenAICloud, fault: Fault) -> None:
        cloud.transcriptions.delays.slow_s = 0.2
        cloud.transcriptions.next(fault)
        assert list(finished(cloud))[-1].text == WORDS

    def test_empty(self, cloud: OpenAICloud) -> None:
        cloud.transcriptions.next(Fault.EMPTY)
        assert list(finished(cloud)) == [Transcript("", None)]

    def test_e1_not_sure(self, cloud: OpenAICloud) -> None:
        cloud.transcriptions.next(Fault.LOW_CONFIDENCE)
        *_, final = finished(cloud)
        assert final.text == WORDS and final.confidence == pytest.approx(0.05, abs=0.01)

    def test_e1_words_of_another_language_are_not_believed(self, cloud: OpenAICloud) -> None:
        """E1: they are not used when the deadline passes either."""
        cloud.transcriptions.next(Fault.WRONG_LANGUAGE)
        *partials, final = finished(cloud)
        assert final.confidence == 0.0
        assert all(len(partial.text.split()) < 3 for partial in partials)

    def test_an_utterance_that_never_ends(self, cloud: OpenAICloud) -> None:
        with pytest.raises(ProviderError, match="in time"):
            list(opened(cloud, timeout_s=0.1))


class TestCancel:
    def test_before_the_end_of_the_utterance(self, cloud: OpenAICloud) -> None:
        recognition = opened(cloud)
        recognition.feed(SECOND)
        reading = Reading(recognition)
        recognition.cancel()
        recognition.cancel()
        assert reading.ended_within(AT_ONCE)
        assert (reading.items, reading.error, cloud.watch.connections) == ([], None, 0)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", False),
        ("...", False),
        ("050-1234567", False),
        ("אני מחפש דירה", False),
        ("אני רוצה iPhone של Apple או Galaxy Note", False),
        ("IKEA", False),
        ("Tel Aviv", False),
        ("Don't stop", False),
        ("Thank you for watching", True),
        ("Thanks, Obama, bye.", True),
        ("مرحبا", True),
        ("שלום привет", True),
        ("ご視聴ありがとうございました", True),
        ("שָׁלוֹם, ד״ר כהן – ₪5", False),
    ],
)
def test_what_a_hebrew_caller_cannot_have_said(text: str, wrong: bool) -> None:
    assert wrong_language(text) is wrong
