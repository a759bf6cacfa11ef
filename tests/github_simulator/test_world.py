"""What may happen at GitHub while somebody syncs, seen through the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.github_simulator.testing import SimulatedGitHub, simulator
from tests.github_simulator.asking import Client
from tests.github_simulator.conftest import ClientOf

NAME = "synthetic/repo-0"


@pytest.fixture
def github() -> Iterator[SimulatedGitHub]:
    """A simulator of this test's own."""
    with simulator(synthetic=40) as running:
        yield running


@pytest.fixture
def asking(github: SimulatedGitHub, client_of: ClientOf) -> Client:
    """A client of this test's simulator."""
    return client_of(github)


def test_paging_is_stable_while_a_pull_request_is_touched(github: SimulatedGitHub, asking: Client) -> None:
    """One that jumps ahead is missed by who pages, and nothing else is missed or repeated."""
    first = asking.page(NAME, first=10)
    jumped, met = 7, first["nodes"][4]["number"]
    github.touch(NAME, jumped)
    github.touch(NAME, met)
    numbers = [node["number"] for node in first["nodes"]]
    cursor = first["pageInfo"]["endCursor"]
    while cursor:
        connection = asking.page(NAME, first=10, after=cursor)
        numbers += [node["number"] for node in connection["nodes"]]
        cursor = connection["pageInfo"]["endCursor"] if connection["pageInfo"]["hasNextPage"] else None

    assert len(numbers) == len(set(numbers))
    assert set(range(1, 41)) - set(numbers) == {jumped}
    assert {node["number"] for node in asking.page(NAME, first=2)["nodes"]} == {met, jumped}


def test_a_force_push_replaces_commits_and_files(github: SimulatedGitHub, asking: Client) -> None:
    """The old ones are gone; without files given, they stay."""
    github.force_push(NAME, 3, messages=["One", "Two"], files=["b.py", "a.py"])

    (node,) = asking.page(NAME, first=1)["nodes"]
    assert [item["commit"]["message"] for item in node["commits"]["nodes"]] == ["One", "Two"]
    assert [file["path"] for file in node["files"]["nodes"]] == ["a.py", "b.py"]

    github.force_push(NAME, 3)

    (node,) = asking.page(NAME, first=1)["nodes"]
    assert node["commits"]["totalCount"] == 1
    assert node["files"]["totalCount"] == 2


def test_github_lists_no_more_than_3000_files(github: SimulatedGitHub, asking: Client) -> None:
    """`changedFiles` tells the truth, the list does not."""
    github.set_files(NAME, 5, [f"file-{index:04}" for index in range(3_050)])

    (node,) = asking.page(NAME, first=1)["nodes"]

    assert (node["changedFiles"], node["files"]["totalCount"]) == (3_050, 3_000)


def test_reviews_come_and_go(github: SimulatedGitHub, asking: Client) -> None:
    """A new review is last; a deleted reviewer is null."""
    github.keep_reviews(NAME, 9, 0)
    github.add_review(NAME, 9, login="ada", state="CHANGES_REQUESTED")
    github.add_review(NAME, 9, login=None)

    (node,) = asking.page(NAME, first=1)["nodes"]

    assert [(review["author"], review["state"]) for review in node["reviews"]["nodes"]] == [
        ({"__typename": "User", "login": "ada"}, "CHANGES_REQUESTED"),
        (None, "APPROVED"),
    ]
    assert node["reviewDecision"] == "CHANGES_REQUESTED"


def test_pull_requests_are_opened_and_deleted(github: SimulatedGitHub, asking: Client) -> None:
    """A new one has the next number and comes first; a deleted one leaves its number unused."""
    opened = github.add_pull_request(NAME, title="Fresh")
    github.remove_pull_request(NAME, 40)

    connection = asking.page(NAME, first=2)

    assert [node["number"] for node in connection["nodes"]] == [opened.number, 39] == [41, 39]
    assert connection["totalCount"] == 40


def test_a_renamed_repository_is_followed_by_graphql(github: SimulatedGitHub, asking: Client) -> None:
    """The old name leads to the new one, unless the query does not want that."""
    github.rename(NAME, "elsewhere/other")
    query = """{ old: repository(owner: "synthetic", name: "repo-0") { nameWithOwner }
                 not: repository(owner: "synthetic", name: "repo-0", followRenames: false) { id }
                 organization(login: "elsewhere") { login } }"""

    answer = asking.ask(query)

    assert answer["data"] == {
        "old": {"nameWithOwner": "elsewhere/other"},
        "not": None,
        "organization": {"login": "elsewhere"},
    }
    assert [error["path"] for error in answer["errors"]] == [["not"]]


def test_archived_and_gone(github: SimulatedGitHub, asking: Client) -> None:
    """An archived repository is all there; a removed one is not found, by name or by id."""
    node_id = github.pull_request(NAME, 1).id
    github.archive(NAME)
    query = 'query ($id: ID!) { repository(owner: "synthetic", name: "repo-0") { isArchived } node(id: $id) { id } }'
    assert asking.ask(query, id=node_id)["data"] == {"repository": {"isArchived": True}, "node": {"id": node_id}}

    github.remove(NAME)

    assert asking.ask(query, id=node_id)["data"] == {"repository": None, "node": None}


def test_more_repositories_may_appear(github: SimulatedGitHub, asking: Client) -> None:
    """Each seed is a repository of its own."""
    github.add_synthetic(3, seed=7)

    assert asking.page("synthetic/repo-7")["totalCount"] == 3


def test_what_is_not_there_cannot_be_changed(github: SimulatedGitHub) -> None:
    """A misspelt name in a test is an error that says what there is."""
    with pytest.raises(KeyError, match="which has synthetic/repo-0"):
        github.archive("no/body")
    with pytest.raises(KeyError, match="synthetic/repo-0#99"):
        github.touch(NAME, 99)
