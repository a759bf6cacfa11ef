"""The program that `accounts` runs: at every request it lets teams sync by way of a worker, and waits for their ends."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import django

from apps.config import instrumentation
from tests.benchmarks.programs import NotMeasured, answer_with

_ENDS_WITHIN = 120.0  # seconds


def sync(*, api_url: str, tokens: Sequence[str], full_names: Sequence[str]) -> list[int]:
    """Sync the whole of `full_names` for a new team per token, all at once, and return the teams' ids."""
    from apps.integrations.connections import connect
    from apps.integrations.models import PipelineRun
    from apps.integrations.tasks import start_pipeline
    from apps.repositories.accounts import track
    from apps.teams.models import Team

    teams = {}
    for token in tokens:
        team = Team.objects.create(slug=f"benchmark-{uuid.uuid4().hex[:12]}", name="Benchmark")
        teams[team.pk] = track(connection=connect(team=team, api_url=api_url, token=token), full_names=full_names)
    for team_id, tracked in teams.items():
        start_pipeline.delay(team_id, [each.pk for each in tracked], days=None)
    runs = PipelineRun.objects.filter(team__in=teams, exported_at__isnull=False)
    deadline = time.monotonic() + _ENDS_WITHIN
    while runs.count() < len(teams):
        if time.monotonic() > deadline:
            raise NotMeasured(f"Not every sync had ended after {_ENDS_WITHIN:g} s")
        time.sleep(0.05)
    if runs.filter(state="completed", repos_synced=len(full_names)).count() < len(teams):
        raise NotMeasured("Not every repository was synced")
    return list(teams)


if __name__ == "__main__":
    django.setup()
    instrumentation.configure()
    answer_with(sync)
