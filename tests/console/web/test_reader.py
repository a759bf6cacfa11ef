"""However many pages look at the same thing, one reader asks and renders for all of them, and only what they may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from apps.console.web.page import Page
from apps.console.web.reader import Part, Reader, Topic
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun
from apps.teams.models import Team
from tests.console.web.people import make_run

pytestmark = pytest.mark.django_db(transaction=True)


def _changes(run: PipelineRun, done: int) -> Callable[[], None]:
    """Return what another process does to a run."""

    def change() -> None:
        run.repo_syncs.update(prs_done=done)
        connection.close()

    return change


def test_pages_of_one_sight_are_rendered_once_and_again_when_their_team_changes() -> None:
    """Three pages, two of them alike: two renderings, and then one for each change, of whom it concerns."""
    core, other = (Team.objects.create(slug=slug, name=slug) for slug in ("core", "other"))
    runs = {team.pk: make_run(team, {"state": "queued", "prs_done": 1}) for team in (core, other)}
    rendered: list[int | None] = []

    def read(sight: Sight, _query: QueryDict) -> dict[str, Any]:
        (team,) = sight.teams or (None,)
        rendered.append(team)
        read_so_far = str(list(sight.repo_syncs().values_list("prs_done", flat=True)))
        return {"accounts": [{"account": read_so_far, "at_work": 0, "queued": 0}]}

    page = Page(template="", part="console/parts/accounts.html", read=read)
    topics = {
        team: Topic(page=page, sight=Sight(teams=frozenset({team}), owned=frozenset()), query="", named=()) for team in runs
    }

    async def look() -> list[Part]:
        reader = Reader()
        with (
            reader.subscribed(topics[core.pk]) as first,
            reader.subscribed(topics[core.pk]) as second,
            reader.subscribed(topics[other.pk]) as third,
        ):
            parts = [await asyncio.wait_for(queue.get(), 20) for queue in (first, second, third)]
            await asyncio.sleep(0)
            rendered.clear()
            await asyncio.to_thread(_changes(runs[core.pk], 2))
            parts += [await asyncio.wait_for(queue.get(), 20) for queue in (first, second)]
        assert reader._task is not None
        await asyncio.wait_for(reader._task, 20)
        return parts

    before, same, others, after, same_after = asyncio.run(look())
    assert (before, after) == (same, same_after)
    assert len({before.version, others.version, after.version}) == 2  # both teams had read one at first
    assert "[2]" in after.html
    assert rendered == [core.pk]
