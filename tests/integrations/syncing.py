"""Sync one repository in this process, attempt by attempt, and compare what is stored with what GitHub has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from apps.catalog import RepoSynced
from apps.github_simulator.model import LISTED_FILES, Review
from apps.github_simulator.testing import SimulatedGitHub
from apps.integrations.connections import connect
from apps.integrations.errors import SyncError
from apps.integrations.github.nodes import Response
from apps.integrations.github.transport import Transport
from apps.integrations.models import Admission, PipelineRun, RepoSync
from apps.integrations.onboarding_pipeline import start_run
from apps.integrations.runs import attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.services.clients import clients_for, transport_to
from apps.integrations.services.github_graphql_sync import sync_pull_requests
from apps.pulls.models import PullRequest
from apps.repositories.accounts import track
from apps.repositories.models import TrackedRepository
from apps.teams.models import Team
from apps.utils import clock

TOKEN = "ghp_" + "s" * 36


def tracked(github: SimulatedGitHub, full_name: str, *, slug: str = "bakers", token: str = TOKEN) -> TrackedRepository:
    """Return the repository, tracked by a team that has connected the account of `token`."""
    team, _ = Team.objects.get_or_create(slug=slug, defaults={"name": slug})
    (repository,) = track(connection=connect(team=team, api_url=github.url, token=token), full_names=[full_name])
    return repository


def begin(repository: TrackedRepository, *, since: datetime | None = None, **more: Any) -> RepoSync:
    """Start a run over the repository alone, and return its row."""
    run = start_run(team=repository.team, repositories=[repository], since=since, **more)
    return run.repo_syncs.get()


def claim(row: RepoSync) -> tuple[RepoSync, Attempt]:
    """Admit the row's next attempt, whenever it is due and whoever else asks, and return the row, claimed by it."""
    row.refresh_from_db()
    own, account, now = Attempt(row.pk, row.attempt + 1), row.connection.account, clock.now()
    place = 10 + row.pk % 30_000  # nobody else's
    Admission.objects.create(repo_sync=row, attempt=own.number, account=account, place=place, admitted_at=now, sent_at=now)
    claimed = attempts.claim(own, traceparent=None)
    assert claimed is not None, "nobody else works on it"
    return claimed, own


def attempt(row: RepoSync, *, before_request: Callable[[int], None] | None = None) -> RepoSynced:
    """Make the next attempt at the row and return its result; after an error the row waits for one more.

    `before_request` is called before each GraphQL request, with its number from 1.
    """
    claimed, own = claim(row)
    connection = claimed.repository.connection
    transport = _Announcing(transport_to(connection.api_url, token=connection.token()), before_request)
    clients = clients_for(claimed, attempt=own, transport=transport)
    try:
        return sync_pull_requests(row=claimed, attempt=own, clients=clients)
    except SyncError as error:
        attempts.release_for_retry(own, error, failures=1, countdown=2.0, **clients.spent())
        raise


def synced(repository: TrackedRepository, *, since: datetime | None = None, **more: Any) -> RepoSync:
    """Sync the repository in one attempt, and return the row."""
    row = begin(repository, since=since)
    attempt(row, **more)
    row.refresh_from_db()
    PipelineRun.objects.filter(pk=row.run_id).update(state=PipelineRun.State.COMPLETED)
    return row


def held(github: SimulatedGitHub, full_name: str) -> dict[int, Any]:
    """Return what GitHub has of each pull request, in the form of `stored`; of files what GitHub lists."""
    return {
        number: (
            (one.title, one.body, one.state, one.updated_at, one.merged_at, one.is_draft),
            one.author and one.author.login,
            one.merged_by and one.merged_by.login,
            one.head_repository and one.head_repository.name_with_owner,
            (len(one.reviews), len(one.commits), one.changed_files),
            {_review(review) for review in one.reviews},
            {(each.oid, each.message, each.author.user and each.author.user.login) for each in one.commits},
            {(each.path, each.additions, each.deletions, each.change_type) for each in one.files[:LISTED_FILES]},
        )
        for number, one in github.repository(full_name).pull_requests.items()
    }


def stored(repository: TrackedRepository) -> dict[int, Any]:
    """Return what is stored of each pull request, by its number."""
    return {
        one.number: (
            (one.title, one.body, one.state, _text(one.updated_at), _text(one.merged_at), one.is_draft),
            one.author,
            one.merged_by,
            one.head_repository,
            (one.reviews_total, one.commits_total, one.changed_files),
            {(each.node_id, each.author, each.state, _text(each.submitted_at)) for each in one.reviews.all()},
            {(each.oid, each.message, each.author_login) for each in one.commits.all()},
            {(each.path, each.additions, each.deletions, each.change_type) for each in one.files.all()},
        )
        for one in PullRequest.objects.filter(repository=repository).prefetch_related("reviews", "commits", "files")
    }


def _review(review: Review) -> tuple[str, str | None, str, str | None]:
    return review.id, review.author.login if review.author else None, review.state, review.submitted_at


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Announcing:
    """A transport that calls `before_request` before each GraphQL request, with its number from 1."""

    def __init__(self, transport: Transport, before_request: Callable[[int], None] | None) -> None:
        self.host = transport.host
        self.rest = transport.rest
        self._transport = transport
        self._before_request = before_request
        self._requests = 0

    def graphql(self, body: bytes, *, send_before: float | None = None) -> Response:
        """Announce the request, then send it."""
        self._requests += 1
        if self._before_request is not None:
            self._before_request(self._requests)
        return self._transport.graphql(body, send_before=send_before)
