"""Generate a made-up repository with the oddities of real ones; the same seed gives the same repository."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from apps.github_simulator.actors import Actor, actor, stable_number
from apps.github_simulator.git import ChangedFile, Commit, GitActor, PatchStatus, object_id
from apps.github_simulator.model import Fork, PullRequest, PullRequestState, Repository, Review, ReviewState
from apps.github_simulator.times import text_time

_SPACING = timedelta(hours=3)  # between the last updates of two consecutive pull requests
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


def synthetic_repository(pull_requests: int, *, seed: int, until: datetime) -> Repository:
    """Return `synthetic/repo-SEED`, with pull requests numbered from 1 and the last one updated at `until`.

    It includes deleted authors, reviewers and forks, bots, pull requests in every state, merges by an unknown user,
    drafts and Unicode text. A quarter of the pull requests name an AI tool, in a commit trailer or the description;
    about one in a hundred each has 130 commits, 250 files or 120 reviews.
    """
    name = f"repo-{seed}"
    born = text_time(until - _SPACING * pull_requests - timedelta(days=30))
    repository = Repository(
        owner=Actor("synthetic", "Organization"),
        name=name,
        database_id=stable_number(f"synthetic/{name}"),
        created_at=born,
        updated_at=text_time(until),
        pushed_at=text_time(until),
        description="Made up",
    )
    random = Random(seed)  # noqa: S311 (made-up data, not a secret)
    for number in range(1, pull_requests + 1):
        updated = until - _SPACING * (pull_requests - number)
        repository.pull_requests[number] = _pull_request(repository, number, random, updated=updated)
    return repository


def _pull_request(repository: Repository, number: int, random: Random, *, updated: datetime) -> PullRequest:
    state = random.choice(_STATES)
    author = _author(number, random)
    opened = updated - timedelta(hours=random.randint(1, 400))
    ended = None if state == "OPEN" else text_time(opened + (updated - opened) * random.uniform(0.5, 1))
    pull_request = PullRequest(
        repository=repository,
        number=number,
        title=f"{random.choice(_TITLES)} ({number})",
        body=_AI_BODIES.get(number % 20, "" if number % 3 else "Closes an issue.\r\n\r\n> quoted — “so”"),
        state=state,
        author=author,
        created_at=text_time(opened),
        updated_at=text_time(updated),
        merged_at=ended if state == "MERGED" else None,
        closed_at=ended,
        merged_by=Actor(random.choice(_PEOPLE)) if state == "MERGED" and number % 5 else None,
        is_draft=state == "OPEN" and number % 2 == 0,
        head_ref_name=f"change-{number}",
        head_repository=_head(repository, author, number),
        commits=_commits(repository, number, random, opened=opened, updated=updated),
        files=_files(number, random),
    )
    pull_request.reviews = _reviews(pull_request, random, opened=opened, updated=updated)
    if state == "MERGED":
        pull_request.merge_commit = pull_request.commits[-1]
    return pull_request


def _author(number: int, random: Random) -> Actor | None:
    if number % 17 == 3:
        return None  # a deleted account, shown as "ghost" on the website
    return actor("dependabot[bot]") if number % 13 == 6 else Actor(random.choice(_PEOPLE))


def _head(repository: Repository, author: Actor | None, number: int) -> Repository | Fork | None:
    if author is None or number % 11 == 8:
        return None
    return repository if number % 2 else Fork(author, repository.name)


def _commits(repository: Repository, number: int, random: Random, *, opened: datetime, updated: datetime) -> list[Commit]:
    total = 130 if number % 97 == 20 else random.choice((1, 1, 1, 2, 3, 5))
    commits = []
    for index in range(total):
        written = text_time(opened + (updated - opened) * index / total / 2)
        login = random.choice(_PEOPLE)
        user = None if (number + index) % 19 == 4 else Actor(login)  # an address that belongs to no account
        trailer = _AI_TRAILERS.get(number % 20, "") if index == 0 else ""
        commits.append(
            Commit(
                oid=object_id(repository.name_with_owner, number, index),
                message=f"Change {number}, part {index + 1}\n\nBecause it was needed.{trailer}",
                author=GitActor(login, user, written, f"{login}@example.com"),
                authored_date=written,
                committed_date=written,
                additions=random.randint(0, 80),
                deletions=random.randint(0, 40),
            )
        )
    return commits


def _files(number: int, random: Random) -> list[ChangedFile]:
    total = 250 if number % 89 == 30 else random.choice((1, 1, 2, 3, 4, 8))
    return [
        ChangedFile(
            f"src/paquet_é/module_{index:04}.py",
            random.randint(0, 50),
            random.randint(0, 20),
            random.choice(_CHANGES),
        )
        for index in range(total)
    ]


def _reviews(pull_request: PullRequest, random: Random, *, opened: datetime, updated: datetime) -> list[Review]:
    total = 120 if pull_request.number % 101 == 40 else random.choice((0, 1, 1, 2, 3))
    reviews = []
    for index in range(total):
        state: ReviewState = "PENDING" if pull_request.number % 15 == 9 and index == 0 else random.choice(_REVIEWS)
        written = text_time(opened + (updated - opened) * (index + 1) / (total + 1))
        reviews.append(
            Review(
                database_id=pull_request.database_id * 10_000 + index,
                author=None if (pull_request.number + index) % 16 == 5 else Actor(random.choice(_PEOPLE)),
                state=state,
                created_at=written,
                submitted_at=None if state == "PENDING" else written,
                body="" if index % 2 else "Looks good — merci !",
            )
        )
    return reviews
