"""The demo's report fits the terminal, ends short, and holds nothing that acts on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from apps.console.terminal.demo_report import show
from apps.integrations.models import PipelineRun
from telemetry.reading import Memory, Span, spans_in
from telemetry.timestamps import unix_nanoseconds
from tests.console.terminal.hostile import acting
from tests.integrations.histories import repo_sync, repository

TRACE = "0af7651916cd43dd8448eb211c80319c"
START = datetime(2026, 1, 1, tzinfo=UTC)
EVIL = "x\x1b[2J\x00\nforged\r\u202e\x9b"


def spans(*names: str, value: str = "libuv/libuv") -> list[Span]:
    """Return spans of those names, one below the other, each with the same repository."""
    attributes = [{"key": "full_name", "value": {"stringValue": value}}]
    written = [
        {
            "name": name,
            "traceId": TRACE,
            "spanId": f"{number:016x}",
            "parentSpanId": f"{number - 1:016x}" if number > 1 else "",
            "startTimeUnixNano": str(unix_nanoseconds(START) + number),
            "endTimeUnixNano": str(unix_nanoseconds(START) + number + 3_000_000_000),
            "attributes": attributes,
        }
        for number, name in enumerate(names, start=1)
    ]
    return list(spans_in({"resourceSpans": [{"scopeSpans": [{"spans": written}]}]}))


@pytest.fixture
def run(db: None) -> PipelineRun:
    """Return a run over one repository that has ended."""
    own = repository()
    run = PipelineRun.objects.create(
        team=own.team,
        kind="recent",
        phase="phase1_complete",
        state="completed",
        traceparent=f"00-{TRACE}-b7ad6b7169203331-01",
        started_ns=unix_nanoseconds(START),
        started_at=START,
        ended_at=START + timedelta(seconds=14),
    )
    repo_sync(run, own, due_at=START, state="completed", disposition="synced", requests=74)
    return run


def shown(run: PipelineRun, *, width: int, name: str = "o/n", error: str = "") -> list[str]:
    """Return the report of a run, as a terminal of that width shows it."""
    line = {
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "level": "warning",
        "event": "sync.api.rate_wait",
        "wait_seconds": 3.727,
        "error": error,
        "trace_id": TRACE,
    }
    found = spans(
        "sync.pipeline", "run/apps.integrations.tasks.sync_repository", "sync.repo", "sync.api.graphql", value=name
    )
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    show(console, [run], spans=found, source=Memory(found, [line]))
    return out.getvalue().split("\n")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_report_fits_the_terminal(run: PipelineRun, width: int) -> None:
    """No line is broken by it, and nothing of a line is lost."""
    lines = shown(run, width=width, name="a-long-owner/with-a-long-repository")
    assert max(map(cell_len, lines)) <= width
    words = " ".join(lines).split()
    assert {"a-long-owner/with-a-long-repository", "3.00", "74", "requests"} <= set(words)
    assert any('"level":"warning",' in word for word in words)


def test_the_report_ends_with_what_was_synced_where_the_time_went_and_where_to_look(run: PipelineRun) -> None:
    """In this order, on less than a terminal's height."""
    lines = shown(run, width=80)
    heads = [line.strip("─ ") for line in lines if line.startswith("──")]
    assert heads == [
        f"The trace of run {run.pk}",
        "One of its lines",
        "Where the time went",
        "What is stored",
        "Look further",
    ]
    stored = lines.index(next(line for line in lines if "What is stored" in line))
    assert lines[stored + 1 : stored + 4] == [
        "stored in all: 0 pull requests  0 reviews  0 commits  0 files",
        "of o/n",
        "read now: 0 pull requests in 14 s, with 74 requests for 0 points",
    ]
    commands = [line.rpartition("manage.py ")[2] for line in lines if "manage.py" in line]
    logs = [f"logs {run.pk} --level warning", f"logs {run.pk} --event 'sync.api.*'"]
    assert commands == [f"explain {run.pk}", f"trace {run.pk}", *logs]


def test_the_report_acts_nowhere(run: PipelineRun) -> None:
    """Whatever repositories and errors are called."""
    lines = shown(run, width=200, name=EVIL, error=EVIL)
    assert not acting("".join(lines))
    assert not [line for line in lines if line.startswith("forged")]
