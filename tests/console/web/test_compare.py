"""A run beside an earlier one: which, and what the page says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.integrations.models import PipelineRun
from apps.utils import clock
from tests.console.spans_file import write_spans
from tests.console.web.conftest import text_of
from tests.console.web.people import People, make_run
from tests.explain.told import BEGAN, BEGAN_NS, ROOT_ID, attempt, call, root

pytestmark = pytest.mark.django_db


def _ended(people: People, *rows: dict[str, Any], days: float = 30, **fields: Any) -> PipelineRun:
    now = clock.now()
    known = {"state": "completed", "phase": "phase1_complete", "ended_at": now, **fields}
    run = make_run(people.team, *({**row} for row in rows), **known)
    PipelineRun.objects.filter(pk=run.pk).update(since=run.started_at - timedelta(days=days))
    run.refresh_from_db()
    return run


def test_it_is_the_last_complete_run_of_the_same_repositories_and_window(people: People, owner: Client) -> None:
    """Not one of others, of another kind, or that failed; one of another window only where there is none of the same."""
    _ended(people, {"state": "completed"})
    usual = _ended(people, {"state": "completed"})
    _ended(people, {"state": "completed"}, {"state": "completed"})
    _ended(people, {"state": "completed"}, kind="backfill")
    _ended(people, {"state": "failed"}, state="failed")
    wider = _ended(people, {"state": "completed"}, days=300)
    run = _ended(people, {"state": "completed"})
    page = text_of(owner, f"/runs/{run.pk}/compare/")
    assert f"Run {usual.pk} is the last complete one of the same repositories and a window of the same length." in page
    PipelineRun.objects.filter(pk__lt=wider.pk).delete()
    page = text_of(owner, f"/runs/{run.pk}/compare/")
    assert f"Run {wider.pk} is the last complete one of the same repositories; its window is another" in page


def test_where_there_is_nothing_to_compare_with_that_is_said(people: People, owner: Client) -> None:
    """Runs that did not complete can be chosen."""
    failed = _ended(people, {"state": "failed"}, state="failed")
    run = _ended(people, {"state": "completed"})
    page = text_of(owner, f"/runs/{run.pk}/compare/")
    assert "There is nothing to compare with yet: no earlier run of the same repositories is complete." in page
    assert f"run {failed.pk}, failed" in page
    page = text_of(owner, f"/runs/{run.pk}/compare/?with={failed.pk}")
    assert f"Run {failed.pk} was chosen." in page
    assert "No span of either run can be read here" in page


def test_a_run_of_another_team_is_not_compared_with(people: People, owner: Client) -> None:
    """Nor one with itself, or what is no number; also not by those who see both teams."""
    run, theirs = _ended(people, {"state": "completed"}), make_run(people.other_team)
    for number in (str(theirs.pk), str(run.pk), "nonsense", "9" * 30):
        assert owner.get(f"/runs/{run.pk}/compare/?with={number}").status_code == 404
    owner.force_login(people.staff)
    assert owner.get(f"/runs/{run.pk}/compare/?with={theirs.pk}").status_code == 404


def test_what_both_runs_spans_tell_is_side_by_side(
    people: People, owner: Client, settings: Settings, tmp_path: Path
) -> None:
    """Where time went, and operation by operation."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    text = ""
    runs = []
    for number, seconds in ((1, 4.0), (2, 7.0)):
        trace = f"{number:032x}"
        run = _ended(people, {"state": "completed"}, traceparent=f"00-{trace}-{ROOT_ID}-01")
        tracked = run.repo_syncs.get().repository_id
        spans = [root(9.0), *attempt(0.0, 9.0, call(0.0, seconds), repo=tracked)]
        write_spans(tmp_path / "traces.jsonl", spans, trace_id=trace)
        text += (tmp_path / "traces.jsonl").read_text()
        PipelineRun.objects.filter(pk=run.pk).update(
            started_ns=BEGAN_NS, started_at=BEGAN, ended_at=BEGAN + timedelta(seconds=9), since=BEGAN - timedelta(days=1)
        )
        runs.append(run)
    (tmp_path / "traces.jsonl").write_text(text)
    page = text_of(owner, f"/runs/{runs[1].pk}/compare/")
    assert "It took 9.00 s, and run" in page
    assert "9.00 s: the same." in page
    assert "GitHub answering 7.00 s 4.00 s +3.00 s (+75 %)" in page
    assert "our own work 2.00 s 5.00 s \N{MINUS SIGN}3.00 s (\N{MINUS SIGN}60 %)" in page
    assert "sync.api.graphql 1 core/core-0, attempt 1 7.00 s 4.00 s" in page
