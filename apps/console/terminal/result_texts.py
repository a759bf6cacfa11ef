"""Describe the result of each repository for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from apps.console.results import Result
from apps.console.terminal.calling import call_of
from apps.console.terminal.counting import counted
from apps.console.terminal.fitting import wrapped
from apps.integrations.errors import advice_for, sentences
from apps.integrations.models import PipelineRun
from apps.integrations.runs.removed import removed_from


def run_lines(results: Sequence[Result], run: PipelineRun, *, width: int | None, time: Iterable[str] = ()) -> Iterator[str]:
    """Yield the results of a run's repositories, the table of its `time`, and where to look next."""
    for result in results:
        yield from result_lines(result, width=width)
    if (gone := removed_from(run)) is not None:
        yield from wrapped(f"Run {run.pk}: {gone.said}.", width, hang=2)
    yield from time
    if results:
        yield from wrapped(f"Where the time went:  {call_of(f'trace {run.pk}')}", width, hang=2)
        if not all(result.is_complete for result in results):
            yield from wrapped(f"Why it is incomplete:  {call_of(f'logs {run.pk} --level warning')}", width, hang=2)


def result_lines(result: Result, *, width: int | None) -> Iterator[str]:
    """Yield a repository's result, followed by any note, why it is incomplete, and what to do about it."""
    cost = (counted(result.requests, "request"), counted(result.points, "point"), f"{result.duration_sec:.1f} s")
    counts = (*_counts(result), *cost) if result.is_complete or result.pull_requests_in_all else cost
    yield from wrapped("  ".join((result.repository, result.outcome, *counts)), width, hang=2)
    if result.note:
        yield from wrapped(f"  {result.note}", width, hang=2)
    if not result.is_complete:
        why = sentences(f"{result.error_type}: {result.error_msg}", advice_for(result.error_type) or "")
        yield from wrapped(f"  {why}".rstrip(), width, hang=2)


def _counts(result: Result) -> Iterator[str]:
    """Yield what was read, what is stored of the requested window, and what is stored in all, each labelled."""
    read = "read now" if result.takes_up is None else f"read now and by run {result.takes_up}"
    yield f"{read}: {counted(result.pull_requests_read, 'pull request')}"
    yield f"stored {'of the window' if result.has_window else 'in all'}: {counted(result.pull_requests, 'pull request')}"
    yield counted(result.reviews, "review")
    yield counted(result.commits, "commit")
    yield counted(result.files, "file")
    if result.has_window:
        yield f"stored in all: {counted(result.pull_requests_in_all, 'pull request')}"
