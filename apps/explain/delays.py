"""Interpret each loss of time: how much, whose, and what proves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from apps import catalog, machine_catalog
from apps.explain.chains import Chain, by_span
from apps.explain.losses import QUICK_SECONDS, Loss, ended_by_limit, losses_of
from apps.explain.moments import length_of
from apps.explain.parts import BACK_OFF, MISSING, PARKED, RATE_WAIT, Part, key_of, limit_of
from apps.explain.stopped import deciding_call, said_of_call
from apps.explain.story import CALLS, SYNC, WRITE, Attempt, Story, error_of, message_of, number_of
from apps.explain.troubles import Kind, Trouble
from telemetry.model import Outcome
from telemetry.reading import Span
from telemetry.task_attributes import QUEUE_WAIT_MS

SLOW_CALL_SECONDS = 2.0
"""A longer call is slow, unless calls of its query took as long in earlier runs."""
USUAL_CALL_SECONDS = 1.0
"""How long a slow call should have taken, if no earlier run says it."""
SLOW_ROW_SECONDS = 0.001
"""A statement is slow if it takes longer than this plus this for each row."""
_NOBODY = "died"
"""The error of a process that should have sent something and did not."""
_START_SECONDS = 1.0
"""How long a run may take to begin without being late."""

_QUEUED_FOR = key_of(machine_catalog.QueueWait, "reason")
_BEHIND = key_of(machine_catalog.QueueWait, "behind")
_HOLDER = key_of(machine_catalog.LaneWait, "behind")
_AFTER = key_of(machine_catalog.BackOff, "after")
_ROWS = key_of(catalog.RowsWrite, "rows")
_BEHIND_RUN = key_of(machine_catalog.QueueWait, "behind_run")
_MISSED = key_of(machine_catalog.Missing, "attempt")
_WHY_MISSING = key_of(machine_catalog.Missing, "reason")
UNKNOWN_LIMIT = "unknown"
"""The limit of a wait known only to be for some limit."""


def delays(story: Story) -> Iterator[Trouble]:
    """Yield a trouble for everything that the critical path lost time to, in order."""
    for loss in losses_of(story):
        trouble = _trouble(story, loss)
        if trouble is not None:
            yield trouble


def _trouble(story: Story, loss: Loss) -> Trouble | None:
    evidence = loss.evidence
    if loss.part is Part.OUR_OWN_WORK and evidence is not None and ended_by_limit(evidence):
        says = f"an attempt was cut off by its limit: {error_of(evidence) or evidence.status_message}"
        known = {"error_type": error_of(evidence), "error_msg": message_of(evidence)}
        return _made(story, loss, seconds=loss.lost_ns / 1e9, chain=(by_span(says, evidence),), **known)
    if evidence is not None and evidence.name in CALLS and loss.part is Part.GITHUB_ANSWERING:
        return _of_call(story, loss, evidence)
    if evidence is not None and evidence.name == WRITE:
        usual = QUICK_SECONDS + SLOW_ROW_SECONDS * number_of(evidence.attributes.get(_ROWS))
        if loss.lost_ns / 1e9 <= usual:
            return None
        says = f"a write of {evidence.attributes.get('entity_type')} rows took {length_of(evidence.duration_ms / 1000)}"
        return _made(story, loss, seconds=loss.lost_ns / 1e9 - usual, chain=(by_span(says, evidence),))
    if loss.part is Part.GITHUB_ANSWERING or loss.part is Part.DATABASE:
        return None
    if loss.part is Part.BACK_OFF:
        return _of_back_off(story, loss)
    if evidence is not None and evidence.name == MISSING:
        return _of_missing(story, loss, evidence)
    if loss.part is Part.DEAD_UNTIL_FOUND:
        return _of_death(story, loss)
    if loss.part is Part.OUR_OWN_WORK and loss.lost_ns / 1e9 <= _START_SECONDS:
        return None
    return _of_wait(story, loss)


def _of_call(story: Story, loss: Loss, call: Span) -> Trouble | None:
    """Return the trouble of a failed or slow call; the wait after a call that a limit refused covers it."""
    lost = loss.lost_ns / 1e9
    if call.outcome in (Outcome.FAILED, Outcome.DIED):
        known = {"error_type": error_of(call), "error_msg": message_of(call)}
        return _made(story, loss, seconds=lost, chain=(by_span(said_of_call(call), call),), **known)
    usual = story.usual_seconds(call)
    slow_from, usual = (SLOW_CALL_SECONDS, USUAL_CALL_SECONDS) if usual is None else (max(QUICK_SECONDS, 2 * usual), usual)
    if lost <= slow_from:
        return None
    return _made(story, loss, seconds=lost - usual, chain=(by_span(said_of_call(call), call),))


def _of_back_off(story: Story, loss: Loss) -> Trouble:
    """Return the trouble of a pause after a failed attempt, with the call that made it fail."""
    attempt = _attempt_before(story, loss)
    step = _step_before(story, loss)
    if step is not None and loss.evidence is None and (attempt is None or step.end_ns > attempt.end_ns):
        says = f"a phase's step ended: {error_of(step) or step.status_message}"
        known = {"error_type": error_of(step), "error_msg": message_of(step)}
        return _made(story, loss, seconds=loss.lost_ns / 1e9, chain=(by_span(says, step),), **known)
    sync = None if attempt is None else attempt.sync
    call = None if attempt is None else deciding_call(attempt)
    after = str(loss.evidence.attributes.get(_AFTER, "")) if loss.evidence is not None else ""
    shown = call or sync
    error = after or error_of(shown)
    chain: Chain = ()
    if loss.evidence is not None and loss.evidence.name == BACK_OFF:
        chain += (by_span(f"a back-off of {length_of(loss.evidence.duration_ms / 1000)} after {error}", loss.evidence),)
    if sync is not None and attempt is not None:
        chain += (by_span(f"attempt {attempt.number or '?'} ended: {error_of(sync) or sync.outcome}", sync),)
    if call is not None:
        chain += (by_span(said_of_call(call), call),)
    known = {"error_type": error_of(call) or error, "error_msg": message_of(shown)}
    made = _made(story, loss, seconds=loss.lost_ns / 1e9, chain=chain, **known)
    return _with_attempt(made, attempt, shown)


def _of_death(story: Story, loss: Loss) -> Trouble:
    """Return the trouble of the time until a death was found."""
    attempt = None if _is_of_phases(loss) else _attempt_before(story, loss)
    dead = None if attempt is None else attempt.sync
    step = _step_before(story, loss, died=True)
    if step is not None and (dead is None or step.end_ns > dead.end_ns):  # the last one at work lost the time
        attempt, dead = None, step
    chain = () if dead is None else (by_span(f"{dead.status_message or 'its process ended before it did'}", dead),)
    made = _made(story, loss, seconds=loss.lost_ns / 1e9, chain=chain, error_type=error_of(dead) or "died")
    return _with_attempt(made, attempt, dead)


def _is_of_phases(loss: Loss) -> bool:
    """Return whether a phase's step was missing, rather than an attempt at a repository."""
    return loss.evidence is not None and loss.evidence.name == MISSING and "repo_id" not in loss.evidence.attributes


def _of_missing(story: Story, loss: Loss, missing: Span) -> Trouble:
    """Return the trouble of the time until a sweep found that something was missing: an attempt, a step or a message.

    A message that nobody took may also have waited for a worker. An attempt that failed but could not record it has not
    died.
    """
    reason, number = str(missing.attributes.get(_WHY_MISSING, "")), missing.attributes.get(_MISSED)
    says = f"{missing.attributes.get('sync.missing.step', 'a step')} was missing for {_length(missing)}: {reason}"
    chain: Chain = (by_span(says, missing),)
    if reason in ("lost", "unsent", "unadvanced"):
        return _made(story, loss, seconds=loss.lost_ns / 1e9, chain=chain, error_type=_NOBODY if reason != "lost" else "")
    repo_id = missing.attributes.get("repo_id")
    attempts = [one for one in story.attempts if one.repo_id == repo_id and one.number == number]
    attempt = attempts[-1] if attempts and repo_id is not None else None
    if attempt is not None and attempt.outcome == Outcome.RETRYING and attempt.sync is not None:
        chain += (by_span(f"attempt {number} ended, and its row does not say so: {error_of(attempt.sync)}", attempt.sync),)
        known = {"error_type": error_of(attempt.sync), "error_msg": message_of(attempt.sync)}
        found = replace(loss, part=Part.BACK_OFF)
        return _with_attempt(_made(story, found, seconds=loss.lost_ns / 1e9, chain=chain, **known), attempt, attempt.sync)
    made = _of_death(story, loss)
    return replace(made, chain=chain + made.chain)


def _of_wait(story: Story, loss: Loss) -> Trouble:
    """Return the trouble of a wait: for a limit, the lane, a turn or a worker; or of time that nothing explains."""
    evidence = loss.evidence
    if evidence is None or evidence.name == SYNC:
        return _made(story, loss, seconds=loss.lost_ns / 1e9, chain=_message_step(story, loss))
    limit = limit_of(evidence) if evidence.name in (RATE_WAIT, PARKED) else ""
    if evidence.attributes.get(_QUEUED_FOR) == "limit":
        limit = limit_of(evidence) or UNKNOWN_LIMIT
    behind = str(evidence.attributes.get(_BEHIND) or evidence.attributes.get(_HOLDER) or "")
    run = evidence.attributes.get(_BEHIND_RUN)
    behind += f" in run {run}" if behind and run is not None else ""
    reason = str(evidence.attributes.get(_QUEUED_FOR) or limit or "")
    says = f"{evidence.name} for {_length(evidence)}: {behind or reason or 'no reason is given'}"
    refused = _refusal(story, loss) if limit else None
    chain: Chain = (by_span(says, evidence),)
    if refused is not None:
        chain += (by_span(said_of_call(refused), refused),)
    return _made(story, loss, seconds=loss.lost_ns / 1e9, chain=chain, limit=limit, behind=behind)


def _length(span: Span) -> str:
    return length_of(span.duration_ms / 1000)


def _message_step(story: Story, loss: Loss) -> Chain:
    """Return the step of the task whose message waited longest until then, or of one that began then, if any."""
    if loss.part is not Part.QUEUE:
        return ()
    begun = [(number_of(task.attributes.get(QUEUE_WAIT_MS)) / 1000, task) for task in story.tasks_begun(loss.end_ns)]
    if not begun:
        return ()
    seconds, task = max(begun, key=lambda one: one[0])
    return (by_span(f"its message waited {length_of(seconds)} for a worker", task),)


def _refusal(story: Story, loss: Loss) -> Span | None:
    """Return the call that GitHub refused because of the limit waited for afterwards."""
    refused = [
        call
        for attempt in story.attempts
        for call in attempt.calls
        if call.outcome == Outcome.WAITING and call.end_ns <= loss.start_ns + 10**9
    ]
    return max(refused, key=lambda call: call.end_ns, default=None)


def _attempt_before(story: Story, loss: Loss) -> Attempt | None:
    """Return the attempt that had ended when the time began, of the same repository if that is known."""
    repo_id = None if loss.evidence is None else loss.evidence.attributes.get("repo_id")
    before = [
        attempt
        for attempt in story.attempts
        if attempt.end_ns <= loss.start_ns + 10**9 and repo_id in (None, attempt.repo_id) and attempt.has_failed
    ]
    return max(before, key=lambda attempt: attempt.end_ns, default=None)


def _step_before(story: Story, loss: Loss, *, died: bool = False) -> Span | None:
    """Return the last step of a phase that had failed when the time began or, with `died`, whose process had."""
    before = [step for step in story.steps if step.end_ns <= loss.start_ns + 10**9]
    return next((step for step in reversed(before) if not died or step.outcome == Outcome.DIED), None)


def _made(story: Story, loss: Loss, **known: Any) -> Trouble:
    span = loss.evidence
    repo_id = None if span is None else span.attributes.get("repo_id")
    return Trouble(
        kind=Kind.DELAYED,
        repository=story.repository_of(repo_id),
        start_ns=loss.start_ns,
        end_ns=loss.end_ns,
        evidence=span,
        part=loss.part,
        **known,
    )


def _with_attempt(trouble: Trouble, attempt: Attempt | None, evidence: Span | None) -> Trouble:
    return replace(trouble, attempt=attempt, evidence=evidence or trouble.evidence)
