"""From the declarations follow the table and the check of lines that somebody wrote."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from apps.catalog import CONTEXT, TABLE
from telemetry.catalog import as_json, as_markdown, check_line
from telemetry.model import Event, Field, Level, declared_events

GOOD = {
    "timestamp": "2026-01-01T00:00:00.000000Z",
    "level": "debug",
    "event": "sync.api.graphql",
    "query_name": "pulls",
    "points_cost": None,
    "duration_ms": 3,
    "status": "timeout",
    "run_id": 4,
    "trace_id": "1" * 32,
    "span_id": "2" * 16,
    "trace_flags": 1,
}


class Sealed(Event, name="kiln.sealed", level=Level.INFO, when="the door shuts"):
    """An event of another namespace."""

    hot: Annotated[bool, Field("Whether it burns.")]


def test_the_table_is_the_one_that_people_agreed_on() -> None:
    """Fifteen events, their levels and their fields, to the letter."""
    assert as_markdown(TABLE) == "\n".join(
        [
            "| event | level | fields | when |",
            "|---|---|---|---|",
            "| `sync.pipeline.started` | INFO | team_id, repos_count, phase, task_id | pipeline start |",
            "| `sync.pipeline.phase_changed` | INFO | team_id, phase, previous_phase | phase transition |",
            "| `sync.pipeline.completed` | INFO | team_id, repos_synced, total_prs, duration_sec | success |",
            "| `sync.pipeline.failed` | ERROR | team_id, phase, error_type, error_msg | failure |",
            "| `sync.repo.started` | INFO | team_id, repo_id, full_name | repository sync start |",
            "| `sync.repo.progress` | DEBUG | team_id, repo_id, prs_done, prs_total, pct | every 10 PRs |",
            "| `sync.repo.completed` | INFO | team_id, repo_id, prs_synced, duration_sec | repository sync end |",
            "| `sync.repo.failed` | ERROR | team_id, repo_id, error_type, error_msg | repository sync failure |",
            "| `sync.api.graphql` | DEBUG | query_name, points_cost, duration_ms, status | each GraphQL call |",
            "| `sync.api.rest` | DEBUG | endpoint, duration_ms, status_code | each REST call |",
            "| `sync.api.rate_limit` | INFO | remaining, limit, reset_at, will_wait | rate-limit check |",
            "| `sync.api.rate_wait` | WARNING | wait_seconds, reset_at | waiting for the reset |",
            "| `sync.db.write` | DEBUG | entity_type, created, updated, duration_ms | each batch write |",
            "| `sync.pr.processed` | DEBUG | pr_id, pr_number, reviews, commits, files | per pull request |",
            "| `sync.task.retry` | WARNING | task_name, retry_count, countdown, error | task retry |",
        ]
    )


def test_the_table_names_everything_that_is_declared_in_its_namespace() -> None:
    """No event is declared that people cannot look up."""
    assert {name for name in declared_events() if name.startswith("sync.")} == set(TABLE)


def test_json_has_the_same_as_the_table() -> None:
    """In the order asked for."""
    assert as_json(["kiln.sealed", "sync.api.rest"]) == [
        {"event": "kiln.sealed", "level": "INFO", "fields": ["hot"], "when": "the door shuts"},
        {
            "event": "sync.api.rest",
            "level": "DEBUG",
            "fields": ["endpoint", "duration_ms", "status_code"],
            "when": "each REST call",
        },
    ]


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        GOOD | {"exception": "Traceback"},
        {"event": "kiln.sealed", "level": "info", "hot": False, "task_id": "t"},
        {"event": "Task sync.repo[1] succeeded", "level": "info"},
        {"event": "sync", "level": "info"},
        {"level": "info"},
    ],
)
def test_right_lines_and_lines_of_others_have_no_problem(line: dict[str, Any]) -> None:
    """A library's text may say what it likes."""
    assert check_line(line, context=CONTEXT) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"event": "sync.api.graphq"}, "sync.api.graphq: no such event is declared"),
        ({"level": "info"}, "sync.api.graphql: its level is debug, not info"),
        ({"query_name": None}, "sync.api.graphql: query_name must not be null"),
        ({"points_cost": "1"}, "sync.api.graphql: points_cost must be int, not '1'"),
        ({"points_cost": True}, "sync.api.graphql: points_cost must be int, not True"),
        ({"duration_ms": "3"}, "sync.api.graphql: duration_ms must be float, not '3'"),
        ({"status": "fine"}, "sync.api.graphql: status must be one of ok, partial, "),
        ({"nodes": 3}, "sync.api.graphql: nodes is no field of it"),
    ],
)
def test_a_wrong_line_has_its_problem(change: dict[str, Any], problem: str) -> None:
    """One change, one problem."""
    (found,) = check_line(GOOD | change, context=CONTEXT)
    assert found.startswith(problem)


@pytest.mark.parametrize("name", ["query_name", "points_cost", "duration_ms", "status"])
def test_no_field_may_be_missing(name: str) -> None:
    """What is not known is null, not absent."""
    line = {key: value for key, value in GOOD.items() if key != name}
    assert check_line(line, context=CONTEXT) == [f"sync.api.graphql: {name} is missing"]
