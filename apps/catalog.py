"""The event catalog: every operation and event of a sync, declared once, in the table's order.

Names, levels and fields are a contract with everyone who reads our spans and lines; ``python manage.py catalog`` prints it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from telemetry.model import Event, Field, Level, Line, Operation, Result

TeamId = Annotated[int, Field("The team whose repositories are synced.")]
RepoId = Annotated[int, Field("Our id of the repository, unique over all teams.")]
TaskId = Annotated[
    str,
    Field(
        "The Celery task's id; null where no task is running.",
        also="celery.task_id",
        example="7d0c9c30-4e5b-4c3f-9a55-0d1f0a6a3c1e",
    ),
]
RepoName = Annotated[
    str,
    Field(
        "The repository as GitHub names it, owner/name.",
        also={
            "vcs.owner.name": lambda full_name: full_name.partition("/")[0],
            "vcs.repository.name": lambda full_name: full_name.partition("/")[2],
        },
        example="libuv/libuv",
    ),
]
ErrorText = Annotated[str, Field("What went wrong, secrets removed.", example="GitHub answered 502 Bad Gateway")]
Count = Annotated[int, Field("A count.", unit="1")]

CONTEXT = ("team_id", "repo_id", "task_id", "run_id")
"""The context bound around our work, in the order that lines carry it."""

Phase = Literal[
    "syncing",
    "llm_processing",
    "computing_metrics",
    "phase1_complete",
    "background_syncing",
    "background_llm",
    "complete",
]
"""Where a run stands. A recent run ends at ``phase1_complete``, a backfill at ``complete``."""

CallStatus = Literal[
    "ok",
    "partial",
    "rate_limited",
    "secondary_limited",
    "timeout",
    "too_costly",
    "not_found",
    "forbidden",
    "unauthorized",
    "server_error",
    "invalid",
    "unreachable",
    "failed",
]
"""How a GraphQL call ended."""

EntityType = Literal["pull_request", "review", "commit", "file", "analysis", "metric"]

QueryName = Annotated[
    str, Field("The GraphQL operation's name.", also="graphql.operation.name", low_cardinality=True, example="PullRequests")
]
Endpoint = Annotated[
    str,
    Field(
        "The route template, never a filled-in path.",
        also="url.template",
        low_cardinality=True,
        example="/repos/{owner}/{repo}",
    ),
]


class PipelineCompleted(Result):
    """What is known of a run that reached its last phase."""

    repos_synced: Annotated[int, Field("Repositories synced.")]
    total_prs: Annotated[int, Field("Pull requests stored over all repositories.")]


class Pipeline(
    Operation[PipelineCompleted],
    name="sync.pipeline",
    started=Line(Level.INFO, "team_id", "repos_count", "phase", "task_id", when="pipeline start"),
    completed=Line(Level.INFO, "team_id", "repos_synced", "total_prs", "duration_sec", when="success"),
    failed=Line(Level.ERROR, "team_id", "phase", "error_type", "error_msg", when="failure"),
):
    """One run: some repositories of a team over one window of time."""

    team_id: TeamId
    repos_count: Annotated[int, Field("Repositories in the run.")]
    phase: Annotated[Phase, Field("The phase it is in; when it failed, the phase that failed.")]
    task_id: TaskId | None
    run_id: Annotated[int, Field("The run's id.")]
    repos_failed: Annotated[int, Field("Repositories that failed.")] = 0
    complete: Annotated[bool, Field("Whether all that was asked for is stored.", key="sync.run.complete")] = False


class PhaseChanged(
    Event,
    name="sync.pipeline.phase_changed",
    level=Level.INFO,
    when="phase transition",
):
    """A run entered its next phase."""

    team_id: TeamId
    phase: Annotated[Phase, Field("The phase it entered.")]
    previous_phase: Annotated[Phase, Field("The phase it left.")]


class RepoSynced(Result):
    """What is known of a repository whose window is complete, or whose gaps are recorded."""

    prs_synced: Annotated[int, Field("Pull requests stored by this attempt and those before it.")]


class RepoSync(
    Operation[RepoSynced],
    name="sync.repo",
    started=Line(Level.INFO, "team_id", "repo_id", "full_name", when="repository sync start"),
    completed=Line(Level.INFO, "team_id", "repo_id", "prs_synced", "duration_sec", when="repository sync end"),
    failed=Line(Level.ERROR, "team_id", "repo_id", "error_type", "error_msg", when="repository sync failure"),
):
    """One repository's pull requests brought up to date; one attempt at it."""

    team_id: TeamId
    repo_id: RepoId
    full_name: RepoName
    attempt: Annotated[int, Field("Which attempt at this repository in this run, from 1.", key="sync.attempt")]
    provider: Annotated[Literal["github"], Field("Who hosts the repository.", key="vcs.provider.name")] = "github"
    url: Annotated[str | None, Field("Its page on the web.", key="vcs.repository.url.full")] = None


class RepoProgress(
    Event,
    name="sync.repo.progress",
    level=Level.DEBUG,
    when="every 10 PRs",
):
    """Ten more pull requests are committed."""

    team_id: TeamId
    repo_id: RepoId
    prs_done: Annotated[int, Field("Pull requests committed so far.")]
    prs_total: Annotated[int | None, Field("Pull requests in the window; an estimate at first, exact at the end.")]
    pct: Annotated[float | None, Field("prs_done of prs_total, 0 to 100.", unit="%")]


class GraphQLAnswered(Result):
    """What an answer said about itself, even if the answer was an error."""

    points_cost: Annotated[int | None, Field("Points the call cost.", unit="{point}")]
    status: Annotated[CallStatus, Field("How the call ended.", low_cardinality=True)]
    nodes: Annotated[int | None, Field("Pull requests on the page.", key="sync.page.nodes")] = None
    remaining: Annotated[int | None, Field("Points left after the call.", key="sync.rate_limit.remaining")] = None
    status_code: Annotated[int | None, Field("HTTP status.", key="http.response.status_code")] = None


class GraphQLCall(
    Operation[GraphQLAnswered],
    name="sync.api.graphql",
    ended=Line(Level.DEBUG, "query_name", "points_cost", "duration_ms", "status", when="each GraphQL call"),
):
    """One GraphQL request and its answer."""

    query_name: QueryName
    page_size: Annotated[int | None, Field("Pull requests asked for.", key="sync.page.size")] = None
    lane_wait_ms: Annotated[float, Field("Wait for the account's lane before it.", "ms", key="sync.lane.wait_ms")] = 0.0


class RestAnswered(Result):
    """What a REST answer said about itself."""

    status_code: Annotated[
        int | None,
        Field("HTTP status; null when no answer came.", also="http.response.status_code", low_cardinality=True),
    ]
    remaining: Annotated[int | None, Field("Requests left after the call.", key="sync.rate_limit.remaining")] = None


class RestCall(
    Operation[RestAnswered],
    name="sync.api.rest",
    ended=Line(Level.DEBUG, "endpoint", "duration_ms", "status_code", when="each REST call"),
):
    """One REST request and its answer."""

    endpoint: Endpoint
    lane_wait_ms: Annotated[float, Field("Wait for the account's lane before it.", "ms", key="sync.lane.wait_ms")] = 0.0


class RateLimitChecked(
    Event,
    name="sync.api.rate_limit",
    level=Level.INFO,
    when="rate-limit check",
):
    """The account's budget was looked at before a request."""

    remaining: Annotated[int | None, Field("Points or requests left.")]
    limit: Annotated[int | None, Field("Points or requests an hour.")]
    reset_at: Annotated[datetime | None, Field("When the budget is full again.", unit="ISO 8601")]
    will_wait: Annotated[bool, Field("Whether the request has to wait.")]


class RateWaited(Result):
    """The wait is over."""


class RateWait(
    Operation[RateWaited],
    name="sync.api.rate_wait",
    entered=Line(Level.WARNING, "wait_seconds", "reset_at", when="waiting for the reset"),
):
    """A wait for GitHub's permission to go on."""

    wait_seconds: Annotated[float, Field("How long the wait will be.", unit="s")]
    reset_at: Annotated[datetime, Field("When it ends.", unit="ISO 8601")]
    reason: Annotated[
        str,
        Field(
            "primary, secondary, or retry_after: a server in trouble that names a time.",
            key="sync.rate_wait.reason",
            low_cardinality=True,
            example="primary",
        ),
    ]
    account_shared: Annotated[
        bool | None,
        Field("True if a secondary limit shows that something else uses the account.", key="sync.rate_wait.account_shared"),
    ] = None


class RowsWritten(Result):
    """Rows that the batch changed; unchanged rows count in neither."""

    created: Annotated[int, Field("Rows that were new.")]
    updated: Annotated[int, Field("Rows that changed.")]
    deleted: Annotated[int, Field("Rows that GitHub no longer lists.", key="sync.db.deleted")] = 0


class RowsWrite(
    Operation[RowsWritten],
    name="sync.db.write",
    ended=Line(Level.DEBUG, "entity_type", "created", "updated", "duration_ms", when="each batch write"),
):
    """One entity's rows of one page, in one statement."""

    entity_type: Annotated[EntityType, Field("What was written.", also="db.collection.name", low_cardinality=True)]
    rows: Annotated[int, Field("Rows given.", key="db.operation.batch.size")]


class PullRequestProcessed(
    Event,
    name="sync.pr.processed",
    level=Level.DEBUG,
    when="per pull request",
):
    """A pull request and its lists are committed."""

    pr_id: Annotated[int | None, Field("GitHub's fullDatabaseId.")]
    pr_number: Annotated[int, Field("Its number in its repository.", also="vcs.change.id")]
    reviews: Annotated[int, Field("Reviews stored.")]
    commits: Annotated[int, Field("Commits stored.")]
    files: Annotated[int, Field("Changed files stored.")]


class TaskRetry(
    Event,
    name="sync.task.retry",
    level=Level.WARNING,
    when="task retry",
):
    """A task's attempt failed and another will follow."""

    task_name: Annotated[str, Field("The Celery task.", example="apps.integrations.tasks.sync_repository")]
    retry_count: Annotated[int, Field("Which retry follows, from 1.")]
    countdown: Annotated[float, Field("Until the next attempt.", unit="s")]
    error: ErrorText


TABLE: tuple[str, ...] = (
    "sync.pipeline.started",
    "sync.pipeline.phase_changed",
    "sync.pipeline.completed",
    "sync.pipeline.failed",
    "sync.repo.started",
    "sync.repo.progress",
    "sync.repo.completed",
    "sync.repo.failed",
    "sync.api.graphql",
    "sync.api.rest",
    "sync.api.rate_limit",
    "sync.api.rate_wait",
    "sync.db.write",
    "sync.pr.processed",
    "sync.task.retry",
)
"""The catalog's events in the order people read them."""
