"""A GitHub App: how it proves itself, and what GitHub says of it and its installations. Pure.

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
"""GitHub refuses what was issued in its future."""
_LASTS = timedelta(minutes=9)
"""GitHub accepts ten minutes at most."""
_NEEDED = ("contents", "metadata", "pull_requests")


class App(Struct, frozen=True, kw_only=True):
    """The app itself; its `slug` is its name in addresses."""

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
    """The installations of a page, and how many GitHub listed: those of an account that is gone are left out."""

    count: int
    installations: tuple[Installation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class InstallationToken:
    """A token of an installation, which GitHub lets expire after an hour."""

    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"InstallationToken(expires_at={self.expires_at!r})"


def proof_of(app_id: str, *, private_key: str, now: datetime) -> str:
    """Return the signed word by which the app asks as itself; raises `AppRefused` for what is no RSA key in PEM."""
    claims = {"iss": app_id, "iat": int((now - _CLOCKS_DIFFER).timestamp()), "exp": int((now + _LASTS).timestamp())}
    try:
        return jwt.encode(claims, private_key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise AppRefused("The GitHub App's private key is no RSA key in PEM") from None  # whose text may hold the key


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
    """Return a token that was made, if it may read what a sync reads.

    Raises `InstallationGone` where GitHub knows no such installation.
    """
    try:
        made: _Token = _read(response, _Token)
    except NotFound as error:
        raise InstallationGone(f"{error}: the app is not installed there any more", http_status=error.http_status) from error
    if missing := _missing(made.permissions):
        raise AppNotAllowed(f"The GitHub App may not read {' nor '.join(missing)} there", http_status=response.status)
    return Answer(value=InstallationToken(token=made.token, expires_at=made.expires_at))


def _missing(permissions: Mapping[str, str]) -> list[str]:
    """Return what a sync reads and is not permitted, in words; where GitHub names no permissions, none is missed."""
    return [name.replace("_", " ") for name in _NEEDED if permissions and name not in permissions]


def _read(response: Response, kind: type) -> Any:
    """Return an answer to the app itself; raises `AppRefused` where GitHub does not accept its key."""
    try:
        return read_rest(response, kind)
    except Unauthorized as error:
        raise AppRefused(str(error), http_status=error.http_status, request_id=error.request_id) from error
