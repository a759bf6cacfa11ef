"""Store the accounts that a team connects and the repositories that it tracks. Asking GitHub about them is for above."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.repositories.secrets import encrypt
from apps.teams.models import Team

_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_DEFAULT_PORTS = {"https": 443, "http": 80}


class InvalidRepositoryName(ValueError):  # noqa: N818  # the name says what is wrong; "Error" would add nothing
    """A name that no repository can have."""


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


def check_name(full_name: str) -> None:
    """Raise InvalidRepositoryName if no repository can be called `full_name`."""
    if not _FULL_NAME.fullmatch(full_name):
        raise InvalidRepositoryName(f"{full_name!r} is not a repository's name. Write it as OWNER/NAME, like libuv/libuv.")


def track(*, connection: GitHubConnection, full_names: Sequence[str]) -> list[TrackedRepository]:
    """Store that the connection's team tracks `full_names`, and return them in that order; case does not matter."""
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
