"""A team's weekly metrics are those counted by hand, also when two of its runs end together."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.db import connection, transaction
from msgspec.structs import replace

from apps.analysis import metrics
from apps.analysis.assistance import analyze
from apps.analysis.models import WeeklyMetrics
from apps.integrations.github.nodes import Actor, PullRequestNode
from telemetry.testing import Capture
from tests.acceptance.worker import wait_until
from tests.integrations.histories import DAY, commit, pull_request, repository, review, store, user, whole
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


def _rows(team_id: int) -> list[tuple[object, ...]]:
    kept = WeeklyMetrics.objects.filter(team=team_id).order_by("week")
    return list(
        kept.values_list("pk", "week", "merged", "cycle_time_hours", "review_time_hours", "size", "ai_assisted_share")
    )


@pytest.mark.django_db
def test_a_team_s_metrics_are_of_its_own_repositories_and_change_no_others(captrace: Capture) -> None:
    """Two teams merge in the same week, in repositories with the same numbers; one of them also in another week."""
    bakers, smiths = repository("o/a", team="bakers"), repository("o/b", team="smiths")
    store(bakers.pk, pull_request(1, additions=10, deletions=1))
    store(smiths.pk, pull_request(1, additions=100, deletions=5), _merged(pull_request(2), DAY + timedelta(days=7)))
    assert metrics.compute(team_id=smiths.team_id) == 2
    before = _rows(smiths.team_id)
    assert [row[1:3] + row[5:6] for row in before] == [(date(2026, 1, 5), 1, 105.0), (date(2026, 1, 12), 1, 4.0)]
    captrace.clear()
    assert metrics.compute(team_id=bakers.team_id) == 1
    assert captrace.span("sync.db.write").attributes["db.operation.batch.size"] == 1
    assert [row[1:3] + row[5:6] for row in _rows(bakers.team_id)] == [(date(2026, 1, 5), 1, 11.0)]
    store(bakers.pk, _merged(pull_request(1), DAY + timedelta(days=14)))
    assert metrics.compute(team_id=bakers.team_id) == 2
    assert _rows(smiths.team_id) == before


@pytest.mark.django_db
def test_own_reviews_are_no_reviews_and_later_ones_do_not_count() -> None:
    """The author answers within minutes; the first of others, also of one whose account is gone, took two hours and five."""
    tracked = repository()
    reviews = [
        review("own", author=user("ada"), submitted_at=DAY + timedelta(minutes=6)),
        review("first", author=None, submitted_at=DAY + timedelta(hours=2)),
        review("later", submitted_at=DAY + timedelta(hours=3)),
    ]
    store(tracked.pk, pull_request(1, reviews=whole(reviews)))
    store(tracked.pk, pull_request(2, reviews=whole([review("alone", author=user("ada"))])))
    store(tracked.pk, pull_request(3, reviews=whole([review("another", submitted_at=DAY + timedelta(hours=5))])))
    metrics.compute(team_id=tracked.team_id)
    assert WeeklyMetrics.objects.get().review_time_hours == 3.5


@pytest.mark.django_db
def test_a_cycle_begins_with_the_first_commit_or_with_opening() -> None:
    """Whichever came first; the middle of three counts, in hours."""
    tracked = repository()
    store(
        tracked.pk,
        pull_request(1, commits=whole([commit("late", authored_date=DAY + timedelta(hours=1))])),  # 4 h from opening
        pull_request(
            2, commits=whole([commit("a", authored_date=DAY - timedelta(hours=3, minutes=30)), commit("b")])
        ),  # 7.5 h
        pull_request(3, commits=whole([commit("old", authored_date=DAY - timedelta(days=9))])),
    )
    metrics.compute(team_id=tracked.team_id)
    assert WeeklyMetrics.objects.get().cycle_time_hours == 7.5


@pytest.mark.django_db
def test_a_week_begins_on_monday_in_utc(captrace: Capture) -> None:
    """An hour decides; what was never merged is in no week, and the write counts weeks and not pull requests."""
    tracked = repository()
    monday = datetime(2026, 1, 12, tzinfo=UTC)
    store(
        tracked.pk,
        _merged(pull_request(1), monday - timedelta(seconds=1)),
        _merged(pull_request(2), monday),
        _merged(pull_request(3), monday.replace(hour=12).astimezone(timezone(timedelta(hours=13)))),
        pull_request(4, state="OPEN", merged_at=None, closed_at=None, merged_by=None, merge_commit=None),
    )
    captrace.clear()
    assert metrics.compute(team_id=tracked.team_id) == 2
    rows = WeeklyMetrics.objects.order_by("week").values_list("week", "merged")
    assert list(rows) == [(date(2026, 1, 5), 1), (date(2026, 1, 12), 2)]
    written = captrace.span("sync.db.write").attributes
    keys = ("entity_type", "db.operation.batch.size", "created", "updated", "sync.db.deleted")
    assert [written[key] for key in keys] == ["metric", 2, 2, 0, 0]


def _merged(node: PullRequestNode, moment: datetime) -> PullRequestNode:
    """Return the pull request as if it had been merged then."""
    return replace(node, merged_at=moment, closed_at=moment, updated_at=moment)


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


@pytest.mark.django_db(transaction=True)
def test_the_second_of_two_waits_for_all_that_the_first_does() -> None:
    """It takes its turn until its weeks are stored: the second asks for no row before that."""
    tracked = repository()
    store(tracked.pk, pull_request(1))

    def compute() -> None:
        try:
            metrics.compute(team_id=tracked.team_id)
        finally:
            connection.close()

    both = [threading.Thread(target=compute) for _ in range(2)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {WeeklyMetrics._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        for each in both:
            each.start()
        wait_until(lambda: count_waiting() == 2)
        cursor.execute(
            "SELECT wait_event FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        assert {kind for (kind,) in cursor.fetchall()} == {"advisory", "relation"}
    for each in both:
        each.join(20)
    assert WeeklyMetrics.objects.count() == 1
