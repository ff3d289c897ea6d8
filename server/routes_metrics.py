"""``/metrics``: the numbers of all workers, for Prometheus. With METRICS_TOKEN, or for this machine alone."""

import hmac
import logging
from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, request
from prometheus_client import Metric, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from server.logs.rate_limited import RateLimitedLog
from server.metrics.metrics import PREFIX
from server.pages.door import is_this_machine
from server.pages.kinds import is_public
from server.runtime.native_calls import run_native
from server.service import Service
from server.telephony.host_app import reached
from server.telephony.request_guard import plain
from server.vitals import of_the_host

log = logging.getLogger("agent")

SCHEME = "bearer"


def add_metrics(blueprint: Blueprint, service: Service, *, own: bool) -> None:
    """``own``: it is our own server, whose address we know; in a host's application it takes a token."""
    token = service.config.metrics_token.get_secret_value()
    near = own and not is_public(service.config)
    refusals = RateLimitedLog(log)

    def metrics() -> Response:
        if not token and not (near and is_this_machine()):
            return plain(404, "not found")
        if token and not _is_shown(token):
            refusals.warn("METRICS_REFUSED without METRICS_TOKEN's value as Authorization: Bearer")
            response = plain(401, "METRICS_TOKEN is wanted, as Authorization: Bearer …")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return _told(service)

    blueprint.add_url_rule("/metrics", "metrics", reached(metrics), methods=["GET"], strict_slashes=False)


def _is_shown(token: str) -> bool:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(shown.strip().encode(errors="replace"), token.encode(errors="replace"))
    return same and scheme.lower() == SCHEME


class _Gathered:
    """What an encoder takes for a registry."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from self._found


def _told(service: Service) -> Response:
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    of_the_host_now = list(of_the_host(service))

    def exposition() -> bytes:
        found = [*_of_the_workers(), *of_the_host_now]
        return encode(_Gathered(found))

    if _is_shared():  # files and no locks: it computes for milliseconds
        body = run_native(exposition)
    else:
        found = [*service.kept.metrics.registry.collect(), *of_the_host_now]
        body = encode(_Gathered(found))
    return Response(body, content_type=content_type)


def _is_shared() -> bool:
    return bool(getattr(values.ValueClass, "_multiprocess", False))


def _of_the_workers() -> Iterator[Metric]:
    """Ours: a host may count in the same files."""
    for metric in MultiProcessCollector(None).collect():  # type: ignore[no-untyped-call]
        if metric.name.startswith(PREFIX):
            yield metric
