"""What the pages of teams say: the promise, weeks with what they rest on, and members."""

from __future__ import annotations

import re
from datetime import UTC, date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.analysis.models import WeeklyMetrics
from apps.console.web.plots import plot_of, week_of
from apps.integrations.models import PipelineRun
from apps.repositories.models import TrackedRepository
from apps.teams.models import Membership, Team
from apps.utils import clock
from tests.console.web.conftest import text_of
from tests.console.web.histories import synced
from tests.console.web.people import People, make_run

pytestmark = pytest.mark.django_db
_WEEK = timedelta(days=7)


def _monday(weeks_ago: int) -> date:
    today = clock.now().astimezone(UTC).date()
    return today - timedelta(days=today.weekday()) - weeks_ago * _WEEK


def _metrics(team: Team, weeks_ago: int, **fields: float | None) -> None:
    known = {"merged": 12, "cycle_time_hours": 5.25, "review_time_hours": None, "size": 1_240.0, "ai_assisted_share": 0.25}
    WeeklyMetrics.objects.create(team=team, week=_monday(weeks_ago), **{**known, **fields})


def test_weeks_say_what_they_rest_on(people: People, owner: Client) -> None:
    """How many pull requests, which run computed them, and of how many repositories all is stored."""
    repository = synced(people, "core/one")
    synced(people, "core/two", gaps=[{"pull_request": 1, "list": "files", "stored": 1, "total": 2}])
    for weeks_ago in (0, 1, 4):
        _metrics(people.team, weeks_ago)
    run = PipelineRun.objects.latest("pk")
    page = text_of(owner, "/teams/core/")
    assert f"They rest on 36 merged pull requests, of those that are stored. Computed when run {run.pk} ended," in page
    assert "Of 25 of 26 weeks everything is stored; the others are drawn hollow" in page
    assert "GitHub did not give all of 1 repository, whose pages list what is missing." in page
    assert f"{_monday(1)} 12 5.2 h \N{EN DASH} 1,240.0 25.0 % all that was merged" in page
    assert f"{_monday(0)} 12 5.2 h \N{EN DASH} 1,240.0 25.0 % what is stored of it" in page
    assert f"{_monday(2)} 0 \N{EN DASH} \N{EN DASH} \N{EN DASH} \N{EN DASH} all that was merged" in page
    TrackedRepository.objects.filter(pk=repository.pk).update(covered_from=clock.now() - timedelta(days=4))
    page = text_of(owner, "/teams/core/")
    assert "Of 0 of 26 weeks everything is stored" in page
    assert f"{_monday(1)} 12 5.2 h \N{EN DASH} 1,240.0 25.0 % all of 1 of 2 repositories" in page


def test_a_reader_chooses_how_many_weeks(people: People, owner: Client) -> None:
    """What is not on offer is the usual."""
    synced(people)
    _metrics(people.team, 0)
    pages = {weeks: text_of(owner, f"/teams/core/?weeks={weeks}") for weeks in ("13", "52", "7", "x")}
    assert {weeks: re.findall(r"of (\d+) weeks everything", page) for weeks, page in pages.items()} == {
        "13": ["13"],
        "52": ["52"],
        "7": ["26"],
        "x": ["26"],
    }


def test_a_team_without_anything_says_so(people: People, owner: Client) -> None:
    """No plot of nothing."""
    page = text_of(owner, "/teams/core/")
    assert "It tracks no repository yet." in page
    assert "Nothing that is stored was merged in these 26 weeks." in page
    assert "owner owner member member" in re.sub(r".*Name Role ", "", page)


def test_an_owner_changes_the_promise(people: People, owner: Client) -> None:
    """Nothing is everybody's; what is no number of hours is refused in words."""
    synced(people, ago=timedelta(hours=30))
    assert "at most 24 hours old. That is everybody's" in text_of(owner, "/teams/core/")
    assert "needs you 1" in text_of(owner, "/teams/core/")
    answer = owner.post("/teams/core/promise/", {"hours": "48"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/teams/core/")
    page = text_of(owner, "/teams/core/")
    assert "at most 48 hours old. on time 1 All of its repositories are on time." in page
    for refused in ("0", "-1", "8761", "x", "1.5"):
        assert owner.post("/teams/core/promise/", {"hours": refused}).status_code == 400
    assert Team.objects.get(slug="core").fresh_hours == 48
    owner.post("/teams/core/promise/", {"hours": ""})
    assert Team.objects.get(slug="core").fresh_hours is None


def test_a_member_or_another_team_changes_no_promise(people: People) -> None:
    """A member is told who may; to others there is no such team."""
    for user, status in ((people.member, 403), (people.outsider, 404)):
        client = Client()
        client.force_login(user)
        assert client.post("/teams/core/promise/", {"hours": "1"}).status_code == status
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.owner)
    assert client.post("/teams/core/promise/", {"hours": "1"}).status_code == 403
    client.force_login(people.member)
    assert "An owner may change it." in text_of(client, "/teams/core/")
    assert Team.objects.get(slug="core").fresh_hours is None


def test_teams_are_listed_with_how_they_stand(people: People, client: Client) -> None:
    """Those that somebody belongs to; all of them for staff."""
    synced(people)
    make_run(people.other_team, {"full_name": "other/one", "state": "failed", "error_type": "not_found"})
    client.force_login(people.member)
    page = text_of(client, "/teams/")
    assert "Core core on time 1 1 2 24 h" in page
    assert "Other" not in page
    client.force_login(people.staff)
    assert "Other other needs you 1 1 1 24 h" in text_of(client, "/teams/")


@pytest.mark.parametrize("address", ["/teams/", "/teams/core/"])
def test_a_page_asks_as_much_for_many_rows_as_for_few(people: People, client: Client, address: str) -> None:
    """No query a team, a repository, a week or a member; nothing of pull requests, of which there may be millions."""
    client.force_login(people.staff)
    synced(people, ago=timedelta(days=4))
    _metrics(people.team, 0)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        assert client.get(address).status_code == 200
    for number in range(1, 6):
        synced(people, f"core/more-{number}", ago=timedelta(days=4))
        _metrics(people.team, number)
        team = Team.objects.create(slug=f"t{number}", name=f"Team {number}")
        Membership.objects.create(user=people.outsider, team=team)
        Membership.objects.create(user=type(people.staff).objects.create_user(f"u{number}"), team=people.team)
    with CaptureQueriesContext(connection) as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few)
    assert len(many) <= 13
    assert [query["sql"] for query in many if "pulls_" in query["sql"]] == []


def test_a_plot_fits_its_numbers() -> None:
    """Its scale ends at a round number; a line breaks where there is none; what may be missing is said and drawn."""
    values = [3.0, None, 7.0, 12.5]
    weeks = [week_of(date(2026, 11, 2) + place * _WEEK, value, is_whole=place < 3) for place, value in enumerate(values)]
    plot = plot_of(weeks, key="k", title="t", unit=" h")
    assert [tick.label for tick in plot.levels] == ["0 h", "5 h", "10 h", "15 h"]
    assert [tick.label for tick in plot.periods] == ["11-02", "11-16", "11-23"]
    assert [mark.says for mark in plot.marks][1:] == [
        "Week of 2026-11-16: 7 h",
        "Week of 2026-11-23: 12.5 h, not all of it stored",
    ]
    assert len(plot.lines) == 1
    assert len(plot.lines[0].split()) == 2
    assert plot.says == "12.5 h in the week of 2026-11-23; from 3 h to 12.5 h over 3 of 4 weeks."
    assert all(0 <= mark.y <= mark.y + mark.height <= 128.01 for mark in plot.marks)


@pytest.mark.parametrize("highest", [0.0, 0.3, 1.0, 4.0, 99.0, 100.0, 101.0, 123_456.0])
def test_a_plot_s_scale_is_round_and_never_too_short(highest: float) -> None:
    """Two to six levels, whatever the numbers."""
    plot = plot_of([week_of(date(2026, 11, 2), highest, is_whole=True)], key="k", title="t", is_bars=True)
    assert 2 <= len(plot.levels) <= 6
    assert plot.levels[-1].at <= plot.marks[0].y
    assert len({tick.label for tick in plot.levels}) == len(plot.levels)


def test_a_team_s_number_leads_to_its_page(people: People, owner: Client) -> None:
    """As Jaeger's pages know it; to those of no other team, and whatever number somebody writes."""
    assert owner.get(f"/teams/by-number/{people.team.pk}/").headers["Location"] == "/teams/core/"
    for number in (people.other_team.pk, 2**70):
        assert owner.get(f"/teams/by-number/{number}/").status_code == 404
