"""Weekly metrics of a team whose runs end together; their values are proven with the analysis that they stand on."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from apps.pulls import metrics
from apps.pulls.models import WeeklyMetrics
from tests.acceptance.worker import wait_until
from tests.integrations.histories import pull_request, repository
from tests.integrations.services.test_pull_request_store import store


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
        wait_until(_somebody_waits)
    second.join(20)
    assert changed == [0]
    assert WeeklyMetrics.objects.count() == 1


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction it would stay the same
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
