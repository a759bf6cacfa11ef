"""Store a page's rows: one statement for each kind of row, true counts, unchanged rows left untouched.

Rows travel as one JSON document, which costs us a tenth of what arrays would, and PostgreSQL no more. Pull requests are
written by `INSERT … ON CONFLICT`, which is safe with concurrent writers and locks each row, in order: until the commit,
nobody else writes their lists. If all pull requests of a page are new, their lists are too, and are inserted; otherwise
they are merged. No plan reads a whole table: inserts are prepared and read none, and a merge is planned each time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
import psycopg
from django.apps import apps
from django.db import connection, models, transaction
from msgspec import Struct

from apps import catalog
from apps.pulls.models import PullRequest
from apps.pulls.rows import LISTS, ListRows, PageRows, PullRequestRow, StoredList
from telemetry import observe

_PULL_REQUESTS = PullRequest._meta.db_table
_WINDOW = """
    p.repository_id = %(repository)s
    AND p.updated_at >= coalesce(%(since)s, '-infinity'::timestamptz)
    AND p.updated_at < coalesce(%(before)s, 'infinity'::timestamptz)
"""


def store_page(*, repository_id: int, rows: PageRows) -> int:
    """Store `rows`, all or none, and return how many pull requests were new.

    Write anything that must commit with them in an enclosing transaction.
    """
    with transaction.atomic(savepoint=False), _cursor() as cursor:
        new = _write_pull_requests(cursor, rows.pull_requests)
        numbers = _array(row.number for row in rows.pull_requests)
        for stored in LISTS:
            found = rows.lists[stored.name]
            if len(new) == len(rows.pull_requests):
                _insert_list(cursor, stored, found, new)
            else:
                _merge_list(cursor, stored, found, repository_id, numbers)
    return len(new)


class Stored(NamedTuple):
    """How many pull requests of a repository are stored."""

    in_all: int
    in_window: int


def count_stored(repository_id: int, *, since: datetime | None = None, before: datetime | None = None) -> Stored:
    """Count the repository's stored pull requests: all, and those updated at `since` or later, and before `before`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*), count(*) FILTER (WHERE {_WINDOW}) FROM {_PULL_REQUESTS} p
            WHERE p.repository_id = %(repository)s""",  # noqa: S608  # our own names
            {"repository": repository_id, "since": since, "before": before},
        )
        return Stored(*cursor.fetchone())


def stored_numbers(repository_id: int) -> set[int]:
    """Return the numbers of the repository's stored pull requests."""
    return set(PullRequest.objects.filter(repository_id=repository_id).values_list("number", flat=True))


def delete_pull_requests(repository_id: int, numbers: Collection[int]) -> None:
    """Delete the pull requests with these numbers and everything that belongs to them."""
    with observe(catalog.RowsWrite(entity_type="pull_request", rows=len(numbers))) as write:
        _, deleted = PullRequest.objects.filter(repository_id=repository_id, number__in=numbers).delete()
        write.completed(catalog.RowsWritten(created=0, updated=0, deleted=deleted.get(PullRequest._meta.label, 0)))


def gaps(repository_id: int, *, since: datetime | None = None) -> list[dict[str, Any]]:
    """Return the lists with fewer stored rows than GitHub counts, as `{pull_request, list, stored, total}`.

    Only pull requests updated at `since` or later count.
    """
    window = {"repository": repository_id, "since": since, "before": None}
    parts = [
        f"""SELECT p.number, '{stored.name}', count(c.id), p.{stored.total} FROM {_PULL_REQUESTS} p
            LEFT JOIN {_model(stored)._meta.db_table} c ON c.pull_request_id = p.id
            WHERE {_WINDOW} GROUP BY p.id HAVING count(c.id) < p.{stored.total}"""  # noqa: S608  # our own names
        for stored in LISTS
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts) + " ORDER BY 1, 2", window)
        return [dict(zip(("pull_request", "list", "stored", "total"), row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def _cursor() -> Iterator[psycopg.Cursor]:
    """Open a cursor on Django's connection that sends values separately from the statement, unlike Django's own."""
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def _write_pull_requests(cursor: psycopg.Cursor, rows: Sequence[PullRequestRow]) -> Mapping[int, int]:
    """Write and lock the rows; return the ids of new ones, by number."""
    with observe(catalog.RowsWrite(entity_type="pull_request", rows=len(rows))) as write:
        cursor.execute(_upsert(), [_json(rows)], prepare=True)
        done = cursor.fetchall()
        new = {number: key for is_new, key, number in done if is_new}
        write.completed(catalog.RowsWritten(created=len(new), updated=len(done) - len(new)))
    return new


def _insert_list(cursor: psycopg.Cursor, stored: StoredList, found: ListRows, ids: Mapping[int, int]) -> None:
    """Insert the rows of new pull requests, whose `ids` are given by number."""
    with observe(catalog.RowsWrite(entity_type=stored.entity_type, rows=len(found.rows))) as write:
        cursor.execute(_insert(stored), [_json(found.rows), _array(ids.values()), _array(ids)], prepare=True)
        write.completed(catalog.RowsWritten(created=cursor.rowcount, updated=0))


def _merge_list(cursor: psycopg.Cursor, stored: StoredList, found: ListRows, repository_id: int, numbers: str) -> None:
    """Insert, update and delete rows so that complete lists match what was found; `numbers` are the page's."""
    with observe(catalog.RowsWrite(entity_type=stored.entity_type, rows=len(found.rows))) as write:
        values = [_json(found.rows), repository_id, numbers, _array(found.complete)]
        cursor.execute(_merge(stored), values, prepare=False)  # a plan for a small table would be kept once it is large
        (done,) = cursor.fetchall()
        created, updated, deleted = done
        write.completed(catalog.RowsWritten(created=created, updated=updated, deleted=deleted))


@cache
def _upsert() -> bytes:
    """Return the statement for the pull requests of a JSON document, which reports new and changed ones."""
    columns = list(PullRequestRow.__struct_fields__)
    values = [column for column in columns if column not in ("repository_id", "number")]
    return f"""
        INSERT INTO {_PULL_REQUESTS} AS t ({", ".join(columns)})
        SELECT {_each("s", columns)} FROM {_recordset(PullRequestRow, PullRequest, "s")} ORDER BY s.number
        ON CONFLICT (repository_id, number) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in values)}
        WHERE ({_each("t", values)}) IS DISTINCT FROM ({_each("excluded", values)})
        RETURNING old.id IS NULL, new.id, new.number""".encode()  # noqa: S608  # our own names


@cache
def _insert(stored: StoredList) -> bytes:
    """Return the statement for new rows; it takes the rows and the ids and numbers of their pull requests."""
    columns = _list_columns(stored)
    return f"""
        INSERT INTO {_model(stored)._meta.db_table} ({", ".join(columns)})
        SELECT p.id, {_each("r", columns[1:])} FROM {_recordset(stored.row, _model(stored), "r")}
        JOIN unnest(%s::bigint[], %s::integer[]) AS p(id, number) USING (number)""".encode()  # noqa: S608  # our own names


@cache
def _merge(stored: StoredList) -> bytes:
    """Return the statement for rows that are new, changed or gone, which reports how many of each there were.

    It takes the rows, their repository, the page's pull requests, and those whose list is complete. `MERGE` alone could
    also delete, but would read the whole table to do so.
    """
    columns, table, key = _list_columns(stored), _model(stored)._meta.db_table, stored.key
    values = [column for column in columns if column not in ("pull_request_id", key)]
    return f"""
        WITH r AS MATERIALIZED (SELECT * FROM {_recordset(stored.row, _model(stored), "r")}),
        p AS MATERIALIZED (
            SELECT id, number FROM {_PULL_REQUESTS} WHERE repository_id = %s AND number = ANY(%s::integer[])
        ),
        s AS MATERIALIZED (SELECT p.id AS pull_request_id, {_each("r", columns[1:])} FROM r JOIN p USING (number)),
        gone AS (
            DELETE FROM {table} t USING p
            WHERE t.pull_request_id = p.id AND p.number = ANY(%s::integer[]) AND NOT EXISTS (
                SELECT FROM s WHERE s.pull_request_id = t.pull_request_id AND s.{key} = t.{key}
            )
            RETURNING 1
        ),
        put AS (
            MERGE INTO {table} AS t USING s ON t.pull_request_id = s.pull_request_id AND t.{key} = s.{key}
            WHEN MATCHED AND ({_each("t", values)}) IS DISTINCT FROM ({_each("s", values)})
                THEN UPDATE SET {", ".join(f"{name} = s.{name}" for name in values)}
            WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({_each("s", columns)})
            RETURNING merge_action() = 'INSERT' AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), (SELECT count(*) FROM gone)
        FROM put""".encode()  # noqa: S608  # our own names


def _list_columns(stored: StoredList) -> list[str]:
    return ["pull_request_id", *(name for name in stored.row.__struct_fields__ if name != "number")]


def _recordset(row: type[Struct], model: type[models.Model], alias: str) -> str:
    """Return the rows of a JSON document as a table, with its columns typed like those of `model`."""
    types = {field.column: field.db_type(connection) for field in model._meta.concrete_fields}
    types |= {"number": PullRequest._meta.get_field("number").db_type(connection)}
    columns = ", ".join(f"{name} {types[name]}" for name in row.__struct_fields__)
    return f"json_to_recordset(%s) AS {alias}({columns})"


def _model(stored: StoredList) -> type[models.Model]:
    return apps.get_model(stored.model)


def _json(rows: Sequence[Struct]) -> str:
    return msgspec.json.encode(rows).decode()


def _array(numbers: Iterable[int]) -> str:
    """Return an array in PostgreSQL's notation, which psycopg would take several times as long to write."""
    return f"{{{','.join(map(str, numbers))}}}"


def _each(alias: str, names: Iterable[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)
