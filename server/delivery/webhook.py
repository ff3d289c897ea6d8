"""A lead as a signed POST to a CRM (``LEADS_WEBHOOK_URL``); how a CRM verifies it: docs/leads.md."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import requests
from requests.adapters import HTTPAdapter

from server.delivery.schedule import Answer, Arrived, Failed, Refused
from server.runtime.native_calls import Pool, Stuck
from server.settings.plausible import is_near

CONNECT_S, READ_S = 5.0, 10.0
WHOLE_S = 20.0  # however slowly the answer drips
AT_ONCE = 2  # one that hangs does not hold up the next
ID, TIMESTAMP, SIGNATURE = "X-Lead-Id", "X-Lead-Timestamp", "X-Lead-Signature"
# Whoever says so may take it later.
LATER = frozenset({408, 421, 425, 429})
PING = {"version": 1, "test": True}
PING_ID = "test"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``v1=`` and the HMAC-SHA256, in hexadecimal, of the timestamp, a dot and the body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


class Webhook:
    """A Channel. One thread at a time."""

    name = "webhook"

    def __init__(self, url: str, secret: str, now: Callable[[], float] = time.time) -> None:
        """``now``: seconds since 1970, by the clock that the CRM can compare with its own."""
        self._url = url
        self._secret = secret
        self._now = now
        self._pool = Pool("the CRM", AT_ONCE, by_sockets=True)

    def deliver(self, lead: str, payload: str) -> Answer:
        body = payload.encode()
        try:
            status, after = self._pool.run(WHOLE_S, self._post, lead, body)
        except Stuck:
            return Failed(f"no answer within {WHOLE_S:g} s")
        except requests.RequestException as error:
            return Failed(why(error))
        except Exception as error:  # whatever a library raises, the lead waits
            return Failed(type(error).__name__)
        return self._answer(status, after)

    def ping(self) -> str:
        answer = self.deliver(PING_ID, json.dumps(PING))
        return "" if isinstance(answer, Arrived) else answer.why

    def _post(self, lead: str, body: bytes) -> tuple[int, str]:
        """The status, and ``Retry-After``. Raises RequestException. What the answer says is not read."""
        timestamp = str(int(self._now()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "phone-agent-leads/1",
            "Connection": "close",  # leads are rare: a connection that was kept is one that has died
            ID: lead.encode("ascii", "replace").decode(),
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self._secret, timestamp, body),
        }
        with requests.Session() as session:
            session.trust_env = not is_near(self._url)  # a proxy of the environment leads to the world
            session.mount("http://", HTTPAdapter(max_retries=0))
            session.mount("https://", HTTPAdapter(max_retries=0))
            with session.post(
                self._url,
                data=body,
                headers=headers,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, response.headers.get("Retry-After", "")

    def _answer(self, status: int, after: str) -> Answer:
        said = f"{status} {_phrase(status)}".rstrip()
        if 200 <= status < 300:
            return Arrived()
        if status in LATER or status >= 500:
            return Failed(said, seconds_of(after, self._now()))
        return Refused(f"{said}, which is not followed" if 300 <= status < 400 else said)


def seconds_of(after: str, now: float) -> float | None:
    """Of a ``Retry-After``: seconds, or a date; what is neither says nothing."""
    if after.strip().isascii() and after.strip().isdigit():
        return float(after[:12])
    try:
        at = parsedate_to_datetime(after)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now)


def why(error: requests.RequestException) -> str:
    """In our words: those of the library quote the URL, and a secret may stand in it."""
    match error:
        case requests.ConnectTimeout():
            return f"no connection within {CONNECT_S:g} s"
        case requests.exceptions.SSLError():
            return "no TLS: its certificate is not accepted, or it speaks none"
        case requests.exceptions.ProxyError():
            return "no connection: the proxy of the environment refuses"
        case requests.Timeout():
            return f"no answer within {READ_S:g} s"
        case requests.ConnectionError():
            return "no connection, or it was closed before the answer"
    return type(error).__name__


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
