"""Workers that are started otherwise than by `celery worker` trace as that one does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from telemetry.reading import Span, orphans_of, read_lines, read_spans
from tests.telemetry.bakery import Bakery, Broker, wait_until

SCRIPT = """
import sys
import bakery

if __name__ == "__main__":
    with bakery.telemetry.span("before the fork"):
        pass
    bakery.app.worker_main(["worker", "-c", "1", "-lerror"])
"""
SEND = """
import bakery
with bakery.telemetry.span("send"):
    bakery.bound.delay()
"""


def spans_of(project: Bakery) -> dict[str, Span]:
    """The spans that have left so far, by name."""
    path = project.home / "traces.jsonl"
    return {span.name: span for span in read_spans(path)} if path.exists() else {}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.slow
def test_a_script_may_be_a_worker(embedded_servers: Broker, tmp_path: Path, protocol: str) -> None:
    """With children, though it has had a span, and so exporters, before it forked them; and with a level of its own."""
    project = Bakery(
        tmp_path,
        embedded_servers,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
    )
    (tmp_path / "script.py").write_text(SCRIPT)
    with project.running("script.py", out="worker"):
        project.run(SEND)
        wait_until(lambda: "run/bound" in spans_of(project))
    spans = spans_of(project)
    assert sorted(spans) == ["apply_async/bound", "before the fork", "run/bound", "send"]
    assert orphans_of(list(spans.values())) == []
    parent, child = (spans[name].resource for name in ("before the fork", "run/bound"))
    assert parent["process.pid"] != child["process.pid"]
    send, run = spans["apply_async/bound"], spans["run/bound"]  # the child's first span: its exporters start with it
    waited_ms = run.attributes["celery.queue.wait_ms"]
    assert isinstance(waited_ms, float)
    sent_ns = run.start_ns - int(waited_ms * 1e6)
    assert send.start_ns <= sent_ns + 1_000 <= send.end_ns + 2_000
    assert parent["service.instance.id"] != child["service.instance.id"]
    assert "bakery.rang" in [line["event"] for line in read_lines(project.home / "logs.jsonl")]
    assert "bakery.rang" not in project.printed("worker")


WITHIN = """
import threading
import bakery
from celery.contrib.testing.worker import start_worker

with start_worker(bakery.app, pool="{pool}", perform_ping_check=False, loglevel="INFO"):
    with bakery.telemetry.span("send"):
        sent = bakery.bound.delay()
    sent.get(timeout=30)
"""


@pytest.mark.parametrize("pool", ["solo", "threads"])
@pytest.mark.slow
def test_a_test_may_have_a_worker(embedded_servers: Broker, tmp_path: Path, pool: str) -> None:
    """Celery's own kit starts one in a thread of the test."""
    project = Bakery(tmp_path, embedded_servers)
    project.run(WITHIN.format(pool=pool))
    spans = spans_of(project)
    assert sorted(spans) == ["apply_async/bound", "run/bound", "send"]
    assert len({span.trace_id for span in spans.values()}) == 1


PROGRAM = """
import threading
import bakery

worker = bakery.app.Worker(pool="solo", loglevel="ERROR", without_mingle=True, without_gossip=True)
deadline = threading.Timer(60, worker.stop)
deadline.daemon = True
deadline.start()
worker.start()
"""


@pytest.mark.slow
def test_a_program_may_make_its_own_worker(embedded_servers: Broker, tmp_path: Path) -> None:
    """`app.Worker(...)`, with no command line at all."""
    project = Bakery(tmp_path, embedded_servers)
    with project.running("-c", PROGRAM, out="worker"):
        project.run(SEND)
        wait_until(lambda: "run/bound" in spans_of(project))
    assert "run/bound" in spans_of(project)
    assert "bakery.rang" not in project.printed("worker")


DETACHED = ["-m", "celery", "-A", "bakery", "multi"]


@pytest.mark.slow
def test_celery_multi_traces(embedded_servers: Broker, tmp_path: Path) -> None:
    """Its workers are detached programs of their own."""
    project = Bakery(tmp_path, embedded_servers)
    python = tmp_path / "python"  # celery multi splits its command at blanks, and this checkout's path may have some
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    where = [f"--executable={python}", f"--pidfile={tmp_path}/%n.pid", f"--logfile={tmp_path}/%n.log"]
    with project.running(*DETACHED, "start", "one", "-c1", "-l", "INFO", *where, out="multi"):
        try:
            project.run(SEND)
            wait_until(lambda: "run/bound" in spans_of(project))
        finally:
            project.run(
                f"import os; os.execv({sys.executable!r}, {[sys.executable, *DETACHED, 'stopwait', 'one', *where]!r})"
            )
    assert str(spans_of(project)["run/bound"].attributes["celery.worker"]).startswith("one@")
