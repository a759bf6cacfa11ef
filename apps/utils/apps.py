"""The app that brings the admin's style sheet."""

from __future__ import annotations

from django.apps import AppConfig


class UtilsConfig(AppConfig):
    """Utilities for every other app; it has no tables."""

    name = "apps.utils"
    label = "utils"
