"""Measure an observed operation with its line against the same written by hand.

It is compared with a bare span of the SDK that has six attributes, and with a span that has the same attributes as the
operation, a status, and a JSON line with the same fields and ids written to a file by structlog. Every span ends in a batch
processor whose exporter does nothing. Only the operation's span and line are redacted. All run inside another span, as
operations do. Times are processor times, which leave out other processes but include the exporting thread.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from apps import catalog
from telemetry import bind, observe
from telemetry._export.accounts import Account
from telemetry._export.batching import BatchingProcessor
from telemetry._export.journal import Journal
from telemetry._export.outlets import Outlet
from telemetry._export.sending import ExporterSender
from telemetry._lines import writing
from telemetry._spans import provider
from telemetry._spans.provider import Provider
from telemetry.settings import Batching, TelemetrySettings
from tests.benchmarks.by_hand import NoExporter, operation, structlog_line, with_batches
from tests.benchmarks.programs import answer_with
from tests.benchmarks.timing import in_turns, seconds_of

ATTRIBUTES: dict[str, str | int] = {"team_id": 7, "repo_id": 9, "query_name": "Q", "status": "ok", "cost": 1, "size": 49}
CONTEXT: dict[str, str | int] = {
    "team_id": 7,
    "repo_id": 9,
    "task_id": "e3f1c9b0-1111-2222-3333-444455556666",
    "run_id": 3,
}
WRITE_LINE: dict[str, Any] = {"entity_type": "review", "created": 49, "updated": 0, "duration_ms": 1.25}
WRITE: dict[str, Any] = (
    CONTEXT
    | WRITE_LINE
    | {
        "db.collection.name": "review",
        "db.operation.batch.size": 49,
        "sync.db.deleted": 0,
        "sync.outcome": "completed",
    }
)
CALL_LINE: dict[str, Any] = {"query_name": "PullRequests", "points_cost": 1, "duration_ms": 48.5, "status": "ok"}
CALL: dict[str, Any] = (
    CONTEXT
    | CALL_LINE
    | {
        "graphql.operation.name": "PullRequests",
        "sync.page.size": 49,
        "sync.lane.wait_ms": 0.3,
        "sync.page.nodes": 49,
        "sync.rate_limit.remaining": 4321,
        "http.response.status_code": 200,
        "sync.outcome": "completed",
    }
)
"""The attributes and fields of the operations, written out."""
_QUEUE = 65_536  # the default of `telemetry.settings`


class Switched(SpanProcessor):
    """A journal that is kept only while it is on, so that both can be measured in turns."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self.is_on = journal, False

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self.is_on:
            self._journal.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if self.is_on:
            self._journal.on_end(span)


def measure(*, calls: int, turns: int) -> dict[str, Any]:
    """Return the seconds that a call of each side takes, turn by turn."""
    plain = with_batches(TracerProvider(), NoExporter())
    provider.configure(TelemetrySettings())
    ours = trace.get_tracer_provider()
    assert isinstance(ours, Provider), "nobody else has made one"
    journal = Journal(Path(tempfile.mkdtemp()) / "journal", most_waiting=_QUEUE)
    journal.expect("none")
    switched = Switched(journal)
    ours.add_span_processor(switched)
    ours.add_span_processor(_counted_batches(journal))
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

    def a_call(side: Callable[[], None], provider: Provider, *, is_journalled: bool = False) -> Callable[[], float]:
        def repeated() -> None:
            switched.is_on = is_journalled
            for _ in range(calls):
                side()
            provider.force_flush()

        return lambda: seconds_of(repeated, clock=time.process_time) / calls

    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "by_hand.jsonl").open("wb", buffering=0) as by_hand_file:
        writing.configure(TelemetrySettings(log_file=Path(folder) / "logs.jsonl"))
        line = structlog_line(by_hand_file)
        with (
            trace.use_span(tracer.start_span("sync.repo")),
            bind(**CONTEXT),
        ):
            return in_turns(
                {
                    "bare": a_call(bare, plain),
                    "sync.db.write": a_call(db_write, ours),
                    "sync.api.graphql": a_call(graphql, ours),
                    "sync.db.write journalled": a_call(db_write, ours, is_journalled=True),
                    "sync.api.graphql journalled": a_call(graphql, ours, is_journalled=True),
                    "sync.db.write by hand": a_call(lambda: operation(tracer, line, WRITE, WRITE_LINE), plain),
                    "sync.api.graphql by hand": a_call(lambda: operation(tracer, line, CALL, CALL_LINE), plain),
                },
                turns=turns,
            )


def _counted_batches(journal: Journal) -> BatchingProcessor:
    """Return telemetry's own processor, which counts every span and tells the journal what it is done with."""
    outlet = Outlet("none", 0, lambda: ExporterSender(NoExporter()), batching=Batching(), settled=journal.left)
    account = Account(None, ["none"])
    return BatchingProcessor(lambda: (account, threading.RLock()), [outlet])


if __name__ == "__main__":
    answer_with(measure)
