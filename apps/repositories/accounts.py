"""Store the accounts that a team connects and the repositories that it tracks. Asking GitHub about them is for above."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.repositories.names import repository_name
from apps.repositories.secrets import encrypt
from apps.teams.models import Team

_DEFAULT_PORTS = {"https": 443, "http": 80}


def account_name(*, api_url: str, login: str) -> str:
    """Return `host/login`, the same for every spelling of the host: an account has one lane and one set of limits."""
    parts = urlsplit(api_url)
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.hostname}{port}/{login}"


def save_connection(*, team: Team, api_url: str, account: str, token: str) -> GitHubConnection:
    """Store the team's connection with `account`, or replace the token of the one it has."""
    connection, _ = GitHubConnection.objects.update_or_create(
        team=team, account=account, defaults={"api_url": api_url, "encrypted_token": encrypt(token)}
    )
    return connection


def has_new_token(used: GitHubConnection) -> bool:
    """Return whether the account has been connected with another token since `used` was read."""
    return GitHubConnection.objects.get(pk=used.pk).token() != used.token()


def track(*, connection: GitHubConnection, full_names: Sequence[str], listed: Sequence[str] = ()) -> list[TrackedRepository]:
    """Store which repositories the connection's team tracks, and return them, each once; case does not matter.

    `full_names` are as people write them, see `repository_name`; those in `listed` are GitHub's own, and not judged.
    """
    tracked: list[TrackedRepository] = []
    for full_name in (*(repository_name(name, api_url=connection.api_url) for name in full_names), *listed):
        known, _ = TrackedRepository.objects.get_or_create(
            team_id=connection.team_id,
            full_name__iexact=full_name,
            defaults={"full_name": full_name, "connection": connection},
        )
        if known.connection_id != connection.pk:
            known.connection = connection
            known.save(update_fields=["connection"])
        if known not in tracked:
            tracked.append(known)
    return tracked
