"""Connect a team's GitHub account, which GitHub itself names, and list the repositories that its token sees."""

from __future__ import annotations

from contextlib import closing, suppress

from apps.integrations.errors import NotFound
from apps.integrations.lane import Lane
from apps.integrations.services.clients import transport_to
from apps.integrations.services.github_rest import GitHubRest
from apps.repositories.accounts import account_name, save_connection
from apps.repositories.models import GitHubConnection
from apps.teams.models import Team


def connect(*, team: Team, api_url: str, token: str) -> GitHubConnection:
    """Store the team's connection with the account that `token` belongs to, and what is left of the account's limits.

    Raises `GitHubError` if GitHub refuses the token; nothing is stored then.
    """
    with closing(transport_to(api_url, token=token)) as transport:
        nobody = account_name(api_url=api_url, login="(connecting)")
        user = GitHubRest(transport=transport, lane=Lane(account=nobody)).user()
        account = account_name(api_url=api_url, login=user.login)
        connection = save_connection(team=team, api_url=api_url, account=account, token=token)
        with suppress(NotFound):  # an Enterprise Server with its limits switched off has no such page
            GitHubRest(transport=transport, lane=Lane(account=account)).rate_limit()
    return connection


def rest_client(*, api_url: str, token: str, account: str) -> GitHubRest:
    """Return a REST client that takes its turns in the account's lane."""
    return GitHubRest(transport=transport_to(api_url, token=token), lane=Lane(account=account))
