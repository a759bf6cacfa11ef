"""Open spans as a person reads them at a terminal of 80 columns."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from apps.console.terminal.open_spans import as_json, open_lines
from telemetry._export.journal import Journal
from telemetry.reading import Span, Values
from tests.telemetry.test_journal import tracing

START_NS = 1_780_000_000_000_000_000


def span(
    name: str, number: int, *, parent: int | None = None, pid: int = 11, seconds: float = 12.34, **attributes: object
) -> Span:
    """An open span of a process."""
    return Span(
        name=name,
        trace_id=f"{7:032x}",
        span_id=f"{number:016x}",
        parent_id=None if parent is None else f"{parent:016x}",
        attributes=Values(attributes),
        status="UNSET",
        status_message="",
        start_ns=START_NS,
        end_ns=START_NS + int(seconds * 1e9),
        links=(),
        resource=Values({"host.name": "vm", "process.pid": pid, "service.name": "synctrace"}),
        is_open=True,
    )


def test_each_process_has_its_spans_indented_with_how_long_and_about_what() -> None:
    """Two processes at work; what stands above is named in full, with its trace."""
    run = span("run/apps.integrations.tasks.sync_repository", 1, parent=99, team_id=1, repo_id=2, run_id=3)
    repo = span("sync.repo", 2, parent=1, seconds=12.0, full_name="a/b", team_id=1)
    call = span("sync.api.graphql", 3, parent=2, seconds=0.42, query_name="PullRequests")
    other = span("sync.api.rate_wait", 4, pid=12, seconds=3600, team_id=2)
    lines = list(open_lines([call, other, run, repo], width=80))
    assert lines == [
        "process 11 on vm  (synctrace)",
        "     12.3 s  run/sync_repository  since 2026-05-28T20:26:40Z",
        "               team_id=1 repo_id=2 run_id=3",
        "               trace 00000000000000000000000000000007",
        "     12.0 s    sync.repo  a/b",
        "      0.4 s      sync.api.graphql  PullRequests",
        "process 12 on vm  (synctrace)",
        "   3600.0 s  sync.api.rate_wait  since 2026-05-28T20:26:40Z  team_id=2",
        "               trace 00000000000000000000000000000007",
    ]
    assert as_json(repo) == {
        "name": "sync.repo",
        "since": "2026-05-28T20:26:40.000000Z",
        "seconds": 12.0,
        "trace_id": f"{7:032x}",
        "span_id": f"{2:016x}",
        "parent_id": f"{1:016x}",
        "process": 11,
        "host": "vm",
        "attributes": {"full_name": "a/b", "team_id": 1},
    }


def told(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("telemetry", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_what_is_open_at_this_moment(tmp_path: Path, settings: Any) -> None:
    """Nothing, one span, nothing; as text and as JSON."""
    settings.SYNCTRACE_JOURNAL = tmp_path
    assert told("open") == f"No span is open in {tmp_path}.\n"
    journal = Journal(tmp_path, most_waiting=9)
    with tracing(journal) as tracer:
        with tracer.start_as_current_span("somebody\n", attributes={"team_id": 7}):
            assert "0.0 s  somebody" in told("open")
            (found,) = json.loads(told("open", "--format", "json"))
            assert (found["attributes"], found["name"]) == ({"team_id": 7}, "somebody\n")
        assert told("open") == f"No span is open in {tmp_path}.\n"
    settings.SYNCTRACE_JOURNAL = None
    assert told("open") == "No span is open in this home: its processes keep no journal.\n"
