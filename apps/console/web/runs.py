"""The list of runs: which, in which order, and a line for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date

from apps.console.known_causes import NOT_KNOWN, causes_of, has_cause
from apps.console.web.asking import Asked
from apps.console.web.finding import Finding, findings_of
from apps.console.web.page import Page
from apps.console.web.paging import paged
from apps.console.web.progress import Progress, progress_of
from apps.console.web.sight import Sight
from apps.explain.codes import CODES, Code
from apps.explain.known_runs import is_like
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.queue import tell_waiting

STATES: Mapping[str, tuple[str, ...]] = {
    "running": ("running",),
    "failed or partial": ("failed", "partial"),
    "completed": ("completed",),
    "partial": ("partial",),
    "failed": ("failed",),
    "cancelled": ("cancelled",),
}
ORDERS: Mapping[str, tuple[str, ...]] = {"newest first": ("-pk",), "oldest first": ("pk",)}
_CAUSES: Mapping[str, Code] = {code.name: code for code in CODES}
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_TASK_ID = re.compile(r"[0-9a-f-]{36}")
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run as a list shows it."""

    run: PipelineRun
    progress: Progress = field(default_factory=Progress)
    finding: Finding = field(default_factory=Finding)
    causes: Sequence[str] = ()
    """The causes' codes as far as known, the decisive one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Asked):
    """Which runs; empty or invalid values do not restrict."""

    team: str = ""
    state: str = ""
    kind: str = ""
    repository: str = ""
    """A name or a pattern of names, as commands take it: `acme/api-*`."""
    cause: str = ""
    """The code of one of the causes that `explain` names for the run."""
    text: str = ""
    since: str = ""
    until: str = ""
    order: str = ""

    @property
    def order_or_usual(self) -> str:
        """The requested order, or the default."""
        return self.order if self.order in ORDERS else next(iter(ORDERS))

    def of_runs(self, sight: Sight) -> QuerySet[PipelineRun]:
        """Return the visible matching runs."""
        runs = sight.runs().select_related("team")
        if self.team:
            runs = runs.filter(team__slug=self.team)
        if self.state in STATES:
            runs = runs.filter(state__in=STATES[self.state])
        if self.kind in PipelineRun.Kind.values:
            runs = runs.filter(kind=self.kind)
        if self.repository:
            names = sight.repositories().values_list("pk", "full_name")
            like = [pk for pk, full_name in names if is_like(full_name, self.repository)]
            runs = runs.filter(Exists(RepoSync.objects.filter(run=OuterRef("pk"), repository__in=like)))
        if (code := _CAUSES.get(self.cause)) is not None:
            runs = runs.filter(has_cause(code))
        if since := _day(self.since):
            runs = runs.filter(started_at__gte=since)
        if until := _day(self.until):
            runs = runs.filter(started_at__lt=until + timedelta(days=1))
        return runs.filter(self._named(sight)) if self.text else runs

    def not_known(self, sight: Sight) -> int:
        """Return how many otherwise matching runs have unknown causes."""
        if self.cause not in _CAUSES:
            return 0
        return replace(self, cause="").of_runs(sight).filter(NOT_KNOWN).count()

    def _named(self, sight: Sight) -> Q:
        """Return the condition for the text: a run's number, task or trace, or words of a repository's name or an error."""
        if _TRACE_ID.fullmatch(self.text):
            return Q(traceparent__contains=f"-{self.text}-")
        if _TASK_ID.fullmatch(self.text):
            return Q(task_id=self.text)
        repositories = sight.repositories().filter(full_name__icontains=self.text)
        words = Q(pk__in=RepoSync.objects.filter(repository__in=repositories).values("run"))
        words |= Q(error_msg__icontains=self.text)
        return words | Q(pk=int(self.text)) if _NUMBER.fullmatch(self.text) else words


def lines_of(runs: Iterable[PipelineRun]) -> list[RunLine]:
    """Return a line for each of the runs, in their order, with a few queries for all."""
    runs = list(runs)
    if not runs:
        return []
    tell_waiting([run for run in runs if run.ended_at is None])
    progress, findings, causes = progress_of(runs), findings_of(runs), causes_of(runs)
    return [
        RunLine(
            run=run,
            progress=progress[run.pk],
            finding=findings.get(run.pk, Finding()),
            causes=causes.get(run.pk, ()),
        )
        for run in runs
    ]


def _read(sight: Sight, query: QueryDict) -> dict[str, Any]:
    asked = Filter.of(query)
    page = paged(asked.of_runs(sight), query, by=ORDERS[asked.order_or_usual])
    return {
        "filter": asked,
        "query": asked.as_query(),
        "lines": lines_of(page.rows),
        "page": page,
        "teams": sight.all_teams().order_by("name").values_list("slug", "name"),
        "states": list(STATES),
        "causes": CODES,
        "not_known": asked.not_known(sight),
    }


def _day(text: str) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:  # a date that no calendar has
        return None
    return None if day is None or day.year == MAXYEAR else datetime(day.year, day.month, day.day, tzinfo=UTC)


runs = Page(template="console/runs.html", part="console/parts/runs.html", read=_read)
