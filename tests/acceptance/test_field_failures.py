"""What sync pipelines like this one suffered from in the field: hangs, dead workers, and runs that stood for ever.

docs/qa.md names each failure with its test. What they showed their users wrongly is in test_field_reports.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from apps.console.results import results_of
from apps.github_simulator.testing import simulator
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.tasks import start_pipeline
from apps.pulls.models import PullRequest
from apps.repositories.models import TrackedRepository
from telemetry.reading import Span, orphans_of, read_lines, read_spans
from tests.acceptance.worker import wait_until, worker
from tests.integrations.syncing import held, stored, tracked

NAME = "synthetic/repo-0"
SMALL = {
    "SYNC_SWEEP_SECONDS": "0.5",
    "SYNC_REQUEST_SECONDS": "1.5",
    "SYNC_STALE_SECONDS": "6",
    "SYNC_ATTEMPT_SECONDS": "5",
    "SYNC_STEP_SECONDS": "4",
}
pytestmark = pytest.mark.django_db(transaction=True)


def _start(repository: TrackedRepository) -> None:
    start_pipeline.delay(repository.team_id, [repository.pk], days=None)


def _row(repository: TrackedRepository) -> RepoSync:
    return RepoSync.objects.get(repository=repository)


def _until_all_have_ended() -> None:
    wait_until(lambda: not PipelineRun.objects.filter(exported_at=None).exists() and PipelineRun.objects.exists())


def _attempts(spans: list[Span], repository: TrackedRepository) -> dict[object, Span]:
    return {
        span.attributes["sync.attempt"]: span
        for span in spans
        if span.name == "sync.repo" and span.attributes["repo_id"] == repository.pk
    }


@pytest.mark.slow
def test_nothing_is_stuck_at_0_percent(program_environment: dict[str, str]) -> None:
    """A GitHub that gives no answer, a database statement that gets no lock and a task that loops all meet a limit.

    The attempt is marked with it, on its row and on its span, another follows, and the sync is complete.
    """
    environment = {**program_environment, **SMALL}
    with simulator(synthetic=12) as github, worker(environment, children=3, app="tests.acceptance.fates"):
        hanging = tracked(github, NAME, slug="hanging", token="hanging")
        locked = tracked(github, NAME, slug="locked", token="locked")
        looping = tracked(github, NAME, slug="looping", token="loop-before-2")
        account = github.account_of("hanging")
        github.add_faults({"fault": "hang", "match": {"account": account, "operation": "PullRequests"}})
        with transaction.atomic():
            _hold(locked, number=1)
            for repository in (hanging, locked, looping):
                _start(repository)
            wait_until(lambda: RepoSync.objects.filter(repository=locked, state="retrying").exists())
            marked = _row(locked)
            transaction.set_rollback(True)
        _until_all_have_ended()
        there = held(github, NAME)
    for repository in (hanging, locked, looping):
        assert (_row(repository).state, stored(repository)) == ("completed", there)
    assert (marked.error_type, marked.failures, marked.prs_done) == ("out_of_time", 1, 0)
    assert [_row(repository).attempt for repository in (hanging, locked, looping)] == [1, 2, 2]
    home = Path(environment["SYNCTRACE_HOME"])
    spans, lines = read_spans(home / "traces.jsonl"), read_lines(home / "logs.jsonl")
    first, second = (_attempts(spans, locked)[number] for number in (1, 2))
    assert (first.outcome, first.attributes["error_type"], second.outcome) == ("retrying", "out_of_time", "completed")
    assert {line["repo_id"]: line["error"] for line in lines if line["event"] == "sync.task.retry"} == {
        locked.pk: "out_of_time: It had not ended at its time limit",
        looping.pk: "attempt_died: Attempt 1 was killed: its hard time limit of 5.0 s",
    }
    hung = [span for span in spans if span.attributes.get("status") == "timeout"]
    assert [(span.outcome, span.attributes["repo_id"]) for span in hung] == [("failed", hanging.pk)]
    assert _attempts(spans, looping)[2].outcome == "completed"


@pytest.mark.slow
def test_a_killed_process_does_not_hold_up_its_account(program_environment: dict[str, str]) -> None:
    """Its row is dead and others of the account are admitted as soon as the worker has seen it die, not after a silence."""
    environment = {**program_environment, **SMALL, "SYNC_STALE_SECONDS": "300"}
    with simulator(synthetic=12) as github, worker(environment, app="tests.acceptance.fates"):
        killed, other = (tracked(github, NAME, slug=slug, token="kill-before-2") for slug in ("killed", "other"))
        _start(killed)
        wait_until(lambda: RepoSync.objects.filter(repository=killed, state="running").exists())
        _start(other)
        wait_until(lambda: RepoSync.objects.filter(state="completed").count() == 2, seconds=30)
        assert (_row(killed).attempt, _row(other).attempt) == (2, 1)


def _hold(repository: TrackedRepository, *, number: int) -> None:
    """Somebody else's transaction is writing this pull request, and does not end."""
    now = timezone.now()
    PullRequest.objects.create(
        repository=repository,
        github_id=1,
        number=number,
        is_draft=False,
        created_at=now,
        updated_at=now,
        additions=0,
        deletions=0,
        changed_files=0,
        reviews_total=0,
        commits_total=0,
    )


_STEP = "run/apps.integrations.tasks.run_phase"


def _died(home: Path) -> list[Span]:
    """Return the spans of steps whose process was killed under them."""
    return [span for span in read_spans(home / "traces.jsonl") if span.name == _STEP and span.outcome == "died"]


@pytest.mark.slow
def test_no_analysis_leaves_its_run_in_llm_processing(program_environment: dict[str, str]) -> None:
    """One that raises fails the run at once; one whose worker dies is started again, and the third time was the last.

    Each is told by a line, on the root span, and in the repository's result.
    """
    environment = {**program_environment, **SMALL}
    with simulator(synthetic=3) as github, worker(environment, app="tests.acceptance.fates"):
        slugs = ("analysis-raises", "analysis-dies")
        repositories = {slug: tracked(github, NAME, slug=slug, token=slug) for slug in slugs}
        for repository in repositories.values():
            _start(repository)
            exported = PipelineRun.objects.filter(team=repository.team, exported_at__isnull=False)
            wait_until(exported.exists)
        wait_until(lambda: len(_died(Path(environment["SYNCTRACE_HOME"]))) == 3)  # the last is known a moment later
    runs = {run.team.slug: run for run in PipelineRun.objects.select_related("team")}
    assert {slug: (run.state, run.phase, run.error_type, run.step_attempt) for slug, run in runs.items()} == {
        "analysis-raises": ("failed", "llm_processing", "ZeroDivisionError", 1),
        "analysis-dies": ("failed", "llm_processing", "step_never_finished", 3),
    }
    home = Path(environment["SYNCTRACE_HOME"])
    told = {line["run_id"]: line for line in read_lines(home / "logs.jsonl") if line["event"] == "sync.pipeline.failed"}
    spans = read_spans(home / "traces.jsonl")
    for run in runs.values():
        (result,) = results_of(run)
        (root,) = [span for span in spans if span.name == "sync.pipeline" and span.attributes["run_id"] == run.pk]
        assert told[run.pk]["error_type"] == root.attributes["error_type"] == result.error_type == run.error_type
        assert (root.outcome, result.is_complete) == ("failed", False)
    steps = [span for span in spans if span.name == _STEP]
    assert [(span.outcome, span.status_message) for span in steps if span.outcome != "died"] == [
        (None, "a rule divides by zero")
    ]


@pytest.mark.slow
def test_no_dead_worker_leaves_its_repository_syncing(program_environment: dict[str, str]) -> None:
    """A machine is lost in the middle of a request; another's sweep finds the repository, which goes on at its cursor."""
    environment = {**program_environment, **SMALL, "SYNC_STALE_SECONDS": "4"}
    with simulator(synthetic=74) as github:  # the first page has no long list, and so is committed at once
        repository = tracked(github, NAME)
        github.add_faults({"fault": "hang", "match": {"operation": "PullRequests"}, "nth": 2})
        with worker(environment) as process:
            _start(repository)
            wait_until(lambda: any(seen.fault for seen in github.requests()))
            process.kill()
        row = _row(repository)
        assert (row.state, row.prs_done, row.attempt) == ("running", 25, 1)
        cursor, seen = row.cursor, len(github.requests())
        with worker(environment):
            _until_all_have_ended()
        (look_up, page, *_) = github.requests()[seen:]
        there = held(github, NAME)
    assert (look_up.endpoint, page.variables["after"]) == ("/repos/{owner}/{repo}", cursor)
    row.refresh_from_db()
    assert (row.state, row.attempt, row.prs_done, stored(repository)) == ("completed", 2, 74, there)
    spans = read_spans(Path(environment["SYNCTRACE_HOME"]) / "traces.jsonl")
    dead = {span.attributes.get("task_id") for span in orphans_of(spans)}
    assert dead.isdisjoint(span.attributes.get("task_id") for span in spans if span.name.startswith("run/"))
