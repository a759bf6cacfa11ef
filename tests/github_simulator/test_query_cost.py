"""The cost of queries by GitHub's published formula, and the queries that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import get_operation_ast, parse

from apps.github_simulator.github_schema import github_schema
from apps.github_simulator.graphql_errors import RefusedQueryError
from apps.github_simulator.query_cost import QueryCost, measure

NESTED = """
query ($first: Int!) { repository(owner: "o", name: "n") { pullRequests(first: $first) { nodes {
  reviews(first: 100) { nodes { id %s } } commits(first: 100) { nodes { id } } files(first: 100) { nodes { path } } } } } }
"""


def cost_of(query: str, **variables: Any) -> QueryCost:
    """Return the cost of the only operation in a query."""
    document = parse(query)
    operation = get_operation_ast(document)
    assert operation is not None
    return measure(github_schema(), document, operation, variables)


@pytest.mark.parametrize(("first", "requests", "points"), [(100, 301, 3), (49, 148, 1), (25, 76, 1), (10, 31, 1)])
def test_a_page_costs_a_hundredth_of_its_connections(first: int, requests: int, points: int) -> None:
    """A page of n pull requests with three lists each takes 1 + 3 n requests."""
    cost = cost_of(NESTED % "", first=first)

    assert (cost.requests, cost.points, cost.nodes) == (requests, points, first + 3 * 100 * first)


def test_one_more_level_of_nesting_multiplies_the_cost() -> None:
    """With comments below reviews a page of 100 would cost 103 points, if so many nodes were allowed."""
    cost = cost_of(NESTED % "comments(first: 1) { nodes { id } }", first=100)

    assert (cost.requests, cost.points) == (10_301, 103)


def test_the_size_of_inner_pages_does_not_change_the_points() -> None:
    """Only the sizes of outer pages multiply."""
    assert cost_of(NESTED.replace("first: 100", "first: 1") % "", first=100).points == 3


def test_a_batch_of_25_aliases_costs_one_point() -> None:
    """Continuing 25 long lists takes 25 requests, which is rounded up to 1 point."""
    aliases = "\n".join(
        f'p{i}: node(id: "x") {{ ... on PullRequest {{ files(first: 100) {{ nodes {{ path }} }} }} }}' for i in range(25)
    )

    cost = cost_of(f"{{ {aliases} }}")

    assert (cost.requests, cost.points, cost.nodes) == (25, 1, 2_500)


def test_points_round_half_up() -> None:
    """150 requests cost 2 points, 149 cost 1."""
    costs = [
        QueryCost(requests=requests, nodes=0, page_size=None, continued=False).points for requests in (0, 149, 150, 250)
    ]

    assert costs == [1, 1, 2, 3]


def test_skipped_fields_are_free() -> None:
    """@skip and @include count, in fragments too."""
    query = """
    query ($with: Boolean!) { repository(owner: "o", name: "n") { pullRequests(first: 100) { nodes { ...Lists } } } }
    fragment Lists on PullRequest { reviews(first: 100) @include(if: $with) { nodes { id } } }
    """

    assert cost_of(query, **{"with": True}).requests == 101
    assert cost_of(query, **{"with": False}).requests == 1


def test_the_page_size_is_that_of_the_outermost_connection() -> None:
    """A search beside it is ignored, and a cursor anywhere makes the query a continued one."""
    query = """
    query ($after: String) {
      search(type: ISSUE, query: "x", first: 1) { issueCount }
      repository(owner: "o", name: "n") {
        pullRequests(first: 49, after: $after) { nodes { files(first: 100) { nodes { path } } } }
      }
    }
    """

    assert cost_of(query, after=None).page_size == 49
    assert not cost_of(query, after=None).continued
    assert cost_of(query, after="x").continued


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            '{ repository(owner: "o", name: "n") { pullRequests { nodes { id } } } }',
            {
                "type": "MISSING_PAGINATION_BOUNDARIES",
                "path": ["repository", "pullRequests"],
                "locations": [{"line": 1, "column": 39}],
                "message": "You must provide a `first` or `last` value to properly paginate the `pullRequests` connection.",
            },
        ),
        (
            '{ repository(owner: "o", name: "n") { all: pullRequests(last: 101) { nodes { id } } } }',
            {
                "type": "EXCESSIVE_PAGINATION",
                "path": ["repository", "all"],
                "locations": [{"line": 1, "column": 39}],
                "message": "Requesting 101 records on the `pullRequests` connection "
                "exceeds the `last` limit of 100 records.",
            },
        ),
        (
            (
                '{ repository(owner: "o", name: "n") { pullRequests(first: 100) { nodes { reviews(first: 100) { nodes { '
                "comments(first: 100) { nodes { id } } } } } } } }"
            ),
            {
                "type": "MAX_NODE_LIMIT_EXCEEDED",
                "message": "This query requests up to 1,010,100 possible nodes which exceeds the maximum limit of 500,000.",
            },
        ),
        (
            f"{{ nodes(ids: {str(['x'] * 101).replace(chr(39), chr(34))}) {{ id }} }}",
            {
                "type": "ARGUMENT_LIMIT",
                "path": ["nodes"],
                "locations": [{"line": 1, "column": 3}],
                "message": "You may not provide more than 100 node ids; you provided 101.",
            },
        ),
    ],
    ids=["no bounds", "page over 100", "nodes over 500,000", "ids over 100"],
)
def test_a_query_that_github_would_not_run_gets_githubs_error(query: str, error: dict[str, Any]) -> None:
    """The type, path and message are those of GitHub."""
    with pytest.raises(RefusedQueryError) as refused:
        cost_of(query)

    assert refused.value.error == error


def test_a_total_needs_no_page_size() -> None:
    """A connection of which only the totalCount is selected costs nothing extra."""
    assert cost_of('{ repository(owner: "o", name: "n") { pullRequests { totalCount } } }').points == 1
