"""A page's rows, in one transaction with its cursor: one statement an entity, truthful counts, unchanged rows untouched.

Rows travel as one JSON document, which costs us a tenth of what arrays do and PostgreSQL no more. Pull requests come by
``INSERT … ON CONFLICT``, which concurrent writers survive and which locks each of them, in order: until the commit their
lists are ours alone. Those come by ``MERGE``, beside a ``DELETE`` of what a whole list no longer holds; on a page of new
pull requests by ``INSERT``. Every plan goes by the page's keys; none reads a whole table (PostgreSQL 18).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import psycopg
from django.db import connection, transaction

from apps import catalog
from apps.pulls.models import PullRequest
from apps.pulls.rows import CommitRow, FileRow, PageRows, PullRequestRow, ReviewRow
from telemetry import observe

_WINDOW = """
    p.repository_id = %(repository)s
    AND p.updated_at >= coalesce(%(since)s, '-infinity'::timestamptz)
    AND p.updated_at < coalesce(%(before)s, 'infinity'::timestamptz)
"""
_TYPES = {"int": "bigint", "str": "text", "bool": "bool", "datetime": "timestamptz"}


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
        numbers = [row.number for row in rows.pull_requests]
        with _cursor() as cursor:
            created = _write_pull_requests(cursor, rows.pull_requests)
            for children, list_rows, complete in (
                (_REVIEWS, rows.reviews, rows.complete_reviews),
                (_COMMITS, rows.commits, rows.complete_commits),
                (_FILES, rows.files, rows.complete_files),
            ):
                if created == len(numbers):  # what did not exist has no lists to compare with
                    _write_children(cursor, children, list_rows, _insert(children), repository_id, numbers)
                else:
                    _write_children(cursor, children, list_rows, _merge(children), repository_id, numbers, list(complete))
        commit()
    counts = [Counter(row.number for row in children) for children in (rows.reviews, rows.commits, rows.files)]
    return StoredPage(
        tuple(
            StoredPullRequest(row.github_id, row.number, *(count[row.number] for count in counts))
            for row in rows.pull_requests
        ),
        created,
    )


def count_stored(repository_id: int, *, since: datetime | None = None, before: datetime | None = None) -> int:
    """How many pull requests of the repository are stored that were updated at ``since`` or later, and before ``before``."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM pulls_pullrequest p WHERE {_WINDOW}",  # noqa: S608  # our own text
            {"repository": repository_id, "since": since, "before": before},
        )
        return int(cursor.fetchone()[0])


def stored_numbers(repository_id: int) -> set[int]:
    """The numbers of the repository's stored pull requests."""
    return set(PullRequest.objects.filter(repository_id=repository_id).values_list("number", flat=True))


def delete_pull_requests(repository_id: int, numbers: Collection[int]) -> None:
    """The pull requests with these numbers are gone, with all that belongs to them."""
    with observe(catalog.RowsWrite(entity_type="pull_request", rows=len(numbers))) as write:
        _, deleted = PullRequest.objects.filter(repository_id=repository_id, number__in=numbers).delete()
        write.completed(catalog.RowsWritten(created=0, updated=0, deleted=deleted.get("pulls.PullRequest", 0)))


def gaps(repository_id: int, *, since: datetime | None = None) -> list[dict[str, Any]]:
    """The lists of which fewer rows are stored than GitHub counts: ``{pull_request, list, stored, total}``.

    Of pull requests that were updated at ``since`` or later.
    """
    window = {"repository": repository_id, "since": since, "before": None}
    parts = [
        f"""SELECT p.number, '{name}', count(c.id), p.{total} FROM pulls_pullrequest p
            LEFT JOIN {children.table} c ON c.pull_request_id = p.id
            WHERE {_WINDOW} GROUP BY p.id HAVING count(c.id) < p.{total}"""  # noqa: S608  # our own names
        for name, total, children in (
            ("reviews", "reviews_total", _REVIEWS),
            ("commits", "commits_total", _COMMITS),
            ("files", "changed_files", _FILES),
        )
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts) + " ORDER BY 1, 2", window)
        return [dict(zip(("pull_request", "list", "stored", "total"), row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def _cursor() -> Iterator[psycopg.Cursor]:
    """A cursor of Django's connection that sends values apart from the statement: Django's own quotes them into it."""
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def _write_pull_requests(cursor: psycopg.Cursor, rows: Sequence[PullRequestRow]) -> int:
    """The rows are there, and locked; how many are new."""
    with observe(catalog.RowsWrite(entity_type="pull_request", rows=len(rows))) as write:
        cursor.execute(_upsert(), [_json(rows)])
        done = Counter(new for (new,) in cursor.fetchall())
        write.completed(catalog.RowsWritten(created=done[True], updated=done[False]))
    return done[True]


def _write_children(
    cursor: psycopg.Cursor, children: _Children, rows: Sequence[Any], statement: bytes, *values: Any
) -> None:
    """The rows are there: ``statement`` takes them as JSON and then ``values``, and tells what was done with each."""
    with observe(catalog.RowsWrite(entity_type=children.entity, rows=len(rows))) as write:
        cursor.execute(statement, [_json(rows), *values])
        done = Counter(action for (action,) in cursor.fetchall())
        write.completed(catalog.RowsWritten(created=done["INSERT"], updated=done["UPDATE"], deleted=done["DELETE"]))


@cache
def _upsert() -> bytes:
    columns = [field.name for field in fields(PullRequestRow)]
    values = [column for column in columns if column not in ("repository_id", "number")]
    return f"""
        INSERT INTO pulls_pullrequest AS t ({", ".join(columns)})
        SELECT {_each("s", columns)} FROM {_recordset(PullRequestRow, "s")} ORDER BY s.number
        ON CONFLICT (repository_id, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in values)}
        WHERE ({_each("t", values)}) IS DISTINCT FROM ({_each("excluded", values)})
        RETURNING old.id IS NULL""".encode()  # noqa: S608  # our own names


@cache
def _insert(children: _Children) -> bytes:
    """All rows are new; values: the rows, their repository, its pull requests on the page."""
    columns = _child_columns(children)
    return f"""
        {_with_sources(children)}
        INSERT INTO {children.table} ({", ".join(columns)}) SELECT {_each("s", columns)} FROM s
        RETURNING 'INSERT'""".encode()  # noqa: S608  # our own names


@cache
def _merge(children: _Children) -> bytes:
    """Rows are new, changed or gone; values: as for `_insert`, and the pull requests whose list is whole."""
    columns = _child_columns(children)
    values = [column for column in columns if column not in ("pull_request_id", children.key)]
    return f"""
        {_with_sources(children)},
        gone AS (
            DELETE FROM {children.table} t USING p
            WHERE t.pull_request_id = p.id AND p.number = ANY(%s) AND NOT EXISTS (
                SELECT FROM s WHERE s.pull_request_id = t.pull_request_id AND s.{children.key} = t.{children.key}
            )
            RETURNING 'DELETE' AS done
        ),
        put AS (
            MERGE INTO {children.table} AS t USING s
            ON t.pull_request_id = s.pull_request_id AND t.{children.key} = s.{children.key}
            WHEN MATCHED AND ({_each("t", values)}) IS DISTINCT FROM ({_each("s", values)})
                THEN UPDATE SET {", ".join(f"{name} = s.{name}" for name in values)}
            WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({_each("s", columns)})
            RETURNING merge_action() AS done
        )
        SELECT done FROM put UNION ALL SELECT done FROM gone""".encode()  # noqa: S608  # our own names


def _with_sources(children: _Children) -> str:
    """``s``: the rows by their pull request's id; ``p``: the page's pull requests."""
    known = _each("r", _child_columns(children)[1:])
    return f"""
        WITH r AS MATERIALIZED (SELECT * FROM {_recordset(children.row, "r")}),
        p AS MATERIALIZED (SELECT id, number FROM pulls_pullrequest WHERE repository_id = %s AND number = ANY(%s)),
        s AS MATERIALIZED (SELECT p.id AS pull_request_id, {known} FROM r JOIN p USING (number))"""  # noqa: S608  # our own names


def _child_columns(children: _Children) -> list[str]:
    return ["pull_request_id", *(field.name for field in fields(children.row)[1:])]


def _recordset(row: type, alias: str) -> str:
    """The rows of a JSON document, typed as ``row`` says."""
    columns = ", ".join(f"{field.name} {_TYPES[str(field.type).partition(' ')[0]]}" for field in fields(row))
    return f"json_to_recordset(%s) AS {alias}({columns})"


def _json(rows: Sequence[Any]) -> str:
    return orjson.dumps(rows).decode()


def _each(alias: str, names: Iterable[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)
