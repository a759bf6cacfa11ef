"""The Django app of the simulator, which exists for its management command."""

from __future__ import annotations

from django.apps import AppConfig


class GitHubSimulatorConfig(AppConfig):
    """Registers the app, which has no models."""

    name = "apps.github_simulator"
    label = "github_simulator"
    default_auto_field = "django.db.models.BigAutoField"
