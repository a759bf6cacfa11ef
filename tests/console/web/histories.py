"""Pull requests of a team's repository, for tests of pages that show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apps.analysis.models import Analysis
from apps.pulls.models import PullRequest
from apps.repositories.models import BEGINNING, TrackedRepository
from apps.utils import clock
from tests.console.web.people import People, make_run
from tests.integrations.histories import DAY

DONE: dict[str, Any] = {"state": "completed", "disposition": "synced", "prs_done": 310, "prs_total": 310, "attempt": 1}


def synced(
    people: People, name: str = "core/core-0", *, ago: timedelta = timedelta(hours=1), **row: Any
) -> TrackedRepository:
    """Store a repository of the core team that was completed so long ago, all of its history."""
    began = clock.now() - ago
    ended = began + timedelta(minutes=2)
    fields = {"state": "completed", "phase": "phase1_complete", "since": None, "ended_at": ended}
    make_run(people.team, {**DONE, "full_name": name, "started_at": began, "ended_at": ended, **row}, ago=ago, **fields)
    repository = TrackedRepository.objects.get(full_name=name)
    repository.covered_from = BEGINNING
    repository.github_count, repository.stored_count, repository.counted_at = 310, 310, ended
    repository.save()
    return repository


def make_pull_request(
    repository: TrackedRepository, number: int, *, tools: tuple[str, ...] | None = (), evidence: str = "", **fields: Any
) -> PullRequest:
    """Store a pull request that was merged, with an analysis unless `tools` is None."""
    row = PullRequest.objects.create(
        **{
            "repository": repository,
            "number": number,
            "title": f"change {number}",
            "body": "",
            "state": "MERGED",
            "is_draft": False,
            "url": f"https://github.com/{repository.full_name}/pull/{number}",
            "author": "ada",
            "created_at": DAY,
            "updated_at": DAY + timedelta(hours=4),
            "merged_at": DAY + timedelta(hours=4),
            "base_ref": "main",
            "head_ref": "topic",
            "additions": 3,
            "deletions": 1,
            "reviews_total": 0,
            "commits_total": 0,
            **fields,
        }
    )
    if tools is not None:
        Analysis.objects.create(
            pull_request=row, is_ai_assisted=bool(tools), tools=list(tools), evidence=evidence, of_update=row.updated_at
        )
    return row
