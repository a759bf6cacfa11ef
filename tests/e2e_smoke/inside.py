"""Run inside the application: `python - REQUEST < inside.py` starts syncs, waits for runs, or prints the rows.

This script is passed on standard input, because the application's image does not contain the tests. REQUEST is JSON: `do` is
the name of a function below, and the other keys are its arguments. The answer is one line of JSON. Exit code 1 means that
something did not happen in time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django
import orjson

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
django.setup()

# Models can be imported from here on.
from celery import current_app  # noqa: E402
from django.db.models import Q  # noqa: E402

from apps.config import instrumentation  # noqa: E402
from apps.integrations.connections import connect  # noqa: E402
from apps.integrations.models import PipelineRun, RepoSync  # noqa: E402
from apps.integrations.tasks import start_pipeline  # noqa: E402
from apps.pulls.models import PullRequest  # noqa: E402
from apps.repositories.accounts import track  # noqa: E402
from apps.teams.models import Team  # noqa: E402
from telemetry import trace_id_of  # noqa: E402


def begin(*, teams: list[dict[str, Any]], api_url: str, days: int) -> list[str]:
    """Start a recent run over `days` and backfills of the rest for each team, and return the ids of the tasks.

    A team is `{"slug", "token", "repositories": [OWNER/NAME, ...]}`.
    """
    for _ in range(30):  # a ping only reaches workers that are already listening
        if current_app.control.ping(timeout=2, limit=1):
            break
    else:
        raise TimeoutError("no worker answers within a minute")
    task_ids = []
    for each in teams:
        team = Team.objects.create(slug=each["slug"], name=each["slug"].title())
        connection = connect(team=team, api_url=api_url, token=each["token"])
        ids = [repository.pk for repository in track(connection=connection, full_names=each["repositories"])]
        task_ids.append(start_pipeline.delay(team.pk, ids, days=days, backfill_all=True).id)
    return task_ids


def wait(*, task_ids: list[str], seconds: float) -> None:
    """Wait until every run, including those of these tasks, has ended and exported its root span."""
    deadline = time.monotonic() + seconds
    while not _all_ended(task_ids):
        if time.monotonic() > deadline:
            rows = [f"{row.run} {row.repository_id} {row.state} {row.error_msg}" for row in RepoSync.objects.all()]
            raise TimeoutError(f"not every run ended within {seconds:.0f} s: {rows}")
        time.sleep(0.1)


def _all_ended(task_ids: list[str]) -> bool:
    started = PipelineRun.objects.filter(kind=PipelineRun.Kind.RECENT, task_id__in=task_ids)
    unfinished = PipelineRun.objects.filter(
        Q(ended_at=None) | Q(exported_at=None)
    )  # a backfill exists by the time its recent run ends
    return started.count() == len(task_ids) and not unfinished.exists()


def tell() -> list[dict[str, Any]]:
    """Return every run with its repositories as stored in the rows, oldest first."""
    return [
        {
            "id": run.pk,
            "team_id": run.team_id,
            "kind": run.kind,
            "state": run.state,
            "phase": run.phase,
            "task_id": run.task_id,
            "trace_id": trace_id_of(run.traceparent),
            "root_id": run.traceparent.split("-")[2],
            "follows": run.follows.pk if run.follows else None,
            "backfill": run.backfill,
            "started_ns": run.started_ns,
            "ended_ns": nanoseconds(run.ended_at),
            "exported_ns": nanoseconds(run.exported_at),
            "repositories": [
                {
                    "repo_id": row.repository_id,
                    "full_name": row.repository.full_name,
                    "state": row.state,
                    "attempts": row.attempt,
                    "stored": PullRequest.objects.filter(repository=row.repository_id).count(),
                }
                for row in run.repo_syncs.select_related("repository").order_by("pk")
            ],
        }
        for run in PipelineRun.objects.select_related("follows").order_by("pk")
    ]


def nanoseconds(moment: datetime | None) -> int | None:
    """Return a moment as Unix time; rows have a precision of microseconds."""
    return None if moment is None else int(moment.timestamp() * 1_000_000) * 1_000


def main() -> int:
    """Execute the request and print its answer, or print why that failed and return 1."""
    instrumentation.configure()
    request = orjson.loads(sys.argv[1])
    functions: dict[str, Callable[..., Any]] = {"begin": begin, "wait": wait, "tell": tell}
    try:
        answer = functions[request.pop("do")](**request)
    except TimeoutError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{orjson.dumps(answer).decode()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
