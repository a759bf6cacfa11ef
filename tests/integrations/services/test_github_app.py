"""The app itself is asked page by page, and an installation's token is made anew in time, once, and for its row alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson
import pytest

from apps.github_simulator.testing import Installation, simulator
from apps.integrations.errors import AppRefused, NotFound, Unauthorized
from apps.integrations.github.app import App, InstallationToken
from apps.integrations.github.nodes import Response
from apps.integrations.github.transport import GitHubTransport
from apps.integrations.lane import Resource, Turn, Turns
from apps.integrations.services.github_app import AppKey, GitHubAppClient, RenewedTurns
from apps.repositories.accounts import save_connection
from apps.repositories.models import GitHubConnection
from apps.teams.models import Team
from apps.utils import clock
from telemetry.testing import Capture
from tests.integrations.apps import APP_ID, app, key
from tests.integrations.github.answers import FreeLane
from tests.integrations.github.hostile_server import hostile_server, sending

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = AppKey(app_id=APP_ID, private_key=key(0).private)


def _client(url: str, *, lane: FreeLane | None = None) -> GitHubAppClient:
    return GitHubAppClient(KEY, transport=GitHubTransport(api_url=url, token="unsigned"), lane=lane or FreeLane())


def test_the_key_is_not_shown() -> None:
    """Only whose it is."""
    assert repr(KEY) == "AppKey(app_id='4711')"


@pytest.mark.parametrize(("installed", "pages"), [(1, 1), (99, 1), (100, 2), (101, 2)])
def test_every_place_where_the_app_is_installed_is_listed(installed: int, pages: int) -> None:
    """A hundred a request; a page that is not full is the last."""
    places = [Installation(id=number, login=f"place-{number}") for number in range(1, installed + 1)]
    with simulator(synthetic=1, app=app(*places), tokens={}) as github:
        found = _client(github.url).installations()
        assert github.stats()["requests"] == {"graphql": 0, "rest": pages}
    assert [each.id for each in found] == list(range(1, installed + 1))


class _Everywhere(GitHubTransport):
    """Answers each request with a full page of other installations."""

    def rest(self, path: str, params: Mapping[str, str] | None = None, *, send_before: float | None = None) -> Response:
        """Answer."""
        asked = params or {}
        last = int(asked["page"]) * int(asked["per_page"])
        numbers = range(last - int(asked["per_page"]) + 1, last + 1)
        document = [{"id": number, "account": {"login": f"place-{number}"}} for number in numbers]
        return Response(status=200, headers={}, body=orjson.dumps(document))


def test_a_list_that_never_ends_is_read_to_five_thousand_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones."""
    monkeypatch.setattr(
        "apps.integrations.github.app.proof_of", lambda *_args, **_kwargs: "proof"
    )  # to sign fifty takes seconds
    transport = _Everywhere(api_url="https://api.github.com", token="unsigned")
    found = GitHubAppClient(KEY, transport=transport, lane=FreeLane()).installations()
    assert [each.id for each in found] == list(range(1, 5_001))


def test_a_token_is_made_for_the_installation_that_is_named(captrace: Capture) -> None:
    """Each request is a span and a line with its route, which names no installation, and with what was answered."""
    installed = [Installation(id=number, login=f"place-{number}") for number in (1, 2)]
    with simulator(synthetic=1, app=app(*installed), tokens={}) as github:
        assert _client(github.url).app() == App(slug="syncer", name="syncer", html_url="https://github.com/apps/syncer")
        made = _client(github.url).token_of(2)
        assert (github.installation_tokens(1), github.installation_tokens(2)) == ([], [made.token])
    spans = [span for span in captrace.spans if span.name == "sync.api.rest"]
    assert [(span.attributes["endpoint"], span.attributes["status_code"], span.outcome) for span in spans] == [
        ("/app", 200, "completed"),
        ("/app/installations/{installation_id}/access_tokens", 201, "completed"),
    ]


def test_the_app_s_own_budget_is_not_taken_for_the_installation_s() -> None:
    """What else the answer says is believed: here that GitHub's clock is ahead."""
    body = b'{"token": "ghs_new", "expires_at": "2026-01-31T13:00:00Z"}'
    head = (
        b"HTTP/1.1 201 Created\r\nDate: Sat, 31 Jan 2026 12:10:00 GMT\r\nX-RateLimit-Resource: core\r\n"
        b"X-RateLimit-Limit: 5000\r\nX-RateLimit-Remaining: 7\r\nX-RateLimit-Used: 4993\r\nX-RateLimit-Reset: 1769864400\r\n"
    )
    lane = FreeLane()
    answer = head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    with hostile_server(sending(answer)) as server, clock.using(clock.SteppedClock(NOW)):
        assert _client(server.url, lane=lane).token_of(1).token == "ghs_new"
    (turn,) = lane.turns
    assert turn.budgets == {}
    assert turn.by_our_clock(NOW + timedelta(hours=1)) == NOW + timedelta(minutes=50)


class _Transport(GitHubTransport):
    """Knows which tokens it was given to use."""

    def __init__(self) -> None:
        super().__init__(api_url="https://api.github.com", token="unused")
        self.given: list[str] = []

    def use_token(self, token: str) -> None:
        """Note the token."""
        self.given.append(token)


class _App:
    """Makes tokens for an hour, and knows for which installations, and in which turns."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.turns: list[Turn] = []

    def in_lane(self, lane: Turns) -> GitHubAppClient:
        """Return a client whose requests take turns in `lane`."""
        lane.call(self.turns.append, resource=None)
        return cast("GitHubAppClient", self)

    def token_of(self, installation_id: int) -> InstallationToken:
        """Return a new token."""
        self.asked.append(installation_id)
        return InstallationToken(token=f"ghs_{len(self.asked)}", expires_at=NOW + timedelta(hours=1))


class _Lane(FreeLane):
    """A lane that knows what paid for each turn."""

    def __init__(self) -> None:
        super().__init__()
        self.paid: list[Resource | None] = []

    def call(self, send: Any, *, resource: Resource | None) -> Any:
        """Note who pays."""
        self.paid.append(resource)
        return super().call(send, resource=resource)


class _Sync:
    """An attempt with an installation's token, at twelve o'clock."""

    def __init__(self, connection: GitHubConnection) -> None:
        self.transport, self.app, self.lane = _Transport(), _App(), _Lane()
        self.refusals: list[Exception] = []
        self.sent = 0
        self._turns = RenewedTurns(self.lane, connection=connection, transport=self.transport, client=self.app.in_lane)

    def send(self) -> str:
        """Send a request, which is answered with the next of the refusals, if there is one."""

        def request(_turn: Turn) -> str:
            self.sent += 1
            if self.refusals:
                raise self.refusals.pop(0)
            return "the answer"

        with clock.using(clock.SteppedClock(NOW)):
            return self._turns.call(request, resource="graphql")


@pytest.fixture
def connected(db: None) -> Iterator[GitHubConnection]:
    """A team's connection with an installation, whose token lasts, beside another team's and another installation's."""
    ours, others = (Team.objects.create(slug=slug, name=slug) for slug in ("ours", "others"))
    connection = _connect(ours, installation_id=7)
    _connect(ours, installation_id=8)
    _connect(others, installation_id=7)
    beside = GitHubConnection.objects.exclude(pk=connection.pk).order_by("pk").values()
    before = list(beside)
    yield connection
    assert list(beside.all()) == before


def _connect(team: Team, *, installation_id: int, **more: Any) -> GitHubConnection:
    return save_connection(
        **{
            "team": team,
            "api_url": "https://api.github.com",
            "account": f"api.github.com/place-{installation_id} (syncer)",
            "token": "ghs_old",
            "installation_id": installation_id,
            "expires_at": NOW + timedelta(hours=1),
            **more,
        }
    )


def _stored(connection: GitHubConnection) -> tuple[str, datetime | None]:
    found = GitHubConnection.objects.get(pk=connection.pk)
    return found.token(), found.token_expires_at


@pytest.mark.parametrize("ends", [NOW + timedelta(minutes=5), NOW + timedelta(minutes=1), NOW - timedelta(hours=1), None])
def test_a_token_is_made_anew_five_minutes_before_it_ends(connected: GitHubConnection, ends: datetime | None) -> None:
    """In a turn of its own, which costs the installation nothing, and stored for whoever comes next; once is enough."""
    connected.token_expires_at = ends
    connected.save()
    sync = _Sync(connected)
    assert [sync.send(), sync.send()] == ["the answer", "the answer"]
    assert (sync.app.asked, sync.transport.given) == ([7], ["ghs_1"])
    assert sync.lane.paid == [None, "graphql", "graphql"]
    assert sync.app.turns == sync.lane.turns[:1]
    assert _stored(connected) == ("ghs_1", NOW + timedelta(hours=1))


def test_a_token_that_lasts_is_used_as_it_is(connected: GitHubConnection) -> None:
    """For more than five minutes."""
    connected.token_expires_at = NOW + timedelta(minutes=5, seconds=1)
    connected.save()
    sync = _Sync(connected)
    assert (sync.send(), sync.lane.paid) == ("the answer", ["graphql"])
    assert (sync.app.asked, sync.transport.given) == ([], [])


def test_a_token_that_another_process_has_had_made_is_used(connected: GitHubConnection) -> None:
    """It is not made again, and not stored again."""
    GitHubConnection.objects.filter(pk=connected.pk).update(token_expires_at=NOW)
    sync = _Sync(GitHubConnection.objects.get(pk=connected.pk))
    _connect(connected.team, installation_id=7, token="ghs_theirs")
    assert (sync.send(), sync.app.asked, sync.transport.given) == ("the answer", [], ["ghs_theirs"])
    assert _stored(connected) == ("ghs_theirs", NOW + timedelta(hours=1))


def test_a_token_of_another_process_that_is_about_to_end_is_made_anew(connected: GitHubConnection) -> None:
    """As that process would by now."""
    GitHubConnection.objects.filter(pk=connected.pk).update(token_expires_at=NOW)
    sync = _Sync(GitHubConnection.objects.get(pk=connected.pk))
    _connect(connected.team, installation_id=7, token="ghs_theirs", expires_at=NOW + timedelta(minutes=4))
    assert (sync.send(), sync.app.asked, sync.transport.given) == ("the answer", [7], ["ghs_1"])


def test_an_app_that_was_installed_anew_makes_the_next_token(connected: GitHubConnection) -> None:
    """The installation is the one that the account has been connected with meanwhile."""
    GitHubConnection.objects.filter(pk=connected.pk).update(token_expires_at=NOW)
    sync = _Sync(GitHubConnection.objects.get(pk=connected.pk))
    GitHubConnection.objects.filter(pk=connected.pk).update(installation_id=9)
    assert (sync.send(), sync.app.asked) == ("the answer", [9])


def test_a_token_that_github_refuses_before_its_time_is_made_anew(connected: GitHubConnection) -> None:
    """The request is sent once more with the new one."""
    sync = _Sync(connected)
    sync.refusals = [Unauthorized("401: Bad credentials")]
    assert (sync.send(), sync.sent, sync.app.asked, sync.transport.given) == ("the answer", 2, [7], ["ghs_1"])
    assert sync.lane.paid == ["graphql", None, "graphql"]


def test_a_new_token_that_github_refuses_too_is_the_app_s_trouble(connected: GitHubConnection) -> None:
    """No third is made; GitHub's words and its id of the request are kept."""
    sync = _Sync(connected)
    sync.refusals = [Unauthorized("401"), Unauthorized("401: Bad credentials", http_status=401, request_id="A1")]
    with pytest.raises(AppRefused) as caught:
        sync.send()
    assert str(caught.value) == "401: Bad credentials, with a token that the GitHub App has just had made"
    assert (caught.value.http_status, caught.value.request_id) == (401, "A1")
    assert (sync.sent, sync.app.asked) == (2, [7])


def test_no_other_refusal_makes_a_token(connected: GitHubConnection) -> None:
    """It is whoever asked who hears it."""
    sync = _Sync(connected)
    sync.refusals = [NotFound("404")]
    with pytest.raises(NotFound):
        sync.send()
    assert (sync.sent, sync.app.asked, sync.transport.given) == (1, [], [])
