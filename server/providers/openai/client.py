"""One client a process, and exchanges that any thread can give up at any moment.

The SDK is imported when the first exchange begins, not with this module.
"""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from server.logs.secrets import excerpt
from server.providers.base import Cancelled, ProviderError
from server.providers.openai.endpoint import Endpoint
from server.providers.openai.ends import keep_told, not_known
from server.settings.url_secrets import bare, shown, user_info

if TYPE_CHECKING:
    from openai import APIResponse, OpenAI

Open = Callable[["OpenAI"], AbstractContextManager["APIResponse[Any]"]]

NO_KEY = "no OpenAI key: set OPENAI_API_KEY (or OPENAI_BASE_URL, to a server of your own with its protocol)"
OPENAI_URL = "https://api.openai.com/v1"
KEYLESS = "none"  # the SDK insists on a key; a server of one's own may not
CONNECT_S = 1.5
WRITE_S = 5.0
READ_S = 30.0  # silence on the wire; an exchange's own deadline is what counts
POOL_S = 1.0
IDLE_EXPIRY_S = 120.0  # longer than a caller thinks: a TLS handshake a turn costs 50–150 ms
MAX_CONNECTIONS = 1000  # far above STT, LLM and TTS of every call a process can have
MAX_IDLE_CONNECTIONS = 64
WARM_S = 5.0
DRAIN_S = 0.25  # from [DONE] to the end of the response; a server that takes longer loses its connection
MAX_LINE_BYTES = 1_000_000
DONE = "[DONE]"
NO_SUCH_ROUTE = (404, 405, 501)


class Wire(Protocol):
    def shut_down(self) -> None:
        """End the connection in both directions, whoever waits on it. Idempotent, never blocks."""


class Call:
    """An HTTP exchange, or several in a row, that any thread can give up.

    ``timeout_s`` bounds them together, from the first request to the last byte, however it drips.
    """

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._deadline: float | None = None  # of the whole; set by the first exchange
        self._until = 0.0  # of the present exchange; reader's thread, monotonic, as the line above
        self._lock = threading.Lock()  # between ``cancel`` and the connection's coming and going
        self._wire: Wire | None = None  # the socket in use, while it is this exchange's alone
        self.cancelled = False

    @contextmanager
    def response(self, open_response: Open) -> Iterator["APIResponse[Any]"]:
        """One exchange: ``open_response`` calls one of the client's ``with_streaming_response`` methods.

        Blocks. Raises ProviderError, and Cancelled once ``cancel`` was called. A response that is left before
        its end takes its connection with it, at once.
        """
        if self._deadline is None:
            self._deadline = time.monotonic() + self._timeout_s
        self._until = self._deadline
        client = client_of(self._endpoint)
        import httpx2
        import openai

        from server.providers.openai import connections

        try:
            with ExitStack() as opened:
                self._check()
                with connections.used_by(self):
                    response = opened.enter_context(open_response(client))
                yield response
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, Cancelled, ProviderError) as error:
            if self.cancelled:
                raise Cancelled from None
            if isinstance(error, ProviderError):
                raise
            raise explained(error, self._endpoint) from error

    def cancel(self) -> None:
        """Give the exchange up: its reader ends and its server sees the end of file. Never blocks.

        Idempotent, any thread. While a new connection is being made its reader ends with the attempt,
        within CONNECT_S.
        """
        with self._lock:
            self.cancelled = True
            if self._wire is not None:
                self._wire.shut_down()

    # ---- what the connections ask and say; the reader's thread ----

    def hold(self, wire: Wire) -> None:
        """``wire`` is this exchange's from here on. Raises Cancelled."""
        with self._lock:
            self._wire = wire
            self._check()

    def let_go(self) -> None:
        """The connection is about to be another's: it must not be shut down any more."""
        with self._lock:
            self._wire = None

    def hurry(self, seconds: float) -> None:
        """The present exchange has no more than so many seconds."""
        self._until = min(self._until, time.monotonic() + seconds)

    def seconds_left(self, most: float | None) -> float:
        """At most ``most``. Raises Cancelled, and the transport's own timeout once nothing is left."""
        import httpcore2

        self._check()
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout(f"not done within {self._timeout_s:g} s")
        return left if most is None else min(left, most)

    def _check(self) -> None:
        if self.cancelled:
            raise Cancelled


def events(response: "APIResponse[Any]") -> Generator[dict[str, Any], None, bool]:
    """The server-sent events of ``response``, parsed. Blocks. Raises ProviderError for what is none.

    Returns whether ``[DONE]`` ended them.
    Reads on after ``[DONE]`` to the end of the response: only then is the connection kept for the next turn.
    """
    lines = _lines(response)
    for line in lines:
        field, _, value = line.partition(":")
        if field in ("", "event", "id", "retry"):  # an empty field is a blank line or a comment
            continue
        if field != "data":
            raise ProviderError(f"OpenAI: not an event of a stream: {excerpt(line, 80)!r}", retryable=True)
        if value.strip() == DONE:
            _drain(response, lines)
            return True
        yield _parsed(value)
    return False


def _lines(response: "APIResponse[Any]") -> Iterator[str]:
    """Lines as the protocol has them. The transport's own also end at U+2028 and the like, inside a text."""
    rest = b""
    for chunk in response.iter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")
        if len(rest) > MAX_LINE_BYTES:
            raise ProviderError("OpenAI: an event without an end", retryable=True)
    yield rest.decode("utf-8", "replace")


def _parsed(value: str) -> dict[str, Any]:
    try:
        event = json.loads(value)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise ProviderError(f"OpenAI: not JSON: {excerpt(value, 80)!r}", retryable=True)
    if event.get("error"):
        raise ProviderError(f"OpenAI gave up: {excerpt(str(event['error']), 200)}", retryable=True)
    return event


def _drain(response: "APIResponse[Any]", lines: Iterator[str]) -> None:
    import httpx2

    from server.providers.openai import connections

    body = response.http_response.stream
    if isinstance(body, connections.Body):
        body.call.hurry(DRAIN_S)
    try:
        for _ in lines:
            pass
    except httpx2.HTTPError:
        pass  # everything that was to be said has been said


def warm(endpoint: Endpoint) -> None:
    """Build the client, open a connection, see that key and model are known, and when the model ends.

    Blocks for seconds at worst. Raises ProviderError. A server of one's own need not know its models by name.
    """
    call = Call(endpoint, WARM_S)
    try:
        with call.response(
            lambda client: client.models.with_streaming_response.retrieve(endpoint.model)
        ) as said:
            keep_told(endpoint, said.read())
    except ProviderError as error:
        status = getattr(error.__cause__, "status_code", None)
        # A key may be forbidden this route and nothing else.
        if status != 403 and (status not in NO_SUCH_ROUTE or not endpoint.base_url):
            raise
    client = client_of(endpoint)
    # The SDK loads a route's code when it is first named: no caller should wait for that.
    client.chat.completions, client.audio.speech, client.audio.transcriptions  # noqa: B018


# ---- what errors mean ---------------------------------------------------------------------------

KNOB_OF_PARAMETER = {
    "temperature": "OPENAI_LLM_TEMPERATURE (empty: not sent)",
    "reasoning_effort": "OPENAI_LLM_EFFORT (none, or unset: not sent)",
    "voice": "OPENAI_TTS_VOICE",
}


def explained(error: Exception, endpoint: Endpoint) -> ProviderError:
    """What the SDK or its transport raised, as an error that says what to do about it."""
    import httpx2
    import openai

    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return ProviderError("OpenAI did not answer in time", retryable=True)
    if isinstance(error, openai.APIStatusError):
        return _explained_status(error, endpoint)
    cause = error.__cause__ or error
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
        where = shown(endpoint.base_url) or "api.openai.com"
        return ProviderError(f"no connection to {where}: {type(cause).__name__}: {cause}", retryable=True)
    return ProviderError(f"OpenAI: {type(error).__name__}: {error}")


def _explained_status(error: Any, endpoint: Endpoint) -> ProviderError:
    status, says = error.status_code, _message(error)
    if error.code == "model_not_found" or status == 404:
        what = not_known(endpoint) + _or_its_url(error, endpoint)
        return ProviderError(f"OpenAI does not know it: {what} ({says})")
    if status == 401:
        return ProviderError(f"OpenAI refuses the key: is {endpoint.key_knob} right?")
    if status == 403:
        return ProviderError(f"OpenAI forbids it: may {endpoint.key_knob} do this, and from here? ({says})")
    if status == 429 and error.code == "insufficient_quota":
        return ProviderError(f"OpenAI's credit is used up: see the account's billing ({says})")
    if status == 429:
        return ProviderError(f"OpenAI's rate limit is reached ({says})", retryable=True)
    if status >= 500 or status in (408, 409):
        return ProviderError(f"OpenAI is in trouble: {status} ({says})", retryable=True)
    about = f"{error.param} {says}"
    knob = next((knob for name, knob in KNOB_OF_PARAMETER.items() if name in about), None)
    advice = f"change {knob}" if knob else f"does {_model_knob(endpoint)} take this?"
    return ProviderError(f"OpenAI refuses the request: {advice} ({says})")


def _or_its_url(error: Any, endpoint: Endpoint) -> str:
    """Of a server of one's own that has no such route: its address mostly lacks the /v1."""
    url = bare(endpoint.base_url).rstrip("/")
    unlikely = not url or url.endswith("/v1") or error.code == "model_not_found"
    return "" if unlikely else f" Does {endpoint.base_url_knob} lack its /v1?"


def _message(error: Any) -> str:
    """The server's own words, short. Those of a 401 quote the key in part, and are not asked for."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return excerpt(" ".join(str(message or error.message).split()), 200)


def _model_knob(endpoint: Endpoint) -> str:
    return f"{endpoint.model_knob}={shown(endpoint.model)}"


# ---- one client a process -----------------------------------------------------------------------

_clients: dict[tuple[str, str], "OpenAI"] = {}
_clients_lock = threading.Lock()


def client_of(endpoint: Endpoint) -> "OpenAI":
    """The process's client for this key and base URL, made on first use. Raises ProviderError."""
    if not endpoint.key and not endpoint.base_url:
        raise ProviderError(NO_KEY)
    where = (endpoint.base_url, endpoint.key)
    with _clients_lock:
        if where not in _clients:
            _clients[where] = _make_client(*where)
        return _clients[where]


def close_clients() -> None:
    """Close every connection of the process; the next exchange makes its client anew. Any thread."""
    with _clients_lock:
        clients = list(_clients.values())
        _clients.clear()
    for client in clients:
        client.close()


def _make_client(base_url: str, key: str) -> "OpenAI":
    try:
        import httpx2
        import openai

        from server.providers.openai import connections
    except ImportError as error:
        raise ProviderError(f"{error}: install openai (see requirements.txt)") from error
    # Beside the URL and not in it: so nothing that quotes the URL of a request has it.
    name, password = user_info(base_url)
    http = openai.DefaultHttpxClient(
        auth=httpx2.BasicAuth(name, password) if name or password else None,
        timeout=httpx2.Timeout(connect=CONNECT_S, read=READ_S, write=WRITE_S, pool=POOL_S),
        limits=httpx2.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_EXPIRY_S,
        ),
        event_hooks={"response": [connections.note_end]},
    )
    connections.watch(http)
    return openai.OpenAI(
        api_key=key or KEYLESS,
        base_url=bare(base_url) or OPENAI_URL,  # never None: then the SDK looks at the environment itself
        max_retries=0,
        timeout=http.timeout,
        http_client=http,
    )
