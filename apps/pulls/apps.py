"""The app of stored pull requests."""

from __future__ import annotations

from django.apps import AppConfig


class PullsConfig(AppConfig):
    """Pull requests, reviews, commits and changed files."""

    name = "apps.pulls"
    label = "pulls"
    default_auto_field = "django.db.models.BigAutoField"
