"""Connect the account that a command asks for: the owner of the environment's token, or a GitHub App's installation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings
from django.core.management.base import CommandError

from apps.integrations import connections
from apps.integrations.github.app import App, Installation
from apps.integrations.services.clients import configured_app
from apps.repositories.models import GitHubConnection
from apps.teams.models import Team

_GITHUB = "https://api.github.com"
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAsked:
    """An account of the API at `api_url`: where the GitHub App is installed, or else the owner of `token`."""

    api_url: str
    installation: str
    token: str

    def __repr__(self) -> str:
        return f"AccountAsked(api_url={self.api_url!r}, installation={self.installation!r})"

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Return the account that a command's options and environment ask for; raise `CommandError` if they name none."""
        installation, token = options["installation"], os.environ.get("GITHUB_TOKEN", "").strip()
        if installation and configured_app() is None:
            raise CommandError(
                "--installation needs a GitHub App, and none is set: set SYNCTRACE_GITHUB_APP_ID and "
                "SYNCTRACE_GITHUB_APP_PRIVATE_KEY (docs/operations.md says how), here and for your workers."
            )
        if not (installation or token):
            or_app = (
                "" if configured_app() is None else " With the GitHub App, name where it is installed: --installation LOGIN."
            )
            raise CommandError(
                f"There is no token: put one into the environment as GITHUB_TOKEN, never on the command line.{or_app}"
            )
        api_url = options["api_url"] or (settings.SYNCTRACE_API_URLS[0] if installation else _GITHUB)
        return cls(api_url=api_url, installation=installation, token=token)

    def connect(self, team: Team) -> GitHubConnection:
        """Store the team's connection; raise `SyncError`, or `CommandError` if the app is not installed there."""
        if not self.installation:
            return connections.connect(team=team, api_url=self.api_url, token=self.token)
        app, installations = connections.github_app(api_url=self.api_url)
        found = next((each for each in installations if self.installation.casefold() in _names_of(each)), None)
        if found is None:
            raise CommandError(_not_there(app, installations, self.installation))
        return connections.connect_installation(team=team, api_url=self.api_url, installation_id=found.id)


def _names_of(installation: Installation) -> tuple[str, str]:
    return installation.login.casefold(), str(installation.id)


def _not_there(app: App, installations: Sequence[Installation], asked: str) -> str:
    logins = [each.login for each in installations]
    more = f" and {len(logins) - _MOST_NAMED:,} more" if len(logins) > _MOST_NAMED else ""
    places = f"only at {', '.join(logins[:_MOST_NAMED])}{more}" if logins else "nor anywhere else"
    where = f" at {app.html_url}/installations/new" if app.html_url else ""
    return f"The GitHub App {app.name} is not installed at {asked!r}, {places}: install it there{where}, or check the name."
