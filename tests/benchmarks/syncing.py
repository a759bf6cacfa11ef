"""The program that `syncs` runs: it syncs a whole repository from scratch at every request.

``python -m tests.benchmarks.syncing on|off|by_hand``: with telemetry as it is configured (spans and lines to files); with
``OTEL_SDK_DISABLED`` and no lines; or with the same spans and lines written by hand, where no span is exported.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import django

import telemetry
from telemetry._lines import writing
from telemetry.settings import TelemetrySettings
from tests.benchmarks import by_hand
from tests.benchmarks.programs import answer_with

TOKEN = "ghp_" + "b" * 36
_FLUSH_SECONDS = 30.0


def sync(*, api_url: str, full_name: str, flush_seconds: float = _FLUSH_SECONDS) -> dict[str, Any]:
    """Sync the whole history of `full_name` for a new team into empty tables; return the seconds, with the last flush.

    With `flush_seconds` 0 there is none: spans leave as they do while a worker goes on.
    """
    from django.db import connection

    from apps.integrations import onboarding_pipeline as pipeline
    from apps.integrations.connections import connect
    from apps.integrations.runs import admission
    from apps.integrations.tasks import sync_repository
    from apps.repositories.accounts import track
    from apps.teams.models import Team

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE pulls_pullrequest CASCADE")
    team = Team.objects.create(slug=f"benchmark-{uuid.uuid4().hex[:12]}", name="Benchmark")
    tracked = track(connection=connect(team=team, api_url=api_url, token=TOKEN), full_names=[full_name])
    row = pipeline.start_run(team=team, repositories=tracked, since=None).repo_syncs.get()
    (admitted,) = admission.admit()
    started = time.perf_counter()
    sync_repository.apply(args=(admitted.repo_sync_id, admitted.number), throw=True)
    if flush_seconds:
        telemetry.flush(flush_seconds)
    seconds = time.perf_counter() - started
    row.refresh_from_db()
    return {"seconds": seconds, "state": row.state, "pull_requests": row.prs_done}


def main() -> None:
    """Set up telemetry and Django, and sync at every request."""
    from apps.config import instrumentation
    from apps.config.celery import app

    django.setup()
    app.conf.update(broker_url="memory://")  # accepts the messages that follow a sync, for nobody
    if sys.argv[1] == "on":
        instrumentation.configure()
    else:
        writing.configure(TelemetrySettings(disabled=True))
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "lines.jsonl").open("wb", buffering=0) as lines:
        if sys.argv[1] == "by_hand":
            by_hand.take_over(lines)
        answer_with(sync)


if __name__ == "__main__":
    main()
