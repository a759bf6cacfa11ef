"""`manage.py freshness` says of repositories what their pages say, worst first, to people and to programs."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.console.web.histories import synced
from tests.console.web.people import People, make_people, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> People:
    """A team with a repository that is late and one that is not, and one with a repository that failed."""
    people = make_people()
    synced(people, "core/on-time")
    synced(people, "core/late", ago=timedelta(hours=30))
    lost = {"full_name": "other/lost", "state": "failed", "error_type": "server_error", "error_msg": "500:\x1b[31m It broke"}
    make_run(people.other_team, lost, state="failed")
    return people


def _said(*arguments: str) -> str:
    out = StringIO()
    call_command("freshness", *arguments, stdout=out)
    return out.getvalue()


def test_repositories_are_listed_worst_first(people: People) -> None:
    """With a sentence and advice; what others wrote acts on no terminal."""
    lines = _said().splitlines()
    assert lines[:4] == [
        "needs you     core/late  team core",
        "              6 h late, and nothing is under way.",
        "              Start a sync: python manage.py sync core/late --team core",
        "failed        other/lost  team other",
    ]
    assert lines[-2:] == [
        "on time       core/on-time  team core",
        "              What is stored is 1 h old, within the promise.",
    ]
    assert "\x1b" not in "".join(lines)


def test_a_program_gets_an_object_a_repository(people: People) -> None:
    """Of one team, of those that are late."""
    (told,) = map(json.loads, _said("--team", "core", "--late", "--format", "json").splitlines())
    assert told.pop("fresh_at").endswith("Z")
    assert told.pop("run") > 0
    assert told == {
        "repository": "core/late",
        "team": "core",
        "state": "needs you",
        "promised_hours": 24,
        "sentence": "6 h late, and nothing is under way.",
        "advice": "Start a sync: python manage.py sync core/late --team core",
    }


def test_a_monitor_learns_from_the_exit_code(people: People) -> None:
    """Whether each is on time; a team that is not there is no success."""
    with pytest.raises(CommandError, match=r"2 of 3 are not on time\."):
        _said("--check")
    people.team.fresh_hours = 48
    people.team.save()
    assert "core/late" in _said("--check", "--team", "core")
    with pytest.raises(CommandError, match="There is no team nobody"):
        _said("--check", "--team", "nobody")


def test_nothing_is_said_to_be_nothing() -> None:
    """Where no repository is tracked."""
    assert _said() == "No repository is tracked yet.\n"
