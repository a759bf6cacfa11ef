"""What a request's span and its duration say, exactly; without a server, for `test_web` has real ones."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext, suppress
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import got_request_exception
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from opentelemetry.trace import SpanKind
from opentelemetry.util.http import SanitizeValue

from telemetry import _health, span, trace_id_of
from telemetry._django import http, request_spans
from telemetry._django.asgi import OPEN, Message, Receive, Send, as_a_whole
from telemetry._django.request_spans import RequestSpans
from telemetry._spans import provider
from telemetry.testing import Capture

Durations = list[tuple[float, dict[str, Any]]]
CALLER = f"00-{'1' * 32}-{'2' * 16}-01"
MEASURED = {"http.request.method": "GET", "url.scheme": "http", "network.protocol.version": "1.1"}


@pytest.fixture(autouse=True)
def durations(monkeypatch: pytest.MonkeyPatch) -> Durations:
    """What was recorded of durations; every request takes 1.5 s by the clock that they go by, and nobody is trusted."""
    found: Durations = []
    ticks = iter(range(1000))
    histogram = SimpleNamespace(record=lambda seconds, by: found.append((seconds, dict(by))))
    monkeypatch.setattr(request_spans, "_durations", histogram)
    monkeypatch.setattr(time, "perf_counter", lambda: 1.5 * next(ticks))
    monkeypatch.setattr(request_spans._Choices, "trust_from", ())
    monkeypatch.setattr(request_spans._Choices, "excluded", ())
    return found


def _request(path: str = "/order/rye", *, route: str | None = "order/<slug:of>", **meta: Any) -> HttpRequest:
    request = RequestFactory().get(path, **{"SERVER_PROTOCOL": "HTTP/1.1", **meta})
    request.resolver_match = None if route is None else SimpleNamespace(route=route)  # type: ignore[assignment]  # that alone is asked for
    return request


def _answered(response: HttpResponseBase, request: HttpRequest | None = None) -> HttpResponseBase:
    """The response as it comes out of the middleware."""
    found: HttpResponseBase = RequestSpans(lambda _: response)(request or _request())
    return found


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({}, {}),
        ({"QUERY_STRING": "loaf=rye"}, {"url.query": "loaf=rye"}),
        ({"QUERY_STRING": "code=hunter2hunter2&loaf=rye"}, {"url.query": "code=[redacted]&loaf=rye"}),
        ({"QUERY_STRING": "loaf=rye&code=hunter2hunter2"}, {"url.query": "loaf=rye&code=[redacted]"}),
        ({"QUERY_STRING": "?"}, {"url.query": "?"}),
        ({"REQUEST_METHOD": "brew"}, {"http.request.method": "_OTHER", "http.request.method_original": "brew"}),
        ({"REQUEST_METHOD": "get"}, {"http.request.method_original": "get"}),
        ({"HTTP_USER_AGENT": "a child"}, {"user_agent.original": "a child"}),
        ({"REMOTE_ADDR": ""}, {"client.address": None}),
        ({"HTTP_HOST": "shop.test:8443"}, {"server.address": "shop.test", "server.port": 8443}),
        ({"HTTP_HOST": "shop.test"}, {"server.address": "shop.test", "server.port": None}),
        ({"HTTP_HOST": "shop.test:port"}, {"server.address": "testserver", "server.port": 80}),
        ({"SERVER_NAME": "", "SERVER_PORT": "unix"}, {"server.address": None, "server.port": None}),
        ({"SERVER_PORT": "²"}, {"server.port": None}),
        ({"SERVER_PROTOCOL": "HTTP/2"}, {"network.protocol.version": "2"}),
        ({"SERVER_PROTOCOL": ""}, {"network.protocol.version": None}),
        ({"wsgi.url_scheme": "https"}, {"url.scheme": "https"}),
    ],
)
def test_a_request_is_described_in_the_words_of_the_conventions(meta: dict[str, str], expected: dict[str, Any]) -> None:
    """What a client has written there is taken as it is, and what is not known is none."""
    usual = {
        "http.request.method": "GET",
        "http.request.method_original": None,
        "url.scheme": "http",
        "url.path": "/order/rye",
        "url.query": None,
        "server.address": "testserver",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "user_agent.original": None,
        "network.protocol.version": "1.1",
    }
    assert http.request_attributes(_request(**meta)) == usual | expected


@pytest.mark.parametrize(
    ("known", "given", "method", "original", "name"),
    [
        ("GET, BREW", "BREW", "BREW", None, "BREW pot"),
        ("GET,brew", "brew", "brew", None, "brew pot"),
        ("GET,BREW", "POST", "_OTHER", "POST", "HTTP pot"),
        (" , ", "POST", "POST", None, "POST pot"),
        ("GET", "get", "GET", "get", "GET pot"),
    ],
)
def test_the_environment_names_the_methods_that_are_known(
    known: str, given: str, method: str, original: str | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, as the conventions ask for; an asynchronous server has the method apart."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", known)
    request: Any = _request(route="pot", REQUEST_METHOD=given)
    found = http.request_attributes(request)
    assert (found["http.request.method"], found["http.request.method_original"]) == (method, original)
    assert http.span_name(request) == name
    request.scope = {"method": "PATCH"}
    assert http.request_attributes(request)["http.request.method_original"] == "PATCH"


def test_a_version_that_the_server_names_apart_is_taken() -> None:
    """As ASGI has it."""
    request: Any = _request()
    request.scope = {"http_version": "3"}
    assert http.request_attributes(request)["network.protocol.version"] == "3"


@pytest.mark.parametrize(
    ("method", "route", "name"),
    [
        ("GET", "order/<slug:of>", "GET order/<slug:of>"),
        ("POST", "", "POST"),
        ("GET", None, "GET"),
        ("BREW", "pot", "HTTP pot"),
        ("BREW", None, "HTTP"),
    ],
)
def test_a_span_s_name_is_its_method_and_route(method: str, route: str | None, name: str) -> None:
    """So that there are as many names as there are routes."""
    assert http.span_name(_request(route=route, REQUEST_METHOD=method)) == name


@pytest.mark.parametrize(
    ("status", "failed"), [(200, None), (404, None), (499, None), (500, "500"), (503, "503")], ids=lambda value: str(value)
)
def test_a_response_s_status_is_the_span_s_and_the_duration_s(
    status: int, failed: str | None, captrace: Capture, durations: Durations
) -> None:
    """From 500 on it is an error; the duration is in seconds."""
    _answered(HttpResponse(status=status))
    found = captrace.span("GET order/<slug:of>")
    assert (found.status, found.attributes.get("error.type")) == ("ERROR" if failed else "UNSET", failed)
    assert (found.attributes["http.response.status_code"], found.attributes["http.route"]) == (status, "order/<slug:of>")
    by = MEASURED | {"http.response.status_code": status, "http.route": "order/<slug:of>"}
    assert durations == [(1.5, by | ({"error.type": failed} if failed else {}))]


def test_an_error_that_became_a_page_is_named(captrace: Capture, durations: Durations) -> None:
    """As Django says of the request; one of another request is not its own."""
    request, another = _request(), _request()

    def broken(_: HttpRequest) -> HttpResponse:
        try:
            raise LookupError("no flour")
        except LookupError:
            got_request_exception.send(sender=None, request=request)
        return HttpResponse(status=500)

    request_spans.choose(trust_from=(), excluded_urls=())
    RequestSpans(broken)(request)
    RequestSpans(broken)(another)
    named, unnamed = captrace.spans
    assert (named.attributes["error.type"], named.status_message) == ("LookupError", "no flour")
    assert (unnamed.attributes["error.type"], unnamed.status_message) == ("500", "")
    assert [by["error.type"] for _, by in durations] == ["LookupError", "500"]


@pytest.mark.parametrize(
    ("error", "status"), [(LookupError("no flour"), "ERROR"), (asyncio.CancelledError(), "UNSET")], ids=["error", "left"]
)
@pytest.mark.parametrize("is_async", [False, True], ids=["WSGI", "ASGI"])
def test_a_request_without_a_response_ends(
    error: BaseException, status: str, is_async: bool, captrace: Capture, durations: Durations
) -> None:
    """Its error goes on; a client that has left is none. What was learned of the route counts."""
    request = _request(route=None)

    def found(_: HttpRequest) -> HttpResponse:
        request.resolver_match = SimpleNamespace(route="order/<slug:of>")  # type: ignore[assignment]  # that alone is asked for
        raise error

    async def found_async(_: HttpRequest) -> HttpResponse:
        return found(_)

    with pytest.raises(type(error)):
        asyncio.run(RequestSpans(found_async)(request)) if is_async else RequestSpans(found)(request)
    ended = captrace.span("GET order/<slug:of>")
    assert (ended.status, "http.response.status_code" in ended.attributes) == (status, False)
    assert durations == [(1.5, MEASURED)]


def test_an_asynchronous_request_is_a_span_around_its_view(captrace: Capture) -> None:
    """As a synchronous one is."""

    async def view(_: HttpRequest) -> HttpResponse:
        with span("bake"):
            return HttpResponse()

    assert asyncio.run(RequestSpans(view)(_request())).status_code == 200
    assert captrace.tree() == "GET order/<slug:of>\n  bake completed"


MEASURES = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from telemetry._django import request_spans

reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
request_spans._durations.record(0.3, {})
(metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
print((metric.name, metric.unit, tuple(metric.data.data_points[0].explicit_bounds)))
"""


def test_durations_are_counted_in_the_conventions_buckets() -> None:
    """In seconds (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/)."""
    found = subprocess.run([sys.executable, "-c", MEASURES], capture_output=True, text=True, check=True).stdout
    bounds = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert ast.literal_eval(found) == ("http.server.request.duration", "s", bounds)


@pytest.mark.parametrize("is_inside", [False, True])
def test_a_request_is_a_server_s_unless_it_is_inside_a_span(is_inside: bool, captrace: Capture) -> None:
    """As a test client's are, or those of a server that is traced itself."""
    with span("outer") if is_inside else nullcontext():
        _answered(HttpResponse())
    kinds = {each.name: each.kind for each in captrace.exporter.get_finished_spans()}
    assert kinds["GET order/<slug:of>"] == (SpanKind.INTERNAL if is_inside else SpanKind.SERVER)


@pytest.mark.parametrize(
    ("networks", "peer", "continues"),
    [
        ((), "127.0.0.1", False),
        (("10.0.0.0/8",), "127.0.0.1", False),
        (("10.0.0.0/8", "127.0.0.0/8"), "127.0.0.1", True),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("10.0.0.0/8",), "", False),
    ],
)
def test_a_caller_is_believed_if_its_address_is_listed(
    networks: tuple[str, ...], peer: str, continues: bool, captrace: Capture
) -> None:
    """Others are linked."""
    request_spans.choose(trust_from=tuple(map(ip_network, networks)), excluded_urls=())
    _answered(HttpResponse(), _request(HTTP_TRACEPARENT=CALLER, REMOTE_ADDR=peer))
    found = captrace.span("GET order/<slug:of>")
    linked = (trace_id_of(CALLER), "2" * 16)
    assert (found.trace_id == linked[0], found.parent_id, found.links) == (
        (True, linked[1], ()) if continues else (False, None, (linked,))
    )


@pytest.mark.parametrize(("path", "is_traced"), [("/healthz", False), ("/metrics/all", False), ("/order/rye", True)])
def test_what_is_excluded_has_no_span(path: str, is_traced: bool, captrace: Capture, durations: Durations) -> None:
    """By any of the patterns, found anywhere in the address."""
    request_spans.choose(trust_from=(), excluded_urls=("(?i)HEALTHZ$", "(?i)//testserver/metrics"))
    request = _request(path, HTTP_HOST="testserver")
    assert _answered(HttpResponse(b"ok"), request).status_code == 200

    async def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert asyncio.run(RequestSpans(view)(request)).status_code == 200
    assert len(captrace.spans) == len(durations) == (2 if is_traced else 0)


def _parts(seen: list[str], *, breaks: bool = False) -> Iterator[bytes]:
    for number in range(3):
        with span(f"part {number}"):
            seen.append(str(number))
        if breaks and number == 1:
            raise OSError("the knife is blunt")
        yield b"part"


async def _parts_async(seen: list[str], *, breaks: bool = False) -> AsyncIterator[bytes]:
    for part in _parts(seen, breaks=breaks):
        yield part


def _read(response: Any) -> list[bytes]:
    async def read() -> list[bytes]:
        return [part async for part in response]

    return asyncio.run(read()) if response.is_async else list(response)


@pytest.mark.parametrize("made", [_parts, _parts_async], ids=["WSGI", "ASGI"])
def test_a_streamed_response_s_span_ends_when_it_is_closed(
    made: Callable[..., Any], captrace: Capture, durations: Durations
) -> None:
    """Once, and what makes its parts is below it; the time until then counts."""
    seen: list[str] = []
    response = _answered(StreamingHttpResponse(made(seen)))
    assert (captrace.spans, durations, seen) == ([], [], [])
    assert _read(response) == [b"part"] * 3
    assert [each.name for each in captrace.spans] == ["part 0", "part 1", "part 2"]
    for _ in range(2):
        response.close()
    assert captrace.tree() == "GET order/<slug:of>\n  part 0 completed\n  part 1 completed\n  part 2 completed"
    assert [seconds for seconds, _ in durations] == [1.5]


@pytest.mark.parametrize("made", [_parts, _parts_async], ids=["WSGI", "ASGI"])
def test_a_stream_that_breaks_off_has_failed(made: Callable[..., Any], captrace: Capture) -> None:
    """At once: under ASGI nobody closes it."""
    response = _answered(StreamingHttpResponse(made([], breaks=True)))
    with pytest.raises(OSError, match="blunt"):
        _read(response)
    found = captrace.span("GET order/<slug:of>")
    assert (found.status, found.attributes["error.type"]) == ("ERROR", "OSError")
    response.close()
    assert len([each for each in captrace.spans if each.name.startswith("GET")]) == 1


_HANDLER: Any = ASGIHandler.__call__
_WHOLE: Any = as_a_whole(_HANDLER)


@pytest.mark.parametrize(
    ("refused", "status", "error"),
    [
        (OSError("the client is gone"), "UNSET", None),
        (asyncio.CancelledError(), "UNSET", None),
        (RuntimeError("the server is wrong"), "ERROR", "RuntimeError"),
    ],
)
def test_a_response_that_cannot_be_sent_ends_its_span(
    refused: BaseException, status: str, error: str | None, captrace: Capture
) -> None:
    """Nobody closes it then: the server has the error. The span stayed open, and was never exported."""

    class Sliced(ASGIHandler):
        def load_middleware(self, is_async: bool = False) -> None:
            self._middleware_chain = RequestSpans(markcoroutinefunction(slices))

    async def slices(_: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(_parts_async([]))

    async def receive() -> Any:
        return asked.pop() if asked else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise refused

    asked = [{"type": "http.request"}]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    with suppress(type(refused)):
        asyncio.run(_WHOLE(Sliced(), scope, receive, send))
    (found,) = [span for span in captrace.spans if span.name == "GET"]
    assert (found.status, found.attributes.get("error.type")) == (status, error)
    assert found.attributes["http.response.status_code"] == 200


def test_a_server_shuts_down_whatever_ails_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does where all is well."""
    asked, sent = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}], list[Any]()

    async def receive() -> Any:
        return asked.pop()

    async def send(message: Any) -> None:
        sent.append(message["type"])

    def leave() -> None:
        raise RuntimeError("a disk is full")

    async def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(provider, "leave", leave)
    monkeypatch.setattr(_health._health, "strict", False)
    whole: Any = as_a_whole(never)
    asyncio.run(whole(None, {"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_file_is_left_to_the_server(captrace: Capture) -> None:
    """It is not read here, and its span ends with it."""
    with open(__file__, "rb") as file:  # noqa: PTH123  # a response takes a file
        response: Any = _answered(FileResponse(file))
        assert response.file_to_stream is file
        assert captrace.spans == []
        response.close()
    assert captrace.span("GET order/<slug:of>").attributes["http.response.status_code"] == 200


CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_"


def test_headers_are_captured_by_whole_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """In any case, each list its own kind."""
    headers = [("X-Team", "red"), ("X-Teams", "blue"), ("x-shade", "hunter2")]
    assert http.captured("request", headers) == {}
    monkeypatch.setenv(f"{CAPTURE}REQUEST", " x-team , ,x-s.*")
    assert http.captured("response", headers) == {}
    assert http.captured("request", headers) == {
        "http.request.header.x-team": ["red"],
        "http.request.header.x-shade": ["hunter2"],
    }


@pytest.mark.parametrize("fields", ["x-sha", "X-SHA.*", "hade", "shade$, team", "(?i)TEAM", "none-of-them", ""])
def test_a_captured_header_is_hidden_where_opentelemetry_s_own_instrumentations_hide_it(
    fields: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part of its name is enough: whoever hides `auth` means `x-auth-token`, too. The values were on the span."""
    headers = {"X-Team": "red", "x-shade": "hunter2"}
    monkeypatch.setenv(f"{CAPTURE}REQUEST", ".*")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", fields)
    theirs = SanitizeValue([field.strip() for field in fields.split(",")] if fields else [])
    hidden = {name.lower() for name, value in headers.items() if theirs.sanitize_header_value(name, value) != value}
    captured = http.captured("request", headers.items())
    assert {name.rpartition(".")[2] for name, value in captured.items() if value == ["[redacted]"]} == hidden
    assert len(captured) == len(headers)


def test_an_asynchronous_application_stays_so() -> None:
    """Django would send each request to a thread and back if the middleware were synchronous, and the other way round."""

    async def answer(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert (RequestSpans.async_capable, RequestSpans.sync_capable) == (True, True)
    assert iscoroutinefunction(RequestSpans(answer))
    assert not iscoroutinefunction(RequestSpans(lambda _request: HttpResponse()))


class Left:
    """What is open for a request, and is told how the application is done with it."""

    def __init__(self) -> None:
        self.with_errors: list[BaseException | None] = []

    def leave(self, error: BaseException | None) -> None:
        self.with_errors.append(error)


@pytest.mark.parametrize("error", [None, OSError("gone"), asyncio.CancelledError()], ids=["none", "gone", "cancelled"])
def test_what_is_open_is_left_however_the_application_ends(error: BaseException | None) -> None:
    """Once; what the application raises reaches its server."""
    left = Left()

    async def application(_self: object, scope: Message, _receive: Receive, _send: Send) -> None:
        scope[OPEN] = left
        if error is not None:
            raise error

    async def call() -> None:
        await as_a_whole(application)(None, {"type": "http"}, None, None)  # type: ignore[arg-type]  # neither is called

    with nullcontext() if error is None else pytest.raises(type(error)):
        asyncio.run(call())
    assert left.with_errors == [error]
