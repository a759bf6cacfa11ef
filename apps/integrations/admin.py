"""Runs, their repositories and lanes in Django's admin, read-only: the sync alone writes them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.html import format_html

from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.integrations.runs.queue import tell_places, tell_waiting
from apps.integrations.runs.removed import removed_from
from apps.utils import clock
from apps.utils.jaeger import trace_page
from apps.utils.read_only_admin import ReadOnlyAdmin, ReadOnlyInline, badge, link, moment, took
from telemetry import trace_id_of

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


class _RepoSyncColumns:
    """Columns that say where a repository stands in a run."""

    @admin.display(description="state", ordering="state")
    def status(self, row: RepoSync) -> str:
        """Return what became of the repository, or where it stands."""
        return badge(row.standing)

    @admin.display(description="pull requests read", ordering="prs_done")
    def progress(self, row: RepoSync) -> str:
        """Return how many pull requests this sync has read, of how many."""
        return f"{row.prs_done:,} of {'?' if row.prs_total is None else f'{row.prs_total:,}'}"

    def duration(self, row: RepoSync) -> str:
        """Return the time since the first attempt."""
        return took(row.started_at, row.ended_at)

    def waits_for(self, row: RepoSync) -> str:
        """Return what the next attempt waits for, and until when."""
        return row.waits_for


class _Placed(ChangeList):
    """A list of repositories, each with its place in its queue."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's rows, and their places with one query."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        tell_places(self.result_list)


class _Runs(ChangeList):
    """A list of runs that shows which of them wait."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's rows, and what their repositories do with one query."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        tell_waiting(self.result_list)


class _PlacedFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic in the stubs alone, not at run time
    """The repositories of a run, each with its place in its queue."""

    are_placed = False

    def get_queryset(self) -> QuerySet[RepoSync]:
        """Return the rows, fetched once; Django asks for them repeatedly."""
        rows: QuerySet[RepoSync] = super().get_queryset()
        if not self.are_placed:
            tell_places(rows)
            self.are_placed = True
        return rows


class RepoSyncInline(_RepoSyncColumns, ReadOnlyInline):
    """The repositories of a run, on its page."""

    model = RepoSync
    formset = _PlacedFormSet
    fields = ("repository", "status", "progress", "attempt", "requests", "points", "duration", "waits_for", "error_msg")
    readonly_fields = ("status", "progress", "duration", "waits_for")
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[RepoSync]:
        """Return the rows with everything that a line shows, in one query."""
        return super().get_queryset(request).select_related("repository", "connection").order_by("pk")


@admin.register(PipelineRun)
class PipelineRunAdmin(ReadOnlyAdmin):
    """Runs: where each stands, where its time went, and what it is over."""

    list_display = ("run", "team", "kind", "status", "phase", "short_trace", "started_at", "duration", "repositories", "prs")
    list_display_links = ("run",)
    list_filter = ("state", "kind", "phase", "team")
    list_select_related = ("team",)
    date_hierarchy = "started_at"
    search_fields = ("=id", "=task_id")
    search_help_text = "A run's number, the id of the task that started it, or its trace's id"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("team", "kind"),
                    ("status", "phase"),
                    ("error_type", "error_msg"),
                    "follows",
                    ("cancelled_by", "resumed_by"),
                )
            },
        ),
        ("Where the time went", {"fields": ("trace", ("started_at", "ended_at", "duration"), "exported_at")}),
        (
            "What it is over",
            {
                "fields": (
                    ("since", "before"),
                    ("backfill", "backfill_since"),
                    ("repos_synced", "repos_failed", "prs"),
                    "removed",
                )
            },
        ),
        (
            "Details",
            {"classes": ("collapse",), "fields": ("task_id", ("step_sent_at", "step_attempt"), "export_due_at", "links")},
        ),
    )
    readonly_fields = ("status", "trace", "duration", "prs", "removed")
    inlines = (RepoSyncInline,)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list class that shows which runs wait."""
        return _Runs

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> PipelineRun | None:
        """Return the run, with whether it waits."""
        run: PipelineRun | None = super().get_object(request, object_id, from_field)
        if run is not None:
            tell_waiting([run])
        return run

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PipelineRun], search_term: str
    ) -> tuple[QuerySet[PipelineRun], bool]:
        """Return the runs found, and False, since none is found twice.

        A trace id must be given in full, since a run's number may be part of one.
        """
        if _TRACE_ID.fullmatch(search_term):
            return queryset.filter(traceparent__contains=f"-{search_term}-"), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(ordering="pk")
    def run(self, row: PipelineRun) -> int:
        """Return the run's number, as `logs` and `trace` take it."""
        return row.pk

    @admin.display(ordering="repos_synced")
    def repositories(self, row: PipelineRun) -> str:
        """Return the number of repositories synced, and of those that failed."""
        return f"{row.repos_synced} synced, {row.repos_failed} failed" if row.repos_failed else str(row.repos_synced)

    @admin.display(description="pull requests read", ordering="total_prs")
    def prs(self, row: PipelineRun) -> str:
        """Return how many pull requests the run has read and stored, in the repositories that it synced."""
        return f"{row.total_prs:,}"

    @admin.display(description="of its repositories")
    def removed(self, row: PipelineRun) -> str:
        """Return how many of the run's repositories have since been removed."""
        gone = removed_from(row)
        return "all are there" if gone is None else gone.said

    @admin.display(description="trace")
    def short_trace(self, row: PipelineRun) -> str:
        """Return the beginning of the trace's id, as Jaeger shows it, with a link where there is a Jaeger."""
        trace_id = trace_id_of(row.traceparent)
        return format_html('<span title="{}">{}</span>', trace_id, link(trace_page(trace_id), trace_id[:7]))

    @admin.display(description="state", ordering="state")
    def status(self, row: PipelineRun) -> str:
        """Return the state, colored."""
        return badge(row.standing)

    def duration(self, row: PipelineRun) -> str:
        """Return the time until the run ended, or until now."""
        return took(row.started_at, row.ended_at)

    def trace(self, row: PipelineRun) -> str:
        """Return the trace's id, with a link where there is a Jaeger."""
        trace_id = trace_id_of(row.traceparent)
        return link(trace_page(trace_id), trace_id)


@admin.register(RepoSync)
class RepoSyncAdmin(_RepoSyncColumns, ReadOnlyAdmin):
    """Repositories in runs, over all runs."""

    list_display = (
        "repository",
        "run_number",
        "team",
        "status",
        "progress",
        "waits_for",
        "error_type",
        "attempt",
        "duration",
        "started_at",
        "requests",
        "points",
    )
    list_filter = ("state", "disposition", "run__kind", "run__team", "error_type")
    list_select_related = ("repository", "connection", "run", "run__team")
    search_fields = ("repository__full_name", "=run__id")
    exclude = ("prs_done", "prs_total")
    readonly_fields = ("progress", "trace")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list class that shows places."""
        return _Placed

    @admin.display(description="run", ordering="run_id")
    def run_number(self, row: RepoSync) -> int:
        """Return the run's number, as `logs` and `trace` take it."""
        return row.run_id

    @admin.display(ordering="run__team")
    def team(self, row: RepoSync) -> str:
        """Return the team's name."""
        return row.run.team.name

    def trace(self, row: RepoSync) -> str:
        """Return the id of the run's trace, which holds every attempt."""
        trace_id = trace_id_of(row.run.traceparent)
        return link(trace_page(trace_id), trace_id)


@admin.register(ApiLane)
class ApiLaneAdmin(ReadOnlyAdmin):
    """Accounts: who may send now, what is left of their limits, and what blocks them."""

    list_display = ("account", "in_use", "graphql_left", "core_left", "blocked")
    search_fields = ("account",)

    def in_use(self, row: ApiLane) -> str:
        """Return who holds the lane now."""
        return row.holder or "" if row.leased_until and row.leased_until > clock.now() else ""

    @admin.display(description="GraphQL points left")
    def graphql_left(self, row: ApiLane) -> str:
        """Return how many points are left, of how many, and when they are reset."""
        return _left(row.graphql_remaining, row.graphql_limit, row.graphql_reset_at)

    @admin.display(description="REST requests left")
    def core_left(self, row: ApiLane) -> str:
        """Return how many requests are left, of how many, and when they are reset."""
        return _left(row.core_remaining, row.core_limit, row.core_reset_at)

    def blocked(self, row: ApiLane) -> str:
        """Return why nobody may send, and until when."""
        blocked = row.blocked_until is not None and row.blocked_until > clock.now()
        return f"{row.blocked_reason} until {moment(row.blocked_until)}" if blocked else ""


@admin.register(Admission)
class AdmissionAdmin(ReadOnlyAdmin):
    """Attempts in flight: which one asks of each account, and which wait for a worker."""

    list_display = ("account", "repository", "team", "attempt", "stands", "admitted_at")
    list_select_related = ("repo_sync__repository", "repo_sync__run__team")
    search_fields = ("account", "repo_sync__repository__full_name")

    def repository(self, row: Admission) -> str:
        """Return the repository's name."""
        return row.repo_sync.repository.full_name

    def team(self, row: Admission) -> str:
        """Return the team's name."""
        return row.repo_sync.run.team.name

    def stands(self, row: Admission) -> str:
        """Return whether the attempt has a worker, and whether it still asks."""
        if row.repo_sync.attempt < row.attempt:
            return "ready for a worker"
        return "asking" if row.place == Admission.ASKING else "writing"


def _left(remaining: int | None, limit: int | None, reset_at: datetime | None) -> str:
    if remaining is None:
        return ""
    of = "" if limit is None else f" of {limit:,}"
    return f"{remaining:,}{of} until {moment(reset_at)}"
