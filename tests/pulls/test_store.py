"""A page is stored whole or not at all, and its counts are true."""

from __future__ import annotations

import random
import string
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, connection, connections, transaction
from msgspec.structs import replace

from apps.pulls.models import ChangedFile, Commit, PullRequest, Review
from apps.pulls.store import count_stored, delete_pull_requests, gaps, stored_numbers
from apps.repositories.models import TrackedRepository
from telemetry.testing import Capture
from tests.integrations.histories import DAY, commit, file, pull_request, repository, store, whole

pytestmark = pytest.mark.django_db


def versions(table: str) -> list[Any]:
    """PostgreSQL's own version of each row: it changes when a row is rewritten."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, ctid::text FROM {table} ORDER BY id")  # noqa: S608  # a table of ours
        return list(cursor.fetchall())


def test_a_page_is_stored_with_its_lists() -> None:
    """Every row of the page is there afterwards, and counted."""
    assert store(repository().pk, pull_request(1), pull_request(2, files=whole([file("a"), file("b")]))) == 2
    assert [model.objects.count() for model in (PullRequest, Review, Commit, ChangedFile)] == [2, 2, 2, 3]


def test_unchanged_rows_are_not_rewritten() -> None:
    """The same page again creates nothing, updates nothing and leaves every row's version alone."""
    tracked = repository()
    store(tracked.pk, pull_request(1), pull_request(2))
    before = [versions(table) for table in ("pulls_pullrequest", "pulls_review", "pulls_commit", "pulls_changedfile")]
    assert store(tracked.pk, pull_request(1), pull_request(2)) == 0
    after = [versions(table) for table in ("pulls_pullrequest", "pulls_review", "pulls_commit", "pulls_changedfile")]
    assert after == before


def test_a_page_of_new_and_known_pull_requests_is_stored_as_one_of_either(captrace: Capture) -> None:
    """Each row is counted as what it was: new, changed, or gone."""
    tracked = repository()
    store(tracked.pk, pull_request(1, files=whole([file("kept"), file("gone"), file("changed")])))
    captrace.clear()
    known = pull_request(1, files=whole([file("kept"), file("changed", additions=9), file("new")]))
    assert store(tracked.pk, known, pull_request(2)) == 1
    counts = {
        span.attributes["entity_type"]: [span.attributes[key] for key in ("created", "updated", "sync.db.deleted")]
        for span in captrace.spans
        if span.name == "sync.db.write"
    }
    assert counts == {"pull_request": [1, 0, 0], "review": [1, 0, 0], "commit": [1, 0, 0], "file": [2, 1, 1]}


def test_what_a_whole_list_no_longer_holds_goes() -> None:
    """After a force-push the old commit and file are gone, and what a cut list leaves out stays."""
    tracked = repository()
    store(tracked.pk, pull_request(1), pull_request(2))
    store(
        tracked.pk,
        pull_request(1, commits=whole([commit("new")]), files=whole([file("b.py")])),
        pull_request(2, commits=whole([commit("new")], total=2), reviews=whole([])),
    )
    assert set(Commit.objects.values_list("pull_request__number", "oid")) == {(1, "new"), (2, "new"), (2, "c2")}
    assert set(ChangedFile.objects.values_list("pull_request__number", "path")) == {(1, "b.py"), (2, "a.py")}
    assert list(Review.objects.values_list("pull_request__number", flat=True)) == [1]


def test_a_page_commits_with_what_is_written_around_it() -> None:
    """An attempt that lost its row leaves no row of its page."""
    tracked = repository()

    @transaction.atomic
    def lose_the_row() -> None:
        store(tracked.pk, pull_request(1))
        raise RuntimeError("superseded")

    with pytest.raises(RuntimeError, match="superseded"):
        lose_the_row()
    assert not PullRequest.objects.exists()


def test_a_page_that_cannot_be_stored_whole_is_not_stored_at_all() -> None:
    """Nor what is written around it, even if somebody catches the error."""
    tracked = repository()
    with transaction.atomic():
        repository("o/around")
        with suppress(DataError):
            store(tracked.pk, pull_request(1, files=whole([file("a", change_type="x" * 21)])))
    assert not PullRequest.objects.exists()
    assert not TrackedRepository.objects.filter(full_name="o/around").exists()


def test_a_page_of_new_pull_requests_is_counted_as_new(captrace: Capture) -> None:
    """Each list with its own number of rows, none of them updated or deleted."""
    files = whole([file("a"), file("b"), file("c")])
    captrace.clear()
    store(repository().pk, pull_request(1, files=files), pull_request(2, reviews=whole([])))
    assert [
        [span.attributes.get(key) for key in ("entity_type", "created", "updated", "sync.db.deleted")]
        for span in captrace.spans
        if span.name == "sync.db.write"
    ] == [["pull_request", 2, 0, 0], ["review", 1, 0, 0], ["commit", 2, 0, 0], ["file", 4, 0, 0]]


def test_two_repositories_with_the_same_numbers_do_not_mix() -> None:
    """Keys are per repository, also for what a whole list lets go."""
    first, second = repository("o/a"), repository("o/b")
    store(first.pk, pull_request(1))
    store(second.pk, pull_request(1, reviews=whole([])))
    assert Review.objects.filter(pull_request__repository=first).count() == 1
    assert count_stored(second.pk) == (1, 1)
    changed = {"reviews": whole([]), "commits": whole([commit("new")]), "files": whole([file(additions=9)])}
    store(second.pk, pull_request(1, title="changed", **changed))
    assert _held(first.pk) == [(1, "change 1", "r1", "c1", 3)]
    assert _held(second.pk) == [(1, "changed", None, "new", 9)]


def _held(repository_id: int) -> list[tuple[Any, ...]]:
    """Each stored pull request of the repository, with its review, commit and size of its file."""
    found = PullRequest.objects.filter(repository_id=repository_id).order_by("number")
    return list(found.values_list("number", "title", "reviews__node_id", "commits__oid", "files__additions"))


def test_pull_requests_are_deleted_in_their_own_repository_alone(captrace: Capture) -> None:
    """Another with the same numbers keeps its own; what belongs to them goes with them, and is counted as theirs."""
    first, second = repository("o/a"), repository("o/b", team="other")
    for each in (first, second):
        store(each.pk, *(pull_request(number, files=whole([file("a"), file("b")])) for number in (1, 2, 3)))
    captrace.clear()
    delete_pull_requests(first.pk, [1, 3, 7])
    assert (stored_numbers(first.pk), stored_numbers(second.pk)) == ({2}, {1, 2, 3})
    for model, of_each in ((Review, 1), (Commit, 1), (ChangedFile, 2)):
        of = [model.objects.filter(pull_request__repository=each).count() for each in (first, second)]
        assert of == [of_each, 3 * of_each]
    delete_pull_requests(first.pk, [1, 3, 7])
    keys = ("entity_type", "created", "updated", "sync.db.deleted")
    written = [[span.attributes[key] for key in keys] for span in captrace.spans if span.name == "sync.db.write"]
    assert written == [["pull_request", 0, 0, 2], ["pull_request", 0, 0, 0]]


def test_what_is_counted_was_updated_from_the_first_moment_of_the_window_to_before_its_last() -> None:
    """In the repository asked for alone, so that two windows that join count each pull request once."""
    tracked, other = repository("o/a"), repository("o/b")
    days = [timedelta(days=day) for day in range(4)]
    for each in (tracked, other):
        store(each.pk, *(replace(pull_request(1 + day.days), updated_at=DAY + day) for day in days))
    store(other.pk, replace(pull_request(9), updated_at=DAY + days[1]))
    of = tracked.pk
    assert (count_stored(of), count_stored(other.pk)) == ((4, 4), (5, 5))
    assert [count_stored(of, since=DAY + day) for day in days] == [(4, 4), (4, 3), (4, 2), (4, 1)]
    assert [count_stored(of, before=DAY + day) for day in days] == [(4, 0), (4, 1), (4, 2), (4, 3)]
    assert count_stored(of, since=DAY + days[1], before=DAY + days[3]) == (4, 2)


def test_gaps_name_the_lists_that_are_short() -> None:
    """A list of which GitHub gives fewer than it counts is found."""
    tracked = repository()
    store(tracked.pk, pull_request(1), pull_request(2, changed_files=3500, files=whole([file()], total=3500)))
    other = repository("o/b")
    store(other.pk, pull_request(2, reviews=whole([], total=4), commits=whole([], total=3)), pull_request(1))
    assert gaps(tracked.pk) == [{"pull_request": 2, "list": "files", "stored": 1, "total": 3500}]
    assert gaps(other.pk) == [
        {"pull_request": 2, "list": "commits", "stored": 0, "total": 3},
        {"pull_request": 2, "list": "reviews", "stored": 0, "total": 4},
    ]


def test_gaps_are_those_of_the_window() -> None:
    """What a sync of the last days did not ask for does not make it incomplete."""
    tracked = repository()
    short = {"changed_files": 3500, "files": whole([file()], total=3500)}
    old, new = pull_request(1, **short), pull_request(2, **short)
    store(tracked.pk, replace(old, updated_at=new.updated_at - timedelta(days=40)), new)
    since = new.updated_at - timedelta(days=30)
    assert [gap["pull_request"] for gap in gaps(tracked.pk, since=since)] == [2]
    assert [gap["pull_request"] for gap in gaps(tracked.pk)] == [1, 2]


def test_a_page_reads_no_rows_but_its_own() -> None:
    """Beside a large table a small page costs what it did beside an empty one, also if that is when it was last planned."""
    tracked, other = repository("o/a"), repository("o/b")
    with connection.cursor() as cursor:
        for number in range(1, 20):  # more often than PostgreSQL and psycopg need to keep a plan
            store(tracked.pk, pull_request(number))
            store(tracked.pk, pull_request(number, files=whole([file("b.py")])))
            if number == 10:
                cursor.execute("ANALYZE pulls_pullrequest, pulls_changedfile")
        cursor.execute(
            """INSERT INTO pulls_pullrequest (repository_id, github_id, number, title, body, state, is_draft, url,
                   created_at, updated_at, base_ref, head_ref, additions, deletions, changed_files,
                   reviews_total, commits_total)
               SELECT %s, n, 1000 + n, '', '', 'OPEN', false, '', now(), now(), '', '', 1, 1, 1, 0, 0
               FROM generate_series(1, 5000) n""",
            [other.pk],
        )
        cursor.execute(
            """INSERT INTO pulls_changedfile (pull_request_id, path, additions, deletions, change_type)
               SELECT id, 'file', 1, 1, 'ADDED' FROM pulls_pullrequest WHERE repository_id = %s AND number > 1000""",
            [other.pk],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # its checks, too, read the rows
    before = [rows_scanned(table) for table in ("pulls_pullrequest", "pulls_changedfile")]
    store(tracked.pk, pull_request(20))
    store(tracked.pk, pull_request(7, files=whole([file("c.py")])))
    assert [rows_scanned(table) for table in ("pulls_pullrequest", "pulls_changedfile")] == before


def rows_scanned(table: str) -> int:
    """Rows that this transaction has read by going through all of ``table``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_the_same_page_both_succeed() -> None:
    """A frozen attempt that wakes up, and its successor: one waits for the other, and no row is there twice."""
    tracked = repository()
    pages = [[pull_request(number), pull_request(number + 1)] for number in range(1, 40, 2)]

    def write(order: int) -> int:
        try:
            return sum(store(tracked.pk, *nodes[::order]) for nodes in pages)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as writers:
        assert sum(writers.map(write, (1, -1))) == PullRequest.objects.count() == 40
    assert ChangedFile.objects.count() == Review.objects.count() == 40


def test_text_that_postgresql_refuses_is_mended() -> None:
    """NUL goes, a lone surrogate becomes a question mark, and a path that then occurs twice is stored once."""
    tracked = repository()
    store(tracked.pk, pull_request(1, title="a\x00b", body="x\ud800y", files=whole([file("p\x00"), file("p")])))
    assert list(PullRequest.objects.values_list("title", "body")) == [("ab", "x?y")]
    assert ChangedFile.objects.count() == 1


def test_a_path_of_any_length_is_stored_or_a_gap() -> None:
    """Also of one that does not compress, and nothing else of its pull request is lost for it."""
    tracked = repository()
    noise = random.Random(1)  # noqa: S311  # no secret depends on it
    paths = ["".join(noise.choices(string.ascii_letters, k=length)) for length in (100, 2_600, 2_601, 4_096)]
    store(tracked.pk, pull_request(1, changed_files=4, files=whole([file(path) for path in paths])))
    assert set(ChangedFile.objects.values_list("path", flat=True)) == set(paths[:2])
    assert gaps(tracked.pk) == [{"pull_request": 1, "list": "files", "stored": 2, "total": 4}]
