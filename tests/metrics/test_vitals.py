"""What a worker shows of itself, and for how long."""

import gc

from prometheus_client import CollectorRegistry

from server.config import load_config
from server.metrics.metrics import build
from server.metrics.vitals import Vitals, Watch
from server.providers.provider_set import build_providers
from server.runtime.threads import Threads
from server.service import Service
from server.vitals import looks_at
from tests.simtime.runtime import SimRuntime

SCRIPTED = {f"{kind}_engines": ("scripted",) for kind in ("asr", "llm", "tts")}


def service_of() -> Service:
    config = load_config(_env_file=None, state_file="", records_file="", leads_file="", **SCRIPTED)
    return Service(config, build_providers(config, Threads()))


def test_a_breaker_that_opens_is_shown():
    service = service_of()
    look = looks_at(service)
    assert look().skipped == {(role, "scripted"): False for role in ("stt", "llm", "tts")}
    for _ in range(3):
        next(service.providers.llm.tries()).failed("nobody there")
    assert look().skipped[("llm", "scripted")] is True
    assert look().queued == {"records": 0, "event_log": 0, "after_call": 0}


def test_a_service_that_nobody_has_any_more_is_not_watched():
    look = looks_at(service_of())
    gc.collect()
    assert look() is None


class TestWatching:
    """In simulated time: threads wake when they want to."""

    def watched(self, seconds, *seen):
        runtime, registry, left = SimRuntime(), CollectorRegistry(), list(seen)
        watch = Watch(build(registry), runtime, lambda: left.pop(0) if left else None)
        watch.begin()
        watch.begin()
        runtime.run_until(seconds)
        return lambda name, **labels: registry.get_sample_value(f"phone_agent_{name}", labels)

    def test_once_a_second(self):
        first = Vitals(3, 0.1, {("llm", "openai"): True}, {"records": 4})
        of = self.watched(0.5, first, Vitals(2, 0.0, {}, {}))
        assert (of("calls_now"), of("workers"), of("queued", queue="records")) == (3, 1, 4)
        assert of("provider_skipped", role="llm", provider="openai") == 1
        of = self.watched(1.5, first, Vitals(2, 0.0, {}, {}))
        assert of("calls_now") == 2

    def test_ten_times_a_second_it_says_how_late_it_has_woken(self):
        nothing = Vitals(0, 0.0, {}, {})
        of = self.watched(2.05, *[nothing] * 9)
        assert of("worker_late_seconds_count") == 20 and of("worker_late_seconds_sum") < 0.01

    def test_and_ends_with_what_it_watches(self):
        of = self.watched(9, Vitals(1, 0.0, {}, {}))
        assert of("worker_late_seconds_count") == 10
