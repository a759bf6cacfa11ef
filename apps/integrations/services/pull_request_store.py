"""A page's rows, in one transaction with its cursor: one statement an entity, truthful counts, unchanged rows untouched.

Pull requests come by ``INSERT … ON CONFLICT`` over ``unnest``, which concurrent writers survive; their lists by ``MERGE``,
which also deletes what a whole list no longer holds (PostgreSQL 18).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps import catalog
from apps.pulls.rows import CommitRow, FileRow, PageRows, PullRequestRow, ReviewRow
from telemetry import observe

_TYPES = {"int": "bigint[]", "str": "text[]", "bool": "bool[]", "datetime": "timestamptz[]"}


@dataclass(frozen=True, slots=True)
class StoredPullRequest:
    """What one pull request now has in the database."""

    github_id: int
    number: int
    reviews: int
    commits: int
    files: int


@dataclass(frozen=True, slots=True)
class StoredPage:
    """The page's pull requests, in its order, and how many were new."""

    pull_requests: tuple[StoredPullRequest, ...]
    created: int


@dataclass(frozen=True, slots=True)
class _Children:
    """One list of a pull request: its table, row type, and the column that tells its rows apart."""

    entity: catalog.EntityType
    table: str
    row: type
    key: str


_REVIEWS = _Children("review", "pulls_review", ReviewRow, "node_id")
_COMMITS = _Children("commit", "pulls_commit", CommitRow, "oid")
_FILES = _Children("file", "pulls_changedfile", FileRow, "path")


def store_page(*, repository_id: int, rows: PageRows, commit: Callable[[], None]) -> StoredPage:
    """``rows`` and what ``commit`` writes are committed together; when either fails, neither is there."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            ids, created = _write_pull_requests(cursor, repository_id, rows.pull_requests)
            _write_children(cursor, _REVIEWS, rows.reviews, ids, rows.complete_reviews)
            _write_children(cursor, _COMMITS, rows.commits, ids, rows.complete_commits)
            _write_children(cursor, _FILES, rows.files, ids, rows.complete_files)
        commit()
    counts = [Counter(row.number for row in children) for children in (rows.reviews, rows.commits, rows.files)]
    return StoredPage(
        tuple(
            StoredPullRequest(row.github_id, row.number, *(count[row.number] for count in counts))
            for row in rows.pull_requests
        ),
        created,
    )


def count_stored(repository_id: int) -> int:
    """How many pull requests of the repository are stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pulls_pullrequest WHERE repository_id = %s", [repository_id])
        return int(cursor.fetchone()[0])


def gaps(repository_id: int) -> list[dict[str, Any]]:
    """The lists of which fewer rows are stored than GitHub counts: ``{pull_request, list, stored, total}``."""
    parts = [
        f"""SELECT p.number, '{name}', count(c.id), p.{total} FROM pulls_pullrequest p
            LEFT JOIN {children.table} c ON c.pull_request_id = p.id
            WHERE p.repository_id = %s GROUP BY p.id HAVING count(c.id) < p.{total}"""  # noqa: S608  # our own names
        for name, total, children in (
            ("reviews", "reviews_total", _REVIEWS),
            ("commits", "commits_total", _COMMITS),
            ("files", "changed_files", _FILES),
        )
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts) + " ORDER BY 1, 2", [repository_id] * len(parts))
        return [dict(zip(("pull_request", "list", "stored", "total"), row, strict=True)) for row in cursor.fetchall()]


def _write_pull_requests(
    cursor: CursorWrapper, repository_id: int, rows: Sequence[PullRequestRow]
) -> tuple[dict[int, int], int]:
    """The rows are there; their ids by number, and how many are new."""
    columns = _columns(PullRequestRow)
    values = [column for column in columns if column not in ("repository_id", "number")]
    with observe(catalog.RowsWrite(entity_type="pull_request", rows=len(rows))) as write:
        cursor.execute(
            f"""INSERT INTO pulls_pullrequest AS t ({", ".join(columns)})
                SELECT * FROM {_unnest(PullRequestRow)} ORDER BY s.number
                ON CONFLICT (repository_id, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in values)}
                WHERE ({_each("t", values)}) IS DISTINCT FROM ({_each("excluded", values)})
                RETURNING old.id IS NULL""",  # noqa: S608  # our own names
            _arrays(PullRequestRow, sorted(rows, key=lambda row: row.number)),
        )
        created = Counter(new for (new,) in cursor.fetchall())
        write.completed(catalog.RowsWritten(created=created[True], updated=created[False]))
    cursor.execute(
        "SELECT number, id FROM pulls_pullrequest WHERE repository_id = %s AND number = ANY(%s)",
        [repository_id, [row.number for row in rows]],
    )
    return dict(cursor.fetchall()), created[True]


def _write_children(
    cursor: CursorWrapper,
    children: _Children,
    rows: Sequence[Any],
    ids: dict[int, int],
    complete: Iterable[int],
) -> None:
    columns = ["pull_request_id", *_columns(children.row)[1:]]
    values = [column for column in columns if column not in ("pull_request_id", children.key)]
    complete_ids = [ids[number] for number in complete if number in ids]
    with observe(catalog.RowsWrite(entity_type=children.entity, rows=len(rows))) as write:
        arrays = _arrays(children.row, rows)
        arrays[0] = [ids[number] for number in arrays[0]]
        cursor.execute(
            f"""MERGE INTO {children.table} AS t
                USING {_unnest(children.row, first="pull_request_id")}
                ON t.pull_request_id = s.pull_request_id AND t.{children.key} = s.{children.key}
                    AND t.pull_request_id = ANY(%s)
                WHEN MATCHED AND ({_each("t", values)}) IS DISTINCT FROM ({_each("s", values)})
                    THEN UPDATE SET {", ".join(f"{name} = s.{name}" for name in values)}
                WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({_each("s", columns)})
                WHEN NOT MATCHED BY SOURCE AND t.pull_request_id = ANY(%s) THEN DELETE
                RETURNING merge_action()""",  # noqa: S608  # our own names
            [*arrays, list(ids.values()), complete_ids],
        )
        done = Counter(action for (action,) in cursor.fetchall())
        write.completed(catalog.RowsWritten(created=done["INSERT"], updated=done["UPDATE"], deleted=done["DELETE"]))


def _columns(row: type) -> list[str]:
    return [field.name for field in fields(row)]


def _unnest(row: type, first: str | None = None) -> str:
    """``unnest(…) AS s(…)`` over one array a column."""
    names = _columns(row)
    if first is not None:
        names[0] = first
    types = [_TYPES[str(field.type).partition(" ")[0]] for field in fields(row)]
    return f"unnest({', '.join(f'%s::{kind}' for kind in types)}) AS s({', '.join(names)})"


def _arrays(row: type, rows: Sequence[Any]) -> list[Any]:
    return [[getattr(item, name) for item in rows] for name in _columns(row)]


def _each(alias: str, names: Iterable[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)
