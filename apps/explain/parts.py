"""The parts that a run's time consists of, and the part that each span stands for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from apps import catalog, machine_catalog
from telemetry.model import Operation
from telemetry.reading import Span


class Part(StrEnum):
    """Where a moment of a run went, in words and in the order of tables."""

    GITHUB_ANSWERING = "GitHub answering"
    PRIMARY_WAIT = "primary wait"
    SECONDARY_WAIT = "secondary wait"
    BACK_OFF = "back-off"
    LANE = "lane"
    QUEUE = "queue"
    DATABASE = "database"
    OUR_OWN_WORK = "our own work"
    DEAD_UNTIL_FOUND = "dead until found"
    OPEN_NOW = "open now"
    UNEXPLAINED = "unexplained"

    @property
    def key(self) -> str:
        """Its name for programs."""
        return self.name.lower()


WAITING = frozenset({Part.PRIMARY_WAIT, Part.SECONDARY_WAIT, Part.BACK_OFF, Part.LANE, Part.QUEUE, Part.DEAD_UNTIL_FOUND})
"""The parts in which the run only waited."""
QUEUE_WAIT = machine_catalog.QueueWait.__operation__
BACK_OFF = machine_catalog.BackOff.__operation__
PARKED = machine_catalog.ParkedWait.__operation__
MISSING = machine_catalog.Missing.__operation__
RATE_WAIT = catalog.RateWait.__operation__
WAITS = frozenset({QUEUE_WAIT, BACK_OFF, PARKED, MISSING})
"""Spans of waits between attempts: nobody was at work."""

_OF_NAME: Mapping[str, Part] = {
    catalog.GraphQLCall.__operation__: Part.GITHUB_ANSWERING,
    catalog.RestCall.__operation__: Part.GITHUB_ANSWERING,
    catalog.RowsWrite.__operation__: Part.DATABASE,
    machine_catalog.LaneWait.__operation__: Part.LANE,
    BACK_OFF: Part.BACK_OFF,
    MISSING: Part.DEAD_UNTIL_FOUND,
}
_BY_REASON = frozenset({RATE_WAIT, PARKED, QUEUE_WAIT})
"""Waits whose part depends on their reason."""


def key_of(operation: type[Operation[Any]], field: str) -> str:
    """Return the span attribute that a declared field stands under."""
    return operation.__known__[field].key


_LIMIT = key_of(catalog.RateWait, "reason")
_QUEUED_FOR = key_of(machine_catalog.QueueWait, "reason")


def part_of(span: Span) -> Part | None:
    """Return the part that the span stands for; None for one that belongs to its enclosing span."""
    if span.name not in _BY_REASON:
        return _OF_NAME.get(span.name)
    queued_for = span.attributes.get(_QUEUED_FOR) if span.name == QUEUE_WAIT else "limit"
    if queued_for == "limit":
        return part_of_limit(limit_of(span))
    return Part.OUR_OWN_WORK if queued_for == "start" else Part.QUEUE  # nobody was ahead of a start


def part_of_limit(reason: str) -> Part:
    """Return the part for a wait with that reason; GitHub announces a secondary limit by `Retry-After`."""
    return Part.PRIMARY_WAIT if reason == "primary" else Part.SECONDARY_WAIT


def limit_of(span: Span) -> str:
    """Return the reason of a wait for a limit."""
    return str(span.attributes.get(_LIMIT, ""))
