"""Who asks: whom the host application knows, this machine, or an address. Within a request."""

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import request

from server.logs.one_line import in_one_line
from server.runtime.web_server import LOOPBACK_NAMES

Allowed = Callable[[], bool | str | None]
MAX_NAME = 60  # characters of a host's name for somebody, in the log
FORWARDED = ("forwarded", "x-forwarded-", "x-real-ip", "via", "cf-", "x-original-")  # as proxies name theirs


def name_by(allowed: Allowed) -> str | None:
    """Who the host says is asking; None: they may not. Raises what the host's function does."""
    answer = allowed()
    if not answer:
        return None
    name = in_one_line(answer, MAX_NAME) if isinstance(answer, str) else ""
    return f"host:{name or 'somebody'}".replace(" ", "_")


def is_this_machine() -> bool:
    """Asked from this machine, not through a proxy or tunnel on it, and by this machine's own name.

    The name: a stranger's site may let its own name lead to 127.0.0.1, and its script ask us by it. A proxy
    that is set up with ``proxy_pass`` alone (nginx) names us so, and no visitor: it speaks HTTP/1.0, or keeps
    no connection.
    """
    if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return False
    if "close" in request.headers.get("Connection", "").lower():
        return False
    if any(name.lower().startswith(FORWARDED) for name in request.headers.keys()):
        return False
    return _is_loopback(request.remote_addr or "") and _host_name() in LOOPBACK_NAMES


def address() -> str:
    """Who asks, for the log and for limits: what the nearest proxy has seen, where one of ours is asked by.

    Only a proxy on this machine or in its own network is believed, and only the last that it has added.
    """
    remote = request.remote_addr or "nobody"
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if "%" in forwarded:  # behind it may stand anything
        return remote
    try:
        return str(ip_address(forwarded)) if forwarded and ip_address(remote).is_private else remote
    except ValueError:
        return remote


def _host_name() -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(remote: str) -> bool:
    try:
        return ip_address(remote).is_loopback
    except ValueError:
        return False
