"""Django configuration of the GitHub simulator."""

from __future__ import annotations

from django.apps import AppConfig


class GitHubSimulatorConfig(AppConfig):
    """The app that provides the `github_simulator` command."""

    name = "apps.github_simulator"
    label = "github_simulator"
    default_auto_field = "django.db.models.BigAutoField"
