"""Requests to Django under real servers, WSGI and ASGI: spans, lines, whom they trust, and how long they last."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from telemetry.reading import Span, draw, read_lines, read_spans
from tests.telemetry.bakery import Bakery, Broker, wait_until

OUTSIDER = "1" * 32
CALLER = f"00-{OUTSIDER}-{'2' * 16}-01"
SERVERS = {
    "wsgi": ["gunicorn", "bakery:application", "-b", "fd://{}", "--threads", "4"],
    "asgi": ["uvicorn", "bakery:asgi", "--fd", "{}", "--no-proxy-headers"],
}


@dataclass(frozen=True)
class Web:
    """A server of the project that is running."""

    project: Bakery
    address: tuple[str, int]
    sliced: str
    """The view that streams as this server does."""

    @contextmanager
    def asked(self, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
        """The response to a request, of which nothing is read yet."""
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        connection.request("GET", path, headers=headers)
        try:
            yield connection.getresponse()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """The status and body of the response to a request."""
        with self.asked(path, **headers) as response:
            return response.status, response.read()

    def spans(self, name: str) -> list[Span]:
        """The spans of this name that have left so far."""
        path = self.project.home / "traces.jsonl"
        return [span for span in read_spans(path) if span.name == name] if path.exists() else []

    def span(self, name: str) -> Span:
        """The one span of this name, which is on its way."""
        wait_until(lambda: bool(self.spans(name)))
        (span,) = self.spans(name)
        return span

    def lines(self, span: Span) -> list[object]:
        """What the lines say that were written inside a span."""
        lines = read_lines(self.project.home / "logs.jsonl")
        return [line["times"] for line in lines if line.get("span_id") == span.span_id and line["event"] == "bakery.rang"]


@contextmanager
def serving(kind: str, project: Bakery, **environment: str) -> Iterator[Web]:
    """The project's server runs inside."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        fd = listening.fileno()
        command = ["-m", *(word.format(fd) for word in SERVERS[kind])]
        with project.running(*command, out="web", pass_fds=(fd,), **environment):
            web = Web(project, listening.getsockname(), sliced="sliced" if kind == "wsgi" else "async-sliced")
            assert web.get("/healthz") == (200, b"ok"), project.printed("web")
            yield web


@pytest.fixture(scope="module", params=SERVERS)
def web(request: pytest.FixtureRequest, embedded_servers: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A server that nobody has told whom to trust."""
    project = Bakery(tmp_path_factory.mktemp(request.param), embedded_servers)
    with serving(request.param, project) as web:
        yield web


def test_a_request_is_a_span_with_lines(web: Web) -> None:
    """An asynchronous view's, too; what it does is below it."""
    assert web.get("/async-order?loaf=rye", **{"User-Agent": "a child"})[0] == 200
    span = web.span("GET async-order")
    attributes = dict(span.attributes)
    assert {key: attributes.pop(key) for key in ("client.address", "server.address", "server.port")} == {
        "client.address": "127.0.0.1",
        "server.address": "127.0.0.1",
        "server.port": web.address[1],
    }
    assert attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "async-order",
        "network.protocol.version": "1.1",
        "url.path": "/async-order",
        "url.query": "loaf=rye",
        "url.scheme": "http",
        "user_agent.original": "a child",
    }
    assert (span.parent_id, span.links, span.status) == (None, (), "UNSET")
    assert web.lines(span) == [7]
    wait_until(lambda: bool(web.spans("bakery.bake")))
    trace = [one for one in read_spans(web.project.home / "traces.jsonl") if one.trace_id == span.trace_id]
    assert draw(trace) == "GET async-order\n  bakery.bake completed"


def test_a_streamed_response_lasts_until_it_is_closed(web: Web) -> None:
    """Its span is not there while the client waits for the second slice, and has the lines of all of them."""
    with web.asked(f"/{web.sliced}/go") as response:
        assert response.readline() == b"0\n"
        web.get("/order/meanwhile?loaf=rye")
        web.span("GET order/<slug:of>")
        assert web.spans(f"GET {web.sliced}/<slug:name>") == []
        (web.project.folder / "go").touch()
        assert response.read() == b"1\n2\n"
    span = web.span(f"GET {web.sliced}/<slug:name>")
    assert (span.attributes["http.response.status_code"], span.status) == (200, "UNSET")
    assert web.lines(span) == [0, 1, 2]


@pytest.mark.filterwarnings("ignore")
def test_a_stream_that_django_must_adapt_is_whole_too(web: Web) -> None:
    """An asynchronous one under WSGI and the other way round, which Django collects before it sends anything."""
    other = {"sliced": "async-sliced", "async-sliced": "sliced"}[web.sliced]
    (web.project.folder / "at-once").touch()
    assert web.get(f"/{other}/at-once") == (200, b"0\n1\n2\n")
    assert web.lines(web.span(f"GET {other}/<slug:name>")) == [0, 1, 2]


def test_a_stream_that_breaks_is_an_error(web: Web) -> None:
    """Though its status was 200 by then."""
    (web.project.folder / "broken").touch()
    with pytest.raises((http.client.HTTPException, OSError)), web.asked(f"/{web.sliced}/broken") as response:
        response.read()

    def broken() -> list[Span]:
        return [span for span in web.spans(f"GET {web.sliced}/<slug:name>") if span.status == "ERROR"]

    wait_until(lambda: bool(broken()))
    (span,) = broken()
    assert (span.attributes["error.type"], span.status_message) == ("OSError", "the knife is blunt")


def test_a_client_that_leaves_ends_the_span(web: Web) -> None:
    """It is no error of ours, and what it did not fetch is not waited for."""
    with web.asked(f"/{web.sliced}/never", **{"User-Agent": "a hasty one"}) as response:
        assert response.readline() == b"0\n"
    (web.project.folder / "never").touch()

    def left() -> list[Span]:
        return [
            span
            for span in web.spans(f"GET {web.sliced}/<slug:name>")
            if span.attributes.get("user_agent.original") == "a hasty one"
        ]

    wait_until(lambda: bool(left()))
    assert [span.status for span in left()] == ["UNSET"]


def test_a_request_that_fails_names_its_error(web: Web) -> None:
    """The error that Django answers with a page, not the status alone."""
    assert web.get("/burnt")[0] == 500
    span = web.span("GET burnt")
    assert (span.status, span.status_message, span.attributes["error.type"]) == ("ERROR", "burnt", "LookupError")
    assert span.attributes["http.response.status_code"] == 500


def test_what_is_not_there_has_no_route(web: Web) -> None:
    """So that nobody can make as many names of spans as there are addresses."""
    assert web.get("/nowhere/at/all")[0] == 404
    assert web.span("GET").attributes["http.response.status_code"] == 404


def test_a_file_is_sent_as_ever(web: Web) -> None:
    """Whole, and its span ends."""
    assert web.get("/recipe") == (200, (web.project.folder / "bakery.py").read_bytes())
    assert web.span("GET recipe").attributes["http.response.status_code"] == 200


def test_health_checks_are_no_spans(web: Web) -> None:
    """As the project has chosen."""
    assert web.get("/healthz")[0] == 200
    web.get("/order/after?loaf=rye")
    wait_until(lambda: any(span.attributes["url.path"] == "/order/after" for span in web.spans("GET order/<slug:of>")))
    assert web.spans("GET healthz") == []


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(
    ("networks", "trusted"), [("", False), ("10.0.0.0/8,::1", False), ("127.0.0.0/8", True)], ids=["nobody", "others", "us"]
)
@pytest.mark.slow
def test_only_a_listed_callers_trace_is_continued(
    embedded_servers: Broker, tmp_path: Path, kind: str, networks: str, trusted: bool
) -> None:
    """Others are linked; what they say of where a request came from counts for nothing. The last request is not lost."""
    project = Bakery(tmp_path, embedded_servers)
    with serving(kind, project, TELEMETRY_TRUST_FROM=networks) as web:
        web.get("/burnt", traceparent=CALLER, **{"X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3"})
    (span,) = web.spans("GET burnt")
    assert (span.trace_id == OUTSIDER, span.parent_id, span.links) == (
        (True, "2" * 16, ()) if trusted else (False, None, ((OUTSIDER, "2" * 16),))
    )


CAPTURED = """
import bakery
from django.test import Client
Client().get("/order/of", {"loaf": "rye"}, headers={"x-team": "red", "x-shade": "hunter2", "x-other": "1"})
bakery.telemetry.flush()
"""


def test_headers_are_captured_where_the_environment_asks_for_them(embedded_servers: Broker, tmp_path: Path) -> None:
    """By the standard names, without those that are to be sanitized."""
    project = Bakery(
        tmp_path,
        embedded_servers,
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST="X-Team,x-s.*",
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE="content-type",
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS=".*shade.*",
    )
    project.run(CAPTURED)
    (span,) = [span for span in read_spans(project.home / "traces.jsonl") if span.name.startswith("GET")]
    found = {key: value for key, value in span.attributes.items() if ".header." in key}
    assert found == {
        "http.request.header.x-team": ("red",),
        "http.request.header.x-shade": ("[redacted]",),
        "http.response.header.content-type": ("text/html; charset=utf-8",),
    }
