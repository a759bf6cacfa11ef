"""A queued repository's place is said in the same words wherever somebody looks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.console.results import results_of
from apps.console.terminal.standing import state_of
from apps.integrations.models import ApiLane, RepoSync
from apps.integrations.onboarding_pipeline import start_run
from apps.integrations.runs import admission, attempts
from apps.integrations.runs.queue import tell_places
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock

pytestmark = pytest.mark.django_db


def _rows(slug: str, *names: str, account: str = "github.com/one", share: int = 1) -> list[RepoSync]:
    team = Team.objects.create(slug=slug, name=slug.title(), share=share)
    connected = GitHubConnection.objects.create(team=team, account=account, encrypted_token=b"")
    tracked = [TrackedRepository.objects.create(team=team, connection=connected, full_name=name) for name in names]
    return list(start_run(team=team, repositories=tracked, since=None).repo_syncs.order_by("pk"))


def _places() -> dict[str, str]:
    rows = list(RepoSync.objects.select_related("run", "connection", "repository").order_by("pk"))
    tell_places(rows)
    return {row.repository.full_name: state_of(row) for row in rows}


def test_a_queued_repository_says_behind_what_it_stands(time: clock.SteppedClock) -> None:
    """Its number in its account's queue, in which teams take turns, and who is at work there."""
    _rows("bakers", "b/1", "b/2", "b/3")
    time.sleep(1)
    _rows("smiths", "s/1")
    _rows("others", "o/1", account="github.com/two")
    (first, _) = admission.admit()
    assert _places()["b/1"] == "queued: the next free worker takes it"
    assert attempts.claim(first, traceparent=None)
    held = "for github.com/one, where b/1 of Bakers is at work"
    assert _places() == {
        "b/1": "syncing",
        "b/2": f"queued: number 1 {held}",
        "b/3": f"queued: number 3 {held}",
        "s/1": f"queued: number 2 {held}",
        "o/1": "queued: the next free worker takes it",
    }


def test_a_blocked_account_says_until_when() -> None:
    """Its queue stands still for all."""
    (row, _) = _rows("bakers", "b/1", "b/2")
    until = clock.now() + timedelta(minutes=5)
    ApiLane.objects.create(account="github.com/one", blocked_until=until, blocked_reason="secondary")
    waits = f"which waits for GitHub's secondary limit until {until:%H:%M:%S}Z"
    assert _places() == {
        "b/1": f"queued: number 1 for github.com/one, {waits}",
        "b/2": f"queued: number 2 for github.com/one, {waits}",
    }
    assert [result.outcome for result in results_of(row.run)] == ["queued", "queued"]


@pytest.mark.parametrize(
    ("state", "later", "word"),
    [
        ("queued", False, "queued"),
        ("running", False, "syncing"),
        ("retrying", True, "backing off"),
        ("retrying", False, "queued"),
        ("waiting", True, "waiting"),
        ("waiting", False, "queued"),
        ("failed", False, "failed"),
    ],
)
def test_each_state_has_one_word(state: str, later: bool, word: str) -> None:
    """One that is due again queues, whatever it has waited for."""
    due_at = clock.now() + timedelta(seconds=60 if later else 0)
    assert RepoSync(state=state, due_at=due_at).standing == word
