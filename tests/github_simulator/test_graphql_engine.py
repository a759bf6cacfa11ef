"""GraphQL as a client uses it: over HTTP, on GitHub's own schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from tests.github_simulator.client import PAGE, Client
from tests.github_simulator.conftest import ClientOf


def test_a_page_equals_the_history(client: Client, libuv: SimulatedGitHub) -> None:
    """Every pull request and its nested lists are those that the simulator holds."""
    for node in client.page("libuv/libuv", first=49)["nodes"]:
        held = libuv.pull_request("libuv/libuv", node["number"])
        assert node["fullDatabaseId"] == str(held.database_id)
        assert node["databaseId"] is None
        assert (node["title"], node["state"], node["updatedAt"]) == (held.title, "MERGED", held.updated_at)
        assert (node["additions"], node["deletions"], node["changedFiles"]) == (
            held.additions,
            held.deletions,
            len(held.files),
        )
        assert [file["path"] for file in node["files"]["nodes"]] == [file.path for file in held.files]
        assert [item["commit"]["oid"] for item in node["commits"]["nodes"]] == [commit.oid for commit in held.commits]
        assert node["reviews"]["totalCount"] == len(held.reviews)


@pytest.mark.parametrize("first", [100, 49, 7])
def test_pages_of_any_size_list_every_pull_request_once(client: Client, libuv: SimulatedGitHub, first: int) -> None:
    """They come in descending order of UPDATED_AT."""
    held = sorted(libuv.repository("synthetic/repo-0").pull_requests.values(), key=lambda pr: (pr.updated_at, pr.number))

    assert client.numbers("synthetic/repo-0", first=first) == [pr.number for pr in reversed(held)]


def test_deleted_accounts_and_forks_are_null(client: Client) -> None:
    """So are unknown mergers, and bots have their own type."""
    nodes = client.page("synthetic/repo-0", first=100)["nodes"]

    for name in ("author", "mergedBy", "headRepository"):
        assert any(node[name] is None for node in nodes)
    assert {node["author"]["__typename"] for node in nodes if node["author"]} == {"User", "Bot"}


def test_long_lists_can_be_continued_by_node_id(client: Client, libuv: SimulatedGitHub) -> None:
    """Aliases of `node` continue several of them in one query, each from its own cursor."""
    nodes = client.page("synthetic/repo-0", first=100)["nodes"]
    files = next(node for node in nodes if node["files"]["totalCount"] > 100)
    commits = next(node for node in nodes if node["commits"]["totalCount"] > 100)
    query = """query ($a: ID!, $b: ID!, $after: String!, $then: String!) {
      rateLimit { cost }
      a: node(id: $a) { ... on PullRequest { files(first: 100, after: $after) { pageInfo { hasNextPage } nodes { path } } } }
      b: node(id: $b) { ... on PullRequest { commits(first: 100, after: $then) { nodes { commit { oid } } } } }
    }"""

    data = client.graphql(
        query,
        a=files["id"],
        b=commits["id"],
        after=files["files"]["pageInfo"]["endCursor"],
        then=commits["commits"]["pageInfo"]["endCursor"],
    )["data"]

    held = libuv.pull_request("synthetic/repo-0", files["number"]).files
    assert [file["path"] for file in data["a"]["files"]["nodes"]] == [file.path for file in held[100:200]]
    assert data["a"]["files"]["pageInfo"]["hasNextPage"]
    assert len(data["b"]["commits"]["nodes"]) == 30
    assert data["rateLimit"]["cost"] == 1


def test_nodes_keep_the_order_of_their_ids(client: Client, libuv: SimulatedGitHub) -> None:
    """An unknown one is null, with an error at its index."""
    known = libuv.pull_request("libuv/libuv", 5135).id

    answer = client.graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", ids=[known, "PR_unknown"])

    assert answer["data"]["nodes"] == [{"id": known, "__typename": "PullRequest"}, None]
    assert answer["errors"] == [
        {
            "type": "NOT_FOUND",
            "path": ["nodes", 1],
            "locations": [{"line": 1, "column": 24}],
            "message": "Could not resolve to a node with the global id of 'PR_unknown'",
        }
    ]


def test_an_unknown_repository_gets_githubs_error(client: Client) -> None:
    """The status is 200, and the field is null."""
    answer = client.graphql('{ repository(owner: "no", name: "body") { id } }')

    assert answer == {
        "data": {"repository": None},
        "errors": [
            {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "locations": [{"line": 1, "column": 3}],
                "message": "Could not resolve to a Repository with the name 'no/body'.",
            }
        ],
    }


def test_owners_and_the_viewer_list_their_repositories(client: Client, libuv: SimulatedGitHub) -> None:
    """An organization lists its own, the viewer all that the token gives access to."""
    answer = client.graphql(
        """{ viewer { login repositories(first: 10) { nodes { nameWithOwner } } }
             organization(login: "libuv") { __typename repositories(first: 10) { totalCount nodes { name isArchived } } }
             repositoryOwner(login: "libuv") { login } }"""
    )

    assert answer["data"]["organization"] == {
        "__typename": "Organization",
        "repositories": {"totalCount": 1, "nodes": [{"name": "libuv", "isArchived": False}]},
    }
    assert answer["data"]["viewer"]["login"] == libuv.account_of("ghp_test")
    assert len(answer["data"]["viewer"]["repositories"]["nodes"]) == 2


def test_co_authors_are_listed_after_the_author(client: Client, libuv: SimulatedGitHub) -> None:
    """They are taken from the Co-authored-by trailers of the message."""
    number = next(
        pr.number for pr in libuv.repository("synthetic/repo-0").pull_requests.values() if "Claude" in pr.commits[0].message
    )
    query = """query ($n: Int!) { repository(owner: "synthetic", name: "repo-0") { defaultBranchRef { name }
      pullRequest(number: $n) { commits(first: 1) { nodes { commit { author { name }
        authors(first: 5) { totalCount nodes { name email user { login } } } } } } } } }"""

    repository = client.graphql(query, n=number)["data"]["repository"]

    (item,) = repository["pullRequest"]["commits"]["nodes"]
    author, claude = item["commit"]["authors"]["nodes"]
    assert author["name"] == item["commit"]["author"]["name"]
    assert claude == {"name": "Claude", "email": "noreply@anthropic.com", "user": None}
    assert repository["defaultBranchRef"] == {"name": "main"}


def test_pull_requests_can_be_filtered_and_ordered(client: Client, libuv: SimulatedGitHub) -> None:
    """`states` applies to totalCount too; GitHub's default order is CREATED_AT, ascending."""
    query = """{ repository(owner: "synthetic", name: "repo-0") {
      open: pullRequests(first: 100, states: [OPEN]) { totalCount nodes { state createdAt } }
      last: pullRequests(last: 1, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { createdAt } }
    } }"""
    held = libuv.repository("synthetic/repo-0").pull_requests.values()

    data = client.graphql(query)["data"]["repository"]

    created = [node["createdAt"] for node in data["open"]["nodes"]]
    assert data["open"]["totalCount"] == len(created) == sum(pr.state == "OPEN" for pr in held)
    assert created == sorted(created)
    assert data["last"]["nodes"] == [{"createdAt": max(pr.created_at for pr in held)}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ viewer { loginn } }", "Field 'loginn' doesn't exist on type 'User'"),
        ("{ viewer ", "Syntax Error: Expected Name, found <EOF>."),
        ("query ($n: Int!) { viewer { repositories(first: $n) { totalCount } } }", None),
    ],
)
def test_an_invalid_query_gets_errors_and_no_data(client: Client, query: str, message: str | None) -> None:
    """The status is 200, as at GitHub."""
    response = client.post(query)

    assert response.status_code == 200
    assert set(response.json()) == {"errors"}
    if message:
        assert response.json()["errors"][0]["message"] == message


def test_a_refused_query_still_gets_rate_limit_headers(client: Client) -> None:
    """Here the page is larger than 100."""
    response = client.post(PAGE, owner="libuv", name="libuv", first=101)

    assert response.json()["errors"][0]["type"] == "EXCESSIVE_PAGINATION"
    assert response.headers["x-ratelimit-resource"] == "graphql"


def test_a_field_that_is_not_simulated_is_an_error(client: Client) -> None:
    """It is null, never a made-up value."""
    answer = client.graphql('{ repository(owner: "libuv", name: "libuv") { diskUsage } }')

    assert answer["data"]["repository"] == {"diskUsage": None}
    assert answer["errors"][0]["message"] == "The simulator does not have Repository.diskUsage."


def test_an_invalid_cursor_gets_githubs_error(client: Client) -> None:
    """The message quotes the cursor."""
    answer = client.graphql(PAGE, owner="libuv", name="libuv", first=1, after="abc")

    assert answer["errors"][0]["type"] == "INVALID_CURSOR_ARGUMENTS"
    assert answer["errors"][0]["message"] == "`abc` does not appear to be a valid cursor."


def test_the_schema_is_the_whole_of_githubs(client: Client) -> None:
    """Introspection knows types for which the simulator has no data."""
    answer = client.graphql('{ __type(name: "SponsorsTier") { kind name } }')

    assert answer["data"] == {"__type": {"kind": "OBJECT", "name": "SponsorsTier"}}


def test_a_cached_answer_has_a_current_rate_limit(client_of: ClientOf) -> None:
    """Repeating a request is charged again: only its data is cached."""
    with simulator(synthetic=10) as github:
        client = client_of(github)

        first, second = (client.graphql(PAGE, owner="synthetic", name="repo-0", first=10)["data"] for _ in range(2))

    assert (first["rateLimit"]["used"], second["rateLimit"]["used"]) == (1, 2)
    assert first["rateLimit"]["limit"] - second["rateLimit"]["remaining"] == 2
    assert first["rateLimit"]["nodeCount"] == 10 + 3 * 100 * 10
    assert datetime.fromisoformat(first["rateLimit"]["resetAt"]).tzinfo is not None
    assert first["repository"] == second["repository"]


def test_a_pull_request_is_the_same_in_pages_of_any_size(client: Client) -> None:
    """A cached rendering does not depend on the variables around it."""
    by_number: dict[int, Any] = {}
    for size in (3, 7, 100):
        for node in client.page("synthetic/repo-0", first=size)["nodes"]:
            assert by_number.setdefault(node["number"], node) == node


def test_a_cached_rendering_depends_on_the_variables_in_its_selection(client: Client) -> None:
    """This includes variables in fragments."""
    query = """query ($first: Int!) { repository(owner: "libuv", name: "libuv") {
        pullRequests(last: 20) { nodes { ...Files } } } }
      fragment Files on PullRequest { files(first: $first) { nodes { path } } }"""

    longest = [
        max(
            len(node["files"]["nodes"])
            for node in client.graphql(query, first=first)["data"]["repository"]["pullRequests"]["nodes"]
        )
        for first in (1, 2)
    ]

    assert longest == [1, 2]


def test_a_change_shows_in_the_next_answer(client_of: ClientOf) -> None:
    """Answers and renderings cached before it are dropped."""
    with simulator(synthetic=10) as github:
        client = client_of(github)
        before = client.page("synthetic/repo-0", first=5)["nodes"]
        number = before[3]["number"]

        github.touch("synthetic/repo-0", number, title="Another title")

        after = client.page("synthetic/repo-0", first=5)["nodes"]
    assert (after[0]["number"], after[0]["title"]) == (number, "Another title")
    assert after[0]["updatedAt"] > before[3]["updatedAt"]
