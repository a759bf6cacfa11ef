"""Runs, their repositories and lanes can be looked at in the admin, and nothing can be written there."""

from __future__ import annotations

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from apps.integrations.models import Admission, ApiLane, PipelineRun, RepoSync
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from tests.admin_pages import check_queries, check_read_only, page
from tests.integrations.histories import repo_sync

pytestmark = pytest.mark.django_db

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_MODELS: tuple[type[Model], ...] = (PipelineRun, RepoSync, ApiLane, Admission)


def _run(number: int, *, pk: int | None = None) -> PipelineRun:
    """A run of a team of its own, with two repositories: one done, one that waits."""
    now = timezone.now()
    team = Team.objects.create(slug=f"team-{number}", name=f"Team {number}")
    account = GitHubConnection.objects.create(team=team, account=f"api.github.com/me-{number}", encrypted_token=b"")
    run = PipelineRun.objects.create(
        pk=pk,
        team=team,
        kind="recent",
        phase="syncing",
        task_id=f"task-{number}",
        traceparent=f"00-{_TRACE[:-2]}{number:02}-b7ad6b7169203331-01",
        started_ns=1,
        started_at=now,
    )
    for name, state in (("done", "completed"), ("later", "waiting")):
        tracked = TrackedRepository.objects.create(team=team, connection=account, full_name=f"owner-{number}/{name}")
        row = repo_sync(run, tracked, state=state, due_at=now, wait_reason="" if state == "completed" else "primary")
    Admission.objects.create(repo_sync=row, attempt=1, account=account.account, admitted_at=now, sent_at=now)
    ApiLane.objects.create(account=account.account, graphql_limit=5000, graphql_remaining=4321, graphql_reset_at=now)
    return run


def _add_runs() -> None:
    for number in range(2, 6):
        _run(number)


@pytest.mark.parametrize("model", _MODELS)
def test_a_list_asks_as_much_for_many_rows_as_for_few(admin_client: Client, model: type[Model]) -> None:
    """No query a row."""
    _run(1)
    check_queries(admin_client, page(model, "changelist"), _add_runs, shown="5 ")


def test_a_runs_page_asks_as_much_for_many_repositories_as_for_few(admin_client: Client) -> None:
    """No query a repository."""
    run = _run(1)
    first = TrackedRepository.objects.all()[0]

    def add_repositories() -> None:
        for number in range(5):
            more = TrackedRepository.objects.create(
                team_id=first.team_id, connection=first.connection, full_name=f"owner-1/more-{number}"
            )
            repo_sync(run, more)

    check_queries(admin_client, page(PipelineRun, "change", run.pk), add_repositories, shown="owner-1/more-4")


@pytest.mark.parametrize("model", _MODELS)
def test_nothing_can_be_written(admin_client: Client, model: type[Model]) -> None:
    """What the sync relies on is its own."""
    _run(1)
    check_read_only(admin_client, model._default_manager.all()[0])


def test_a_team_with_runs_cannot_be_deleted_by_a_slip(admin_client: Client) -> None:
    """Its repositories, runs and pull requests would go with it."""
    run = _run(1)
    answer = admin_client.post(reverse("admin:teams_team_delete", args=(run.team_id,)), {"post": "yes"})
    assert answer.status_code == 403
    assert Team.objects.filter(pk=run.team_id).exists()


def test_a_run_leads_to_its_trace(admin_client: Client, settings: Settings) -> None:
    """In Jaeger, where there is one; else its id is there to copy."""
    run = _run(1)
    pages = [
        page(PipelineRun, "changelist"),
        page(PipelineRun, "change", run.pk),
    ]
    trace_id = f"{_TRACE[:-2]}01"
    for address in pages:
        settings.SYNCTRACE_JAEGER_URL = "http://jaeger.example"
        assert f'<a href="http://jaeger.example/trace/{trace_id}">' in admin_client.get(address).content.decode()
        settings.SYNCTRACE_JAEGER_URL = ""
        shown = admin_client.get(address).content.decode()
        assert trace_id in shown
        assert f"/trace/{trace_id}" not in shown


def test_a_number_of_pull_requests_says_that_they_were_read(admin_client: Client) -> None:
    """In the lists of runs and of their repositories, and on the page of one."""
    run = _run(1)
    for model in (PipelineRun, RepoSync):
        heads = admin_client.get(page(model, "changelist")).content.decode().split("<thead>")[1].split("</thead>")[0]
        assert "Pull requests read" in heads
    of_run = admin_client.get(page(PipelineRun, "change", run.pk)).content.decode()
    of_row = admin_client.get(page(RepoSync, "change", run.repo_syncs.all()[0].pk)).content.decode()
    assert [of_run.count("Pull requests read"), of_row.count("Pull requests read")] == [2, 1]
    assert ("Total prs" in of_run, "Prs done" in of_row, "Prs total" in of_row) == (False, False, False)


def test_a_run_says_what_was_removed_of_it(admin_client: Client) -> None:
    """Its list of repositories is that of those that are left."""
    run = _run(1)
    PipelineRun.objects.update(repos_count=2)
    assert "all are there" in admin_client.get(page(PipelineRun, "change", run.pk)).content.decode()
    PipelineRun.objects.update(repos_count=3)
    assert (
        "1 of its 3 repositories was removed since" in admin_client.get(page(PipelineRun, "change", run.pk)).content.decode()
    )


def test_a_moment_is_written_as_in_the_lines(admin_client: Client) -> None:
    """To the second, in UTC."""
    run = _run(1)
    shown = admin_client.get(page(PipelineRun, "changelist")).content.decode()
    assert f"{run.started_at:%Y-%m-%d %H:%M:%S}" in shown


@pytest.mark.parametrize("asked", ["its number", "task-1", f"{_TRACE[:-2]}01"])
def test_a_run_is_found_by_what_a_line_says(admin_client: Client, asked: str) -> None:
    """By its number, its task's id or its trace's id."""
    run = _run(1, pk=7651916)  # which is in every trace's id here
    _run(2)
    asked = str(run.pk) if asked == "its number" else asked
    shown = admin_client.get(page(PipelineRun, "changelist"), {"q": asked}).content.decode()
    found = shown.split('id="result_list"')[1].split("</table>")[0]
    assert "Team 1" in found
    assert "Team 2" not in found
