"""Twilio's HTTP side: requests signed for the server's public URLs, sent to where it really listens."""

import os
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import requests
from twilio.request_validator import RequestValidator

from server.knobs import without_quotes
from server.settings.env_file import read_env_file

_ROUTE_AT_END = re.compile(r"/+(webhook|ws|media|healthz|readyz)(/.*)?$")
TIMEOUT_S = 15.0  # Twilio's own limit for a webhook


@dataclass(frozen=True)
class Exchange:
    """One request. ``status`` is 0 when there was no answer."""

    method: str
    url: str  # the public URL, which is the one signed
    status: int
    took_ms: float


@dataclass(frozen=True)
class Endpoint:
    """The server's addresses. ``connect_url``: where to connect. ``public_url``: its name on the internet."""

    connect_url: str
    public_url: str

    @property
    def root(self) -> str:
        """The part before the routes in the URLs given to Twilio, without a slash at the end.

        This is ``public_url`` without a route or a query, which some write into it by mistake. A server that
        believes the longer URL is not the one that Twilio calls.
        """
        named = urlsplit(self.public_url.strip())
        path = _ROUTE_AT_END.sub("", named.path).rstrip("/")
        return urlunsplit((named.scheme, named.netloc, path, "", ""))

    @property
    def mistake(self) -> str:
        """The mistake in ``public_url``, to explain a call that failed; empty without one."""
        if self.public_url.strip().rstrip("/") == self.root:
            return ""
        return f"PUBLIC_BASE_URL is what stands before /webhook/…: {self.root}, not {self.public_url}"

    def declared(self, url: str) -> str:
        """A URL from TwiML, made absolute as a browser does."""
        return urljoin(self.root, url)

    def route(self, path: str) -> str:
        """The public URL of one of the server's routes, as entered in Twilio's console."""
        return self.root + path

    def reachable(self, declared_url: str) -> str:
        """The same resource at ``connect_url``; ``wss`` becomes ``ws`` when that is plain http."""
        there, wanted = urlsplit(self.connect_url), urlsplit(declared_url)
        path = wanted.path.removeprefix(urlsplit(self.root).path)
        scheme = there.scheme
        if wanted.scheme in ("ws", "wss"):
            scheme = "wss" if there.scheme == "https" else "ws"
        return urlunsplit((scheme, there.netloc, there.path.rstrip("/") + path, wanted.query, ""))


def public_url_of_the_server() -> str:
    """The public URL configured for a server in this folder; empty without one."""
    host = server_knob("PUBLIC_HOST").rpartition("://")[2].strip("/")
    return server_knob("PUBLIC_BASE_URL") or (f"https://{host}" if host else "")


def server_knob(name: str) -> str:
    """A knob as a server in this folder reads it: the environment precedes ``.env``. Raises EnvFileError."""
    value = os.environ[name] if name in os.environ else read_env_file(".env", {name}).values.get(name, "")
    return str(without_quotes(value))


def sign(declared_url: str, fields: dict[str, str]) -> dict[str, str]:
    """The ``X-Twilio-Signature`` header, or none without a TWILIO_AUTH_TOKEN."""
    token = server_knob("TWILIO_AUTH_TOKEN")
    if not token:
        return {}
    signature: str = RequestValidator(token).compute_signature(declared_url, fields)
    return {"X-Twilio-Signature": signature}


@dataclass
class Webhooks:
    """The requests of one call. For one thread, except ``exchanges``, which may be appended to by several."""

    endpoint: Endpoint
    exchanges: list[Exchange] = field(default_factory=list)

    def request(self, url: str, fields: dict[str, str], method: str = "POST") -> requests.Response:
        """Sends one request. Fields go into the body, or for GET into the query string. Blocks.

        Raises requests.RequestException without an answer. The caller judges the status.
        """
        declared = self.endpoint.declared(url)
        body = fields if method == "POST" else {}
        if fields and not body:
            declared += ("&" if "?" in declared else "?") + urlencode(fields)
        started, status = time.monotonic(), 0
        try:
            response = requests.request(
                method,
                self.endpoint.reachable(declared),
                data=body,
                headers={"User-Agent": "TwilioProxy/1.1"} | sign(declared, body),
                timeout=TIMEOUT_S,
            )
            status = response.status_code
            return response
        finally:
            took_ms = (time.monotonic() - started) * 1000
            self.exchanges.append(Exchange(method, declared, status, took_ms))
