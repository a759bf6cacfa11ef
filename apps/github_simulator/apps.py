from __future__ import annotations

from django.apps import AppConfig


class GitHubSimulatorConfig(AppConfig):
    name = "apps.github_simulator"
    label = "github_simulator"
    default_auto_field = "django.db.models.BigAutoField"
