"""Repositories that a run began with and that somebody has removed since: their rows went with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How many there are, of how many that the run began with; None for both where an earlier version did not keep it."""

    number: int | None
    of: int | None

    @property
    def said(self) -> str:
        """What became of them, in words that follow a run's name and a colon, or a comma."""
        if self.number is None or self.of is None:
            return "its repositories were removed since"
        were = "was" if self.number == 1 else "were"
        if self.number == self.of:
            return f"its {'repository' if self.of == 1 else f'{self.of:,} repositories'} {were} removed since"
        return f"{self.number:,} of its {self.of:,} repositories {were} removed since"

    @property
    def counted(self) -> str:
        """How many there are, in words."""
        if self.number is None:
            return "repositories"
        return f"{self.number:,} {'repository' if self.number == 1 else 'repositories'}"


def removed(*, began_with: int | None, left: int) -> Removed | None:
    """Return what is removed of a run that has `left` repositories; None if it has all, as far as is known."""
    if began_with is None:  # a run has one at least
        return None if left else Removed(number=None, of=None)
    return Removed(number=began_with - left, of=began_with) if left < began_with else None
