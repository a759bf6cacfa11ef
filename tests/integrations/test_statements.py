"""How often an attempt at a small repository asks the database: for an account with many, that is what they take."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from pytest_django import Settings
from redis import Redis

from apps.github_simulator.testing import simulator
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.connections import connect
from apps.integrations.models import Admission, PipelineRun
from apps.integrations.runs.attempts import Attempt
from apps.integrations.tasks import send, sync_repository
from apps.repositories.accounts import track
from apps.teams.models import Team
from tests.integrations.syncing import TOKEN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]

_PULL_REQUESTS = 5


@pytest.fixture
def run(broker: Redis) -> Iterator[PipelineRun]:
    """A run over three repositories of one page each, with one account; the first attempt is sent."""
    seeds = range(1, 4)
    with simulator(synthetic=1) as github:
        for seed in seeds:
            github.add_synthetic(_PULL_REQUESTS, seed=seed)
        team = Team.objects.create(slug="bakers", name="Bakers")
        names = [f"synthetic/repo-{seed}" for seed in seeds]
        tracked = track(connection=connect(team=team, api_url=github.url, token=TOKEN), full_names=names)
        run = pipeline.start_run(team=team, repositories=tracked, since=None)
        send(pipeline.admit())
        yield run


def _sent() -> Attempt:
    admission = Admission.objects.get(sent_at__isnull=False)
    return Attempt(admission.repo_sync_id, admission.attempt)


def _make(attempt: Attempt) -> None:
    """Make the attempt as a worker does."""
    sync_repository.apply(args=(attempt.repo_sync_id, attempt.number))


def _round_trips(work: Callable[[], object]) -> int:
    """Return how often the database has answered while `work` was done: statements, BEGIN, COMMIT, readings of its clock."""
    connection.ensure_connection()
    with tempfile.TemporaryFile() as trace:
        connection.connection.pgconn.trace(trace.fileno())
        try:
            work()
        finally:
            connection.connection.pgconn.untrace()
        trace.seek(0)
        return trace.read().count(b"ReadyForQuery")


@pytest.mark.skipif(sys.platform != "linux", reason="libpq tells what it sends on Linux alone")
def test_an_attempt_asks_the_database_so_often(run: PipelineRun) -> None:
    """Of these eight are the page's rows and its lists', of which none are left out for another's sake."""
    _make(_sent())  # it opens what a process opens once
    second = _sent()
    assert _round_trips(lambda: _make(second)) == 39
    assert list(run.repo_syncs.order_by("pk").values_list("state", "prs_done")) == [
        ("completed", _PULL_REQUESTS),
        ("completed", _PULL_REQUESTS),
        ("queued", 0),
    ]


@pytest.mark.parametrize("places", [1, 2])
def test_whoever_ends_lets_the_next_begin(run: PipelineRun, places: int, settings: Settings) -> None:
    """Before, where it may go on writing from a second place; and without one by its end, which frees its own."""
    settings.SYNC_ATTEMPTS_PER_ACCOUNT = places
    for _ in range(3):
        _make(_sent())
    run.refresh_from_db()
    assert run.phase == "llm_processing"
