"""A web process and a worker of a foreign project, and everything that leaves them: files, stdout, an OTLP receiver."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from telemetry.reading import Span, draw, orphans_of, read_lines, read_spans
from tests.telemetry.bakery import Bakery, Broker, wait_until
from tests.telemetry.canary import CANARY, SECRETS
from tests.telemetry.otlp import Receiver, receiver

OUTSIDER = "1" * 32
CALLER = f"00-{OUTSIDER}-{'2' * 16}-01"


@dataclass(frozen=True)
class Outputs:
    """What two processes that handle secrets left behind."""

    bakery: Bakery
    collector: Receiver
    spans: list[Span]

    def named(self, name: str) -> list[Span]:
        """The spans with this name."""
        return [span for span in self.spans if span.name == name]

    def everything(self) -> dict[str, str]:
        """Each output's whole text."""
        texts = {name: self.bakery.printed(name) for name in ("worker", "web")}
        texts |= {path.name: path.read_text(errors="replace") for path in self.bakery.home.rglob("*") if path.is_file()}
        return texts | {"otlp": self.collector.received().decode("latin1")}


@pytest.fixture(scope="module")
def outputs(embedded_servers: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outputs]:
    """A web server took four requests, a worker with a solo pool ran the tasks they sent, and both have stopped."""
    with receiver() as collector, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        project = Bakery(
            tmp_path_factory.mktemp("outputs"),
            embedded_servers,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_RESOURCE_ATTRIBUTES=f"deploy.token={SECRETS[0]},deployment.environment.name=oven",
            TELEMETRY_LOG_LEVEL="debug",
        )
        worker = ["-m", "celery", "-A", "bakery", "worker", "-P", "solo", "-l", "DEBUG"]
        web = ["-m", "gunicorn", "bakery:application", "-b", f"fd://{listening.fileno()}"]
        with (
            project.running(*worker, out="worker", TELEMETRY_LOG_FORMAT="console"),
            project.running(*web, out="web", pass_fds=(listening.fileno(),)),
        ):
            address = listening.getsockname()
            assert _get(address, "/healthz") == 200
            assert _get(address, f"/order/rye?loaf=rye&access_token={CANARY}") == 200
            assert _get(address, "/order/oat?loaf=oat", traceparent=CALLER, baggage=f"team={CANARY}") == 200
            assert _get(address, "/leak", authorization=f"Bearer {SECRETS[0]}") == 500
            wait_until(lambda: _runs(project) == 3)
        yield Outputs(project, collector, read_spans(project.home / "traces.jsonl"))


def _get(address: tuple[str, int], path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def _runs(project: Bakery) -> int:
    path = project.home / "traces.jsonl"
    return sum(span.name.startswith("run/") for span in read_spans(path)) if path.exists() else 0


@pytest.mark.slow
def test_no_output_has_a_secret(outputs: Outputs) -> None:
    """Not a file, not stdout as text or as JSON, not a byte to the collector; and each has where one was."""
    texts = outputs.everything()
    assert {name: text[max(0, at - 300) : at + 60] for name, text in texts.items() if (at := text.find(CANARY)) >= 0} == {}
    counts = {path.name for path in (outputs.bakery.home / "ledger").iterdir()}  # of spans, and nothing else
    assert {name for name, text in texts.items() if "[redacted]" in text} == texts.keys() - counts
    lines = [json.loads(line) for line in texts["web"].splitlines() if line.startswith('{"timestamp"')]
    assert any("LookupError" in line.get("exception", "") for line in lines)


def test_what_surrounds_a_secret_stays(outputs: Outputs) -> None:
    """The span of a request that failed still says where it went, and the task's run why it failed."""
    (get,) = outputs.named("GET")
    assert str(get.attributes["url.full"]).startswith("http://127.0.0.1:9/rolls?access_token=")
    (run,) = outputs.named("run/leak")
    assert run.status == "ERROR"
    assert "Authorization: [redacted]" in run.status_message
    assert "https://[redacted]@example.org/path" in run.status_message


def test_the_collector_gets_each_span_of_the_file_once(outputs: Outputs) -> None:
    """Nothing was lost at either exit, and nothing is an orphan."""
    sent = sorted(span.span_id.hex() for span in outputs.collector.spans())
    assert sent == sorted(span.span_id for span in outputs.spans)
    assert orphans_of(outputs.spans) == []


def test_a_request_is_the_root_of_what_it_causes(outputs: Outputs) -> None:
    """The task that a view sends is in its trace."""
    request = next(span for span in outputs.named("GET order/<slug:of>") if span.links == ())
    trace = [span for span in outputs.spans if span.trace_id == request.trace_id]
    assert draw(trace) == ("GET order/<slug:of>\n  apply_async/bake\n    run/bake\n      bakery.bake completed")


def test_an_outsiders_trace_is_linked_and_not_joined(outputs: Outputs) -> None:
    """Who calls us with a traceparent is named by a link; neither its trace nor its baggage goes on here."""
    (request,) = [span for span in outputs.named("GET order/<slug:of>") if span.links != ()]
    assert request.links == ((OUTSIDER, "2" * 16),)
    assert request.parent_id is None
    assert OUTSIDER not in {span.trace_id for span in outputs.spans}


def test_health_checks_are_no_spans(outputs: Outputs) -> None:
    """They would be most of what there is."""
    assert [span for span in outputs.spans if "healthz" in span.name] == []


def test_what_a_view_binds_is_on_the_tasks_lines(outputs: Outputs) -> None:
    """The declared lines of the task have it, its own id, and its ids."""
    lines = [line for line in read_lines(outputs.bakery.home / "logs.jsonl") if line["event"] == "bakery.bake.completed"]
    assert [(line["loaf"], line["team_id"]) for line in lines] == [("rye", 9), ("oat", 9)]
    assert all(line["task_id"] and line["trace_id"] for line in lines)


def test_durations_are_metrics_where_they_are_asked_for(outputs: Outputs) -> None:
    """The worker's last export, when it ended, has every loaf by its outcome."""
    histograms = [metric for service, metric in outputs.collector.metrics() if metric.name == "bakery.bake.duration"]
    counts = {point.attributes[0].value.string_value: point.count for point in histograms[-1].histogram.data_points}
    assert counts == {"completed": 2, "failed": len(SECRETS)}
    assert histograms[-1].unit == "s"
    assert {service for service, _ in outputs.collector.metrics()} == {"bakery"}


def test_a_file_has_every_level_and_a_stream_what_was_asked(outputs: Outputs) -> None:
    """`celery worker -l DEBUG` shows on stdout what is in the file; text carries no colour where there is no terminal."""
    printed = outputs.bakery.printed("worker")
    assert "bakery.rang" in printed
    assert "Task bake[" in printed
    assert "\x1b[" not in printed
