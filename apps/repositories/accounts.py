"""Store the accounts that a team connects and the repositories that it tracks. Apps above ask GitHub about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.db.models.functions import Lower

from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.repositories.names import repository_name
from apps.repositories.secrets import encrypt, fingerprint, fingerprints
from apps.teams.models import Team

_DEFAULT_PORTS = {"https": 443, "http": 80}


def account_name(*, api_url: str, login: str) -> str:
    """Return `host/login`, the same for every spelling of the host: an account has one lane and one set of limits."""
    parts = urlsplit(api_url)
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.hostname}{port}/{login}"


def save_connection(
    *,
    team: Team,
    api_url: str,
    account: str,
    token: str,
    installation_id: int | None = None,
    expires_at: datetime | None = None,
) -> GitHubConnection:
    """Store the team's connection with `account`, or replace the token of the existing one.

    A token made by a GitHub App belongs to an installation, and expires.
    """
    stored = {
        "api_url": api_url,
        "encrypted_token": encrypt(token),
        "token_fingerprint": fingerprint(token),
        "installation_id": installation_id,
        "token_expires_at": expires_at,
    }
    connection, _ = GitHubConnection.objects.update_or_create(team=team, account=account, defaults=stored)
    return connection


def renew_token(connection: GitHubConnection, token: str, *, expires_at: datetime) -> None:
    """Store a connection's next token, unless it has been removed meanwhile."""
    connection.encrypted_token, connection.token_fingerprint = encrypt(token), fingerprint(token)
    connection.token_expires_at = expires_at
    fields = ("encrypted_token", "token_fingerprint", "token_expires_at")
    GitHubConnection.objects.filter(pk=connection.pk).update(**{field: getattr(connection, field) for field in fields})


def account_with(token: str, *, api_url: str) -> str | None:
    """Return the account at the API's host that exactly this token is stored for, or None, decrypting none."""
    of_host = GitHubConnection.objects.filter(account__istartswith=account_name(api_url=api_url, login=""))
    return of_host.filter(token_fingerprint__in=fingerprints(token)).values_list("account", flat=True).first()


def has_new_token(used: GitHubConnection) -> bool:
    """Return whether the account has been connected with another token since `used` was read."""
    return GitHubConnection.objects.get(pk=used.pk).token() != used.token()


def track(*, connection: GitHubConnection, full_names: Sequence[str], listed: Sequence[str] = ()) -> list[TrackedRepository]:
    """Store which repositories the connection's team tracks, and return them, each once, ignoring case.

    `full_names` are as people write them, see `repository_name`; those in `listed` are GitHub's own and not checked.
    The number of queries does not grow with the number of names.
    """
    asked = (*(repository_name(name, api_url=connection.api_url) for name in full_names), *listed)
    names: dict[str, str] = {}
    for name in asked:
        names.setdefault(name.lower(), name)
    known = _tracked(connection.team, names)
    TrackedRepository.objects.bulk_create(
        [
            TrackedRepository(team=connection.team, connection=connection, full_name=name)
            for key, name in names.items()
            if key not in known
        ],
        ignore_conflicts=True,  # another process may be quicker
    )
    if len(known) < len(names):
        known = _tracked(connection.team, names)
    moved = [row for row in known.values() if row.connection_id != connection.pk]
    for row in moved:
        row.connection = connection
    TrackedRepository.objects.bulk_update(moved, ["connection"], batch_size=1_000)
    return list(dict.fromkeys(known[name.lower()] for name in asked))


def _tracked(team: Team, names: Collection[str]) -> dict[str, TrackedRepository]:
    """Return the team's repositories with these lower-case names, by name."""
    rows = TrackedRepository.objects.filter(team=team).annotate(key=Lower("full_name")).filter(key__in=names)
    return {row.full_name.lower(): row for row in rows}
