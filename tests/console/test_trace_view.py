"""A trace as text: what a person reads first."""

from __future__ import annotations

from apps import catalog
from apps.console.trace_view import time_spent, tree_lines
from telemetry import observe
from telemetry.testing import Capture


def test_repeated_calls_are_one_line(captrace: Capture) -> None:
    """Two equal calls after each other are shown once, with their sum."""
    with observe(catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)) as sync:
        for _ in range(2):
            with observe(catalog.GraphQLCall(query_name="Q", lane_wait_ms=10.0), waited_ms=10.0) as call:
                call.completed(catalog.GraphQLAnswered(points_cost=1, status="ok"))
        sync.completed(catalog.RepoSynced(prs_synced=1))
    lines = [line.split("  ", 1)[1].strip() for line in tree_lines(captrace.spans)]
    assert lines[1].endswith("sync.api.graphql  Q ok  x 2") or "x 2" in lines[1]
    spent = time_spent(captrace.spans)
    assert round(spent["lane"], 3) == 0.02
    assert spent["rate wait"] == 0
