"""Find where a run's critical path lost time: stretches that a healthy run does not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps import machine_catalog
from apps.explain import codes
from apps.explain.errors_as_codes import code_of
from apps.explain.gaps import Stretch
from apps.explain.parts import QUEUE_WAIT, RATE_WAIT, WAITS, Part
from apps.explain.story import CALLS, SYNC, WRITE, Attempt, Story, error_of
from telemetry.reading import Span

_ENVIRONMENT, _OWN_SERVERS = "deployment.environment.name", "local"
QUICK_SECONDS = 1.0
"""A successful call or a write up to this length is never slow, whatever is usual."""
_NAMED = CALLS | WAITS | {WRITE, RATE_WAIT, machine_catalog.LaneWait.__operation__, SYNC}


@dataclass(slots=True)
class Loss:
    """Stretches of the critical path in one span, from the first's start to the last's end, and their sum."""

    evidence: Span | None
    part: Part
    start_ns: int
    end_ns: int
    lost_ns: int = 0


def losses_of(story: Story) -> list[Loss]:
    """Return everything that the critical path lost time to, in order."""
    losses: dict[object, Loss] = {}
    cut_off = [attempt for attempt in story.attempts if _met_its_limit(attempt)]
    spans = story.span_of_id
    for stretch in story.time.path:
        evidence = spans.get(stretch.span_id or "")
        if evidence is not None and _is_quick(evidence, stretch.part):
            continue
        evidence = story.above(stretch.span_id, _NAMED)
        if stretch.part is Part.OUR_OWN_WORK and (cut := _within(cut_off, stretch)) is not None:
            evidence = cut.sync
        if stretch.part is Part.OPEN_NOW or not _may_be_lost(stretch, evidence):
            continue
        key = (stretch.part, evidence.span_id if evidence is not None else stretch.start_ns)
        loss = losses.setdefault(key, Loss(evidence, stretch.part, stretch.start_ns, stretch.end_ns))
        loss.end_ns, loss.lost_ns = stretch.end_ns, loss.lost_ns + stretch.duration_ns
    return list(losses.values())


def _may_be_lost(stretch: Stretch, evidence: Span | None) -> bool:
    """Return whether the time may be lost; our own work is not, except a missing start or work cut off by a limit.

    A command with its own servers also starts its own worker, which is part of its work.
    """
    if stretch.part is not Part.OUR_OWN_WORK:
        return evidence is None or not _is_quick(evidence, stretch.part)
    if evidence is not None and ended_by_limit(evidence):
        return True
    if evidence is None or evidence.name != QUEUE_WAIT:
        return False
    return evidence.resource.get(_ENVIRONMENT) != _OWN_SERVERS


def _is_quick(evidence: Span, part: Part) -> bool:
    """Return whether it is a call or write that cannot be slow, as nearly all are in a large trace."""
    is_answered = evidence.name in CALLS and evidence.status == "OK" and part is Part.GITHUB_ANSWERING
    is_one = evidence.name == WRITE or is_answered
    return is_one and evidence.end_ns - evidence.start_ns <= QUICK_SECONDS * 1e9


def _within(attempts: Sequence[Attempt], stretch: Stretch) -> Attempt | None:
    return next((one for one in attempts if one.start_ns <= stretch.start_ns and stretch.end_ns <= one.end_ns), None)


def _met_its_limit(attempt: Attempt) -> bool:
    """Return whether an attempt was ended by a time limit, so that its own work until then was lost."""
    return attempt.sync is not None and ended_by_limit(attempt.sync)


def ended_by_limit(sync: Span) -> bool:
    """Return whether an attempt's span was ended by a time limit."""
    return sync.attributes.get("died.cause") == "time_limit" or code_of(error_of(sync)) is codes.TIME_LIMIT
