"""Who may see the pages: by the host's word, by a password, from this machine, or nobody."""

import logging
from collections.abc import Callable
from enum import Enum
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import request

from server.config import Config
from server.logs.one_line import in_one_line

log = logging.getLogger("agent")

Allowed = Callable[[], bool | str | None]
MAX_NAME = 60  # characters of a host's name for somebody, in the log
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "X-Forwarded-Host", "Via")


class Kind(Enum):
    HOST = "the host application says who may"
    PASSWORD = "behind a password"
    THIS_MACHINE = "for this machine only"
    SHUT = "shut: the server is public and PAGES_PASSWORD_HASH is not set"


def is_public(config: Config) -> bool:
    """Others than this machine are meant to reach the server, or can."""
    published = config.twilio_auth_token.get_secret_value() or config.public_base_url or config.public_host
    return bool(published) or config.listen_host not in LOOPBACK_NAMES


def kind_of(config: Config, allowed: Allowed | None = None) -> Kind:
    if allowed is not None:
        return Kind.HOST
    if config.pages_password_hash.get_secret_value():
        return Kind.PASSWORD
    return Kind.SHUT if is_public(config) else Kind.THIS_MACHINE


def name_by(allowed: Allowed) -> str | None:
    """Who the host says is asking; None: they may not. Raises what the host's function does."""
    answer = allowed()
    if not answer:
        return None
    name = in_one_line(answer, MAX_NAME) if isinstance(answer, str) else ""
    return f"host:{name or 'somebody'}".replace(" ", "_")


def is_this_machine() -> bool:
    """Asked from this machine, not through a proxy or tunnel on it, and by this machine's own name.

    The name: a stranger's site may let its own name lead to 127.0.0.1, and its script ask us by it.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    return _is_loopback(request.remote_addr or "") and _host_name() in LOOPBACK_NAMES


def address() -> str:
    """Who asks, for the log and for limits: what the nearest proxy has seen, where one of ours is asked by.

    Only a proxy on this machine or in its own network is believed, and only the last that it has added.
    """
    remote = request.remote_addr or "nobody"
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
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
