"""Find what successfully synced repositories lack: lists shorter than GitHub's count, and hidden values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.explain.chains import by_row, by_span
from apps.explain.moments import count_of
from apps.explain.stopped import outcome_step
from apps.explain.story import CALLS, Story
from apps.explain.troubles import Kind, Trouble


def incomplete(story: Story) -> Iterator[Trouble]:
    """Yield a trouble for each successfully synced repository that lacks something."""
    for repository in story.facts.repositories:
        said = said_of_gaps(repository.gaps)
        if repository.state != "completed" or not said:
            continue
        chain = [step for step in (outcome_step(story),) if step is not None]
        if repository.row is not None:
            chain.append(
                by_row(f"{repository.full_name}: {said}", "RepoSync", repository.row, trace_id=story.facts.trace_id)
            )
        partial = next(
            (
                call
                for attempt in story.attempts_at(repository)
                for call in attempt.calls
                if call.name in CALLS and call.attributes.get("status") == "partial"
            ),
            None,
        )
        if partial is not None:
            chain.append(by_span(f"{partial.attributes.get('query_name')} was answered in part", partial))
        at = repository.ended_ns or story.facts.end_ns
        yield Trouble(
            kind=Kind.INCOMPLETE,
            repository=repository,
            start_ns=at,
            end_ns=at,
            chain=tuple(chain),
            error_msg=said,
            evidence=partial,
        )


def said_of_gaps(gaps: Sequence[Mapping[str, Any]]) -> str:
    """Return what is lacking, in words; empty if nothing is, or if values were only mended."""
    lists = [gap for gap in gaps if "list" in gap]
    hidden = [gap for gap in gaps if gap.get("reason") == "hidden"]
    said = []
    if lists:
        first = lists[0]
        more = f" and {count_of(len(lists) - 1, 'list')} more" if len(lists) > 1 else ""
        said.append(f"of #{first['pull_request']} {first['stored']} of {first['total']} {first['list']}{more}")
    if hidden:
        said.append(f"{count_of(len(hidden), 'value')} hidden from this token")
    return ", ".join(said)
