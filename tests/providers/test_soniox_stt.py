"""Soniox's STT: the real client over real sockets, against a local server that speaks Soniox's protocol."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.audio.frames import MULAW_SILENCE, pcm16_to_mulaw
from server.config import Config, load_config
from server.providers.base import ProviderError, Recognition, Transcript
from server.providers.soniox.stt import SonioxHearing, SonioxStt
from server.providers.streaming.connection import ConnectionLost
from server.turns.effects import Expected
from tests.cloud.google import tone
from tests.cloud.soniox import DEFAULT_LINE, SonioxCloud
from tests.cloud.soniox_stt import FOREIGN_LINE
from tests.cloud.watch import Fault
from tests.providers.reading import Reading, under_gevent
from tests.providers.sockets import nothing_left
from tests.waiting import until

KEY = "key-nobody-may-read"
SPEECH = pcm16_to_mulaw(tone("א" * 30))  # 1.8 s
SILENCE = MULAW_SILENCE * 8000
AT_ONCE_S = 0.1


@pytest.fixture
def cloud() -> Iterator[SonioxCloud]:
    with SonioxCloud() as cloud:
        yield cloud
    assert cloud.violations == []


def config_of(cloud: SonioxCloud, **knobs: Any) -> Config:
    return load_config(**{"soniox_api_key": KEY, "soniox_stt_url": cloud.stt_url, **knobs})


def asked(
    cloud: SonioxCloud,
    audio: bytes = SPEECH,
    timeout_s: float = 5.0,
    expected: Expected = Expected(),  # noqa: B008
    **knobs: Any,
) -> Recognition:
    recognition = SonioxStt(config_of(cloud, **knobs)).start(expected, 1, timeout_s)
    recognition.feed(audio)
    recognition.finish()
    return recognition


def heard(cloud: SonioxCloud, audio: bytes = SPEECH, **knobs: Any) -> list[Transcript]:
    with nothing_left(cloud.stt_url):
        return list(asked(cloud, audio, **knobs))


def failure(cloud: SonioxCloud, **knobs: Any) -> ProviderError:
    with nothing_left(cloud.stt_url), pytest.raises(ProviderError) as raised:
        list(asked(cloud, **knobs))
    assert KEY not in str(raised.value)
    return raised.value


class TestWords:
    def test_interim_ones_and_a_final(self, cloud: SonioxCloud) -> None:
        *interim, final = heard(cloud)
        assert final == Transcript(DEFAULT_LINE, pytest.approx(0.9))
        assert interim and not any(transcript.is_final for transcript in interim)
        assert all(DEFAULT_LINE.startswith(transcript.text) for transcript in interim)
        assert len({transcript.text for transcript in interim}) > 2

    def test_while_the_caller_still_speaks(self, cloud: SonioxCloud) -> None:
        recognition = SonioxStt(config_of(cloud)).start(Expected(), 1, 5)
        reading = Reading[Transcript](recognition)
        recognition.feed(SPEECH[:8000])
        until(lambda: reading.items)
        assert not cloud.stt.exchanges[0].request.ended
        recognition.feed(SPEECH[8000:])
        recognition.finish()
        recognition.feed(SPEECH)  # ignored
        assert reading.ended_within(3) and reading.items[-1].text == DEFAULT_LINE
        assert cloud.stt.exchanges[0].request.audio == SPEECH

    def test_an_end_of_the_turn(self, cloud: SonioxCloud) -> None:
        """``ends`` stands on the words before the mark alone: what is said behind it is no end."""

        def hears(segment: bytes) -> str:
            later = len(cloud.stt.exchanges[0].request.audio) > len(segment)
            return "ברמת גן" if later else DEFAULT_LINE

        cloud.hears = hears
        *interim, final = heard(cloud, SPEECH + SILENCE + SPEECH)
        (end,) = (index for index, each in enumerate(interim) if each.ends)
        assert interim[end].text == DEFAULT_LINE
        assert interim[end + 1 :] and final.text == f"{DEFAULT_LINE} ברמת גן" and not final.ends

    @pytest.mark.parametrize("apart", [False, True])
    def test_marks_with_the_words_or_behind_them(self, cloud: SonioxCloud, apart: bool) -> None:
        cloud.marks_apart = apart
        *interim, final = heard(cloud, SPEECH + SILENCE)
        assert [each.text for each in interim if each.ends] == [DEFAULT_LINE]
        assert final.text == DEFAULT_LINE

    def test_nothing_is_said(self, cloud: SonioxCloud) -> None:
        assert heard(cloud, SILENCE) == [Transcript("")]

    def test_no_audio_is_sent(self, cloud: SonioxCloud) -> None:
        assert heard(cloud, b"") == []

    def test_low_confidence(self, cloud: SonioxCloud) -> None:
        cloud.stt.next(Fault.LOW_CONFIDENCE)
        assert heard(cloud)[-1].confidence == pytest.approx(0.1)

    def test_another_language(self, cloud: SonioxCloud) -> None:
        cloud.stt.next(Fault.WRONG_LANGUAGE)
        *interim, final = heard(cloud)
        assert final == Transcript(FOREIGN_LINE, 0.0)
        assert max(len(each.text.split()) for each in interim) < 3

    def test_unknown_fields(self, cloud: SonioxCloud) -> None:
        cloud.unknown_fields = {"new": [1], "error_code": None}
        assert heard(cloud)[-1].text == DEFAULT_LINE

    def test_an_utterance_that_is_over(self, cloud: SonioxCloud) -> None:
        whole = SonioxStt(config_of(cloud)).recognize(SPEECH, Expected(), 5)
        assert (whole.text, whole.confidence) == (DEFAULT_LINE, pytest.approx(0.9))


class TestRequest:
    def test_what_it_asks_for(self, cloud: SonioxCloud) -> None:
        heard(cloud)
        (request,) = (exchange.request for exchange in cloud.stt.exchanges)
        assert request.key_in == "header"
        assert (request.finalizes, request.ended) == (1, True)
        assert request.config == {
            "model": "stt-rt-v5",
            "audio_format": "mulaw",
            "sample_rate": 8000,
            "num_channels": 1,
            "language_hints": ["he"],
            "language_hints_strict": True,
            "enable_endpoint_detection": True,
            "max_endpoint_delay_ms": 2000,
        }

    def test_names_to_expect(self, cloud: SonioxCloud, tmp_path: Path) -> None:
        phrases = tmp_path / "phrases.txt"
        phrases.write_text("גינדי\nנווה צדק\n", "utf-8")
        heard(cloud, expected=Expected(phrases=("רוטשילד", "גינדי")), asr_phrases_file=str(phrases))
        context = cloud.stt.exchanges[0].request.config["context"]
        assert context == {"terms": ["גינדי", "נווה צדק", "רוטשילד"]}

    def test_no_more_names_than_it_takes(self, cloud: SonioxCloud) -> None:
        many = tuple(f"שם ארוך של רחוב {number}" for number in range(2000))
        assert heard(cloud, expected=Expected(phrases=many))[-1].text == DEFAULT_LINE
        assert 100 < len(cloud.stt.exchanges[0].request.config["context"]["terms"]) < 2000

    def test_warming(self, cloud: SonioxCloud) -> None:
        SonioxStt(config_of(cloud)).warm()
        assert len(cloud.stt.exchanges) == 1


class TestBroken:
    """The words of an utterance come once, or a ProviderError."""

    @pytest.mark.parametrize(
        "fault", [Fault.CUT_MID_STREAM, Fault.REFUSED, Fault.UNAVAILABLE, *(
            Fault.CLOSED, Fault.RESTART, Fault.EXPIRED)]
    )  # fmt: skip
    def test_a_session_that_ends_is_begun_anew(self, cloud: SonioxCloud, fault: Any) -> None:
        cloud.stt.next(fault)
        assert [each.text for each in heard(cloud) if each.is_final] == [DEFAULT_LINE]
        assert len(cloud.stt.exchanges) == 2
        assert cloud.stt.exchanges[1].request.audio == SPEECH

    def test_in_the_middle_of_the_utterance(self, cloud: SonioxCloud) -> None:
        cloud.stt.next(Fault.CUT_MID_STREAM)
        recognition = SonioxStt(config_of(cloud)).start(Expected(), 1, 5)
        reading = Reading[Transcript](recognition)
        recognition.feed(SPEECH[:8000])
        until(lambda: len(cloud.stt.exchanges) == 2 and len(cloud.stt.exchanges[1].request.audio) == 8000)
        recognition.feed(SPEECH[8000:])
        recognition.finish()
        assert reading.ended_within(3)
        assert [each.text for each in reading.items if each.is_final] == [DEFAULT_LINE]
        assert cloud.stt.exchanges[1].request.audio == SPEECH

    def test_twice(self, cloud: SonioxCloud) -> None:
        cloud.stt.always = Fault.RESTART
        error = failure(cloud)
        assert error.retryable and "Soniox ended the session: 503" in str(error)
        assert len(cloud.stt.exchanges) == 2

    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM, Fault.SLOW])
    def test_hangs_and_late_finals_cost_the_timeout(self, cloud: SonioxCloud, fault: Fault) -> None:
        cloud.stt.next(fault)
        began = time.monotonic()
        error = failure(cloud, timeout_s=0.3)
        assert error.retryable and "in time" in str(error)
        assert 0.25 < time.monotonic() - began < 0.9

    def test_the_door_hangs(self, cloud: SonioxCloud) -> None:
        cloud.door.next(Fault.HUNG_BEFORE_HEADERS)
        began = time.monotonic()
        assert failure(cloud, timeout_s=0.3).retryable
        assert time.monotonic() - began < 0.9

    def test_the_door_breaks(self, cloud: SonioxCloud) -> None:
        cloud.door.next(Fault.REFUSED)
        assert heard(cloud)[-1].text == DEFAULT_LINE

    def test_garbage(self, cloud: SonioxCloud) -> None:
        cloud.stt.next(Fault.GARBAGE)
        assert failure(cloud).retryable

    @pytest.mark.parametrize(
        "message", [{"tokens": 5}, {"tokens": [5]}, {"tokens": [None]}, {"tokens": {"text": "a"}}], ids=str
    )
    def test_tokens_that_are_none(self, message: dict[str, Any]) -> None:
        with pytest.raises(ProviderError, match="no tokens"):
            list(SonioxHearing("m", ()).read(message))

    def test_tokens_without_a_confidence(self) -> None:
        """It is not known: 0 would have the caller asked again."""
        tokens = [{"text": "שלום", "is_final": True}, {"text": "<fin>", "is_final": True}]
        assert list(SonioxHearing("m", ()).read({"tokens": tokens})) == [Transcript("שלום", None)]

    @pytest.mark.parametrize("later", [{"text": " עוד"}, {"text": " עוד", "is_final": True}], ids=str)
    def test_words_behind_a_mark_in_one_response(self, later: dict[str, Any]) -> None:
        tokens = [{"text": "שלום", "is_final": True}, {"text": "<end>", "is_final": True}, later]
        (transcript,) = SonioxHearing("m", ()).read({"tokens": tokens})
        assert transcript == Transcript("שלום עוד", is_final=False)

    def test_refused_while_the_caller_speaks(self, cloud: SonioxCloud) -> None:
        """Nobody waits for the rest of the audio."""
        cloud.stt.next(Fault.TOO_MANY)
        recognition = SonioxStt(config_of(cloud)).start(Expected(), 1, 5)
        recognition.feed(SPEECH[:400])  # less than is sent at once
        with nothing_left(cloud.stt_url), pytest.raises(ProviderError):
            list(recognition)

    def test_a_socket_is_let_go_with_its_error(self, cloud: SonioxCloud) -> None:
        """Even while somebody holds the error."""
        cloud.stt.next(Fault.GARBAGE)
        error = failure(cloud)
        until(lambda: not cloud.open_links, 0.5)
        assert error


ASKS_FOR: list[tuple[Any, str, bool]] = [
    (Fault.KEY, "SONIOX_API_KEY", False),
    (Fault.MODEL_GONE, "SONIOX_STT_MODEL=stt-rt-v5", False),
    (Fault.TOO_MANY, "console", True),
]


@pytest.mark.parametrize(
    ("code", "anew", "retryable", "names"),
    [
        (400, False, False, "SONIOX_STT_MODEL=m"),
        (402, False, False, "budget"),
        (403, False, False, "SONIOX_API_KEY"),
        (408, True, True, "408"),
        (413, True, True, "413"),
        (500, True, True, "500"),
        (502, True, True, "502"),
        ("x", False, False, "x"),
    ],
)
def test_errors(code: Any, anew: bool, retryable: bool, names: str) -> None:
    with pytest.raises(ProviderError, match=names) as raised:
        list(SonioxHearing("m", ()).read({"tokens": [], "error_code": code, "error_message": "why"}))
    assert isinstance(raised.value, ConnectionLost) is anew
    assert raised.value.retryable is retryable and "why" in str(raised.value)


class TestRefused:
    """Once, with what to look at."""

    @pytest.mark.parametrize(("fault", "names", "retryable"), ASKS_FOR, ids=str)
    def test_a_session(self, cloud: SonioxCloud, fault: Any, names: str, retryable: bool) -> None:
        cloud.stt.next(fault)
        error = failure(cloud)
        assert names in str(error) and error.retryable is retryable
        assert len(cloud.stt.exchanges) == 1

    @pytest.mark.parametrize("at", ["start", "open", "upgrade"])
    def test_a_key(self, cloud: SonioxCloud, at: str) -> None:
        cloud.refused_keys, cloud.refuses_keys_at = {KEY}, at
        error = failure(cloud)
        assert "SONIOX_API_KEY" in str(error) and not error.retryable

    def test_a_model(self, cloud: SonioxCloud) -> None:
        error = failure(cloud, soniox_stt_model="stt-rt-v2")
        assert "is SONIOX_STT_MODEL=stt-rt-v2 right" in str(error) and not error.retryable

    @pytest.mark.parametrize(("fault", "retryable"), [(Fault.KEY, False), (Fault.TOO_MANY, True)])
    def test_at_the_door(self, cloud: SonioxCloud, fault: Any, retryable: bool) -> None:
        cloud.door.next(fault)
        error = failure(cloud)
        assert error.retryable is retryable and not isinstance(error, ConnectionLost)

    def test_another_address(self, cloud: SonioxCloud) -> None:
        error = failure(cloud, soniox_stt_url=f"{cloud.stt_url}/v2")
        assert f"SONIOX_STT_URL={cloud.stt_url}/v2" in str(error) and not error.retryable

    def test_no_key(self, cloud: SonioxCloud) -> None:
        with pytest.raises(ProviderError, match="set SONIOX_API_KEY"):
            asked(cloud, soniox_api_key="")

    def test_nobody_is_there(self, cloud: SonioxCloud) -> None:
        error = failure(cloud, soniox_stt_url="ws://127.0.0.1:9/x")
        assert error.retryable and "127.0.0.1:9" in str(error)


class TestCancel:
    def test_before_it_was_read(self, cloud: SonioxCloud) -> None:
        recognition = asked(cloud)
        recognition.cancel()
        assert list(recognition) == [] and cloud.links == []

    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_d2_while_it_hangs(self, cloud: SonioxCloud, fault: Fault) -> None:
        cloud.stt.next(fault)
        with nothing_left(cloud.stt_url):
            recognition = asked(cloud, timeout_s=30)
            self.cancelled(recognition, lambda: cloud.stt.exchanges and cloud.stt.exchanges[0].request.ended)
        until(lambda: cloud.stt.exchanges[0].dropped_at, AT_ONCE_S)

    def test_d2_while_the_caller_speaks(self, cloud: SonioxCloud) -> None:
        with nothing_left(cloud.stt_url):
            recognition = SonioxStt(config_of(cloud)).start(Expected(), 1, 30)
            recognition.feed(SPEECH)
            self.cancelled(recognition, lambda: cloud.stt.exchanges and cloud.stt.exchanges[0].sent)
        until(lambda: cloud.stt.exchanges[0].dropped_at, AT_ONCE_S)

    def test_d2_at_the_door(self, cloud: SonioxCloud) -> None:
        cloud.door.next(Fault.HUNG_BEFORE_HEADERS)
        with nothing_left(cloud.stt_url):
            self.cancelled(asked(cloud, timeout_s=30), lambda: cloud.door.exchanges)
        until(lambda: cloud.door.exchanges[0].dropped_at, AT_ONCE_S)

    def cancelled(self, recognition: Recognition, reached: Callable[[], object]) -> None:
        reading = Reading[Transcript](recognition)
        until(reached)
        recognition.cancel()
        recognition.cancel()
        assert reading.ended_within(AT_ONCE_S) and reading.error is None

    def test_of_one_that_is_not_read_on(self, cloud: SonioxCloud) -> None:
        with nothing_left(cloud.stt_url):
            recognition = SonioxStt(config_of(cloud)).start(Expected(), 1, 30)
            recognition.feed(SPEECH)
            reader = iter(recognition)
            assert next(reader)
            recognition.cancel()
            until(lambda: "stt-sends" not in [thread.name for thread in threading.enumerate()], AT_ONCE_S)
            assert list(reader) == []

    def test_after_the_end(self, cloud: SonioxCloud) -> None:
        recognition = asked(cloud)
        assert list(recognition)[-1].text == DEFAULT_LINE
        recognition.cancel()

    def test_whoever_stops_reading(self, cloud: SonioxCloud) -> None:
        with nothing_left(cloud.stt_url):
            for _ in asked(cloud):
                break


def test_many_at_once(cloud: SonioxCloud) -> None:
    """One provider for all calls: nobody hears another's words, no thread is left."""
    cloud.stt.delays.first_s = 0.1
    provider = SonioxStt(config_of(cloud))
    texts: list[str] = []
    with nothing_left(cloud.stt_url):
        threads = [
            threading.Thread(target=lambda: texts.append(provider.recognize(SPEECH, Expected(), 10).text))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert texts == [DEFAULT_LINE] * 8


SEVERAL = """
from server.config import load_config
from server.providers.soniox.stt import SonioxStt
from server.turns.effects import Expected
provider = SonioxStt(load_config(soniox_api_key="key", soniox_stt_url=sys.argv[1]))
provider.warm()
audio = bytes(range(0, 250)) * 60
watch_the_hub()
texts = []
def ask():
    texts.append(provider.recognize(audio, Expected(), 10).text)
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join(15)
waiting = provider.start(Expected(), 1, 10)
waiting.feed(audio)
reader = threading.Thread(target=lambda: list(waiting), daemon=True)
reader.start()
time.sleep(0.1)
waiting.cancel()
reader.join(0.1)
gap = largest_gap()
print(len(texts), len(set(texts)), reader.is_alive(), gap < 0.25, gap)
"""


@pytest.mark.servers
def test_other_calls_go_on_under_gevent(cloud: SonioxCloud) -> None:
    cloud.stt.delays.first_s = 0.3
    said = under_gevent(SEVERAL, cloud.stt_url)
    assert said.split()[:4] == ["8", "1", "False", "True"], said
