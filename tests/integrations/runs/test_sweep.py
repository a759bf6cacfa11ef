"""Whatever stands still is found, by one sweep, and not before its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import Settings

from apps.integrations.models import PipelineRun, RepoSync, VanishedSpans
from apps.integrations.runs import sweep
from apps.utils import clock
from telemetry import ledger, trace_id_of
from telemetry._export.journal import Journal
from telemetry._export.span_files import SpanFile
from telemetry.ledger import Count
from telemetry.testing import Capture
from tests.integrations.histories import copied

STALE = float(settings.SYNC_STALE_SECONDS)
pytestmark = pytest.mark.django_db


def test_a_step_is_found_by_one_sweep_when_its_time_is_over(run: PipelineRun, time: clock.SteppedClock) -> None:
    """And again when that much time has passed without a sign of it."""
    PipelineRun.objects.update(phase="llm_processing", step_sent_at=clock.now())
    time.sleep(settings.SYNC_STEP_SECONDS)
    assert sweep.claim_steps() == []
    time.sleep(1)
    assert (sweep.claim_steps(), sweep.claim_steps()) == ([run], [])
    time.sleep(settings.SYNC_STEP_SECONDS + 1)
    assert sweep.claim_steps() == [run]


def test_a_step_that_nobody_has_sent_is_found_after_two_seconds(
    make_runs: Callable[[int], list[PipelineRun]], time: clock.SteppedClock
) -> None:
    """Whoever moved its run into the phase died; that it was found is no sign that it was sent. Ended runs have no steps."""
    run, ended, beside = make_runs(3)
    PipelineRun.objects.update(phase="llm_processing", phase_at=clock.now())
    PipelineRun.objects.filter(pk=ended.pk).update(state="failed")
    PipelineRun.objects.filter(pk=beside.pk).update(step_sent_at=clock.now())
    time.sleep(2)
    assert sweep.claim_steps() == []
    time.sleep(0.001)
    assert [sweep.claim_steps(), sweep.claim_steps()] == [[run], [run]]
    assert PipelineRun.objects.get(pk=run.pk).step_sent_at is None
    time.sleep(settings.SYNC_STEP_SECONDS)
    assert set(sweep.claim_steps()) == {run, beside}
    assert PipelineRun.objects.get(pk=beside.pk).step_sent_at == clock.now()


def test_a_start_that_nobody_has_said_is_said_after_two_seconds(
    make_runs: Callable[[int], list[PipelineRun]], time: clock.SteppedClock, captrace: Capture
) -> None:
    """Of each run that lacks its line, the oldest first, and of no other."""
    first, second, said = make_runs(3)
    PipelineRun.objects.exclude(pk=said.pk).update(announced_at=None)
    PipelineRun.objects.filter(pk=first.pk).update(started_at=clock.now() + timedelta(seconds=1))
    captrace.clear()
    time.sleep(2)
    sweep.announce_started()
    assert captrace.events() == []
    time.sleep(1.001)
    sweep.announce_started()
    assert [line["run_id"] for line in captrace.lines if line["event"] == "sync.pipeline.started"] == [second.pk, first.pk]


def test_a_start_that_nobody_has_said_is_said_behind_any_number_of_others(
    run: PipelineRun, time: clock.SteppedClock, captrace: Capture
) -> None:
    """Runs whose first lines are written take no place among the hundred that one sweep looks after."""
    copied(run, 100)
    PipelineRun.objects.filter(pk=run.pk).update(announced_at=None, started_at=clock.now() + timedelta(seconds=1))
    captrace.clear()
    time.sleep(3.001)
    sweep.announce_started()
    assert [line["run_id"] for line in captrace.lines if line["event"] == "sync.pipeline.started"] == [run.pk]


def test_a_step_that_is_sent_again_leaves_the_spans_of_its_process_to_the_sweep(
    make_runs: Callable[[int], list[PipelineRun]], time: clock.SteppedClock
) -> None:
    """Each run's its own, in the same moment in which they leave its row; nothing is known of when the process died."""
    runs = make_runs(3)
    wills = [{"process": {}, "spans": [{"id": f"{run.pk:016x}"}]} for run in runs]
    for run, will in zip(runs, wills, strict=True):
        PipelineRun.objects.filter(pk=run.pk).update(phase="llm_processing", step_sent_at=clock.now(), step_will=will)
    PipelineRun.objects.filter(pk=runs[2].pk).update(step_sent_at=clock.now() + timedelta(seconds=2))
    time.sleep(settings.SYNC_STEP_SECONDS + 1)
    assert set(sweep.claim_steps()) == set(runs[:2])
    assert list(PipelineRun.objects.order_by("pk").values_list("step_will", flat=True)) == [None, None, wills[2]]
    found = VanishedSpans.objects.order_by("run").values_list("run", "will", "last_seen_at", "found_at", "export_due_at")
    assert list(found) == [
        (run.pk, will, None, clock.now(), clock.now()) for run, will in zip(runs[:2], wills, strict=False)
    ]


def test_a_phase_of_a_later_version_is_left_to_its_workers(run: PipelineRun, time: clock.SteppedClock) -> None:
    """While a new version is rolled out, workers of both sweep."""
    PipelineRun.objects.update(phase="training_models", step_sent_at=clock.now())
    time.sleep(settings.SYNC_STEP_SECONDS + 1)
    assert sweep.claim_steps() == []
    assert sweep.runs_to_advance() == []


@pytest.mark.parametrize(
    ("states", "is_due"),
    [
        (("completed", "failed"), True),
        (("completed", "queued"), False),
        (("running", "failed"), False),
        (("retrying", "waiting"), False),
    ],
)
def test_a_run_advances_when_each_of_its_repositories_has_ended(
    states: tuple[str, str], is_due: bool, row: RepoSync
) -> None:
    """The process that ended the last one may have died before it said so."""
    RepoSync.objects.update(state=states[0])
    row.pk, row.repository, row.state = None, _another(row), states[1]
    row.save()
    assert sweep.runs_to_advance() == ([row.run_id] if is_due else [])


@pytest.mark.parametrize(("state", "phase"), [("failed", "syncing"), ("running", "llm_processing")])
def test_a_run_that_has_ended_or_moved_on_does_not_advance(state: str, phase: str, row: RepoSync) -> None:
    """Though each of its repositories has ended."""
    RepoSync.objects.update(state="completed")
    assert sweep.runs_to_advance() == [row.run_id]
    PipelineRun.objects.update(state=state, phase=phase)
    assert sweep.runs_to_advance() == []


def _another(row: RepoSync) -> Any:
    tracked = row.repository
    tracked.pk, tracked.full_name = None, "o/another"
    tracked.save()
    return tracked


class _Exporter:
    """Takes spans while it is up, and looks whether it is asked to inside a transaction."""

    def __init__(self, is_up: bool = True) -> None:
        self.is_up = is_up
        self.calls = 0
        self.in_transaction = False

    def __call__(self, _seconds: float) -> bool:
        self.calls += 1
        self.in_transaction |= connection.in_atomic_block
        return self.is_up


@pytest.fixture
def ended(
    transactional_db: None, captrace: Capture, time: clock.SteppedClock, make_runs: Callable[[int], list[PipelineRun]]
) -> list[PipelineRun]:
    """Three runs whose process died behind the commit that ended them, long enough ago for the sweep."""
    runs = make_runs(3)
    PipelineRun.objects.update(state="completed", phase="phase1_complete", ended_at=clock.now(), export_due_at=clock.now())
    time.sleep(1)
    return runs


@pytest.mark.django_db(transaction=True)
def test_an_end_that_nobody_logged_or_exported_is_both_once(ended: list[PipelineRun], captrace: Capture) -> None:
    """Each run has its line and its root under the ids that were reserved, with the end it really had."""
    for _ in range(2):
        sweep.finish_roots(flush=_Exporter())
    lines = [line["run_id"] for line in captrace.lines if line["event"] == "sync.pipeline.completed"]
    assert sorted(lines) == [run.pk for run in ended]
    roots = [span for span in captrace.spans if span.name == "sync.pipeline"]
    assert {root.trace_id for root in roots} == {trace_id_of(run.traceparent) for run in ended}
    assert len(roots) == 3
    for run in PipelineRun.objects.all():
        assert run.ended_at is not None
        assert run.exported_at is not None
        (root,) = [root for root in roots if root.trace_id == trace_id_of(run.traceparent)]
        assert abs(root.end_ns / 1e9 - run.ended_at.timestamp()) < 0.001


@pytest.mark.django_db(transaction=True)
def test_no_lock_is_held_while_spans_are_exported(ended: list[PipelineRun]) -> None:
    """A collector may take seconds; another sweep, and whoever ends a run, must not wait for it."""
    exporter = _Exporter()
    sweep.finish_roots(flush=exporter)
    assert exporter.calls == 1
    assert not exporter.in_transaction


@pytest.mark.django_db(transaction=True)
def test_a_root_is_emitted_once_however_long_nobody_takes_it(
    ended: list[PipelineRun], time: clock.SteppedClock, captrace: Capture, traces: Path
) -> None:
    """The process that emitted it holds it, and writes it when it can; no sweep emits another."""
    exporter = _Exporter(is_up=False)
    for _ in range(16):
        sweep.finish_roots(flush=exporter)
        time.sleep(STALE + 1)
    assert [span.name for span in captrace.spans] == ["sync.pipeline"] * 3
    assert not PipelineRun.objects.exclude(exported_at=None).exists()
    exporter.is_up = True
    SpanFile(traces, 0).write(captrace.exporter.get_finished_spans())
    sweep.finish_roots(flush=exporter)
    assert PipelineRun.objects.exclude(exported_at=None).count() == 3
    assert len(captrace.spans) == 3
    assert captrace.events().count("sync.pipeline.completed") == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_written", [True, False])
def test_a_root_whose_emitter_was_killed_is_in_the_file_once(
    ended: list[PipelineRun], time: clock.SteppedClock, captrace: Capture, traces: Path, is_written: bool
) -> None:
    """Between claiming the run and noting that its root is out: what the file has is not written again, the rest is."""

    def die(_seconds: float) -> bool:
        raise Killed

    with pytest.raises(Killed):
        sweep.finish_roots(flush=die)
    if is_written:
        SpanFile(traces, 0).write(captrace.exporter.get_finished_spans())
    captrace.exporter.clear()
    for _ in range(2):
        time.sleep(STALE + 1)
        sweep.finish_roots(flush=_Exporter())
    again = {span.trace_id for span in captrace.spans}
    assert again == (set() if is_written else {trace_id_of(run.traceparent) for run in ended})
    assert len(captrace.spans) == len(again)
    assert PipelineRun.objects.exclude(exported_at=None).count() == 3
    assert captrace.events().count("sync.pipeline.completed") == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("traces")
def test_a_root_that_is_emitted_anew_is_claimed_anew_and_no_other_is(
    ended: list[PipelineRun], time: clock.SteppedClock, captrace: Capture
) -> None:
    """One that nobody has emitted yet is still for whoever comes first."""
    PipelineRun.objects.filter(pk=ended[0].pk).update(logged_at=clock.now())
    PipelineRun.objects.exclude(pk=ended[0].pk).update(export_due_at=None)
    time.sleep(STALE + 1)
    sweep.finish_roots(flush=_Exporter())
    assert list(PipelineRun.objects.order_by("pk").values_list("logged_at", flat=True)) == [clock.now(), None, None]
    assert [span.trace_id for span in captrace.spans] == [trace_id_of(ended[0].traceparent)]


@pytest.mark.django_db(transaction=True)
def test_where_no_file_tells_a_claimed_root_counts_as_out(
    ended: list[PipelineRun], captrace: Capture, settings: Settings
) -> None:
    """Nobody could tell whether a second one would be one too many."""
    settings.SYNCTRACE_TRACES_FILE = None
    PipelineRun.objects.update(logged_at=clock.now())
    sweep.finish_roots(flush=_Exporter())
    assert captrace.spans == []
    assert PipelineRun.objects.filter(exported_at=clock.now(), export_due_at=None).count() == 3


def test_where_nothing_has_ended_nobody_waits_for_exporters() -> None:
    """A sweep comes every few seconds."""
    exporter = _Exporter()
    sweep.finish_roots(flush=exporter)
    assert exporter.calls == 0


@pytest.mark.django_db(transaction=True)
def test_a_root_that_a_journal_keeps_is_not_emitted_again(
    ended: list[PipelineRun], time: clock.SteppedClock, captrace: Capture, traces: Path
) -> None:
    """Its process lives and has not exported it yet, or is dead, and whoever finds that out exports it."""
    journal = Journal(traces.with_name("journal"), most_waiting=8)
    journal.expect("file")
    sweep.finish_roots(flush=_Exporter(is_up=False))
    roots = captrace.exporter.get_finished_spans()
    for root in roots:
        journal.on_end(root)
    for _ in range(2):
        time.sleep(STALE + 1)
        sweep.finish_roots(flush=_Exporter())
        assert not PipelineRun.objects.exclude(exported_at=None).exists()
    SpanFile(traces, 0).write(roots)
    with journal.left("file", roots):
        pass
    time.sleep(STALE + 1)
    sweep.finish_roots(flush=_Exporter())
    assert PipelineRun.objects.exclude(exported_at=None).count() == 3
    assert len(captrace.spans) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("traces")
@pytest.mark.parametrize(
    ("count", "is_kept"),
    [
        (Count(queued=3, trouble="disk_full"), True),
        (Count(queued=3), False),
        (Count(trouble="disk_full"), False),
    ],
    ids=["cannot write", "writes", "has none"],
)
def test_a_root_that_waits_in_a_process_which_cannot_write_is_not_emitted_again(
    count: Count,
    is_kept: bool,
    ended: list[PipelineRun],
    time: clock.SteppedClock,
    captrace: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It will when it can; spans that wait in one that can are others."""
    monkeypatch.setattr(ledger, "of_home", lambda _home: {"file": count, "otlp": Count()})
    PipelineRun.objects.update(logged_at=clock.now())
    time.sleep(STALE + 1)
    sweep.finish_roots(flush=_Exporter())
    assert len(captrace.spans) == (0 if is_kept else len(ended))
    assert PipelineRun.objects.exclude(exported_at=None).count() == len(captrace.spans)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_written", [True, False])
def test_the_last_line_of_a_run_whose_emitter_was_killed_is_written_once(
    ended: list[PipelineRun], time: clock.SteppedClock, captrace: Capture, traces: Path, settings: Settings, is_written: bool
) -> None:
    """Between claiming the run and the line, or right behind it: what the file has is not said again, the rest is."""
    settings.SYNCTRACE_LOG_FILE = traces.with_name("logs.jsonl")
    PipelineRun.objects.update(logged_at=clock.now())
    if is_written:
        lines = [{"event": "sync.pipeline.completed", "trace_id": trace_id_of(run.traceparent)} for run in ended]
        settings.SYNCTRACE_LOG_FILE.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    for _ in range(2):
        time.sleep(STALE + 1)
        sweep.finish_roots(flush=_Exporter())
    said = [line["run_id"] for line in captrace.lines if line["event"] == "sync.pipeline.completed"]
    assert sorted(said) == ([] if is_written else [run.pk for run in ended])
    assert [span.name for span in captrace.spans] == ["sync.pipeline"] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_written", [True, False])
def test_the_first_line_of_a_run_whose_starter_was_killed_is_written_once(
    run: PipelineRun, time: clock.SteppedClock, captrace: Capture, traces: Path, settings: Settings, is_written: bool
) -> None:
    """Before the line, or between it and noting that."""
    settings.SYNCTRACE_LOG_FILE = traces.with_name("logs.jsonl")
    PipelineRun.objects.update(announced_at=None)
    if is_written:
        line = {"event": "sync.pipeline.started", "trace_id": trace_id_of(run.traceparent)}
        settings.SYNCTRACE_LOG_FILE.write_bytes(orjson.dumps(line) + b"\n")
    captrace.clear()
    for _ in range(2):
        time.sleep(STALE + 1)
        sweep.announce_started()
    assert captrace.events().count("sync.pipeline.started") == (0 if is_written else 1)
    assert not PipelineRun.objects.filter(announced_at=None).exists()


@pytest.fixture
def traces(tmp_path: Path, settings: Settings) -> Path:
    """The file of spans of a home that has no processes yet."""
    settings.SYNCTRACE_HOME = tmp_path
    settings.SYNCTRACE_TRACES_FILE, settings.SYNCTRACE_LOG_FILE = tmp_path / "traces.jsonl", None
    settings.SYNCTRACE_JOURNAL = tmp_path / "journal"
    return tmp_path / "traces.jsonl"


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_export_a_root_once(ended: list[PipelineRun], captrace: Capture) -> None:
    """The second begins while the first is exporting."""

    def second(_seconds: float) -> bool:
        sweep.finish_roots(flush=_Exporter())
        return True

    sweep.finish_roots(flush=second)
    roots = [span.trace_id for span in captrace.spans if span.name == "sync.pipeline"]
    assert len(roots) == len(set(roots)) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("traces")
def test_what_a_sweep_has_claimed_is_its_own_for_a_while(ended: list[PipelineRun], time: clock.SteppedClock) -> None:
    """From the moment it is due, for SYNC_STALE_SECONDS; what is due later, and what nothing is left to do for, stays."""
    due, later, done = ended
    PipelineRun.objects.filter(pk=due.pk).update(export_due_at=clock.now())
    PipelineRun.objects.filter(pk=later.pk).update(export_due_at=clock.now() + timedelta(seconds=1))
    PipelineRun.objects.filter(pk=done.pk).update(export_due_at=None)
    sweep.finish_roots(flush=lambda _seconds: False)
    kept = [PipelineRun.objects.get(pk=run.pk) for run in ended]
    claimed_until, later_at = clock.now() + timedelta(seconds=STALE), clock.now() + timedelta(seconds=1)
    assert [run.export_due_at for run in kept] == [claimed_until, later_at, None]
    assert [run.logged_at for run in kept] == [clock.now(), None, None]
    assert [run.exported_at for run in kept] == [None, None, None]


class Killed(BaseException):
    """The process is no more."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("traces")
def test_a_sweep_that_is_killed_leaves_its_claim_to_a_later_one(
    ended: list[PipelineRun], time: clock.SteppedClock, captrace: Capture
) -> None:
    """After SYNC_STALE_SECONDS, and without a second line."""

    def die(_seconds: float) -> bool:
        raise Killed

    with pytest.raises(Killed):
        sweep.finish_roots(flush=die)
    time.sleep(STALE + 1)
    sweep.finish_roots(flush=_Exporter())
    assert PipelineRun.objects.exclude(exported_at=None).count() == 3
    assert captrace.events().count("sync.pipeline.completed") == 3
