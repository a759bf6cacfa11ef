"""Changes at GitHub during a sync, as seen through its API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from tests.github_simulator.client import Client
from tests.github_simulator.conftest import ClientOf

NAME = "synthetic/repo-0"


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """Run a simulator for one test."""
    with simulator(synthetic=40) as running:
        yield running


@pytest.fixture
def client(github: SimulatedGitHub, client_of: ClientOf) -> Client:
    """Return a client of that simulator."""
    return client_of(github)


def test_paging_is_stable_while_pull_requests_are_updated(github: SimulatedGitHub, client: Client) -> None:
    """A client misses one that jumps ahead of it, but misses and repeats nothing else."""
    first = client.page(NAME, first=10)
    jumped, met = 7, first["nodes"][4]["number"]
    github.touch(NAME, jumped)
    github.touch(NAME, met)
    numbers = [node["number"] for node in first["nodes"]]
    cursor = first["pageInfo"]["endCursor"]
    while cursor:
        connection = client.page(NAME, first=10, after=cursor)
        numbers += [node["number"] for node in connection["nodes"]]
        cursor = connection["pageInfo"]["endCursor"] if connection["pageInfo"]["hasNextPage"] else None

    assert len(numbers) == len(set(numbers))
    assert set(range(1, 41)) - set(numbers) == {jumped}
    assert {node["number"] for node in client.page(NAME, first=2)["nodes"]} == {met, jumped}


def test_a_force_push_replaces_commits_and_files(github: SimulatedGitHub, client: Client) -> None:
    """Without given files, those stay the same."""
    github.force_push(NAME, 3, messages=["One", "Two"], files=["b.py", "a.py"])

    (node,) = client.page(NAME, first=1)["nodes"]
    assert [item["commit"]["message"] for item in node["commits"]["nodes"]] == ["One", "Two"]
    assert [file["path"] for file in node["files"]["nodes"]] == ["a.py", "b.py"]

    github.force_push(NAME, 3)

    (node,) = client.page(NAME, first=1)["nodes"]
    assert node["commits"]["totalCount"] == 1
    assert node["files"]["totalCount"] == 2


def test_no_more_than_3000_files_are_listed(github: SimulatedGitHub, client: Client) -> None:
    """`changedFiles` counts all of them, as at GitHub."""
    github.set_files(NAME, 5, [f"file-{index:04}" for index in range(3_050)])

    (node,) = client.page(NAME, first=1)["nodes"]

    assert (node["changedFiles"], node["files"]["totalCount"]) == (3_050, 3_000)


def test_reviews_can_be_added_and_deleted(github: SimulatedGitHub, client: Client) -> None:
    """A new review comes last, and a deleted reviewer is null."""
    github.keep_reviews(NAME, 9, 0)
    github.add_review(NAME, 9, login="ada", state="CHANGES_REQUESTED")
    github.add_review(NAME, 9, login=None)

    (node,) = client.page(NAME, first=1)["nodes"]

    assert [(review["author"], review["state"]) for review in node["reviews"]["nodes"]] == [
        ({"__typename": "User", "login": "ada"}, "CHANGES_REQUESTED"),
        (None, "APPROVED"),
    ]
    assert node["reviewDecision"] == "CHANGES_REQUESTED"


def test_pull_requests_can_be_opened_and_deleted(github: SimulatedGitHub, client: Client) -> None:
    """A new one gets the next number and comes first, and the number of a deleted one stays unused."""
    opened = github.add_pull_request(NAME, title="Fresh")
    github.remove_pull_request(NAME, 40)

    connection = client.page(NAME, first=2)

    assert [node["number"] for node in connection["nodes"]] == [opened.number, 39] == [41, 39]
    assert connection["totalCount"] == 40


def test_graphql_follows_a_rename(github: SimulatedGitHub, client: Client) -> None:
    """The old name leads to the new one unless the query forbids that."""
    github.rename(NAME, "elsewhere/other")
    query = """{ old: repository(owner: "synthetic", name: "repo-0") { nameWithOwner }
                 not: repository(owner: "synthetic", name: "repo-0", followRenames: false) { id }
                 organization(login: "elsewhere") { login } }"""

    answer = client.graphql(query)

    assert answer["data"] == {
        "old": {"nameWithOwner": "elsewhere/other"},
        "not": None,
        "organization": {"login": "elsewhere"},
    }
    assert [error["path"] for error in answer["errors"]] == [["not"]]


def test_repositories_can_be_archived_and_removed(github: SimulatedGitHub, client: Client) -> None:
    """An archived one is complete, a removed one is found neither by name nor by id."""
    node_id = github.pull_request(NAME, 1).id
    github.archive(NAME)
    query = 'query ($id: ID!) { repository(owner: "synthetic", name: "repo-0") { isArchived } node(id: $id) { id } }'
    assert client.graphql(query, id=node_id)["data"] == {"repository": {"isArchived": True}, "node": {"id": node_id}}

    github.remove(NAME)

    assert client.graphql(query, id=node_id)["data"] == {"repository": None, "node": None}


def test_repositories_can_be_added(github: SimulatedGitHub, client: Client) -> None:
    """Each seed is a separate repository."""
    github.add_synthetic(3, seed=7)

    assert client.page("synthetic/repo-7")["totalCount"] == 3


def test_changing_something_unknown_is_an_error(github: SimulatedGitHub) -> None:
    """The error for a misspelt name lists the repositories."""
    with pytest.raises(KeyError, match="which has synthetic/repo-0"):
        github.archive("no/body")
    with pytest.raises(KeyError, match="synthetic/repo-0#99"):
        github.touch(NAME, 99)
