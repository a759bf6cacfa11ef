"""The waits between a repository's attempts, as spans: whoever sends the next one records them, since nobody sat there."""

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
"""A wait, since when, and until when."""


def record_waits(row: RepoSync) -> None:
    """Let what the row waited for, until it was admitted just now, be spans of its run's trace: back-off, limit, queue."""
    for operation, started_at, ended_at in _waits(row):
        if ended_at - started_at >= queue.SHORTEST_WAIT:
            record(operation, started_at=started_at, ended_at=ended_at)


def _waits(row: RepoSync) -> Iterator[Wait]:
    if row.admission.sent_at is not None:
        return  # they were recorded when its message was sent for the first time
    if row.alive_at is not None:  # when the attempt before it ended
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
