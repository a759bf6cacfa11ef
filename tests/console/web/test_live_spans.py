"""However many pages look at a run, what is new of its spans is read and written once, and sent to those who may see it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from apps.console.web.box import AGAIN, Box
from apps.console.web.live_spans import LiveSpans
from apps.console.web.sight import Sight
from apps.console.web.span_messages import spans_as_columns
from apps.console.web.stream import looked_at
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry.reading import Files, Span
from tests.console.spans_file import write_spans
from tests.console.web.people import make_people, make_run
from tests.explain.told import ROOT_ID, call, root

pytestmark = pytest.mark.django_db(transaction=True)
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_PAGES = 50


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> PipelineRun:
    """A run that goes on, of which this home's files have a span."""
    settings.SYNCTRACE_TRACES_FILE = tmp_path / "traces.jsonl"
    settings.SYNCTRACE_JOURNAL = tmp_path / "journal"
    write_spans(tmp_path / "traces.jsonl", [call(0.0, 1.0)], trace_id=_TRACE)
    return make_run(make_people().team, {"state": "running"}, traceparent=f"00-{_TRACE}-{ROOT_ID}-01")


def _export(home: Path, *spans: Any, trace_id: str = _TRACE) -> None:
    """Append spans to the file, as a process does."""
    write_spans(home / "new.jsonl", spans, trace_id=trace_id)
    with (home / "traces.jsonl").open("ab") as file:
        file.write((home / "new.jsonl").read_bytes())


async def _message(box: Box) -> Any:
    """Return what a page gets next."""
    event = await box.get(within=20)
    assert isinstance(event, bytes)
    assert event.startswith(b"event: spans\ndata: ")
    return orjson.loads(event.removeprefix(b"event: spans\ndata: "))


@contextlib.asynccontextmanager
async def _looking(run: PipelineRun, *, pages: int, live: LiveSpans | None = None) -> AsyncIterator[list[Box]]:
    """Open pages, see that each is told that its stream has begun, and close them all."""
    live, boxes = live or LiveSpans(), [Box() for _ in range(pages)]
    with contextlib.ExitStack() as open_pages:
        for box in boxes:
            open_pages.enter_context(live.subscribed(run, box))
        assert [await _message(box) for box in boxes] == [{"begun": True}] * pages
        yield boxes
    assert live._task is not None
    await asyncio.wait_for(live._task, 20)


def test_what_is_new_is_written_once_for_fifty_pages(run: PipelineRun, tmp_path: Path) -> None:
    """Within a second, without what was there before, and without another run's."""
    written: list[int] = []

    def counted(run: PipelineRun, spans: Iterable[Span]) -> dict[str, Any]:
        columns = spans_as_columns(run, spans)
        written.append(len(columns["spans"]["id"]))
        return columns

    async def look() -> tuple[list[Any], float]:
        async with _looking(run, pages=_PAGES, live=LiveSpans(write=counted)) as boxes:
            _export(tmp_path, call(1.0, 2.0), call(2.0, 3.0))
            _export(tmp_path, call(1.0, 2.0), trace_id="f" * 32)
            began = time.monotonic()
            return [await _message(box) for box in boxes], time.monotonic() - began

    messages, seconds = asyncio.run(look())
    assert messages == [messages[0]] * _PAGES
    assert len(messages[0]["spans"]["id"]) == 2
    assert written == [2]
    assert seconds < 3  # its own aim is a second, on a machine that does nothing else


@pytest.mark.slow
def test_while_nothing_happens_nothing_is_sent_or_asked(run: PipelineRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a run that has ended: neither its spans nor its row are read."""
    run.ended_at, run.state = clock.now(), PipelineRun.State.COMPLETED
    asked: list[object] = []
    monkeypatch.setattr(Files, "find_spans", lambda _files, **wanted: asked.append(wanted))

    async def look() -> list[object]:
        async with _looking(run, pages=2, live=LiveSpans(path_seconds=0.0)) as boxes:
            await asyncio.sleep(2)
            return [box.get_nowait() for box in boxes]

    assert (asyncio.run(look()), asked) == ([None, None], [])


@pytest.mark.slow
def test_where_the_time_went_is_told_again_once_there_is_more(run: PipelineRun, tmp_path: Path) -> None:
    """And when the run has ended, though no span is new: nothing is open any more."""

    def end() -> None:
        ended = PipelineRun.objects.get(pk=run.pk)
        ended.state, ended.ended_at = PipelineRun.State.COMPLETED, ended.started_at + timedelta(seconds=7)
        ended.save()
        connection.close()

    async def look() -> list[Any]:
        async with _looking(run, pages=1, live=LiveSpans(path_seconds=0.1, times_its_cost=0.0)) as (box,):
            _export(tmp_path, root(7.0))
            found = [await _message(box), await _message(box)]
            await asyncio.to_thread(end)
            return [*found, await _message(box)]

    spans, running, ended = asyncio.run(look())
    assert spans["spans"]["id"] == [ROOT_ID]
    assert running["time"]["is_running"]
    assert running["time"]["critical"]["id"]
    assert (ended["time"]["is_running"], ended["time"]["critical"]["id"][-1:]) == (False, [""])


@pytest.mark.slow
def test_a_mistake_leads_pages_to_ask_for_all_spans_again(run: PipelineRun, tmp_path: Path) -> None:
    """What could not be written is not lost, and the streams go on."""
    mistakes = [ValueError("odd")]

    def written(run: PipelineRun, spans: Iterable[Span]) -> dict[str, Any]:
        if mistakes:
            raise mistakes.pop()
        return spans_as_columns(run, spans)

    async def look() -> list[Any]:
        async with _looking(run, pages=1, live=LiveSpans(write=written)) as (box,):
            _export(tmp_path, call(1.0, 2.0))
            first = await _message(box)
            _export(tmp_path, call(2.0, 3.0))
            return [first, await _message(box)]

    again, spans = asyncio.run(look())
    assert again == {"again": True}
    assert len(spans["spans"]["id"]) == 1


def test_a_page_that_takes_nothing_is_to_ask_for_all_instead() -> None:
    """What waits for it does not grow without end; its part is the latest, and comes first."""
    box = Box()
    for number in range(250):
        box.put_event(b"%d" % number)
    waiting = []
    while (found := box.get_nowait()) is not None:
        waiting.append(found)
    assert waiting[0] == AGAIN
    assert waiting[1:] == [b"%d" % number for number in range(201, 250)]


def test_a_page_that_goes_away_as_something_comes_for_it_is_gone() -> None:
    """Else its stream would go on for as long as streams last, and the database be asked for nobody."""

    async def leave() -> None:
        box = Box()
        stream = asyncio.create_task(box.get(within=20))
        await asyncio.sleep(0.01)
        box.put_event(b"new")
        stream.cancel()
        await stream

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(leave())


def test_spans_are_for_those_who_see_the_run(run: PipelineRun) -> None:
    """Others may have its address open, and get the part that says that there is none."""
    seen = {}
    for name in ("member", "owner", "staff", "outsider"):
        topic, found = looked_at(Sight.of(User.objects.get(username=name)), f"/runs/{run.pk}/")
        assert topic is not None
        seen[name] = found
    assert seen == {"member": run, "owner": run, "staff": run, "outsider": None}
    assert looked_at(Sight.of(User.objects.get(username="member")), "/runs/")[1] is None
