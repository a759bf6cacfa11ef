"""Right uses, which neither type checker may refuse."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from telemetry import Root, bind, emit, observe
from telemetry.model import Event, Field, Level, Line, Operation, Result


class Baked(Result):
    """A loaf."""

    crumbs: Annotated[int, Field("Crumbs.")]
    oven: Annotated[str | None, Field("Which oven.")] = None


class Bake(Operation[Baked], name="bakery.bake", started=Line(Level.INFO, "loaf", when="it goes in")):
    """One loaf."""

    loaf: Annotated[str, Field("Its name.")]
    heat: Annotated[float | None, Field("How hot.")] = None


class Rang(Event, name="bakery.rang", level=Level.WARNING, when="the bell rings"):
    """The bell."""

    at: Annotated[datetime, Field("When.")]
    how: Annotated[Literal["once", "twice"], Field("How often.")]


def bake(at: datetime) -> int:
    """Every outcome, with what it needs."""
    with bind(team_id=1, repo_id=None), observe(Bake(loaf="rye"), waited_ms=3.0) as baking:
        emit(Rang(at=at, how="once"))
        emit(Rang(at=at, how="twice"), error=ValueError("late"))
        baking.completed(Baked(crumbs=3))
        baking.completed(Baked(crumbs=3, oven=None))
        baking.failed(ValueError("burnt"))
        baking.failed(ValueError("burnt"), Baked(crumbs=1, oven="big"))
        baking.retrying(ValueError("cold"), countdown=2)
        baking.waiting(until=at)
        baking.cancelled()
    with observe(Bake(loaf="rye", heat=3)) as baking:
        return 1


def reserved(at: datetime) -> None:
    """A root that is ended elsewhere."""
    root = Root.reserve(Bake, links=["00-" + "1" * 32 + "-" + "2" * 16 + "-01"])
    root.announce(Bake(loaf="rye"))
    with root.active(), root.finish(Bake(loaf="rye"), ended_at=at) as baking:
        baking.completed(Baked(crumbs=3))
