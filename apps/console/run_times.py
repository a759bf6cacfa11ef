"""Where a run's time went, from whatever can be read here: the files of this home, else Jaeger."""

from __future__ import annotations

from apps.explain.decomposition import Decomposition
from apps.explain.evidence import time_in
from apps.explain.sources import spans_of_run, written_here
from apps.integrations.models import PipelineRun
from telemetry import trace_id_of


def time_of_run(run: PipelineRun) -> Decomposition | None:
    """Return the decomposition of a run's time; None where none of its spans can be read."""
    spans = spans_of_run(written_here(), trace_id_of(run.traceparent))
    return time_in(spans, [run]) if spans else None
