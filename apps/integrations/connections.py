"""Connect a team's GitHub account, as GitHub identifies it, and list what its token may do and see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

from django.conf import settings

from apps import machine_catalog
from apps.integrations.errors import (
    AnotherAccount,
    InstallationGone,
    NotFound,
    NotInTime,
    Parked,
    RateLimited,
    SecondaryLimited,
    SyncError,
)
from apps.integrations.github.app import App, Installation
from apps.integrations.github.nodes import TokenHolder
from apps.integrations.lane import Lane
from apps.integrations.models import ApiLane
from apps.integrations.services.clients import app_client, transport_to, turns_with
from apps.integrations.services.github_rest import GitHubRest
from apps.repositories.accounts import account_name, account_with, save_connection
from apps.repositories.models import GitHubConnection, TokenAccess
from apps.repositories.secrets import fingerprint
from apps.teams.models import Team
from apps.utils import clock
from apps.utils.boottime import boottime
from telemetry import bind, emit

_PAGES_AT_ONCE = 10
"""Pages of a hundred repositories: a person waits for them, and GitHub counts each as a request."""


def connect(*, team: Team, api_url: str, token: str, by: str = "", within: float | None = None) -> GitHubConnection:
    """Store the team's connection with the account that owns `token`, and what is left of the account's limits.

    Raises `GitHubError` if GitHub refuses the token, and `NotInTime` after `within` seconds, with nothing stored. `by`
    names the person on the line about it.
    """
    holder = _holder_of(token, api_url=api_url, within=within)
    account = account_name(api_url=api_url, login=holder.login)
    _ask_limits(account, token, api_url=api_url, within=within)
    connection = save_connection(team=team, api_url=api_url, account=account, token=token)
    _keep(connection, holder, by=by)
    return connection


def github_app(*, api_url: str, within: float | None = None) -> tuple[App, tuple[Installation, ...]]:
    """Return the GitHub App that the settings name, and where it is installed; raises `GitHubError` and `NotInTime`."""
    client = app_client(api_url, lane=_lane(_account_of_app(api_url), within=within), within=within)
    return client.app(), client.installations()


def connect_installation(
    *, team: Team, api_url: str, installation_id: int, by: str = "", within: float | None = None
) -> GitHubConnection:
    """Store the team's connection with an installation of the GitHub App, whose tokens are made as they are needed.

    An installation has its own limits, and so its own lane. Raises `InstallationGone` for one that the app does not
    have, and whatever else GitHub answers; nothing is stored then.
    """
    app, installations = github_app(api_url=api_url, within=within)
    found = next((each for each in installations if each.id == installation_id), None)
    if found is None:
        raise InstallationGone("The GitHub App is not installed there any more")
    account = account_name(api_url=api_url, login=f"{found.login} ({app.slug})")
    made = app_client(api_url, lane=_lane(account, within=within), within=within).token_of(found.id)
    _ask_limits(account, made.token, api_url=api_url, within=within)
    connection = save_connection(
        team=team,
        api_url=api_url,
        account=account,
        token=made.token,
        installation_id=found.id,
        expires_at=made.expires_at,
    )
    _keep(connection, TokenHolder(login=found.login, kind="Installation"), by=by)
    return connection


def replace_token(connection: GitHubConnection, token: str, *, by: str, within: float | None = None) -> None:
    """Store another token of the connection's account, which attempts use from their next request on.

    Raises `AnotherAccount` if it belongs to another account, and whatever `connect` raises; the old token then stays.
    """
    holder = _holder_of(token, api_url=connection.api_url, within=within)
    account = account_name(api_url=connection.api_url, login=holder.login)
    if account.casefold() != connection.account.casefold():
        raise AnotherAccount(f"The token belongs to {account}, and this is the connection with {connection.account}")
    _ask_limits(connection.account, token, api_url=connection.api_url, within=within)
    save_connection(team=connection.team, api_url=connection.api_url, account=connection.account, token=token)
    _keep(connection, holder, by=by)


def list_repositories(connection: GitHubConnection, *, within: float, goes_on: bool = False) -> TokenAccess:
    """Store and return which organizations and repositories the connection's token sees: the first thousand at once.

    The list is read afresh, or with `goes_on` from where it stopped. If a refusal or the limit of `within` seconds ends
    it, that is kept as its `refusal`, with what was read before.
    """
    now = clock.now()
    access, _ = TokenAccess.objects.get_or_create(connection=connection, defaults={"asked_at": now})
    if not (goes_on and access.continues_at):
        access.repositories, access.hidden_organizations, access.continues_at = [], [], ""
    access.listed_at, access.refusal = now, ""
    try:
        with client_of(connection, within=within) as rest:
            _read_pages(access, rest, anew=not access.continues_at)
    except SyncError as error:
        access.refusal = error.in_full()
    access.save()
    return access


@contextmanager
def client_of(connection: GitHubConnection, *, within: float | None = None) -> Iterator[GitHubRest]:
    """Yield a REST client in the account's lane with the connection's token, which is renewed if a GitHub App makes it.

    It waits no longer than `within` seconds in all, if given.
    """
    with closing(transport_to(connection.api_url, token=connection.token(), within=within)) as transport:
        lane = _lane(connection.account, within=within)
        turns = turns_with(lane, connection=connection, transport=transport, within=within)
        yield GitHubRest(transport=transport, lane=turns)


def _read_pages(access: TokenAccess, rest: GitHubRest, *, anew: bool) -> None:
    """Read repositories into `access`, page by page, preceded by organizations if the list begins."""
    if anew:
        organizations = rest.organizations()
        access.organizations = None if organizations is None else list(organizations)
    known = {values[0] for values in access.repositories}
    for _ in range(_PAGES_AT_ONCE):
        page = rest.repository_page(access.continues_at or None)
        for info in page.repositories:
            if info.full_name not in known:  # repositories added meanwhile move others to the next page
                known.add(info.full_name)
                access.repositories.append([info.full_name, info.archived, info.fork, info.private])
        access.hidden_organizations = sorted({*access.hidden_organizations, *page.hidden_organizations})
        access.continues_at = page.following or ""
        if page.following is None:
            return


def _holder_of(token: str, *, api_url: str, within: float | None) -> TokenHolder:
    """Return whose token it is; a token not stored yet has a lane of its own."""
    transport_to(api_url, token=token).close()  # an impossible address or token is reported before anything is done
    if (account := account_with(token, api_url=api_url)) is not None:  # no requests beside a sync's
        with _client(api_url, token, account=account, within=within) as rest:
            return rest.user()
    account = account_name(api_url=api_url, login=f"(token {fingerprint(token)[:16]})")
    with _client(api_url, token, account=account, within=within) as rest:
        try:
            holder = rest.user()
        except (RateLimited, SecondaryLimited, Parked):
            raise  # the lane knows until when nothing may be sent with it
        except SyncError:
            _forget_lane(account)
            raise
    _forget_lane(account)
    return holder


def _forget_lane(account: str) -> None:
    ApiLane.objects.filter(account=account, holder=None).delete()


def _ask_limits(account: str, token: str, *, api_url: str, within: float | None) -> None:
    """Tell the account's lane what is left of its limits."""
    with _client(api_url, token, account=account, within=within) as rest, suppress(NotFound):
        rest.rate_limit()  # an Enterprise Server without limits has no such page


def _keep(connection: GitHubConnection, holder: TokenHolder, *, by: str) -> None:
    """Store what GitHub says about the token, and log who brought it; what it sees is not known yet."""
    scopes = None if holder.scopes is None else list(holder.scopes)
    said = {"asked_at": clock.now(), "scopes": scopes, "expires_at": holder.expires_at}
    TokenAccess.objects.update_or_create(connection=connection, defaults=said)
    if by:
        with bind(team_id=connection.team_id):
            emit(machine_catalog.AccountConnected(by=by, account=connection.account))


def _account_of_app(api_url: str) -> str:
    """Return the name of the lane in which the GitHub App sends its own requests."""
    return account_name(api_url=api_url, login=f"(app {settings.SYNCTRACE_GITHUB_APP_ID})")


@contextmanager
def _client(api_url: str, token: str, *, account: str, within: float | None) -> Iterator[GitHubRest]:
    """Yield a REST client in the account's lane that waits no longer than `within` seconds in all, if given."""
    with closing(transport_to(api_url, token=token, within=within)) as transport:
        yield GitHubRest(transport=transport, lane=_lane(account, within=within))


def _lane(account: str, *, within: float | None) -> Lane:
    """Return the account's lane, in which waits end `within` seconds from now, if given."""
    if within is None:
        return Lane(account=account)
    return Lane(
        account=account,
        request_seconds=min(within, settings.SYNC_REQUEST_SECONDS),
        confirm=_until(boottime() + within, seconds=within),
        most_wait_seconds=0.0,
    )


def _until(ends: float, *, seconds: float) -> Callable[[], None]:
    """Return a callable that raises `NotInTime` from the moment `ends` on, by `boottime`."""

    def confirm() -> None:
        if boottime() > ends:
            raise NotInTime(f"There was no answer in {seconds:g} s")

    return confirm
