"""What we ask is what GitHub's published schema knows, and costs what we think."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from graphql import GraphQLSchema, parse, validate

from apps.github_simulator.github_schema import github_schema
from apps.integrations.errors import NotFound
from apps.integrations.github import queries
from apps.integrations.github.queries import GraphQLRequest, ListName, ListRequest

SINCE, BEFORE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
LISTS: tuple[ListName, ...] = ("reviews", "commits", "files")

REQUESTS: dict[str, GraphQLRequest] = {
    "pull requests": queries.pull_requests_request("octocat/hello-world", first=25, after="c", with_counts=True),
    "all lists": queries.lists_request([ListRequest("PR_1", name, "c") for name in LISTS], first=100),
    "25 lists": queries.lists_request([ListRequest(f"PR_{n}", "files", None) for n in range(25)], first=100),
    **{name: queries.lists_request([ListRequest("PR_1", name, None)], first=10) for name in LISTS},
    "numbers": queries.pull_request_numbers_request("octocat/hello-world", after="c"),
    "viewer": queries.viewer_request(),
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """GitHub's published schema."""
    return github_schema()


def _sent(request: GraphQLRequest) -> dict[str, str]:
    body: dict[str, str] = orjson.loads(request.body)
    return body


@pytest.mark.parametrize("name", REQUESTS)
def test_a_query_is_valid_in_github_s_schema(name: str, schema: GraphQLSchema) -> None:
    """Fields, types, variables and fragments: none unknown, none unused."""
    assert validate(schema, parse(_sent(REQUESTS[name])["query"])) == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_query_names_its_operation(name: str) -> None:
    """The name on our spans is the name GitHub is told."""
    request = REQUESTS[name]
    assert _sent(request)["operationName"] == request.query_name
    assert f"query {request.query_name}" in _sent(request)["query"]


@pytest.mark.parametrize(
    ("since", "before", "search"),
    [
        (None, None, "repo:o/n is:pr"),
        (SINCE, None, "repo:o/n is:pr updated:>=2026-01-01T00:00:00Z"),
        (SINCE, BEFORE, "repo:o/n is:pr updated:2026-01-01T00:00:00Z..2026-01-31T23:59:59Z"),
        (None, BEFORE, "repo:o/n is:pr updated:<=2026-01-31T23:59:59Z"),
    ],
)
def test_a_window_excludes_its_end(since: datetime | None, before: datetime | None, search: str) -> None:
    """Windows join without counting a second twice."""
    assert queries.window_search("o/n", updated_since=since, updated_before=before) == search


@pytest.mark.parametrize("name", ["", "libuv", "a/b/c", "a b/c", "../x", "o/..", "o/n?x=1", "o/n\n"])
def test_a_bad_repository_name_is_refused_before_anybody_is_asked(name: str) -> None:
    """It cannot become another path or query."""
    with pytest.raises(NotFound, match="OWNER/NAME"):
        queries.repository_path(name)


def test_an_organization_s_name_stays_one_path_segment() -> None:
    """Whatever somebody types."""
    assert queries.organization_path("a/../b") == "/orgs/a%2F..%2Fb/repos"
