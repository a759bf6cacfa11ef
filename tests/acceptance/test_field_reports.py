"""What sync pipelines like this one told their users wrongly in the field: progress, stalls, and work nobody saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.db import connection
from pytest_django import Settings
from rich.console import Console

from apps.console.log_lines import find_lines, of_run
from apps.console.lookup import trace_ids
from apps.console.results import results_of
from apps.console.terminal.standing import Standing
from apps.console.terminal.watching import plain_lines, watch
from apps.explain.known_runs import Asked
from apps.explain.runs_in_rows import Rows
from apps.github_simulator.testing import SimulatedGitHub, simulator
from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.lane import Lane
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.steps import Step, SyncRepository
from telemetry import trace_id_of
from telemetry.reading import Memory
from telemetry.testing import Capture
from tests.acceptance.worker import wait_until
from tests.integrations.syncing import TOKEN, attempt, begin, tracked

NAME = "synthetic/repo-0"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """Sixty pull requests, eight a day."""
    with simulator(synthetic=60) as simulated:
        yield simulated


def _through(row: RepoSync, *phases: str) -> list[Step]:
    """The steps that follow when the run of ``row`` has left its syncing phase and these."""
    steps = pipeline.advance(row.run_id)
    for phase in phases:
        steps = pipeline.complete_phase(row.run_id, phase)  # type: ignore[arg-type]  # one of the catalog's
    return steps


def _shown(rows: Sequence[RepoSync]) -> str:
    """What somebody who watches is shown of these rows."""
    out = StringIO()
    plain_lines(Console(file=out, width=200))(Standing(rows=rows))
    return out.getvalue()


def test_every_source_of_progress_says_the_same_at_every_moment(github: SimulatedGitHub, captrace: Capture) -> None:
    """The row, the last progress line and the console between any two requests; at the end also the run and the result."""
    row = begin(tracked(github, NAME))
    moments = []

    def compare(_request: int) -> None:
        now = RepoSync.objects.select_related("run", "repository", "repository__connection").get(pk=row.pk)
        told = [line for line in captrace.lines if line["event"] == "sync.repo.progress"]
        assert len(told) == now.prs_done // 10
        if told:
            assert (told[-1]["prs_done"], told[-1]["prs_total"]) == (10 * (now.prs_done // 10), now.prs_expected)
            assert told[-1]["pct"] == round(100 * told[-1]["prs_done"] / told[-1]["prs_total"], 1)
        assert f": {now.prs_done} of {now.prs_expected or '?'} read, syncing" in _shown([now])
        moments.append(now.prs_done)

    synced = attempt(row, before_request=compare)
    assert sorted(set(moments)) == [0, 25, 60]
    _through(row, "llm_processing", "computing_metrics")
    run = PipelineRun.objects.get()
    row.refresh_from_db()
    (result,) = results_of(run)
    (completed,) = [line for line in captrace.lines if line["event"] == "sync.pipeline.completed"]
    counts = [synced.prs_synced, row.prs_done, row.prs_total, run.total_prs, completed["total_prs"], result.pull_requests]
    assert counts == [len(github.repository(NAME).pull_requests)] * 6


@pytest.mark.slow
def test_nothing_is_taken_for_dead_while_it_works_or_waits(github: SimulatedGitHub, settings: Settings) -> None:
    """Behind another's request, for a limit, in a slow request, in a page of many: each longer than SYNC_STALE_SECONDS.

    The sweep looks all the while and finds nothing to send; the row says what is waited for, and then no more.
    """
    settings.SYNC_STALE_SECONDS = 2.0
    repository = tracked(github, NAME)
    github.set_files(NAME, 60, [f"src/{index:05}.py" for index in range(800)])
    lists = {"operation": "PullRequestLists"}
    github.add_faults(
        {"fault": "primary_limit", "match": {"operation": "PullRequests"}, "reset_in": 1},
        {"fault": "delay", "match": lists, "delay_ms": 500},
        {"fault": "delay", "match": lists, "nth": 2, "times": None, "delay_ms": 350},
    )
    row = begin(repository, since=datetime.now(UTC) - timedelta(hours=1))
    waits: list[str] = []
    found: list[Step] = []

    def sweep() -> None:
        found.extend(step for step in pipeline.sweep() if isinstance(step, SyncRepository))
        waits.append(RepoSync.objects.values_list("wait_reason", flat=True).get(pk=row.pk))
        time.sleep(0.05)

    with Lane(account=repository.connection.account).turn(resource=None):
        thread = threading.Thread(target=_attempt_and_leave, args=(row,))
        thread.start()
        wait_until(lambda: RepoSync.objects.filter(pk=row.pk, state=RepoSync.State.RUNNING).exists())
        for _ in range(45):
            sweep()
    while thread.is_alive():
        sweep()
    row.refresh_from_db()
    assert (row.state, row.attempt) == ("completed", 1)
    assert [step for step in found if isinstance(step, SyncRepository)] == []  # the next phase is no other attempt
    assert [reason for reason in dict.fromkeys(waits) if reason] == ["lane", "primary"]
    assert waits[-1] == ""


def _attempt_and_leave(row: RepoSync) -> None:
    try:
        attempt(row)
    finally:
        connection.close()


def test_work_in_the_background_is_seen(github: SimulatedGitHub, captrace: Capture) -> None:
    """A backfill is watched like a recent run, has its result and its trace, and the recent run leads to both."""
    day_ago = datetime.now(UTC) - timedelta(days=1)
    first = begin(tracked(github, NAME, token=TOKEN), since=day_ago, backfill=pipeline.Backfill(None), task_id="t1")
    attempt(first)
    _through(first, "llm_processing", "computing_metrics")
    second = RepoSync.objects.select_related("run", "repository", "repository__connection").get(run__kind="backfill")
    assert f"{NAME} (backfill): 0 of ? read, queued: its turn" in _shown([second])
    attempt(second)
    _through(second, "background_llm")
    out = StringIO()
    runs = watch("t1", console=Console(file=out, width=200))
    assert [run.kind for run in runs] == ["recent", "backfill"]
    assert f"{NAME} (backfill): 52 of 52 read, synced" in out.getvalue()
    (result,) = results_of(runs[1])
    assert (result.outcome, result.pull_requests, result.trace_id) == ("synced", 52, trace_id_of(runs[1].traceparent))
    assert trace_id_of(runs[1].traceparent) in trace_ids(runs[0])[1]
    (known,) = Rows().runs(Asked(number=runs[0].pk))
    wanted = of_run(Rows(), known, Asked())
    found = {line["event"] for line in find_lines(Memory(lines=captrace.lines), wanted) if line["run_id"] == runs[1].pk}
    assert {"sync.pipeline.started", "sync.pipeline.completed"} <= found
