"""A run's spans for the picture on its page: sent as they are read, and read once for simultaneous requests."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from hashlib import blake2b
from threading import Lock
from time import time as unix_seconds

import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from apps.console.collecting import nothing_collected
from apps.console.run_times import source_of, spans_of, time_of_spans
from apps.console.web.kept import Kept
from apps.console.web.run import run_seen
from apps.console.web.sight import Sight
from apps.console.web.span_messages import head_of, spans_as_columns, time_as_columns
from apps.integrations.models import PipelineRun
from apps.utils import clock
from telemetry import trace_id_of
from telemetry.reading import Files, Memory, Span

_MOST_IN_A_MESSAGE = 4_000
_KEPT_SECONDS = 30.0
_LOOKS_AGAIN = 15.0
"""Seconds after which an unfinished run is read again even without news: a process may have died."""


class Answer:
    """An answer's gzipped pieces: the first request to want one makes it for all."""

    def __init__(self, messages: Iterator[bytes]) -> None:
        self._messages = messages
        self._pieces: list[bytes] = []
        self._is_whole = False
        self._error: Exception | None = None
        self._gzip = zlib.compressobj(1, wbits=31)
        self._lock = Lock()

    @property
    def has_failed(self) -> bool:
        """Whether it could not be completed."""
        return self._error is not None

    def piece(self, place: int) -> bytes | None:
        """Return a piece; None after the last one."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if place == len(self._pieces) and not self._is_whole:
                self._make()
            return self._pieces[place] if place < len(self._pieces) else None

    def _make(self) -> None:
        try:
            with nothing_collected():
                message = next(self._messages, None)
        except Exception as error:
            self._error = error
            raise
        self._is_whole = message is None
        rest = self._gzip.compress(message or b"") + self._gzip.flush(zlib.Z_SYNC_FLUSH if message else zlib.Z_FINISH)
        self._pieces.append(rest)


_answers: Kept[Answer] = Kept(4)  # a large run's has a megabyte
_asking = Lock()


@require_safe
def spans(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Answer with the spans of a run's trace, including open ones, one message per line, unless they are unchanged."""
    run = run_seen(Sight.of(request.user), run_id)
    version = _version(run)
    response: HttpResponseBase
    if request.headers.get("If-None-Match") == version:
        response = HttpResponse(status=304)
    else:
        response = _streamed(request, _answer(run, version))
    response.headers["ETag"] = version
    response.headers["Cache-Control"] = "no-store"
    return response


def messages_of(run: PipelineRun, *, now: datetime) -> Iterator[bytes]:
    """Yield the picture's messages, one per line, starting with the first screen."""
    yield _line(head_of(run, now=now))
    source, trace_id = source_of(run), trace_id_of(run.traceparent)
    found: list[Span] = []
    waiting: list[Span] = []
    for part in source.parts_of(trace_id) if isinstance(source, Files) else ():
        waiting += part
        if len(waiting) >= _MOST_IN_A_MESSAGE or (waiting and len(found) < _MOST_IN_A_MESSAGE):
            yield _line(spans_as_columns(run, waiting))
            found += waiting
            waiting = []
    if not found and not waiting:
        waiting = spans_of(run)  # it may have changed
    if waiting:
        yield _line(spans_as_columns(run, waiting))
    yield _line({"whole": True})
    found = Memory(found + waiting).trace(trace_id)
    with clock.using(clock.SteppedClock(now)):  # it needs no connection
        time = time_of_spans(run, found)
    yield _line(time_as_columns(run, found, time, now=now))


def _answer(run: PipelineRun, version: str) -> Answer:
    with _asking:
        answer = _answers.get(run.pk, version)
        if answer is None or answer.has_failed:
            answer = Answer(messages_of(run, now=clock.now()))
            _answers.put(run.pk, version, answer, seconds=_KEPT_SECONDS)
    return answer


def _streamed(request: HttpRequest, answer: Answer) -> StreamingHttpResponse:
    """Return a response that sends an answer's pieces as they are made."""
    is_zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    plain = zlib.decompressobj(31)

    def piece(place: int) -> bytes | None:
        found = answer.piece(place)
        return found if is_zipped or found is None else plain.decompress(found)

    def pieces() -> Iterator[bytes]:
        place = 0
        while (found := piece(place)) is not None:
            yield found
            place += 1

    async def sent() -> AsyncIterator[bytes]:
        place = 0
        while (found := await sync_to_async(piece)(place)) is not None:
            yield found
            place += 1

    content = sent() if isinstance(request, ASGIRequest) else pieces()
    response = StreamingHttpResponse(content, content_type="application/x-ndjson")
    patch_vary_headers(response, ["Accept-Encoding"])
    if is_zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _version(run: PipelineRun) -> str:
    """Return a mark that changes with a run's spans, from what processes record of those not exported yet.

    Those are small files.
    """
    said = Files(journal=settings.SYNCTRACE_JOURNAL).trace(trace_id_of(run.traceparent))
    unfinished = [(span.span_id, span.is_open, span.status, len(span.attributes), len(span.events)) for span in said]
    again = int(unix_seconds() / _LOOKS_AGAIN) if run.ended_at is None or unfinished else 0
    mark = orjson.dumps([run.state, run.exported_at, again, unfinished])
    return f'"{blake2b(mark, digest_size=8).hexdigest()}"'


def _line(message: object) -> bytes:
    return orjson.dumps(message) + b"\n"
