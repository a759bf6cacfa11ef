"""`manage.py sync` connects a team where the GitHub App is installed, and says what keeps it from that and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.console.account_asked import AccountAsked
from apps.console.management.commands import sync
from apps.github_simulator.testing import Installation, SimulatedGitHub, simulator
from apps.repositories.models import GitHubConnection, TrackedRepository
from tests.integrations.apps import app, configure, key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, settings: Settings, broker_url: str) -> None:
    """No token, and no worker that answers: the command ends once it has connected and tracked."""
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setattr(sync.Command, "answer_seconds", 0.1)
    settings.SYNCTRACE_EMBEDDED = False


@pytest.fixture
def github(settings: Settings) -> Iterator[SimulatedGitHub]:
    """A GitHub where the app is installed twice, and suspended once."""
    installed = (
        Installation(id=1, login="Acme", repositories=["synthetic/repo-0", "synthetic/repo-1"]),
        Installation(id=2, login="zeta", is_suspended=True),
    )
    with simulator(synthetic=1, app=app(*installed), tokens={}) as github:
        github.add_synthetic(1, seed=1)
        configure(settings, github.url)
        yield github


@pytest.mark.parametrize(
    ("installation", "arguments", "tracked"),
    [
        ("acme", ["synthetic/repo-1"], ["synthetic/repo-1"]),
        ("1", ["--org", "synthetic"], ["synthetic/repo-0", "synthetic/repo-1"]),
        ("ACME", ["--org", "synthetic", "--match", "*-0"], ["synthetic/repo-0"]),
    ],
)
def test_a_team_is_connected_where_the_app_is_installed(
    github: SimulatedGitHub, installation: str, arguments: list[str], tracked: list[str]
) -> None:
    """By its login or its number, at the first API that the settings name, whose repositories are found as with a token."""
    with pytest.raises(CommandError, match="No worker answers"):
        call_command("sync", *arguments, "--installation", installation, "--team", "bakers")
    stored = GitHubConnection.objects.get()
    assert (stored.team.slug, stored.installation_id, stored.api_url) == ("bakers", 1, github.url)
    assert stored.account.endswith("/Acme (syncer)")
    assert stored.token().startswith("ghs_")
    names = TrackedRepository.objects.filter(connection=stored).order_by("full_name")
    assert list(names.values_list("full_name", flat=True)) == tracked


def test_an_installation_comes_before_a_token_of_the_environment(
    github: SimulatedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked for by name."""
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_" + "a" * 36)
    with pytest.raises(CommandError, match="No worker answers"):
        call_command("sync", "synthetic/repo-0", "--installation", "acme")
    assert GitHubConnection.objects.get().installation_id == 1


@pytest.mark.parametrize(
    ("number", "installation", "said"),
    [
        (
            0,
            "nobody",
            r"App syncer is not installed at 'nobody', only at Acme, zeta: install it there at https://.*/new, or",
        ),
        (0, "zeta", r"suspended.*Unsuspend the GitHub App"),
        (1, "acme", r"could not be decoded.*SYNCTRACE_GITHUB_APP_PRIVATE_KEY"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    github: SimulatedGitHub, settings: Settings, number: int, installation: str, said: str
) -> None:
    """And nothing is stored, and no key said."""
    configure(settings, github.url, number=number)
    with pytest.raises(CommandError, match=said) as refused:
        call_command("sync", "synthetic/repo-0", "--installation", installation)
    assert not GitHubConnection.objects.exists()
    assert key(number).private.splitlines()[1] not in str(refused.value)


@pytest.mark.parametrize(
    ("places", "said"),
    [(0, "at 'nobody', nor anywhere else: install"), (22, "only at org-1, .*, org-20 and 2 more: install")],
)
def test_places_are_named_as_far_as_one_reads_them(settings: Settings, places: int, said: str) -> None:
    """Also where there is none."""
    installed = (Installation(id=number, login=f"org-{number}") for number in range(1, places + 1))
    with simulator(synthetic=1, app=app(*installed), tokens={}) as github:
        configure(settings, github.url)
        with pytest.raises(CommandError, match=said):
            call_command("sync", "synthetic/repo-0", "--installation", "nobody")


def test_without_an_app_it_says_how_to_set_one() -> None:
    """And of one nothing is said to who has a token to put in."""
    with pytest.raises(CommandError, match=r"needs a GitHub App.*SYNCTRACE_GITHUB_APP_ID.*docs/operations\.md"):
        call_command("sync", "a/b", "--installation", "acme")
    with pytest.raises(CommandError, match=r"never on the command line\.$"):
        call_command("sync", "a/b")


def test_without_a_token_the_app_is_said_to_be_another_way(settings: Settings) -> None:
    """Where one is set."""
    configure(settings, "https://api.github.com")
    with pytest.raises(CommandError, match="--installation LOGIN"):
        call_command("sync", "a/b")


def test_a_token_is_not_shown_by_what_holds_it() -> None:
    """Not in a traceback's values either."""
    asked = AccountAsked(api_url="https://api.github.com", installation="", token="ghp_secret")
    assert "ghp_secret" not in repr(asked)
