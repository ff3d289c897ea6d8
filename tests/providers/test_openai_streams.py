"""What OpenAI's STT and TTS promise alike: the real SDK over real sockets, against a local server."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest

from server.config import load_config
from server.providers.base import ProviderError, Recognition, SpeechStream
from server.providers.openai.stt import OpenAIStt
from server.providers.openai.tts import OpenAITts
from server.turns.effects import Expected
from tests.cloud.openai import OpenAICloud
from tests.cloud.watch import Fault, Watch
from tests.providers.reading import Reading, under_gevent
from tests.waiting import until

AT_ONCE = 0.3  # seconds; what takes longer has waited for something
HANGS = pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])


class Provider(ABC):
    """One that is asked of ``cloud``. ``exchanges``: what the cloud saw of it."""

    exchanges: Watch
    under_gevent: (
        str  # its code makes ``provider``, ``ask()`` (the answer of a whole request) and ``stream()``
    )

    def __init__(self, cloud: OpenAICloud) -> None:
        self.cloud = cloud

    def asked(self, timeout_s: float = 5.0) -> Recognition | SpeechStream:
        """A request that will be sent when its stream is read."""
        return self.asked_of(self.cloud.base_url, timeout_s)

    @abstractmethod
    def asked_of(self, base_url: str, timeout_s: float) -> Recognition | SpeechStream: ...


class Stt(Provider):
    under_gevent = """
from server.config import load_config
from server.turns.effects import Expected
from server.providers.openai.stt import OpenAIStt
provider = OpenAIStt(load_config(openai_base_url=sys.argv[1], openai_stt_model="gpt-transcribe"))
def ask(): return provider.recognize(bytes(8000), Expected(), 10).text
def stream(): return provider.start(Expected(), 1, 10)
"""

    def __init__(self, cloud: OpenAICloud) -> None:
        super().__init__(cloud)
        self.exchanges = cloud.transcriptions

    def asked_of(self, base_url: str, timeout_s: float) -> Recognition:
        recognition = OpenAIStt(
            load_config(openai_base_url=base_url, openai_stt_model="gpt-transcribe")
        ).start(Expected(), 1, timeout_s)
        recognition.feed(bytes(range(250)) * 32)
        recognition.finish()
        return recognition


class Tts(Provider):
    under_gevent = """
from server.config import load_config
from server.providers.openai.tts import OpenAITts
provider = OpenAITts(load_config(openai_base_url=sys.argv[1], openai_tts_model="gpt-4o-mini-tts"))
def stream(): return provider.synthesize("x" * 100, 10)
def ask(): return b"".join(stream())
"""

    def __init__(self, cloud: OpenAICloud) -> None:
        super().__init__(cloud)
        self.exchanges = cloud.speech

    def asked_of(self, base_url: str, timeout_s: float) -> SpeechStream:
        return OpenAITts(
            load_config(openai_base_url=base_url, openai_tts_model="gpt-4o-mini-tts")
        ).synthesize("שלום לך", timeout_s)


@pytest.fixture(params=[Stt, Tts])
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    with OpenAICloud() as cloud:
        yield request.param(cloud)


def items(stream: Recognition | SpeechStream) -> list[Any]:
    return list(stream)


def test_one_connection_serves_request_after_request(provider: Provider) -> None:
    for _ in range(4):
        assert items(provider.asked())
    assert provider.cloud.watch.connections == 1


class TestFaults:
    @pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.UNAVAILABLE])
    def test_refusals(self, provider: Provider, fault: Fault) -> None:
        provider.exchanges.next(fault)
        began = time.monotonic()
        with pytest.raises(ProviderError) as raised:
            items(provider.asked())
        assert raised.value.retryable and time.monotonic() - began < 1
        assert len(provider.exchanges.exchanges) == 1, "the SDK must not retry by itself"

    @HANGS
    def test_hangs_cost_the_timeout(self, provider: Provider, fault: Fault) -> None:
        items(provider.asked())  # the client is built
        provider.exchanges.next(fault)
        began = time.monotonic()
        reading = Reading[Any](provider.asked(timeout_s=0.3))
        assert reading.ended_within(3) and 0.25 < time.monotonic() - began < 0.9
        assert reading.error and reading.error.retryable
        assert bool(reading.items) is (fault is Fault.HUNG_MID_STREAM)

    def test_cut_in_the_middle(self, provider: Provider) -> None:
        """What came before it is no answer."""
        provider.exchanges.next(Fault.CUT_MID_STREAM)
        reading = Reading[Any](provider.asked())
        assert reading.ended_within(3)
        assert reading.error and reading.error.retryable
        assert not any(getattr(item, "is_final", False) for item in reading.items)

    def test_nobody_is_there(self, provider: Provider) -> None:
        with pytest.raises(ProviderError) as raised:
            items(provider.asked_of("http://127.0.0.1:9/v1", 5))
        assert raised.value.retryable


class TestCancel:
    def test_before_it_was_read(self, provider: Provider) -> None:
        stream = provider.asked()
        stream.cancel()
        assert items(stream) == [] and provider.cloud.watch.connections == 0

    @HANGS
    def test_d2_while_it_hangs(self, provider: Provider, fault: Fault) -> None:
        """D2: the reader ends at once, and the server notices at once."""
        provider.exchanges.next(fault)
        stream = provider.asked(timeout_s=30)
        reading = Reading[Any](stream)
        until(lambda: provider.exchanges.exchanges)
        (exchange,) = provider.exchanges.exchanges
        until(lambda: fault is Fault.HUNG_BEFORE_HEADERS or reading.items)
        began = time.time()
        stream.cancel()
        stream.cancel()
        assert reading.ended_within(AT_ONCE) and reading.error is None
        until(lambda: exchange.dropped_at)
        assert (exchange.dropped_at or 0) - began < AT_ONCE

    def test_after_the_end(self, provider: Provider) -> None:
        """A finished exchange is not cancelled: its connection may serve another."""
        stream = provider.asked()
        assert items(stream)
        stream.cancel()
        assert items(provider.asked())
        assert provider.cloud.watch.connections == 1


SEVERAL_CALLS = """
provider.warm()
watch_the_hub()
answers = []
four_at_once(lambda: answers.append(ask()))
waiting = stream()
reader = threading.Thread(target=lambda: list(waiting), daemon=True)
reader.start()
time.sleep(0.1)
waiting.cancel()
reader.join(0.3)
gap = largest_gap()
print(len(answers), len(set(answers)), len(answers[0]), reader.is_alive(), gap < 0.25, gap)
"""


@pytest.mark.servers
def test_other_calls_go_on_under_gevent(provider: Provider) -> None:
    provider.exchanges.delays.first_s = 0.3
    said = under_gevent(provider.under_gevent + SEVERAL_CALLS, provider.cloud.base_url)
    length = {Stt: len("אני מחפש דירה"), Tts: 96_000}[type(provider)]
    assert said.split()[:5] == ["4", "1", str(length), "False", "True"], said
