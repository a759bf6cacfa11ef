"""A made-up repository confronts a client with everything a real one may."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.github_simulator.model import PullRequest
from apps.github_simulator.synthetic import synthetic_repository

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


def made_up(count: int = 120, seed: int = 0) -> list[PullRequest]:
    """The pull requests of one made-up repository."""
    return list(synthetic_repository(count, seed=seed, until=UNTIL).pull_requests.values())


def test_one_seed_is_one_repository() -> None:
    """The same seed gives the same data, another seed other data under another name."""

    def picture(pull_requests: list[PullRequest]) -> list[object]:
        return [(pr.id, pr.title, pr.updated_at, pr.author, pr.commits, pr.files, pr.reviews) for pr in pull_requests]

    assert picture(made_up()) == picture(made_up())
    assert picture(made_up(seed=1)) != picture(made_up())
    assert synthetic_repository(1, seed=9, until=UNTIL).name_with_owner == "synthetic/repo-9"


def test_every_kind_of_trouble_is_in_it() -> None:
    """Deleted accounts and forks, all states, long lists, AI trailers, Unicode."""
    pull_requests = made_up()
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


def test_times_make_sense() -> None:
    """Opened before merged, merged before last updated, the last of all at the moment given."""
    for pr in made_up():
        times = [pr.created_at, pr.merged_at or pr.created_at, pr.updated_at]
        assert times == sorted(times)
    assert made_up()[-1].updated_at == "2026-11-01T00:00:00Z"
