"""What a run's lines and root span say, and when they may be written."""

from __future__ import annotations

import pytest
from django.db import transaction

from apps.integrations.models import PipelineRun
from apps.integrations.onboarding_pipeline import start_run
from apps.integrations.runs import root_spans
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.testing import Capture
from tests.integrations.histories import repository


@pytest.mark.django_db(transaction=True)
def test_a_run_s_lines_are_in_its_own_trace(captrace: Capture, run: PipelineRun) -> None:
    """Wherever they are written."""
    root_spans.log_phase(run, "llm_processing", "syncing")
    started, changed = captrace.lines
    assert (started["event"], changed["event"]) == ("sync.pipeline.started", "sync.pipeline.phase_changed")
    assert {line["trace_id"] for line in captrace.lines} == {trace_id_of(run.traceparent)}
    assert {line["run_id"] for line in captrace.lines} == {run.pk}


@pytest.mark.django_db(transaction=True)
def test_a_failed_run_s_root_has_the_error_of_its_row(captrace: Capture, run: PipelineRun) -> None:
    """Whoever emits it, the error that ended the run was another's."""
    run.state, run.ended_at = PipelineRun.State.FAILED, clock.now()
    run.error_type, run.error_msg = "step_never_finished", "llm_processing was started 3 times and never finished"
    assert root_spans.finish([run], flush=lambda _seconds: True)
    (root,) = captrace.spans
    assert (root.outcome, root.attributes["error_type"]) == ("failed", "step_never_finished")
    assert captrace.lines[-1]["error_msg"] == run.error_msg


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("state", "failed", "gaps", "root"),
    [
        ("completed", 0, [], ("OK", "", "completed", True)),
        ("completed", 0, [{"pull_request": 1, "list": "files", "stored": 1, "total": 2}], ("OK", "", "completed", False)),
        ("partial", 1, [], ("ERROR", "1 of 2 repositories failed", "completed", False)),
        ("failed", 2, [], ("ERROR", "no", "failed", False)),
        ("cancelled", 1, [], ("UNSET", "", "cancelled", False)),
    ],
)
def test_a_root_says_whether_its_run_is_complete(
    captrace: Capture,
    run: PipelineRun,
    state: PipelineRun.State,
    failed: int,
    gaps: list[object],
    root: tuple[object, ...],
) -> None:
    """Of each state, by keys that roots alone have; another run's gaps change nothing."""
    other = start_run(team=run.team, repositories=[repository("o/other")], since=None)
    other.repo_syncs.update(gaps=[{"pull_request": 2}])
    run.repo_syncs.update(gaps=gaps)
    run.state, run.ended_at, run.repos_failed, run.repos_synced = state, clock.now(), failed, 2 - failed
    run.error_msg = "no" if state == "failed" else ""
    root_spans.finish([run], flush=lambda _seconds: True)
    (span,) = captrace.spans
    said = (span.status, span.status_message, span.outcome, span.attributes["sync.run.complete"])
    assert (said, span.attributes["repos_failed"]) == (root, failed)
    ended = {"completed": ["sync.pipeline.completed"], "failed": ["sync.pipeline.failed"], "cancelled": []}
    assert captrace.events()[2:] == ended[str(span.outcome)]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_exported_inside_a_transaction(run: PipelineRun) -> None:
    """Its locks would last as long as the network."""
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        root_spans.finish([run])
