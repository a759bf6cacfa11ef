"""The catalog of a sync's events is a contract: these names, levels and fields, in this order."""

from __future__ import annotations

import yaml

from apps import machine_catalog
from apps.catalog import TABLE
from telemetry.catalog import as_markdown, as_weaver
from telemetry.model import declared_events, declared_operations
from tests.telemetry.weaver_rules import problems


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
    """No event is declared that people cannot look up, in the table or among the machine's own."""
    declared = {name for name in declared_events() if name.startswith("sync.")}
    assert declared == {*TABLE, *machine_catalog.EVENTS}
    assert not set(TABLE) & set(machine_catalog.EVENTS)
    lineless = {name for name, operation in declared_operations().items() if not operation.__lines__}
    assert {name for name in lineless if name.startswith("sync.")} == set(machine_catalog.OPERATIONS)


def test_weaver_has_nothing_to_say_of_the_catalog() -> None:
    """It is a registry of semantic conventions like any other."""
    groups = {group["id"]: group for group in yaml.safe_load(as_weaver("sync"))["groups"]}
    assert list(problems(groups)) == []
    assert {group["name"] for group in groups.values() if group["type"] == "event"} == {*TABLE, *machine_catalog.EVENTS}
