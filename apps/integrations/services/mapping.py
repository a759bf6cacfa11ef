"""Map GitHub's nodes to rows. Pure: what PostgreSQL cannot hold is mended here, and no page holds a key twice.

A column takes its value from the node's field of the same name unless another source is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from apps.integrations.github.answers import AnyList
from apps.integrations.github.nodes import PullRequestNode
from apps.integrations.services.columns import Columns
from apps.pulls.rows import (
    COMMITS,
    FILES,
    REVIEWS,
    CommitRow,
    FileRow,
    ListRow,
    ListRows,
    PageRows,
    PullRequestRow,
    ReviewRow,
    StoredList,
)

T = TypeVar("T")

_LONGEST_KEY = 2_600
"""Bytes of text that surely fit PostgreSQL's index, whose rows end at 2,704; git allows paths of 4,096."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedList:
    """A list of a pull request's node, and how its members become rows."""

    stored: StoredList
    columns: Columns[Any]


PULL_REQUEST = Columns(
    PullRequestRow,
    given={"repository_id"},
    github_id="database_id",
    author="author.login",
    author_kind="author.kind",
    merged_by="merged_by.login",
    merge_commit_oid="merge_commit.oid",
    base_ref="base_ref_name",
    head_ref="head_ref_name",
    head_repository="head_repository.name_with_owner",
    reviews_total="reviews.total_count",
    commits_total="commits.total_count",
    files_total="files.total_count",
)
LISTS = (
    MappedList(
        stored=REVIEWS,
        columns=Columns(
            ReviewRow,
            given={"number"},
            node_id="id",
            github_id="database_id",
            author="author.login",
            author_kind="author.kind",
            commit_oid="commit.oid",
        ),
    ),
    MappedList(
        stored=COMMITS,
        columns=Columns(
            CommitRow,
            given={"number"},
            oid="commit.oid",
            message="commit.message",
            author_login="commit.author.user.login",
            author_name="commit.author.name",
            authored_at="commit.authored_date",
            committed_at="commit.committed_date",
            additions="commit.additions",
            deletions="commit.deletions",
        ),
    ),
    MappedList(stored=FILES, columns=Columns(FileRow, given={"number"})),
)


def page_rows(nodes: Sequence[PullRequestNode], *, repository_id: int) -> PageRows:
    """Return the rows of `nodes`; of two with the same key, the first, since GitHub lists the last updated first."""
    pull_requests = _distinct(nodes, key=lambda node: node.number)
    return PageRows(
        pull_requests=tuple(PULL_REQUEST.row(node, repository_id=repository_id) for node in pull_requests),
        lists={mapped.stored.name: _list_rows(mapped, pull_requests) for mapped in LISTS},
    )


def _list_rows(mapped: MappedList, pull_requests: Sequence[PullRequestNode]) -> ListRows:
    rows: list[ListRow] = []
    complete: set[int] = set()
    for node in pull_requests:
        found: AnyList | None = getattr(node, mapped.stored.name)
        if found is None:
            continue
        members = [mapped.columns.row(member, number=node.number) for member in found.nodes]
        key = attrgetter(mapped.stored.key)
        distinct = _distinct(members, key=key)
        rows += [row for row in distinct if _is_indexable(key(row))]  # any other shows as a gap in its list
        if len(distinct) >= found.total_count:  # a shifted list repeats some members and lacks others
            complete.add(node.number)
    return ListRows(rows=tuple(rows), complete=frozenset(complete))


def _is_indexable(key: str) -> bool:
    return len(key) <= _LONGEST_KEY // 4 or len(key.encode()) <= _LONGEST_KEY


def _distinct(items: Iterable[T], *, key: Callable[[T], Hashable]) -> list[T]:
    seen: dict[Hashable, T] = {}
    for item in items:
        seen.setdefault(key(item), item)
    return list(seen.values())
