"""How much to ask for at once: less when GitHub cannot answer, more again when it can. No I/O.

GitHub gives an answer ten seconds, and large repositories use them up, usually over ``files``: so a page shrinks by half
down to six pull requests, then leaves the files to a second pass, then shrinks to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")

LARGEST_CHEAP_PAGE = 49
"""Pull requests a page for one point: 1 + 3 * 49 connections of GitHub's formula are still nearest to 100."""
MOST_LISTS = 25
"""Nested lists finished by one request."""

_FILES_SHED_AT = 6
_SLOW = 5.0  # seconds; at half of GitHub's ten a larger page is no gain
_MOST_PATIENCE = 8


@dataclass(frozen=True, slots=True)
class PageSize:
    """``first`` pull requests, with their files or without."""

    first: int
    with_files: bool


@dataclass(frozen=True, slots=True)
class BatchSize:
    """Up to ``lists`` nested lists, ``first`` members of each."""

    lists: int
    first: int


class Ladder(Generic[S]):
    """Sizes from small to large, and where on them we stand; each failure makes climbing slower, each new height quicker."""

    def __init__(self, steps: Sequence[S], *, start: int) -> None:
        self._steps = steps
        self._at = start
        self._successes = 0
        self._patience = 1
        self._failed_at = len(steps)

    @property
    def size(self) -> S:
        """What to ask for now."""
        return self._steps[self._at]

    def succeeded(self, *, seconds: float) -> None:
        """An answer came after ``seconds``: after enough quick ones the next request asks for more."""
        if self._at >= self._failed_at:
            self._failed_at, self._patience = len(self._steps), 1
        self._successes = self._successes + 1 if seconds < _SLOW else 0
        if self._successes >= self._patience and self._at < len(self._steps) - 1:
            self._at += 1
            self._successes = 0

    def shrink(self) -> bool:
        """After a failure the next request asks for less; False when there is no less."""
        self._successes = 0
        if self._at == 0:
            return False
        self._failed_at = self._at
        self._patience = min(2 * self._patience, _MOST_PATIENCE)
        self._at -= 1
        return True


def page_ladder(start: int) -> Ladder[PageSize]:
    """Pages from one pull request to the largest cheap page, or to ``start`` where that is larger."""
    sizes = [start]
    while sizes[0] > 1:
        sizes.insert(0, sizes[0] // 2)
    while sizes[-1] < LARGEST_CHEAP_PAGE:
        sizes.append(min(2 * sizes[-1], LARGEST_CHEAP_PAGE))
    shed_at = min(start, _FILES_SHED_AT)
    bare = [PageSize(first, with_files=False) for first in sizes if first <= shed_at]
    whole = [PageSize(first, with_files=True) for first in sizes if first > shed_at]
    steps = [*bare, PageSize(bare[-1].first, with_files=True), *whole]
    return Ladder(steps, start=steps.index(PageSize(start, with_files=True)))


def batch_ladder() -> Ladder[BatchSize]:
    """Batches from ten members of one list to a hundred of each of many."""
    of_one = [BatchSize(1, first) for first in (10, 25, 50, 100)]
    of_many = [BatchSize(lists, 100) for lists in (3, 6, 12, MOST_LISTS)]
    steps = [*of_one, *of_many]
    return Ladder(steps, start=len(steps) - 1)
