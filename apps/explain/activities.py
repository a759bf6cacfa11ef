"""Group what happened under a run's root into activities: an attempt, a phase's step or a wait, with all inside it.

The activities of one repository follow each other and form a chain; so do those of a run's phases.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from apps import catalog, machine_catalog
from apps.explain.parts import MISSING, WAITS, key_of
from telemetry.model import Outcome
from telemetry.reading import Span, orphans_of
from telemetry.task_attributes import ATTEMPT, QUEUE_WAIT_MS

ROOT = catalog.Pipeline.__operation__
_LINK = machine_catalog.RunLink.__operation__
_SYNC = catalog.RepoSync.__operation__
_SYNC_TASK = "apps.integrations.tasks.sync_repository"
_SENT = "apply_async/"
_MESSAGE_ID = "messaging.message.id"
_ATTEMPT_OF_SYNC = key_of(catalog.RepoSync, "attempt")
_ATTEMPT_MISSING = key_of(machine_catalog.Missing, "attempt")
_FULL_NAME = key_of(catalog.RepoSync, "full_name")

_LONGEST_NS = 10**9 * 86_400 * 366 * 100

Chain = tuple[object, object]
"""The ids of a run and a repository; None as the repository is the chain of the run's phases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A span under a root with all its descendants, or what is left of one that vanished with its process."""

    start_ns: int
    end_ns: int
    top: Span | None
    """None if its own span never arrived."""
    spans: tuple[Span, ...]
    """In the order they began; of those that began together, the longest, which encloses the others, first."""
    is_dead: bool = False
    """Whether its process died, vanished or stalled, so that something else had to find that out."""

    def times(self) -> tuple[int, int]:
        """Return when it began and ended, by which chains are ordered."""
        return self.start_ns, self.end_ns

    @property
    def is_wait(self) -> bool:
        """Whether it is a wait between attempts."""
        return self.top is not None and self.top.name in WAITS

    @property
    def is_missing(self) -> bool:
        """Whether it is the time until a sweep found that an attempt, a step or its message was missing."""
        return self.top is not None and self.top.name == MISSING

    @property
    def is_message(self) -> bool:
        """Whether it is only the message that was sent for it."""
        return self.top is None and all(_is_message(span) for span in self.spans)

    @property
    def has_vanished(self) -> bool:
        """Whether only the spans inside it arrived."""
        return self.top is None and not self.is_message

    @property
    def sync(self) -> Span | None:
        """The span of the repository's sync inside it."""
        return next((span for span in self.spans if span.name == _SYNC), None)

    @property
    def ending(self) -> Span | None:
        """The span that says how it ended."""
        return self.sync or self.top

    @property
    def outcome(self) -> str | None:
        """How it ended, if its spans say so."""
        return None if self.ending is None else self.ending.outcome

    @property
    def attempt(self) -> int | None:
        """The number of the attempt that it is, or that was missing, from 1; None if its spans do not say."""
        if self.is_wait and not self.is_missing:
            return None
        of_message, missing = (self.spans[0] if is_it else None for is_it in (self.is_message, self.is_missing))
        for span, key in (
            (self.sync, _ATTEMPT_OF_SYNC),
            (self.top, ATTEMPT),
            (of_message, ATTEMPT),
            (missing, _ATTEMPT_MISSING),
        ):
            number = None if span is None else span.attributes.get(key)
            if isinstance(number, int):
                return number
        return None

    @property
    def full_name(self) -> str | None:
        """The repository's name."""
        return None if self.sync is None else str(self.sync.attributes.get(_FULL_NAME))

    @property
    def message_wait_ns(self) -> int:
        """How long its message waited for a worker."""
        waited = None if self.top is None else self.top.attributes.get(QUEUE_WAIT_MS)
        return nanoseconds(waited, 1e6) or 0

    @property
    def is_error(self) -> bool:
        """Whether it ended with an error."""
        return self.top is not None and self.top.status == "ERROR"

    @property
    def has_ended(self) -> bool:
        """Whether it did its work or failed for good."""
        if self.outcome is None:
            return self.top is not None and self.top.status == "OK"
        return self.outcome in (Outcome.COMPLETED, Outcome.FAILED)


def nanoseconds(value: object, per_unit: float) -> int | None:
    """Return the length of time in an attribute; None if it is not one."""
    if not isinstance(value, int | float) or not 0 <= value * per_unit < _LONGEST_NS:  # NaN is not one either
        return None
    return int(value * per_unit)


def chains_of(spans: Iterable[Span], *, reserved: Collection[str] = ()) -> dict[Chain, list[Activity]]:
    """Return each chain's activities in the order they began; `reserved` are the ids of roots that have not been emitted."""
    known = {span.span_id: span for span in spans}
    roots = {span.span_id for span in known.values() if span.name == ROOT} | set(reserved) | _reserved_roots(known)
    groups: dict[str, list[Span]] = {}
    tops: dict[str | None, str] = {}
    for span in known.values():
        if span.span_id in roots:
            continue
        top = tops.get(span.parent_id)
        if top is None:
            top = _top_of(span, known, roots)
            if top != span.span_id:
                tops[span.parent_id] = top  # the same for all that share a parent
        groups.setdefault(top, []).append(span)
    chains: dict[Chain, list[Activity]] = {}
    for top_id, inside in groups.items():
        activity = _activity(known.get(top_id), sorted(inside, key=_outermost_first))
        if not _says_nothing(activity):
            chains.setdefault(_chain_of(activity), []).append(activity)
    for message in _unanswered(known.values()):
        activity = _activity(None, [message])
        chains.setdefault(_chain_of(activity), []).append(activity)
    return {chain: _in_turn(activities) for chain, activities in chains.items()}


def strays_of(spans: Iterable[Span], *, reserved: Collection[str] = ()) -> list[Span]:
    """Return the spans whose parent is missing from among them; a root still to come does not count."""
    known = {span.span_id: span for span in spans}
    roots = set(reserved) | _reserved_roots(known)
    return [span for span in orphans_of(known.values()) if span.parent_id not in roots]


def _reserved_roots(known: dict[str, Span]) -> set[str]:
    """Return the ids of roots not emitted yet, known from the messages and waits below them."""
    return {
        span.parent_id
        for span in known.values()
        if span.parent_id is not None
        and span.parent_id not in known
        and (span.name in WAITS or span.name == _LINK or span.name.startswith("run/"))
    }


def _top_of(span: Span, known: dict[str, Span], roots: set[str]) -> str:
    """Return the id of the top-level span that encloses `span`, or of its enclosing span that never arrived."""
    seen = {span.span_id}
    while span.parent_id is not None and span.parent_id not in roots and span.parent_id not in seen:
        above = known.get(span.parent_id)
        if above is None:
            return span.parent_id
        seen.add(above.span_id)
        span = above
    return span.span_id


def _outermost_first(span: Span) -> tuple[int, int]:
    return span.start_ns, -span.end_ns


def _activity(top: Span | None, spans: Sequence[Span]) -> Activity:
    start = min(span.start_ns for span in spans) if top is None else top.start_ns
    end = max(span.end_ns for span in spans) if top is None else top.end_ns
    activity = Activity(start_ns=start, end_ns=max(start, end), top=top, spans=tuple(spans))
    return replace(activity, is_dead=top is None or Outcome.DIED in (top.outcome, activity.outcome))


def _is_message(span: Span | None) -> bool:
    """Return whether the span is a sent message's."""
    return span is not None and span.name.startswith(_SENT)


def _says_nothing(activity: Activity) -> bool:
    """Return whether the span takes none of a chain's time.

    That holds for a link to another trace; a message, whose receiver says how long it waited; and a second delivery,
    which finds another attempt at work under its number.
    """
    top = activity.top
    if top is None:
        return False
    is_idle = activity.sync is None and not activity.is_dead and not activity.is_error and not top.is_open
    return top.name == _LINK or _is_message(top) or (top.name == f"run/{_SYNC_TASK}" and is_idle)


def _unanswered(spans: Collection[Span]) -> list[Span]:
    """Return the messages without a known receiver: either it or the message was lost."""
    received = {span.attributes.get(_MESSAGE_ID) for span in spans if span.name.startswith("run/")}
    sent = [span for span in spans if span.name.startswith(_SENT) and _MESSAGE_ID in span.attributes]
    return [span for span in sent if span.attributes[_MESSAGE_ID] not in received]


def _chain_of(activity: Activity) -> Chain:
    run_id = repo_id = None
    for span in chain([activity.top] if activity.top else [], activity.spans):
        run_id = run_id if run_id is not None else span.attributes.get("run_id")
        repo_id = repo_id if repo_id is not None else span.attributes.get("repo_id")
        if run_id is not None and repo_id is not None:
            break
    return run_id, repo_id


def _in_turn(activities: list[Activity]) -> list[Activity]:
    """Return the activities in the order they began; one that its successor did not wait for had stalled, and ends there."""
    activities.sort(key=Activity.times)
    attempts = [activity for activity in activities if not activity.is_wait]
    stood_still = {
        id(one): _cut(one, following.start_ns)
        for one, following in pairwise(attempts)
        if one.outcome == Outcome.CANCELLED and one.end_ns > following.start_ns
    }
    return [stood_still.get(id(activity), activity) for activity in activities]


def _cut(activity: Activity, at_ns: int) -> Activity:
    """Return the activity up to its last sign of life before `at_ns`, when something in it began or ended."""
    signs = [span.end_ns if span.end_ns <= at_ns else span.start_ns for span in activity.spans]
    end = max((sign for sign in signs if activity.start_ns <= sign <= at_ns), default=activity.start_ns)
    return replace(activity, end_ns=end, is_dead=True)
