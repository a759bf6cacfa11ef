"""Whole processes under the environment's standard names: what is exported, when they end, and what they print."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from telemetry.reading import read_lines, read_spans
from tests.telemetry.otlp import receiver

SHOP = """
import os, sys, time
from typing import Annotated
import telemetry
from telemetry import emit, observe
from telemetry.model import Event, Field, Level, Operation, Result


class Sold(Result):
    pieces: Annotated[int, Field("Pieces.")]


class Sale(Operation[Sold], name="shop.sale"):
    who: Annotated[str, Field("Who.")]


class Rang(Event, name="shop.rang", level=Level.INFO, when="the bell rings"):
    times: Annotated[int, Field("How often.")]


def sell():
    with observe(Sale(who="ann")) as sale:
        emit(Rang(times=1))
        sale.completed(Sold(pieces=1))


telemetry.configure(stream=sys.stdout)
"""


def environment(home: Path, **names: str) -> dict[str, str]:
    """Nothing but these names."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), "TELEMETRY_HOME": str(home), **names}


def run(code: str, home: Path, *, before: str = "", **names: str) -> str:
    """What a shop that does ``code`` printed; ``before`` is done before it is configured."""
    program = [sys.executable, "-c", before + SHOP + code]
    result = subprocess.run(program, env=environment(home, **names), capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@contextmanager
def black_hole() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


FLUSH = """
sell()
began = time.monotonic()
sys.stderr.write(f"{telemetry.flush()} {time.monotonic() - began}")
"""


@pytest.mark.slow
def test_no_process_waits_longer_than_two_seconds_for_a_collector(tmp_path: Path) -> None:
    """Whether it never answers or is not there, over HTTP and gRPC; and the file has the span all the same."""
    with black_hole() as port:
        ways = {
            "http": {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"},
            "grpc": {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "nobody": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_METRICS_EXPORTER": "otlp"},
        }
        shops = {
            way: subprocess.Popen(
                [sys.executable, "-c", SHOP + FLUSH],
                env=environment(tmp_path / way, **names),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for way, names in ways.items()
        }
        said = {way: shop.communicate(timeout=60)[1] for way, shop in shops.items()}
    assert {way: text.split()[0] for way, text in said.items()} == dict.fromkeys(ways, "True"), "they are in the spool"
    assert {way: text for way, text in said.items() if float(text.split()[1]) > 2.5} == {}
    for way in ways:
        assert [span.name for span in read_spans(tmp_path / way / "traces.jsonl")] == ["shop.sale"], way


SAMPLED = """
for _ in range(60):
    root = telemetry.Root.reserve(Sale)
    with root.active():
        sell()
    with root.finish(Sale(who="root")) as sale:
        sale.completed(Sold(pieces=1))
"""


@pytest.mark.parametrize("sampler", ["parentbased_traceidratio", "traceidratio"])
@pytest.mark.slow
def test_a_share_of_traces_is_whole_traces(tmp_path: Path, sampler: str) -> None:
    """A reserved root and its children agree; lines have ids of traces that are not sampled too."""
    run(SAMPLED, tmp_path, OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG="0.5")
    spans = read_spans(tmp_path / "traces.jsonl")
    roots = {span.trace_id for span in spans if span.parent_id is None}
    children = [span.trace_id for span in spans if span.parent_id is not None]
    assert roots == set(children)
    assert len(children) == len(roots)
    assert 5 < len(roots) < 55
    assert len({line["trace_id"] for line in read_lines(tmp_path / "logs.jsonl") if line["event"] == "shop.rang"}) == 60


DISABLED = """
import requests
root = telemetry.Root.reserve(Sale)
with root.active():
    sell()
with root.finish(Sale(who="root")) as sale:
    sale.completed(Sold(pieces=1))
try:
    requests.get("http://127.0.0.1:9/")
except requests.ConnectionError:
    pass
"""


def test_a_disabled_sdk_makes_no_spans_and_the_lines_stay(tmp_path: Path) -> None:
    """OTEL_SDK_DISABLED=true."""
    run(DISABLED, tmp_path, OTEL_SDK_DISABLED="true")
    assert not (tmp_path / "traces.jsonl").exists()
    assert [line["event"] for line in read_lines(tmp_path / "logs.jsonl")] == ["shop.rang"]


NO_MORE_THREADS = """
import threading

def start(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")

sell()
threading.Thread.start = start
"""


def test_spans_leave_at_the_end_where_no_thread_can_start(tmp_path: Path) -> None:
    """As in the last moments of a process of Python 3.12."""
    run(NO_MORE_THREADS, tmp_path)
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == ["shop.sale"]


CONFIGURED_AGAIN = """
telemetry.configure(stream=sys.stdout)
telemetry.configure()
sell()
"""


def test_a_second_configure_changes_nothing(tmp_path: Path) -> None:
    """One line on the stream, one in the file, one span, none of them twice."""
    printed = run(CONFIGURED_AGAIN, tmp_path)
    assert [json.loads(line)["event"] for line in printed.splitlines()] == ["shop.rang", "telemetry.account"]
    assert [line["event"] for line in read_lines(tmp_path / "logs.jsonl")] == ["shop.rang", "telemetry.account"]
    (span,) = read_spans(tmp_path / "traces.jsonl")
    assert str(span.resource["service.name"]).startswith("unknown_service")


FORKED = """
sell()
if os.fork() == 0:
    sell()
    os._exit(0 if telemetry.flush() else 1)
assert os.wait()[1] == 0
"""


def test_the_standard_names_reach_the_collector_also_from_a_forked_child(tmp_path: Path) -> None:
    """Endpoint, headers, resource attributes and service; the child of a process that was tracing traces too."""
    with receiver() as collector:
        run(
            FORKED,
            tmp_path,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces",
            OTEL_EXPORTER_OTLP_HEADERS="x-team=bakers",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=oven,service.name=shop",
        )
    assert [span.name for span in collector.spans()] == ["shop.sale"] * 2
    assert {headers["x-team"] for headers in collector.headers} == {"bakers"}
    resource = read_spans(tmp_path / "traces.jsonl")[0].resource
    assert (resource["deployment.environment.name"], resource["service.name"]) == ("oven", "shop")


def test_a_file_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    """The program goes on with what it has."""
    (tmp_path / "taken").write_text("")
    lines = [
        json.loads(line)
        for line in run("sell()", tmp_path / "home", TELEMETRY_LOG_FILE=str(tmp_path / "taken" / "x")).splitlines()
    ]
    (problem,) = [line for line in lines if line["event"] == "telemetry.problem"]
    assert problem["error_type"] == "FileExistsError"
    assert [(line["level"], line["event"]) for line in lines if line is not problem] == [
        ("warning", f"{tmp_path}/taken/x cannot be written: choose another place in TELEMETRY_LOG_FILE"),
        ("info", "shop.rang"),
        ("info", "telemetry.account"),
    ]


def test_the_environment_names_further_secrets(tmp_path: Path) -> None:
    """Beside the application's own and those that are known anyway; in spans as in lines."""
    code = "import telemetry.redaction; telemetry.redaction.add_shapes([r'ticket-[0-9]{4}'])\n"
    sale = "with observe(Sale(who='voucher-12345678 ticket-1234 ann')) as sale: sale.completed(Sold(pieces=1))"
    printed = run(code + sale, tmp_path, TELEMETRY_REDACT_PATTERNS=r"voucher-\d{8} x{3}")
    (sold,) = read_spans(tmp_path / "traces.jsonl")
    assert sold.attributes["who"] == "[redacted] [redacted] ann"
    assert "12345678" not in printed + (tmp_path / "traces.jsonl").read_text()


@pytest.mark.slow
def test_a_terminal_gets_coloured_text_and_a_pipe_json(tmp_path: Path) -> None:
    """The same program; without a folder to write to it has nothing but that."""
    assert json.loads(run("sell()", tmp_path, TELEMETRY_HOME=""))["event"] == "shop.rang"
    assert list(tmp_path.iterdir()) == []
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SHOP + "sell()"], env=environment(tmp_path), stdout=theirs, check=True, timeout=60)
    os.close(theirs)
    text = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "\x1b[" in text
    assert "shop.rang" in text
    assert '"event"' not in text


CALLS = """
import requests
from opentelemetry import baggage, context
context.attach(baggage.set_baggage("team", "bakers"))
port = os.environ["PORT"]
with telemetry.span("calls"):
    for host in ("127.0.0.1", "localhost", "LOCALHOST"):
        requests.get(f"http://{host}:{port}/plain-{host}")
    requests.get(f"http://127.0.0.1:{port}/redirect")
"""


def test_our_trace_goes_to_listed_hosts_alone(tmp_path: Path) -> None:
    """Not even by a redirect from a listed host; every call is a span by the stable conventions."""
    arrived: dict[str, list[str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            arrived[self.path] = [name for name in ("traceparent", "baggage") if name in self.headers]
            self.send_response(302 if self.path == "/redirect" else 200)
            self.send_header("Location", f"http://localhost:{server.server_port}/redirected")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's name
            """It is quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            run(CALLS, tmp_path, TELEMETRY_PROPAGATE_TO="127.0.0.1", PORT=str(server.server_port))
        finally:
            server.shutdown()
            thread.join()
    assert arrived == {
        "/plain-127.0.0.1": ["traceparent", "baggage"],
        "/plain-localhost": [],
        "/plain-LOCALHOST": [],
        "/redirect": ["traceparent", "baggage"],
        "/redirected": [],
    }
    calls = [span.attributes for span in read_spans(tmp_path / "traces.jsonl") if span.name == "GET"]
    assert [(call["http.request.method"], call["http.response.status_code"]) for call in calls] == [("GET", 200)] * 4
    assert all("http.method" not in call for call in calls)


USUAL = {
    "project/__init__.py": "from project.celery import app",
    "project/celery.py": """
import sys
from celery import Celery
import telemetry

telemetry.configure(stream=sys.stdout)
app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
""",
    "project/settings.py": """
SECRET_KEY = "of a project"
ROOT_URLCONF = "project.urls"
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ("django.middleware.common.CommonMiddleware",)
""",
    "project/urls.py": """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("bread", lambda request: HttpResponse("rye"))]
""",
}
REQUESTS = """
import django
django.setup()
from django.test import Client
assert [Client().get("/bread").content for _ in range(2)] == [b"rye"] * 2
"""


INSTRUMENTED = "from opentelemetry.instrumentation.django import DjangoInstrumentor\nDjangoInstrumentor().instrument()\n"


@pytest.mark.parametrize("before", ["", INSTRUMENTED], ids=["alone", "instrumented"])
def test_a_project_of_the_usual_layout_is_traced(tmp_path: Path, before: str) -> None:
    """Its package imports the Celery app, which configures telemetry while Django is reading the settings.

    A request is one span, also where OpenTelemetry's own instrumentation was there first.
    """
    for name, text in USUAL.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    names = {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}", "DJANGO_SETTINGS_MODULE": "project.settings"}
    command = [sys.executable, "-c", before + REQUESTS]
    subprocess.run(command, env=environment(tmp_path / "home") | names, cwd=tmp_path, check=True, timeout=60)
    assert [span.name for span in read_spans(tmp_path / "home" / "traces.jsonl")] == ["GET bread"] * 2
