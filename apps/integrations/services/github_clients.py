"""A connection's clients: one transport, one lane, GraphQL and REST on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from apps.integrations import attempts
from apps.integrations.attempts import Attempt
from apps.integrations.models import GitHubConnection, PipelineRun, RepoSync
from apps.integrations.services.github_graphql import GitHubGraphQL
from apps.integrations.services.github_rate_limit import Lane
from apps.integrations.services.github_rest import GitHubRest
from apps.integrations.services.github_transport import GitHubTransport


@dataclass(frozen=True, slots=True)
class Clients:
    """What a sync talks to GitHub with."""

    graphql: GitHubGraphQL
    rest: GitHubRest


def clients_for(row: RepoSync, *, attempt: Attempt) -> Clients:
    """Clients for one attempt at ``row``; while the lane waits, the row says why and shows life."""

    def show_wait(reason: str, until: datetime | None) -> None:
        attempts.update(attempt, wait_reason=reason, due_at=until or row.due_at)

    connection: GitHubConnection = row.repository.connection
    transport = GitHubTransport(
        api_url=connection.api_url, token=connection.token(), deadline_seconds=settings.SYNC_REQUEST_SECONDS
    )
    lane = Lane(account=connection.account, urgent=row.run.kind == PipelineRun.Kind.PHASE1, on_wait=show_wait)
    return Clients(GitHubGraphQL(transport=transport, lane=lane), GitHubRest(transport=transport, lane=lane))
