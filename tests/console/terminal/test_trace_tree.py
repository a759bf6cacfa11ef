"""A trace as text: what a person reads first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps import catalog
from apps.console.terminal.trace_tree import tree_lines
from apps.integrations.errors import ServerError
from telemetry import observe
from telemetry.testing import Capture
from tests.explain.told import ROOT_ID, attempt, wait
from tests.explain.told import call as told_call

RESET = datetime(2026, 1, 1, tzinfo=UTC)


def call(*, lane_wait_ms: float = 0.0, error: Exception | None = None) -> None:
    """Make one GraphQL request."""
    with observe(catalog.GraphQLCall(query_name="Q", lane_wait_ms=lane_wait_ms), waited_ms=lane_wait_ms) as asked:
        if error is None:
            asked.completed(catalog.GraphQLAnswered(points_cost=1, status="ok"))
        else:
            asked.failed(error, catalog.GraphQLAnswered(points_cost=None, status="server_error"))


def store(*entities: catalog.EntityType) -> None:
    """Make one page's writes."""
    for entity in entities:
        with observe(catalog.RowsWrite(entity_type=entity, rows=1)) as write:
            write.completed(catalog.RowsWritten(created=1, updated=0))


@pytest.fixture
def story(captrace: Capture) -> Capture:
    """Return the spans of an attempt with five pages, a wait between them, and an error at the end."""
    with observe(catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)) as sync:
        for page in range(5):
            if page == 3:
                operation = catalog.RateWait(wait_seconds=1.0, reset_at=RESET, reason="primary")
                with observe(operation) as wait:
                    wait.completed(catalog.RateWaited())
            call(lane_wait_ms=150.0 if page == 0 else 0.0)
            store("pull_request", "review")
        error = ServerError("GitHub: 500: Server Error")
        call(error=error)
        sync.retrying(error, countdown=2.0)
    return captrace


def lines(capture: Capture, limit: int = 200) -> list[str]:
    """Return the tree without its durations."""
    return [line[11:] for line in tree_lines(capture.spans, limit=limit)]


def test_the_tree_tells_what_happened_in_order(story: Capture) -> None:
    """What repeats itself is one line, a wait stands where it was, and an error says its name once."""
    assert lines(story) == [
        "sync.repo  a/b server_error  [retrying]",
        "  sync.api.graphql  Q ok  (150.0 ms in the lane)  x 3",
        "  sync.db.write  pull_request, review  x 3",
        "  sync.api.rate_wait  primary",
        "  sync.api.graphql  Q ok  x 2",
        "  sync.db.write  pull_request, review  x 2",
        "  sync.api.graphql  Q server_error  [failed]",
    ]


def test_what_is_left_out_is_said(story: Capture) -> None:
    """A long tree ends with the number of its spans."""
    assert lines(story, limit=2)[:2] == lines(story)[:2]
    assert list(tree_lines(story.spans, limit=2))[2:] == ["… and more: 18 spans in all"]


def test_attempts_are_never_joined(captrace: Capture) -> None:
    """Two spans with something below them stay two, however alike."""
    for _ in range(2):
        with observe(catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)) as sync:
            call()
            sync.completed(catalog.RepoSynced(prs_synced=1))
    assert lines(captrace) == ["sync.repo  a/b", "  sync.api.graphql  Q ok"] * 2


def test_a_wait_that_parked_says_for_how_long(captrace: Capture) -> None:
    """Its span ends at once, with its attempt; the tree tells how long the repository was to stand."""
    with observe(catalog.RateWait(wait_seconds=91.0, reset_at=RESET, reason="primary")) as wait:
        wait.waiting(until=RESET)
    assert lines(captrace) == ["sync.api.rate_wait  primary  [waiting]  (parked for 91.00 s)"]


def test_what_died_and_what_is_orphaned_is_marked() -> None:
    """A span below one that is not there says so; one below a root that is still to come is in its place."""
    died = attempt(0.0, 3.0, told_call(1.0, 2.0), outcome="died")
    lost = attempt(4.0, 9.0, told_call(5.0, 6.0), number=2)[2:]
    tree = list(tree_lines([*died, *lost], reserved=[ROOT_ID], width=80))
    assert tree == [
        "   3.00 s  run/sync_repository  attempt 1",
        "   3.00 s    sync.repo  o/1  [died]",
        "   1.00 s      sync.api.graphql",
        "   1.00 s  sync.api.graphql  [orphaned]",
    ]


def test_what_is_open_is_marked() -> None:
    """With how long it has been so far."""
    spans = [replace(one, is_open=True, status="UNSET", attributes={}) for one in attempt(0.0, 3.0)]
    assert list(tree_lines([*spans, replace(told_call(1.0, 3.0), parent_id=spans[1].span_id)], reserved=[ROOT_ID])) == [
        "   3.00 s  run/sync_repository  [open]",
        "   3.00 s    sync.repo  [open]",
        "   2.00 s      sync.api.graphql",
    ]


def test_without_its_root_nothing_is_orphaned_that_was_sent_for_it() -> None:
    """Files of others have no rows: what was sent for a root, and waited for it, names it all the same."""
    spans = [wait("sync.queue.wait", 0.0, 1.0), *attempt(1.0, 2.0)]
    assert not any("orphaned" in line for line in tree_lines(spans))
