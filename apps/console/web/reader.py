"""One reader in each web process: it notices changes, and renders each part once for all its viewers.

However many pages are open, each second it asks who is still viewing, and for one row per team, and renders changed
parts in turn, within a few queries a second: viewing must not slow down the work being viewed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.http import Http404, QueryDict

from apps.console.web.ahead import Ahead
from apps.console.web.background import background_thread
from apps.console.web.box import Box, Part
from apps.console.web.lookers import lookers
from apps.console.web.page import Page, version_of
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun, RepoSync
from apps.utils import clock

_EVERY = 1.0
"""Seconds between two reads."""
_QUERIES = 10.0
_SAVES_SECONDS = 3.0
"""For how many seconds unused queries accumulate."""
_FAILING_AFTER = 10.0
"""Seconds after which an unfinished read counts as failed."""
_AT_LATEST = 15.0
"""Seconds after which a part is rendered even without a change: silence and lateness depend on the clock."""

_log = logging.getLogger(__name__)

_MARKS = f"""
    SELECT runs.team_id, md5(string_agg(
        concat_ws('|', runs.id, runs.state, runs.phase, runs.exported_at, rows.mark), ',' ORDER BY runs.id))
    FROM {PipelineRun._meta.db_table} AS runs LEFT JOIN LATERAL (
        SELECT sum(hashtextextended(concat_ws('|', id, state, attempt, prs_done, prs_total, requests, wait_reason, due_at,
            admitted_at, error_type), 0)::numeric) AS mark
        FROM {RepoSync._meta.db_table} WHERE run_id = runs.id
    ) AS rows ON true
    WHERE runs.state = 'running' OR runs.ended_at > now() - interval '1 minute'
    GROUP BY runs.team_id
"""  # noqa: S608  # only our own tables' names are put in


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What some pages show, the same for all viewers of one sight."""

    page: Page
    sight: Sight
    query: str
    named: tuple[tuple[str, Any], ...]


@dataclass(slots=True)
class _Watched:
    """A topic's subscribers, and since when it is due to be rendered again."""

    boxes: list[Box] = field(default_factory=list)
    due: bool = True
    rendered_at: float = 0.0


class Reader:
    """Reads while anybody is subscribed."""

    def __init__(self, *, queries_a_second: float = _QUERIES) -> None:
        """Limit the average number of queries; beyond it, parts wait for their turn."""
        self._queries = queries_a_second
        self._topics: dict[Topic, _Watched] = {}
        self._marks: Mapping[int, str] = {}
        self._thread = background_thread("console-reader")
        self._ahead = Ahead()
        self._task: asyncio.Task[None] | None = None
        self._looked_at = -inf

    @property
    def is_reading(self) -> bool:
        """Whether subscribers are up to date within seconds, because the database could be read."""
        return asyncio.get_running_loop().time() - self._looked_at < _FAILING_AFTER

    @contextlib.contextmanager
    def subscribed(self, topic: Topic, box: Box) -> Iterator[None]:
        """Put the topic's part into a box, now and whenever it may have changed, during the block."""
        watched = self._topics.setdefault(topic, _Watched())
        watched.boxes.append(box)
        watched.due = True  # the page was read a moment ago
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._read())
        try:
            yield
        finally:
            watched.boxes.remove(box)
            if not watched.boxes:
                self._topics.pop(topic, None)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        most = self._queries * _SAVES_SECONDS
        left, since = most, loop.time()
        while self._topics:
            left, since = min(most, left + self._queries * (loop.time() - since)) - 2, loop.time()
            try:
                await loop.run_in_executor(self._thread, lookers.refresh)
                self._note(await loop.run_in_executor(self._thread, _read_marks), now=loop.time())
                self._looked_at = loop.time()
                for topic, watched in self._in_turn():
                    if left <= 0:
                        break
                    watched.due, watched.rendered_at = False, loop.time()
                    part, queries = await loop.run_in_executor(self._thread, _render, topic)
                    left -= queries
                    for box in watched.boxes:
                        box.put_part(part)
                left -= self._ahead.go_on()
            except (DatabaseError, InterfaceError):  # once it is back, everything may have changed
                self._marks, self._looked_at = {}, -inf
                for watched in self._topics.values():
                    watched.due = True
                await loop.run_in_executor(self._thread, _close)
            except Exception:  # noqa: BLE001  # one page's error must not end the others' streams
                _log.exception("A part of a page could not be rendered")
            await asyncio.sleep(_EVERY)
        await self._ahead.ended()
        await loop.run_in_executor(self._thread, _close)

    def _note(self, marks: Mapping[int, str], *, now: float) -> None:
        """Note which parts are due: those of changed teams, and those rendered long ago."""
        changed = {team for team in marks.keys() | self._marks.keys() if marks.get(team) != self._marks.get(team)}
        self._marks = marks
        for topic, watched in self._topics.items():
            is_old = now - watched.rendered_at > _AT_LATEST
            watched.due = watched.due or is_old or any(topic.sight.has(team) for team in changed)

    def _in_turn(self) -> list[tuple[Topic, _Watched]]:
        """Return what is due, least recently rendered first."""
        due = [(topic, watched) for topic, watched in self._topics.items() if watched.due]
        return sorted(due, key=lambda each: each[1].rendered_at)


def _read_marks() -> Mapping[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_MARKS)
        return dict(cursor.fetchall())


def _close() -> None:
    connection.close()  # that of the thread this runs in


def _render(topic: Topic) -> tuple[Part, int]:
    """Return a topic's part, and how many queries it took."""
    queries = 0

    def counted(execute: Callable[..., Any], *asked: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*asked)

    try:
        with connection.execute_wrapper(counted), clock.using(clock.SteppedClock(clock.now())):
            html: str = topic.page.changing(topic.sight, QueryDict(topic.query), dict(topic.named))
    except Http404:
        html = '<section class="card empty"><p>It is no longer there.</p></section>'
    return Part(html, version_of(html)), queries
