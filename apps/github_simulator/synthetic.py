"""Synthetic repositories, with every peculiarity of real ones that a client must cope with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from apps.github_simulator.actors import Actor, actor
from apps.github_simulator.forks import Fork
from apps.github_simulator.git import ChangedFile, Commit, GitActor, PatchStatus
from apps.github_simulator.identity import object_id, stable_number
from apps.github_simulator.model import PullRequest, PullRequestState, Repository, Review, ReviewState
from apps.github_simulator.times import format_time

_SPACING = timedelta(hours=3)  # between the last updates of consecutive pull requests
_PEOPLE = ("ada", "brian", "chen-wei", "dounia", "emeka", "françois", "grace", "hana")
_TITLES = (
    "Fix the parser",
    "Add a cache",
    "Mise à jour du café ☕",
    "修复连接池泄漏",
    "🚀 Speed up imports",
    "Drop Python 3.9",
)
_STATES: tuple[PullRequestState, ...] = ("MERGED", "MERGED", "MERGED", "MERGED", "MERGED", "CLOSED", "OPEN")
_REVIEWS: tuple[ReviewState, ...] = ("APPROVED", "COMMENTED", "CHANGES_REQUESTED", "DISMISSED", "APPROVED")
_CHANGES: tuple[PatchStatus, ...] = ("MODIFIED", "MODIFIED", "ADDED", "DELETED", "RENAMED")
_AI_TRAILERS = {
    1: "\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)\n\n"
    "Co-Authored-By: Claude <noreply@anthropic.com>",
    4: "\n\nCo-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>",
    7: "\n\nCo-authored-by: aider (gpt-4o) <noreply@aider.chat>",
}
_AI_BODIES = {
    2: "🤖 Generated with [Claude Code](https://claude.com/claude-code)",
    5: "Written with Cursor, reviewed by hand.",
}


@dataclass(frozen=True, kw_only=True)
class LongList:
    """A nested list of more than one page (100): pull request `first` has it, and every `every`th one after that."""

    length: int
    first: int
    every: int


LONG_LISTS: Mapping[str, LongList] = {
    "commits": LongList(length=130, first=20, every=97),
    "files": LongList(length=250, first=30, every=89),
    "reviews": LongList(length=120, first=40, every=101),
}
"""The long lists that occur in every synthetic repository, each with another pull request."""


def synthetic_repository(
    pull_requests: int, *, seed: int, until: datetime, long_lists_every: int | None = None
) -> Repository:
    """Return `synthetic/repo-SEED` with pull requests numbered from 1, the last of them updated at `until`.

    The same arguments always give the same data. It includes deleted authors, reviewers and forks; bots; all states;
    merges by unknown people; drafts; Unicode; AI trailers or signatures in a quarter of the pull requests; and each
    of `LONG_LISTS` in about one in a hundred. With `long_lists_every` N, every Nth pull request has all of these lists, and
    the others have none.
    """
    name = f"repo-{seed}"
    created = format_time(until - _SPACING * pull_requests - timedelta(days=30))
    repository = Repository(
        owner=Actor("synthetic", "Organization"),
        name=name,
        database_id=stable_number(f"synthetic/{name}"),
        created_at=created,
        updated_at=format_time(until),
        pushed_at=format_time(until),
        description="Synthetic",
    )
    random = Random(seed)  # noqa: S311 (test data, not a secret)
    for number in range(1, pull_requests + 1):
        updated = until - _SPACING * (pull_requests - number)
        lengths = _long_lengths(number, every=long_lists_every)
        repository.pull_requests[number] = _pull_request(repository, number, random, updated=updated, lengths=lengths)
    return repository


def _long_lengths(number: int, *, every: int | None) -> Mapping[str, int]:
    """Return the lengths of those lists of the pull request that are long."""
    if every is not None:
        return {} if number % every else {name: long_list.length for name, long_list in LONG_LISTS.items()}
    return {name: one.length for name, one in LONG_LISTS.items() if number % one.every == one.first}


def _pull_request(
    repository: Repository, number: int, random: Random, *, updated: datetime, lengths: Mapping[str, int]
) -> PullRequest:
    state = random.choice(_STATES)
    author = _author(number, random)
    opened = updated - timedelta(hours=random.randint(1, 400))
    ended = None if state == "OPEN" else format_time(opened + (updated - opened) * random.uniform(0.5, 1))
    pull_request = PullRequest(
        repository=repository,
        number=number,
        title=f"{random.choice(_TITLES)} ({number})",
        body=_AI_BODIES.get(number % 20, "" if number % 3 else "Closes an issue.\r\n\r\n> quoted — “so”"),
        state=state,
        author=author,
        created_at=format_time(opened),
        updated_at=format_time(updated),
        merged_at=ended if state == "MERGED" else None,
        closed_at=ended,
        merged_by=Actor(random.choice(_PEOPLE)) if state == "MERGED" and number % 5 else None,
        is_draft=state == "OPEN" and number % 2 == 0,
        head_ref_name=f"change-{number}",
        head_repository=_head(repository, author, number),
        commits=_commits(repository, number, random, opened=opened, updated=updated, length=lengths.get("commits")),
        files=_files(random, length=lengths.get("files")),
    )
    pull_request.reviews = _reviews(pull_request, random, opened=opened, updated=updated, length=lengths.get("reviews"))
    if state == "MERGED":
        pull_request.merge_commit = pull_request.commits[-1]
    return pull_request


def _author(number: int, random: Random) -> Actor | None:
    if number % 17 == 3:
        return None  # a deleted account, shown as `ghost` on the web page
    return actor("dependabot[bot]") if number % 13 == 6 else Actor(random.choice(_PEOPLE))


def _head(repository: Repository, author: Actor | None, number: int) -> Repository | Fork | None:
    if author is None or number % 11 == 8:
        return None
    return repository if number % 2 else Fork.owned_by(author, name=repository.name)


def _commits(
    repository: Repository, number: int, random: Random, *, opened: datetime, updated: datetime, length: int | None
) -> list[Commit]:
    total = length or random.choice((1, 1, 1, 2, 3, 5))
    commits = []
    for index in range(total):
        written = format_time(opened + (updated - opened) * index / total / 2)
        login = random.choice(_PEOPLE)
        user = None if (number + index) % 19 == 4 else Actor(login)  # an e-mail address without an account
        trailer = _AI_TRAILERS.get(number % 20, "") if index == 0 else ""
        commits.append(
            Commit(
                oid=object_id(repository.name_with_owner, number, index),
                message=f"Change {number}, part {index + 1}\n\nBecause it was needed.{trailer}",
                author=GitActor(name=login, user=user, date=written, email=f"{login}@example.com"),
                authored_date=written,
                committed_date=written,
                additions=random.randint(0, 80),
                deletions=random.randint(0, 40),
            )
        )
    return commits


def _files(random: Random, *, length: int | None) -> list[ChangedFile]:
    total = length or random.choice((1, 1, 2, 3, 4, 8))
    return [
        ChangedFile(
            path=f"src/paquet_é/module_{index:04}.py",
            additions=random.randint(0, 50),
            deletions=random.randint(0, 20),
            change_type=random.choice(_CHANGES),
        )
        for index in range(total)
    ]


def _reviews(
    pull_request: PullRequest, random: Random, *, opened: datetime, updated: datetime, length: int | None
) -> list[Review]:
    total = length or random.choice((0, 1, 1, 2, 3))
    reviews = []
    for index in range(total):
        state: ReviewState = "PENDING" if pull_request.number % 15 == 9 and index == 0 else random.choice(_REVIEWS)
        written = format_time(opened + (updated - opened) * (index + 1) / (total + 1))
        reviews.append(
            Review(
                database_id=pull_request.review_id(index),
                author=None if (pull_request.number + index) % 16 == 5 else Actor(random.choice(_PEOPLE)),
                state=state,
                created_at=written,
                submitted_at=None if state == "PENDING" else written,
                body="" if index % 2 else "Looks good — merci !",
            )
        )
    return reviews
