"""OpenAI's STT in a transcription session: real WebSockets, against a local server of its protocol."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.config import load_config
from server.providers.base import ProviderError, Recognition, Transcript
from server.providers.openai.endpoint import stt_endpoint
from server.providers.openai.live_stt import LiveHearing, OpenAILiveStt, Options
from server.turns.effects import Expected
from tests.cloud.openai import OpenAICloud
from tests.cloud.openai_realtime import Utterance
from tests.cloud.watch import Fault
from tests.providers.reading import Reading, under_gevent
from tests.waiting import until

SECOND = bytes(range(160)) * 50
WORDS = "אני מחפש דירה בחיפה"
AT_ONCE_S = 0.1


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud() as cloud:
        yield cloud
        refused = cloud.realtime.refused_parameters or cloud.realtime.refused_formats
        assert refused or not [each for each in cloud.realtime.violations if "model" not in each]
        until(lambda: not cloud.realtime.open)


def stt_of(cloud: OpenAICloud, **knobs: Any) -> OpenAILiveStt:
    values = {"openai_base_url": cloud.base_url, "openai_api_key": "sk-test", **knobs}
    return OpenAILiveStt(load_config(_env_file=None, **values))


def said(cloud: OpenAICloud, final: str = WORDS, **more: Any) -> None:
    cloud.realtime.utterances.append(Utterance(final, **more))


def finished(recognition: Recognition, audio: bytes = SECOND * 2) -> list[Transcript]:
    recognition.feed(audio)
    recognition.finish()
    return list(recognition)


def heard(cloud: OpenAICloud, expected: Expected | None = None, **knobs: Any) -> list[Transcript]:
    return finished(stt_of(cloud, **knobs).start(expected or Expected(), 1, 5))


def asked(cloud: OpenAICloud, session: int = -1) -> list[dict[str, Any]]:
    """The updates by which a session was asked for."""
    received = cloud.realtime.opened[session].received
    return [event.body["session"] for event in received if event.type == "session.update"]


class TestWords:
    def test_they_come_while_the_caller_speaks(self, cloud: OpenAICloud) -> None:
        said(cloud)
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        reading = Reading(recognition)
        recognition.feed(SECOND * 2)
        until(lambda: any(transcript.text == WORDS for transcript in reading.items))
        assert not any(transcript.is_final for transcript in reading.items)
        recognition.finish()
        assert reading.ended_within(2)
        assert (reading.items[-1].text, reading.items[-1].is_final) == (WORDS, True)

    def test_e1_how_sure_it_is_comes_with_the_transcript(self, cloud: OpenAICloud) -> None:
        said(cloud)
        assert 0.9 < (heard(cloud)[-1].confidence or 0) <= 1

    def test_what_is_asked_for(self, cloud: OpenAICloud, tmp_path: Path) -> None:
        phrases = tmp_path / "phrases.txt"
        phrases.write_text("נווה שאנן\nכרמל <צרפתי>\n", "utf-8")
        said(cloud)
        heard(cloud, Expected(phrases=("קנייה",)), asr_phrases_file=str(phrases))
        (session,) = asked(cloud)
        hears = session["audio"]["input"]
        assert hears["format"] == {"type": "audio/pcmu"}
        assert hears["turn_detection"] is None
        assert hears["transcription"]["languages"] == ["he"]
        assert hears["transcription"]["keywords"] == ["נווה שאנן", "כרמל צרפתי", "קנייה"]

    def test_the_caller_is_heard_to_the_last_sample(self, cloud: OpenAICloud) -> None:
        said(cloud)
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        for begin in range(0, 2 * len(SECOND), 160):
            recognition.feed((SECOND * 2)[begin : begin + 160])
        recognition.finish()
        list(recognition)
        assert bytes(cloud.realtime.stt.exchanges[-1].request.audio) == SECOND * 2

    def test_a_click_has_no_words(self, cloud: OpenAICloud) -> None:
        """The API refuses to transcribe less than 100 ms."""
        assert finished(stt_of(cloud).start(Expected(), 1, 5), SECOND[:700]) == []

    def test_silence_has_none(self, cloud: OpenAICloud) -> None:
        cloud.realtime.stt.next(Fault.EMPTY)
        assert [transcript.text for transcript in heard(cloud) if transcript.is_final] == [""]

    @pytest.mark.parametrize("words", ["Thank you for watching", "ご視聴ありがとうございました"])
    def test_e1_words_of_another_language_are_in_doubt(self, cloud: OpenAICloud, words: str) -> None:
        said(cloud, words)
        transcripts = heard(cloud)
        assert transcripts[-1].confidence == 0.0 or transcripts[-1].text == ""
        assert not [
            transcript for transcript in transcripts if not transcript.is_final and words in transcript.text
        ]

    def test_an_utterance_that_is_over_is_recognised_too(self, cloud: OpenAICloud) -> None:
        said(cloud)
        assert stt_of(cloud).recognize(SECOND * 2, Expected(), 5).text == WORDS


SILENCE = b"\xff" * 160


class TestPause:
    """The utterance may be over: its words are asked for while the closing silence goes by."""

    def test_b3_a_pause_that_is_the_end_leaves_nothing_to_wait_for(self, cloud: OpenAICloud) -> None:
        said(cloud)
        cloud.realtime.stt.delays.first_s = 0.05
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        reading = Reading(recognition)
        recognition.feed(SECOND * 2)
        recognition.flush()
        for _ in range(20):
            recognition.feed(SILENCE)
        until(lambda: any(transcript.is_final for transcript in reading.items))
        recognition.finish()
        assert reading.ended_within(AT_ONCE_S) and reading.items[-1].text == WORDS
        assert self.commits(cloud) == 1

    def test_b3_a_breath_is_no_pause(self, cloud: OpenAICloud) -> None:
        said(cloud)
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        recognition.feed(SECOND)
        recognition.flush()
        recognition.feed(SILENCE * 5)
        recognition.resume()
        assert finished(recognition, SECOND)[-1].text == WORDS
        assert self.commits(cloud) == 1
        assert bytes(cloud.realtime.stt.exchanges[0].request.audio) == SECOND + SILENCE * 5 + SECOND

    def test_b3_who_goes_on_behind_a_pause_is_heard_whole(self, cloud: OpenAICloud) -> None:
        said(cloud, "אני מחפש")
        said(cloud, "דירה בחיפה")
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        recognition.feed(SECOND)
        recognition.flush()
        recognition.feed(SILENCE * 20)
        recognition.resume()
        finals = [transcript.text for transcript in finished(recognition, SECOND) if transcript.is_final]
        assert finals == ["אני מחפש", "דירה בחיפה"]
        heard = b"".join(bytes(exchange.request.audio) for exchange in cloud.realtime.stt.exchanges)
        assert heard == SECOND + SILENCE * 20 + SECOND

    @staticmethod
    def commits(cloud: OpenAICloud) -> int:
        return cloud.realtime.opened[0].received_types().count("input_audio_buffer.commit")


class TestOptions:
    @pytest.mark.parametrize(
        ("refused", "gone"),
        [
            ("session.include", lambda session: "include" not in session),
            (
                "session.audio.input.transcription.keywords",
                lambda session: "keywords" not in session["audio"]["input"]["transcription"],
            ),
            (
                "session.audio.input.transcription.delay",
                lambda session: "delay" not in session["audio"]["input"]["transcription"],
            ),
            (
                "session.audio.input.format",
                lambda session: session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000},
            ),
        ],
    )
    def test_one_that_is_refused_is_left_out_from_then_on(
        self, cloud: OpenAICloud, refused: str, gone: Any
    ) -> None:
        if refused.endswith("format"):
            cloud.realtime.refused_formats = {"audio/pcmu"}
        else:
            cloud.realtime.refused_parameters = {refused}
        stt, expected = stt_of(cloud), Expected(phrases=("כרמל",))
        for _ in range(2):
            said(cloud)
            assert finished(stt.start(expected, 1, 5))[-1].text == WORDS
        first, second = asked(cloud, 0), asked(cloud, 1)
        assert [gone(session) for session in first] == [False, True]
        assert [gone(session) for session in second] == [True]

    def test_calls_that_begin_together_are_refused_it_each(self) -> None:
        endpoint = stt_endpoint(load_config(_env_file=None, openai_api_key="sk-test"))
        options = Options()
        calls = [LiveHearing(endpoint, (), options) for _ in range(2)]
        param = "session.audio.input.transcription.delay"
        assert all("'delay'" in str(call.opening()) for call in calls)
        for call in calls:
            assert not list(call.read({"type": "error", "error": {"param": param}}))
            (again,) = call.answer()
            assert "session.update" in str(again) and "'delay'" not in str(again)


class TestFaults:
    def test_a_connection_that_is_cut_is_made_again_and_hears_it_all(self, cloud: OpenAICloud) -> None:
        cloud.realtime.stt.next(Fault.CUT_MID_STREAM)
        said(cloud)
        said(cloud)
        assert heard(cloud)[-1].text == WORDS
        assert len(cloud.realtime.opened) == 2
        assert bytes(cloud.realtime.stt.exchanges[-1].request.audio) == SECOND * 2

    def test_an_hour_is_over_in_mid_utterance(self, cloud: OpenAICloud) -> None:
        cloud.realtime.stt.next(Fault.EXPIRED)
        said(cloud)
        said(cloud)
        assert heard(cloud)[-1].text == WORDS

    @pytest.mark.parametrize(
        ("fault", "says", "retryable"),
        [
            (Fault.TOO_MANY, "rate limit", True),
            (Fault.UNAVAILABLE, "503", True),
            (Fault.MODEL_GONE, "OPENAI_STT_MODEL=gpt-live-transcribe", False),
        ],
    )
    def test_a_session_that_is_refused_says_what_to_look_at(
        self, cloud: OpenAICloud, fault: Fault, says: str, retryable: bool
    ) -> None:
        cloud.realtime.sessions.next(fault)
        with pytest.raises(ProviderError, match=says) as raised:
            heard(cloud)
        assert raised.value.retryable is retryable

    def test_a_wrong_key(self, cloud: OpenAICloud) -> None:
        cloud.refused_keys = {"sk-test"}
        with pytest.raises(ProviderError, match="OPENAI_API_KEY") as raised:
            heard(cloud)
        assert not raised.value.retryable and "sk-test" not in str(raised.value)

    @pytest.mark.parametrize("code", ["invalid_api_key", "insufficient_quota"])
    def test_refused_behind_a_handshake_that_went_well(self, cloud: OpenAICloud, code: str) -> None:
        cloud.realtime.refuses_with = code
        with pytest.raises(ProviderError, match="key|credit") as raised:
            heard(cloud)
        assert not raised.value.retryable

    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    @pytest.mark.parametrize("where", ["sessions", "stt"])
    def test_what_hangs_costs_the_timeout(self, cloud: OpenAICloud, fault: Fault, where: str) -> None:
        getattr(cloud.realtime, where).next(fault)
        said(cloud)
        recognition = stt_of(cloud).start(Expected(), 1, 0.4)
        began = time.monotonic()
        with pytest.raises(ProviderError) as raised:
            finished(recognition)
        assert raised.value.retryable and time.monotonic() - began < 0.8

    def test_garbage(self, cloud: OpenAICloud) -> None:
        cloud.realtime.stt.next(Fault.GARBAGE)
        said(cloud)
        with pytest.raises(ProviderError, match="not JSON"):
            heard(cloud)

    def test_a_server_without_the_api_says_so(self, cloud: OpenAICloud) -> None:
        cloud.realtime.serves = False
        with pytest.raises(ProviderError, match="Realtime API"):
            heard(cloud)


class TestCancel:
    @pytest.mark.parametrize("fault", [None, Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_it_ends_at_once_and_leaves_nothing(self, cloud: OpenAICloud, fault: Fault | None) -> None:
        """A barge-in, a noise, a hang-up: reader, sender and socket are gone."""
        before = set(threading.enumerate())
        if fault is not None:
            cloud.realtime.sessions.next(fault)
        said(cloud)
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        reading = Reading(recognition)
        recognition.feed(SECOND)
        until(lambda: len(cloud.realtime.opened) == 1 or fault is Fault.HUNG_BEFORE_HEADERS)
        recognition.cancel()
        assert reading.ended_within(AT_ONCE_S) and reading.error is None
        until(lambda: not cloud.realtime.open)
        until(lambda: not [t for t in threading.enumerate() if t not in before and t.name == "stt-sends"])

    def test_before_it_is_read(self, cloud: OpenAICloud) -> None:
        recognition = stt_of(cloud).start(Expected(), 1, 5)
        recognition.cancel()
        assert list(recognition) == [] and not cloud.realtime.opened


UNDER_GEVENT = """
from server.config import load_config
from server.turns.effects import Expected
from server.providers.openai.live_stt import OpenAILiveStt
stt = OpenAILiveStt(load_config(openai_base_url=sys.argv[1]))
stt.warm()
watch_the_hub()
texts = []
while len(ticks) < 3: time.sleep(0.02)
four_at_once(lambda: texts.append(stt.recognize(bytes(range(160)) * 100, Expected(), 10).text))
print(len(texts), all(texts), largest_gap() < 0.2)
"""


def test_under_gevent_four_are_heard_and_the_hub_goes_on(cloud: OpenAICloud) -> None:
    for _ in range(4):
        said(cloud)
    assert under_gevent(UNDER_GEVENT, cloud.base_url).split() == ["4", "True", "True"]
