"""The project as a Django application."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project; it loads the Celery app along with the applications, so that `@shared_task` finds it."""

    name = "apps.config"
    label = "config"

    def ready(self) -> None:
        """Make our Celery app the process's current one."""
        import_module("apps.config.celery")
