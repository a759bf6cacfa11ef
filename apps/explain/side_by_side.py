"""Compare two runs side by side: where time and points went, with corresponding operations aligned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps import catalog
from apps.explain.facts import RepositoryFacts
from apps.explain.parts import WAITS, Part, key_of
from apps.explain.points import points_of
from apps.explain.story import CALLS, WRITE, Story, query_of
from telemetry.reading import Span

MOST_OPERATIONS = 100
"""How many aligned operations are named, those that differ most first; the others are counted."""
_NUMBER = key_of(catalog.RepoSync, "attempt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A figure of the run and of the other; None if a run has no such thing."""

    what: str
    now: float | None
    then: float | None

    @property
    def difference(self) -> float:
        """How much more it is now; what a run does not have counts as zero."""
        return (self.now or 0.0) - (self.then or 0.0)

    @property
    def percent(self) -> float | None:
        """The difference in percent of the other's; None if that is zero."""
        return 100 * self.difference / self.then if self.then else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryPair:
    """A repository in one or both runs."""

    full_name: str
    seconds: Pair
    pull_requests: Pair
    attempts: Pair
    requests: Pair
    points: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPair:
    """An operation and its counterpart with the same repository, attempt and page; in seconds."""

    operation: str
    full_name: str
    attempt: int | None
    page: int
    seconds: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSum:
    """The total seconds of all operations of one kind, and their number."""

    operation: str
    seconds: Pair
    count: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """Two runs compared; seconds, points and counts."""

    wall: Pair
    parts: Sequence[Pair]
    points: Sequence[Pair]
    requests: Sequence[Pair]
    repositories: Sequence[RepositoryPair]
    by_operation: Sequence[OperationSum]
    operations: Sequence[OperationPair]
    operations_left_out: int
    has_spans: tuple[bool, bool]
    """Whether spans of each can be read: without them only rows are compared."""


_Key = tuple[str, str, int | None, int]


def side_by_side(now: Story, then: Story) -> SideBySide:
    """Compare a run with another, operation by operation, from their spans and rows."""
    aligned = _aligned(dict(_operations(now)), dict(_operations(then)))
    ours, theirs = points_of(now), points_of(then)
    queries = dict.fromkeys([*ours["by_query"], *theirs["by_query"]])
    return SideBySide(
        wall=Pair(what="in all", now=now.facts.seconds, then=then.facts.seconds),
        parts=[
            Pair(what=part.value, now=mine / 1e9, then=other / 1e9)
            for part in Part
            if (mine := now.time.wall[part]) + (other := then.time.wall[part])
        ],
        points=[_of_query(query, "points", ours, theirs) for query in queries],
        requests=[_of_query(query, "requests", ours, theirs) for query in queries],
        repositories=list(_repositories(now, then)),
        by_operation=_by_operation(aligned),
        operations=aligned[:MOST_OPERATIONS],
        operations_left_out=max(0, len(aligned) - MOST_OPERATIONS),
        has_spans=(bool(now.spans), bool(then.spans)),
    )


def _of_query(query: str, what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Pair:
    mine, other = (sums["by_query"].get(query) for sums in (ours, theirs))
    return Pair(what=query, now=mine and mine[what], then=other and other[what])


def _repositories(now: Story, then: Story) -> Iterator[RepositoryPair]:
    """Yield the repositories of both runs, largest difference in time first."""
    mine, other = ({one.full_name: one for one in story.facts.repositories} for story in (now, then))
    found = []
    for full_name in dict.fromkeys([*mine, *other]):
        row, before = mine.get(full_name), other.get(full_name)
        found.append(
            RepositoryPair(
                full_name=full_name,
                seconds=Pair(what="seconds", now=_seconds(now, row), then=_seconds(then, before)),
                pull_requests=_of_rows("prs_done", row, before),
                attempts=_of_rows("attempt", row, before),
                requests=_of_rows("requests", row, before),
                points=_of_rows("points", row, before),
            )
        )
    yield from sorted(found, key=lambda one: -abs(one.seconds.difference))


def _of_rows(what: str, row: RepositoryFacts | None, before: RepositoryFacts | None) -> Pair:
    mine, other = (None if one is None else getattr(one, what) for one in (row, before))
    return Pair(what=what, now=mine, then=other)


def _seconds(story: Story, row: RepositoryFacts | None) -> float | None:
    """Return the total time of the attempts at a repository; None if no span shows one."""
    attempts = [] if row is None else story.attempts_at(row)
    return sum(one.end_ns - one.start_ns for one in attempts) / 1e9 if attempts else None


def _operations(story: Story) -> Iterator[tuple[_Key, float]]:
    """Yield what was done for each repository as operation, repository, attempt and page, with its seconds.

    The page is the count of the same operation in the attempt, from 1.
    """
    for repository in story.facts.repositories:
        for place, attempt in enumerate(story.attempts_at(repository), start=1):
            number, pages = attempt.number or place, Counter[str]()
            for span in attempt.inside:
                operation = _operation(span)
                pages[operation] += 1
                yield (operation, repository.full_name, number, pages[operation]), span.duration_ms / 1000
    waits: Counter[tuple[str, str, int | None]] = Counter()
    for span in sorted((one for one in story.spans if one.name in WAITS), key=lambda one: one.start_ns):
        attempt_of = span.attributes.get(_NUMBER)
        who = (span.name, story.name_of(span) or "", attempt_of if isinstance(attempt_of, int) else None)
        waits[who] += 1
        yield (*who, waits[who]), span.duration_ms / 1000


def _operation(span: Span) -> str:
    if span.name in CALLS:
        return query_of(span)
    return f"{span.name} {span.attributes.get('entity_type', '')}".strip() if span.name == WRITE else span.name


def _aligned(mine: Mapping[_Key, float], other: Mapping[_Key, float]) -> list[OperationPair]:
    """Return the operations of both runs by their keys, largest difference first."""
    found = [
        OperationPair(
            operation=key[0],
            full_name=key[1],
            attempt=key[2],
            page=key[3],
            seconds=Pair(what=key[0], now=mine.get(key), then=other.get(key)),
        )
        for key in dict.fromkeys([*mine, *other])
    ]
    return sorted(found, key=lambda one: -abs(one.seconds.difference))


def _by_operation(aligned: Sequence[OperationPair]) -> list[OperationSum]:
    """Return the time of each kind of operation, largest difference first."""
    sums: dict[str, tuple[list[float], list[float]]] = {}
    for one in aligned:
        for values, seconds in zip(
            sums.setdefault(one.operation, ([], [])), (one.seconds.now, one.seconds.then), strict=True
        ):
            values += [] if seconds is None else [seconds]
    found = [
        OperationSum(
            operation=operation,
            seconds=Pair(what=operation, now=sum(mine), then=sum(other)),
            count=Pair(what=operation, now=len(mine), then=len(other)),
        )
        for operation, (mine, other) in sums.items()
    ]
    return sorted(found, key=lambda one: -abs(one.seconds.difference))
