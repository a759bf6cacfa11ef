"""Find what is unusual about a run, against earlier ones of the same repositories and window, by median and spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from apps import catalog
from apps.explain.facts import Profile
from apps.explain.parts import Part, key_of
from apps.explain.story import CALLS, FEWEST_EARLIER, Story, error_of, query_of
from telemetry.reading import Span

_SPREADS = 3.0
"""A value is unusual if it is further from the median than this many spreads..."""
_SHARE = 0.2
"""...and further than this share of the median: among nearly identical runs each would otherwise be unusual."""
_NODES = key_of(catalog.GraphQLCall, "nodes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """Something that differs from earlier runs; `spread` is their median distance from their median."""

    what: str
    now: float
    median: float
    spread: float
    explains_sec: float | None = None
    """How much of the difference in time it explains, if that is known."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "what": self.what,
            "now": round(self.now, 3),
            "median": round(self.median, 3),
            "spread": round(self.spread, 3),
            "explains_sec": None if self.explains_sec is None else round(self.explains_sec, 3),
        }


def profile_of(spans: Iterable[Span]) -> Profile:
    """Return what a run's spans say about its calls."""
    seconds: dict[str, list[float]] = {}
    nodes: list[int] = []
    errors: set[str] = set()
    for span in spans:
        if span.name not in CALLS:
            continue
        if error := error_of(span):
            errors.add(error)
        else:
            seconds.setdefault(query_of(span), []).append(span.duration_ms / 1000)
        found = span.attributes.get(_NODES)
        if isinstance(found, int):
            nodes.append(found)
    return Profile(
        call_seconds={query: median(each) for query, each in seconds.items()},
        calls={query: len(each) for query, each in seconds.items()},
        pull_requests_a_page=median(nodes) if nodes else None,
        errors=frozenset(errors),
    )


def unusual(story: Story) -> list[Unusual]:
    """Return what is unusual about an ended run, most explanatory of its time first."""
    earlier = story.surroundings.earlier
    if len(earlier) < FEWEST_EARLIER or story.facts.is_running:
        return []
    found = [*_of_rows(story), *_of_profiles(story)]
    return sorted(found, key=lambda one: -abs(one.explains_sec or 0.0))


def _of_rows(story: Story) -> Iterator[Unusual]:
    """Yield what the rows alone show: how long it took, what it cost, how often it was tried."""
    earlier, rows = story.surroundings.earlier, story.facts.repositories
    duration = _compared("seconds in all", story.facts.seconds, [one.wall_sec for one in earlier])
    if duration is not None:
        yield _with(duration, duration.now - duration.median)
    tries = _compared("attempts", sum(row.attempt for row in rows), [one.attempts for one in earlier])
    if tries is not None:
        waited = sum(story.time.wall[part] for part in (Part.BACK_OFF, Part.DEAD_UNTIL_FOUND)) / 1e9
        yield _with(tries, waited)
    for what, now, before in (
        ("requests", sum(row.requests or 0 for row in rows), [one.requests for one in earlier]),
        ("points", sum(row.points or 0 for row in rows), [one.points for one in earlier]),
    ):
        if (found := _compared(what, now, before)) is not None:
            yield found


def _of_profiles(story: Story) -> Iterator[Unusual]:
    """Yield what spans show: slower calls, smaller pages, errors that no earlier run had."""
    profiles = [one.profile for one in story.surroundings.earlier if one.profile is not None]
    if len(profiles) < FEWEST_EARLIER:
        return
    own = profile_of(story.spans)
    for query, seconds in own.call_seconds.items():
        before = [each.call_seconds[query] for each in profiles if query in each.call_seconds]
        if (found := _compared(f"seconds a call of {query}", seconds, before)) is not None:
            yield _with(found, (found.now - found.median) * own.calls[query])
    if own.pull_requests_a_page is not None:
        pages = [each.pull_requests_a_page for each in profiles if each.pull_requests_a_page is not None]
        if (found := _compared("pull requests a page", own.pull_requests_a_page, pages)) is not None:
            yield found
    for error in sorted(own.errors - frozenset().union(*(each.errors for each in profiles))):
        yield Unusual(what=f"new error: {error}", now=1, median=0, spread=0)


def _compared(what: str, now: float, before: Sequence[float]) -> Unusual | None:
    """Return a value that is unusual compared with earlier ones; None for a usual one."""
    if len(before) < FEWEST_EARLIER:
        return None
    middle = median(before)
    spread = median(abs(each - middle) for each in before)
    distance = abs(now - middle)
    if distance <= _SPREADS * spread or distance <= _SHARE * abs(middle) or distance == 0:
        return None
    return Unusual(what=what, now=now, median=middle, spread=spread)


def _with(found: Unusual, explains_sec: float) -> Unusual:
    return Unusual(what=found.what, now=found.now, median=found.median, spread=found.spread, explains_sec=explains_sec)
