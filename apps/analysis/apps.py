"""The app of analyses of stored pull requests."""

from __future__ import annotations

from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    """Whether pull requests were AI-assisted, and a team's metrics by week."""

    name = "apps.analysis"
    label = "analysis"
    default_auto_field = "django.db.models.BigAutoField"
