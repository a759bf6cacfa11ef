"""GraphQL answers in GitHub's shape, made for tests."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
from hypothesis import strategies as st

from apps.integrations.github.nodes import Response
from apps.integrations.lane import Resource, Turn

T = TypeVar("T")
REVIEW = {
    "id": "PRR_1",
    "fullDatabaseId": "3000000000",
    "author": None,
    "state": "APPROVED",
    "body": "Fine.",
    "submittedAt": "2026-01-02T00:00:00Z",
    "commit": {"oid": "abc"},
}
COMMIT = {
    "commit": {
        "oid": "abc",
        "message": "Change",
        "authoredDate": "2026-01-01T00:00:00+02:00",
        "committedDate": "2026-01-01T00:00:00Z",
        "additions": 1,
        "deletions": 0,
        "author": {"name": "Mona", "user": None},
    }
}

EVIL: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.just([None]),
)
"""What no field of a document is, or only some are."""

NEWEST = datetime(2026, 1, 31, tzinfo=UTC)


class FreeLane:
    """A lane that nobody shares and that never waits."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def call(self, send: Callable[[Turn], T], *, resource: Resource | None) -> T:
        """Return what `send` returns, at once."""
        self.turns.append(Turn(fence=len(self.turns), waited_ms=0.0, send_before=float("inf")))
        return send(self.turns[-1])


def a_list(nodes: list[Any], *, total: int | None = None, end: str | None = None) -> dict[str, Any]:
    """Return a connection; with `end` more follows it."""
    return {
        "totalCount": len(nodes) if total is None else total,
        "pageInfo": {"hasNextPage": end is not None, "endCursor": end},
        "nodes": nodes,
    }


def a_file(path: str) -> dict[str, Any]:
    """Return a changed file."""
    return {"path": path, "additions": 1, "deletions": 2, "changeType": "MODIFIED"}


def a_pull_request(number: int, **changes: Any) -> dict[str, Any]:
    """Return a pull request, updated `number` days before the newest."""
    updated = (NEWEST - timedelta(days=number)).isoformat().replace("+00:00", "Z")
    return {
        "id": f"PR_{number}",
        "fullDatabaseId": str(10_000_000_000 + number),
        "number": number,
        "title": f"Change {number}",
        "body": "",
        "state": "OPEN",
        "isDraft": False,
        "url": f"https://github.com/octocat/hello-world/pull/{number}",
        "author": {"__typename": "User", "login": "octocat"},
        "mergedBy": None,
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": updated,
        "mergedAt": None,
        "closedAt": None,
        "mergeCommit": None,
        "baseRefName": "main",
        "headRefName": f"change-{number}",
        "headRepository": {"nameWithOwner": "octocat/hello-world"},
        "additions": 1,
        "deletions": 2,
        "changedFiles": 1,
        "reviews": a_list([]),
        "commits": a_list([]),
        "files": a_list([a_file("README.md")]),
        **changes,
    }


def a_page(*nodes: dict[str, Any] | None, more: bool = False, **extra: Any) -> dict[str, Any]:
    """Return the data of a page."""
    return {
        "repository": {
            "id": "R_1",
            "databaseId": 1,
            "nameWithOwner": "octocat/hello-world",
            "isArchived": False,
            "pullRequests": {
                "totalCount": len(nodes),
                "pageInfo": {"hasNextPage": more, "endCursor": f"c{len(nodes)}"},
                "edges": [{"cursor": f"c{place}", "node": node} for place, node in enumerate(nodes, start=1)],
            },
        },
        "rateLimit": {"cost": 1, "limit": 5000, "remaining": 4999, "used": 1, "resetAt": "2026-01-31T01:00:00Z"},
        **extra,
    }


def answer(data: object) -> Response:
    """Return a 200 with `data`."""
    return Response(
        status=200,
        headers={"content-type": "application/json", "x-github-request-id": "A1"},
        body=orjson.dumps({"data": data}),
    )


def whole_document() -> dict[str, Any]:
    """Return the document of a page with everything in it once."""
    page = a_page(a_pull_request(1, reviews=a_list([REVIEW]), commits=a_list([COMMIT])), window={"issueCount": 7})
    return {"data": deepcopy(page)}


def paths_in(value: object) -> list[tuple[Any, ...]]:
    """Return the way to every value inside `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, each in inner for path in ((key,), *((key, *further) for further in paths_in(each)))]
