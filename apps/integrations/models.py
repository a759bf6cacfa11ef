"""Runs over tracked repositories, where each repository stands, and the lanes in which requests take turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.integrations.errors import AttemptDied, limit_in_words
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from apps.utils.times_in_text import time_of_day

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class ApiLane(models.Model):
    """One account's lane: who holds it, and what is left of the account's budgets.

    Only the SQL in `lane.leases` writes here, so that every change is one statement.
    """

    account = models.CharField(max_length=200, primary_key=True)
    holder = models.CharField(max_length=200, null=True)
    fence = models.BigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True, help_text="a secondary limit or Retry-After")
    blocked_reason = models.CharField(max_length=40, default="")
    graphql_limit = models.IntegerField(null=True)
    graphql_remaining = models.IntegerField(null=True)
    graphql_reset_at = models.DateTimeField(null=True)
    core_limit = models.IntegerField(null=True)
    core_remaining = models.IntegerField(null=True)
    core_reset_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API lane"

    def __str__(self) -> str:
        return self.account


class PipelineRun(models.Model):
    """One pipeline over some repositories and one window of time, with the reserved ids of its root span."""

    class Kind(models.TextChoices):
        """A recent run covers the requested window, a backfill one repository's history before it."""

        RECENT = "recent", "recent"
        BACKFILL = "backfill", "backfill"

    class State(models.TextChoices):
        """Whether and how a run has ended."""

        RUNNING = "running", "running"
        COMPLETED = "completed", "completed"
        PARTIAL = "partial", "partial"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    repo_syncs: RelatedManager[RepoSync]
    followed_by: RelatedManager[PipelineRun]
    team_id: int
    follows_id: int | None
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    phase = models.CharField(max_length=30)
    since = models.DateTimeField(null=True, help_text="the window's start; null: from the beginning")
    before = models.DateTimeField(null=True, help_text="the window's end, exclusive; null: until now")
    backfill_since = models.DateTimeField(null=True, help_text="where the backfill will start; null: all history")
    backfill = models.BooleanField(default=False, help_text="whether backfills follow")
    follows = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="followed_by")
    task_id = models.CharField(max_length=64, null=True, help_text="the task that started it")
    traceparent = models.CharField(max_length=60)
    links = models.JSONField(default=list, help_text="traceparents this run's trace is linked to")
    started_ns = models.BigIntegerField(help_text="the root span's start, Unix nanoseconds")
    started_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True, help_text="when its first line was written")
    phase_at = models.DateTimeField(null=True, help_text="when it entered its phase; null: when it started")
    phase_starts = models.JSONField(
        null=True, help_text="when it entered each phase, by its name; null: an earlier version began it"
    )
    step_sent_at = models.DateTimeField(null=True, help_text="when the phase's step was last sent or started; null: not yet")
    step_attempt = models.IntegerField(default=0, help_text="how often that step was started")
    step_will = models.JSONField(null=True, help_text="the spans of the process that works at the step")
    ended_at = models.DateTimeField(null=True)
    logged_at = models.DateTimeField(null=True, help_text="when its last line was written")
    export_due_at = models.DateTimeField(
        null=True, help_text="when the sweep exports its root span; null: nothing left to do"
    )
    exported_at = models.DateTimeField(null=True, help_text="when its root span was exported")
    cancelled_by = models.CharField(max_length=200, default="", help_text="who called it off")
    resumed_by = models.CharField(max_length=200, default="", help_text="who had it take up the run that it follows")
    repos_count = models.IntegerField(
        null=True, help_text="with how many repositories it began; null: an earlier version began it, and it is not known"
    )
    repos_synced = models.IntegerField(default=0)
    repos_failed = models.IntegerField(default=0)
    total_prs = models.IntegerField(default=0)
    error_type = models.CharField(max_length=100, default="")
    error_msg = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["state", "ended_at"]),
            models.Index(fields=["task_id"]),
            models.Index(fields=["team", "-id"], name="runs_by_team"),
            models.Index(fields=["started_at"], condition=models.Q(announced_at=None), name="unannounced_runs"),
            models.Index(fields=["ended_at"], condition=models.Q(step_will__isnull=False), name="willed_by_end"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["task_id"], condition=models.Q(kind="recent"), name="one_recent_run_per_starting_task"
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.kind}, {self.phase})"

    is_waiting = False
    """Whether all of it waits and nothing works; set by `runs.queue`."""

    @property
    def standing(self) -> str:
        """Where the run stands, in one word: its state, or `waiting` if all of it waits."""
        return "waiting" if self.state == self.State.RUNNING and self.is_waiting else self.state

    @property
    def shortfall(self) -> str:
        """What a partial run lacks, in words; empty for any other run."""
        if self.state != self.State.PARTIAL:
            return ""
        return f"{self.repos_failed} of {self.repos_synced + self.repos_failed} repositories failed"


_SIGN_OF_LIFE_SECONDS = 5.0
"""How often an attempt shows that it lives, except during a request, whose answer may take longer."""
WAITS_FOR_LANE = "lane"
"""The `wait_reason` of an attempt that waits for a turn in its account's lane; all others are GitHub's limits."""


class RepoSync(models.Model):
    """One repository in one run: where it stands, which attempt owns it, and how it ended."""

    class State(models.TextChoices):
        """Where a repository's sync stands."""

        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        RETRYING = "retrying", "retrying"
        WAITING = "waiting", "waiting"
        COMPLETED = "completed", "completed"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class Disposition(models.TextChoices):
        """What became of the repository when its sync ended."""

        SYNCED = "synced", "synced"
        ARCHIVED = "archived", "archived"
        RENAMED = "renamed", "renamed"
        GONE = "gone", "gone"
        FORBIDDEN = "forbidden", "forbidden"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    ENDED = (State.COMPLETED, State.FAILED, State.CANCELLED)
    """The states in which nothing more is done for the repository."""

    run_id: int
    repository_id: int
    connection_id: int
    admission: Admission
    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="repo_syncs")
    repository = models.ForeignKey(TrackedRepository, on_delete=models.CASCADE, related_name="repo_syncs")
    connection = models.ForeignKey(
        GitHubConnection, on_delete=models.CASCADE, related_name="+", help_text="whose account it queues for"
    )
    is_backfill = models.BooleanField(help_text="its run's kind: recent runs go first")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    disposition = models.CharField(max_length=10, choices=Disposition, default="", blank=True)
    note = models.TextField(default="", help_text="for people: archived, or renamed from what")
    gaps = models.JSONField(
        default=list,
        help_text=(
            "what could not be had: {pull_request, list, stored, total}, or {pull_request, field, reason}, "
            "and with a cursor for a whole pull request"
        ),
    )
    attempt = models.IntegerField(default=0, help_text="the attempt that owns this row, or owned it last")
    attempt_traceparent = models.CharField(max_length=60, default="", help_text="the last attempt's span, to link to")
    attempt_will = models.JSONField(null=True, help_text="the running attempt's spans, for whoever finds it dead")
    failures = models.IntegerField(default=0, help_text="attempts that failed since the last committed page")
    due_at = models.DateTimeField(help_text="from when on the next attempt may be admitted")
    admitted_at = models.DateTimeField(null=True, help_text="when an attempt at it was last admitted")
    alive_at = models.DateTimeField(null=True, help_text="the running attempt's last sign of life")
    wait_reason = models.CharField(max_length=100, default="")
    since = models.DateTimeField(null=True, help_text="where reading really starts: later than the run's if that is covered")
    start_cursor = models.TextField(null=True, help_text="where paging starts: null is the newest")
    cursor = models.TextField(null=True, help_text="the last committed pull request's cursor")
    paged = models.BooleanField(default=False, help_text="the window is read; only the closing query is left")
    newest_updated_at = models.DateTimeField(null=True, help_text="GitHub's newest updatedAt when this sync started")
    prs_done = models.IntegerField(default=0)
    prs_total = models.IntegerField(null=True)
    requests = models.IntegerField(default=0)
    points = models.IntegerField(default=0)
    error_type = models.CharField(max_length=100, default="")
    error_msg = models.TextField(default="")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "repository's sync"
        verbose_name_plural = "repositories' syncs"
        constraints = [models.UniqueConstraint(fields=["run", "repository"], name="one_sync_per_run_and_repository")]
        indexes = [
            models.Index(
                fields=["connection", "is_backfill", "id"],
                condition=models.Q(state__in=["queued", "retrying", "waiting"]),
                name="queued_by_connection",
            ),
            models.Index(
                fields=["connection", "-admitted_at"],
                condition=models.Q(admitted_at__isnull=False),
                name="admitted_by_connection",
            ),
            models.Index(fields=["alive_at"], condition=models.Q(state="running"), name="running_by_life"),
            models.Index(fields=["repository", "-id"], name="syncs_by_repository"),
            models.Index(
                fields=["repository", "-started_at"],
                condition=models.Q(state="completed", is_backfill=False),
                name="fresh_by_repository",
            ),
            models.Index(fields=["repository", "-id"], condition=~models.Q(gaps=[]), name="gaps_by_repository"),
            models.Index(fields=["alive_at"], condition=models.Q(attempt_will__isnull=False), name="willed_by_life"),
        ]

    def __str__(self) -> str:
        return f"{self.repository_id} in run {self.run_id}: {self.state}"

    @property
    def prs_expected(self) -> int | None:
        """GitHub's count of pull requests in the window: an estimate until the end, at least `prs_done`."""
        return None if self.prs_total is None else max(self.prs_total, self.prs_done)

    place = ""
    """A queued repository's place, in words; set by `runs.queue`."""

    @property
    def standing(self) -> str:
        """Where the sync stands, in one word that is the same on pages, in commands and in results."""
        if self.state in self.ENDED:
            return self.disposition or self.state
        if self.state == self.State.RUNNING:
            return "silent" if self.silent_for else "waiting" if self.wait_reason else "syncing"
        if self.is_dead:
            return "dead"
        if self.state == self.State.QUEUED or self.due_at <= clock.now():
            return "queued"
        return "backing off" if self.state == self.State.RETRYING else "waiting"

    @property
    def is_dead(self) -> bool:
        """Whether the last attempt was found dead, and the next has not begun."""
        return self.state == self.State.RETRYING and self.error_type == AttemptDied.error_type

    @property
    def silent_for(self) -> int:
        """For how many seconds the running attempt has given no sign of life; 0 if work alone explains it."""
        if self.state != self.State.RUNNING or self.alive_at is None:
            return 0
        seconds = (clock.now() - self.alive_at).total_seconds()
        explained = min(settings.SYNC_REQUEST_SECONDS + _SIGN_OF_LIFE_SECONDS, settings.SYNC_STALE_SECONDS / 2)
        return int(seconds) if seconds > explained else 0

    @property
    def waits_for(self) -> str:
        """What the sync waits for and until when, in words; empty while it works and once it has ended."""
        if self.standing == "silent":
            return f"a sign of life, for {self.silent_for} s"
        if self.standing == "dead":
            return f"attempt {self.attempt + 1}: {self.place or 'its turn'}"
        if self.standing == "queued":
            return self.place or "its turn"
        until = time_of_day(self.due_at)
        if self.state == self.State.RETRYING:
            return f"attempt {self.attempt + 1} at {until}"
        if self.wait_reason == WAITS_FOR_LANE:
            return "another program that uses this account"
        return f"{limit_in_words(self.wait_reason)} until {until}" if self.wait_reason else ""

    @property
    def said(self) -> str:
        """Where the sync stands and why, in words that are the same on pages, in commands and in results."""
        standing, waits_for = self.standing, self.waits_for
        if self.state in self.ENDED:
            return standing if self.state == self.State.COMPLETED else f"{standing}: {self.error_msg}"
        if standing == "silent":
            return f"silent for {self.silent_for} s"
        said = f"{standing}: {waits_for}" if waits_for else standing
        return f"{said}: {self.error_msg}" if self.state == self.State.RETRYING else said


class PointsSpent(models.Model):
    """The points that an account paid in an hour for one repository, over all runs.

    A trigger on the repositories' rows adds every increase of their `points`, in the same statement: that costs a sync
    no statement of its own, and cannot be forgotten.
    """

    connection_id: int
    repository_id: int | None
    connection = models.ForeignKey(
        GitHubConnection, on_delete=models.CASCADE, related_name="+", help_text="whose account paid"
    )
    repository = models.ForeignKey(
        TrackedRepository, null=True, on_delete=models.SET_NULL, related_name="+", help_text="null once it is removed"
    )
    hour = models.DateTimeField(help_text="when the hour begins, in UTC")
    points = models.IntegerField()

    class Meta:
        verbose_name = "points spent"
        verbose_name_plural = "points spent"
        constraints = [
            models.UniqueConstraint(fields=["connection", "repository", "hour"], name="one_sum_per_repository_and_hour")
        ]
        indexes = [models.Index(fields=["hour"], name="points_spent_by_hour")]

    def __str__(self) -> str:
        return f"{self.points} points for {self.repository_id} at {self.hour:%Y-%m-%d %H:%M}Z"


class Admission(models.Model):
    """An attempt in flight: admitted to its account and sent to the workers, until it has ended.

    An account's first place belongs to the attempt that asks GitHub or is about to; the others belong to attempts that
    have asked all they need and are still writing. The database ensures that no place is taken twice.
    """

    ASKING = 1

    repo_sync_id: int
    repo_sync = models.OneToOneField(RepoSync, on_delete=models.CASCADE, related_name="admission")
    attempt = models.IntegerField(help_text="one more than its row's until a worker begins it")
    account = models.CharField(max_length=200)
    place = models.PositiveSmallIntegerField(default=ASKING)
    admitted_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, help_text="when a message for it was last sent; null: not yet")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "place"], name="one_attempt_per_place")]

    def __str__(self) -> str:
        return f"attempt {self.attempt} of {self.repo_sync_id} at {self.account}"


class VanishedSpans(models.Model):
    """The spans of an attempt or a step that was found dead, with no journal here to read.

    A sweep exports them, once; the row stays, so that their own machine does not, should it come back.
    """

    run_id: int
    run = models.ForeignKey(PipelineRun, on_delete=models.CASCADE, related_name="+")
    will = models.JSONField(help_text="what is known of them, and of their process")
    last_seen_at = models.DateTimeField(null=True, help_text="the last sign of life; null: the will itself")
    found_at = models.DateTimeField(help_text="when they were found")
    export_due_at = models.DateTimeField(null=True, help_text="when the sweep exports them; null: nothing left to do")
    exported_to = models.JSONField(default=list, help_text="the exporters that have them")

    class Meta:
        verbose_name = "vanished process's spans"
        verbose_name_plural = "vanished processes' spans"
        indexes = [
            models.Index(
                fields=["export_due_at"], condition=models.Q(export_due_at__isnull=False), name="vanished_to_export"
            ),
            GinIndex(fields=["will"], opclasses=["jsonb_path_ops"], name="vanished_by_span"),
        ]

    def __str__(self) -> str:
        return f"spans of run {self.run_id}, found at {self.found_at:%Y-%m-%d %H:%M:%S}Z"


class SweepTime(models.Model):
    """When a sweep last looked for stalled work: one row, which each sweep overwrites."""

    ONLY = 1

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"swept at {self.at:%Y-%m-%d %H:%M:%S}Z"
