"""However many pages look at the same thing, one reader asks and renders for all of them, and only what they may see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from apps.console.models import RunCauses
from apps.console.web.box import Box, Part
from apps.console.web.page import Page
from apps.console.web.reader import Reader, Topic
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun
from apps.teams.models import Team
from apps.utils import clock
from tests.console.web.people import make_run

pytestmark = pytest.mark.django_db(transaction=True)


def _changes(run: PipelineRun, done: int) -> Callable[[], None]:
    """Return what another process does to a run."""

    def change() -> None:
        run.repo_syncs.update(prs_done=done)
        connection.close()

    return change


def _page(read: Callable[[Sight], str]) -> Page:
    """Return a page whose part says what `read` returns."""

    def accounts(sight: Sight, _query: QueryDict) -> dict[str, Any]:
        return {"accounts": [{"line": {"account": read(sight), "at_work": 0, "queued": 0}}]}

    return Page(template="", part="console/parts/accounts.html", read=accounts)


def _topic(page: Page, team: Team, query: str = "") -> Topic:
    return Topic(page=page, sight=Sight(teams=frozenset({team.pk}), owned=frozenset()), query=query, named=())


async def _part(box: Box) -> Part:
    found = await box.get(within=30)
    assert isinstance(found, Part)
    return found


async def _ended(reader: Reader) -> None:
    """Wait until a reader that nobody listens to has closed its connection."""
    assert reader._task is not None
    await asyncio.wait_for(reader._task, 20)


def _done(sight: Sight) -> str:
    return f"done: {list(sight.repo_syncs().values_list('prs_done', flat=True))}"


@pytest.mark.slow
def test_pages_of_one_sight_are_rendered_once_and_again_when_their_team_changes() -> None:
    """Three pages, two of them alike: two renderings, and then one for each change, of whom it concerns."""
    core, other = (Team.objects.create(slug=slug, name=slug) for slug in ("core", "other"))
    runs = {team.pk: make_run(team, {"state": "queued", "prs_done": 1}) for team in (core, other)}
    rendered: list[int | None] = []

    def read(sight: Sight) -> str:
        (team,) = sight.teams or (None,)
        rendered.append(team)
        return _done(sight)

    topics = {team.pk: _topic(_page(read), team) for team in (core, other)}

    async def look() -> list[Part]:
        reader, first, second, third = Reader(), Box(), Box(), Box()
        with (
            reader.subscribed(topics[core.pk], first),
            reader.subscribed(topics[core.pk], second),
            reader.subscribed(topics[other.pk], third),
        ):
            parts = [await _part(box) for box in (first, second, third)]
            await asyncio.sleep(0)
            rendered.clear()
            await asyncio.to_thread(_changes(runs[core.pk], 2))
            parts += [await _part(box) for box in (first, second)]
        await _ended(reader)
        return parts

    before, same, others, after, same_after = asyncio.run(look())
    assert (before, after) == (same, same_after)
    assert len({before.version, others.version, after.version}) == 2  # both teams had read one at first
    assert "[2]" in after.html
    assert rendered == [core.pk]


@pytest.mark.slow
def test_whoever_does_not_take_parts_finds_the_latest_alone() -> None:
    """A page that sleeps is not sent what it missed, but what there is."""
    team = Team.objects.create(slug="core", name="core")
    run = make_run(team, {"state": "queued", "prs_done": 0})
    topic = _topic(_page(_done), team)

    async def look() -> tuple[object, object]:
        reader, awake, asleep = Reader(), Box(), Box()
        with reader.subscribed(topic, awake), reader.subscribed(topic, asleep):
            await _part(awake)
            for done in (1, 2, 3):
                await asyncio.to_thread(_changes(run, done))
                await _part(awake)
            found = asleep.get_nowait(), asleep.get_nowait()
        await _ended(reader)
        return found

    part, nothing = asyncio.run(look())
    assert isinstance(part, Part)
    assert "done: [3]" in part.html
    assert nothing is None


@pytest.mark.slow
def test_beyond_so_many_queries_a_second_parts_wait_for_their_turn() -> None:
    """Six parts of four queries each, of which fifteen may be asked at first and then four a second: all are sent."""
    team = Team.objects.create(slug="core", name="core")
    page = _page(lambda sight: "".join(_done(sight) for _ in range(4)))

    async def look() -> list[float]:
        reader, loop, began = Reader(queries_a_second=5), asyncio.get_running_loop(), 0.0

        async def first(box: Box) -> float:
            await _part(box)
            return loop.time() - began

        began = loop.time()
        with contextlib.ExitStack() as open_pages:
            boxes = [Box() for _ in range(6)]
            for number, box in enumerate(boxes):
                open_pages.enter_context(reader.subscribed(_topic(page, team, f"n={number}"), box))
            seconds = sorted(await asyncio.gather(*map(first, boxes)))
        await _ended(reader)
        return seconds

    seconds = asyncio.run(look())
    assert len(seconds) == 6
    assert seconds[-1] - seconds[0] > 1.5


@pytest.mark.slow
def test_a_reader_that_lost_its_database_says_so_until_it_reads_again() -> None:
    """Then every part is rendered anew: anything may have changed."""
    team = Team.objects.create(slug="core", name="core")
    topic = _topic(_page(_done), team)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (tests_own,) = cursor.fetchone()

    def end_its_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
                [tests_own],
            )
        connection.close()

    async def until(fact: Callable[[], bool]) -> None:
        while not fact():
            await asyncio.sleep(0.02)

    async def look() -> None:
        reader, box = Reader(), Box()
        with reader.subscribed(topic, box):
            await _part(box)
            await asyncio.wait_for(until(lambda: reader.is_reading), 20)
            await asyncio.to_thread(end_its_connection)
            await asyncio.wait_for(until(lambda: not reader.is_reading), 20)
            await asyncio.wait_for(until(lambda: reader.is_reading), 20)
            await _part(box)
        await _ended(reader)

    asyncio.run(look())


@pytest.mark.slow
def test_ended_runs_are_explained_while_somebody_looks() -> None:
    """One after the other, newest first, whatever page is open: by their causes they are found."""
    team = Team.objects.create(slug="core", name="core")
    past = clock.now() - timedelta(minutes=1)
    runs = [make_run(team, {"state": "completed"}, state="completed", ended_at=past) for _ in range(2)]

    def known() -> set[int]:
        try:
            return set(RunCauses.objects.values_list("run", flat=True))
        finally:
            connection.close()

    async def until(numbers: set[int]) -> None:
        while await asyncio.to_thread(known) != numbers:
            await asyncio.sleep(0.1)

    async def look() -> None:
        reader = Reader()
        with reader.subscribed(_topic(_page(_done), team), Box()):
            await asyncio.wait_for(until({runs[1].pk}), 30)
            await asyncio.wait_for(until({run.pk for run in runs}), 30)
        await _ended(reader)

    asyncio.run(look())
