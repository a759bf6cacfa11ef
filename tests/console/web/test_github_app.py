"""Staff connect a team where the GitHub App is installed; what is wrong with it is said, and no secret is on a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from apps.github_simulator.testing import Installation, SimulatedGitHub, simulator
from apps.repositories.models import GitHubConnection
from tests.console.web.conftest import text_of
from tests.console.web.people import People
from tests.integrations.apps import app, configure, key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def github(settings: Settings) -> Iterator[SimulatedGitHub]:
    """A GitHub where the app is installed twice, and suspended once."""
    installed = (
        Installation(id=1, login="acme", repositories=["synthetic/repo-0"]),
        Installation(id=2, login="zeta", is_suspended=True),
    )
    with simulator(synthetic=1, app=app(*installed), tokens={}) as github:
        configure(settings, github.url)
        yield github


@pytest.fixture
def staff(people: People, client: Client, broker_url: str) -> Client:
    """One of staff, signed in."""
    client.force_login(people.staff)
    return client


def test_an_installation_is_picked_and_its_repositories_offered(
    staff: Client, people: People, github: SimulatedGitHub
) -> None:
    """What it is for is said on every page, and no page asks for a token that nobody has."""
    assert "Use the GitHub App…" in text_of(staff, "/connect/")
    page = staff.get("/connect/app/").content.decode()
    assert 'href="https://github.com/apps/syncer/installations/new"' in page
    assert page.count('name="installation"') == 2
    assert 'value="2" disabled' in page
    answer = staff.post("/connect/app/", {"team": people.team.pk, "installation": "1"})
    stored = GitHubConnection.objects.get()
    assert (answer.headers["Location"], stored.team, stored.installation_id) == (f"/connect/{stored.pk}/", people.team, 1)
    said = text_of(staff, f"/connect/{stored.pk}/")
    assert "synthetic/repo-0" in said
    assert "It is made by the app, for an hour, and renewed by itself." in said
    assert "Change" not in said
    assert "by the GitHub App" in text_of(staff, "/connect/")
    assert "Change token" not in text_of(staff, "/connect/")
    assert staff.get(f"/connect/{stored.pk}/token/").status_code == 404


def test_all_places_are_listed_where_there_are_more_than_a_page(
    staff: Client, people: People, github: SimulatedGitHub, settings: Settings
) -> None:
    """And the last of them can be picked."""
    many = (Installation(id=number, login=f"org-{number}", repositories=[]) for number in range(1, 251))
    with simulator(synthetic=1, app=app(*many), tokens={}) as large:
        configure(settings, large.url)
        assert staff.get("/connect/app/").content.decode().count('name="installation"') == 250
        assert staff.post("/connect/app/", {"team": people.team.pk, "installation": "250"}).status_code == 302
        assert GitHubConnection.objects.get().installation_id == 250


@pytest.mark.parametrize(
    ("number", "installation", "said"),
    [
        (1, "1", "A JSON web token could not be decoded"),
        (0, "2", "This installation has been suspended"),
        (0, "3", "The GitHub App is not installed there any more"),
        (0, "x", "The GitHub App is not installed there any more"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    staff: Client, people: People, github: SimulatedGitHub, settings: Settings, number: int, installation: str, said: str
) -> None:
    """And nothing is stored."""
    configure(settings, github.url, number=number)
    answer = staff.post("/connect/app/", {"team": people.team.pk, "installation": installation})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not GitHubConnection.objects.exists()


def test_installations_are_shown_to_staff_alone(people: People, client: Client, github: SimulatedGitHub) -> None:
    """One may be any team's: an owner is told who can connect theirs."""
    client.force_login(people.owner)
    assert client.get("/connect/app/").status_code == 403
    assert client.post("/connect/app/", {"team": people.team.pk, "installation": "1"}).status_code == 403
    assert "Staff can connect your team where the GitHub App is installed" in text_of(client, "/connect/")


def test_no_page_holds_a_key_or_a_token(staff: Client, people: People, github: SimulatedGitHub) -> None:
    """Nor the admin."""
    staff.post("/connect/app/", {"team": people.team.pk, "installation": "1"})
    stored = GitHubConnection.objects.get()
    admin = "/admin/repositories/githubconnection/"
    addresses = ("/connect/", "/connect/app/", f"/connect/{stored.pk}/", "/accounts/", admin, f"{admin}{stored.pk}/change/")
    pages = "".join(staff.get(address).content.decode() for address in addresses)
    secrets = [stored.token(), stored.token_fingerprint, "eyJ", *key(0).private.splitlines()[1:-1]]
    assert [secret for secret in secrets if secret in pages] == []
    assert stored.account in pages


def test_where_no_app_is_configured_nothing_speaks_of_one(staff: Client) -> None:
    """Its page is not there."""
    assert "GitHub App" not in text_of(staff, "/connect/")
    assert staff.get("/connect/app/").status_code == 404
