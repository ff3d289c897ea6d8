"""When OpenAI's models end: by the ``shutdown_date`` of GET /v1/models/…, else by the announcements.

Source: ``openai`` 3.54, types/model.py: YYYY-MM-DD, null or absent without an announced end. What a server
has told is known to the whole process. Any thread.
"""

import json
import threading
from datetime import date
from urllib.parse import urlsplit

from server.providers import model_ends
from server.providers.model_ends import ModelEnd, announced
from server.providers.openai.endpoint import Endpoint
from server.settings.url_secrets import shown

OPENAI_HOST = "api.openai.com"  # a region has its own in front of it
_told: dict[tuple[str, str], date | None] = {}  # by server and model; None: it has no end yet
_lock = threading.Lock()


def keep_told(endpoint: Endpoint, body: bytes) -> None:
    """``body``: what the server answered when it was asked for the model. Never raises."""
    try:
        model = json.loads(body)
        if isinstance(model, dict) and "shutdown_date" in model:
            on = model["shutdown_date"]
            _keep(endpoint, None if on is None else date.fromisoformat(on))
    except (ValueError, TypeError):
        pass  # a server of others: it has told nothing


def keep_missing(endpoint: Endpoint) -> None:
    """The server does not know the model: it goes by the announcements, whoever's server it is."""
    known = _told.get(_key(endpoint))
    end = announced(endpoint.model_knob, endpoint.model)
    if known is None and end is not None and end.is_over(model_ends.today()):
        _keep(endpoint, end.on)


def end_of(endpoint: Endpoint) -> ModelEnd | None:
    """When the endpoint's model ends, if that is known. A server of one's own has models of any name."""
    if (key := _key(endpoint)) in _told:
        on = _told[key]
        return None if on is None else ModelEnd(endpoint.model_knob, endpoint.model, on)
    return announced(endpoint.model_knob, endpoint.model) if _is_openais(endpoint.base_url) else None


def not_known(endpoint: Endpoint) -> str:
    """What to do about a model that its server does not know."""
    keep_missing(endpoint)
    end, today = end_of(endpoint), model_ends.today()
    if end is not None and end.is_over(today):
        return end.told(today)
    return f"is {endpoint.model_knob}={shown(endpoint.model)} right?"


def _keep(endpoint: Endpoint, on: date | None) -> None:
    with _lock:
        _told[_key(endpoint)] = on


def _key(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.base_url, endpoint.model


def _is_openais(base_url: str) -> bool:
    host = (urlsplit(base_url).hostname or "") if base_url else OPENAI_HOST
    return host == OPENAI_HOST or host.endswith(f".{OPENAI_HOST}")
