"""Send a burst of spans through tracing in its usual configuration, to an OTLP receiver on this machine and to the file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import telemetry
from apps import catalog
from apps.config import instrumentation
from telemetry import observe
from telemetry.reading import read_spans
from tests.benchmarks.programs import answer_with, program

_FLUSH_SECONDS = 60.0


def measure(*, spans: int, home: Path) -> dict[str, int]:
    """Return how many of `spans` spans got lost on the way to the receiver (`otlp`) and to the file (`file`)."""
    received: set[bytes] = set()
    file = home / "burst.jsonl"
    with (
        _receiver(received) as endpoint,
        program(
            "tests.benchmarks.burst",
            environment={
                "SYNC_TRACES_FILE": str(file),
                "SYNC_LOG_FILE": str(home / "burst-lines.jsonl"),
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
        ) as sender,
    ):
        sender.ask(spans=spans)
    written = {span.span_id for span in read_spans(file)}
    return {"otlp": spans - len(received), "file": spans - len(written)}


@contextmanager
def _receiver(received: set[bytes]) -> Iterator[str]:
    """Run an OTLP/HTTP receiver that adds the ids of its spans to `received`, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            received.update(
                span.span_id for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _send(spans: int) -> bool:
    """Observe `spans` operations as fast as possible, and flush the queue."""
    for _ in range(spans):
        with observe(catalog.RowsWrite(entity_type="review", rows=49)) as write:
            write.completed(catalog.RowsWritten(created=49, updated=0))
    return telemetry.flush(_FLUSH_SECONDS)


if __name__ == "__main__":
    instrumentation.configure()
    answer_with(_send)
