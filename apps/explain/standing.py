"""Find what holds up an unfinished run: what each repository waits for, since when and until when."""

from __future__ import annotations

from collections.abc import Iterator

from apps.explain.chains import Chain, Step, by_row, by_span
from apps.explain.facts import RepositoryFacts
from apps.explain.moments import clock_of, length_of
from apps.explain.parts import RATE_WAIT, Part, limit_of
from apps.explain.stopped import deciding_call, outcome_step, said_of_call
from apps.explain.story import Attempt, Story, error_of, message_of
from apps.explain.troubles import Kind, Trouble
from telemetry.model import Outcome
from telemetry.reading import Span

WORTH_SECONDS = 3.0
"""A shorter wait is not a stall."""


def standing(story: Story) -> Iterator[Trouble]:
    """Yield a trouble for each waiting repository of an unfinished run, and for its phase if nobody works on it."""
    facts = story.facts
    if not facts.is_running:
        return
    for repository in facts.repositories:
        if not repository.has_ended and (trouble := _of_repository(story, repository)) is not None:
            yield trouble
    if facts.repositories and all(one.has_ended for one in facts.repositories) and facts.has_row:
        yield from _of_phase(story)


def works(repository: RepositoryFacts) -> bool:
    """Return whether an attempt at the repository is at work now."""
    return repository.state == "running" and not repository.wait_reason and not repository.silent_sec


def _of_repository(story: Story, repository: RepositoryFacts) -> Trouble | None:
    now = story.facts.now_ns
    attempts = story.attempts_at(repository)
    last = attempts[-1] if attempts else None
    top = _row_steps(story, repository)
    if repository.silent_sec:
        since = now - int(repository.silent_sec * 1e9)
        says = f"attempt {repository.attempt} has given no sign of life since {clock_of(since)}"
        sync = None if last is None else last.sync
        return _made(
            repository,
            since,
            now,
            (*top, *_proof(story, repository, says, sync)),
            part=Part.DEAD_UNTIL_FOUND,
            error_type="attempt_died",
            evidence=sync,
        )
    is_over = repository.state == "waiting" and (repository.due_ns or now) <= now - int(WORTH_SECONDS * 1e9)
    if repository.wait_reason and not is_over:
        wait = _wait_of(last)
        since = repository.alive_ns or now if wait is None else wait.start_ns
        until = repository.due_ns or now
        reason = repository.wait_reason
        says = f"it waits for {'the lane' if reason == 'lane' else f'a {reason} limit'} until {clock_of(until)}"
        steps = (*top, *_proof(story, repository, says, wait), *_refused(last))
        limit = "" if reason == "lane" else reason
        return _made(
            repository, since, until, steps, limit=limit, part=Part.LANE if reason == "lane" else None, evidence=wait
        )
    if repository.state == "retrying":
        return _backing_off(story, repository, last, top)
    if repository.state in ("queued", "waiting"):
        since = max(repository.due_ns or story.facts.started_ns, story.facts.started_ns)
        return _queued(story, repository, since, top)
    return None


def _backing_off(story: Story, repository: RepositoryFacts, last: Attempt | None, top: Chain) -> Trouble:
    """Return the trouble of a repository whose last attempt failed or died."""
    now = story.facts.now_ns
    due = repository.due_ns or now
    since = repository.alive_ns or (now if last is None else last.end_ns)
    if due <= now and not _is_death(repository):
        return _queued(story, repository, due, top) or _of_error(repository, last, since, due, top)
    return _of_error(repository, last, since, max(due, since), top)


def _of_error(repository: RepositoryFacts, last: Attempt | None, since: int, until: int, top: Chain) -> Trouble:
    call = None if last is None else deciding_call(last)
    sync = None if last is None else last.sync
    steps: Chain = top
    if sync is not None and last is not None:
        steps += (by_span(f"attempt {last.number or '?'} ended: {error_of(sync) or sync.outcome}", sync),)
    if call is not None:
        steps += (by_span(said_of_call(call), call),)
    return _made(
        repository,
        since,
        until,
        steps,
        error_type=error_of(call) or repository.error_type,
        error_msg=message_of(call) or repository.error_msg,
        evidence=call or sync,
        attempt=last,
        part=Part.BACK_OFF,
    )


def _queued(story: Story, repository: RepositoryFacts, since: int, top: Chain) -> Trouble | None:
    """Return the trouble of a repository that waits for its turn or a worker; None if it has hardly begun to."""
    now = story.facts.now_ns
    if (now - since) / 1e9 < WORTH_SECONDS:
        return None
    limit, until = story.surroundings.blocks.get(repository.account, ("", now))
    sent = repository.sent_ns
    says = (
        f"its message is under way since {clock_of(sent)}, and no worker has begun it"
        if sent is not None
        else f"it queues for {repository.account or 'its account'} since {clock_of(since)}"
    )
    own = next((one for one in story.facts.repositories if one.repo_id != repository.repo_id and works(one)), None)
    behind = "" if own is None or sent is not None else own.full_name
    steps = (*top, *_proof(story, repository, says, None))
    return _made(repository, since, until, steps, limit=limit, behind=behind, part=Part.QUEUE)


def _of_phase(story: Story) -> Iterator[Trouble]:
    """Yield the trouble of a phase whose step nobody has begun, or which has long been silent."""
    facts = story.facts
    sent = facts.step_sent_ns
    if sent is None or (facts.now_ns - sent) / 1e9 < WORTH_SECONDS or facts.run_id is None:
        return
    died = next((step for step in reversed(story.steps) if step.outcome == Outcome.DIED), None)
    waited = length_of((facts.now_ns - sent) / 1e9)
    begun = "was begun" if facts.step_attempt else "was sent"
    says = f"the step of phase {facts.phase} {begun} {waited} ago, and has not ended"
    steps: Chain = (by_row(says, "PipelineRun", facts.run_id, trace_id=facts.trace_id),)
    if died is not None:
        steps += (by_span(died.status_message or "its process ended before it did", died),)
        yield _made(None, sent, facts.now_ns, steps, error_type="died", evidence=died, part=Part.DEAD_UNTIL_FOUND)
    elif not facts.step_attempt:
        yield _made(None, sent, facts.now_ns, steps, part=Part.QUEUE)


def _row_steps(story: Story, repository: RepositoryFacts) -> Chain:
    top = outcome_step(story)
    return () if top is None else (top,)


def _proof(story: Story, repository: RepositoryFacts, says: str, span: Span | None) -> tuple[Step, ...]:
    """Return the step proven by a span, or else by the repository's row."""
    if span is not None:
        return (by_span(says, span),)
    if repository.row is None:
        return ()
    return (by_row(says, "RepoSync", repository.row, trace_id=story.facts.trace_id),)


def _wait_of(last: Attempt | None) -> Span | None:
    """Return the wait for a limit that the last attempt is in, or ended with."""
    waits = [] if last is None else [span for span in last.inside if span.name == RATE_WAIT and limit_of(span)]
    return next((span for span in reversed(waits) if span.is_open or span.outcome == Outcome.WAITING), None)


def _refused(last: Attempt | None) -> tuple[Step, ...]:
    """Return the step of the call that GitHub refused because of a limit."""
    refused = [] if last is None else [call for call in last.calls if call.outcome == Outcome.WAITING]
    return tuple(by_span(said_of_call(call), call) for call in refused[-1:])


def _is_death(repository: RepositoryFacts) -> bool:
    return repository.error_type == "attempt_died"


def _made(repository: RepositoryFacts | None, start_ns: int, end_ns: int, chain: Chain, **known: object) -> Trouble:
    return Trouble(kind=Kind.STANDING, repository=repository, start_ns=start_ns, end_ns=end_ns, chain=chain, **known)  # type: ignore[arg-type]  # each caller names fields
