"""The demo's data: two real projects' histories, synced from a simulated GitHub like any others, for a team of its own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings

from apps.integrations.connections import connect
from apps.integrations.errors import SyncError
from apps.integrations.models import PipelineRun
from apps.integrations.tasks import start_pipeline
from apps.repositories.accounts import track
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.teams.models import Team

REPOSITORIES = ("libuv/libuv", "procrastinate-org/procrastinate")
_TEAM = "demo"
_TOKEN = "demo-token"  # noqa: S105  # the simulator accepts any
_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSync:
    """What a demo's run covers; the task that starts it has a fixed id, so that it begins once however often it is sent."""

    team_id: int
    repository_ids: tuple[int, ...]
    task_id: str

    def start(self) -> None:
        """Start the run over the last year, followed by backfills over all history."""
        start_pipeline.apply_async(
            args=(self.team_id, list(self.repository_ids)),
            kwargs={"days": _DAYS, "backfill_all": True},
            task_id=self.task_id,
        )


def prepare(*, api_url: str, task_id: str | None = None, by: str = "", within: float | None = None) -> DemoSync:
    """Connect the demo's team with the simulated GitHub at `api_url`, and track its repositories.

    Raises what `connect` does; without a `task_id`, each connection's run is started only once.
    """
    team, _ = Team.objects.get_or_create(slug=_TEAM, defaults={"name": "Demo"})
    try:
        connection = connect(team=team, api_url=api_url, token=_TOKEN, by=by, within=within)
    except SyncError:
        remove_empty_team(team.pk)
        raise
    tracked = track(connection=connection, full_names=REPOSITORIES)
    return DemoSync(
        team_id=team.pk,
        repository_ids=tuple(each.pk for each in tracked),
        task_id=task_id or str(uuid5(NAMESPACE_URL, f"{api_url}#{connection.pk}")),
    )


def forget_repositories() -> None:
    """Delete what an earlier demo synced: each starts from scratch."""
    TrackedRepository.objects.filter(team__slug=_TEAM).delete()


def is_wanted() -> bool:
    """Return whether nothing is connected and nothing has run here for any team, so that the demo is in nobody's way."""
    return not GitHubConnection.objects.exists() and not PipelineRun.objects.exists()


def demo_connection() -> GitHubConnection | None:
    """Return the demo's connection with the simulated GitHub in the settings, if there is one."""
    url = settings.SYNCTRACE_DEMO_API_URL
    return GitHubConnection.objects.filter(team__slug=_TEAM, api_url=url).first() if url else None


def remove_empty_team(team_id: int) -> None:
    """Delete the demo's team once it has neither data nor members, as the person who removes its account expects."""
    Team.objects.filter(pk=team_id, slug=_TEAM, connections=None, memberships=None, runs=None).delete()
