"""Sizes go down at once, and up with growing caution."""

from __future__ import annotations

import pytest

from apps.integrations.github.page_sizes import BatchSize, PageSize, batch_ladder, page_ladder


def _down(start: int) -> list[PageSize]:
    ladder = page_ladder(start)
    sizes = [ladder.size]
    while ladder.shrink():
        sizes.append(ladder.size)
    return sizes


def test_a_page_halves_then_sheds_files_then_shrinks_to_one() -> None:
    """Files are the usual culprit, but one request more for each page."""
    assert _down(25) == [
        PageSize(first=25, with_files=True),
        PageSize(first=12, with_files=True),
        PageSize(first=6, with_files=True),
        PageSize(first=6, with_files=False),
        PageSize(first=3, with_files=False),
        PageSize(first=1, with_files=False),
    ]


def test_any_start_size_is_kept() -> None:
    """Also those below the size where files are shed, and above the cheapest."""
    assert [page_ladder(start).size.first for start in (1, 2, 5, 7, 10, 49, 100)] == [1, 2, 5, 7, 10, 49, 100]


@pytest.mark.parametrize("start", [1, 2, 3, 5, 7, 10, 49, 100])
def test_any_page_shrinks_to_one_pull_request(start: int) -> None:
    """Without its files: that is the least that can be asked for."""
    assert _down(start)[-1] == PageSize(first=1, with_files=False)


def test_one_success_grows_a_page_to_the_largest_cheap_one() -> None:
    """25, then 49, and no further."""
    ladder = page_ladder(25)
    sizes = []
    for _ in range(3):
        sizes.append(ladder.size.first)
        ladder.succeeded(seconds=0.5)
    assert sizes == [25, 49, 49]


def test_a_slow_answer_does_not_grow_the_page() -> None:
    """GitHub gives an answer ten seconds."""
    ladder = page_ladder(25)
    ladder.succeeded(seconds=7.0)
    assert ladder.size.first == 25


def test_after_failures_climbing_takes_more_successes() -> None:
    """A size that fails is not tried with every other page."""
    ladder = page_ladder(25)
    ladder.shrink()
    ladder.succeeded(seconds=0.5)
    assert ladder.size.first == 12
    ladder.succeeded(seconds=0.5)
    assert ladder.size.first == 25
    ladder.shrink()
    for _ in range(3):
        ladder.succeeded(seconds=0.5)
    assert ladder.size.first == 12
    ladder.succeeded(seconds=0.5)
    assert ladder.size.first == 25


def test_a_size_that_works_again_ends_the_caution() -> None:
    """GitHub's bad minutes pass."""
    ladder = page_ladder(25)
    ladder.shrink()
    for _ in range(3):
        ladder.succeeded(seconds=0.5)
    assert ladder.size.first == 49


def test_a_batch_asks_for_fewer_lists_then_for_fewer_members() -> None:
    """About half as many each time, down to ten members of one list."""
    ladder = batch_ladder()
    sizes = [ladder.size]
    while ladder.shrink():
        sizes.append(ladder.size)
    assert sizes == [
        *(BatchSize(lists=lists, members=100) for lists in (25, 12, 6, 3)),
        BatchSize(lists=1, members=100),
        BatchSize(lists=1, members=50),
        BatchSize(lists=1, members=25),
        BatchSize(lists=1, members=10),
    ]


def test_a_size_that_fails_makes_cautious_until_it_works() -> None:
    """Climbing back to it is not enough."""
    ladder = page_ladder(25)
    assert not ladder.is_cautious
    ladder.shrink()
    ladder.succeeded(seconds=0.5)
    ladder.succeeded(seconds=0.5)
    assert (ladder.size.first, ladder.is_cautious) == (25, True)
    ladder.succeeded(seconds=0.5)
    assert not ladder.is_cautious
