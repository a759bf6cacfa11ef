"""A sync is watched from its rows: plain lines where nobody sees a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from pytest_django import DjangoAssertNumQueries
from rich.console import Console

from apps.console.terminal.standing import read_standing
from apps.console.terminal.watching import watch
from apps.integrations.models import ApiLane, PipelineRun, RepoSync
from apps.utils import clock
from apps.utils.clock import SystemClock
from tests.console.terminal.hostile import acting, encodable_texts
from tests.integrations.histories import repo_sync, repository

TASK = "98d7c37e-a1b9-41e0-b7ac-755d5189d370"
LATER = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def row(db: None) -> RepoSync:
    """Return one repository in a run that the task started."""
    run = PipelineRun.objects.create(
        team=repository().team,
        kind="recent",
        phase="syncing",
        task_id=TASK,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        started_ns=1,
        started_at=LATER,
    )
    return repo_sync(run, run.team.repositories.get(), state="running")


class Story(SystemClock):
    """A clock on which each sleep makes the next of some changes to a row, and then ends its run."""

    def __init__(self, row: RepoSync, *changes: dict[str, Any]) -> None:
        self._row, self._todo = row, [*changes, {"state": "completed", "disposition": "synced"}]

    def now(self) -> datetime:
        return LATER - timedelta(minutes=1)

    def sleep(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        if self._todo:
            RepoSync.objects.filter(pk=self._row.pk).update(**self._todo.pop(0))
        else:
            PipelineRun.objects.update(state="completed", ended_at=LATER)


def watched(row: RepoSync, *changes: dict[str, Any]) -> list[str]:
    """Return the lines shown while `changes` are made to the row one after the other, until the run ends."""
    out = StringIO()
    with clock.using(Story(row, *changes)):
        runs = watch(TASK, console=Console(file=out, width=20))
    assert [run.pk for run in runs] == [row.run_id]
    return out.getvalue().splitlines()


def test_a_line_is_said_when_something_changes(row: RepoSync) -> None:
    """Each tenth of the way, each wait with its end, each failure; the same is not said twice, and no line is broken."""
    ApiLane.objects.create(account="github.test/ada", graphql_remaining=4990)
    assert watched(
        row,
        {"prs_done": 25, "prs_total": 1000},
        {"prs_done": 26},
        {"prs_done": 100},
        {"wait_reason": "primary"},
        {"wait_reason": "lane"},
        {"wait_reason": "", "state": "retrying", "attempt": 1, "error_msg": "GitHub: 502"},
    ) == [
        "o/n (recent): 0 of ? read, syncing, 4990 points left",
        "o/n (recent): 100 of 1000 read, syncing, 4990 points left",
        "o/n (recent): 100 of 1000 read, waiting: GitHub's primary limit until 12:30:00Z, 4990 points left",
        "o/n (recent): 100 of 1000 read, waiting: another program that uses this account, 4990 points left",
        "o/n (recent): 100 of 1000 read, backing off: attempt 2 at 12:30:00Z: GitHub: 502, 4990 points left",
        "o/n (recent): 100 of 1000 read, syncing",
        "o/n (recent): 100 of 1000 read, synced",
    ]


def test_many_repositories_are_looked_at_in_as_many_queries_as_one(
    row: RepoSync, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Their lanes and their places in the queue are read together, four times a second."""
    for number in range(3):
        repo_sync(row.run, repository(f"o/n{number}"))
    with django_assert_num_queries(6):
        standing = read_standing(TASK)
    assert len(standing.rows) == 4


@given(error=encodable_texts.map(lambda text: text.replace("\0", "")))  # which PostgreSQL does not store
@hypothesis.settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
def test_a_plain_line_acts_nowhere(row: RepoSync, error: str) -> None:
    """Whatever an error says."""
    RepoSync.objects.update(state="failed", disposition="failed", error_msg=error)
    PipelineRun.objects.update(state="failed", ended_at=LATER)
    out = StringIO()
    watch(TASK, console=Console(file=out, width=20))
    assert not acting(out.getvalue())
    assert out.getvalue().count("\n") == 1


def test_a_failure_says_why(row: RepoSync) -> None:
    """The disposition comes with its reason."""
    lines = watched(row, {"state": "failed", "disposition": "gone", "error_msg": "GitHub: 404: Not Found"})
    assert "o/n (recent): 0 of ? read, gone: GitHub: 404: Not Found" in lines


def test_a_narrow_terminal_shows_everything(row: RepoSync) -> None:
    """Texts are wrapped, and counts stay whole."""
    out = StringIO()
    change = {
        "prs_done": 920,
        "prs_total": 921,
        "state": "failed",
        "disposition": "gone",
        "error_msg": "GitHub: 404: Not Found",
    }
    with clock.using(Story(row, {**change, "wait_reason": ""}, change)):
        watch(TASK, console=Console(file=out, width=50, force_terminal=True, color_system=None))
    assert "920/921" in out.getvalue()
    assert "gone: GitHub: 404" in out.getvalue()


def test_nobody_starting_the_run_is_an_error(db: None) -> None:
    """A worker that takes the task and never starts a run is not waited for."""
    with pytest.raises(TimeoutError, match="No worker has started the run"):
        watch(TASK, console=Console(file=StringIO()), start_within=0.0)
