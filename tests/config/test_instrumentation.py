"""Telemetry goes by our own names of variables, and nobody's else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.config import instrumentation


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
    assert settings.excluded_urls == ("/healthz$",)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "of-blue")
    assert instrumentation.settings().service_name == "of-blue"


def test_what_is_wrong_is_an_error_of_our_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program ends with its sentence, as with any other."""
    monkeypatch.setenv("SYNC_LOG_FORMAT", "xml")
    with pytest.raises(ImproperlyConfigured, match=r"^SYNC_LOG_FORMAT is 'xml': it must be one of console, json$"):
        instrumentation.settings()
    with pytest.raises(ImproperlyConfigured, match="SYNC_LOG_FORMAT"):
        instrumentation.configure()
