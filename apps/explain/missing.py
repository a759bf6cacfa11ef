"""Correct what sweeps found missing by what the spans around it show.

A sweep knows only rows: since when they have been silent. Spans may show that the process lived longer, that the
message was only late, or that the step had failed and reported it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from apps import machine_catalog
from apps.explain.activities import Activity
from apps.explain.parts import key_of

_REASON = key_of(machine_catalog.Missing, "reason")
_UNHEARD: machine_catalog.MissingReason = "unheard"
_UNADVANCED: machine_catalog.MissingReason = "unadvanced"
_OF_MESSAGES: frozenset[object] = frozenset[machine_catalog.MissingReason]({"lost", "unsent"})


def confirmed(activities: Sequence[Activity]) -> list[Activity]:
    """Return a chain's activities, with missing times reduced to what the others leave of them.

    A message that nobody received is left out if an earlier one was received.
    """
    attempts = [each for each in activities if not each.is_wait and not each.is_message]
    return sorted(_kept(activities, attempts), key=Activity.times)


def _kept(activities: Sequence[Activity], attempts: Sequence[Activity]) -> Iterator[Activity]:
    for activity in activities:
        if activity.is_message:
            first = _first_since(activity.end_ns, activity, attempts)
            if first is None or _sent(first) > activity.start_ns:  # else the attempt came from an earlier one
                yield activity
        elif not activity.is_missing:
            yield activity
        elif not _was_late(activity, attempts) and not _had_failed(activity, attempts):
            heard = [attempt.end_ns for attempt in attempts if attempt.start_ns < activity.end_ns]
            since = max([activity.start_ns, *heard])
            if since < activity.end_ns:
                yield replace(activity, start_ns=since)
            elif _reason(activity) == _UNADVANCED:  # what follows was sent by the sweep, which was first
                yield replace(activity, start_ns=since, end_ns=since)


def _was_late(missing: Activity, attempts: Sequence[Activity]) -> bool:
    """Return whether the first attempt that followed came from the message taken for lost, not from its replacement."""
    if _reason(missing) not in _OF_MESSAGES:
        return False
    first = _first_since(missing.end_ns, missing, attempts)
    return first is not None and _sent(first) - missing.start_ns < missing.end_ns - _sent(first)


def _first_since(at_ns: int, asked: Activity, attempts: Sequence[Activity]) -> Activity | None:
    """Return the first attempt since then with the number of `asked`; later ones find it begun or are another step's."""
    return next((each for each in attempts if each.attempt == asked.attempt and each.start_ns >= at_ns), None)


def _sent(attempt: Activity) -> int:
    """Return when the message that led to the attempt was sent."""
    return attempt.start_ns - attempt.message_wait_ns


def _had_failed(missing: Activity, attempts: Sequence[Activity]) -> bool:
    """Return whether a phase's step was rightly silent: it had failed and was due to be started again."""
    if _reason(missing) != _UNHEARD:
        return False
    tried = [each for each in attempts if each.attempt == missing.attempt and each.start_ns < missing.end_ns]
    return bool(tried) and tried[-1].is_error and not tried[-1].is_dead


def _reason(missing: Activity) -> object:
    return None if missing.top is None else missing.top.attributes.get(_REASON)
