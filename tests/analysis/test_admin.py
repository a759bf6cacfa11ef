"""A team's weeks can be looked at in the admin."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from apps.analysis.models import WeeklyMetrics
from apps.teams.models import Team
from tests.admin_pages import check_queries, check_read_only, page

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 1, 5)


def _week(number: int) -> WeeklyMetrics:
    team, _ = Team.objects.get_or_create(slug=f"team-{number}", defaults={"name": f"Team {number}"})
    return WeeklyMetrics.objects.create(team=team, week=MONDAY + timedelta(weeks=number), merged=number)


def test_a_list_asks_as_much_for_many_weeks_as_for_few(admin_client: Client) -> None:
    """No query a row."""
    _week(1)

    def add_more() -> None:
        for number in range(2, 6):
            _week(number)

    check_queries(admin_client, page(WeeklyMetrics, "changelist"), add_more, shown="Team 5")


def test_nothing_can_be_written(admin_client: Client) -> None:
    """They are computed."""
    check_read_only(admin_client, _week(1))
