"""Each step is sent to its run's own queue, in its run's trace, whoever sends it and in the middle of whatever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from apps.integrations import onboarding_pipeline as pipeline
from apps.integrations.models import PipelineRun, RepoSync
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.steps import RunPhase, SyncRepository
from apps.integrations.tasks import send
from apps.repositories.models import GitHubConnection
from telemetry import trace_id_of
from telemetry.reading import read_spans
from telemetry.testing import Capture
from tests.integrations.histories import repository
from tests.integrations.messages import sent

pytestmark = pytest.mark.django_db(transaction=True)
CHECKOUT = Path(__file__).parents[2]
PREVIOUS = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def runs(captrace: Capture) -> tuple[PipelineRun, PipelineRun]:
    """A recent run of one team, and a backfill of another's; their roots are sampled."""
    tracked = repository("bakers/a", team="bakers")
    recent = pipeline.start_run(team=tracked.team, repositories=[tracked], since=None, backfill=None, task_id="t-recent")
    other = repository("smiths/a", team="smiths")
    GitHubConnection.objects.filter(team=other.team).update(account="github.test/bob")  # nobody has to queue
    other.refresh_from_db()
    started = pipeline.start_run(team=other.team, repositories=[other], since=None, task_id="t-backfill")
    PipelineRun.objects.filter(pk=started.pk).update(kind=PipelineRun.Kind.BACKFILL, phase="background_syncing")
    RepoSync.objects.filter(run=started).update(is_backfill=True)
    started.refresh_from_db()
    return recent, started


def _rows(runs: tuple[PipelineRun, PipelineRun]) -> list[RepoSync]:
    return [run.repo_syncs.get() for run in runs]


def test_each_run_s_steps_are_on_its_own_queue(broker: Redis, runs: tuple[PipelineRun, PipelineRun]) -> None:
    """A backfill keeps no recent run waiting: neither with its repositories nor with its phases."""
    recent, backfill = runs
    admitted = pipeline.admit()
    mine, theirs = _rows(runs)
    assert admitted == [SyncRepository(Attempt(mine.pk, 1)), SyncRepository(Attempt(theirs.pk, 1))]
    send([*admitted, RunPhase(recent.pk, "llm_processing", 1), RunPhase(backfill.pk, "background_llm", 2)])
    assert [(each.queue, each.task, each.arguments) for each in sent(broker)] == [
        ("sync", "sync_repository", [mine.pk, 1]),
        ("sync", "run_phase", [recent.pk, "llm_processing", 1]),
        ("background", "sync_repository", [theirs.pk, 1]),
        ("background", "run_phase", [backfill.pk, "background_llm", 2]),
    ]


SEND = """
from contextlib import nullcontext

import django

django.setup()
from apps.config import instrumentation
from apps.integrations.models import PipelineRun
from apps.integrations.runs.attempts import Attempt
from apps.integrations.runs.root_spans import root_of
from apps.integrations.runs.steps import RunPhase, SyncRepository
from apps.integrations.tasks import send
from telemetry import bind, flush, span

instrumentation.configure()
recent, backfill = PipelineRun.objects.order_by("pk")
steps = [SyncRepository(Attempt(run.repo_syncs.get().pk, 1)) for run in (recent, backfill)]
steps += [RunPhase(recent.pk, "llm_processing", 3), RunPhase(backfill.pk, "background_llm", 1)]
for within in (nullcontext(), span("somebody's work"), root_of(backfill).active()):
    with bind(team_id=99, repo_id=99, run_id=99), within:
        send(steps)
flush()
"""


def test_each_step_is_in_its_own_run_s_trace(
    unexplained_environment: dict[str, str], broker: Redis, runs: tuple[PipelineRun, PipelineRun]
) -> None:
    """With its team, run and number, and what went before: sent outside any span, in somebody's, in another run's trace."""
    recent, backfill = runs
    RepoSync.objects.filter(run=backfill).update(attempt_traceparent=PREVIOUS)
    assert len(pipeline.admit()) == 2
    subprocess.run([sys.executable, "-c", SEND], cwd=CHECKOUT, env=unexplained_environment, check=True)
    messages = sent(broker)
    assert len(messages) == 3 * 4
    for each in messages:
        run = recent if each.queue == "sync" else backfill
        is_phase = each.task == "run_phase"
        assert each.envelope["root"] == run.traceparent
        assert each.trace_id == trace_id_of(run.traceparent)
        assert each.envelope["attempt"] == each.arguments[-1]
        assert each.envelope["previous"] == (PREVIOUS if run == backfill and not is_phase else None)
        bound = {"team_id": run.team_id, "run_id": run.pk}
        assert each.envelope["context"] == bound | ({} if is_phase else {"repo_id": run.repo_syncs.get().repository_id})
    spans = read_spans(Path(unexplained_environment["SYNCTRACE_HOME"]) / "traces.jsonl")
    theirs = trace_id_of(backfill.traceparent)
    somebodys = next(span.trace_id for span in spans if span.name == "somebody's work")
    of_phases = [span for span in spans if span.name == "apply_async/apps.integrations.tasks.run_phase"]
    traces = [span.trace_id for span in sorted(of_phases, key=lambda span: span.start_ns)]
    assert traces == [trace_id_of(recent.traceparent), theirs, somebodys, somebodys, theirs, theirs]
    of_syncs = [span for span in spans if span.name == "apply_async/apps.integrations.tasks.sync_repository"]
    traces = [span.trace_id for span in sorted(of_syncs, key=lambda span: span.start_ns)]
    assert traces == [trace_id_of(recent.traceparent), theirs] * 3


def test_a_step_that_was_overtaken_is_not_sent(broker: Redis, runs: tuple[PipelineRun, PipelineRun]) -> None:
    """One whose admission is gone, or is another attempt's, is nobody's to make; the others are sent all the same."""
    mine, theirs = _rows(runs)
    pipeline.admit()
    send([SyncRepository(Attempt(mine.pk, 2)), SyncRepository(Attempt(theirs.pk, 1))])
    assert [(each.queue, each.arguments) for each in sent(broker)] == [("background", [theirs.pk, 1])]
