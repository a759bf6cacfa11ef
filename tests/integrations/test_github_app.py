"""A GitHub App's installation is connected and synced with tokens that are made, renewed in its lane, and never shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from types import SimpleNamespace

import pytest
from django.core.checks import run_checks
from django.db import connection as database
from pytest_django import Settings

from apps.explain.explanation import explain_run
from apps.github_simulator.testing import Installation, SimulatedGitHub, simulator
from apps.integrations import connections
from apps.integrations.connections import connect_installation, list_repositories
from apps.integrations.errors import AppNotAllowed, AppRefused, InstallationGone, InstallationSuspended, SyncError
from apps.integrations.models import ApiLane, PipelineRun, RepoSync
from apps.integrations.services import github_app
from apps.integrations.services.sync_attempt import Completed, Failed, attempt_sync
from apps.repositories.accounts import track
from apps.repositories.models import GitHubConnection, Listed
from apps.teams.models import Team
from apps.utils import clock
from telemetry.testing import Capture
from tests.acceptance.worker import wait_until
from tests.integrations.apps import app, configure, key
from tests.integrations.syncing import begin, claim, held, stored

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "synthetic/repo-0"
WITHIN = 20.0


@pytest.fixture
def github(settings: Settings) -> Iterator[SimulatedGitHub]:
    """A GitHub where the app is installed twice."""
    installed = (Installation(id=1, login="acme", repositories=[NAME]), Installation(id=2, login="zeta"))
    with simulator(synthetic=80, app=app(*installed), tokens={}, latency_ms=20) as github:
        configure(settings, github.url)
        yield github


@pytest.fixture
def connected(github: SimulatedGitHub) -> GitHubConnection:
    """A team that has connected the first installation."""
    return _connect(github)


def _connect(github: SimulatedGitHub, installation_id: int = 1) -> GitHubConnection:
    team, _ = Team.objects.get_or_create(slug="bakers", defaults={"name": "Bakers"})
    return connect_installation(team=team, api_url=github.url, installation_id=installation_id, by="ada", within=WITHIN)


def _row(connected: GitHubConnection) -> RepoSync:
    (repository,) = track(connection=connected, full_names=[NAME])
    return begin(repository)


def _attempt(row: RepoSync) -> Completed | Failed:
    end = attempt_sync(*claim(row))
    row.refresh_from_db()
    assert isinstance(end, Completed | Failed)
    return end


def test_an_installation_is_connected_with_limits_of_its_own(github: SimulatedGitHub, connected: GitHubConnection) -> None:
    """Its token is stored encrypted, with when it ends; it sees what the app may there."""
    (token,) = github.installation_tokens(1)
    assert (connected.account.partition("/")[2], connected.installation_id) == ("acme (syncer)", 1)
    assert connected.token() == token
    assert token.encode() not in bytes(connected.encrypted_token)
    assert connected.token_expires_at is not None
    assert timedelta(minutes=59) < connected.token_expires_at - clock.now() <= timedelta(minutes=60)
    assert list_repositories(connected, within=WITHIN).listed() == [Listed(NAME)]
    other = _connect(github, 2)
    github.set_budget("syncer-2", "graphql", remaining=7)
    connections.list_repositories(other, within=WITHIN)
    lanes = ApiLane.objects.in_bulk([connected.account, other.account])
    assert {lane.graphql_remaining for lane in lanes.values()} == {5_000}
    assert set(lanes) == {connected.account, other.account}


def test_a_token_that_ends_in_the_middle_of_a_sync_is_made_anew(
    github: SimulatedGitHub, connected: GitHubConnection
) -> None:
    """Whatever GitHub said of how long it lasts; the attempt goes on, and nothing is read twice or lost."""
    row = _row(connected)

    def expire() -> None:
        wait_until(lambda: github.stats()["requests"]["graphql"] >= 2, seconds=20)
        github.expire_installation_tokens(1)

    with ThreadPoolExecutor(1) as threads:
        expiring = threads.submit(expire)
        assert isinstance(_attempt(row), Completed)
        expiring.result()
    assert len(github.installation_tokens(1)) == 2
    assert (row.attempt, stored(row.repository)) == (1, held(github, NAME))
    connected.refresh_from_db()
    assert connected.token() == github.installation_tokens(1)[-1]


def test_a_token_is_renewed_before_it_ends(github: SimulatedGitHub, connected: GitHubConnection, captrace: Capture) -> None:
    """Its request is a span in the attempt's trace, as any other; GitHub refuses none."""
    GitHubConnection.objects.update(token_expires_at=clock.now() + timedelta(minutes=4))
    before = len(github.requests())
    assert isinstance(_attempt(_row(connected)), Completed)
    assert len(github.installation_tokens(1)) == 2
    assert {request.status for request in github.requests()[before:]} <= {200, 201}
    endpoints = [span.attributes.get("endpoint") for span in captrace.spans if span.name == "sync.api.rest"]
    assert "/app/installations/{installation_id}/access_tokens" in endpoints


def test_of_two_who_need_a_new_token_at_once_one_has_it_made(github: SimulatedGitHub, connected: GitHubConnection) -> None:
    """The other finds it stored when its turn comes."""
    GitHubConnection.objects.update(token_expires_at=clock.now())
    together = Barrier(2)

    def read() -> tuple[str, str]:
        try:
            used = GitHubConnection.objects.get(pk=connected.pk)
            together.wait(20)
            access = list_repositories(used, within=WITHIN)
            return access.refusal, GitHubConnection.objects.get(pk=connected.pk).token()
        finally:
            database.close()

    with ThreadPoolExecutor(2) as threads:
        found = {each.result() for each in [threads.submit(read) for _ in range(2)]}
    tokens = github.installation_tokens(1)
    assert found == {("", tokens[-1])}
    assert len(tokens) == 2
    assert github.stats()["max_in_flight"]["syncer-1"] == 1


@pytest.mark.parametrize(
    ("act", "kind", "advice"),
    [
        ("suspend_installation", InstallationSuspended, "Unsuspend the GitHub App"),
        ("remove_installation", InstallationGone, "Install the GitHub App there again"),
    ],
)
def test_a_sync_without_its_installation_says_what_to_do(
    github: SimulatedGitHub, connected: GitHubConnection, act: str, kind: type[SyncError], advice: str
) -> None:
    """In the words of `explain` too, as a token that is refused."""
    row = _row(connected)
    getattr(github, act)(1)
    end = _attempt(row)
    assert isinstance(end, Failed)
    assert isinstance(end.error, kind)
    past = clock.now() - timedelta(minutes=1)
    PipelineRun.objects.update(state="failed", ended_at=past, error_type="every_repository_failed", repos_failed=1)
    (cause, *_) = explain_run(row.run_id).causes
    assert cause.code.name == "token_refused"
    assert advice in cause.advice
    with pytest.raises(kind):
        _connect(github)


def test_a_wrong_key_is_told_without_showing_it(github: SimulatedGitHub, settings: Settings) -> None:
    """Nothing is stored."""
    configure(settings, github.url, number=1)
    with pytest.raises(AppRefused) as caught:
        _connect(github)
    said = caught.value.in_full()
    assert "A JSON web token could not be decoded" in said
    assert "SYNCTRACE_GITHUB_APP_PRIVATE_KEY belong to one GitHub App" in said
    assert "eyJ" not in said
    assert not GitHubConnection.objects.exists()


@pytest.mark.parametrize(("seconds", "claim"), [(-3_600, "'exp'"), (3_600, "'iat'")])
def test_clocks_that_differ_are_told(
    github: SimulatedGitHub, monkeypatch: pytest.MonkeyPatch, seconds: float, claim: str
) -> None:
    """A minute ahead is no harm: what is signed is dated back."""
    ahead = timedelta(seconds=50)
    monkeypatch.setattr(github_app, "clock", SimpleNamespace(now=lambda: clock.now() + ahead))
    assert _connect(github).installation_id == 1
    ahead = timedelta(seconds=seconds)
    with pytest.raises(AppRefused, match=claim) as caught:
        _connect(github)
    assert "this machine's clock is right" in caught.value.advice


def test_a_permission_that_is_missing_is_told_when_connecting(settings: Settings) -> None:
    """By its name at GitHub."""
    installed = Installation(id=1, login="acme", permissions={"metadata": "read", "contents": "read"})
    with simulator(synthetic=1, app=app(installed), tokens={}) as github:
        configure(settings, github.url)
        with pytest.raises(AppNotAllowed, match="may not read pull requests there"):
            _connect(github)


def test_no_key_proof_or_token_leaves(github: SimulatedGitHub, connected: GitHubConnection, captrace: Capture) -> None:
    """Not in spans or lines, of what went well or of what did not."""
    GitHubConnection.objects.update(token_expires_at=clock.now())
    row = _row(connected)
    assert isinstance(_attempt(row), Completed)
    github.suspend_installation(1)
    GitHubConnection.objects.update(token_expires_at=clock.now())
    assert list_repositories(connected, within=WITHIN).refusal
    left = json.dumps([[dict(span.attributes), str(span.events)] for span in captrace.spans], default=str)
    left += json.dumps(captrace.lines, default=str)
    secrets = [*github.installation_tokens(1), "eyJ", *key(0).private.splitlines()[1:-1]]
    assert len(github.installation_tokens(1)) == 2
    assert [secret for secret in secrets if secret in left] == []


def test_the_settings_are_checked(settings: Settings) -> None:
    """A key has to be one that can sign, and is in no message."""
    assert _errors() == []
    settings.SYNCTRACE_GITHUB_APP_ID = "4711"
    settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nsecret\n-----END RSA PRIVATE KEY-----"
    (said,) = _errors()
    assert said == "The GitHub App's private key is not an RSA key in PEM: SYNCTRACE_GITHUB_APP_PRIVATE_KEY cannot sign."
    settings.SYNCTRACE_GITHUB_APP_PRIVATE_KEY = key(0).private
    assert _errors() == []


def _errors() -> list[str]:
    return [message.msg for message in run_checks() if (message.id or "").startswith("synctrace.")]
