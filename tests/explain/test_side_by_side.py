"""Two runs beside each other: what corresponds is compared, and what only one of them has is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.explain.facts import RunFacts
from apps.explain.side_by_side import MOST_OPERATIONS, Pair, side_by_side
from apps.explain.story import Story
from telemetry.reading import Span
from tests.explain.stories import TRACE, asked, repository
from tests.explain.told import ROOT_ID, at, attempt, root, wait, write


def _story(*spans: Span | Sequence[Span], end: float, repositories: Sequence[Any] = ()) -> Story:
    flat = [one for each in spans for one in ([each] if isinstance(each, Span) else each)]
    facts = RunFacts(
        run_id=1,
        trace_id=TRACE,
        root_id=ROOT_ID,
        state="completed",
        started_ns=at(0),
        ended_ns=at(end),
        now_ns=at(end),
        repositories=tuple(repositories or [repository()]),
    )
    return Story(facts, spans=[root(end), *flat])


def _said(pairs: Sequence[Pair]) -> list[tuple[str, float | None, float | None]]:
    return [(pair.what, pair.now, pair.then) for pair in pairs]


def test_the_parts_of_both_sum_to_how_long_they_took() -> None:
    """Those that took no time in either run are left out."""
    now = _story(attempt(0.0, 9.0, asked(0.0, 6.0), write(6.0, 7.0)), end=9.0)
    then = _story(attempt(0.0, 5.0, asked(0.0, 4.0)), end=5.0)
    found = side_by_side(now, then)
    assert _said(found.parts) == [("GitHub answering", 6.0, 4.0), ("database", 1.0, 0.0), ("our own work", 2.0, 1.0)]
    assert (sum(pair.now or 0 for pair in found.parts), sum(pair.then or 0 for pair in found.parts)) == (9.0, 5.0)
    assert (found.wall.difference, found.wall.percent) == (4.0, 80.0)
    assert found.has_spans == (True, True)


def test_operations_are_aligned_by_repository_attempt_and_page() -> None:
    """What differs most is first; what only one run did counts with all of its time."""
    now = _story(
        attempt(0.0, 4.0, asked(0.0, 1.0), asked(1.0, 3.0), write(3.0, 3.5), outcome="retrying"),
        attempt(5.0, 12.0, asked(5.0, 12.0), number=2),
        wait("sync.backoff", 4.0, 5.0, has={"sync.attempt": 2}),
        end=12.0,
    )
    then = _story(attempt(0.0, 3.0, asked(0.0, 1.0), asked(1.0, 1.5), write(2.0, 2.5)), end=3.0)
    found = side_by_side(now, then)
    assert [(one.operation, one.attempt, one.page, one.seconds.now, one.seconds.then) for one in found.operations] == [
        ("PullRequests", 2, 1, 7.0, None),
        ("PullRequests", 1, 2, 2.0, 0.5),
        ("sync.backoff", 2, 1, 1.0, None),
        ("PullRequests", 1, 1, 1.0, 1.0),
        ("sync.db.write pull_request", 1, 1, 0.5, 0.5),
    ]
    assert {one.full_name for one in found.operations} == {"o/1"}
    sums = [(one.operation, one.count.now, one.count.then, one.seconds.difference) for one in found.by_operation]
    assert sums == [
        ("PullRequests", 3, 2, 8.5),
        ("sync.backoff", 1, 0, 1.0),
        ("sync.db.write pull_request", 1, 1, 0.0),
    ]


def test_repositories_of_one_run_alone_are_told_as_such() -> None:
    """With what their rows say; points are compared by query."""
    ours = [repository(1, prs_done=9, points=4, requests=2), repository(2)]
    now = _story(attempt(0.0, 5.0, asked(0.0, 1.0, points=3)), end=5.0, repositories=ours)
    theirs = [repository(1, prs_done=7, points=2, requests=1), repository(3)]
    then = _story(attempt(0.0, 2.0, asked(0.0, 1.0, query="PullRequestLists")), end=2.0, repositories=theirs)
    found = side_by_side(now, then)
    first = found.repositories[0]
    assert (first.full_name, first.seconds.now, first.seconds.then) == ("o/1", 5.0, 2.0)
    assert _said([first.pull_requests, first.points, first.requests]) == [
        ("prs_done", 9, 7),
        ("points", 4, 2),
        ("requests", 2, 1),
    ]
    assert [(one.full_name, one.pull_requests.now, one.pull_requests.then) for one in found.repositories[1:]] == [
        ("o/2", 10, None),
        ("o/3", None, 10),
    ]
    assert _said(found.points) == [("PullRequests", 3, None), ("PullRequestLists", None, 1)]


def test_of_many_operations_those_that_differ_least_are_counted() -> None:
    """A hundred are named."""
    calls = [asked(2.0 * place, 2.0 * place + 1.0) for place in range(MOST_OPERATIONS + 5)]
    found = side_by_side(_story(attempt(0.0, 300.0, *calls), end=300.0), _story(end=1.0))
    assert (len(found.operations), found.operations_left_out) == (MOST_OPERATIONS, 5)
    assert found.has_spans == (True, True)
