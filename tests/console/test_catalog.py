"""The catalog command prints what the code declares, the README shows it, and lines are checked against it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from apps.catalog import TABLE


def printed(*arguments: str) -> str:
    """Return what the command prints."""
    out = StringIO()
    call_command("catalog", *arguments, stdout=out)
    return out.getvalue()


def test_the_readme_shows_the_table() -> None:
    """The README's table is the code's."""
    assert printed() in Path("README.md").read_text()


def test_all_adds_what_the_machine_and_telemetry_say_of_themselves() -> None:
    """The table comes first, unchanged."""
    everything = printed("--all")
    assert everything.startswith(printed().rstrip("\n"))
    assert "| `sync.run.resumed` | INFO |" in everything
    assert "| `telemetry.account` | INFO | exporter, started, exported," in everything
    keys = ("account", "reason", "behind", "behind_run_id")
    fields = [*(f"sync.queue.{key}" for key in keys), "sync.rate_wait.reason"]
    named = ", ".join(f"`{field}`" for field in fields)
    assert f"| `sync.queue.wait` | {named} | A repository's wait to be" in everything


def test_json_has_the_events_in_the_tables_order() -> None:
    """Each with its level, fields and when."""
    events = json.loads(printed("--format", "json"))
    assert [event["event"] for event in events] == list(TABLE)
    assert events[4] == {
        "event": "sync.repo.started",
        "level": "INFO",
        "fields": ["team_id", "repo_id", "full_name"],
        "when": "repository sync start",
    }


def test_weaver_gets_a_registry() -> None:
    """Of all that is declared beside the table's events: spans and metrics, too."""
    groups = yaml.safe_load(printed("--format", "weaver"))["groups"]
    assert {"event.sync.repo.started", "span.sync.repo", "metric.sync.repo.duration"} <= {group["id"] for group in groups}


def test_wrong_lines_are_named_with_their_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing, misspelt, mistyped or not JSON is said; lines of others are left alone."""
    file = tmp_path / "lines"
    good = {"level": "info", "event": "sync.repo.started", "team_id": 1, "repo_id": 2, "full_name": "a/b", "run_id": 1}
    wrong = {"level": "debug", "event": "sync.repo.started", "team_id": "1", "repo_id": 2, "name": "a/b"}
    lines = [
        json.dumps(good),
        json.dumps({"event": "hello"}),
        json.dumps(wrong),
        "rubbish",
        json.dumps({"event": "sync.repo.begun"}),
    ]
    file.write_text("\n".join(lines))
    with pytest.raises(CommandError, match="6 problems in 5 lines"):
        call_command("catalog", "--check", str(file))
    said = capsys.readouterr().out
    assert f"{file}:3: sync.repo.started: full_name is missing" in said
    assert f"{file}:4: it is not JSON" in said
    assert f"{file}:5: sync.repo.begun: no such event is declared" in said


def test_a_file_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("catalog", "--check", str(tmp_path / "none"))
