"""OpenAI's Realtime API: where it is, what its errors mean, and which options a model refused.

Facts: the SDK's types (``openai.types.realtime``) and the guides of developers.openai.com/api/docs
(realtime-transcription, realtime-conversations).
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from server.logs.secrets import excerpt
from server.providers.base import ProviderError
from server.providers.openai.client import NO_KEY, OPENAI_URL
from server.providers.openai.endpoint import Endpoint
from server.providers.openai.ends import not_known
from server.providers.streaming.connection import Address, ConnectionLost
from server.settings.url_secrets import bare, basic_auth, shown

FATAL = {
    "invalid_api_key": "OpenAI refuses the key: is {key} right?",
    "account_deactivated": "OpenAI has closed the account of {key}",
    "insufficient_quota": "OpenAI's credit is used up: see the account's billing",
    "credit_balance_exhausted": "OpenAI's credit is used up: see the account's billing",
    "rate_limit_exceeded": "OpenAI's rate limit is reached",
    "session_expired": "OpenAI ended the session",
}
NO_MODEL = "model_not_found"
PASSING = ("rate_limit_exceeded", "session_expired")  # the same may work again


def address_of(endpoint: Endpoint, query: Mapping[str, str]) -> Address:
    """The address of a session. Raises ProviderError without a key."""
    if not endpoint.key and not endpoint.base_url:
        raise ProviderError(NO_KEY)
    parts = urlsplit(bare(endpoint.base_url) or OPENAI_URL)
    scheme = "wss" if parts.scheme == "https" else "ws"
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    url = urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/realtime", asked, ""))
    # What stands in the URL itself goes before the key, as with every other request (HTTP has one header).
    authorization = basic_auth(endpoint.base_url) or (f"Bearer {endpoint.key}" if endpoint.key else "")

    def refused(status: int, body: str) -> ProviderError:
        return _refused(endpoint, status, body)

    return Address("OpenAI", url, {"Authorization": authorization} if authorization else {}, refused)


def error_of(endpoint: Endpoint, error: Mapping[str, Any]) -> ProviderError:
    """The error that an ``error`` event, or the end of a failed response, stands for."""
    code = str(error.get("code") or "")
    says = excerpt(" ".join(str(error.get("message") or code or error).split()), 200)
    if code == "invalid_api_key":  # its message quotes the key in part
        return ProviderError(FATAL[code].format(key=endpoint.key_knob))
    if code == "session_expired":  # an hour is over: another session does
        return ConnectionLost(f"{FATAL[code]} ({says})")
    if code == NO_MODEL:
        return ProviderError(f"OpenAI does not know it: {not_known(endpoint)} ({says})")
    if code in FATAL:
        text = FATAL[code].format(key=endpoint.key_knob)
        return ProviderError(f"{text} ({says})", retryable=code in PASSING)
    retryable = str(error.get("type")) != "invalid_request_error"
    return ProviderError(f"OpenAI refuses the request ({says})", retryable=retryable)


def _refused(endpoint: Endpoint, status: int, body: str) -> ProviderError:
    try:
        error = json.loads(body)["error"]
        if error.get("code") in (*FATAL, NO_MODEL):
            return error_of(endpoint, error)
        says = excerpt(" ".join(str(error["message"]).split()), 200)
    except (ValueError, KeyError, TypeError, AttributeError):
        says = excerpt(" ".join(body.split()), 80)
    if status == 401:
        return error_of(endpoint, {"code": "invalid_api_key"})
    if status == 403:
        return ProviderError(f"OpenAI forbids it: may {endpoint.key_knob} do this, and from here? ({says})")
    if status in (400, 404):
        what = f"{not_known(endpoint)} Has the server the Realtime API?"
        if endpoint.base_url:
            what += f" If not, set {endpoint.model_knob} to a model that it serves without."
        return ProviderError(f"OpenAI does not know it: {what} ({says})")
    if status == 429:
        return error_of(endpoint, {"code": "rate_limit_exceeded", "message": says})
    where = shown(endpoint.base_url) or "api.openai.com"
    return ProviderError(f"{where} is in trouble: {status} ({says})", retryable=status >= 500)
