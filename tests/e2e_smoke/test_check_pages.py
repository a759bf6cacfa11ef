"""The checks of Jaeger's pages pass correct ones, and report what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e_smoke import check_pages
from tests.e2e_smoke.test_checks import RUN, SPANS, TRACE


def row(own: str, shown: str, span_id: str, **tags: Any) -> dict[str, Any]:
    """Return a span as Jaeger's page gets it."""
    return {
        "spanID": span_id,
        "operationName": shown,
        "references": [],
        "warnings": None,
        "logs": [],
        "tags": [{"key": key, "value": value} for key, value in {"span.name": own, **tags}.items()],
    }


RAISED = {"fields": [{"key": "event", "value": "exception"}, {"key": "exception.type", "value": "ServerError"}]}
PROCESS = {"service.version": "1", "deployment.environment.name": "smoke"}
PAGE: dict[str, Any] = {
    "spans": [
        row("sync.pipeline", "sync.pipeline recent", "root", **{"error.type": "partial"}),
        row("run/apps.integrations.tasks.sync_repository", "run/sync_repository repo_id 2", "run", repo_id=2, task_id="t"),
        row("sync.repo", "sync.repo a/b #2", "repo", full_name="a/b", **{"sync.attempt": 2}),
        row("sync.db.write", "sync.db.write review", "write", entity_type="review"),
        row(
            "sync.api.graphql",
            "sync.api.graphql PullRequests",
            "call",
            query_name="PullRequests",
            error_type="x",
            error=True,
        )
        | {"logs": [RAISED]},
    ],
    "processes": {"p1": {"tags": [{"key": key, "value": value} for key, value in PROCESS.items()]}},
}


def test_a_page_as_it_should_be_is_passed_over_in_silence() -> None:
    """Names, warnings, references, fields and processes."""
    assert list(check_pages.page(RUN, PAGE)) == []


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (0, {"references": [{"refType": "FOLLOWS_FROM"}]}, "no critical path is drawn"),
        (
            0,
            {"operationName": "sync.pipeline backfill"},
            "shown as 'sync.pipeline backfill', not as 'sync.pipeline recent'",
        ),
        (1, {"operationName": "run/apps.integrations.tasks.sync_repository"}, "not as 'run/sync_repository repo_id 2'"),
        (1, {"warnings": ["clock skew"]}, "run/sync_repository repo_id 2 run: clock skew"),
        (2, {"operationName": "sync.repo a/b"}, "not as 'sync.repo a/b #2'"),
        (3, {"operationName": "sync.db.write"}, "not as 'sync.db.write review'"),
        (4, {"logs": []}, "failed without an exception"),
    ],
)
def test_what_is_wrong_on_a_page_is_told(place: int, change: dict[str, Any], said: str) -> None:
    """One thing at a time."""
    page = deepcopy(PAGE)
    page["spans"][place] |= change
    assert said in "\n".join(check_pages.page(RUN, page))


@pytest.mark.parametrize(
    ("place", "key", "value", "said"),
    [
        (1, "messaging.message.id", "t", "has messaging.message.id beside task_id"),
        (3, "db.collection.name", "review", "has db.collection.name beside entity_type"),
        (4, "exception.stacktrace", "Traceback", "has its stack among its own fields"),
    ],
)
def test_a_field_too_many_is_told(place: int, key: str, value: str, said: str) -> None:
    """A standard key beside ours that says the same, or a stack."""
    page = deepcopy(PAGE)
    page["spans"][place]["tags"].append({"key": key, "value": value})
    assert said in "\n".join(check_pages.page(RUN, page))


@pytest.mark.parametrize("missing", PROCESS)
def test_a_process_says_its_version_and_environment(missing: str) -> None:
    """Each of them."""
    page = deepcopy(PAGE)
    tags = page["processes"]["p1"]["tags"]
    page["processes"]["p1"]["tags"] = [tag for tag in tags if tag["key"] != missing]
    assert "does not say its version and environment" in "\n".join(check_pages.page(RUN, page))


FAILED = [replace(RUN.repositories[0], state="failed")]


@pytest.mark.parametrize(
    ("lost", "found", "said"),
    [
        (False, {"error": {TRACE}, "sync.run.complete": set()}, []),
        (False, {"error": set(), "sync.run.complete": set()}, ["run 1: an error is not found, and that is not true"]),
        (True, {"error": {TRACE}, "sync.run.complete": {TRACE}}, []),
        (True, {"error": {TRACE}, "sync.run.complete": set()}, ["run 1 is not found among those that lost a repository"]),
        (False, {"error": {TRACE}, "sync.run.complete": {TRACE}}, ["run 1 is found among those that lost a repository"]),
    ],
)
def test_a_search_that_finds_too_much_or_too_little_is_told(lost: bool, found: dict[str, set[str]], said: list[str]) -> None:
    """The run has an attempt that failed and was made again."""
    run = replace(RUN, repositories=tuple(FAILED)) if lost else RUN
    search: Callable[[str, str], set[str]] = lambda key, _value: found[key]  # noqa: E731  # one look-up
    assert list(check_pages.searches([run], list(SPANS.values()), search)) == said


def test_a_healthy_run_that_is_found_among_errors_is_told() -> None:
    """As one was that had met a limit."""
    said = list(check_pages.searches([RUN], [], lambda key, _value: {TRACE} if key == "error" else set()))
    assert said == ["run 1: an error is found, and that is not true"]
