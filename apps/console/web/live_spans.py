"""Follow the spans of runs being viewed: read news once a second for all, and encode it once per run.

A page asks for all spans of its run when its stream says that it has begun, and then gets news. So however many viewers
there are, new bytes are read once, and a run's critical path is computed as often as a twentieth of a process allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apps.console.collecting import nothing_collected
from apps.console.run_times import spans_of, time_of_spans
from apps.console.web.background import background_thread
from apps.console.web.box import AGAIN, Box
from apps.console.web.span_messages import spans_as_columns, time_as_columns
from apps.explain.sources import written_here
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.reading import Span, SpanFollower

_EVERY = 0.8
"""Seconds between reads: a span is shown within a second of its start and end."""
_ELSEWHERE_SECONDS = 15.0
"""Seconds after which a page asks again for all spans of a run that is at work elsewhere."""
_BEGUN = b'event: spans\ndata: {"begun":true}\n\n'

_Write = Callable[[PipelineRun, Iterable[Span]], Mapping[str, object]]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """A run shown by pages, and what is known of it."""

    run: PipelineRun
    boxes: list[Box] = field(default_factory=list)
    arriving: list[Box] = field(default_factory=list)
    """Boxes of pages not yet told that their stream has begun."""
    is_here: bool = False
    """Whether this home's files contain anything of it."""
    has_new: bool = False
    """Whether there are new spans since its time was last sent."""
    due_at: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether where its time went may have changed and is due to be sent."""
        return (self.has_new or self.run.ended_at is None) and time.monotonic() >= self.due_at

    def send(self, event: bytes) -> None:
        for box in self.boxes:
            box.put_event(event)


class LiveSpans:
    """Follows spans while anybody is subscribed."""

    def __init__(self, *, path_seconds: float = 5.0, times_its_cost: float = 20.0, write: _Write = spans_as_columns) -> None:
        """Compute a run's critical path at most every so many seconds, and every so many times its own duration."""
        self._path_seconds, self._times_its_cost, self._write = path_seconds, times_its_cost, write
        self._watched: dict[int, _Watched] = {}
        self._thread = background_thread("console-spans")
        self._task: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self._follower: SpanFollower | None = None

    @contextlib.contextmanager
    def subscribed(self, run: PipelineRun, box: Box) -> Iterator[None]:
        """Put the beginning, and then news of the run's spans, into a box during the block."""
        watched = self._watched.setdefault(run.pk, _Watched(run, due_at=time.monotonic() + self._path_seconds))
        watched.arriving.append(box)
        self._arrived.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._follow())
        try:
            yield
        finally:
            (watched.boxes if box in watched.boxes else watched.arriving).remove(box)
            if not watched.boxes and not watched.arriving:
                self._watched.pop(run.pk, None)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while self._watched:
            self._arrived.clear()
            runs = dict(self._watched)
            arrived = [(watched, box) for watched in runs.values() for box in watched.arriving]
            try:
                found = await loop.run_in_executor(self._thread, self._look, runs)
            except Exception:  # noqa: BLE001  # it must not end the streams
                _log.exception("Spans could not be followed")
                found = {number: [AGAIN] for number in runs}
            for number, events in found.items():
                for event in events:
                    runs[number].send(event)
            for watched, box in arrived:
                if box in watched.arriving:
                    watched.arriving.remove(box)
                    watched.boxes.append(box)
                    box.put_event(_BEGUN)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await self._arrived.wait()
        await loop.run_in_executor(self._thread, self._end)

    def _look(self, runs: Mapping[int, _Watched]) -> dict[int, list[bytes]]:
        """Return what is to be sent of each run."""
        if self._follower is None:
            self._follower = written_here().follow()
        traces = {trace_id_of(watched.run.traceparent): number for number, watched in runs.items()}
        events: dict[int, list[bytes]] = {}
        new: dict[int, list[Span]] = {}
        for span in self._follower.new(traces):
            new.setdefault(traces[span.trace_id], []).append(span)
        for number, spans in new.items():
            runs[number].is_here = runs[number].has_new = True
            events[number] = [_event(self._write(runs[number].run, spans))]
        try:
            for number, watched in runs.items():
                if watched.is_due:
                    events.setdefault(number, []).extend(self._time_of(watched))
        except (DatabaseError, InterfaceError):  # it is told later
            connection.close()
        return events

    def _time_of(self, watched: _Watched) -> Iterator[bytes]:
        """Yield where a run's time went if that may have changed, and schedule the next check."""
        began = time.monotonic()
        watched.due_at = began + self._path_seconds
        watched.run = PipelineRun.objects.get(pk=watched.run.pk)
        if watched.has_new or watched.run.ended_at is not None:
            with nothing_collected():
                spans, now = spans_of(watched.run), clock.now()
                yield _event(time_as_columns(watched.run, spans, time_of_spans(watched.run, spans), now=now))
            watched.has_new = False
            watched.due_at = time.monotonic() + max(self._path_seconds, self._times_its_cost * (time.monotonic() - began))
        elif settings.SYNCTRACE_JAEGER_URL and not watched.is_here:
            watched.due_at = began + _ELSEWHERE_SECONDS
            yield AGAIN

    def _end(self) -> None:
        if self._follower is not None:
            self._follower.close()
            self._follower = None
        connection.close()  # that of the thread this runs in


def _event(message: object) -> bytes:
    return b"event: spans\ndata: " + orjson.dumps(message) + b"\n\n"
