"""Counting pull requests by search, which tells how many a window holds."""

from __future__ import annotations

import pytest

from apps.github_simulator.testing import SimulatedGitHub
from tests.github_simulator.client import Client

REPOSITORY = "synthetic/repo-0"
COUNT = (
    "query ($q: String!) { search(query: $q, type: ISSUE, first: 1) { issueCount nodes { ... on PullRequest { number } } } }"
)


def count(client: Client, terms: str) -> int:
    """Return the issueCount of a search in the synthetic repository."""
    found: int = client.graphql(COUNT, q=f"repo:{REPOSITORY} is:pr {terms}")["data"]["search"]["issueCount"]
    return found


def test_a_window_of_updates_is_counted_to_the_second(client: Client, libuv: SimulatedGitHub) -> None:
    """All comparisons and ranges agree with the listing, for times and for whole days."""
    updated = sorted(pr.updated_at for pr in libuv.repository(REPOSITORY).pull_requests.values())
    middle, day = updated[60], updated[60][:10]

    assert count(client, "") == 120
    assert count(client, f"updated:>={middle}") == 60
    assert count(client, f"updated:>{middle}") == 59
    assert count(client, f"updated:<{middle}") == 60
    assert count(client, f"updated:<={middle}") == 61
    assert count(client, f"updated:{updated[10]}..{middle}") == 51
    assert count(client, f"updated:*..{middle}") == 61
    assert count(client, f"updated:{middle}..*") == 60
    assert count(client, f"updated:{day}") == sum(moment.startswith(day) for moment in updated)
    assert count(client, f"updated:>={day}") == sum(moment[:10] >= day for moment in updated)
    assert count(client, f"updated:<={day}") == sum(moment[:10] <= day for moment in updated)
    assert count(client, f"updated:>={middle.replace('Z', '+00:00')}") == 60


def test_states_and_authors_are_counted(client: Client, libuv: SimulatedGitHub) -> None:
    """The qualifiers is: and author: agree with the data."""
    held = libuv.repository(REPOSITORY).pull_requests.values()

    assert count(client, "is:merged") == sum(pr.state == "MERGED" for pr in held)
    assert count(client, "is:open") == sum(pr.state == "OPEN" for pr in held)
    assert count(client, "is:closed") == sum(pr.state != "OPEN" for pr in held)
    assert count(client, "author:ada") == sum(pr.author is not None and pr.author.login == "ada" for pr in held)


def test_results_come_newest_first_and_an_unknown_repository_has_none(client: Client) -> None:
    """The order is that of updatedAt."""
    search = client.graphql(COUNT, q=f"repo:{REPOSITORY} is:pr")["data"]["search"]

    assert search["nodes"] == [{"number": 120}]
    assert client.graphql(COUNT, q="repo:no/body is:pr")["data"]["search"]["issueCount"] == 0
    assert client.graphql(COUNT, q="org:libuv is:pr")["data"]["search"]["issueCount"] == 1_949


@pytest.mark.parametrize("terms", ["label:bug", "updated:yesterday", "some words"])
def test_a_search_that_is_not_understood_is_an_error(client: Client, terms: str) -> None:
    """A count that ignored a condition would be wrong."""
    answer = client.graphql(COUNT, q=f"repo:{REPOSITORY} is:pr {terms}")

    assert "data" not in answer or answer["data"] is None
    assert "The simulator's search does not" in answer["errors"][0]["message"]
