"""What an observed operation with its line costs, in bare spans of the SDK with six attributes.

Both end in a batch processor whose exporter does nothing; ours redacts before it, and its line goes to a file. Both run
inside a span, as operations do. The time is the processor's, so that nobody else's is in it; the exporting thread's is
too, since it needs the same interpreter.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from apps import catalog
from telemetry import bind, observe
from telemetry._export.redacting import RedactingExporter
from telemetry._lines import writing
from telemetry._spans import provider
from telemetry._spans.provider import Provider
from telemetry.settings import TelemetrySettings
from tests.benchmarks.programs import answer_with
from tests.benchmarks.timing import in_turns, seconds_of

ATTRIBUTES: dict[str, str | int] = {"team_id": 7, "repo_id": 9, "query_name": "Q", "status": "ok", "cost": 1, "size": 49}
P = TypeVar("P", bound=Provider)
_QUEUE, _BATCH = 65_536, 2_048  # as `telemetry.settings` has them


class NoExporter(SpanExporter):
    """Takes every span and does nothing with it."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        return


def measure(*, calls: int, turns: int) -> dict[str, Any]:
    """Seconds a call of each side, turn by turn."""
    plain = _with_batches(TracerProvider(), NoExporter())
    provider.configure(TelemetrySettings())
    ours = trace.get_tracer_provider()
    assert isinstance(ours, Provider), "nobody else has made one"
    _with_batches(ours, RedactingExporter(NoExporter()))
    tracer = plain.get_tracer("benchmark")

    def bare() -> None:
        with tracer.start_as_current_span("sync.api.call", attributes=ATTRIBUTES):
            pass

    def db_write() -> None:
        with observe(catalog.RowsWrite(entity_type="review", rows=49)) as write:
            write.completed(catalog.RowsWritten(created=49, updated=0))

    def graphql() -> None:
        with observe(catalog.GraphQLCall(query_name="PullRequests", page_size=49, lane_wait_ms=0.3)) as call:
            call.completed(catalog.GraphQLAnswered(points_cost=1, status="ok", nodes=49, remaining=4321, status_code=200))

    def a_call(side: Callable[[], None], provider: Provider) -> Callable[[], float]:
        def repeated() -> None:
            for _ in range(calls):
                side()
            provider.force_flush()

        return lambda: seconds_of(repeated, clock=time.process_time) / calls

    with tempfile.TemporaryDirectory() as folder:
        writing.configure(TelemetrySettings(log_file=Path(folder) / "logs.jsonl"))
        with (
            trace.use_span(tracer.start_span("sync.repo")),
            bind(team_id=7, repo_id=9, task_id="e3f1c9b0-1111-2222-3333-444455556666", run_id=3),
        ):
            return in_turns(
                {
                    "bare": a_call(bare, plain),
                    "sync.db.write": a_call(db_write, ours),
                    "sync.api.graphql": a_call(graphql, ours),
                },
                turns=turns,
            )


def _with_batches(provider: P, exporter: SpanExporter) -> P:
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_QUEUE, max_export_batch_size=_BATCH))
    return provider


if __name__ == "__main__":
    answer_with(measure)
