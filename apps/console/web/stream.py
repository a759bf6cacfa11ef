"""Pages that stay right while one looks at them: a stream for each, and one reader for all streams of this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_GET

from apps.console.web.page import Page
from apps.console.web.reader import Part, Reader, Topic
from apps.console.web.sight import Sight

_LASTS = 300.0
"""Seconds after which a stream ends, for its page to ask again: whoever has lost a team or a session gets no other one."""
_BEAT = 5.0
"""Seconds after which a stream says that nothing has changed, or that it cannot know."""

_BEATS, _FAILS = "event: beat\ndata:\n\n", "event: fails\ndata:\n\n"

_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, Reader] = WeakKeyDictionary()


@require_GET
async def events(request: HttpRequest) -> HttpResponseBase:
    """Send the changing part of the page at the address `page` now, unless it is `known`, and again whenever it changes.

    In between it says that it is as it was, or that it cannot be read.
    Where streams are not to be had, answer with nothing, and the page asks for itself.
    """
    sight = await sync_to_async(Sight.of)(await request.auser())
    topic = _topic(request.GET.get("page", ""), sight)
    if topic is None:
        return HttpResponse(status=404)
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)
    known = request.headers.get("Last-Event-ID") or request.GET.get("known", "")
    stream = StreamingHttpResponse(_stream(topic, known), content_type="text/event-stream")
    stream.headers["Cache-Control"] = "no-store"
    stream.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return stream


async def _stream(topic: Topic, known: str) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    reader = _readers.setdefault(loop, Reader())
    ends = loop.time() + _LASTS
    yield "retry: 1000\n\n"
    with reader.subscribed(topic) as parts:
        while (left := ends - loop.time()) > 0:
            try:
                part = await asyncio.wait_for(parts.get(), timeout=min(_BEAT, left))
            except TimeoutError:
                yield _BEATS if reader.is_reading else _FAILS
                continue
            yield _BEATS if part.version == known else _event(part)
            known = part.version


def _event(part: Part) -> str:
    return f"event: part\nid: {part.version}\ndata: {json.dumps(part.html)}\n\n"


def _topic(address: str, sight: Sight) -> Topic | None:
    """Return what a page shows, if it is one of ours that changes."""
    parts = urlsplit(address)
    try:
        match = resolve(parts.path)
    except Resolver404:
        return None
    if not isinstance(match.func, Page):
        return None
    return Topic(page=match.func, sight=sight, query=parts.query, named=tuple(sorted(match.kwargs.items())))
