"""Histories of real projects, read from files and shifted in time as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import orjson

from apps.github_simulator.actors import Actor, actor, stable_number
from apps.github_simulator.git import ChangedFile, Commit, GitActor
from apps.github_simulator.model import Fork, PullRequest, Repository, Review
from apps.github_simulator.times import text_time

HISTORIES = Path(__file__).parent / "histories"
LIBUV = HISTORIES / "libuv__libuv.jsonl.gz"
PROCRASTINATE = HISTORIES / "procrastinate-org__procrastinate.jsonl.gz"

_WEB_COMMITTER = "github"  # git's committer of a merge made on the website, which hides who made it

_Row = Mapping[str, Any]


class HistoryError(ValueError):
    """An unreadable history file; the message says which file and why."""


def read_history(path: Path, *, until: datetime) -> Repository:
    """Return the repository in the file at `path`, shifted in time so that its newest pull request was merged at `until`.

    The order of events and the time between them stay those of the real project.
    Raise HistoryError if the file cannot be read.
    """
    try:
        records = [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        full_name, rows = records[0]["repository"], records[1:]
        newest = max(_time(row["mergedAt"]) for row in rows)
        return _repository(full_name, rows, shift=until.astimezone(UTC).replace(microsecond=0) - newest)
    except FileNotFoundError:
        raise HistoryError(f"{path}: there is no such file. Give a history as histories/README.md describes it.") from None
    except (OSError, EOFError, LookupError, TypeError, ValueError) as error:
        raise HistoryError(f"{path} is no history (histories/README.md describes one): {error!r}") from error


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _repository(full_name: str, rows: list[_Row], *, shift: timedelta) -> Repository:
    owner, name = full_name.split("/")
    first = min(_time(row["createdAt"]) for row in rows) + shift
    last = text_time(max(_time(row["mergedAt"]) for row in rows) + shift)
    repository = Repository(
        owner=Actor(owner, "Organization"),
        name=name,
        database_id=stable_number(full_name.lower()),
        created_at=text_time(first - timedelta(days=1)),
        updated_at=last,
        pushed_at=last,
    )
    for row in sorted(rows, key=lambda row: row["number"]):
        repository.pull_requests[row["number"]] = _pull_request(repository, row, shift=shift)
    return repository


def _pull_request(repository: Repository, row: _Row, *, shift: timedelta) -> PullRequest:
    merged = _time(row["mergedAt"]) + shift
    created = min(_time(row["createdAt"]) + shift, merged)  # an author's clock may be ahead of the merger's
    author = actor(row["author"])
    pull_request = PullRequest(
        repository=repository,
        number=row["number"],
        title=row["title"],
        body=row["body"],
        state=row["state"],
        author=author,
        created_at=text_time(created),
        updated_at=text_time(merged),
        merged_at=text_time(merged),
        closed_at=text_time(merged),
        merged_by=None if row["mergedBy"] in (None, _WEB_COMMITTER) else actor(row["mergedBy"]),
        head_ref_name=row["headRefName"],
        head_repository=repository if author.typename == "Bot" else Fork(author, repository.name),
        commits=[_commit(commit, shift=shift) for commit in row["commits"]],
        files=sorted(_files(row["files"]), key=lambda file: file.path),
    )
    pull_request.merge_commit = _merge_commit(pull_request, row["mergeCommit"])
    pull_request.reviews.extend(_approvals(pull_request, row["approvedBy"], created=created, merged=merged))
    return pull_request


def _commit(row: _Row, *, shift: timedelta) -> Commit:
    authored = text_time(_time(row["authoredDate"]) + shift)
    return Commit(
        oid=row["oid"],
        message=row["message"],
        author=GitActor(row["author"], actor(row["author"]), authored),
        authored_date=authored,
        committed_date=text_time(_time(row["committedDate"]) + shift),
        additions=row["additions"],
        deletions=row["deletions"],
    )


def _files(rows: list[_Row]) -> Iterator[ChangedFile]:
    for row in rows:
        yield ChangedFile(row["path"], row["additions"], row["deletions"], row["changeType"])


def _merge_commit(pull_request: PullRequest, oid: str) -> Commit:
    """Return the merge commit: one of the pull request's own if squashed or rebased, otherwise a separate one."""
    for commit in pull_request.commits:
        if commit.oid == oid:
            return commit
    merged_at = cast(str, pull_request.merged_at)
    merger = pull_request.merged_by or Actor("web-flow")
    message = f"Merge pull request #{pull_request.number}\n\n{pull_request.title}"
    return Commit(oid, message, GitActor(merger.login, merger, merged_at), merged_at, merged_at, 0, 0)


def _approvals(pull_request: PullRequest, logins: list[str], *, created: datetime, merged: datetime) -> Iterator[Review]:
    """Yield an approval from each reviewer, evenly spread between opening and merge, as git does not record the times."""
    for index, login in enumerate(logins):
        submitted = text_time(created + (merged - created) * (index + 1) / (len(logins) + 1))
        yield Review(
            database_id=pull_request.database_id * 10_000 + index,
            author=actor(login),
            state="APPROVED",
            created_at=submitted,
            submitted_at=submitted,
        )
