"""Google's STT: the real client against local servers that speak both versions of Google's protocol."""

import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth as google_auth
import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from server.config import Config, load_config
from server.providers.base import ProviderError, Recognition, RecognizesWhole, Transcript
from server.providers.google import client, stt
from server.providers.google.api_versions import dialect_of
from server.providers.google.client import SPEECH_V1, SPEECH_V2, TEXT_TO_SPEECH, Address, connect, explained
from server.providers.google.streaming import StreamLimits
from server.providers.google.stt import GoogleStt
from server.providers.streaming.utterance_audio import UtteranceAudio
from server.providers.stt_hints import MAX_PHRASE_CHARS, MAX_PHRASES, read_phrases, within_limits
from server.turns.effects import Expected
from tests.cloud.google import DEFAULT_LINE, FOREIGN_LINE, SpeechCloud
from tests.cloud.watch import Exchange, Fault
from tests.providers.reading import Reading, under_gevent
from tests.waiting import until

NOISE = random.Random(7).randbytes(80_000)  # ten seconds in which every place can be told from every other
CODE = grpc.StatusCode
BOTH = pytest.mark.parametrize("api", ["v1", "v2"])


@pytest.fixture
def cloud() -> Iterator[SpeechCloud]:
    with SpeechCloud() as speech:
        yield speech


def google_config(cloud: SpeechCloud, api: str = "v1", **knobs: Any) -> Config:
    return load_config(google_speech_endpoint=cloud.endpoint, google_speech_api=api, **knobs)


def stt_of(
    cloud: SpeechCloud, api: str = "v1", limits: StreamLimits | None = None, **knobs: Any
) -> GoogleStt:
    return GoogleStt(google_config(cloud, api, **knobs), limits=limits)


def heard(
    google: GoogleStt, audio: bytes = NOISE[:4000], phrases: tuple[str, ...] = (), timeout_s: float = 5.0
) -> list[Transcript]:
    """The final transcripts of an utterance that is fed and finished before it is read."""
    recognition = google.start(Expected(phrases), 1, timeout_s)
    recognition.feed(audio)
    recognition.finish()
    return [transcript for transcript in recognition if transcript.is_final]


def asked(cloud: SpeechCloud) -> list[Any]:
    return [exchange.request for exchange in cloud.watch.exchanges]


class Listener(Reading[Transcript]):
    """Reads a recognition on its own thread."""

    def __init__(self, recognition: Recognition) -> None:
        super().__init__(recognition)
        self.recognition = recognition

    def done(self) -> "Listener":
        assert self.ended_within(5)
        return self

    @property
    def finals(self) -> list[str]:
        return [transcript.text for transcript in self.items if transcript.is_final]


class TestRequest:
    @BOTH
    def test_what_is_asked_for(self, cloud: SpeechCloud, api: str) -> None:
        google = stt_of(cloud, api)
        assert isinstance(google, RecognizesWhole) and google.name == "google"
        (final,) = heard(google, NOISE)
        assert final.text == DEFAULT_LINE and final.confidence == pytest.approx(0.9)
        (request,) = asked(cloud)
        assert (request.api, request.language, request.hints) == (api, "iw-IL", [])
        assert request.config.model == {"v1": "command_and_search", "v2": "chirp_3"}[api]
        assert request.recognizer == {"v1": "", "v2": "projects/local/locations/eu/recognizers/_"}[api]
        assert bytes(request.audio) == NOISE

    @BOTH
    def test_the_knobs_are_asked_for(self, cloud: SpeechCloud, api: str) -> None:
        knobs = {
            "google_speech_model": "latest_long",
            "google_speech_language": "he-IL",
            "google_speech_location": "us",
            "google_cloud_project": "p",
        }
        heard(stt_of(cloud, api, **knobs))
        (request,) = asked(cloud)
        assert (request.config.model, request.language) == ("latest_long", "he-IL")
        assert request.recognizer == {"v1": "", "v2": "projects/p/locations/us/recognizers/_"}[api]

    @pytest.mark.parametrize(
        ("api", "location", "endpoint"),
        [("v1", "eu", ""), ("v2", "eu", "https://eu-speech.googleapis.com"), ("v2", "global", "")],
    )
    def test_where_google_is_asked(self, api: str, location: str, endpoint: str) -> None:
        config = load_config(google_speech_api=api, google_speech_location=location)
        assert dialect_of(config).address.endpoint == endpoint

    def test_the_stream_is_open_before_the_first_word(self, cloud: SpeechCloud) -> None:
        """The stream opens at the onset, so that it costs no time when the words come."""
        listener = Listener(stt_of(cloud).start(Expected(), 1, 5))
        until(lambda: cloud.watch.exchanges)
        assert not asked(cloud)[0].audio
        listener.recognition.cancel()
        listener.done()

    def test_opening_feeding_and_finishing_touch_nothing(self, cloud: SpeechCloud) -> None:
        google = stt_of(cloud)
        began = time.monotonic()
        recognition = google.start(Expected(), 1, 5)
        recognition.feed(NOISE)
        recognition.finish()
        recognition.feed(b"ignored")
        assert time.monotonic() - began < 0.05
        assert not cloud.watch.exchanges and not cloud.watch.connections
        assert len([heard for heard in recognition if heard.is_final]) == 1
        assert bytes(asked(cloud)[0].audio) == NOISE

    @BOTH
    def test_audio_goes_out_in_tenths_of_a_second_and_the_rest_at_once(
        self, cloud: SpeechCloud, api: str
    ) -> None:
        listener = Listener(stt_of(cloud, api).start(Expected(), 1, 5))
        listener.recognition.feed(NOISE[:20_000])  # a pre-roll, or all that another engine failed on
        until(lambda: asked(cloud) and len(asked(cloud)[0].audio) == 20_000)
        for start in range(20_000, 22_080, 160):
            listener.recognition.feed(NOISE[start : start + 160])
        until(lambda: len(asked(cloud)[0].audio) >= 21_600)
        listener.recognition.finish()
        assert listener.done().finals == [DEFAULT_LINE]
        (request,) = asked(cloud)
        assert bytes(request.audio) == NOISE[:22_080] and request.half_closed
        assert all(800 <= size <= 8000 for size in request.request_bytes[:-1])

    def test_a_request_waits_for_a_tenth_of_a_second(self) -> None:
        audio = UtteranceAudio()
        taken: list[bytes] = []
        looked = threading.Event()  # whether it is still wanted: under the lock, right before it waits
        take = lambda: taken.append(audio.take(0, 9999, lambda: looked.set() is None))  # noqa: E731
        taker = threading.Thread(target=take, daemon=True)
        taker.start()
        assert looked.wait(5)
        for start in range(0, 800, 160):
            audio.feed(NOISE[start : start + 160])
        taker.join(5)
        assert taken == [NOISE[:800]]

    def test_kept_audio_has_a_bound(self) -> None:
        audio = UtteranceAudio()
        for _ in range(310):
            audio.feed(NOISE[:8000])
        audio.forget(2_000_000)
        audio.feed(NOISE[8000:16_000])
        assert audio.take(300 * 8000, 9999, lambda: True) == NOISE[8000:16_000]


class TestWords:
    @BOTH
    def test_partials_replace_each_other_and_a_final_follows(self, cloud: SpeechCloud, api: str) -> None:
        recognition = stt_of(cloud, api).start(Expected(), 1, 5)
        recognition.feed(NOISE[:8000])
        recognition.finish()
        assert [(each.text, each.is_final) for each in recognition] == [
            ("שלום", False),
            ("שלום אני", False),  # Google gave them as two results
            ("שלום אני מחפש", False),
            (DEFAULT_LINE, True),
        ]

    def test_several_finals_are_segments(self, cloud: SpeechCloud) -> None:
        cloud.watch.always = Fault.SEVERAL_FINALS
        assert [final.text for final in heard(stt_of(cloud))] == ["שלום אני מחפש", "דירה בתל אביב"]

    def test_a_confidence_of_zero_was_not_given(self, cloud: SpeechCloud) -> None:
        cloud.confidence = 0.0
        google = stt_of(cloud)
        assert heard(google) == [Transcript(DEFAULT_LINE, None)]
        assert google.recognize(NOISE[:800], Expected(), 5) == Transcript(DEFAULT_LINE, None)

    @BOTH
    def test_words_of_another_language_are_unclear(self, cloud: SpeechCloud, api: str) -> None:
        """E1: the agent asks again, and no turn starts from an interim transcript."""
        cloud.watch.always = Fault.WRONG_LANGUAGE
        google = stt_of(cloud, api)
        recognition = google.start(Expected(), 1, 5)
        recognition.feed(NOISE)
        recognition.finish()
        assert list(recognition) == [Transcript(FOREIGN_LINE, 0.0)]
        assert google.recognize(NOISE[:800], Expected(), 5) == Transcript(FOREIGN_LINE, 0.0)


OUTCOMES = {  # a transcript's text and confidence; or whether the error is retryable
    Fault.NONE: (DEFAULT_LINE, 0.9),
    Fault.SLOW: (DEFAULT_LINE, 0.9),
    Fault.HUNG_BEFORE_HEADERS: True,
    Fault.HUNG_MID_STREAM: True,
    Fault.TOO_MANY: True,
    Fault.UNAVAILABLE: True,
    Fault.CUT_MID_STREAM: True,
    Fault.EMPTY: ("", None),
    Fault.LOW_CONFIDENCE: (DEFAULT_LINE, 0.1),
    Fault.WRONG_LANGUAGE: (FOREIGN_LINE, 0.0),
    Fault.SEVERAL_FINALS: (DEFAULT_LINE, 0.9),
}


@BOTH
@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
@pytest.mark.parametrize("fault", OUTCOMES, ids=lambda fault: fault.value)
def test_how_each_fault_ends(cloud: SpeechCloud, api: str, whole: bool, fault: Fault) -> None:
    """G1: in time, with one request: the client does not retry."""
    cloud.watch.always = fault
    cloud.watch.delays.slow_s = 0.1
    google = stt_of(cloud, api)

    def recognized() -> tuple[str, float | None]:
        if whole:
            transcript = google.recognize(NOISE[:4000], Expected(), 0.25)
            return transcript.text, transcript.confidence
        finals = heard(google, timeout_s=0.25)
        return " ".join(final.text for final in finals), min(
            (f.confidence or 0 for f in finals), default=None
        )

    began = time.monotonic()
    outcome = OUTCOMES[fault]
    if isinstance(outcome, bool):
        with pytest.raises(ProviderError) as raised:
            recognized()
        assert raised.value.retryable is outcome
    else:
        text, confidence = recognized()
        assert text == outcome[0]
        assert confidence == pytest.approx(outcome[1])
    assert time.monotonic() - began < 1.0
    assert len(cloud.watch.exchanges) == 1


def threads() -> set[threading.Thread]:
    """The threads of this process and of gRPC, without those of the local servers."""
    return {
        thread
        for thread in threading.enumerate()
        if "ThreadPoolExecutor" not in thread.name and "_serve" not in thread.name
    }


class TestCancel:
    def ended(self, cloud: SpeechCloud, listener: Listener, before: set[threading.Thread]) -> Exchange:
        """Cancels, and checks that no thread is left on either side."""
        began = time.monotonic()
        listener.recognition.cancel()
        listener.recognition.cancel()
        assert time.monotonic() - began < 0.1
        assert listener.done().error is None
        assert time.monotonic() - began < 0.5
        (exchange,) = cloud.watch.exchanges
        until(lambda: exchange.ended_at)
        assert exchange.dropped_at is not None, "Google must know that nobody listens"
        until(lambda: threads() <= before)
        return exchange

    @pytest.fixture
    def before(self, cloud: SpeechCloud) -> set[threading.Thread]:
        heard(stt_of(cloud))
        cloud.watch.reset()
        until(lambda: not any("listener" == thread.name for thread in threads()))
        return threads()

    def test_before_it_is_listened_to(self, cloud: SpeechCloud) -> None:
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        recognition.feed(NOISE)
        recognition.cancel()
        assert list(recognition) == []
        assert not cloud.watch.exchanges

    @BOTH
    def test_before_headers(self, cloud: SpeechCloud, before: set[threading.Thread], api: str) -> None:
        cloud.watch.always = Fault.HUNG_BEFORE_HEADERS
        listener = Listener(stt_of(cloud, api).start(Expected(), 1, 30))
        until(lambda: cloud.watch.exchanges)
        assert self.ended(cloud, listener, before).sent == 0

    def test_while_the_caller_speaks(self, cloud: SpeechCloud, before: set[threading.Thread]) -> None:
        """gRPC's feeding thread waits for audio then; cancelling the call alone would not wake it."""
        listener = Listener(stt_of(cloud).start(Expected(), 1, 30))
        listener.recognition.feed(NOISE[:4000])
        until(lambda: listener.items)
        self.ended(cloud, listener, before)
        assert listener.finals == []

    def test_after_the_end_of_speech(self, cloud: SpeechCloud, before: set[threading.Thread]) -> None:
        cloud.watch.delays.first_s = 20
        listener = Listener(stt_of(cloud).start(Expected(), 1, 30))
        listener.recognition.feed(NOISE[:1000])
        listener.recognition.finish()
        until(lambda: cloud.watch.exchanges and asked(cloud)[0].half_closed)
        self.ended(cloud, listener, before)

    def test_a_reader_that_goes_away(self, cloud: SpeechCloud, before: set[threading.Thread]) -> None:
        recognition = stt_of(cloud).start(Expected(), 1, 30)
        recognition.feed(NOISE[:4000])
        transcripts = iter(recognition)
        next(transcripts)
        transcripts.close()  # type: ignore[attr-defined]
        (exchange,) = cloud.watch.exchanges
        until(lambda: exchange.dropped_at)
        until(lambda: threads() <= before)

    def test_at_any_moment(self, cloud: SpeechCloud, before: set[threading.Thread]) -> None:
        google = stt_of(cloud)
        chance = random.Random(1)
        for _ in range(60):
            listener = Listener(google.start(Expected(), 1, 30))
            listener.recognition.feed(NOISE[:4000])
            time.sleep(chance.random() * 0.004)  # the moment is the point of it
            listener.recognition.cancel()
            assert listener.done().error is None
        until(lambda: not cloud.watch.open)
        until(lambda: threads() <= before)

    def test_while_a_stream_is_being_made(self, cloud: SpeechCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither thread waits for the other: the second finds what the first has done."""
        make = stt.StreamingCall

        def cancelled_in_between(*args: Any) -> Any:
            call = make(*args)
            recognition.cancel()
            return call

        monkeypatch.setattr(stt, "StreamingCall", cancelled_in_between)
        recognition = stt_of(cloud).start(Expected(), 1, 30)
        assert Listener(recognition).done().error is None
        assert not cloud.watch.exchanges

    def test_while_its_call_is_being_made(self, cloud: SpeechCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        class Transport:
            def streaming_recognize(self, *args: Any, **settings: Any) -> Any:
                call = connection.transport.streaming_recognize(*args, **settings)
                until(lambda: cloud.watch.exchanges and asked(cloud)[0].audio)
                recognition.cancel()
                return call

        cloud.watch.delays.first_s = 20
        google = stt_of(cloud)
        connection = connect(dialect_of(google_config(cloud)).address)
        monkeypatch.setattr(stt, "connect", lambda address: client.Connection(Transport(), ""))
        recognition = google.start(Expected(), 1, 30)
        recognition.feed(NOISE[:800])
        assert Listener(recognition).done().error is None
        until(lambda: not cloud.watch.open)

    def test_while_connecting(self, cloud: SpeechCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """An error of the connection is dropped after a cancel."""
        connecting, go_on = threading.Event(), threading.Event()

        def slow(*_: Any, **__: Any) -> Any:
            connecting.set()
            go_on.wait(5)
            raise OSError("no credentials")

        monkeypatch.setattr(google_auth, "default", slow)
        config = load_config(google_speech_endpoint="https://localhost:7")
        listener = Listener(GoogleStt(config).start(Expected(), 1, 5))
        assert connecting.wait(5)
        began = time.monotonic()
        listener.recognition.cancel()
        assert time.monotonic() - began < 0.1
        go_on.set()
        assert listener.done().error is None


class TestLanguageAndHints:
    @BOTH
    def test_the_other_code_is_tried_and_remembered(self, cloud: SpeechCloud, api: str) -> None:
        cloud.refuses = {"iw-IL"}
        google = stt_of(cloud, api)
        listener = Listener(google.start(Expected(), 1, 5))
        listener.recognition.feed(NOISE[:5000])
        until(lambda: len(cloud.watch.exchanges) == 2)
        listener.recognition.feed(NOISE[5000:9000])
        listener.recognition.finish()
        assert listener.done().finals == [DEFAULT_LINE]
        assert [request.language for request in asked(cloud)] == ["iw-IL", "he-IL"]
        assert bytes(asked(cloud)[1].audio) == NOISE[:9000], "nothing said before the refusal is lost"
        cloud.watch.reset()
        heard(google)
        assert [request.language for request in asked(cloud)] == ["he-IL"]

    @BOTH
    def test_warming_finds_what_works(self, cloud: SpeechCloud, api: str) -> None:
        cloud.refuses = {"he-IL"}
        google = stt_of(cloud, api, google_speech_language="he")
        google.warm()
        cloud.watch.reset()
        google.recognize(NOISE[:800], Expected(), 5)
        assert [request.language for request in asked(cloud)] == ["iw-IL"]

    @BOTH
    @pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
    def test_hints_may_be_what_is_refused(self, cloud: SpeechCloud, api: str, whole: bool) -> None:
        cloud.refuses_hints = True
        google = stt_of(cloud, api)

        def recognize() -> str:
            if whole:
                return google.recognize(NOISE[:4000], Expected(("כן",)), 5).text
            return heard(google, phrases=("כן",))[0].text

        assert recognize() == DEFAULT_LINE
        assert [(request.language, request.hints) for request in asked(cloud)] == [
            ("iw-IL", ["כן"]),
            ("he-IL", ["כן"]),
            ("iw-IL", []),
        ]
        cloud.watch.reset()
        assert recognize() == DEFAULT_LINE
        assert [request.hints for request in asked(cloud)] == [[]]

    @pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
    def test_all_refused(self, cloud: SpeechCloud, whole: bool) -> None:
        cloud.refuses = {"iw-IL", "he-IL"}
        google = stt_of(cloud, google_speech_model="m")
        with pytest.raises(
            ProviderError, match="GOOGLE_SPEECH_MODEL=m know GOOGLE_SPEECH_LANGUAGE"
        ) as raised:
            google.recognize(NOISE[:800], Expected(), 5) if whole else heard(google)
        assert not raised.value.retryable
        assert [request.language for request in asked(cloud)] == ["iw-IL", "he-IL"]

    def test_another_language_has_one_code(self, cloud: SpeechCloud) -> None:
        cloud.refuses = {"ar-IL"}
        with pytest.raises(ProviderError, match="ar-IL"):
            heard(stt_of(cloud, google_speech_language="ar-IL"))
        assert len(cloud.watch.exchanges) == 1

    @BOTH
    def test_hints_come_from_the_llm_and_the_file(self, cloud: SpeechCloud, tmp_path: Path, api: str) -> None:
        file = tmp_path / "phrases.txt"
        file.write_text("# רחובות\nדיזנגוף  \n\nאבן גבירול # בצפון\nכן\n", "utf-8-sig")
        google = stt_of(cloud, api, asr_phrases_file=str(file))
        google.warm()
        heard(google, phrases=("כן", "לא"))
        assert [request.hints for request in asked(cloud)] == [
            ["דיזנגוף", "אבן גבירול", "כן"],
            ["כן", "לא", "דיזנגוף", "אבן גבירול"],
        ]

    @pytest.mark.parametrize("content", [None, b"\xff\xfe\xfd"], ids=["missing", "not text"])
    def test_a_file_that_cannot_be_read(
        self, cloud: SpeechCloud, tmp_path: Path, content: bytes | None
    ) -> None:
        file = tmp_path / "phrases.txt"
        if content is not None:
            file.write_bytes(content)
        google = stt_of(cloud, asr_phrases_file=str(file))
        with pytest.raises(ProviderError, match="ASR_PHRASES_FILE=.*phrases.txt"):
            google.warm()
        assert len(cloud.watch.exchanges) == 1, "it is warm all the same"
        assert heard(google, phrases=("כן",))[0].text == DEFAULT_LINE

    def test_limits_of_google(self) -> None:
        assert within_limits(["א" * MAX_PHRASE_CHARS, "ב" * (MAX_PHRASE_CHARS + 1), " ", "א  ב", "א ב"]) == (
            "א" * MAX_PHRASE_CHARS,
            "א ב",
        )
        assert len(within_limits(str(number) for number in range(MAX_PHRASES + 5))) == MAX_PHRASES

    def test_the_file_may_be_commented_out(self, tmp_path: Path) -> None:
        file = tmp_path / "phrases.txt"
        file.write_text("#א\n  # ב\n", "utf-8")
        assert read_phrases(str(file)) == ()


PATIENT = StreamLimits(worked_s=0.0)  # so that a stream has worked for a while at once


class TestStreamsThatEnd:
    def whole_audio(self, cloud: SpeechCloud) -> bytes:
        return b"".join(bytes(request.audio) for request in asked(cloud))

    @BOTH
    def test_roll_over_before_googles_limit(self, cloud: SpeechCloud, api: str) -> None:
        """Every byte is sent once and in order; the transcripts of the streams follow each other."""
        cloud.hears = lambda audio: f"{len(audio)} {NOISE.index(audio)}"
        google = stt_of(cloud, api, StreamLimits(roll_over_s=0.55))
        listener = Listener(google.start(Expected(), 1, 5))
        for start in range(0, 12_000, 160):
            listener.recognition.feed(NOISE[start : start + 160])
        listener.recognition.finish()
        assert listener.done().finals == ["4400 0", "4400 4400", "3200 8800"]
        assert self.whole_audio(cloud) == NOISE[:12_000]
        assert all(request.half_closed for request in asked(cloud))

    def test_what_was_rolled_over_without_words_is_not_heard_again(self, cloud: SpeechCloud) -> None:
        cloud.hears = lambda audio: ""
        assert heard(stt_of(cloud, limits=StreamLimits(roll_over_s=0.5)), NOISE[:10_000]) == []
        assert [len(request.audio) for request in asked(cloud)] == [4000, 4000, 2000]
        assert self.whole_audio(cloud) == NOISE[:10_000]

    @BOTH
    @pytest.mark.parametrize(
        "code", [CODE.OK, CODE.OUT_OF_RANGE, CODE.ABORTED, CODE.UNAVAILABLE, CODE.INTERNAL]
    )
    def test_google_ends_a_stream(self, cloud: SpeechCloud, api: str, code: grpc.StatusCode) -> None:
        """The next stream begins where the last final transcript ends."""
        cloud.ends_early_s, cloud.settles_s, cloud.ends_with, cloud.ends_early = 0.5, 0.3, code, 2
        google = stt_of(cloud, api)
        listener = Listener(google.start(Expected(), 1, 5))
        listener.recognition.feed(NOISE[:4000])
        until(lambda: len(cloud.watch.exchanges) == 2)
        listener.recognition.feed(NOISE[4000:8000])
        until(lambda: len(cloud.watch.exchanges) == 3)
        listener.recognition.feed(NOISE[8000:12_000])
        listener.recognition.finish()
        assert listener.done().error is None
        assert listener.finals == [DEFAULT_LINE] * 3
        first, second, third = (bytes(request.audio) for request in asked(cloud))
        assert NOISE.startswith(first) and len(first) == 4000
        assert NOISE[2400:].startswith(second) and len(second) >= 4000
        assert third == NOISE[4800:12_000]

    def test_an_error_inside_a_response_ends_it_too(self, cloud: SpeechCloud) -> None:
        cloud.ends_early_s, cloud.settles_s, cloud.ends_early = 0.5, 0.5, 1
        cloud.ends_with, cloud.error_in_band = CODE.OUT_OF_RANGE, True
        listener = Listener(stt_of(cloud).start(Expected(), 1, 5))
        listener.recognition.feed(NOISE[:4000])
        until(lambda: len(cloud.watch.exchanges) == 2)
        listener.recognition.feed(NOISE[4000:8000])
        listener.recognition.finish()
        assert listener.done().finals == [DEFAULT_LINE] * 2
        assert self.whole_audio(cloud) == NOISE[:8000]

    def test_an_error_inside_a_response_is_explained(self, cloud: SpeechCloud) -> None:
        cloud.ends_early_s, cloud.ends_early, cloud.error_in_band = 0.5, 1, True
        cloud.ends_with = CODE.PERMISSION_DENIED
        with pytest.raises(ProviderError, match="gcloud services enable speech.googleapis.com"):
            heard(stt_of(cloud))

    @pytest.mark.parametrize("code", [CODE.OUT_OF_RANGE, CODE.UNAVAILABLE])
    def test_without_a_final_all_of_it_is_heard_again(
        self, cloud: SpeechCloud, code: grpc.StatusCode
    ) -> None:
        cloud.ends_early_s, cloud.settles_s, cloud.ends_with, cloud.ends_early = 0.5, 0, code, 1
        listener = Listener(stt_of(cloud, limits=PATIENT).start(Expected(), 1, 5))
        listener.recognition.feed(NOISE[:2400])
        until(lambda: listener.items)
        listener.recognition.feed(NOISE[2400:4000])
        until(lambda: len(cloud.watch.exchanges) == 2)
        listener.recognition.feed(NOISE[4000:6000])
        listener.recognition.finish()
        assert listener.done().finals == [DEFAULT_LINE]
        assert bytes(asked(cloud)[1].audio) == NOISE[:6000]

    def test_after_the_end_of_speech_too(self, cloud: SpeechCloud) -> None:
        """The audio is kept, so that even the last stream may be lost."""
        cloud.watch.next(Fault.CUT_MID_STREAM)
        assert [final.text for final in heard(stt_of(cloud, limits=PATIENT))] == [DEFAULT_LINE]
        assert [bytes(request.audio) for request in asked(cloud)][1] == NOISE[:4000]

    @pytest.mark.parametrize("code", [CODE.OK, CODE.OUT_OF_RANGE, CODE.UNAVAILABLE])
    def test_one_that_ends_at_once_is_an_error(self, cloud: SpeechCloud, code: grpc.StatusCode) -> None:
        """The stream is not opened again and again."""
        cloud.ends_early_s, cloud.settles_s, cloud.ends_with, cloud.ends_early = 0.1, 0, code, 100
        listener = Listener(stt_of(cloud).start(Expected(), 1, 5))
        listener.recognition.feed(NOISE[:1600])
        error = listener.done().error
        assert error is not None and error.retryable
        assert len(cloud.watch.exchanges) == 1

    def test_a_service_that_was_never_reached_is_not_tried_again(self, cloud: SpeechCloud) -> None:
        cloud.watch.always = Fault.UNAVAILABLE
        with pytest.raises(ProviderError, match="UNAVAILABLE") as raised:
            heard(stt_of(cloud, limits=PATIENT))
        assert raised.value.retryable and len(cloud.watch.exchanges) == 1

    @pytest.mark.parametrize("audio", [b"", NOISE[:4000]], ids=["none at all", "none left"])
    def test_a_stream_without_audio_is_not_waited_for(self, cloud: SpeechCloud, audio: bytes) -> None:
        """The transcript stands, however Google ends a stream without audio."""
        cloud.ends_early_s, cloud.ends_early = 0.5, 1
        if audio:
            cloud.watch.next(Fault.NONE)
        cloud.watch.always = Fault.HUNG_BEFORE_HEADERS
        listener = Listener(stt_of(cloud).start(Expected(), 1, 30))
        listener.recognition.feed(audio)
        until(lambda: len(cloud.watch.exchanges) == (2 if audio else 1))
        began = time.monotonic()
        listener.recognition.finish()
        assert listener.done().error is None
        assert time.monotonic() - began < 0.5
        assert listener.finals == ([DEFAULT_LINE] if audio else [])
        until(lambda: not cloud.watch.open)

    def test_all_streams_together_have_one_deadline(self, cloud: SpeechCloud) -> None:
        cloud.ends_early_s, cloud.settles_s, cloud.ends_early = 0.1, 0, 10_000
        began = time.monotonic()
        recognition = stt_of(cloud, limits=PATIENT).start(Expected(), 1, 0.5)
        recognition.feed(NOISE[:1600])
        with pytest.raises(ProviderError, match="in time"):
            list(recognition)
        assert 0.4 < time.monotonic() - began < 1.5


class TestWhole:
    @BOTH
    def test_what_is_asked_for(self, cloud: SpeechCloud, api: str) -> None:
        google = stt_of(cloud, api)
        said = google.recognize(NOISE, Expected(("כן",)), 5)
        assert said.text == DEFAULT_LINE and said.is_final
        (request,) = asked(cloud)
        assert (request.method, request.language, request.hints) == ("Recognize", "iw-IL", ["כן"])
        assert bytes(request.audio) == NOISE
        routing = request.metadata.get("x-goog-request-params")
        assert routing == {"v1": None, "v2": "recognizer=projects/local/locations/eu/recognizers/_"}[api]

    def test_more_than_a_minute(self, cloud: SpeechCloud) -> None:
        google = stt_of(cloud)
        google.recognize(b"\xff" * 480_000, Expected(), 5)
        with pytest.raises(ProviderError, match="60 s") as raised:
            google.recognize(b"\xff" * 488_000, Expected(), 5)
        assert not raised.value.retryable and len(cloud.watch.exchanges) == 1


def test_warming_has_an_end(cloud: SpeechCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stt, "WARM_TIMEOUT_S", 0.2)
    cloud.watch.always = Fault.HUNG_BEFORE_HEADERS
    with pytest.raises(ProviderError, match="in time"):
        stt_of(cloud).warm()


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "retryable", "says"),
        [
            (CODE.UNAUTHENTICATED, False, "GOOGLE_APPLICATION_CREDENTIALS"),
            (CODE.PERMISSION_DENIED, False, "gcloud services enable speech.googleapis.com"),
            (CODE.INVALID_ARGUMENT, False, "is KNOB right"),
            (CODE.NOT_FOUND, False, "is KNOB right"),
            (CODE.RESOURCE_EXHAUSTED, True, "quota for speech.googleapis.com"),
            (CODE.DEADLINE_EXCEEDED, True, "in time"),
            (CODE.UNAVAILABLE, True, "UNAVAILABLE"),
            (CODE.UNIMPLEMENTED, False, "UNIMPLEMENTED"),
        ],
    )
    def test_each_says_what_to_do(self, code: grpc.StatusCode, retryable: bool, says: str) -> None:
        error = explained(code, "because", SPEECH_V1, "is KNOB right?")
        assert says in str(error) and error.retryable is retryable

    def test_a_key_that_is_not_accepted(self) -> None:
        error = explained(CODE.UNAUTHENTICATED, "no", SPEECH_V1, "")
        assert "GOOGLE_APPLICATION_CREDENTIALS" in str(error) and not error.retryable

    def test_a_key_that_cannot_be_used_now(self) -> None:
        """The network may have failed during a refresh."""
        error = explained(CODE.UNAVAILABLE, "Getting metadata from plugin failed", SPEECH_V1, "")
        assert "credentials" in str(error) and error.retryable


def key_file(path: Path, **more: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "private_key": pem.decode(),
        "client_email": "agent@example.com",
        "token_uri": "https://127.0.0.1:1/token",
    }
    path.write_text(json.dumps(account | more))
    return str(path)


class TestCredentials:
    def test_the_knobs_file_is_loaded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The path may come from .env, which Google's libraries do not read."""
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        file = key_file(tmp_path / "key.json", project_id="from-the-file")
        endpoint = "https://localhost:1"
        for service in (SPEECH_V1, SPEECH_V2, TEXT_TO_SPEECH):
            connection = connect(Address(service, endpoint, file))
            assert connection.project == "from-the-file"
            assert connection.transport.host == "localhost:1"
            assert connect(Address(service, endpoint, file)) is connection
        recognizer = GoogleStt(
            load_config(
                google_speech_api="v2", google_speech_endpoint=endpoint, google_application_credentials=file
            )
        )
        with pytest.raises(ProviderError):  # over TLS, where nobody listens
            recognizer.recognize(b"\xff", Expected(), 2)

    @pytest.mark.parametrize("unfolded", [False, True], ids=["as it is", "with its line breaks unfolded"])
    def test_f12_the_key_itself_where_there_are_no_files(self, tmp_path: Path, unfolded: bool) -> None:
        key = Path(key_file(tmp_path / "key.json", project_id="in-the-key")).read_text()
        knobs = load_config(google_credentials_json=key.replace("\\n", "\n") if unfolded else key)
        connection = connect(
            Address(SPEECH_V1, f"https://localhost:{4 + unfolded}", key_json=knobs.google_credentials_json)
        )
        assert connection.project == "in-the-key"
        assert "PRIVATE" not in f"{knobs} {knobs!r}"

    @pytest.mark.parametrize("key", ["PRIVATE", "[]", '{"type": "PRIVATE"}', '{"private_key": "PRIVATE"}'])
    def test_f12_what_is_no_key_is_not_told(self, key: str) -> None:
        with pytest.raises(ProviderError, match="GOOGLE_CREDENTIALS_JSON is not") as raised:
            connect(Address(SPEECH_V1, "https://localhost:6", key_json=SecretStr(key)))
        assert "PRIVATE" not in str(raised.value) and raised.value.__suppress_context__

    def test_no_project(self, tmp_path: Path) -> None:
        file, endpoint = key_file(tmp_path / "key.json"), "https://localhost:2"
        knobs = {"google_speech_endpoint": endpoint, "google_application_credentials": file}
        with pytest.raises(ProviderError, match="GOOGLE_CLOUD_PROJECT"):
            heard(GoogleStt(load_config(google_speech_api="v2", **knobs)))

    @pytest.mark.parametrize("content", [None, "{}", "not JSON"], ids=["missing", "no key", "not JSON"])
    def test_none_is_said_once_in_a_while(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
    ) -> None:
        file = tmp_path / "key.json"
        if content is not None:
            file.write_text(content)
        knobs = {
            "google_speech_endpoint": "https://localhost:3",
            "google_application_credentials": str(file),
        }
        for _ in range(2):
            with pytest.raises(ProviderError, match="GOOGLE_APPLICATION_CREDENTIALS") as raised:
                heard(GoogleStt(load_config(**knobs)))
            assert not raised.value.retryable
            monkeypatch.setattr(google_auth, "load_credentials_from_file", None)  # it is remembered
        monkeypatch.setattr(client, "FAILED_CONNECTION_S", 0)

    def test_one_connection_serves_the_process(self, cloud: SpeechCloud) -> None:
        heard(stt_of(cloud))
        heard(stt_of(cloud))
        stt_of(cloud).recognize(NOISE[:800], Expected(), 5)
        assert cloud.watch.connections == 1


UNDER_GEVENT = """
from server.config import Config, load_config
from server.turns.effects import Expected
from server.providers.google.stt import GoogleStt
stt = GoogleStt(load_config(google_speech_endpoint=sys.argv[1], google_speech_api=sys.argv[2]))
stt.warm()  # the import stalls the hub once, which is why workers warm their engines
watch_the_hub()
before = threading.active_count()
heard, dropped = [], []
def listen(recognition, into):
    into.append([heard.text for heard in recognition if heard.is_final])
calls = [stt.start(Expected(), 1, 10) for _ in range(16)]
readers = [threading.Thread(target=listen, args=(call, dropped if number % 4 == 3 else heard))
           for number, call in enumerate(calls)]
for reader in readers: reader.start()
for frame in range(50):
    for call in calls: call.feed(bytes([frame]) * 160)
    time.sleep(0.02)
for number, call in enumerate(calls): call.cancel() if number % 4 == 3 else call.finish()
for reader in readers: reader.join(5)
deadline = time.monotonic() + 5
while threading.active_count() > before and time.monotonic() < deadline: time.sleep(0.01)
gap = largest_gap()
print(len(heard), len(dropped), sum(dropped, []), threading.active_count() - before, gap < 0.25, gap)
print({words for finals in heard for words in finals})
"""


@pytest.mark.servers
@BOTH
def test_many_calls_under_gevent(cloud: SpeechCloud, api: str) -> None:
    """Without ``init_gevent`` the first stream would block the whole process."""
    cloud.hears = lambda audio: str(len(audio))
    printed = under_gevent(UNDER_GEVENT, cloud.endpoint, api)
    counts, words = printed.splitlines()[:2] if printed else ("", "")
    assert counts.split()[:5] == ["12", "4", "[]", "0", "True"], printed
    assert words == "{'8000'}"
    assert sum(exchange.dropped_at is not None for exchange in cloud.watch.exchanges) == 4
