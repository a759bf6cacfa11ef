"""Bars fit the terminal, keep their places, and show everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from apps.console.terminal.bars import drawn_bars, frame
from apps.console.terminal.standing import Standing
from apps.integrations.models import ApiLane, PipelineRun, RepoSync
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.utils import clock
from apps.utils.clock import SteppedClock
from tests.console.terminal.hostile import acting, texts

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOON = START + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.using(SteppedClock(START + timedelta(seconds=75))):
        yield


def row(name: str = "o/n", *, kind: str = "recent", account: str = "host/ada", **fields: Any) -> RepoSync:
    """Return a repository's row, which stands in no database."""
    run = PipelineRun(kind=kind, phase="syncing")
    connection = GitHubConnection(account=account)
    fields = {"state": "running", "started_at": START, "due_at": SOON, **fields}
    return RepoSync(
        run=run, repository=TrackedRepository(full_name=name, connection=connection), connection=connection, **fields
    )


def drawn(*rows: RepoSync, width: int = 80, height: int | None = None, points: int | None = None) -> list[str]:
    """Return the picture of some rows as text."""
    accounts = {one.repository.connection.account for one in rows} if points is not None else set()
    lanes = {account: ApiLane(account=account, graphql_remaining=points) for account in accounts}
    return [line.plain for line in frame(Standing(rows=rows, lanes=lanes), width=width, height=height)]


DONE: dict[str, Any] = {"state": "completed", "disposition": "synced", "prs_done": 137, "prs_total": 137}
PAIR = (row(**DONE), row(kind="backfill", prs_done=906, prs_total=1812))


def test_the_runs_of_a_repository_stand_below_its_name() -> None:
    """Each with its share, its counts, how long it has taken, and what it does."""
    assert drawn(*PAIR, points=4990) == [
        "o/n",
        "  recent    ━━━━━━━━━━    137/137  75 s  syncing",
        "  backfill  ━━━━━─────  906/1,812  75 s  syncing",
        "4,990 points left",
    ]


def test_repositories_of_one_run_are_a_line_each() -> None:
    """Where their names leave room for it."""
    ended = row("o/second", ended_at=START + timedelta(seconds=605), **DONE)
    assert drawn(row("o/first"), ended) == [
        "o/first   ──────────      0/?   75 s  syncing",
        "o/second  ━━━━━━━━━━  137/137  10:05  syncing",
    ]


def test_each_account_has_its_points() -> None:
    """And says whose they are."""
    shown = drawn(row("o/first", account="host/ada"), row("o/second", account="host/ben"), points=12)
    assert shown[2:] == ["12 points of host/ada left", "12 points of host/ben left"]


@given(
    st.lists(
        st.builds(
            row,
            texts,
            kind=st.sampled_from(["recent", "backfill"]),
            account=texts,
            state=st.sampled_from(RepoSync.State.values),
            error_msg=texts,
            disposition=texts,
            wait_reason=texts,
            prs_done=st.integers(0, 100_000),
            prs_total=st.none() | st.integers(0, 100_000),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(40, 200),
)
def test_no_picture_acts_on_the_terminal(rows: list[RepoSync], width: int) -> None:
    """Whatever repositories, accounts and errors are called."""
    assert not [line for line in drawn(*rows, width=width, points=1) if acting(line) or "\n" in line]


@pytest.mark.parametrize("width", [30, 50, 60, 80, 100, 200])
def test_everything_is_shown_in_whole_words(width: int) -> None:
    """However narrow the terminal is."""
    failed = row(state="failed", disposition="gone", error_msg="GitHub: 404: Not Found", prs_done=920, prs_total=12_921)
    waiting = row("a-longer/name", state="waiting", wait_reason="secondary")
    shown = drawn(failed, waiting, width=width)
    assert max(map(len, shown)) <= width
    words = " ".join(shown).split()
    assert {"920/12,921", "gone:", "GitHub:", "404:", "Not", "Found", "a-longer/name", "secondary", "12:05:00Z"} <= set(
        words
    )


def test_a_low_terminal_shows_what_is_not_over() -> None:
    """All of it stays on the screen when it has ended."""
    rows = [row(f"o/n{number}", **DONE) for number in range(30)] + [row("o/last")]
    assert drawn(*rows, height=20) == ["30 of 31 have ended", "o/last  ──────────  0/?  75 s  syncing"]
    out = StringIO()
    console = Console(file=out, width=80, height=20, force_terminal=True, color_system=None)
    with drawn_bars(console) as draw:
        draw(Standing(rows=rows))
    last = out.getvalue().rpartition("have ended")[2]
    assert all(f"o/n{number} " in last for number in range(30))
