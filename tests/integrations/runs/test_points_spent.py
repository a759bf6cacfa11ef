"""What an account paid is counted by hour and repository, whoever changes a row's points."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.integrations.errors import ServerError, Superseded
from apps.integrations.models import PointsSpent, RepoSync
from apps.integrations.removing import remove
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.attempts import Attempt
from apps.utils import clock

pytestmark = pytest.mark.django_db


def _begun(row: RepoSync) -> Attempt:
    own = Attempt(row.pk, row.attempt + 1)
    admission.admit()
    assert attempts.claim(own, traceparent=None)
    return own


def _sums() -> list[tuple[datetime, int]]:
    return list(PointsSpent.objects.order_by("hour").values_list("hour", "points"))


def test_each_hour_has_what_was_spent_in_it(row: RepoSync, time: clock.SteppedClock) -> None:
    """Of a sync that goes on over the hour's end; a sign of life without points adds nothing."""
    own = _begun(row)
    assert _sums() == []
    attempts.update(own, points=3)
    began = clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    attempts.update(own, points=5)
    attempts.update(own, points=5, wait_reason="lane")
    assert _sums() == [(began, 5)]
    time.sleep(3_600)
    attempts.update(own, points=12)
    attempts.release_for_retry(own, ServerError("no"), failures=1, countdown=0.0, points=13)
    later = clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    assert _sums() == [(began, 5), (later, 8)]
    (spent,) = PointsSpent.objects.filter(hour=began)
    assert (spent.connection_id, spent.repository_id) == (row.connection_id, row.repository_id)


def test_whoever_owns_a_row_no_more_spends_nothing_of_it(row: RepoSync) -> None:
    """What it says comes too late."""
    own = _begun(row)
    attempts.release_for_retry(own, ServerError("no"), failures=1, countdown=0.0, points=2)
    with pytest.raises(Superseded):
        attempts.update(own, points=9)
    assert [points for _, points in _sums()] == [2]


def test_what_an_account_spent_goes_with_it(row: RepoSync) -> None:
    """Nobody could say any more whose points they were."""
    own = _begun(row)
    attempts.complete(own, disposition=RepoSync.Disposition.SYNCED, points=4)
    type(row.run).objects.update(state="completed", ended_at=clock.now(), export_due_at=None)
    assert [points for _, points in _sums()] == [4]
    remove(row.connection, by="carla")
    assert _sums() == []
