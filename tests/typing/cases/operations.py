"""Wrong uses of operations; every line marked `# wrong` is refused, and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from apps import catalog
from telemetry import Root, observe, record, span
from telemetry import observed as whole
from telemetry.model import Field, Level, Line, Operation, Result


class Baked(Result):
    """A loaf."""

    crumbs: Annotated[int, Field("Crumbs.")]


class Bake(Operation[Baked], name="bakery.bake"):
    """One loaf."""

    loaf: Annotated[str, Field("Its name.")]


class Sweep(Operation[None], name="bakery.sweep"):
    """Sweeping, which has nothing to say at its end."""

    room: Annotated[str, Field("Where.")]


sync = catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1)

catalog.RepoSync(team_id=1, repo_id=2, attempt=1)  # wrong: a field is missing
catalog.RepoSync(team_id=1, repo_id=2, full_nam="a/b", attempt=1)  # wrong: a field is misspelt
catalog.RepoSync(team_id=1, repo_id=2, full_name="a/b", attempt=1, more=1)  # wrong: a field too many
catalog.RepoSync(team_id="1", repo_id=2, full_name="a/b", attempt=1)  # wrong: text for a number
catalog.RepoSync(team_id=None, repo_id=2, full_name="a/b", attempt=1)  # wrong: null for what is always known
catalog.RepoSync(1, 2, "a/b", 1)  # wrong: positional
catalog.Pipeline(team_id=1, repos_count=1, phase="sleeping", task_id=None, run_id=1)  # wrong: no such phase
catalog.GraphQLCall(query_name="q", lane_wait_ms="3")  # wrong: text for a number, where there is a default
sync.team_id = 4  # wrong: frozen
sync.elsewhere = 4  # wrong: nothing declares it
len(sync.full_nam)  # wrong: a field is misspelt

with observe(sync) as observed:
    observed.completed(catalog.PipelineCompleted(repos_synced=1, total_prs=1))  # wrong: another operation's result
    observed.completed(sync)  # wrong: the operation itself
    observed.completed()  # wrong: no result
    observed.completed(None)  # wrong: no result
    observed.completed(catalog.RepoSynced())  # wrong: a field is missing
    observed.completed(catalog.RepoSynced(prs_synced="3"))  # wrong: text for a number
    observed.complete(catalog.RepoSynced(prs_synced=3))  # wrong: no such outcome
    observed.failed()  # wrong: no error
    observed.failed("burnt")  # wrong: text for an error
    observed.failed(ValueError(), catalog.RowsWritten(created=1, updated=1))  # wrong: another operation's result
    observed.retrying(ValueError())  # wrong: no countdown
    observed.waiting(until=3.0)  # wrong: a number for a moment

    observed.set(3)  # wrong: a value without its name
    observed.link(7)  # wrong: a number for a traceparent
    observed.links("00-")  # wrong: misspelt

with observe(Sweep(room="shop")) as sweeping:
    sweeping.completed()
    sweeping.completed(catalog.RepoSynced(prs_synced=3))  # wrong: a result for an operation without one

with span("shop.sweep", room="shop") as swept:
    swept.completed()
    swept.set("room", "shop")  # wrong: positional
span(Sweep(room="shop"))  # wrong: an operation for a name
span(name="shop.sweep")  # wrong: by keyword


@whole(lambda loaf: Bake(loaf=loaf))  # wrong: it must return what was baked
def returns_something_else(loaf: str) -> int:
    """Not a result."""
    return len(loaf)


@whole(lambda room: Sweep(room=room))
def sweep(room: str) -> int:
    """Whatever."""
    return len(room)


sweep(7)  # wrong: text is wanted, also of a decorated function
sweep("shop").upper()  # wrong: it returns a number
whole(Sweep)(7)  # wrong: no function
whole(catalog.RepoSynced)  # wrong: a result for an operation

observe(catalog.RepoSync)  # wrong: a class for an operation
observe(catalog.RepoSynced(prs_synced=3))  # wrong: a result for an operation
observe(sync, waited_ms="3")  # wrong: text for a number
observe(operation=sync)  # wrong: by keyword
record(sync, started_at=datetime.now(UTC), ended_at=datetime.now(UTC))  # wrong: nobody could give its result

root = Root.reserve(catalog.RepoSync)
Root.reserve(catalog.RepoSynced)  # wrong: a result for an operation
root.announce(catalog.RepoSynced(prs_synced=3))  # wrong: a result for an operation
with root.finish(sync) as finished:
    finished.completed(catalog.RowsWritten(created=1, updated=1))  # wrong: another operation's result


class NoName(Operation[catalog.RepoSynced]):  # wrong: no name
    loaf: Annotated[str, Field("Its name.")]


class NoResult(Operation[int], name="bakery.bake"):  # wrong: its result is none
    loaf: Annotated[str, Field("Its name.")]


class LevelByName(
    Operation[catalog.RepoSynced],
    name="bakery.bake",
    started=Line("INFO", "loaf", when="it goes in"),  # wrong: text for a level
):
    loaf: Annotated[str, Field("Its name.")]


class NoWhen(
    Operation[catalog.RepoSynced],
    name="bakery.bake",
    started=Line(Level.INFO, "loaf"),  # wrong: not said when
):
    loaf: Annotated[str, Field("Its name.")]


def untyped(value: Any) -> None:
    """What comes from outside is checked at runtime, under the test kit."""
    observe(catalog.RateWait(wait_seconds=value, reset_at=value, reason=value))
