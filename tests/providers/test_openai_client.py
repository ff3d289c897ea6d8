"""OpenAI's client: the real SDK against a local server that speaks OpenAI's protocol, over real sockets."""

import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from server.config import Config
from server.providers.base import Cancelled, ProviderError
from server.providers.openai import client as module
from server.providers.openai.client import Call, client_of, events, warm
from server.providers.openai.endpoint import Endpoint, llm_endpoint
from tests.cloud.openai import DEFAULT_REPLY, OpenAICloud, Script
from tests.cloud.watch import Fault
from tests.providers.reading import under_gevent
from tests.serving import ROOT
from tests.waiting import until

KEY = "sk-nobody-may-read-this"
AT_ONCE_S = 0.1


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure_cloud(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenAICloud]:
    """https, with a certificate trusted like that of a company's own authority."""
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with OpenAICloud(tls=server_side(authority)) as cloud:
        yield cloud


@pytest.fixture(params=["plain", "TLS"])
def any_cloud(request: pytest.FixtureRequest) -> OpenAICloud:
    name = "cloud" if request.param == "plain" else "secure_cloud"
    cloud: OpenAICloud = request.getfixturevalue(name)
    return cloud


def server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def knobs(cloud: OpenAICloud, **others: object) -> Endpoint:
    values = {"openai_base_url": cloud.base_url, "openai_api_key": KEY, **others}
    return llm_endpoint(Config(_env_file=None, **values))  # type: ignore[call-arg, arg-type]


def words(config: Endpoint, call: Call, **parameters: object) -> Iterator[str]:
    """The pieces of a chat completion."""
    with call.response(
        lambda client: client.chat.completions.with_streaming_response.create(  # type: ignore[call-overload]
            model=config.model, messages=[], stream=True, **parameters
        )
    ) as response:
        for event in events(response):
            if text := event["choices"][0]["delta"].get("content"):
                yield text


def said(config: Endpoint, timeout_s: float = 5.0, **parameters: object) -> str:
    return "".join(words(config, Call(config, timeout_s), **parameters))


class Reader:
    """Reads a chat completion on its own thread."""

    def __init__(self, config: Endpoint, timeout_s: float = 10.0) -> None:
        self.call = Call(config, timeout_s)
        self.pieces: list[str] = []
        self.error: Exception | None = None
        self._config = config
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        try:
            for piece in words(self._config, self.call):
                self.pieces.append(piece)
        except Exception as error:
            self.error = error

    def cancelled_at(self) -> float:
        """Cancels; returns the wall clock before it, once the thread has ended as it should."""
        before, started = time.time(), time.monotonic()
        self.call.cancel()
        self.thread.join(5)
        assert not self.thread.is_alive() and time.monotonic() - started < AT_ONCE_S
        assert isinstance(self.error, Cancelled)
        return before


class TestClient:
    def test_without_a_key_it_says_what_to_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        with pytest.raises(ProviderError, match="OPENAI_API_KEY.*OPENAI_BASE_URL"):
            said(llm_endpoint(Config(_env_file=None, openai_base_url="")))  # type: ignore[call-arg]

    def test_a_server_of_ones_own_needs_no_key(self, cloud: OpenAICloud) -> None:
        assert said(knobs(cloud, openai_api_key="")) == DEFAULT_REPLY

    def test_one_serves_the_process(self, cloud: OpenAICloud) -> None:
        config = knobs(cloud)
        with ThreadPoolExecutor(8) as threads:
            clients = set(threads.map(lambda _: id(client_of(config)), range(8)))
        assert len(clients) == 1
        assert client_of(config) is not client_of(knobs(cloud, openai_api_key="another"))

    def test_it_never_retries(self, cloud: OpenAICloud) -> None:
        cloud.chat.always = Fault.UNAVAILABLE
        with pytest.raises(ProviderError):
            said(knobs(cloud))
        assert len(cloud.chat.exchanges) == 1

    def test_the_sdk_is_imported_when_it_is_used(self) -> None:
        code = (
            "import sys, server.providers.openai.llm;"
            "print([m for m in ('openai', 'httpx2', 'httpcore2') if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30
        )
        assert done.stdout.strip() == "[]", done.stderr


class TestConnections:
    def test_turns_share_one(self, any_cloud: OpenAICloud) -> None:
        config = knobs(any_cloud)
        assert [said(config) for _ in range(6)] == [DEFAULT_REPLY] * 6
        assert any_cloud.watch.connections == 1

    def test_turns_share_the_one_that_was_warmed(self, any_cloud: OpenAICloud) -> None:
        warm(knobs(any_cloud))
        said(knobs(any_cloud))
        assert any_cloud.watch.connections == 1

    def test_one_is_kept_as_long_as_we_say(self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """The transport's default of 5 s would mean a new connection for most turns."""
        monkeypatch.setattr(module, "IDLE_EXPIRY_S", 0.0)
        said(knobs(cloud))
        said(knobs(cloud))
        assert cloud.watch.connections == 2

    def test_a_server_that_does_not_end_after_done_costs_little_time(self, cloud: OpenAICloud) -> None:
        cloud.keeps_open_after_done = True
        started = time.monotonic()
        assert said(knobs(cloud)) == DEFAULT_REPLY
        assert time.monotonic() - started < 1

    def test_many_at_once_and_few_are_kept(self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_IDLE_CONNECTIONS", 4)
        together = threading.Barrier(64, timeout=30)  # nobody is answered before all have asked

        def thinks(request: object) -> str:
            together.wait()
            return DEFAULT_REPLY

        cloud.thinks = thinks
        config = knobs(cloud)
        with ThreadPoolExecutor(64) as threads:
            replies = list(threads.map(lambda _: said(config, timeout_s=30), range(64)))
        assert replies == [DEFAULT_REPLY] * 64
        assert cloud.watch.connections == 64
        until(lambda: cloud.open_connections <= 4)

    def test_an_unknown_authority_is_refused(self, authority: trustme.CA) -> None:
        with OpenAICloud(tls=server_side(authority)) as cloud:
            with pytest.raises(ProviderError, match="CERTIFICATE_VERIFY_FAILED"):
                said(knobs(cloud))


class TestCancel:
    def test_before_the_request(self, cloud: OpenAICloud) -> None:
        config = knobs(cloud)
        call = Call(config, 5)
        call.cancel()
        with pytest.raises(Cancelled):
            list(words(config, call))
        assert cloud.chat.exchanges == [] and cloud.watch.connections == 0

    @pytest.mark.parametrize("reused", [False, True], ids=["new", "reused"])
    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_while_the_server_hangs(self, any_cloud: OpenAICloud, fault: Fault, reused: bool) -> None:
        config = knobs(any_cloud)
        if reused:
            said(config)
        any_cloud.chat.next(fault)
        reader = Reader(config)
        until(lambda: any_cloud.chat.open and any_cloud.chat.open[0].fault is fault)
        if fault is Fault.HUNG_MID_STREAM:
            until(lambda: reader.pieces)
        assert any_cloud.watch.connections == 1
        at = reader.cancelled_at()
        (exchange,) = [e for e in any_cloud.chat.exchanges if e.fault is fault]
        until(lambda: exchange.dropped_at)
        assert exchange.dropped_at is not None and exchange.dropped_at - at < AT_ONCE_S
        assert said(config) == DEFAULT_REPLY  # and what was shut down is not used again
        assert any_cloud.watch.connections == 2

    def test_while_the_server_shakes_hands(self) -> None:
        """A TLS server that accepts and stays silent: the reader ends when the socket is closed."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            config = llm_endpoint(Config(_env_file=None, openai_base_url=f"https://127.0.0.1:{port}/v1"))  # type: ignore[call-arg]
            client_of(config)
            reader = Reader(config)
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)  # the handshake has begun
                reader.cancelled_at()

    def test_mid_stream_no_further_word_is_read(self, any_cloud: OpenAICloud) -> None:
        any_cloud.chat.delays.between_s = 0.02
        config = knobs(any_cloud)
        call = Call(config, 5)
        pieces = words(config, call)
        next(pieces)
        call.cancel()
        with pytest.raises(Cancelled):
            next(pieces)
        (exchange,) = any_cloud.chat.exchanges
        until(lambda: exchange.dropped_at)
        assert exchange.sent <= 2

    def test_what_has_come_already_is_not_read_either(self, any_cloud: OpenAICloud) -> None:
        call = Call(knobs(any_cloud), 5)
        pieces = words(knobs(any_cloud), call)
        next(pieces)
        until(lambda: any_cloud.chat.exchanges[0].ended_at)
        call.cancel()
        with pytest.raises(Cancelled):
            next(pieces)

    def test_leaving_the_response_closes_it_at_once(self, any_cloud: OpenAICloud) -> None:
        any_cloud.chat.delays.between_s = 0.02
        config = knobs(any_cloud)
        pieces = words(config, Call(config, 5))
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        at = time.time()
        (exchange,) = any_cloud.chat.exchanges
        until(lambda: exchange.dropped_at)
        assert exchange.dropped_at is not None and exchange.dropped_at - at < AT_ONCE_S

    def test_twice_and_after_the_end_is_nothing(self, cloud: OpenAICloud) -> None:
        config = knobs(cloud)
        call = Call(config, 5)
        assert "".join(words(config, call)) == DEFAULT_REPLY
        call.cancel()
        call.cancel()
        assert said(config) == DEFAULT_REPLY
        assert cloud.watch.connections == 1

    def test_a_finished_exchange_has_given_its_connection_away(self, cloud: OpenAICloud) -> None:
        """After the last byte the connection may serve another exchange already."""
        config = knobs(cloud)
        first = Call(config, 5)

        def opened(client: object) -> object:
            return client.chat.completions.with_streaming_response.create(  # type: ignore[attr-defined]
                model="m", messages=[], stream=True
            )

        with first.response(opened) as response:  # type: ignore[arg-type]
            response.read()
            cloud.chat.delays.first_s = 0.1
            other = Reader(config)
            until(lambda: len(cloud.chat.open) == 1)
            first.cancel()
            other.thread.join(5)
        assert other.error is None and "".join(other.pieces) == DEFAULT_REPLY
        assert cloud.watch.connections == 1

    def test_other_exchanges_are_undisturbed(self, cloud: OpenAICloud) -> None:
        """A third of the exchanges are cancelled at random moments; the others get every word."""
        cloud.chat.delays.first_s = cloud.chat.delays.between_s = 0.0005
        config = knobs(cloud)
        client_of(config)
        dice = random.Random(7)
        moments = [dice.uniform(0, 0.03) if dice.random() < 0.34 else None for _ in range(150)]

        def one(moment: float | None) -> bool:
            call = Call(config, 10)
            timer = threading.Timer(moment or 0, call.cancel)
            if moment is not None:
                timer.start()
            try:
                return "".join(words(config, call)) == DEFAULT_REPLY
            except Cancelled:
                return moment is not None

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(one, moments))


class TestDeadline:
    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_a_hung_server(self, cloud: OpenAICloud, fault: Fault) -> None:
        cloud.chat.always = fault
        client_of(knobs(cloud))
        started = time.monotonic()
        with pytest.raises(ProviderError, match="in time") as caught:
            said(knobs(cloud), timeout_s=0.3)
        assert caught.value.retryable and 0.25 < time.monotonic() - started < 0.6

    def test_a_slow_drip(self, cloud: OpenAICloud) -> None:
        cloud.chat.delays.between_s = 0.05
        client_of(knobs(cloud))
        started = time.monotonic()
        with pytest.raises(ProviderError, match="in time"):
            said(knobs(cloud), timeout_s=0.3)
        assert time.monotonic() - started < 0.6

    def test_it_is_one_for_all_exchanges_of_a_call(self, cloud: OpenAICloud) -> None:
        config = knobs(cloud)
        client_of(config)
        call = Call(config, 1.0)
        assert "".join(words(config, call)) == DEFAULT_REPLY
        cloud.chat.delays.first_s = 0.6
        started = time.monotonic()
        assert "".join(words(config, call)) == DEFAULT_REPLY
        with pytest.raises(ProviderError, match="in time"):
            "".join(words(config, call))
        assert time.monotonic() - started < 1.1


class TestEvents:
    @pytest.mark.parametrize("line", [": comment", "", "event: message", "id: 7", "retry: 10", ":"])
    def test_what_is_not_data_is_passed_over(self, cloud: OpenAICloud, line: str) -> None:
        cloud.thinks = lambda request: Script("שלום", lines=(line,))
        assert said(knobs(cloud)) == "שלום"

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("<html>", "not an event"),
            ("data: {", "not JSON"),
            ("data: 3", "not JSON"),
            ('data: {"error": {"message": "overloaded", "code": 500}}', "gave up.*overloaded"),
        ],
    )
    def test_garbage_is_an_error(self, cloud: OpenAICloud, line: str, says: str) -> None:
        cloud.thinks = lambda request: Script("שלום", lines=(line,))
        with pytest.raises(ProviderError, match=says):
            said(knobs(cloud))
        assert cloud.chat.exchanges[0].sent

    def test_a_line_ends_with_a_newline_and_nothing_else(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: "שלום\u2028ו\x85ברכה\x0b!"
        assert said(knobs(cloud)) == "שלום\u2028ו\x85ברכה\x0b!"

    def test_a_line_without_an_end(self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 1000)
        cloud.thinks = lambda request: Script("שלום", lines=("x" * 500_000,))
        with pytest.raises(ProviderError, match="without an end"):
            said(knobs(cloud))

    def test_carriage_returns_and_an_end_without_a_newline(self, cloud: OpenAICloud) -> None:
        line = 'data: {"choices": [{"delta": {"content": "!"}}]}\r\n\r'
        cloud.thinks = lambda request: Script("שלום", lines=(line,))
        assert said(knobs(cloud)) == "שלום!"

    def test_no_blank_after_the_colon_and_no_done(self, cloud: OpenAICloud) -> None:
        line = 'data:{"choices": [{"delta": {"content": "!"}}]}'
        cloud.thinks = lambda request: Script("שלום", lines=(line,), done=False)
        assert said(knobs(cloud)) == "שלום!"


class TestErrors:
    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            (Fault.TOO_MANY, "rate limit"),
            (Fault.UNAVAILABLE, "in trouble: 503"),
            (Fault.CUT_MID_STREAM, "no connection to http://127"),
        ],
    )
    def test_what_may_pass_is_retryable(self, cloud: OpenAICloud, fault: Fault, says: str) -> None:
        cloud.chat.next(fault)
        with pytest.raises(ProviderError, match=says) as caught:
            said(knobs(cloud))
        assert caught.value.retryable
        assert said(knobs(cloud)) == DEFAULT_REPLY

    def test_nobody_listens(self, cloud: OpenAICloud) -> None:
        cloud.stop()
        with pytest.raises(ProviderError, match=f"no connection to {cloud.base_url}") as caught:
            said(knobs(cloud))
        assert caught.value.retryable

    def test_a_wrong_key(self, cloud: OpenAICloud) -> None:
        cloud.refused_keys = {KEY}
        with pytest.raises(ProviderError, match="refuses the key: is OPENAI_API_KEY") as caught:
            said(knobs(cloud))
        assert not caught.value.retryable
        assert "sk-n" not in str(caught.value)

    def test_a_key_that_may_not(self, cloud: OpenAICloud) -> None:
        cloud.refused_keys, cloud.key_status = {KEY}, 403
        with pytest.raises(ProviderError, match="forbids it: may OPENAI_API_KEY"):
            said(knobs(cloud))

    def test_no_credit_does_not_pass(self, cloud: OpenAICloud) -> None:
        cloud.too_many_code = "insufficient_quota"
        cloud.chat.next(Fault.TOO_MANY)
        with pytest.raises(ProviderError, match="billing") as caught:
            said(knobs(cloud))
        assert not caught.value.retryable

    def test_an_unknown_model_names_its_knob(self, cloud: OpenAICloud) -> None:
        cloud.unknown_models = {"gpt-9"}
        with pytest.raises(ProviderError, match="OPENAI_LLM_MODEL=gpt-9") as caught:
            said(knobs(cloud, openai_llm_model="gpt-9"))
        assert not caught.value.retryable
        assert "/v1" not in str(caught.value)

    def test_an_address_without_its_v1_is_asked_about(self, cloud: OpenAICloud) -> None:
        at = cloud.base_url.removesuffix("/v1")
        with pytest.raises(ProviderError, match="Does OPENAI_LLM_BASE_URL lack its /v1"):
            said(knobs(cloud, openai_llm_base_url=at))

    @pytest.mark.parametrize(
        ("parameter", "knob"),
        [
            ("temperature", "OPENAI_LLM_TEMPERATURE"),
            ("reasoning_effort", "OPENAI_LLM_EFFORT"),
            ("seed", "OPENAI_LLM_MODEL=gpt-5.4-mini"),
        ],
    )
    def test_a_refused_parameter_names_its_knob(self, cloud: OpenAICloud, parameter: str, knob: str) -> None:
        cloud.refused_parameters = {parameter}
        with pytest.raises(ProviderError, match=knob) as caught:
            said(knobs(cloud), **{parameter: 1})
        assert not caught.value.retryable

    def test_an_error_with_a_body_leaves_the_connection_in_use(self, cloud: OpenAICloud) -> None:
        cloud.chat.next(Fault.TOO_MANY, Fault.UNAVAILABLE)
        for _ in range(2):
            with pytest.raises(ProviderError):
                said(knobs(cloud))
        said(knobs(cloud))
        assert cloud.watch.connections == 1


class TestWarm:
    def test_it_asks_for_the_model(self, cloud: OpenAICloud) -> None:
        warm(knobs(cloud))
        warm(knobs(cloud, openai_llm_model="gpt-6-luna"))
        asked = [exchange.request["model"] for exchange in cloud.watch.exchanges]
        assert asked == ["gpt-5.4-mini", "gpt-6-luna"]

    def test_a_wrong_key(self, cloud: OpenAICloud) -> None:
        cloud.refused_keys = {KEY}
        with pytest.raises(ProviderError, match="OPENAI_API_KEY"):
            warm(knobs(cloud))

    def test_a_server_of_ones_own_may_not_list_models(self, cloud: OpenAICloud) -> None:
        cloud.has_models = False
        warm(knobs(cloud))

    def test_openai_knows_its_models(self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a base URL: this server stands in for api.openai.com."""
        monkeypatch.setattr(module, "OPENAI_URL", cloud.base_url)
        cloud.unknown_models = {"gpt-5.4-mini"}
        with pytest.raises(ProviderError, match="OPENAI_LLM_MODEL=gpt-5.4-mini"):
            warm(knobs(cloud, openai_base_url=""))

    def test_an_empty_variable_means_openai(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The start script exports every knob, and the SDK would take an empty URL as the server's."""
        monkeypatch.setenv("OPENAI_BASE_URL", "")
        config = llm_endpoint(Config(_env_file=None, openai_api_key="sk-test-empty"))  # type: ignore[call-arg]
        assert str(client_of(config).base_url).rstrip("/") == module.OPENAI_URL

    def test_a_key_that_may_not_look_at_models(self, cloud: OpenAICloud) -> None:
        cloud.refused_keys, cloud.key_status = {KEY}, 403
        warm(knobs(cloud))

    def test_a_server_in_trouble(self, cloud: OpenAICloud) -> None:
        cloud.watch.always = Fault.UNAVAILABLE
        with pytest.raises(ProviderError, match="503"):
            warm(knobs(cloud))


UNDER_GEVENT = """
from server.config import Config
from server.providers.base import Cancelled
from server.providers.openai.client import Call, events, warm
from server.providers.openai.endpoint import llm_endpoint
config = llm_endpoint(Config(_env_file=None, openai_base_url=sys.argv[1]))
warm(config)

def read(call, pieces, ends):
    try:
        with call.response(lambda client: client.chat.completions.with_streaming_response.create(
            model=config.model, messages=[], stream=True)) as response:
            for event in events(response):
                pieces.append(event["choices"][0]["delta"].get("content") or "")
        ends.append("done")
    except Cancelled:
        ends.append("cancelled")

def eight():
    made = [(Call(config, 10), [], []) for _ in range(8)]
    threads = [threading.Thread(target=read, args=one) for one in made]
    for thread in threads:
        thread.start()
    return made, threads

def told(made, threads):
    for thread in threads:
        thread.join(5)
    print(*[ends[0] for _, _, ends in made], {"".join(pieces) for _, pieces, _ in made})

late, running = [0.0], True
def tick():
    while running:
        due = time.monotonic() + 0.02
        time.sleep(0.02)
        late[0] = max(late[0], time.monotonic() - due)
ticker = threading.Thread(target=tick)
ticker.start()
told(*eight())
for pieces_before in (0, 2):  # hung before the headers, on the connections of the first eight; mid-stream
    made, threads = eight()
    until = time.monotonic() + 5
    while not all(call._wire and len(pieces) == pieces_before for call, pieces, _ in made):
        assert time.monotonic() < until
        time.sleep(0.01)
    began = time.monotonic()
    for call, _, _ in made:
        call.cancel()
    told(made, threads)
    print(time.monotonic() - began < 0.5)
running = False
ticker.join()
print(late[0] < 0.5)
"""


@pytest.mark.servers
@pytest.mark.parametrize("name", ["cloud", "secure_cloud"])
def test_it_works_under_gevent(request: pytest.FixtureRequest, name: str) -> None:
    """At once: eight streams that end well, eight that hang from the start, eight that hang midway."""
    cloud: OpenAICloud = request.getfixturevalue(name)
    faults = [Fault.NONE, Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM]
    cloud.chat.next(*[fault for fault in faults for _ in range(8)])
    cloud.chat.delays.between_s = 0.005
    printed = under_gevent(UNDER_GEVENT, cloud.base_url, timeout_s=60)
    lines = [("done", {DEFAULT_REPLY}), ("cancelled", {""}), ("cancelled", {DEFAULT_REPLY[:4]})]
    well, *hung = [f"{' '.join([end] * 8)} {said}\n" for end, said in lines]
    assert printed == well + "True\n".join([*hung, ""]) + "True\n", printed
    until(lambda: sum(exchange.dropped_at is not None for exchange in cloud.chat.exchanges) == 16)
