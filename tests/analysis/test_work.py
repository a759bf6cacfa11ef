"""The analysis looks at each commit once for each rule, however little the planner knows of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.analysis import services
from apps.analysis.rules import RULES
from apps.pulls.models import Commit, PullRequest
from apps.repositories.models import TrackedRepository
from tests.integrations.histories import commit, pull_request, repository, whole
from tests.integrations.services.test_pull_request_store import store

pytestmark = pytest.mark.django_db

_PULL_REQUESTS = 60


def test_a_backfill_that_no_statistics_know_of_is_not_compared_pair_by_pair() -> None:
    """Where the planner expects one row, 1,812 pull requests once took more than 270 s, and half a second otherwise."""
    _history("o/old", pull_requests=5 * _PULL_REQUESTS)
    with connection.cursor() as cursor:
        for model in (PullRequest, Commit, TrackedRepository):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
        new = _history("o/new", pull_requests=_PULL_REQUESTS)
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {services._ANALYZE}"
        cursor.execute(explain, services._parameters(new.team_id, [new.pk]))
        ((plan,),) = cursor.fetchone()
    most = max(_rows_looked_at(node) for node in _nodes(plan["Plan"]))
    assert most <= 2 * _PULL_REQUESTS * len(RULES)


def _history(name: str, *, pull_requests: int) -> TrackedRepository:
    tracked = repository(name)
    trailer = "Co-authored-by: Claude"
    numbers = range(1, pull_requests + 1)
    store(tracked.pk, *[pull_request(n, commits=whole([commit(oid=f"{n:040}", message=trailer)])) for n in numbers])
    return tracked


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _rows_looked_at(node: dict[str, Any]) -> float:
    removed = sum(value for key, value in node.items() if key.startswith("Rows Removed"))
    return float(node["Actual Loops"] * (node["Actual Rows"] + removed))
