"""GraphQL as a client meets it: over HTTP, on GitHub's own schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from tests.github_simulator.asking import PAGE, Client
from tests.github_simulator.conftest import ClientOf


def test_a_page_has_what_the_history_has(client: Client, libuv: SimulatedGitHub) -> None:
    """Every nested list of a page equals what the simulator holds, and its own totalCount."""
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
def test_pages_of_any_size_list_everything_once_newest_first(client: Client, libuv: SimulatedGitHub, first: int) -> None:
    """The made-up repository page by page, in the order of UPDATED_AT descending."""
    held = sorted(libuv.repository("synthetic/repo-0").pull_requests.values(), key=lambda pr: (pr.updated_at, pr.number))

    assert client.numbers("synthetic/repo-0", first=first) == [pr.number for pr in reversed(held)]


def test_what_is_deleted_at_github_is_null(client: Client) -> None:
    """Ghost authors, unknown mergers and deleted forks, and bots with their own type."""
    nodes = client.page("synthetic/repo-0", first=100)["nodes"]

    for name in ("author", "mergedBy", "headRepository"):
        assert any(node[name] is None for node in nodes)
    assert {node["author"]["__typename"] for node in nodes if node["author"]} == {"User", "Bot"}


def test_lists_over_a_hundred_are_finished_by_node_id(client: Client, libuv: SimulatedGitHub) -> None:
    """Aliases of `node` continue several lists in one query, each from its own cursor."""
    nodes = client.page("synthetic/repo-0", first=100)["nodes"]
    files = next(node for node in nodes if node["files"]["totalCount"] > 100)
    commits = next(node for node in nodes if node["commits"]["totalCount"] > 100)
    query = """query ($a: ID!, $b: ID!, $after: String!, $then: String!) {
      rateLimit { cost }
      a: node(id: $a) { ... on PullRequest { files(first: 100, after: $after) { pageInfo { hasNextPage } nodes { path } } } }
      b: node(id: $b) { ... on PullRequest { commits(first: 100, after: $then) { nodes { commit { oid } } } } }
    }"""

    data = client.ask(
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


def test_a_node_may_be_asked_for_with_others(client: Client, libuv: SimulatedGitHub) -> None:
    """`nodes` keeps the order of its ids; one that is unknown is null, with an error at its place."""
    known = libuv.pull_request("libuv/libuv", 5135).id

    answer = client.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", ids=[known, "PR_unknown"])

    assert answer["data"]["nodes"] == [{"id": known, "__typename": "PullRequest"}, None]
    assert answer["errors"] == [
        {
            "type": "NOT_FOUND",
            "path": ["nodes", 1],
            "locations": [{"line": 1, "column": 24}],
            "message": "Could not resolve to a node with the global id of 'PR_unknown'",
        }
    ]


def test_a_repository_that_is_not_there_is_not_found_as_github_says_it(client: Client) -> None:
    """HTTP 200, null, and GitHub's sentence."""
    answer = client.ask('{ repository(owner: "no", name: "body") { id } }')

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


def test_the_owner_and_the_viewer_list_their_repositories(client: Client, libuv: SimulatedGitHub) -> None:
    """An organization has its own; the viewer has all that the token sees."""
    answer = client.ask(
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


def test_co_authors_are_authors(client: Client, libuv: SimulatedGitHub) -> None:
    """`commit.authors` names the author first, then those of the Co-authored-by trailers; a branch has its name."""
    number = next(
        pr.number for pr in libuv.repository("synthetic/repo-0").pull_requests.values() if "Claude" in pr.commits[0].message
    )
    query = """query ($n: Int!) { repository(owner: "synthetic", name: "repo-0") { defaultBranchRef { name }
      pullRequest(number: $n) { commits(first: 1) { nodes { commit { author { name }
        authors(first: 5) { totalCount nodes { name email user { login } } } } } } } } }"""

    repository = client.ask(query, n=number)["data"]["repository"]

    (item,) = repository["pullRequest"]["commits"]["nodes"]
    author, claude = item["commit"]["authors"]["nodes"]
    assert author["name"] == item["commit"]["author"]["name"]
    assert claude == {"name": "Claude", "email": "noreply@anthropic.com", "user": None}
    assert repository["defaultBranchRef"] == {"name": "main"}


def test_states_filter_and_orders_sort(client: Client, libuv: SimulatedGitHub) -> None:
    """`states` narrows totalCount too; CREATED_AT ascending is GitHub's default."""
    query = """{ repository(owner: "synthetic", name: "repo-0") {
      open: pullRequests(first: 100, states: [OPEN]) { totalCount nodes { state createdAt } }
      last: pullRequests(last: 1, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { createdAt } }
    } }"""
    held = libuv.repository("synthetic/repo-0").pull_requests.values()

    data = client.ask(query)["data"]["repository"]

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
def test_a_wrong_query_is_answered_with_errors_and_no_data(client: Client, query: str, message: str | None) -> None:
    """HTTP 200, as GitHub does it."""
    response = client.post(query)

    assert response.status_code == 200
    assert set(response.json()) == {"errors"}
    if message:
        assert response.json()["errors"][0]["message"] == message


def test_a_refused_query_is_still_an_answer_with_limits(client: Client) -> None:
    """A page over 100 costs a point and says why."""
    response = client.post(PAGE, owner="libuv", name="libuv", first=101)

    assert response.json()["errors"][0]["type"] == "EXCESSIVE_PAGINATION"
    assert response.headers["x-ratelimit-resource"] == "graphql"


def test_what_is_not_simulated_says_so(client: Client) -> None:
    """A field without data is null with an error, never a made-up value."""
    answer = client.ask('{ repository(owner: "libuv", name: "libuv") { diskUsage } }')

    assert answer["data"]["repository"] == {"diskUsage": None}
    assert answer["errors"][0]["message"] == "The simulator does not have Repository.diskUsage."


def test_a_bad_cursor_is_githubs_error(client: Client) -> None:
    """INVALID_CURSOR_ARGUMENTS with the cursor in the sentence."""
    answer = client.ask(PAGE, owner="libuv", name="libuv", first=1, after="abc")

    assert answer["errors"][0]["type"] == "INVALID_CURSOR_ARGUMENTS"
    assert answer["errors"][0]["message"] == "`abc` does not appear to be a valid cursor."


def test_the_schema_is_githubs_own(client: Client) -> None:
    """Introspection tells of types that the simulator has no data for."""
    answer = client.ask('{ __type(name: "SponsorsTier") { kind name } }')

    assert answer["data"] == {"__type": {"kind": "OBJECT", "name": "SponsorsTier"}}


def test_kept_answers_have_fresh_numbers(client_of: ClientOf) -> None:
    """The same request again costs again: only its data is kept."""
    with simulator(synthetic=10) as github:
        client = client_of(github)

        first, second = (client.ask(PAGE, owner="synthetic", name="repo-0", first=10)["data"] for _ in range(2))

    assert (first["rateLimit"]["used"], second["rateLimit"]["used"]) == (1, 2)
    assert first["rateLimit"]["limit"] - second["rateLimit"]["remaining"] == 2
    assert first["rateLimit"]["nodeCount"] == 10 + 3 * 100 * 10
    assert datetime.fromisoformat(first["rateLimit"]["resetAt"]).tzinfo is not None
    assert first["repository"] == second["repository"]


def test_pages_of_other_sizes_are_the_same_pull_requests(client: Client) -> None:
    """A pull request rendered for one page is the same in the next, whatever the variables around it."""
    by_number: dict[int, Any] = {}
    for size in (3, 7, 100):
        for node in client.page("synthetic/repo-0", first=size)["nodes"]:
            assert by_number.setdefault(node["number"], node) == node


def test_the_same_selection_with_other_variables_is_another_rendering(client: Client) -> None:
    """A variable inside a pull request's selection decides what is rendered, also by way of a fragment."""
    query = """query ($first: Int!) { repository(owner: "libuv", name: "libuv") {
        pullRequests(last: 20) { nodes { ...Files } } } }
      fragment Files on PullRequest { files(first: $first) { nodes { path } } }"""

    longest = [
        max(
            len(node["files"]["nodes"])
            for node in client.ask(query, first=first)["data"]["repository"]["pullRequests"]["nodes"]
        )
        for first in (1, 2)
    ]

    assert longest == [1, 2]


def test_a_change_shows_in_the_very_next_answer(client_of: ClientOf) -> None:
    """Kept answers and renderings of before are not served after a change."""
    with simulator(synthetic=10) as github:
        client = client_of(github)
        before = client.page("synthetic/repo-0", first=5)["nodes"]
        number = before[3]["number"]

        github.touch("synthetic/repo-0", number, title="Another title")

        after = client.page("synthetic/repo-0", first=5)["nodes"]
    assert (after[0]["number"], after[0]["title"]) == (number, "Another title")
    assert after[0]["updatedAt"] > before[3]["updatedAt"]
