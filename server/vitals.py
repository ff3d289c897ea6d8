"""What a worker, and its host, show of themselves: read from what the calls of the process share."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar
from weakref import ref

from prometheus_client.core import GaugeMetricFamily

from server.admission.load_watch import Seen
from server.delivery.dispatch import channels_of
from server.delivery.outbox import State
from server.metrics.metrics import PREFIX
from server.metrics.of_call import ROLES
from server.metrics.vitals import Vitals
from server.records.figures import undelivered

if TYPE_CHECKING:
    from server.service import Service

T = TypeVar("T")
Values = Mapping[tuple[str, ...], float]  # by the values of the labels
DATABASE_S = 2.0  # Prometheus waits for ten seconds
# Name → help, labels.
OF_THE_HOST: dict[str, tuple[str, tuple[str, ...]]] = {
    "places_used": ("Calls on this host that have a place.", ()),
    "places": ("Places for calls on this host (MAX_CALLS); 0: any number.", ()),
    "records_up": ("Whether the database of the records answers.", ()),
    "records_spool_bytes": ("Records of this host that wait on the disk for their database.", ()),
    "leads_undelivered": ("Leads that have not arrived, by channel.", ("channel", "state")),
}


def sees(service: "Service") -> Callable[[], Seen | None]:
    """What the load of ``service`` is measured of; None once nobody has it any more."""
    found = ref(service)

    def look() -> Seen | None:
        there = found()
        return None if there is None else there.gate.seen(warm=there.warm)

    return look


def looks_at(service: "Service") -> Callable[[], Vitals | None]:
    """``Vitals`` of ``service``, whenever they are asked for; None once nobody has it any more."""
    found = ref(service)

    def look() -> Vitals | None:
        there = found()
        return None if there is None else _vitals_of(there)

    return look


def _vitals_of(service: "Service") -> Vitals:
    providers = service.providers
    skipped = {
        (ROLES[chain.kind], provider.name): provider.name in chain.skipped
        for chain in (providers.stt, providers.llm, providers.tts)
        for provider in chain
    }
    queued = {**service.kept.queued(), "after_call": service.afterwards.going_on}
    gate = service.gate
    return Vitals(len(gate.live()), gate.lag_s, skipped, queued, gate.room.load.of_now, gate.carries)


def of_the_host(service: "Service") -> Iterator[GaugeMetricFamily]:
    """What all workers have together, and so no worker counts. Blocks, for some seconds at most."""
    yield _gauge("places_used", {(): service.gate.in_use()})
    yield _gauge("places", {(): service.config.most_calls})
    spooled = _or_none(service.kept.spooled_bytes)
    if spooled is not None:
        yield _gauge("records_spool_bytes", {(): spooled})
    database = service.kept.database
    if database is None:
        return
    states = _or_none(lambda: database.run(DATABASE_S, undelivered, writes=False))
    yield _gauge("records_up", {(): states is not None})
    if states is not None:
        left = (State.WAITING, State.PARKED)
        by: dict[tuple[str, ...], float] = {
            (channel.name, state.value): 0 for channel in channels_of(service.config) for state in left
        }
        by |= {of: float(count) for of, count in states.items()}
        yield _gauge("leads_undelivered", by)


def _gauge(name: str, values: Values) -> GaugeMetricFamily:
    says, labels = OF_THE_HOST[name]
    family = GaugeMetricFamily(PREFIX + name, says, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _or_none(ask: Callable[[], T]) -> T | None:
    """Whatever a disk or a database does: the other numbers are told."""
    try:
        return ask()
    except Exception:
        return None
