"""The Accounts page: what each paid by hour and for whom, and who waits behind whom, of what its reader may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from apps.console.web.accounts import _QUEUED
from apps.integrations.models import Admission, PipelineRun, PointsSpent, RepoSync
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team
from apps.utils import clock
from tests.console.web.conftest import text_of
from tests.console.web.people import People, make_run

pytestmark = pytest.mark.django_db
_SHARED = "api.github.com/core-bot"


def _hour(ago: int) -> datetime:
    return clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=ago)


def _tracked(team: Team, name: str, account: str = _SHARED) -> TrackedRepository:
    connected, _ = GitHubConnection.objects.get_or_create(team=team, account=account, defaults={"encrypted_token": b""})
    found, _ = TrackedRepository.objects.get_or_create(team=team, full_name=name, defaults={"connection": connected})
    return found


def _spend(repository: TrackedRepository, points: int, *, hours_ago: int = 0) -> None:
    PointsSpent.objects.create(connection=repository.connection, repository=repository, hour=_hour(hours_ago), points=points)


def _both_teams_spend(people: People) -> None:
    """Let the core team spend 40 of 50 points of an account that the other team uses, too; two days ago, more."""
    _spend(_tracked(people.team, "core/old"), 999, hours_ago=48)
    _spend(_tracked(people.team, "core/one"), 25)
    _spend(_tracked(people.team, "core/one"), 5, hours_ago=3)
    _spend(_tracked(people.team, "core/two"), 10, hours_ago=23)
    _spend(_tracked(people.other_team, "other/hidden"), 10, hours_ago=3)


def test_points_are_shown_by_hour_of_the_last_day(people: People, owner: Client) -> None:
    """As a picture, a sentence that tells it, and a table; all that was spent with the account, whoever spent it."""
    _both_teams_spend(people)
    page = owner.get("/accounts/").content.decode()
    this, third = f"{_hour(0):%H:%M}", f"{_hour(3):%H:%M}"
    assert f"<title>Hour from {this} UTC: 25, so far</title>" in page
    assert f"<title>Hour from {third} UTC: 15</title>" in page
    assert f"25 in the hour from {this} UTC; from 0 to 25 over 24 of 24 hours.</desc>" in page
    assert page.count("<title>Hour from ") == 24
    text = text_of(owner, "/accounts/")
    assert "50 points spent by synctrace. What other programs spend with the account is not in it." in text
    assert (
        f"Hour from Points Rests on {_hour(0):%Y-%m-%d %H:%M} 25 so far {_hour(1):%Y-%m-%d %H:%M} 0 the whole hour" in text
    )
    assert f"{_hour(3):%Y-%m-%d %H:%M} 15 the whole hour" in text
    assert f"{_hour(23):%Y-%m-%d %H:%M} 10 the whole hour" in text
    assert "999" not in text


def test_who_spent_points_is_a_table_in_which_other_teams_have_no_names(people: People) -> None:
    """The reader's teams with their repositories, those that spent most first; staff see all."""
    _both_teams_spend(people)
    ours = "Core 40 80.0 % core/one 30 60.0 % core/two 10 20.0 %"
    seen = {
        "member": f"Used by Points Share {ours} other teams 10 20.0 % Points by hour",
        "outsider": "Used by Points Share Other 10 20.0 % other/hidden 10 20.0 % other teams 40 80.0 % Points by hour",
        "staff": f"Used by Points Share {ours} Other 10 20.0 % other/hidden 10 20.0 % Points by hour",
    }
    for who, table in seen.items():
        client = Client()
        client.force_login(getattr(people, who))
        text = text_of(client, "/accounts/")
        assert table in text
        hidden = {"member": ("other/hidden",), "outsider": ("core/one", "core/two", "Core"), "staff": ()}[who]
        assert [name for name in hidden if name in text] == []


def test_repositories_that_spent_little_are_one_row(people: People, owner: Client) -> None:
    """Which says how many they are, and what they spent together."""
    for number in range(8):
        _spend(_tracked(people.team, f"core/r{number}"), 80 - number)
    text = text_of(owner, "/accounts/")
    assert "Core 612 100.0 % core/r0 80 13.1 %" in text
    assert "core/r4 76 12.4 % 3 more repositories 222 36.3 % Points by hour" in text
    assert "core/r5" not in text


def test_what_was_not_counted_is_not_called_nothing(people: People, owner: Client) -> None:
    """Hours before counting began have no bar and a dash; before anything was counted, that is said."""
    one = _tracked(people.team, "core/one")
    assert "Points over the last 24 hours Nothing was counted yet." in text_of(owner, "/accounts/")
    _spend(one, 7, hours_ago=2)
    page, text = owner.get("/accounts/").content.decode(), text_of(owner, "/accounts/")
    assert f"7 points spent by synctrace, counted since {_hour(2):%Y-%m-%d %H:%M}. What" in text
    assert page.count("<title>Hour from ") == 3
    assert "over 3 of 24 hours" in page
    assert f"{_hour(2):%Y-%m-%d %H:%M} 7 a part of it counted {_hour(3):%Y-%m-%d %H:%M} \N{EN DASH} not counted" in text
    _tracked(people.team, "core/elsewhere", account="api.github.com/second")
    assert f"synctrace spent none since {_hour(2):%Y-%m-%d %H:%M}, when counting began." in text_of(owner, "/accounts/")


def _queue(people: People) -> None:
    """Let core/a be at work with an account for which core/b, core/c and a repository of the other team's queue."""
    run = make_run(people.team, *({"full_name": name} for name in ("core/a", "core/b", "core/c")))
    at_work, *_ = run.repo_syncs.order_by("pk")
    RepoSync.objects.filter(pk=at_work.pk).update(state="running", attempt=1)
    Admission.objects.create(repo_sync=at_work, attempt=1, account=_SHARED, admitted_at=run.started_at)
    _tracked(people.other_team, "other/hidden")
    make_run(people.other_team, {"full_name": "other/hidden"})


def test_who_waits_behind_whom_is_listed_in_the_order_of_admission(people: People, owner: Client) -> None:
    """In the words of the run's page; of others' repositories only that they are there."""
    _queue(people)
    held = f"for {_SHARED}, where core/a of Core is at work"
    text = text_of(owner, "/accounts/")
    run = PipelineRun.objects.get(team=people.team).pk
    assert (
        f"core/b Core queued number 1 {held} Core {run} another team's repository queued number 2 {held} "
        f"core/c Core queued number 3 {held} Core {run} "
    ) in text
    assert "other/hidden" not in text
    outsider = Client()
    outsider.force_login(people.outsider)
    held = f"for {_SHARED}, where another team's repository is at work"
    text = text_of(outsider, "/accounts/")
    theirs = PipelineRun.objects.get(team=people.other_team).pk
    nobody = "another team's repository queued number"
    assert f"{nobody} 1 {held} other/hidden Other queued number 2 {held} Other {theirs} {nobody} 3 {held} " in text
    assert [name for name in ("core/", "Core") if name in text.replace("core-bot", "")] == []
    assert escape(held) in outsider.get(f"/runs/{theirs}/").content.decode()


def test_a_long_queue_is_listed_in_part(people: People, owner: Client) -> None:
    """First whoever has been admitted and waits for a worker; the number of the others is said."""
    rows = [{"full_name": f"core/r{number:02}"} for number in range(_QUEUED + 5)]
    first = make_run(people.team, *rows).repo_syncs.order_by("pk").last()
    assert first is not None
    Admission.objects.create(repo_sync=first, attempt=1, account=_SHARED, admitted_at=clock.now())
    text = text_of(owner, "/accounts/")
    assert f"core/r{_QUEUED + 4} Core queued the next free worker takes it" in text
    assert f"core/r{_QUEUED - 2:02} Core queued number {_QUEUED - 1} for" in text
    assert f"core/r{_QUEUED - 1:02}" not in text
    assert "5 more behind them." in text


def test_an_account_without_a_queue_says_so(people: People, owner: Client) -> None:
    """Whoever backs off or waits for a limit does not queue."""
    make_run(people.team, {"state": "waiting", "wait_reason": "primary", "due_at": clock.now() + timedelta(hours=1)})
    assert "Who waits behind whom Nobody waits for a turn." in text_of(owner, "/accounts/")


def test_many_accounts_are_asked_for_together(people: People, owner: Client) -> None:
    """However many there are, with queues and spending of all."""
    _both_teams_spend(people)
    _queue(people)
    owner.get("/accounts/")
    with CaptureQueriesContext(connection) as few:
        owner.get("/accounts/")
    for number in range(5):
        account = f"api.github.com/bot-{number}"
        run = make_run(people.team, {"full_name": f"core/{number}-a"}, {"full_name": f"core/{number}-b"})
        for row in run.repo_syncs.select_related("repository"):
            connected = _tracked(people.team, f"core/{number}-x", account).connection
            RepoSync.objects.filter(pk=row.pk).update(connection=connected)
            TrackedRepository.objects.filter(pk=row.repository_id).update(connection=connected)
            row.repository.refresh_from_db()
            _spend(row.repository, 3)
    with CaptureQueriesContext(connection) as many:
        text = text_of(owner, "/accounts/")
    assert text.count("number 1 for api.github.com/bot-") == 5
    assert len(many) == len(few) <= 16


def test_what_was_spent_stays_spent_when_its_repository_is_removed(people: People, owner: Client) -> None:
    """Its account's limit was used up by it all the same."""
    for name, points in (("core/one", 7), ("core/two", 2)):
        _spend(_tracked(people.team, name), points, hours_ago=0)
    TrackedRepository.objects.filter(full_name="core/one").delete()
    text = text_of(owner, "/accounts/")
    assert "9 points spent by synctrace" in text
    assert "repositories that were removed 7 77.8 % core/two 2 22.2 %" in text
