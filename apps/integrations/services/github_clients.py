"""A connection's clients: one transport, one lane, GraphQL and REST on it, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from apps.integrations.errors import OutOfTime
from apps.integrations.lane import Lane
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs import attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.services.github_graphql import GitHubGraphQL
from apps.integrations.services.github_rest import GitHubRest
from apps.integrations.services.github_transport import GitHubTransport
from apps.repositories.models import GitHubConnection
from apps.utils.boottime import boottime


@dataclass(frozen=True, slots=True)
class Clients:
    """What a sync talks to GitHub with."""

    graphql: GitHubGraphQL
    rest: GitHubRest
    requests_before: int = 0
    points_before: int = 0

    def spent(self) -> dict[str, int]:
        """``requests`` and ``points`` as they belong on the row: those of the attempts before, and all of these clients."""
        return {
            "requests": self.requests_before + self.graphql.requests + self.rest.requests,
            "points": self.points_before + self.graphql.points,
        }


def clients_for(row: RepoSync, *, attempt: Attempt) -> Clients:
    """Clients for one attempt at ``row``; as long as they work or wait, the row shows life, and says what for they wait.

    After SYNC_ATTEMPT_SECONDS they raise `OutOfTime`: of Celery's pools only prefork ends a task at its limit.
    """
    limit: float = settings.SYNC_ATTEMPT_SECONDS
    ends = boottime() + limit

    def show_life(reason: str, until: datetime | None) -> None:
        if boottime() > ends:
            raise OutOfTime(f"It had not ended after {limit:g} s")
        attempts.update(attempt, wait_reason=reason, due_at=until or row.due_at, **clients.spent())

    connection: GitHubConnection = row.repository.connection
    transport = transport_to(connection.api_url, token=connection.token())
    lane = Lane(account=connection.account, urgent=row.run.kind == PipelineRun.Kind.RECENT, heartbeat=show_life)
    clients = Clients(
        GitHubGraphQL(transport=transport, lane=lane),
        GitHubRest(transport=transport, lane=lane),
        requests_before=row.requests,
        points_before=row.points,
    )
    return clients


def transport_to(api_url: str, *, token: str) -> GitHubTransport:
    """A transport that keeps to the settings: a request's deadline, and who may be reached without TLS."""
    return GitHubTransport(
        api_url=api_url,
        token=token,
        deadline_seconds=settings.SYNC_REQUEST_SECONDS,
        plain_http_hosts=settings.SYNC_PLAIN_HTTP_HOSTS,
    )
