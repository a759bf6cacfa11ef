"""Wrong uses of events and context; every line marked `# wrong` is refused, and no other."""

from __future__ import annotations

from typing import Annotated

from apps import catalog
from apps.utils.sync_logger import get_sync_logger, sync_context, timed_operation
from telemetry import bind, emit
from telemetry.model import Event, Field, Level

progress = catalog.RepoProgress(team_id=1, repo_id=2, prs_done=10, prs_total=None, pct=None)

emit(progress)
emit(progress, ValueError())  # wrong: the error by position
emit(progress, error="burnt")  # wrong: text for an error
emit(catalog.RepoSynced(prs_synced=3))  # wrong: a result for an event
emit(catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1))  # wrong: an operation for an event
emit(catalog.RepoProgress)  # wrong: a class for an event
emit("sync.repo.progress")  # wrong: text for an event
catalog.RepoProgress(team_id=1, repo_id=2, prs_done=10, prs_total=None)  # wrong: a nullable field is still a field
catalog.RateLimitChecked(remaining=1, limit=2, reset_at="2026-01-01", will_wait=False)  # wrong: text for a moment
catalog.RateLimitChecked(remaining=1, limit=2, reset_at=None, will_wait="no")  # wrong: text for yes or no
catalog.PhaseChanged(team_id=1, phase="syncing", previous_phase="asleep")  # wrong: no such phase
progress.prs_done = 20  # wrong: frozen

with bind(team_id=[1]):  # wrong: a list for a value
    pass
with sync_context(team="x"):  # wrong: no such context
    pass
with sync_context(team_id="1"):  # wrong: text for a number
    pass
with timed_operation("apps", "cache.fill"):  # wrong: text for a logger
    pass
get_sync_logger("apps").notice("cache.cold")  # wrong: no such level


class NoLevel(Event, name="bakery.rang", when="the bell rings"):  # wrong: no level
    at: Annotated[str, Field("When.")]


class NoName(Event, level=Level.INFO, when="the bell rings"):  # wrong: no name
    at: Annotated[str, Field("When.")]


class LevelByName(Event, name="bakery.rang", level="INFO", when="the bell rings"):  # wrong: text for a level
    at: Annotated[str, Field("When.")]
