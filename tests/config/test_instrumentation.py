"""Telemetry goes by our own names of variables, and nobody's else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.config import instrumentation
from apps.config.environment import CHECKOUT
from telemetry._spans.own import resource


def test_files_are_in_our_home_unless_our_variables_name_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that an adopter's project would have mean nothing here."""
    monkeypatch.setenv("SYNCTRACE_HOME", str(tmp_path))
    monkeypatch.setenv("SYNC_TRACES_FILE", "/elsewhere/spans")
    monkeypatch.setenv("TELEMETRY_HOME", "/nowhere")
    monkeypatch.setenv("TELEMETRY_LOG_FILE", "/nowhere/lines")
    settings = instrumentation.settings()
    assert (settings.log_file, settings.traces_file) == (tmp_path / "logs.jsonl", Path("/elsewhere/spans"))


def test_the_service_is_ours_unless_the_standard_variable_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so are what comes first on a line, and the requests that have no span."""
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    settings = instrumentation.settings()
    assert (settings.service_name, settings.prefix) == ("synctrace", "SYNC_")
    assert settings.context == ("team_id", "repo_id", "task_id", "run_id")
    assert settings.excluded_urls == ("/healthz$", "/invitation/", "/events$")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "of-blue")
    assert instrumentation.settings().service_name == "of-blue"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SYNCTRACE_EMBEDDED": "", "DATABASE_URL": ""}, "local"),
        ({"SYNCTRACE_EMBEDDED": "1", "DATABASE_URL": "postgresql://x/y"}, "local"),
        ({"SYNCTRACE_EMBEDDED": "", "DATABASE_URL": "postgresql://x/y"}, None),
        (
            {
                "SYNCTRACE_EMBEDDED": "1",
                "DATABASE_URL": "",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging,service.version=1.2",
            },
            "staging",
        ),
    ],
)
def test_spans_say_our_version_and_where_it_is_deployed(
    environment: dict[str, str], said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody deployed a command with servers of its own; of others the standard variable tells, and goes before us."""
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = resource(instrumentation.settings()).attributes
    assert found.get("deployment.environment.name") == said
    released = re.search(r'^version = "(.+)"$', (CHECKOUT / "pyproject.toml").read_text(), re.MULTILINE)
    assert released is not None
    assert found["service.version"] == ("1.2" if said == "staging" else released[1])


def test_what_is_wrong_is_an_error_of_our_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program ends with its sentence, as with any other."""
    monkeypatch.setenv("SYNC_LOG_FORMAT", "xml")
    with pytest.raises(ImproperlyConfigured, match=r"^SYNC_LOG_FORMAT is 'xml': it must be one of console, json$"):
        instrumentation.settings()
    with pytest.raises(ImproperlyConfigured, match="SYNC_LOG_FORMAT"):
        instrumentation.configure()
