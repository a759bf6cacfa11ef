"""What is stored of a pull request can be looked at in the admin."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from apps.pulls.models import ChangedFile, Commit, PullRequest, Review
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from tests.admin_pages import check_queries, check_read_only, page

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
    shown = admin_client.get(page(PullRequest, "change", row.pk)).content.decode()
    assert all(text in shown for text in ("APPROVED", "c" * 40, "src/file.c", '<a href="https://github.com/a/b/pull/7">'))
    assert "<b>7</b>" not in shown


def test_a_list_asks_as_much_for_many_rows_as_for_few(admin_client: Client, repository: TrackedRepository) -> None:
    """No query a row."""
    _pull_request(1, repository=repository)

    def add_more() -> None:
        for number in range(2, 6):
            _pull_request(number, repository=repository)

    check_queries(admin_client, page(PullRequest, "changelist"), add_more, shown="/pull/5")


def test_nothing_can_be_written(admin_client: Client, repository: TrackedRepository) -> None:
    """It is what GitHub said."""
    check_read_only(admin_client, _pull_request(1, repository=repository))
