"""Configure telemetry for synctrace: the prefix of its variables, the service's name, and what comes first on a line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection
from typing import Final, TextIO

from django.core.exceptions import ImproperlyConfigured

import telemetry
from apps import catalog
from apps.config import environment
from telemetry.settings import Choices, InvalidSettingError, TelemetrySettings

_UNTRACED: Final = ("/healthz$", "/invitation/", "/events$")
"""Health checks, secret links, and streams that last as long as somebody looks."""


def configure(*, stream: TextIO | None = None) -> None:
    """Write lines, export spans, and instrument the libraries that we use; `stream` also gets the lines.

    `ImproperlyConfigured` says what is wrong with a variable.
    """
    try:
        telemetry.configure(stream=stream, **_choices())
    except InvalidSettingError as error:
        raise ImproperlyConfigured(str(error)) from None
    from telemetry import wills  # it imports the SDK, which commands that only read can do without

    wills.ask(_ended_elsewhere)


def _ended_elsewhere(span_ids: Collection[str]) -> Collection[str]:
    from apps.integrations.runs import vanished  # needs Django's models, which are loaded later

    return vanished.ended_elsewhere(span_ids)


def settings() -> TelemetrySettings:
    """Return the settings that `configure` uses; raise `ImproperlyConfigured` saying what is wrong with a variable."""
    try:
        return TelemetrySettings.from_environment(**_choices())
    except InvalidSettingError as error:
        raise ImproperlyConfigured(str(error)) from None


def _resource() -> dict[str, str]:
    """Return the resource attributes: the version and, with a command's own servers, that this is somebody's machine."""
    project = tomllib.loads((environment.CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {"service.version": str(project["version"])}
    if os.environ.get("SYNCTRACE_EMBEDDED") or not os.environ.get("DATABASE_URL"):
        found["deployment.environment.name"] = "local"
    return found


def _choices() -> Choices:
    return {
        "prefix": "SYNC_",
        "service_name": "synctrace",
        "resource": _resource(),
        "home": environment.home(),
        "context": catalog.CONTEXT,
        "excluded_urls": _UNTRACED,
    }
