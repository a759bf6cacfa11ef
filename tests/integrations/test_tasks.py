"""However an attempt ends, its row, its span and its lines say so, and what it cost; what comes next is sent or found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.conf import settings as configured
from django.db import OperationalError, connection
from pytest_django import Settings

from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations import attempts
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.attempts import Attempt
from apps.integrations.github.transport import GitHubTransport
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.tasks import run_phase, send, sync_repository
from apps.repositories.models import GitHubConnection
from apps.repositories.secrets import encrypt
from apps.utils import clock
from telemetry.reading import Span
from telemetry.testing import Capture
from tests.integrations.syncing import TOKEN, begin, held, stored, tracked

NAME = "synthetic/repo-0"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_url")]


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """Two pages of pull requests."""
    with simulator(synthetic=30) as simulated:
        yield simulated


@pytest.fixture
def row(github: SimulatedGitHub) -> RepoSync:
    """A row whose first attempt is to come."""
    return begin(tracked(github, NAME))


def _run(row: RepoSync) -> None:
    """The next attempt has ended, and those that Celery was told to make after it."""
    row.refresh_from_db()
    sync_repository.apply(args=(row.pk, row.attempt + 1))
    row.refresh_from_db()


def _attempts(captrace: Capture) -> list[Span]:
    return sorted((span for span in captrace.spans if span.name == "sync.repo"), key=lambda span: span.start_ns)


def _before_request(monkeypatch: pytest.MonkeyPatch, number: int, action: Callable[[], Any]) -> None:
    """``action`` is called before GraphQL request ``number``, over all attempts."""
    ask, count = GitHubTransport.graphql, iter(range(1, 1_000))

    def graphql(self: GitHubTransport, *args: Any, **kwargs: Any) -> Any:
        if next(count) == number:
            action()
        return ask(self, *args, **kwargs)

    monkeypatch.setattr(GitHubTransport, "graphql", graphql)


def _lose_connections() -> None:
    """What the database's restart does to those who are connected."""
    parameters = connection.get_connection_params()
    parameters = {
        name: value for name, value in parameters.items() if name in ("dbname", "user", "password", "host", "port")
    }
    with psycopg.connect(**parameters, autocommit=True) as another:
        another.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_restarted_database_costs_an_attempt_and_nothing_more(
    row: RepoSync, github: SimulatedGitHub, captrace: Capture, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Every connection ends in the middle of it; the attempt is marked on a new one, and the next goes on at the cursor."""
    settings.SYNC_REQUEST_SECONDS = 1.0  # the lane that could not be left is free when its lease ends
    _before_request(monkeypatch, 5, _lose_connections)
    _run(row)
    assert (row.state, row.attempt, stored(row.repository)) == ("completed", 2, held(github, NAME))
    assert [span.outcome for span in _attempts(captrace)] == ["retrying", "completed"]
    assert "sync.repo.failed" not in captrace.events()
    assert PipelineRun.objects.get().phase == "llm_processing"  # the attempt that ended has made its run go on


def test_an_error_that_stays_is_retried_and_then_fails(row: RepoSync, github: SimulatedGitHub, captrace: Capture) -> None:
    """Each attempt but the last says that another follows; all their requests stand on the row."""
    github.add_faults({"fault": "server_error", "match": {"operation": "PullRequests"}, "times": None})
    before = github.stats()["requests"]
    _run(row)
    after = github.stats()["requests"]
    assert (row.state, row.disposition, row.error_type, row.attempt) == ("failed", "failed", "server_error", 6)
    assert row.requests == sum(after.values()) - sum(before.values()) == 12
    assert [span.outcome for span in _attempts(captrace)] == ["retrying"] * 5 + ["failed"]
    told = [line for line in captrace.lines if line["event"] == "sync.task.retry"]
    assert [(line["retry_count"], line["countdown"]) for line in told] == [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32)]
    assert captrace.events().count("sync.repo.failed") == 1


def test_a_refused_token_is_not_tried_again(row: RepoSync, github: SimulatedGitHub, captrace: Capture) -> None:
    """It would be refused again; the row says what to do."""
    github.expire_token(TOKEN)
    _run(row)
    assert (row.state, row.disposition, row.error_type, row.attempt) == ("failed", "forbidden", "unauthorized", 1)
    assert [span.outcome for span in _attempts(captrace)] == ["failed"]


def test_a_token_that_is_replaced_meanwhile_costs_an_attempt(
    row: RepoSync, github: SimulatedGitHub, captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account was connected again and the old token revoked: the next attempt takes the new one, at the cursor."""

    def rotate() -> None:
        github.add_token(f"{TOKEN}2", account=github.account_of(TOKEN))
        GitHubConnection.objects.update(encrypted_token=encrypt(f"{TOKEN}2"))
        github.expire_token(TOKEN)

    _before_request(monkeypatch, 2, rotate)
    _run(row)
    assert (row.state, row.attempt, stored(row.repository)) == ("completed", 2, held(github, NAME))
    assert [span.outcome for span in _attempts(captrace)] == ["retrying", "completed"]


def test_database_trouble_in_a_step_leaves_it_to_the_sweep_until_the_last(
    row: RepoSync, captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on standing in its phase twice, and fails in it the third time."""

    def fail(*, team_id: int) -> int:
        raise OperationalError(f"the server of team {team_id} is restarting")

    monkeypatch.setattr("apps.integrations.tasks.metrics.compute", fail)
    PipelineRun.objects.update(phase="computing_metrics")
    for number, state in ((1, "running"), (2, "running"), (3, "failed")):
        run_phase.apply(args=(row.run_id, "computing_metrics", number))
        assert PipelineRun.objects.get().state == state
    assert captrace.events().count("sync.task.retry") == 2


def test_attempts_that_die_one_after_the_other_fail_in_the_end(row: RepoSync, captrace: Capture) -> None:
    """What kills a worker each time is not tried for ever: the sixth successor says so, and asks GitHub for nothing."""
    long_ago = clock.now() - timedelta(seconds=configured.SYNC_STALE_SECONDS + 1)
    RepoSync.objects.update(state="running", attempt=6, failures=5, alive_at=long_ago)
    _run(row)
    assert (row.state, row.error_type, row.requests) == ("failed", "attempt_died", 0)
    assert [span.outcome for span in _attempts(captrace)] == ["failed"]
    assert captrace.events().count("sync.repo.failed") == 1


def test_a_parked_attempt_is_free_of_its_worker_and_has_its_cost(
    row: RepoSync, github: SimulatedGitHub, captrace: Capture
) -> None:
    """The row says for what it waits and until when; nobody starts it before, and no failure is counted."""
    github.add_faults({"fault": "primary_limit", "match": {"operation": "PullRequests"}, "nth": 2, "reset_in": 600})
    before = github.stats()["requests"]
    _run(row)
    after = github.stats()["requests"]
    assert (row.state, row.wait_reason, row.failures, row.prs_done) == ("waiting", "primary", 0, 25)
    assert row.requests == sum(after.values()) - sum(before.values())
    assert timedelta(minutes=9) < row.due_at - clock.now() < timedelta(minutes=11)
    assert [span.outcome for span in _attempts(captrace)] == ["waiting"]
    assert pipeline.sweep() == []
    with clock.using(clock.SteppedClock(row.due_at)):
        assert pipeline.sweep() == [pipeline.SyncRepository(Attempt(row.pk, 2))]


def test_an_attempt_that_was_overtaken_is_called_off(
    row: RepoSync, captrace: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither failed nor retried: its successor tells how the sync went."""
    _before_request(monkeypatch, 2, lambda: RepoSync.objects.update(attempt=2))
    _run(row)
    assert (row.state, row.attempt, row.prs_done) == ("running", 2, 0)
    assert [span.outcome for span in _attempts(captrace)] == ["cancelled"]
    assert not {"sync.repo.failed", "sync.task.retry", "sync.repo.completed"} & set(captrace.events())


@contextmanager
def _no_broker() -> Iterator[None]:
    """Nobody listens where the broker was."""
    url, policy = current_app.conf.broker_url, current_app.conf.task_publish_retry_policy
    current_app.conf.update(broker_url="redis://127.0.0.1:1/0", task_publish_retry_policy={"max_retries": 0})
    _forget_connections()
    try:
        yield
    finally:
        current_app.conf.update(broker_url=url, task_publish_retry_policy=policy)
        _forget_connections()


def _forget_connections() -> None:
    app: Any = current_app  # there is no public way to have it connect anew
    app._pool = app.amqp._producer_pool = None


def test_without_a_broker_the_sweep_sends_what_is_due(row: RepoSync, caplog: pytest.LogCaptureFixture) -> None:
    """One line says so, the task ends well, and nothing is lost."""
    steps = [pipeline.SyncRepository(Attempt(row.pk, 1))] * 3
    with _no_broker(), caplog.at_level(logging.ERROR):
        send(steps)
    assert caplog.messages == ["The broker cannot be reached: the sweep will send what is due."]
    with clock.using(clock.SteppedClock(clock.now() + timedelta(seconds=configured.SYNC_STALE_SECONDS + 1))):
        assert pipeline.sweep() == [pipeline.SyncRepository(Attempt(row.pk, 1))]
    row.refresh_from_db()
    assert attempts.claim(Attempt(row.pk, 1), traceparent=None) is not None
