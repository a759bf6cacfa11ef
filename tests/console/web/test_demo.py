"""Whoever finds nothing yet gets the demo's data with one button, and is rid of it as easily."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations.models import PipelineRun
from apps.repositories.models import GitHubConnection
from apps.teams.models import Membership, Team
from tests.console.web.conftest import text_of
from tests.console.web.people import People, make_run

pytestmark = pytest.mark.django_db(transaction=True)
_BUTTON = "Get the demo's data"


@pytest.fixture
def github(settings: Settings) -> Iterator[SimulatedGitHub]:
    """The simulated GitHub that has the demo's data, as the settings say."""
    with simulator() as github:
        settings.SYNCTRACE_DEMO_API_URL = github.url
        yield github


@pytest.fixture
def staff(people: People, client: Client, broker_url: str) -> Client:
    """One of staff, signed in."""
    client.force_login(people.staff)
    return client


def _remove(staff: Client) -> None:
    PipelineRun.objects.update(state="completed", ended_at="2026-01-01T00:00Z", export_due_at=None)
    staff.post(f"/connect/{GitHubConnection.objects.get().pk}/remove/")


def test_one_button_starts_a_real_sync_of_the_demo_s_data(staff: Client, github: SimulatedGitHub) -> None:
    """Twice pressed, it is the same run; then nothing offers it any more, and the first page says how to be rid of it."""
    assert _BUTTON in text_of(staff, "/")
    first, again = (staff.post("/demo/") for _ in range(2))
    run = PipelineRun.objects.get()
    assert [answer.headers["Location"] for answer in (first, again)] == [f"/runs/{run.pk}/"] * 2
    assert run.team.slug == "demo"
    assert run.backfill
    names = run.repo_syncs.order_by("pk").values_list("repository__full_name", flat=True)
    assert list(names) == ["libuv/libuv", "procrastinate-org/procrastinate"]
    page = staff.get("/").content.decode()
    assert _BUTTON not in page
    assert f"/connect/{GitHubConnection.objects.get().pk}/remove/" in page


def test_what_the_demo_left_goes_with_its_account(staff: Client, github: SimulatedGitHub) -> None:
    """Its team, too; then the button is there again."""
    staff.post("/demo/")
    _remove(staff)
    assert (PipelineRun.objects.count(), Team.objects.filter(slug="demo").count()) == (0, 0)
    assert _BUTTON in text_of(staff, "/")


def test_a_team_of_that_name_that_somebody_belongs_to_stays(staff: Client, people: People, github: SimulatedGitHub) -> None:
    """It was not made for the demo alone."""
    staff.post("/demo/")
    Membership.objects.create(team=Team.objects.get(slug="demo"), user=people.member)
    _remove(staff)
    assert Team.objects.filter(slug="demo").exists()


def test_it_is_never_offered_beside_real_data(staff: Client, people: People, github: SimulatedGitHub) -> None:
    """Nor given to whoever asks all the same."""
    make_run(people.team, {"state": "completed"}, state="completed")
    assert _BUTTON not in text_of(staff, "/")
    assert "would only be in the way" in text_of(staff, "/demo/")
    assert staff.post("/demo/").status_code == 409
    assert not Team.objects.filter(slug="demo").exists()


def test_where_no_simulated_github_is_named_it_says_what_to_set(staff: Client) -> None:
    """And there is no button that could not work."""
    for address in ("/", "/demo/"):
        said = text_of(staff, address)
        assert "SYNCTRACE_DEMO_API_URL" in said
        assert _BUTTON not in said
    assert staff.post("/demo/").status_code == 409


def test_where_none_answers_it_says_so_and_leaves_nothing(staff: Client, settings: Settings) -> None:
    """Whoever starts one presses again."""
    settings.SYNCTRACE_DEMO_API_URL = "http://127.0.0.1:9"
    answer = staff.post("/demo/")
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "SYNCTRACE_DEMO_API_URL is http://127.0.0.1:9: a simulated GitHub must answer there" in said
    assert _BUTTON.replace("'", "&#x27;") in said or _BUTTON in said
    assert not Team.objects.filter(slug="demo").exists()


def test_an_owner_is_not_offered_a_team_of_nobody_s(people: People, client: Client, github: SimulatedGitHub) -> None:
    """Teams are made for staff."""
    client.force_login(people.owner)
    assert _BUTTON not in text_of(client, "/")
    assert client.post("/demo/").status_code == 403
