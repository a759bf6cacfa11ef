"""A result a repository: what is stored of the window asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from pytest_django import DjangoAssertNumQueries

from apps.console.results import results_of, shortfall_of
from apps.console.terminal.result_texts import run_lines
from apps.integrations.models import PipelineRun
from apps.integrations.onboarding_pipeline import cancel, resume_run, start_run
from tests.integrations.histories import file, pull_request, repository, store, whole


@pytest.mark.django_db
def test_what_is_counted_is_the_window_of_each_repository(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Not what is older, nor what another repository has; and many repositories cost no more queries than one."""
    full, empty = repository("o/full"), repository("o/empty")
    new = pull_request(1, files=whole([file("a"), file("b")]))
    old = replace(pull_request(2), updated_at=new.updated_at - timedelta(days=40))
    store(full.pk, new, old)
    since = new.updated_at - timedelta(days=30)
    run = start_run(team=full.team, repositories=[full, empty], since=since)
    run.repo_syncs.filter(repository=full).update(prs_done=5)
    with django_assert_num_queries(6):
        results = results_of(run)
    counts = [(each.repository, each.pull_requests, each.reviews, each.commits, each.files) for each in results]
    assert counts == [("o/full", 1, 1, 1, 2), ("o/empty", 0, 0, 0, 0)]
    assert [(each.pull_requests_read, each.pull_requests_in_all) for each in results] == [(5, 2), (0, 0)]
    assert {(each.has_window, each.takes_up) for each in results} == {(True, None)}


@pytest.mark.django_db
def test_a_resumed_run_says_whose_reading_it_counts_with_its_own() -> None:
    """A backfill, which follows its recent run too, reads for itself."""
    one = repository("o/one")
    old = start_run(team=one.team, repositories=[one], since=None)
    other = start_run(team=one.team, repositories=[one], since=None)
    PipelineRun.objects.filter(pk=other.pk).update(follows=old, kind="backfill")
    cancel(old.pk, by="somebody@here")
    (resumed,) = results_of(resume_run(old.pk, by="somebody@here"))
    (backfill,) = results_of(PipelineRun.objects.get(pk=other.pk))
    assert (resumed.takes_up, backfill.takes_up, resumed.has_window) == (old.pk, None, False)


@pytest.mark.django_db
def test_what_is_hidden_is_incomplete_and_what_is_mended_is_a_note() -> None:
    """Of the repository that it is about."""
    odd, hidden = repository("o/odd"), repository("o/hidden")
    run = start_run(team=odd.team, repositories=[odd, hidden], since=None)
    rows = {row.repository_id: row for row in run.repo_syncs.all()}
    gaps = {
        odd.pk: [{"pull_request": number, "field": "additions", "reason": "number"} for number in (7, 8, 9, 10)],
        hidden.pk: [{"pull_request": None, "field": "pullRequests", "reason": "hidden", "cursor": "c2"}],
    }
    for pk, row in rows.items():
        row.state, row.disposition, row.gaps = "completed", "synced", gaps[pk]
        row.save()
    first, second = results_of(run)
    assert (first.is_complete, first.error_type) == (True, "")
    assert first.note == (
        "one or more values are mended or null: additions of #7 (no number), additions of #8 (no number), "
        "additions of #9 (no number) and 1 more"
    )
    assert (second.is_complete, second.error_type, second.note) == (False, "incomplete_lists", "")
    assert second.error_msg.startswith("GitHub hides 1 of the requested values from this token")


@pytest.mark.django_db
def test_what_is_removed_is_missing_from_the_results() -> None:
    """A command that ends with them has not done what it was asked for, and says what became of the rest."""
    both = [repository("o/one"), repository("o/two")]
    run = start_run(team=both[0].team, repositories=both, since=None)
    run.repo_syncs.update(state="completed", disposition="synced")
    assert shortfall_of(run, results_of(run)) == ""
    both[0].delete()
    results = results_of(run)
    assert [each.repository for each in results] == ["o/two"]
    assert shortfall_of(run, results) == "1 of its 2 repositories was removed since"
    both[1].delete()
    assert list(run_lines(results_of(run), run, width=None)) == [f"Run {run.pk}: its 2 repositories were removed since."]
