"""A team's connection to a GitHub API, and the repositories it tracks there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing, suppress
from urllib.parse import urlsplit

from apps.integrations.errors import NotFound, SyncError
from apps.integrations.models import GitHubConnection, TrackedRepository
from apps.integrations.secrets import encrypt
from apps.integrations.services.github_clients import transport_to
from apps.integrations.services.github_rate_limit import Lane
from apps.integrations.services.github_rest import GitHubRest
from apps.teams.models import Team

_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


class InvalidRepositoryName(SyncError):  # noqa: N818  # it says what is wrong
    """A name that no repository can have."""

    error_type = "invalid_repository_name"
    advice = "Write it as OWNER/NAME, like libuv/libuv."


def connect(*, team: Team, api_url: str, token: str) -> GitHubConnection:
    """The team's connection with the account that ``token`` belongs to, whose lane knows what is left of its limits.

    Raises `GitHubError` when the token is refused.
    """
    with closing(transport_to(api_url, token=token)) as transport:
        host = _host(api_url)
        user = GitHubRest(transport=transport, lane=Lane(account=f"{host}/(connecting)", urgent=True)).user()
        account = f"{host}/{user.login}"
        connection, _ = GitHubConnection.objects.update_or_create(
            team=team, account=account, defaults={"api_url": api_url, "encrypted_token": encrypt(token)}
        )
        with suppress(NotFound):  # an Enterprise Server without limits has no such page
            GitHubRest(transport=transport, lane=Lane(account=account, urgent=True)).rate_limit()
    return connection


def check_name(full_name: str) -> None:
    """``full_name`` may be a repository's; `InvalidRepositoryName` when it cannot."""
    if not _FULL_NAME.fullmatch(full_name):
        raise InvalidRepositoryName(f"{full_name!r} is no repository's name.")


def track(*, connection: GitHubConnection, full_names: Sequence[str]) -> list[TrackedRepository]:
    """The team tracks ``full_names``, in their order; names differ by more than case."""
    tracked = []
    for full_name in full_names:
        check_name(full_name)
        known, _ = TrackedRepository.objects.get_or_create(
            team_id=connection.team_id,
            full_name__iexact=full_name,
            defaults={"full_name": full_name, "connection": connection},
        )
        if known.connection_id != connection.pk:
            known.connection = connection
            known.save(update_fields=["connection"])
        tracked.append(known)
    return tracked


def rest_client(*, api_url: str, token: str, account: str) -> GitHubRest:
    """A REST client in the account's lane."""
    return GitHubRest(transport=transport_to(api_url, token=token), lane=Lane(account=account, urgent=True))


def _host(api_url: str) -> str:
    """The same text for every spelling of one host, because an account has one lane there."""
    parts = urlsplit(api_url)
    port = "" if parts.port in (None, {"https": 443, "http": 80}[parts.scheme]) else f":{parts.port}"
    return f"{parts.hostname}{port}"
