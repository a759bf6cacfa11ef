"""Where a run's time went, from whatever can be read here: the files of this home, else Jaeger."""

from __future__ import annotations

from django.conf import settings

from apps.console.lookup import written_here
from apps.explain.decomposition import Decomposition
from apps.explain.evidence import time_in
from apps.integrations.models import PipelineRun
from telemetry import trace_id_of
from telemetry.reading import Jaeger, JaegerError, Span


def time_of_run(run: PipelineRun) -> Decomposition | None:
    """Return the decomposition of a run's time; None where none of its spans can be read."""
    spans = _spans(trace_id_of(run.traceparent))
    return time_in(spans, [run]) if spans else None


def _spans(trace_id: str) -> list[Span]:
    spans = written_here().trace(trace_id)
    if spans or not settings.SYNCTRACE_JAEGER_URL:
        return spans
    try:
        return Jaeger(settings.SYNCTRACE_JAEGER_URL, service=settings.SYNCTRACE_SERVICE_NAME).trace(trace_id)
    except JaegerError:  # its pages may be for people's browsers alone
        return []
