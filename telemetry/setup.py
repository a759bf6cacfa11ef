"""Set telemetry up in this process: lines, spans, metrics, and the libraries that are instrumented."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TextIO, Unpack

from telemetry import reading
from telemetry._export.line_files import is_writable
from telemetry._lines import writing
from telemetry._spans import provider
from telemetry.reading import Span
from telemetry.redaction import add_shapes
from telemetry.settings import Choices, TelemetrySettings

__all__ = ["configure", "open_spans"]

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "celery": ("celery", "wrapt"),
    "django": ("django", "wrapt"),
    "requests": ("requests", "opentelemetry.instrumentation.requests"),
}
"""Our modules that instrument a library, and the packages that each needs."""


class _Setup:
    settings: TelemetrySettings | None = None


def configure(*, stream: TextIO | None = None, **choices: Unpack[Choices]) -> TelemetrySettings:
    """Write lines, export spans, and instrument Celery, Django and requests where the extras of these names are installed.

    `stream` also gets the lines. `choices` are the application's own: `prefix`, `service_name`, `resource`, `home`,
    `context`, `redact_patterns`, `excluded_urls` (see `telemetry.settings.Choices`). A second call changes nothing.
    Exporters start with the process's first span, so that a process may be configured before it forks.
    """
    if _Setup.settings is not None:
        return _Setup.settings
    _tidy_variables()
    settings = TelemetrySettings.from_environment(**choices)
    add_shapes(settings.redact_patterns)
    writing.configure(settings, stream=stream)
    _instrument(settings)
    provider.configure(settings)
    _Setup.settings = settings
    _warn_of_unwritable_files(settings)
    return settings


def open_spans() -> list[Span]:
    """Return the spans that are open now in any process of this one's home, in the order they started.

    There are none if `configure` found no home to keep a journal in.
    """
    journal = None if _Setup.settings is None else _Setup.settings.journal
    return [] if journal is None else reading.open_spans(journal)


def _tidy_variables() -> None:
    """Remove empty standard variables, which the specification ignores, and the blanks around the others.

    The SDK fails on some of either kind, and misreads others.
    """
    for name, value in [(name, value) for name, value in os.environ.items() if name.startswith("OTEL_")]:
        if not value.strip():
            del os.environ[name]
        elif value != value.strip():
            os.environ[name] = value.strip()


def _instrument(settings: TelemetrySettings) -> None:
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")  # the first instrumentor decides for all
    celery, django, requests = map(_integration, _NEEDS)
    if celery is not None:
        celery.instrument()
    if settings.disabled:
        return
    if django is not None:
        django.instrument(settings)
    if requests is not None:
        requests.instrument(settings.propagate_to)


def _integration(name: str) -> ModuleType | None:
    """Return our module for a library; None if the library is not installed or the environment excludes it."""
    left_alone = {one.strip() for one in os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")}
    if not left_alone.isdisjoint((name, "*")) or not all(map(_is_installed, _NEEDS[name])):
        return None
    return import_module(f"telemetry.{name}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is missing too
        return False


def _warn_of_unwritable_files(settings: TelemetrySettings) -> None:
    for name, path in (("LOG_FILE", settings.log_file), ("TRACES_FILE", settings.traces_file)):
        if path is not None and not is_writable(path):
            cure = f"choose another place in {settings.prefix}{name}"
            writing.write_line(logging.WARNING, f"{path} cannot be written: {cure}")
