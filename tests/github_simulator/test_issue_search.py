"""Counts by search, which tell a window's size before it is read."""

from __future__ import annotations

import pytest

from apps.github_simulator.testing import SimulatedGitHub
from tests.github_simulator.asking import Client

REPOSITORY = "synthetic/repo-0"
COUNT = (
    "query ($q: String!) { search(query: $q, type: ISSUE, first: 1) { issueCount nodes { ... on PullRequest { number } } } }"
)


def count(client: Client, terms: str) -> int:
    """issueCount of a search in the made-up repository."""
    found: int = client.ask(COUNT, q=f"repo:{REPOSITORY} is:pr {terms}")["data"]["search"]["issueCount"]
    return found


def test_a_window_is_counted_by_updated_at(client: Client, libuv: SimulatedGitHub) -> None:
    """`>=`, `<`, and ranges count what the listing holds, to the second and by the day."""
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
    """is:merged, is:open, is:closed and author: agree with the data."""
    held = libuv.repository(REPOSITORY).pull_requests.values()

    assert count(client, "is:merged") == sum(pr.state == "MERGED" for pr in held)
    assert count(client, "is:open") == sum(pr.state == "OPEN" for pr in held)
    assert count(client, "is:closed") == sum(pr.state != "OPEN" for pr in held)
    assert count(client, "author:ada") == sum(pr.author is not None and pr.author.login == "ada" for pr in held)


def test_the_newest_is_found_first_and_strangers_count_nothing(client: Client) -> None:
    """Nodes come by updatedAt; a repository that is not there has none."""
    search = client.ask(COUNT, q=f"repo:{REPOSITORY} is:pr")["data"]["search"]

    assert search["nodes"] == [{"number": 120}]
    assert client.ask(COUNT, q="repo:no/body is:pr")["data"]["search"]["issueCount"] == 0
    assert client.ask(COUNT, q="org:libuv is:pr")["data"]["search"]["issueCount"] == 1_949


@pytest.mark.parametrize("terms", ["label:bug", "updated:yesterday", "some words"])
def test_what_search_does_not_know_is_an_error_and_no_count(client: Client, terms: str) -> None:
    """No count that nobody can trust."""
    answer = client.ask(COUNT, q=f"repo:{REPOSITORY} is:pr {terms}")

    assert "data" not in answer or answer["data"] is None
    assert "The simulator's search does not" in answer["errors"][0]["message"]
