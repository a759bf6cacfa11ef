"""Telemetry as synctrace has it: the prefix of its variables, the service's name, and what comes first on a line."""

from __future__ import annotations

from typing import Final, TextIO

from django.core.exceptions import ImproperlyConfigured

import telemetry
from apps import catalog
from apps.config import environment
from telemetry.settings import Choices, InvalidSettingError, TelemetrySettings

_HEALTH_CHECKS: Final = "/healthz$"


def configure(*, stream: TextIO | None = None) -> None:
    """Write lines, export spans, and instrument the libraries that we use; `stream` also gets the lines.

    `ImproperlyConfigured` says what is wrong with a variable.
    """
    try:
        telemetry.configure(stream=stream, **_choices())
    except InvalidSettingError as error:
        raise ImproperlyConfigured(str(error)) from None


def settings() -> TelemetrySettings:
    """Return the settings that `configure` goes by; `ImproperlyConfigured` says what is wrong with a variable."""
    try:
        return TelemetrySettings.from_environment(**_choices())
    except InvalidSettingError as error:
        raise ImproperlyConfigured(str(error)) from None


def _choices() -> Choices:
    return {
        "prefix": "SYNC_",
        "service_name": "synctrace",
        "home": environment.home(),
        "context": catalog.CONTEXT,
        "excluded_urls": (_HEALTH_CHECKS,),
    }
