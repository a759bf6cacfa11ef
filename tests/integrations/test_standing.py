"""Where a repository's sync stands, in the same words wherever it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from apps.integrations.models import PipelineRun, RepoSync
from apps.utils import clock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=30)
BAD_GATEWAY = {"state": "retrying", "attempt": 1, "error_type": "server_error", "error_msg": "GitHub: 502"}
DIED = {"state": "retrying", "attempt": 1, "error_type": "attempt_died", "error_msg": "Attempt 1 was killed: signal 9"}


def _ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("fields", "word", "said"),
    [
        ({"state": "queued", "due_at": NOON}, "queued", "queued: its turn"),
        ({"state": "running", "alive_at": NOON}, "syncing", "syncing"),
        ({"state": "running", "alive_at": _ago(35)}, "syncing", "syncing"),
        ({"state": "running", "alive_at": _ago(36)}, "silent", "silent for 36 s"),
        (
            {"state": "running", "alive_at": NOON, "wait_reason": "secondary"},
            "waiting",
            "waiting: GitHub's secondary limit until 12:30:00Z",
        ),
        (
            {"state": "running", "alive_at": NOON, "wait_reason": "lane"},
            "waiting",
            "waiting: another program that uses this account",
        ),
        ({"state": "waiting", "wait_reason": "primary"}, "waiting", "waiting: GitHub's primary limit until 12:30:00Z"),
        ({"state": "waiting", "wait_reason": "primary", "due_at": NOON}, "queued", "queued: its turn"),
        (BAD_GATEWAY, "backing off", "backing off: attempt 2 at 12:30:00Z: GitHub: 502"),
        ({**DIED, "due_at": NOON}, "dead", "dead: attempt 2: its turn: Attempt 1 was killed: signal 9"),
        ({"state": "completed", "disposition": "archived"}, "archived", "archived"),
        ({"state": "failed", "disposition": "gone", "error_msg": "no"}, "gone", "gone: no"),
        ({"state": "cancelled", "disposition": "cancelled", "error_msg": "ada did"}, "cancelled", "cancelled: ada did"),
    ],
)
def test_a_sync_says_where_it_stands_and_why(fields: dict[str, Any], word: str, said: str, settings: Settings) -> None:
    """One word for lists and filters, and a sentence with what it waits for and until when."""
    settings.SYNC_REQUEST_SECONDS, settings.SYNC_STALE_SECONDS = 30, 120
    with clock.using(clock.SteppedClock(NOON)):
        row = RepoSync(**{"due_at": LATER, **fields})
        assert (row.standing, row.said) == (word, said)


def test_a_run_of_which_everything_waits_is_waiting() -> None:
    """Only while it runs."""
    run = PipelineRun(state="running")
    assert run.standing == "running"
    run.is_waiting = True
    assert run.standing == "waiting"
    run.state = PipelineRun.State.PARTIAL
    assert run.standing == "partial"
