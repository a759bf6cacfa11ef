"""What came of each repository, as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from apps.console.results import Result
from apps.console.terminal.counting import counted
from apps.console.terminal.fitting import wrapped
from apps.integrations.errors import advice_for, sentences


def result_lines(result: Result, *, width: int | None) -> Iterator[str]:
    """Yield a repository's result, and below it a note, and why it is incomplete and what to do about it."""
    stored = (
        counted(result.pull_requests, "pull request"),
        counted(result.reviews, "review"),
        counted(result.commits, "commit"),
        counted(result.files, "file"),
    )
    cost = (counted(result.requests, "request"), counted(result.points, "point"), f"{result.duration_sec:.1f} s")
    counts = (*stored, *cost) if result.is_complete or result.pull_requests else cost
    yield from wrapped("  ".join((result.repository, result.outcome, *counts)), width, hang=2)
    if result.note:
        yield from wrapped(f"  {result.note}", width, hang=2)
    if not result.is_complete:
        why = sentences(f"{result.error_type}: {result.error_msg}", advice_for(result.error_type) or "")
        yield from wrapped(f"  {why}".rstrip(), width, hang=2)
