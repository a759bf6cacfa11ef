"""Read what is known of runs: rows say when they began and ended, and a source has their spans."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from apps.explain.activities import ROOT, nanoseconds
from apps.explain.decomposition import Decomposition, decompose
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.reading import Source, Span
from telemetry.timestamps import unix_nanoseconds

_DURATION = "duration_sec"


def time_of(runs: Sequence[PipelineRun], source: Source) -> Decomposition:
    """Decompose the time of a run, or of one and its followers, from the spans in `source`."""
    return time_in([span for run in runs for span in source.trace(trace_id_of(run.traceparent))], runs)


def time_in(spans: Collection[Span], runs: Sequence[PipelineRun] = ()) -> Decomposition:
    """Decompose the time of the runs in `spans`; without their rows, the time that the spans cover."""
    reserved = reserved_roots(runs)
    if runs:
        is_running = any(run.ended_at is None for run in runs)
        ends = [run.ended_at for run in runs if run.ended_at is not None]
        start_ns = min(run.started_ns for run in runs)
        end_ns = unix_nanoseconds(clock.now() if is_running else max(ends))
    else:
        is_running = False
        covering = [span for span in spans if span.name == ROOT] or list(spans)
        start_ns = min((span.start_ns for span in covering), default=0)
        end_ns = max((_ended(span) for span in covering), default=0)
    return decompose(spans, start_ns=start_ns, end_ns=end_ns, is_running=is_running, reserved=reserved)


def _ended(span: Span) -> int:
    """Return when the span's subject ended: a root span lasts until the task that ended its run has ended."""
    lasted = nanoseconds(span.attributes.get(_DURATION), 1e9) if span.name == ROOT else None
    return span.end_ns if lasted is None else span.start_ns + lasted


def reserved_roots(runs: Sequence[PipelineRun]) -> frozenset[str]:
    """Return the ids of the runs' root spans, whether or not they have been emitted."""
    return frozenset(run.traceparent.split("-")[2] for run in runs)
