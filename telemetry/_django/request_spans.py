"""The middleware that makes a span of every request, under WSGI and ASGI.

It is as asynchronous as what it stands around, so that a request to an asynchronous view needs no thread.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.signals import got_request_exception
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from opentelemetry import metrics, trace
from opentelemetry.trace import Link, SpanKind

from telemetry import _health
from telemetry._django import http
from telemetry._django.asgi import OPEN
from telemetry._outcomes import error_type
from telemetry._spans import library_span, propagation
from telemetry._spans.library_span import LibrarySpan
from telemetry.settings import Network

SCOPE = "telemetry.django"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""As OpenTelemetry's conventions ask for."""
_FAILED = 500

T = TypeVar("T")

_durations = metrics.get_meter(SCOPE).create_histogram(
    "http.server.request.duration",
    unit="s",
    description="Duration of HTTP server requests.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)


class _Choices:
    """Set by `telemetry.django.instrument`; Django makes its middleware with no argument of ours."""

    trust_from: tuple[Network, ...] = ()
    excluded: tuple[re.Pattern[str], ...] = ()


def choose(*, trust_from: tuple[Network, ...], excluded_urls: tuple[str, ...]) -> None:
    """Set whose requests continue their trace, and which requests have no span."""
    _Choices.trust_from = trust_from
    _Choices.excluded = tuple(map(re.compile, excluded_urls))
    got_request_exception.connect(_request_failed, dispatch_uid=SCOPE)


class RequestSpans:
    """Django's middleware; whatever precedes it in `MIDDLEWARE` is outside the span."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Return the response to a request, or its coroutine."""
        if self._is_async:
            return self._respond_async(request)
        opened = _open(request)
        if opened is None:
            return self.get_response(request)
        try:
            with opened.span.active():
                response: HttpResponseBase = self.get_response(request)
        except BaseException as error:
            opened.broke(error)
            raise
        return opened.answered(response)

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        opened = _open(request)
        if opened is None:
            return cast("HttpResponseBase", await self.get_response(request))
        try:
            with opened.span.active():
                response: HttpResponseBase = await self.get_response(request)
        except BaseException as error:
            opened.broke(error)
            raise
        return opened.answered(response)


class _OpenRequest:
    """A request that has a span, until its response is closed."""

    def __init__(self, request: HttpRequest, span: LibrarySpan, counted_by: dict[str, Any]) -> None:
        self.span = span
        self.error: BaseException | None = None
        self._request = request
        self._counted_by = counted_by
        self._began = time.perf_counter()
        self._is_open = True

    def answered(self, response: HttpResponseBase) -> HttpResponseBase:
        """Note the response, and end the span: now, or once a streamed body is closed."""
        self._note(response)
        if response.streaming:
            self._end_when_closed(cast("StreamingHttpResponse", response))
        else:
            self._end()
        return response

    def broke(self, error: BaseException) -> None:
        """End the span of a request that has no response: its client is gone, or Django hands errors to the server."""
        if isinstance(error, Exception):
            self.span.failed(error)
        self.span.rename(http.span_name(self._request))
        self._end()

    def leave(self, error: BaseException | None) -> None:
        """End the span of a response that nobody will close: it could not be sent, for its client is gone or worse."""
        if self._is_open and isinstance(error, Exception) and not isinstance(error, OSError):
            self.span.failed(error)
        self._end()

    @_health.guarded
    def _note(self, response: HttpResponseBase) -> None:
        status, route = response.status_code, http.route_of(self._request)
        found = {"http.response.status_code": status, "http.route": route}
        self.span.rename(http.span_name(self._request))
        self.span.set(found | http.captured("response", response.items()))
        self._counted_by |= {key: value for key, value in found.items() if value is not None}
        if self.error is not None:
            self.span.failed(self.error)
            self._counted_by["error.type"] = error_type(self.error)
        elif status >= _FAILED:
            self.span.failed_with(str(status))
            self._counted_by["error.type"] = str(status)

    @_health.guarded
    def _end_when_closed(self, response: StreamingHttpResponse) -> None:
        close = response.close

        def closing() -> None:
            try:
                with self.span.active():
                    close()
            finally:
                self._end()

        response.close = closing  # type: ignore[method-assign]  # servers call it, by WSGI's contract and Django's for ASGI
        if isinstance(response, FileResponse):  # the server may send the file without us
            return
        parts: Any = response.streaming_content
        response.streaming_content = self._each_async(parts) if response.is_async else self._each(parts)

    def _each(self, parts: Iterator[T]) -> Iterator[T]:
        part: T | None
        while True:
            with self._at_work():
                part = next(parts, None)
            if part is None:  # no part of a body is
                return
            yield part

    async def _each_async(self, parts: AsyncIterator[T]) -> AsyncIterator[T]:
        part: T | None
        while True:
            with self._at_work():
                part = await anext(parts, None)
            if part is None:
                return
            yield part

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        try:
            with self.span.active():
                yield
        except Exception as error:
            self.span.failed(error)
            self._end()  # under ASGI, Django does not close the response then
            raise

    @_health.guarded
    def _end(self) -> None:
        if self._is_open:
            self._is_open = False
            self.span.end()
            with self.span.active():  # for exemplars
                _durations.record(time.perf_counter() - self._began, self._counted_by)


@_health.guarded
def _open(request: HttpRequest) -> _OpenRequest | None:
    address = http.address_of(request) if _Choices.excluded else ""
    if any(excluded.search(address) for excluded in _Choices.excluded):
        return None
    attributes = http.request_attributes(request)
    caller = propagation.extracted(request.headers)
    named = trace.get_current_span(caller).get_span_context()
    trusted = propagation.is_trusted(request.META.get("REMOTE_ADDR", ""), _Choices.trust_from)
    span = library_span.start(
        http.span_name(request),
        scope=SCOPE,
        kind=SpanKind.INTERNAL if trace.get_current_span().get_span_context().is_valid else SpanKind.SERVER,
        attributes=attributes,
        above=caller if trusted else None,
        links=[Link(named)] if named.is_valid and not trusted else (),
    )
    opened = _OpenRequest(request, span, http.metric_attributes(attributes))
    request.META[OPEN] = opened
    if isinstance(scope := getattr(request, "scope", None), MutableMapping):
        scope[OPEN] = opened
    return opened


@_health.guarded
def _request_failed(request: HttpRequest | None = None, **_: Any) -> None:
    """Keep the error that Django is about to answer with a page."""
    opened = None if request is None else request.META.get(OPEN)
    if isinstance(opened, _OpenRequest):
        opened.error = sys.exc_info()[1]
