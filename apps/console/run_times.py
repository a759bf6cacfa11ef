"""Tell where a run's time went, from what can be read here: this home's files, else Jaeger."""

from __future__ import annotations

from collections.abc import Sequence

from apps.explain.database import facts_of
from apps.explain.decomposition import Decomposition
from apps.explain.evidence import time_in
from apps.explain.sources import of_the_time_of, spans_of_run, written_here
from apps.explain.story import Story
from apps.integrations.models import PipelineRun
from telemetry import trace_id_of
from telemetry.reading import Source, Span
from telemetry.timestamps import unix_nanoseconds


def time_of_run(run: PipelineRun) -> Decomposition | None:
    """Return the decomposition of a run's time; None if none of its spans can be read."""
    return time_of_spans(run, spans_of(run))


def time_of_spans(run: PipelineRun, spans: Sequence[Span]) -> Decomposition | None:
    """Return the decomposition of a run's time from its spans; None if there are none."""
    return time_in(spans, [run]) if spans else None


def spans_of(run: PipelineRun) -> list[Span]:
    """Return the spans of a run's trace that can be read here, in the order they started."""
    return spans_of_run(source_of(run), trace_id_of(run.traceparent))


def story_of(run: PipelineRun) -> Story:
    """Return a run's story from rows and spans, without its lines and what went on around it."""
    return Story(facts_of(run), spans=spans_of(run))


def source_of(run: PipelineRun) -> Source:
    """Return this home's files, limited to what can concern a run."""
    return of_the_time_of(written_here(), run.started_ns, None if run.ended_at is None else unix_nanoseconds(run.ended_at))
