"""A team's weekly metrics are those counted by hand, also when two of its runs end together."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from apps.analysis import metrics
from apps.analysis.assistance import analyze
from apps.analysis.models import WeeklyMetrics
from apps.integrations.github.nodes import Actor
from tests.acceptance.worker import wait_until
from tests.integrations.histories import DAY, pull_request, repository, store, whole
from tests.locks import count_waiting


@pytest.mark.django_db
def test_weekly_metrics_are_those_counted_by_hand() -> None:
    """Two pull requests of one week: medians, share; and a second computation changes nothing."""
    tracked = repository()
    store(
        tracked.pk,
        pull_request(1, additions=10, deletions=0),
        pull_request(2, additions=30, deletions=0, author=Actor(login="copilot", kind="Bot"), reviews=whole([])),
    )
    analyze(team_id=tracked.team_id, repository_ids=[tracked.pk])
    assert metrics.compute(team_id=tracked.team_id) == 1
    week = WeeklyMetrics.objects.get()
    assert (str(week.week), week.merged) == ("2026-01-05", 2)
    assert (week.cycle_time_hours, week.review_time_hours, week.size, week.ai_assisted_share) == (6.0, 1.0, 20.0, 0.5)
    assert metrics.compute(team_id=tracked.team_id) == 0


@pytest.mark.django_db
def test_a_week_without_merges_has_no_row() -> None:
    """A pull request that was merged in another week takes its metrics with it; other teams' stay."""
    tracked, other = repository(), repository(team="other")
    for each in (tracked, other):
        store(each.pk, pull_request(1))
        metrics.compute(team_id=each.team_id)
    later = DAY + timedelta(days=7)
    store(tracked.pk, pull_request(1, merged_at=later, updated_at=later))
    assert metrics.compute(team_id=tracked.team_id) == 2
    assert [str(row.week) for row in WeeklyMetrics.objects.filter(team=tracked.team_id)] == ["2026-01-12"]
    assert [str(row.week) for row in WeeklyMetrics.objects.filter(team=other.team_id)] == ["2026-01-05"]


@pytest.mark.django_db(transaction=True)
def test_two_runs_may_compute_them_at_once() -> None:
    """The second waits for the first and finds nothing left to do."""
    tracked = repository()
    store(tracked.pk, pull_request(1))
    changed: list[int] = []

    def compute() -> None:
        try:
            changed.append(metrics.compute(team_id=tracked.team_id))
        finally:
            connection.close()

    second = threading.Thread(target=compute)
    with transaction.atomic():
        assert metrics.compute(team_id=tracked.team_id) == 1
        second.start()
        wait_until(lambda: count_waiting() == 1)
    second.join(20)
    assert changed == [0]
    assert WeeklyMetrics.objects.count() == 1
