"""Record the waits between a repository's attempts, which no process sat through, when the next is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from apps import machine_catalog
from apps.integrations.errors import AttemptDied
from apps.integrations.models import RepoSync
from apps.integrations.runs import queue
from telemetry import record
from telemetry.model import Operation

Wait = tuple[Operation[None], datetime, datetime]
"""A wait with its start and end."""


def record_waits(row: RepoSync) -> None:
    """Record what the row waited for until it was just admitted, as spans of its run: back-off, limit, queue."""
    for operation, started_at, ended_at in _waits(row):
        if ended_at - started_at >= queue.SHORTEST_WAIT:
            record(operation, started_at=started_at, ended_at=ended_at)


def _waits(row: RepoSync) -> Iterator[Wait]:
    if row.admission.sent_at is not None:
        return  # recorded when its message was first sent
    if row.alive_at is not None:  # when the previous attempt ended
        if row.state == RepoSync.State.RETRYING and row.error_type != AttemptDied.error_type:
            yield machine_catalog.BackOff(attempt=row.attempt + 1, after=row.error_type), row.alive_at, row.due_at
        elif row.state == RepoSync.State.WAITING:
            account = row.connection.account
            parked = machine_catalog.ParkedWait(attempt=row.attempt + 1, account=account, reason=row.wait_reason)
            yield parked, row.alive_at, row.due_at
    for wait in queue.waits_of(row):
        operation = machine_catalog.QueueWait(
            account=row.connection.account,
            reason=wait.reason,
            behind=None if wait.behind is None else wait.behind.repository.full_name,
            behind_run=None if wait.behind is None else wait.behind.run_id,
            limit=wait.limit,
        )
        yield operation, wait.started_at, wait.ended_at
