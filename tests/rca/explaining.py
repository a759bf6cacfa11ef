"""Have a run explained, and read what it has left at that moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Model

from apps.explain.explanation import explain_run
from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync, SweepTime
from apps.integrations.runs.queue import tell_waiting
from apps.repositories.models import GitHubConnection, TrackedRepository
from telemetry import trace_id_of
from telemetry.reading import Files
from tests.rca import acts
from tests.rca.evidence import Evidence, Item, of_line, of_row, of_span
from tests.rca.told import Told

if TYPE_CHECKING:
    from tests.rca.player import Playing


def tell(playing: Playing, run: PipelineRun | None, *, seconds: float, problem: str = "") -> Told:
    """Return what is told of the run, at this moment."""
    if run is None:
        return Told(scenario=playing.scenario, answer=None, evidence=None, seconds=seconds, problem="there is no run")
    tell_waiting([run])
    evidence = Evidence(
        trace_id=trace_id_of(run.traceparent),
        state=run.standing,
        names=dict(TrackedRepository.objects.values_list("pk", "full_name")),
        of_run=tuple(row.repository.full_name for row in playing.rows()),
        rows=_rows(run),
    )
    missed = [problem] if problem else [*playing.injected.missed(playing.stage), *acts.missed(playing)]
    began = time.perf_counter()
    answer: dict[str, Any] = explain_run(run.pk).as_json()
    took = time.perf_counter() - began
    code = answer["causes"][0]["code"] if answer["causes"] else "healthy"
    return Told(
        scenario=playing.scenario,
        answer=answer,
        evidence=evidence,
        seconds=seconds,
        explained_in=took,
        problem="; ".join(missed),
        said=problem or f"{answer['outcome']}, {code}",
    )


def written() -> list[Item]:
    """Return every span and line that the syncs of this home have left."""
    source = Files(
        traces=settings.SYNCTRACE_TRACES_FILE, lines=settings.SYNCTRACE_LOG_FILE, journal=settings.SYNCTRACE_JOURNAL
    )
    lines = source.find_lines()
    return [*map(of_span, source.find_spans()), *(of_line(line) for line in lines)]


def _rows(run: PipelineRun) -> list[Item]:
    trace_id = trace_id_of(run.traceparent)
    rows = list(run.repo_syncs.select_related("connection"))
    accounts = {row.connection.account for row in rows}
    own: list[Model] = [run, *rows, *Admission.objects.filter(repo_sync__in=rows)]
    own += ApiLane.objects.filter(account__in=accounts)
    own += TrackedRepository.objects.filter(pk__in=[row.repository_id for row in rows])
    own += [row.connection for row in rows]
    others: list[Model] = [*PipelineRun.objects.exclude(pk=run.pk), *RepoSync.objects.exclude(run=run)]
    others += [*SweepTime.objects.all(), *GitHubConnection.objects.exclude(account__in=accounts)]
    return [
        of_row(
            type(each).__name__,
            each.pk,
            {field.attname: getattr(each, field.attname) for field in each._meta.concrete_fields},
            trace_id=trace,
        )
        for each, trace in (*((each, trace_id) for each in own), *((each, None) for each in others))
    ]
