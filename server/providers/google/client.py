"""One gRPC client per process for each Google service and endpoint, and its errors with their remedies.

Google's libraries are imported when a client is first needed, not with this module. Providers use a client's
raw transport, whose calls can be cancelled at any time and never retry. The client's own methods wait for the
first answer, and retry a hung server for minutes.
"""

import importlib
import json
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import SecretStr

from server.providers.base import ProviderError

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
LOCAL_PROJECT = "local"  # stands in for a project at a plaintext endpoint, which bills none
FAILED_CONNECTION_S = 30.0  # a failure is remembered: the search for credentials can take seconds
CHANNEL_OPTIONS = (
    # A connection that a firewall dropped is detected while a call waits on it, not minutes later.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # gRPC's default backs off to two minutes; the next caller comes sooner.
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

NO_CREDENTIALS = (
    "no Google credentials: point GOOGLE_APPLICATION_CREDENTIALS at a service account's key file, "
    "or run `gcloud auth application-default login`"
)


@dataclass(frozen=True)
class Service:
    """A Google API: its client's module and class, its package, and the name under which it is enabled."""

    module: str
    client: str
    package: str
    api: str


SPEECH_V1 = Service("google.cloud.speech_v1", "SpeechClient", "google-cloud-speech", "speech.googleapis.com")
SPEECH_V2 = Service("google.cloud.speech_v2", "SpeechClient", "google-cloud-speech", "speech.googleapis.com")
TEXT_TO_SPEECH = Service(
    "google.cloud.texttospeech_v1",
    "TextToSpeechClient",
    "google-cloud-texttospeech",
    "texttospeech.googleapis.com",
)


@dataclass(frozen=True)
class Address:
    """``endpoint``: empty is Google's own, ``http://host:port`` is plaintext gRPC, anything else is TLS.

    ``key_file``: a service account's key, or another file that Google's libraries load. ``key_json``: its
    content, for hosts without files. Both empty: the machine's default credentials.
    """

    service: Service
    endpoint: str
    key_file: str = ""
    key_json: SecretStr = SecretStr("")


@dataclass(frozen=True)
class Connection:
    """``transport``: the raw gRPC methods. ``project``: the credentials' project, or empty."""

    transport: Any
    project: str


_connections: dict[Address, Connection] = {}
_failures: dict[Address, tuple[float, str]] = {}  # monotonic time until which it holds, message
_connections_lock = threading.Lock()  # held while connecting; an existing connection is found without it


def connect(address: Address) -> Connection:
    """The process's connection, made on first use. May block for seconds. Any thread.

    Raises ProviderError.
    """
    found = _connections.get(address)
    if found is not None:
        return found
    with _connections_lock:
        if address not in _connections:
            until, message = _failures.get(address, (0.0, ""))
            if time.monotonic() < until:
                raise ProviderError(message)
            try:
                _connections[address] = _connected(address)
            except ProviderError as error:
                _failures[address] = (time.monotonic() + FAILED_CONNECTION_S, str(error))
                raise
        return _connections[address]


def close_connections() -> None:
    """Close every connection of the process, and forget what failed. Any thread; blocks for gRPC."""
    with _connections_lock:
        connections = list(_connections.values())
        _connections.clear()
        _failures.clear()
    for connection in connections:
        connection.transport.close()


def _connected(address: Address) -> Connection:
    _prepare_for_gevent()
    service = address.service
    try:
        import grpc

        client: Any = getattr(importlib.import_module(service.module), service.client)
    except ImportError as error:
        raise ProviderError(f"{error}: install {service.package} (see requirements.txt)") from error
    transport = client.get_transport_class("grpc")
    if address.endpoint.startswith("http://"):
        target = address.endpoint.removeprefix("http://").rstrip("/")
        channel = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
        return Connection(client(transport=transport(channel=channel)).transport, LOCAL_PROJECT)
    credentials, project = _credentials(address.key_file, address.key_json.get_secret_value())
    target = address.endpoint.removeprefix("https://").rstrip("/")
    made = client(
        credentials=credentials,
        client_options={"api_endpoint": target} if target else None,
        transport=partial(transport, channel=partial(_tls_channel, transport)),
    )
    return Connection(made.transport, project)


def _tls_channel(transport: Any, *args: Any, options: Any, **settings: Any) -> Any:
    """The transport's own channel, with CHANNEL_OPTIONS added."""
    return transport.create_channel(*args, options=[*options, *CHANNEL_OPTIONS], **settings)


def _credentials(key_file: str, key_json: str) -> tuple[Any, str]:
    """Credentials and their project. Raises ProviderError, whose text holds no part of a key."""
    auth: Any = importlib.import_module("google.auth")
    from google.auth.exceptions import GoogleAuthError

    try:
        # The library warns of keys from untrusted sources; these are the operator's, of whatever kind.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if key_file:
                credentials, project = auth.load_credentials_from_file(key_file, scopes=SCOPES)
            elif key_json:
                key = json.loads(key_json, strict=False)  # .env may have expanded the \n in the key
                credentials, project = auth.load_credentials_from_dict(key, scopes=SCOPES)
            else:
                credentials, project = auth.default(scopes=SCOPES)
    except (GoogleAuthError, OSError, ValueError, TypeError) as error:  # missing, unreadable, or no key
        if key_file:
            raise ProviderError(
                f"GOOGLE_APPLICATION_CREDENTIALS={key_file} cannot be used: {error}"
            ) from error
        if key_json:
            raise ProviderError("GOOGLE_CREDENTIALS_JSON is not the content of a key file") from None
        raise ProviderError(f"{NO_CREDENTIALS} ({error})") from error
    return credentials, project or ""


def _prepare_for_gevent() -> None:
    """Tells gRPC about gevent before it creates anything; otherwise the whole process would block."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        import grpc.experimental.gevent

        grpc.experimental.gevent.init_gevent()


def explained(code: Any, details: str, service: Service, if_refused: str) -> ProviderError:
    """A gRPC error as a ProviderError that says what to do about it.

    ``code``: a ``grpc.StatusCode``. ``if_refused``: the knobs to check when Google refuses the request.
    """
    import grpc

    status = grpc.StatusCode
    if code == status.UNAUTHENTICATED:
        return ProviderError(f"{NO_CREDENTIALS} ({details})")
    if "metadata from plugin failed" in details:  # also a network failure while a token is refreshed
        return ProviderError(f"Google's credentials could not be used now ({details})", retryable=True)
    if code == status.PERMISSION_DENIED:
        return ProviderError(
            f"Google refuses: enable the API (`gcloud services enable {service.api}`) "
            f"and billing, and let the account use it ({details})"
        )
    if code in (status.INVALID_ARGUMENT, status.NOT_FOUND):
        return ProviderError(f"Google refuses the request: {if_refused} ({details})")
    if code == status.DEADLINE_EXCEEDED:
        return ProviderError("Google did not answer in time", retryable=True)
    if code == status.RESOURCE_EXHAUSTED:
        return ProviderError(
            f"Google's quota for {service.api} is used up: raise it in the project ({details})",
            retryable=True,
        )
    retryable = code in (
        status.UNAVAILABLE,
        status.INTERNAL,
        status.ABORTED,
        status.OUT_OF_RANGE,
        status.CANCELLED,
        status.UNKNOWN,
    )
    return ProviderError(f"Google: {code.name} ({details})", retryable=retryable)
