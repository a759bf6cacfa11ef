"""What a run's lines and root span say, and when they may be written."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from apps.integrations.models import PipelineRun
from apps.integrations.onboarding_pipeline import start_run
from apps.integrations.runs import root_spans
from apps.utils import clock
from telemetry import span, trace_id_of
from telemetry._export.span_files import SpanFile
from telemetry.testing import Capture
from tests.integrations.histories import repository
from tests.integrations.locking import locked


@pytest.mark.django_db(transaction=True)
def test_a_run_s_lines_are_in_its_own_trace(captrace: Capture, run: PipelineRun) -> None:
    """Wherever they are written."""
    root_spans.log_phase(run, "llm_processing", "syncing")
    started, changed = captrace.lines
    assert (started["event"], changed["event"]) == ("sync.pipeline.started", "sync.pipeline.phase_changed")
    assert {line["trace_id"] for line in captrace.lines} == {trace_id_of(run.traceparent)}
    assert {line["run_id"] for line in captrace.lines} == {run.pk}


@pytest.mark.django_db(transaction=True)
def test_a_run_s_root_links_to_nothing_and_its_first_child_to_what_started_it(captrace: Capture, run: PipelineRun) -> None:
    """Jaeger's page draws no critical path for a trace whose root links to another."""
    starter = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    run.links = [starter]
    root_spans.log_start(run)
    run.state, run.ended_at = PipelineRun.State.COMPLETED, clock.now()
    root_spans.finish([run], flush=lambda _seconds: True)
    link, root = captrace.spans
    assert (root.name, root.parent_id, root.links) == ("sync.pipeline", None, ())
    assert (link.name, link.parent_id, link.links) == ("sync.run.link", root.span_id, (("1" * 32, "2" * 16),))
    assert (link.attributes["sync.link.relation"], link.attributes["sync.link.trace_id"]) == ("started_by", "1" * 32)


@pytest.mark.django_db(transaction=True)
def test_what_starts_a_run_leads_to_it_from_its_own_trace(captrace: Capture, run: PipelineRun) -> None:
    """A command's span does; what is written in the run's own trace already, or without any, leads nowhere else."""
    captrace.clear()
    root_spans.log_start(run)
    with root_spans.root_of(run).active():
        root_spans.log_start(run)
    assert captrace.spans == []
    with span("manage.py sync"):
        root_spans.log_start(run)
    link, command = captrace.spans
    assert (link.parent_id, link.links[0][0]) == (command.span_id, trace_id_of(run.traceparent))
    assert (link.attributes["sync.link.relation"], link.attributes["sync.link.run_id"]) == ("leads_to", run.pk)


@pytest.mark.django_db(transaction=True)
def test_a_recent_run_and_its_backfills_lead_to_each_other(captrace: Capture, run: PipelineRun) -> None:
    """Each by a span in its own trace, which names the other run."""
    after = PipelineRun.objects.create(
        team=run.team,
        kind=PipelineRun.Kind.BACKFILL,
        follows=run,
        phase="background_syncing",
        traceparent="00-" + "3" * 32 + "-" + "4" * 16 + "-01",
        links=[run.traceparent],
        started_ns=run.started_ns,
        started_at=run.started_at,
    )
    repository = run.repo_syncs.get().repository
    after.repo_syncs.create(
        repository=repository, connection_id=repository.connection_id, is_backfill=True, due_at=clock.now()
    )
    captrace.exporter.clear()
    root_spans.log_start(after)
    follows, leads_to = captrace.spans
    names = (f"recent run {run.pk} of {repository.full_name}", f"backfill run {after.pk} of {repository.full_name}")
    assert [span.trace_id for span in (follows, leads_to)] == [trace_id_of(each.traceparent) for each in (after, run)]
    assert [span.links[0][0] for span in (follows, leads_to)] == [trace_id_of(each.traceparent) for each in (run, after)]
    assert [span.attributes["sync.link.name"] for span in (follows, leads_to)] == list(names)
    assert [span.attributes["sync.link.relation"] for span in (follows, leads_to)] == ["follows", "leads_to"]
    assert [span.attributes["run_id"] for span in (follows, leads_to)] == [after.pk, run.pk]
    assert [span.attributes["sync.link.run_id"] for span in (follows, leads_to)] == [run.pk, after.pk]


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
def test_who_stands_still_between_claim_and_root_emits_none_later(
    captrace: Capture, run: PipelineRun, tmp_path: Path, settings: Settings, time: clock.SteppedClock
) -> None:
    """Somebody else has emitted it meanwhile; another run's root is not held up."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    other = start_run(team=run.team, repositories=[repository("o/other")], since=None)
    for each in (run, other):
        each.state, each.ended_at = PipelineRun.State.COMPLETED, clock.now()
        each.save()

    def stand_still(execute: Any, sql: str, *rest: Any) -> Any:
        """Let the others find the run before the lock is taken, minutes later."""
        if "pg_try_advisory_xact_lock" in sql and not others.is_set():
            others.set()
            time.sleep(300.0)
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(in_thread, [run, other]).result(30)
        return execute(sql, *rest)

    def write(_seconds: float) -> bool:
        SpanFile(tmp_path / "traces.jsonl", 0).write(captrace.exporter.get_finished_spans())
        return True

    def in_thread(runs: list[PipelineRun]) -> None:
        try:
            assert root_spans.finish(runs, flush=write)
        finally:
            connection.close()

    others = threading.Event()
    with connection.execute_wrapper(stand_still):
        root_spans.finish([run], flush=lambda _seconds: True)
    roots = [span.trace_id for span in captrace.spans if span.name == "sync.pipeline"]
    assert sorted(roots) == sorted(trace_id_of(each.traceparent) for each in (run, other))
    assert captrace.events().count("sync.pipeline.completed") == 2


@pytest.mark.django_db(transaction=True)
def test_nobody_emits_a_root_that_somebody_is_at(
    captrace: Capture, run: PipelineRun, tmp_path: Path, settings: Settings
) -> None:
    """However long that one stands still; once its process is gone, the next does."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    run.state, run.ended_at, run.logged_at = PipelineRun.State.COMPLETED, clock.now(), clock.now()
    run.save()
    captrace.exporter.clear()
    with psycopg.connect(**connection.get_connection_params()) as frozen:
        frozen.execute("SELECT pg_advisory_xact_lock(7305120, %s)", [run.pk])
        assert root_spans.finish([run], flush=lambda _seconds: True)
        run.refresh_from_db()
        assert (captrace.spans, run.exported_at) == ([], None)
    assert root_spans.finish([run], flush=lambda _seconds: True)
    assert [span.name for span in captrace.spans] == ["sync.pipeline"]
    run.refresh_from_db()
    assert run.exported_at is not None


@pytest.mark.django_db(transaction=True)
def test_nothing_is_exported_inside_a_transaction(run: PipelineRun) -> None:
    """Its locks would last as long as the network."""
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        root_spans.finish([run])


@pytest.mark.django_db(transaction=True)
def test_who_finds_another_process_at_a_run_s_first_line_leaves_it_to_that_one(captrace: Capture, run: PipelineRun) -> None:
    """Without waiting: a sweep has more to do."""
    PipelineRun.objects.update(announced_at=None)
    captrace.clear()
    with locked(PipelineRun.objects.all()):
        root_spans.log_start_once(run)
    assert captrace.events() == []
    root_spans.log_start_once(run)
    assert captrace.events() == ["sync.pipeline.started"]
