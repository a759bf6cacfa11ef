"""Keep open pages up to date: a stream for each, and one reader for all streams of this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_GET

from apps.console.web.box import Box
from apps.console.web.live_spans import LiveSpans
from apps.console.web.lookers import lookers, session_of
from apps.console.web.page import Page
from apps.console.web.reader import Reader, Topic
from apps.console.web.run import run as run_page
from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.integrations.models import PipelineRun

_LASTS = 300.0
"""Seconds after which a stream ends and its page asks again; it ends sooner if what its session sees changes."""
_BEAT = 5.0
"""Seconds after which a stream says that nothing has changed, or that it cannot know."""

_BEATS, _FAILS = b"event: beat\ndata:\n\n", b"event: fails\ndata:\n\n"

_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Reader, LiveSpans]] = WeakKeyDictionary()


@require_GET
async def events(request: HttpRequest) -> HttpResponseBase:
    """Send the changing part of the page at address `page` now, unless it is `known`, and again on each change.

    In between, say that it is unchanged or cannot be read. A run's page is also sent news of its spans. If streams are
    unavailable, answer with nothing, and the page polls.
    """
    sight = await sync_to_async(lookers.sight_of)(request)
    topic, run = (None, None) if sight is None else await sync_to_async(looked_at)(sight, request.GET.get("page", ""))
    if topic is None:
        return HttpResponse(status=404)
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)
    known = request.headers.get("Last-Event-ID") or request.GET.get("known", "")
    session = session_of(request)
    if session is not None and lookers.known(session) is None:  # more than are read at once
        session = None
    stream = StreamingHttpResponse(_stream(topic, run, known, session), content_type="text/event-stream")
    stream.headers["Cache-Control"] = "no-store"
    stream.headers["X-Accel-Buffering"] = "no"  # nginx would buffer events
    return stream


async def _stream(topic: Topic, run: PipelineRun | None, known: str, session: str | None) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    if loop not in _readers:
        _readers[loop] = Reader(), LiveSpans()
    reader, spans = _readers[loop]
    box, ends = Box(), loop.time() + _LASTS
    yield b"retry: 1000\n\n"
    with reader.subscribed(topic, box), contextlib.nullcontext() if run is None else spans.subscribed(run, box):
        beats = loop.time() + _BEAT
        while (left := ends - loop.time()) > 0:
            try:
                found = await box.get(within=min(max(0.0, beats - loop.time()), left))
            except TimeoutError:
                found = None
            if session is not None and lookers.known(session) != topic.sight:
                return
            if isinstance(found, bytes):
                yield found
                continue  # the arrival of spans does not mean that the database can be read
            if found is None:
                yield _BEATS if reader.is_reading else _FAILS
            else:
                yield _BEATS if found.version == known else found.event
                known = found.version
            beats = loop.time() + _BEAT


def looked_at(sight: Sight, address: str) -> tuple[Topic | None, PipelineRun | None]:
    """Return a changing page's topic, and the run it is about, if the viewer may see it."""
    parts = urlsplit(address)
    try:
        match = resolve(parts.path)
    except Resolver404:
        return None, None
    if not isinstance(match.func, Page):
        return None, None
    topic = Topic(page=match.func, sight=sight, query=parts.query, named=tuple(sorted(match.kwargs.items())))
    with contextlib.suppress(Http404):
        return topic, run_seen(sight, match.kwargs["run_id"]) if match.func is run_page else None
    return topic, None
