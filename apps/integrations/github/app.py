"""A GitHub App: how it proves its identity, and what GitHub says about it and its installations. Pure.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import jwt
from msgspec import Meta, Struct

from apps.integrations.errors import AppNotAllowed, AppRefused, InstallationGone, NotFound, Unauthorized
from apps.integrations.github.answers import Answer, read_rest
from apps.integrations.github.nodes import Response

_CLOCKS_DIFFER = timedelta(seconds=60)
"""GitHub refuses a token issued in what it takes for the future."""
_LASTS = timedelta(minutes=9)
"""GitHub accepts at most ten minutes."""
_NEEDED = ("contents", "metadata", "pull_requests")


class App(Struct, frozen=True, kw_only=True):
    """The app itself; its `slug` is its name in URLs."""

    slug: str
    name: str
    html_url: str = ""


class _Account(Struct, frozen=True, kw_only=True):
    login: str
    type: str = "User"


class _Listed(Struct, frozen=True, kw_only=True):
    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    account: _Account | None
    suspended_at: str | None = None
    repository_selection: str = "all"


class _Token(Struct, frozen=True, kw_only=True):
    token: str
    expires_at: datetime
    permissions: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """Where the app is installed: the login of a user or an organization."""

    id: int
    login: str
    is_suspended: bool
    has_all_repositories: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallationsPage:
    """The installations on a page, without those of deleted accounts, and how many GitHub listed."""

    count: int
    installations: tuple[Installation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallationToken:
    """An installation's token, which GitHub lets expire after an hour."""

    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"InstallationToken(expires_at={self.expires_at!r})"


def proof_of(app_id: str, *, private_key: str, now: datetime) -> str:
    """Return the signed JWT that identifies the app; raise `AppRefused` for anything but an RSA key in PEM."""
    claims = {"iss": app_id, "iat": int((now - _CLOCKS_DIFFER).timestamp()), "exp": int((now + _LASTS).timestamp())}
    try:
        return jwt.encode(claims, private_key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise AppRefused("The GitHub App's private key is not an RSA key in PEM") from None  # its text may hold the key


def read_app(response: Response) -> Answer[App]:
    """Return the app whose key was sent."""
    return Answer(value=_read(response, App))


def read_installations(response: Response) -> Answer[InstallationsPage]:
    """Return a page of the app's installations."""
    found: tuple[_Listed, ...] = _read(response, tuple[_Listed, ...])
    installations = tuple(
        Installation(
            id=each.id,
            login=each.account.login,
            is_suspended=each.suspended_at is not None,
            has_all_repositories=each.repository_selection == "all",
        )
        for each in found
        if each.account is not None
    )
    return Answer(value=InstallationsPage(count=len(found), installations=installations))


def read_token(response: Response) -> Answer[InstallationToken]:
    """Return the token that was made, if it may read what a sync reads.

    Raises `InstallationGone` if GitHub knows no such installation.
    """
    try:
        made: _Token = _read(response, _Token)
    except NotFound as error:
        raise InstallationGone(f"{error}: the app is not installed there any more", http_status=error.http_status) from error
    if missing := _missing(made.permissions):
        raise AppNotAllowed(f"The GitHub App may not read {' nor '.join(missing)} there", http_status=response.status)
    return Answer(value=InstallationToken(token=made.token, expires_at=made.expires_at))


def _missing(permissions: Mapping[str, str]) -> list[str]:
    """Return what a sync reads but is not permitted, in words; if GitHub names no permissions, nothing is missing."""
    return [name.replace("_", " ") for name in _NEEDED if permissions and name not in permissions]


def _read(response: Response, kind: type) -> Any:
    """Return an answer to the app itself; raise `AppRefused` if GitHub does not accept its key."""
    try:
        return read_rest(response, kind)
    except Unauthorized as error:
        raise AppRefused(str(error), http_status=error.http_status, request_id=error.request_id) from error
