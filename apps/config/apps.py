"""The project as a Django application."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project, whose Celery app is there wherever these applications are, so that `@shared_task` finds it."""

    name = "apps.config"
    label = "config"

    def ready(self) -> None:
        """Make the Celery app the process's own."""
        import_module("apps.config.celery")
