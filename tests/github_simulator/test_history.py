"""Real histories, shifted in time as a whole."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.github_simulator.history import LIBUV, PROCRASTINATE, HistoryError, read_history
from apps.github_simulator.model import Repository
from apps.github_simulator.testing import simulator

UNTIL = datetime(2026, 11, 1, 12, 0, 0, 900_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def libuv_history() -> Repository:
    """Read libuv's history once."""
    return read_history(LIBUV, until=UNTIL)


@pytest.mark.parametrize(
    ("path", "counts"), [(LIBUV, (1_949, 2_252, 5_696, 2_504)), (PROCRASTINATE, (921, 2_328, 3_958, 0))]
)
def test_a_history_is_read_completely(path: Path, counts: tuple[int, ...]) -> None:
    """The numbers of pull requests, commits, files and approvals are those in the README of the histories."""
    pull_requests = read_history(path, until=UNTIL).pull_requests.values()

    assert counts == (
        len(pull_requests),
        sum(len(pr.commits) for pr in pull_requests),
        sum(len(pr.files) for pr in pull_requests),
        sum(len(pr.reviews) for pr in pull_requests),
    )


def test_a_history_is_shifted_as_a_whole_to_end_at_the_given_time(libuv_history: Repository) -> None:
    """The intervals between its pull requests stay the same."""
    early = read_history(LIBUV, until=UNTIL - timedelta(days=365))

    assert max(pr.updated_at for pr in libuv_history.pull_requests.values()) == "2026-11-01T12:00:00Z"
    shifts = {
        datetime.fromisoformat(libuv_history.pull_requests[number].updated_at) - datetime.fromisoformat(pr.updated_at)
        for number, pr in early.pull_requests.items()
    }
    assert shifts == {timedelta(days=365)}


def test_approvals_lie_between_opening_and_merge(libuv_history: Repository) -> None:
    """Git does not record their times, only the order of the trailers."""
    reviewed = [pr for pr in libuv_history.pull_requests.values() if pr.reviews]

    assert len(reviewed) > 1_000
    for pr in reviewed:
        times = [pr.created_at, *(review.submitted_at or "" for review in pr.reviews), pr.merged_at]
        assert times == sorted(times, key=str)
        assert {review.state for review in pr.reviews} == {"APPROVED"}


def test_bots_are_recognised_and_web_merges_have_no_merger() -> None:
    """`renovate[bot]` is a Bot called renovate, and git's name for the web page is not an account."""
    pull_requests = read_history(PROCRASTINATE, until=UNTIL).pull_requests.values()

    actors = {actor for pr in pull_requests for actor in (pr.author, pr.merged_by) if actor}
    assert {actor.login for actor in actors if actor.typename == "Bot"} == {"renovate"}
    assert "github" not in {actor.login for actor in actors}


def test_the_merge_commit_is_the_squashed_one_or_a_new_one(libuv_history: Repository) -> None:
    """A squashed pull request has its own commit as merge commit."""
    pull_requests = libuv_history.pull_requests

    squashed = pull_requests[5135]
    assert squashed.merge_commit is squashed.commits[0]
    assert all(pr.merge_commit for pr in pull_requests.values())


def test_an_unreadable_history_file_is_reported(tmp_path: Path) -> None:
    """The error gives its path, and where the format is described."""
    wrong = tmp_path / "wrong.jsonl.gz"
    wrong.write_bytes(gzip.compress(json.dumps({"repository": "o/n"}).encode()))

    for path in (tmp_path / "absent.jsonl.gz", wrong, Path(__file__)):
        with pytest.raises(HistoryError, match=rf"{path.name}.*README"):
            read_history(path, until=UNTIL)


def test_a_simulator_holds_both_shipped_histories_by_default() -> None:
    with simulator() as github:
        names = {repository.name_with_owner for repository in github.repositories}

    assert names == {"libuv/libuv", "procrastinate-org/procrastinate"}
