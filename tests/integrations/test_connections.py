"""A team connects the account that GitHub says its token belongs to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from apps.github_simulator.testing import Limits, simulator
from apps.integrations.connections import connect, list_repositories, replace_token
from apps.integrations.errors import AnotherAccount, NotInTime, Parked, Unauthorized
from apps.integrations.lane import Lane
from apps.integrations.models import ApiLane
from apps.repositories.models import GitHubConnection, Listed
from apps.teams.models import Team
from tests.integrations.github.hostile_server import hostile_server

TOKEN = "ghp_" + "a" * 36

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team(db: None) -> Team:
    """A team that connects."""
    return Team.objects.create(slug="bakers", name="Bakers")


def test_a_connection_knows_what_is_left_before_the_first_request(team: Team) -> None:
    """The account's lane has the budgets that `/rate_limit` tells; the token is stored encrypted alone."""
    with simulator(synthetic=1, limits=Limits(graphql=700, core=800)) as github:
        connection = connect(team=team, api_url=github.url, token=TOKEN)
        sent = github.stats()["requests"]
    lane = ApiLane.objects.get(account=connection.account)
    assert (lane.graphql_limit, lane.graphql_remaining) == (700, 700)
    assert (lane.core_limit, lane.core_remaining) == (800, 799)
    assert sent == {"graphql": 0, "rest": 2}
    stored = GitHubConnection.objects.get()
    assert stored.token() == TOKEN
    assert TOKEN.encode() not in bytes(stored.encrypted_token)


def test_another_token_of_the_same_account_replaces_the_first(team: Team) -> None:
    """Limits are the account's, so it has one connection a team."""
    tokens = {name: {"account": "ada", "type": "User"} for name in (TOKEN, TOKEN + "b")}
    with simulator(synthetic=1, tokens=tokens) as github:
        for token in tokens:
            connect(team=team, api_url=github.url, token=token)
    assert GitHubConnection.objects.get().token() == TOKEN + "b"


def test_one_host_is_one_however_it_is_spelt(team: Team) -> None:
    """Two lanes for one account would be two requests at once."""
    with simulator(synthetic=1) as github:
        for url in (github.url, f"{github.url.replace('http', 'HTTP')}/"):
            connect(team=team, api_url=url, token=TOKEN)
    assert GitHubConnection.objects.count() == 1


def test_a_refused_token_leaves_nothing(team: Team) -> None:
    """Neither a connection nor a lane for it."""
    with (
        simulator(synthetic=1, tokens={"another": {"account": "ada", "type": "User"}}) as github,
        pytest.raises(Unauthorized),
    ):
        connect(team=team, api_url=github.url, token=TOKEN)
    assert not GitHubConnection.objects.exists()
    assert not ApiLane.objects.exists()


def test_a_server_without_limits_is_connected_all_the_same(team: Team) -> None:
    """An Enterprise Server whose limits are off answers `/rate_limit` with 404."""
    answers = [
        b'HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{"login": "ada", "type": "User"}',
        b'HTTP/1.1 404 Not Found\r\nContent-Length: 44\r\n\r\n{"message": "Rate limiting is not enabled."}',
    ]
    with hostile_server(lambda connection: connection.sendall(answers.pop(0))) as server:
        connection = connect(team=team, api_url=server.url, token=TOKEN)
    assert connection.account.endswith("/ada")
    assert ApiLane.objects.get(account=connection.account).graphql_remaining is None


def test_what_github_says_of_the_token_is_kept(team: Team) -> None:
    """Scopes and end; organizations and repositories once they are asked for."""
    entry = {"account": "ada", "scopes": ["repo", "read:org"], "expires_at": "2099-01-31T12:00:00Z"}
    with simulator(synthetic=1, tokens={TOKEN: entry}) as github:
        github.archive("synthetic/repo-0")
        connection = connect(team=team, api_url=github.url, token=TOKEN)
        kept = connection.access
        assert (kept.scopes, f"{kept.expires_at:%Y-%m-%d %H:%M}", kept.listed_at) == (
            ["repo", "read:org"],
            "2099-01-31 12:00",
            None,
        )
        listed = list_repositories(connection, within=10)
    assert listed.organizations == ["synthetic"]
    assert listed.listed() == [Listed("synthetic/repo-0", is_archived=True)]
    assert (listed.continues_at, listed.refusal) == ("", "")


def test_a_thousand_repositories_are_listed_at_once(team: Team) -> None:
    """The others when somebody asks for them: a page each costs a request, and a person waits."""
    with simulator(synthetic=1, tokens={TOKEN: {"account": "ada"}}) as github:
        for seed in range(1, 1_050):
            github.add_synthetic(0, seed=seed)
        connection = connect(team=team, api_url=github.url, token=TOKEN)
        before = github.stats()["requests"]["rest"]
        first = list_repositories(connection, within=60)
        assert github.stats()["requests"]["rest"] - before == 1 + 10
        assert (len(first.listed()), bool(first.continues_at)) == (1_000, True)
        whole = list_repositories(connection, within=60, goes_on=True)
    names = {each.full_name for each in whole.listed()}
    assert (len(whole.listed()), len(names), whole.continues_at) == (1_050, 1_050, "")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": "sso"}, "SAML enforcement"),
        ({"fault": "server_error"}, "GitHub is in trouble"),
        ({"fault": "primary_limit"}, "GitHub's primary limit holds until"),
    ],
)
def test_a_list_that_breaks_off_says_why(fault: Mapping[str, Any], said: str, team: Team) -> None:
    """And where it stopped it goes on."""
    with simulator(synthetic=1, tokens={TOKEN: {"account": "ada"}}) as github:
        for seed in range(1, 150):
            github.add_synthetic(0, seed=seed)
        connection = connect(team=team, api_url=github.url, token=TOKEN)
        github.add_faults({**fault, "match": {"endpoint": "/user/repos"}, "nth": 2, "times": None})
        broken = list_repositories(connection, within=10)
        assert said in broken.refusal
        assert (len(broken.listed()), bool(broken.continues_at)) == (100, True)


def test_a_person_is_not_kept_waiting_for_a_limit(team: Team) -> None:
    """It is said at once, also the second time, when GitHub need not be asked; another's token is not held up by it."""
    tokens = {name: {"account": name, "type": "User"} for name in ("ada-s", "ben-s")}
    with simulator(synthetic=1, tokens=tokens) as github:
        github.set_budget("ada-s", "core", remaining=0, reset_in=30.0)
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(Parked):
                connect(team=team, api_url=github.url, token="ada-s", within=8)
            assert time.monotonic() - started < 5
        assert github.stats()["requests"]["rest"] == 1
        connect(team=team, api_url=github.url, token="ben-s", within=8)


def test_a_person_is_not_kept_waiting_for_an_account_in_use(team: Team) -> None:
    """A request of a sync that takes long keeps the lane."""
    with simulator(synthetic=1, tokens={TOKEN: {"account": "ada"}}) as github:
        connection = connect(team=team, api_url=github.url, token=TOKEN)
        with Lane(account=connection.account).turn(resource=None), pytest.raises(NotInTime):
            connect(team=team, api_url=github.url, token=TOKEN, within=1.0)


def test_a_token_that_another_team_uses_is_never_sent_beside_its_requests(team: Team) -> None:
    """Also not to ask whose it is, which its account's lane is for; another token has to wait for nobody."""
    tokens = {TOKEN: {"account": "ada", "type": "User"}, TOKEN + "b": {"account": "eve", "type": "User"}}
    other = Team.objects.create(slug="smiths", name="Smiths")
    with simulator(synthetic=1, tokens=tokens) as github:
        account = connect(team=team, api_url=github.url, token=TOKEN).account
        with Lane(account=account).turn(resource=None):
            sent = github.stats()["requests"]["rest"]
            with pytest.raises(NotInTime):
                connect(team=other, api_url=github.url.replace("http", "HTTP"), token=TOKEN, within=0.3)
            assert github.stats()["requests"]["rest"] == sent
            connect(team=other, api_url=github.url, token=TOKEN + "b", within=2.0)
        connect(team=other, api_url=github.url, token=TOKEN)
    assert {connection.account.rpartition("/")[2] for connection in GitHubConnection.objects.filter(team=other)} == {
        "ada",
        "eve",
    }


def test_another_account_s_token_replaces_none(team: Team) -> None:
    """What is stored would be read with rights that nobody meant."""
    tokens = {name: {"account": account, "type": "User"} for name, account in ((TOKEN, "ada"), ("other", "ben"))}
    with simulator(synthetic=1, tokens=tokens) as github:
        connection = connect(team=team, api_url=github.url, token=TOKEN)
        with pytest.raises(AnotherAccount, match=r"/ben, and this is the connection with .*/ada"):
            replace_token(connection, "other", by="ada", within=8)
        github.expire_token(TOKEN)
        github.add_token("new", account="ada", scopes=["repo"])
        replace_token(connection, "new", by="ada", within=8)
    stored = GitHubConnection.objects.get()
    assert (stored.token(), stored.access.scopes) == ("new", ["repo"])
