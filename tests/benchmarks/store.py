"""Measure the speed of `store_page` against plain COPY of the same pages.

Each page is one transaction on both sides. COPY writes to copies of our tables, with the same indexes and foreign keys; it
neither counts nor compares rows, and cannot store a page twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter
from typing import Any

import django

from apps.config import instrumentation
from tests.benchmarks.programs import answer_with
from tests.benchmarks.syncing import TOKEN
from tests.benchmarks.timing import in_turns, seconds_of

PAGE_SIZE = 49
_TABLES = ("pulls_pullrequest", "pulls_review", "pulls_commit", "pulls_changedfile")


def measure(*, api_url: str, full_name: str, pages: int, turns: int) -> dict[str, Any]:
    """Return the seconds of each side, turn by turn, for the first `pages` pages of `full_name`, and the number of rows."""
    from apps.pulls.store import store_page

    repository_id, stored = _pages(api_url, full_name, pages)

    def store() -> None:
        for rows in stored:
            store_page(repository_id=repository_id, rows=rows)

    def copy() -> None:
        for rows in stored:
            _copy_page(rows)

    def side(block: Callable[[], None], *, emptied: str | None) -> Callable[[], float]:
        def run() -> float:
            if emptied is not None:
                _execute(f"TRUNCATE {emptied} CASCADE")
            return seconds_of(block)

        return run

    with _tables():
        samples = in_turns(
            {
                "copy": side(copy, emptied="copied_pulls_pullrequest"),
                "new": side(store, emptied="pulls_pullrequest"),
                "unchanged": side(store, emptied=None),
            },
            turns=turns,
        )
    return {"samples": samples, "rows": sum(len(rows) for page in stored for rows in _rows(page))}


def _pages(api_url: str, full_name: str, count: int) -> tuple[int, list[Any]]:
    """Return the id of a tracked repository and the rows of its first pages."""
    from apps.integrations.connections import connect
    from apps.integrations.github.transport import GitHubTransport
    from apps.integrations.lane import Lane
    from apps.integrations.services.github_graphql import GitHubGraphQL
    from apps.integrations.services.mapping import page_rows
    from apps.repositories.accounts import track
    from apps.teams.models import Team

    team = Team.objects.create(slug=f"store-{time.time_ns()}", name="Store")
    connection = connect(team=team, api_url=api_url, token=TOKEN)
    (tracked,) = track(connection=connection, full_names=[full_name])
    transport = GitHubTransport(api_url=api_url, token=TOKEN)
    client = GitHubGraphQL(transport=transport, lane=Lane(account=connection.account), page_size=PAGE_SIZE)
    pages = islice(client.pull_requests(full_name), count)
    return tracked.pk, [page_rows(page.nodes, repository_id=tracked.pk) for page in pages]


@contextmanager
def _tables() -> Iterator[None]:
    """Create the tables for COPY, with the indexes and foreign keys of the real ones."""
    for table in _TABLES:
        _execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")
    references: dict[str, tuple[str, str]] = dict.fromkeys(_TABLES, ("pull_request_id", "copied_pulls_pullrequest"))
    references["pulls_pullrequest"] = ("repository_id", "repositories_trackedrepository")
    for table, (column, referred) in references.items():
        _execute(
            f"ALTER TABLE copied_{table} ADD FOREIGN KEY ({column}) REFERENCES {referred} (id) DEFERRABLE INITIALLY DEFERRED"
        )
    try:
        yield
    finally:
        _execute(f"DROP TABLE {', '.join(f'copied_{table}' for table in _TABLES)}")


def _copy_page(page: Any) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM copied_pulls_pullrequest")
        (last,) = cursor.fetchone()
        ids = {row.number: last + place for place, row in enumerate(page.pull_requests, start=1)}
        for table, rows in zip(_TABLES, _rows(page), strict=True):
            if rows:
                is_child = table != "pulls_pullrequest"
                _copy_rows(cursor, table, rows, ids, is_child=is_child)


def _copy_rows(cursor: Any, table: str, rows: Sequence[Any], ids: dict[int, int], *, is_child: bool) -> None:
    names = list(rows[0].__struct_fields__)
    values = attrgetter(*names)
    columns = ["pull_request_id", *names[1:]] if is_child else ["id", *names]
    with cursor.copy(f"COPY copied_{table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row((ids[row.number], *values(row)[1:]) if is_child else (ids[row.number], *values(row)))


def _rows(page: Any) -> list[Sequence[Any]]:
    """Return the page's rows, table by table."""
    return [page.pull_requests, *(page.lists[name].rows for name in ("reviews", "commits", "files"))]


def _execute(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    django.setup()
    instrumentation.configure()
    answer_with(measure)
