"""Decide how much to ask for at once: less when GitHub cannot answer, more again when it can. Pure.

GitHub gives an answer ten seconds, and large repositories use them up, usually on `files`. So a page halves down to six
pull requests, then leaves the files to a second pass, then shrinks to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")

LARGEST_CHEAP_PAGE = 49
"""Pull requests on a page that costs one point: in GitHub's formula, 1 + 3 * 49 connections round to 100, not 200."""
MOST_LISTS = 25
"""The most nested lists that one request continues."""
MOST_LISTS_BESIDE_A_PAGE = 10
"""The most nested lists that a request for a page also continues."""

_MOST_CHEAP_CONNECTIONS = 149
_FILES_SHED_AT = 6
_SLOW = 5.0  # seconds; at half of GitHub's ten, a larger page gains nothing
_MOST_PATIENCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSize:
    """`first` pull requests, with their files or without."""

    first: int
    with_files: bool

    def beside(self, lists: int) -> PageSize:
        """Return the size of a page that also asks for `lists` nested lists at no extra cost."""
        if not lists or self.first > LARGEST_CHEAP_PAGE:
            return self
        return PageSize(first=min(self.first, (_MOST_CHEAP_CONNECTIONS - 1 - lists) // 3), with_files=self.with_files)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSize:
    """Up to `lists` nested lists, and `members` of each."""

    lists: int
    members: int


class Ladder(Generic[S]):
    """Sizes from small to large and the current one; each failure slows the climb, each new height speeds it up."""

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

    @property
    def is_cautious(self) -> bool:
        """Whether a request has failed at a size that has not worked since."""
        return self._failed_at < len(self._steps)

    def succeeded(self, *, seconds: float) -> None:
        """Note an answer that took `seconds`: after enough quick ones the next request asks for more."""
        if self._at >= self._failed_at:
            self._failed_at, self._patience = len(self._steps), 1
        self._successes = self._successes + 1 if seconds < _SLOW else 0
        if self._successes >= self._patience and self._at < len(self._steps) - 1:
            self._at += 1
            self._successes = 0

    def shrink(self) -> bool:
        """Ask for less after a failure; return False if that is impossible."""
        self._successes = 0
        if self._at == 0:
            return False
        self._failed_at = self._at
        self._patience = min(2 * self._patience, _MOST_PATIENCE)
        self._at -= 1
        return True


def page_ladder(start: int) -> Ladder[PageSize]:
    """Return pages from one pull request to the largest cheap page, or to `start` if that is larger."""
    sizes = [start]
    while sizes[0] > 1:
        sizes.insert(0, sizes[0] // 2)
    while sizes[-1] < LARGEST_CHEAP_PAGE:
        sizes.append(min(2 * sizes[-1], LARGEST_CHEAP_PAGE))
    shed_at = min(start, _FILES_SHED_AT)
    bare = [PageSize(first=first, with_files=False) for first in sizes if first <= shed_at]
    whole = [PageSize(first=first, with_files=True) for first in sizes if first > shed_at]
    steps = [*bare, PageSize(first=bare[-1].first, with_files=True), *whole]
    return Ladder(steps, start=steps.index(PageSize(first=start, with_files=True)))


def batch_ladder() -> Ladder[BatchSize]:
    """Return batches from ten members of one list to a hundred members of each of many."""
    of_one = [BatchSize(lists=1, members=members) for members in (10, 25, 50, 100)]
    of_many = [BatchSize(lists=lists, members=100) for lists in (3, 6, 12, MOST_LISTS)]
    steps = [*of_one, *of_many]
    return Ladder(steps, start=len(steps) - 1)
