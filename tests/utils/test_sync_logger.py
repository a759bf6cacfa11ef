"""Lines from outside the catalog's classes are held to the catalog all the same."""

from __future__ import annotations

from typing import Any

import pytest

import telemetry
from apps import catalog  # noqa: F401  # the catalog that lines are checked against
from apps.utils.sync_logger import get_sync_logger, sync_context, timed_operation
from telemetry.testing import Capture

LOGGER = get_sync_logger("tests")


def test_a_right_line_is_written_with_its_context(captrace: Capture) -> None:
    """It looks like one that the catalog's class wrote."""
    with sync_context(team_id=1, task_id="t"):
        LOGGER.info("sync.repo.started", team_id=1, repo_id=2, full_name="a/b")
    (line,) = captrace.lines
    assert list(line)[1:] == ["level", "event", "team_id", "repo_id", "full_name", "task_id"]


@pytest.mark.parametrize(
    ("event", "fields", "problem"),
    [
        ("sync.repo.begun", {}, "no such event"),
        ("sync.repo.started", {"team_id": 1, "repo_id": 2}, "full_name is missing"),
        ("sync.repo.started", {"team_id": "1", "repo_id": 2, "full_name": "a"}, "team_id must be int"),
        ("sync.repo.started", {"team_id": 1, "repo_id": 2, "full_name": "a", "x": 1}, "x is no field"),
        ("sync.repo.failed", {"team_id": 1, "repo_id": 2, "error_type": "a", "error_msg": "b"}, "level is error"),
    ],
)
def test_a_wrong_line_is_an_error_in_tests(captrace: Capture, event: str, fields: dict[str, Any], problem: str) -> None:
    """Unknown, missing, mistyped, superfluous, at another level."""
    with pytest.raises(TypeError, match=problem):
        LOGGER.info(event, **fields)


def test_a_wrong_line_is_counted_in_production() -> None:
    """Nothing is raised."""
    before = telemetry.swallowed()
    LOGGER.info("sync.repo.begun")
    assert telemetry.swallowed() == before + 1


def test_contexts_nest_and_are_restored(captrace: Capture) -> None:
    """The inner one wins inside, the outer one is back afterwards."""
    with sync_context(team_id=1, repo_id=2):
        with sync_context(repo_id=3):
            LOGGER.info("inner")
        LOGGER.info("outer")
    LOGGER.info("none")
    assert [(line.get("team_id"), line.get("repo_id")) for line in captrace.lines] == [(1, 3), (1, 2), (None, None)]


def test_a_timed_block_has_a_span_and_a_duration_also_when_it_raises(captrace: Capture) -> None:
    """The line is inside the span."""
    with pytest.raises(ValueError, match="no"), timed_operation(LOGGER, "import.csv", rows=3):
        raise ValueError("no")
    (line,), (span,) = captrace.lines, captrace.spans
    assert (line["level"], line["rows"], line["error_type"], line["span_id"]) == ("error", 3, "ValueError", span.span_id)
    assert line["duration_ms"] >= 0
    assert (span.name, span.status, span.attributes["rows"]) == ("import.csv", "ERROR", 3)
