"""OTLP receivers that come and go at one address, by HTTP and by gRPC, and answer as they are told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

Answer = int | str
"""An HTTP status or the name of a gRPC status; `"hang"` is none, until the collector is closed."""


class Collector:
    """A receiver at a free port, which is down until it is started."""

    environment: dict[str, str]

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.answer: Answer = "ok"
        self.rejected = 0
        self.ids: list[bytes] = []
        self.closing = threading.Event()
        self.environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}"}

    def take(self, request: Any) -> None:
        """Keep the ids of a request's spans."""
        self.ids += [span.span_id for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]

    @contextmanager
    def up(self) -> Iterator[None]:
        """Listen inside."""
        raise NotImplementedError


class HttpCollector(Collector):
    """By HTTP."""

    @contextmanager
    def up(self) -> Iterator[None]:
        """Listen inside."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.answer == "hang":
                    collector.closing.wait(60)
                    return
                status, response = (200 if collector.answer == "ok" else int(collector.answer)), b""
                if status == 200 and self.path == "/v1/traces":
                    collector.take(ExportTraceServiceRequest.FromString(body))
                    response = _response(collector.rejected).SerializeToString()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(response)))
                self.end_headers()
                self.wfile.write(response)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's name
                """Tests read what has arrived, not that it has."""

        class Server(ThreadingHTTPServer):
            daemon_threads, block_on_close = True, False

        with Server(("127.0.0.1", self.port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield
            finally:
                self.closing.set()
                server.shutdown()
                thread.join()


class GrpcCollector(Collector):
    """By gRPC."""

    def __init__(self) -> None:
        super().__init__()
        self.environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"

    @contextmanager
    def up(self) -> Iterator[None]:
        """Listen inside."""
        collector = self

        class Service(trace_service_pb2_grpc.TraceServiceServicer):
            def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
                if collector.answer == "hang":
                    collector.closing.wait(60)
                if collector.answer != "ok":
                    context.abort(getattr(grpc.StatusCode, str(collector.answer), grpc.StatusCode.UNKNOWN), "no")
                collector.take(request)
                return _response(collector.rejected)

        server = grpc.server(ThreadPoolExecutor(8))
        register: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
        register(Service(), server)
        server.add_insecure_port(f"127.0.0.1:{self.port}")
        server.start()
        try:
            yield
        finally:
            self.closing.set()
            server.stop(None).wait()


def _response(rejected: int) -> ExportTraceServiceResponse:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    return response


def wait_for(collector: Collector, spans: int, *, seconds: float = 40) -> None:
    """As many spans have arrived, or it has taken too long: what is missing is for the tests to say."""
    deadline = time.monotonic() + seconds
    while len(collector.ids) < spans and time.monotonic() < deadline:
        time.sleep(0.05)
