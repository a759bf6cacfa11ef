"""The app of teams."""

from __future__ import annotations

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    """Teams, and who belongs to them."""

    name = "apps.teams"
    label = "teams"
    default_auto_field = "django.db.models.BigAutoField"
