"""The window of a repository's history that is stored grows only by what adjoins it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.repositories.models import BEGINNING, GitHubConnection, TrackedRepository

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _day(number: int) -> datetime:
    return DAY + timedelta(days=number)


@pytest.mark.parametrize(
    ("covered", "since", "before", "until", "then"),
    [
        ((None, None), _day(0), None, _day(30), (_day(0), _day(30))),
        ((_day(0), _day(30)), _day(30), None, _day(31), (_day(0), _day(31))),
        ((_day(0), _day(30)), None, None, _day(31), (BEGINNING, _day(31))),
        ((_day(0), _day(30)), _day(40), None, _day(70), (_day(40), _day(70))),
        ((_day(0), _day(30)), None, _day(0), _day(31), (BEGINNING, _day(31))),
        ((_day(40), _day(70)), None, _day(0), _day(31), (_day(40), _day(70))),
        ((_day(0), _day(30)), _day(10), None, _day(20), (_day(0), _day(30))),
        ((None, None), None, None, None, (BEGINNING, None)),
    ],
    ids=["first", "next", "all", "a gap before it", "backfill", "a late backfill", "an older run", "nothing there"],
)
def test_windows_are_joined_only_where_they_meet(
    covered: tuple[datetime | None, datetime | None],
    since: datetime | None,
    before: datetime | None,
    until: datetime | None,
    then: tuple[datetime | None, datetime | None],
) -> None:
    """What is covered never has a hole in it."""
    repository = TrackedRepository(covered_from=covered[0], covered_to=covered[1])
    repository.cover(since=since, before=before, until=until)
    assert (repository.covered_from, repository.covered_to) == then


@settings(max_examples=500)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5), st.booleans()), min_size=2, max_size=6))
def test_every_moment_that_is_covered_was_synced(syncs: list[tuple[int, int, bool]]) -> None:
    """Whatever windows were synced, in whatever order: from some days ago to later (a backfill) or to that moment."""
    repository, read = TrackedRepository(), set[int]()
    for today, (days_ago, length, is_backfill) in enumerate(syncs, start=20):
        now = 5 * today
        start = now - days_ago
        end = min(start + length, now) if is_backfill else now
        if is_backfill and repository.covered_to is not None:  # it also reads what was updated since the watermark
            read |= set(range((repository.covered_to - DAY).days, now))
        read |= set(range(start, end))
        repository.cover(since=_day(start), before=_day(end) if is_backfill else None, until=_day(now))
    if repository.covered_from is not None and repository.covered_to is not None:
        covered = range((repository.covered_from - DAY).days, (repository.covered_to - DAY).days)
        assert set(covered) <= read


@pytest.mark.parametrize(
    ("api_url", "page"),
    [
        ("https://api.github.com", "https://github.com/libuv/libuv"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com/libuv/libuv"),
        ("https://github.example.org/api/v3", "https://github.example.org/libuv/libuv"),
        ("http://127.0.0.1:8477", "http://127.0.0.1:8477/libuv/libuv"),
    ],
)
def test_a_repository_has_its_page_where_its_api_is(api_url: str, page: str) -> None:
    """The span of its sync names it."""
    repository = TrackedRepository(full_name="libuv/libuv", connection=GitHubConnection(api_url=api_url))
    assert repository.web_url == page
