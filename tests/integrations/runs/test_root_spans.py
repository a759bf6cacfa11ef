"""What a run's lines and root span say, and when they may be written."""

from __future__ import annotations

import pytest
from django.db import transaction

from apps.integrations.models import PipelineRun
from apps.integrations.runs import root_spans
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.testing import Capture


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
def test_nothing_is_exported_inside_a_transaction(run: PipelineRun) -> None:
    """Its locks would last as long as the network."""
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        root_spans.finish([run])
