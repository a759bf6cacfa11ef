"""Every span arrives at an OTLP receiver, whatever it holds and however much, by HTTP and by gRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from telemetry._export.redacting import RedactingExporter
from tests.telemetry.odd import ODD
from tests.telemetry.otlp import receiver

_MOST_BYTES = 4 * 1024 * 1024

Arrived = Callable[[], list[Span]]


@contextmanager
def by_http() -> Iterator[tuple[SpanExporter, Arrived]]:
    """Receive by HTTP, and refuse what gRPC refuses by default."""
    with receiver() as collector:
        yield HttpExporter(endpoint=f"{collector.url}/v1/traces"), collector.spans
        assert max(len(body) for _, body in collector.requests) < _MOST_BYTES


@contextmanager
def by_grpc() -> Iterator[tuple[SpanExporter, Arrived]]:
    """Receive by gRPC, whose default is to refuse more than 4 MiB."""
    arrived: list[Span] = []

    class Service(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
            arrived.extend(span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    register: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    register(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield GrpcExporter(endpoint=f"127.0.0.1:{port}", insecure=True), lambda: arrived
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize("protocol", [by_http, by_grpc])
@pytest.mark.slow
def test_every_span_arrives(protocol: Callable[[], Any]) -> None:
    """Beside texts that are no Unicode, errors of megabytes, and as many attributes as a span may have."""
    with protocol() as (exporter, arrived):
        provider = TracerProvider(shutdown_on_exit=False)
        redacting = RedactingExporter(exporter)
        provider.add_span_processor(BatchSpanProcessor(redacting, schedule_delay_millis=60_000))
        tracer = provider.get_tracer("theirs")
        for number in range(7):
            tracer.start_span(f"plain {number}").end()
        for number in range(40):
            with pytest.raises(ValueError, match="x"), tracer.start_as_current_span(f"spilt {number}"):
                raise ValueError("x" * 3_000_000 + "caf\udce9")
        for name in ("a lone surrogate", "infinity", "numbers that are none", "bytes", "three megabytes", "a wide mapping"):
            tracer.start_span(name, attributes={"odd": ODD[name]}).end()
        tracer.start_span("wide", attributes={f"n{number}": "żółw " * 10_000 for number in range(128)}).end()
        assert provider.force_flush()
        names = [span.name for span in arrived()]
        provider.shutdown()
    assert len(names) == len(set(names)) == 7 + 40 + 6 + 1
    assert redacting.failed == 0
