"""The program through which browser tests act on a stack of their own, whose database is not the tests'.

A first sync of the same repositories, which nothing disturbs, tells what every other one must store.
"""

from __future__ import annotations

import time
from typing import Any

import django

from tests.benchmarks.programs import answer_with

_ENDS_WITHIN = 90.0  # seconds


def answer(*, do: str, **asked: Any) -> Any:
    """Start a sync of a new team, or say what it has stored."""
    match do:
        case "start":
            return _start(**asked)
        case "wait":
            return _wait(**asked)
        case _:
            return _differences(**asked)


def _start(*, slug: str, api_url: str, full_names: list[str]) -> int:
    """Start a sync of all history for a new team, which has an owner of the same name, and return the run."""
    from django.contrib.auth.models import User

    from apps.integrations.connections import connect
    from apps.integrations.models import PipelineRun
    from apps.integrations.tasks import start_pipeline
    from apps.repositories.accounts import track
    from apps.teams.models import Membership, Team
    from tests.console.web.people import PASSWORD

    team = Team.objects.create(slug=slug, name=slug)
    user = User.objects.create_user(slug, password=PASSWORD)
    Membership.objects.create(user=user, team=team, role=Membership.Role.OWNER)
    tracked = track(connection=connect(team=team, api_url=api_url, token=f"token-{slug}"), full_names=full_names)
    start_pipeline.delay(team.pk, [each.pk for each in tracked], days=None)
    return PipelineRun.objects.get(team=team).pk


def _wait(*, run: int) -> str:
    """Return the run's state, once it has ended."""
    from apps.integrations.models import PipelineRun

    deadline = time.monotonic() + _ENDS_WITHIN
    while time.monotonic() < deadline:
        row = PipelineRun.objects.get(pk=run)
        if row.exported_at is not None:
            return row.state
        time.sleep(0.2)
    return "running"


def _differences(*, slug: str, expected: str) -> list[str]:
    """Return in what one team's stored rows differ from another's."""
    from django.db import connection

    from tests.chaos.rows import differences, rows_of

    connection.close()  # the database may have been restarted since
    return differences(rows_of(slug), rows_of(expected))


if __name__ == "__main__":
    django.setup()
    answer_with(answer)
