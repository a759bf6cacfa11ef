"""Synthetic repositories and the peculiarities in them."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.github_simulator.model import PullRequest
from apps.github_simulator.synthetic import LONG_LISTS, synthetic_repository
from apps.github_simulator.testing import simulator
from tests.github_simulator.conftest import ClientOf

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


def synthetic(count: int = 120, seed: int = 0) -> list[PullRequest]:
    """Return the pull requests of a synthetic repository."""
    return list(synthetic_repository(count, seed=seed, until=UNTIL).pull_requests.values())


def test_a_seed_determines_the_repository() -> None:
    """The same seed gives the same data, another seed gives other data under another name."""

    def content(pull_requests: list[PullRequest]) -> list[object]:
        return [(pr.id, pr.title, pr.updated_at, pr.author, pr.commits, pr.files, pr.reviews) for pr in pull_requests]

    assert content(synthetic()) == content(synthetic())
    assert content(synthetic(seed=1)) != content(synthetic())
    assert synthetic_repository(1, seed=9, until=UNTIL).name_with_owner == "synthetic/repo-9"


def test_every_peculiarity_occurs() -> None:
    """Among them are deleted accounts and forks, all states, long lists, AI trailers and Unicode."""
    pull_requests = synthetic()
    reviews = [review for pr in pull_requests for review in pr.reviews]

    assert {pr.state for pr in pull_requests} == {"OPEN", "CLOSED", "MERGED"}
    assert {review.state for review in reviews} == {"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"}
    assert any(pr.author is None for pr in pull_requests)
    assert any(pr.author and pr.author.typename == "Bot" for pr in pull_requests)
    assert any(pr.state == "MERGED" and pr.merged_by is None for pr in pull_requests)
    assert any(pr.head_repository is None for pr in pull_requests)
    assert any(review.author is None for review in reviews)
    assert any(commit.author.user is None for pr in pull_requests for commit in pr.commits)
    assert any(pr.is_draft for pr in pull_requests)
    assert any("Claude" in pr.commits[0].message for pr in pull_requests)
    assert any(not pr.title.isascii() for pr in pull_requests)
    for kind in ("commits", "files", "reviews"):
        assert max(len(getattr(pr, kind)) for pr in pull_requests) > 100


def test_long_lists_occur_as_often_as_requested(client_of: ClientOf) -> None:
    """The pull requests in between have lists that fit on one page."""
    with simulator(synthetic=9, long_lists_every=3) as github:
        github.add_synthetic(2, seed=1, long_lists_every=1)
        client = client_of(github)
        lengths = {
            (name, node["number"]): {kind: node[kind]["totalCount"] for kind in LONG_LISTS}
            for name in ("repo-0", "repo-1")
            for node in client.page(f"synthetic/{name}", first=100)["nodes"]
        }

    long = {kind: long_list.length for kind, long_list in LONG_LISTS.items()}
    assert all(length > 100 for length in long.values())
    for (name, number), found in lengths.items():
        if name == "repo-1" or number % 3 == 0:
            assert found == long
        else:
            assert max(found.values()) < 100


def test_times_are_in_order() -> None:
    """Pull requests are opened, merged and then updated, the last of them at the given time."""
    for pr in synthetic():
        times = [pr.created_at, pr.merged_at or pr.created_at, pr.updated_at]
        assert times == sorted(times)
    assert synthetic()[-1].updated_at == "2026-11-01T00:00:00Z"
