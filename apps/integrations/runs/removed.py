"""Repositories that a run began with and that have since been removed, with their rows."""

from __future__ import annotations

from dataclasses import dataclass

from apps.integrations.models import PipelineRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What is `left` of the repositories that a run began with, whose number an earlier version did not keep."""

    of: int | None
    left: int

    @property
    def number(self) -> int | None:
        """How many are removed; None if unknown."""
        return None if self.of is None else self.of - self.left

    @property
    def said(self) -> str:
        """What became of them, in words to follow a run's name and a colon or comma."""
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
    """Return what is removed of a run with `left` repositories; None if it has all, as far as is known."""
    if began_with is None:  # a run has at least one
        return None if left else Removed(of=None, left=left)
    return Removed(of=began_with, left=left) if left < began_with else None


def removed_from(run: PipelineRun) -> Removed | None:
    """Return what is removed of a run by now; None if it has all, as far as is known."""
    return removed(began_with=run.repos_count, left=run.repo_syncs.count())
