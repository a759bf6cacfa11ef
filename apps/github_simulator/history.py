"""Real projects' histories: read from files, and shifted in time as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from apps.github_simulator.actors import Actor, actor
from apps.github_simulator.forks import Fork
from apps.github_simulator.git import ChangedFile, Commit, GitActor
from apps.github_simulator.identity import stable_number
from apps.github_simulator.model import PullRequest, Repository, Review
from apps.github_simulator.times import format_time

HISTORIES = Path(__file__).parent / "histories"
LIBUV = HISTORIES / "libuv__libuv.jsonl.gz"
PROCRASTINATE = HISTORIES / "procrastinate-org__procrastinate.jsonl.gz"

_WEB_COMMITTER = "github"  # the committer that git records for a merge on the web page, which hides who pressed the button

_Row = Mapping[str, Any]


class HistoryError(ValueError):
    """A history file cannot be read; the message says which and why."""


def read_history(path: Path, *, until: datetime) -> Repository:
    """Return the repository in a history file, shifted in time so that its newest pull request was updated at `until`.

    The order of its pull requests and the intervals between them stay the project's own. Raises HistoryError.
    """
    try:
        records = [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        full_name, rows = records[0]["repository"], records[1:]
        newest = max(_time(row["mergedAt"]) for row in rows)
        return _repository(full_name, rows, shift=until.astimezone(UTC).replace(microsecond=0) - newest)
    except FileNotFoundError:
        raise HistoryError(f"{path} does not exist. Give a history file as described in histories/README.md.") from None
    except (OSError, EOFError, LookupError, TypeError, ValueError) as error:
        raise HistoryError(f"{path} is not a history file as described in histories/README.md: {error!r}") from error


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _repository(full_name: str, rows: list[_Row], *, shift: timedelta) -> Repository:
    owner, name = full_name.split("/")
    first = min(_time(row["createdAt"]) for row in rows) + shift
    last = format_time(max(_time(row["mergedAt"]) for row in rows) + shift)
    repository = Repository(
        owner=Actor(owner, "Organization"),
        name=name,
        database_id=stable_number(full_name.lower()),
        created_at=format_time(first - timedelta(days=1)),
        updated_at=last,
        pushed_at=last,
    )
    for row in sorted(rows, key=lambda row: row["number"]):
        repository.pull_requests[row["number"]] = _pull_request(repository, row, shift=shift)
    return repository


def _pull_request(repository: Repository, row: _Row, *, shift: timedelta) -> PullRequest:
    merged = _time(row["mergedAt"]) + shift
    created = min(_time(row["createdAt"]) + shift, merged)  # the author's clock may be ahead of the merger's
    author = actor(row["author"])
    pull_request = PullRequest(
        repository=repository,
        number=row["number"],
        title=row["title"],
        body=row["body"],
        state=row["state"],
        author=author,
        created_at=format_time(created),
        updated_at=format_time(merged),
        merged_at=format_time(merged),
        closed_at=format_time(merged),
        merged_by=None if row["mergedBy"] in (None, _WEB_COMMITTER) else actor(row["mergedBy"]),
        head_ref_name=row["headRefName"],
        head_repository=repository if author.typename == "Bot" else Fork.owned_by(author, name=repository.name),
        commits=[_commit(commit, shift=shift) for commit in row["commits"]],
        files=sorted(_files(row["files"]), key=lambda file: file.path),
    )
    pull_request.merge_commit = _merge_commit(pull_request, row["mergeCommit"], merged=merged)
    pull_request.reviews.extend(_approvals(pull_request, row["approvedBy"], created=created, merged=merged))
    return pull_request


def _commit(row: _Row, *, shift: timedelta) -> Commit:
    authored = format_time(_time(row["authoredDate"]) + shift)
    return Commit(
        oid=row["oid"],
        message=row["message"],
        author=GitActor(name=row["author"], user=actor(row["author"]), date=authored),
        authored_date=authored,
        committed_date=format_time(_time(row["committedDate"]) + shift),
        additions=row["additions"],
        deletions=row["deletions"],
    )


def _files(rows: list[_Row]) -> Iterator[ChangedFile]:
    for row in rows:
        yield ChangedFile(
            path=row["path"], additions=row["additions"], deletions=row["deletions"], change_type=row["changeType"]
        )


def _merge_commit(pull_request: PullRequest, oid: str, *, merged: datetime) -> Commit:
    """Return the pull request's own last commit if it was squashed or rebased, and a new merge commit otherwise."""
    for commit in pull_request.commits:
        if commit.oid == oid:
            return commit
    merger = pull_request.merged_by or Actor("web-flow")
    date = format_time(merged)
    return Commit(
        oid=oid,
        message=f"Merge pull request #{pull_request.number}\n\n{pull_request.title}",
        author=GitActor(name=merger.login, user=merger, date=date),
        authored_date=date,
        committed_date=date,
        additions=0,
        deletions=0,
    )


def _approvals(pull_request: PullRequest, logins: list[str], *, created: datetime, merged: datetime) -> Iterator[Review]:
    """Yield one approval per login, spread evenly between opening and merge, since git does not record their times."""
    for position, login in enumerate(logins):
        submitted = format_time(created + (merged - created) * (position + 1) / (len(logins) + 1))
        yield Review(
            database_id=pull_request.review_id(position),
            author=actor(login),
            state="APPROVED",
            created_at=submitted,
            submitted_at=submitted,
        )
