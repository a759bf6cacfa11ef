"""The clients of one attempt: GraphQL and REST, on one transport and one lane, according to the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.integrations.errors import OutOfTime
from apps.integrations.github.transport import GitHubTransport, Transport
from apps.integrations.lane import Lane, Turns
from apps.integrations.models import RepoSync
from apps.integrations.runs import attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.services.calls import Known
from apps.integrations.services.github_app import AppKey, GitHubAppClient, RenewedTurns
from apps.integrations.services.github_graphql import Dialect, GitHubGraphQL
from apps.integrations.services.github_rest import GitHubRest
from apps.repositories.models import GitHubConnection
from apps.utils.boottime import boottime


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """An attempt's clients, and what earlier attempts have spent."""

    graphql: GitHubGraphQL
    rest: GitHubRest
    requests_before: int
    points_before: int

    def spent(self) -> dict[str, int]:
        """Return `requests` and `points` for the row: those of earlier attempts plus these clients'."""
        return {
            "requests": self.requests_before + self.graphql.requests + self.rest.requests,
            "points": self.points_before + self.graphql.points,
        }


def clients_for(row: RepoSync, *, attempt: Attempt, transport: Transport | None = None) -> Clients:
    """Return clients for one attempt at `row`, which show there that they are alive and what they wait for.

    They send through `transport`, by default one to the connection's API. After SYNC_ATTEMPT_SECONDS they raise
    `OutOfTime`, because only Celery's prefork pool enforces a task's time limit.
    """
    limit: float = settings.SYNC_ATTEMPT_SECONDS
    ends = boottime() + limit

    def show_life(reason: str, until: datetime | None) -> None:
        if boottime() > ends:
            raise OutOfTime(f"It had not ended after {limit:g} s")
        attempts.update(attempt, wait_reason=reason, due_at=until or row.due_at, **clients.spent())

    connection: GitHubConnection = row.repository.connection
    lane: Turns = Lane(account=connection.account, heartbeat=show_life, confirm=lambda: attempts.confirm(attempt))
    if transport is None:
        transport = transport_to(connection.api_url, token=connection.token())
        lane = turns_with(lane, connection=connection, transport=transport)
    known = Known(token_works=True, repository_is_there=row.repository.github_id is not None)  # since it was connected
    clients = Clients(
        graphql=GitHubGraphQL(transport=transport, lane=lane, known=known, dialect=_dialect(connection.api_url)),
        rest=GitHubRest(transport=transport, lane=lane, known=known),
        requests_before=row.requests,
        points_before=row.points,
    )
    return clients


def turns_with(
    lane: Turns, *, connection: GitHubConnection, transport: GitHubTransport, within: float | None = None
) -> Turns:
    """Return turns in `lane` that renew the connection's token if a GitHub App makes it."""
    if connection.installation_id is None:
        return lane

    def client(turns: Turns) -> GitHubAppClient:
        return app_client(connection.api_url, lane=turns, within=within)

    return RenewedTurns(lane, connection=connection, transport=transport, client=client)


def app_client(api_url: str, *, lane: Turns, within: float | None = None) -> GitHubAppClient:
    """Return a client of the GitHub App in the settings; raise ImproperlyConfigured if there is none."""
    key = configured_app()
    if key is None:
        raise ImproperlyConfigured(
            "A GitHub App makes this account's tokens, and none is set: set SYNCTRACE_GITHUB_APP_ID and "
            "SYNCTRACE_GITHUB_APP_PRIVATE_KEY for web and workers, as they were."
        )
    return GitHubAppClient(key, transport=transport_to(api_url, token="unsigned", within=within), lane=lane)  # noqa: S106


def configured_app() -> AppKey | None:
    """Return the GitHub App in the settings, or None."""
    app_id, private_key = settings.SYNCTRACE_GITHUB_APP_ID, settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY
    return AppKey(app_id=app_id, private_key=private_key) if app_id and private_key else None


@cache
def _dialect(_api_url: str) -> Dialect:
    """Return what this process has learned about the server at `api_url`."""
    return Dialect()


def transport_to(api_url: str, *, token: str, within: float | None = None) -> GitHubTransport:
    """Return a transport with the settings' deadline, or `within` if that is shorter, and their plain-http hosts."""
    return GitHubTransport(
        api_url=api_url,
        token=token,
        deadline_seconds=settings.SYNC_REQUEST_SECONDS if within is None else min(within, settings.SYNC_REQUEST_SECONDS),
        plain_http_hosts=settings.SYNC_PLAIN_HTTP_HOSTS,
    )
