"""Repositories that a run began with and that somebody has removed since: their rows went with them."""

from __future__ import annotations

from dataclasses import dataclass

from apps.integrations.models import PipelineRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A run has `left` of the repositories that it began with; with how many that was an earlier version did not keep."""

    of: int | None
    left: int

    @property
    def number(self) -> int | None:
        """How many are removed; None where that is not known."""
        return None if self.of is None else self.of - self.left

    @property
    def said(self) -> str:
        """What became of them, in words that follow a run's name and a colon, or a comma."""
        if self.of is None:
            return "its repositories were removed since"
        number = self.of - self.left
        were = "was" if number == 1 else "were"
        if not self.left:
            return f"its {'repository' if self.of == 1 else f'{self.of:,} repositories'} {were} removed since"
        return f"{number:,} of its {self.of:,} repositories {were} removed since"

    @property
    def counted(self) -> str:
        """How many there are, in words."""
        if self.number is None:
            return "repositories"
        return f"{self.number:,} {'repository' if self.number == 1 else 'repositories'}"


def removed(*, began_with: int | None, left: int) -> Removed | None:
    """Return what is removed of a run that has `left` repositories; None if it has all, as far as is known."""
    if began_with is None:  # a run has one at least
        return None if left else Removed(of=None, left=left)
    return Removed(of=began_with, left=left) if left < began_with else None


def removed_from(run: PipelineRun) -> Removed | None:
    """Return what is removed of a run by now; None if it has all, as far as is known."""
    return removed(began_with=run.repos_count, left=run.repo_syncs.count())
