"""Sum up where a run's points and requests went, by query and by repository."""

from __future__ import annotations

from typing import Any

from apps.explain.story import CALLS, GRAPHQL, Story, query_of


def points_of(story: Story) -> dict[str, Any]:
    """Return a run's points and requests in total, by query and by repository, most expensive first.

    A request whose cost no answer gave counts without points.
    """
    by_query: dict[str, list[int]] = {}
    by_repository: dict[str, list[int]] = {}
    for span in story.spans:
        if span.name not in CALLS:
            continue
        cost = span.attributes.get("points_cost")
        points = cost if isinstance(cost, int) else 0
        query = query_of(span)
        of = story.name_of(span) or "elsewhere"
        for sums, key in ((by_query, query), (by_repository, of)):
            one = sums.setdefault(key, [0, 0])
            one[0] += points if span.name == GRAPHQL else 0
            one[1] += 1
    return {
        "points": sum(points for points, _ in by_query.values()),
        "requests": sum(requests for _, requests in by_query.values()),
        "by_query": _sorted(by_query),
        "by_repository": _sorted(by_repository),
    }


def _sorted(sums: dict[str, list[int]]) -> dict[str, dict[str, int]]:
    dearest_first = sorted(sums.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return {key: {"points": points, "requests": requests} for key, (points, requests) in dearest_first}
