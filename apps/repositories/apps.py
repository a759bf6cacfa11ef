"""The app of connected GitHub accounts and tracked repositories."""

from __future__ import annotations

from django.apps import AppConfig


class RepositoriesConfig(AppConfig):
    """Whose repositories are synced, and with which token."""

    name = "apps.repositories"
    label = "repositories"
    default_auto_field = "django.db.models.BigAutoField"
