"""The spans of what was found dead are exported once, by a sweep or by their own process, and not before their time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from apps.integrations.models import PipelineRun, RepoSync, VanishedSpans
from apps.integrations.onboarding_pipeline import start_run
from apps.integrations.runs import vanished
from apps.utils import clock
from telemetry.wills import Executed, Will
from tests.integrations.histories import copied, repository
from tests.integrations.locking import locked

STALE, STEP = float(settings.SYNC_STALE_SECONDS), float(settings.SYNC_STEP_SECONDS)
BIT = 0.001
pytestmark = pytest.mark.django_db


def _will(span_id: str, *, home: str = "theirs") -> dict[str, Any]:
    return {"process": {"home": home}, "spans": [{"id": span_id * 16}]}


@pytest.fixture
def others(run: PipelineRun) -> PipelineRun:
    """Another team's run."""
    tracked = repository("o/others", team="others")
    return start_run(team=tracked.team, repositories=[tracked], since=None, task_id="t-others")


@pytest.fixture(autouse=True)
def journals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journals of the home `ours` are here."""
    monkeypatch.setattr(Will, "is_journalled", property(lambda will: will.process["home"] == "ours"))


@pytest.fixture
def exporters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was asked of two exporters, of which the second takes nothing of the span `b` at first."""
    asked: list[tuple[Any, ...]] = []

    def execute(
        will: Will, *, last_seen: datetime | None, exported_to: list[str], note: Callable[[tuple[str, ...]], None]
    ) -> Executed:
        asked.append((will.span_ids[0][0], last_seen, exported_to))
        note(("file",))
        vanished.export()  # another sweep's, meanwhile
        is_done = will.span_ids[0] != "b" * 16 or exported_to == ["file"]
        return Executed(("file", "otlp") if is_done else ("file",), is_done)

    monkeypatch.setattr(Will, "execute", execute)
    return asked


def _found() -> list[tuple[Any, ...]]:
    columns = ("run", "will", "last_seen_at", "found_at", "export_due_at", "exported_to")
    return list(VanishedSpans.objects.order_by("pk").values_list(*columns))


def test_what_is_found_dead_is_kept_for_the_sweep_unless_a_journal_here_has_it(
    run: PipelineRun, others: PipelineRun
) -> None:
    """Whoever reads that knows more; where nothing was known of any span there is nothing to keep."""
    seen = clock.now() - timedelta(seconds=7)
    vanished.bequeath(None, run_id=run.pk, last_seen_at=seen)
    vanished.bequeath(_will("a", home="ours"), run_id=run.pk, last_seen_at=seen)
    vanished.bequeath(_will("b"), run_id=others.pk, last_seen_at=seen)
    assert _found() == [(others.pk, _will("b"), seen, clock.now(), clock.now(), [])]


def test_an_attempt_that_was_called_off_is_silent_for_a_while_before_others_end_its_spans(
    run: PipelineRun, others: PipelineRun, time: clock.SteppedClock
) -> None:
    """For SYNC_STALE_SECONDS since its last sign of life; one that works is found dead by its row."""
    row, theirs = run.repo_syncs.get(), others.repo_syncs.get()
    began = clock.now()
    RepoSync.objects.filter(pk=row.pk).update(state="cancelled", alive_at=began, attempt_will=_will("a"))
    RepoSync.objects.filter(pk=theirs.pk).update(state="running", alive_at=began, attempt_will=_will("b"))
    time.sleep(STALE)
    vanished.bequeath_silent()
    assert _found() == []
    time.sleep(BIT)
    for _ in range(2):
        vanished.bequeath_silent()
    assert _found() == [(run.pk, _will("a"), began, clock.now(), clock.now(), [])]
    assert [RepoSync.objects.get(pk=each.pk).attempt_will for each in (row, theirs)] == [None, _will("b")]


def test_a_step_of_a_run_that_has_ended_is_silent_for_a_while_before_others_end_its_spans(
    run: PipelineRun, others: PipelineRun, time: clock.SteppedClock
) -> None:
    """For SYNC_STEP_SECONDS since its run's end, as long as a step may take."""
    PipelineRun.objects.filter(pk=run.pk).update(state="cancelled", ended_at=clock.now(), step_will=_will("a"))
    PipelineRun.objects.filter(pk=others.pk).update(step_will=_will("b"))
    time.sleep(STEP)
    vanished.bequeath_silent()
    assert _found() == []
    time.sleep(BIT)
    for _ in range(2):
        vanished.bequeath_silent()
    assert _found() == [(run.pk, _will("a"), None, clock.now(), clock.now(), [])]
    assert [PipelineRun.objects.get(pk=each.pk).step_will for each in (run, others)] == [None, _will("b")]


def test_runs_that_left_no_spans_keep_none_from_being_found(run: PipelineRun, time: clock.SteppedClock) -> None:
    """However many there are: one sweep looks after a hundred."""
    PipelineRun.objects.filter(pk=run.pk).update(state="cancelled", ended_at=clock.now())
    *_, last = copied(run, 101)
    PipelineRun.objects.filter(pk=last.pk).update(step_will=_will("a"))
    time.sleep(STEP + BIT)
    vanished.bequeath_silent()
    assert [each[:2] for each in _found()] == [(last.pk, _will("a"))]


def test_what_vanished_is_exported_by_one_sweep_and_again_to_whoever_did_not_take_it(
    run: PipelineRun, others: PipelineRun, time: clock.SteppedClock, exporters: list[tuple[Any, ...]]
) -> None:
    """Each by itself: who has one says nothing of the other."""
    seen = clock.now()
    vanished.bequeath(_will("a"), run_id=run.pk, last_seen_at=seen)
    time.sleep(1)
    vanished.bequeath(_will("b"), run_id=others.pk, last_seen_at=None)
    vanished.export()
    assert exporters == [("a", seen, []), ("b", None, [])]
    assert [each[4:] for each in _found()] == [(None, ["file", "otlp"]), (clock.now(), ["file"])]
    vanished.export()
    assert exporters[2:] == [("b", None, ["file"])]
    assert [each[4:] for each in _found()] == [(None, ["file", "otlp"])] * 2
    vanished.export()
    assert len(exporters) == 3


def test_a_sweep_exports_a_hundred_the_longest_due_first(run: PipelineRun, exporters: list[tuple[Any, ...]]) -> None:
    """And the next one the rest; what is not due yet is for a later one."""
    now = clock.now()
    due_at = [now + timedelta(seconds=1), *(now - timedelta(seconds=each) for each in range(101))]
    VanishedSpans.objects.bulk_create(
        VanishedSpans(run=run, will=_will("a"), found_at=due, export_due_at=due) for due in due_at
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Will, "execute", lambda _will, **_: Executed(("file",), is_done=True))
        vanished.export()
        left = VanishedSpans.objects.exclude(export_due_at=None).order_by("export_due_at")
        assert list(left.values_list("export_due_at", flat=True)) == [now, now + timedelta(seconds=1)]
        vanished.export()
    assert list(left.values_list("export_due_at", flat=True)) == [now + timedelta(seconds=1)]


def test_a_sweep_that_is_killed_leaves_what_it_has_claimed_to_a_later_one(
    run: PipelineRun, time: clock.SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SYNC_STALE_SECONDS, with what it has noted."""

    def execute(_will: Will, *, note: Callable[[tuple[str, ...]], None], **_: Any) -> Executed:
        note(("file",))
        raise KeyboardInterrupt

    monkeypatch.setattr(Will, "execute", execute)
    vanished.bequeath(_will("a"), run_id=run.pk, last_seen_at=None)
    with pytest.raises(KeyboardInterrupt):
        vanished.export()
    assert [each[4:] for each in _found()] == [(clock.now() + timedelta(seconds=STALE), ["file"])]


@pytest.mark.django_db(transaction=True)
def test_a_sweep_does_not_wait_for_another(run: PipelineRun, exporters: list[tuple[Any, ...]]) -> None:
    """What is being claimed is that one's."""
    for span_id in "ac":
        vanished.bequeath(_will(span_id), run_id=run.pk, last_seen_at=None)
    with locked(VanishedSpans.objects.order_by("pk")[:1]):
        vanished.export()
    assert [asked[0] for asked in exporters] == ["c"]


def test_a_process_that_was_only_away_learns_which_of_its_spans_a_sweep_has_ended(
    run: PipelineRun, others: PipelineRun
) -> None:
    """The others are its own from there on: their wills leave their rows, and no other's do."""
    vanished.bequeath(_will("a"), run_id=run.pk, last_seen_at=None)
    vanished.bequeath(_will("b"), run_id=others.pk, last_seen_at=None)
    RepoSync.objects.filter(run=run).update(attempt_will=_will("c"))
    RepoSync.objects.filter(run=others).update(attempt_will=_will("d"))
    PipelineRun.objects.filter(pk=run.pk).update(step_will=_will("e"))
    PipelineRun.objects.filter(pk=others.pk).update(step_will=_will("f"))
    assert vanished.ended_elsewhere([each * 16 for each in "ace0"]) == {"a" * 16}
    assert list(RepoSync.objects.order_by("run").values_list("attempt_will", flat=True)) == [None, _will("d")]
    assert list(PipelineRun.objects.order_by("pk").values_list("step_will", flat=True)) == [None, _will("f")]
    assert vanished.ended_elsewhere([]) == set()
