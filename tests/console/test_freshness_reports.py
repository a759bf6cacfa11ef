"""How fresh a repository is against its team's promise, in its one word, a sentence and advice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from apps.console.freshness_reports import FreshnessReport, report_on, span_in_words
from apps.integrations.freshness import Freshness, counts_of, with_freshness
from apps.integrations.models import RepoSync
from apps.repositories.models import BEGINNING, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from tests.console.web.people import make_run

pytestmark = pytest.mark.django_db
_HOUR = timedelta(hours=1)
_DONE: dict[str, Any] = {"state": "completed", "disposition": "synced"}
_START = "python manage.py sync core/one --team core"


@pytest.fixture
def team() -> Team:
    """A team that promises twelve hours."""
    return Team.objects.create(slug="core", name="Core", fresh_hours=12)


def _synced(team: Team, *, hours_ago: float, **row: Any) -> RepoSync:
    """A sync of core/one that began so long ago."""
    at = clock.now() - hours_ago * _HOUR
    run_fields = {name: row.pop(name) for name in ("cancelled_by", "kind") if name in row}
    is_over = row.get("state") in RepoSync.ENDED
    run = make_run(
        team,
        {"full_name": "core/one", "started_at": at, **row},
        ago=hours_ago * _HOUR,
        state="completed" if is_over else "running",
        **run_fields,
    )
    if row.get("state") == "completed":
        TrackedRepository.objects.update(covered_from=BEGINNING)
    return run.repo_syncs.get()


def _report() -> FreshnessReport:
    now = clock.now()
    (found,) = report_on(with_freshness(TrackedRepository.objects.select_related("team"), now=now), now=now)
    assert counts_of(TrackedRepository.objects.all(), now=now) == [{"freshness": found.state, "count": 1}]
    return found


def test_what_is_as_fresh_as_promised_is_on_time(team: Team) -> None:
    """It is as old as the sync that stored it: what happened after that began may be missing."""
    row = _synced(team, hours_ago=11.5, **_DONE)
    found = _report()
    assert (found.state, found.advice) == (Freshness.ON_TIME, "")
    assert found.sentence == "What is stored is 11 h old, within the promise."
    assert (found.fresh_at, found.newest) == (row.started_at, row)


def test_what_is_late_needs_somebody_where_nothing_is_under_way(team: Team) -> None:
    """And the command that helps is said."""
    _synced(team, hours_ago=15.5, **_DONE)
    found = _report()
    assert (found.state.word, found.sentence) == ("needs you", "3 h late, and nothing is under way.")
    assert found.advice == f"Start a sync: {_START}"


def test_what_is_late_and_under_way_is_delayed(team: Team) -> None:
    """It says what the sync waits for; one of a backfill makes nothing fresher."""
    _synced(team, hours_ago=100, **_DONE)
    _synced(team, hours_ago=1, kind="backfill", state="running")
    assert _report().state == Freshness.NEEDS_YOU
    due = clock.now() + _HOUR
    row = _synced(team, hours_ago=1, state="waiting", wait_reason="primary", due_at=due, started_at=None)
    found = _report()
    assert (found.state, found.advice) == (Freshness.DELAYED, "")
    assert found.sentence == (
        f"3 days late. Run {row.run_id} is under way: waiting: GitHub's primary limit until {due:%H:%M:%S}Z."
    )


def test_a_row_whose_run_has_ended_is_not_under_way(team: Team) -> None:
    """Whatever it says."""
    _synced(team, hours_ago=100, **_DONE)
    row = _synced(team, hours_ago=1, state="queued")
    type(row.run).objects.filter(pk=row.run_id).update(state="failed", ended_at=clock.now())
    assert _report().state == Freshness.NEEDS_YOU


@pytest.mark.parametrize(
    ("error_type", "state", "advice"),
    [
        ("server_error", Freshness.FAILED, "GitHub is in trouble."),
        ("unauthorized", Freshness.NEEDS_YOU, "The token was refused. Create a new one"),
        ("an_error_of_another_version", Freshness.NEEDS_YOU, ""),
    ],
)
def test_a_newest_sync_that_failed_is_said_though_it_is_not_late(
    team: Team, error_type: str, state: Freshness, advice: str
) -> None:
    """Failed, where the next one may go through; else it needs somebody, also for a reason that nobody here knows."""
    _synced(team, hours_ago=3, **_DONE)
    row = _synced(team, hours_ago=1, state="failed", error_type=error_type, error_msg="500: It broke.")
    found = _report()
    assert found.state == state
    assert found.sentence == f"Run {row.run_id} failed: 500: It broke. What is stored is 3 h old, within the promise."
    assert found.advice.startswith(advice)
    assert bool(found.advice) == bool(advice)


def test_a_later_sync_makes_a_failure_good(team: Team) -> None:
    """Also one that only goes on."""
    _synced(team, hours_ago=3, **_DONE)
    _synced(team, hours_ago=2, state="failed", error_type="server_error")
    _synced(team, hours_ago=1, state="running")
    assert _report().state == Freshness.ON_TIME


def test_a_cancelled_sync_makes_nothing_good(team: Team) -> None:
    """It says who called it off."""
    _synced(team, hours_ago=13, **_DONE)
    row = _synced(team, hours_ago=2, state="cancelled", cancelled_by="ada")
    found = _report()
    assert found.sentence == f"1 h late. Run {row.run_id} was cancelled by ada, and nothing is under way."
    assert found.advice == f"Resume run {row.run_id}, or start another sync: {_START}"


def test_what_was_never_synced_is_neither_late_nor_on_time(team: Team) -> None:
    """Before its first sync, and while that is under way; nor what another repository took the name of."""
    row = _synced(team, hours_ago=1, state="running")
    found = _report()
    assert (found.state, found.fresh_at) == (Freshness.NEVER_SYNCED, None)
    assert found.sentence == f"Nothing of it is known to be complete. Run {row.run_id} is under way: syncing."
    row.delete()
    found = _report()
    assert (found.state, found.newest, found.advice) == (Freshness.NEVER_SYNCED, None, f"Start a sync: {_START}")
    _synced(team, hours_ago=1, **_DONE)
    TrackedRepository.objects.update(covered_from=None)
    assert _report().state == Freshness.NEVER_SYNCED


def test_a_team_without_a_promise_has_everybody_s(team: Team) -> None:
    """That of the settings."""
    assert settings.SYNC_FRESH_HOURS == 24
    Team.objects.update(fresh_hours=None)
    row = _synced(team, hours_ago=23.9, **_DONE)
    assert _report().state == Freshness.ON_TIME
    RepoSync.objects.filter(pk=row.pk).update(started_at=clock.now() - 24.1 * _HOUR)
    assert _report().sentence == "6 min late, and nothing is under way."


def test_spans_are_rounded_down() -> None:
    """In the largest unit that says something."""
    spans = (
        timedelta(seconds=59),
        timedelta(minutes=59.9),
        timedelta(hours=47.9),
        timedelta(hours=48),
        timedelta(days=2000),
    )
    assert list(map(span_in_words, spans)) == ["0 min", "59 min", "47 h", "2 days", "2,000 days"]
