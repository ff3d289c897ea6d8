"""OpenTelemetry's traces, by OTLP over HTTP, in batches, from a bounded queue; nobody waits for them.

Its packages are imported, and its thread begins, in the process that has the calls, and only where
OTEL_EXPORTER_OTLP_ENDPOINT is set. OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and
OTEL_BSP_… are variables of its own, and it reads them itself.
"""

import logging
from collections.abc import Callable
from functools import cache
from time import time_ns
from typing import TYPE_CHECKING
from urllib.parse import unquote

from server.config import Config
from server.logs.one_line import MAX_CHARACTERS, in_one_line
from server.logs.rate_limited import OnceIn
from server.runtime.threads import Runtime

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

    from server.metrics.trace_of_call import CallTrace

log = logging.getLogger("agent")

SERVICE = "phone-agent"
PATH = "/v1/traces"
EXPORT_S = 5.0  # one attempt, with its repetitions


class Traces:
    """Of one process; any thread."""

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self._endpoint = config.otel_exporter_otlp_endpoint
        self._headers = headers_of(config.otel_exporter_otlp_headers.get_secret_value())
        self._runtime = runtime
        self._begun = False
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None

    def begin(self) -> None:
        """Once, on a thread of its own: what is imported takes a quarter of a second. Returns at once."""
        if self._endpoint and not self._begun:
            self._begun = True
            self._runtime.spawn("traces", self._make)

    def of_a_call(self, clock: Callable[[], float]) -> "CallTrace | None":
        """Of one more call; None: there are no traces, or not yet. Never blocks."""
        if self._tracer is None:
            return None
        from server.metrics.trace_of_call import CallTrace

        return CallTrace(self._tracer, clock, time_ns)

    def settle(self, within_s: float) -> None:
        """The process ends: what waits is sent, if that can be done in time; and nothing behind it."""
        if (provider := self._provider) is not None:
            self._runtime.spawn("traces-last", lambda: _end(provider)).join(within_s)

    def _make(self) -> None:
        try:
            self._provider = provider_to(self._endpoint, self._headers)
            self._tracer = self._provider.get_tracer(SERVICE)
        except Exception as error:  # a variable of OpenTelemetry's that cannot be right
            log.error("TRACES_ERR there are no traces: %s: %s", type(error).__name__, error)


def _end(provider: "TracerProvider") -> None:
    try:
        provider.shutdown()
    except Exception as error:
        log.error("TRACES_ERR the last ones were not sent: %s", type(error).__name__)


class Complaints(logging.Handler):
    """OpenTelemetry's own complaints (no collector, a full queue), as one line a minute of our log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._once = OnceIn()

    def emit(self, record: logging.LogRecord) -> None:
        if self._once.due("it fails"):
            log.error("TRACES_ERR %s", in_one_line(record.getMessage(), MAX_CHARACTERS))


def headers_of(text: str) -> dict[str, str]:
    """``name=value,name=value``, URL-encoded, as OpenTelemetry has it; what is no pair is left out."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip().lower(): unquote(value.strip()) for name, is_pair, value in pairs if is_pair}


def provider_to(endpoint: str, headers: dict[str, str]) -> "TracerProvider":
    """Sends to ``endpoint``, on a thread that begins now. Raises what OpenTelemetry does."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    import server.metrics.trace_of_call  # noqa: F401  # or the first call would wait for it

    _complain()
    resource = Resource({"service.name": SERVICE}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}{PATH}", headers=headers, timeout=EXPORT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


@cache
def _complain() -> None:
    logging.getLogger("opentelemetry").addHandler(Complaints())
