"""Two teams with their people and things, for tests of who sees what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from apps.integrations.models import ApiLane, PipelineRun
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Membership, Team
from apps.utils import clock
from tests.integrations.histories import repo_sync

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Of one team a member and an owner, a member of another team, and one of staff."""

    team: Team
    other_team: Team
    member: User
    owner: User
    outsider: User
    staff: User


def make_people() -> People:
    """Store two teams and four users, each with the same password."""
    team = Team.objects.create(slug="core", name="Core")
    other = Team.objects.create(slug="other", name="Other")
    users = {name: User.objects.create_user(name, password=PASSWORD) for name in ("member", "owner", "outsider")}
    Membership.objects.create(user=users["member"], team=team, role=Membership.Role.MEMBER)
    Membership.objects.create(user=users["owner"], team=team, role=Membership.Role.OWNER)
    Membership.objects.create(user=users["outsider"], team=other, role=Membership.Role.OWNER)
    staff = User.objects.create_superuser("staff", password=PASSWORD)
    return People(team=team, other_team=other, staff=staff, **users)


def make_run(team: Team, *rows: dict[str, Any], ago: timedelta = timedelta(minutes=5), **fields: Any) -> PipelineRun:
    """Store a run of the team that started so long ago, with a repository for each of `rows`, all of one account."""
    now = clock.now()
    account, _ = GitHubConnection.objects.get_or_create(
        team=team, account=f"api.github.com/{team.slug}-bot", defaults={"encrypted_token": b""}
    )
    number = PipelineRun.objects.count() + 1
    run = PipelineRun.objects.create(
        **{
            "team": team,
            "kind": "recent",
            "state": "running",
            "phase": "syncing",
            "since": now - timedelta(days=30),
            "traceparent": f"00-{number:032x}-{number:016x}-01",
            "started_ns": int((now - ago).timestamp() * 1e9),
            "started_at": now - ago,
            **fields,
        }
    )
    for place, row in enumerate(rows):
        name = row.pop("full_name", f"{team.slug}/{team.slug}-{place}")
        tracked, _ = TrackedRepository.objects.get_or_create(team=team, full_name=name, defaults={"connection": account})
        repo_sync(run, tracked, **row)
    return run


def make_lane(team: Team, **fields: Any) -> ApiLane:
    """Store what is left of the limits of the team's account: half an hour into the hour, most of the points are used."""
    now: datetime = clock.now()
    return ApiLane.objects.create(
        **{
            "account": f"api.github.com/{team.slug}-bot",
            "graphql_limit": 5_000,
            "graphql_remaining": 800,
            "graphql_reset_at": now + timedelta(minutes=30),
            "core_limit": 5_000,
            "core_remaining": 4_990,
            "core_reset_at": now + timedelta(minutes=30),
            **fields,
        }
    )
