"""A collector of OpenTelemetry's: it takes what is sent by OTLP over HTTP, and reads the protobuf."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector(ThreadingHTTPServer):
    """What it got: spans by name, bytes as they came, headers."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.bodies = []
        self.headers = []
        self.resources = []
        self.spans = defaultdict(list)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
        self.server.bodies.append(body)
        self.server.headers.append(dict(self.headers))
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.resources.append(attributes(of_resource.resource))
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    self.server.spans[span.name].append(span)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def attributes(of):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()
