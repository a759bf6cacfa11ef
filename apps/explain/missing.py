"""What sweeps found missing, as far as the spans around it do not say otherwise.

A sweep knows rows alone: since when it has heard nothing. Spans may tell that the process lived longer, that the message
was only late, or that the step had failed and said so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from apps import machine_catalog
from apps.explain.activities import Activity
from apps.explain.parts import key_of

_REASON = key_of(machine_catalog.Missing, "reason")
_UNHEARD: machine_catalog.MissingReason = "unheard"


def confirmed(activities: Sequence[Activity]) -> list[Activity]:
    """Return a chain's activities with what was missing cut down to what the others leave of it."""
    attempts = [each for each in activities if not each.is_wait and not each.is_message]
    return sorted(_kept(activities, attempts), key=Activity.times)


def _kept(activities: Sequence[Activity], attempts: Sequence[Activity]) -> Iterator[Activity]:
    for activity in activities:
        if not activity.is_missing:
            yield activity
        elif not any(_was_late(attempt, activity) or _has_failed(attempt, activity) for attempt in attempts):
            heard = [attempt.end_ns for attempt in attempts if attempt.start_ns < activity.end_ns]
            since = max([activity.start_ns, *heard])
            if since < activity.end_ns:
                yield replace(activity, start_ns=since)


def _was_late(attempt: Activity, missing: Activity) -> bool:
    """Return whether `attempt` came of the message that was taken for lost, and not of the one that was sent instead."""
    if attempt.attempt != missing.attempt or attempt.start_ns < missing.end_ns:
        return False
    sent = attempt.start_ns - attempt.message_wait_ns
    return sent - missing.start_ns < missing.end_ns - sent


def _has_failed(attempt: Activity, missing: Activity) -> bool:
    """Return whether nothing more was to be heard of `attempt`, a phase's step that was to be started again."""
    is_unheard = missing.top is not None and missing.top.attributes.get(_REASON) == _UNHEARD
    return is_unheard and attempt.attempt == missing.attempt and attempt.is_error and not attempt.is_dead
