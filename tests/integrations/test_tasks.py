"""What a real worker makes of each way in which attempts and steps end: spans, lines, and what is sent next."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from apps.analysis.models import WeeklyMetrics
from apps.github_simulator.testing import simulator
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs import attempts
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.steps import SyncRepository
from apps.integrations.tasks import send, start_pipeline
from apps.repositories.models import TrackedRepository
from apps.utils import clock
from telemetry.reading import Span, read_lines, read_spans
from tests.acceptance.worker import wait_until, worker
from tests.integrations.messages import broken_channel, no_broker
from tests.integrations.syncing import begin, tracked
from tests.locks import count_waiting

NAME = "synthetic/repo-0"
QUICK = {
    "SYNC_SWEEP_SECONDS": "0.5",
    "SYNC_REQUEST_SECONDS": "3",
    "SYNC_STALE_SECONDS": "6",
    "SYNC_STEP_SECONDS": "4",
    "SYNC_LOG_LEVEL": "DEBUG",
}
pytestmark = pytest.mark.django_db(transaction=True)


def _start(repository: TrackedRepository) -> None:
    start_pipeline.delay(repository.team_id, [repository.pk], days=None)


def _row(repository: TrackedRepository) -> RepoSync:
    return RepoSync.objects.get(repository=repository)


@pytest.mark.slow
def test_however_an_attempt_ends_its_span_and_lines_say_so(program_environment: dict[str, str]) -> None:
    """Retried, refused, parked, or frozen and taken over by another: one `failed` line among them all."""
    environment = {**program_environment, **QUICK}
    page = {"operation": "PullRequests"}
    with simulator(synthetic=30) as github:
        of = {name: tracked(github, NAME, slug=name, token=f"token-of-{name}") for name in ENDS}
        account = {name: github.account_of(f"token-of-{name}") for name in ENDS}
        github.add_faults(
            {"fault": "server_error", "match": {**page, "account": account["retried"]}},
            {"fault": "primary_limit", "match": {**page, "account": account["parked"]}, "reset_in": 600},
            {"fault": "delay", "match": {**page, "account": account["frozen"]}, "delay_ms": 2_500},
        )
        github.expire_token("token-of-refused")
        with worker(environment, children=3):
            for repository in of.values():
                _start(repository)
            wait_until(lambda: _is_taken_over(of["frozen"]))
            wait_until(lambda: _states(of) == ENDS)
            wait_until(lambda: PipelineRun.objects.exclude(exported_at=None).count() == 3)
    home = Path(environment["SYNCTRACE_HOME"])
    lines, spans = read_lines(home / "logs.jsonl"), read_spans(home / "traces.jsonl")
    assert {name: _outcomes(spans, repository) for name, repository in of.items()} == {
        "retried": ["retrying", "completed"],
        "refused": ["failed"],
        "parked": ["waiting"],
        "frozen": ["cancelled", "completed"],
    }
    retries = {line["repo_id"]: line for line in lines if line["event"] == "sync.task.retry"}
    assert retries.keys() == {of["retried"].pk, of["frozen"].pk}
    retry = retries[of["retried"].pk]
    assert (retry["task_name"], retry["retry_count"], retry["countdown"]) == (_TASK, 1, 2)
    assert retry["error"].startswith("server_error: ")
    assert retries[of["frozen"].pk]["error"] == "attempt_died: Attempt 1 gave no sign of life for 6 s"
    assert [line["repo_id"] for line in lines if line["event"] == "sync.repo.failed"] == [of["refused"].pk]


def _is_taken_over(repository: TrackedRepository) -> bool:
    """Whether a second attempt has begun; the first looks as if it had given no sign of life for minutes."""
    row = RepoSync.objects.filter(repository=repository)
    row.filter(attempt=1, state="running").update(alive_at=clock.now() - timedelta(minutes=5))
    return row.filter(attempt=2).exists()


_TASK = "apps.integrations.tasks.sync_repository"
ENDS = {"retried": "completed", "refused": "failed", "parked": "waiting", "frozen": "completed"}


def _states(of: dict[str, TrackedRepository]) -> dict[str, str]:
    return {name: row.state for name, repository in of.items() for row in RepoSync.objects.filter(repository=repository)}


def _outcomes(spans: list[Span], repository: TrackedRepository) -> list[str | None]:
    own = [span for span in spans if span.name == "sync.repo" and span.attributes["repo_id"] == repository.pk]
    return [span.outcome for span in sorted(own, key=lambda span: span.start_ns)]


@pytest.mark.slow
def test_the_time_in_the_queue_and_the_wait_for_a_worker_are_told_apart(program_environment: dict[str, str]) -> None:
    """Of two teams with one account one queues: a span below its run's root says how long, and for what."""
    environment = {**program_environment, **QUICK}
    with simulator(synthetic=60) as github:
        bakers, smiths = (tracked(github, NAME, slug=slug) for slug in ("bakers", "smiths"))
        with worker(environment, children=2):
            _start(bakers)
            _start(smiths)
            wait_until(lambda: PipelineRun.objects.exclude(exported_at=None).count() == 2)
    spans = read_spans(Path(environment["SYNCTRACE_HOME"]) / "traces.jsonl")
    waits = {span.attributes["sync.queue.reason"]: span for span in spans if span.name == "sync.queue.wait"}
    assert waits.keys() <= {"account", "start"}  # on a busy machine the first is not admitted at once either
    wait = waits["account"]
    row = RepoSync.objects.get(repository_id=int(str(wait.attributes["repo_id"])))
    (root,) = [span for span in spans if span.name == "sync.pipeline" and span.trace_id == wait.trace_id]
    (run,) = [span for span in spans if span.name == f"run/{_TASK}" and span.trace_id == wait.trace_id]
    assert wait.parent_id == root.span_id
    assert wait.attributes["sync.queue.account"] == row.connection.account
    assert wait.outcome == "completed"
    assert wait.attributes["run_id"] == row.run_id
    assert 0 <= wait.start_ns - root.start_ns < 1e9
    assert wait.end_ns <= run.start_ns
    worker_wait_ms = run.attributes["celery.queue.wait_ms"]
    assert isinstance(worker_wait_ms, float)
    assert 0 <= worker_wait_ms <= (run.start_ns - wait.end_ns) / 1e6 + 1


@pytest.mark.slow
def test_backfills_begin_when_their_run_has_ended(program_environment: dict[str, str]) -> None:
    """Whoever creates them admits them: they do not wait for the next sweep."""
    with simulator(synthetic=60) as github, worker({**program_environment, **QUICK, "SYNC_SWEEP_SECONDS": "600"}):
        repository = tracked(github, NAME)
        start_pipeline.delay(repository.team_id, [repository.pk], days=1, backfill_all=True)
        wait_until(lambda: PipelineRun.objects.filter(kind="backfill", state="completed").exists(), seconds=30)


@pytest.mark.slow
def test_a_step_that_loses_its_database_is_started_three_times(program_environment: dict[str, str]) -> None:
    """The run goes on standing in its phase twice, and fails in it the third time."""
    environment = {**program_environment, **QUICK}
    with simulator(synthetic=3) as github, worker(environment, children=1):
        repository = tracked(github, NAME)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {WeeklyMetrics._meta.db_table} IN ACCESS EXCLUSIVE MODE")
            _start(repository)
            for started in (1, 2, 3):
                wait_until(lambda started=started: _waits_in_its_step(started))  # type: ignore[misc]  # bound now
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
            wait_until(lambda: PipelineRun.objects.filter(state="failed").exists())
        wait_until(lambda: PipelineRun.objects.exclude(exported_at=None).exists())
    run = PipelineRun.objects.get()
    assert (run.phase, run.error_type, run.step_attempt) == ("computing_metrics", "OperationalError", 3)
    lines = read_lines(Path(environment["SYNCTRACE_HOME"]) / "logs.jsonl")
    assert [line["retry_count"] for line in lines if line["event"] == "sync.task.retry"] == [1, 2]
    assert [line["phase"] for line in lines if line["event"] == "sync.pipeline.failed"] == ["computing_metrics"]


def _waits_in_its_step(started: int) -> bool:
    return PipelineRun.objects.filter(step_attempt=started).exists() and count_waiting() == 1


@pytest.mark.usefixtures("broker_url")
@pytest.mark.parametrize("trouble", [pytest.param(no_broker, marks=pytest.mark.slow), broken_channel])
def test_without_a_broker_the_sweep_sends_what_is_due(
    trouble: Callable[[], AbstractContextManager[None]], caplog: pytest.LogCaptureFixture
) -> None:
    """One line says so, the caller goes on, and nothing is lost."""
    with simulator(synthetic=1) as github:
        row = begin(tracked(github, NAME))
    steps = pipeline.admit()
    assert steps == [SyncRepository(Attempt(row.pk, 1))]
    with trouble(), caplog.at_level(logging.ERROR):
        send(steps * 3)
    assert caplog.messages == ["The broker cannot be reached: the sweep will send what is due."]
    assert [pipeline.sweep(), pipeline.sweep()] == [steps, []]
    assert attempts.claim(Attempt(row.pk, 1), traceparent=None) is not None
