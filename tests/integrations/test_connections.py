"""A team connects an account, and tracks repositories with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection as db

from apps.github_simulator.testing import Limits, simulator
from apps.integrations import connections
from apps.integrations.connections import InvalidRepositoryName, connect, track
from apps.integrations.errors import Unauthorized
from apps.integrations.models import ApiLane, GitHubConnection, TrackedRepository
from apps.integrations.secrets import encrypt
from apps.teams.models import Team
from tests.integrations.services.hostile_server import hostile_server

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


def test_an_account_is_one_however_its_host_is_written(team: Team) -> None:
    """Two lanes for one account would be two requests at once."""
    with simulator(synthetic=1) as github:
        for url in (github.url.replace("127.0.0.1", "localhost"), github.url.replace("127.0.0.1", "LocalHost")):
            connect(team=team, api_url=url, token=TOKEN)
    assert GitHubConnection.objects.count() == 1


def test_two_that_connect_and_track_at_once_make_one_of_each(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two commands of a new team, say: whoever comes second finds what the first has made."""
    both, check_name = Barrier(2, timeout=20), connections.check_name
    monkeypatch.setattr(connections, "encrypt", lambda token: (both.wait(), encrypt(token))[1])
    monkeypatch.setattr(connections, "check_name", lambda name: (both.wait(), check_name(name))[1])
    with simulator(synthetic=1) as github, ThreadPoolExecutor(2) as pool:

        def begin(_: int) -> int:
            try:
                connection = connect(team=team, api_url=github.url, token=TOKEN)
                return track(connection=connection, full_names=["synthetic/repo-0"])[0].pk
            finally:
                db.close()

        assert len(set(pool.map(begin, range(2)))) == 1
    assert (GitHubConnection.objects.count(), TrackedRepository.objects.count()) == (1, 1)


def test_names_differ_by_more_than_case(team: Team) -> None:
    """What is tracked already is not tracked twice; what is no name is refused."""
    connection = GitHubConnection.objects.create(team=team, account="github.test/ada", encrypted_token=b"")
    first = track(connection=connection, full_names=["a/b", "a/c"])
    again = track(connection=connection, full_names=["A/B"])
    assert [one.pk for one in again] == [first[0].pk]
    assert TrackedRepository.objects.count() == 2
    with pytest.raises(InvalidRepositoryName):
        track(connection=connection, full_names=["a"])
