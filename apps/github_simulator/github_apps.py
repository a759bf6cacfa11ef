"""A GitHub App and where it is installed: it proves itself with its key, and has tokens made that expire.

https://docs.github.com/rest/apps/apps, and for what GitHub says of a bad proof
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt

from apps.github_simulator import replies
from apps.github_simulator.accounts import Accounts
from apps.github_simulator.actors import Actor
from apps.github_simulator.replies import Reply, json_reply
from apps.github_simulator.times import format_time

APP_ENDPOINTS = {"/app": "GET", "/app/installations": "GET", "/app/installations/{installation_id}/access_tokens": "POST"}
"""The routes that only the app itself may ask, by the method each takes."""

_PAGE, _LARGEST_PAGE = 30, 100
_LONGEST = 600  # seconds from now on
_READS: Mapping[str, str] = {"contents": "read", "metadata": "read", "pull_requests": "read"}
_SUSPENDED = "This installation has been suspended"


@dataclass(kw_only=True)
class Installation:
    """Where the app is installed; `repositories` None means all there are."""

    id: int
    login: str
    repositories: Sequence[str] | None = None
    permissions: Mapping[str, str] = field(default_factory=lambda: dict(_READS))
    is_suspended: bool = False
    tokens: list[str] = field(default_factory=list)


class GitHubApp:
    """One app, known by its public key in PEM; its tokens last `token_seconds`."""

    def __init__(
        self, *, app_id: str, slug: str, public_key: str, installations: Sequence[Installation], token_seconds: float = 3_600
    ) -> None:
        self.app_id = app_id
        self.slug = slug
        self.token_seconds = token_seconds
        self.installations = {each.id: each for each in installations}
        self._public_key = public_key

    def answer(self, endpoint: str, asked: Mapping[str, str], proof: str, accounts: Accounts, *, now: datetime) -> Reply:
        """Return the reply to a request of the app itself, with the proof that it is; tokens go to `accounts`."""
        if (refused := self._refused(proof, now=now)) is not None:
            return refused
        if endpoint == "/app":
            page = f"https://github.com/apps/{self.slug}"
            return json_reply({"id": 1, "slug": self.slug, "name": self.slug, "html_url": page})
        if endpoint == "/app/installations":
            size = min(int(asked.get("per_page", _PAGE)), _LARGEST_PAGE)
            before = size * (int(asked.get("page", "1")) - 1)
            listed = list(self.installations.values())[before : before + size]
            return json_reply([_installation_json(each) for each in listed])
        number = asked["installation_id"]
        found = self.installations.get(int(number)) if number.isdecimal() else None
        if found is None:
            return replies.not_found(f"{replies.DOCS}/rest/apps/apps#create-an-installation-access-token-for-an-app")
        return replies.message(403, _SUSPENDED) if found.is_suspended else self._token(found, accounts, now=now)

    def refused_token(self, token: str) -> Reply | None:
        """Return what GitHub says to the token of an installation that is suspended; None to any other."""
        suspended = any(each.is_suspended and token in each.tokens for each in self.installations.values())
        return replies.message(403, _SUSPENDED) if suspended else None

    def _token(self, installation: Installation, accounts: Accounts, *, now: datetime) -> Reply:
        token, expires_at = f"ghs_{secrets.token_hex(18)}", now + timedelta(seconds=self.token_seconds)
        entry = {
            "account": f"{self.slug}-{installation.id}",  # limits are an installation's own
            "type": "Installation",
            "repositories": installation.repositories,
            "expires_at": expires_at,
        }
        accounts.add(token, entry)
        installation.tokens.append(token)
        made = {"token": token, "expires_at": format_time(expires_at), "permissions": installation.permissions}
        return json_reply({**made, "repository_selection": _selection(installation)}, status=201)

    def _refused(self, proof: str, *, now: datetime) -> Reply | None:
        """Return what GitHub says to a proof that it does not accept, or None."""
        try:
            claims = jwt.decode(
                proof, self._public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.PyJWTError:
            return replies.message(401, "A JSON web token could not be decoded")
        if str(claims.get("iss")) != self.app_id:
            return replies.message(401, "Integration not found")
        issued, ends, seconds = claims.get("iat"), claims.get("exp"), now.timestamp()
        if not isinstance(issued, int) or issued > seconds:
            said = "must be an Integer representing the time that the assertion was issued"
            return replies.message(401, f"'Issued at' claim ('iat') {said}")
        if not isinstance(ends, int) or ends > seconds + _LONGEST:
            return replies.message(401, "'Expiration time' claim ('exp') is too far in the future")
        if ends <= seconds:
            said = "must be a numeric value representing the future time at which the assertion expires"
            return replies.message(401, f"'Expiration time' claim ('exp') {said}")
        return None


def _selection(installation: Installation) -> str:
    return "all" if installation.repositories is None else "selected"


def _installation_json(installation: Installation) -> dict[str, object]:
    account = Actor(installation.login, "Organization")
    return {
        "id": installation.id,
        "account": {"login": installation.login, "id": account.database_id, "type": account.typename},
        "repository_selection": _selection(installation),
        "permissions": installation.permissions,
        "suspended_at": "2026-01-01T00:00:00Z" if installation.is_suspended else None,
    }
