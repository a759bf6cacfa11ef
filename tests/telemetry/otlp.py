"""An OTLP receiver over HTTP on a loopback address: what a collector would have got."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """What has arrived so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, bytes]] = []
        self.headers: list[Message] = []

    def received(self) -> bytes:
        """Every byte of it."""
        return b"".join(body for _, body in self.requests)

    def spans(self) -> list[Span]:
        """The spans, in the order they came."""
        return [
            span
            for body in self._bodies("/v1/traces")
            for group in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> list[tuple[str, Metric]]:
        """The metrics with their service's name, in the order they came."""
        return [
            (next(one.value.string_value for one in group.resource.attributes if one.key == "service.name"), metric)
            for body in self._bodies("/v1/metrics")
            for group in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in group.scope_metrics
            for metric in scope.metrics
        ]

    def _bodies(self, path: str) -> list[bytes]:
        return [body for at, body in list(self.requests) if at == path]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver listens inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.headers.append(self.headers)
            arrived.requests.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's name
            """Tests read what has arrived, not that it has."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        arrived = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield arrived
        finally:
            server.shutdown()
            thread.join()


def metrics_of(program: str, *arguments: str, home: Path) -> dict[str, Metric]:
    """Return by name what a program that configures telemetry has measured, as an OTLP receiver got it."""
    with receiver() as collector:
        ran = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env={
                **os.environ,
                "PYTHONPATH": str(Path.cwd()),
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "TELEMETRY_HOME": str(home),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return {metric.name: metric for _, metric in collector.metrics()}
