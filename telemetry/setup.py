"""Set telemetry up in this process: lines, spans, metrics, and the libraries that are instrumented."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TextIO

from telemetry._export.line_files import is_writable
from telemetry._lines import writing
from telemetry._spans import provider
from telemetry.settings import TelemetrySettings

__all__ = ["configure"]

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "celery": ("celery", "opentelemetry.instrumentation.celery"),
    "requests": ("requests", "opentelemetry.instrumentation.requests"),
    "django": ("django", "opentelemetry.instrumentation.django"),
}
"""Our modules that instrument a library, and what must be installed for each."""


class _Setup:
    settings: TelemetrySettings | None = None


def configure(*, stream: TextIO | None = None, service_name: str | None = None) -> TelemetrySettings:
    """Lines are written; Celery, requests and Django are instrumented; spans are exported. A second call changes nothing.

    ``stream`` also gets the lines, as ``SYNC_LOG_FORMAT`` and ``SYNC_LOG_LEVEL`` say. In the main process of ``celery
    worker`` only the lines start: its children, or the worker itself with threads, start their own tracing, because a
    provider's threads do not survive a fork (opentelemetry-python #5533).
    """
    if _Setup.settings is not None:
        return _Setup.settings
    if service_name is not None:
        os.environ.setdefault("OTEL_SERVICE_NAME", service_name)
    settings = TelemetrySettings.from_environment()
    writing.configure(settings, stream=stream)
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")  # the first instrumentor decides for all
    celery, requests, django = map(_integration, _NEEDS)
    if celery is not None:
        celery.instrument()
    if not settings.disabled:
        if requests is not None:
            requests.instrument(settings.propagate_to)
        if celery is None or not celery.is_worker_command():
            if django is not None:
                django.instrument()
            provider.start(settings)
    _Setup.settings = settings
    for name, path in (("SYNC_LOG_FILE", settings.log_file), ("SYNC_TRACES_FILE", settings.traces_file)):
        if path is not None and not is_writable(path):
            writing.write_line(logging.WARNING, f"{path} cannot be written: name another place in {name} or SYNCTRACE_HOME")
    return settings


def _integration(name: str) -> ModuleType | None:
    """Return our module for a library, or None where the library or its instrumentation is not installed."""
    return import_module(f"telemetry.{name}") if all(map(_is_installed, _NEEDS[name])) else None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is not there either
        return False
