"""Find why repositories and runs stopped, from the outcome down to the earliest event that nothing below explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.explain import event_names
from apps.explain.chains import Step, by_line, by_row, by_span
from apps.explain.errors_as_codes import code_of, is_final
from apps.explain.facts import RepositoryFacts
from apps.explain.moments import clock_of, count_of
from apps.explain.story import Attempt, Story, error_of, message_of, moment_of, query_of
from apps.explain.troubles import Kind, Trouble
from telemetry.model import Outcome
from telemetry.reading import Span

_OF_REPOSITORIES = "every_repository_failed"
_OUT_OF_TIME = ("out_of_time", "SoftTimeLimitExceeded")
_NEVER_FINISHED = "step_never_finished"


def stopped(story: Story) -> Iterator[Trouble]:
    """Yield a trouble for everything that failed or was cancelled: the run, its phase, each of its repositories."""
    facts = story.facts
    if facts.state == "cancelled":
        yield _cancelled(story)
        return
    top = outcome_step(story)
    failed = [one for one in facts.repositories if one.state == "failed"]
    for repository in failed:
        yield _failed(story, repository, top)
    is_of_them = facts.error_type == _OF_REPOSITORIES or (not facts.error_type and failed)
    if facts.state == "failed" and not is_of_them:
        yield _phase_failed(story, top)


def outcome_step(story: Story) -> Step | None:
    """Return the step that says how the run stands, by its root span or row; None without either."""
    facts = story.facts
    error = f": {facts.error_type}" if facts.error_type else ""
    says = f"the run {ENDED.get(facts.state, 'goes on')}{error}"
    if story.root is not None:
        return by_span(says, story.root)
    if facts.has_row and facts.run_id is not None:
        return by_row(says, "PipelineRun", facts.run_id, trace_id=facts.trace_id)
    return None


ENDED = {
    "failed": "failed",
    "partial": "ended without some repositories",
    "completed": "completed",
    "cancelled": "was cancelled",
}
"""How an ended run ended, by its state."""


def _cancelled(story: Story) -> Trouble:
    facts = story.facts
    lines = story.lines_of(event_names.RUN_CANCELLED)
    by = facts.cancelled_by or next((str(line.get("by", "")) for line in lines), "")
    chain: list[Step] = [step for step in (outcome_step(story),) if step is not None]
    chain += [by_line(f"{line.get('by', 'somebody')} cancelled it", line, trace_id=facts.trace_id) for line in lines[:1]]
    said = (moment_of(lines[0]) if lines else None) or facts.end_ns
    return Trouble(
        kind=Kind.CANCELLED,
        repository=None,
        start_ns=said,
        end_ns=said,
        chain=tuple(chain),
        error_type="cancelled",
        error_msg=by,
    )


def _failed(story: Story, repository: RepositoryFacts, top: Step | None) -> Trouble:
    attempt = deciding_attempt(story.attempts_at(repository), final=repository.error_type)
    chain = [step for step in (top, _row_step(story, repository)) if step is not None]
    at = repository.ended_ns or story.facts.end_ns
    if attempt is None or attempt.sync is None:
        return Trouble(
            kind=Kind.STOPPED,
            repository=repository,
            start_ns=at if attempt is None else attempt.start_ns,
            end_ns=at,
            chain=tuple(chain),
            error_type=repository.error_type,
            error_msg=repository.error_msg,
            attempt=attempt,
        )
    return _of_attempt(Kind.STOPPED, repository, attempt, attempt.sync, chain)


def _of_attempt(
    kind: Kind, repository: RepositoryFacts | None, attempt: Attempt, sync: Span, chain: Sequence[Step]
) -> Trouble:
    """Return the trouble of a failed attempt, with the call that made it fail, if one did."""
    evidence = deciding_call(attempt) or sync
    steps = [*chain, by_span(f"attempt {attempt.number or '?'} ended: {error_of(sync) or sync.outcome}", sync)]
    if evidence is not sync:
        steps.append(by_span(said_of_call(evidence), evidence))
    return Trouble(
        kind=kind,
        repository=repository,
        start_ns=evidence.end_ns,
        end_ns=evidence.end_ns,
        chain=tuple(steps),
        error_type=error_of(evidence) or error_of(sync),
        error_msg=message_of(evidence),
        stack=_stack_of(sync),
        evidence=evidence,
        attempt=attempt,
    )


def deciding_attempt(attempts: Sequence[Attempt], *, final: str = "") -> Attempt | None:
    """Return the attempt that decided that a repository failed.

    An error that no attempt may follow decided alone. Otherwise the failures in a row since a page was last stored did,
    and of these the first of the most frequent kind.
    """
    if not attempts:
        return None
    last = attempts[-1]
    error = error_of(last.sync) if last.sync is not None else final
    if error and is_final(error):
        return last
    row: list[Attempt] = []
    for attempt in reversed(attempts):
        if attempt.has_failed:
            row.append(attempt)
        if attempt.has_stored or attempt.outcome == Outcome.COMPLETED:
            break
    row.reverse()
    kinds = [_code_name(attempt) for attempt in row]
    most = max(kinds, key=kinds.count, default=None)  # the earliest of several
    return next((attempt for attempt, kind in zip(row, kinds, strict=True) if kind == most), last)


def deciding_call(attempt: Attempt) -> Span | None:
    """Return the call that made an attempt fail.

    That is the last failure of the first request that was never answered: whatever failed after it, such as lists of
    earlier pages, was requested only because of it. None if everything was answered.
    """
    unanswered: dict[str, list[Span]] = {}
    for call in attempt.calls:
        query = query_of(call)
        if call.outcome == Outcome.COMPLETED:
            unanswered.pop(query, None)
        elif call.outcome == Outcome.FAILED and error_of(call):
            unanswered.setdefault(query, []).append(call)
    own = error_of(attempt.sync)
    if own in _OUT_OF_TIME:
        return _slowest(
            attempt, [call for calls in unanswered.values() for call in calls if error_of(call) not in _OUT_OF_TIME]
        )
    if not unanswered or (own and all(error_of(calls[-1]) != own for calls in unanswered.values())):
        return None  # the attempt failed for another reason
    first = min(unanswered.values(), key=lambda calls: calls[0].start_ns)
    return first[-1]


def _slowest(attempt: Attempt, failed: Sequence[Span]) -> Span | None:
    """Return the longest failed call if such calls took half of the attempt's time, so that it reached its limit."""
    if 2 * sum(call.end_ns - call.start_ns for call in failed) < attempt.end_ns - attempt.start_ns:
        return None
    return max(failed, key=lambda call: call.end_ns - call.start_ns, default=None)


def said_of_call(call: Span) -> str:
    """Return in words what a call was and how it ended."""
    attributes = call.attributes
    size = attributes.get("sync.page.size")
    page = f" of {count_of(size, 'pull request')}" if isinstance(size, int) else ""
    status = attributes.get("http.response.status_code")
    http = f", HTTP {status}" if status is not None else ""
    how = error_of(call) or str(attributes.get("status") or call.outcome or "open")
    return f"{query_of(call)}{page} at {clock_of(call.start_ns)}: {how} after {call.duration_ms / 1000:.2f} s{http}"


def _phase_failed(story: Story, top: Step | None) -> Trouble:
    """Return the trouble of a run that failed in a phase, whose step raised or died each time."""
    facts = story.facts
    step = next((one for one in story.steps if facts.error_type in (_NEVER_FINISHED, error_of(one))), None)
    step = step or next(iter(story.steps), None)
    chain = [one for one in (top,) if one is not None]
    if step is not None:
        chain.append(by_span(f"the step of phase {facts.phase} ended: {error_of(step) or step.outcome}", step))
    is_own = facts.error_type != _NEVER_FINISHED or step is None
    return Trouble(
        kind=Kind.STOPPED,
        repository=None,
        start_ns=facts.end_ns if step is None else step.end_ns,
        end_ns=facts.end_ns,
        chain=tuple(chain),
        error_type=facts.error_type if is_own or step is None else error_of(step),
        error_msg=facts.error_msg if is_own or step is None else step.status_message,
        stack="" if step is None else _stack_of(step),
        evidence=step,
    )


def _row_step(story: Story, repository: RepositoryFacts) -> Step | None:
    """Return the step proven by a repository's row or, without one, by its last line."""
    says = f"{repository.full_name} failed: {repository.error_type or 'no error is known'}"
    if repository.row is not None:
        return by_row(says, "RepoSync", repository.row, trace_id=story.facts.trace_id)
    lines = story.lines_of(event_names.REPO_FAILED, repo_id=repository.repo_id)
    return by_line(says, lines[-1], trace_id=story.facts.trace_id) if lines else None


def _code_name(attempt: Attempt) -> str:
    if attempt.sync is None:
        return code_of("died").name
    return code_of(error_of(attempt.sync), attempt.sync.status_message).name


def _stack_of(span: Span) -> str:
    return next(
        (str(event.attributes.get("exception.stacktrace", "")) for event in span.events if event.name == "exception"), ""
    )
