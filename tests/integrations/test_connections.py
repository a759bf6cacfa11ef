"""A team connects the account that GitHub says its token belongs to."""

from __future__ import annotations

import pytest

from apps.github_simulator.testing import Limits, simulator
from apps.integrations.connections import connect
from apps.integrations.errors import Unauthorized
from apps.integrations.models import ApiLane
from apps.repositories.models import GitHubConnection
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
