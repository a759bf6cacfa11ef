"""What is stored of a pull request can be looked at in the admin."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.pulls.models import ChangedFile, Commit, PullRequest, Review
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team

pytestmark = pytest.mark.django_db


def _pull_request(number: int, *, repository: TrackedRepository) -> PullRequest:
    now = timezone.now()
    row = PullRequest.objects.create(
        repository=repository,
        github_id=number,
        number=number,
        title=f"Change <b>{number}</b>",
        body="",
        state="MERGED",
        is_draft=False,
        url=f"https://github.com/a/b/pull/{number}",
        created_at=now,
        updated_at=now,
        base_ref="main",
        head_ref="topic",
        additions=1,
        deletions=1,
        changed_files=1,
        reviews_total=1,
        commits_total=1,
        files_total=1,
    )
    Review.objects.create(pull_request=row, node_id=f"R{number}", author="reviewer", state="APPROVED", body="")
    Commit.objects.create(
        pull_request=row, oid="c" * 40, message="m", authored_at=now, committed_at=now, additions=1, deletions=1
    )
    ChangedFile.objects.create(pull_request=row, path="src/file.c", additions=1, deletions=1, change_type="MODIFIED")
    return row


@pytest.fixture
def repository() -> TrackedRepository:
    """A tracked repository."""
    team = Team.objects.create(slug="blue", name="Blue")
    account = GitHubConnection.objects.create(team=team, account="api.github.com/me", encrypted_token=b"x")
    return TrackedRepository.objects.create(team=team, connection=account, full_name="a/b")


def test_a_pull_request_is_shown_with_all_that_belongs_to_it(admin_client: Client, repository: TrackedRepository) -> None:
    """Reviews, commits and files are on its page, and a way to GitHub; what GitHub sent is text."""
    row = _pull_request(7, repository=repository)
    page = admin_client.get(reverse("admin:pulls_pullrequest_change", args=(row.pk,))).content.decode()
    assert all(text in page for text in ("APPROVED", "c" * 40, "src/file.c", '<a href="https://github.com/a/b/pull/7">'))
    assert "<b>7</b>" not in page


def test_a_list_asks_as_much_for_many_rows_as_for_few(admin_client: Client, repository: TrackedRepository) -> None:
    """No query a row."""
    address = reverse("admin:pulls_pullrequest_changelist")
    _pull_request(1, repository=repository)
    admin_client.get(address)  # what is kept after the first time
    with CaptureQueriesContext(connection) as few:
        assert admin_client.get(address).status_code == 200
    for number in range(2, 6):
        _pull_request(number, repository=repository)
    with CaptureQueriesContext(connection) as many:
        assert b"/pull/5" in admin_client.get(address).content
    assert len(many) == len(few)


def test_nothing_can_be_written(admin_client: Client, repository: TrackedRepository) -> None:
    """Not even by a superuser: it is what GitHub said."""
    row = _pull_request(1, repository=repository)
    page = reverse("admin:pulls_pullrequest_change", args=(row.pk,))
    assert admin_client.post(page, {"title": "mine"}).status_code == 403
    assert admin_client.post(reverse("admin:pulls_pullrequest_delete", args=(row.pk,)), {"post": "yes"}).status_code == 403
